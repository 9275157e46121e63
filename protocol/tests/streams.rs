//! Streams of random events with hostile payloads, in every form: what one side writes the other reads, however the
//! bytes are cut; and whatever the bytes, there is an event or an error, never a panic.
#![allow(clippy::unwrap_used, reason = "a test may fail by a panic")]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use proptest::prelude::*;
use proptest::sample::Index;
use sward_protocol::bye::{Bye, CloseCode};
use sward_protocol::codec::Encoding;
use sward_protocol::downstream::*;
use sward_protocol::format::{ChunkWriter, Delivery, Format, ReadError, Reader};
use sward_protocol::fragment::Fragment;
use sward_protocol::frames;
use sward_protocol::ids::{Epoch, EventId, NodeId, PlayerId, RoomId, Seat};
use sward_protocol::limits::JOINED_BYTES_MAX;
use sward_protocol::payload::Payload;
use sward_protocol::rooms::{Phase, RoomChange, RoomInfo};
use sward_protocol::session::{Player, Time};
use sward_protocol::social::{Chat, ChatScope};

const FORMATS: [Format; 5] = [
    Format::Sse { encoding: Encoding::Json, batch: false },
    Format::Sse { encoding: Encoding::Json, batch: true },
    Format::Sse { encoding: Encoding::Msgpack, batch: false },
    Format::Sse { encoding: Encoding::Msgpack, batch: true },
    Format::Frames,
];

/// What streams are made of, well-formed and not.
const PARTS: &[&[u8]] = &[
    b"data: ",
    b"data: ",
    b"data",
    b"\n",
    b"\n\n",
    b"\n\n",
    b"\r",
    b"event: batch\n",
    b"event: msg\n",
    b"id: 00000001.5\n",
    b"retry: 99999999999999999999\n",
    b"[[\"msg\",{}]]",
    b"[\"msg\"]",
    b"{\"from\":1,\"type\":\"a\",\"data\":1}",
    b"kqNtc2eA",
    b",",
    b"==",
    b"\0\0\0\x05",
    b"\x93\xc0\xa1a\xc0",
    b"\xff",
    b"\xc1\x80",
    b"\xef\xbb\xbf",
    b"a",
];

/// Text that would end a line, an event or a string, if it were not escaped; and of lengths around a base64 group.
fn hostile_text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("\r"),
        Just("\n"),
        Just("\r\n"),
        Just("\n\nevent: bye\ndata: {}\n\n"),
        Just("\n\nid: 00000000.99\n\n"),
        Just("\u{2028}\u{2029}\u{85}"),
        Just("\0"),
        Just("\u{FEFF}"),
        Just("\"]],\\"),
        Just("\\ud83e"),
        Just("🦊"),
        Just("x"),
        Just("=,="),
    ];
    prop_oneof![
        any::<String>(),
        prop::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat()),
        (0..70_usize).prop_map(|length| "y".repeat(length)),
    ]
}

fn json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<u64>().prop_map(Into::into),
        any::<f64>().prop_map(|number| serde_json::json!(number)),
        Just(serde_json::json!(-0.0)),
        hostile_text().prop_map(Into::into),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Into::into),
            prop::collection::hash_map(hostile_text(), inner, 0..6)
                .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
        ]
    })
}

/// A payload as a player could have written it: with white space between its tokens.
fn payload() -> impl Strategy<Value = Payload> {
    json().prop_map(|value| {
        let pretty = serde_json::to_string_pretty(&value).unwrap().replace('\n', "\r\n");
        Payload::from_json(&pretty).unwrap()
    })
}

fn member() -> impl Strategy<Value = Member> {
    (any::<u16>(), any::<u128>(), hostile_text(), payload(), any::<bool>()).prop_map(
        |(seat, id, name, me, away)| Member {
            seat: Seat(seat),
            id: PlayerId::from_random(NodeId(1), id),
            name,
            me,
            away,
            why: away.then_some(AwayWhy::Keyboard),
            bot: away,
        },
    )
}

fn joined() -> impl Strategy<Value = Event> {
    (hostile_text(), payload(), payload(), prop::collection::vec(member(), 0..4)).prop_map(
        |(name, meta, state, players)| {
            let (id, code) = (RoomId::from_random(NodeId(1), 7), "KXQZ".to_owned());
            let (game, max_players, players_now) = (name.clone(), 50, u16::try_from(players.len()).unwrap());
            let room = RoomInfo {
                id,
                game,
                code,
                name,
                max_players,
                players: players_now,
                private: false,
                password: false,
                locked: false,
                phase: Phase::Open,
                owner: Seat(1),
                meta,
            };
            let (seat, chat, blobs) = (Seat(1), Vec::new(), Vec::new());
            Event::Joined(Box::new(Joined { room, seat, players, state, chat, seed: Some(7), blobs }))
        },
    )
}

