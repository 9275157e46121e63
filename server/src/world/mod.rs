//! Replicated entities: a game says what there is, each player is told what he can see of it, and only what changed. Pure.
//!
//! ```
//! use sward_server::game::Seat;
//! use sward_server::world::{Eye, Field, Kind, Place, Space, World};
//!
//! const SEAT: Field<Seat> = Field::new("seat");
//! const BASKET: Field<u32> = Field::new("basket");
//!
//! let field = Space::flat(8_000.0, 6_000.0).with_sight(900.0);
//! let mut world = World::new(field, [Kind::new("animal").with(SEAT).with(BASKET)]);
//! let fox = world.spawn("animal").unwrap();
//! world.set(fox, SEAT, Seat(3));
//! world.put(fox, Place::flat(104.5, 88.0));
//! assert_eq!(world.get(fox, SEAT), Some(Seat(3)));
//! ```
//!
//! In [`Game::join`](crate::Game::join) a game calls [`World::welcome`], at the end of each tick [`World::show`], and in
//! [`Game::state`](crate::Game::state) it has a member `world`, which is [`World::state`]. `docs/world.md` has what goes
//! over the wire, and what it costs.
//!
//! | module | what it holds |
//! |---|---|
//! | `kind`, `value` | kinds of entities and their fields; what a field can hold |
//! | `space` | places, and how far players see |
//! | `entity` | one entity: its fields, what of them changed, and its pieces |
//! | `grid` | what is near a place |
//! | `viewer`, `looking` | a player, and what he sees |
//! | `showing` | what changed, for whom |
//! | [`frame`] | the outcome, for the fan-out: each change encoded once, and who sees which |
//! | `state` | all that one player sees |

mod entity;
pub mod frame;
mod grid;
mod kind;
mod looking;
mod showing;
mod space;
mod state;
#[cfg(test)]
mod tests;
mod value;
mod viewer;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde::{Deserialize, Serialize};
use sward_protocol::ids::Seat;

use self::entity::{Entity, Sees};
use self::frame::PieceKey;
use self::grid::{Grid, Stone, square_distance};
use self::viewer::Viewer;

pub use self::entity::Visibility;
pub use self::kind::{FIELDS_MAX, Field, GROUPS_MAX, Group, KINDS_MAX, Kind};
pub use self::space::{Place, Space, Turn};
pub use self::value::FieldValue;
pub use self::viewer::Eye;

/// Entities that a world may have.
pub const ENTITIES_MAX: usize = 16_384;
/// Refused values that are told of one frame.
const REFUSED_MAX: usize = 100;
/// So many ids are let go of before the first of them is given again: a page that is a little behind means no other thing.
const FREE_IDS_MIN: usize = 256;

/// An entity's id, below 2^32. It is given again to another when it is no more, but not soon.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EntityId(pub u32);

/// There are [`ENTITIES_MAX`] entities.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a world has at most {ENTITIES_MAX} entities")]
pub struct WorldFull;

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Slot {
    Free,
    Live(Box<Entity>),
    /// Removed since the last frame, which showed so much of it to everybody.
    Gone(Sees),
}

/// Entities, and who sees which of them. See the [module](self).
///
/// It is a plain value: a game that saves itself saves it too, and one that was restored goes on as this one would.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct World {
    space: Space,
    kinds: Vec<Kind>,
    slots: Vec<Slot>,
    /// Those that may be given again, the one that is free for longest first.
    free: VecDeque<u32>,
    viewers: BTreeMap<Seat, Viewer>,
    owned: BTreeMap<Seat, BTreeSet<u32>>,
    /// Those whose visibility is not for the grid to find out.
    special: BTreeSet<u32>,
    /// Calls of [`World::show`].
    tick: u64,
    /// Frames that were made, those between two ticks included.
    frames: u64,
    /// Values that were refused since the last one, and why.
    refused: Vec<String>,
    #[serde(skip)]
    transient: Transient,
}

/// What can be made anew.
#[derive(Debug, Clone)]
struct Transient {
    grid: Option<Grid>,
    /// Whether something moved since the grid was filled.
    is_moved: bool,
    /// What changed since the last frame, some of it twice; `None`: it must be looked for.
    touched: Option<Vec<u32>>,
    /// Whether each viewer must look again.
    is_recast: bool,
    /// Whether anything moved since the last frame.
    is_stirred: bool,
}

