//! One session's numbered events: what waits to be written, and what was written and may be asked for again. Pure.
//!
//! ```text
//!        floor             written            newest
//!          │                  │                 │
//!   gone   │  may be resumed  │  waits (queue)  │
//! ─────────┴──────────────────┴─────────────────┴──► seq
//!          └───────────── window ───────────────┘
//! ```
//!
//! Entries are flushes with ranges of ids, not one record per event and player: the bytes belong to the room.

use std::collections::VecDeque;
use std::sync::Arc;

use sward_protocol::downstream::ResetReason;
use sward_protocol::ids::{Epoch, EventId, Seat};
use sward_protocol::sse::encode;

use super::flush::{Flush, Share};

/// Events that may be asked for again.
pub const WINDOW_EVENTS_MAX: u64 = 4096;
/// Bytes of them.
pub const WINDOW_BYTES_MAX: u64 = 256 * 1024;
/// Their age.
pub const WINDOW_AGE_MS_MAX: u64 = 30_000;
/// Events not yet written to an open stream.
pub const QUEUE_EVENTS_MAX: u64 = 2048;
/// Bytes of them.
pub const QUEUE_BYTES_MAX: u64 = 128 * 1024;
/// The age of the oldest of them.
pub const QUEUE_AGE_MS_MAX: u64 = 5_000;
/// A reader is not called slow for what came within this time: a burst is posted faster than any stream can be polled.
/// The window bounds it all the same.
pub const QUEUE_BURST_MS: u64 = 100;
/// Bytes of `joined`, which is outside the bounds above: two of the largest.
pub const FREE_BYTES_MAX: u64 = 2 * 1024 * 1024;

#[derive(Debug)]
struct Entry {
    flush: Arc<Flush>,
    seat: Seat,
    first: u64,
    share: Share,
    at_ms: u64,
    bounded: bool,
}

impl Entry {
    fn last(&self) -> u64 {
        self.first + u64::from(self.share.events) - 1
    }

    fn bounded_bytes(&self) -> u64 {
        if self.bounded { u64::from(self.share.bytes) } else { 0 }
    }

    fn free_bytes(&self) -> u64 {
        if self.bounded { 0 } else { u64::from(self.share.bytes) }
    }

    /// Bytes of the events above `seq` that count against the bounds.
    fn bounded_bytes_above(&self, seq: u64) -> u64 {
        if seq < self.first || !self.bounded {
            return self.bounded_bytes();
        }
        let numbered = (self.first..).zip(self.flush.events_for(self.seat));
        numbered.filter(|(number, _)| *number > seq).map(|(_, event)| event.sse().len() as u64).sum()
    }
}

/// Whether an event counts against the bounds. `joined` does not: it is what a reader needs who fell behind them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weight {
    /// It does.
    Bounded,
    /// It does not.
    Free,
}

/// More waits than an open stream may leave unread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Overrun;

/// One session's events.
#[derive(Debug)]
pub struct Outbox {
    epoch: Epoch,
    newest: u64,
    written: u64,
    floor: u64,
    /// Up to here the queue is a replay: it was waiting when the stream opened, and is no sign of a slow reader.
    replay_end: u64,
    entries: VecDeque<Entry>,
    window_bytes: u64,
    free_bytes: u64,
    queue_bytes: u64,
}

impl Outbox {
    /// An empty outbox.
    #[must_use]
    pub fn new(epoch: Epoch) -> Self {
        Self {
            epoch,
            newest: 0,
            written: 0,
            floor: 0,
            replay_end: 0,
            entries: VecDeque::new(),
            window_bytes: 0,
            free_bytes: 0,
            queue_bytes: 0,
        }
    }

    /// The numbering of its ids.
    #[must_use]
    pub fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// Whether nothing waits to be written.
    #[must_use]
    pub fn is_drained(&self) -> bool {
        self.written == self.newest
    }

    /// Whether what waits was there before the stream: replays are written in smaller slices.
    #[must_use]
    pub fn is_replaying(&self) -> bool {
        self.written < self.replay_end
    }

    /// Numbers what of `flush` is for `seat`. How much that was.
    pub fn push(&mut self, flush: &Arc<Flush>, seat: Seat, weight: Weight, now_ms: u64) -> Share {
        let share = flush.share_of(seat);
        if share.events == 0 {
            return share;
        }
        let entry = Entry {
            flush: Arc::clone(flush),
            seat,
            first: self.newest + 1,
            share,
            at_ms: now_ms,
            bounded: weight == Weight::Bounded,
        };
        self.newest = entry.last();
        self.window_bytes += entry.bounded_bytes();
        self.free_bytes += entry.free_bytes();
        self.queue_bytes += entry.bounded_bytes();
        self.entries.push_back(entry);
        self.trim(now_ms);
        share
    }

