//! A room as a value: what it takes to go on elsewhere, or later, exactly as it would have.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sward_protocol::downstream::Member;
use sward_protocol::ids::{PlayerId, RoomId, Seat};
use sward_protocol::password::Password;
use sward_protocol::payload::Payload;

use crate::chat;
use crate::game::controls::Stage;
use crate::game::timers::Timers;
use crate::game::{Blob, Random};
use crate::rate::Rate;
use crate::room::bans::Bans;
use crate::room::core::Charter;
use crate::room::owner::Ownership;

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
}
