//! How readers are woken: after a whole flush was posted, each once.

use std::task::Waker;

/// Readers to be woken when the locks are free again.
///
/// Waking while the room still posts would let the workers run into the mailslots' locks, and would wake a reader once
/// per event.
#[derive(Debug, Default)]
pub struct Wakes(Vec<Waker>);

impl Wakes {
    /// Remembers a reader.
    pub fn push(&mut self, reader: Waker) {
        self.0.push(reader);
    }

    /// Wakes them all; the list is empty afterwards and keeps its memory.
    pub fn wake_all(&mut self) {
        for reader in self.0.drain(..) {
            reader.wake();
        }
    }
}
