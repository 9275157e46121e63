//! Bodies of `/v1/sessions` and `/v1/time`.

use serde::{Deserialize, Serialize};

use crate::ids::PlayerId;
use crate::limits;

/// Body of `POST /v1/sessions`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateSession {
    /// As typed; [`crate::text::name`] brings it into form.
    pub name: String,
    /// The protocol version that the client wants; absent is 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u32>,
    /// Makes it safe to send again: the same key and name within 60 s get the first answer. To be drawn at random: whoever
    /// knows it gets the session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}

/// A player, as he and others see him.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Player {
    /// Unique.
    pub id: PlayerId,
    /// Not unique.
    pub name: String,
}

/// Answer to `POST /v1/sessions`.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct SessionCreated {
    /// The secret, see [`crate::ids::Token`].
    pub token: String,
    /// Who the session is.
    pub player: Player,
    /// The longest silence of a healthy stream.
    pub heartbeat_ms: u64,
    /// The silence after which to reconnect.
    pub watchdog_ms: u64,
    /// How long a seat is kept.
    pub grace_ms: u64,
    /// What the server takes.
    pub limits: SessionLimits,
    /// [`crate::VERSION`].
    pub version: u32,
}

impl std::fmt::Debug for SessionCreated {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SessionCreated").field("player", &self.player).finish_non_exhaustive()
    }
}

/// The bounds a client needs to know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionLimits {
    /// Messages in one batch.
    pub batch_messages_max: usize,
    /// Bytes of one batch.
    pub batch_bytes_max: usize,
    /// Bytes of JSON in `me`.
    pub me_bytes_max: usize,
    /// Characters in a chat line.
    pub chat_chars_max: usize,
    /// Messages a second, on average.
    pub messages_per_s: u32,
    /// Bytes of batches a second, on average.
    pub bytes_per_s: u32,
}

impl SessionLimits {
    /// The wire's bounds, with the server's own rates.
    #[must_use]
    pub fn with_rates(messages_per_s: u32, bytes_per_s: u32) -> Self {
        Self {
            batch_messages_max: limits::BATCH_MESSAGES_MAX,
            batch_bytes_max: limits::BATCH_BYTES_MAX,
            me_bytes_max: limits::ME_BYTES_MAX,
            chat_chars_max: limits::CHAT_CHARS_MAX,
            messages_per_s,
            bytes_per_s,
        }
    }
}

/// Answer to `GET /v1/time`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Time {
    /// The server's clock.
    pub time_ms: u64,
}
