//! A field on which everybody walks, all the time: what a world costs when nothing stands still. `sward-loadtest world`
//! measures it.
//!
//! `cargo run --release -p sward-server --example walkers`

use std::collections::BTreeMap;
use std::f64::consts::PI;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sward_server::game::{Audience, BadOptions, GoneWhy, MessageError, Payload, Random, Reply};
use sward_server::game::{Room, Seat, Settings, done, refuse};
use sward_server::world::{EntityId, Eye, Field, Kind, Place, Space, World};
use sward_server::{Builder, Game, Server};

const WIDTH: f64 = 4_800.0;
const HEIGHT: f64 = 3_200.0;
const TICK: Duration = Duration::from_millis(50);
/// Units a second.
const SPEED: f64 = 240.0;
/// Steps between two turns, on average.
const STEPS_PER_TURN: u32 = 20;
/// So many others are to be in sight.
const NEIGHBOURS: f64 = 50.0;
/// Others come into sight at the radius and leave it at 1.15 × that: on average they are seen as far as this.
const SEEN_TO: f64 = 1.075;

const SEAT: Field<Seat> = Field::new("seat");

/// How players learn where the others are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Mode {
    /// Each is told what he can see, and only what changed.
    #[default]
    Sight,
    /// Each is told everything, and only what changed.
    Everything,
    /// Each is told everything, whether it changed or not, by a game that knows no worlds.
    Snapshots,
}

#[derive(Debug, Deserialize)]
#[serde(default)]
struct Options {
    mode: Mode,
    /// So many are expected: the more there are, the less far each sees.
    players: u16,
    seed: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self { mode: Mode::Sight, players: 200, seed: 1 }
    }
}

struct Walkers {
    mode: Mode,
    world: World,
    walkers: BTreeMap<Seat, Walker>,
    random: Random,
    tick: u64,
    is_halted: bool,
}

struct Walker {
    id: EntityId,
    x: f64,
    y: f64,
    /// How far a step goes.
    step: (f64, f64),
}

#[derive(Deserialize)]
#[serde(tag = "type", content = "data", rename_all = "snake_case")]
enum Message {
    /// All stand still from now on, so that what players know can be compared with what there is.
    Halt,
}

#[derive(Serialize)]
struct State<W> {
    #[serde(skip_serializing_if = "Option::is_none")]
    world: Option<W>,
    #[serde(skip_serializing_if = "Option::is_none")]
    snapshot: Option<Snapshot>,
    /// How far players see; null: everything.
    sight: Option<f64>,
}

#[derive(Serialize)]
struct Snapshot {
    tick: u64,
    walkers: Vec<Shown>,
}

#[derive(Serialize)]
struct Shown {
    id: u32,
    x: f64,
    y: f64,
}

impl Game for Walkers {
    type Message = Message;

    fn create(options: &Payload, _random: &mut Random) -> Result<Self, BadOptions> {
        let Options { mode, players, seed } = options.parse()?;
        let field = Space::flat(WIDTH, HEIGHT);
        let space = if mode == Mode::Sight { field.with_sight(sight_for(players)) } else { field };
        let world = World::new(space, [Kind::new("walker").with(SEAT)]);
        let random = Random::from_seed(seed);
        Ok(Self { mode, world, walkers: BTreeMap::new(), random, tick: 0, is_halted: false })
    }

    fn settings(&self) -> Settings {
        Settings::new(4_096).with_tick(TICK)
    }

    fn join(&mut self, room: &mut Room<'_>, seat: Seat) -> Result<(), MessageError> {
        let Ok(id) = self.world.spawn("walker") else {
            return refuse("field_full", "there is no place for one more");
        };
        let (x, y) = (WIDTH * self.random.fraction(), HEIGHT * self.random.fraction());
        self.walkers.insert(seat, Walker { id, x, y, step: direction(&mut self.random) });
        if self.mode != Mode::Snapshots {
            self.world.set(id, SEAT, seat);
            self.world.put(id, Place::flat(x, y));
            self.world.welcome(room, seat, Eye::Entity(id));
        }
        Ok(())
    }

