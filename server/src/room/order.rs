//! What players may tell their room, its owner most of it: messages that begin with `sward.` and are for the room.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use sward_protocol::ids::{PlayerId, Seat};
use sward_protocol::limits::ROOM_PLAYERS_MAX;
use sward_protocol::payload::Payload;
use sward_protocol::problem::{ErrorCode, MessageError};
use sward_protocol::rooms::check_meta;
use sward_protocol::upstream::Message;
use sward_protocol::{read, text};

/// Every order, by its type on the wire.
const TYPES: [&str; 13] = [
    "sward.lock",
    "sward.unlock",
    "sward.rename",
    "sward.resize",
    "sward.meta",
    "sward.kick",
    "sward.ban",
    "sward.unban",
    "sward.give",
    "sward.start",
    "sward.over",
    "sward.away",
    "sward.back",
];

/// An order, checked as far as it can be without its room.
#[derive(Debug, Clone, PartialEq)]
pub enum Order {
    /// Let nobody else in.
    Lock,
    /// Let others in again.
    Unlock,
    /// Give the room another name; empty takes it away.
    Rename(String),
    /// Have so many seats, 1–4,096.
    Resize(u16),
    /// Show this object in lists.
    Meta(Payload),
    /// Put somebody out.
    Kick {
        /// Whom.
        seat: Seat,
        /// What he is told.
        detail: Option<String>,
    },
    /// Put somebody out for good.
    Ban {
        /// Whom.
        seat: Seat,
        /// What he is told.
        detail: Option<String>,
    },
    /// Let somebody come back.
    Unban(PlayerId),
    /// Hand the room over.
    Give(Seat),
    /// Begin to play.
    Start,
    /// Play no more.
    Over,
    /// Its author is away from the keyboard.
    Away,
    /// Its author is there again.
    Back,
}

#[derive(Deserialize)]
struct Name {
    name: String,
}

#[derive(Deserialize)]
struct Seats {
    #[serde(deserialize_with = "read::seats")]
    max_players: Option<u16>,
}

#[derive(Deserialize)]
struct Meta {
    meta: Payload,
}

#[derive(Deserialize)]
struct Whom {
    seat: Seat,
    #[serde(default)]
    detail: Option<String>,
}

#[derive(Deserialize)]
struct Who {
    id: PlayerId,
}

impl Order {
    /// Whether messages of this type are orders.
    #[must_use]
    pub fn is_one(kind: &str) -> bool {
        TYPES.contains(&kind)
    }

    /// Whether only the room's owner may say it.
    #[must_use]
    pub fn is_owners(&self) -> bool {
        !matches!(self, Self::Away | Self::Back)
    }

    /// Reads a message that is an order.
    ///
    /// # Errors
    /// `bad_payload` for data of another shape; `bad_name`, `bad_max` or `bad_meta` for what a room cannot have;
    /// `unknown_type` if it is no order.
    pub fn read(message: &Message) -> Result<Self, MessageError> {
        let data = &message.data;
        Ok(match message.kind.as_str() {
            "sward.lock" => Self::Lock,
            "sward.unlock" => Self::Unlock,
            "sward.rename" => Self::Rename(name(&fields::<Name>(data)?.name)?),
            "sward.resize" => Self::Resize(seats(fields::<Seats>(data)?.max_players)?),
            "sward.meta" => Self::Meta(meta(fields::<Meta>(data)?.meta)?),
            "sward.kick" => {
                let Whom { seat, detail: said } = fields(data)?;
                Self::Kick { seat, detail: detail(said)? }
            }
            "sward.ban" => {
                let Whom { seat, detail: said } = fields(data)?;
                Self::Ban { seat, detail: detail(said)? }
            }
            "sward.unban" => Self::Unban(fields::<Who>(data)?.id),
            "sward.give" => Self::Give(fields::<Whom>(data)?.seat),
            "sward.start" => Self::Start,
            "sward.over" => Self::Over,
            "sward.away" => Self::Away,
            "sward.back" => Self::Back,
            kind => {
                return Err(MessageError::new(
                    ErrorCode::UnknownType,
                    format!("the server knows no {kind:?}"),
                ));
            }
        })
    }
}

fn fields<T: DeserializeOwned>(data: &Payload) -> Result<T, MessageError> {
    let bad = |why: String| MessageError::new(ErrorCode::BadPayload, format!("data: {why}"));
    // Serde would also take an array of the fields.
    if !data.json().starts_with('{') {
        return Err(bad("an object is needed".to_owned()));
    }
    data.parse().map_err(|error| bad(read::plain_words(&error)))
}

fn name(name: &str) -> Result<String, MessageError> {
    if name.is_empty() {
        return Ok(String::new());
    }
    text::name(name).map_err(|error| MessageError::new(ErrorCode::BadName, format!("name: {error}")))
}

