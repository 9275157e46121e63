//! A game over slow lines: how often a player sees another move, and how late. Nobody is to step down the ladder because
//! his line is slow.
//!
//! `SWARD_BLESS=1 cargo test -p sward-server --test faults slow_links` writes `docs/slow-links.md`.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use futures_util::future::join_all;
use sward_loadtest::client::{Client, ClientEvent, ClientOptions, Endpoint, Outbound, Rung, TransportReport};
use sward_protocol::downstream::Event;
use sward_protocol::payload::Payload;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

use crate::account::{LATEST, Numbered};
use crate::players::room_of;
use crate::proxy::{Behaviour, Link, Proxy};
use crate::{run, server};

/// How often a player tells where he is.
const EVERY: Duration = Duration::from_millis(66);
/// How long he walks.
const UPDATES: u64 = 150;
/// How long the last update may take.
const HEAR_MAX: Duration = Duration::from_secs(60);
/// What the test grants a busy machine beside the line's own time.
const MACHINE_MS: u64 = 400;

/// A line.
struct Line {
    name: &'static str,
    round_trip_ms: u64,
    bits_per_s: u64,
    loss_per_mille: u32,
}

const LINES: [Line; 6] = [
    Line { name: "20 ms", round_trip_ms: 20, bits_per_s: 0, loss_per_mille: 20 },
    Line { name: "150 ms", round_trip_ms: 150, bits_per_s: 0, loss_per_mille: 20 },
    Line { name: "700 ms", round_trip_ms: 700, bits_per_s: 0, loss_per_mille: 20 },
    Line { name: "700 ms, nothing lost", round_trip_ms: 700, bits_per_s: 0, loss_per_mille: 0 },
    Line { name: "150 ms, 56 kbit/s", round_trip_ms: 150, bits_per_s: 56_000, loss_per_mille: 0 },
    // All of it at once: a phone at the edge of its cell, behind a satellite.
    Line { name: "700 ms, 56 kbit/s", round_trip_ms: 700, bits_per_s: 56_000, loss_per_mille: 20 },
];

/// What was seen over a line.
struct Seen {
    updates: usize,
    took: Duration,
    /// In order.
    lags: Vec<Duration>,
    reports: [TransportReport; 2],
}

impl Line {
    fn behaviour(&self, seed: u64) -> Behaviour {
        let link = Link {
            jitter: Duration::from_millis(self.round_trip_ms / 10),
            bits_per_s: self.bits_per_s,
            loss_per_mille: self.loss_per_mille,
            ..Link::round_trip(self.round_trip_ms)
        };
        Behaviour { up: link, down: link, seed, ..Behaviour::default() }
    }

    async fn enter(&self, server: SocketAddr, seed: u64) -> (Proxy, Client) {
        let proxy = Proxy::start(server, self.behaviour(seed)).await;
        let endpoint = Endpoint::resolve(&proxy.url()).await.unwrap();
        let client = Client::connect(endpoint, ClientOptions::named(self.name)).await.unwrap();
        (proxy, client)
    }

    /// One player walks, another one watches; both have such a line.
    async fn walk(&self, server: SocketAddr, seed: u64) -> Seen {
        let ((_walker_s, walker), (_watcher_s, mut watcher)) =
            (self.enter(server, 2 * seed).await, self.enter(server, 2 * seed + 1).await);
        walker.join(&room_of(seed, None)).await.unwrap();
        watcher.join(&room_of(seed, None)).await.unwrap();
        let start = Instant::now();
        let said_at = |n: u64| EVERY * u32::try_from(n - 1).unwrap();
        let walking = async {
            let mut steps = interval(EVERY);
            steps.set_missed_tick_behavior(MissedTickBehavior::Burst);
            for n in 1..=UPDATES {
                steps.tick().await;
                let data =
                    Payload::of(&Numbered { n, is_last: n == UPDATES, filling: String::new() }).unwrap();
                let key = Some("here".to_owned());
                walker.send_message(Outbound { kind: LATEST.to_owned(), data, to: None, key }).unwrap();
            }
        };
        let watching = async {
            let mut lags = Vec::new();
            loop {
                let event =
                    timeout(HEAR_MAX, watcher.next_event()).await.expect("the last update never came");
                let Some(ClientEvent::Event { event: Event::Msg(msg), .. }) = event else { continue };
                let numbered: Numbered = msg.data.parse().unwrap();
                // From the moment at which it was to be said.
                lags.push(start.elapsed().saturating_sub(said_at(numbered.n)));
                if numbered.is_last {
                    return lags;
                }
            }
        };
        let ((), mut lags) = tokio::join!(walking, watching);
        let took = start.elapsed();
        lags.sort_unstable();
        let reports = [walker.report(), watcher.report()];
        Seen { updates: lags.len(), took, lags, reports }
    }
}

impl Seen {
    fn lag_ms(&self, percent: usize) -> u128 {
        self.lags[(self.lags.len() - 1) * percent / 100].as_millis()
    }
}

fn table(seen: &[Seen]) -> String {
    let mut table = String::from(
        "| line | updates said a second | seen a second | seen-lag median | p99 | rung |\n|---|---|---|---|---|---|\n",
    );
    for (line, seen) in LINES.iter().zip(seen) {
        let rate = seen.updates as f64 / seen.took.as_secs_f64();
        let said = 1.0 / EVERY.as_secs_f64();
        let (median, p99, rung) = (seen.lag_ms(50), seen.lag_ms(99), seen.reports[1].rung);
        writeln!(table, "| {} | {said:.1} | {rate:.1} | {median} ms | {p99} ms | {rung} |", line.name)
            .unwrap();
    }
    table
}

#[test]
fn slow_links_are_no_reason_to_step_down_and_the_newest_is_seen() {
    let server = server();
    let seen = run(join_all((1..).zip(&LINES).map(|(seed, line)| line.walk(server.address, seed))));
    let table = table(&seen);
    println!("{table}");
    for (line, seen) in LINES.iter().zip(&seen) {
        for report in &seen.reports {
            assert!(report.rung == Rung::Sse && report.proved && report.steps.is_empty(), "{report:?}");
            assert_eq!(report.resets, 0, "{report:?}");
        }
        let lag_ms = seen.lag_ms(50);
        let round_trip_ms = u128::from(line.round_trip_ms);
        // Up and down are one round trip; a batch may wait for the answer to the one before it.
        assert!(lag_ms >= round_trip_ms, "{lag_ms} ms over {}: faster than light", line.name);
        assert!(lag_ms <= 2 * round_trip_ms + u128::from(MACHINE_MS), "{lag_ms} ms over {}", line.name);
    }
    if std::env::var_os("SWARD_BLESS").is_some() {
        bless(&table);
    }
}

fn bless(table: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/slow-links.md");
    let text = format!(
        "# Slow links\n\n\
         What a player sees of another one who tells where he is every {} ms, as messages with a key, in a relay room with \
         its default flush of 33 ms. Both have the line that is named: half the round trip each way, a tenth of it as \
         jitter, and where nothing else is said 2 % of all packets lost, which then come a retransmission time-out later \
         with all behind them. Lag is from the moment of saying it to the moment of seeing it.\n\n{table}\n\
         Nobody stepped down the ladder. Real clients, the real server, a proxy between them that plays the line; made \
         by\n\n```\nSWARD_BLESS=1 cargo test -p sward-server --test faults slow_links\n```\n",
        EVERY.as_millis()
    );
    std::fs::write(path, text).unwrap();
}
