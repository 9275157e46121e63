//! Whatever a player sends goes to the others, or to all, or to one: a game without server code.

use std::time::Duration;

use serde::Deserialize;
use sward_protocol::ids::Seat;
use sward_protocol::payload::Payload;
use sward_protocol::problem::{ErrorCode, MessageError};
use sward_protocol::upstream::{Group, Message, To};

use crate::game::{Audience, BadOptions, Game, Random, Room, Settings};

/// The longest flush interval that a room's creator may ask for, in milliseconds.
const FLUSH_MS_MAX: u64 = 1000;

/// The relay. `docs/protocol.md` has its options and its addressing.
#[derive(Debug, Clone)]
pub struct Relay {
    options: Options,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(default)]
struct Options {
    flush_ms: u64,
    echo: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { flush_ms: 33, echo: false }
    }
}

impl Game for Relay {
    fn create(options: &Payload, _random: &mut Random) -> Result<Self, BadOptions> {
        let options: Options = options.parse().map_err(|error| BadOptions(error.to_string()))?;
        if options.flush_ms > FLUSH_MS_MAX {
            return Err(BadOptions(format!("flush_ms is at most {FLUSH_MS_MAX}")));
        }
        Ok(Self { options })
    }

    fn settings(&self) -> Settings {
        Settings::new(50).with_flush(Duration::from_millis(self.options.flush_ms))
    }

    fn message(
        &mut self,
        room: &mut Room<'_>,
        from: Seat,
        message: &Message,
    ) -> Result<Payload, MessageError> {
        let audience = match message.to {
            Some(To::Seat(seat)) if room.players().contains_key(&seat) => Audience::Only(seat),
            Some(To::Seat(seat)) => {
                let detail = format!("nobody sits on seat {seat}");
                return Err(MessageError::new(ErrorCode::NoSuchSeat, detail));
            }
            Some(To::Group(Group::All)) => Audience::All,
            None if self.options.echo => Audience::All,
            None => Audience::Except(from),
        };
        let data = message.data.clone();
        match &message.key {
            Some(key) => room.send_latest(audience, from, key, &message.kind, data),
            None => room.send(audience, from, &message.kind, data),
        }
        Ok(Payload::null())
    }

    fn state(&self, _seat: Seat) -> Payload {
        Payload::null()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TestRoom;

    fn room(options: &str) -> TestRoom<Relay> {
        TestRoom::new(options).unwrap()
    }

    #[test]
    fn a_message_goes_to_the_others_and_with_echo_to_its_author_too() {
        let mut room = room("{}");
        let (zoe, bo, mo) = (room.join("Zoë"), room.join("Bo"), room.join("Mo"));
        room.send(zoe, r#"{"type":"wave","data":[1]}"#).unwrap();
        assert_eq!(room.heard(zoe), Vec::<String>::new());
        let wave = r#"msg {"from":1,"type":"wave","data":[1]}"#;
        assert_eq!(room.heard(bo), [wave]);
        assert_eq!(room.heard(mo), [wave]);

        let mut echoing = self::room(r#"{"echo":true}"#);
        let zoe = echoing.join("Zoë");
        echoing.send(zoe, r#"{"type":"wave","data":[1]}"#).unwrap();
        assert_eq!(echoing.heard(zoe), [wave]);
    }

    #[test]
    fn a_message_can_be_addressed_to_one_or_to_all() {
        let mut room = room("{}");
        let (zoe, bo, mo) = (room.join("Zoë"), room.join("Bo"), room.join("Mo"));
        room.send(zoe, r#"{"type":"a","to":3}"#).unwrap();
        room.send(zoe, r#"{"type":"b","to":"all"}"#).unwrap();
        assert_eq!(room.heard(zoe), [r#"msg {"from":1,"type":"b","data":null}"#]);
        assert_eq!(room.heard(bo).len(), 1);
        assert_eq!(room.heard(mo).len(), 2);
        let error = room.send(zoe, r#"{"type":"a","to":4}"#).unwrap_err();
        assert_eq!(error.code, "no_such_seat");
    }

    #[test]
    fn options_are_checked() {
        assert_eq!(room(r#"{"flush_ms":0}"#).settings().flush, Duration::ZERO);
        for bad in [r#"{"flush_ms":1001}"#, r#"{"flush_ms":-1}"#, r#"{"echo":"yes"}"#] {
            assert!(TestRoom::<Relay>::new(bad).is_err(), "{bad}");
        }
    }
}
