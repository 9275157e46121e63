//! Requests on HTTP/2 whose heads are huge, or tiny and many, or that are given up.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use crate::others::Others;
use crate::process::{becomes_idle, memory_kib};
use crate::support::{DEADLINE, Server};

/// What may be used beyond what the same server used before: caches, first allocations of each thread.
const BASE_KIB: u64 = 8 * 1024;
const FRAME_BYTES: usize = 16 * 1024;

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// A request without a body, in as many frames as its head takes.
fn request(stream: u32, head: &[u8]) -> Vec<u8> {
    let pieces: Vec<&[u8]> = head.chunks(FRAME_BYTES).collect();
    let frame = |(index, piece): (usize, &&[u8])| {
        let (kind, ends_stream) = if index == 0 { (1, 1) } else { (9, 0) };
        let ends_head = if index + 1 == pieces.len() { 4 } else { 0 };
        frame(kind, ends_stream | ends_head, stream, piece)
    };
    pieces.iter().enumerate().flat_map(frame).collect()
}

/// `GET /healthz`. An `x-a` that is empty is in the table behind it, and costs a byte each time.
fn head() -> Vec<u8> {
    [b"\x82\x86\x04\x08/healthz\x01\x01x".as_slice(), b"\x40\x03x-a\x00"].concat()
}

const AGAIN: u8 = 0xbe;

/// Fields of so many names, of a few bytes each.
fn names(count: u32) -> Vec<u8> {
    let name = |number: u32| format!("\x00\x06x{number:05}\x00").into_bytes();
    (0..count).flat_map(name).collect()
}

/// A connection that has said its preface, and its settings.
fn open(server: &Server) -> TcpStream {
    let mut socket = TcpStream::connect(server.address).unwrap();
    socket.set_read_timeout(Some(DEADLINE)).unwrap();
    socket.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").unwrap();
    socket.write_all(&frame(4, 0, 0, &[])).unwrap();
    socket
}

const QUESTION: [u8; 8] = *b"all?all!";

/// Is answered when the other end has read everything before it.
fn question() -> Vec<u8> {
    frame(6, 0, 0, &QUESTION)
}

/// Reads until the question is answered, or the connection ends. Whether it was answered.
fn is_answered(socket: &mut TcpStream) -> bool {
    let (mut read, mut buffer) = (Vec::new(), [0; 4096]);
    loop {
        match socket.read(&mut buffer) {
            Ok(count) if count > 0 => read.extend_from_slice(&buffer[..count]),
            _ => return false,
        }
        if read.windows(QUESTION.len()).any(|window| window == QUESTION) {
            return true;
        }
        read.drain(..read.len().saturating_sub(QUESTION.len()));
    }
}

#[test]
fn a_head_that_is_too_large_ends_its_connection() {
    let server = Server::start();
    let mut others = Others::new(&server);
    let before_kib = memory_kib(&server);
    let fields = |count: usize| [head(), vec![AGAIN; count]].concat();
    let large = [
        // So many names would make the HTTP layer panic.
        [head(), names(25_000)].concat(),
        [head(), names(300)].concat(),
        fields(300),
        fields(450_000),
        [head(), b"\x00\x01x\x7f\x81\xfe\x03".to_vec(), vec![b'x'; 65_536]].concat(),
    ];
    for (index, head) in large.iter().enumerate() {
        let mut socket = open(&server);
        // It is cut while this is written, or behind it.
        let _ = socket.write_all(&[request(1, head), question()].concat());
        assert!(!is_answered(&mut socket), "head {index}");
        others.play();
    }
    let cut = "sward_connections_cut_total{why=\"large_head\"}";
    server.await_metric(cut, u64::try_from(large.len()).unwrap());
    let after_kib = memory_kib(&server);
    assert!(after_kib < before_kib + BASE_KIB, "{before_kib} KiB grew to {after_kib} KiB");

    let mut socket = open(&server);
    for (stream, head) in [fields(240), [head(), names(240)].concat(), fields(1)].iter().enumerate() {
        socket.write_all(&request(2 * u32::try_from(stream).unwrap() + 1, head)).unwrap();
    }
    socket.write_all(&question()).unwrap();
    assert!(is_answered(&mut socket), "heads as large as may be");
    becomes_idle(&server);
}

