//! Whatever a player sends goes to the others, or to all, or to one: a game without server code. What is to be known by
//! who comes later is kept, and what a player leaves to be said is said when he is gone.

mod kept;

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sward_protocol::upstream::{Group, To};

use crate::game::{
    Audience, BadOptions, ErrorCode, Game, GoneWhy, MessageError, PUBLIC_DELAY_MAX, Payload, Random, Raw,
    Reply, Room, SaveError, Seat, Settings, StartRules, Will, done, refuse,
};
use kept::Kept;

/// The longest flush interval that a room's creator may ask for, in milliseconds.
const FLUSH_MS_MAX: u64 = 1000;
/// Seats, unless the creator says otherwise, and the most that he may ask for.
const SEATS: u16 = 50;
const SEATS_MAX: u16 = 1000;

/// The relay. `docs/protocol.md` has its options and its addressing.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Relay {
    options: Options,
    kept: Kept,
    /// What is to be said when a seat is empty.
    wills: BTreeMap<Seat, Will>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default)]
struct Options {
    flush_ms: u64,
    echo: bool,
    /// How much later others than its players may watch.
    public_delay_ms: Option<u64>,
    /// Whether its owner starts it; without, `sward.start` is refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    start: Option<Start>,
    /// Whether it is paused while somebody is away.
    pause: bool,
}

/// What a start takes, see [`StartRules`].
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(default)]
struct Start {
    min_players: u16,
    all: bool,
    any_time: bool,
}

impl Default for Start {
    fn default() -> Self {
        Self { min_players: 1, all: false, any_time: false }
    }
}

impl Start {
    fn rules(self) -> StartRules {
        let Self { min_players, all: needs_all, any_time: lets_in } = self;
        // Nothing else could tell when it is over.
        StartRules { needs_all, lets_in, ..StartRules::from_players(min_players).ended_by_owner() }
    }
}

impl Default for Options {
    fn default() -> Self {
        Self { flush_ms: 33, echo: false, public_delay_ms: None, start: None, pause: false }
    }
}

impl Game for Relay {
    // Passed on as it came, without a look into it.
    type Message = Raw;

    fn create(options: &Payload, _random: &mut Random) -> Result<Self, BadOptions> {
        let options: Options = options.parse()?;
        if options.flush_ms > FLUSH_MS_MAX {
            return Err(BadOptions(format!("flush_ms is at most {FLUSH_MS_MAX}")));
        }
        if options.public_delay_ms.is_some_and(|delay_ms| u128::from(delay_ms) > PUBLIC_DELAY_MAX.as_millis())
        {
            return Err(BadOptions(format!("public_delay_ms is at most {}", PUBLIC_DELAY_MAX.as_millis())));
        }
        if options.start.is_some_and(|start| !(1..=SEATS_MAX).contains(&start.min_players)) {
            return Err(BadOptions(format!("start.min_players is 1 to {SEATS_MAX}")));
        }
        Ok(Self { options, kept: Kept::default(), wills: BTreeMap::new() })
    }

    fn settings(&self) -> Settings {
        let mut settings = Settings::new(SEATS)
            .with_seats_up_to(SEATS_MAX)
            .with_flush(Duration::from_millis(self.options.flush_ms));
        if let Some(delay_ms) = self.options.public_delay_ms {
            settings = settings.with_public(Duration::from_millis(delay_ms));
        }
        if let Some(start) = self.options.start {
            settings = settings.with_start(start.rules());
        }
        if self.options.pause { settings.with_pause_on_away() } else { settings }
    }

    fn join(&mut self, room: &mut Room<'_>, seat: Seat) -> Result<(), MessageError> {
        if let Some(will) = room.take_will() {
            self.wills.insert(seat, will);
        }
        Ok(())
    }

    fn leave(&mut self, room: &mut Room<'_>, seat: Seat, _why: GoneWhy) {
        self.kept.forget(seat);
        if let Some(Will { kind, data }) = self.wills.remove(&seat) {
            room.pass_on(seat, Audience::All, &kind, data);
        }
    }

    fn message(&mut self, room: &mut Room<'_>, from: Seat, Raw(message): Raw) -> Reply {
        let to = match message.to {
            Some(To::Seat(seat)) if room.player(seat).is_some() => Audience::Only(seat),
            Some(To::Seat(seat)) => {
                let detail = format!("nobody sits on seat {seat}");
                return Err(MessageError::new(ErrorCode::NoSuchSeat, detail));
            }
            Some(To::Group(Group::All)) => Audience::All,
            None if self.options.echo => Audience::All,
            None => Audience::Except(from),
        };
        if let Some(keep) = &message.keep {
            // Everybody sees what is kept.
            if matches!(to, Audience::Only(_)) {
                return refuse("kept_for_all", "what is for one seat is not kept");
            }
            self.kept.set(from, keep, &message.data)?;
        }
        match message.key {
            Some(key) => room.pass_on_latest(from, to, &key, &message.kind, message.data),
            None => room.pass_on(from, to, &message.kind, message.data),
        }
        done()
    }

    fn state(&self, _seat: Seat) -> impl Serialize {
        self.kept.shown()
    }

