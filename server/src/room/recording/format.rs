//! The lines of a recording: the header first, then one per thing that happened, each JSON.

use std::io::Write as _;

use serde::{Deserialize, Serialize};
use sward_protocol::downstream::GoneWhy;
use sward_protocol::ids::{PlayerId, Seat};
use sward_protocol::payload::{CheckedMessage, Payload};
use sward_protocol::upstream::Message;

use crate::room::core::Charter;
use crate::room::input::{Input, Newcomer};

/// The version of the format.
pub const VERSION: u64 = 1;

/// What a room begins with: the first line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// [`VERSION`].
    pub recording: u64,
    /// The server's version.
    pub server: String,
    /// The game's name.
    pub game: String,
    /// The version of its rules: [`Game::VERSION`](crate::Game::VERSION).
    pub game_version: String,
    /// What names and describes the room, its password included.
    pub room: Charter,
    /// What its creator sent.
    pub options: Payload,
    /// Where its random source begins.
    #[serde(with = "as_text")]
    pub seed: u64,
    /// The time of the first input, Unix milliseconds. All other times count from here.
    pub began_ms: u64,
}

/// The one field of a header that every version has.
#[derive(Deserialize)]
struct AnyHeader {
    recording: u64,
}

/// 64 bits are too many for a number in JavaScript.
mod as_text {
    use serde::de::Error as _;
    use serde::{Deserialize as _, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(number: &u64, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(number)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

/// Why a recording ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum End {
    /// The game or the operator closed the room.
    Closed,
    /// The game panicked, in the last input.
    Panicked,
    /// The room could not be shown to its players.
    Failed,
    /// Nobody was there any more.
    Deserted,
    /// The server stopped.
    Shutdown,
    /// The bound on the bytes of one recording, or of all: the room went on.
    Full,
    /// More happened than could be written: the room went on.
    Behind,
    /// The room's state could not be looked at: the room went on.
    Unhashed,
}

impl End {
    /// Whether the room went on without being recorded.
    #[must_use]
    pub fn is_early(self) -> bool {
        matches!(self, Self::Full | Self::Behind | Self::Unhashed)
    }

    /// As it stands in the file.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Panicked => "panicked",
            Self::Failed => "failed",
            Self::Deserted => "deserted",
            Self::Shutdown => "shutdown",
            Self::Full => "full",
            Self::Behind => "behind",
            Self::Unhashed => "unhashed",
        }
    }
}

/// What one line tells.
#[derive(Debug, Clone, PartialEq)]
pub enum Record {
    /// Something happened to the room.
    Input(Input),
    /// The room's hash, with all that it said since the last one.
    Hash(u64),
    /// Nothing follows.
    End(End),
}

/// One line behind the header.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// When, in milliseconds since the recording began.
    pub at_ms: u64,
    /// What.
    pub record: Record,
}

/// A line that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadLine {
    /// It is of a newer version of the format.
    #[error("the recording has the format {0}, and this version reads {VERSION}")]
    Newer(u64),
    /// It is none that this version knows.
    #[error("{0}")]
    Unknown(String),
}

impl From<serde_json::Error> for BadLine {
    fn from(error: serde_json::Error) -> Self {
        Self::Unknown(error.to_string())
    }
}

impl Header {
    /// Appends the line.
    pub fn push(&self, out: &mut Vec<u8>) {
        push_value(out, self);
        out.push(b'\n');
    }

