//! What a stream asks of its mailslot, and what it is given.

use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};

use serde::{Deserialize, Serialize};
use sward_protocol::bye::CloseCode;
use sward_protocol::downstream::ResetReason;
use sward_protocol::format::Format;
use sward_protocol::ids::EventId;

/// A stream's hold on the mailslot.
#[derive(Debug, Clone)]
pub struct Reader {
    end: Arc<AtomicU16>,
}

impl Reader {
    pub(super) fn new() -> Self {
        Self { end: Arc::new(AtomicU16::new(0)) }
    }

    pub(super) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.end, &other.end)
    }

    pub(super) fn close(&self, code: CloseCode) {
        self.end.store(code.code(), Ordering::Release);
    }

    /// Why the stream is to end, once it is.
    #[must_use]
    pub fn closed(&self) -> Option<CloseCode> {
        let code = self.end.load(Ordering::Acquire);
        CloseCode::ALL.iter().copied().find(|close| close.code() == code)
    }
}

/// From where a new stream wants to go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Position {
    /// It named no event.
    Nothing,
    /// It had everything up to this one.
    Event(EventId),
    /// It named something that is no id.
    Garbage,
}

/// What a new stream wants.
#[derive(Debug, Clone, Copy)]
pub struct Wish<'a> {
    /// From where to go on.
    pub from: Position,
    /// Tells a doubled request from a new one.
    pub nonce: Option<&'a str>,
    /// How it is read.
    pub kind: Kind,
    /// In which form.
    pub format: Format,
}

/// How a stream is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// It stays open.
    Open,
    /// It ends after one flush, and answers to what the player sends carry events too.
    Drained,
}

/// What a new stream is to begin with.
#[derive(Debug)]
pub struct Opening {
    /// The stream's hold.
    pub reader: Reader,
    /// What follows are the events above this one.
    pub last: EventId,
    /// Everything above the named id follows.
    pub resumed: bool,
    /// What was missed cannot be replayed.
    pub reset: Option<ResetReason>,
    /// The room is to be asked for `joined` anew; until it comes, nothing of the room is delivered.
    pub needs_snapshot: bool,
    /// The bytes of the last one.
    pub joined_bytes: u32,
}

/// What a stream reads.
#[derive(Debug)]
pub enum Chunk {
    /// Events to be written.
    Events {
        /// Their bytes.
        bytes: Vec<u8>,
        /// Their number.
        count: u64,
    },
    /// Nothing waits; the reader will be woken.
    Empty,
    /// The stream is to end.
    Closed(CloseCode),
}
