//! Whole runs: each fault that the server makes is counted exactly.

use std::time::Duration;

use sward_loadtest::client::Endpoint;
use sward_loadtest::load::Load;
use sward_loadtest::progress::Progress;
use sward_loadtest::report::Report;
use sward_loadtest::run::{RunError, Setup, run};
use sward_loadtest::stats::Account;
use tokio::sync::watch;
use tokio::time::timeout;

use super::server::{Faults, TinyServer};

/// Far above what a run takes; a test that hangs ends here.
const DEADLINE: Duration = Duration::from_secs(30);

/// Seven players in rooms of three send ten messages each: two full rooms, and one player alone.
fn load() -> Load {
    Load {
        players: 7,
        room_size: 3,
        rate_per_s: 50.0,
        duration: Duration::from_millis(200),
        drain: Duration::from_millis(500),
        ..Load::default()
    }
}

const CLEAN: Account =
    Account { expected: 120, delivered: 120, lost: 0, doubled: 0, reordered: 0, misrouted: 0, foreign: 0 };

async fn run_against(server: &TinyServer, load: Load) -> Result<Report, RunError> {
    let endpoint = Endpoint::reach(&server.url).await.unwrap();
    let (_never, interrupted) = watch::channel(false);
    let url = server.url.clone();
    let setup = Setup { load, url, endpoint, server_pid: None, threads: 1, interrupted };
    timeout(DEADLINE, run(setup, &Progress::silent())).await.unwrap()
}

/// Runs against a server with these faults and compares the account.
async fn check(faults: Faults, want: Account) -> Report {
    let server = TinyServer::start(faults).await;
    let report = run_against(&server, load()).await.unwrap();
    assert_eq!(report.deliveries, want, "{report:?}");
    let is_clean = want.lost + want.doubled + want.reordered + want.misrouted == 0;
    assert_eq!(report.verdict.is_clean(), is_clean, "{report:?}");
    assert_eq!(server.sessions_left(), 0);
    report
}

#[tokio::test]
async fn a_good_server_is_clean() {
    let report = check(Faults::default(), CLEAN).await;
    assert_eq!((report.messages.scheduled, report.messages.accepted), (70, 70));
    assert_eq!(report.latency.count, 120);
    assert_eq!(report.send_lag.count, 70);
    assert_eq!(report.streams.opened, 7);
    assert_eq!((report.rooms.count, report.rooms.smallest, report.rooms.largest), (3, 1, 3));
    assert_eq!(report.cut_short, None);
}

#[tokio::test]
async fn lost_messages_are_counted() {
    check(
        Faults { lose: [5, 50, 119].into(), ..Faults::default() },
        Account { delivered: 117, lost: 3, ..CLEAN },
    )
    .await;
}

#[tokio::test]
async fn doubled_messages_are_counted() {
    check(Faults { double: [1, 60].into(), ..Faults::default() }, Account { doubled: 2, ..CLEAN }).await;
}

#[tokio::test]
async fn an_echo_is_counted_as_misrouted() {
    check(Faults { echo: true, ..Faults::default() }, Account { misrouted: 70, ..CLEAN }).await;
}

#[tokio::test]
async fn a_message_behind_a_later_one_of_its_sender_is_counted_as_reordered() {
    // Two players, so that the next delivery to the same receiver is the same sender's.
    let server = TinyServer::start(Faults { delay: [3].into(), ..Faults::default() }).await;
    let report = run_against(&server, Load { players: 2, room_size: 2, ..load() }).await.unwrap();
    let want = Account { expected: 20, delivered: 20, reordered: 1, ..CLEAN };
    assert_eq!(report.deliveries, want, "{report:?}");
    assert_eq!(report.verdict.exit_code(), 1);
}

#[tokio::test]
async fn refused_messages_are_not_lost_but_fail_the_run() {
    let server = TinyServer::start(Faults { fail_index: Some(0), ..Faults::default() }).await;
    let report = run_against(&server, load()).await.unwrap();
    assert_eq!((report.messages.accepted, report.deliveries.lost), (70, 0), "{report:?}");
    assert_eq!(report.deliveries.delivered, report.deliveries.expected, "{report:?}");
    assert!(report.messages.refused > 0, "the first of each batch is");
    assert_eq!(report.verdict.exit_code(), 1);
}

