//! Rooms of all shipped games, and of one that does what those leave alone, for hours of virtual time, with players who
//! come, go, speak, are cut off and stall, clocks that jump, and restarts: all of it from one seed. What must hold is
//! checked after every step.
//!
//! | module | what it holds |
//! |---|---|
//! | `room` | a room, the twin that was restored from its bytes, and delivery as the actor does it |
//! | `reader` | a session, its mailslot, and a client who reads it well or badly |
//! | `player` | what players send |
//! | `model` | what ought to be, told independently |
//! | `fidget`, `wild` | a game that does whatever a game can do; its world, with which it does so too |
//! | `watching` | those who watch a room without a seat |
//! | `streams` | whole streams of a world as bytes, for readers in other languages |
//! | `record` | the last steps, for who has to find a fault, and how much happened at all |
//!
//! `SWARD_SEED=… cargo test -p sward-server --lib simulation` replays one seed.

pub(super) mod fidget;
mod model;
pub(super) mod player;
mod reader;
mod record;
mod room;
mod streams;
mod watching;
mod wild;

use std::collections::VecDeque;

use serde_json::json;
use sward_protocol::downstream::GoneWhy;
use sward_protocol::ids::{NodeId, PlayerId, RoomId, Seat};
use sward_protocol::password::Password;
use sward_protocol::payload::Payload;
use sward_protocol::rooms::Will;

use crate::game::{Random, SaveError};
use crate::games::cards::Cards;
use crate::games::meadow::Meadow;
use crate::games::relay::Relay;
use crate::room::core::{Charter, RoomCore, RoomStep};
use crate::room::input::{Input, Newcomer};
use crate::room::saved::SavedRoom;
use fidget::{Fidget, UNWANTED};
use player::{Knows, Storm};
use reader::{FORMATS, Habit, Session, Stay};
use record::{Counts, Log};
use room::{Around, SimRoom};

const START_MS: u64 = 1_764_000_000_000;
/// Things that happen from one seed.
const EVENTS: u32 = 1500;
/// The longest that time goes on as it should; what is longer is a jump.
const PASSES_MS_MAX: u32 = 1500;
const TOLD_CHARS: usize = 400;

fn chance(random: &mut Random, percent: u32) -> bool {
    random.below(100) < percent
}

/// A room, and what it shows to whom.
pub(super) trait Step: RoomStep {
    /// The game's state, as the player on `seat` may see it.
    fn state(&self, seat: Seat) -> Payload;
}

impl<G: crate::Game> Step for RoomCore<G> {
    fn state(&self, seat: Seat) -> Payload {
        Self::state(self, seat)
    }
}

/// The shipped games, and one more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Game {
    Relay,
    Meadow,
    Cards,
    Fidget,
}

impl Game {
    fn name(self) -> &'static str {
        match self {
            Self::Relay => "relay",
            Self::Meadow => "meadow",
            Self::Cards => "cards",
            Self::Fidget => "fidget",
        }
    }

    fn create(self, charter: Charter, options: &Payload, random: Random) -> Box<dyn Step> {
        fn of<G: crate::Game>(charter: Charter, options: &Payload, mut random: Random) -> Box<dyn Step> {
            let game = G::create(options, &mut random).unwrap();
            let settings = game.settings();
            let max_players = charter.max_players.min(settings.most_seats());
            Box::new(RoomCore::new(Charter { max_players, ..charter }, game, settings, random))
        }
        match self {
            Self::Relay => of::<Relay>(charter, options, random),
            Self::Meadow => of::<Meadow>(charter, options, random),
            Self::Cards => of::<Cards>(charter, options, random),
            Self::Fidget => of::<Fidget>(charter, options, random),
        }
    }

    fn restore(self, saved: SavedRoom) -> Result<Box<dyn Step>, SaveError> {
        Ok(match self {
            Self::Relay => Box::new(RoomCore::<Relay>::restore(saved)?),
            Self::Meadow => Box::new(RoomCore::<Meadow>::restore(saved)?),
            Self::Cards => Box::new(RoomCore::<Cards>::restore(saved)?),
            Self::Fidget => Box::new(RoomCore::<Fidget>::restore(saved)?),
        })
    }
}