    /// Reads the line; one of a newer version too if `is_forced`, as far as it can be.
    ///
    /// # Errors
    /// [`BadLine`].
    pub fn read(line: &str, is_forced: bool) -> Result<Self, BadLine> {
        let AnyHeader { recording } = serde_json::from_str(line)?;
        if recording != VERSION && !is_forced {
            return Err(BadLine::Newer(recording));
        }
        Ok(serde_json::from_str(line)?)
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Leave {
    seat: Seat,
    why: GoneWhy,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Presence {
    seat: Seat,
    lost: bool,
}

#[derive(Serialize)]
struct BatchOut<'a> {
    seat: Seat,
    messages: &'a [Message],
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BatchIn {
    seat: Seat,
    messages: Vec<CheckedMessage>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Resync {
    seat: Seat,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kick {
    player: PlayerId,
    why: GoneWhy,
    detail: String,
}

/// A line as it is read: one of its fields beside `at_ms`, and `tick` beside a hash.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields {
    at_ms: u64,
    join: Option<Newcomer>,
    leave: Option<Leave>,
    presence: Option<Presence>,
    batch: Option<BatchIn>,
    resync: Option<Resync>,
    kick: Option<Kick>,
    close: Option<bool>,
    wake: Option<bool>,
    tick: Option<u64>,
    hash: Option<String>,
    end: Option<End>,
}

/// Appends the line of an input; `ticks` are those that there were, this one included.
pub fn push_input(out: &mut Vec<u8>, at_ms: u64, input: &Input, ticks: u64) {
    match input {
        Input::Join(newcomer) => push(out, at_ms, "join", newcomer),
        &Input::Leave { seat, why } => push(out, at_ms, "leave", &Leave { seat, why }),
        &Input::Presence { seat, is_lost } => {
            push(out, at_ms, "presence", &Presence { seat, lost: is_lost });
        }
        Input::Batch { seat, messages } => push(out, at_ms, "batch", &BatchOut { seat: *seat, messages }),
        &Input::Resync { seat } => push(out, at_ms, "resync", &Resync { seat }),
        Input::Kick { player, why, detail } => {
            push(out, at_ms, "kick", &Kick { player: *player, why: *why, detail: detail.clone() });
        }
        Input::Close => push(out, at_ms, "close", &true),
        Input::Tick => push(out, at_ms, "tick", &ticks),
        Input::Wake => push(out, at_ms, "wake", &true),
    }
}

/// Appends the line of a hash.
pub fn push_hash(out: &mut Vec<u8>, at_ms: u64, hash: u64, ticks: u64) {
    push(out, at_ms, "hash", &format!("{hash:016x}"));
    let end = out.len() - 2;
    out.truncate(end);
    // A `Vec` takes every write.
    let _ = writeln!(out, ",\"tick\":{ticks}}}");
}

/// Appends the last line.
pub fn push_end(out: &mut Vec<u8>, at_ms: u64, end: End) {
    push(out, at_ms, "end", &end);
}

fn push<T: Serialize + ?Sized>(out: &mut Vec<u8>, at_ms: u64, kind: &str, value: &T) {
    let _ = write!(out, "{{\"at_ms\":{at_ms},\"{kind}\":");
    push_value(out, value);
    out.extend_from_slice(b"}\n");
}

fn push_value<T: Serialize + ?Sized>(out: &mut Vec<u8>, value: &T) {
    // A `Vec` takes every write, and the keys of all that is written are strings.
    let written = serde_json::to_writer(out, value);
    debug_assert!(written.is_ok(), "{written:?}");
}

/// Reads a line behind the header.
///
/// # Errors
/// [`BadLine::Unknown`].
pub fn read(line: &str) -> Result<Line, BadLine> {
    let fields: Fields = serde_json::from_str(line)?;
    let at_ms = fields.at_ms;
    Ok(Line { at_ms, record: record(fields)? })
}

fn record(fields: Fields) -> Result<Record, BadLine> {
    let unknown = |what: &str| BadLine::Unknown(what.to_owned());
    let Fields { join, leave, presence, batch, resync, kick, close, wake, tick, hash, end, .. } = fields;
    if let Some(hash) = hash {
        let is_hex = hash.len() == 16 && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
        let hash = u64::from_str_radix(&hash, 16).ok().filter(|_| is_hex);
        return hash.map(Record::Hash).ok_or_else(|| unknown("a hash has 16 hexadecimal digits"));
    }
    if let Some(end) = end {
        return Ok(Record::End(end));
    }
    let batch = batch.map(|BatchIn { seat, messages }| {
        let messages: Result<_, _> = messages.iter().map(Message::read).collect();
        messages.map(|messages| Input::Batch { seat, messages })
    });
    let batch = batch.transpose().map_err(|unreadable| unknown(&unreadable.error.to_string()))?;
    let inputs = [
        join.map(Input::Join),
        leave.map(|Leave { seat, why }| Input::Leave { seat, why }),
        presence.map(|Presence { seat, lost }| Input::Presence { seat, is_lost: lost }),
        batch,
        resync.map(|Resync { seat }| Input::Resync { seat }),
        kick.map(|Kick { player, why, detail }| Input::Kick { player, why, detail }),
        close.map(|_| Input::Close),
        wake.map(|_| Input::Wake),
        tick.map(|_| Input::Tick),
    ];
    let mut inputs = inputs.into_iter().flatten();
    match (inputs.next(), inputs.next()) {
        (Some(input), None) => Ok(Record::Input(input)),
        _ => Err(unknown("a line tells one thing")),
    }
}
