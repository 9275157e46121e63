//! The half of a bot that reads its stream.

use tokio::sync::watch;

use super::inbox::{SharedInbox, lock};
use crate::client::{EventStream, StreamCounters};
use crate::shared::Phase;
use crate::stats::Ledger;

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
    inbox: SharedInbox,
}

impl Reader {
    pub(crate) fn new(stream: EventStream, inbox: SharedInbox) -> Self {
        Self { stream, inbox }
    }

    /// Reads until the run is over or the server ends the session.
    pub(crate) async fn run(mut self, mut phase: watch::Receiver<Phase>) -> Read {
        tokio::select! {
            // An error means that the run itself is gone, which is over too.
            _ = phase.wait_for(|phase| *phase >= Phase::Over) => {}
            why = self.read_to_the_end() => lock(&self.inbox).end(why),
        }
        let stream = self.stream.counters();
        let (ledger, gone, ended) = lock(&self.inbox).close();
        Read { ledger, stream, gone, ended }
    }

    async fn read_to_the_end(&mut self) -> String {
        loop {
            let result = self.stream.next(|item| lock(&self.inbox).take(item.event)).await;
            lock(&self.inbox).flush();
            if let Err(error) = result {
                return error.to_string();
            }
        }
    }
}
