//! Rooms recorded and played again: as they were, cut, damaged, from the future, and not what they were.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::json;
use sward_protocol::downstream::GoneWhy;
use sward_protocol::ids::{NodeId, PlayerId, RoomId, Seat};
use sward_protocol::password::Password;
use sward_protocol::payload::Payload;
use sward_protocol::rooms::Will;
use sward_protocol::upstream::Message;

use super::format::{End, Header, Line, Record, VERSION, push_end};
use super::reader::{Flaw, MEMBER_BYTES_MAX, Reader};
use super::replay::{Difference, Differing, NotReplayed, Replay};
use super::scribe::Scribe;
use crate::game::{
    Audience, BadOptions, Game, MessageError, Random, Raw, Reply, Room, SaveError, Settings, done,
};
use crate::games::cards::Cards;
use crate::games::meadow::Meadow;
use crate::games::relay::Relay;
use crate::room::catalog::{Catalog, Draft};
use crate::room::core::{Charter, RoomStep};
use crate::room::effect::Effect;
use crate::room::input::{Input, Newcomer};
use crate::room::simulation::fidget::Fidget;
use crate::room::simulation::player::{Knows, batch, me};
use crate::stream::gzip::{Gzip, compressor};
use crate::world::{EntityId, Eye, Field, Kind, Place, Space, World};

const START_MS: u64 = 1_764_000_000_000;

/// Something of this process, and not of the room: what a wall clock would be.
static OUTSIDE: AtomicU64 = AtomicU64::new(0);

/// Does what it should not, in the way that its options tell; cannot be saved.
#[derive(Deserialize)]
struct Leaky {
    #[serde(default)]
    tells: bool,
    #[serde(default)]
    keeps: bool,
    #[serde(default)]
    panics: bool,
    #[serde(skip)]
    kept: u64,
}

impl Game for Leaky {
    type Message = Raw;

    const VERSION: &'static str = "leaky 2";

    fn create(options: &Payload, _: &mut Random) -> Result<Self, BadOptions> {
        Ok(options.parse()?)
    }

    fn settings(&self) -> Settings {
        Settings::new(4).with_tick(Duration::from_millis(50)).with_public(Duration::ZERO)
    }

    fn message(&mut self, room: &mut Room<'_>, _: Seat, Raw(message): Raw) -> Reply {
        let outside = OUTSIDE.fetch_add(1, Ordering::Relaxed);
        self.kept = if self.keeps { outside } else { self.kept + 1 };
        room.send(Audience::All, "told", &if self.tells { outside } else { 0 });
        assert!(message.kind != "panic", "as it was told");
        assert!(!self.panics || outside.is_multiple_of(2), "now and then");
        done()
    }

    fn state(&self, seat: Seat) -> impl Serialize {
        (seat, self.kept)
    }
}

const STEPS: Field<u32> = Field::new("steps");

/// A world in which everybody has an animal that wanders; `blurs` has what is told depend on the process.
struct Herd {
    world: World,
    animals: BTreeMap<Seat, EntityId>,
    blurs: bool,
}

impl Game for Herd {
    type Message = Raw;

    fn create(options: &Payload, _: &mut Random) -> Result<Self, BadOptions> {
        let space = Space::flat(1_000.0, 1_000.0).with_sight(300.0);
        let world = World::new(space, [Kind::new("animal").with(STEPS)]).with_watchers();
        Ok(Self { world, animals: BTreeMap::new(), blurs: options.json().contains("blurs") })
    }

    fn settings(&self) -> Settings {
        Settings::new(4).with_tick(Duration::from_millis(50)).with_public(Duration::ZERO)
    }

    fn join(&mut self, room: &mut Room<'_>, seat: Seat) -> Result<(), MessageError> {
        let animal = self.world.spawn("animal").unwrap();
        self.animals.insert(seat, animal);
        self.world.put(animal, Place::flat(500.0, 500.0));
        self.world.welcome(room, seat, Eye::Entity(animal));
        Ok(())
    }

