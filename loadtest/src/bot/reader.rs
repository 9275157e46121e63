//! The half of a bot that reads its stream.

use std::sync::{Arc, Mutex, PoisonError};

use sward_protocol::ids::EventId;
use tokio::sync::watch;

use super::inbox::Inbox;
use crate::client::{EventStream, StreamCounters};
use crate::shared::Phase;
use crate::stats::Ledger;

/// The id of the last event that was processed: the reader writes it, the writer sends it as `ack`.
#[derive(Debug, Default)]
pub(crate) struct LastEvent(Mutex<Option<EventId>>);

impl LastEvent {
    pub(crate) fn get(&self) -> Option<EventId> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, id: Option<EventId>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = id;
    }
}

/// What a reader leaves behind.
#[derive(Debug)]
pub(crate) struct Read {
    pub(crate) ledger: Ledger,
    pub(crate) stream: StreamCounters,
    /// `gone` events.
    pub(crate) gone: u64,
    /// Why the stream ended for good before the run did.
    pub(crate) ended: Option<String>,
}

#[derive(Debug)]
pub(crate) struct Reader {
    stream: EventStream,
    inbox: Inbox,
    last: Arc<LastEvent>,
}

impl Reader {
    pub(crate) fn new(stream: EventStream, inbox: Inbox, last: Arc<LastEvent>) -> Self {
        Self { stream, inbox, last }
    }

    /// Reads until the run is over or the server ends the session.
    pub(crate) async fn run(mut self, mut phase: watch::Receiver<Phase>) -> Read {
        tokio::select! {
            // An error means that the run itself is gone, which is over too.
            _ = phase.wait_for(|phase| *phase >= Phase::Over) => {}
            why = self.read_to_the_end() => self.inbox.end(why),
        }
        let stream = self.stream.counters();
        let (ledger, gone, ended) = self.inbox.close();
        Read { ledger, stream, gone, ended }
    }

    async fn read_to_the_end(&mut self) -> String {
        loop {
            let result = self.stream.next(|frame| self.inbox.take(frame)).await;
            self.inbox.flush();
            self.last.set(self.stream.last());
            if let Err(error) = result {
                return error.to_string();
            }
        }
    }
}
