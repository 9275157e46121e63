//! An outbox, the stream that reads it, and the lock around both.
//!
//! Rooms post on their threads, a stream reads on its worker. Nothing is awaited under the lock, and nobody holds two of
//! these locks.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use sward_protocol::bye::CloseCode;
use sward_protocol::downstream::ResetReason;
use sward_protocol::ids::{Epoch, EventId, Seat};

use super::flush::Flush;
use super::outbox::{Outbox, Weight};
use super::wake::Wakes;

/// Bytes of one chunk: the socket's not-sent low-water mark.
const CHUNK_BYTES_MAX: usize = 16 * 1024;
/// Bytes of one chunk of a replay: a reader who was away gets it in slices, others are written between them.
const REPLAY_CHUNK_BYTES_MAX: usize = 4 * 1024;
/// Nonces of streams that are remembered, to know a replayed old request.
const NONCES_MAX: usize = 8;

/// Which stay in which room an event belongs to. Events of an earlier stay are not delivered: all that follows `joined`
/// belongs to its room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Tenancy(pub u64);

/// A stream's hold on the mailslot.
#[derive(Debug, Clone)]
pub struct Reader {
    end: Arc<AtomicU16>,
}

impl Reader {
    fn new() -> Self {
        Self { end: Arc::new(AtomicU16::new(0)) }
    }

    fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.end, &other.end)
    }

    fn close(&self, code: CloseCode) {
        self.end.store(code.code(), Ordering::Release);
    }

    /// Why the stream is to end, once it is.
    #[must_use]
    pub fn closed(&self) -> Option<CloseCode> {
        let code = self.end.load(Ordering::Acquire);
        CloseCode::ALL.iter().copied().find(|close| close.code() == code)
    }
}

/// From where a new stream wants to go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Position {
    /// It named no event.
    Nothing,
    /// It had everything up to this one.
    Event(EventId),
    /// It named something that is no id.
    Garbage,
}

/// What a new stream is to begin with.
#[derive(Debug)]
pub struct Opening {
    /// The stream's hold.
    pub reader: Reader,
    /// The numbering.
    pub epoch: Epoch,
    /// Everything above the named id follows.
    pub resumed: bool,
    /// What was missed cannot be replayed.
    pub reset: Option<ResetReason>,
    /// The room is to be asked for `joined` anew; until it comes, nothing of the room is delivered.
    pub needs_snapshot: bool,
}

/// What a stream reads.
#[derive(Debug)]
pub enum Chunk {
    /// Events to be written.
    Events {
        /// Their bytes.
        bytes: Vec<u8>,
        /// Their number.
        count: u64,
    },
    /// Nothing waits; the reader will be woken.
    Empty,
    /// The stream is to end.
    Closed(CloseCode),
}

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
    opened_before: bool,
    shut: bool,
    /// The newest last.
    nonces: VecDeque<Box<str>>,
    tenancy: Tenancy,
    awaits_snapshot: bool,
}

/// Where events for one session are posted.
#[derive(Debug)]
pub struct Mailslot(Mutex<Slot>);

/// What became of a post.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Posted {
    /// So many events wait now.
    Events(u32),
    /// Too much was waiting: the stream lost its hold, and will be resumed or reset.
    Overrun,
    /// It belongs to another stay, or `joined` must come first.
    Stale,
}

impl Mailslot {
    /// An empty mailslot with this numbering.
    #[must_use]
    pub fn new(epoch: Epoch) -> Self {
        Self(Mutex::new(Slot {
            outbox: Outbox::new(epoch),
            attached: None,
            opened_before: false,
            shut: false,
            nonces: VecDeque::new(),
            tenancy: Tenancy::default(),
            awaits_snapshot: false,
        }))
    }

    fn slot(&self) -> MutexGuard<'_, Slot> {
        // Nothing under this lock panics half-way through a change that matters.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Posts what of a room's flush is for `seat`.
    pub fn post(
        &self,
        tenancy: Tenancy,
        flush: &Arc<Flush>,
        seat: Seat,
        now_ms: u64,
        wakes: &mut Wakes,
    ) -> Posted {
        let mut slot = self.slot();
        if slot.tenancy != tenancy || slot.awaits_snapshot {
            return Posted::Stale;
        }
        slot.push(flush, seat, Weight::Bounded, now_ms, wakes)
    }

    /// Posts an event of the server's own, such as `pong`: it belongs to no stay.
    pub fn post_own(&self, flush: &Arc<Flush>, now_ms: u64, wakes: &mut Wakes) -> Posted {
        self.slot().push(flush, Seat::GAME, Weight::Bounded, now_ms, wakes)
    }

    /// A stay begins with its `joined`.
    pub fn move_in(&self, tenancy: Tenancy, joined: &Arc<Flush>, now_ms: u64, wakes: &mut Wakes) {
        let mut slot = self.slot();
        slot.tenancy = tenancy;
        slot.awaits_snapshot = false;
        slot.push(joined, Seat::GAME, Weight::Free, now_ms, wakes);
    }

