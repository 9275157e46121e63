//! What came out of a run, as values; [`text`] and [`json`] write it down.

pub mod json;
pub mod text;

use std::collections::BTreeMap;

use serde::Serialize;

use crate::bot::PostCounters;
use crate::client::StreamCounters;
use crate::load::Load;
use crate::server_probe::UsageBetween;
use crate::stats::{Account, Percentiles};
use crate::verdict::{Messages, Verdict};

/// Above this share of its time the generator's own delay is part of what it measures.
const BUSY_MAX: f64 = 0.9;

/// Above so many threads without a core, latencies are partly the machine's.
const WAITING_THREADS_MAX: f64 = 0.25;

/// Everything that a run says. The names are those of the JSON file.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// The server.
    pub url: String,
    /// What was asked for.
    pub load: Load,
    /// How the server seated the players.
    pub rooms: Rooms,
    /// Why the run ended before its time: the report is partial.
    pub cut_short: Option<String>,
    /// From the start until the last message had arrived.
    pub elapsed_ms: u64,
    /// On their way up.
    pub messages: Messages,
    /// On their way down.
    pub deliveries: Account,
    /// Over `elapsed_ms`.
    pub delivered_per_s: f64,
    /// From the intended send to the receipt, of each delivery.
    pub latency: Percentiles,
    /// From the intended send to the first POST that holds the message: the generator's delay, and waiting for an
    /// earlier POST.
    pub send_lag: Percentiles,
    /// From a POST to its answer.
    pub post: Percentiles,
    /// What happened to the requests.
    pub posts: PostCounters,
    /// What happened to the streams.
    pub streams: StreamCounters,
    /// `gone` events that bots received.
    pub gone: u64,
    /// What the server used; absent when its process is not on this machine, or not found.
    pub server: Option<Server>,
    /// What this program used; absent where it cannot be told.
    pub generator: Option<Generator>,
    /// Bots that did not last until the end, by reason.
    pub failures: BTreeMap<String, u64>,
    /// The faults; empty: none.
    #[serde(rename = "faults")]
    pub verdict: Verdict,
}

/// How the server seated the players.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Rooms {
    /// Rooms.
    pub count: usize,
    /// Rooms that would hold everybody.
    pub needed: usize,
    /// Players in the smallest.
    pub smallest: usize,
    /// Players in the largest.
    pub largest: usize,
}

/// What the server used.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Server {
    /// Its process.
    pub pid: u32,
    /// From the start of the clock until the last message had arrived.
    #[serde(flatten)]
    pub usage: UsageBetween,
    /// User and system time; `None` if nothing was delivered.
    pub cpu_us_per_delivered: Option<f64>,
}

/// What this program used.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Generator {
    /// In the same time as the server's.
    #[serde(flatten)]
    pub usage: UsageBetween,
    /// User and system time; `None` if nothing was delivered.
    pub cpu_us_per_delivered: Option<f64>,
    /// Of the cores that its worker threads can use: 1 is all of their time.
    pub busy: f64,
    /// The same, of its busiest thread.
    pub busiest_thread: f64,
}

impl Generator {
    /// Whether it is likely that this program, and not the server, was the bottleneck.
    #[must_use]
    pub fn is_bottleneck(&self) -> bool {
        self.busy.max(self.busiest_thread) > BUSY_MAX
    }
}

impl Report {
    /// What a reader has to know before he believes the numbers.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        if let Some(reason) = &self.cut_short {
            warnings.push(format!("PARTIAL: {reason}"));
        }
        if let Some(generator) = self.generator.filter(Generator::is_bottleneck) {
            warnings.push(format!(
                "the generator itself was {:.0} % busy (its busiest thread {:.0} %): latencies are partly its own",
                generator.busy * 100.0,
                generator.busiest_thread * 100.0
            ));
        }
        let waiting = |usage: Option<UsageBetween>| usage.map_or(0.0, |usage| usage.waiting_threads);
        let server = waiting(self.server.map(|server| server.usage));
        let own = waiting(self.generator.map(|generator| generator.usage));
        if server.max(own) > WAITING_THREADS_MAX {
            warnings.push(format!(
                "the cores were wanted elsewhere: {server:.2} threads of the server and {own:.2} of the generator \
                 waited for one on average: latencies are partly the machine's"
            ));
        }
        if self.rooms.count > self.rooms.needed {
            warnings.push(format!(
                "the server made {} rooms where {} would do: the load is lighter than asked for",
                self.rooms.count, self.rooms.needed
            ));
        }
        if self.gone > 0 {
            warnings.push(format!("{} times a bot was told that somebody had gone", self.gone));
        }
        warnings
    }
}
