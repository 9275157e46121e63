//! A player who never reads, in a busy room: what he costs, and that the others hear everything.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;
use socket2::{Domain, Socket, Type};

use crate::h2_client::H2;
use crate::process::memory_kib;
use crate::support::{Connection, Player, Server, Stream};

const PLAYERS: usize = 50;
const AUTHORS: usize = 4;
const STALLED: usize = 10;
/// Longer than a reader who takes nothing keeps his connection.
const TIME: Duration = Duration::from_secs(10);
/// Twenty 1,000-byte messages a second from each author.
const EVERY: Duration = Duration::from_millis(100);
const BATCH: u64 = 2;
/// What one of them may cost. The readers beside them acknowledge nothing, so all keep the same events: this is the measure
/// of a connection and its queue, and [`crate::alone`] that of the window.
const COST_KIB_MAX: u64 = 384;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stall {
    No,
    Http1,
    Http2,
}

/// A connection whose receiving side is small, as a phone's may be: it is full at once.
fn narrow(address: SocketAddr) -> std::net::TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    socket.connect(&address.into()).unwrap();
    socket.into()
}

/// Reads everything until each author's last message, in order and without a gap.
fn read_all(mut stream: Stream, sent: &[AtomicU64], is_over: &AtomicBool) {
    let mut heard = vec![0; sent.len()];
    loop {
        let done = || heard.iter().zip(sent).all(|(heard, sent)| *heard == sent.load(Ordering::SeqCst));
        if is_over.load(Ordering::SeqCst) && done() {
            return;
        }
        let (name, event) = stream.next().expect("the stream of one who reads goes on");
        if name == "msg" {
            let author = usize::try_from(event["data"]["author"].as_u64().unwrap()).unwrap();
            heard[author] += 1;
            assert_eq!(event["data"]["n"], heard[author], "author {author}");
        }
    }
}

/// The most memory that a busy room used while some of its players read nothing.
fn highest_kib(stall: Stall) -> u64 {
    let server = Server::start_with(&["--workers", "2"]);
    let players: Vec<_> = (0..PLAYERS).map(|_| server.player("Zoë")).collect();
    for player in &players {
        player.join(&json!({"game": "relay", "create": true, "options": {"echo": true}}));
    }
    let (stalled, readers) = players.split_at(if stall == Stall::No { 0 } else { STALLED });
    let mut kept: Vec<Box<dyn std::any::Any>> = Vec::new();
    for player in stalled {
        let socket = narrow(server.address);
        if stall == Stall::Http1 {
            let mut connection = Connection { socket, read: Vec::new() };
            connection.send("GET", &player.path("/v1/stream"), "HTTP/1.1", &[], b"");
            kept.push(Box::new(connection));
        } else {
            let mut connection = H2::over(socket, None, 0);
            let answer = connection.send("GET", &player.path("/v1/stream"), b"");
            kept.push(Box::new((connection, answer)));
        }
    }
    let mut streams: Vec<_> = readers.iter().map(Player::stream).collect();
    for stream in &mut streams {
        stream.await_event("joined");
    }
    server.await_metric("sward_streams", PLAYERS as u64);
    let sent: Vec<_> = (0..AUTHORS).map(|_| AtomicU64::new(0)).collect();
    let is_over = AtomicBool::new(false);
    let began = Instant::now();
    let mut highest_kib = 0;
    thread::scope(|scope| {
        let (sent, is_over) = (&sent, &is_over);
        for stream in streams {
            scope.spawn(move || read_all(stream, sent, is_over));
        }
        let authors: Vec<_> = readers.iter().take(AUTHORS).enumerate().collect();
        let writing: Vec<_> = authors
            .into_iter()
            .map(|(author, player)| scope.spawn(move || write(player, author, &sent[author], began)))
            .collect();
        while began.elapsed() < TIME {
            highest_kib = highest_kib.max(memory_kib(&server));
            thread::sleep(Duration::from_millis(20));
        }
        for writing in writing {
            writing.join().unwrap();
        }
        is_over.store(true, Ordering::SeqCst);
        // One more event for those who heard everything before it was over.
        readers[0].send(&json!({"type": "chat", "data": {"text": "over"}}));
    });
    if stall != Stall::No {
        assert_eq!(
            server.metric("sward_streams_overrun_total"),
            Some(STALLED as u64),
            "they were stalled indeed"
        );
    }
    drop(kept);
    highest_kib
}

fn write(player: &Player<'_>, author: usize, sent: &AtomicU64, began: Instant) {
    let padding = "x".repeat(1000);
    while began.elapsed() < TIME {
        let from = sent.load(Ordering::SeqCst) + 1;
        let message = |n| json!({"type": "say", "data": {"author": author, "n": n, "padding": padding}});
        let messages: Vec<_> = (from..from + BATCH).map(message).collect();
        sent.store(from + BATCH - 1, Ordering::SeqCst);
        let response = player.send(&json!({"seq": from, "msgs": messages}));
        assert_eq!(response.status, 200, "{}", response.text());
        thread::sleep(EVERY);
    }
}

#[test]
fn a_player_who_never_reads_costs_little_and_the_others_hear_everything() {
    let without_kib = highest_kib(Stall::No);
    for (way, stall) in [("HTTP/1", Stall::Http1), ("HTTP/2 without a window", Stall::Http2)] {
        let with_kib = highest_kib(stall);
        let each_kib = with_kib.saturating_sub(without_kib) / STALLED as u64;
        eprintln!(
            "a stalled reader on {way}: {each_kib} KiB (room of {PLAYERS}: {without_kib} KiB, with {STALLED}: {with_kib})"
        );
        assert!(each_kib <= COST_KIB_MAX, "{each_kib} KiB");
    }
}
