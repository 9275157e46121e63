//! What a game has set of its room, and how much it may say at once.

use serde::{Deserialize, Serialize};
use sward_protocol::ids::Seat;
use sward_protocol::payload::Payload;
use sward_protocol::rooms::Will;

use super::blob::Blobs;
use super::timers::Timers;

/// Events that a game may send in one step of its room: one join, one tick, one player's batch. A game that sends more is
/// taken for one that would never stop, and ends as one that panics does.
pub const STEP_EVENTS_MAX: u32 = 32_768;
/// Bytes of their data as JSON and of the seats that they name, each event counted once, whoever receives it.
pub const STEP_BYTES_MAX: usize = 8 * 1024 * 1024;

/// What a game has set of its room.
#[derive(Debug, Clone, PartialEq)]
pub struct Controls {
    /// What is to happen later.
    pub timers: Timers,
    /// What lists show of the room, an object.
    pub meta: Payload,
    /// Nobody else is let in.
    pub is_locked: bool,
    /// The room is to end.
    pub is_closing: bool,
    /// Who is to be put out, and what he is told.
    pub kicks: Vec<(Seat, String)>,
    /// Bots who are to be seated: their names and their own data.
    pub bots_in: Vec<(String, Payload)>,
    /// Bots who are to leave.
    pub bots_out: Vec<Seat>,
    /// Whether it plays.
    pub stage: Stage,
    /// What the newcomer wants to be said when he is gone, while the game is asked about him.
    pub will: Option<Will>,
    /// What players fetch by a plain GET.
    pub blobs: Blobs,
    /// What was not sent, and why.
    pub dropped: Vec<Dropped>,
    sent_events: u32,
    sent_bytes: usize,
}

/// Whether a room plays, and whether its clock stands still.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Stage {
    /// The game is to start.
    pub is_starting: bool,
    /// What the running game started with; `None`: the room does not play.
    pub seed: Option<u64>,
    /// The game wants to stand still.
    pub is_held: bool,
    /// Since when it does, or somebody's absence makes it, Unix milliseconds.
    pub paused_since_ms: Option<u64>,
}

/// What a game wanted to send or to show, and could not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}: {why}")]
pub struct Dropped {
    /// The event and its type, or the setting.
    pub what: String,
    /// Why, in plain words for the game's author.
    pub why: String,
}

impl Controls {
    /// Those of a new room, whose blobs may have so many bytes.
    #[must_use]
    pub fn new(meta: Payload, blob_bytes_max: usize) -> Self {
        Self {
            timers: Timers::default(),
            meta,
            is_locked: false,
            is_closing: false,
            kicks: Vec::new(),
            bots_in: Vec::new(),
            bots_out: Vec::new(),
            stage: Stage::default(),
            will: None,
            blobs: Blobs::new(blob_bytes_max),
            dropped: Vec::new(),
            sent_events: 0,
            sent_bytes: 0,
        }
    }

    /// The next step begins: the game may send again.
    pub fn begin_step(&mut self) {
        (self.sent_events, self.sent_bytes) = (0, 0);
    }

    /// Counts an event.
    ///
    /// # Panics
    /// Above [`STEP_EVENTS_MAX`] or [`STEP_BYTES_MAX`]. It is the only way to stop a game that sends in an endless loop,
    /// and the room's shell does with it what it does with any panic of a game.
    pub fn count(&mut self, bytes: usize) {
        self.sent_events += 1;
        self.sent_bytes += bytes;
        assert!(
            self.sent_events <= STEP_EVENTS_MAX && self.sent_bytes <= STEP_BYTES_MAX,
            "the game sent more than {STEP_EVENTS_MAX} events, or {STEP_BYTES_MAX} bytes, in one step"
        );
    }

    /// Whether half of what may be sent in one step is spent. Then nothing more is begun in it: the other half is for the
    /// call that is under way, so that a room in which each message is heard by a thousand does not end because one player
    /// sent a hundred of them.
    #[must_use]
    pub fn is_spent(&self) -> bool {
        self.sent_events > STEP_EVENTS_MAX / 2 || self.sent_bytes > STEP_BYTES_MAX / 2
    }
}
