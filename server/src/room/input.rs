//! What can happen to a room.

use sward_protocol::downstream::GoneWhy;
use sward_protocol::ids::{PlayerId, Seat};
use sward_protocol::payload::Payload;
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
    /// A player was lost, or heard from again.
    Presence {
        /// Whose.
        seat: Seat,
        /// Whether he is away now.
        away: bool,
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
    /// The game's tick.
    Tick,
    /// Nothing but time: timers of the game are due.
    Wake,
}

/// Who wants a seat.
#[derive(Debug, Clone, PartialEq)]
pub struct Newcomer {
    /// Who he is.
    pub id: PlayerId,
    /// His name.
    pub name: String,
    /// His own data.
    pub me: Payload,
}