/// An event that has a number.
fn numbered() -> impl Strategy<Value = Event> {
    let here = member()
        .prop_map(|Member { seat, id, name, me, bot, .. }| Event::Here(Here { seat, id, name, me, bot }));
    let msg = (any::<u16>(), hostile_text(), payload())
        .prop_map(|(from, kind, data)| Event::Msg(Msg { from: Seat(from), kind, data }));
    let chat = (hostile_text(), hostile_text()).prop_map(|(text, name)| {
        let player = Player { id: PlayerId::from_random(NodeId(1), 7), name };
        let (from, scope) = (Some(Seat(1)), ChatScope::Room);
        Event::Chat(Chat { from, scope, text, player, game: None, to: None, time_ms: 7 })
    });
    prop_oneof![
        4 => msg,
        2 => chat,
        1 => here,
        1 => joined(),
        1 => payload().prop_map(Event::Patch),
        1 => payload().prop_map(Event::State),
        1 => payload().prop_map(|data| Event::Pong(Pong { data })),
        1 => (any::<Option<bool>>(), proptest::option::of(payload()))
            .prop_map(|(locked, meta)| Event::Room(RoomChange { locked, meta: meta.filter(|meta| *meta != Payload::null()), ..RoomChange::default() })),
        1 => any::<u16>().prop_map(|seat| Event::Gone(Gone { seat: Seat(seat), why: GoneWhy::Moved, detail: None })),
        1 => any::<u16>().prop_map(|seat| Event::Away(Away { seat: Seat(seat), why: AwayWhy::Lost })),
        1 => any::<u16>().prop_map(|seat| Event::Back(Back { seat: Seat(seat) })),
    ]
}

/// One write to a stream.
#[derive(Debug, Clone)]
enum Write {
    Own(Event),
    Numbered(Vec<Event>),
    Padding(usize),
    Retry(u64),
}

fn writes() -> impl Strategy<Value = Vec<Write>> {
    let own = prop_oneof![
        any::<u64>().prop_map(|time_ms| Event::Noop(Time { time_ms })),
        Just(Event::Reset(Reset { reason: ResetReason::OtherEpoch })),
        any::<u64>().prop_map(|retry_ms| Event::Bye(Bye::new(CloseCode::Rotated, retry_ms))),
    ];
    let write = prop_oneof![
        3 => prop::collection::vec(numbered(), 1..5).prop_map(Write::Numbered),
        1 => own.prop_map(Write::Own),
        1 => (0..70_usize).prop_map(Write::Padding),
        1 => (0..100_000_u64).prop_map(Write::Retry),
    ];
    prop::collection::vec(write, 0..6)
}

/// What is to be read as one: the id, and the events.
type Said = (Option<String>, Vec<Event>);

/// The bytes, and what is to be read from them.
fn written(format: Format, writes: &[Write]) -> (Vec<u8>, Vec<Said>) {
    let (mut out, mut want, mut seq) = (Vec::new(), Vec::new(), 0);
    let batch = matches!(format, Format::Sse { batch: true, .. });
    for write in writes {
        match write {
            Write::Padding(spaces) => format.push_padding(&mut out, *spaces),
            Write::Retry(retry_ms) => format.push_retry(&mut out, *retry_ms),
            Write::Own(event) => {
                format.push_own(&mut out, Fragment::of(event).unwrap().encoded());
                want.push((None, vec![event.clone()]));
            }
            Write::Numbered(events) => {
                let mut chunk = ChunkWriter::new(format);
                for event in events {
                    seq += 1;
                    let id = EventId { epoch: Epoch(1), seq };
                    assert!(chunk.push_within(id, Fragment::of(event).unwrap().encoded(), usize::MAX));
                    if !batch {
                        want.push((Some(id.to_string()), vec![event.clone()]));
                    }
                }
                if batch {
                    let id = EventId { epoch: Epoch(1), seq };
                    want.push((Some(id.to_string()), events.clone()));
                }
                assert_eq!(chunk.count(), events.len() as u64);
                out.extend(chunk.finish());
            }
        }
    }
    (out, want)
}

