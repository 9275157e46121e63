//! What a game is: a plain value that is handed players, messages and time, and answers with events.
//!
//! No async, no IO, no locks, no clock: a game is tested without a network ([`crate::testing`]), and the same inputs
//! with the same seed give the same events, always. A panic in a game ends its room (`gone`, `failed`, to each member)
//! and no other. A step that does not return cannot be stopped: its thread, which other rooms share, is lost until the
//! process is started anew. `docs/tutorial.md` builds a game step by step, and says what a game cannot do.
//!
//! | module | what it holds |
//! |---|---|
//! | [`context`] | what a game sees of its room, and what it can do there |
//! | [`audience`] | who receives an event |
//! | [`message`] | what players send, read as the game's own type |
//! | [`blob`] | named blobs that players fetch
//! | [`data`] | what a game sends, answers and saves, as JSON |
//! | [`controls`] | what a game has set of its room, and how much it may say at once |
//! | [`start`] | how a game is started, who owns its room, when it stands still |
//! | [`policy`] | who may make rooms of a game |
//! | [`timers`] | what is to happen later |
//! | [`random`] | the seeded random source |

pub mod audience;
pub mod blob;
pub mod context;
pub mod controls;
pub mod data;
pub mod message;
pub mod policy;
pub mod random;
pub mod start;
pub mod timers;

use std::time::Duration;

use serde::Serialize;
use sward_protocol::limits::ROOM_BLOB_BYTES_MAX;

pub use audience::Audience;
pub use blob::{Blob, BlobError};
pub use context::{Room, Seated};
pub use data::{Data, SaveError};
pub use message::{Incoming, Raw};
pub use policy::RoomPolicy;
pub use random::Random;
pub use start::StartRules;
#[doc(inline)]
pub use sward_protocol::downstream::{AwayWhy, GoneWhy};
#[doc(inline)]
pub use sward_protocol::ids::{PlayerId, RoomId, Seat};
use sward_protocol::limits::ROOM_PLAYERS_MAX;
#[doc(inline)]
pub use sward_protocol::payload::{Payload, PayloadError};
#[doc(inline)]
pub use sward_protocol::problem::{ErrorCode, MessageError};
use sward_protocol::read::plain_words;
#[doc(inline)]
pub use sward_protocol::rooms::{Phase, Will};
#[doc(inline)]
pub use sward_protocol::upstream::{Group, Keep, KeepScope, Message, To};

/// What a game answers to a message: the reply, for whoever asked for one, or why it refuses.
///
/// [`done`] is the reply of a game that has nothing to say, [`reply`] one with data, [`refuse`] a refusal.
pub type Reply = Result<Payload, MessageError>;

