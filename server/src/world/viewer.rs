//! What one player sees of the world, besides what everybody sees.

use serde::{Deserialize, Serialize};

use super::EntityId;
use super::entity::Sees;
use super::space::Place;

/// From where a player sees.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Eye {
    /// From nowhere: he sees what everybody sees, and what he owns.
    #[default]
    Nowhere,
    /// From where this entity is; from nowhere while it has no place, or is no more.
    Entity(EntityId),
    /// From this place.
    At(Place),
    /// He sees everything that anybody may see.
    Everywhere,
}

impl Eye {
    /// The same; from nowhere, if its place is none.
    pub(super) fn finite(self) -> Self {
        match self {
            Self::At(place) if !place.is_finite() => Self::Nowhere,
            eye => eye,
        }
    }
}

/// A player who sees the world.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Viewer {
    pub(super) eye: Eye,
    /// How far he sees; `None`: as the space says.
    pub(super) sight: Option<f64>,
    /// What he sees besides what everybody sees, as of the last frame, by id.
    pub(super) seen: Vec<(u32, Sees)>,
    /// From where that was.
    pub(super) from: Option<[f64; 3]>,
    /// Within what square of a distance the nearest were that are as many as a crowd may have, if they were so many: where to
    /// look for them first. What is found is the same without it.
    #[serde(skip)]
    pub(super) crowded: Option<f64>,
    /// Whether it must be found out anew, even if nothing has moved.
    pub(super) is_stale: bool,
}

impl Viewer {
    pub(super) fn new(eye: Eye) -> Self {
        Self { eye, sight: None, seen: Vec::new(), from: None, crowded: None, is_stale: true }
    }

    pub(super) fn sees(&self, id: u32) -> Sees {
        self.seen.binary_search_by_key(&id, |(id, _)| *id).map_or(Sees::NOTHING, |at| self.seen[at].1)
    }
}

/// Walks two lists of what is seen, before and now, side by side.
pub(super) fn both<'a>(
    before: &'a [(u32, Sees)],
    now: &'a [(u32, Sees)],
) -> impl Iterator<Item = (u32, Sees, Sees)> + use<'a> {
    let (mut before, mut now) = (before.iter().copied().peekable(), now.iter().copied().peekable());
    std::iter::from_fn(move || {
        let id = match (before.peek(), now.peek()) {
            (Some((before, _)), Some((now, _))) => *before.min(now),
            (Some((id, _)), None) | (None, Some((id, _))) => *id,
            (None, None) => return None,
        };
        let of = |list: &mut std::iter::Peekable<std::iter::Copied<std::slice::Iter<'a, (u32, Sees)>>>| {
            list.next_if(|(other, _)| *other == id).map_or(Sees::NOTHING, |(_, sees)| sees)
        };
        Some((id, of(&mut before), of(&mut now)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_lists_are_walked_side_by_side() {
        let (near, own) = (Sees::NEAR, Sees::OWN);
        let pairs: Vec<_> =
            both(&[(1, near), (3, near), (9, own)], &[(2, own), (3, own), (10, near)]).collect();
        let nothing = Sees::NOTHING;
        assert_eq!(
            pairs,
            [(1, near, nothing), (2, nothing, own), (3, near, own), (9, own, nothing), (10, nothing, near)]
        );
        assert_eq!(both(&[], &[]).count(), 0);
    }
}
