//! Requests that come again when their time is long over: boxes were seen to repeat a request 10 s later.

use std::net::SocketAddr;
use std::time::Duration;

use sward_loadtest::client::{Client, ClientEvent, ClientOptions, Endpoint};
use sward_protocol::downstream::Event;
use sward_protocol::ids::RoomId;
use tokio::time::{Instant, sleep, timeout};

use crate::players::room_of;
use crate::proxy::fault::Fault;
use crate::proxy::{Behaviour, Kind, Proxy};
use crate::support::DEADLINE;
use crate::{run, server};

/// What was seen.
const AFTER: Duration = Duration::from_secs(10);

/// The first request of a kind comes again.
async fn replaying(server: SocketAddr, kind: Kind) -> (Proxy, Client) {
    let faults =
        Box::new(
            move |seen, ordinal| {
                if seen == kind && ordinal == 0 { Fault::Replayed { after: AFTER } } else { Fault::None }
            },
        );
    let proxy = Proxy::start(server, Behaviour { faults, ..Behaviour::default() }).await;
    let endpoint = Endpoint::resolve(&proxy.url()).await.unwrap();
    let client = Client::connect(endpoint, ClientOptions::named("Zoë")).await.unwrap();
    (proxy, client)
}

/// Waits until the request came again and was answered.
async fn replayed(proxy: &Proxy) {
    let deadline = Instant::now() + AFTER + DEADLINE;
    while !proxy.log().contains("an answer that nobody wants") {
        assert!(Instant::now() < deadline, "{}", proxy.log());
        sleep(Duration::from_millis(20)).await;
    }
}

/// The rooms that the client was told to be in, up to now.
async fn rooms(client: &mut Client) -> Vec<RoomId> {
    // All that was posted before the pong has come when it comes.
    client.send("sward.ping", "now").unwrap();
    let mut rooms = Vec::new();
    loop {
        match timeout(DEADLINE, client.next_event()).await.unwrap().unwrap() {
            ClientEvent::Event { event: Event::Joined(joined), .. } => rooms.push(joined.room.id),
            ClientEvent::Event { event: Event::Pong(pong), .. } if pong.data.json() == "\"now\"" => {
                return rooms;
            }
            ClientEvent::Event { .. } => {}
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn an_old_join_does_not_bring_a_player_back_to_the_room_that_he_left() {
    let server = server();
    run(async {
        let (proxy, mut client) = replaying(server.address, Kind::Join).await;
        let first = client.join(&room_of(1, None)).await.unwrap().room.id;
        let second = client.join(&room_of(2, None)).await.unwrap().room.id;
        assert_ne!(first, second);
        replayed(&proxy).await;
        assert_eq!(rooms(&mut client).await, [first, second]);
    });
}

#[test]
fn an_old_session_request_makes_no_second_player() {
    let server = server();
    run(async {
        let (proxy, client) = replaying(server.address, Kind::Sessions).await;
        replayed(&proxy).await;
        assert_eq!(server.metric("sward_sessions"), Some(1));
        client.bye().await.unwrap();
    });
    server.await_metric("sward_sessions", 0);
}

#[test]
fn an_old_stream_request_takes_nothing_over() {
    let server = server();
    run(async {
        let (proxy, mut client) = replaying(server.address, Kind::Stream).await;
        proxy.break_off();
        let deadline = Instant::now() + DEADLINE;
        while client.report().streams_broken == 0 {
            assert!(Instant::now() < deadline, "{}", proxy.log());
            sleep(Duration::from_millis(5)).await;
        }
        proxy.mend();
        // On the stream that follows the broken one.
        client.request("sward.ping", &"mended").await.unwrap();
        let broken = client.report().streams_broken;
        replayed(&proxy).await;
        let room = client.join(&room_of(1, None)).await.unwrap().room.id;
        let mut seen = Vec::new();
        while seen != [room] {
            match timeout(DEADLINE, client.next_event()).await.unwrap().unwrap() {
                ClientEvent::Event { event: Event::Joined(joined), .. } => seen.push(joined.room.id),
                ClientEvent::Event { .. } | ClientEvent::Resumed => {}
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(client.report().streams_broken, broken, "the newer stream goes on");
    });
}
