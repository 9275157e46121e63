//! Which rooms are open, and which one a player is sent to. Pure.
//!
//! A *reservation* holds a seat between choosing a room and the room's own answer, so that a crowd that arrives at once
//! fills rooms one after another instead of all knocking at the same door, or each making a room of his own.

use std::collections::BTreeMap;

use sward_protocol::ids::{RoomId, Seat};
use sward_protocol::rooms::{Phase, RoomChange, RoomInfo};

use crate::room::core::Charter;
use crate::room::roster::Occupancy;

/// What a room must have in its `meta`: each key with this value. Compared as JSON values.
pub type Filter = serde_json::Map<String, serde_json::Value>;

/// Who gets into a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Access {
    /// It is in no list.
    pub private: bool,
    /// It asks for a password.
    pub password: bool,
}

#[derive(Debug)]
struct Listing {
    charter: Charter,
    meta: serde_json::Value,
    seats: Occupancy,
    reserved: u16,
    /// The room turned somebody away although it has seats: nobody is sent there until one of its players leaves.
    is_crowded: bool,
    /// Nobody else is let in.
    is_locked: bool,
    phase: Phase,
    owner: Seat,
}

impl Listing {
    fn has_seat(&self) -> bool {
        !self.is_crowded && !self.is_locked && self.reserved < self.seats.free
    }

    fn fits(&self, game: &str, filter: &Filter) -> bool {
        let is_open = !self.charter.private && self.charter.password.is_none();
        self.is_of(game) && is_open && self.has(filter)
    }

    fn is_of(&self, game: &str) -> bool {
        self.charter.game == game
    }

    fn has(&self, filter: &Filter) -> bool {
        filter.iter().all(|(key, value)| self.meta.get(key) == Some(value))
    }

    fn info(&self) -> RoomInfo {
        let Self { is_locked: locked, phase, owner, .. } = *self;
        RoomInfo { locked, phase, owner, ..self.charter.info(self.seats.players) }
    }
}

/// All rooms of a server, oldest first.
#[derive(Debug, Default)]
pub struct Lobby {
    listings: BTreeMap<u64, Listing>,
    order: BTreeMap<RoomId, u64>,
    /// How many rooms there are of each game that has any.
    by_game: BTreeMap<String, usize>,
    made: u64,
}

impl Lobby {
    /// A room was made; its maker has a seat reserved.
    pub fn open(&mut self, charter: Charter) {
        self.made += 1;
        self.order.insert(charter.id, self.made);
        *self.by_game.entry(charter.game.clone()).or_default() += 1;
        let meta = charter.meta.parse().unwrap_or_default();
        let seats = Occupancy { players: 0, humans: 0, free: charter.max_players };
        let listing = Listing {
            charter,
            meta,
            seats,
            reserved: 1,
            is_crowded: false,
            is_locked: false,
            phase: Phase::Open,
            owner: Seat::GAME,
        };
        self.listings.insert(self.made, listing);
    }

    /// What others see of a room changed.
    pub fn change(&mut self, id: RoomId, change: &RoomChange) {
        let Some(listing) = self.listing_mut(id) else { return };
        if let Some(meta) = &change.meta {
            listing.meta = meta.parse().unwrap_or_default();
            listing.charter.meta = meta.clone();
        }
        if let Some(name) = &change.name {
            listing.charter.name.clone_from(name);
        }
        listing.charter.max_players = change.max_players.unwrap_or(listing.charter.max_players);
        listing.is_locked = change.locked.unwrap_or(listing.is_locked);
        listing.phase = change.phase.unwrap_or(listing.phase);
        listing.owner = change.owner.unwrap_or(listing.owner);
    }

    /// Whether a room is one of this game that the filter finds, public or private, with or without a password as asked.
    #[must_use]
    pub fn fits(&self, id: RoomId, game: &str, wanted: Access, filter: &Filter) -> bool {
        self.listing(id).is_some_and(|listing| {
            let Charter { private, password, .. } = &listing.charter;
            let access = Access { private: *private, password: password.is_some() };
            access == wanted && listing.is_of(game) && listing.has(filter)
        })
    }

