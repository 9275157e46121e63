//! The wire's bytes. The files in `tests/golden` are the contract made concrete: these tests and the browser SDK's
//! tests read the same ones. After a deliberate change of the wire run `SWARD_BLESS=1 cargo test -p sward-protocol`
//! and read the difference.
#![allow(clippy::disallowed_methods, reason = "a test may read files")]
#![allow(clippy::unwrap_used, reason = "a test may fail by a panic")]

mod support;

use serde_json::json;
use sward_protocol::blobs::{BlobChange, BlobInfo};
use sward_protocol::bye::{Bye, CloseCode};
use sward_protocol::codec::Encoding;
use sward_protocol::downstream::*;
use sward_protocol::format::{ChunkWriter, Delivery, Format, Reader};
use sward_protocol::fragment::Fragment;
use sward_protocol::ids::{Epoch, EventId, NodeId, PlayerId, RoomId, Seat};
use sward_protocol::rooms::{Phase, RoomChange, RoomInfo};
use sward_protocol::session::{Player, Time};
use sward_protocol::social::{
    Ask, AskState, Chat, ChatScope, Lines, Lobby, LobbyCounts, Party, QueueNews, QueueState, QueueWhy,
    Standing,
};
use sward_protocol::sse::{decode, encode};

use support::{golden, payload};
use sward_protocol::operator::{Warn, WarnLevel, WarnScope};

const EPOCH: Epoch = Epoch(0x7f3a_91c2);

fn player() -> Player {
    Player { id: PlayerId::from_random(NodeId(1), 0x1234_5678), name: "Zoë 🦊".to_owned() }
}

fn line(from: Option<Seat>, scope: ChatScope) -> Chat {
    Chat {
        from,
        scope,
        text: "สวัสดี \"you\" \\ id: 7".to_owned(),
        player: player(),
        game: (scope == ChatScope::Lobby).then(|| "meadow".to_owned()),
        to: (scope == ChatScope::Player).then(player),
        time_ms: 1_764_000_000_050,
    }
}

fn info() -> RoomInfo {
    let room = RoomId::from_random(NodeId(1), 0x9abc);
    RoomInfo {
        id: room,
        game: "meadow".to_owned(),
        code: "KXQZ".to_owned(),
        name: String::new(),
        max_players: 50,
        players: 1,
        private: false,
        password: false,
        locked: false,
        phase: Phase::Open,
        owner: Seat(1),
        meta: payload(&json!({})),
    }
}

fn blob() -> BlobInfo {
    BlobInfo {
        name: "map".to_owned(),
        etag: "0f1e2d3c4b5a69788796a5b4c3d2e1f0".to_owned(),
        size_bytes: 1_048_576,
        kind: "text/plain; charset=\"utf-8\"".to_owned(),
    }
}

fn queue(state: QueueState) -> QueueNews {
    let (game, mode) = ("relay".to_owned(), "duel".to_owned());
    QueueNews { state, game, mode, standing: None, room: None, teams: Vec::new(), why: None }
}

/// What players hear outside of rooms.
fn of_players() -> Vec<Event> {
    let room = info().id;
    let id = player().id;
    let ask = Ask {
        id: 17,
        state: AskState::Asked,
        room: info(),
        host: player(),
        guest: Player { name: "محمد".to_owned(), ..player() },
        expires_ms: 1_764_000_030_000,
        pass: Some("0f1e2d3c4b5a69788796a5b4c3d2e1f0".to_owned()),
    };
    let standing = Standing { position: 1, waiting: 2, since_ms: 1_764_000_000_000, from: 900, to: 1_100 };
    let refused = Ask { state: AskState::Refused, pass: None, ..ask.clone() };
    vec![
        Event::Invite(Box::new(ask)),
        Event::Knock(Box::new(refused)),
        Event::Party(Party { party: Some("7f3a91c27f3a91c2".to_owned()), members: vec![player()] }),
        Event::Party(Party { party: None, members: Vec::new() }),
        Event::Queue(Box::new(QueueNews { standing: Some(standing), ..queue(QueueState::Waiting) })),
        Event::Queue(Box::new(QueueNews {
            room: Some(room),
            teams: vec![vec![id], vec![id]],
            ..queue(QueueState::Matched)
        })),
        Event::Queue(Box::new(QueueNews { why: Some(QueueWhy::Party), ..queue(QueueState::Left) })),
        Event::Chat(line(None, ChatScope::Lobby)),
        Event::Chat(line(None, ChatScope::Server)),
        Event::Lines(Lines { scope: ChatScope::Player, lines: vec![line(None, ChatScope::Player)] }),
        Event::Lobby(Box::new(Lobby {
            game: Some("meadow".to_owned()),
            reset: true,
            rooms: vec![info()],
            closed: Vec::new(),
            here: vec![player()],
            gone: Vec::new(),
            counts: LobbyCounts { watching: 2, online: 7, rooms: 101, playing: 300 },
            next: Some(room),
            chat: vec![line(None, ChatScope::Lobby)],
        })),
        Event::Lobby(Box::new(Lobby {
            game: None,
            reset: false,
            rooms: Vec::new(),
            closed: vec![room],
            here: Vec::new(),
            gone: vec![id],
            counts: LobbyCounts::default(),
            next: None,
            chat: Vec::new(),
        })),
    ]
}

