//! What waits in an outbox, handed out in the order of its numbers: events, and between two of them the world's pieces
//! together as one `patch`. Pure.

use std::cell::Cell;

use sward_protocol::format::ChunkWriter;
use sward_protocol::ids::{Epoch, EventId};
use sward_protocol::limits::EVENT_BYTES_MAX;

use super::super::entry::{Amount, Entry};
use super::super::flush::FlushEvent;
use super::super::patch::Patch;
use super::super::sight::Sight;
use super::{Outbox, Weight};

/// What surrounds an event on the wire: its id, its name, and the ends of its lines.
const AROUND_BYTES: usize = 64;

/// Memory that is used again by all outboxes of a thread: that of one patch, and four bytes for each piece of one.
#[derive(Default)]
struct Scratch {
    order: Vec<u32>,
    patch: Patch,
}

thread_local! {
    static SCRATCH: Cell<Scratch> = Cell::default();
}

/// Takes what is told.
trait Hearer {
    /// All of an entry at once. Whether it did; else its events come one by one.
    fn hear_all(&mut self, entry: &Entry) -> bool;
    /// An event. Whether it did.
    fn hear(&mut self, seq: u64, event: FlushEvent<'_>, entry: &Entry) -> bool;
    /// The first of these pieces. How many.
    fn see(&mut self, sight: &Sight, pieces: &[u32], patch: &mut Patch) -> usize;
}

impl Outbox {
    /// Hands what waits to `chunk` until that has `bytes_max` bytes, in whole events; at least one event, if one waits. A
    /// patch ends where the bound is.
    pub fn take(&mut self, chunk: &mut ChunkWriter, bytes_max: usize) {
        let mut taking = Taking { epoch: self.epoch, chunk, bytes_max, taken: Amount::default() };
        let full_at = self.tell(self.written, &mut taking);
        let taken = taking.taken;
        // Numbers without an event behind the last one were replaced.
        self.written = full_at.unwrap_or(self.newest);
        self.queue.subtract(taken);
    }

    /// What is above `from`, in order, as items of a batch, up to `bytes_max` bytes and at least one event or piece; `None` if
    /// it cannot be told without a hole. To the stream it is still to be written: what arrives twice is known by its id.
    #[must_use]
    pub fn peek(&self, from: EventId, bytes_max: usize) -> Option<Vec<(EventId, Box<[u8]>)>> {
        self.check_position(from).ok()?;
        let mut peeking = Peeking { epoch: self.epoch, items: Vec::new(), bytes_left: bytes_max };
        let _ = self.tell(from.seq, &mut peeking);
        Some(peeking.items)
    }

    /// Tells what is above `from`. The number behind which it stopped; `None`: all was told.
    fn tell(&self, from: u64, hearer: &mut impl Hearer) -> Option<u64> {
        let mut scratch = SCRATCH.take();
        let Scratch { order, patch } = &mut scratch;
        self.sight.order_above(from, order);
        let mut line = Line { sight: &self.sight, waiting: order, patch };
        let stopped = self.tell_line(from, &mut line, hearer);
        SCRATCH.set(scratch);
        stopped
    }

    fn tell_line(&self, from: u64, line: &mut Line<'_>, hearer: &mut impl Hearer) -> Option<u64> {
        let first = self.entry_at(from + 1).unwrap_or(self.entries.len());
        for entry in self.entries.range(first..) {
            if entry.first > from && entry.is_whole() {
                // No piece has a number among those of its events.
                if let Some(full_at) = line.tell_below(entry.first, hearer) {
                    return Some(full_at);
                }
                if hearer.hear_all(entry) {
                    continue;
                }
            }
            for (seq, event) in entry.numbered() {
                if seq <= from || !self.is_live(seq, event) {
                    continue;
                }
                if let Some(full_at) = line.tell_below(seq, hearer) {
                    return Some(full_at);
                }
                if !hearer.hear(seq, event, entry) {
                    return Some(seq - 1);
                }
            }
        }
        line.tell_below(u64::MAX, hearer)
    }
}

/// The pieces that are still to be told, by their numbers.
struct Line<'a> {
    sight: &'a Sight,
    waiting: &'a [u32],
    patch: &'a mut Patch,
}

