//! What a game sees of its room, and how it speaks to the players.

use std::collections::BTreeMap;
use std::sync::Arc;

use sward_protocol::downstream::{Event, Msg};
use sward_protocol::ids::{PlayerId, Seat};
use sward_protocol::payload::Payload;

use super::Random;

/// A player in a room.
#[derive(Debug, Clone, PartialEq)]
pub struct Seated {
    /// Who he is.
    pub id: PlayerId,
    /// His name; not unique.
    pub name: String,
    /// His own data, as he sent it.
    pub me: Payload,
    /// Whether he may be lost.
    pub away: bool,
}

/// Who receives an event.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Audience {
    /// Everybody in the room.
    All,
    /// The player on this seat.
    Only(Seat),
    /// Everybody but the player on this seat.
    Except(Seat),
}

impl Audience {
    /// Whether the player on `seat` is meant.
    #[must_use]
    pub fn includes(&self, seat: Seat) -> bool {
        match *self {
            Self::All => true,
            Self::Only(only) => only == seat,
            Self::Except(except) => except != seat,
        }
    }
}

/// Names a value of which only the newest counts: a player's position, say. An event that bears it rides the latest lane:
/// it takes the place of the older one wherever that still waits, or could be asked for again.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct LatestKey {
    /// Whose value it is; [`Seat::GAME`]: the game's own.
    pub owner: Seat,
    /// Which of his values.
    pub name: Arc<str>,
}

/// An event on its way out of the core.
#[derive(Debug, Clone, PartialEq)]
pub struct Outgoing {
    /// Who receives it.
    pub audience: Audience,
    /// What.
    pub event: Event,
    /// `None`: it is reliable, and never dropped.
    pub latest: Option<LatestKey>,
}

impl Outgoing {
    /// An event that is never dropped.
    #[must_use]
    pub fn reliable(audience: Audience, event: Event) -> Self {
        Self { audience, event, latest: None }
    }
}

/// A game's view of its room during one call.
pub struct Room<'a> {
    pub(crate) now_ms: u64,
    pub(crate) players: &'a BTreeMap<Seat, Seated>,
    pub(crate) random: &'a mut Random,
    pub(crate) outgoing: &'a mut Vec<Outgoing>,
}

impl Room<'_> {
    /// The time of this step, Unix milliseconds; never goes back.
    #[must_use]
    pub fn now_ms(&self) -> u64 {
        self.now_ms
    }

    /// Who sits where.
    #[must_use]
    pub fn players(&self) -> &BTreeMap<Seat, Seated> {
        self.players
    }

    /// The room's random source.
    pub fn random(&mut self) -> &mut Random {
        self.random
    }

    /// Sends `msg` with this type and data; `from` is the author's seat, or [`Seat::GAME`].
    pub fn send(&mut self, audience: Audience, from: Seat, kind: &str, data: Payload) {
        self.event(audience, Event::Msg(Msg { from, kind: kind.to_owned(), data }));
    }

    /// As [`Room::send`], but in the latest lane: a slow reader gets the newest message of this author and key, and not
    /// all of them. To be used for absolute values only.
    pub fn send_latest(&mut self, audience: Audience, from: Seat, key: &str, kind: &str, data: Payload) {
        let latest = LatestKey { owner: from, name: key.into() };
        let event = Event::Msg(Msg { from, kind: kind.to_owned(), data });
        self.outgoing.push(Outgoing { audience, event, latest: Some(latest) });
    }

    /// Sends `patch`: what changed in the game's state.
    pub fn patch(&mut self, audience: Audience, data: Payload) {
        self.event(audience, Event::Patch(data));
    }

    fn event(&mut self, audience: Audience, event: Event) {
        self.outgoing.push(Outgoing::reliable(audience, event));
    }
}
