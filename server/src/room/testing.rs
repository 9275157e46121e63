//! A room with virtual time: players as values, and what each of them saw. For the tests of games; re-exported as
//! [`crate::testing`].
//!
//! ```
//! use sward_server::games::relay::Relay;
//! use sward_server::testing::TestRoom;
//!
//! let mut room = TestRoom::<Relay>::new("{}")?;
//! let (zoe, bo) = (room.join("Zoë"), room.join("Bo"));
//! room.send(zoe, r#"{"type":"wave"}"#)?;
//! assert_eq!(room.heard(bo), [r#"msg {"from":1,"type":"wave","data":null}"#]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use sward_protocol::downstream::{Event, Gone, GoneWhy};
use sward_protocol::ids::{NodeId, PlayerId, RoomId, Seat};
use sward_protocol::payload::{CheckedMessage, Payload};
use sward_protocol::problem::MessageError;
use sward_protocol::upstream::Message;

use crate::game::{BadOptions, Game, Random, Settings};
use crate::room::core::{Charter, RoomCore, RoomStep};
use crate::room::effect::Effect;
pub use crate::room::effect::Refusal;
use crate::room::input::{Input, Newcomer};

/// The seed of every test room: a game is to be tested with what it does, not with luck.
const SEED: u64 = 1;
/// The virtual time at which a test room begins.
const START_MS: u64 = 1_764_000_000_000;

/// A room of the game `G` in which time passes only when the test says so.
pub struct TestRoom<G> {
    core: RoomCore<G>,
    now_ms: u64,
    next_tick_ms: u64,
    players: u128,
    heard: BTreeMap<Seat, Vec<Event>>,
    seated: BTreeSet<Seat>,
}

impl<G: Game> TestRoom<G> {
    /// A room made with these options, a JSON object.
    ///
    /// # Errors
    /// What the game says of the options.
    pub fn new(options: &str) -> Result<Self, BadOptions> {
        let options = Payload::from_json(options).map_err(|error| BadOptions(error.to_string()))?;
        let mut random = Random::from_seed(SEED);
        let game = G::create(&options, &mut random)?;
        let charter = Charter {
            id: RoomId::from_random(NodeId(0), 1),
            game: "test".to_owned(),
            code: "TEST".to_owned(),
            name: String::new(),
            private: false,
            meta: Payload::null(),
            max_players: game.settings().max_players,
        };
        let settings = game.settings();
        let core = RoomCore::new(charter, game, settings, random);
        let tick_ms = core.settings().tick.map_or(0, millis);
        Ok(Self {
            core,
            now_ms: START_MS,
            next_tick_ms: START_MS + tick_ms,
            players: 0,
            heard: BTreeMap::new(),
            seated: BTreeSet::new(),
        })
    }

    /// How the room runs.
    #[must_use]
    pub fn settings(&self) -> Settings {
        self.core.settings()
    }

    /// A player takes a seat.
    ///
    /// # Panics
    /// If the room is full; [`TestRoom::try_join`] tells instead.
    pub fn join(&mut self, name: &str) -> Seat {
        self.try_join(name).expect("the test room has a free seat")
    }

    /// A player asks for a seat. What the others and he hear of it does not show in [`TestRoom::heard`], but what the
    /// game sends does.
    ///
    /// # Errors
    /// Why there is no seat for him.
    pub fn try_join(&mut self, name: &str) -> Result<Seat, Refusal> {
        self.players += 1;
        let id = PlayerId::from_random(NodeId(0), self.players);
        let newcomer = Newcomer { id, name: name.to_owned(), me: Payload::null() };
        let effects = self.step(Input::Join(newcomer));
        let mut result = Err(Refusal::Full);
        for effect in effects {
            match effect {
                Effect::Admitted(joined) => {
                    self.heard.insert(joined.seat, Vec::new());
                    self.seated.insert(joined.seat);
                    result = Ok(joined.seat);
                }
                Effect::Refused(refusal) => result = Err(refusal),
                Effect::Send(outgoing) if matches!(outgoing.event, Event::Here(_)) => {}
                other => self.deliver(other),
            }
        }
        result
    }

    /// The player on `seat` leaves. What he heard up to his own `gone` stays to be asked for.
    pub fn leave(&mut self, seat: Seat) {
        for effect in self.step(Input::Leave { seat, why: GoneWhy::Left }) {
            self.deliver(effect);
        }
    }

    /// The player on `seat` is lost, or heard from again.
    pub fn set_away(&mut self, seat: Seat, away: bool) {
        for effect in self.step(Input::Presence { seat, away }) {
            self.deliver(effect);
        }
    }

    /// The player on `seat` sends one message, a JSON object as on the wire.
    ///
    /// # Errors
    /// What the author is told.
    pub fn send(&mut self, seat: Seat, message: &str) -> Result<Payload, MessageError> {
        let message =
            Message::read(&CheckedMessage::from_json(message)).map_err(|unreadable| unreadable.error)?;
        let mut result = Ok(Payload::null());
        for effect in self.step(Input::Batch { seat, messages: vec![message] }) {
            match effect {
                Effect::Results(mut results) => result = results.pop().unwrap_or(result),
                other => self.deliver(other),
            }
        }
        result
    }

    /// Time passes; the game's ticks happen when they are due.
    pub fn advance(&mut self, time: Duration) {
        let end_ms = self.now_ms + millis(time);
        while let Some(tick) = self.core.settings().tick {
            if self.next_tick_ms > end_ms {
                break;
            }
            self.now_ms = self.next_tick_ms;
            self.next_tick_ms += millis(tick);
            if self.core.players() == 0 {
                continue;
            }
            for effect in self.step(Input::Tick) {
                self.deliver(effect);
            }
        }
        self.now_ms = end_ms;
    }

    /// What the player on `seat` heard since he was last asked: each event as its name, a space, and its JSON.
    pub fn heard(&mut self, seat: Seat) -> Vec<String> {
        let events = self.heard.get_mut(&seat).map(std::mem::take).unwrap_or_default();
        events.iter().map(line).collect()
    }

    /// The game's state, as the player on `seat` would see it now.
    #[must_use]
    pub fn state(&self, seat: Seat) -> Payload {
        self.core.state(seat)
    }

    fn step(&mut self, input: Input) -> Vec<Effect> {
        let mut effects = Vec::new();
        self.core.step(input, self.now_ms, &mut effects);
        effects
    }

    fn deliver(&mut self, effect: Effect) {
        match effect {
            Effect::Send(outgoing) => {
                for seat in self.seated.iter().filter(|seat| outgoing.audience.includes(**seat)) {
                    self.heard.entry(*seat).or_default().push(outgoing.event.clone());
                }
            }
            Effect::Vacated { seat, why } => {
                self.seated.remove(&seat);
                self.heard.entry(seat).or_default().push(Event::Gone(Gone { seat, why }));
            }
            Effect::Admitted(_) | Effect::Refused(_) | Effect::Results(_) | Effect::Snapshot(_) => {}
        }
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn line(event: &Event) -> String {
    let mut json = Vec::new();
    match event.write_json(&mut json) {
        Ok(()) => format!("{} {}", event.name(), String::from_utf8_lossy(&json)),
        Err(error) => format!("{} {error}", event.name()),
    }
}
