//! An outbox with frames and events, streams in every form that are cut and resumed, and a reader by the rules of the wire
//! who is held to what was posted.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use sward_protocol::codec::Encoding;
use sward_protocol::format::{self, ChunkWriter, Data, Delivery, Format};

use super::*;
use crate::game::Random;
use crate::world::frame::{Frame, FrameWriter, Piece, PieceKey};

/// What a client knows of the world: of each entity its kind and its fields.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct View(pub(super) BTreeMap<u64, (String, BTreeMap<String, Value>)>);

impl View {
    pub(super) fn apply(&mut self, pieces: &[Value]) {
        for piece in pieces {
            let mut fields: BTreeMap<String, Value> = piece
                .as_object()
                .unwrap()
                .iter()
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect();
            let id = fields.remove("id").unwrap().as_u64().unwrap();
            if fields.remove("gone").is_some() {
                self.0.remove(&id);
            } else if let Some(kind) = fields.remove("is") {
                self.0.insert(id, (kind.as_str().unwrap().to_owned(), fields));
            } else if let Some((_, known)) = self.0.get_mut(&id) {
                known.extend(fields);
            }
        }
    }
}

pub(super) fn frame(tick: u64, pieces: &[Value], seat: Seat) -> Frame {
    let mut writer = FrameWriter::default();
    for piece in pieces {
        let index = writer.add(Arc::new(Piece::new(key(piece), piece.to_string().into_bytes().into())));
        // Half of what he sees is for all.
        if index % 2 == 0 { writer.show_all(index) } else { writer.show(index) }
    }
    writer.end_seat(seat);
    writer.finish(tick)
}

fn key(piece: &Value) -> PieceKey {
    let entity = u32::try_from(piece["id"].as_u64().unwrap()).unwrap();
    let group = match piece {
        piece if piece["is"].is_string() || piece["gone"] == true => PieceKey::BEING,
        piece if piece["x"].is_number() => PieceKey::PLACE,
        piece if piece["a"].is_number() => PieceKey::FIELDS,
        _ => PieceKey::FIELDS + 1,
    };
    PieceKey { entity, group }
}

const FORMATS: [Format; 5] = [
    Format::Sse { encoding: Encoding::Json, batch: false },
    Format::Sse { encoding: Encoding::Json, batch: true },
    Format::Sse { encoding: Encoding::Msgpack, batch: false },
    Format::Sse { encoding: Encoding::Msgpack, batch: true },
    Format::Frames,
];

/// What was posted, and what a client made of what he read.
struct World {
    random: Random,
    outbox: Outbox,
    now_ms: u64,
    /// Characters of a field: of long ones a world is more than a session may be behind.
    chars_max: u32,
    tick: u64,
    /// As everything posted makes it.
    truth: View,
    /// The newest piece of each key since `joined`, and its number.
    newest: BTreeMap<PieceKey, (u64, Value)>,
    /// What is said next.
    words: u64,
    /// The world as each `joined` showed it, by its word.
    joined: BTreeMap<u64, View>,
    format: Format,
    view: View,
    heard: u64,
    position: u64,
    /// What the client made of all up to an id.
    history: BTreeMap<u64, (View, u64)>,
    resets: u64,
    replays: u64,
}

impl World {
    fn new(seed: u64) -> Self {
        Self {
            random: Random::from_seed(seed),
            outbox: outbox(),
            now_ms: 1_000_000,
            chars_max: if seed.is_multiple_of(3) { 4_000 } else { 40 },
            tick: 0,
            truth: View::default(),
            newest: BTreeMap::new(),
            words: 0,
            joined: BTreeMap::new(),
            format: Format::default(),
            view: View::default(),
            heard: 0,
            position: 0,
            history: BTreeMap::from([(0, (View::default(), 0))]),
            resets: 0,
            replays: 0,
        }
    }

