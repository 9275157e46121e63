//! Invitations and knocks that wait for an answer. Pure.
//!
//! The host of a room *invites* a player; a guest *knocks* at a room. Either way it is one question about one guest and
//! one room, asked by the one and answered by the other.

use std::collections::{BTreeMap, BTreeSet};

use sward_protocol::ids::PlayerId;
use sward_protocol::limits::ASK_TIME;
use sward_protocol::rooms::RoomInfo;
use sward_protocol::session::Player;

use crate::clock::whole_ms;

/// Guests who may knock at one host's door at once.
pub const KNOCKS_MAX: usize = 16;

/// Asks that came to nothing and are remembered; of more, those that end first are forgotten.
pub const REMEMBERED_MAX: usize = 65_536;

/// Who asks whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// The host asks the guest.
    Invite,
    /// The guest asks the host.
    Knock,
}

/// One that waits.
#[derive(Debug, Clone, PartialEq)]
pub struct Open {
    /// Names it.
    pub id: u64,
    /// Who asks whom.
    pub kind: Kind,
    /// Where to.
    pub room: RoomInfo,
    /// Who speaks for the room.
    pub host: Player,
    /// Who may come.
    pub guest: Player,
    /// When it is over.
    pub expires_ms: u64,
    /// What is to let the guest in, if he may come.
    pub pass: String,
}

impl Open {
    fn asker(&self) -> PlayerId {
        if self.kind == Kind::Invite { self.host.id } else { self.guest.id }
    }

    fn asked(&self) -> PlayerId {
        if self.kind == Kind::Invite { self.guest.id } else { self.host.id }
    }
}

/// Why it cannot be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// This guest is invited already, or knocks already.
    Pending,
    /// Too many knock at this door.
    HostBusy,
    /// He asked the same of the same player a moment ago, and it came to nothing.
    Lately {
        /// When he may ask again.
        wait_ms: u64,
    },
}

/// Who asked whom.
type Pair = (PlayerId, PlayerId, Kind);

/// All that wait. Each guest has at most one of each kind, so there are no more than two for each session.
#[derive(Debug, Default)]
pub struct Asks {
    made: u64,
    open: BTreeMap<u64, Open>,
    by_guest: BTreeMap<(PlayerId, Kind), u64>,
    knocks: BTreeMap<PlayerId, usize>,
    by_player: BTreeMap<PlayerId, BTreeSet<u64>>,
    /// Who may not ask whom again before then, and the same by time.
    resting: BTreeMap<Pair, u64>,
    resting_until: BTreeSet<(u64, Pair)>,
}

impl Asks {
    /// Asks.
    ///
    /// # Errors
    /// [`Refused`]; nothing changed then.
    pub fn ask(
        &mut self,
        kind: Kind,
        room: RoomInfo,
        host: Player,
        guest: Player,
        pass: String,
        now_ms: u64,
    ) -> Result<Open, Refused> {
        self.forget_rests(now_ms);
        let pair = if kind == Kind::Invite { (host.id, guest.id, kind) } else { (guest.id, host.id, kind) };
        if self.by_guest.contains_key(&(guest.id, kind)) {
            return Err(Refused::Pending);
        }
        if let Some(until_ms) = self.resting.get(&pair) {
            return Err(Refused::Lately { wait_ms: until_ms - now_ms });
        }
        if kind == Kind::Knock && self.knocks.get(&host.id).is_some_and(|count| *count >= KNOCKS_MAX) {
            return Err(Refused::HostBusy);
        }
        self.made += 1;
        let expires_ms = now_ms + whole_ms(ASK_TIME);
        let open = Open { id: self.made, kind, room, host, guest, expires_ms, pass };
        self.by_guest.insert((open.guest.id, kind), open.id);
        if kind == Kind::Knock {
            *self.knocks.entry(open.host.id).or_default() += 1;
        }
        for player in [open.host.id, open.guest.id] {
            self.by_player.entry(player).or_default().insert(open.id);
        }
        self.open.insert(open.id, open.clone());
        Ok(open)
    }

