//! A room in virtual time, with a game that does what it is told.

mod admission;
mod bots;
mod orders;
mod presence;
mod stages;

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sward_protocol::downstream::{AwayWhy, GoneWhy};
use sward_protocol::ids::NodeId;

use super::*;
use crate::game::{BadOptions, Raw, Reply, StartRules, done, reply};
use crate::room::bans::BANS_MAX;
use crate::room::effect::Refusal;
use crate::room::input::Newcomer;
use crate::testing::{TestPlayer, TestRoom};

/// A game with the settings that its options name, which does what it is told and says when it is called.
#[derive(Serialize, Deserialize)]
#[serde(default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a setting of its own")]
struct Table {
    seats: u16,
    min: u16,
    all: bool,
    any_time: bool,
    owner_ends: bool,
    starts: bool,
    pauses: bool,
    owned: bool,
    yields: bool,
    refuses_bots: bool,
    /// Bots leave when they come, and another comes when one leaves.
    churns: bool,
    /// Whom the game refuses.
    unwanted: String,
}

impl Default for Table {
    fn default() -> Self {
        Self {
            seats: 4,
            min: 2,
            all: false,
            any_time: false,
            owner_ends: false,
            starts: true,
            pauses: false,
            owned: true,
            yields: false,
            refuses_bots: false,
            churns: false,
            unwanted: String::new(),
        }
    }
}

impl Game for Table {
    type Message = Raw;

    fn create(options: &Payload, _: &mut Random) -> Result<Self, BadOptions> {
        Ok(options.parse()?)
    }

    fn settings(&self) -> Settings {
        let mut settings =
            Settings::new(self.seats).with_seats_up_to(10).with_tick(Duration::from_millis(100));
        let Self { all: needs_all, any_time: lets_in, owner_ends, .. } = *self;
        if self.starts {
            let rules = StartRules { needs_all, lets_in, owner_ends, ..StartRules::from_players(self.min) };
            settings = settings.with_start(rules);
        }
        if self.pauses {
            settings = settings.with_pause_on_away();
        }
        if self.yields {
            settings = settings.with_yielding_bots();
        }
        if self.owned { settings } else { settings.without_owner() }
    }

    fn join(&mut self, room: &mut Room<'_>, seat: Seat) -> Result<(), MessageError> {
        let player = room.player(seat).unwrap();
        if player.name == self.unwanted || (player.bot && self.refuses_bots) {
            room.add_bot("Another", &());
            return Err(MessageError::of_game("unwanted", "not you"));
        }
        if self.churns {
            room.remove_bot(seat);
        }
        Ok(())
    }

    fn leave(&mut self, room: &mut Room<'_>, seat: Seat, _: GoneWhy) {
        if self.churns {
            room.add_bot("Robin", &());
            return;
        }
        let owner = room.owner();
        room.send(Audience::All, "left", &(seat, owner));
    }

    fn start(&mut self, room: &mut Room<'_>, seed: u64) {
        assert_eq!((room.phase(), room.seed()), (Phase::Playing, Some(seed)));
        room.send(Audience::All, "started", &seed);
        // Not heard, or the room would start without end.
        room.over();
        room.start();
        room.controls.stage.seed = Some(seed);
    }

    fn message(&mut self, room: &mut Room<'_>, _: Seat, Raw(message): Raw) -> Reply {
        match message.kind.as_str() {
            "start" => room.start(),
            "over" => room.over(),
            "pause" => room.pause(),
            "go_on" => room.go_on(),
            "timer" => room.set_timer("t", Duration::from_millis(message.data.parse().unwrap())),
            "due" => return reply(&room.timer_due_ms("t")),
            "bot" => room.add_bot(&message.data.parse::<String>().unwrap(), &json!({"animal": "owl"})),
            "bots" => (0..2000).for_each(|_| room.add_bot("Robin", &())),
            "no_bot" => room.remove_bot(message.data.parse().unwrap()),
            _ => {}
        }
        done()
    }

    fn tick(&mut self, room: &mut Room<'_>) {
        room.send(Audience::All, "tick", &());
    }