/// What somebody is to be told a little later.
#[derive(Debug)]
enum Errand {
    Leave { session: usize, stay: Stay, why: GoneWhy },
    Resync { session: usize, stay: Stay },
}

struct Simulation<'a> {
    random: Random,
    now_ms: u64,
    rooms: Vec<SimRoom>,
    sessions: Vec<Session>,
    errands: VecDeque<Errand>,
    counts: &'a mut Counts,
    log: &'a Log,
    /// Of the messages.
    numbers: u64,
    /// Nobody is cut off any more.
    is_ending: bool,
}

/// Lets everything happen that follows from `seed`.
fn run(seed: u64, counts: &mut Counts, log: &Log) {
    let mut random = Random::from_seed(seed);
    let id = |number: u32| PlayerId::from_random(NodeId(0), u128::from(number) + 1);
    let sessions = (0..3 + random.below(12)).map(|number| Session::new(id(number), number)).collect();
    let mut simulation = Simulation {
        rooms: Vec::new(),
        sessions,
        errands: VecDeque::new(),
        now_ms: START_MS,
        numbers: 0,
        is_ending: false,
        random,
        counts,
        log,
    };
    for number in 0..1 + simulation.random.below(4) as usize {
        let room = simulation.new_room(number);
        simulation.rooms.push(room);
    }
    for _ in 0..EVENTS {
        simulation.go_on();
    }
    simulation.finish();
    simulation.counts.virtual_ms += simulation.now_ms - START_MS;
}

