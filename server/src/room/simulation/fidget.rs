//! A game that does whatever a game can do, at random: what the shipped ones leave alone is tried too.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::json;
use sward_protocol::downstream::{AwayWhy, GoneWhy};
use sward_protocol::ids::Seat;
use sward_protocol::payload::Payload;
use sward_protocol::problem::MessageError;

use super::wild::{Land, Wild};
use crate::game::{
    Audience, BadOptions, Game, Random, Reply, Room, SaveError, Settings, StartRules, refuse, reply,
};

/// Whoever has this name is refused.
pub(super) const UNWANTED: &str = "Unwanted";
/// What it can do.
pub(super) const ACTS: u32 = 24;
const BOTS_MAX: usize = 4;

/// Its options.
#[derive(Clone, Copy, Serialize, Deserialize)]
struct Options {
    #[serde(default)]
    pauses: bool,
    #[serde(default)]
    lets_in: bool,
    #[serde(default)]
    bots_yield: bool,
    /// Whether it shows itself to everybody, and how much later.
    #[serde(default)]
    public_ms: Option<u64>,
    #[serde(default)]
    land: Land,
}

/// Its options, what it has counted, and a world.
#[derive(Serialize, Deserialize)]
pub(in crate::room) struct Fidget {
    options: Options,
    calls: u64,
    wild: Wild,
}

/// What it is to do.
#[derive(Deserialize)]
#[serde(tag = "type", content = "data", rename_all = "snake_case")]
pub(in crate::room) enum Message {
    Do { act: u32, seat: Seat, ms: u64 },
}

impl Game for Fidget {
    type Message = Message;

    fn create(options: &Payload, _: &mut Random) -> Result<Self, BadOptions> {
        let options: Options = options.parse()?;
        Ok(Self { options, calls: 0, wild: Wild::new(options.land, options.public_ms.is_some()) })
    }

    fn settings(&self) -> Settings {
        let Options { pauses, lets_in, bots_yield, public_ms, .. } = self.options;
        let start = StartRules { lets_in, ..StartRules::from_players(2).ended_by_owner() };
        let mut settings =
            Settings::new(4).with_seats_up_to(12).with_tick(Duration::from_millis(120)).with_start(start);
        settings = settings.with_blobs(64 * 1024);
        if pauses {
            settings = settings.with_pause_on_away();
        }
        if let Some(delay_ms) = public_ms {
            settings = settings.with_public(Duration::from_millis(delay_ms));
        }
        if bots_yield { settings.with_yielding_bots() } else { settings }
    }

    fn join(&mut self, room: &mut Room<'_>, seat: Seat) -> Result<(), MessageError> {
        let player = room.player(seat).unwrap();
        let is_unwanted = player.name == UNWANTED;
        if room.random().below(4) == 0 {
            let act = room.random().below(ACTS);
            act_on(room, act, seat, 50);
        }
        if is_unwanted {
            return refuse("unwanted", "not you");
        }
        self.calls += 1;
        self.wild.welcome(room, seat);
        Ok(())
    }

    fn leave(&mut self, room: &mut Room<'_>, seat: Seat, _: GoneWhy) {
        let who = room.leaver().map(|leaver| leaver.name.clone());
        self.tell(room, "left", &json!([seat, who]));
        self.fidget(room, 30);
    }

    fn message(&mut self, room: &mut Room<'_>, _: Seat, message: Message) -> Reply {
        let Message::Do { act, seat, ms } = message;
        self.calls += 1;
        act_on(room, act, seat, ms);
        self.wild.fidget(room.random());
        reply(&(room.timer_due_ms("0"), room.seat_timer_due_ms(seat, "0")))
    }

    fn tick(&mut self, room: &mut Room<'_>) {
        self.calls += 1;
        let calls = self.calls;
        room.send_latest(Audience::All, "calls", "calls", &calls);
        self.fidget(room, 5);
        self.wild.tick(room);
    }