    fn timer(&mut self, room: &mut Room<'_>, name: &str) {
        room.send(Audience::All, "timer", name);
    }

    fn save(&self) -> Result<Payload, SaveError> {
        Ok(Payload::of(self)?)
    }

    fn restore(saved: &Payload) -> Result<Self, SaveError> {
        Ok(saved.parse()?)
    }
}

/// Three players who have heard nothing yet; the first one owns the room.
fn three(options: Value) -> (TestRoom<Table>, [TestPlayer; 3]) {
    let mut room = TestRoom::with(options).unwrap();
    let players = ["Zoë", "Bo", "Mo"].map(|name| room.join(name));
    room.forget_heard();
    (room, players)
}

fn check_refused(room: &mut TestRoom<Table>, from: TestPlayer, kind: &str, data: &Value, code: &str) {
    let before = (room.info(), room.players());
    let error = room.send(from, kind, data).unwrap_err();
    assert_eq!(error.code, code, "{kind} {data}: {}", error.detail);
    assert_eq!((room.info(), room.players()), before, "{kind} {data} changed something");
}

#[test]
fn a_room_that_was_restored_has_its_owner_its_bans_its_chat_and_its_pause() {
    let (mut room, [zoe, bo, mo]) = three(json!({"any_time": true, "pauses": true}));
    room.send(zoe, "bot", "Robin").unwrap();
    room.send(zoe, "sward.give", json!({"seat": 3})).unwrap();
    room.send(mo, "sward.ban", json!({"seat": 2})).unwrap();
    room.send(mo, "sward.rename", json!({"name": "Nest"})).unwrap();
    room.send(mo, "sward.start", ()).unwrap();
    room.send(mo, "timer", 700).unwrap();
    room.send(mo, "chat", json!({"text": "hello"})).unwrap();
    room.away(zoe);
    room.advance(Duration::from_secs(3));
    room.forget_heard();
    let mut restored = room.restored().unwrap();
    let finish = |room: &mut TestRoom<Table>| {
        assert_eq!(room.try_return(bo), Err(Refusal::Banned));
        let before = room.info();
        room.advance(Duration::from_secs(3));
        room.back(zoe);
        room.advance(Duration::from_secs(1));
        room.leave(mo);
        let jo = room.join("Jo");
        assert_eq!(room.joined(jo).chat[0].text, "hello");
        (before, room.heard(zoe), room.joined(jo).clone(), room.players())
    };
    assert_eq!(finish(&mut restored), finish(&mut room));
}

fn player(number: u128) -> PlayerId {
    PlayerId::from_random(NodeId(0), number)
}

fn core(password: Option<&str>) -> RoomCore<Table> {
    let mut random = Random::from_seed(1);
    let game = Table::create(&Payload::of(&json!({})).unwrap(), &mut random).unwrap();
    let charter = Charter {
        id: RoomId::from_random(NodeId(0), 1),
        game: "table".to_owned(),
        code: "TEST".to_owned(),
        name: String::new(),
        private: false,
        password: password.map(Password::new),
        creator: Some(player(7)),
        standing: false,
        meta: Payload::of(&json!({})).unwrap(),
        max_players: 4,
    };
    let settings = game.settings();
    RoomCore::new(charter, game, settings, random)
}

fn enter(core: &mut RoomCore<Table>, number: u128, password: Option<&str>) -> Result<Joined, Refusal> {
    enter_at(1, core, number, password)
}

fn enter_at(
    now_ms: u64,
    core: &mut RoomCore<Table>,
    number: u128,
    password: Option<&str>,
) -> Result<Joined, Refusal> {
    let newcomer = Newcomer {
        password: password.map(Password::new),
        ..Newcomer::new(player(number), format!("P{number}"), Payload::null())
    };
    let mut effects = Vec::new();
    core.step(Input::Join(newcomer), now_ms, &mut effects);
    let outcome = effects.into_iter().find_map(|effect| match effect {
        Effect::Admitted(joined) => Some(Ok(*joined)),
        Effect::Refused(refusal) => Some(Err(refusal)),
        _ => None,
    });
    outcome.unwrap()
}