    fn leave(&mut self, _: &mut Room<'_>, seat: Seat, _: GoneWhy) {
        if let Some(animal) = self.animals.remove(&seat) {
            self.world.remove(animal);
        }
    }

    fn message(&mut self, _: &mut Room<'_>, _: Seat, _: Raw) -> Reply {
        done()
    }

    fn tick(&mut self, room: &mut Room<'_>) {
        for &animal in self.animals.values() {
            let (x, y) = (room.random().fraction() * 1_000.0, room.random().fraction() * 1_000.0);
            self.world.put(animal, Place::flat(x, y));
            let outside = u32::try_from(OUTSIDE.fetch_add(1, Ordering::Relaxed)).unwrap();
            self.world.set(animal, STEPS, if self.blurs { outside } else { 1 });
        }
        self.world.show(room);
        // What is saved does not tell.
        for &animal in self.animals.values() {
            self.world.set(animal, STEPS, 0);
        }
    }

    fn state(&self, seat: Seat) -> impl Serialize {
        json!({"world": self.world.state(seat)})
    }

    fn save(&self) -> Result<Payload, SaveError> {
        Ok(Payload::of(&self.animals)?)
    }
}

fn catalog() -> Catalog {
    let mut catalog = Catalog::default();
    catalog.add::<Relay>("relay");
    catalog.add::<Meadow>("meadow");
    catalog.add::<Cards>("cards");
    catalog.add::<Fidget>("fidget");
    catalog.add::<Leaky>("leaky");
    catalog.add::<Herd>("herd");
    catalog
}

fn player(number: u32) -> PlayerId {
    PlayerId::from_random(NodeId(0), u128::from(number))
}

fn header(game: &str, options: &serde_json::Value, seed: u64) -> Header {
    let room = Charter {
        id: RoomId::from_random(NodeId(3), 77),
        game: game.to_owned(),
        code: "CODEX".to_owned(),
        name: "Nest".to_owned(),
        private: true,
        password: seed.is_multiple_of(2).then(|| Password::new("sésame")),
        creator: Some(player(1)),
        standing: false,
        meta: Payload::of(&json!({"level": 3})).unwrap(),
        max_players: 4,
    };
    Header {
        recording: VERSION,
        server: "0.1.0".to_owned(),
        game: game.to_owned(),
        game_version: catalog().version(game).unwrap().to_owned(),
        room,
        options: Payload::of(options).unwrap(),
        seed,
        began_ms: START_MS,
    }
}

/// A room that is recorded, block by block.
struct Taped {
    room: Box<dyn RoomStep>,
    scribe: Scribe,
    now_ms: u64,
    lines: Vec<u8>,
    blocks: Vec<Vec<u8>>,
}

impl Taped {
    fn new(header: &Header) -> Self {
        let charter = header.room.clone();
        let draft: Draft = Box::new(move |_| Ok(charter));
        let room = catalog().make(&header.game, draft, &header.options, header.seed).unwrap().unwrap();
        let mut lines = Vec::new();
        header.push(&mut lines);
        let mut taped =
            Self { room, scribe: Scribe::new(START_MS), now_ms: START_MS, lines, blocks: Vec::new() };
        taped.end_block();
        taped
    }

    fn end_block(&mut self) {
        if !self.lines.is_empty() {
            self.blocks.push(packed(&std::mem::take(&mut self.lines)));
        }
    }

    fn step(&mut self, input: Input) -> Vec<Effect> {
        self.scribe.before(&input, self.now_ms, &mut self.lines);
        let mut effects = Vec::new();
        self.room.step(input, self.now_ms, &mut effects);
        self.scribe.after(&effects);
        self.scribe.hash_when_due(&*self.room, self.now_ms, &mut self.lines);
        effects
    }