/// One of each event, in an order that a stream could have.
fn events() -> Vec<Event> {
    let id = PlayerId::from_random(NodeId(1), 0x1234_5678);
    let room = RoomId::from_random(NodeId(1), 0x9abc);
    let name = "Zoë 🦊".to_owned();
    let me = payload(&json!({"animal": "fox"}));
    let member = |seat, why: Option<AwayWhy>| Member {
        seat: Seat(seat),
        id,
        name: name.clone(),
        me: me.clone(),
        away: why.is_some(),
        why,
        bot: false,
    };
    let players = vec![member(1, None), member(3, Some(AwayWhy::Keyboard))];
    let mut events = vec![
        Event::Hello(Hello {
            epoch: EPOCH,
            last: EventId { epoch: EPOCH, seq: 0 },
            resumed: false,
            player: Some(Player { id, name }),
            room: Some(RoomSeat { id: room, seat: Seat(1) }),
            time_ms: 1_764_000_000_000,
            heartbeat_ms: 5000,
            watchdog_ms: 15_000,
            version: 1,
        }),
        Event::Reset(Reset { reason: ResetReason::TooOld }),
        Event::Joined(Box::new(Joined {
            room: info(),
            seat: Seat(1),
            players,
            state: payload(&json!({"tick": 7})),
            seed: None,
            chat: vec![line(Some(Seat(1)), ChatScope::Room)],
            blobs: vec![blob()],
        })),
        Event::Noop(Time { time_ms: 1_764_000_000_075 }),
        Event::Here(Here { seat: Seat(2), id, name: "محمد".to_owned(), me, bot: false }),
        Event::Away(Away { seat: Seat(2), why: AwayWhy::Lost }),
        Event::Away(Away { seat: Seat(2), why: AwayWhy::Keyboard }),
        Event::Back(Back { seat: Seat(2) }),
        Event::Msg(Msg {
            from: Seat(2),
            kind: "wave".to_owned(),
            data: payload(&json!(["a\nb\u{2028}", 1.5, null])),
        }),
        Event::Chat(line(Some(Seat(1)), ChatScope::Room)),
        Event::State(payload(&json!({"tick": 8, "animals": []}))),
        Event::Patch(payload(&json!({"tick": 9}))),
        Event::Blob(blob().into()),
        Event::Blob(BlobChange::removed("map")),
    ];
    events.extend(changes(id));
    events.extend([
        Event::Gone(Gone { seat: Seat(2), why: GoneWhy::Lost, detail: None }),
        Event::Gone(Gone {
            seat: Seat(3), why: GoneWhy::Kicked, detail: Some("three “strikes”".to_owned())
        }),
        Event::Pong(Pong { data: payload(&json!(12.25)) }),
        Event::Warn(Warn {
            level: WarnLevel::Boot,
            scope: WarnScope::All,
            text: "Back in a minute".to_owned(),
        }),
    ]);
    events.extend(of_players());
    events.push(Event::Bye(Bye::new(CloseCode::Shutdown, 1234)));
    events
}

/// What becomes of a room.
fn changes(id: PlayerId) -> Vec<Event> {
    vec![
        Event::Room(RoomChange {
            locked: Some(true),
            meta: Some(payload(&json!({"map": "dale"}))),
            ..RoomChange::default()
        }),
        Event::Room(RoomChange { locked: Some(false), ..RoomChange::default() }),
        Event::Room(RoomChange {
            name: Some("Zoë’s \"room\"".to_owned()),
            max_players: Some(4),
            owner: Some(Seat(3)),
            ..RoomChange::default()
        }),
        Event::Here(Here {
            seat: Seat(4),
            id,
            name: "Robin 🤖".to_owned(),
            me: payload(&json!(null)),
            bot: true,
        }),
        Event::Start(Start { seed: (1 << 53) - 1 }),
        Event::Room(RoomChange { phase: Some(Phase::Playing), ..RoomChange::default() }),
        Event::Room(RoomChange { phase: Some(Phase::Paused), ..RoomChange::default() }),
        Event::Gone(Gone { seat: Seat(4), why: GoneWhy::Banned, detail: None }),
    ]
}

/// The events as a stream would carry them: ids on all but `hello`, `reset`, `noop` and `bye`.
fn stream() -> Vec<u8> {
    let mut out = Vec::new();
    encode::push_retry(&mut out, 1500);
    encode::push_padding(&mut out, 16);
    for (seq, event) in (1..).zip(events()) {
        if !matches!(event, Event::Hello(_) | Event::Reset(_) | Event::Noop(_) | Event::Bye(_)) {
            encode::push_id(&mut out, EventId { epoch: EPOCH, seq });
        }
        out.extend(encode::body(&event).unwrap());
    }
    out
}

