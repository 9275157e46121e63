//! Every message exactly once, for hundreds of plans of faults.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use sward_loadtest::client::{ClientOptions, Ladder, Rung, Wire};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::players::{Outcome, Party, Talk};
use crate::proxy::plan::Plan;
use crate::proxy::{Behaviour, Link};
use crate::support::Server;
use crate::{rotating_server, run};

/// Seeds of a run in CI.
const SEEDS: Range<u64> = 1..321;
/// Parties at the same time.
const PARTIES_MAX: usize = 64;
/// How long one party may take: its players wait for time-outs of 15 s, each of them more than once.
const PARTY_MAX: Duration = Duration::from_secs(150);
/// How long a connection may take, faults included.
const CONNECT_MAX: Duration = Duration::from_secs(90);

/// How the players of a seed connect: each wire on each rung, and some who may choose.
fn options(seed: u64, player: u64) -> ClientOptions {
    let wire = [
        Wire::Sse { batch: false },
        Wire::Sse { batch: true },
        Wire::SseMsgpack { batch: false },
        Wire::SseMsgpack { batch: true },
        Wire::Frames,
    ][(seed % 5) as usize];
    let ladder = match (seed / 5 + player) % 4 {
        0 => Ladder::Fixed(Rung::Sse),
        1 => Ladder::Fixed(Rung::Raw),
        2 => Ladder::Fixed(Rung::Drain),
        _ => Ladder::Climb { from: Rung::Sse },
    };
    let name = format!("player {player} of {seed}");
    ClientOptions { wire, ladder, connect_timeout: CONNECT_MAX, ..ClientOptions::named(name) }
}

/// The way of a player of this seed. Some are long, so that several of his batches are under way at the same time, and some
/// are narrow.
fn mean(seed: u64, player: u64) -> Behaviour {
    let plan = Plan::new(seed, player);
    let faults = Box::new(move |kind, ordinal| plan.fault(kind, ordinal));
    let link = match seed % 8 {
        0 => Link { jitter: Duration::from_millis(100), ..Link::round_trip(320) },
        4 => Link { bits_per_s: 256_000, ..Link::round_trip(60) },
        _ => Link::default(),
    };
    Behaviour { up: link, down: link, faults, seed, ..Behaviour::default() }
}

/// The players of a seed sit down.
pub async fn meet(server: SocketAddr, seed: u64, players: u64) -> Result<Party, String> {
    let flush_ms = seed.is_multiple_of(2).then_some(0);
    Party::meet(server, seed, players, flush_ms, |player| mean(seed, player), |player| options(seed, player))
        .await
}

/// Plays one seed.
async fn play(server: SocketAddr, seed: u64) -> Result<Outcome, String> {
    let party = meet(server, seed, 2 + seed % 2).await?;
    // Where requests come again after 10 s, the party lasts longer than that.
    let pause = Duration::from_millis(if seed.is_multiple_of(10) { 700 } else { 60 });
    let outcome = party.talk(Talk { messages: 40, pause }).await?;
    // Nobody was away for the 30 s of the window, so nothing may be lost.
    party.check(|account| account.resets == 0)?;
    party.part(outcome).await
}

/// Plays many seeds at the same time; their outcomes, and what went wrong with each other one.
async fn play_all(server: SocketAddr, seeds: impl Iterator<Item = u64>) -> (Vec<Outcome>, String) {
    let permits = Arc::new(Semaphore::new(PARTIES_MAX));
    let mut parties = JoinSet::new();
    for seed in seeds {
        let permits = Arc::clone(&permits);
        parties.spawn(async move {
            let _permit = permits.acquire_owned().await;
            let played = timeout(PARTY_MAX, play(server, seed)).await;
            (seed, played.unwrap_or_else(|_| Err(format!("not over within {PARTY_MAX:?}"))))
        });
    }
    let (mut outcomes, mut failures) = (Vec::new(), String::new());
    while let Some(played) = parties.join_next().await {
        match played.unwrap() {
            (_, Ok(outcome)) => outcomes.push(outcome),
            (seed, Err(why)) => {
                let plans = (0..3).map(|player| format!("{}\n", Plan::new(seed, player)));
                writeln!(failures, "\nseed {seed}: {why}\n{}", plans.collect::<String>()).unwrap();
            }
        }
    }
    (outcomes, failures)
}

/// One seed, or a range such as `1000..3000`.
fn seeds_of(text: &str) -> Range<u64> {
    let number =
        |text: &str| text.parse::<u64>().expect("SWARD_SEED is a number, or two with `..` between them");
    match text.split_once("..") {
        Some((first, end)) => number(first)..number(end),
        None => number(text)..number(text) + 1,
    }
}

/// Waits until nobody is left on the server.
fn await_silence(server: &Server) {
    for gauge in ["sward_streams", "sward_sessions", "sward_rooms"] {
        server.await_metric(gauge, 0);
    }
}

#[test]
fn every_message_arrives_exactly_once_whatever_the_way_does() {
    let server = rotating_server();
    let seeds = std::env::var("SWARD_SEED").map_or(SEEDS, |text| seeds_of(&text));
    let is_all = seeds == SEEDS;
    let (outcomes, failures) = run(play_all(server.address, seeds));
    assert!(
        failures.is_empty(),
        "{failures}\nreplay one with SWARD_SEED=… cargo test -p sward-server --test faults exactly_once"
    );
    let sum = |of: fn(&Outcome) -> u64| outcomes.iter().map(of).sum::<u64>();
    let sent = sum(|outcome| outcome.sent);
    let delivered = sum(|outcome| outcome.sum(|account| account.delivered));
    let requests = sum(|outcome| outcome.requests);
    let reports = || outcomes.iter().flat_map(|outcome| &outcome.reports);
    let breaks: u64 = reports().map(|report| report.streams_broken).sum();
    let rotations: u64 = reports().map(|report| report.rotations).sum();
    let retries: u64 = reports().map(|report| report.posts_retried).sum();
    println!(
        "{} seeds: {sent} messages up, {delivered} down, {requests} requests; {breaks} streams broke, \
         {rotations} rotated, {retries} batches were sent again",
        outcomes.len()
    );
    if is_all {
        assert!(sent >= 20_000 && delivered >= 20_000 && requests >= 2_000);
        assert!(breaks >= 1_000 && retries >= 1_000, "the way was not mean enough");
    }
    await_silence(&server);
}