    fn say(&mut self, kind: &str) -> Vec<Effect> {
        let message = Message { kind: kind.to_owned(), ..Message::default() };
        self.step(Input::Batch { seat: Seat(1), messages: vec![message] })
    }

    fn file(mut self, end: Option<End>) -> Vec<u8> {
        self.scribe.hash(&*self.room, &mut self.lines);
        if let Some(end) = end {
            push_end(&mut self.lines, self.scribe.at_ms(), end);
        }
        self.end_block();
        self.blocks.concat()
    }
}

fn packed(lines: &[u8]) -> Vec<u8> {
    let (mut gzip, mut out) = (Gzip::default(), Vec::new());
    gzip.write(&mut compressor(), lines, &mut out).unwrap();
    gzip.finish(&mut out);
    out
}

/// What may happen to any room.
fn input(random: &mut Random, knows: &mut Knows<'_>) -> Input {
    let seat = Seat(u16::try_from(random.below(5)).unwrap());
    match random.below(40) {
        0..4 => {
            let id = player(1 + random.below(7));
            let newcomer = Newcomer::new(id, format!("P{}", random.below(7)), me(random));
            let will = Will { kind: "bye".to_owned(), data: Payload::null() };
            let password = ["sésame", "guess"][random.below(2) as usize];
            Input::Join(Newcomer {
                will: (random.below(2) == 0).then_some(will),
                password: Some(Password::new(password)),
                has_pass: random.below(3) == 0,
                ..newcomer
            })
        }
        4 => {
            let why = *random.pick(&[GoneWhy::Left, GoneWhy::Lost, GoneWhy::Moved]).unwrap();
            Input::Leave { seat, why }
        }
        5 | 6 => Input::Presence { seat, is_lost: random.below(2) == 0 },
        7 => Input::Resync { seat },
        8 => {
            let why = *random.pick(&[GoneWhy::Kicked, GoneWhy::Banned]).unwrap();
            Input::Kick { player: player(1 + random.below(7)), why, detail: "too \"loud\"\n".to_owned() }
        }
        9..20 => Input::Tick,
        20..23 => Input::Wake,
        _ => Input::Batch { seat, messages: batch(random, knows) },
    }
}

fn at_random(header: &Header, steps: u32) -> (Vec<u8>, u64) {
    let mut taped = Taped::new(header);
    let mut random = Random::from_seed(header.seed ^ 0xABCD);
    let mut knows = Knows { game: &header.game, hand: None, other: player(3), number: 0 };
    for _ in 0..steps {
        taped.now_ms += u64::from(random.below(120));
        let effects = taped.step(input(&mut random, &mut knows));
        if random.below(10) == 0 {
            taped.end_block();
        }
        if effects.contains(&Effect::Closed) {
            break;
        }
    }
    let took_ms = taped.now_ms - START_MS;
    (taped.file(Some(End::Deserted)), took_ms)
}

/// Plays a file as far as it goes.
fn play(file: Vec<u8>) -> (Replay, Result<Option<Flaw>, Difference>) {
    let (header, mut reader) = Reader::open(file, false).unwrap();
    let mut replay = Replay::new(&catalog(), &header, false).unwrap();
    let outcome = loop {
        match reader.next() {
            Err(flaw) => break Ok(Some(flaw)),
            Ok(None) => break Ok(None),
            Ok(Some(line)) => {
                if let Err(difference) = replay.play(line, &mut Vec::new()) {
                    break Err(difference);
                }
            }
        }
    };
    (replay, outcome)
}

fn lines(file: &[u8]) -> (Vec<Line>, Option<Flaw>) {
    let mut lines = Vec::new();
    let mut reader = match Reader::open(file.to_vec(), false) {
        Ok((_, reader)) => reader,
        Err(flaw) => return (lines, Some(flaw)),
    };
    loop {
        match reader.next() {
            Ok(Some(line)) => lines.push(line),
            Ok(None) => return (lines, None),
            Err(flaw) => return (lines, Some(flaw)),
        }
    }
}

