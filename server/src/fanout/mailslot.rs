//! An outbox, the stream that reads it, and the lock around both.
//!
//! Rooms post on their threads, a stream reads on its worker. Nothing is awaited under the lock, and nobody holds two of
//! these locks.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use serde::{Deserialize, Serialize};
use sward_protocol::bye::CloseCode;
use sward_protocol::downstream::ResetReason;
use sward_protocol::format::{ChunkWriter, Format};
use sward_protocol::fragment::Encoded;
use sward_protocol::ids::{Epoch, EventId, Seat};
use sward_protocol::limits::{ANSWER_EVENTS_BYTES_MAX, CHUNK_BYTES_MAX};
use sward_protocol::payload::Payload;
use sward_protocol::upstream::PastEvent;

use super::flush::Flush;
use super::nonces::Nonces;
use super::outbox::{Outbox, Weight};
use super::part::Part;
use super::reading::{Chunk, Kind, Opening, Position, Reader, Wish};
use super::wake::Wakes;

mod saving;

/// Bytes of one chunk of a replay: a reader who was away gets it in slices, others are written between them.
const REPLAY_CHUNK_BYTES_MAX: usize = 4 * 1024;

/// Which stay in which room an event belongs to. Events of an earlier stay are not delivered: all that follows `joined`
/// belongs to its room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Tenancy(pub u64);

#[derive(Debug)]
struct Attached {
    reader: Reader,
    nonce: Option<Box<str>>,
    waker: Option<Waker>,
}

#[derive(Debug)]
struct Slot {
    outbox: Outbox,
    attached: Option<Attached>,
    /// What the newest stream is, or was; `None`: there was none yet.
    newest: Option<Kind>,
    /// Where it began.
    began: EventId,
    shut: bool,
    nonces: Nonces,
    tenancy: Tenancy,
    awaits_snapshot: bool,
    /// A stream was told that the room is to be asked for it.
    asked_for_snapshot: bool,
    /// Of the last `joined`.
    joined_bytes: u32,
}

/// Where events for one session are posted.
#[derive(Debug)]
pub struct Mailslot {
    slot: Mutex<Slot>,
    reads_packed: AtomicBool,
}

/// What became of a post.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Posted {
    /// So much more may be told now.
    New {
        /// Events.
        events: u32,
        /// Pieces of the game's world.
        pieces: u32,
    },
    /// Too much was waiting: the stream lost its hold, and will be resumed or reset.
    Overrun,
    /// It belongs to another stay, or `joined` must come first.
    Stale,
}

impl Posted {
    const NOTHING: Self = Self::New { events: 0, pieces: 0 };
}

impl Mailslot {
    /// An empty mailslot with this numbering.
    #[must_use]
    pub fn new(epoch: Epoch) -> Self {
        let slot = Slot {
            outbox: Outbox::new(epoch),
            attached: None,
            newest: None,
            began: EventId { epoch, seq: 0 },
            shut: false,
            nonces: Nonces::default(),
            tenancy: Tenancy::default(),
            awaits_snapshot: false,
            asked_for_snapshot: false,
            joined_bytes: 0,
        };
        Self { slot: Mutex::new(slot), reads_packed: AtomicBool::new(false) }
    }

    fn slot(&self) -> MutexGuard<'_, Slot> {
        // Nothing under this lock panics half-way through a change that matters.
        self.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Posts what is for `seat` of all that a room says at once, in order.
    pub fn post(
        &self,
        tenancy: Tenancy,
        parts: &[Part],
        seat: Seat,
        now_ms: u64,
        wakes: &mut Wakes,
    ) -> Posted {
        let mut slot = self.slot();
        if slot.tenancy != tenancy || slot.awaits_snapshot {
            return Posted::Stale;
        }
        let (mut events, mut pieces) = (0, 0);
        for part in parts {
            match part {
                Part::Said(flush) => {
                    events += slot.outbox.push(flush, seat, Weight::Bounded, now_ms).events;
                }
                Part::Frame(frame) => pieces += slot.outbox.push_frame(frame, seat, now_ms).events,
            }
        }
        slot.pushed(Posted::New { events, pieces }, now_ms, wakes)
    }

    /// Posts an event of the server's own, such as `pong`: it belongs to no stay.
    pub fn post_own(&self, flush: &Arc<Flush>, now_ms: u64, wakes: &mut Wakes) -> Posted {
        self.slot().push(flush, Seat::GAME, Weight::Bounded, now_ms, wakes)
    }

    /// A stay begins with its `joined`.
    pub fn move_in(&self, tenancy: Tenancy, joined: &Arc<Flush>, now_ms: u64, wakes: &mut Wakes) {
        let mut slot = self.slot();
        slot.tenancy = tenancy;
        slot.push_joined(joined, now_ms, wakes);
    }

    /// Posts `joined` again, as an answer to [`Opening::needs_snapshot`].
    pub fn post_snapshot(&self, tenancy: Tenancy, joined: &Arc<Flush>, now_ms: u64, wakes: &mut Wakes) {
        let mut slot = self.slot();
        // Of many streams that opened one after another the last one needs it, once.
        if slot.tenancy == tenancy && slot.awaits_snapshot {
            slot.push_joined(joined, now_ms, wakes);
        }
    }