    fn post_frame(&mut self) {
        self.tick += 1;
        let (entities, changes) = (1 + self.random.below(40), self.random.below(60));
        let mut pieces: BTreeMap<PieceKey, Value> = BTreeMap::new();
        for _ in 0..changes {
            let (id, number) = (self.random.below(entities), self.random.below(100_000));
            let pad = "ä".repeat(self.random.below(self.chars_max) as usize);
            let is_known = self.truth.0.contains_key(&u64::from(id));
            let piece = match self.random.below(12) {
                0 => json!({"id": id, "gone": true}),
                1 | 2 => json!({"id": id, "is": "bird", "a": number, "b": pad}),
                _ if !is_known => continue,
                3..=7 => json!({"id": id, "x": f64::from(number) / 7.0, "y": -1}),
                8 | 9 => json!({"id": id, "a": number}),
                _ => json!({"id": id, "b": pad}),
            };
            pieces.insert(key(&piece), piece);
        }
        let pieces: Vec<Value> = pieces.into_values().collect();
        self.truth.apply(&pieces);
        let before = self.outbox.newest;
        let share = self.outbox.push_frame(&frame(self.tick, &pieces, ME), ME, self.now_ms);
        assert_eq!(u64::from(share.events), pieces.len() as u64);
        assert_eq!(self.outbox.newest, before + pieces.len() as u64);
        for (seq, piece) in (before + 1..).zip(pieces) {
            let key = key(&piece);
            if key.is_being() {
                self.newest.retain(|other, _| other.entity != key.entity);
            }
            self.newest.insert(key, (seq, piece));
        }
    }

    fn say(&mut self, weight: Weight) {
        let mut writer = FlushWriter::default();
        for _ in 0..=self.random.below(if weight == Weight::Free { 1 } else { 4 }) {
            self.words += 1;
            writer.push(Audience::All, &chat(&self.words.to_string()), None).unwrap();
            if weight == Weight::Bounded {
                let others = "another's".repeat(self.random.below(500) as usize);
                writer.push(Audience::Except(ME), &chat(&others), None).unwrap();
            }
        }
        if weight == Weight::Free {
            self.joined.insert(self.words, self.truth.clone());
            self.newest.clear();
        }
        self.outbox.push(&Arc::new(writer.finish(self.words.is_multiple_of(2))), ME, weight, self.now_ms);
    }

    /// Some of what waits is written, and some of that arrives.
    fn read(&mut self, bytes_max: usize, arrives: bool) {
        let mut chunk = ChunkWriter::new(self.format);
        let was_drained = self.outbox.is_drained();
        self.outbox.take(&mut chunk, bytes_max);
        assert!(chunk.count() > 0 || self.outbox.is_drained(), "always some progress");
        assert!(!was_drained || chunk.count() == 0);
        let count = chunk.count();
        let bytes = chunk.finish();
        assert!(
            count <= 1 || bytes.len() <= bytes_max.saturating_add(100),
            "{} bytes, {bytes_max} at most",
            bytes.len()
        );
        let mut reader = format::Reader::new(self.format);
        let mut deliveries = Vec::new();
        reader.feed(&bytes, |delivery| deliveries.push(delivery)).unwrap();
        assert_eq!(deliveries.iter().map(|delivery| delivery.events.len() as u64).sum::<u64>(), count);
        let arriving =
            if arrives { deliveries.len() } else { self.random.below(deliveries.len() as u32 + 1) as usize };
        deliveries.truncate(arriving);
        for delivery in deliveries {
            self.take(&delivery);
        }
    }

    fn take(&mut self, Delivery { id, events }: &Delivery) {
        let id: EventId = id.as_ref().unwrap().parse().unwrap();
        assert!(id.seq > self.position && id.seq <= self.outbox.newest, "ids rise");
        for event in events {
            let data: Value = match &event.data {
                Data::Json(json) => serde_json::from_str(json).unwrap(),
                Data::Msgpack(bytes) => rmp_serde::from_slice(bytes).unwrap(),
            };
            Self::hear(&mut self.view, &mut self.heard, &event.name, &data, &self.joined);
        }
        self.position = id.seq;
        self.history.insert(id.seq, (self.view.clone(), self.heard));
    }

