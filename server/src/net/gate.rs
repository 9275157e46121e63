//! What a connection's socket and its requests tell each other.

use std::cell::{Cell, OnceCell, RefCell};
use std::rc::Rc;
use std::task::Waker;

use tokio_util::sync::CancellationToken;

/// One per connection; it never leaves its worker's thread.
#[derive(Debug, Default)]
pub struct Gate {
    /// Request heads that were handed to the HTTP layer (HTTP/1 only).
    heads: Cell<u64>,
    /// Requests that reached the application.
    called: Cell<u64>,
    /// Requests whose answer was written, or given up.
    answered: Cell<u64>,
    /// Complete answers that wait to be taken.
    untaken: Cell<u64>,
    /// Others of this thread are to run first (HTTP/2 only).
    is_resting: Cell<bool>,
    /// Whoever waits for the gate to open.
    reader: RefCell<Option<Waker>>,
    /// Cancelled when the connection is no more. Made for those who ask.
    over: OnceCell<CancellationToken>,
    is_over: Cell<bool>,
}

/// A request under way. It is over when this is dropped.
#[derive(Debug)]
pub struct UnderWay {
    gate: Rc<Gate>,
    is_untaken: bool,
}

impl Gate {
    /// A request reached the application.
    #[must_use]
    pub fn enter(self: &Rc<Self>) -> UnderWay {
        self.called.set(self.called.get() + 1);
        UnderWay { gate: Rc::clone(self), is_untaken: false }
    }

    /// Requests that reached the application and were not answered yet.
    #[must_use]
    pub fn under_way(&self) -> u64 {
        self.called.get() - self.answered.get()
    }

    /// Complete answers that wait to be taken.
    #[must_use]
    pub fn untaken(&self) -> u64 {
        self.untaken.get()
    }

    /// So many request heads were handed to the HTTP layer by now.
    pub fn handed(&self, heads: u64) {
        self.heads.set(heads);
    }

    /// Whether a request that was handed over is still to be answered.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        self.heads.get() > self.answered.get()
    }

    /// Whether the HTTP layer found more requests than were handed to it: it reads them otherwise than
    /// [`Framing`](super::framing::Framing) does, and nothing could be bounded.
    #[must_use]
    pub fn is_confused(&self) -> bool {
        self.called.get() > self.heads.get()
    }

    /// Nothing more is to be handed over until [`Gate::go_on`].
    pub fn rest(&self) {
        self.is_resting.set(true);
    }

    /// Those ran who were to run first.
    pub fn go_on(&self) {
        self.is_resting.set(false);
        self.wake();
    }

    /// Whether nothing more is to be handed over now.
    #[must_use]
    pub fn is_resting(&self) -> bool {
        self.is_resting.get()
    }

    /// To be woken when the gate may have opened.
    pub fn wait(&self, reader: &Waker) {
        let mut waiting = self.reader.borrow_mut();
        if !waiting.as_ref().is_some_and(|waiting| waiting.will_wake(reader)) {
            *waiting = Some(reader.clone());
        }
    }

    /// Wakes whoever waits.
    pub fn wake(&self) {
        if let Some(reader) = self.reader.take() {
            reader.wake();
        }
    }

    /// Cancelled when the connection is no more.
    #[must_use]
    pub fn over(&self) -> &CancellationToken {
        let over = self.over.get_or_init(CancellationToken::new);
        if self.is_over.get() {
            over.cancel();
        }
        over
    }

    /// The connection is no more.
    pub fn end(&self) {
        self.is_over.set(true);
        if let Some(over) = self.over.get() {
            over.cancel();
        }
    }
}

impl UnderWay {
    /// Its answer is complete, and waits to be taken.
    pub fn is_answered(&mut self) {
        if !std::mem::replace(&mut self.is_untaken, true) {
            self.gate.untaken.set(self.gate.untaken.get() + 1);
        }
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        if self.is_untaken {
            self.gate.untaken.set(self.gate.untaken.get() - 1);
        }
        self.gate.answered.set(self.gate.answered.get() + 1);
        self.gate.wake();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_busy_from_the_head_to_the_end_of_the_answer() {
        let gate = Rc::new(Gate::default());
        assert!(!gate.is_busy());
        gate.handed(1);
        assert!(gate.is_busy());
        let mut request = gate.enter();
        assert_eq!((gate.under_way(), gate.untaken()), (1, 0));
        request.is_answered();
        request.is_answered();
        assert_eq!(gate.untaken(), 1);
        drop(request);
        assert_eq!(gate.untaken(), 0);
        assert!(!gate.is_busy() && !gate.is_confused());
        assert_eq!(gate.under_way(), 0);
        let _unexpected = gate.enter();
        assert!(gate.is_confused());
    }
}