/// What happens.
impl Simulation<'_> {
    fn new_room(&mut self, number: usize) -> SimRoom {
        let random = &mut self.random;
        let which = *random.pick(&[Game::Relay, Game::Meadow, Game::Cards, Game::Fidget]).unwrap();
        let options = match which {
            Game::Relay => json!({
                "flush_ms": random.below(200),
                "echo": chance(random, 30),
                "pause": chance(random, 50),
                "start": if chance(random, 70) {
                    json!({"min_players": 1 + random.below(3), "all": chance(random, 30), "any_time": chance(random, 50)})
                } else {
                    json!(null)
                },
            }),
            Game::Cards => json!({"turn_ms": 1_000 + random.below(5_000)}),
            // Small enough that things come into sight, and are taken.
            Game::Meadow => {
                json!({"width": 1_200, "height": 1_000, "sight": 300, "flowers": 20, "things": 40})
            }
            Game::Fidget => json!({
                "pauses": chance(random, 50),
                "lets_in": chance(random, 50),
                "bots_yield": chance(random, 50),
                "public_ms": random.pick(&[None, Some(0), Some(0), Some(3_000)]).unwrap(),
                "land": random.pick(&["none", "flat", "flat", "solid"]).unwrap(),
            }),
        };
        let creator = self.sessions[random.below(u32::try_from(self.sessions.len()).unwrap()) as usize].id;
        let charter = Charter {
            id: RoomId::from_random(NodeId(0), random.next_u64().into()),
            game: which.name().to_owned(),
            code: "TEST".to_owned(),
            name: String::new(),
            private: chance(random, 20),
            password: chance(random, 30).then(|| Password::new("sesame")),
            creator: chance(random, 90).then_some(creator),
            standing: chance(random, 50),
            meta: Payload::of(&json!({})).unwrap(),
            max_players: u16::try_from(2 + random.below(9)).unwrap(),
        };
        self.log.note(self.now_ms, format!("room {number}: {charter:?}, {options}"));
        let source = Random::from_seed(random.next_u64());
        let core = which.create(charter, &Payload::of(&options).unwrap(), source);
        SimRoom::new(which, number, core, self.now_ms)
    }

    fn go_on(&mut self) {
        match self.random.below(1000) {
            0..3 => {
                let room = self.some_room();
                self.perform(room, Input::Close);
                self.counts.ends += 1;
            }
            3..30 => {
                let room = self.some_room();
                self.log.note(self.now_ms, format!("room {room} is saved and restored"));
                let sessions = chance(&mut self.random, 60);
                let (room, mut around) = self.around(room);
                room.restart(sessions, &mut around);
                if sessions {
                    // Who was to say `joined` is no more; the next stream asks for it.
                    let number = room.number;
                    self.errands.retain(|errand| match errand {
                        Errand::Resync { stay, .. } => stay.room != number,
                        Errand::Leave { .. } => true,
                    });
                }
                self.counts.restarts += 1;
            }
            30..45 => self.jump(),
            45..60 => self.operator(),
            60..90 => self.nonsense(),
            90..93 => self.guess(),
            330..345 => self.watch(),
            93..250 => self.join(),
            250..280 => self.leave(),
            280..330 => self.presence(),
            345..349 => self.storm(),
            349..620 => self.speak(),
            _ => {
                let scale = 1 << self.random.below(PASSES_MS_MAX.ilog2() + 1);
                let ms = self.random.below(scale + 1);
                self.pass(ms.into());
            }
        }
        self.run_errands(70);
        self.read();
        for number in 0..self.rooms.len() {
            if self.rooms[number].is_over {
                self.rooms[number] = self.new_room(number);
            }
        }
    }

    fn some_room(&mut self) -> usize {
        self.random.below(u32::try_from(self.rooms.len()).unwrap()) as usize
    }

    fn some_session(&mut self) -> usize {
        self.random.below(u32::try_from(self.sessions.len()).unwrap()) as usize
    }

    fn around(&mut self, room: usize) -> (&mut SimRoom, Around<'_>) {
        let around = Around { now_ms: self.now_ms, sessions: &mut self.sessions, counts: self.counts };
        (&mut self.rooms[room], around)
    }

    fn perform(&mut self, room: usize, input: Input) {
        let what: String = format!("room {room}: {input:?}").chars().take(TOLD_CHARS).collect();
        self.log.note(self.now_ms, what);
        let (room, mut around) = self.around(room);
        room.perform(input, &mut around);
    }

    /// Time goes by; what is due happens when it is due.
    fn pass(&mut self, ms: u64) {
        let end_ms = self.now_ms + ms;
        loop {
            let due =
                self.rooms.iter().enumerate().filter_map(|(number, room)| Some((room.next_ms()?, number)));
            let Some((due_ms, number)) = due.min().filter(|(due_ms, _)| *due_ms <= end_ms) else { break };
            self.now_ms = self.now_ms.max(due_ms);
            self.log.note(self.now_ms, format!("room {number}: what is due"));
            let (room, mut around) = self.around(number);
            room.pass(&mut around);
            if !self.is_ending && chance(&mut self.random, 30) {
                self.read();
            }
        }
        self.now_ms = end_ms;
    }

    /// The clock jumps, and everything is late.
    fn jump(&mut self) {
        let jump_ms = 2_000 << self.random.below(12);
        self.now_ms += u64::from(self.random.below(jump_ms));
        self.log.note(self.now_ms, "the clock has jumped".to_owned());
        self.counts.jumps += 1;
        for number in 0..self.rooms.len() {
            let (room, mut around) = self.around(number);
            room.pass(&mut around);
        }
    }

    fn operator(&mut self) {
        let (room, session) = (self.some_room(), self.some_session());
        let why = if chance(&mut self.random, 40) { GoneWhy::Banned } else { GoneWhy::Kicked };
        let detail = if chance(&mut self.random, 50) { "be kind" } else { "\u{202e}" }.to_owned();
        self.perform(room, Input::Kick { player: self.sessions[session].id, why, detail });
    }

    /// What no shell would say: of seats on which nobody sits.
    fn nonsense(&mut self) {
        let room = self.some_room();
        let seat = if chance(&mut self.random, 30) {
            0
        } else {
            self.random.below(1 << (1 + self.random.clone().below(16)))
        };
        let seat = Seat(u16::try_from(seat).unwrap_or(u16::MAX));
        if self.rooms[room].is_taken(seat) {
            return;
        }
        let input = match self.random.below(5) {
            0 => Input::Leave { seat, why: GoneWhy::Lost },
            1 => Input::Presence { seat, is_lost: chance(&mut self.random, 50) },
            2 => Input::Resync { seat },
            3 => Input::Wake,
            _ => Input::Batch { seat, messages: self.batch(None, room) },
        };
        self.perform(room, input);
    }

    /// Somebody comes to watch a room, or has seen enough of it.
    fn watch(&mut self) {
        let (room, comes) = (self.some_room(), chance(&mut self.random, 70));
        let format = *self.random.pick(&FORMATS).unwrap();
        let (room, mut around) = self.around(room);
        room.watch(comes, format, &mut around);
    }

    /// Somebody tries passwords.
    fn guess(&mut self) {
        let (room, session) = (self.some_room(), self.some_session());
        for number in 0..25 {
            if self.sessions[session].stay.is_none() {
                let password = Some(Password::new(format!("open {number}")));
                let newcomer = Newcomer::new(self.sessions[session].id, "Bo".to_owned(), Payload::null());
                self.admit(room, session, Newcomer { password, ..newcomer });
            }
        }
    }

    fn join(&mut self) {
        let (room, session) = (self.some_room(), self.some_session());
        if self.sessions[session].stay.is_some() && !chance(&mut self.random, 6) {
            return;
        }
        let random = &mut self.random;
        let password = match random.below(10) {
            0 => None,
            1 => Some("open".to_owned()),
            2 => Some("x".repeat(random.below(300) as usize)),
            _ => Some("sesame".to_owned()),
        };
        let newcomer = Newcomer {
            id: self.sessions[session].id,
            name: if chance(random, 10) { UNWANTED.to_owned() } else { format!("Zoë {session}") },
            me: player::me(random),
            will: chance(random, 30).then(|| Will { kind: "bye".to_owned(), data: Payload::null() }),
            password: password.map(Password::new),
            has_pass: chance(random, 10),
        };
        self.admit(room, session, newcomer);
    }

    fn admit(&mut self, room: usize, session: usize, newcomer: Newcomer) {
        self.log.note(self.now_ms, format!("room {room}: session {session} joins, {newcomer:?}"));
        let (sim, mut around) = self.around(room);
        let left = sim.join(session, newcomer, &mut around);
        if let Some(stay) = left {
            self.counts.moves += 1;
            self.errands.push_back(Errand::Leave { session, stay, why: GoneWhy::Moved });
        }
    }

    fn leave(&mut self) {
        let session = self.some_session();
        let why = if chance(&mut self.random, 30) { GoneWhy::Lost } else { GoneWhy::Left };
        if let Some(stay) = self.sessions[session].stay {
            self.errands.push_back(Errand::Leave { session, stay, why });
        }
    }

    /// Somebody is lost, or heard of again; or both is said twice.
    fn presence(&mut self) {
        let session = self.some_session();
        let is_lost = chance(&mut self.random, 40);
        self.sessions[session].is_lost = is_lost;
        if let Some(Stay { room, seat, .. }) = self.sessions[session].stay {
            self.perform(room, Input::Presence { seat, is_lost });
        }
    }

    fn speak(&mut self) {
        let session = self.some_session();
        if let Some(Stay { room, seat, .. }) = self.sessions[session].stay {
            let messages = self.batch(Some(session), room);
            if !messages.is_empty() {
                self.sessions[session].send(messages.len());
            }
            self.perform(room, Input::Batch { seat, messages });
        }
    }

    /// Somebody says more than readers can keep up with, where everybody is sent all of it.
    fn storm(&mut self) {
        let session = self.some_session();
        let storm = Storm::new(&mut self.random);
        for _ in 0..1 + self.random.below(40) {
            let stay = self.sessions[session].stay;
            let Some(Stay { room, seat, .. }) =
                stay.filter(|stay| self.rooms[stay.room].which == Game::Relay)
            else {
                return;
            };
            self.counts.storms += 1;
            let messages = storm.batch(&mut self.numbers);
            self.sessions[session].send(messages.len());
            self.perform(room, Input::Batch { seat, messages });
            let ms = self.random.below(60);
            self.pass(ms.into());
            self.sessions.iter().for_each(|session| session.mailslot.check_bounds());
        }
    }

    fn batch(&mut self, session: Option<usize>, room: usize) -> Vec<sward_protocol::upstream::Message> {
        let other = self.some_session();
        let session = session.map(|session| &self.sessions[session]);
        let mut knows = Knows {
            game: self.rooms[room].which.name(),
            hand: session.and_then(|session| session.hand.as_deref()),
            other: self.sessions[other].id,
            number: self.numbers,
        };
        let messages = player::batch(&mut self.random, &mut knows);
        self.numbers = knows.number;
        messages
    }

    fn run_errands(&mut self, percent: u32) {
        while chance(&mut self.random, percent)
            && let Some(errand) = self.errands.pop_front()
        {
            let (Errand::Leave { session, stay, .. } | Errand::Resync { session, stay }) = errand;
            if self.rooms[stay.room].is_member(session, stay) {
                let seat = stay.seat;
                self.perform(
                    stay.room,
                    match errand {
                        Errand::Leave { why, .. } => Input::Leave { seat, why },
                        Errand::Resync { .. } => Input::Resync { seat },
                    },
                );
            }
        }
    }
}

