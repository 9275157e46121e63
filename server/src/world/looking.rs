//! Who sees what: of each player, what he sees besides what everybody sees.

use std::collections::BTreeSet;

use sward_protocol::ids::Seat;

use super::entity::{Entity, Sees, Visibility};
use super::grid::{Grid, square_distance};
use super::kind::Kind;
use super::space::Space;
use super::viewer::{Eye, Viewer};
use super::{EntityId, Slot};

/// What everybody sees of an entity, wherever he is.
pub(super) fn seen_by_all(entity: &Entity, kind: &Kind, space: &Space) -> Sees {
    let far = if kind.is_known_to_all() { Sees::FAR } else { Sees::NOTHING };
    match entity.visibility {
        Visibility::Everywhere => Sees::NEAR,
        Visibility::InSight if space.sight().is_none() => Sees::NEAR,
        Visibility::InSight | Visibility::Within(_) => far,
        Visibility::Only(_) | Visibility::Nobody => Sees::NOTHING,
    }
}

/// What there is to be seen.
pub(super) struct Scene<'a> {
    pub(super) space: &'a Space,
    pub(super) kinds: &'a [Kind],
    pub(super) slots: &'a [Slot],
    pub(super) grid: &'a Grid,
    pub(super) special: &'a BTreeSet<u32>,
}

impl Scene<'_> {
    fn entity(&self, id: u32) -> Option<&Entity> {
        match self.slots.get(id as usize) {
            Some(Slot::Live(entity)) => Some(entity),
            _ => None,
        }
    }

    fn is_near_to_all(&self, entity: &Entity) -> bool {
        seen_by_all(entity, &self.kinds[usize::from(entity.kind)], self.space).is_near()
    }
}

/// How much farther than a crowd reached a moment ago it is looked for.
const CROWD_SPARE: f64 = 1.1;

/// What a player saw before.
struct Past<'a> {
    scene: &'a Scene<'a>,
    before: &'a [(u32, Sees)],
}

impl Past<'_> {
    fn had_in_sight(&self, id: u32) -> bool {
        let at = self.before.binary_search_by_key(&id, |(id, _)| *id);
        let own = at.map_or(Sees::NOTHING, |at| self.before[at].1);
        self.scene.entity(id).is_some_and(|entity| entity.shown.and(own).is_near())
    }

    fn is_within(&self, id: u32, square: f64, radius: f64) -> bool {
        let kept = self.scene.space.kept(radius);
        square <= radius * radius || (square <= kept * kept && self.had_in_sight(id))
    }
}

/// The nearest of them, as many as a crowd may have, and the square of the farthest one's distance. What is in sight counts
/// as nearer by the bonus.
fn nearest(past: &Past<'_>, mut near: Vec<(f64, u32)>, most: usize, bonus: f64) -> (Vec<(f64, u32)>, f64) {
    for (square, id) in &mut near {
        if past.had_in_sight(*id) {
            *square /= bonus;
        }
    }
    let nearer = |one: &(f64, u32), other: &(f64, u32)| one.0.total_cmp(&other.0).then(one.1.cmp(&other.1));
    let (_, farthest, _) = near.select_nth_unstable_by(most - 1, nearer);
    let farthest = farthest.0;
    near.truncate(most);
    (near, farthest)
}

impl Viewer {
    fn reach(&self, space: &Space) -> Option<f64> {
        Some(self.sight.unwrap_or(space.sight()?))
    }

    fn point(&self, scene: &Scene<'_>) -> Option<[f64; 3]> {
        match self.eye {
            Eye::At(place) => Some(place.point()),
            Eye::Entity(EntityId(id)) => Some(scene.entity(id)?.place?.point()),
            Eye::Nowhere | Eye::Everywhere => None,
        }
    }

    /// Whether he may see other things than before.
    pub(super) fn is_due(&self, scene: &Scene<'_>, has_changed: bool) -> bool {
        let point = self.point(scene);
        let reach = self.reach(scene.space).map(|radius| scene.space.kept(radius));
        let is_stirred = |point, reach| scene.grid.is_stirred(point, reach);
        self.is_stale
            || self.from != point
            || (self.eye == Eye::Everywhere && has_changed)
            || point.zip(reach).is_some_and(|(point, reach)| is_stirred(point, reach))
    }

