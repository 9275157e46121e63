//! The ways.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;
use socket2::SockRef;

use crate::h2_client::H2;
use crate::support::{Connection, Player, Server, Stream};

/// Two seconds are the wait for a successor; the rest is a sweep and a busy machine.
const SOON: Duration = Duration::from_secs(8);

/// Somebody who watches a room.
pub struct Watcher<'a> {
    server: &'a Server,
    room: String,
    stream: Stream,
}

impl<'a> Watcher<'a> {
    pub fn new(server: &'a Server) -> Self {
        let player = server.player("Zoë");
        let made = player.post("/v1/rooms", &json!({"game": "relay"})).json();
        let mut stream = player.stream();
        stream.expect("joined");
        Self { server, room: made["room"]["id"].as_str().unwrap().to_owned(), stream }
    }

    /// Somebody new in the watched room; his seat.
    pub fn mate(&mut self, name: &str) -> (Player<'a>, u64) {
        let mate = self.server.player(name);
        let joined = mate.post(&format!("/v1/rooms/{}/join", self.room), &json!({}));
        assert_eq!(joined.status, 200, "{}", joined.text());
        self.stream.await_event("here");
        (mate, joined.json()["seat"].as_u64().unwrap())
    }

    /// Waits until a player is told to be away; his seat.
    pub fn away(&mut self) -> u64 {
        let away = self.stream.await_event("away");
        assert_eq!(away["why"], "lost");
        away["seat"].as_u64().unwrap()
    }
}

/// The numbers stand where they stood before somebody came.
pub fn nothing_stays(server: &Server, streams: u64, sessions: u64) {
    server.await_metric("sward_streams", streams);
    server.await_metric("sward_sessions", sessions);
}

/// One player opens a stream in `come` and vanishes in `go`.
fn check<T>(way: &str, bound: Duration, come: impl FnOnce(&Player<'_>) -> T, go: impl FnOnce(T)) {
    let server = Server::start_with(&["--grace-ms", "3000"]);
    let mut zoe = Watcher::new(&server);
    let (bo, seat) = zoe.mate("Bo");
    let stream = come(&bo);
    let began = Instant::now();
    go(stream);
    assert_eq!(zoe.away(), seat);
    let took = began.elapsed();
    eprintln!("{way}: away after {:.2} s", took.as_secs_f64());
    assert!(took < bound, "{took:?}");
    nothing_stays(&server, 1, 1);
}

fn reset(socket: &TcpStream) {
    SockRef::from(socket).set_linger(Some(Duration::ZERO)).unwrap();
}

#[test]
fn a_fin_is_heard_at_once() {
    check("FIN", SOON, |bo| bo.stream(), Stream::cut);
}

#[test]
fn a_reset_is_heard_at_once() {
    check("RST", SOON, |bo| bo.stream(), |stream| reset(&stream.connection.socket));
}

fn h2_stream(bo: &Player<'_>, beat: &str) -> (H2, crate::h2_client::H2Stream) {
    let mut connection = H2::open(bo.server.address);
    let mut stream = connection.stream(&bo.path(&format!("/v1/stream?beat={beat}")));
    stream.expect("hello");
    // The chaser: after it there is silence but for beats.
    while stream.next_frame().unwrap().name != "noop" {}
    (connection, stream)
}

#[test]
fn a_fin_on_http_2_is_heard_at_once_and_not_at_the_next_beat() {
    let cut = |(connection, _stream): (H2, _)| {
        connection.socket.shutdown(Shutdown::Both).unwrap();
    };
    check("FIN on HTTP/2, beat 15 s", SOON, |bo| h2_stream(bo, "15000"), cut);
}

#[test]
fn a_reset_on_http_2_is_heard_at_once_and_not_at_the_next_beat() {
    let cut = |(connection, stream): (H2, _)| {
        reset(&connection.socket);
        // The runtime that drives the connection ends with both.
        drop((connection, stream));
    };
    check("RST on HTTP/2, beat 15 s", SOON, |bo| h2_stream(bo, "15000"), cut);
}

#[test]
fn a_stream_that_is_reset_on_a_connection_that_lives_on_is_heard_at_the_next_beat() {
    let mut connections = Vec::new();
    let cut = |(connection, stream): (H2, crate::h2_client::H2Stream)| {
        drop(stream);
        connections.push(connection);
    };
    check("RST_STREAM on HTTP/2, beat 15 s", Duration::from_secs(20), |bo| h2_stream(bo, "15000"), cut);
}

/// A proxy that never tells its server that a client left, and reads on for him.
struct Proxy {
    address: SocketAddr,
}

impl Proxy {
    fn start(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || {
            for client in listener.incoming() {
                let (mut client, mut upstream) = (client.unwrap(), TcpStream::connect(server).unwrap());
                let (mut answers, mut down) = (upstream.try_clone().unwrap(), client.try_clone().unwrap());
                thread::spawn(move || {
                    let mut buffer = [0; 4096];
                    while let Ok(count @ 1..) = answers.read(&mut buffer) {
                        // Nobody takes it: it is read all the same.
                        let _ = down.write_all(&buffer[..count]);
                    }
                });
                thread::spawn(move || {
                    let mut buffer = [0; 4096];
                    while let Ok(count @ 1..) = client.read(&mut buffer) {
                        upstream.write_all(&buffer[..count]).unwrap();
                    }
                    // The connection to the server stays open in `answers`.
                });
            }
        });
        Self { address }
    }
}

#[test]
fn behind_a_proxy_that_hides_it_a_client_that_acknowledges_is_away_after_five_beats() {
    let bound = Duration::from_secs(25 + 5);
    let come = |bo: &Player<'_>| {
        let proxy = Proxy::start(bo.server.address);
        let mut connection = Connection::open(proxy.address);
        connection.send("GET", &bo.path("/v1/stream"), "HTTP/1.1", &[], b"");
        let mut stream = Stream::of(connection);
        stream.expect("hello");
        stream.expect("joined");
        assert_eq!(bo.send(&json!({"ack": stream.last_id, "msgs": []})).status, 200);
        stream
    };
    check("FIN hidden by a proxy, the client acknowledged", bound, come, Stream::cut);
}
