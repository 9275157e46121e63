//! What a room wants done.

use std::sync::Arc;

use sward_protocol::downstream::{GoneWhy, Joined};
use sward_protocol::ids::Seat;
use sward_protocol::payload::Payload;
use sward_protocol::problem::MessageError;
use sward_protocol::rooms::RoomChange;

use crate::game::Blob;
use crate::game::context::Outgoing;
use crate::game::controls::Dropped;
use crate::room::bans::Bans;
use crate::world::frame::Frame;

/// One thing that a room wants done, in the order in which it is to be done.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// The newcomer has a seat; `joined` goes to him in front of every later event.
    Admitted(Box<Joined>),
    /// The newcomer has no seat.
    Refused(Refusal),
    /// An event to members.
    Send(Outgoing),
    /// What changed in the game's world, to those who see it.
    Frame(Arc<Frame>),
    /// A seat is empty: its member hears `gone` and nothing more.
    Vacated {
        /// Which.
        seat: Seat,
        /// Why.
        why: GoneWhy,
        /// What the game says to it.
        detail: Option<String>,
    },
    /// What became of a batch's messages, one result each, in their order.
    Results(Vec<Result<Payload, MessageError>>),
    /// `joined` again, in place of everything that waits.
    Snapshot(Box<Joined>),
    /// What others see of the room changed; its members are told by an event of its own.
    Changed(RoomChange),
    /// Seats were taken, freed or made by other ways than [`Effect::Admitted`] and [`Effect::Vacated`]: by a bot, or because
    /// the room's maximum changed.
    Occupied,
    /// A named blob is to be shown in place of the one of this name, or nothing is any more. It comes before the event that
    /// tells of it, and before the `joined` that has it.
    Shown {
        /// Its name.
        name: Arc<str>,
        /// `None`: it was removed.
        blob: Option<Blob>,
    },
    /// The game was refused a blob; it knows.
    BlobRefused,
    /// These may not come in from now on.
    Banned(Bans),
    /// The list of the banned is full: the oldest may come back.
    BanForgotten,
    /// The game wanted to say what cannot be said.
    Dropped(Dropped),
    /// The room ends, as its game or the operator wants: its members hear `gone`, `closed`. It does nothing more, whatever it is handed.
    Closed,
}

/// Why a newcomer has no seat.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// Every seat is taken, or the players' own data takes all the room there is.
    #[error("every seat is taken, or the names and data of those who sit there leave no room for yours")]
    Full,
    /// The game or the room's owner lets nobody else in, or the room plays and is closed meanwhile.
    #[error("nobody else is let in")]
    Locked,
    /// The room asks for a password, and he offered none or another.
    #[error("the room's password is another one")]
    PasswordWrong,
    /// Too many wrong passwords were offered lately, by whomever.
    #[error("too many wrong passwords were tried")]
    TooManyGuesses {
        /// When the next one is heard.
        retry_after_ms: u64,
    },
    /// The room's owner has banned him.
    #[error("you are banned from this room")]
    Banned,
    /// The game panicked, or could not show its state, as he came: the room is no more.
    #[error("the game failed when you came in")]
    Failed,
    /// The game does not want him.
    #[error("{0}")]
    ByGame(MessageError),
}
