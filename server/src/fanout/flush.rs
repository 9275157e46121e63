//! What a room says at one moment.

use sward_protocol::ids::Seat;

use super::encode::Encoded;
use crate::game::Audience;

/// One event of a flush.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlushItem {
    /// Who receives it.
    pub audience: Audience,
    /// What.
    pub event: Encoded,
}

/// The events of a room since its last flush, in order. Shared by the outboxes of all its players: none of them copies it.
#[derive(Debug, PartialEq, Eq)]
pub struct Flush {
    items: Box<[FlushItem]>,
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
        Self { items: items.into_boxed_slice() }
    }

    /// A flush of one event, for whoever receives the flush.
    #[must_use]
    pub fn of(event: Encoded) -> Self {
        Self::new(vec![FlushItem { audience: Audience::All, event }])
    }

    /// The events for `seat`, in order.
    pub fn events_for(&self, seat: Seat) -> impl Iterator<Item = &Encoded> {
        self.items.iter().filter(move |item| item.audience.includes(seat)).map(|item| &item.event)
    }

    /// How much of this flush is for `seat`.
    #[must_use]
    pub fn share_of(&self, seat: Seat) -> Share {
        let mut share = Share::default();
        for event in self.events_for(seat) {
            share.events += 1;
            // An event is at most 1 MiB, a flush far below 4 GiB.
            share.bytes += u32::try_from(event.sse().len()).unwrap_or(u32::MAX);
        }
        share
    }
}