    /// Finds out what he sees who saw nothing before.
    pub(super) fn look(&mut self, scene: &Scene<'_>, seat: Seat, owned: impl Iterator<Item = u32>) {
        self.look_again(scene, seat, owned, &[]);
    }

    /// Finds out what he sees; `before` is what he saw.
    pub(super) fn look_again(
        &mut self,
        scene: &Scene<'_>,
        seat: Seat,
        owned: impl Iterator<Item = u32>,
        before: &[(u32, Sees)],
    ) {
        self.is_stale = false;
        self.from = self.point(scene);
        let past = Past { scene, before };
        let mut seen = Vec::with_capacity(before.len() + 8);
        // What everybody has in sight is not told to single players.
        let beyond_all =
            |entity: &Entity, sees: Sees| if scene.is_near_to_all(entity) { sees.own() } else { sees };
        if let (Some(point), Some(radius)) = (self.from, self.reach(scene.space)) {
            seen.extend(self.near(&past, point, radius).into_iter().map(|(_, id)| (id, Sees::NEAR)));
        }
        let everything = if self.eye == Eye::Everywhere { scene.slots } else { &[] };
        for (id, slot) in (0..).zip(everything) {
            if let Slot::Live(entity) = slot
                && !matches!(entity.visibility, Visibility::Only(_) | Visibility::Nobody)
            {
                seen.push((id, beyond_all(entity, Sees::NEAR)));
            }
        }
        for &id in scene.special {
            let Some(entity) = scene.entity(id) else { continue };
            let is_seen = match &entity.visibility {
                Visibility::Only(seats) => seats.contains(&seat),
                Visibility::Within(radius) => self.from.zip(entity.place).is_some_and(|(point, place)| {
                    past.is_within(id, square_distance(point, place.point()), *radius)
                }),
                _ => false,
            };
            if is_seen {
                seen.push((id, Sees::NEAR));
            }
        }
        for id in owned {
            let Some(entity) = scene.entity(id) else { continue };
            if entity.visibility != Visibility::Nobody {
                seen.push((id, beyond_all(entity, Sees::NEAR.and(Sees::OWN))));
            }
        }
        seen.sort_unstable_by_key(|(id, _)| *id);
        seen.dedup_by(|(id, sees), (kept, all)| {
            let is_same = id == kept;
            if is_same {
                *all = all.and(*sees);
            }
            is_same
        });
        seen.retain(|(_, sees)| *sees != Sees::NOTHING);
        self.seen = seen;
    }

    /// What is near enough to be in sight, with the square of its distance; of a crowd the nearest.
    fn near(&mut self, past: &Past<'_>, point: [f64; 3], radius: f64) -> Vec<(f64, u32)> {
        let Scene { space, grid, .. } = past.scene;
        let within = |reach: f64| {
            let mut near = Vec::with_capacity(past.before.len() + 8);
            grid.within(point, reach, |stone, square| {
                if stone.is_plain && past.is_within(stone.id, square, radius) {
                    near.push((square, stone.id));
                }
            });
            near
        };
        let kept = space.kept(radius);
        let Some(most) = space.crowd.map(usize::from) else { return within(kept) };
        let bonus = space.kept(1.0) * space.kept(1.0);
        // In a crowd, they are looked for where the nearest were a moment ago. What is beyond cannot be among them if they are
        // nearer than it, even with the bonus of what is in sight.
        if let Some(square) = self.crowded {
            let reach = kept.min(space.kept(square.sqrt()) * CROWD_SPARE);
            let near = within(reach);
            if near.len() >= most {
                let (near, farthest) = nearest(past, near, most, bonus);
                if farthest < reach * reach / bonus {
                    self.crowded = Some(farthest);
                    return near;
                }
            }
        }
        let near = within(kept);
        self.crowded = None;
        if near.len() <= most {
            return near;
        }
        let (near, farthest) = nearest(past, near, most, bonus);
        self.crowded = Some(farthest);
        near
    }
}