#[test]
fn rooms_of_every_game_are_played_again_as_they_were() {
    for seed in 0..8 {
        for game in ["relay", "meadow", "cards", "fidget", "herd"] {
            let options = match game {
                "fidget" => {
                    json!({"pauses": seed % 2 == 0, "lets_in": seed % 3 == 0, "bots_yield": seed % 2 == 1})
                }
                _ => json!({}),
            };
            let (file, took_ms) = at_random(&header(game, &options, seed), 600);
            let (replay, outcome) = play(file);
            assert_eq!(outcome, Ok(None), "{game} from {seed}");
            let played = replay.played();
            assert_eq!(played.end, Some(End::Deserted));
            assert!(played.hashes >= took_ms / 1200, "{game} from {seed}: {played:?} in {took_ms} ms");
        }
    }
}

/// A short recording of the relay.
fn short() -> Vec<u8> {
    let mut taped = Taped::new(&header("relay", &json!({}), 1));
    taped.step(Input::Join(Newcomer::new(player(1), "Zoë".to_owned(), Payload::null())));
    taped.end_block();
    for number in 0..6 {
        taped.now_ms += 700;
        taped.say(&format!("wave {number}"));
        if number % 2 == 0 {
            taped.end_block();
        }
    }
    taped.file(Some(End::Closed))
}

#[test]
fn a_file_that_is_cut_counts_up_to_its_last_whole_block() {
    let file = short();
    let (whole, none) = lines(&file);
    assert_eq!((whole.len(), none), (1 + 6 + 5, None));
    let mut ends = Vec::new();
    for length in 0..file.len() {
        let (read, flaw) = lines(&file[..length]);
        assert!(whole.starts_with(&read), "cut at {length}");
        match flaw {
            // Between two blocks.
            None => ends.push((length, read.len())),
            Some(Flaw::Cut { from_byte, bytes }) => {
                assert_eq!((from_byte, bytes), (ends.last().unwrap().0, length));
                assert_eq!(read.len(), ends.last().unwrap().1, "cut at {length}");
            }
            Some(flaw) => assert!(matches!(flaw, Flaw::NotOne(_)) && read.is_empty(), "{flaw}"),
        }
    }
    assert!(ends.len() >= 4, "{ends:?}");
    let (replay, outcome) = play(file[..file.len() - 1].to_vec());
    assert!(matches!(outcome, Ok(Some(Flaw::Cut { .. }))), "{outcome:?}");
    assert!(replay.played().hashes > 1 && replay.played().end.is_none());
}

#[test]
fn a_file_that_is_damaged_never_tells_anything_else() {
    let file = short();
    let (whole, _) = lines(&file);
    let mut damaged = 0;
    for place in 0..file.len() {
        for bit in [0, 3, 7] {
            let mut file = file.clone();
            file[place] ^= 1 << bit;
            let (read, flaw) = lines(&file);
            assert!(whole.starts_with(&read), "byte {place}, bit {bit}");
            // Of a member's head not every bit matters.
            assert!(flaw.is_some() || read == whole, "byte {place}, bit {bit}");
            damaged += u32::from(matches!(flaw, Some(Flaw::Damaged { .. })));
        }
    }
    assert!(damaged > 100, "{damaged}");
    // In the middle, with whole blocks behind it: that is no cut, whatever the unpacker says.
    let mut middle = file.clone();
    let place = file.len() / 2;
    middle.splice(place..place + 20, []);
    assert!(matches!(lines(&middle).1, Some(Flaw::Damaged { .. })), "{:?}", lines(&middle).1);
}