#[test]
fn tiny_requests_on_http_2_cost_little_and_others_play_on() {
    const REQUESTS: u32 = 50_000;
    const CONNECTIONS: u64 = 8;
    let server = Server::start();
    let mut others = Others::new(&server);
    let before_kib = memory_kib(&server);
    let mut requests = request(1, &[head(), vec![AGAIN]].concat());
    for number in 1..REQUESTS {
        requests.extend(request(2 * number + 1, b"\x82\x86\x04\x01/\xbe"));
    }
    requests.extend(question());
    let is_over = AtomicBool::new(false);
    let mut highest_kib = 0;
    thread::scope(|scope| {
        let sampling = scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                highest_kib = highest_kib.max(memory_kib(&server));
                thread::sleep(Duration::from_millis(5));
            }
        });
        let flooding: Vec<_> = (0..CONNECTIONS)
            .map(|_| {
                let mut socket = open(&server);
                let (mut writing, requests) = (socket.try_clone().unwrap(), &requests);
                scope.spawn(move || {
                    thread::scope(|scope| {
                        scope.spawn(move || writing.write_all(requests).unwrap());
                        // What it reads meanwhile makes room for more answers.
                        is_answered(&mut socket)
                    })
                })
            })
            .collect();
        for _ in 0..10 {
            others.play();
        }
        assert!(flooding.into_iter().all(|flooding| flooding.join().unwrap()), "nobody is cut");
        is_over.store(true, Ordering::Relaxed);
        sampling.join().unwrap();
    });
    let each_kib = highest_kib.saturating_sub(before_kib) / CONNECTIONS;
    eprintln!("a connection with {REQUESTS} tiny requests: {each_kib} KiB");
    assert!(
        highest_kib < before_kib + BASE_KIB + CONNECTIONS * 2048,
        "{before_kib} grew to {highest_kib} KiB"
    );
    others.play();
    becomes_idle(&server);
}

/// Asks `rounds` times 50 requests and gives up those of four rounds before. Whether it may.
fn give_up(socket: &mut TcpStream, rounds: u32, opened: u32) -> bool {
    let mut reading = socket.try_clone().unwrap();
    thread::scope(|scope| {
        scope.spawn(|| {
            for round in 0..rounds {
                let mut frames = Vec::new();
                for number in 50 * round..50 * (round + 1) {
                    frames.extend(request(2 * number + 1, b"\x82\x86\x04\x08/healthz\x01\x01x"));
                    if let Some(old) = number.checked_sub(200) {
                        frames.extend(frame(3, 0, 2 * old + 1, &[0, 0, 0, 8]));
                    }
                }
                if opened > 0 {
                    frames.extend(frame(8, 0, 0, &opened.to_be_bytes()));
                }
                if socket.write_all(&frames).is_err() {
                    return;
                }
            }
            let _ = socket.write_all(&question());
        });
        is_answered(&mut reading)
    })
}

#[test]
fn requests_that_are_given_up_without_a_window_end_their_connection() {
    let server = Server::start();
    let mut others = Others::new(&server);
    let before_kib = memory_kib(&server);
    // Each would leave 300 bytes behind, as long as the connection's window is closed.
    assert!(!give_up(&mut open(&server), 2_000, 0));
    server.await_metric("sward_connections_cut_total{why=\"many_resets\"}", 1);
    others.play();
    assert!(give_up(&mut open(&server), 2_000, 50 * 300), "who takes what he asks for may give up some");
    let after_kib = memory_kib(&server);
    assert!(after_kib < before_kib + BASE_KIB, "{before_kib} KiB grew to {after_kib} KiB");
    others.play();
    becomes_idle(&server);
}