    /// How many rooms there are of a game.
    #[must_use]
    pub fn rooms_of(&self, game: &str) -> usize {
        self.by_game.get(game).copied().unwrap_or(0)
    }

    /// A room is no more.
    pub fn close(&mut self, id: RoomId) {
        let Some(listing) = self.order.remove(&id).and_then(|order| self.listings.remove(&order)) else {
            return;
        };
        if let Some(rooms) = self.by_game.get_mut(&listing.charter.game) {
            *rooms -= 1;
            if *rooms == 0 {
                self.by_game.remove(&listing.charter.game);
            }
        }
    }

    /// Chooses the oldest room that fits and has a seat, none of those to be avoided, and reserves it.
    pub fn reserve(&mut self, game: &str, filter: &Filter, avoided: &[RoomId]) -> Option<RoomId> {
        let mut listings = self.listings.values_mut();
        let listing = listings.find(|listing| {
            listing.has_seat() && listing.fits(game, filter) && !avoided.contains(&listing.charter.id)
        })?;
        listing.reserved += 1;
        Some(listing.charter.id)
    }

    /// Reserves a seat in this room, whether it has one or not: the room itself will tell. Whether the room is known.
    pub fn reserve_in(&mut self, id: RoomId) -> bool {
        self.listing_mut(id).map(|listing| listing.reserved = listing.reserved.saturating_add(1)).is_some()
    }

    /// The reservation did not reach the room.
    pub fn release(&mut self, id: RoomId) {
        if let Some(listing) = self.listing_mut(id) {
            listing.reserved = listing.reserved.saturating_sub(1);
        }
    }

    /// The room decided about somebody who had a seat reserved: this is how full it is now. Both in one step, or
    /// a player would count twice for a moment and make a room look full.
    pub fn settle(&mut self, id: RoomId, seats: Occupancy) {
        if let Some(listing) = self.listing_mut(id) {
            listing.seats = seats;
            listing.reserved = listing.reserved.saturating_sub(1);
        }
    }

    /// The room turned away somebody who had a seat reserved.
    pub fn turn_away(&mut self, id: RoomId) {
        if let Some(listing) = self.listing_mut(id) {
            listing.reserved = listing.reserved.saturating_sub(1);
            listing.is_crowded = true;
        }
    }

    /// Somebody left, or a bot came, or there are more seats or fewer: this is how full it is now.
    pub fn count(&mut self, id: RoomId, seats: Occupancy) {
        if let Some(listing) = self.listing_mut(id) {
            listing.seats = seats;
            listing.is_crowded = false;
        }
    }

    /// Whether no human sits there and nobody is on his way.
    #[must_use]
    pub fn is_deserted(&self, id: RoomId) -> bool {
        self.listing(id).is_none_or(|listing| listing.seats.humans == 0 && listing.reserved == 0)
    }

    /// A room that somebody named.
    #[must_use]
    pub fn room(&self, id: RoomId) -> Option<RoomInfo> {
        self.listing(id).map(Listing::info)
    }

    /// One page of the public rooms that have humans in them or are standing, oldest first, behind the room `after`; and where the next page
    /// begins, if there is one. An `after` that is gone gives nothing: the reader starts over.
    #[must_use]
    pub fn page(
        &self,
        game: Option<&str>,
        after: Option<RoomId>,
        limit: usize,
    ) -> (Vec<RoomInfo>, Option<RoomId>) {
        let start = match after {
            None => 0,
            Some(id) => match self.order.get(&id) {
                Some(&order) => order + 1,
                None => return (Vec::new(), None),
            },
        };
        let shown = |listing: &&Listing| {
            (listing.seats.humans > 0 || listing.charter.is_standing())
                && !listing.charter.private
                && game.is_none_or(|game| listing.charter.game == game)
        };
        let mut listings = self.listings.range(start..).map(|(_, listing)| listing).filter(shown);
        let rooms: Vec<_> = listings.by_ref().take(limit).map(Listing::info).collect();
        let next = if listings.next().is_some() { rooms.last().map(|room| room.id) } else { None };
        (rooms, next)
    }