    /// Posts `joined` again, as an answer to [`Opening::needs_snapshot`].
    pub fn post_snapshot(&self, tenancy: Tenancy, joined: &Arc<Flush>, now_ms: u64, wakes: &mut Wakes) {
        let mut slot = self.slot();
        // Of many streams that opened one after another the last one needs it, once.
        if slot.tenancy == tenancy && slot.awaits_snapshot {
            slot.awaits_snapshot = false;
            slot.push(joined, Seat::GAME, Weight::Free, now_ms, wakes);
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

    /// A stream opens. It takes over, unless its `nonce` is that of a stream which was replaced before.
    ///
    /// # Errors
    /// The stream is to say so and to end: [`CloseCode::Replaced`] for such a replayed request, [`CloseCode::Ended`]
    /// when the session is over.
    pub fn open(&self, from: Position, nonce: Option<&str>) -> Result<Opening, CloseCode> {
        let mut slot = self.slot();
        if slot.shut {
            return Err(CloseCode::Ended);
        }
        if nonce.is_some_and(|nonce| slot.is_replayed(nonce)) {
            return Err(CloseCode::Replaced);
        }
        slot.hand_over(nonce);
        let awaited_snapshot = slot.awaits_snapshot;
        let position = match from {
            Position::Event(id) => slot.outbox.resume(id).map(|()| true),
            Position::Garbage => Err(ResetReason::BadId),
            Position::Nothing if !slot.opened_before => slot.outbox.resume_from_start().map(|()| false),
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
        slot.opened_before = true;
        let reader = Reader::new();
        slot.attached = Some(Attached { reader: reader.clone(), nonce: nonce.map(Into::into), waker: None });
        Ok(Opening {
            reader,
            epoch: slot.outbox.epoch(),
            resumed: position == Ok(true),
            reset: position.err(),
            // One that is on its way already serves the newest stream too.
            needs_snapshot: slot.awaits_snapshot && !awaited_snapshot,
        })
    }

    /// Reads the next chunk; when there is none, `waker` is woken as soon as there is.
    pub fn read(&self, reader: &Reader, waker: &Waker) -> Chunk {
        if let Some(code) = reader.closed() {
            return Chunk::Closed(code);
        }
        let mut slot = self.slot();
        let Slot { outbox, attached, .. } = &mut *slot;
        let Some(attached) = attached.as_mut().filter(|attached| attached.reader.is(reader)) else {
            return Chunk::Closed(reader.closed().unwrap_or(CloseCode::Replaced));
        };
        if outbox.is_drained() {
            match &mut attached.waker {
                Some(known) => known.clone_from(waker),
                none => *none = Some(waker.clone()),
            }
            return Chunk::Empty;
        }
        let bytes_max = if outbox.is_replaying() { REPLAY_CHUNK_BYTES_MAX } else { CHUNK_BYTES_MAX };
        let mut bytes = Vec::with_capacity(1024);
        let count = outbox.take(&mut bytes, bytes_max);
        Chunk::Events { bytes, count }
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
        let share = self.outbox.push(flush, seat, weight, now_ms);
        if share.events == 0 {
            return Posted::Events(0);
        }
        if self.let_go_if_overrun(now_ms) == Posted::Overrun {
            return Posted::Overrun;
        }
        if let Some(waker) = self.attached.as_mut().and_then(|attached| attached.waker.take()) {
            wakes.push(waker);
        }
        Posted::Events(share.events)
    }

    fn let_go_if_overrun(&mut self, now_ms: u64) -> Posted {
        if self.attached.is_none() || self.outbox.check_queue(now_ms).is_ok() {
            return Posted::Events(0);
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

    /// Whether a stream with this nonce was opened before a newer one. The newest itself may come again: a doubled
    /// request, or an EventSource that reconnects.
    fn is_replayed(&self, nonce: &str) -> bool {
        let is_newest = self.nonces.back().is_some_and(|newest| **newest == *nonce);
        !is_newest && self.nonces.iter().any(|old| **old == *nonce)
    }

    /// The stream that is open, if one is, loses its hold to a newer one.
    fn hand_over(&mut self, nonce: Option<&str>) {
        let doubled = nonce.is_some() && self.nonces.back().map(|newest| &**newest) == nonce;
        if let Some(nonce) = nonce.filter(|_| !doubled) {
            if self.nonces.len() >= NONCES_MAX {
                self.nonces.pop_front();
            }
            self.nonces.push_back(nonce.into());
        }
        let doubles_open = self.attached.as_ref().is_some_and(|older| older.nonce.as_deref() == nonce);
        let code = if doubled && doubles_open { CloseCode::Doubled } else { CloseCode::Replaced };
        if let Some(waker) = self.release(code) {
            waker.wake();
        }
    }
}

#[cfg(test)]
mod tests;
