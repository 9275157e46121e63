//! Who has what in sight, told independently.

use super::*;

/// Who has what in sight, found out by a look at everything.
#[derive(Default)]
pub(super) struct Naive {
    pub(super) eyes: BTreeMap<Seat, Eye>,
    in_sight: BTreeSet<(Seat, EntityId)>,
}

impl Naive {
    pub(super) fn look(&mut self, world: &World) {
        let pairs = self.eyes.iter().flat_map(|(&seat, eye)| world.ids().map(move |id| (seat, eye, id)));
        let now = pairs.filter(|(seat, eye, id)| self.is_in_sight(world, *seat, eye, *id));
        self.in_sight = now.map(|(seat, _, id)| (seat, id)).collect();
    }

    fn is_in_sight(&self, world: &World, seat: Seat, eye: &Eye, id: EntityId) -> bool {
        let entity = world.entity(id).unwrap();
        let from = match eye {
            Eye::Entity(id) => world.place(*id),
            Eye::At(place) => Some(*place),
            Eye::Nowhere | Eye::Everywhere => None,
        };
        let distance = from
            .zip(entity.place)
            .map(|(from, at)| ((from.x - at.x) * (from.x - at.x) + (from.y - at.y) * (from.y - at.y)).sqrt());
        let is_within = |radius: f64| {
            let reach = if self.in_sight.contains(&(seat, id)) { radius * KEPT } else { radius };
            *eye == Eye::Everywhere || distance.is_some_and(|distance| distance <= reach)
        };
        let is_seen = match &entity.visibility {
            Visibility::InSight => is_within(SIGHT),
            Visibility::Within(radius) => is_within(*radius),
            Visibility::Everywhere => true,
            Visibility::Only(seats) => seats.contains(&seat),
            Visibility::Nobody => return false,
        };
        is_seen || entity.owner == Some(seat)
    }

    pub(super) fn check(&self, world: &World) {
        if world.space.crowd.is_some()
            || world.space.sight().is_none()
            || world.space.is_solid()
            || world.viewers.values().any(|viewer| viewer.sight.is_some())
        {
            return;
        }
        for &seat in self.eyes.keys() {
            for id in world.ids() {
                let wanted = self.in_sight.contains(&(seat, id));
                assert_eq!(world.is_in_sight(seat, id), wanted, "{seat} and {id:?}, {:?}", world.entity(id));
            }
        }
    }
}
