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
//! | `things` | what a game does with its entities |
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
mod things;
mod value;
mod viewer;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde::{Deserialize, Serialize};
use sward_protocol::ids::Seat;

use self::entity::{Entity, Sees};
use self::grid::Grid;
use self::viewer::Viewer;

pub use self::entity::Visibility;
pub use self::kind::{FIELDS_MAX, Field, GROUPS_MAX, Group, KINDS_MAX, Kind};
pub use self::space::{Place, Space, Turn};
pub use self::value::FieldValue;
pub use self::viewer::Eye;

/// Entities that a world may have.
pub const ENTITIES_MAX: usize = 16_384;

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
