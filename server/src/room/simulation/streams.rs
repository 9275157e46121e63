//! Whole streams of a room with a world, byte for byte as their connections bring them, with the hash of what their reader
//! ought to see: for readers in other languages. `protocol/tests/golden/world-streams.json` has them.

use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::json;
use sward_protocol::codec::Encoding;
use sward_protocol::downstream::{Event, Hello};
use sward_protocol::format::{self, Format};
use sward_protocol::ids::{Epoch, EventId, NodeId, PlayerId, RoomId, Seat};
use sward_protocol::payload::Payload;
use sward_protocol::problem::MessageError;

use super::chance;
use super::room::world_of;
use super::wild::{Land, Wild};
use crate::fanout::encode::encode;
use crate::fanout::flush::Flush;
use crate::fanout::mailslot::{Mailslot, Tenancy};
use crate::fanout::part::Pending;
use crate::fanout::reading::{Chunk, Kind, Opening, Position, Reader, Wish};
use crate::fanout::wake::Wakes;
use crate::game::{Audience, BadOptions, Game, Random, Reply, Room, Settings, done};
use crate::room::core::{Charter, RoomCore, RoomStep as _};
use crate::room::effect::Effect;
use crate::room::input::{Input, Newcomer};
use crate::stream::words;

const ME: Seat = Seat(1);
const STAY: Tenancy = Tenancy(1);
const TICK_MS: u64 = 100;
const TICKS: u32 = 48;

/// A world in which anything may happen, and a word now and then.
struct Wilderness(Wild);

impl Game for Wilderness {
    type Message = Payload;

    fn create(options: &Payload, _: &mut Random) -> Result<Self, BadOptions> {
        let land: Land = options.parse()?;
        Ok(Self(Wild::new(land, false)))
    }

    fn settings(&self) -> Settings {
        Settings::new(4).with_tick(Duration::from_millis(TICK_MS))
    }

    fn join(&mut self, room: &mut Room<'_>, seat: Seat) -> Result<(), MessageError> {
        self.0.welcome(room, seat);
        Ok(())
    }

    fn message(&mut self, _: &mut Room<'_>, _: Seat, _: Self::Message) -> Reply {
        done()
    }

    fn tick(&mut self, room: &mut Room<'_>) {
        if room.random().below(3) == 0 {
            room.send(Audience::All, "before", "ö");
        }
        self.0.tick(room);
        if room.random().below(3) == 0 {
            room.send(Audience::All, "behind", &1);
        }
    }

    fn state(&self, seat: Seat) -> impl Serialize {
        json!({"world": Payload::of(&self.0.state(seat)).unwrap()})
    }
}

/// One reader, through all of his connections.
#[derive(Debug, Serialize, Deserialize)]
struct Script {
    name: String,
    connections: Vec<Connection>,
}

/// What one connection brings until it is cut.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Connection {
    /// The last id that its reader has, which it asked to go on from.
    #[serde(skip_serializing_if = "Option::is_none")]
    last: Option<String>,
    text: String,
    /// Where all that there was is told: bytes of the text, and the hash of the view.
    marks: Vec<(usize, u32)>,
}

struct Play {
    random: Random,
    core: RoomCore<Wilderness>,
    now_ms: u64,
    pending: Pending,
    mailslot: Mailslot,
    wakes: Wakes,
    format: Format,
    hold: Option<Reader>,
    connections: Vec<Connection>,
}

impl Play {
    fn new(seed: u64, land: Land, batch: bool) -> Self {
        let mut random = Random::from_seed(seed);
        let game = Wilderness(Wild::new(land, false));
        let settings = game.settings();
        let charter = Charter {
            id: RoomId::from_random(NodeId(0), 7),
            game: "wilderness".to_owned(),
            code: "TEST".to_owned(),
            name: String::new(),
            private: false,
            password: None,
            creator: None,
            standing: true,
            meta: Payload::of(&json!({})).unwrap(),
            max_players: 4,
        };
        let source = Random::from_seed(random.next_u64());
        let mut play = Self {
            random,
            core: RoomCore::new(charter, game, settings, source),
            now_ms: 1_764_000_000_000,
            pending: Pending::default(),
            mailslot: Mailslot::new(Epoch(7)),
            wakes: Wakes::default(),
            format: Format::Sse { encoding: Encoding::Json, batch },
            hold: None,
            connections: Vec::new(),
        };
        // There is something already when he comes.
        (0..4).for_each(|_| play.step(Input::Tick));
        for (number, name) in [(1, "Zoë 🦊"), (2, "Bo")] {
            let id = PlayerId::from_random(NodeId(0), number);
            play.step(Input::Join(Newcomer::new(id, name.to_owned(), Payload::null())));
        }
        play
    }