    /// A stay ends with its `gone`; nothing else of that room follows.
    pub fn move_out(&self, tenancy: Tenancy, gone: &Arc<Flush>, now_ms: u64, wakes: &mut Wakes) {
        let mut slot = self.slot();
        if slot.tenancy == tenancy {
            slot.tenancy = Tenancy::default();
            slot.awaits_snapshot = false;
            slot.push(gone, Seat::GAME, Weight::Bounded, now_ms, wakes);
        }
    }

    /// The client has processed everything up to `id`.
    pub fn acknowledge(&self, id: EventId) {
        self.slot().outbox.acknowledge(id);
    }

    /// Lets go of what is too old to be asked for again, and of a stream that left too much unread. Whether it did.
    pub fn sweep(&self, now_ms: u64) -> Posted {
        let mut slot = self.slot();
        slot.outbox.trim(now_ms);
        slot.let_go_if_overrun(now_ms)
    }

    /// Panics past a bound.
    #[cfg(test)]
    pub fn check_bounds(&self) {
        self.slot().outbox.check_bounds();
    }

    /// Whether the newest stream reads MessagePack: a flush is best told so when it is made.
    #[must_use]
    pub fn reads_packed(&self) -> bool {
        self.reads_packed.load(Ordering::Relaxed)
    }

    /// Whether a stream reads.
    #[must_use]
    pub fn has_reader(&self) -> bool {
        self.slot().attached.is_some()
    }

    /// Whether a stream reads that was opened with another nonce than this one.
    #[must_use]
    pub fn is_read_by_another(&self, nonce: &str) -> bool {
        self.slot().attached.as_ref().is_some_and(|attached| attached.nonce.as_deref() != Some(nonce))
    }

    /// A stream opens. It takes over, unless its `nonce` is that of a stream which was replaced before. The twin of the
    /// newest one (its request was doubled on its way, or comes again) never makes that one lose anything.
    ///
    /// # Errors
    /// The stream is to say so and to end: [`CloseCode::Replaced`] for such a replayed request, [`CloseCode::Doubled`]
    /// for a twin that came too late to go on from where it was, [`CloseCode::Ended`] when the session is over.
    pub fn open(&self, wish: Wish<'_>, now_ms: u64) -> Result<Opening, CloseCode> {
        let Wish { from, nonce, kind, format } = wish;
        let mut slot = self.slot();
        if slot.shut {
            return Err(CloseCode::Ended);
        }
        if nonce.is_some_and(|nonce| slot.nonces.is_replayed(nonce)) {
            return Err(CloseCode::Replaced);
        }
        let twins = nonce.is_some_and(|nonce| slot.nonces.is_newest(nonce));
        let names_none = matches!(from, Position::Nothing);
        let from = if names_none && twins { Position::Event(slot.began) } else { from };
        // The page's own acknowledgement may have overtaken its request.
        let from = match from {
            Position::Event(id)
                if !names_none && nonce.is_some_and(|nonce| slot.nonces.is_of_newest_page(nonce)) =>
            {
                Position::Event(slot.outbox.or_acknowledged(id))
            }
            other => other,
        };
        if let Position::Event(id) = from
            && slot.outbox.check_position(id).is_err()
            && twins
            && (slot.attached.is_some() || slot.outbox.is_acknowledged_past(id))
        {
            return Err(CloseCode::Doubled);
        }
        slot.hand_over(nonce, now_ms);
        self.reads_packed.store(format.is_packed(), Ordering::Relaxed);
        let is_first = slot.newest.replace(kind).is_none();
        let asked_for_snapshot = slot.awaits_snapshot && slot.asked_for_snapshot;
        let position = match from {
            Position::Event(id) => slot.outbox.resume(id).map(|()| !names_none),
            Position::Garbage => Err(ResetReason::BadId),
            Position::Nothing if is_first => slot.outbox.resume_from_start().map(|()| false),
            Position::Nothing => {
                slot.outbox.start_fresh();
                slot.awaits_snapshot = slot.tenancy != Tenancy::default();
                Ok(false)
            }
        };
        if position.is_err() {
            slot.outbox.start_fresh();
            slot.awaits_snapshot = slot.tenancy != Tenancy::default();
        }
        slot.asked_for_snapshot = slot.awaits_snapshot;
        slot.began = slot.outbox.written();
        let reader = Reader::new();
        slot.attached = Some(Attached { reader: reader.clone(), nonce: nonce.map(Into::into), waker: None });
        Ok(Opening {
            reader,
            last: slot.began,
            resumed: position == Ok(true),
            reset: position.err(),
            // One that is on its way already serves the newest stream too.
            needs_snapshot: slot.awaits_snapshot && !asked_for_snapshot,
            joined_bytes: slot.joined_bytes,
        })
    }