    /// The one that `player` was asked, if it waits; it waits no more.
    pub fn answer(&mut self, id: u64, player: PlayerId) -> Option<Open> {
        self.open.get(&id).filter(|open| open.asked() == player)?;
        self.take(id)
    }

    /// The one that `player` asked, if it waits; it waits no more.
    pub fn withdraw(&mut self, id: u64, player: PlayerId) -> Option<Open> {
        self.open.get(&id).filter(|open| open.asker() == player)?;
        self.take(id)
    }

    /// Those that nobody answered in time.
    pub fn expire(&mut self, now_ms: u64) -> Vec<Open> {
        // All wait equally long: they end in the order in which they were made.
        let due: Vec<u64> =
            self.open.iter().take_while(|(_, open)| now_ms >= open.expires_ms).map(|(id, _)| *id).collect();
        let due: Vec<Open> = due.into_iter().filter_map(|id| self.take(id)).collect();
        for open in &due {
            self.rest(open, now_ms + whole_ms(ASK_TIME));
        }
        due
    }

    /// This one came to nothing: who asked does not ask the same player again before then.
    pub fn rest(&mut self, open: &Open, until_ms: u64) {
        let pair = (open.asker(), open.asked(), open.kind);
        if let Some(before_ms) = self.resting.insert(pair, until_ms) {
            self.resting_until.remove(&(before_ms, pair));
        }
        self.resting_until.insert((until_ms, pair));
        if self.resting.len() > REMEMBERED_MAX
            && let Some((_, pair)) = self.resting_until.pop_first()
        {
            self.resting.remove(&pair);
        }
    }

    fn forget_rests(&mut self, now_ms: u64) {
        while let Some((_, pair)) =
            self.resting_until.first().filter(|(until_ms, _)| *until_ms <= now_ms).copied()
        {
            self.resting_until.pop_first();
            self.resting.remove(&pair);
        }
    }

    /// Those that concern this player, who is gone.
    pub fn forget(&mut self, player: PlayerId) -> Vec<Open> {
        let ids = self.by_player.get(&player).cloned().unwrap_or_default();
        ids.into_iter().filter_map(|id| self.take(id)).collect()
    }

    /// Those that concern this player.
    #[must_use]
    pub fn of(&self, player: PlayerId) -> Vec<&Open> {
        let ids = self.by_player.get(&player).into_iter().flatten();
        ids.filter_map(|id| self.open.get(id)).collect()
    }

    /// How many wait.
    #[must_use]
    pub fn count(&self) -> usize {
        self.open.len()
    }

