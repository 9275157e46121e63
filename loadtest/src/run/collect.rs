//! The end: accounts become a report, sessions end.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::timeout;

use super::Setup;
use super::measure::Measured;
use crate::bot::{Entrance, PostCounters, Written};
use crate::client::{Session, StreamCounters};
use crate::report::{Report, Rooms};
use crate::stats::{Account, Roster, Sent};
use crate::verdict::{Messages, Verdict};

/// How long all sessions together may take to say goodbye.
const BYE_TIMEOUT: Duration = Duration::from_secs(5);

/// Closes all accounts and ends all sessions.
pub(super) async fn report(setup: &Setup, entrance: &Entrance, measured: Measured) -> Report {
    let Measured { written, read, elapsed, before, after, cut_short } = measured;
    let roster = entrance.shared.roster().expect("the clock was started");
    let mut failures = BTreeMap::new();
    for (written, read) in written.iter().zip(&read) {
        // Of the two halves of a bot the stream is told more: a `bye` with its code.
        if let Some(reason) = read.ended.as_ref().or(written.failed.as_ref()) {
            *failures.entry(reason.clone()).or_default() += 1;
        }
    }
    let (sessions, sent, messages, posts) = close_writers(written);
    let mut deliveries = Account::default();
    let mut streams = StreamCounters::default();
    let mut gone = 0;
    for read in read {
        deliveries.add(&read.ledger.settle(roster, &sent));
        streams.add(&read.stream);
        gone += read.gone;
    }
    if cut_short.as_ref().is_none_or(|cut| cut.server_lives) {
        bye(sessions).await;
    }
    let shared = &entrance.shared;
    let bots_failed = failures.values().sum();
    let verdict = Verdict::of(&messages, &deliveries, bots_failed);
    let server = after.server_since(&before, deliveries.delivered);
    let generator = after.generator_since(&before, deliveries.delivered, setup.threads);
    Report {
        url: setup.url.clone(),
        load: setup.load.clone(),
        rooms: rooms(setup, roster),
        cut_short: cut_short.map(|cut| cut.reason),
        elapsed_ms: elapsed.as_millis() as u64,
        messages,
        deliveries,
        delivered_per_s: deliveries.delivered as f64 / elapsed.as_secs_f64().max(0.001),
        latency: shared.delivery.merged().percentiles(),
        send_lag: shared.send_lag.merged().percentiles(),
        post: shared.post.merged().percentiles(),
        posts,
        streams,
        gone,
        server,
        generator,
        failures,
        verdict,
    }
}

fn close_writers(written: Vec<Written>) -> (Vec<Session>, Vec<Sent>, Messages, PostCounters) {
    let (mut sessions, mut sent) = (Vec::new(), Vec::new());
    let (mut messages, mut posts) = (Messages::default(), PostCounters::default());
    for writer in written {
        messages.scheduled += writer.scheduled;
        messages.accepted += writer.sent.accepted;
        messages.refused += writer.sent.refused.len() as u64;
        posts.add(&writer.posts);
        sessions.push(writer.session);
        sent.push(writer.sent);
    }
    (sessions, sent, messages, posts)
}

fn rooms(setup: &Setup, roster: &Roster) -> Rooms {
    Rooms {
        count: roster.room_sizes.len(),
        needed: setup.load.players.div_ceil(setup.load.room_size.into()),
        smallest: roster.room_sizes.iter().copied().min().unwrap_or_default(),
        largest: roster.room_sizes.iter().copied().max().unwrap_or_default(),
    }
}

/// Ends the sessions, so that the server does not keep seats for nobody. What fails ends by itself after the grace.
async fn bye(sessions: Vec<Session>) {
    let mut leaving = JoinSet::new();
    for mut session in sessions {
        leaving.spawn(async move { session.bye().await });
    }
    let all = async { while leaving.join_next().await.is_some() {} };
    let _ = timeout(BYE_TIMEOUT, all).await;
}
