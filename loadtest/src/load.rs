//! The load that is asked for, as a value.

use std::time::Duration;

use crate::client::{Rung, Wire};
use serde::{Serialize, Serializer};

/// What the bots do. The default is the reference load of `shared/design/performance.md`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Load {
    /// Bots.
    pub players: usize,
    /// Seats of a room; the last room may stay smaller.
    pub room_size: u16,
    /// Messages that each bot sends a second.
    pub rate_per_s: f64,
    /// How long they send.
    #[serde(rename = "duration_ms", serialize_with = "milliseconds")]
    pub duration: Duration,
    /// Bytes of a message's data as JSON.
    pub data_bytes: usize,
    /// The game's option: the shortest time between two writes to a player while the room is busy.
    #[serde(rename = "flush_ms", serialize_with = "milliseconds")]
    pub flush: Duration,
    /// How long to wait for what is outstanding behind the last send.
    #[serde(rename = "drain_ms", serialize_with = "milliseconds")]
    pub drain: Duration,
    /// Of the schedule.
    pub seed: u64,
    /// How events come down.
    pub rung: Rung,
    /// How they are written.
    pub wire: Wire,
}

impl Default for Load {
    fn default() -> Self {
        Self {
            players: 450,
            room_size: 50,
            rate_per_s: 4.44,
            duration: Duration::from_secs(20),
            data_bytes: 43,
            flush: Duration::from_millis(33),
            drain: Duration::from_secs(10),
            seed: 1,
            rung: Rung::Sse,
            wire: Wire::default(),
        }
    }
}

fn milliseconds<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u128(duration.as_millis())
}
