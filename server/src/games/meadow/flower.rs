//! Flowers: picked, they grow again.

use serde::Serialize;

use super::animal::{BASKET, Point};
use super::{Meadow, REACH, not_here};
use crate::game::{Random, Reply, Room, Seat, refuse, reply};
use crate::world::{EntityId, Field, Group, Kind, Place, World, WorldFull};

/// Which of the kinds it is of.
const KIND: Field<u32> = Field::new("kind");
const OPEN: Field<bool> = Field::new("open");
/// Who picked it, while it is not open.
const BY: Field<Option<Seat>> = Field::new("by");

const KINDS: u32 = 5;
const GROWS_MS_MIN: u64 = 8_000;
const GROWS_MS_SPREAD: u32 = 12_001;

/// Where a flower grows, open or not.
#[derive(Serialize)]
pub(super) struct Spot {
    id: EntityId,
    #[serde(flatten)]
    at: Point,
    kind: u32,
}

#[derive(Serialize)]
struct Picked {
    flower: EntityId,
    basket: u32,
}

pub(super) fn kind() -> Kind {
    Kind::new("flower").with(KIND).with_group(Group::in_sight().with(OPEN).with(BY))
}

/// A flower, open.
pub(super) fn sow(world: &mut World, at: Point, random: &mut Random) -> Result<(), WorldFull> {
    let flower = world.spawn("flower")?;
    world.set(flower, KIND, random.below(KINDS));
    world.set(flower, OPEN, true);
    world.put(flower, Place::from(at));
    Ok(())
}

impl Meadow {
    /// Where all flowers are.
    pub(super) fn spots(&self) -> impl Iterator<Item = Spot> {
        self.world.of_kind("flower").filter_map(|id| {
            Some(Spot { id, at: self.world.place(id)?.into(), kind: self.world.get(id, KIND)? })
        })
    }

    /// A flower closes, and opens again after 8–20 s.
    pub(super) fn pick(&mut self, room: &mut Room<'_>, seat: Seat, flower: EntityId) -> Reply {
        let animal = self.animals.get(&seat).ok_or_else(not_here)?.entity;
        let world = &mut self.world;
        if world.kind(flower) != Some("flower") {
            return refuse("no_such_flower", "there is no such flower");
        }
        if world.get(flower, OPEN) != Some(true) {
            return refuse("already_picked", "somebody was faster; it will grow again");
        }
        if world.distance(animal, flower).is_none_or(|distance| distance > REACH) {
            return refuse("too_far", "walk nearer first");
        }
        world.set(flower, OPEN, false);
        world.set(flower, BY, Some(seat));
        let opens_ms = room.now_ms() + GROWS_MS_MIN + u64::from(room.random().below(GROWS_MS_SPREAD));
        self.growing.insert((opens_ms, flower));
        let basket = world.get(animal, BASKET).unwrap_or_default().saturating_add(1);
        world.set(animal, BASKET, basket);
        reply(&Picked { flower, basket })
    }

    /// Opens the flowers whose time it is.
    pub(super) fn grow(&mut self, now_ms: u64) {
        while self.growing.first().is_some_and(|(opens_ms, _)| *opens_ms <= now_ms) {
            if let Some((_, flower)) = self.growing.pop_first() {
                self.world.set(flower, OPEN, true);
                self.world.set(flower, BY, None);
            }
        }
    }
}
