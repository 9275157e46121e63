//! The bodies of every route, as bytes: `tests/golden/bodies.json` has one of each on a line of its own, its JSON as it
//! travels and its MessagePack as base64. The browser SDK's tests read the same file. See `tests/golden.rs`.
#![allow(clippy::disallowed_methods, reason = "a test may read files")]
#![allow(clippy::unwrap_used, reason = "a test may fail by a panic")]

mod support;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::json;
use serde_json::value::RawValue;
use sward_protocol::blobs::BlobInfo;
use sward_protocol::codec::Encoding;
use sward_protocol::downstream::{AwayWhy, Member};
use sward_protocol::ids::{Epoch, EventId, NodeId, PlayerId, RoomId, Seat, Token};
use sward_protocol::operator::{Done, KickPlayer, RoomInside, WarnLevel, Warned, Warning, Warnings};
use sward_protocol::password::Password;
use sward_protocol::payload::Payload;
use sward_protocol::problem::{ErrorCode, MessageError, Problem};
use sward_protocol::rooms::{
    CreateRoom, Join, JoinRoom, Left, OneRoom, Phase, RoomInfo, RoomList, RoomView, Seated, Will,
};
use sward_protocol::session::{CreateSession, Player, SessionCreated, SessionLimits, Time};
use sward_protocol::social::{
    AskAnswer, Asked, ChatScope, Invite, Knock, PartyCall, PartyJoined, QueueCall, Say, Watch, Withdraw,
};
use sward_protocol::upstream::{
    Answer, Batch, Group, Keep, KeepScope, Message, PastEvent, Reply, SendBody, To,
};

use support::{golden, payload};

const ID: EventId = EventId { epoch: Epoch(0x7f3a_91c2), seq: 42 };

fn key() -> Option<String> {
    Some("0f1e2d3c4b5a69788796a5b4c3d2e1f0".to_owned())
}

fn room() -> RoomInfo {
    RoomInfo {
        id: RoomId::from_random(NodeId(1), 0x9abc),
        game: "relay".to_owned(),
        code: "KXQZ".to_owned(),
        name: "Zoë’s \"room\"".to_owned(),
        max_players: 50,
        players: 3,
        private: true,
        password: true,
        locked: true,
        phase: Phase::Paused,
        owner: Seat(1),
        meta: payload(&json!({"map": "hills", "level": [1, 2.5, null]})),
    }
}

fn blob() -> BlobInfo {
    let (name, kind) = ("map".to_owned(), "application/json".to_owned());
    BlobInfo { name, etag: "0f1e2d3c4b5a69788796a5b4c3d2e1f0".to_owned(), size_bytes: 2_163, kind }
}

fn create_room() -> CreateRoom {
    CreateRoom {
        game: "relay".to_owned(),
        me: payload(&json!({"animal": "fox"})),
        name: room().name,
        max_players: Some(50),
        private: true,
        password: Some(Password::new("sésame \"7\"")),
        meta: Some(room().meta),
        options: Some(payload(&json!({"flush_ms": 0, "echo": true}))),
        will: Some(Will { kind: "bye".to_owned(), data: payload(&json!({"hat": 3})) }),
        key: key(),
    }
}

fn join() -> Join {
    let CreateRoom { game, me, name, max_players, private, password, meta, options, will, key } =
        create_room();
    let filter = Some(payload(&json!({"map": "hills"})));
    Join {
        game: Some(game),
        code: None,
        filter,
        create: true,
        me,
        name,
        max_players,
        private,
        password,
        meta,
        options,
        will,
        key,
    }
}

fn messages() -> Vec<Message> {
    let message = |kind: &str, data: serde_json::Value| Message {
        kind: kind.to_owned(),
        data: payload(&data),
        rid: None,
        to: None,
        key: None,
        keep: None,
    };
    vec![
        message("wave", json!(null)),
        Message {
            rid: Some(7),
            ..message("chat", json!({"scope": "room", "text": "hi\n\nevent: bye\u{2028}🦊"}))
        },
        Message {
            to: Some(To::Seat(Seat(3))),
            ..message("whisper", json!([1, -1, 1.5, 9_007_199_254_740_991_u64]))
        },
        Message { to: Some(To::Group(Group::All)), ..message("shout", json!("")) },
        Message {
            key: Some("pos".to_owned()),
            rid: Some(0),
            ..message("move", json!({"x": 10, "y": 20.25}))
        },
        Message { keep: Some(Keep::Seat("hat".to_owned())), ..message("hat", json!({"red": true})) },
        Message {
            keep: Some(Keep::Scoped { name: "board".to_owned(), scope: KeepScope::Room }),
            ..message("board", json!([[0, 1], [2, null]]))
        },
        message("sward.ping", json!({"": [], "deep": [[[{}]]]})),
        message("sward.rung", json!({"rung": 2})),
    ]
}