/// A game, one value per room.
///
/// ```
/// use serde::{Deserialize, Serialize};
/// use sward_server::Game;
/// use sward_server::game::{Audience, BadOptions, Payload, Random, Reply, Room, Seat, Settings, reply};
///
/// /// Counts what all players together have clicked.
/// struct Clicker {
///     clicks: u32,
/// }
///
/// /// On the wire: `{"type":"click","data":{"times":3}}`
/// #[derive(Deserialize)]
/// #[serde(tag = "type", content = "data", rename_all = "snake_case")]
/// enum Message {
///     Click { times: u8 },
/// }
///
/// impl Game for Clicker {
///     type Message = Message;
///
///     fn create(_options: &Payload, _random: &mut Random) -> Result<Self, BadOptions> {
///         Ok(Self { clicks: 0 })
///     }
///
///     fn settings(&self) -> Settings {
///         Settings::new(8)
///     }
///
///     fn message(&mut self, room: &mut Room<'_>, _from: Seat, message: Message) -> Reply {
///         match message {
///             Message::Click { times } => self.clicks += u32::from(times),
///         }
///         room.send(Audience::All, "clicks", &self.clicks);
///         reply(&self.clicks)
///     }
///
///     fn state(&self, _seat: Seat) -> impl Serialize {
///         self.clicks
///     }
/// }
/// ```
pub trait Game: Sized + Send + 'static {
    /// What players send: an enum of the game's own, with
    /// `#[serde(tag = "type", content = "data", rename_all = "snake_case")]`, or [`Raw`] to take anything as it comes.
    ///
    /// A type that the enum does not have is answered with `unknown_type`, data of another shape with `bad_payload`; the
    /// game never sees them, and they never cost their author his seat. Where nothing need be said, null (or no data) and
    /// `{}` are the same.
    type Message: Incoming;

    /// The version of the rules: to be changed whenever the same inputs would have another outcome. A recording
    /// (`--record`) of another version is not played again, unless by force.
    const VERSION: &'static str = "1";

    /// Makes the game of a new room.
    ///
    /// `options` is an object of at most 1 KiB that the room's creator sent; an empty one if he sent none. A game that
    /// has options reads them with [`Payload::parse`], whose error `?` turns into [`BadOptions`].
    ///
    /// # Errors
    /// [`BadOptions`] when the options cannot be used: the creator gets 422 `bad_options`, and no room is made.
    fn create(options: &Payload, random: &mut Random) -> Result<Self, BadOptions>;

    /// How the room runs. Asked once, right after [`Game::create`] or [`Game::restore`].
    fn settings(&self) -> Settings;

    /// A player took `seat`, a human or a bot of [`Room::add_bot`]; he is in [`Room::players`] already. What is sent here reaches the others after `here`, and
    /// him after `joined`.
    ///
    /// # Errors
    /// The game does not want him: he gets 409 with this code and detail and no seat. Nobody else hears of him, and what
    /// this call did to the room is undone; the game itself must not have changed.
    fn join(&mut self, room: &mut Room<'_>, seat: Seat) -> Result<(), MessageError> {
        let _ = (room, seat);
        Ok(())
    }

    /// The player on `seat` is out; he is in [`Room::players`] no more, but [`Room::leaver`] has his name and data. Not called when the whole room ends.
    fn leave(&mut self, room: &mut Room<'_>, seat: Seat, why: GoneWhy) {
        let _ = (room, seat, why);
    }

    /// A player sent a message. The result is the reply if he asked for one (`rid`, which is `session.request` in the
    /// browser SDK), and of no interest otherwise.
    ///
    /// # Errors
    /// What the author is told, whether he asked or not; a message never costs him his seat.
    fn message(&mut self, room: &mut Room<'_>, from: Seat, message: Self::Message) -> Reply;

    /// [`Settings::tick`] went by. Not called while no human is in the room, or while it is paused.
    fn tick(&mut self, room: &mut Room<'_>) {
        let _ = room;
    }

    /// A timer of [`Room::set_timer`] is due. Called while the room is empty, too; while it is paused, timers stand still.
    fn timer(&mut self, room: &mut Room<'_>, name: &str) {
        let _ = (room, name);
    }

    /// A timer of [`Room::set_seat_timer`] is due; its player sits there. Otherwise as [`Game::timer`].
    fn seat_timer(&mut self, room: &mut Room<'_>, seat: Seat, name: &str) {
        let _ = (room, seat, name);
    }

    /// The room begins to play: its owner said `sward.start`, see [`StartRules`], or the game [`Room::start`]. Everybody
    /// was sent `start` with this seed (below 2^53) before what is sent here: what follows from it alone is no secret, and
    /// nothing of [`Room::random`] can be told from it. It is over when the game says
    /// [`Room::over`].
    fn start(&mut self, room: &mut Room<'_>, seed: u64) {
        let _ = (room, seed);
    }

    /// The player on `seat` is away; called again when he is so for another reason.
    ///
    /// [`AwayWhy::Lost`]: nothing was heard of him for a while. He keeps his seat until his connection is there again, or
    /// leaves as [`GoneWhy::Lost`]; what is sent to him meanwhile waits for him. [`AwayWhy::Keyboard`]: he said so. He
    /// hears all, may send, and is away for as long as he likes. Whose connection is lost as well is `Lost`.
    fn away(&mut self, room: &mut Room<'_>, seat: Seat, why: AwayWhy) {
        let _ = (room, seat, why);
    }

    /// The player on `seat`, who was away, is there again: for no reason away any more.
    fn back(&mut self, room: &mut Room<'_>, seat: Seat) {
        let _ = (room, seat);
    }

    /// The whole state as the player on `seat` may see it: sent in `joined` when he comes, and again whenever he missed
    /// too much to be told the rest. What is hidden from him is left out here.
    ///
    /// `joined` is at most 1 MiB with the players' names and own data (up to 768 KiB of it in rooms of hundreds). A state
    /// that is larger, or that does not serialise, ends the room as a panic does.
    fn state(&self, seat: Seat) -> impl Serialize {
        let _ = seat;
    }

    /// The state as everybody may see it, without a seat: for those who watch, and for `GET /v1/rooms/{id}/state`. Asked
    /// for only if [`Settings::public`] says so. Null unless the game says otherwise. If it panics or does not serialise,
    /// nobody without a seat sees the room (500 `internal`), and it goes on.
    fn public_state(&self) -> impl Serialize {}

    /// The whole game as a value, such that [`Game::restore`] makes a game of it that goes on exactly as this one would.
    ///
    /// A game that derives `Serialize` and `Deserialize` needs no more than `Ok(Payload::of(self)?)` here and
    /// `Ok(saved.parse()?)` there. The room saves its players, timers and random source itself. `BTreeMap` and `BTreeSet`
    /// have the same order in the twin, `HashMap` and `HashSet` have not.
    ///
    /// It is what tests use ([`TestRoom::restored`](crate::testing::TestRoom::restored)), what recordings are compared by
    /// (`docs/recording.md`), and what restarts will use. The server itself does not keep rooms over a restart yet.
    ///
    /// # Errors
    /// [`SaveError::Unsupported`], as here.
    fn save(&self) -> Result<Payload, SaveError> {
        Err(SaveError::Unsupported)
    }

    /// The game that was saved.
    ///
    /// # Errors
    /// [`SaveError`]: unsupported, or this was not saved by such a game.
    fn restore(saved: &Payload) -> Result<Self, SaveError> {
        let _ = saved;
        Err(SaveError::Unsupported)
    }
}