    /// Reads the next chunk; when there is none, `waker` is woken as soon as there is.
    pub fn read(&self, reader: &Reader, format: Format, waker: &Waker) -> Chunk {
        if let Some(code) = reader.closed() {
            return Chunk::Closed(code);
        }
        let mut slot = self.slot();
        let Slot { outbox, attached, .. } = &mut *slot;
        let Some(attached) = attached.as_mut().filter(|attached| attached.reader.is(reader)) else {
            return Chunk::Closed(reader.closed().unwrap_or(CloseCode::Replaced));
        };
        if !outbox.is_drained() {
            let bytes_max = if outbox.is_replaying() { REPLAY_CHUNK_BYTES_MAX } else { CHUNK_BYTES_MAX };
            let mut chunk = ChunkWriter::new(format);
            outbox.take(&mut chunk, bytes_max);
            let count = chunk.count();
            // What waited may all have been replaced by what was written before.
            if count > 0 {
                return Chunk::Events { bytes: chunk.finish(), count };
            }
        }
        match &mut attached.waker {
            Some(known) => known.clone_from(waker),
            none => *none = Some(waker.clone()),
        }
        Chunk::Empty
    }

    /// For an answer to a player whose newest stream is drained: the events above `from`. Empty for others, and when they
    /// cannot be told without a hole.
    #[must_use]
    pub fn peek_for_answer(&self, from: EventId) -> Vec<PastEvent> {
        let copied = {
            let slot = self.slot();
            if slot.newest != Some(Kind::Drained) || slot.awaits_snapshot {
                return Vec::new();
            }
            slot.outbox.peek(from, ANSWER_EVENTS_BYTES_MAX).unwrap_or_default()
        };
        // Read when the lock is free again: the room waits for it.
        let past = |(id, item): (EventId, Box<[u8]>)| {
            let event = Encoded::from_parts(&item, None);
            // A fragment's data is JSON that was checked when it came in, or is the server's own.
            let json = String::from_utf8(event.json().to_vec()).ok()?;
            Some(PastEvent(id, event.name().to_owned(), Payload::trusted(json).ok()?))
        };
        copied.into_iter().map_while(past).collect()
    }

    /// Whether the room still has to say `joined` to the newest stream.
    #[must_use]
    pub fn awaits_snapshot(&self) -> bool {
        self.slot().awaits_snapshot
    }

    /// The stream's connection is gone, or the stream ended.
    pub fn detach(&self, reader: &Reader) {
        let mut slot = self.slot();
        if slot.attached.as_ref().is_some_and(|attached| attached.reader.is(reader)) {
            slot.attached = None;
        }
    }

    /// The session is over: ends the stream, if one is open, and lets no other begin.
    pub fn shut(&self) {
        let waker = {
            let mut slot = self.slot();
            slot.shut = true;
            slot.release(CloseCode::Ended)
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Ends the stream, if one is open, with this code.
    pub fn close(&self, code: CloseCode) {
        let waker = self.slot().release(code);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl Slot {
    fn push(
        &mut self,
        flush: &Arc<Flush>,
        seat: Seat,
        weight: Weight,
        now_ms: u64,
        wakes: &mut Wakes,
    ) -> Posted {
        let events = self.outbox.push(flush, seat, weight, now_ms).events;
        self.pushed(Posted::New { events, pieces: 0 }, now_ms, wakes)
    }

    fn pushed(&mut self, posted: Posted, now_ms: u64, wakes: &mut Wakes) -> Posted {
        if posted == Posted::NOTHING {
            return posted;
        }
        if self.let_go_if_overrun(now_ms) == Posted::Overrun {
            return Posted::Overrun;
        }
        if let Some(waker) = self.attached.as_mut().and_then(|attached| attached.waker.take()) {
            wakes.push(waker);
        }
        posted
    }

    fn push_joined(&mut self, joined: &Arc<Flush>, now_ms: u64, wakes: &mut Wakes) {
        self.awaits_snapshot = false;
        self.joined_bytes = joined.share_of(Seat::GAME).bytes;
        self.push(joined, Seat::GAME, Weight::Free, now_ms, wakes);
    }

    fn let_go_if_overrun(&mut self, now_ms: u64) -> Posted {
        if self.attached.is_none() || self.outbox.check_queue(now_ms).is_ok() {
            return Posted::NOTHING;
        }
        // A stalled reader's connection is not polled, so its `bye` may never be written; the socket's own timeout ends
        // it. The session goes on without it.
        if let Some(waker) = self.release(CloseCode::Slow) {
            waker.wake();
        }
        Posted::Overrun
    }

    fn release(&mut self, code: CloseCode) -> Option<Waker> {
        let attached = self.attached.take()?;
        attached.reader.close(code);
        attached.waker
    }

    /// The stream that is open, if one is, loses its hold to a newer one.
    fn hand_over(&mut self, nonce: Option<&str>, now_ms: u64) {
        let doubles = nonce.is_some_and(|nonce| self.nonces.take_up(nonce, now_ms));
        let doubles_open = self.attached.as_ref().is_some_and(|older| older.nonce.as_deref() == nonce);
        let code = if doubles && doubles_open { CloseCode::Doubled } else { CloseCode::Replaced };
        if let Some(waker) = self.release(code) {
            waker.wake();
        }
    }
}

#[cfg(test)]
mod tests;