#[test]
fn what_is_no_recording_is_told_and_costs_little() {
    for file in [&b""[..], b"hello", &[0x1f, 0x8b], &packed(b"hello\n"), &packed(b"{}\n"), &packed(b"\n")] {
        assert!(matches!(lines(file).1, Some(Flaw::NotOne(_))), "{file:?}");
    }
    for (line, why) in [
        (
            format!(
                "{{\"at_ms\":9000000,\"batch\":{{\"seat\":1,\"messages\":[{}1]}}}}\n",
                "1,".repeat(600_000)
            ),
            "of that size",
        ),
        ("{\"at_ms\":9007199254740992,\"tick\":1}\n".to_owned(), "cannot be"),
        ("{\"at_ms\":9000000,\"tick\":1}\n{\"at_ms\":8999999,\"tick\":2}\n".to_owned(), "cannot be"),
    ] {
        let mut file = short();
        file.extend(packed(line.as_bytes()));
        let flaw = lines(&file).1.unwrap();
        assert!(matches!(flaw, Flaw::Damaged { .. }) && flaw.to_string().contains(why), "{flaw}");
    }
    let mut bomb = short();
    bomb.extend(packed(&vec![b' '; MEMBER_BYTES_MAX + 1]));
    let flaw = lines(&bomb).1.unwrap();
    assert!(flaw.to_string().contains("never written"), "{flaw}");
}

#[test]
fn a_file_from_the_future_says_so() {
    let of = |header: &str, lines: &str| [packed(header.as_bytes()), packed(lines.as_bytes())].concat();
    let mut now = Vec::new();
    header("relay", &json!({}), 1).push(&mut now);
    let now = String::from_utf8(now).unwrap();
    let next = now.replace("{\"recording\":1,", "{\"recording\":2,\"moods\":[],");
    assert_ne!(now, next);
    let tick = "{\"at_ms\":5,\"tick\":1}\n";
    let flaw = Reader::open(of(&next, tick), false).unwrap_err();
    assert!(flaw.to_string().contains("a newer version: the recording has the format 2"), "{flaw}");
    let (read, mut reader) = Reader::open(of(&next, tick), true).unwrap();
    assert_eq!((read.recording, reader.next().unwrap().unwrap().record), (2, Record::Input(Input::Tick)));
    // A header of which nothing else is known.
    let flaw = Reader::open(of("{\"recording\":3}\n", tick), false).unwrap_err();
    assert!(matches!(flaw, Flaw::Newer(_)), "{flaw}");
    for line in [
        "{\"at_ms\":5,\"teleport\":{}}\n",
        "{\"at_ms\":5}\n",
        "{\"at_ms\":5,\"tick\":1,\"wake\":true}\n",
        "{\"at_ms\":5,\"leave\":{\"seat\":1,\"why\":\"left\",\"mood\":1}}\n",
        "{\"at_ms\":5,\"hash\":\"12\"}\n",
        "{\"at_ms\":-5,\"tick\":1}\n",
        "[]\n",
    ] {
        let (read, flaw) = lines(&of(&now, &format!("{tick}{line}{tick}")));
        assert_eq!(read.len(), 1, "{line}");
        let flaw = flaw.unwrap().to_string();
        assert!(flaw.contains("newer version") && flaw.contains("line 3"), "{flaw}");
    }
}

#[test]
fn another_game_or_another_version_of_it_is_not_played_unless_by_force() {
    let mut of = header("leaky", &json!({}), 1);
    assert_eq!(of.game_version, "leaky 2");
    of.game_version = "leaky 1".to_owned();
    let error = Replay::new(&catalog(), &of, false).err().unwrap();
    assert_eq!(
        error.to_string(),
        "it is of version \"leaky 1\" of the game \"leaky\", and this program has version \"leaky 2\""
    );
    assert!(Replay::new(&catalog(), &of, true).is_ok());
    of.game = "chess".to_owned();
    let error = Replay::new(&catalog(), &of, true).err().unwrap();
    assert_eq!(error, NotReplayed::UnknownGame("chess".to_owned()));
    let of = header("fidget", &json!({"pauses": true, "lets_in": true, "bots_yield": true}), 1);
    let error = Replay::new(&catalog(), &Header { options: Payload::null(), ..of }, true).err().unwrap();
    assert!(matches!(error, NotReplayed::NotMade(_)), "{error}");
}

