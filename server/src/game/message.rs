//! What players send, read as the game's own type.

use std::fmt;

use serde::de::value::StrDeserializer;
use serde::de::{self, DeserializeOwned, DeserializeSeed, IntoDeserializer as _, MapAccess, Visitor};
use serde::{Deserializer, forward_to_deserialize_any};
use sward_protocol::payload::Payload;
use sward_protocol::problem::{ErrorCode, MessageError};
use sward_protocol::upstream::Message;

/// What a game can take for its [`Message`](super::Game::Message): whatever serde reads from `{"type", "data"}`, or
/// [`Raw`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be what players send",
    note = "`#[derive(Deserialize)] #[serde(tag = \"type\", content = \"data\", rename_all = \"snake_case\")]`"
)]
pub trait Incoming: Sized {
    /// Reads a message.
    ///
    /// # Errors
    /// What its author is told: `unknown_type` or `bad_payload`.
    fn read(message: Message) -> Result<Self, MessageError>;
}

/// A message as it came, whatever its type: for games that pass things on without looking into them. Its data was scanned
/// when it came in, and is not looked at again. What it has is in [`Message`]: `kind` (on the wire `type`), `data`, and what
/// a player may ask for besides, which only such a game can heed: whom it is for (`to`), the `key` of a latest value, under
/// which name it is to be kept (`keep`).
///
/// ```
/// use sward_server::game::{Audience, Group, Message, Raw, Reply, Room, Seat, To, done};
///
/// fn pass_on(room: &mut Room<'_>, from: Seat, Raw(message): Raw) -> Reply {
///     let Message { kind, data, to, key, .. } = message;
///     let audience = match to {
///         Some(To::Seat(seat)) => Audience::Only(seat),
///         Some(To::Group(Group::All)) => Audience::All,
///         None => Audience::Except(from),
///     };
///     match key {
///         Some(key) => room.pass_on_latest(from, audience, &key, &kind, data),
///         None => room.pass_on(from, audience, &kind, data),
///     }
///     done()
/// }
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Raw(pub Message);

impl Incoming for Raw {
    fn read(message: Message) -> Result<Self, MessageError> {
        Ok(Self(message))
    }
}

impl<T: DeserializeOwned> Incoming for T {
    fn read(message: Message) -> Result<Self, MessageError> {
        let wrong = match T::deserialize(Tagged(&message)) {
            Ok(read) => return Ok(read),
            Err(wrong) => wrong,
        };
        // Nothing at all is said as null by some clients and as {} by others.
        let other = match message.data.json() {
            "null" => Some("{}"),
            json if json.bytes().filter(|byte| !byte.is_ascii_whitespace()).eq(*b"{}") => Some("null"),
            _ => None,
        };
        let wrong = match other.and_then(|json| Payload::from_json(json).ok()) {
            Some(data) if matches!(wrong, Wrong::Data(_)) => {
                match T::deserialize(Tagged(&Message { data, ..message })) {
                    Ok(read) => return Ok(read),
                    // It names the field, and not the type that only the game's author knows.
                    Err(Wrong::Data(detail)) if detail.starts_with(LACKS_A_FIELD) => Wrong::Data(detail),
                    Err(_) => wrong,
                }
            }
            _ => wrong,
        };
        Err(match wrong {
            Wrong::Type(detail) => MessageError::new(ErrorCode::UnknownType, detail),
            Wrong::Data(detail) => MessageError::new(ErrorCode::BadPayload, detail),
        })
    }
}

/// How serde says it.
const LACKS_A_FIELD: &str = "data: missing field";

/// What is wrong with a message.
#[derive(Debug)]
enum Wrong {
    /// The game has no such type.
    Type(String),
    /// The data is of another shape.
    Data(String),
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Type(detail) | Self::Data(detail) => f.write_str(detail),
        }
    }
}

impl std::error::Error for Wrong {}

impl de::Error for Wrong {
    fn custom<T: fmt::Display>(detail: T) -> Self {
        Self::Data(sward_protocol::read::plain_words(&detail))
    }

    /// Only the tag is read with this error; a variant within the data is serde_json's.
    fn unknown_variant(found: &str, expected: &'static [&'static str]) -> Self {
        Self::Type(format!("the game knows {}, not {found:?}", expected.join(", ")))
    }
}

/// A message as the map `{"type", "data"}`. The type comes first, so serde reads the data where it stands, without a tree
/// in between.
struct Tagged<'a>(&'a Message);

impl<'de> Deserializer<'de> for Tagged<'de> {
    type Error = Wrong;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        visitor.visit_map(Fields { message: self.0, next: Field::Type })
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        _: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Wrong> {
        Err(Wrong::Data(format!("the game's {name} lacks #[serde(tag = \"type\", content = \"data\")]")))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

enum Field {
    Type,
    Data,
    End,
}

struct Fields<'a> {
    message: &'a Message,
    next: Field,
}

impl<'de> MapAccess<'de> for Fields<'de> {
    type Error = Wrong;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Wrong> {
        let key: StrDeserializer<'_, Wrong> = match self.next {
            Field::Type => "type".into_deserializer(),
            Field::Data => "data".into_deserializer(),
            Field::End => return Ok(None),
        };
        seed.deserialize(key).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Wrong> {
        if matches!(self.next, Field::Type) {
            self.next = Field::Data;
            let kind: StrDeserializer<'_, Wrong> = self.message.kind.as_str().into_deserializer();
            return seed.deserialize(kind);
        }
        self.next = Field::End;
        let mut json = serde_json::Deserializer::from_str(self.message.data.json());
        seed.deserialize(Strict(&mut json)).map_err(|error| Wrong::Data(format!("data: {error}")))
    }
}

