//! One player of a room reads nothing, and the others acknowledge all that they hear: what they let go of he alone keeps in
//! memory, and that is bounded.

use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::process::memory_kib;
use crate::support::{Player, Server, Stream};

const ROOMS: usize = 12;
/// Longer than a reader who takes nothing keeps his connection, and shorter than his seat is kept.
const TIME: Duration = Duration::from_secs(12);
const EVERY: Duration = Duration::from_millis(50);
/// What one of them may cost.
const COST_KIB_MAX: u64 = 384;

/// What an author says every [`EVERY`].
struct Talk {
    name: &'static str,
    options: Value,
    messages: fn() -> Vec<Value>,
}

/// Four hundred tiny events a second.
fn tiny() -> Vec<Value> {
    vec![json!({"type": "w", "data": 1}); 20]
}

/// Forty large ones.
fn large() -> Vec<Value> {
    vec![json!({"type": "say", "data": "x".repeat(1_000)}); 2]
}

/// Much for another, and little for all.
fn addressed() -> Vec<Value> {
    vec![json!({"type": "say", "data": "x".repeat(4_000), "to": 1}), json!({"type": "w", "data": 1})]
}

/// One word among large values of which only the newest counts.
fn replaced() -> Vec<Value> {
    vec![json!({"type": "here", "data": "x".repeat(4_000), "key": "here"}), json!({"type": "w", "data": 1})]
}

/// Hears everything, and says so now and then.
fn acknowledge(player: &Player<'_>, mut stream: Stream, until: Instant) {
    let mut next = Instant::now();
    while Instant::now() < until {
        stream.next().expect("the stream of one who reads goes on");
        if next <= Instant::now() {
            let response = player.send(&json!({"ack": stream.last_id, "msgs": []}));
            assert_eq!(response.status, 200, "{}", response.text());
            next = Instant::now() + Duration::from_millis(500);
        }
    }
}

fn write(player: &Player<'_>, talk: &Talk, until: Instant) {
    let messages = (talk.messages)();
    let mut seq = 1;
    while Instant::now() < until {
        let response = player.send(&json!({"seq": seq, "msgs": messages}));
        assert_eq!(response.status, 200, "{}", response.text());
        seq += messages.len();
        thread::sleep(EVERY);
    }
}

/// The most memory that such rooms take.
fn highest_kib(talk: &Talk, stalls: bool) -> u64 {
    let server =
        Server::start_with(&["--workers", "2", "--messages-per-s", "1000", "--bytes-per-s", "1000000"]);
    let players: Vec<_> = (0..3 * ROOMS).map(|_| server.player("Zoë")).collect();
    for room in players.chunks(3) {
        let made = json!({"game": "relay", "max_players": 3, "create": true, "options": talk.options});
        room.iter().for_each(|player| {
            player.join(&made);
        });
    }
    let until = Instant::now() + TIME;
    let mut highest_kib = 0;
    thread::scope(|scope| {
        for room in players.chunks(3) {
            let [author, reader, third] = room else { unreachable!("rooms of three") };
            for player in [author, reader] {
                let stream = player.stream();
                scope.spawn(move || acknowledge(player, stream, until));
            }
            let stream = third.stream();
            if stalls {
                // It stays open, and nobody reads it.
                scope.spawn(move || {
                    thread::sleep(until.saturating_duration_since(Instant::now()));
                    drop(stream);
                });
            } else {
                scope.spawn(move || acknowledge(third, stream, until));
            }
            scope.spawn(move || write(author, talk, until));
        }
        while Instant::now() < until {
            highest_kib = highest_kib.max(memory_kib(&server));
            thread::sleep(Duration::from_millis(20));
        }
        // One more event for each who waits.
        for room in players.chunks(3) {
            room[0].send(&json!({"type": "chat", "data": {"text": "over"}}));
        }
    });
    highest_kib
}

#[test]
fn a_player_who_alone_reads_nothing_costs_little_whatever_is_said() {
    let quick = json!({"flush_ms": 0, "echo": true});
    let usual = json!({"echo": true});
    for talk in [
        Talk { name: "tiny events", options: usual.clone(), messages: tiny },
        Talk { name: "tiny events, without a flush interval", options: quick, messages: tiny },
        Talk { name: "large events", options: usual.clone(), messages: large },
        Talk { name: "events for another", options: usual.clone(), messages: addressed },
        Talk { name: "values that are replaced", options: usual, messages: replaced },
    ] {
        let (without_kib, with_kib) = thread::scope(|scope| {
            let without = scope.spawn(|| highest_kib(&talk, false));
            let with = scope.spawn(|| highest_kib(&talk, true));
            (without.join().unwrap(), with.join().unwrap())
        });
        let each_kib = with_kib.saturating_sub(without_kib) / ROOMS as u64;
        eprintln!("one who reads nothing, {}: {each_kib} KiB ({without_kib}, {with_kib})", talk.name);
        assert!(each_kib <= COST_KIB_MAX, "{}: {each_kib} KiB", talk.name);
    }
}