fn read(format: Format, chunks: &[&[u8]]) -> Result<Vec<Delivery>, ReadError> {
    let (mut reader, mut deliveries) = (Reader::new(format), Vec::new());
    for chunk in chunks {
        reader.feed(chunk, |delivery| deliveries.push(delivery))?;
    }
    Ok(deliveries)
}

/// Cuts bytes at random places.
fn pieces<'a>(bytes: &'a [u8], cuts: &[Index]) -> Vec<&'a [u8]> {
    let mut at: Vec<_> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
    at.extend([0, bytes.len()]);
    at.sort_unstable();
    at.windows(2).map(|ends| &bytes[ends[0]..ends[1]]).collect()
}

/// MessagePack has no second text for a number, and JSON has: what was sent as `1.50` comes back as `1.5`.
fn meaning(event: &Event) -> (&'static str, serde_json::Value) {
    let mut json = Vec::new();
    event.write_json(&mut json).unwrap();
    (event.name(), serde_json::from_slice(&json).unwrap())
}

/// `-0` is a double, so three bytes of JSON are nine of MessagePack and twelve of base64: nothing grows by more.
#[test]
fn the_largest_joined_is_read_in_every_form() {
    let state = format!("[{}0]", "-0,".repeat((JOINED_BYTES_MAX - 400) / 3));
    let room = RoomInfo {
        id: RoomId::from_random(NodeId(1), 7),
        game: "relay".to_owned(),
        code: "KXQZ".to_owned(),
        name: String::new(),
        max_players: 50,
        players: 0,
        private: false,
        password: false,
        locked: false,
        phase: Phase::Open,
        owner: Seat(1),
        meta: Payload::null(),
    };
    let state = Payload::from_json(&state).unwrap();
    let event = Event::Joined(Box::new(Joined {
        room,
        seat: Seat(1),
        players: Vec::new(),
        state,
        chat: Vec::new(),
        seed: None,
        blobs: Vec::new(),
    }));
    let bytes = Fragment::of(&event).unwrap().into_item().len();
    assert!((JOINED_BYTES_MAX - 300..=JOINED_BYTES_MAX).contains(&bytes), "{bytes} bytes");
    for format in FORMATS {
        let (bytes, _) = written(format, &[Write::Numbered(vec![event.clone()])]);
        let pieces: Vec<_> = bytes.chunks(16 * 1024).collect();
        let deliveries = read(format, &pieces).unwrap();
        let read = deliveries[0].events[0].read().unwrap().unwrap();
        assert_eq!(meaning(&read), meaning(&event), "{format:?}");
    }
}

