//! Which rooms are open, and which one a player is sent to. Pure.
//!
//! A *reservation* holds a seat between choosing a room and the room's own answer, so that a crowd that arrives at once
//! fills rooms one after another instead of all knocking at the same door, or each making a room of his own.
//!
//! Thousands may arrive within seconds, and each is to cost little however many rooms there are: every game has an index
//! of its rooms with a seat to give, and of those that lists show ([`Game`]).

mod game;

use std::collections::{BTreeMap, BTreeSet};

use sward_protocol::ids::{PlayerId, RoomId, Seat};
use sward_protocol::rooms::{Phase, RoomChange, RoomInfo};
use sward_protocol::social::LobbyCounts;

use crate::room::bans::Bans;
use crate::room::core::Charter;
use crate::room::roster::Occupancy;
use game::{Game, Shown};

/// What a room must have in its `meta`: each key with this value. Compared as JSON values.
pub type Filter = serde_json::Map<String, serde_json::Value>;

/// Who gets into a room.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Access {
    /// It is in no list.
    pub private: bool,
    /// It asks for a password.
    pub password: bool,
}

#[derive(Debug)]
struct Listing {
    charter: Charter,
    meta: Filter,
    seats: Occupancy,
    reserved: u16,
    /// The room turned somebody away although it has seats: nobody is sent there until one of its players leaves.
    is_crowded: bool,
    /// Nobody else is let in.
    is_locked: bool,
    phase: Phase,
    owner: Seat,
    /// Who speaks for the room.
    host: Option<PlayerId>,
    /// Who may not come back.
    bans: Bans,
    /// In no index, for a moment.
    is_hidden: bool,
    /// How often what lists show of it was changed.
    changes: u32,
}

impl Listing {
    fn shown(&self) -> Shown {
        let Charter { private, password, .. } = &self.charter;
        let is_public = !private && !self.is_hidden;
        let has_seat = !self.is_crowded && !self.is_locked && self.reserved < self.seats.free;
        let is_listed = is_public && (self.seats.humans > 0 || self.charter.standing);
        Shown {
            is_open: is_public && password.is_none() && has_seat,
            listed_players: is_listed.then_some(self.seats.players),
            changes: self.changes,
        }
    }

    fn info(&self) -> RoomInfo {
        let Self { is_locked: locked, phase, owner, .. } = *self;
        RoomInfo { locked, phase, owner, ..self.charter.info(self.seats.players) }
    }

    fn fits(&self, filter: &Filter) -> bool {
        filter.iter().all(|(key, value)| self.meta.get(key) == Some(value))
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
    games: BTreeMap<String, Game>,
    /// Public rooms of all games that are not empty.
    listed: BTreeSet<u64>,
}

impl Lobby {
    /// A room was made; its maker has a seat reserved.
    pub fn open(&mut self, charter: Charter) {
        self.made += 1;
        self.order.insert(charter.id, self.made);
        *self.by_game.entry(charter.game.clone()).or_default() += 1;
        let meta = charter.meta.parse().unwrap_or_default();
        let id = charter.id;
        self.games.entry(charter.game.clone()).or_default();
        let seats = Occupancy { players: 0, humans: 0, free: charter.max_players };
        let is_locked = charter.is_of_match();
        let listing = Listing {
            charter,
            meta,
            seats,
            reserved: 1,
            is_crowded: false,
            is_locked,
            phase: Phase::Open,
            owner: Seat::GAME,
            host: None,
            bans: Bans::default(),
            is_hidden: true,
            changes: 0,
        };
        self.listings.insert(self.made, listing);
        self.alter(id, |listing| listing.is_hidden = false);
    }

    /// What others see of a room changed.
    pub fn change(&mut self, id: RoomId, change: &RoomChange) {
        // Out of every index with what it was, and into them with what it is.
        self.alter(id, |listing| listing.is_hidden = true);
        self.alter(id, |listing| {
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
            listing.changes = listing.changes.wrapping_add(1);
            listing.is_hidden = false;
        });
    }

