//! Bodies of `POST /v1/send`.

use std::borrow::Cow;
use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, IgnoredAny, MapAccess, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;

use crate::ids::{EventId, Seat};
use crate::limits::{INTEGER_END, KEY_CHARS_MAX, PAYLOAD_BYTES_MAX, TYPE_CHARS_MAX};
use crate::payload::{CheckedMessage, Payload, PayloadError};
use crate::problem::{ErrorCode, MessageError};
use crate::read;

/// A body of `POST /v1/send` as it arrives: a batch, or one message on its own.
///
/// Messages are read one by one by [`Message::read`], so that a bad one does not spoil the others.
#[derive(Debug, Default, Deserialize)]
pub struct SendBody {
    /// The counter's name; absent is empty.
    #[serde(default, deserialize_with = "read::or_default")]
    pub src: String,
    /// The number of the first message; absent: no protection against repeats.
    #[serde(default)]
    pub seq: Option<u64>,
    /// The id of the last event that the client processed; absent, null or empty: none.
    #[serde(default)]
    pub ack: Option<String>,
    /// The messages of a batch.
    #[serde(default)]
    pub msgs: Option<Vec<CheckedMessage>>,
    /// Present when the body is one message.
    #[serde(default, rename = "type")]
    pub kind: Option<IgnoredAny>,
}

/// A batch as a client writes it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Batch<'a> {
    /// The counter's name.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub src: &'a str,
    /// The number of the first message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seq: Option<u64>,
    /// The id of the last event that the client processed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ack: Option<EventId>,
    /// The messages, at most 100.
    pub msgs: &'a [Message],
}

/// Whom a message is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum To {
    /// One seat.
    Seat(Seat),
    /// A group by name.
    Group(Group),
}

// By hand, as for `Keep`: what is wrong is said without a word of Rust.
impl<'de> Deserialize<'de> for To {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reading;
        impl Visitor<'_> for Reading {
            type Value = To;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a seat or \"all\" in `to`")
            }

            fn visit_u64<E: Error>(self, seat: u64) -> Result<To, E> {
                let seat =
                    u16::try_from(seat).map_err(|_| E::invalid_value(Unexpected::Unsigned(seat), &self));
                seat.map(|seat| To::Seat(Seat(seat)))
            }

            fn visit_str<E: Error>(self, name: &str) -> Result<To, E> {
                if name == "all" {
                    Ok(To::Group(Group::All))
                } else {
                    Err(E::invalid_value(Unexpected::Str(name), &self))
                }
            }
        }
        deserializer.deserialize_any(Reading)
    }
}

/// A group of players.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Group {
    /// Everybody in the room, the author included.
    All,
}

/// Under which name a message's data is kept for who comes later.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Keep {
    /// Of the author's seat; it goes with him.
    Seat(String),
    /// With its scope.
    Scoped {
        /// 1–64 characters.
        name: String,
        /// Whose it is.
        scope: KeepScope,
    },
}

impl<'de> Deserialize<'de> for Keep {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Scoped {
            name: String,
            scope: KeepScope,
        }
        struct Reading;
        impl<'de> Visitor<'de> for Reading {
            type Value = Keep;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name, or a name with its scope, in `keep`")
            }

            fn visit_str<E: Error>(self, name: &str) -> Result<Keep, E> {
                Ok(Keep::Seat(name.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, fields: A) -> Result<Keep, A::Error> {
                let Scoped { name, scope } = Scoped::deserialize(MapAccessDeserializer::new(fields))?;
                Ok(Keep::Scoped { name, scope })
            }
        }
        deserializer.deserialize_any(Reading)
    }
}

impl Keep {
    /// The name, 1–64 characters.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Seat(name) | Self::Scoped { name, .. } => name,
        }
    }

    /// Whose it is.
    #[must_use]
    pub fn scope(&self) -> KeepScope {
        match self {
            Self::Seat(_) => KeepScope::Seat,
            Self::Scoped { scope, .. } => *scope,
        }
    }
}

/// Whose a kept value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeepScope {
    /// The author's: each seat has names of its own, and they go when it goes.
    Seat,
    /// The room's: whoever writes it last.
    Room,
}

/// One message of a player's.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Message {
    /// 1–64 characters; `chat` and `sward.…` are the server's.
    #[serde(rename = "type")]
    pub kind: String,
    /// Absent is null.
    pub data: Payload,
    /// Asks for a reply.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rid: Option<u64>,
    /// Whom it is for, where the game supports that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<To>,
    /// Makes it latest-by-key, where the game supports that: a newer message of this key takes its place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Has its data kept, where the game supports that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keep: Option<Keep>,
}

#[derive(Deserialize)]
struct MessageFields<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    #[serde(default, borrow)]
    data: Option<&'a RawValue>,
    #[serde(default)]
    rid: Option<u64>,
    #[serde(default)]
    to: Option<To>,
    #[serde(default, borrow)]
    key: Option<Cow<'a, str>>,
    #[serde(default)]
    keep: Option<Keep>,
}

