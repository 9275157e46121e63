//! Whatever a player sends goes to the others, or to all, or to one: a game without server code.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use sward_protocol::upstream::{Group, To};

use crate::game::{
    Audience, BadOptions, ErrorCode, Game, MessageError, Payload, Random, Raw, Reply, Room, SaveError, Seat,
    Settings, done,
};

/// The longest flush interval that a room's creator may ask for, in milliseconds.
const FLUSH_MS_MAX: u64 = 1000;

/// The relay. `docs/protocol.md` has its options and its addressing.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default)]
pub struct Relay {
    flush_ms: u64,
    echo: bool,
}

impl Default for Relay {
    fn default() -> Self {
        Self { flush_ms: 33, echo: false }
    }
}

impl Game for Relay {
    // Passed on as it came, without a look into it.
    type Message = Raw;

    fn create(options: &Payload, _random: &mut Random) -> Result<Self, BadOptions> {
        let relay: Self = options.parse()?;
        if relay.flush_ms > FLUSH_MS_MAX {
            return Err(BadOptions(format!("flush_ms is at most {FLUSH_MS_MAX}")));
        }
        Ok(relay)
    }

    fn settings(&self) -> Settings {
        Settings::new(50).with_flush(Duration::from_millis(self.flush_ms))
    }

    fn message(&mut self, room: &mut Room<'_>, from: Seat, Raw(message): Raw) -> Reply {
        let to = match message.to {
            Some(To::Seat(seat)) if room.player(seat).is_some() => Audience::Only(seat),
            Some(To::Seat(seat)) => {
                let detail = format!("nobody sits on seat {seat}");
                return Err(MessageError::new(ErrorCode::NoSuchSeat, detail));
            }
            Some(To::Group(Group::All)) => Audience::All,
            None if self.echo => Audience::All,
            None => Audience::Except(from),
        };
        match message.key {
            Some(key) => room.pass_on_latest(from, to, &key, &message.kind, message.data),
            None => room.pass_on(from, to, &message.kind, message.data),
        }
        done()
    }

    fn save(&self) -> Result<Payload, SaveError> {
        Ok(Payload::of(self)?)
    }

    fn restore(saved: &Payload) -> Result<Self, SaveError> {
        Ok(saved.parse()?)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::testing::TestRoom;

    #[test]
    fn a_message_goes_to_the_others_and_with_echo_to_its_author_too() {
        let mut room = TestRoom::<Relay>::new();
        let (zoe, bo, mo) = (room.join("Zoë"), room.join("Bo"), room.join("Mo"));
        room.forget_heard();
        room.send(zoe, "wave", [1]).unwrap();
        assert_eq!(room.heard(zoe), [""; 0]);
        let wave = r#"msg {"from":1,"type":"wave","data":[1]}"#;
        assert_eq!(room.heard(bo), [wave]);
        assert_eq!(room.heard(mo), [wave]);

        let mut echoing = TestRoom::<Relay>::with(json!({"echo": true})).unwrap();
        let zoe = echoing.join("Zoë");
        echoing.send(zoe, "wave", [1]).unwrap();
        assert_eq!(echoing.heard(zoe), [wave]);
    }

    #[test]
    fn a_message_can_be_addressed_to_one_or_to_all() {
        let mut room = TestRoom::<Relay>::new();
        let (zoe, bo, mo) = (room.join("Zoë"), room.join("Bo"), room.join("Mo"));
        room.send_raw(zoe, r#"{"type":"a","data":1,"to":3}"#).unwrap();
        room.send_raw(zoe, r#"{"type":"a","data":2,"to":"all"}"#).unwrap();
        room.send_raw(zoe, r#"{"type":"a","data":3,"key":"pos"}"#).unwrap();
        assert_eq!(room.messages::<u8>(zoe, "a"), [2]);
        assert_eq!(room.messages::<u8>(bo, "a"), [2, 3]);
        assert_eq!(room.messages::<u8>(mo, "a"), [1, 2, 3]);
        let error = room.send_raw(zoe, r#"{"type":"a","to":4}"#).unwrap_err();
        assert_eq!(error.code, "no_such_seat");
    }

    #[test]
    fn options_are_checked_and_saved() {
        let room = TestRoom::<Relay>::with(json!({"flush_ms": 0, "echo": true})).unwrap();
        assert_eq!(room.restored().unwrap().settings().flush, Duration::ZERO);
        assert!(room.restored().unwrap().game().echo);
        for bad in [json!({"flush_ms": 1001}), json!({"flush_ms": -1}), json!({"echo": "yes"})] {
            assert!(TestRoom::<Relay>::with(&bad).is_err(), "{bad}");
        }
    }
}