proptest! {
    #[test]
    fn what_is_written_in_any_form_is_read_as_it_was_however_it_is_cut(
        writes in writes(),
        cuts in prop::collection::vec(any::<Index>(), 0..12),
    ) {
        for format in FORMATS {
            let (bytes, want) = written(format, &writes);
            let whole = read(format, &[&bytes]).unwrap();
            prop_assert_eq!(&read(format, &pieces(&bytes, &cuts)).unwrap(), &whole, "{:?}", format);
            prop_assert_eq!(whole.len(), want.len(), "{:?}", format);
            for (delivery, (id, events)) in whole.iter().zip(&want) {
                prop_assert_eq!(&delivery.id, id);
                let got: Vec<_> = delivery.events.iter().map(|event| meaning(&event.read().unwrap().unwrap())).collect();
                prop_assert_eq!(got, events.iter().map(meaning).collect::<Vec<_>>(), "{:?}", format);
            }
        }
    }

    #[test]
    fn an_event_says_the_same_in_json_and_in_messagepack(event in numbered()) {
        let fragment = Fragment::of(&event).unwrap();
        let (name, json) = (fragment.encoded().name(), std::str::from_utf8(fragment.encoded().json()).unwrap());
        prop_assert!(!json.contains(['\r', '\n']));
        prop_assert_eq!(Event::read(name, json).unwrap(), Some(event.clone()));
        let mut data = Vec::new();
        event.write_msgpack(&mut data).unwrap();
        let packed = fragment.encoded().packed();
        prop_assert_eq!(&packed[1 + name.len()..], &data[..]);
        let from_packed: serde_json::Value = rmp_serde::from_slice(&data).unwrap();
        prop_assert_eq!(from_packed, serde_json::from_str::<serde_json::Value>(json).unwrap());
    }

    #[test]
    fn a_chunk_is_as_full_as_its_bound_allows(
        events in prop::collection::vec(numbered(), 1..8),
        bytes_max in 1..2_000_usize,
    ) {
        for format in FORMATS {
            let mut chunk = ChunkWriter::new(format);
            let fragments: Vec<_> = events.iter().map(|event| Fragment::of(event).unwrap()).collect();
            let id = |seq| EventId { epoch: Epoch(1), seq };
            let all = (1..).zip(&fragments);
            let fits = all.take_while(|(seq, event)| chunk.push_within(id(*seq), event.encoded(), bytes_max)).count();
            prop_assert_eq!((fits as u64, fits > 0), (chunk.count(), true), "{:?}", format);
            let bytes = chunk.finish();
            // What surrounds a batch is not counted.
            let slack = if matches!(format, Format::Sse { batch: true, .. }) { 64 } else { 0 };
            prop_assert!(fits == 1 || bytes.len() <= bytes_max + slack, "{format:?}: {} bytes", bytes.len());
            let mut longer = ChunkWriter::new(format);
            for (seq, event) in (1..).zip(fragments.iter().take(fits + 1)) {
                prop_assert!(longer.push_within(id(seq), event.encoded(), usize::MAX));
            }
            prop_assert!(fits == events.len() || longer.finish().len() > bytes_max, "{format:?}");
        }
    }

    #[test]
    fn items_that_stand_together_are_written_as_one_by_one(events in prop::collection::vec(numbered(), 1..8)) {
        let fragments: Vec<_> = events.iter().map(|event| Fragment::of(event).unwrap()).collect();
        let items: Vec<_> = fragments.iter().map(|event| event.encoded().item()).collect();
        let (items, count) = (items.join(&b','), events.len() as u64);
        let id = |seq| EventId { epoch: Epoch(1), seq };
        for format in FORMATS {
            let (mut together, mut singly) = (ChunkWriter::new(format), ChunkWriter::new(format));
            if !together.push_items_within(id(count), &items, count, 1 << 20) {
                prop_assert_ne!(format, Format::Sse { encoding: Encoding::Json, batch: true });
                continue;
            }
            prop_assert!(!together.push_items_within(id(2 * count), &items, count, 2 * items.len()));
            prop_assert!(together.push_items_within(id(2 * count), &items, count, 2 * items.len() + 1));
            for (seq, event) in (1..).zip(fragments.iter().chain(&fragments)) {
                singly.push_within(id(seq), event.encoded(), usize::MAX);
            }
            prop_assert_eq!(together.count(), singly.count());
            prop_assert_eq!(together.finish(), singly.finish());
        }
    }

    #[test]
    fn any_bytes_are_read_or_refused_alike_however_they_are_cut(
        bytes in prop::collection::vec(prop::sample::select(PARTS), 0..40).prop_map(|parts| parts.concat()),
        cuts in prop::collection::vec(any::<Index>(), 0..6),
    ) {
        for format in FORMATS {
            let whole = read(format, &[&bytes]);
            let cut = read(format, &pieces(&bytes, &cuts));
            prop_assert_eq!(&cut, &whole, "{:?}", format);
            for event in whole.iter().flatten().flat_map(|delivery| &delivery.events) {
                let _ = event.read();
            }
        }
    }

    #[test]
    fn any_bytes_are_frames_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        for format in FORMATS {
            let _ = read(format, &[&bytes]);
        }
        // And with a head that fits, so that what is in the frame is looked at.
        let length = u32::try_from(bytes.len()).unwrap().to_be_bytes();
        let mut parser = frames::Parser::default();
        let _ = parser.feed(&[&length[..], &bytes].concat(), |frame| {
            let _ = Event::read_msgpack(&frame.name, &frame.data);
        });
    }

    #[test]
    fn an_item_of_a_batch_may_be_any_messagepack_or_none(items in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..24), 0..4)) {
        let encoded: Vec<_> = items.iter().map(|item| BASE64.encode([&[0x92, 0xa3, b'm', b's', b'g'][..], item].concat())).collect();
        let stream = format!("id: 00000001.1\nevent: batch\ndata: {}\n\n", encoded.join(","));
        match read(FORMATS[3], &[stream.as_bytes()]) {
            Ok(deliveries) => {
                prop_assert_eq!(deliveries[0].events.len(), items.len());
                for event in &deliveries[0].events {
                    let _ = event.read();
                }
            }
            Err(_) => prop_assert!(items.is_empty()),
        }
    }
}
