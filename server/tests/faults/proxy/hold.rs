//! What boxes on the way hold back that look into answers: antivirus programs and proxies that buffer.

use std::time::Duration;

use super::http::{Answer, Request};

/// When a box lets go of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// At once.
    Never,
    /// When so many bytes of its body came (AVG).
    Bytes(usize),
    /// The first piece when the second one comes; the others pass.
    SecondPiece,
    /// Each piece when the next one comes (Kaspersky), or after so long at the latest (HAProxy: 200 ms).
    NextPiece(Option<Duration>),
    /// When it is complete (Sophos).
    Complete,
}

/// A box on the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Holding {
    pub until: Until,
    /// It looks into text only.
    pub spares_octets: bool,
    /// It holds what was not asked for as events until it is complete.
    pub insists_on_accept: bool,
}

impl Holding {
    /// Nothing on the way looks into answers.
    pub const NOTHING: Self = Self { until: Until::Never, spares_octets: false, insists_on_accept: false };

    /// A box that holds all answers.
    pub fn until(until: Until) -> Self {
        Self { until, ..Self::NOTHING }
    }
}

/// What is held of one answer.
#[derive(Debug)]
pub struct Held {
    holding: Holding,
    is_asked_for: bool,
    waiting: Vec<u8>,
    body_bytes: usize,
    /// Pieces with something of the body.
    pieces: usize,
}

impl Held {
    pub fn new(holding: Holding, request: &Request) -> Self {
        let is_asked_for = request.accepts_events() || !holding.insists_on_accept;
        Self { holding, is_asked_for, waiting: Vec::new(), body_bytes: 0, pieces: 0 }
    }

    /// Takes a piece of the answer; what goes on now.
    pub fn take(&mut self, piece: &[u8], answer: &Answer) -> Vec<u8> {
        let before = std::mem::take(&mut self.waiting);
        self.body_bytes += piece.len();
        let Some(head_bytes) = answer.head_bytes else {
            self.waiting = [&before, piece].concat();
            return Vec::new();
        };
        self.pieces += usize::from(self.body_bytes > head_bytes);
        let both = || [&before, piece].concat();
        if answer.is_over() {
            return both();
        }
        match self.until(answer) {
            Until::Never => both(),
            Until::SecondPiece if self.pieces > 1 => both(),
            Until::Bytes(bytes) if self.body_bytes >= bytes + head_bytes => both(),
            Until::NextPiece(_) => {
                self.waiting = piece.to_vec();
                before
            }
            Until::SecondPiece | Until::Bytes(_) | Until::Complete => {
                self.waiting = both();
                Vec::new()
            }
        }
    }

    /// How long what waits may wait when nothing more comes.
    pub fn patience(&self, answer: &Answer) -> Option<Duration> {
        match self.until(answer) {
            Until::NextPiece(patience) if !self.waiting.is_empty() => patience,
            _ => None,
        }
    }

    /// All that waits.
    pub fn release(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.waiting)
    }

    fn until(&self, answer: &Answer) -> Until {
        if self.holding.spares_octets && answer.media_type == "application/octet-stream" {
            return Until::Never;
        }
        if self.is_asked_for { self.holding.until } else { Until::Complete }
    }
}
