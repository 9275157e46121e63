//! The events of a stream.

use serde::{Deserialize, Serialize};

use crate::blobs::{BlobChange, BlobInfo};
use crate::bye::Bye;
use crate::codec::{DecodeError, msgpack};
use crate::ids::{Epoch, EventId, PlayerId, RoomId, Seat};
use crate::operator::Warn;
use crate::payload::Payload;
use crate::rooms::{RoomChange, RoomInfo};
use crate::session::{Player, Time};
use crate::social::{Ask, Chat, Lines, Lobby, Party, QueueNews};

/// One event. Its name is the variant's, in lower case.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// Always first.
    Hello(Hello),
    /// Still here.
    Noop(Time),
    /// You are in.
    Joined(Box<Joined>),
    /// A player took a seat.
    Here(Here),
    /// A seat is empty.
    Gone(Gone),
    /// A player may be lost.
    Away(Away),
    /// And is back.
    Back(Back),
    /// Something of the room changed.
    Room(RoomChange),
    /// The room begins to play.
    Start(Start),
    /// A game message.
    Msg(Msg),
    /// A chat line.
    Chat(Chat),
    /// Chat lines of before.
    Lines(Lines),
    /// A lobby that one watches: all of it, or what changed.
    Lobby(Box<Lobby>),
    /// The host of a room asks somebody to come.
    Invite(Box<Ask>),
    /// Somebody asks the host of a room to be let in.
    Knock(Box<Ask>),
    /// Who queues together with you.
    Party(Party),
    /// Where you stand in a queue.
    Queue(Box<QueueNews>),
    /// The whole replicated state.
    State(Payload),
    /// What changed in it.
    Patch(Payload),
    /// A named blob of the room was published or replaced, or is no more.
    Blob(BlobChange),
    /// Answer to `sward.ping`.
    Pong(Pong),
    /// What an operator says.
    Warn(Warn),
    /// What was missed cannot be replayed.
    Reset(Reset),
    /// The stream ends.
    Bye(Bye),
}

/// Data of `hello`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Hello {
    /// The numbering of the ids that follow.
    pub epoch: Epoch,
    /// What follows are the events above this one.
    pub last: EventId,
    /// Whether everything above the id that the client named follows.
    pub resumed: bool,
    /// Who the session is; null for who watches a room, without one.
    pub player: Option<Player>,
    /// Where it sits.
    pub room: Option<RoomSeat>,
    /// The server's clock.
    pub time_ms: u64,
    /// The longest silence of this stream.
    pub heartbeat_ms: u64,
    /// The silence after which to reconnect.
    pub watchdog_ms: u64,
    /// [`crate::VERSION`].
    pub version: u32,
}

/// A seat in a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomSeat {
    /// The room.
    pub id: RoomId,
    /// The seat; [`Seat::GAME`], which is null on the wire, for who watches.
    #[serde(with = "crate::ids::seat_or_null")]
    pub seat: Seat,
}

/// Data of `joined`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Joined {
    /// The room.
    pub room: RoomInfo,
    /// Your seat; [`Seat::GAME`], which is null on the wire, for who watches.
    #[serde(with = "crate::ids::seat_or_null")]
    pub seat: Seat,
    /// Everybody, you included, by seat.
    pub players: Vec<Member>,
    /// The game's state, as you may see it.
    pub state: Payload,
    /// What the running game started with; absent while the room does not play.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// What was said last in the room, oldest first.
    #[serde(default)]
    pub chat: Vec<Chat>,
    /// The room's named blobs, by name; absent when there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub blobs: Vec<BlobInfo>,
}

/// A player in a room.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Member {
    /// Where he sits.
    pub seat: Seat,
    /// Who he is.
    pub id: PlayerId,
    /// His name.
    pub name: String,
    /// His own data.
    pub me: Payload,
    /// Whether he is away.
    pub away: bool,
    /// Why, if he is; absent if he is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<AwayWhy>,
    /// Whether he is a player of the game's own, behind whom nobody is.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub bot: bool,
}

/// Data of `here`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Here {
    /// Where he sits.
    pub seat: Seat,
    /// Who he is.
    pub id: PlayerId,
    /// His name.
    pub name: String,
    /// His own data.
    pub me: Payload,
    /// Whether he is a player of the game's own, behind whom nobody is.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub bot: bool,
}

/// Why a seat is empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum GoneWhy {
    /// The player left, or ended his session.
    Left,
    /// Not heard from for the time of grace.
    Lost,
    /// He sits in another room now.
    Moved,
    /// The game, the room's owner or the operator put him out.
    Kicked,
    /// As [`GoneWhy::Kicked`], and he may not come back.
    Banned,
    /// The room was closed.
    Closed,
    /// The game failed.
    Failed,
}

/// Data of `gone`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gone {
    /// The seat.
    pub seat: Seat,
    /// Why.
    pub why: GoneWhy,
    /// What the game, or whoever put him out, says to it, in plain words for people: at most [`GONE_DETAIL_CHARS_MAX`] characters.
    ///
    /// [`GONE_DETAIL_CHARS_MAX`]: crate::limits::GONE_DETAIL_CHARS_MAX
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// Why a player is away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum AwayWhy {
    /// The connection is lost, or a farewell was announced. Whoever is both is this: his seat may soon be empty.
    Lost,
    /// He said that he is away from the keyboard, by `sward.away`, and has not said `sward.back`.
    Keyboard,
}