fn seats(seats: Option<u16>) -> Result<u16, MessageError> {
    let none = || MessageError::new(ErrorCode::BadPayload, "data: max_players is a number of seats");
    let bad = || MessageError::new(ErrorCode::BadMax, format!("max_players is 1 to {ROOM_PLAYERS_MAX}"));
    Some(seats.ok_or_else(none)?).filter(|seats| (1..=ROOM_PLAYERS_MAX).contains(seats)).ok_or_else(bad)
}

fn meta(meta: Payload) -> Result<Payload, MessageError> {
    let checked = check_meta(&meta);
    checked.map(|()| meta).map_err(|why| MessageError::new(ErrorCode::BadMeta, format!("meta {why}")))
}

/// What is said to somebody who is put out; the others read it too.
fn detail(detail: Option<String>) -> Result<Option<String>, MessageError> {
    let said = text::gone_detail(&detail.unwrap_or_default());
    said.map_err(|error| MessageError::new(ErrorCode::BadPayload, format!("detail: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(kind: &str, data: &str) -> Result<Order, MessageError> {
        let data = Payload::from_json(data).unwrap();
        Order::read(&Message { kind: kind.to_owned(), data, rid: None, to: None, key: None, keep: None })
    }

    #[test]
    fn each_order_is_read() {
        let id = "00000000-0000-8000-8000-000000000007";
        for (kind, data, want) in [
            ("sward.lock", "null", Order::Lock),
            ("sward.unlock", r#"{"of_the_future":1}"#, Order::Unlock),
            ("sward.rename", r#"{"name":"  Nest 🦊 "}"#, Order::Rename("Nest 🦊".to_owned())),
            ("sward.rename", r#"{"name":""}"#, Order::Rename(String::new())),
            ("sward.resize", r#"{"max_players":1000}"#, Order::Resize(1000)),
            ("sward.meta", r#"{"meta":{}}"#, Order::Meta(Payload::from_json("{}").unwrap())),
            ("sward.kick", r#"{"seat":3,"detail":null}"#, Order::Kick { seat: Seat(3), detail: None }),
            (
                "sward.ban",
                r#"{"seat":3,"detail":" too loud "}"#,
                Order::Ban { seat: Seat(3), detail: Some("too loud".to_owned()) },
            ),
            ("sward.unban", &format!(r#"{{"id":"{id}"}}"#), Order::Unban(id.parse().unwrap())),
            ("sward.give", r#"{"seat":2}"#, Order::Give(Seat(2))),
            ("sward.start", "null", Order::Start),
            ("sward.over", "null", Order::Over),
            ("sward.away", "null", Order::Away),
            ("sward.back", "null", Order::Back),
        ] {
            assert!(Order::is_one(kind));
            assert_eq!(order(kind, data), Ok(want), "{kind} {data}");
        }
    }

    #[test]
    fn what_no_room_can_have_is_refused_with_a_code_of_its_own() {
        let large = format!(r#"{{"meta":{{"a":"{}"}}}}"#, "x".repeat(1024));
        for (kind, data, code) in [
            ("sward.dance", "null", "unknown_type"),
            ("sward.rename", "null", "bad_payload"),
            ("sward.rename", r#"{"name":7}"#, "bad_payload"),
            ("sward.rename", r#"{"name":"   "}"#, "bad_name"),
            ("sward.rename", r#"{"name":"a\u0007b"}"#, "bad_name"),
            ("sward.resize", r#"{"max_players":0}"#, "bad_max"),
            ("sward.resize", r#"{"max_players":4097}"#, "bad_max"),
            ("sward.resize", r#"{"max_players":1000000000}"#, "bad_max"),
            ("sward.resize", r#"{"max_players":-1}"#, "bad_max"),
            ("sward.resize", r#"{"max_players":1.5}"#, "bad_max"),
            ("sward.resize", r#"{"max_players":null}"#, "bad_payload"),
            ("sward.resize", r#"{"max_players":"many"}"#, "bad_payload"),
            ("sward.meta", r#"{"meta":[1]}"#, "bad_meta"),
            ("sward.meta", r#"{"meta":null}"#, "bad_meta"),
            ("sward.meta", "{}", "bad_payload"),
            ("sward.meta", &large, "bad_meta"),
            ("sward.kick", "3", "bad_payload"),
            ("sward.kick", r#"{"seat":3,"detail":"a\nb"}"#, "bad_payload"),
            ("sward.ban", r#"{"seat":3,"detail":"a\u202eb"}"#, "bad_payload"),
            ("sward.ban", &format!(r#"{{"seat":3,"detail":"{}"}}"#, "x".repeat(201)), "bad_payload"),
            ("sward.kick", r#"{"seat":-3}"#, "bad_payload"),
            ("sward.kick", r#"{"seat":65536}"#, "bad_payload"),
            ("sward.unban", r#"{"id":"Bo"}"#, "bad_payload"),
            ("sward.give", "[2]", "bad_payload"),
        ] {
            let error = order(kind, data).unwrap_err();
            assert_eq!(error.code, code, "{kind} {data}: {}", error.detail);
        }
    }
}