impl Default for Transient {
    fn default() -> Self {
        Self { grid: None, is_moved: true, touched: None, is_recast: true, is_stirred: true }
    }
}

impl World {
    /// A world without entities.
    ///
    /// # Panics
    /// If a kind breaks a rule: a name that is none, two fields or two kinds of the same name, more than
    /// [`FIELDS_MAX`], [`GROUPS_MAX`] or [`KINDS_MAX`].
    #[must_use]
    pub fn new(space: Space, kinds: impl IntoIterator<Item = Kind>) -> Self {
        let kinds: Vec<Kind> = kinds.into_iter().collect();
        assert!(kinds.len() <= KINDS_MAX, "more than {KINDS_MAX} kinds");
        for (index, kind) in kinds.iter().enumerate() {
            kind.check();
            assert!(
                !kinds[..index].iter().any(|other| other.name() == kind.name()),
                "two kinds {}",
                kind.name()
            );
        }
        Self {
            space,
            kinds,
            slots: Vec::new(),
            free: VecDeque::new(),
            viewers: BTreeMap::new(),
            owned: BTreeMap::new(),
            special: BTreeSet::new(),
            tick: 0,
            frames: 0,
            refused: Vec::new(),
            transient: Transient { touched: Some(Vec::new()), ..Transient::default() },
        }
    }

    /// The same for a game that shows its rooms to everybody ([`Settings::public`](crate::game::Settings::public)): those
    /// who watch without a seat see all that anybody may see.
    #[must_use]
    pub fn with_watchers(mut self) -> Self {
        self.viewers.insert(Seat::GAME, Viewer::new(Eye::Everywhere));
        self
    }

    /// How often the world was [shown](World::show). A newcomer makes frames in between, of the same number.
    #[must_use]
    pub fn ticks(&self) -> u64 {
        self.tick
    }

    /// The space.
    #[must_use]
    pub fn space(&self) -> &Space {
        &self.space
    }

    /// How many entities there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entities().count()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entities().next().is_none()
    }

    /// All entities, by id.
    pub fn ids(&self) -> impl Iterator<Item = EntityId> {
        self.entities().map(|(id, _)| EntityId(id))
    }

    /// The entities of one kind, by id.
    pub fn of_kind(&self, kind: &str) -> impl Iterator<Item = EntityId> {
        let wanted = self.kinds.iter().position(|known| known.name() == kind);
        let is_one = move |entity: &Entity| Some(usize::from(entity.kind)) == wanted;
        self.entities().filter(move |(_, entity)| is_one(entity)).map(|(id, _)| EntityId(id))
    }

    fn entities(&self) -> impl Iterator<Item = (u32, &Entity)> + Clone {
        (0..).zip(&self.slots).filter_map(|(id, slot)| match slot {
            Slot::Live(entity) => Some((id, &**entity)),
            _ => None,
        })
    }

    fn entity(&self, EntityId(id): EntityId) -> Option<&Entity> {
        match self.slots.get(id as usize) {
            Some(Slot::Live(entity)) => Some(entity),
            _ => None,
        }
    }

    fn kind_of(&self, entity: &Entity) -> &Kind {
        &self.kinds[usize::from(entity.kind)]
    }
}

/// What there is.
impl World {
    /// A new entity, without fields and without a place.
    ///
    /// # Errors
    /// [`WorldFull`].
    ///
    /// # Panics
    /// If there is no such kind.
    pub fn spawn(&mut self, kind: &str) -> Result<EntityId, WorldFull> {
        let known = self.kinds.iter().position(|known| known.name() == kind);
        let Some(kind) = known else { panic!("the world has no kind {kind}") };
        let is_given_again = self.free.len() > FREE_IDS_MIN || self.slots.len() >= ENTITIES_MAX;
        let id = match is_given_again.then(|| self.free.pop_front()).flatten() {
            Some(id) => id,
            None if self.slots.len() >= ENTITIES_MAX => return Err(WorldFull),
            None => {
                self.slots.push(Slot::Free);
                u32::try_from(self.slots.len() - 1).map_err(|_| WorldFull)?
            }
        };
        let of = &self.kinds[kind];
        // There are at most 64 kinds.
        let entity = Entity::new(u8::try_from(kind).unwrap_or_default(), of);
        self.slots[id as usize] = Slot::Live(Box::new(entity));
        self.touch(id, PieceKey::BEING);
        Ok(EntityId(id))
    }