fn leaky(options: &serde_json::Value) -> Taped {
    let mut taped = Taped::new(&header("leaky", options, 1));
    let newcomer = Newcomer::new(player(1), "Zoë".to_owned(), Payload::null());
    let effects = taped.step(Input::Join(newcomer));
    assert!(effects.iter().any(|effect| matches!(effect, Effect::Admitted(_))), "{effects:?}");
    taped
}

#[test]
fn a_game_that_looks_outside_of_its_room_is_caught_at_the_next_hash() {
    for options in [json!({"tells": true}), json!({"keeps": true})] {
        let mut taped = leaky(&options);
        for _ in 0..40 {
            taped.now_ms += 50;
            taped.step(Input::Tick);
        }
        taped.say("look");
        taped.now_ms += 1500;
        taped.step(Input::Tick);
        let (replay, outcome) = play(taped.file(None));
        let difference = outcome.unwrap_err();
        assert_eq!((difference.tick, difference.at_ms), (41, 3500), "{options}");
        assert!(matches!(difference.what, Differing::Hash { .. }), "{difference}");
        assert!(
            difference.to_string().starts_with("at tick 41, 3.500 s: the recorded hash is "),
            "{difference}"
        );
        let played = replay.played();
        assert_eq!((played.hashes, played.hashed_tick, played.hashed_ms), (2, 40, 2000), "{options}");
    }
    // The same, looking nowhere.
    let mut taped = leaky(&json!({}));
    taped.say("look");
    assert_eq!(play(taped.file(None)).1, Ok(None));
}

#[test]
fn what_a_world_shows_is_compared_too() {
    let (file, _) = at_random(&header("herd", &json!({"blurs": true}), 1), 300);
    let difference = play(file).1.unwrap_err();
    assert!(matches!(difference.what, Differing::Hash { .. }), "{difference}");
}

#[test]
fn a_game_that_panics_does_so_again_or_is_caught() {
    let mut taped = leaky(&json!({}));
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| taped.say("panic")));
    assert!(panicked.is_err());
    push_end(&mut taped.lines, 0, End::Panicked);
    taped.end_block();
    let file = taped.blocks.concat();
    let (replay, outcome) = play(file);
    assert_eq!((outcome, replay.played().end), (Ok(None), Some(End::Panicked)));
    assert_eq!(replay.panicked(), Some("as it was told"));

    // One of these panics, and the other does not.
    let mut seen = Vec::new();
    for _ in 0..2 {
        let mut taped = leaky(&json!({"panics": true}));
        let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| taped.say("look"))).is_err();
        if panicked {
            push_end(&mut taped.lines, 0, End::Panicked);
        } else {
            taped.now_ms += 1;
            taped.step(Input::Tick);
        }
        taped.end_block();
        // Until it does the other thing; other tests count as well.
        let again = (0..1000).find_map(|_| play(taped.blocks.concat()).1.err());
        seen.push((panicked, again.unwrap().what));
    }
    for (panicked, what) in seen {
        let is_told = if panicked {
            what == Differing::NoPanic
        } else {
            matches!(&what, Differing::Panic(said) if said == "now and then")
        };
        assert!(is_told, "{what:?}");
    }
}

#[test]
fn a_room_that_begins_otherwise_is_another() {
    let (file, _) = at_random(&header("meadow", &json!({}), 5), 200);
    let (of, mut reader) = Reader::open(file, false).unwrap();
    let mut replay = Replay::new(&catalog(), &Header { seed: 6, ..of }, false).unwrap();
    let difference = loop {
        let line = reader.next().unwrap().expect("it is never noticed");
        if let Err(difference) = replay.play(line, &mut Vec::new()) {
            break difference;
        }
    };
    assert!(difference.at_ms < 2500, "{difference}");
    assert_eq!(replay.played().hashes, 0);
}
