//! Admissions that were promised: a pass lets one player into one room, once. Pure.

use std::collections::BTreeMap;

use sward_protocol::ids::{PlayerId, RoomId};

/// Passes that one player holds; a further one takes the place of the oldest.
pub const PER_PLAYER_MAX: usize = 4;

#[derive(Debug, Clone, PartialEq, Eq)]
struct Pass {
    room: RoomId,
    secret: String,
    until_ms: u64,
}

/// All passes. There are no more players in it than there are sessions: each is forgotten with its own.
#[derive(Debug, Default)]
pub struct Passes(BTreeMap<PlayerId, Vec<Pass>>);

impl Passes {
    /// Promises the player a place in the room, until then; in place of what he was promised there before.
    pub fn issue(&mut self, player: PlayerId, room: RoomId, secret: String, until_ms: u64) {
        let passes = self.0.entry(player).or_default();
        passes.retain(|pass| pass.room != room);
        if passes.len() >= PER_PLAYER_MAX {
            passes.remove(0);
        }
        passes.push(Pass { room, secret, until_ms });
    }

    /// Whether the player may come into the room with this.
    #[must_use]
    pub fn admits(&self, player: PlayerId, room: RoomId, secret: &str, now_ms: u64) -> bool {
        let valid = |pass: &Pass| pass.room == room && pass.secret == secret && now_ms < pass.until_ms;
        self.0.get(&player).is_some_and(|passes| passes.iter().any(valid))
    }

    /// He is in, or is not to come any more.
    pub fn revoke(&mut self, player: PlayerId, room: RoomId) {
        if let Some(passes) = self.0.get_mut(&player) {
            passes.retain(|pass| pass.room != room);
            if passes.is_empty() {
                self.0.remove(&player);
            }
        }
    }

    /// His session is over.
    pub fn forget(&mut self, player: PlayerId) {
        self.0.remove(&player);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sward_protocol::ids::NodeId;

    fn room(number: u128) -> RoomId {
        RoomId::from_random(NodeId(0), number)
    }

    #[test]
    fn a_pass_is_for_one_player_one_room_and_a_time() {
        let (zoe, bo) = (PlayerId::from_random(NodeId(0), 1), PlayerId::from_random(NodeId(0), 2));
        let mut passes = Passes::default();
        passes.issue(zoe, room(1), "a".to_owned(), 100);
        assert!(passes.admits(zoe, room(1), "a", 99));
        assert!(!passes.admits(zoe, room(1), "a", 100));
        assert!(!passes.admits(zoe, room(2), "a", 0));
        assert!(!passes.admits(bo, room(1), "a", 0));
        assert!(!passes.admits(zoe, room(1), "b", 0));
        passes.issue(zoe, room(1), "b".to_owned(), 100);
        assert!(!passes.admits(zoe, room(1), "a", 0) && passes.admits(zoe, room(1), "b", 0));
        passes.revoke(zoe, room(1));
        assert!(!passes.admits(zoe, room(1), "b", 0) && passes.0.is_empty());
        for number in 0..=PER_PLAYER_MAX as u128 {
            passes.issue(zoe, room(number), "c".to_owned(), 100);
        }
        assert!(!passes.admits(zoe, room(0), "c", 0) && passes.admits(zoe, room(1), "c", 0));
        passes.forget(zoe);
        assert!(passes.0.is_empty());
    }
}
