//! Who may not come back into a room, and who says so.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};
use sward_protocol::ids::PlayerId;

/// Players that one room remembers as banned by its owner, and as many by the operator; of more, the oldest is forgotten.
pub const BANS_MAX: usize = 256;

/// Who bans.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Banner {
    /// Whoever owns the room at the time; each owner may lift what another did.
    Owner,
    /// The operator: no owner lifts it, nor crowds it out with bans of his own.
    Operator,
}

/// Who may not come back, oldest first: few enough to be looked through.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Bans {
    owner: VecDeque<PlayerId>,
    operator: VecDeque<PlayerId>,
}

impl Bans {
    /// Bans a player. Whether another was forgotten for that.
    pub fn add(&mut self, id: PlayerId, by: Banner) -> bool {
        let banned = match by {
            Banner::Owner => &mut self.owner,
            Banner::Operator => &mut self.operator,
        };
        banned.retain(|banned| *banned != id);
        banned.push_back(id);
        banned.len() > BANS_MAX && banned.pop_front().is_some()
    }

    /// The owner lets a player come back. False where the operator keeps him out: nothing changed.
    pub fn lift(&mut self, id: PlayerId) -> bool {
        if self.operator.contains(&id) {
            return false;
        }
        self.owner.retain(|banned| *banned != id);
        true
    }

    /// Whether he may not come back.
    #[must_use]
    pub fn has(&self, id: PlayerId) -> bool {
        self.owner.contains(&id) || self.operator.contains(&id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sward_protocol::ids::NodeId;

    fn id(number: usize) -> PlayerId {
        PlayerId::from_random(NodeId(0), number as u128)
    }

    #[test]
    fn the_oldest_ban_is_forgotten_past_the_bound() {
        let mut bans = Bans::default();
        assert!((0..BANS_MAX).all(|number| !bans.add(id(number), Banner::Owner)));
        assert!(!bans.add(id(0), Banner::Owner), "who is banned again counts once");
        assert!(bans.add(id(BANS_MAX), Banner::Owner));
        assert!(bans.has(id(0)) && !bans.has(id(1)) && bans.has(id(BANS_MAX)));
        assert!(bans.lift(id(0)));
        assert!(!bans.has(id(0)));
        assert_eq!(bans.owner.len(), BANS_MAX - 1);
    }

    #[test]
    fn an_owner_neither_lifts_nor_crowds_out_what_the_operator_did() {
        let mut bans = Bans::default();
        bans.add(id(0), Banner::Operator);
        assert!((0..=BANS_MAX).filter(|&number| bans.add(id(number), Banner::Owner)).count() == 1);
        assert!(!bans.lift(id(0)) && bans.has(id(0)));
    }
}