/// The data itself is a struct only if it is an object: serde would also take an array of its fields.
struct Strict<D>(D);

macro_rules! pass_on {
    ($($method:ident($($argument:ident: $type:ty),*);)*) => {
        $(fn $method<V: Visitor<'de>>(self, $($argument: $type,)* visitor: V) -> Result<V::Value, D::Error> {
            self.0.$method($($argument,)* visitor)
        })*
    };
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Strict<D> {
    type Error = D::Error;

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.0.deserialize_map(visitor)
    }

    pass_on! {
        deserialize_any();
        deserialize_bool();
        deserialize_i8();
        deserialize_i16();
        deserialize_i32();
        deserialize_i64();
        deserialize_i128();
        deserialize_u8();
        deserialize_u16();
        deserialize_u32();
        deserialize_u64();
        deserialize_u128();
        deserialize_f32();
        deserialize_f64();
        deserialize_char();
        deserialize_str();
        deserialize_string();
        deserialize_bytes();
        deserialize_byte_buf();
        deserialize_option();
        deserialize_unit();
        deserialize_unit_struct(name: &'static str);
        deserialize_newtype_struct(name: &'static str);
        deserialize_seq();
        deserialize_tuple(len: usize);
        deserialize_tuple_struct(name: &'static str, len: usize);
        deserialize_map();
        deserialize_enum(name: &'static str, variants: &'static [&'static str]);
        deserialize_identifier();
        deserialize_ignored_any();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(tag = "type", content = "data", rename_all = "snake_case")]
    enum Known {
        Move {
            x: f64,
            y: f64,
        },
        Paint(Colour),
        Pick(Pick),
        Say(String),
        Row(Vec<u8>),
        Maybe(Option<u8>),
        Look {
            from: Option<u8>,
            #[serde(default)]
            far: bool,
        },
        GiveUp,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Colour {
        Red,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    struct Pick {
        flower: u16,
        #[serde(default)]
        both: bool,
    }

    fn message(kind: &str, data: &str) -> Message {
        let data = Payload::from_json(data).unwrap();
        Message { kind: kind.to_owned(), data, rid: None, to: None, key: None, keep: None }
    }

    #[test]
    fn a_message_is_read_as_the_variant_of_its_type() {
        for (kind, data, want) in [
            ("move", r#"{"x":1,"y":2.5,"z":3}"#, Known::Move { x: 1.0, y: 2.5 }),
            ("paint", r#""red""#, Known::Paint(Colour::Red)),
            ("pick", r#"{"flower":7}"#, Known::Pick(Pick { flower: 7, both: false })),
            ("say", r#""a\nb""#, Known::Say("a\nb".to_owned())),
            ("row", "[1,2]", Known::Row(vec![1, 2])),
            ("maybe", "3", Known::Maybe(Some(3))),
            ("maybe", "null", Known::Maybe(None)),
            ("maybe", "{}", Known::Maybe(None)),
            ("give_up", "null", Known::GiveUp),
            ("give_up", "{}", Known::GiveUp),
            ("give_up", "{ }", Known::GiveUp),
            ("look", "{}", Known::Look { from: None, far: false }),
            ("look", "null", Known::Look { from: None, far: false }),
        ] {
            assert_eq!(Known::read(message(kind, data)), Ok(want), "{kind} {data}");
        }
    }

    #[test]
    fn whatever_does_not_fit_is_answered_with_a_code() {
        for (kind, data, code) in [
            ("fly", "null", "unknown_type"),
            ("Move", r#"{"x":1,"y":2}"#, "unknown_type"),
            ("", "null", "unknown_type"),
            ("move", "null", "bad_payload"),
            ("move", "[1,2]", "bad_payload"),
            ("move", r#"{"x":1}"#, "bad_payload"),
            ("paint", r#""blue""#, "bad_payload"),
            ("pick", "[7,true]", "bad_payload"),
            ("pick", r#"{"flower":-1}"#, "bad_payload"),
            ("pick", r#"{"flower":65536}"#, "bad_payload"),
            ("row", "[256]", "bad_payload"),
            ("give_up", "1", "bad_payload"),
            ("give_up", r#"{"why":1}"#, "bad_payload"),
            ("say", "{}", "bad_payload"),
            ("row", "null", "bad_payload"),
        ] {
            let error = Known::read(message(kind, data)).unwrap_err();
            assert_eq!(error.code, code, "{kind} {data}: {}", error.detail);
        }
        let error = Known::read(message("fly", "null")).unwrap_err();
        assert_eq!(
            error.detail,
            r#"the game knows move, paint, pick, say, row, maybe, look, give_up, not "fly""#
        );
    }

    #[test]
    fn who_sends_nothing_is_told_what_is_missing() {
        let detail = |kind: &str| Known::read(message(kind, "null")).unwrap_err().detail;
        assert!(detail("move").starts_with("data: missing field `x`"), "{}", detail("move"));
        assert!(detail("say").contains("expected a string"), "{}", detail("say"));
    }

    #[test]
    fn an_enum_without_its_tag_is_told_from_a_bad_message() {
        let error = Colour::read(message("red", "null")).unwrap_err();
        assert!(error.detail.contains("lacks #[serde(tag"), "{error}");
    }

    #[test]
    fn a_raw_message_is_what_was_sent() {
        let sent = message("any", r#"{"x":[1]}"#);
        assert_eq!(Raw::read(sent.clone()), Ok(Raw(sent)));
    }
}