    /// Whether a room is one of this game that the filter finds, public or private, with or without a password as asked.
    #[must_use]
    pub fn fits(&self, id: RoomId, game: &str, wanted: Access, filter: &Filter) -> bool {
        self.listing(id).is_some_and(|listing| {
            let Charter { game: this, private, password, .. } = &listing.charter;
            let access = Access { private: *private, password: password.is_some() };
            access == wanted && this == game && listing.fits(filter)
        })
    }

    /// How many rooms there are of a game.
    #[must_use]
    pub fn rooms_of(&self, game: &str) -> usize {
        self.by_game.get(game).copied().unwrap_or(0)
    }

    /// A room is no more.
    pub fn close(&mut self, id: RoomId) {
        self.alter(id, |listing| listing.is_hidden = true);
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
    pub fn reserve(
        &mut self,
        game: &str,
        filter: &Filter,
        avoided: &[RoomId],
        player: Option<PlayerId>,
    ) -> Option<RoomId> {
        let listings = &self.listings;
        let fits = |order: u64| {
            let listing = listings.get(&order);
            listing.is_some_and(|listing| {
                let is_banned = player.is_some_and(|player| listing.bans.has(player));
                !is_banned && !avoided.contains(&listing.charter.id) && listing.fits(filter)
            })
        };
        let order = self.games.get(game)?.oldest_open(filter, fits)?;
        let id = self.listings.get(&order)?.charter.id;
        self.alter(id, |listing| listing.reserved += 1);
        Some(id)
    }

    /// Reserves a seat in this room, whether it has one or not: the room itself will tell. Whether the room is known.
    pub fn reserve_in(&mut self, id: RoomId) -> bool {
        self.alter(id, |listing| listing.reserved = listing.reserved.saturating_add(1))
    }

    /// The reservation did not reach the room.
    pub fn release(&mut self, id: RoomId) {
        self.alter(id, |listing| listing.reserved = listing.reserved.saturating_sub(1));
    }

    /// The room decided about somebody who had a seat reserved: this is how full it is now. Both in one step, or
    /// a player would count twice for a moment and make a room look full.
    pub fn settle(&mut self, id: RoomId, seats: Occupancy) {
        self.alter(id, |listing| {
            listing.seats = seats;
            listing.reserved = listing.reserved.saturating_sub(1);
        });
    }

    /// The room turned away somebody who had a seat reserved.
    pub fn turn_away(&mut self, id: RoomId) {
        self.alter(id, |listing| {
            listing.reserved = listing.reserved.saturating_sub(1);
            listing.is_crowded = true;
        });
    }

    /// Somebody left, or a bot came, or there are more seats or fewer: this is how full it is now.
    pub fn count(&mut self, id: RoomId, seats: Occupancy) {
        self.alter(id, |listing| {
            listing.seats = seats;
            listing.is_crowded = false;
        });
    }

    /// This player speaks for the room: he invites, and answers those who knock.
    pub fn set_host(&mut self, id: RoomId, host: Option<PlayerId>) {
        self.alter(id, |listing| listing.host = host);
    }

    /// These may not come into the room.
    pub fn set_bans(&mut self, id: RoomId, bans: &Bans) {
        self.alter(id, |listing| listing.bans.clone_from(bans));
    }

    /// Whether this player may not come into the room.
    #[must_use]
    pub fn is_banned(&self, id: RoomId, player: PlayerId) -> bool {
        self.listing(id).is_some_and(|listing| listing.bans.has(player))
    }

    /// Who speaks for the room.
    #[must_use]
    pub fn host(&self, id: RoomId) -> Option<PlayerId> {
        self.listing(id)?.host
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

    /// A room as lists show it; `None` for one that they do not.
    #[must_use]
    pub fn listed(&self, id: RoomId) -> Option<RoomInfo> {
        let listing = self.listing(id)?;
        listing.shown().listed_players.map(|_| listing.info())
    }

    /// One page of the public rooms that have humans in them or are standing, oldest first, behind the room `after`; and
    /// where the next page begins, if there is one. An `after` that is gone gives nothing: the reader starts over.
    #[must_use]
    pub fn page(
        &self,
        game: Option<&str>,
        after: Option<RoomId>,
        limit: usize,
    ) -> (Vec<RoomInfo>, Option<RoomId>) {
        let Some(start) = self.start_behind(after) else { return (Vec::new(), None) };
        let listed = match game {
            None => Some(&self.listed),
            Some(game) => self.games.get(game).map(Game::listed),
        };
        let orders = listed.into_iter().flat_map(|listed| listed.range(start..));
        one_page(orders.filter_map(|order| self.listings.get(order)), limit)
    }

    /// One page of all rooms, private and empty ones too, as [`Lobby::page`]: for the operator.
    #[must_use]
    pub fn page_of_all(
        &self,
        game: Option<&str>,
        after: Option<RoomId>,
        limit: usize,
    ) -> (Vec<RoomInfo>, Option<RoomId>) {
        let Some(start) = self.start_behind(after) else { return (Vec::new(), None) };
        let listings = self.listings.range(start..).map(|(_, listing)| listing);
        one_page(listings.filter(|listing| game.is_none_or(|game| listing.charter.game == game)), limit)
    }

    /// Where a page behind this room begins; `None` if that is gone.
    fn start_behind(&self, after: Option<RoomId>) -> Option<u64> {
        after.map_or(Some(0), |id| self.order.get(&id).map(|order| order + 1))
    }

    /// How many rooms of this game are listed, or of all games, and how many seats are taken in them.
    #[must_use]
    pub fn counts(&self, game: Option<&str>) -> LobbyCounts {
        let games = self.games.iter().filter(|(name, _)| game.is_none_or(|game| game == *name));
        games.fold(LobbyCounts::default(), |counts, (_, game)| LobbyCounts {
            rooms: counts.rooms + game.listed().len() as u64,
            playing: counts.playing + game.playing(),
            ..counts
        })
    }

    /// The rooms of which something changed that lists show, since this was last asked; by game.
    pub fn take_changes(&mut self) -> Vec<(String, BTreeSet<RoomId>)> {
        let changed = self.games.iter_mut().map(|(name, game)| (name.clone(), game.take_changes()));
        changed.filter(|(_, rooms)| !rooms.is_empty()).collect()
    }

    fn listing(&self, id: RoomId) -> Option<&Listing> {
        self.listings.get(self.order.get(&id)?)
    }

    /// Changes a listing, and every index with it: the one way to do so. Whether the room is known.
    fn alter(&mut self, id: RoomId, change: impl FnOnce(&mut Listing)) -> bool {
        let Some(order) = self.order.get(&id).copied() else { return false };
        let Some(listing) = self.listings.get_mut(&order) else { return false };
        let before = listing.shown();
        change(listing);
        let after = listing.shown();
        if before.listed_players.is_some() != after.listed_players.is_some() {
            if after.listed_players.is_some() {
                self.listed.insert(order);
            } else {
                self.listed.remove(&order);
            }
        }
        if let Some(game) = self.games.get_mut(&listing.charter.game) {
            game.update(order, id, &listing.meta, before, after);
        }
        true
    }
}

fn one_page<'a>(
    mut listings: impl Iterator<Item = &'a Listing>,
    limit: usize,
) -> (Vec<RoomInfo>, Option<RoomId>) {
    let rooms: Vec<_> = listings.by_ref().take(limit).map(Listing::info).collect();
    let next = if listings.next().is_some() { rooms.last().map(|room| room.id) } else { None };
    (rooms, next)
}

#[cfg(test)]
mod tests;
