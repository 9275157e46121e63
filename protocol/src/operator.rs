//! What an operator asks: bodies of `/v1/admin`, and the event `warn`.

use serde::{Deserialize, Serialize};

use crate::blobs::BlobInfo;
use crate::downstream::Member;
use crate::ids::{PlayerId, RoomId};
use crate::rooms::RoomInfo;

/// How urgent an operator's words are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum WarnLevel {
    /// The server is about to stop, or to start anew. It stands until it is taken back.
    Boot,
    /// Anything else. It stands until it is taken back.
    Info,
    /// What stood is taken back.
    None,
}

/// Whom a warning is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum WarnScope {
    /// Every player.
    All,
    /// Everybody in a room of one game.
    Game,
    /// Everybody in one room.
    Room,
}

/// Data of `warn`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Warn {
    /// How urgent it is. It takes the place of the last one of its scope.
    pub level: WarnLevel,
    /// Whom it is for: what stands in one scope is not taken back by another's.
    pub scope: WarnScope,
    /// In plain words; empty with `none`, unless the operator said something.
    pub text: String,
}

/// Body of `POST /v1/admin/warn`, and what stands: an item of [`Warnings`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Warning {
    /// How urgent it is.
    pub level: WarnLevel,
    /// At most 500 characters; may be absent with `none`.
    #[serde(default)]
    pub text: String,
    /// For those in rooms of this game.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub game: Option<String>,
    /// For those in this room. With neither it is for all; both is an error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub room: Option<RoomId>,
}

/// Answer to `POST /v1/admin/warn`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Warned {
    /// How many players were told.
    pub players: usize,
}

/// Answer to `GET /v1/admin/warn`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Warnings {
    /// What stands: for all, then by game, then by room.
    pub warnings: Vec<Warning>,
}

/// Answer to `GET /v1/admin/rooms/{id}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RoomInside {
    /// The room.
    pub room: RoomInfo,
    /// Who sits in it, by seat.
    pub players: Vec<Member>,
    /// Its named blobs, by name; absent when there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub blobs: Vec<BlobInfo>,
}

/// Body of `POST /v1/admin/rooms/{id}/kick`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KickPlayer {
    /// Who is put out.
    pub player: PlayerId,
    /// Whether he may never come back into this room; absent is false.
    #[serde(default)]
    pub ban: bool,
    /// What he is told: one line of at most 200 characters; absent is nothing.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
}

/// Answer to what an operator has done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Done {
    /// Whether there was somebody, or something, to do it to.
    pub done: bool,
}