    fn step(&mut self, input: Input) {
        let mut effects = Vec::new();
        self.core.step(input, self.now_ms, &mut effects);
        for effect in effects {
            match effect {
                Effect::Admitted(joined) if joined.seat == ME => {
                    let joined = Arc::new(Flush::of(encode(&Event::Joined(joined)).unwrap()));
                    self.pending.finish(false);
                    self.mailslot.move_in(STAY, &joined, self.now_ms, &mut self.wakes);
                }
                Effect::Snapshot(joined) => {
                    let joined = Arc::new(Flush::of(encode(&Event::Joined(joined)).unwrap()));
                    self.mailslot.post_snapshot(STAY, &joined, self.now_ms, &mut self.wakes);
                }
                Effect::Send(outgoing) => self.pending.push(outgoing).unwrap(),
                Effect::Frame(frame) => self.pending.push_frame(frame, false),
                _ => {}
            }
        }
        let parts = self.pending.finish(false);
        self.mailslot.post(STAY, &parts, ME, self.now_ms, &mut self.wakes);
    }

    /// A connection, and where it goes on from: what the one before it brought whole.
    fn open(&mut self) {
        let position = self.connections.last().and_then(|last| {
            let mut newest = last.last.clone();
            let mut parser = format::Reader::new(self.format);
            parser.feed(last.text.as_bytes(), |delivery| newest = delivery.id.or(newest.take())).unwrap();
            newest
        });
        let from = match &position {
            _ if !self.connections.is_empty() && chance(&mut self.random, 15) => Position::Garbage,
            Some(id) => Position::Event(id.parse().unwrap()),
            None => Position::Nothing,
        };
        let wish = Wish { from, nonce: None, kind: Kind::Open, format: self.format };
        let Opening { reader, last, resumed, reset, needs_snapshot, .. } =
            self.mailslot.open(wish, self.now_ms).unwrap();
        let EventId { epoch, .. } = last;
        let hello = Hello {
            epoch,
            last,
            resumed,
            player: None,
            room: None,
            time_ms: self.now_ms,
            heartbeat_ms: 15_000,
            watchdog_ms: 35_000,
            version: sward_protocol::VERSION,
        };
        let text = String::from_utf8(words::hello(self.format, hello, reset)).unwrap();
        self.hold = Some(reader);
        self.connections.push(Connection { last: position, text, marks: Vec::new() });
        if needs_snapshot {
            self.step(Input::Resync { seat: ME });
        }
    }

    fn read(&mut self, is_cut: bool) {
        let Some(hold) = self.hold.clone() else { return self.open() };
        loop {
            match self.mailslot.read(&hold, self.format, Waker::noop()) {
                Chunk::Events { bytes, .. } => {
                    let mut arrives = String::from_utf8(bytes).unwrap();
                    if is_cut {
                        let mut end = self.random.below(u32::try_from(arrives.len()).unwrap()) as usize;
                        while !arrives.is_char_boundary(end) {
                            end -= 1;
                        }
                        arrives.truncate(end);
                    }
                    self.connections.last_mut().unwrap().text += &arrives;
                    if is_cut {
                        return self.cut();
                    }
                }
                Chunk::Empty => break,
                Chunk::Closed(_) => return self.hold = None,
            }
        }
        let hash = world_of(&self.core.state(ME)).unwrap().hash();
        let connection = self.connections.last_mut().unwrap();
        connection.marks.push((connection.text.len(), hash));
    }

    fn cut(&mut self) {
        if let Some(hold) = self.hold.take() {
            self.mailslot.detach(&hold);
        }
    }

    /// A reader who looks each so many ticks.
    fn read_each(mut self, name: &str, ticks: u32) -> Script {
        self.open();
        for tick in 0..TICKS {
            self.now_ms += TICK_MS;
            self.step(Input::Tick);
            if tick % ticks == 0 {
                let is_cut = chance(&mut self.random, 20);
                self.read(is_cut);
            }
        }
        self.read(false);
        self.read(false);
        Script { name: name.to_owned(), connections: self.connections }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../protocol/tests/golden/world-streams.json");

    fn scripts() -> Vec<Script> {
        vec![
            Play::new(1, Land::Flat, false).read_each("keeps up", 1),
            Play::new(2, Land::Solid, true).read_each("keeps up, in batches", 1),
            Play::new(3, Land::None, false).read_each("looks each third tick", 3),
            Play::new(4, Land::Flat, true).read_each("looks each seventh tick, in batches", 7),
        ]
    }

    #[test]
    fn the_golden_streams_of_a_world_are_these() {
        let scripts = scripts();
        let connections = || scripts.iter().flat_map(|script| &script.connections);
        let marks: usize = connections().map(|connection| connection.marks.len()).sum();
        assert!(connections().count() > 20 && marks > 60, "{marks} marks");
        assert!(connections().any(|connection| connection.text.contains("event: reset\n")));
        assert!(connections().any(|connection| connection.text.contains(r#""gone":true"#)));
        let mut now = serde_json::to_string_pretty(&scripts).unwrap();
        now.push('\n');
        assert!(now.len() < 150_000, "{} bytes", now.len());
        if std::env::var_os("SWARD_BLESS").is_some() {
            std::fs::write(FILE, &now).unwrap();
        }
        let known = std::fs::read_to_string(FILE).unwrap();
        assert!(now == known, "SWARD_BLESS=1 cargo test -p sward-server --lib streams writes {FILE} anew");
    }
}
