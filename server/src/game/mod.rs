//! What a game is: a plain value that is handed players, messages and time, and answers with events.
//!
//! No async, no IO, no locks, no clock: a game is tested without a network ([`crate::testing`]), and the same inputs
//! with the same seed give the same events, always. A panic in a game ends its room (`gone`, `failed`, to each member)
//! and no other.
//!
//! | module | what it holds |
//! |---|---|
//! | [`context`] | what a game sees of its room, and how it speaks to the players |
//! | [`random`] | the seeded random source |

pub mod context;
pub mod random;

use std::time::Duration;

use sward_protocol::downstream::GoneWhy;
use sward_protocol::ids::Seat;
use sward_protocol::payload::Payload;
use sward_protocol::problem::MessageError;
use sward_protocol::upstream::Message;

pub use context::{Audience, Room, Seated};
pub use random::Random;

/// A game, one value per room.
pub trait Game: Send + 'static {
    /// Makes the game of a new room.
    ///
    /// `options` is an object of at most 1 KiB that the room's creator sent; an empty one if he sent none.
    ///
    /// # Errors
    /// [`BadOptions`] when the options cannot be used: the creator gets 422 `bad_options`, and no room is made.
    fn create(options: &Payload, random: &mut Random) -> Result<Self, BadOptions>
    where
        Self: Sized;

    /// How the room runs. Asked once, right after [`Game::create`].
    fn settings(&self) -> Settings;

    /// A player took `seat`; he is in [`Room::players`] already. What is sent here reaches the others after `here`, and
    /// him after `joined`.
    ///
    /// # Errors
    /// The game does not want him: he gets 409 with this code and detail and no seat, what was sent here is not sent, and
    /// nobody else hears of him. The game must not have changed then.
    fn join(&mut self, room: &mut Room<'_>, seat: Seat) -> Result<(), MessageError> {
        let _ = (room, seat);
        Ok(())
    }

    /// The player on `seat` is out; he is in [`Room::players`] no more.
    fn leave(&mut self, room: &mut Room<'_>, seat: Seat, why: GoneWhy) {
        let _ = (room, seat, why);
    }

    /// A player on `from` sent a message. The result is the reply, if he asked for one.
    ///
    /// # Errors
    /// What the author is told; a message never costs him his seat.
    fn message(
        &mut self,
        room: &mut Room<'_>,
        from: Seat,
        message: &Message,
    ) -> Result<Payload, MessageError>;

    /// [`Settings::tick`] went by. Not called while the room is empty.
    fn tick(&mut self, room: &mut Room<'_>) {
        let _ = room;
    }

    /// The whole state as the player on `seat` may see it: sent in `joined`, which is at most 1 MiB.
    fn state(&self, seat: Seat) -> Payload;
}

/// How a room runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Settings {
    /// Seats, when the creator names no number: 1–1,000.
    pub max_players: u16,
    /// Time between two ticks, at least 1 ms; `None`: the game has no ticks.
    pub tick: Option<Duration>,
    /// The shortest time between two writes to a player while the room is busy; a quiet room writes at once. Zero writes
    /// each step's events at once: the lowest latency, at the price of a system call per message and player.
    pub flush: Duration,
}

impl Settings {
    /// A room of so many seats (1–1,000), without ticks, that flushes every 33 ms at most.
    #[must_use]
    pub fn new(max_players: u16) -> Self {
        Self { max_players, tick: None, flush: Duration::from_millis(33) }
    }

    /// The same with ticks, at least 1 ms apart.
    #[must_use]
    pub fn with_tick(self, tick: Duration) -> Self {
        Self { tick: Some(tick), ..self }
    }

    /// The same with another flush interval.
    #[must_use]
    pub fn with_flush(self, flush: Duration) -> Self {
        Self { flush, ..self }
    }
}

/// Options that a game cannot use, in plain words for the creator.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadOptions(pub String);