    fn listing(&self, id: RoomId) -> Option<&Listing> {
        self.listings.get(self.order.get(&id)?)
    }

    fn listing_mut(&mut self, id: RoomId) -> Option<&mut Listing> {
        self.listings.get_mut(self.order.get(&id)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sward_protocol::ids::{NodeId, PlayerId};
    use sward_protocol::password::Password;
    use sward_protocol::payload::Payload;

    fn id(number: u128) -> RoomId {
        RoomId::from_random(NodeId(0), number)
    }

    fn charter(number: u128, meta: &str) -> Charter {
        Charter {
            id: id(number),
            game: "relay".to_owned(),
            code: String::new(),
            name: String::new(),
            private: false,
            password: None,
            creator: Some(PlayerId::from_random(NodeId(0), 1)),
            meta: Payload::from_json(meta).unwrap(),
            max_players: 2,
        }
    }

    /// So many humans in a room of two.
    fn seats(humans: u16) -> Occupancy {
        Occupancy { players: humans, humans, free: 2 - humans }
    }

    fn filter(json: &str) -> Filter {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn a_crowd_fills_the_oldest_room_before_the_next() {
        let mut lobby = Lobby::default();
        lobby.open(charter(1, "{}"));
        lobby.open(charter(2, "{}"));
        let mut next = || lobby.reserve("relay", &Filter::new(), &[]);
        assert_eq!([next(), next(), next()], [Some(id(1)), Some(id(2)), None]);
        lobby.settle(id(1), seats(1));
        assert_eq!(lobby.reserve("relay", &Filter::new(), &[]), None, "one sits, one is on his way");
        lobby.release(id(1));
        assert_eq!(lobby.reserve("relay", &Filter::new(), &[]), Some(id(1)));
        assert_eq!(lobby.reserve("meadow", &Filter::new(), &[]), None);
    }

    #[test]
    fn a_room_that_turned_somebody_away_is_left_alone_until_one_leaves() {
        let mut lobby = Lobby::default();
        lobby.open(charter(1, "{}"));
        lobby.settle(id(1), seats(1));
        assert_eq!(lobby.reserve("relay", &Filter::new(), &[]), Some(id(1)));
        lobby.turn_away(id(1));
        assert_eq!(lobby.reserve("relay", &Filter::new(), &[]), None);
        lobby.count(id(1), seats(0));
        assert_eq!(lobby.reserve("relay", &Filter::new(), &[]), Some(id(1)));
    }

    #[test]
    fn a_filter_needs_each_of_its_keys() {
        let mut lobby = Lobby::default();
        lobby.open(charter(1, r#"{"map":"hill","level":2}"#));
        for (wanted, found) in [
            ("{}", true),
            (r#"{"map":"hill"}"#, true),
            (r#"{"map":"dale"}"#, false),
            (r#"{"level":2,"x":null}"#, false),
        ] {
            assert_eq!(lobby.reserve("relay", &filter(wanted), &[]).is_some(), found, "{wanted}");
            lobby.release(id(1));
            lobby.count(id(1), seats(0));
        }
    }

    #[test]
    fn private_and_empty_rooms_are_not_listed_and_pages_follow_each_other() {
        let mut lobby = Lobby::default();
        for number in 1..=5 {
            lobby.open(charter(number, "{}"));
            lobby.count(id(number), seats(1));
        }
        lobby.open(Charter { private: true, ..charter(6, "{}") });
        lobby.count(id(6), seats(1));
        lobby.count(id(2), seats(0));
        let ids =
            |page: &(Vec<RoomInfo>, Option<RoomId>)| page.0.iter().map(|room| room.id).collect::<Vec<_>>();
        let first = lobby.page(Some("relay"), None, 2);
        assert_eq!((ids(&first), first.1), (vec![id(1), id(3)], Some(id(3))));
        let second = lobby.page(None, first.1, 2);
        assert_eq!((ids(&second), second.1), (vec![id(4), id(5)], None));
        assert!(lobby.page(Some("chess"), None, 2).0.is_empty());
        assert!(lobby.page(None, Some(id(99)), 2).0.is_empty());
        assert!(lobby.room(id(6)).is_some(), "who has its id may see it");
        lobby.reserve("relay", &Filter::new(), &[]);
    }

    #[test]
    fn a_room_with_a_password_is_listed_and_never_chosen() {
        let mut lobby = Lobby::default();
        lobby.open(Charter { password: Some(Password::new("sesame")), ..charter(1, "{}") });
        lobby.count(id(1), seats(1));
        assert_eq!(lobby.reserve("relay", &Filter::new(), &[]), None);
        let (rooms, _) = lobby.page(None, None, 10);
        assert!(rooms[0].password);
        let fits =
            |private, password| lobby.fits(id(1), "relay", Access { private, password }, &Filter::new());
        assert_eq!([fits(false, true), fits(false, false), fits(true, true)], [true, false, false]);
    }

    #[test]
    fn a_room_that_nobody_made_is_listed_while_it_is_empty() {
        let mut lobby = Lobby::default();
        lobby.open(Charter { creator: None, ..charter(1, "{}") });
        lobby.open(charter(2, "{}"));
        let (rooms, _) = lobby.page(None, None, 10);
        assert_eq!(rooms.iter().map(|room| room.id).collect::<Vec<_>>(), [id(1)]);
    }

    #[test]
    fn a_room_that_keeps_somebody_out_can_be_avoided() {
        let mut lobby = Lobby::default();
        lobby.open(charter(1, "{}"));
        lobby.open(charter(2, "{}"));
        assert_eq!(lobby.reserve("relay", &Filter::new(), &[id(1)]), Some(id(2)));
    }

    #[test]
    fn bots_who_give_way_leave_their_seats_to_others_and_their_room_empty() {
        let mut lobby = Lobby::default();
        lobby.open(charter(1, "{}"));
        lobby.release(id(1));
        lobby.count(id(1), Occupancy { players: 2, humans: 0, free: 2 });
        assert!(lobby.is_deserted(id(1)) && lobby.page(None, None, 10).0.is_empty());
        assert_eq!(lobby.room(id(1)).map(|room| room.players), Some(2));
        let mut next = || lobby.reserve("relay", &Filter::new(), &[]);
        assert_eq!([next(), next(), next()], [Some(id(1)), Some(id(1)), None]);
    }

    #[test]
    fn what_changes_is_shown_and_rooms_are_counted_by_game() {
        let mut lobby = Lobby::default();
        lobby.open(charter(1, "{}"));
        lobby.open(charter(2, "{}"));
        let change = RoomChange {
            name: Some("Nest".to_owned()),
            max_players: Some(3),
            locked: Some(true),
            phase: Some(Phase::Playing),
            owner: Some(Seat(2)),
            meta: Some(Payload::from_json(r#"{"map":"hill"}"#).unwrap()),
        };
        lobby.change(id(1), &change);
        let shown = lobby.room(id(1)).unwrap();
        assert_eq!((shown.name.as_str(), shown.max_players, shown.locked), ("Nest", 3, true));
        assert_eq!((shown.phase, shown.owner), (Phase::Playing, Seat(2)));
        assert_eq!(shown.meta.json(), r#"{"map":"hill"}"#);
        lobby.change(id(1), &RoomChange { locked: Some(false), ..RoomChange::default() });
        assert_eq!(lobby.room(id(1)).map(|room| (room.locked, room.max_players)), Some((false, 3)));
        assert_eq!((lobby.rooms_of("relay"), lobby.rooms_of("meadow")), (2, 0));
        lobby.close(id(1));
        lobby.close(id(1));
        assert_eq!(lobby.rooms_of("relay"), 1);
    }

    #[test]
    fn a_room_is_deserted_when_nobody_sits_there_or_is_on_his_way() {
        let mut lobby = Lobby::default();
        lobby.open(charter(1, "{}"));
        assert!(!lobby.is_deserted(id(1)));
        lobby.release(id(1));
        assert!(lobby.is_deserted(id(1)));
        lobby.close(id(1));
        assert!(lobby.room(id(1)).is_none());
        assert!(!lobby.reserve_in(id(1)));
    }
}
