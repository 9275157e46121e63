//! The code of docs/world.md: compiled here, and played.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sward_server::Game;
use sward_server::game::{BadOptions, GoneWhy, MessageError, Payload, Random, Reply, Room, Seat, Settings};
use sward_server::testing::{TestPlayer, TestRoom};
use sward_server::world::{EntityId, World};

mod example;

const DOCS: &str = include_str!("../../../docs/world.md");
const CODE: &str = include_str!("world/example.rs");

struct Walk {
    world: World,
    animals: Vec<(Seat, EntityId)>,
}

#[derive(Deserialize)]
#[serde(tag = "type", content = "data", rename_all = "snake_case")]
enum Message {
    Walk { x: f64, y: f64 },
}

#[derive(Serialize)]
struct State<W> {
    world: W,
}

impl Game for Walk {
    type Message = Message;

    fn create(_options: &Payload, _random: &mut Random) -> Result<Self, BadOptions> {
        Ok(Self { world: example::new_world(), animals: Vec::new() })
    }

    fn settings(&self) -> Settings {
        Settings::new(8).with_tick(Duration::from_millis(50)).with_public(Duration::ZERO)
    }

    fn join(&mut self, room: &mut Room<'_>, seat: Seat) -> Result<(), MessageError> {
        let animal = example::join(&mut self.world, room, seat)?;
        self.animals.push((seat, animal));
        Ok(())
    }

    fn leave(&mut self, _room: &mut Room<'_>, seat: Seat, _why: GoneWhy) {
        for (_, animal) in self.animals.extract_if(.., |(owner, _)| *owner == seat) {
            self.world.remove(animal);
        }
    }

    fn message(&mut self, _room: &mut Room<'_>, from: Seat, message: Message) -> Reply {
        let Message::Walk { x, y } = message;
        let animal = self.animals.iter().find(|(seat, _)| *seat == from).unwrap().1;
        example::walk(&mut self.world, animal, x, y)
    }

    fn tick(&mut self, room: &mut Room<'_>) {
        example::tick(&mut self.world, room);
    }

    fn state(&self, seat: Seat) -> impl Serialize {
        State { world: self.world.state(seat) }
    }

    fn public_state(&self) -> impl Serialize {
        self.state(Seat::GAME)
    }
}

fn tick(room: &mut TestRoom<Walk>, player: TestPlayer) -> Vec<Value> {
    room.forget_heard();
    room.advance(Duration::from_millis(50));
    room.patches::<Value>(player).into_iter().map(|patch| patch["world"].clone()).collect()
}

#[test]
fn the_docs_show_the_code_that_is_compiled() {
    let block = DOCS.split("```rust\n").nth(1).unwrap().split("```").next().unwrap();
    assert_eq!(block, CODE);
}

#[test]
fn the_docs_code_shows_each_player_what_he_can_see() {
    let mut room = TestRoom::<Walk>::new();
    let (zoe, bo) = (room.join("Zoë"), room.join("Bo"));
    let seen = &room.state::<Value>(bo)["world"]["world"];
    assert_eq!(
        *seen,
        json!([
            {"id": 0, "is": "animal", "seat": 1, "x": 4000, "y": 3000},
            {"id": 1, "is": "animal", "seat": 2, "x": 4000, "y": 3000},
        ])
    );
    assert_eq!(room.patches::<Value>(zoe)[0]["world"][0]["id"], 1, "she was told at once");
    room.send(zoe, "walk", json!({"x": 4100, "y": 3000.04})).unwrap();
    assert_eq!(tick(&mut room, bo), [json!([{"id": 0, "x": 4100, "y": 3000}])]);
    room.send(zoe, "walk", json!({"x": 5_100, "y": 3_000})).unwrap();
    assert_eq!(tick(&mut room, bo), [json!([{"id": 0, "gone": true}])], "out of sight");
    assert_eq!(room.public_state::<Value>()["world"]["world"].as_array().unwrap().len(), 2);
    assert_eq!(tick(&mut room, bo), [] as [Value; 0]);
}