    fn leave(&mut self, _room: &mut Room<'_>, seat: Seat, _why: GoneWhy) {
        if let Some(walker) = self.walkers.remove(&seat) {
            self.world.remove(walker.id);
        }
    }

    fn message(&mut self, _room: &mut Room<'_>, _from: Seat, Message::Halt: Message) -> Reply {
        self.is_halted = true;
        done()
    }

    fn tick(&mut self, room: &mut Room<'_>) {
        if self.is_halted {
            return;
        }
        self.tick += 1;
        for walker in self.walkers.values_mut() {
            walker.walk(&mut self.random);
            if self.mode != Mode::Snapshots {
                self.world.put(walker.id, Place::flat(walker.x, walker.y));
            }
        }
        if self.mode == Mode::Snapshots {
            room.patch(Audience::All, &self.snapshot());
        } else {
            self.world.show(room);
        }
    }

    fn state(&self, seat: Seat) -> impl Serialize {
        let is_world = self.mode != Mode::Snapshots;
        State {
            world: is_world.then(|| self.world.state(seat)),
            snapshot: (!is_world).then(|| self.snapshot()),
            sight: self.world.space().sight(),
        }
    }
}

impl Walkers {
    fn snapshot(&self) -> Snapshot {
        // With one digit behind the point, as the world tells places.
        let round = |value: f64| (value * 10.0).round() / 10.0;
        let shown = |walker: &Walker| Shown { id: walker.id.0, x: round(walker.x), y: round(walker.y) };
        Snapshot { tick: self.tick, walkers: self.walkers.values().map(shown).collect() }
    }
}

impl Walker {
    /// One step, straight on but now and then, and back from the edges.
    fn walk(&mut self, random: &mut Random) {
        if random.below(STEPS_PER_TURN) == 0 {
            self.step = direction(random);
        }
        let bounced =
            |at: f64, step: f64, end: f64| if (0.0..=end).contains(&(at + step)) { step } else { -step };
        self.step = (bounced(self.x, self.step.0, WIDTH), bounced(self.y, self.step.1, HEIGHT));
        (self.x, self.y) = (self.x + self.step.0, self.y + self.step.1);
    }
}

/// A step to any side.
fn direction(random: &mut Random) -> (f64, f64) {
    loop {
        let (x, y) = (2.0 * random.fraction() - 1.0, 2.0 * random.fraction() - 1.0);
        let length = (x * x + y * y).sqrt();
        if (0.1..=1.0).contains(&length) {
            let step = SPEED * TICK.as_secs_f64() / length;
            return (x * step, y * step);
        }
    }
}

/// The radius within which so many players have [`NEIGHBOURS`] others on average; as far as there is if they are fewer.
fn sight_for(players: u16) -> f64 {
    let others = f64::from(players.saturating_sub(1));
    let (mut near, mut far) = (1.0, HEIGHT);
    if others * share_within(far) <= NEIGHBOURS {
        return WIDTH + HEIGHT;
    }
    for _ in 0..40 {
        let middle = f64::midpoint(near, far);
        if others * share_within(middle) < NEIGHBOURS { near = middle } else { far = middle }
    }
    near / SEEN_TO
}

/// The share of all pairs of places on the field that are no farther apart than `radius`, which is at most the shorter
/// side. Less than the circle's share of the field, for who stands near the edge sees beyond it.
fn share_within(radius: f64) -> f64 {
    let area = WIDTH * HEIGHT;
    let pairs =
        PI * area * radius.powi(2) - 4.0 / 3.0 * (WIDTH + HEIGHT) * radius.powi(3) + radius.powi(4) / 2.0;
    pairs / (area * area)
}

/// A server with this game.
pub fn server() -> Builder {
    Server::builder().game::<Walkers>("walkers")
}

fn main() -> std::io::Result<()> {
    server().args().run()
}
