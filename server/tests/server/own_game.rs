//! A game of one's own, as its players see it over real sockets: what it may do to its room, and what becomes of it when
//! it goes too far.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::sync_channel;
use std::thread;
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::{Value, json};
use sward_server::game::{
    Audience, BadOptions, GoneWhy, MessageError, Payload, Random, Raw, Reply, Room, Seat, Settings, done,
    refuse, reply,
};
use sward_server::testing::TestRoom;
use sward_server::{Config, Game};

use crate::support::{Player, Server, Stream};

struct Party;

/// Ends the game that hangs.
static IS_RELEASED: AtomicBool = AtomicBool::new(false);

#[derive(Deserialize)]
#[serde(tag = "type", content = "data", rename_all = "snake_case")]
enum Message {
    Greet(Seat),
    Roll { sides: u32 },
    Later(u64),
    Kick { seat: Seat, why: String },
    Lock(bool),
    Rename(Value),
    Close,
    Shout(usize),
    Panic,
    Flood,
    Hang,
}

impl Game for Party {
    type Message = Message;

    fn create(_: &Payload, _: &mut Random) -> Result<Self, BadOptions> {
        Ok(Self)
    }

    fn settings(&self) -> Settings {
        Settings::new(4).with_flush(Duration::ZERO)
    }

    fn join(&mut self, room: &mut Room<'_>, seat: Seat) -> Result<(), MessageError> {
        match room.player(seat) {
            Some(player) if player.name == "Grump" => refuse("no_grumps", "smile first"),
            Some(player) if player.name == "Jinx" => panic!("over this newcomer"),
            _ => Ok(()),
        }
    }

    fn leave(&mut self, room: &mut Room<'_>, seat: Seat, why: GoneWhy) {
        room.send(Audience::All, "bye_bye", &(seat, format!("{why:?}")));
    }

    fn message(&mut self, room: &mut Room<'_>, from: Seat, message: Message) -> Reply {
        match message {
            Message::Greet(seat) => room.pass_on(from, Audience::these([seat]), "hello", "hi"),
            Message::Roll { sides } => return reply(&(1 + room.random().below(sides))),
            Message::Later(ms) => room.set_timer("later", Duration::from_millis(ms)),
            Message::Kick { seat, why } => room.kick(seat, &why),
            Message::Lock(true) => room.lock(),
            Message::Lock(false) => room.unlock(),
            Message::Rename(meta) => room.set_meta(&meta),
            Message::Close => room.close(),
            Message::Shout(bytes) => room.send(Audience::All, "shout", &"x".repeat(bytes)),
            Message::Panic => panic!("as it was told"),
            Message::Flood => loop {
                room.send(Audience::All, "flood", &"x".repeat(50_000));
            },
            Message::Hang => {
                let since = Instant::now();
                while !IS_RELEASED.load(Ordering::Relaxed) && since.elapsed() < Duration::from_secs(60) {
                    thread::yield_now();
                }
            }
        }
        done()
    }

    fn timer(&mut self, room: &mut Room<'_>, name: &str) {
        room.send(Audience::All, "timer", name);
    }
}

/// Looks at all its players in each tick, and tells each of them something of his own.
struct Census {
    ticks: u32,
}

impl Game for Census {
    type Message = Raw;

    fn create(_: &Payload, _: &mut Random) -> Result<Self, BadOptions> {
        Ok(Self { ticks: 0 })
    }

    fn settings(&self) -> Settings {
        Settings::new(100).with_tick(Duration::from_millis(20))
    }

    fn message(&mut self, _: &mut Room<'_>, _: Seat, _: Raw) -> Reply {
        done()
    }

    fn tick(&mut self, room: &mut Room<'_>) {
        self.ticks += 1;
        let seats: Vec<_> = room.players().keys().copied().collect();
        for &seat in &seats {
            let others = seats.iter().filter(|other| **other != seat).count();
            room.send(Audience::Only(seat), "count", &(self.ticks, seat, others));
        }
    }
}

/// A server with the games, within this process.
fn serve() -> Server {
    let (told, address) = sync_channel::<SocketAddr>(1);
    thread::spawn(move || {
        actix_web::rt::System::new().block_on(async move {
            let config = Config { listen: SocketAddr::from(([127, 0, 0, 1], 0)), ..Config::default() };
            let server = sward_server::Server::builder()
                .config(config)
                .game::<Party>("party")
                .game::<Census>("census")
                .build();
            let listening = server.listen().unwrap();
            told.send(listening.address()).unwrap();
            listening.run().await.unwrap();
        });
    });
    Server::within(address.recv().unwrap(), "")
}