    fn public_state(&self) -> impl Serialize {
        self.kept.shown()
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
    use sward_protocol::rooms::Phase;

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
    fn a_relay_room_is_started_and_ended_by_its_owner_if_its_options_say_so() {
        let mut room = TestRoom::<Relay>::new();
        let zoe = room.join("Zoë");
        assert_eq!(room.send(zoe, "sward.start", ()).unwrap_err().code, "not_startable");

        let options = json!({"start": {"min_players": 2, "all": true}, "pause": true});
        let mut room = TestRoom::<Relay>::with(options).unwrap();
        let (zoe, bo) = (room.join("Zoë"), room.join("Bo"));
        room.away(bo);
        assert_eq!(room.send(zoe, "sward.start", ()).unwrap_err().code, "somebody_away");
        room.back(bo);
        room.send(zoe, "sward.start", ()).unwrap();
        assert!(room.info().locked);
        room.away(bo);
        assert_eq!(room.restored().unwrap().info().phase, Phase::Paused);
        room.send(zoe, "wave", ()).unwrap();
        room.send(zoe, "sward.over", ()).unwrap();
        assert_eq!((room.info().phase, room.info().locked), (Phase::Open, false));
        for bad in [json!({"start": true}), json!({"start": {"min_players": 0}}), json!({"pause": 1})] {
            assert!(TestRoom::<Relay>::with(&bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn who_comes_later_sees_what_is_kept_and_nothing_of_who_is_gone() {
        let mut room = TestRoom::<Relay>::new();
        let (zoe, bo) = (room.join("Zoë"), room.join("Bo"));
        assert_eq!(room.joined(zoe).state.json(), r#"{"room":{},"seats":{}}"#);
        room.send_raw(zoe, r#"{"type":"hat","data":"red","keep":"hat"}"#).unwrap();
        room.send_raw(bo, r#"{"type":"hat","data":"blue","keep":"hat"}"#).unwrap();
        let board = |data: u8| {
            format!(r#"{{"type":"board","data":{data},"to":"all","keep":{{"name":"board","scope":"room"}}}}"#)
        };
        room.send_raw(zoe, &board(1)).unwrap();
        room.send_raw(bo, &board(2)).unwrap();
        assert_eq!(room.messages::<u8>(zoe, "board"), [1, 2]);
        let mut restored = room.restored().unwrap();
        for room in [&mut room, &mut restored] {
            let mo = room.join("Mo");
            let state = &room.joined(mo).state;
            assert_eq!(
                state.json(),
                r#"{"room":{"board":2},"seats":{"1":{"hat":"red"},"2":{"hat":"blue"}}}"#
            );
            room.leave(bo);
            room.send_raw(zoe, r#"{"type":"hat","keep":"hat"}"#).unwrap();
            assert_eq!(room.state::<serde_json::Value>(mo), json!({"room": {"board": 2}, "seats": {}}));
        }
    }

    #[test]
    fn what_cannot_be_kept_is_not_said_either() {
        let mut room = TestRoom::<Relay>::new();
        let (zoe, bo) = (room.join("Zoë"), room.join("Bo"));
        room.forget_heard();
        let large = format!(r#"{{"type":"a","data":"{}","keep":"a"}}"#, "x".repeat(17_000));
        for (message, code) in [
            (r#"{"type":"a","data":1,"to":2,"keep":"a"}"#, "kept_for_all"),
            (large.as_str(), "kept_too_large"),
            (r#"{"type":"a","data":1,"keep":""}"#, "bad_message"),
        ] {
            assert_eq!(room.send_raw(zoe, message).unwrap_err().code, code);
        }
        assert_eq!(room.heard(bo), [""; 0]);
        assert_eq!(room.state::<serde_json::Value>(bo), json!({"room": {}, "seats": {}}));
    }

    #[test]
    fn a_will_is_said_once_when_its_author_is_gone_whyever() {
        let mut room = TestRoom::<Relay>::new();
        let (zoe, bo) = (room.join("Zoë"), room.join_with_will("Bo", "bye", [7]));
        let mut restored = room.restored().unwrap();
        let gone = |why: &str| {
            [
                format!(r#"gone {{"seat":2,"why":"{why}"}}"#),
                r#"msg {"from":2,"type":"bye","data":[7]}"#.into(),
            ]
        };
        room.forget_heard();
        room.leave(bo);
        assert_eq!(room.heard(zoe), gone("left"));
        let mo = room.join("Mo");
        assert_eq!(mo.seat, bo.seat);
        room.forget_heard();
        room.leave(mo);
        assert_eq!(room.heard(zoe), [r#"gone {"seat":2,"why":"left"}"#]);
        restored.lose(bo);
        assert_eq!(restored.heard(zoe), gone("lost"));
    }

    #[test]
    fn options_are_checked_and_saved() {
        let room = TestRoom::<Relay>::with(json!({"flush_ms": 0, "echo": true})).unwrap();
        assert_eq!(room.restored().unwrap().settings().flush, Duration::ZERO);
        assert!(room.restored().unwrap().game().options.echo);
        for bad in [json!({"flush_ms": 1001}), json!({"flush_ms": -1}), json!({"echo": "yes"})] {
            assert!(TestRoom::<Relay>::with(&bad).is_err(), "{bad}");
        }
    }
}
