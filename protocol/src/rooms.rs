//! Bodies of `/v1/join`, `/v1/leave` and `/v1/rooms`.

use serde::{Deserialize, Serialize};

use crate::ids::{RoomId, Seat};
use crate::payload::Payload;

/// A room, as lists and `joined` show it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RoomInfo {
    /// Unique.
    pub id: RoomId,
    /// The game it runs.
    pub game: String,
    /// The short code to join it by.
    pub code: String,
    /// May be empty.
    pub name: String,
    /// Seats.
    pub max_players: u16,
    /// Seats taken.
    pub players: u16,
    /// Not listed, never found by a filter.
    pub private: bool,
    /// Nobody else is let in.
    #[serde(default)]
    pub locked: bool,
    /// An object of the creator's, which its game may replace.
    pub meta: Payload,
}

/// Data of `room`: what of a room changed, and nothing else.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct RoomChange {
    /// Whether nobody else is let in now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locked: Option<bool>,
    /// The whole of it, an object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub meta: Option<Payload>,
}

impl RoomChange {
    /// Whether there is nothing to tell.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.locked.is_none() && self.meta.is_none()
    }
}

/// Body of `POST /v1/join`: either `game` or `code`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Join {
    /// The game to play.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub game: Option<String>,
    /// A room's short code instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// Each key must equal that of the room's `meta`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<Payload>,
    /// Make a room when none fits.
    #[serde(default)]
    pub create: bool,
    /// The player's own data, at most 1 KiB.
    #[serde(default)]
    pub me: Payload,
    /// Of a room that is made: absent is empty.
    #[serde(default)]
    pub name: String,
    /// 1–1,000; absent is what the game says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_players: Option<u16>,
    /// Absent is false.
    #[serde(default)]
    pub private: bool,
    /// An object of at most 1 KiB; absent is empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub meta: Option<Payload>,
    /// An object of at most 1 KiB for the game; absent is empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub options: Option<Payload>,
    /// Makes it safe to send again: the same key within 60 s gets the first answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}

/// Body of `POST /v1/rooms`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CreateRoom {
    /// The game to play.
    pub game: String,
    /// The player's own data, at most 1 KiB.
    #[serde(default)]
    pub me: Payload,
    /// Absent is empty.
    #[serde(default)]
    pub name: String,
    /// 1–1,000; absent is what the game says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_players: Option<u16>,
    /// Absent is false.
    #[serde(default)]
    pub private: bool,
    /// An object of at most 1 KiB; absent is empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub meta: Option<Payload>,
    /// An object of at most 1 KiB for the game; absent is empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub options: Option<Payload>,
    /// Makes it safe to send again: the same key within 60 s gets the first answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}

/// Body of `POST /v1/rooms/{id}/join`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct JoinRoom {
    /// The player's own data, at most 1 KiB.
    #[serde(default)]
    pub me: Payload,
    /// What an invitation or an accepted knock brought: lets in once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pass: Option<String>,
    /// Makes it safe to send again: the same key within 60 s gets the first answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}

/// Answer to every join.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Seated {
    /// Where.
    pub room: RoomInfo,
    /// On which seat.
    pub seat: Seat,
}

/// Answer to `POST /v1/leave`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Left {
    /// Whether there was a seat to leave.
    pub left: bool,
}

/// Answer to `GET /v1/rooms/{id}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OneRoom {
    /// The room.
    pub room: RoomInfo,
}

/// Answer to `GET /v1/rooms`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RoomList {
    /// Oldest first.
    pub rooms: Vec<RoomInfo>,
    /// To be sent as `after` for the next page; null on the last.
    pub next: Option<RoomId>,
}
