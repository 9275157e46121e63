//! Whatever the bytes: a value or an error, never a panic.
#![allow(clippy::unwrap_used, reason = "a test may fail by a panic")]

use proptest::prelude::*;
use sward_protocol::codec::Encoding;
use sward_protocol::downstream::Event;
use sward_protocol::limits::INTEGER_END;
use sward_protocol::payload::Payload;
use sward_protocol::rooms::{CreateRoom, Join};
use sward_protocol::session::CreateSession;
use sward_protocol::sse::decode::Parser;
use sward_protocol::upstream::{Batch, Group, Message, SendBody, To};
use sward_protocol::{ids, text};

fn json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<u64>().prop_map(Into::into),
        any::<f64>().prop_map(|number| serde_json::json!(number)),
        any::<String>().prop_map(Into::into),
    ];
    leaf.prop_recursive(5, 64, 8, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8).prop_map(Into::into),
            prop::collection::hash_map(any::<String>(), inner, 0..8)
                .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
        ]
    })
}

fn message() -> impl Strategy<Value = Message> {
    let to =
        prop_oneof![any::<u16>().prop_map(|seat| To::Seat(ids::Seat(seat))), Just(To::Group(Group::All))];
    (
        "\\PC{1,64}",
        json(),
        prop::option::of(0..INTEGER_END),
        prop::option::of(to),
        prop::option::of(prop::collection::vec(any::<char>(), 1..=64)),
    )
        .prop_map(|(kind, data, rid, to, key)| {
            let key = key.map(|chars| chars.into_iter().collect());
            Message { kind, data: Payload::of(&data).unwrap(), rid, to, key, keep: None }
        })
}

/// Values inside each other are read by functions that call themselves; a body of them must not end the stack.
#[test]
fn a_body_nested_a_thousand_times_is_refused() {
    let times = 20_000;
    let map = |inner: &[u8]| [&b"\x82\xa3src\x80\xa4msgs\x91"[..], inner].concat();
    for packed in [
        vec![0x91; times],
        b"\x81\xa1a".repeat(times),
        map(&vec![0x91; times]),
        map(&b"\x81\xa4data".repeat(times)),
    ] {
        assert!(Encoding::Msgpack.decode::<SendBody>(&packed).is_err());
        assert!(Encoding::Msgpack.decode::<Join>(&packed).is_err());
        assert!(Event::read_msgpack("patch", &packed).is_err());
    }
    for open in ["[", "{\"a\":", "{\"msgs\":[", "{\"me\":", "{\"filter\":{\"a\":"] {
        let json = open.repeat(times);
        assert!(Encoding::Json.decode::<SendBody>(json.as_bytes()).is_err());
        assert!(Encoding::Json.decode::<Join>(json.as_bytes()).is_err());
        assert!(Event::read("patch", &json).is_err());
        assert!(Payload::from_json(&json).is_err());
    }
    let deep = format!("{}{}", "[".repeat(times), "]".repeat(times));
    assert!(Payload::from_json(&deep).is_err());
    assert!(Encoding::Json.decode::<Join>(format!("{{\"me\":{deep}}}").as_bytes()).is_err());
    let beside = format!("{{\"name\":\"Bo\",\"of_the_future\":{deep}}}");
    assert!(Encoding::Json.decode::<CreateSession>(beside.as_bytes()).is_ok());
}

proptest! {
    #[test]
    fn any_bytes_decode_or_fail(bytes in prop::collection::vec(any::<u8>(), 0..512)) {
        for encoding in [Encoding::Json, Encoding::Msgpack] {
            if let Ok(body) = encoding.decode::<SendBody>(&bytes) {
                for message in body.msgs.iter().flatten() {
                    let _ = Message::read(message);
                }
            }
            let _ = encoding.decode::<CreateSession>(&bytes);
            let _ = encoding.decode::<Join>(&bytes);
            let _ = encoding.decode::<CreateRoom>(&bytes);
        }
        let _ = Parser::new(256).feed(&bytes, |_| {});
    }

    #[test]
    fn any_text_reads_or_fails(string in any::<String>()) {
        let _ = Payload::from_json(&string);
        let _ = Event::read("joined", &string);
        let _ = string.parse::<ids::Token>();
        let _ = string.parse::<ids::EventId>();
        let _ = text::chat(&string);
        if let Ok(name) = text::name(&string) {
            let again = text::name(&name);
            prop_assert_eq!(again.as_deref(), Ok(name.as_str()), "one form only");
        }
    }

    #[test]
    fn a_payload_is_one_line_and_means_what_was_sent(value in json()) {
        let pretty = serde_json::to_string_pretty(&value).unwrap().replace('\n', "\r\n");
        let payload = Payload::from_json(&pretty).unwrap();
        prop_assert!(!payload.json().contains(['\r', '\n']));
        prop_assert_eq!(payload.parse::<serde_json::Value>().unwrap(), serde_json::from_str::<serde_json::Value>(&pretty).unwrap());
    }

    #[test]
    fn a_payload_survives_messagepack(value in json()) {
        let payload = Payload::of(&value).unwrap();
        let bytes = Encoding::Msgpack.encode(&payload).unwrap();
        let back: Payload = rmp_serde::from_slice(&bytes).unwrap();
        prop_assert_eq!(back.parse::<serde_json::Value>().unwrap(), payload.parse::<serde_json::Value>().unwrap());
    }

    #[test]
    fn what_a_client_writes_is_what_the_server_reads(
        src in "[ -~]{0,32}",
        seq in prop::option::of(any::<u64>()),
        ack in prop::option::of((any::<u32>(), 0..INTEGER_END)),
        msgs in prop::collection::vec(message(), 0..6),
    ) {
        let ack = ack.map(|(epoch, seq)| ids::EventId { epoch: ids::Epoch(epoch), seq });
        let batch = Batch { src: &src, seq, ack, msgs: &msgs };
        for encoding in [Encoding::Json, Encoding::Msgpack] {
            let body: SendBody = encoding.decode(&encoding.encode(&batch).unwrap()).unwrap();
            prop_assert_eq!((&body.src, body.seq, body.ack), (&src, seq, ack.map(|ack| ack.to_string())));
            let read: Vec<_> = body.msgs.unwrap().iter().map(|message| Message::read(message).unwrap()).collect();
            prop_assert_eq!(&read, &msgs, "{:?}", encoding);
        }
    }

    #[test]
    fn a_stream_of_any_bytes_parses_alike_however_it_is_cut(
        bytes in prop::collection::vec(prop_oneof![Just(b'\n'), Just(b'\r'), Just(b':'), Just(b' '), any::<u8>()], 0..200),
        cut in 0..200_usize,
    ) {
        let parse = |chunks: &[&[u8]]| {
            let mut parser = Parser::new(1 << 16);
            let mut frames = Vec::new();
            for chunk in chunks {
                parser.feed(chunk, |frame| frames.push(frame)).unwrap();
            }
            frames
        };
        let cut = cut.min(bytes.len());
        prop_assert_eq!(parse(&[&bytes[..cut], &bytes[cut..]]), parse(&[&bytes]));
    }
}
