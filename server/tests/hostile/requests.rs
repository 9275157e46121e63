//! Requests that are many, slow, or huge.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::h2_client::H2;
use crate::others::Others;
use crate::process::{becomes_idle, memory_kib, raise_files};
use crate::support::{Connection, Server};

const TINY: &str = "GET / HTTP/1.1\r\nHost:x\r\n\r\n";
/// What may be used beyond what the same server used before: caches, first allocations of each thread.
const BASE_KIB: u64 = 8 * 1024;

/// Writes tiny requests and reads nothing, until it cannot.
fn flood(mut socket: TcpStream) -> TcpStream {
    socket.set_write_timeout(Some(Duration::from_secs(1))).unwrap();
    let _ = socket.write_all(TINY.repeat(40_000).as_bytes());
    socket
}

#[test]
fn forty_connections_that_pipeline_and_never_read_cost_little() {
    let server = Server::start();
    let mut others = Others::new(&server);
    let before_kib = memory_kib(&server);
    let is_over = AtomicBool::new(false);
    let mut highest_kib = 0;
    thread::scope(|scope| {
        let flooding: Vec<_> = (0..40)
            .map(|_| {
                let socket = TcpStream::connect(server.address).unwrap();
                scope.spawn(move || flood(socket))
            })
            .collect();
        let sampling = scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                highest_kib = highest_kib.max(memory_kib(&server));
                thread::sleep(Duration::from_millis(10));
            }
        });
        for _ in 0..10 {
            others.play();
        }
        let sockets: Vec<_> = flooding.into_iter().map(|flooding| flooding.join().unwrap()).collect();
        others.play();
        is_over.store(true, Ordering::Relaxed);
        sampling.join().unwrap();
        becomes_idle(&server);
        drop(sockets);
    });
    let each_kib = highest_kib.saturating_sub(before_kib) / 40;
    eprintln!("40 connections that pipeline and never read: {each_kib} KiB each");
    assert!(highest_kib < before_kib + BASE_KIB + 40 * 256, "{before_kib} KiB grew to {highest_kib} KiB");
    others.play();
}

#[test]
fn requests_behind_an_open_stream_wait_outside_and_the_stream_goes_on() {
    let server = Server::start();
    let mut others = Others::new(&server);
    let zoe = server.player("Zoë");
    let mut stream = zoe.stream();
    let before_kib = memory_kib(&server);
    let flooded = flood(stream.connection.socket.try_clone().unwrap());
    others.play();
    assert_eq!(zoe.send(&json!({"type": "sward.ping", "data": 1})).status, 200);
    assert_eq!(stream.expect("pong")["data"], 1, "he harms nobody, not even himself");
    becomes_idle(&server);
    let after_kib = memory_kib(&server);
    assert!(after_kib < before_kib + BASE_KIB, "{before_kib} KiB grew to {after_kib} KiB");
    assert_eq!(server.metric("sward_streams_cut_total"), Some(0));
    drop((flooded, stream));
    server.await_metric("sward_streams", 2);
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    let server = Server::start();
    let mut connection = Connection::open(server.address);
    let post = "POST /v1/sessions HTTP/1.1\r\nHost: x\r\nContent-Length: 14\r\n\r\n{\"name\":\"Zoe\"}";
    let chunked = "POST /v1/sessions HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\"nam\r\n9\r\n\
                   e\":\"Zoe\"}\r\n0\r\n\r\n";
    let get = "GET /nope HTTP/1.1\r\nHost: x\r\n\r\n";
    connection.socket.write_all([post, get, chunked, get].repeat(10).concat().as_bytes()).unwrap();
    for _ in 0..10 {
        for status in [201, 404, 201, 404] {
            assert_eq!(connection.response().status, status);
        }
    }
}

/// How long until the connection is closed, and what came before.
fn until_closed(mut socket: &TcpStream) -> (Duration, String) {
    let began = Instant::now();
    socket.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let mut read = Vec::new();
    let _ = socket.read_to_end(&mut read);
    (began.elapsed(), String::from_utf8_lossy(&read).into_owned())
}

/// Sends `begin`, then a byte every half second, until it is closed.
fn drip(server: &Server, begin: &str, byte: u8) -> (Duration, String) {
    let mut socket = TcpStream::connect(server.address).unwrap();
    socket.write_all(begin.as_bytes()).unwrap();
    let mut dripping = socket.try_clone().unwrap();
    thread::spawn(move || {
        while dripping.write_all(&[byte]).is_ok() {
            thread::sleep(Duration::from_millis(500));
        }
    });
    until_closed(&socket)
}

