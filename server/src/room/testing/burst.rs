//! How much one step says to one player.

use std::collections::BTreeMap;

use sward_protocol::downstream::Event;
use sward_protocol::ids::Seat;

use crate::fanout::outbox::{WINDOW_BYTES_MAX, WINDOW_EVENTS_MAX};
use crate::fanout::sight::{SIGHT_BYTES_MAX, SIGHT_PIECES_MAX};
use crate::game::context::{LatestKey, Outgoing};
use crate::world::frame::{Frame, PieceKey};

/// What each player was sent in one step.
#[derive(Debug, Default)]
pub(super) struct Bursts(BTreeMap<Seat, Burst>);

#[derive(Debug, Default)]
struct Burst {
    events: u64,
    bytes: u64,
    /// The bytes of the newest value of each key: older ones count against no bound.
    latest: BTreeMap<LatestKey, u64>,
    /// The bytes of the newest of each of the world's pieces, which have bounds of their own.
    pieces: BTreeMap<PieceKey, u64>,
}

impl Bursts {
    /// Counts an event of so many bytes that this player is sent.
    ///
    /// # Panics
    /// If one step sends more than a player may be behind.
    #[track_caller]
    pub(super) fn add(&mut self, seat: Seat, outgoing: &Outgoing, bytes: usize) {
        let burst = self.0.entry(seat).or_default();
        let bytes = bytes as u64;
        let replaced = outgoing.latest.as_ref().and_then(|key| burst.latest.insert(key.clone(), bytes));
        burst.events += u64::from(replaced.is_none());
        burst.bytes += bytes;
        burst.bytes -= replaced.unwrap_or(0);
        assert!(
            burst.events <= WINDOW_EVENTS_MAX && burst.bytes <= WINDOW_BYTES_MAX,
            "one step sends the player on seat {seat} more than {WINDOW_EVENTS_MAX} events or {WINDOW_BYTES_MAX} bytes, \
             the last of them {}: his stream may end for it (`bye` 3008), and he begins anew with the state. What is large \
             belongs there",
            what(&outgoing.event)
        );
    }

    /// Counts what this player sees of a frame.
    ///
    /// # Panics
    /// If one step shows more than a player may be behind.
    #[track_caller]
    pub(super) fn add_frame(&mut self, seat: Seat, frame: &Frame) {
        let pieces = &mut self.0.entry(seat).or_default().pieces;
        for piece in frame.pieces_for(seat) {
            let key = piece.key();
            if key.is_being() {
                pieces.retain(|other, _| other.entity != key.entity);
            }
            pieces.insert(key, piece.json().len() as u64);
        }
        assert!(
            pieces.len() <= SIGHT_PIECES_MAX && pieces.values().sum::<u64>() <= SIGHT_BYTES_MAX,
            "one step shows the player on seat {seat} more than {SIGHT_PIECES_MAX} pieces of the world or \
             {SIGHT_BYTES_MAX} bytes of them: his stream may end for it (`bye` 3008), and he begins anew with the state"
        );
    }
}

/// An event, and its type if it is a message.
pub(super) fn what(event: &Event) -> String {
    match event {
        Event::Msg(msg) => format!("{} {:?}", event.name(), msg.kind),
        _ => event.name().to_owned(),
    }
}