/// The reply of a game that has nothing to say: null, which tells whoever asked that his message was applied.
///
/// # Errors
/// Never.
pub fn done() -> Reply {
    Ok(Payload::null())
}

/// The reply with this data.
///
/// # Errors
/// `internal` if the data does not serialise: whoever asked is told so.
pub fn reply(data: impl Data) -> Reply {
    data.payload().map_err(|error| {
        MessageError::new(ErrorCode::Internal, format!("the game's reply cannot be sent: {error}"))
    })
}

/// Refuses a message, or a newcomer, for whatever the caller would have returned. `code` is the game's own, a word or two
/// in snake case that its page acts on; `detail` is for people.
///
/// ```
/// # use sward_server::game::{MessageError, refuse};
/// # fn pick(basket: u32) -> Result<u32, MessageError> {
/// if basket >= 10 {
///     return refuse("basket_full", "eat some first");
/// }
/// # Ok(basket) }
/// ```
///
/// # Errors
/// Always.
pub fn refuse<T>(code: &'static str, detail: impl Into<String>) -> Result<T, MessageError> {
    Err(MessageError::of_game(code, detail))
}

/// How a room runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Settings {
    /// Seats, when the creator names no number: 1–4,096.
    pub max_players: u16,
    /// The most seats that a room's creator or owner may ask for: 1–4,096. More is 422 `bad_max`.
    pub seats_max: u16,
    /// Time between two ticks, at least 1 ms; `None`: the game has no ticks.
    pub tick: Option<Duration>,
    /// The shortest time between two writes to a player while the room is busy; a quiet room writes at once. Zero writes
    /// each step's events at once: the lowest latency, at the price of a system call per message and player.
    pub flush: Duration,
    /// Whether rooms show themselves to who has no seat, and how much later (at most [`PUBLIC_DELAY_MAX`]). They see what
    /// is sent to [`Audience::All`] and [`Audience::Except`], and [`Game::public_state`]. `None`: nobody sees anything.
    pub public: Option<Duration>,
    /// How the room's owner starts the game; `None`: he does not.
    pub start: Option<StartRules>,
    /// Whether the room is paused while it plays and somebody is away.
    pub pauses_on_away: bool,
    /// Whether somebody owns the room: its creator, and whoever he hands it to.
    pub has_owner: bool,
    /// Whether a bot leaves when a human wants in and every seat is taken.
    pub bots_yield: bool,
    /// How long the room stays when no human sits in it.
    pub empty: Duration,
    /// Bytes of all [named blobs](Room::publish) that the room may have at a time, at most 4 MiB. The server sets so many
    /// aside for each room (`--max-blob-bytes`): when there are none left, a new room is refused with `server_full`, and one
    /// that was made has what it was promised.
    pub blob_bytes: usize,
    /// Whether such rooms are recorded where the operator has a place for it (`--record`): all, or none; `None`: as the
    /// operator says.
    pub recorded: Option<bool>,
}

