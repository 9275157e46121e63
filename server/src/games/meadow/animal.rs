//! What an animal has, where it is, and how far it may have walked.

use serde::{Deserialize, Serialize};

use super::options::Options;
use super::{Meadow, not_here};
use crate::game::{Random, Reply, Seat, done};
use crate::world::{EntityId, Field, Kind, Place, World, WorldFull};

pub(super) const SEAT: Field<Seat> = Field::new("seat");
/// Flowers that it picked.
pub(super) const BASKET: Field<u32> = Field::new("basket");
/// How many things it carries.
pub(super) const CARRIES: Field<u8> = Field::new("carries");
/// Which, in the order in which they were taken; for its player alone.
pub(super) const BAG: Field<Vec<EntityId>> = Field::new("bag");

/// Units per second.
pub(super) const SPEED: f64 = 240.0;
/// How much walking may be saved up, in units: a second's worth, so that late batches on a slow network are no cheating.
const STRIDE_MAX: f64 = SPEED;
/// What rounding on both sides may add up to.
const SLACK: f64 = 0.2;

/// A place on the field.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// To the right, from 0.
    pub x: f64,
    /// Down, from 0.
    pub y: f64,
}

impl From<Point> for Place {
    fn from(Point { x, y }: Point) -> Self {
        Self::flat(x, y)
    }
}

impl From<Place> for Point {
    fn from(Place { x, y, .. }: Place) -> Self {
        Self { x, y }
    }
}

impl Point {
    fn distance(self, other: Self) -> f64 {
        // `sqrt` is exact by IEEE 754, and so the same on every platform; `hypot` is not.
        let (dx, dy) = (other.x - self.x, other.y - self.y);
        (dx * dx + dy * dy).sqrt()
    }

    /// To a tenth of a unit: finer than a screen shows, half the bytes.
    pub(super) fn rounded(self) -> Self {
        Self { x: (self.x * 10.0).round() / 10.0, y: (self.y * 10.0).round() / 10.0 }
    }
}

/// One player's animal: what nobody sees of it. The rest is its entity's.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Animal {
    pub(super) entity: EntityId,
    pub(super) may_emote_ms: u64,
    stride: f64,
    walked_ms: u64,
}

impl Animal {
    pub(super) fn kind() -> Kind {
        Kind::new("animal").with(SEAT).with(BASKET).with(CARRIES).with_own(BAG)
    }

    /// A new animal, near the middle of the field unless the room's creator said otherwise.
    pub(super) fn born(
        world: &mut World,
        seat: Seat,
        options: &Options,
        random: &mut Random,
        now_ms: u64,
    ) -> Result<Self, WorldFull> {
        let entity = world.spawn("animal")?;
        world.set(entity, SEAT, seat);
        world.set(entity, BASKET, 0);
        world.set(entity, CARRIES, 0);
        world.set(entity, BAG, Vec::new());
        world.set_owner(entity, Some(seat));
        world.put(entity, options.middle(random).into());
        Ok(Self { entity, may_emote_ms: 0, stride: STRIDE_MAX, walked_ms: now_ms })
    }

    /// Walks from `at` towards `wish` as far as time and field allow. Where it came to, and whether that is its wish.
    fn walk(&mut self, at: Point, wish: Point, options: &Options, now_ms: u64) -> (Point, bool) {
        #[expect(clippy::cast_precision_loss, reason = "milliseconds between two moves fit a double")]
        let seconds = now_ms.saturating_sub(self.walked_ms) as f64 / 1000.0;
        self.walked_ms = now_ms;
        self.stride = (self.stride + SPEED * seconds).min(STRIDE_MAX);
        let goal = options.nearest(wish);
        let distance = at.distance(goal);
        if distance <= self.stride + SLACK {
            self.stride = (self.stride - distance).max(0.0);
            return (goal, goal == wish);
        }
        let part = self.stride / distance;
        self.stride = 0.0;
        (Point { x: at.x + (goal.x - at.x) * part, y: at.y + (goal.y - at.y) * part }, false)
    }
}

impl Meadow {
    /// Where the animal on this seat is.
    pub(super) fn place(&self, seat: Seat) -> Option<Point> {
        self.world.place(self.animals.get(&seat)?.entity).map(Point::from)
    }

    pub(super) fn walk(&mut self, now_ms: u64, seat: Seat, wish: Point) -> Reply {
        let animal = self.animals.get_mut(&seat).ok_or_else(not_here)?;
        let at = self.world.place(animal.entity).map(Point::from).ok_or_else(not_here)?;
        let (at, is_there) = animal.walk(at, wish, &self.options, now_ms);
        self.world.put(animal.entity, at.into());
        if !is_there {
            self.placed.insert(seat);
        }
        done()
    }
}