/// Every form of a stream, with the file that holds its bytes.
const FORMATS: [(Format, &str); 5] = [
    (Format::Sse { encoding: Encoding::Json, batch: false }, "stream.sse"),
    (Format::Sse { encoding: Encoding::Json, batch: true }, "stream.batch.sse"),
    (Format::Sse { encoding: Encoding::Msgpack, batch: false }, "stream.msgpack.sse"),
    (Format::Sse { encoding: Encoding::Msgpack, batch: true }, "stream.batch.msgpack.sse"),
    (Format::Frames, "stream.frames"),
];

/// The same events in a form of one's choice. What stands between two events of the stream's own is written at once.
fn formatted(format: Format) -> Vec<u8> {
    let mut out = Vec::new();
    format.push_retry(&mut out, 1500);
    format.push_padding(&mut out, 16);
    let mut chunk = ChunkWriter::new(format);
    for (seq, event) in (1..).zip(events()) {
        let fragment = Fragment::of(&event).unwrap();
        if matches!(event, Event::Hello(_) | Event::Reset(_) | Event::Noop(_) | Event::Bye(_)) {
            out.extend(std::mem::replace(&mut chunk, ChunkWriter::new(format)).finish());
            format.push_own(&mut out, fragment.encoded());
        } else {
            assert!(chunk.push_within(EventId { epoch: EPOCH, seq }, fragment.encoded(), usize::MAX));
        }
    }
    out.extend(chunk.finish());
    out
}

fn received(format: Format, chunks: &[&[u8]]) -> Vec<Delivery> {
    let (mut reader, mut deliveries) = (Reader::new(format), Vec::new());
    for chunk in chunks {
        reader.feed(chunk, |delivery| deliveries.push(delivery)).unwrap();
    }
    deliveries
}

fn parsed(chunks: &[&[u8]]) -> Vec<decode::Frame> {
    let mut parser = decode::Parser::new(1 << 20);
    let mut frames = Vec::new();
    for chunk in chunks {
        parser.feed(chunk, |frame| frames.push(frame)).unwrap();
    }
    frames
}

#[test]
fn the_stream_has_its_golden_bytes() {
    for (format, file) in FORMATS {
        golden(file, &formatted(format));
    }
    assert_eq!(formatted(Format::default()), stream());
}

#[test]
fn every_form_reads_back_as_the_same_events_however_it_is_cut() {
    for (format, file) in FORMATS {
        let bytes = formatted(format);
        let whole = received(format, &[&bytes]);
        let got: Vec<_> =
            whole.iter().flat_map(|delivery| &delivery.events).map(|event| event.read().unwrap()).collect();
        assert_eq!(got, events().into_iter().map(Some).collect::<Vec<_>>(), "{file}");
        for cut in 0..=bytes.len() {
            assert_eq!(received(format, &[&bytes[..cut], &bytes[cut..]]), whole, "{file} cut at {cut}");
        }
    }
}

#[test]
fn a_batch_bears_the_id_of_its_last_event() {
    let deliveries = received(FORMATS[1].0, &[&formatted(FORMATS[1].0)]);
    let shape: Vec<_> =
        deliveries.iter().map(|delivery| (delivery.id.as_deref(), delivery.events.len())).collect();
    let want =
        [(None, 1), (None, 1), (Some("7f3a91c2.3"), 1), (None, 1), (Some("7f3a91c2.38"), 34), (None, 1)];
    assert_eq!(shape, want);
}

#[test]
fn the_stream_parses_to_its_golden_events() {
    let frames: Vec<_> = parsed(&[&stream()])
        .into_iter()
        .map(|frame| {
            let data: serde_json::Value = serde_json::from_str(&frame.data).unwrap();
            json!({"id": frame.id, "name": frame.name, "data": data})
        })
        .collect();
    let mut text = serde_json::to_string_pretty(&frames).unwrap();
    text.push('\n');
    golden("stream.events.json", text.as_bytes());
}

#[test]
fn every_event_reads_back_as_itself() {
    for event in events() {
        let mut json = Vec::new();
        event.write_json(&mut json).unwrap();
        let json = String::from_utf8(json).unwrap();
        assert_eq!(Event::read(event.name(), &json).unwrap(), Some(event));
    }
    assert_eq!(Event::read("of_the_future", "{}").unwrap(), None);
}

#[test]
fn a_stream_cut_anywhere_gives_the_same_events() {
    let stream = stream();
    let whole = parsed(&[&stream]);
    assert_eq!(whole.len(), events().len());
    for line_end in ["\n", "\r", "\r\n"] {
        let text = String::from_utf8(stream.clone()).unwrap().replace('\n', line_end);
        let bytes = format!("\u{FEFF}{text}").into_bytes();
        for cut in 0..=bytes.len() {
            assert_eq!(parsed(&[&bytes[..cut], &bytes[cut..]]), whole, "{line_end:?} cut at {cut}");
        }
    }
}