/// A message that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// The reply that its author waits for, if that much could be read.
    pub rid: Option<u64>,
    /// Why.
    pub error: MessageError,
}

#[derive(Deserialize)]
struct RidField {
    rid: u64,
}

impl Message {
    /// Reads one message.
    ///
    /// # Errors
    /// `too_deep` or `bad_payload` if its data may not be passed on, `bad_message` if it is no object with a usable
    /// `type`, or `rid`, `to`, `key` or `keep` are of the wrong shape.
    pub fn read(checked: &CheckedMessage) -> Result<Self, Unreadable> {
        let json = match &checked.0 {
            Ok(payload) => payload.json(),
            Err(rejected) => &rejected.json,
        };
        Self::read_checked(checked).map_err(|error| {
            let rid = serde_json::from_str::<RidField>(json).ok().map(|field| field.rid);
            Unreadable { rid: rid.filter(|&rid| rid < INTEGER_END), error }
        })
    }

    fn read_checked(checked: &CheckedMessage) -> Result<Self, MessageError> {
        let payload = checked.0.as_ref().map_err(|rejected| {
            let code = match rejected.error {
                PayloadError::TooDeep => ErrorCode::TooDeep,
                _ => ErrorCode::BadPayload,
            };
            MessageError::new(code, rejected.error.to_string())
        })?;
        let bad = |detail: String| MessageError::new(ErrorCode::BadMessage, detail);
        if !payload.json().starts_with('{') {
            return Err(bad("a message is an object".to_owned()));
        }
        let fields: MessageFields<'_> =
            serde_json::from_str(payload.json()).map_err(|error| bad(read::plain_words(&error)))?;
        if fields.kind.is_empty() || fields.kind.chars().count() > TYPE_CHARS_MAX {
            return Err(bad(format!("type has 1 to {TYPE_CHARS_MAX} characters")));
        }
        if fields.rid.is_some_and(|rid| rid >= INTEGER_END) {
            return Err(bad("rid is below 2^53".to_owned()));
        }
        let is_key = |key: &str| !key.is_empty() && key.chars().count() <= KEY_CHARS_MAX;
        if fields.key.as_deref().is_some_and(|key| !is_key(key)) {
            return Err(bad(format!("key has 1 to {KEY_CHARS_MAX} characters")));
        }
        if fields.keep.as_ref().is_some_and(|keep| !is_key(keep.name())) {
            return Err(bad(format!("keep has 1 to {KEY_CHARS_MAX} characters")));
        }
        let data = fields.data.map_or_else(Payload::null, Payload::part_of_scanned);
        if data.json_len() > PAYLOAD_BYTES_MAX {
            let detail = format!("data has at most {PAYLOAD_BYTES_MAX} bytes as JSON");
            return Err(MessageError::new(ErrorCode::BadPayload, detail));
        }
        let key = fields.key.map(Cow::into_owned);
        Ok(Self {
            kind: fields.kind.into_owned(),
            data,
            rid: fields.rid,
            to: fields.to,
            key,
            keep: fields.keep,
        })
    }
}

/// Answer to `POST /v1/send`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// The number of the last applied message of this `src`; 0: none.
    pub ack: u64,
    /// Of each message that asked for a reply, or failed.
    pub replies: Vec<Reply>,
    /// To a session whose stream is drained: the events above the request's `ack`, in order and without a hole.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<PastEvent>,
}

/// An event in an answer: its id, its name and its data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PastEvent(pub EventId, pub String, pub Payload);

/// What became of one message: `data` or `error`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reply {
    /// The message's index in the request.
    pub i: usize,
    /// The message's `rid`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rid: Option<u64>,
    /// The game's answer; null is one too.
    #[serde(default, deserialize_with = "answered", skip_serializing_if = "Option::is_none")]
    pub data: Option<Payload>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<MessageError>,
}

/// Serde takes null for `None`: then an answer of null could not be told from none.
fn answered<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Payload>, D::Error> {
    Payload::deserialize(deserializer).map(Some)
}