    fn take(&mut self, id: u64) -> Option<Open> {
        let open = self.open.remove(&id)?;
        self.by_guest.remove(&(open.guest.id, open.kind));
        if open.kind == Kind::Knock
            && let Some(count) = self.knocks.get_mut(&open.host.id)
        {
            *count -= 1;
            if *count == 0 {
                self.knocks.remove(&open.host.id);
            }
        }
        for player in [open.host.id, open.guest.id] {
            if let Some(ids) = self.by_player.get_mut(&player) {
                ids.remove(&id);
                if ids.is_empty() {
                    self.by_player.remove(&player);
                }
            }
        }
        Some(open)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sward_protocol::ids::{NodeId, RoomId};
    use sward_protocol::payload::Payload;

    fn player(number: u128) -> Player {
        Player { id: PlayerId::from_random(NodeId(0), number), name: format!("P{number}") }
    }

    fn room() -> RoomInfo {
        RoomInfo {
            id: RoomId::from_random(NodeId(0), 1),
            game: "relay".to_owned(),
            code: String::new(),
            name: String::new(),
            max_players: 2,
            players: 1,
            private: false,
            password: false,
            locked: false,
            phase: sward_protocol::rooms::Phase::Open,
            owner: sward_protocol::ids::Seat::GAME,
            meta: Payload::null(),
        }
    }

    fn ask(asks: &mut Asks, kind: Kind, host: u128, guest: u128, now_ms: u64) -> Result<u64, Refused> {
        asks.ask(kind, room(), player(host), player(guest), String::new(), now_ms).map(|open| open.id)
    }

    #[test]
    fn a_guest_has_one_invitation_and_one_knock_at_a_time() {
        let mut asks = Asks::default();
        let invitation = ask(&mut asks, Kind::Invite, 1, 2, 0).unwrap();
        assert_eq!(ask(&mut asks, Kind::Invite, 3, 2, 0), Err(Refused::Pending));
        let knock = ask(&mut asks, Kind::Knock, 1, 2, 0).unwrap();
        assert_eq!(ask(&mut asks, Kind::Knock, 3, 2, 0), Err(Refused::Pending));
        assert_eq!(asks.of(player(2).id).len(), 2);
        assert!(asks.answer(invitation, player(1).id).is_none(), "nobody answers himself");
        assert!(asks.withdraw(knock, player(1).id).is_none());
        assert!(asks.answer(invitation, player(2).id).is_some());
        assert!(asks.answer(invitation, player(2).id).is_none());
        assert!(asks.withdraw(knock, player(2).id).is_some());
        assert!(ask(&mut asks, Kind::Invite, 3, 2, 0).is_ok());
    }

    #[test]
    fn what_nobody_answers_expires_and_who_is_gone_is_forgotten() {
        let mut asks = Asks::default();
        let whole = whole_ms(ASK_TIME);
        ask(&mut asks, Kind::Invite, 1, 2, 0).unwrap();
        ask(&mut asks, Kind::Invite, 1, 3, 10).unwrap();
        assert_eq!(asks.expire(whole - 1), []);
        assert_eq!(asks.expire(whole).len(), 1);
        assert_eq!(asks.forget(player(1).id).len(), 1);
        assert_eq!(
            (asks.count(), asks.by_guest.len(), asks.by_player.len(), asks.knocks.len()),
            (0, 0, 0, 0)
        );
    }

    #[test]
    fn who_was_refused_does_not_ask_the_same_again_for_a_while() {
        let mut asks = Asks::default();
        ask(&mut asks, Kind::Invite, 1, 2, 0).unwrap();
        assert_eq!(asks.expire(30_000).len(), 1);
        assert_eq!(ask(&mut asks, Kind::Invite, 1, 2, 40_000), Err(Refused::Lately { wait_ms: 20_000 }));
        assert!(ask(&mut asks, Kind::Invite, 3, 2, 40_000).is_ok(), "another may");
        assert!(ask(&mut asks, Kind::Knock, 1, 2, 40_000).is_ok(), "and he may be asked");
        asks.forget(player(2).id);
        assert!(ask(&mut asks, Kind::Invite, 1, 2, 60_000).is_ok());
        assert_eq!((asks.resting.len(), asks.resting_until.len()), (0, 0));
        let open = asks.forget(player(1).id).remove(0);
        for number in 0..=REMEMBERED_MAX as u128 {
            let open = Open { guest: player(number + 10), ..open.clone() };
            asks.rest(&open, 100_000 + u64::try_from(number).unwrap());
            asks.rest(&open, 200_000 + u64::try_from(number).unwrap());
        }
        assert_eq!((asks.resting.len(), asks.resting_until.len()), (REMEMBERED_MAX, REMEMBERED_MAX));
        assert!(ask(&mut asks, Kind::Invite, 1, 10, 100_000).is_ok(), "the first was forgotten");
        assert!(ask(&mut asks, Kind::Invite, 1, 11, 100_000).is_err());
    }

    #[test]
    fn so_many_may_knock_at_one_door() {
        let mut asks = Asks::default();
        let most = KNOCKS_MAX as u128;
        for guest in 2..2 + most {
            ask(&mut asks, Kind::Knock, 1, guest, 0).unwrap();
        }
        assert_eq!(ask(&mut asks, Kind::Knock, 1, 99, 0), Err(Refused::HostBusy));
        assert!(ask(&mut asks, Kind::Knock, 98, 99, 0).is_ok());
        asks.forget(player(2).id);
        assert!(ask(&mut asks, Kind::Knock, 1, 100, 0).is_ok());
    }
}
