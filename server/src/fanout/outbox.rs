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
//!
//! An event is reliable, or it is the latest value of a key. A newer value of the key takes the older one's place: that
//! one is neither written nor replayed any more, and counts against no bound. Its number stays a hole.
//!
//! What players see of a game's world are such values by the thousand: each [`Frame`] is numbered piece by piece, kept by the
//! keys of its pieces in a list of its own with bounds of its own, and told as `patch` in its place between the events.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use sward_protocol::downstream::ResetReason;
use sward_protocol::ids::{Epoch, EventId, Seat};

pub use super::entry::Weight;
use super::entry::{Amount, Entry};
use super::flush::{Flush, FlushEvent, Share};
use super::sight::Sight;
use crate::game::context::LatestKey;
use crate::world::frame::Frame;

mod folding;
mod saving;
mod telling;

/// Events that may be asked for again.
pub const WINDOW_EVENTS_MAX: u64 = 4096;
/// Bytes of them.
pub const WINDOW_BYTES_MAX: u64 = 256 * 1024;
/// Their age.
pub const WINDOW_AGE_MS_MAX: u64 = 30_000;
/// The memory that they take, which is more than their bytes. A flush is counted whole, for a reader who alone has not
/// acknowledged it alone keeps it; past the bound he keeps copies of his own of what he may ask for, and nothing else.
pub const WINDOW_HELD_BYTES_MAX: u64 = 288 * 1024;
/// What a key takes whose newest value is known.
const KEY_HELD_BYTES: u64 = 72;
/// Events not yet written to an open stream.
pub const QUEUE_EVENTS_MAX: u64 = 2048;
/// Bytes of them.
pub const QUEUE_BYTES_MAX: u64 = 128 * 1024;
/// The age of the oldest of them.
pub const QUEUE_AGE_MS_MAX: u64 = 5_000;
/// A reader is not called slow for what came within this time: a burst is posted faster than any stream can be polled.
/// The window bounds it all the same.
pub const QUEUE_BURST_MS: u64 = 100;
/// Keys of latest values that are followed for one session. Values of further keys are reliable: they are not dropped for
/// newer ones, and count against the bounds above.
pub const LATEST_KEYS_MAX: usize = 1024;
/// Bytes of `joined`, which is outside the bounds above: two of the largest.
pub const FREE_BYTES_MAX: u64 = 2 * 1024 * 1024;

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
    /// What the client said that it processed: no later request of his asks for less.
    acknowledged: u64,
    /// Up to here the queue is a replay: it was waiting when the stream opened, and is no sign of a slow reader.
    replay_end: u64,
    entries: VecDeque<Entry>,
    /// What of the world may be told.
    sight: Sight,
    /// The number of each key's newest value within the window.
    latest: BTreeMap<LatestKey, u64>,
    /// The newest value of a key that is not followed, for there are too many; 0: none within the window.
    unfollowed: u64,
    window: Amount,
    queue: Amount,
    held_bytes: u64,
    free_bytes: u64,
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
            acknowledged: 0,
            replay_end: 0,
            entries: VecDeque::new(),
            sight: Sight::default(),
            latest: BTreeMap::new(),
            unfollowed: 0,
            window: Amount::default(),
            queue: Amount::default(),
            held_bytes: 0,
            free_bytes: 0,
        }
    }

    /// The id behind which the stream goes on.
    #[must_use]
    pub fn written(&self) -> EventId {
        self.id(self.written)
    }

    /// Whether every number was written, or replaced by one that was.
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
        let entry = Entry::new(flush, seat, self.newest + 1, share, now_ms, weight);
        self.newest = entry.last();
        self.window.add(entry.bounded());
        self.queue.add(entry.bounded());
        self.held_bytes += entry.bounded_held_bytes();
        self.free_bytes += entry.free_bytes();
        let first = entry.first;
        self.entries.push_back(entry);
        if weight == Weight::Free {
            // `joined` says anew all that is seen.
            self.sight = Sight::default();
        }
        if flush.has_latest() {
            self.replace_values((first..).zip(flush.events_for(seat)));
        }
        self.trim(now_ms);
        share
    }

    /// Numbers what of `frame` the player on `seat` sees. How much that was.
    pub fn push_frame(&mut self, frame: &Frame, seat: Seat, now_ms: u64) -> Share {
        let told = self.written.max(self.replay_end);
        let share = self.sight.push(frame.tick(), frame.pieces_for(seat), self.newest + 1, told, now_ms);
        if share.events > 0 {
            self.newest += u64::from(share.events);
            self.trim(now_ms);
        }
        share
    }

    fn replace_values<'a>(&mut self, newer: impl Iterator<Item = (u64, FlushEvent<'a>)>) {
        for (number, event) in newer {
            let Some(key) = event.latest() else { continue };
            let may_follow = self.latest.len() < LATEST_KEYS_MAX && self.unfollowed == 0;
            match self.latest.get_mut(key) {
                Some(newest) => {
                    let replaced = std::mem::replace(newest, number);
                    self.replace(replaced);
                }
                // While values of keys that are not followed may still be asked for, no new key is: one value of it must
                // not be followed and another not.
                None if may_follow => {
                    self.latest.insert(key.clone(), number);
                }
                None => self.unfollowed = number,
            }
        }
    }

    /// Whether an open stream has left too much unread.
    ///
    /// # Errors
    /// [`Overrun`] when the queue is past one of its bounds, or what the stream still has to write left the window.
    pub fn check_queue(&mut self, now_ms: u64) -> Result<(), Overrun> {
        if self.written < self.floor {
            return Err(Overrun);
        }
        let told = self.written.max(self.replay_end);
        let is_small = self.is_replaying()
            || self.queue.events <= QUEUE_EVENTS_MAX && self.queue.bytes <= QUEUE_BYTES_MAX;
        let age_ms_max = if is_small { QUEUE_AGE_MS_MAX } else { QUEUE_BURST_MS };
        let oldest = self.above(told).next();
        let is_late = oldest.is_some_and(|(_, _, oldest)| now_ms.saturating_sub(oldest.at_ms) > age_ms_max);
        if is_late || self.sight.waits_longer(told, QUEUE_AGE_MS_MAX, now_ms) { Err(Overrun) } else { Ok(()) }
    }

    /// Lets go of what no longer fits the window.
    pub fn trim(&mut self, now_ms: u64) {
        self.fold_if_too_large();
        while let Some(oldest) = self.entries.front() {
            let fits = self.window.events <= WINDOW_EVENTS_MAX
                && self.window.bytes <= WINDOW_BYTES_MAX
                && self.events_held_bytes() <= WINDOW_HELD_BYTES_MAX
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
        if let Some(seq) = self.sight.trim(WINDOW_AGE_MS_MAX, now_ms) {
            self.raise_floor(seq);
        }
        self.sight.forget(self.floor);
    }

    /// Nothing up to `seq` may be asked for any more.
    fn raise_floor(&mut self, seq: u64) {
        while self.entries.front().is_some_and(|oldest| oldest.last() <= seq) {
            self.drop_oldest();
        }
        self.floor = self.floor.max(seq);
        if self.written < self.floor {
            self.queue = self.amount_above(self.floor);
        }
    }

    fn events_held_bytes(&self) -> u64 {
        self.held_bytes + self.latest.len() as u64 * KEY_HELD_BYTES
    }

    /// The memory that the session takes up for what it may be told.
    #[cfg(test)]
    fn held_bytes(&self) -> u64 {
        self.events_held_bytes() + self.sight.held_bytes()
    }

    /// The client has processed everything up to `id`: it will not ask for it again. Ids of another epoch, or above what
    /// was written, mean nothing.
    pub fn acknowledge(&mut self, id: EventId) {
        if id.epoch != self.epoch || id.seq > self.written {
            return;
        }
        self.raise_floor(id.seq);
        self.sight.forget(self.floor);
        self.acknowledged = self.acknowledged.max(id.seq);
    }

    /// Whether the client has acknowledged more than `id`: whoever asks from there asked before that.
    #[must_use]
    pub fn is_acknowledged_past(&self, id: EventId) -> bool {
        id.epoch == self.epoch && id.seq < self.acknowledged
    }

    /// The later of `id` and what the client acknowledged.
    #[must_use]
    pub fn or_acknowledged(&self, id: EventId) -> EventId {
        if self.is_acknowledged_past(id) { self.id(self.acknowledged) } else { id }
    }

    /// A stream opens that had everything up to `from`.
    ///
    /// # Errors
    /// Why what it missed cannot be replayed; nothing changed then, see [`Outbox::start_fresh`].
    pub fn resume(&mut self, from: EventId) -> Result<(), ResetReason> {
        self.check_position(from)?;
        self.written = from.seq;
        self.replay_end = self.newest;
        self.queue = self.amount_above(from.seq);
        Ok(())
    }

    /// The session's first stream opens without an id: it wants everything.
    ///
    /// # Errors
    /// [`ResetReason::TooOld`] when the beginning has left the window.
    pub fn resume_from_start(&mut self) -> Result<(), ResetReason> {
        self.resume(self.id(0))
    }

    /// Drops everything: the stream goes on with what comes.
    pub fn start_fresh(&mut self) {
        self.entries = VecDeque::new();
        self.sight = Sight::default();
        self.latest = BTreeMap::new();
        self.unfollowed = 0;
        self.window = Amount::default();
        self.queue = Amount::default();
        self.held_bytes = 0;
        self.free_bytes = 0;
        self.floor = self.newest;
        self.written = self.newest;
        self.replay_end = self.newest;
    }

    /// Panics past a bound, or where the outbox has lost count.
    #[cfg(test)]
    pub fn check_bounds(&self) {
        let (mut window, mut held, mut free) = (Amount::default(), 0, 0);
        for entry in &self.entries {
            window.add(entry.bounded());
            held += entry.bounded_held_bytes();
            free += entry.free_bytes();
        }
        let counted = (self.window, self.held_bytes, self.free_bytes);
        assert_eq!(counted, (window, held, free), "the outbox has lost count");
        assert_eq!(self.queue, self.amount_above(self.written.max(self.floor)), "the queue has lost count");
        assert!(self.window.events <= WINDOW_EVENTS_MAX, "{} events", self.window.events);
        assert!(self.window.bytes <= WINDOW_BYTES_MAX, "{} bytes", self.window.bytes);
        assert!(self.events_held_bytes() <= WINDOW_HELD_BYTES_MAX, "{} bytes in memory", self.held_bytes());
        self.sight.check_bounds(self.floor);
        assert!(self.free_bytes <= FREE_BYTES_MAX, "{} bytes of joined", self.free_bytes);
        assert!(self.latest.len() <= LATEST_KEYS_MAX, "{} keys", self.latest.len());
        assert!(self.floor <= self.newest && self.written <= self.newest, "{self:?}");
    }

    fn id(&self, seq: u64) -> EventId {
        EventId { epoch: self.epoch, seq }
    }

    /// Whether a stream may go on from there.
    ///
    /// # Errors
    /// Why what it missed cannot be replayed.
    pub fn check_position(&self, from: EventId) -> Result<(), ResetReason> {
        if from.epoch != self.epoch {
            return Err(ResetReason::OtherEpoch);
        }
        if from.seq > self.newest {
            return Err(ResetReason::BadId);
        }
        if from.seq < self.floor {
            return Err(ResetReason::TooOld);
        }
        Ok(())
    }

    /// What is above `seq` and was not replaced, in order.
    fn above(&self, seq: u64) -> impl Iterator<Item = (u64, FlushEvent<'_>, &Entry)> {
        let entries = self.entries.range(self.entry_at(seq + 1).unwrap_or(self.entries.len())..);
        let numbered =
            entries.flat_map(|entry| entry.numbered().map(move |(number, event)| (number, event, entry)));
        numbered.filter(move |&(number, event, _)| number > seq && self.is_live(number, event))
    }

    fn is_live(&self, number: u64, event: FlushEvent<'_>) -> bool {
        // A key that is not followed has never replaced anything.
        event.latest().and_then(|key| self.latest.get(key)).is_none_or(|&newest| newest == number)
    }

    /// A newer value has taken the place of the event with this number.
    fn replace(&mut self, number: u64) {
        let Some(at) = self.entry_at(number) else { return };
        let entry = &mut self.entries[at];
        let Some((_, event)) = entry.numbered().find(|(this, _)| *this == number) else { return };
        let bytes = event.bytes();
        entry.live.events -= 1;
        entry.live.bytes -= bytes;
        if entry.weight == Weight::Bounded {
            let amount = Amount { events: 1, bytes: u64::from(bytes) };
            self.window.subtract(amount);
            if number > self.written.max(self.floor) {
                self.queue.subtract(amount);
            }
        } else {
            self.free_bytes -= u64::from(bytes);
        }
        if entry.live.events == 0 {
            // Nothing was lost by it: the floor stays.
            let held_bytes = entry.bounded_held_bytes();
            self.held_bytes -= held_bytes;
            self.entries.remove(at);
        }
    }

    fn drop_oldest(&mut self) {
        let Some(oldest) = self.entries.pop_front() else { return };
        self.window.subtract(oldest.bounded());
        self.held_bytes -= oldest.bounded_held_bytes();
        self.free_bytes -= oldest.free_bytes();
        let told = self.written.max(self.floor);
        self.floor = self.floor.max(oldest.last());
        if oldest.last() >= self.unfollowed {
            self.unfollowed = 0;
        }
        // Most that leaves the window was written long ago, and is nobody's latest value.
        if oldest.last() <= told && !oldest.flush.has_latest() {
            return;
        }
        for (number, event) in oldest.numbered() {
            if number > told && self.is_live(number, event) && oldest.weight == Weight::Bounded {
                self.queue.subtract(Amount::of_event(event));
            }
            if let Some(key) = event.latest()
                && self.latest.get(key) == Some(&number)
            {
                self.latest.remove(key);
            }
        }
    }

    /// The index of the entry that holds `seq`, or else of the next one.
    fn entry_at(&self, seq: u64) -> Option<usize> {
        // Who keeps up asks for what is behind all of them. The window may hold thousands, none of which is in the cache.
        if self.entries.back().is_none_or(|newest| newest.last() < seq) {
            return None;
        }
        Some(self.entries.partition_point(|entry| entry.last() < seq))
    }

    fn amount_above(&self, seq: u64) -> Amount {
        let mut amount = Amount::default();
        for (_, event, entry) in self.above(seq) {
            if entry.weight == Weight::Bounded {
                amount.add(Amount::of_event(event));
            }
        }
        amount
    }
}

#[cfg(test)]
mod tests;