fn answer() -> Answer {
    let refused = MessageError::new(ErrorCode::UnknownType, "the game does not know \"dance\"");
    let of_the_game = MessageError { code: "too_far".into(), detail: "walk there first".to_owned() };
    Answer {
        ack: 47,
        replies: vec![
            Reply { i: 1, rid: Some(7), data: Some(Payload::null()), error: None },
            Reply { i: 2, rid: None, data: None, error: Some(refused) },
            Reply { i: 4, rid: Some(0), data: None, error: Some(of_the_game) },
            Reply { i: 5, rid: Some(8), data: Some(payload(&json!({"basket": 3}))), error: None },
        ],
        events: vec![
            PastEvent(ID, "msg".to_owned(), payload(&json!({"from": 3, "type": "wave", "data": 1}))),
            PastEvent(
                EventId { seq: 45, ..ID },
                "gone".to_owned(),
                payload(&json!({"seat": 2, "why": "left"})),
            ),
        ],
    }
}

fn session_created() -> SessionCreated {
    SessionCreated {
        token: Token::from_random(NodeId(1), 0x0123_4567_89ab_cdef).reveal(),
        player: Player { id: PlayerId::from_random(NodeId(1), 0x1234_5678), name: "Zoë 🦊".to_owned() },
        heartbeat_ms: 5_000,
        watchdog_ms: 15_000,
        grace_ms: 20_000,
        limits: SessionLimits::with_rates(100, 131_072),
        version: 1,
    }
}

fn problem(code: ErrorCode, status: u16) -> Problem {
    Problem {
        kind: "about:blank".into(),
        title: code.title().into(),
        status,
        code: code.as_str().into(),
        detail: "in plain words".to_owned(),
        retry_after_ms: None,
        expected: None,
    }
}

/// One line of the file.
#[derive(Serialize, Deserialize)]
struct Golden {
    name: String,
    json: Box<RawValue>,
    /// `None` for what is always JSON.
    msgpack: Option<String>,
}

/// Every body, with its name in the file.
#[derive(Default)]
struct Bodies(Vec<Golden>);

impl Bodies {
    /// A body that is written here and read back as the same value.
    fn both<T: Serialize + DeserializeOwned + PartialEq>(&mut self, name: &str, value: &T) {
        self.written(name, value);
        for encoding in [Encoding::Json, Encoding::Msgpack] {
            let read: T = encoding.decode(&self.last(encoding)).unwrap();
            assert!(read == *value, "{name} as {encoding:?}");
        }
    }

    fn written<T: Serialize>(&mut self, name: &str, value: &T) {
        let json = String::from_utf8(Encoding::Json.encode(value).unwrap()).unwrap();
        let msgpack = BASE64.encode(Encoding::Msgpack.encode(value).unwrap());
        let json = RawValue::from_string(json).unwrap();
        self.0.push(Golden { name: name.to_owned(), json, msgpack: Some(msgpack) });
    }

    fn batch(&mut self, name: &str, batch: &Batch<'_>) {
        self.written(name, batch);
        for encoding in [Encoding::Json, Encoding::Msgpack] {
            let body: SendBody = encoding.decode(&self.last(encoding)).unwrap();
            assert_eq!((&*body.src, body.seq), (batch.src, batch.seq), "{name}");
            assert_eq!(body.ack, batch.ack.map(|ack| ack.to_string()), "{name}");
            let messages: Vec<_> =
                body.msgs.unwrap().iter().map(|message| Message::read(message).unwrap()).collect();
            assert_eq!(messages, batch.msgs, "{name} as {encoding:?}");
        }
    }

    fn error(&mut self, name: &str, problem: &Problem) {
        self.both(name, problem);
        self.0.last_mut().unwrap().msgpack = None;
    }

