//! What a game does with its entities, and asks of them.

use sward_protocol::ids::Seat;

use super::entity::{Entity, Sees, Visibility};
use super::frame::PieceKey;
use super::grid::{Grid, Stone, square_distance};
use super::kind::{At, Field, Kind};
use super::value::{FieldValue, Value};
use super::{ENTITIES_MAX, EntityId, Eye, Place, Slot, Transient, World, WorldFull};

/// Refused values that are told of one frame.
const REFUSED_MAX: usize = 100;
/// So many ids are let go of before the first of them is given again: a page that is a little behind means no other thing.
pub(super) const FREE_IDS_MIN: usize = 256;

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
            value = Value::Null;
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
    pub(super) fn grid(&mut self) -> &Grid {
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

fn find(kind: &Kind, name: &str) -> At {
    match kind.find(name) {
        Some(at) => at,
        None => panic!("the kind {} has no field {name}", kind.name()),
    }
}