/// Somebody in the open party, and his stream behind `joined`.
fn guest<'a>(server: &'a Server, name: &str) -> (Player<'a>, Stream) {
    let player = server.player(name);
    let mut stream = player.stream();
    player.join(&json!({"game": "party", "create": true}));
    stream.await_event("joined");
    (player, stream)
}

fn tell(player: &Player<'_>, kind: &str, data: &Value) -> Value {
    player.send(&json!({"type": kind, "data": data, "rid": 1})).json()
}

#[test]
fn a_game_answers_addresses_times_and_refuses() {
    let server = serve();
    let ((zoe, _zoes), (_bo, mut bos), (_mo, mut mos)) =
        (guest(&server, "Zoë"), guest(&server, "Bo"), guest(&server, "Mo"));
    bos.expect("here");
    tell(&zoe, "greet", &json!(3));
    assert_eq!(mos.expect("msg"), json!({"from": 1, "type": "hello", "data": "hi"}));
    assert_eq!(tell(&zoe, "roll", &json!({"sides": 1}))["replies"][0]["data"], 1);
    for (kind, data, code) in [
        ("dance", json!(null), "unknown_type"),
        ("roll", json!({"sides": "six"}), "bad_payload"),
        ("roll", json!([6]), "bad_payload"),
    ] {
        let answer = zoe.send(&json!({"type": kind, "data": data}));
        assert_eq!((answer.status, answer.code().as_str()), (422, code), "{kind}");
    }
    tell(&zoe, "later", &json!(150));
    assert_eq!(bos.expect("msg"), json!({"from": 0, "type": "timer", "data": "later"}));
    let grump = server.player("Grump");
    let refused = grump.post("/v1/join", &json!({"game": "party"}));
    assert_eq!((refused.status, refused.code().as_str()), (409, "no_grumps"));
    assert_eq!(refused.json()["detail"], "smile first");
}

#[test]
fn a_game_locks_renames_kicks_and_closes_its_room() {
    let server = serve();
    let ((zoe, _zoes), (bo, mut bos)) = (guest(&server, "Zoë"), guest(&server, "Bo"));
    let late = server.player("Late");
    let by_map = json!({"game": "party", "filter": {"map": "dale"}});
    assert_eq!(late.post("/v1/join", &by_map).code(), "room_not_found");
    tell(&zoe, "rename", &json!({"map": "dale"}));
    assert_eq!(bos.expect("room"), json!({"meta": {"map": "dale"}}));
    tell(&zoe, "lock", &json!(true));
    assert_eq!(bos.expect("room"), json!({"locked": true}));
    let room = server.get("/v1/rooms?game=party").json()["rooms"][0].clone();
    assert_eq!((&room["locked"], &room["meta"]["map"]), (&json!(true), &json!("dale")));
    assert_eq!(late.post("/v1/join", &by_map).code(), "room_not_found", "no filter finds it");
    let by_code = late.post("/v1/join", &json!({"code": room["code"]}));
    assert_eq!((by_code.status, by_code.code().as_str()), (409, "room_locked"));
    assert_eq!(bo.join(&by_map)["room"]["locked"], true, "who sits there still does");
    tell(&zoe, "lock", &json!(false));
    bos.expect("room");
    assert_eq!(late.join(&by_map)["seat"], 3);
    bos.expect("here");

    tell(&zoe, "kick", &json!({"seat": 2, "why": "three strikes"}));
    assert_eq!(bos.expect("gone"), json!({"seat": 2, "why": "kicked", "detail": "three strikes"}));
    assert_eq!(bo.send(&json!({"type": "close"})).code(), "not_in_room");
    let mut lates = late.stream();
    assert_eq!(lates.await_event("msg")["data"], json!([2, "Kicked"]), "the game is told");
    assert_eq!(tell(&zoe, "close", &json!(null))["replies"][0]["data"], Value::Null);
    assert_eq!(lates.expect("gone"), json!({"seat": 3, "why": "closed"}));
    assert_eq!(server.get("/v1/rooms?game=party").json()["rooms"], json!([]));
}

