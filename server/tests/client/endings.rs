//! Streams and sessions that end: nothing is lost without a word.

use sward_loadtest::client::{Client, ClientEvent, ClientOptions, EndWhy, RequestError, Rung};
use sward_protocol::downstream::Event;

use crate::player::{connect, join, next, numbers, on, url, within};
use crate::support::Server;

/// Skips what is said beside, such as events of others.
async fn await_change(client: &mut Client, what: &str) -> ClientEvent {
    loop {
        match next(client, what).await {
            ClientEvent::Event { .. } => {}
            other => return other,
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rotated_streams_go_on_without_a_word() {
    let server = Server::start_with(&["--rotate-ms", "1000"]);
    for rung in [Rung::Sse, Rung::Raw] {
        let mut client = connect(&url(&server), on(rung)).await;
        join(&mut client).await;
        let mut sent = 0;
        while client.report().rotations < 2 {
            sent += 1;
            client.send("move", &sent).unwrap();
            assert_eq!(numbers(&mut client, 1).await, [sent]);
        }
        let report = client.report();
        assert_eq!((report.resets, report.streams_broken, report.resumes), (0, 0, 0), "{report:?}");
        within("bye", client.bye()).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn goodbye_is_the_last_event_and_gives_back_what_has_no_answer() {
    let server = Server::start();
    let mut client = connect(&url(&server), on(Rung::Sse)).await;
    join(&mut client).await;
    within("bye", client.bye()).await.unwrap();
    let ended = await_change(&mut client, "ended").await;
    let want = ClientEvent::Ended { why: EndWhy::Bye, unsent: Vec::new(), uncertain: Vec::new() };
    assert_eq!(ended, want);
    assert_eq!(within("the end", client.next_event()).await, None);
    assert!(client.send("move", &1).is_err());
    server.await_metric("sward_sessions", 0);
}

#[tokio::test]
async fn a_request_of_a_client_that_is_dropped_may_have_been_applied() {
    let server = Server::start();
    let mut client = connect(&url(&server), on(Rung::Sse)).await;
    join(&mut client).await;
    let handle = client.handle();
    let request = tokio::spawn(async move { handle.request("move", &1).await });
    // It is queued now, on the only thread, and its answer is a round trip away.
    tokio::task::yield_now().await;
    drop(client);
    let outcome = within("the request", request).await.unwrap();
    assert_eq!(outcome, Err(RequestError::SessionEnded { uncertain: true }));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_restarts_gets_a_new_session_and_the_application_is_told() {
    let old = Server::start();
    let address = old.address.to_string();
    let mut client = connect(&url(&old), on(Rung::Sse)).await;
    let player = client.player();
    join(&mut client).await;
    drop(old);
    // These can no longer be answered by the session that they were meant for.
    for number in 0..3 {
        client.send("move", &number).unwrap();
    }
    let new = Server::start_on(&address, &[]);
    match await_change(&mut client, "renewed").await {
        ClientEvent::Renewed { why, player: renewed, unsent, uncertain } => {
            assert!(matches!(why, EndWhy::Session(_) | EndWhy::Gone), "{why}");
            assert_ne!(renewed.id, player.id);
            let mut numbers: Vec<u64> = unsent.iter().chain(&uncertain).map(|open| open.number).collect();
            numbers.sort_unstable();
            assert_eq!(numbers, [1, 2, 3]);
        }
        other => panic!("{other:?}"),
    }
    join(&mut client).await;
    client.send("move", &7).unwrap();
    assert_eq!(numbers(&mut client, 1).await, [7]);
    assert_eq!(client.report().renewals, 1);
    drop(new);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_renewal_a_session_that_is_gone_is_the_end() {
    let old = Server::start();
    let address = old.address.to_string();
    let options = ClientOptions { renew: false, ..on(Rung::Sse) };
    let mut client = connect(&url(&old), options).await;
    drop(old);
    let _new = Server::start_on(&address, &[]);
    match await_change(&mut client, "ended").await {
        ClientEvent::Ended { why: EndWhy::Session(bye), .. } => assert_eq!(bye.code, 3503),
        ClientEvent::Ended { why: EndWhy::Gone, .. } => {}
        other => panic!("{other:?}"),
    }
    assert_eq!(within("the end", client.next_event()).await, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_are_handed_on_while_nobody_listens_for_them() {
    let server = Server::start();
    let mut client = connect(&url(&server), on(Rung::Drain)).await;
    join(&mut client).await;
    let handle = client.handle();
    for number in 0..100 {
        handle.send("move", &number).unwrap();
    }
    within("flushed", handle.flushed()).await.unwrap();
    assert_eq!(numbers(&mut client, 100).await, (0..100).collect::<Vec<u64>>());
    drop(handle);
    within("leave", client.leave()).await.unwrap();
    let gone = crate::player::await_event(&mut client, "gone", |event| match event {
        Event::Gone(gone) => Some(gone.seat.0),
        _ => None,
    });
    assert_eq!(gone.await, 1);
}