#[test]
fn slow_requests_end_their_connection() {
    let server = Server::start();
    let mut others = Others::new(&server);
    let get = "GET /healthz HTTP/1.1\r\nHost: x\r\n";
    let zoe = server.player("Zoë");
    let post = format!("POST {} HTTP/1.1\r\nHost: x\r\nContent-Length: 10000\r\n\r\n", zoe.path("/v1/send"));
    let server = &server;
    thread::scope(|scope| {
        let first = scope.spawn(|| drip(server, get, b'x'));
        let second = scope.spawn(|| drip(server, &format!("{get}\r\nG"), b'E'));
        let body = scope.spawn(|| drip(server, &post, b' '));
        let silent = scope.spawn(|| until_closed(&TcpStream::connect(server.address).unwrap()));
        let h2 = scope.spawn(|| drip(server, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 0));
        others.play();
        let check =
            |what, dripping: thread::ScopedJoinHandle<'_, (Duration, String)>, at_most_s, says: &str| {
                let (took, said) = dripping.join().unwrap();
                eprintln!("{what}: closed after {:.1} s", took.as_secs_f64());
                assert!(took < Duration::from_secs(at_most_s), "{what}: {took:?}");
                assert!(said.contains(says), "{what}: {said}");
            };
        check("a slow first head", first, 20, "408 Request Timeout");
        check("a slow body", body, 25, "body_slow");
        check("a silent connection", silent, 20, "");
        check("a slow preface of HTTP/2", h2, 25, "");
        check("a slow second head", second, 40, "200 OK");
        others.play();
    });
    assert_eq!(server.metric("sward_connections_cut_total{why=\"slow_request\"}"), Some(1));
    becomes_idle(server);
}

#[test]
fn two_thousand_idle_connections_cost_little() {
    raise_files();
    let server = Server::start();
    let mut others = Others::new(&server);
    let before_kib = memory_kib(&server);
    let mut idle = Vec::new();
    for round in 0..2000 {
        let mut connection = Connection::open(server.address);
        // Half of them ask once, the others never.
        if round % 2 == 0 {
            connection.send("GET", "/healthz", "HTTP/1.1", &[], b"");
            assert_eq!(connection.response().status, 200);
        }
        idle.push(connection);
    }
    others.play();
    let each_kib = memory_kib(&server).saturating_sub(before_kib) / 2000;
    eprintln!("2000 idle connections: {each_kib} KiB each");
    assert!(each_kib <= 40, "{each_kib} KiB each");
    becomes_idle(&server);
    drop(idle);
    others.play();
}

#[test]
fn huge_ids_nonces_and_queries_are_refused_and_harm_nobody() {
    let server = Server::start();
    let mut others = Others::new(&server);
    let zoe = server.player("Zoë");
    let huge = "9".repeat(60_000);
    for (query, code) in [
        (format!("n={huge}"), "bad_query"),
        (format!("beat={huge}x"), "bad_query"),
        (format!("{huge}=1&n={huge}"), ""),
    ] {
        let response = server.get(&zoe.path(&format!("/v1/stream?{query}")));
        // http's Uri holds at most 65,534 bytes.
        if code.is_empty() {
            assert_eq!(response.status, 400);
        } else {
            assert_eq!(response.code(), code);
        }
        others.play();
    }
    for last in [
        format!("&last={huge}"),
        format!("&last=00000000.{huge}"),
        format!("&beat={0}&pad={0}", &huge[..30_000]),
    ] {
        let mut stream = zoe.stream_with(&last);
        if last.contains("last") {
            assert_eq!(stream.expect("reset")["reason"], "bad_id");
        }
    }
    let mut connection = Connection::open(server.address);
    connection.send("GET", &zoe.path("/v1/stream"), "HTTP/1.1", &[("Last-Event-ID", &huge)], b"");
    let mut stream = crate::support::Stream::of(connection);
    stream.expect("hello");
    assert_eq!(stream.expect("reset")["reason"], "bad_id");
    let long_token = server.get(&format!("/v1/stream?token={huge}"));
    assert_eq!(long_token.code(), "bad_token");
    others.play();
    becomes_idle(&server);
}

#[test]
fn answers_on_http_2_that_nobody_takes_cost_little() {
    let server = Server::start();
    let mut others = Others::new(&server);
    let before_kib = memory_kib(&server);
    let mut kept = Vec::new();
    for _ in 0..10 {
        // Without a window no answer with a body ever ends.
        let mut connection = H2::over(TcpStream::connect(server.address).unwrap(), None, 0);
        let asked: Vec<_> = (0..1000).map(|_| connection.send("GET", "/sdk/index.js", b"")).collect();
        let answers: Vec<_> = asked.into_iter().map(|answer| connection.answer(answer)).collect();
        assert_eq!(answers.iter().filter(|answer| answer.status() == 200).count(), 128);
        kept.push((connection, answers));
        others.play();
    }
    let each_kib = memory_kib(&server).saturating_sub(before_kib) / 10;
    eprintln!("a connection of HTTP/2 that asks 1000 times and takes nothing: {each_kib} KiB");
    assert!(each_kib <= 4 * 1024, "{each_kib} KiB each");
    becomes_idle(&server);
    drop(kept);
    others.play();
}
