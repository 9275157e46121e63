//! What of one flush one session's outbox holds. Pure.

use std::sync::Arc;

use sward_protocol::ids::Seat;

use super::flush::{Flush, FlushItem, Share};

#[derive(Debug)]
pub(super) struct Entry {
    pub(super) flush: Arc<Flush>,
    pub(super) seat: Seat,
    pub(super) first: u64,
    /// How many numbers it has.
    pub(super) numbers: u32,
    /// What of it no newer value has replaced.
    pub(super) live: Share,
    pub(super) at_ms: u64,
    pub(super) weight: Weight,
}

impl Entry {
    pub(super) fn last(&self) -> u64 {
        self.first + u64::from(self.numbers) - 1
    }

    pub(super) fn numbered(&self) -> impl Iterator<Item = (u64, &FlushItem)> {
        (self.first..).zip(self.flush.items_for(self.seat))
    }

    /// Events and bytes that count against the bounds.
    pub(super) fn bounded(&self) -> Amount {
        match self.weight {
            Weight::Bounded => Amount::of(self.live),
            Weight::Free => Amount::default(),
        }
    }

    pub(super) fn free_bytes(&self) -> u64 {
        match self.weight {
            Weight::Bounded => 0,
            Weight::Free => u64::from(self.live.bytes),
        }
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

    pub(super) fn of_item(item: &FlushItem) -> Self {
        Self { events: 1, bytes: u64::from(item.bytes()) }
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
