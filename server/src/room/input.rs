//! What can happen to a room.

use serde::{Deserialize, Serialize};
use sward_protocol::downstream::GoneWhy;
use sward_protocol::ids::{PlayerId, Seat};
use sward_protocol::password::Password;
use sward_protocol::payload::Payload;
use sward_protocol::rooms::Will;
use sward_protocol::upstream::Message;

/// One thing that happens to a room. The time is given beside it.
#[derive(Debug, Clone, PartialEq)]
pub enum Input {
    /// A player wants a seat.
    Join(Newcomer),
    /// A player gives up his seat, or loses it.
    Leave {
        /// Whose.
        seat: Seat,
        /// Why.
        why: GoneWhy,
    },
    /// A player's connection is lost, or there again.
    Presence {
        /// Whose.
        seat: Seat,
        /// Whether it is lost now.
        is_lost: bool,
    },
    /// A player's messages, in order.
    Batch {
        /// Whose.
        seat: Seat,
        /// What he sent.
        messages: Vec<Message>,
    },
    /// A player needs `joined` again: what he missed cannot be replayed.
    Resync {
        /// Who.
        seat: Seat,
    },
    /// The operator puts a player out.
    Kick {
        /// Whom; somebody who does not sit there may be banned all the same.
        player: PlayerId,
        /// [`GoneWhy::Kicked`], or [`GoneWhy::Banned`]: he may not come back.
        why: GoneWhy,
        /// What he is told: one line of at most 200 characters; empty is nothing.
        detail: String,
    },
    /// The operator ends the room.
    Close,
    /// The game's tick.
    Tick,
    /// Nothing but time: timers of the game are due.
    Wake,
}

/// Who wants a seat.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Newcomer {
    /// Who he is.
    pub id: PlayerId,
    /// His name.
    pub name: String,
    /// His own data.
    pub me: Payload,
    /// What is to be said when he is gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub will: Option<Will>,
    /// What he offers, if the room asks for a password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<Password>,
    /// The room's host let him in: no lock and no password keeps him out.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub has_pass: bool,
}

impl Newcomer {
    /// Somebody who offers no password.
    #[must_use]
    pub fn new(id: PlayerId, name: String, me: Payload) -> Self {
        Self { id, name, me, will: None, password: None, has_pass: false }
    }
}

/// What a newcomer brings, besides himself.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Entry {
    /// His own data.
    pub me: Payload,
    /// What is to be said when he is gone.
    pub will: Option<Will>,
    /// What he offers, if the room asks for a password.
    pub password: Option<Password>,
    /// The room's host let him in: no lock and no password keeps him out.
    pub has_pass: bool,
}

impl From<Payload> for Entry {
    fn from(me: Payload) -> Self {
        Self { me, will: None, password: None, has_pass: false }
    }
}