impl Reply {
    /// The reply that a result calls for: none for a success that nobody asked about.
    #[must_use]
    pub fn of(i: usize, rid: Option<u64>, result: Result<Payload, MessageError>) -> Option<Self> {
        match result {
            Ok(data) => rid.map(|rid| Self { i, rid: Some(rid), data: Some(data), error: None }),
            Err(error) => Some(Self { i, rid, data: None, error: Some(error) }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(json: &str, want: Result<&str, &str>) {
        let got = Message::read(&CheckedMessage::from_json(json));
        match (&got, want) {
            (Ok(message), Ok(kind)) => assert_eq!(message.kind, kind),
            (Err(unreadable), Err(code)) => assert_eq!(unreadable.error.code, code, "{json}"),
            _ => panic!("{json}: {got:?}"),
        }
    }

    #[test]
    fn a_message_is_an_object_with_a_type() {
        check(r#"{"type":"wave"}"#, Ok("wave"));
        check(r#"{"type":"w\u0061ve","data":[1],"rid":7,"to":3,"extra":{}}"#, Ok("wave"));
        check(r#"{"type":"wave","to":"all"}"#, Ok("wave"));
        check(r#"["wave",1]"#, Err("bad_message"));
        check("5", Err("bad_message"));
        check("{}", Err("bad_message"));
        check(r#"{"type":5}"#, Err("bad_message"));
        check(r#"{"type":""}"#, Err("bad_message"));
        check(r#"{"type":"w","rid":-1}"#, Err("bad_message"));
        check(r#"{"type":"w","rid":9007199254740992}"#, Err("bad_message"));
        check(r#"{"type":"w","to":"nobody"}"#, Err("bad_message"));
        check(r#"{"type":"w","key":"pos"}"#, Ok("w"));
        check(r#"{"type":"w","key":""}"#, Err("bad_message"));
        check(&format!(r#"{{"type":"w","key":"{}"}}"#, "k".repeat(65)), Err("bad_message"));
        check(r#"{"type":"w","keep":"hat"}"#, Ok("w"));
        check(r#"{"type":"w","keep":{"name":"board","scope":"room"}}"#, Ok("w"));
        check(r#"{"type":"w","keep":{"name":"hat","scope":"seat"}}"#, Ok("w"));
        check(r#"{"type":"w","keep":null}"#, Ok("w"));
        check(r#"{"type":"w","keep":""}"#, Err("bad_message"));
        check(r#"{"type":"w","keep":7}"#, Err("bad_message"));
        check(r#"{"type":"w","keep":{"name":"board"}}"#, Err("bad_message"));
        check(r#"{"type":"w","keep":{"name":"board","scope":"moon"}}"#, Err("bad_message"));
        check(&format!(r#"{{"type":"w","keep":"{}"}}"#, "k".repeat(65)), Err("bad_message"));
        check(r#"{"type":"w","data":"\ud800"}"#, Err("bad_payload"));
        check(&format!(r#"{{"type":"w","data":{}{}}}"#, "[".repeat(33), "]".repeat(33)), Err("too_deep"));
    }

    #[test]
    fn what_is_wrong_with_to_and_keep_is_said_in_plain_words() {
        let said = |json: &str| Message::read(&CheckedMessage::from_json(json)).unwrap_err().error.detail;
        for json in [r#"{"type":"w","to":-3}"#, r#"{"type":"w","to":"Bo"}"#, r#"{"type":"w","to":65536}"#] {
            assert!(said(json).contains("expected a seat or \"all\" in `to`"), "{}", said(json));
        }
        assert!(said(r#"{"type":"w","keep":7}"#).contains("expected a name, or a name with its scope"));
        assert!(said(r#"{"type":"w","keep":{"name":"hat"}}"#).contains("missing field `scope`"));
    }

    #[test]
    fn whoever_asked_is_answered_even_if_his_message_cannot_be_read() {
        for json in [
            r#"{"type":5,"rid":7}"#,
            r#"{"rid":7}"#,
            r#"{"type":"w","rid":7,"to":1.5}"#,
            r#"{"type":"w","data":"\ud800","rid":7}"#,
            &format!(r#"{{"type":"w","data":{}{},"rid":7}}"#, "[".repeat(33), "]".repeat(33)),
        ] {
            let unreadable = Message::read(&CheckedMessage::from_json(json)).unwrap_err();
            assert_eq!(unreadable.rid, Some(7), "{json}");
        }
        // {"type": "w", "rid": 7, "data": bin} and {"type": "w", "rid": 7, 1: 2}
        for tail in [&b"\xa4data\xc4\x01\x01"[..], &[1, 2]] {
            let packed = [&b"\x83\xa4type\xa1w\xa3rid\x07"[..], tail].concat();
            let unreadable = Message::read(&rmp_serde::from_slice(&packed).unwrap()).unwrap_err();
            assert_eq!((unreadable.rid, &*unreadable.error.code), (Some(7), "bad_payload"));
        }
    }

    #[test]
    fn data_that_grows_past_an_event_as_json_is_refused() {
        let packed =
            rmp_serde::to_vec_named(&serde_json::json!({"type": "w", "data": "\u{1}".repeat(30_000)}));
        let checked = rmp_serde::from_slice(&packed.unwrap()).unwrap();
        assert_eq!(Message::read(&checked).unwrap_err().error.code, "bad_payload");
    }

    #[test]
    fn a_reply_is_sent_when_asked_for_or_failed() {
        assert_eq!(Reply::of(0, None, Ok(Payload::null())), None);
        let json = |reply: Option<Reply>| serde_json::to_string(&reply).unwrap();
        assert_eq!(json(Reply::of(1, Some(7), Ok(Payload::null()))), r#"{"i":1,"rid":7,"data":null}"#);
        let error = MessageError::new(ErrorCode::UnknownType, "no");
        assert_eq!(
            json(Reply::of(0, None, Err(error))),
            r#"{"i":0,"error":{"code":"unknown_type","detail":"no"}}"#
        );
    }
}
