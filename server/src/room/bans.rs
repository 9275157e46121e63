//! Who may not come back into a room.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};
use sward_protocol::ids::PlayerId;

/// Players that one room remembers as banned; of more, the oldest is forgotten.
pub const BANS_MAX: usize = 256;

/// Who may not come back, oldest first: few enough to be looked through.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Bans(VecDeque<PlayerId>);

impl Bans {
    /// Bans a player. Whether another was forgotten for that.
    pub fn add(&mut self, id: PlayerId) -> bool {
        self.remove(id);
        self.0.push_back(id);
        self.0.len() > BANS_MAX && self.0.pop_front().is_some()
    }

    /// Lets a player come back.
    pub fn remove(&mut self, id: PlayerId) {
        self.0.retain(|banned| *banned != id);
    }

    /// Whether he may not come back.
    #[must_use]
    pub fn has(&self, id: PlayerId) -> bool {
        self.0.contains(&id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sward_protocol::ids::NodeId;

    #[test]
    fn the_oldest_ban_is_forgotten_past_the_bound() {
        let id = |number: usize| PlayerId::from_random(NodeId(0), number as u128);
        let mut bans = Bans::default();
        assert!((0..BANS_MAX).all(|number| !bans.add(id(number))));
        assert!(!bans.add(id(0)), "who is banned again counts once");
        assert!(bans.add(id(BANS_MAX)));
        assert!(bans.has(id(0)) && !bans.has(id(1)) && bans.has(id(BANS_MAX)));
        bans.remove(id(0));
        assert!(!bans.has(id(0)));
        assert_eq!(bans.0.len(), BANS_MAX - 1);
    }
}