impl Line<'_> {
    /// Tells the pieces below `seq`. The number behind which it stopped, if it did.
    fn tell_below(&mut self, seq: u64, hearer: &mut impl Hearer) -> Option<u64> {
        let count = self.waiting.partition_point(|&at| self.sight.seq(at) < seq);
        let (mut now, later) = self.waiting.split_at(count);
        while let Some(&first) = now.first() {
            let seen = hearer.see(self.sight, now, self.patch);
            if seen == 0 {
                return Some(self.sight.seq(first) - 1);
            }
            now = &now[seen..];
        }
        self.waiting = later;
        None
    }
}

/// Composes a patch of as many of these pieces as have room in it, at least one. How many.
fn compose(patch: &mut Patch, packs: bool, sight: &Sight, pieces: &[u32], bytes_max: usize) -> usize {
    patch.begin(sight.tick(), packs);
    let bytes_max = bytes_max.min(EVENT_BYTES_MAX);
    pieces.iter().take_while(|&&at| patch.push_within(sight.piece(at), bytes_max)).count()
}

struct Taking<'a> {
    epoch: Epoch,
    chunk: &'a mut ChunkWriter,
    bytes_max: usize,
    taken: Amount,
}

impl Taking<'_> {
    fn id(&self, seq: u64) -> EventId {
        EventId { epoch: self.epoch, seq }
    }

    fn count(&mut self, entry: &Entry, amount: Amount) {
        if entry.weight == Weight::Bounded {
            self.taken.add(amount);
        }
    }
}

impl Hearer for Taking<'_> {
    fn hear_all(&mut self, entry: &Entry) -> bool {
        let (id, count) = (self.id(entry.last()), u64::from(entry.numbers));
        let items = entry.items();
        let is_taken =
            items.is_some_and(|items| self.chunk.push_items_within(id, items, count, self.bytes_max));
        if is_taken {
            self.count(entry, Amount::of(entry.live));
        }
        is_taken
    }

    fn hear(&mut self, seq: u64, event: FlushEvent<'_>, entry: &Entry) -> bool {
        let is_taken = self.chunk.push_within(self.id(seq), event.encoded(), self.bytes_max);
        if is_taken {
            self.count(entry, Amount::of_event(event));
        }
        is_taken
    }

    fn see(&mut self, sight: &Sight, pieces: &[u32], patch: &mut Patch) -> usize {
        let packs = self.chunk.format().is_packed();
        let mut left = self.bytes_max.saturating_sub(self.chunk.len() + AROUND_BYTES);
        loop {
            let count = compose(patch, packs, sight, pieces, left);
            let (id, bytes) = (self.id(sight.seq(pieces[count - 1])), patch.bytes());
            let event = patch.end();
            let is_taken = if count == 1 {
                self.chunk.push_within(id, event, self.bytes_max)
            } else {
                self.chunk.push_strictly_within(id, event, self.bytes_max)
            };
            if is_taken || count == 1 {
                return if is_taken { count } else { 0 };
            }
            // Some forms are longer than JSON.
            left = bytes / 4 * 3;
        }
    }
}

struct Peeking {
    epoch: Epoch,
    items: Vec<(EventId, Box<[u8]>)>,
    bytes_left: usize,
}

impl Peeking {
    fn push(&mut self, seq: u64, item: &[u8]) -> bool {
        let fits = item.len() <= self.bytes_left;
        let is_taken = fits || self.items.is_empty();
        if is_taken {
            self.items.push((EventId { epoch: self.epoch, seq }, item.into()));
        }
        // What comes behind one that did not fit is not told either.
        self.bytes_left = if fits { self.bytes_left - item.len() } else { 0 };
        is_taken
    }
}

impl Hearer for Peeking {
    fn hear_all(&mut self, _: &Entry) -> bool {
        false
    }

    fn hear(&mut self, seq: u64, event: FlushEvent<'_>, _: &Entry) -> bool {
        self.push(seq, event.encoded().item())
    }

    fn see(&mut self, sight: &Sight, pieces: &[u32], patch: &mut Patch) -> usize {
        let count = compose(patch, false, sight, pieces, self.bytes_left);
        let is_taken = self.push(sight.seq(pieces[count - 1]), patch.end().item());
        if is_taken { count } else { 0 }
    }
}