    /// Whether there is such an entity.
    #[must_use]
    pub fn has(&self, id: EntityId) -> bool {
        self.entity(id).is_some()
    }

    /// Removes an entity. Whether there was one.
    pub fn remove(&mut self, id: EntityId) -> bool {
        if !self.has(id) {
            return false;
        }
        self.set_owner(id, None);
        self.set_visibility(id, Visibility::InSight);
        self.clear_place(id);
        // Whoever sees from there does not see from what has its id later.
        for viewer in self.viewers.values_mut().filter(|viewer| viewer.eye == Eye::Entity(id)) {
            (viewer.eye, viewer.is_stale) = (Eye::Nowhere, true);
        }
        let EntityId(number) = id;
        self.touch(number, PieceKey::BEING);
        let shown = self.entity(id).map_or(Sees::NOTHING, |entity| entity.shown);
        self.slots[number as usize] = Slot::Gone(shown);
        true
    }

    /// What kind an entity is of.
    #[must_use]
    pub fn kind(&self, id: EntityId) -> Option<&str> {
        self.entity(id).map(|entity| self.kind_of(entity).name())
    }

    /// The value of a field; `None` if it was never set, or there is no such entity.
    ///
    /// # Panics
    /// If its kind has no such field.
    #[must_use]
    pub fn get<T: FieldValue>(&self, id: EntityId, field: Field<T>) -> Option<T> {
        let entity = self.entity(id)?;
        let at = find(self.kind_of(entity), field.name);
        T::read(entity.value(at.field))
    }

    /// Sets a field. Whether that changed anything: false as well if there is no such entity.
    ///
    /// A value that cannot travel is refused, and the entity has no such field then: one that is nested more than 24 deep,
    /// or that would have the fields that travel with it be more than 16 KiB of JSON. That is logged with the next frame, as
    /// an event that is dropped.
    ///
    /// # Panics
    /// If its kind has no such field.
    pub fn set<T: FieldValue>(&mut self, id: EntityId, field: Field<T>, value: T) -> bool {
        let EntityId(number) = id;
        let Some(Slot::Live(entity)) = self.slots.get_mut(number as usize) else { return false };
        let at = find(&self.kinds[usize::from(entity.kind)], field.name);
        let before = entity.changed;
        let mut value = value.store(field.decimals);
        if let Some(why) = entity.refusal(&self.kinds[usize::from(entity.kind)], at, &value) {
            value = value::Value::Null;
            if self.refused.len() < REFUSED_MAX {
                self.refused.push(format!("{} of entity {number}: {why}", field.name));
            }
        }
        let changes = entity.set(at.field, at.group, value);
        if changes && before == 0 {
            note(&mut self.transient.touched, number);
        }
        changes
    }

    /// Where an entity is; `None` if it is nowhere, or there is none.
    #[must_use]
    pub fn place(&self, id: EntityId) -> Option<Place> {
        self.entity(id)?.place
    }

    /// Puts an entity somewhere, however far away. Whether there is one; a place that is not finite is none, and it stays
    /// where it was.
    pub fn put(&mut self, id: EntityId, place: Place) -> bool {
        place.is_finite() && self.move_to(id, Some(place))
    }

    /// Has an entity be nowhere: nobody has it in sight who does not see it everywhere. Whether there is one.
    pub fn clear_place(&mut self, id: EntityId) -> bool {
        self.move_to(id, None)
    }

    fn move_to(&mut self, EntityId(id): EntityId, place: Option<Place>) -> bool {
        let Some(Slot::Live(entity)) = self.slots.get_mut(id as usize) else { return false };
        let transient = &mut self.transient;
        let (from, to) = (entity.place.map(|place| place.point()), place.map(|place| place.point()));
        if from != to {
            (transient.is_moved, transient.is_stirred) = (true, true);
            if let Some(grid) = &mut transient.grid {
                from.into_iter().chain(to).for_each(|point| grid.stir(point));
            }
        }
        let before = entity.changed;
        if entity.put(place, &self.space) && before == 0 {
            note(&mut transient.touched, id);
        }
        true
    }

