//! What a room says at one moment.

use std::sync::Arc;

use sward_protocol::fragment::Fragment;
use sward_protocol::ids::Seat;

use crate::game::Audience;
use crate::game::context::LatestKey;

/// One event of a flush.
#[derive(Debug, Clone)]
pub struct FlushItem {
    /// Who receives it.
    pub audience: Audience,
    /// What.
    pub event: Fragment,
    /// The value whose newest it is; `None`: it is never dropped.
    pub latest: Option<LatestKey>,
}

impl FlushItem {
    /// Bytes that it counts for, whatever the form in which it is written.
    #[must_use]
    pub fn bytes(&self) -> u32 {
        // An event is at most 1 MiB, a flush far below 4 GiB.
        u32::try_from(self.event.sse().len()).unwrap_or(u32::MAX)
    }
}

/// The events of a room since its last flush, in order. Shared by the outboxes of all its players: none of them copies it.
#[derive(Debug)]
pub struct Flush {
    items: Box<[Arc<FlushItem>]>,
    bytes: u64,
    has_latest: bool,
}

/// How much of a flush is for one seat.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Share {
    /// Events.
    pub events: u32,
    /// Their bytes, ids not counted.
    pub bytes: u32,
}

impl Flush {
    /// A flush of these events.
    #[must_use]
    pub fn new(items: Vec<FlushItem>) -> Self {
        Self::of_items(items.into_iter().map(Arc::new).collect())
    }

    fn of_items(items: Box<[Arc<FlushItem>]>) -> Self {
        let bytes = items.iter().map(|item| u64::from(item.bytes())).sum();
        let has_latest = items.iter().any(|item| item.latest.is_some());
        Self { items, bytes, has_latest }
    }

    /// What the outbox of `seat` is to keep, whose share is `share`: the flush itself, unless much of it is for others. That
    /// would stay in memory with it, and be counted against nobody.
    #[must_use]
    pub fn kept_for(self: &Arc<Self>, seat: Seat, share: Share) -> Arc<Self> {
        if u64::from(share.bytes) * 8 >= self.bytes * 7 {
            return Arc::clone(self);
        }
        let own = self.items.iter().filter(|item| item.audience.includes(seat));
        Arc::new(Self::of_items(own.cloned().collect()))
    }

    /// Bytes of all its events.
    #[cfg(test)]
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// A flush of one event, for whoever receives the flush.
    #[must_use]
    pub fn of(event: Fragment) -> Self {
        Self::new(vec![FlushItem { audience: Audience::All, event, latest: None }])
    }

    /// Whether any of its events is the latest value of a key: most flushes have none, and are handled without a look at
    /// each event.
    #[must_use]
    pub fn has_latest(&self) -> bool {
        self.has_latest
    }

    /// The events for `seat`, in order.
    pub fn items_for(&self, seat: Seat) -> impl Iterator<Item = &FlushItem> {
        self.items.iter().map(|item| &**item).filter(move |item| item.audience.includes(seat))
    }

    /// How much of this flush is for `seat`.
    #[must_use]
    pub fn share_of(&self, seat: Seat) -> Share {
        let mut share = Share::default();
        for item in self.items_for(seat) {
            share.events += 1;
            share.bytes += item.bytes();
        }
        share
    }
}
