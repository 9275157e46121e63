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
}

/// All that wait. Each guest has at most one of each kind, so there are no more than two for each session.
#[derive(Debug, Default)]
pub struct Asks {
    made: u64,
    open: BTreeMap<u64, Open>,
    by_guest: BTreeMap<(PlayerId, Kind), u64>,
    knocks: BTreeMap<PlayerId, usize>,
    by_player: BTreeMap<PlayerId, BTreeSet<u64>>,
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
        if self.by_guest.contains_key(&(guest.id, kind)) {
            return Err(Refused::Pending);
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
        due.into_iter().filter_map(|id| self.take(id)).collect()
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
