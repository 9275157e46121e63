//! A session's mailslot as a value: what it takes to go on elsewhere, or later, such that its client loses nothing and gets
//! nothing twice. Pure.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, de};
use serde_json::value::RawValue;
use sward_protocol::ids::{Epoch, EventId};

use super::mailslot::Tenancy;
use super::nonces::Nonces;
use super::reading::Kind;
use crate::game::context::LatestKey;

/// A mailslot. The stream that was open is not part of it: its client comes again, and names the last event that it has.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SavedMailslot {
    /// What may be told.
    pub outbox: SavedOutbox,
    /// What the newest stream was, if there was one.
    pub newest: Option<Kind>,
    /// Where it began.
    pub began: EventId,
    /// The session is over.
    pub shut: bool,
    /// Which streams were opened.
    pub nonces: Nonces,
    /// The stay that is heard.
    pub tenancy: Tenancy,
    /// The room is to say `joined` anew: who restores it has to ask for that again.
    pub awaits_snapshot: bool,
    /// Of the last `joined`.
    pub joined_bytes: u32,
}

/// The numbered events.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SavedOutbox {
    /// The numbering.
    pub epoch: Epoch,
    /// The highest number.
    pub newest: u64,
    /// The highest that was written.
    pub written: u64,
    /// The highest that may not be asked for any more.
    pub floor: u64,
    /// The highest that the client said it has.
    pub acknowledged: u64,
    /// Up to here the queue was there before the newest stream.
    pub replay_end: u64,
    /// The newest value of a key that is not followed; 0: none.
    pub unfollowed: u64,
    /// What was said, ascending.
    pub entries: Vec<SavedEntry>,
    /// What was seen of the world.
    pub sight: SavedSight,
}

/// Events that stay and go together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SavedEntry {
    /// The first number.
    pub first: u64,
    /// How many numbers.
    pub numbers: u32,
    /// When, Unix milliseconds.
    pub at_ms: u64,
    /// Whether it counts against no bound, as `joined`.
    pub free: bool,
    /// Those that no newer value has replaced, ascending; at least one.
    pub events: Vec<SavedEvent>,
}

/// One event.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SavedEvent {
    /// Its number.
    pub seq: u64,
    /// Its name.
    pub name: String,
    /// Its data.
    pub data: Line,
    /// The key whose newest value it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latest: Option<LatestKey>,
    /// Whether that key is followed: a newer value takes its place.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub followed: bool,
}

/// The pieces of the world.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct SavedSight {
    /// The tick of the newest frame.
    pub tick: u64,
    /// The number of the newest piece.
    pub newest: u64,
    /// By entity and group.
    pub pieces: Vec<SavedPiece>,
}

/// One piece.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SavedPiece {
    /// Of which entity.
    pub entity: u32,
    /// Which of its pieces.
    pub group: u8,
    /// Its number.
    pub seq: u64,
    /// When, Unix milliseconds.
    pub at_ms: u64,
    /// The object.
    pub piece: Line,
}

/// Any JSON value as text on one line, as it goes out: a line break in it would forge events for whoever receives it.
#[derive(Clone, Serialize)]
#[serde(transparent)]
pub struct Line(Box<RawValue>);

impl Line {
    /// What a server wrote itself; null where it is not JSON.
    pub(super) fn of(json: &[u8]) -> Self {
        let text = String::from_utf8_lossy(json).into_owned();
        Self(RawValue::from_string(text).unwrap_or_else(|_| RawValue::NULL.to_owned()))
    }

    /// The text.
    #[must_use]
    pub fn json(&self) -> &str {
        self.0.get()
    }
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.json())
    }
}

impl PartialEq for Line {
    fn eq(&self, other: &Self) -> bool {
        self.json() == other.json()
    }
}

impl<'de> Deserialize<'de> for Line {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        if raw.get().contains(['\n', '\r']) {
            return Err(de::Error::custom("a line break"));
        }
        Ok(Self(raw))
    }
}