    fn timer(&mut self, room: &mut Room<'_>, name: &str) {
        self.tell(room, "timer", &json!(name));
        // A timer is due in front of a tick. What a tick itself brings about, a start say, comes behind what it has shown.
        self.wild.fidget(room.random());
        self.fidget(room, 50);
    }

    fn seat_timer(&mut self, room: &mut Room<'_>, seat: Seat, name: &str) {
        assert!(room.player(seat).is_some(), "a timer of a seat on which nobody sits");
        self.tell(room, "seat_timer", &json!([seat, name]));
        self.fidget(room, 50);
    }

    fn start(&mut self, room: &mut Room<'_>, seed: u64) {
        self.tell(room, "started", &json!(seed));
        self.fidget(room, 30);
    }

    fn away(&mut self, room: &mut Room<'_>, seat: Seat, why: AwayWhy) {
        self.tell(room, "is_away", &json!([seat, why]));
        self.fidget(room, 20);
    }

    fn back(&mut self, room: &mut Room<'_>, seat: Seat) {
        self.tell(room, "is_back", &json!(seat));
        self.fidget(room, 20);
    }

    fn state(&self, seat: Seat) -> impl Serialize {
        json!({"calls": self.calls, "seat": seat, "world": Payload::of(&self.wild.state(seat)).unwrap()})
    }

    fn public_state(&self) -> impl Serialize {
        self.state(Seat::GAME)
    }

    fn save(&self) -> Result<Payload, SaveError> {
        Ok(Payload::of(self)?)
    }

    fn restore(saved: &Payload) -> Result<Self, SaveError> {
        Ok(saved.parse()?)
    }
}

impl Fidget {
    /// Says what it sees.
    fn tell(&mut self, room: &mut Room<'_>, kind: &str, what: &serde_json::Value) {
        self.calls += 1;
        let facts = (room.owner(), room.phase(), room.is_locked(), room.seed(), room.players().len());
        room.send(Audience::All, kind, &(what, facts, self.calls));
    }

    fn fidget(&mut self, room: &mut Room<'_>, percent: u32) {
        if room.random().below(100) < percent {
            let act = room.random().below(ACTS);
            let seat = room.random().below(8);
            let ms = room.random().below(3_000);
            act_on(room, act, Seat(seat as u16), ms.into());
        }
    }
}

fn act_on(room: &mut Room<'_>, act: u32, seat: Seat, ms: u64) {
    let name = (ms % 5).to_string();
    let after = Duration::from_millis(ms);
    let bots = room.players().values().filter(|player| player.bot).count();
    match act {
        0 | 1 if bots < BOTS_MAX => room.add_bot("Robin", &json!({"animal": "owl"})),
        2 => room.remove_bot(seat),
        3 | 4 => room.set_timer(&name, after),
        5 | 6 => room.set_seat_timer(seat, &name, after),
        7 => drop(room.cancel_timer(&name)),
        8 => drop(room.cancel_seat_timer(seat, &name)),
        9 => room.pause(),
        10 | 11 => room.go_on(),
        12 => room.start(),
        13 => room.over(),
        14 => room.lock(),
        15 | 16 => room.unlock(),
        17 if ms.is_multiple_of(3) => room.kick(seat, "too loud"),
        18 => room.send(Audience::these([seat, Seat(seat.0.saturating_add(1)), Seat(1)]), "some", &ms),
        19 => room.set_meta(&json!({"level": ms % 7})),
        20 => room.publish(&name, "text/plain", vec![b'x'; (ms % 2_000) as usize]).unwrap(),
        21 => drop(room.unpublish(&name)),
        22 => room.patch(Audience::Except(seat), &json!({"ms": ms})),
        23 if ms.is_multiple_of(97) => room.close(),
        _ => room.pass_on(seat, Audience::Only(seat), "echo", &ms),
    }
}