/// Data of `away`: somebody who was present is away, or away for another reason than before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Away {
    /// The seat.
    pub seat: Seat,
    /// Why.
    pub why: AwayWhy,
}

/// Data of `back`: he is away for no reason any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Back {
    /// The seat.
    pub seat: Seat,
}

/// Data of `start`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Start {
    /// The same for all, below 2^53: whoever draws from it draws what the others do.
    pub seed: u64,
}

/// Data of `msg`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Msg {
    /// The author's seat; 0 is the game.
    pub from: Seat,
    /// The message's type.
    #[serde(rename = "type")]
    pub kind: String,
    /// The message's data.
    pub data: Payload,
}

/// Data of `pong`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Pong {
    /// What `sward.ping` carried.
    pub data: Payload,
}

/// Why events cannot be replayed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ResetReason {
    /// The id is malformed, or above the newest.
    BadId,
    /// The id is of another numbering.
    OtherEpoch,
    /// The events behind the id have left the window.
    TooOld,
}

/// Data of `reset`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reset {
    /// Why.
    pub reason: ResetReason,
}

macro_rules! with_data {
    ($event:expr, $data:ident => $body:expr) => {
        match $event {
            Event::Hello($data) => $body,
            Event::Noop($data) => $body,
            Event::Joined($data) => $body,
            Event::Here($data) => $body,
            Event::Gone($data) => $body,
            Event::Away($data) => $body,
            Event::Back($data) => $body,
            Event::Room($data) => $body,
            Event::Start($data) => $body,
            Event::Msg($data) => $body,
            Event::Chat($data) => $body,
            Event::Lines($data) => $body,
            Event::Lobby($data) => $body,
            Event::Invite($data) | Event::Knock($data) => $body,
            Event::Party($data) => $body,
            Event::Queue($data) => $body,
            Event::State($data) | Event::Patch($data) => $body,
            Event::Blob($data) => $body,
            Event::Pong($data) => $body,
            Event::Warn($data) => $body,
            Event::Reset($data) => $body,
            Event::Bye($data) => $body,
        }
    };
}

macro_rules! read_as {
    ($name:expr, $read:expr) => {
        match $name {
            "hello" => Self::Hello($read),
            "noop" => Self::Noop($read),
            "joined" => Self::Joined($read),
            "here" => Self::Here($read),
            "gone" => Self::Gone($read),
            "away" => Self::Away($read),
            "back" => Self::Back($read),
            "room" => Self::Room($read),
            "start" => Self::Start($read),
            "msg" => Self::Msg($read),
            "chat" => Self::Chat($read),
            "lines" => Self::Lines($read),
            "lobby" => Self::Lobby($read),
            "invite" => Self::Invite($read),
            "knock" => Self::Knock($read),
            "party" => Self::Party($read),
            "queue" => Self::Queue($read),
            "state" => Self::State($read),
            "patch" => Self::Patch($read),
            "blob" => Self::Blob($read),
            "pong" => Self::Pong($read),
            "warn" => Self::Warn($read),
            "reset" => Self::Reset($read),
            "bye" => Self::Bye($read),
            _ => return Ok(None),
        }
    };
}

impl Event {
    /// The name on the wire.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Hello(_) => "hello",
            Self::Noop(_) => "noop",
            Self::Joined(_) => "joined",
            Self::Here(_) => "here",
            Self::Gone(_) => "gone",
            Self::Away(_) => "away",
            Self::Back(_) => "back",
            Self::Room(_) => "room",
            Self::Start(_) => "start",
            Self::Msg(_) => "msg",
            Self::Chat(_) => "chat",
            Self::Lines(_) => "lines",
            Self::Lobby(_) => "lobby",
            Self::Invite(_) => "invite",
            Self::Knock(_) => "knock",
            Self::Party(_) => "party",
            Self::Queue(_) => "queue",
            Self::State(_) => "state",
            Self::Patch(_) => "patch",
            Self::Blob(_) => "blob",
            Self::Pong(_) => "pong",
            Self::Warn(_) => "warn",
            Self::Reset(_) => "reset",
            Self::Bye(_) => "bye",
        }
    }

    /// Appends the data as JSON, on one line.
    ///
    /// # Errors
    /// Never for the events of this crate: a `Vec` takes every write, and their keys are strings.
    pub fn write_json(&self, out: &mut Vec<u8>) -> Result<(), serde_json::Error> {
        with_data!(self, data => serde_json::to_writer(out, data))
    }

    /// Appends the data as MessagePack.
    ///
    /// # Errors
    /// Never for the events of this crate, see [`Event::write_json`].
    pub fn write_msgpack(&self, out: &mut Vec<u8>) -> Result<(), rmp_serde::encode::Error> {
        with_data!(self, data => rmp_serde::encode::write_named(out, data))
    }

    /// Reads an event whose data is JSON. `None` for a name that this version does not know: such events are to be
    /// ignored.
    ///
    /// # Errors
    /// What serde says of data of another shape.
    pub fn read(name: &str, json: &str) -> Result<Option<Self>, serde_json::Error> {
        Ok(Some(read_as!(name, serde_json::from_str(json)?)))
    }

    /// Reads an event whose data is MessagePack, see [`Event::read`].
    ///
    /// # Errors
    /// What is wrong with the bytes.
    pub fn read_msgpack(name: &str, bytes: &[u8]) -> Result<Option<Self>, DecodeError> {
        Ok(Some(read_as!(name, msgpack::decode_value(bytes)?)))
    }
}