    /// Whether an open stream has left too much unread.
    ///
    /// # Errors
    /// [`Overrun`] when the queue is past one of its bounds, or what the stream still has to write left the window.
    pub fn check_queue(&self, now_ms: u64) -> Result<(), Overrun> {
        if self.written < self.floor {
            return Err(Overrun);
        }
        let first_live = self.written.max(self.replay_end) + 1;
        if first_live > self.newest {
            return Ok(());
        }
        let oldest_ms = self.entry_at(first_live).map_or(now_ms, |at| self.entries[at].at_ms);
        let age_ms = now_ms.saturating_sub(oldest_ms);
        let is_small = self.newest + 1 - first_live <= QUEUE_EVENTS_MAX
            && (self.is_replaying() || self.queue_bytes <= QUEUE_BYTES_MAX);
        let within = age_ms <= if is_small { QUEUE_AGE_MS_MAX } else { QUEUE_BURST_MS };
        if within { Ok(()) } else { Err(Overrun) }
    }

    /// Lets go of what no longer fits the window.
    pub fn trim(&mut self, now_ms: u64) {
        while let Some(oldest) = self.entries.front() {
            let fits = self.newest - self.floor <= WINDOW_EVENTS_MAX
                && self.window_bytes <= WINDOW_BYTES_MAX
                && self.free_bytes <= FREE_BYTES_MAX
                && now_ms.saturating_sub(oldest.at_ms) <= WINDOW_AGE_MS_MAX;
            if fits {
                break;
            }
            self.drop_oldest();
        }
        if self.entries.is_empty() {
            // An idle player keeps no buffer.
            self.entries.shrink_to_fit();
        }
    }

    /// The client has processed everything up to `id`: it will not ask for it again. Ids of another epoch, or above what
    /// was written, mean nothing.
    pub fn acknowledge(&mut self, id: EventId) {
        if id.epoch != self.epoch || id.seq > self.written {
            return;
        }
        while self.entries.front().is_some_and(|oldest| oldest.last() <= id.seq) {
            self.drop_oldest();
        }
        self.floor = self.floor.max(id.seq);
    }

    /// A stream opens that had everything up to `from`.
    ///
    /// # Errors
    /// Why what it missed cannot be replayed; nothing changed then, see [`Outbox::start_fresh`].
    pub fn resume(&mut self, from: EventId) -> Result<(), ResetReason> {
        if from.epoch != self.epoch {
            return Err(ResetReason::OtherEpoch);
        }
        if from.seq > self.newest {
            return Err(ResetReason::BadId);
        }
        if from.seq < self.floor {
            return Err(ResetReason::TooOld);
        }
        self.written = from.seq;
        self.replay_end = self.newest;
        self.queue_bytes = self.bytes_above(from.seq);
        Ok(())
    }

    /// The session's first stream opens without an id: it wants everything.
    ///
    /// # Errors
    /// [`ResetReason::TooOld`] when the beginning has left the window.
    pub fn resume_from_start(&mut self) -> Result<(), ResetReason> {
        self.resume(EventId { epoch: self.epoch, seq: 0 })
    }

    /// Drops everything: the stream goes on with what comes.
    pub fn start_fresh(&mut self) {
        self.entries = VecDeque::new();
        self.window_bytes = 0;
        self.free_bytes = 0;
        self.queue_bytes = 0;
        self.floor = self.newest;
        self.written = self.newest;
        self.replay_end = self.newest;
    }

    /// Appends what waits to `out` until `out` has `bytes_max` bytes, in whole events; at least one event, if one waits.
    /// How many events that were.
    pub fn take(&mut self, out: &mut Vec<u8>, bytes_max: usize) -> u64 {
        let Some(mut at) = self.entry_at(self.written + 1) else { return 0 };
        let before = self.written;
        'entries: while let Some(entry) = self.entries.get(at) {
            let (first, bounded) = (entry.first, entry.bounded);
            for (seq, event) in (first..).zip(entry.flush.events_for(entry.seat)) {
                if seq <= self.written {
                    continue;
                }
                if self.written > before && out.len() + event.sse().len() > bytes_max {
                    break 'entries;
                }
                encode::push_id(out, EventId { epoch: self.epoch, seq });
                out.extend_from_slice(event.sse());
                self.written = seq;
                if bounded {
                    self.queue_bytes = self.queue_bytes.saturating_sub(event.sse().len() as u64);
                }
            }
            at += 1;
        }
        self.written - before
    }

    fn drop_oldest(&mut self) {
        if let Some(oldest) = self.entries.pop_front() {
            self.window_bytes -= oldest.bounded_bytes();
            self.free_bytes -= oldest.free_bytes();
            self.floor = self.floor.max(oldest.last());
        }
    }

    /// The index of the entry that holds `seq`, or else of the next one.
    fn entry_at(&self, seq: u64) -> Option<usize> {
        let at = self.entries.partition_point(|entry| entry.last() < seq);
        (at < self.entries.len()).then_some(at)
    }

    fn bytes_above(&self, seq: u64) -> u64 {
        let above = self.entry_at(seq + 1).unwrap_or(self.entries.len());
        self.entries.range(above..).map(|entry| entry.bounded_bytes_above(seq)).sum()
    }
}

#[cfg(test)]
mod tests;