    /// Whose an entity is.
    #[must_use]
    pub fn owner(&self, id: EntityId) -> Option<Seat> {
        self.entity(id)?.owner
    }

    /// Says whose an entity is: its owner always has it in sight, and sees the fields that are for him alone. Whether there
    /// is one.
    pub fn set_owner(&mut self, id: EntityId, owner: Option<Seat>) -> bool {
        let EntityId(number) = id;
        let Some(Slot::Live(entity)) = self.slots.get_mut(number as usize) else { return false };
        let before = std::mem::replace(&mut entity.owner, owner);
        if before == owner {
            return true;
        }
        if let Some(seat) = before {
            let owned = self.owned.entry(seat).or_default();
            owned.remove(&number);
            if owned.is_empty() {
                self.owned.remove(&seat);
            }
        }
        if let Some(seat) = owner {
            self.owned.entry(seat).or_default().insert(number);
        }
        for seat in before.into_iter().chain(owner) {
            if let Some(viewer) = self.viewers.get_mut(&seat) {
                viewer.is_stale = true;
            }
        }
        self.touch(number, PieceKey::BEING);
        true
    }

    /// Says who sees an entity. Whether there is one.
    pub fn set_visibility(&mut self, id: EntityId, visibility: Visibility) -> bool {
        let EntityId(number) = id;
        let Some(Slot::Live(entity)) = self.slots.get_mut(number as usize) else { return false };
        // A saved world has no infinity.
        let visibility = match visibility {
            Visibility::Within(radius) => Visibility::Within(radius.clamp(0.0, f64::MAX)),
            other => other,
        };
        if entity.visibility == visibility {
            return true;
        }
        if matches!(visibility, Visibility::Only(_) | Visibility::Within(_)) {
            self.special.insert(number);
        } else {
            self.special.remove(&number);
        }
        entity.visibility = visibility;
        (self.transient.is_recast, self.transient.is_moved) = (true, true);
        self.touch(number, PieceKey::BEING);
        true
    }

    /// What is no farther from a place than `radius`, by id.
    pub fn near(&mut self, place: Place, radius: f64) -> Vec<EntityId> {
        let mut found = Vec::new();
        self.grid().within(place.point(), radius, |stone, _| found.push(EntityId(stone.id)));
        found.sort_unstable();
        found
    }

    /// How far apart two entities are; `None` unless both have a place.
    #[must_use]
    pub fn distance(&self, one: EntityId, other: EntityId) -> Option<f64> {
        // `sqrt` is exact by IEEE 754, and so the same on every platform.
        Some(square_distance(self.place(one)?.point(), self.place(other)?.point()).sqrt())
    }

    fn touch(&mut self, id: u32, group: u8) {
        let Some(Slot::Live(entity)) = self.slots.get_mut(id as usize) else { return };
        if entity.changed == 0 {
            note(&mut self.transient.touched, id);
        }
        entity.touch(group);
    }

    /// Where everything is now.
    fn grid(&mut self) -> &Grid {
        let Self { space, slots, transient, .. } = self;
        let Transient { grid, is_moved, is_recast, .. } = transient;
        let grid = grid.get_or_insert_with(|| {
            // Nothing was noted of what stirred.
            (*is_moved, *is_recast) = (true, true);
            Grid::new(space, space.sight().map_or(1.0, |radius| space.kept(radius)))
        });
        if std::mem::take(is_moved) {
            grid.fill((0..).zip(&*slots).filter_map(|(id, slot)| match slot {
                Slot::Live(entity) => Some(Stone {
                    id,
                    at: entity.place?.point(),
                    is_plain: entity.visibility == Visibility::InSight,
                }),
                _ => None,
            }));
        }
        grid
    }
}

fn note(touched: &mut Option<Vec<u32>>, id: u32) {
    if let Some(touched) = touched {
        touched.push(id);
    }
}

fn find(kind: &Kind, name: &str) -> kind::At {
    match kind.find(name) {
        Some(at) => at,
        None => panic!("the kind {} has no field {name}", kind.name()),
    }
}
