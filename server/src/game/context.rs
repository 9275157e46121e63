//! What a game sees of its room, and how it speaks to the players.

use std::collections::BTreeMap;

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

/// An event on its way out of the core.
#[derive(Debug, Clone, PartialEq)]
pub struct Outgoing {
    /// Who receives it.
    pub audience: Audience,
    /// What.
    pub event: Event,
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

    /// Sends `patch`: what changed in the game's state.
    pub fn patch(&mut self, audience: Audience, data: Payload) {
        self.event(audience, Event::Patch(data));
    }

    fn event(&mut self, audience: Audience, event: Event) {
        self.outgoing.push(Outgoing { audience, event });
    }
}
