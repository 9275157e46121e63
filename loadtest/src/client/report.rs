//! What a client knows of its connection.

use serde::Serialize;

use super::{Rung, RungWhy};

/// What happened to a stream so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct StreamCounters {
    /// Connections that began with `hello`.
    pub opened: u64,
    /// Of these, resumed without loss.
    pub resumed: u64,
    /// `reset` events: what was missed is lost.
    pub resets: u64,
    /// Ends of the stream, of every kind.
    pub broken: u64,
    /// Events skipped because their id had come before.
    pub repeated: u64,
    /// Events that came in the answer to a POST, and were new.
    pub by_post: u64,
}

impl StreamCounters {
    /// Adds another stream's counts.
    pub fn add(&mut self, other: &Self) {
        self.opened += other.opened;
        self.resumed += other.resumed;
        self.resets += other.resets;
        self.broken += other.broken;
        self.repeated += other.repeated;
        self.by_post += other.by_post;
    }
}

/// One change of rung.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RungStep {
    /// Before.
    pub from: Rung,
    /// After.
    pub to: Rung,
    /// Why.
    pub why: RungWhy,
}

/// How a client is connected, and what happened so far. Times are in milliseconds.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct TransportReport {
    /// The rung of the newest stream.
    pub rung: Rung,
    /// Whether its events were seen to come promptly.
    pub proved: bool,
    /// Why this rung, in words.
    pub why: String,
    /// How it came to it.
    pub steps: Vec<RungStep>,
    /// Whether a stream is open and has said `hello`.
    pub connected: bool,
    /// How long the answer to `POST /v1/sessions` took.
    pub session_ms: Option<f64>,
    /// From the newest stream's request to its `hello`.
    pub first_event_ms: Option<f64>,
    /// Median of the newest proof: from the start of a POST with `sward.ping` to its `pong`.
    pub ping_ms: Option<f64>,
    /// Median of the same POSTs' own time.
    pub post_ms: Option<f64>,
    /// The spread of those.
    pub jitter_ms: Option<f64>,
    /// Streams that said `hello`; of a draining client the first of each row.
    pub streams_opened: u64,
    /// Streams that ended, of every kind, rotations not counted.
    pub streams_broken: u64,
    /// Why the newest of them did.
    pub last_break: Option<String>,
    /// Streams that the server ended because they were old.
    pub rotations: u64,
    /// Streams that went on behind the last event.
    pub resumes: u64,
    /// Times that events were lost, and said to be.
    pub resets: u64,
    /// Sessions that were replaced by a new one.
    pub renewals: u64,
    /// Events handed to the application.
    pub events: u64,
    /// Events dropped because they had come before.
    pub events_repeated: u64,
    /// Events that came first in the answer to a POST.
    pub events_by_post: u64,
    /// Batches and bare acknowledgements posted, retries included.
    pub posts: u64,
    /// Batches that were without an answer and sent again.
    pub posts_retried: u64,
    /// 429 and 503: nothing was lost.
    pub posts_limited: u64,
    /// 409 `gap`.
    pub gaps: u64,
    /// Messages taken from the application.
    pub messages_sent: u64,
    /// Messages that the server has taken, or refused.
    pub messages_answered: u64,
    /// Of these, refused.
    pub messages_refused: u64,
}