#[tokio::test]
async fn streams_that_break_lose_nothing() {
    let report = check(Faults { cut_streams_after: Some(5), ..Faults::default() }, CLEAN).await;
    assert!(report.streams.resumed > 7, "{report:?}");
    assert_eq!(report.streams.resets, 0);
}

#[tokio::test]
async fn requests_that_break_or_are_refused_lose_and_double_nothing() {
    let report = check(Faults { hang_up_sends: 5, ..Faults::default() }, CLEAN).await;
    assert_eq!(report.posts.broken, 5);
    let report = check(Faults { refuse_sends: 5, ..Faults::default() }, CLEAN).await;
    assert_eq!(report.posts.rate_limited, 5);
}

#[tokio::test]
async fn every_send_names_its_source_its_number_and_what_was_processed() {
    let server = TinyServer::start(Faults::default()).await;
    run_against(&server, load()).await.unwrap();
    for body in server.send_bodies() {
        assert_eq!(body["src"].as_str().unwrap().len(), 32, "{body}");
        assert!(body["seq"].as_u64().unwrap() >= 1, "{body}");
        assert!(body["ack"].as_str().unwrap().starts_with("7f3a91c2."), "{body}");
        for message in body["msgs"].as_array().unwrap() {
            assert_eq!(message["data"].to_string().len(), 43, "{body}");
        }
    }
}

#[tokio::test]
async fn whoever_has_nothing_to_send_says_that_he_lives() {
    let server = TinyServer::start(Faults { heartbeat_ms: Some(10), ..Faults::default() }).await;
    // One message of each player, in the course of one second: some wait before theirs, others behind it.
    let load = Load { rate_per_s: 1.0, duration: Duration::from_secs(1), ..load() };
    let report = run_against(&server, load).await.unwrap();
    assert!(report.verdict.is_clean(), "{report:?}");
    let bodies = server.send_bodies();
    let messages = bodies.iter().filter(|body| !body["msgs"].as_array().unwrap().is_empty()).count();
    assert_eq!(messages, 7);
    assert!(bodies.len() > 7 + 7, "each of them says so now and then: {}", bodies.len());
}

#[tokio::test]
async fn a_server_that_dies_in_the_middle_fails_the_run() {
    let server = TinyServer::start(Faults { die_after_sends: Some(10), ..Faults::default() }).await;
    let report = run_against(&server, load()).await.unwrap();
    assert!(report.messages.unsent() > 0, "{report:?}");
    assert_eq!(report.verdict.exit_code(), 1);
}

#[tokio::test]
async fn a_server_without_streams_cannot_be_measured() {
    let server = TinyServer::start(Faults { stream_status: Some(404), ..Faults::default() }).await;
    let error = run_against(&server, load()).await.unwrap_err();
    assert!(error.to_string().contains("could not enter"), "{error}");
    let nothing = Load { rate_per_s: 0.001, ..load() };
    let error = run_against(&server, nothing).await.unwrap_err();
    assert!(matches!(error, RunError::NothingToSend { .. }), "{error}");
}

#[tokio::test]
async fn an_interruption_ends_the_run_early_with_an_exact_account() {
    let server = TinyServer::start(Faults::default()).await;
    let endpoint = Endpoint::reach(&server.url).await.unwrap();
    let (interrupt, interrupted) = watch::channel(false);
    let hour = Duration::from_secs(3_600);
    let load = Load { duration: hour, ..load() };
    let url = server.url.clone();
    let setup = Setup { load, url, endpoint, server_pid: None, threads: 1, interrupted };
    let watching = server.clone();
    tokio::spawn(async move {
        while watching.send_bodies().len() < 20 {
            tokio::task::yield_now().await;
        }
        interrupt.send_replace(true);
        interrupt.closed().await;
    });
    let report = timeout(DEADLINE, run(setup, &Progress::silent())).await.unwrap().unwrap();
    assert_eq!(report.cut_short.as_deref(), Some("interrupted"));
    assert!(report.verdict.is_clean(), "{report:?}");
    assert!(report.messages.scheduled >= 20, "{report:?}");
    assert_eq!(report.warnings()[0], "PARTIAL: interrupted");
}
