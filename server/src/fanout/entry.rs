//! What of one flush one session's outbox holds. Pure.

use std::sync::Arc;

use sward_protocol::ids::Seat;

use super::flush::{Flush, FlushEvent, FlushWriter, Share};

/// What an entry takes in the outbox: its queue may have room for twice as many.
const ENTRY_BYTES: usize = 2 * size_of::<Entry>();

#[derive(Debug)]
pub(super) struct Entry {
    pub(super) flush: Arc<Flush>,
    pub(super) seat: Seat,
    pub(super) first: u64,
    /// How many numbers it has.
    pub(super) numbers: u32,
    /// Where each event's number is, counted from the first, if some are missing: replaced ones that were let go of.
    pub(super) offsets: Option<Box<[u32]>>,
    /// What of it no newer value has replaced.
    pub(super) live: Share,
    /// The memory that it takes, the flush included: nobody else may hold that any more.
    pub(super) held_bytes: u32,
    pub(super) at_ms: u64,
    pub(super) weight: Weight,
}

impl Entry {
    pub(super) fn new(
        flush: &Arc<Flush>,
        seat: Seat,
        first: u64,
        share: Share,
        at_ms: u64,
        weight: Weight,
    ) -> Self {
        let held_bytes = held_bytes(flush, None);
        let (flush, numbers) = (Arc::clone(flush), share.events);
        Self { flush, seat, first, numbers, offsets: None, live: share, held_bytes, at_ms, weight }
    }

    /// The live events of several entries as one: it holds nothing but them. Its time is that of the newest.
    pub(super) fn folded(entries: &[Self], is_live: impl Fn(u64, FlushEvent<'_>) -> bool) -> Option<Self> {
        let (oldest, newest) = (entries.first()?, entries.last()?);
        let numbers = u32::try_from(newest.last() + 1 - oldest.first).ok()?;
        let (mut writer, mut offsets) = (FlushWriter::default(), Vec::new());
        for (number, event) in entries.iter().flat_map(Self::numbered) {
            if is_live(number, event) {
                writer.push_again(event);
                offsets.push(u32::try_from(number - oldest.first).ok()?);
            }
        }
        Some(Self::of_own(writer, oldest.first, numbers, offsets, newest.at_ms, oldest.weight))
    }

    /// What `writer` has, for one reader alone: each event's number is its offset from the first of so many.
    pub(super) fn of_own(
        mut writer: FlushWriter,
        first: u64,
        numbers: u32,
        offsets: Vec<u32>,
        at_ms: u64,
        weight: Weight,
    ) -> Self {
        let live = writer.whole();
        let offsets = (live.events < numbers).then(|| offsets.into_boxed_slice());
        // Made again for this reader if he reads MessagePack: it would double what he holds.
        let flush = Arc::new(writer.finish(false));
        let held_bytes = held_bytes(&flush, offsets.as_deref());
        // It is for all who receive it.
        Self { flush, seat: Seat::GAME, first, numbers, offsets, live, held_bytes, at_ms, weight }
    }

    /// Whether it keeps events in memory that its reader will not be told.
    pub(super) fn has_others(&self) -> bool {
        self.live != self.flush.whole()
    }

    pub(super) fn last(&self) -> u64 {
        self.first + u64::from(self.numbers) - 1
    }

    pub(super) fn numbered(&self) -> impl Iterator<Item = (u64, FlushEvent<'_>)> {
        let offsets = self.offsets.as_deref();
        let events = self.flush.events_for(self.seat).enumerate();
        events.map(move |(index, event)| {
            let offset = offsets.map_or(index as u64, |offsets| u64::from(offsets[index]));
            (self.first + offset, event)
        })
    }

    /// Whether each of its numbers is that of an event which was not replaced.
    pub(super) fn is_whole(&self) -> bool {
        self.live.events == self.numbers
    }

    /// All its events as items of a batch, if its reader receives all of the flush and none of them was replaced.
    pub(super) fn items(&self) -> Option<&[u8]> {
        if self.is_whole() { self.flush.items_for_all() } else { None }
    }

    /// Events and bytes that count against the bounds.
    pub(super) fn bounded(&self) -> Amount {
        match self.weight {
            Weight::Bounded => Amount::of(self.live),
            Weight::Free => Amount::default(),
        }
    }

    /// The memory that counts against its bound.
    pub(super) fn bounded_held_bytes(&self) -> u64 {
        match self.weight {
            Weight::Bounded => u64::from(self.held_bytes),
            Weight::Free => 0,
        }
    }

    pub(super) fn free_bytes(&self) -> u64 {
        match self.weight {
            Weight::Bounded => 0,
            Weight::Free => u64::from(self.live.bytes),
        }
    }
}

fn held_bytes(flush: &Flush, offsets: Option<&[u32]>) -> u32 {
    let offsets = offsets.map_or(0, size_of_val);
    u32::try_from(ENTRY_BYTES + offsets + flush.held_bytes()).unwrap_or(u32::MAX)
}

/// Whether an event counts against the bounds. `joined` does not: it is what a reader needs who fell behind them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weight {
    /// It does.
    Bounded,
    /// It does not.
    Free,
}

/// How many events, and how many bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Amount {
    pub(super) events: u64,
    pub(super) bytes: u64,
}

impl Amount {
    pub(super) fn of(share: Share) -> Self {
        Self { events: u64::from(share.events), bytes: u64::from(share.bytes) }
    }

    pub(super) fn of_event(event: FlushEvent<'_>) -> Self {
        Self { events: 1, bytes: u64::from(event.bytes()) }
    }

    pub(super) fn add(&mut self, other: Self) {
        self.events += other.events;
        self.bytes += other.bytes;
    }

    pub(super) fn subtract(&mut self, other: Self) {
        self.events = self.events.saturating_sub(other.events);
        self.bytes = self.bytes.saturating_sub(other.bytes);
    }
}
