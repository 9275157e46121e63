//! What one bot makes of the events that it receives.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sward_protocol::downstream::Event;
use sward_protocol::format::{Data, Received};
use sward_protocol::ids::Seat;
use tokio::sync::watch;

use crate::marker;
use crate::shared::Shared;
use crate::stats::{Ledger, Observation};

/// What a bot knows of its room.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Presence {
    /// Its own seat, once `joined` was seen.
    pub(crate) seat: Option<Seat>,
    /// The seats that are taken, its own included.
    pub(crate) taken: BTreeSet<Seat>,
    /// Why its stream ended for good.
    pub(crate) ended: Option<String>,
}

/// Takes events, keeps the account.
#[derive(Debug)]
pub(crate) struct Inbox {
    index: usize,
    shared: Arc<Shared>,
    presence: watch::Sender<Presence>,
    ledger: Ledger,
    /// When the piece that is being read arrived: all its events count as received then.
    arrived: Option<Duration>,
    latencies: Vec<Duration>,
    /// Times that somebody else's seat, or the bot's own, became empty.
    gone: u64,
}

/// Shared by the stream's reader and, while draining, by the writer: answers to its POSTs bring events too.
pub(crate) type SharedInbox = Arc<Mutex<Inbox>>;

/// Never held across an await.
pub(crate) fn lock(inbox: &Mutex<Inbox>) -> MutexGuard<'_, Inbox> {
    inbox.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Inbox {
    pub(crate) fn new(index: usize, shared: Arc<Shared>, presence: watch::Sender<Presence>) -> Self {
        let ledger = Ledger::new(index);
        Self { index, shared, presence, ledger, arrived: None, latencies: Vec::new(), gone: 0 }
    }

    /// Takes one event of the piece that was just read.
    pub(crate) fn take(&mut self, event: &Received) {
        match event.name.as_str() {
            "msg" => self.take_message(event),
            "joined" | "here" | "gone" => self.take_presence(event),
            _ => {}
        }
    }

    fn take_message(&mut self, event: &Received) {
        let now = *self.arrived.get_or_insert_with(|| self.shared.now());
        let marker = match &event.data {
            Data::Json(json) => marker::find(json),
            Data::Msgpack(_) => match event.read() {
                Ok(Some(Event::Msg(msg))) => marker::read(msg.data.json()).map(|marker| (msg.from, marker)),
                _ => None,
            },
        };
        let found = self.shared.roster().zip(marker);
        let Some((roster, (from, marker))) = found else {
            return self.ledger.observe_foreign();
        };
        match self.ledger.observe(roster, from, &marker) {
            Observation::Delivered | Observation::Reordered => self.latencies.push(marker.latency(now)),
            Observation::Doubled | Observation::Misrouted | Observation::Foreign => {}
        }
    }

    fn take_presence(&mut self, event: &Received) {
        match event.read() {
            Ok(Some(Event::Joined(joined))) => self.presence.send_modify(|presence| {
                presence.seat = Some(joined.seat);
                presence.taken = joined.players.iter().map(|member| member.seat).collect();
            }),
            Ok(Some(Event::Here(here))) => self.presence.send_modify(|presence| {
                presence.taken.insert(here.seat);
            }),
            Ok(Some(Event::Gone(gone))) => {
                self.gone += 1;
                self.presence.send_modify(|presence| {
                    presence.taken.remove(&gone.seat);
                });
            }
            Ok(_) => {}
            Err(error) => self.end(format!("the event {} cannot be read: {error}", event.name)),
        }
    }

    /// The piece is read: publishes what it brought.
    pub(crate) fn flush(&mut self) {
        self.arrived = None;
        if self.latencies.is_empty() {
            return;
        }
        self.shared.counts.delivered.fetch_add(self.latencies.len() as u64, Ordering::Relaxed);
        self.shared.delivery.record(self.index, self.latencies.drain(..));
    }

    /// Notes that the bot is of no use any more.
    pub(crate) fn end(&mut self, why: String) {
        self.presence.send_modify(|presence| {
            presence.ended.get_or_insert(why);
        });
    }

    /// The account, how often a seat became empty, and why the stream ended for good, if it did.
    pub(crate) fn close(&mut self) -> (Ledger, u64, Option<String>) {
        let ended = self.presence.borrow().ended.clone();
        (std::mem::replace(&mut self.ledger, Ledger::new(self.index)), self.gone, ended)
    }
}
