//! Whatever the bytes: a value or an error, never a panic.
#![allow(clippy::unwrap_used, reason = "a test may fail by a panic")]

use proptest::prelude::*;
use sward_protocol::codec::Encoding;
use sward_protocol::downstream::Event;
use sward_protocol::payload::Payload;
use sward_protocol::rooms::{CreateRoom, Join};
use sward_protocol::session::CreateSession;
use sward_protocol::sse::decode::Parser;
use sward_protocol::upstream::{Message, SendBody};
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
