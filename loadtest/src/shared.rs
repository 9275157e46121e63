//! What all bots of a run share: the clock, the roster and the running counts.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;

use crate::stats::{Latencies, Roster};

/// Histograms of each kind: enough that two threads seldom want the same one, few enough to stay in the cache.
const SHARDS: usize = 8;

/// How far a run is. Bots compare it: later phases are greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    /// Everybody works.
    Open,
    /// Nothing more is sent, not even signs of life.
    Sent,
    /// Nothing more is read.
    Over,
}

/// Shared by all tasks of one run.
#[derive(Debug)]
pub(crate) struct Shared {
    start: OnceLock<Start>,
    /// Messages intended at or after this (in µs since the start) are not sent any more.
    cutoff_us: AtomicU64,
    pub(crate) counts: Counts,
    /// One permit for each writer that has nothing more to send.
    pub(crate) writers_done: Semaphore,
    pub(crate) delivery: Shards,
    pub(crate) send_lag: Shards,
    pub(crate) post: Shards,
}

#[derive(Debug)]
struct Start {
    at: Instant,
    roster: Roster,
}

/// Running totals, for the progress display and to see when everything has arrived.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) accepted: AtomicU64,
    pub(crate) delivered: AtomicU64,
}

impl Shared {
    pub(crate) fn new() -> Self {
        Self {
            start: OnceLock::new(),
            cutoff_us: AtomicU64::new(u64::MAX),
            counts: Counts::default(),
            writers_done: Semaphore::new(0),
            delivery: Shards::new(),
            send_lag: Shards::new(),
            post: Shards::new(),
        }
    }

    /// Starts the clock, once.
    pub(crate) fn begin(&self, roster: Roster) {
        self.start.get_or_init(|| Start { at: Instant::now(), roster });
    }

    /// The time since the start; zero before it.
    pub(crate) fn now(&self) -> Duration {
        self.start.get().map_or(Duration::ZERO, |start| start.at.elapsed())
    }

    /// Who sits where; `None` before the start.
    pub(crate) fn roster(&self) -> Option<&Roster> {
        self.start.get().map(|start| &start.roster)
    }

    /// Ends the schedule here: what is intended from now on is not sent.
    pub(crate) fn cut_off(&self) {
        let now_us = u64::try_from(self.now().as_micros()).unwrap_or(u64::MAX);
        self.cutoff_us.store(now_us, Ordering::Relaxed);
    }

    /// When the schedule was ended before its time.
    pub(crate) fn cutoff(&self) -> Option<Duration> {
        let cutoff_us = self.cutoff_us.load(Ordering::Relaxed);
        (cutoff_us != u64::MAX).then(|| Duration::from_micros(cutoff_us))
    }
}

/// One histogram, in parts that are locked apart.
#[derive(Debug)]
pub(crate) struct Shards(Vec<Mutex<Latencies>>);

impl Shards {
    fn new() -> Self {
        Self((0..SHARDS).map(|_| Mutex::default()).collect())
    }

    /// Adds latencies that the bot `index` measured.
    pub(crate) fn record(&self, index: usize, latencies: impl IntoIterator<Item = Duration>) {
        let mut shard = self.0[index % SHARDS].lock().unwrap_or_else(PoisonError::into_inner);
        for latency in latencies {
            shard.record(latency);
        }
    }

    /// All parts in one.
    pub(crate) fn merged(&self) -> Latencies {
        let mut sum = Latencies::new();
        for shard in &self.0 {
            sum.merge(&shard.lock().unwrap_or_else(PoisonError::into_inner));
        }
        sum
    }
}