/// The longest delay with which a room shows itself.
pub const PUBLIC_DELAY_MAX: Duration = Duration::from_secs(120);

impl Settings {
    /// A room of so many seats (1–4,096) or fewer, if its creator says so; without ticks and blobs, that flushes every 33 ms
    /// at most, belongs to its creator, and is disposed of when it was empty for 1 s.
    #[must_use]
    pub fn new(max_players: u16) -> Self {
        Self {
            max_players,
            seats_max: max_players,
            tick: None,
            flush: Duration::from_millis(33),
            public: None,
            start: None,
            pauses_on_away: false,
            has_owner: true,
            bots_yield: false,
            empty: Duration::from_secs(1),
            blob_bytes: 0,
            recorded: None,
        }
    }

    /// The same, and a room's creator may ask for more seats: for up to so many (4,096 at most).
    #[must_use]
    pub fn with_seats_up_to(self, seats_max: u16) -> Self {
        Self { seats_max, ..self }
    }

    /// The most seats that a room may have.
    pub(crate) fn most_seats(&self) -> u16 {
        self.seats_max.max(self.max_players).clamp(1, ROOM_PLAYERS_MAX)
    }

    /// The same with ticks, at least 1 ms apart.
    #[must_use]
    pub fn with_tick(self, tick: Duration) -> Self {
        Self { tick: Some(tick), ..self }
    }

    /// The same, shown to everybody so much later: at most [`PUBLIC_DELAY_MAX`].
    #[must_use]
    pub fn with_public(self, delay: Duration) -> Self {
        Self { public: Some(delay.min(PUBLIC_DELAY_MAX)), ..self }
    }

    /// The same with named blobs of so many bytes in all, at most 4 MiB: see [`Room::publish`].
    #[must_use]
    pub fn with_blobs(self, bytes: usize) -> Self {
        Self { blob_bytes: bytes.min(ROOM_BLOB_BYTES_MAX), ..self }
    }

    /// The same, always recorded, or never, wherever the operator has a place for it (`--record`): see
    /// `docs/recording.md`.
    #[must_use]
    pub fn with_recording(self, recorded: bool) -> Self {
        Self { recorded: Some(recorded), ..self }
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

impl From<serde_json::Error> for BadOptions {
    fn from(error: serde_json::Error) -> Self {
        Self(plain_words(&error))
    }
}

#[cfg(test)]
mod tests;
