//! All that one player sees.

use serde::ser::SerializeSeq;
use serde::{Serialize, Serializer};
use sward_protocol::ids::Seat;

use super::World;
use super::entity::{Sees, Shown, Visibility, What};

/// All that one player sees: what `world` of his state is.
#[derive(Debug, Serialize)]
struct Snapshot<'a> {
    tick: u64,
    world: Entities<'a>,
}

#[derive(Debug)]
struct Entities<'a> {
    world: &'a World,
    seat: Seat,
}

impl World {
    /// All that the player on `seat` was shown, with its values of now: the member `world` of the game's state. To
    /// [`Seat::GAME`], what everybody may see: the member `world` of its public state.
    pub fn state(&self, seat: Seat) -> impl Serialize {
        Snapshot { tick: self.tick, world: Entities { world: self, seat } }
    }

    /// Whether the player on `seat` was shown an entity as one that is in sight.
    #[must_use]
    pub fn is_in_sight(&self, seat: Seat, id: super::EntityId) -> bool {
        let own = self.viewers.get(&seat).map_or(Sees::NOTHING, |viewer| viewer.sees(id.0));
        self.entity(id).is_some_and(|entity| entity.shown.and(own).is_near())
    }
}

impl Serialize for Entities<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { world, seat } = *self;
        let viewer = world.viewers.get(&seat);
        let mut list = serializer.serialize_seq(None)?;
        for (id, entity) in world.entities() {
            let own = match viewer.filter(|_| world.frames > 0) {
                Some(viewer) => viewer.sees(id),
                // Nobody watches this world frame by frame, or there was none yet: who looks at it sees what all may see.
                None if seat == Seat::GAME
                    && !matches!(entity.visibility, Visibility::Only(_) | Visibility::Nobody) =>
                {
                    Sees::NEAR
                }
                None => Sees::NOTHING,
            };
            // What he was shown, and still may see: with the values of now he is not told what was hidden since.
            let is_owner = entity.owner == Some(seat);
            let own = if is_owner { own } else { own.without_own() };
            let is_hidden = match &entity.visibility {
                Visibility::Nobody => true,
                Visibility::Only(seats) => !is_owner && !seats.contains(&seat),
                _ => false,
            };
            let sees = if is_hidden { Sees::NOTHING } else { entity.shown.and(own) };
            if !sees.is_nothing() {
                let kind = world.kind_of(entity);
                list.serialize_element(&Shown {
                    id,
                    entity,
                    kind,
                    space: &world.space,
                    what: What::All(sees),
                })?;
            }
        }
        list.end()
    }
}
