//! A crowd that wants in at once, some of whom die at every step on their way: no room overfills, nobody is lost, and no
//! seat stays behind.

use std::collections::BTreeMap;
use std::sync::Barrier;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::{Connection, Player, Server, Stream};

const CROWD: usize = 1000;
const SEATS: u64 = 10;

/// What becomes of one of the crowd.
enum Fate<'a> {
    /// He sits, and his stream is open.
    Sits { answer: Value, stream: Box<Stream> },
    /// He has vanished, or is about to end, and may have a seat until then.
    Dies(Player<'a>),
}

fn want() -> Value {
    json!({"game": "relay", "create": true, "max_players": SEATS})
}

/// Asks for a seat; one in two dies, in one of five ways.
fn arrive<'a>(player: Player<'a>, number: usize) -> Fate<'a> {
    let body = want().to_string();
    let path = player.path("/v1/join");
    let mut connection = Connection::open(player.server.address);
    match number % 10 {
        0 => {
            // Gone before the body was all there.
            connection.send("POST", &path, "HTTP/1.1", &[("Expect", "nothing")], &body.as_bytes()[..9]);
            Fate::Dies(player)
        }
        1 => {
            // Gone before the answer.
            connection.send("POST", &path, "HTTP/1.1", &[], body.as_bytes());
            Fate::Dies(player)
        }
        2 => {
            // Gone between the answer and the stream.
            player.join(&want());
            Fate::Dies(player)
        }
        3 => {
            // Gone as soon as the stream is open.
            player.join(&want());
            Stream::open(player.server, &player.path("/v1/stream"), "").cut();
            Fate::Dies(player)
        }
        4 => {
            // Says that he leaves while he is on the way to a seat.
            connection.send("POST", &path, "HTTP/1.1", &[], body.as_bytes());
            player.post("/v1/bye", &json!({}));
            Fate::Dies(player)
        }
        _ => {
            let answer = player.join(&want());
            let mut stream = player.stream();
            let joined = stream.expect("joined");
            assert_eq!((&joined["room"]["id"], &joined["seat"]), (&answer["room"]["id"], &answer["seat"]));
            Fate::Sits { answer, stream: Box::new(stream) }
        }
    }
}

/// Every room, by id, and how many sit there.
fn rooms(server: &Server) -> BTreeMap<String, u64> {
    let (mut found, mut after) = (BTreeMap::new(), String::new());
    loop {
        let page = server.get(&format!("/v1/rooms?limit=100{after}")).json();
        for room in page["rooms"].as_array().unwrap() {
            found.insert(room["id"].as_str().unwrap().to_owned(), room["players"].as_u64().unwrap());
        }
        let Some(next) = page["next"].as_str() else { return found };
        after = format!("&after={next}");
    }
}

#[test]
fn a_thousand_at_once_of_whom_half_die_on_the_way_fill_rooms_of_ten_and_leave_no_seat_behind() {
    // A connection for each, and a stream for each who lives.
    let _ = sward_server::descriptors::raise_limit();
    let server = Server::start_with(&["--grace-ms", "8000"]);
    let barrier = Barrier::new(CROWD);
    let fates: Vec<Fate<'_>> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..CROWD)
            .map(|number| {
                let (server, barrier) = (&server, &barrier);
                scope.spawn(move || {
                    let player = server.player(&format!("P{number}"));
                    barrier.wait();
                    arrive(player, number)
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });

    let mut taken = BTreeMap::<String, Vec<u64>>::new();
    let mut streams = Vec::new();
    let mut dead = Vec::new();
    for fate in fates {
        match fate {
            Fate::Sits { answer, stream } => {
                let room = answer["room"]["id"].as_str().unwrap().to_owned();
                taken.entry(room).or_default().push(answer["seat"].as_u64().unwrap());
                streams.push(stream);
            }
            Fate::Dies(player) => dead.push(player),
        }
    }
    assert_eq!((streams.len(), dead.len()), (CROWD / 2, CROWD / 2), "none is lost");
    for seats in taken.values_mut() {
        seats.sort_unstable();
        let count = seats.len();
        seats.dedup();
        assert_eq!(seats.len(), count, "a seat was given twice");
        assert!(seats.iter().all(|seat| (1..=SEATS).contains(seat)), "{seats:?}");
    }

    // The seats of the dead come back when their sessions are over.
    server.await_metric("sward_sessions", streams.len() as u64);
    let survivors: BTreeMap<_, _> =
        taken.iter().map(|(id, seats)| (id.clone(), seats.len() as u64)).collect();
    // A session is over a moment before its room has heard of it.
    let mut rooms_now = rooms(&server);
    let deadline = Instant::now() + Duration::from_secs(20);
    while rooms_now != survivors && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(20));
        rooms_now = rooms(&server);
    }
    assert_eq!(rooms_now, survivors, "exactly those sit there who live");

    // And each of them can be taken by somebody else, without another room.
    let free: u64 = rooms_now.values().map(|players| SEATS - players).sum();
    std::thread::scope(|scope| {
        for number in 0..free {
            let server = &server;
            scope.spawn(move || server.player(&format!("N{number}")).join(&want()));
        }
    });
    let full = rooms(&server);
    assert_eq!(full.keys().collect::<Vec<_>>(), rooms_now.keys().collect::<Vec<_>>());
    assert!(full.values().all(|&players| players == SEATS), "{full:?}");
}