/// What is read.
impl Simulation<'_> {
    fn read(&mut self) {
        for number in 0..self.sessions.len() {
            let (random, session) = (&mut self.random, &mut self.sessions[number]);
            match random.below(300) {
                0..4 => session.cut(random, self.counts),
                4..8 => {
                    session.habit = *random.pick(&[Habit::KeepsUp, Habit::Dawdles, Habit::Stalls]).unwrap()
                }
                8..12 => session.habit = Habit::KeepsUp,
                12..30 => session.acknowledge(),
                30..40 => drop(session.mailslot.sweep(self.now_ms)),
                40..60 => session.mailslot.check_bounds(),
                60..62 if session.has_stream() => self.open(number),
                62..120 if !session.has_stream() => self.open(number),
                _ => {}
            }
            let chunks = match self.sessions[number].habit {
                Habit::KeepsUp => usize::MAX,
                Habit::Dawdles => usize::from(chance(&mut self.random, 20)),
                Habit::Stalls => 0,
            };
            self.read_chunks(number, chunks);
        }
        for room in &mut self.rooms {
            room.read_watchers(self.now_ms, self.counts);
        }
    }

    fn open(&mut self, number: usize) {
        self.log.note(self.now_ms, format!("session {number} opens a stream"));
        let session = &mut self.sessions[number];
        if session.open(self.now_ms, &mut self.random, self.counts) {
            let stay = session.stay.expect("who needs a snapshot sits somewhere");
            self.errands.push_back(Errand::Resync { session: number, stay });
        }
    }

    fn read_chunks(&mut self, number: usize, chunks: usize) {
        let session = &mut self.sessions[number];
        for _ in 0..chunks {
            if !session.read(self.counts) {
                self.check_reader(number);
                return;
            }
        }
    }

    /// Whoever has read all that there is knows all that there is.
    fn check_reader(&mut self, number: usize) {
        let session = &mut self.sessions[number];
        if !session.has_stream() || session.expected.awaits_snapshot || !session.expected.is_posted() {
            return;
        }
        session.expected.check_read();
        self.counts.read_whole += 1;
        match session.stay {
            Some(stay) if self.rooms[stay.room].is_flushed() => {
                self.rooms[stay.room].check_reader(session, self.counts);
            }
            Some(_) => {}
            None => assert!(session.view.is_none(), "who is out has not read so: {:?}", session.view),
        }
    }

    /// Everybody comes back and reads everything.
    fn finish(&mut self) {
        self.is_ending = true;
        for number in 0..self.sessions.len() {
            while !self.sessions[number].has_stream() {
                self.open(number);
            }
        }
        while !self.errands.is_empty() {
            self.run_errands(100);
        }
        self.pass(1_000);
        for number in 0..self.sessions.len() {
            self.read_chunks(number, usize::MAX);
            // Whoever read nothing for too long is let go of, and comes back.
            while !self.sessions[number].has_stream() {
                self.open(number);
                self.run_errands(100);
                self.read_chunks(number, usize::MAX);
            }
            let session = &self.sessions[number];
            assert!(
                !session.expected.awaits_snapshot,
                "session {number} waits for a snapshot that never comes"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::time::{Duration, Instant};

    use super::*;
    use crate::room::catalog::last_words;

    /// How long fresh seeds are tried, unless `SWARD_SIM_S` says otherwise.
    const BUDGET_S: u64 = 5;

    fn try_seed(seed: u64, counts: &mut Counts) {
        let log = Log::default();
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| run(seed, counts, &log))) {
            panic!(
                "{}\nthe last steps:\n{}SWARD_SEED={seed} cargo test -p sward-server --lib simulation",
                last_words(&*panic),
                log.lines()
            );
        }
    }

    fn number(name: &str) -> Option<u64> {
        std::env::var(name).ok().map(|value| value.parse().expect("a number"))
    }

    #[test]
    fn seeds_that_are_tried_always() {
        if number("SWARD_SEED").is_some() {
            // That one alone, or what it tells is lost among the others.
            return;
        }
        let mut counts = Counts::default();
        (1..=20).for_each(|seed| try_seed(seed, &mut counts));
        let Counts { steps, virtual_ms, events, replaced, accepted, bans, resumes, resets, .. } = counts;
        let Counts { cuts, overruns, restarts, moves, jumps, storms, ends, rounds, read_whole, .. } = counts;
        let Counts { restored, seen, views, watched, .. } = counts;
        let rare = [moves, storms, ends, rounds, overruns, bans, jumps].into_iter().min();
        assert!(rare > Some(20), "{counts:#?}");
        let often =
            [replaced, accepted, resumes, resets, cuts, restarts, read_whole, restored, views, watched];
        let often = often.into_iter().min();
        assert!(often > Some(500) && steps > 20_000 && events.min(seen) > 20_000, "{counts:#?}");
        assert!(virtual_ms > 24 * 3_600_000, "{counts:#?}");
        let verdicts: Vec<_> = counts.verdicts.keys().copied().collect();
        assert_eq!(verdicts, ["admitted", "banned", "full", "guesses", "locked", "password", "unwanted"]);
    }

    #[test]
    fn fresh_seeds() {
        let mut counts = Counts::default();
        if let Some(seed) = number("SWARD_SEED") {
            return try_seed(seed, &mut counts);
        }
        let end = Instant::now() + Duration::from_secs(number("SWARD_SIM_S").unwrap_or(BUDGET_S));
        let first = crate::entropy::seed();
        let mut tried = 0;
        while Instant::now() < end {
            try_seed(first.wrapping_add(tried), &mut counts);
            tried += 1;
        }
        println!("{tried} seeds from {first}: {counts:#?}");
    }
}