    fn hear(view: &mut View, heard: &mut u64, name: &str, data: &Value, joined: &BTreeMap<u64, View>) {
        if name == "patch" {
            view.apply(data["world"].as_array().unwrap());
            return;
        }
        let word: u64 = data["data"].as_str().unwrap().parse().unwrap();
        if let Some(shown) = joined.get(&word) {
            (*view, *heard) = (shown.clone(), word);
        } else {
            *heard += 1;
            assert_eq!(word, *heard, "nothing is lost, doubled, or out of order");
        }
    }

    /// The stream is cut, and another one opens.
    fn resume(&mut self) {
        self.format = *self.random.pick(&FORMATS).unwrap();
        if self.outbox.resume(id(self.position)).is_ok() {
            self.replays += 1;
            return;
        }
        assert!(self.position < self.outbox.floor);
        self.resets += 1;
        self.outbox.start_fresh();
        self.position = self.outbox.written;
        self.history = BTreeMap::new();
        self.say(Weight::Free);
    }

    /// Who was told all, and who asks for it from wherever he may, sees what there is.
    fn check(&mut self) {
        self.outbox.check_bounds();
        let held = self.outbox.sight.held().map(|(key, seq, json)| (key, (seq, json.to_vec())));
        let newest = self.newest.iter().filter(|(_, (seq, _))| *seq > self.outbox.floor);
        assert!(held.eq(newest.map(|(key, (seq, piece))| (*key, (*seq, piece.to_string().into_bytes())))));
        if self.outbox.is_drained() && self.position == self.outbox.written {
            assert_eq!((&self.view, self.heard), (&self.truth, self.words));
        }
        let mut askers = self.history.range(self.outbox.floor..);
        let asker = askers.nth(self.random.below(20) as usize);
        if let Some((&from, (view, heard))) = asker {
            let (mut view, mut heard, mut last) = (view.clone(), *heard, from);
            for (id, item) in self.outbox.peek(id(from), usize::MAX).unwrap() {
                assert!(id.seq > last && item.len() <= 64 * 1024);
                last = id.seq;
                let (name, data): (String, Value) = serde_json::from_slice(&item).unwrap();
                Self::hear(&mut view, &mut heard, &name, &data, &self.joined);
            }
            assert_eq!((&view, heard), (&self.truth, self.words), "resumed from {from}");
        }
    }

    /// The server stops, and another goes on from the bytes.
    fn restart(&mut self) {
        let saved = self.outbox.save();
        let bytes = serde_json::to_vec(&saved).unwrap();
        self.outbox = Outbox::restore(&serde_json::from_slice(&bytes).unwrap()).unwrap();
        assert_eq!(self.outbox.save(), saved);
        // Its memory is its own now.
        self.outbox.trim(self.now_ms);
        self.resume();
    }

    fn step(&mut self) {
        match self.random.below(41) {
            40 => self.restart(),
            0 => self.now_ms += 31_000,
            1 => self.outbox.trim(self.now_ms),
            2 | 3 => self.outbox.acknowledge(id(self.position)),
            4 if self.random.below(8) == 0 => self.say(Weight::Free),
            5 | 6 => {
                self.read(500, false);
                self.resume();
            }
            7..=14 => self.say(Weight::Bounded),
            15..=24 => self.post_frame(),
            25..=34 => {
                let bytes_max = self.random.below(3_000) as usize;
                self.read(bytes_max, true);
            }
            35 => self.read(usize::MAX, true),
            _ => self.now_ms += u64::from(self.random.below(200)),
        }
        if self.outbox.check_queue(self.now_ms).is_err() {
            self.resume();
        }
        self.check();
    }
}

#[test]
fn a_reader_of_frames_and_events_is_told_all_that_is_so_and_all_that_was_said() {
    let (mut resets, mut replays) = (0, 0);
    for seed in 0..40 {
        let mut world = World::new(seed);
        for _ in 0..400 {
            world.step();
        }
        world.read(usize::MAX, true);
        if world.position < world.outbox.written {
            world.resume();
            world.read(usize::MAX, true);
        }
        assert!(world.outbox.is_drained() && world.position <= world.outbox.newest, "seed {seed}");
        world.check();
        (resets, replays) = (resets + world.resets, replays + world.replays);
    }
    assert!(resets > 40 && replays > 400, "{resets} resets, {replays} replays");
}