    fn last(&self, encoding: Encoding) -> Vec<u8> {
        let last = self.0.last().unwrap();
        match encoding {
            Encoding::Json => last.json.get().as_bytes().to_vec(),
            Encoding::Msgpack => BASE64.decode(last.msgpack.as_ref().unwrap()).unwrap(),
        }
    }

    fn file(&self) -> Vec<u8> {
        let lines: Vec<_> = self.0.iter().map(|golden| serde_json::to_string(golden).unwrap()).collect();
        format!("[\n{}\n]\n", lines.join(",\n")).into_bytes()
    }
}

fn sessions(bodies: &mut Bodies) {
    let name = "Zoë 🦊".to_owned();
    bodies.both("POST /v1/sessions", &CreateSession { name: name.clone(), version: Some(1), key: key() });
    bodies.both("POST /v1/sessions, least", &CreateSession { name, version: None, key: None });
    bodies.both("POST /v1/sessions: 201", &session_created());
    bodies.both("GET /v1/time: 200", &Time { time_ms: 1_764_000_000_000 });
}

fn rooms(bodies: &mut Bodies) {
    bodies.both("POST /v1/join", &join());
    let (code, password) = (Some("kxqz".to_owned()), create_room().password);
    let by_code = Join { code, password, ..Join::default() };
    bodies.both("POST /v1/join, by code", &by_code);
    bodies.both("POST /v1/rooms", &create_room());
    bodies.both(
        "POST /v1/rooms/{id}/join",
        &JoinRoom {
            me: create_room().me,
            password: create_room().password,
            pass: Some("0f1e2d3c".to_owned()),
            will: create_room().will,
            key: key(),
        },
    );
    bodies.both("POST /v1/join: 200", &Seated { room: room(), seat: Seat(3) });
    bodies.both("POST /v1/leave: 200", &Left { left: true });
    bodies.both("GET /v1/rooms/{id}: 200", &OneRoom { room: room() });
    let member = Member {
        seat: Seat(3),
        id: PlayerId::from_random(NodeId(1), 0x1234_5678),
        name: "Zoë 🦊".to_owned(),
        me: create_room().me,
        bot: false,
        away: true,
        why: Some(AwayWhy::Lost),
    };
    let state = payload(&json!({"tick": 7}));
    let mut view = RoomView { room: room(), players: vec![member], state, blobs: Vec::new() };
    bodies.both("GET /v1/rooms/{id}/state: 200", &view);
    view.blobs = vec![blob()];
    bodies.both("GET /v1/rooms/{id}/state: 200, with a blob", &view);
    let public = RoomInfo {
        name: String::new(),
        private: false,
        password: false,
        locked: false,
        phase: Phase::Open,
        owner: Seat::GAME,
        meta: payload(&json!({})),
        ..room()
    };
    bodies
        .both("GET /v1/rooms: 200", &RoomList { rooms: vec![public.clone(), public], next: Some(room().id) });
    bodies.both("GET /v1/rooms: 200, last page", &RoomList { rooms: Vec::new(), next: None });
}

fn send(bodies: &mut Bodies) {
    bodies.batch("POST /v1/send", &Batch { src: "k7", seq: Some(41), ack: Some(ID), msgs: &messages() });
    bodies.batch("POST /v1/send, a bare ack", &Batch { src: "", seq: None, ack: Some(ID), msgs: &[] });
    for (message, name) in
        messages().into_iter().zip(["POST /v1/send, one message", "POST /v1/send, one with a rid"])
    {
        bodies.written(name, &message);
        for encoding in [Encoding::Json, Encoding::Msgpack] {
            let body: SendBody = encoding.decode(&bodies.last(encoding)).unwrap();
            assert!(body.kind.is_some() && body.msgs.is_none());
        }
    }
    bodies.both("POST /v1/send: 200", &answer());
    bodies.both("POST /v1/send: 200, least", &Answer { ack: 0, replies: Vec::new(), events: Vec::new() });
}

