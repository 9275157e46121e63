//! Admissions that were promised: a pass lets one player into one room, once. Pure.

use std::collections::BTreeMap;

use sward_protocol::ids::{PlayerId, RoomId};

/// Passes that one player holds; a further one takes the place of the oldest.
pub const PER_PLAYER_MAX: usize = 4;

/// One promise.
#[derive(Debug)]
struct Pass {
    room: RoomId,
    secret: String,
    until_ms: u64,
    /// Somebody is on his way with it. It stays here meanwhile, to be taken back.
    is_in_use: bool,
}

/// All passes. There are no more players in it than there are sessions: each is forgotten with its own.
#[derive(Debug, Default)]
pub struct Passes(BTreeMap<PlayerId, Vec<Pass>>);

impl Passes {
    /// Promises the player a place in the room, until then. He may hold several for one room; one that he holds already
    /// lasts until then.
    pub fn issue(&mut self, player: PlayerId, room: RoomId, secret: String, until_ms: u64) {
        let passes = self.0.entry(player).or_default();
        passes.retain(|other| other.secret != secret);
        if passes.len() >= PER_PLAYER_MAX {
            passes.remove(0);
        }
        passes.push(Pass { room, secret, until_ms, is_in_use: false });
    }

    /// The player comes into the room with this: nobody does so with it again, unless it is given back. Whether it lets him
    /// in.
    #[must_use]
    pub fn take(&mut self, player: PlayerId, room: RoomId, secret: &str, now_ms: u64) -> bool {
        let valid = |pass: &&mut Pass| {
            pass.room == room && pass.secret == secret && now_ms < pass.until_ms && !pass.is_in_use
        };
        let pass = self.0.get_mut(&player).and_then(|passes| passes.iter_mut().find(valid));
        pass.is_some_and(|pass| !std::mem::replace(&mut pass.is_in_use, true))
    }

    /// The room did not let him in: he may try again, unless the pass was taken back meanwhile.
    pub fn give_back(&mut self, player: PlayerId, secret: &str) {
        let passes = self.0.get_mut(&player).into_iter().flatten();
        passes.filter(|pass| pass.secret == secret).for_each(|pass| pass.is_in_use = false);
    }

    /// What this one promised holds no longer.
    pub fn revoke(&mut self, player: PlayerId, secret: &str) {
        self.retain(player, |pass| pass.secret != secret);
    }

    /// He is in: he needs none for this room.
    pub fn came_in(&mut self, player: PlayerId, room: RoomId) {
        self.retain(player, |pass| pass.room != room);
    }

    /// His session is over.
    pub fn forget(&mut self, player: PlayerId) {
        self.0.remove(&player);
    }

    fn retain(&mut self, player: PlayerId, keep: impl FnMut(&Pass) -> bool) {
        if let Some(passes) = self.0.get_mut(&player) {
            passes.retain(keep);
        }
        self.drop_empty(player);
    }

    fn drop_empty(&mut self, player: PlayerId) {
        if self.0.get(&player).is_some_and(Vec::is_empty) {
            self.0.remove(&player);
        }
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
    fn a_pass_is_for_one_player_one_room_a_time_and_once() {
        let (zoe, bo) = (PlayerId::from_random(NodeId(0), 1), PlayerId::from_random(NodeId(0), 2));
        let mut passes = Passes::default();
        passes.issue(zoe, room(1), "a".to_owned(), 100);
        for (player, number, secret, now_ms) in
            [(zoe, 1, "a", 100), (zoe, 2, "a", 0), (bo, 1, "a", 0), (zoe, 1, "b", 0)]
        {
            assert!(!passes.take(player, room(number), secret, now_ms));
        }
        assert!(passes.take(zoe, room(1), "a", 99));
        assert!(!passes.take(zoe, room(1), "a", 99), "once");
        passes.give_back(zoe, "a");
        assert!(passes.take(zoe, room(1), "a", 99));
        passes.revoke(zoe, "a");
        passes.give_back(zoe, "a");
        assert!(!passes.take(zoe, room(1), "a", 99), "it was withdrawn while he was on his way");
        assert!(passes.0.is_empty());
    }

    #[test]
    fn a_player_holds_several_and_each_ends_on_its_own() {
        let zoe = PlayerId::from_random(NodeId(0), 1);
        let mut passes = Passes::default();
        passes.issue(zoe, room(1), "invited".to_owned(), 100);
        passes.issue(zoe, room(1), "knocked".to_owned(), 100);
        passes.revoke(zoe, "knocked");
        assert!(passes.take(zoe, room(1), "invited", 0));
        passes.issue(zoe, room(1), "a".to_owned(), 100);
        passes.issue(zoe, room(1), "b".to_owned(), 100);
        passes.issue(zoe, room(2), "c".to_owned(), 100);
        passes.issue(zoe, room(2), "c".to_owned(), 200);
        passes.came_in(zoe, room(1));
        assert_eq!(passes.0[&zoe].len(), 1);
        assert!(passes.take(zoe, room(2), "c", 199), "it lasts longer now");
        for number in 0..=PER_PLAYER_MAX as u128 {
            passes.issue(zoe, room(number), number.to_string(), 100);
        }
        assert!(!passes.take(zoe, room(0), "0", 0) && passes.take(zoe, room(1), "1", 0));
        passes.forget(zoe);
        assert!(passes.0.is_empty());
    }
}
