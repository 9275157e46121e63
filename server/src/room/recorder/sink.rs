//! Where a room's thread leaves its lines, until they are written.

use std::sync::atomic::Ordering;
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::Shared;
use super::writer::Told;
use crate::room::recording::format::{End, push_end};

/// Bytes of all rooms that wait to be written. Past it the disk is too slow, and the room that has more to say is recorded
/// no further.
pub const PENDING_BYTES_MAX: usize = 64 * 1024 * 1024;
/// With so many the writer is told not to wait for its time.
const HASTE_BYTES: usize = 1024 * 1024;

/// One recording, between its room and the writer.
#[derive(Debug)]
pub struct Sink {
    pending: Mutex<Pending>,
    shared: Arc<Shared>,
    tell: SyncSender<Told>,
}

#[derive(Debug, Default)]
struct Pending {
    bytes: Vec<u8>,
    /// Of the last line that was taken.
    at_ms: u64,
    has_ended: bool,
}

/// What is to be written.
#[derive(Debug, Default)]
pub struct Taken {
    /// Whole lines.
    pub bytes: Vec<u8>,
    /// Nothing more will come.
    pub has_ended: bool,
}

impl Sink {
    pub fn new(shared: Arc<Shared>, tell: SyncSender<Told>) -> Self {
        Self { pending: Mutex::default(), shared, tell }
    }

    fn pending(&self) -> MutexGuard<'_, Pending> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes whole lines. False if the recording has ended.
    pub fn put(&self, lines: &[u8], at_ms: u64) -> bool {
        let mut pending = self.pending();
        if pending.has_ended {
            return false;
        }
        pending.at_ms = at_ms;
        let before = self.shared.pending_bytes.fetch_add(lines.len(), Ordering::Relaxed);
        if before.saturating_add(lines.len()) > PENDING_BYTES_MAX {
            self.shared.pending_bytes.fetch_sub(lines.len(), Ordering::Relaxed);
            self.end_pending(&mut pending, End::Behind);
            return false;
        }
        let was_little = pending.bytes.len() < HASTE_BYTES;
        pending.bytes.extend_from_slice(lines);
        if was_little && pending.bytes.len() >= HASTE_BYTES {
            // Where that many are told already, the writer is awake.
            let _ = self.tell.try_send(Told::Much);
        }
        true
    }

    /// Ends the recording, if it has not ended.
    pub fn end(&self, end: End) {
        let mut pending = self.pending();
        if !pending.has_ended {
            self.end_pending(&mut pending, end);
        }
    }

    fn end_pending(&self, pending: &mut Pending, end: End) {
        let (before, at_ms) = (pending.bytes.len(), pending.at_ms);
        push_end(&mut pending.bytes, at_ms, end);
        self.shared.pending_bytes.fetch_add(pending.bytes.len() - before, Ordering::Relaxed);
        pending.has_ended = true;
        if end.is_early() {
            self.shared.metrics.recordings.ended_early.with_label_values(&[end.word()]).inc();
        }
    }

    /// What waits is thrown away, and nothing more taken. The time of the last line.
    pub fn cut(&self) -> u64 {
        let taken = self.take();
        drop(taken);
        let mut pending = self.pending();
        pending.has_ended = true;
        pending.at_ms
    }

    /// What waits.
    pub fn take(&self) -> Taken {
        let mut pending = self.pending();
        let bytes = std::mem::take(&mut pending.bytes);
        self.shared.pending_bytes.fetch_sub(bytes.len(), Ordering::Relaxed);
        Taken { bytes, has_ended: pending.has_ended }
    }
}
