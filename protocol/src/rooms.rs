//! Bodies of `/v1/join`, `/v1/leave` and `/v1/rooms`.

use std::collections::BTreeMap;

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use crate::blobs::BlobInfo;
use crate::downstream::Member;
use crate::ids::{RoomId, Seat};
use crate::limits::{ME_BYTES_MAX, META_KEYS_MAX};
use crate::password::Password;
use crate::payload::Payload;
use crate::read;

/// Whether a room plays.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Phase {
    /// It does not: it has not started yet, or its last game is over. Games that know no start are always open.
    #[default]
    Open,
    /// It was started.
    Playing,
    /// It was started, and its clock stands still: somebody is away, or its game wants it so.
    Paused,
}

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
    /// Seats taken, those of bots included.
    pub players: u16,
    /// Not listed, never found by a filter.
    pub private: bool,
    /// Whoever wants in needs a password; never chosen for somebody who named no room.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub password: bool,
    /// Nobody else is let in.
    #[serde(default)]
    pub locked: bool,
    /// Whether it plays.
    #[serde(default)]
    pub phase: Phase,
    /// Whose room it is; 0: nobody's.
    #[serde(default = "nobody")]
    pub owner: Seat,
    /// An object of the creator's, which its game may replace.
    pub meta: Payload,
}

/// Data of `room`: what of a room changed, and nothing else.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct RoomChange {
    /// Its new name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// So many seats now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_players: Option<u16>,
    /// Whether nobody else is let in now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locked: Option<bool>,
    /// Whether it plays now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phase: Option<Phase>,
    /// Whose room it is now; 0: nobody's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<Seat>,
    /// The whole of it, an object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub meta: Option<Payload>,
}

impl RoomChange {
    /// Whether there is nothing to tell.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

fn nobody() -> Seat {
    Seat::GAME
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
    #[serde(default, deserialize_with = "read::or_default")]
    pub create: bool,
    /// The player's own data, at most 1 KiB.
    #[serde(default)]
    pub me: Payload,
    /// Of a room that is made: absent is empty.
    #[serde(default, deserialize_with = "read::or_default")]
    pub name: String,
    /// 1–4,096; absent is what the game says.
    #[serde(default, deserialize_with = "read::seats", skip_serializing_if = "Option::is_none")]
    pub max_players: Option<u16>,
    /// Absent is false.
    #[serde(default, deserialize_with = "read::or_default")]
    pub private: bool,
    /// With `code`: what that room asks for. Else of a room that is made, 1–64 characters; absent is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<Password>,
    /// An object of at most 1 KiB; absent is empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub meta: Option<Payload>,
    /// An object of at most 1 KiB for the game; absent is empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub options: Option<Payload>,
    /// What is said in the player's name when he is gone, in games that support it; null is as absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub will: Option<Will>,
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
    #[serde(default, deserialize_with = "read::or_default")]
    pub name: String,
    /// 1–4,096; absent is what the game says.
    #[serde(default, deserialize_with = "read::seats", skip_serializing_if = "Option::is_none")]
    pub max_players: Option<u16>,
    /// Absent is false.
    #[serde(default, deserialize_with = "read::or_default")]
    pub private: bool,
    /// Whoever wants in needs it: 1–64 characters; absent is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<Password>,
    /// An object of at most 1 KiB; absent is empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub meta: Option<Payload>,
    /// An object of at most 1 KiB for the game; absent is empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub options: Option<Payload>,
    /// What is said in the player's name when he is gone, in games that support it; null is as absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub will: Option<Will>,
    /// Makes it safe to send again: the same key within 60 s gets the first answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}

impl CreateRoom {
    /// A public room of this game, with whatever else as it is unless told.
    #[must_use]
    pub fn of(game: impl Into<String>) -> Self {
        Self {
            game: game.into(),
            me: Payload::null(),
            name: String::new(),
            max_players: None,
            private: false,
            password: None,
            meta: None,
            options: None,
            will: None,
            key: None,
        }
    }
}

/// Body of `POST /v1/rooms/{id}/join`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct JoinRoom {
    /// The player's own data, at most 1 KiB.
    #[serde(default)]
    pub me: Payload,
    /// What the room asks for, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<Password>,
    /// What an invitation or an accepted knock brought: lets in once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pass: Option<String>,
    /// What is said in the player's name when he is gone, in games that support it; null is as absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub will: Option<Will>,
    /// Makes it safe to send again: the same key within 60 s gets the first answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}

/// What is said in a player's name when he is gone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Will {
    /// As that of a message: 1–64 characters; `chat` and `sward.…` are the server's.
    #[serde(rename = "type")]
    pub kind: String,
    /// Absent is null; with the type at most 1 KiB as JSON.
    #[serde(default)]
    pub data: Payload,
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

/// Answer to `GET /v1/rooms/{id}/state`: a room as everybody may see it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RoomView {
    /// The room.
    pub room: RoomInfo,
    /// Who sits in it, by seat.
    pub players: Vec<Member>,
    /// What the game shows to everybody.
    pub state: Payload,
    /// The room's named blobs, by name; absent when there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub blobs: Vec<BlobInfo>,
}

/// Answer to `GET /v1/rooms`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RoomList {
    /// Oldest first.
    pub rooms: Vec<RoomInfo>,
    /// To be sent as `after` for the next page; null on the last.
    pub next: Option<RoomId>,
}

/// Whether this can be a room's `meta`, or a `filter` on it: an object of at most [`ME_BYTES_MAX`] bytes and
/// [`META_KEYS_MAX`] keys.
///
/// # Errors
/// Why not, in words that follow the field's name.
pub fn check_meta(meta: &Payload) -> Result<(), String> {
    let keys = meta.parse::<BTreeMap<String, IgnoredAny>>().map_or(usize::MAX, |keys| keys.len());
    if keys <= META_KEYS_MAX && meta.json_len() <= ME_BYTES_MAX {
        return Ok(());
    }
    Err(format!("is an object of at most {ME_BYTES_MAX} bytes and {META_KEYS_MAX} keys"))
}