#[test]
fn a_game_that_goes_too_far_loses_an_event_or_its_room_and_nobody_else_s() {
    let server = serve();
    let (other, mut others) = guest(&server, "Other");
    // The next ones make a room of their own.
    tell(&other, "lock", &json!(true));
    others.expect("room");
    for order in ["panic", "flood"] {
        let (zoe, mut stream) = guest(&server, "Zoë");
        tell(&zoe, "shout", &json!(70_000));
        tell(&zoe, "shout", &json!(3));
        assert_eq!(stream.expect("msg")["data"], "xxx", "the larger one was dropped");
        assert_eq!(zoe.send(&json!({"type": order})).code(), "room_gone");
        assert_eq!(stream.expect("gone"), json!({"seat": 1, "why": "failed"}), "{order}");
        zoe.join(&json!({"game": "relay", "create": true}));
        stream.expect("joined");
        zoe.post("/v1/bye", &json!({}));
    }
    // A game that fails over a newcomer is not sent him again: his request is no one to be repeated.
    let jinx = server.player("Jinx").post("/v1/rooms", &json!({"game": "party"}));
    assert_eq!((jinx.status, jinx.code().as_str()), (409, "room_failed"));
    assert_eq!(server.metric("sward_rooms_failed_total"), Some(3));
    assert_eq!(server.metric("sward_events_dropped_total"), Some(2));
    tell(&other, "shout", &json!(1));
    assert_eq!(others.expect("msg")["data"], "x");
}

/// The numbers, if the connection's worker has time to tell them.
fn numbers(server: &Server) -> Option<String> {
    let mut socket = TcpStream::connect(server.address).ok()?;
    socket.set_read_timeout(Some(Duration::from_millis(500))).ok()?;
    socket.write_all(b"GET /metrics HTTP/1.1\r\nHost: sward\r\nConnection: close\r\n\r\n").ok()?;
    let mut text = String::new();
    socket.read_to_string(&mut text).ok().map(|_| text)
}

#[test]
fn an_operator_is_told_of_a_game_that_hangs_and_of_one_that_is_slow() {
    let server = serve();
    let (zoe, mut stream) = guest(&server, "Zoë");
    let hung = thread::scope(|scope| {
        let answer = scope.spawn(|| zoe.send(&json!({"type": "hang"})));
        let deadline = Instant::now() + Duration::from_secs(30);
        let hangs = || numbers(&server).is_some_and(|text| text.contains("\nsward_rooms_stuck 1\n"));
        let mut is_told = false;
        while !is_told && Instant::now() < deadline {
            is_told = hangs();
        }
        IS_RELEASED.store(true, Ordering::Relaxed);
        assert!(is_told, "nobody said so in 30 s");
        answer.join()
    });
    assert!(hung.is_ok());
    tell(&zoe, "shout", &json!(1));
    assert_eq!(stream.expect("msg")["data"], "x", "it goes on, if it does");
    server.await_metric("sward_rooms_stuck", 0);
    assert_eq!(server.metric("sward_steps_slow_total"), Some(1));
}

#[test]
fn a_failure_of_a_test_room_points_at_the_test_s_line() {
    static PLACE: Mutex<Option<String>> = Mutex::new(None);
    const SAYS: &str = "an event msg \"shout\" of 70";
    let others = take_hook();
    set_hook(Box::new(move |info| {
        if info.payload_as_str().is_some_and(|said| said.contains(SAYS)) {
            *PLACE.lock().unwrap() = info.location().map(ToString::to_string);
        } else {
            others(info);
        }
    }));
    let mut room = TestRoom::<Party>::new();
    let zoe = room.join("Zoë");
    room.join("Bo");
    let failed = catch_unwind(AssertUnwindSafe(|| room.request::<()>(zoe, "shout", 70_000)));
    let line = line!() - 1;
    assert!(failed.unwrap_err().downcast_ref::<String>().unwrap().contains(SAYS));
    let place = PLACE.lock().unwrap().take().unwrap();
    assert!(place.contains(&format!("own_game.rs:{line}:")), "{place}");
}

#[test]
fn a_game_that_tells_each_player_something_of_his_own_in_each_tick_is_heard_by_each() {
    let server = serve();
    let players: Vec<_> = (0..60).map(|number| server.player(&format!("P{number}"))).collect();
    let mut streams: Vec<_> = players.iter().map(Player::stream).collect();
    let seats: Vec<_> = players
        .iter()
        .map(|player| player.join(&json!({"game": "census", "create": true}))["seat"].clone())
        .collect();
    for (stream, seat) in streams.iter_mut().zip(&seats) {
        let mut last = None;
        for _ in 0..50 {
            let data = stream.await_event("msg")["data"].clone();
            assert_eq!(&data[1], seat, "what is another's is not heard");
            let tick = data[0].as_u64().unwrap();
            assert!(last.is_none_or(|last| tick == last + 1), "{tick} after {last:?}");
            last = Some(tick);
        }
    }
    assert_eq!(server.metric("sward_streams_overrun_total"), Some(0));
}
