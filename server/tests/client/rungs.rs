//! Every message once and in order, whatever the rung and the form.

use std::time::Duration;

use sward_loadtest::client::{
    ClientEvent, ClientOptions, Endpoint, Outbound, RequestError, Rung, SendError, Wire,
};
use sward_protocol::downstream::Event;
use sward_protocol::ids::Seat;
use sward_protocol::upstream::To;

use crate::player::{await_event, connect, join, next, numbers, on, url, with_wire, within};
use crate::support::Server;

/// Below the 200 messages at once that a player may send.
const MESSAGES: u64 = 150;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_come_once_and_in_order_on_every_rung_and_in_every_form() {
    let server = Server::start();
    for rung in Rung::ALL {
        for wire in Wire::ALL {
            let mut author = connect(&url(&server), with_wire(rung, wire)).await;
            let mut reader = connect(&url(&server), with_wire(rung, wire)).await;
            join(&mut author).await;
            join(&mut reader).await;
            for number in 1..=MESSAGES {
                assert_eq!(author.send("move", &number), Ok(number), "{rung} {wire}");
            }
            let want: Vec<u64> = (1..=MESSAGES).collect();
            assert_eq!(numbers(&mut reader, want.len()).await, want, "{rung} {wire}");
            // The author hears himself too: on a drain by the answers to his own POSTs.
            assert_eq!(numbers(&mut author, want.len()).await, want, "{rung} {wire}");
            within("flushed", author.flushed()).await.unwrap();
            for client in [&author, &reader] {
                let report = client.report();
                assert!(report.connected && report.proved, "{rung} {wire}: {report:?}");
                assert_eq!(
                    (report.rung, report.resets, report.streams_broken),
                    (rung, 0, 0),
                    "{wire}: {report:?}"
                );
            }
            within("bye", author.bye()).await.unwrap();
            within("bye", reader.bye()).await.unwrap();
        }
    }
    server.await_metric("sward_sessions", 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_has_a_reply_and_failures_are_told_to_their_author() {
    let server = Server::start();
    let mut client = connect(&url(&server), on(Rung::Sse)).await;
    let refused = within("request", client.request("move", &1)).await.unwrap_err();
    assert!(matches!(&refused, RequestError::Failed(error) if error.code == "not_in_room"), "{refused}");
    let number = client.send("move", &2).unwrap();
    match next(&mut client, "refused").await {
        ClientEvent::Refused { number: got, kind, error } => {
            assert_eq!((got, &*kind, &*error.code), (number, "move", "not_in_room"));
        }
        other => panic!("{other:?}"),
    }
    join(&mut client).await;
    assert_eq!(within("request", client.request("move", &3)).await.unwrap().json(), "null");
    let nobody = Outbound { to: Some(To::Seat(Seat(9))), ..Outbound::new("move", &4).unwrap() };
    let refused = within("request", client.request_message(nobody)).await.unwrap_err();
    assert!(matches!(&refused, RequestError::Failed(error) if error.code == "no_such_seat"), "{refused}");
    // Neither is one of the client's own pings shown, nor is a ping of the application's swallowed.
    client.send("sward.ping", &"mine").unwrap();
    let pong = await_event(&mut client, "pong", |event| match event {
        Event::Pong(pong) => Some(pong.data),
        _ => None,
    });
    assert_eq!(pong.await.json(), "\"mine\"");
    assert!(within("leave", client.leave()).await.unwrap());
    assert!(!within("leave", client.leave()).await.unwrap());
}

#[tokio::test]
async fn the_queue_is_bounded_and_what_never_fits_is_refused_at_once() {
    let server = Server::start();
    let options = ClientOptions { waiting_max: 3, ..on(Rung::Sse) };
    let mut client = connect(&url(&server), options).await;
    join(&mut client).await;
    // No await: nothing can be answered meanwhile.
    let sent: Vec<_> = (0..5).map(|number| client.send("move", &number)).collect();
    assert_eq!(sent, [Ok(1), Ok(2), Ok(3), Err(SendError::Full), Err(SendError::Full)]);
    within("flushed", client.flushed()).await.unwrap();
    assert_eq!(client.send("move", &5), Ok(4));
    assert!(matches!(client.send("move", &"x".repeat(40_000)), Err(SendError::TooLarge { .. })));
    assert_eq!(client.send("", &1), Err(SendError::BadField("type")));
    assert_eq!(numbers(&mut client, 4).await, [0, 1, 2, 5]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_calls_than_may_be_under_way_take_turns() {
    let server = Server::start();
    let client = connect(&url(&server), on(Rung::Sse)).await;
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..200 {
        let handle = client.handle();
        calls.spawn(async move { handle.flushed().await.is_ok() });
    }
    let mut answered = 0;
    while let Some(call) = within("flushed", calls.join_next()).await {
        answered += usize::from(call.unwrap());
    }
    assert_eq!(answered, 200);
}

#[tokio::test]
async fn a_call_keeps_its_turn_when_its_caller_goes_away() {
    let server = Server::start();
    let client = connect(&url(&server), on(Rung::Sse)).await;
    // Each call is now repeated for 20 s.
    drop(server);
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..64 {
        let handle = client.handle();
        calls.spawn(async move { handle.leave().await.is_ok() });
    }
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    calls.shutdown().await;
    let flushed = tokio::time::timeout(Duration::from_millis(200), client.flushed()).await;
    assert!(flushed.is_err(), "64 calls are under way all the same: {flushed:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dropped_client_closes_its_stream_and_its_handles() {
    let server = Server::start();
    let client = connect(&url(&server), on(Rung::Sse)).await;
    server.await_metric("sward_streams", 1);
    let handle = client.handle();
    drop(client);
    server.await_metric("sward_streams", 0);
    within("closed", async {
        while handle.send("move", &1) != Err(SendError::Closed) {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert!(within("closed", handle.leave()).await.is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_may_be_opened_by_post() {
    let server = Server::start();
    let options = ClientOptions { stream_by_post: true, ..on(Rung::Sse) };
    let mut client = connect(&url(&server), options).await;
    join(&mut client).await;
    client.send("move", &1).unwrap();
    assert_eq!(numbers(&mut client, 1).await, [1]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_endpoint_is_reached_before_it_is_used() {
    let server = Server::start();
    let endpoint = within("reach", Endpoint::reach(&url(&server))).await.unwrap();
    assert_eq!(endpoint.address(), server.address);
    // A server takes the whole URL in the first line too, so it can stand in for a forward proxy.
    let through =
        within("reach", Endpoint::reach_through("http://example.org", server.address)).await.unwrap();
    assert_eq!((through.address(), through.authority()), (server.address, "example.org"));
}
