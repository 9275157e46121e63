//! A room as a value, and as bytes: what it takes to go on elsewhere, or later, exactly as it would have.
//!
//! The bytes are JSON, `{"version":1,"room":{…}}`: the version of the form stands beside what has it, so that it is read
//! first, whatever the rest has become.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sward_protocol::downstream::Member;
use sward_protocol::ids::{PlayerId, RoomId, Seat};
use sward_protocol::password::Password;
use sward_protocol::payload::Payload;

use crate::chat;
use crate::game::controls::Stage;
use crate::game::timers::Timers;
use crate::game::{Blob, Random, SaveError};
use crate::rate::Rate;
use crate::room::bans::Bans;
use crate::room::core::Charter;
use crate::room::owner::Ownership;

/// The version of the form in which rooms are saved.
pub const SAVED_VERSION: u64 = 1;

/// A room between two of its steps. It has the room's password in it.
///
/// Handed the same inputs at the same times, the room that is made of it does what the one does that was saved.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SavedRoom {
    /// The room's id.
    pub id: RoomId,
    /// The game's name.
    pub game: String,
    /// The short code.
    pub code: String,
    /// The room's name.
    pub name: String,
    /// Not listed.
    pub private: bool,
    /// What lists show of it.
    pub meta: Payload,
    /// Seats.
    pub max_players: u16,
    /// What newcomers must know.
    pub password: Option<Password>,
    /// Who made it.
    pub creator: Option<PlayerId>,
    /// It stays when it is empty.
    pub standing: bool,
    /// Whose it is.
    pub ownership: Ownership,
    /// Who may not come back.
    pub bans: Bans,
    /// Wrong passwords that were offered lately.
    pub guesses: Rate,
    /// Nobody else is let in.
    pub locked: bool,
    /// Whether it plays.
    pub stage: Stage,
    /// Who sits where.
    pub players: Vec<Member>,
    /// The taken seats, in the order in which they were taken.
    pub arrivals: Vec<Seat>,
    /// Whose players are away from the keyboard, those whose connection is lost as well included: their [`Member::why`]
    /// does not tell.
    pub keyboard: BTreeSet<Seat>,
    /// The last lines of its chat.
    pub chat: chat::Log,
    /// What is to happen later.
    pub timers: Timers,
    /// What players fetch, by name.
    #[serde(default)]
    pub blobs: BTreeMap<Arc<str>, Blob>,
    /// Where the random source is.
    pub random: Random,
    /// What the game saved.
    pub state: Payload,
}

impl SavedRoom {
    /// What names and describes the room.
    #[must_use]
    pub fn charter(&self) -> Charter {
        let Self { id, game, code, name, private, password, creator, standing, meta, max_players, .. } =
            self.clone();
        Charter { id, game, code, name, private, password, creator, standing, meta, max_players }
    }

    /// The room as bytes.
    ///
    /// # Errors
    /// [`SaveError::Malformed`] if it does not serialise, which what was saved always does.
    pub fn to_bytes(&self) -> Result<Vec<u8>, SaveError> {
        to_bytes(&JustRoom { room: self })
    }

    /// The room of which these are the bytes.
    ///
    /// # Errors
    /// [`SaveError::Version`] for those of another version, [`SaveError::Malformed`] for those of no room.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, SaveError> {
        from_bytes::<JustRoom<Self>>(bytes).map(|just| just.room)
    }
}

#[derive(Serialize, Deserialize)]
struct JustRoom<R> {
    room: R,
}

/// Writes an object, its version in front of its members.
pub(crate) fn to_bytes(saved: &impl Serialize) -> Result<Vec<u8>, SaveError> {
    let mut bytes = format!(r#"{{"version":{SAVED_VERSION},"#).into_bytes();
    let members = serde_json::to_vec(saved)?;
    bytes.extend_from_slice(members.strip_prefix(b"{").unwrap_or_default());
    Ok(bytes)
}

/// Reads an object that [`to_bytes`] wrote.
pub(crate) fn from_bytes<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, SaveError> {
    #[derive(Deserialize)]
    struct Head {
        version: u64,
    }
    let Head { version: found } = serde_json::from_slice(bytes)?;
    if found != SAVED_VERSION {
        return Err(SaveError::Version { found, known: SAVED_VERSION });
    }
    Ok(serde_json::from_slice(bytes)?)
}