/// The data of messages to people, and of their replies.
fn calls(bodies: &mut Bodies) {
    let id = session_created().player.id;
    let say = Say { scope: Some(ChatScope::Player), game: None, to: Some(id), text: "hi".to_owned() };
    bodies.both("chat", &say);
    bodies.both("sward.lobby", &Watch { game: Some("relay".to_owned()), watch: false });
    bodies.both("sward.invite", &Invite { to: id });
    bodies.both("sward.knock", &Knock { room: Some(room().id), code: None });
    bodies.both("sward.knock, by code", &Knock { room: None, code: Some("kxqz".to_owned()) });
    bodies.both("sward.invite, sward.knock: reply", &Asked { id: 17, expires_ms: 1_764_000_030_000 });
    bodies.both("sward.answer", &AskAnswer { id: 17, accept: true });
    bodies.both("sward.withdraw", &Withdraw { id: 17 });
    let me = create_room().me;
    let party = "7f3a91c27f3a91c2".to_owned();
    let join = PartyCall { join: Some(party.clone()), me: me.clone(), ..PartyCall::default() };
    bodies.both("sward.party", &join);
    let kick =
        PartyCall { kick: Some(PlayerId::from_random(NodeId(1), 0x1234_5678)), ..PartyCall::default() };
    bodies.both("sward.party: kick", &kick);
    bodies.both("sward.party: reply", &PartyJoined { party });
    let (game, mode) = ("relay".to_owned(), "duel".to_owned());
    bodies.both("sward.queue", &QueueCall { game, mode, skill: 1_000, me });
}

fn operator(bodies: &mut Bodies) {
    let text = "Back in a minute".to_owned();
    let warning = Warning { level: WarnLevel::Boot, text, game: None, room: None };
    bodies.both("POST /v1/admin/warn", &warning);
    bodies.both("POST /v1/admin/warn: 200", &Warned { players: 450 });
    let in_a_game = Warning { level: WarnLevel::Info, game: Some("relay".to_owned()), ..warning.clone() };
    let in_a_room = Warning { room: Some(room().id), ..in_a_game.clone() };
    let warnings = vec![warning, in_a_game, Warning { game: None, ..in_a_room }];
    bodies.both("GET /v1/admin/warn: 200", &Warnings { warnings });
    let player = PlayerId::from_random(NodeId(1), 0x1234_5678);
    let kick = KickPlayer { player, ban: true, detail: "three strikes".to_owned() };
    bodies.both("POST /v1/admin/rooms/{id}/kick", &kick);
    bodies.both("POST /v1/admin/rooms/{id}/kick: 200", &Done { done: true });
    let inside = RoomInside { room: room(), players: Vec::new(), blobs: vec![blob()] };
    bodies.both("GET /v1/admin/rooms/{id}: 200", &inside);
}

fn problems(bodies: &mut Bodies) {
    bodies.error("problem", &problem(ErrorCode::BadName, 422));
    bodies.error(
        "problem, to be tried again",
        &Problem { retry_after_ms: Some(1_500), ..problem(ErrorCode::RoomBusy, 429) },
    );
    bodies.error("problem, a gap", &Problem { expected: Some(38), ..problem(ErrorCode::Gap, 409) });
}

#[test]
fn every_body_has_its_golden_bytes_and_reads_back_from_them() {
    let mut bodies = Bodies::default();
    sessions(&mut bodies);
    rooms(&mut bodies);
    send(&mut bodies);
    calls(&mut bodies);
    operator(&mut bodies);
    problems(&mut bodies);
    golden("bodies.json", &bodies.file());
}

#[test]
fn what_is_absent_is_its_default() {
    let join: Join = Encoding::Json.decode(br#"{"game":"relay","of_the_future":{"a":1}}"#).unwrap();
    assert_eq!(join, Join { game: Some("relay".to_owned()), ..Join::default() });
    let create: CreateRoom = Encoding::Json.decode(br#"{"game":"relay"}"#).unwrap();
    assert_eq!(create, CreateRoom::of("relay"));
    for (encoding, empty) in [
        (Encoding::Json, &b""[..]),
        (Encoding::Json, b" \r\n"),
        (Encoding::Msgpack, b""),
        (Encoding::Msgpack, b"\x80"),
    ] {
        assert_eq!(encoding.decode::<JoinRoom>(empty), Ok(JoinRoom::default()));
    }
    for (seats, want) in [("0", Some(0)), ("1000000000", Some(u16::MAX)), ("null", None)] {
        let room = format!(r#"{{"game":"relay","max_players":{seats}}}"#);
        let room: CreateRoom = Encoding::Json.decode(room.as_bytes()).unwrap();
        assert_eq!(room.max_players, want, "what no room has is refused by a code of its own");
    }
    let session: CreateSession = Encoding::Msgpack.decode(b"\x81\xa4name\xa2Bo").unwrap();
    assert_eq!(session, CreateSession { name: "Bo".to_owned(), version: None, key: None });
}
