//! The client: what it does when connections break and servers refuse.

use std::time::Duration;

use sward_loadtest::client::{ClientError, Endpoint, EventStream, Session, StreamCounters, StreamError};
use sward_protocol::bye::CloseCode;
use sward_protocol::payload::Payload;
use sward_protocol::rooms::Join;
use sward_protocol::upstream::{Batch, Message};
use tokio::net::TcpListener;
use tokio::time::timeout;

use super::server::{Faults, TinyServer};

/// Far above what any of this takes; a test that hangs ends here.
const DEADLINE: Duration = Duration::from_secs(20);

async fn session(server: &TinyServer) -> Session {
    let endpoint = Endpoint::reach(&server.url).await.unwrap();
    Session::create(endpoint, "Zoë 🦊").await.unwrap()
}

fn join() -> Join {
    let meta = Some(Payload::from_json("{}").unwrap());
    let game = Some("relay".to_owned());
    Join { game, filter: meta.clone(), meta, create: true, max_players: Some(10), ..Join::default() }
}

/// Reads until so many events with an id were handed on; the names of all that were.
async fn read_events(stream: &mut EventStream, events: usize) -> Vec<String> {
    let mut names = Vec::new();
    let mut with_id = 0;
    let reading = async {
        while with_id < events {
            let next = stream.next(|item| {
                with_id += usize::from(item.id.is_some());
                names.push(item.event.name.clone());
            });
            next.await.unwrap();
        }
    };
    timeout(DEADLINE, reading).await.unwrap();
    names
}

#[tokio::test]
async fn a_cut_stream_resumes_behind_the_last_event_with_a_fresh_nonce() {
    let server = TinyServer::start(Faults { cut_streams_after: Some(2), ..Faults::default() }).await;
    let mut session = session(&server).await;
    let mut stream = session.stream();
    stream.connect().await.unwrap();
    session.join(&join()).await.unwrap();
    for _ in 0..4 {
        server.emit_gone(0);
    }
    let names = read_events(&mut stream, 5).await;
    let first = ["hello", "noop", "joined", "gone"];
    let resumed = ["hello", "noop", "gone", "gone"];
    assert_eq!(names, [&first[..], &resumed[..], &["hello", "noop", "gone"]].concat());
    let counters = StreamCounters { opened: 3, resumed: 2, broken: 2, ..StreamCounters::default() };
    assert_eq!(stream.counters(), counters);
    let queries = server.stream_queries();
    assert!(!queries[0].contains("last="), "{queries:?}");
    assert!(queries[1].ends_with("&last=7f3a91c2.2"), "{queries:?}");
    assert!(queries[2].ends_with("&last=7f3a91c2.4"), "{queries:?}");
    let nonces: std::collections::HashSet<_> = queries.iter().map(|query| query.split('&').next()).collect();
    assert_eq!(nonces.len(), 3, "{queries:?}");
}

#[tokio::test]
async fn a_reset_is_counted_and_handed_on() {
    let faults = Faults { cut_streams_after: Some(1), forget_events: true, ..Faults::default() };
    let server = TinyServer::start(faults).await;
    let mut session = session(&server).await;
    let mut stream = session.stream();
    session.join(&join()).await.unwrap();
    server.emit_gone(0);
    let names = read_events(&mut stream, 2).await;
    assert_eq!(names, ["hello", "noop", "joined", "hello", "reset", "noop", "gone"]);
    assert_eq!((stream.counters().resets, stream.counters().resumed), (1, 0));
}

#[tokio::test]
async fn a_final_bye_ends_the_stream_and_another_brings_it_back() {
    let server = TinyServer::start(Faults { bye: Some(CloseCode::Replaced), ..Faults::default() }).await;
    let mut stream = session(&server).await.stream();
    stream.connect().await.unwrap();
    let error = timeout(DEADLINE, stream.next(|_| {})).await.unwrap().unwrap_err();
    assert!(matches!(&error, StreamError::Bye(bye) if bye.code == 3500), "{error}");

    let server = TinyServer::start(Faults { bye: Some(CloseCode::Slow), ..Faults::default() }).await;
    let mut stream = session(&server).await.stream();
    let reconnecting = async {
        while stream.counters().opened < 3 {
            stream.next(|_| {}).await.unwrap();
        }
    };
    timeout(DEADLINE, reconnecting).await.unwrap();
    assert_eq!(server.stream_queries().len(), 3);
}

#[tokio::test]
async fn the_status_tells_whether_to_open_the_stream_again() {
    let status = |status| async move {
        let server = TinyServer::start(Faults { stream_status: Some(status), ..Faults::default() }).await;
        let mut stream = session(&server).await.stream();
        stream.connect().await.unwrap_err()
    };
    assert!(matches!(status(204).await, StreamError::SessionGone));
    assert!(status(204).await.is_final());
    assert!(status(401).await.is_final());
    assert!(!status(500).await.is_final());
}

#[tokio::test]
async fn a_send_without_an_answer_is_a_transport_error_and_the_next_one_opens_a_connection() {
    let server = TinyServer::start(Faults { hang_up_sends: 1, ..Faults::default() }).await;
    let mut session = session(&server).await;
    session.join(&join()).await.unwrap();
    let message = Message {
        kind: "move".to_owned(),
        data: Payload::null(),
        rid: None,
        to: None,
        key: None,
        keep: None,
    };
    let msgs = &[message];
    let batch = Batch { src: "a", seq: Some(1), ack: None, msgs };
    let error = session.send(&batch).await.unwrap_err();
    assert!(error.is_transport() && error.is_transient(), "{error}");
    assert_eq!(session.send(&batch).await.unwrap().ack, 1);
    assert_eq!(server.send_bodies().len(), 2);
    assert!(!session.leave().await.unwrap());
    session.bye().await.unwrap();
}

#[tokio::test]
async fn a_refusal_carries_its_code_and_wait() {
    let server = TinyServer::start(Faults { refuse_sends: 1, ..Faults::default() }).await;
    let mut session = session(&server).await;
    let batch = Batch { src: "a", seq: None, ack: None, msgs: &[] };
    let error = session.send(&batch).await.unwrap_err();
    assert_eq!(error.retry_after(), Some(Duration::from_millis(20)));
    assert!(matches!(&error, ClientError::Refused(problem) if problem.code == "rate_limited"), "{error}");
}

#[tokio::test]
async fn whoever_is_no_server_is_told_apart_in_clear_words() {
    let check = async |url: &str, words: &str| {
        let error = timeout(DEADLINE, Endpoint::reach(url)).await.unwrap().unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    };
    check("https://example.org", "plain http:// only").await;
    check("example.org", "http://").await;
    // A port that was just free: nobody listens there.
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    check(&format!("http://{free}"), "nobody answers").await;
    let server = TinyServer::start(Faults::default()).await;
    check(&format!("{}/elsewhere", server.url), "410").await;
}
