//! The sample world: players are animals on a field, the server owns every position. `docs/meadow.md` has its messages.
//!
//! | module | what it holds |
//! |---|---|
//! | `animal` | where an animal is, and how far it may have walked |
//! | `flower` | flowers: picked, they grow again |

mod animal;
mod flower;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sward_protocol::limits::ROOM_PLAYERS_MAX;

use crate::game::{
    Audience, BadOptions, ErrorCode, Game, GoneWhy, MessageError, Payload, Random, Reply, Room, SaveError,
    Seat, Settings, done, refuse, reply,
};
use animal::Animal;
pub use animal::Point;
use flower::{Flower, FlowerView, Place};

const TICK: Duration = Duration::from_millis(50);
const FLUSH: Duration = Duration::from_millis(33);
const WIDTH: f64 = 2400.0;
const HEIGHT: f64 = 1600.0;
const FLOWERS: u16 = 60;
/// Unless its creator says so, 50 play in a meadow.
const SEATS_MAX: u16 = ROOM_PLAYERS_MAX;
/// How near a flower must be to be picked.
const REACH: f64 = 70.0;
/// The shortest time between two emotes of one animal.
const EMOTE_PAUSE_MS: u64 = 500;
/// More than the map has: 60 flowers of about 40 bytes.
const MAP_BYTES_MAX: usize = 8 * 1024;

/// A field of animals and flowers.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Meadow {
    tick: u64,
    animals: BTreeMap<Seat, Animal>,
    flowers: Vec<Flower>,
    moved: BTreeSet<Seat>,
    placed: BTreeSet<Seat>,
    bloomed: BTreeMap<u16, Option<Seat>>,
}

/// What players send.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", content = "data", rename_all = "snake_case")]
pub enum Message {
    /// The animal wants to be there.
    Move(Point),
    /// It picks a flower that is near.
    Pick {
        /// Which.
        flower: u16,
    },
    /// It shows something to all.
    Emote(Emotion),
}

/// What an animal shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Emote {
    /// Hello.
    Wave,
    /// How nice.
    Heart,
    /// How funny.
    Laugh,
    /// How late.
    Sleep,
    /// Hooray.
    Dance,
}

/// Data of `emote`, on its way up and down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Emotion {
    emote: Emote,
}

#[derive(Serialize)]
struct Picked {
    flower: u16,
    basket: u32,
}

#[derive(Serialize)]
struct AnimalView {
    seat: Seat,
    #[serde(flatten)]
    at: Point,
    basket: u32,
}

#[derive(Serialize)]
struct FlowerChange {
    id: u16,
    open: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<Seat>,
}

#[derive(Serialize)]
struct Patch {
    tick: u64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    animals: Vec<AnimalView>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    flowers: Vec<FlowerChange>,
}

#[derive(Serialize)]
struct State {
    tick: u64,
    tick_ms: u64,
    width: f64,
    height: f64,
    speed: f64,
    reach: f64,
    animals: Vec<AnimalView>,
    flowers: Vec<FlowerView>,
}

/// The blob `map`: what of the field does not change.
#[derive(Serialize)]
struct Map {
    width: f64,
    height: f64,
    reach: f64,
    flowers: Vec<Place>,
}

impl Game for Meadow {
    type Message = Message;

    fn create(_options: &Payload, random: &mut Random) -> Result<Self, BadOptions> {
        let flowers = (0..FLOWERS).map(|id| Flower::sown(id, random)).collect();
        Ok(Self {
            tick: 0,
            animals: BTreeMap::new(),
            flowers,
            moved: BTreeSet::new(),
            placed: BTreeSet::new(),
            bloomed: BTreeMap::new(),
        })
    }

    fn settings(&self) -> Settings {
        // Strangers meet here: whoever came first has no say over the others.
        let settings = Settings::new(50).with_seats_up_to(SEATS_MAX).with_tick(TICK).with_flush(FLUSH);
        settings.with_public(Duration::ZERO).with_blobs(MAP_BYTES_MAX).without_owner()
    }

    fn join(&mut self, room: &mut Room<'_>, seat: Seat) -> Result<(), MessageError> {
        if room.blob("map").is_none() {
            self.publish_map(room);
        }
        let now_ms = room.now_ms();
        self.animals.insert(seat, Animal::born(room.random(), now_ms));
        self.moved.insert(seat);
        Ok(())
    }

    fn leave(&mut self, _room: &mut Room<'_>, seat: Seat, _why: GoneWhy) {
        self.animals.remove(&seat);
        self.moved.remove(&seat);
        self.placed.remove(&seat);
    }

    fn message(&mut self, room: &mut Room<'_>, from: Seat, message: Message) -> Reply {
        match message {
            Message::Move(wish) => self.walk(room.now_ms(), from, wish),
            Message::Pick { flower } => self.pick(room, from, flower),
            Message::Emote(emotion) => self.emote(room, from, emotion),
        }
    }

    fn tick(&mut self, room: &mut Room<'_>) {
        self.tick += 1;
        let now_ms = room.now_ms();
        for flower in &mut self.flowers {
            if flower.grow(now_ms) {
                self.bloomed.insert(flower.id, None);
            }
        }
        for seat in std::mem::take(&mut self.placed) {
            if let Some(animal) = self.animals.get(&seat) {
                room.send(Audience::Only(seat), "placed", &animal.at.rounded());
            }
        }
        let animals: Vec<_> = std::mem::take(&mut self.moved)
            .into_iter()
            .filter_map(|seat| Some(view(seat, self.animals.get(&seat)?)))
            .collect();
        let flowers: Vec<_> = std::mem::take(&mut self.bloomed)
            .into_iter()
            .map(|(id, by)| FlowerChange { id, open: by.is_none(), by })
            .collect();
        if !animals.is_empty() || !flowers.is_empty() {
            room.patch(Audience::All, &Patch { tick: self.tick, animals, flowers });
        }
    }

    fn state(&self, _seat: Seat) -> impl Serialize {
        self.public_state()
    }

    // Nobody has anything to hide.
    fn public_state(&self) -> impl Serialize {
        State {
            tick: self.tick,
            // 50 fits.
            tick_ms: u64::try_from(TICK.as_millis()).unwrap_or(u64::MAX),
            width: WIDTH,
            height: HEIGHT,
            speed: animal::SPEED,
            reach: REACH,
            animals: self.animals.iter().map(|(&seat, animal)| view(seat, animal)).collect(),
            flowers: self.flowers.iter().map(Flower::view).collect(),
        }
    }

    fn save(&self) -> Result<Payload, SaveError> {
        Ok(Payload::of(self)?)
    }

    fn restore(saved: &Payload) -> Result<Self, SaveError> {
        Ok(saved.parse()?)
    }
}

impl Meadow {
    fn publish_map(&self, room: &mut Room<'_>) {
        let flowers = self.flowers.iter().map(Flower::place).collect();
        let map = Payload::of(&Map { width: WIDTH, height: HEIGHT, reach: REACH, flowers });
        // It is for those who only want to look at the field: the game goes on without it.
        let _ = map.map(|map| room.publish("map", "application/json", map.json()));
    }

    fn walk(&mut self, now_ms: u64, seat: Seat, wish: Point) -> Reply {
        let animal = self.animals.get_mut(&seat).ok_or_else(not_here)?;
        if !animal.walk(wish, now_ms) {
            self.placed.insert(seat);
        }
        self.moved.insert(seat);
        done()
    }

    fn pick(&mut self, room: &mut Room<'_>, seat: Seat, flower: u16) -> Reply {
        let animal = self.animals.get_mut(&seat).ok_or_else(not_here)?;
        let Some(flower) = self.flowers.get_mut(usize::from(flower)) else {
            return refuse("no_such_flower", "there is no such flower");
        };
        if !flower.open {
            return refuse("already_picked", "somebody was faster; it will grow again");
        }
        if animal.at.distance(flower.at) > REACH {
            return refuse("too_far", "walk nearer first");
        }
        flower.pick(room.now_ms(), room.random());
        animal.basket += 1;
        self.bloomed.insert(flower.id, Some(seat));
        self.moved.insert(seat);
        reply(&Picked { flower: flower.id, basket: animal.basket })
    }

    fn emote(&mut self, room: &mut Room<'_>, seat: Seat, emotion: Emotion) -> Reply {
        let animal = self.animals.get_mut(&seat).ok_or_else(not_here)?;
        if room.now_ms() < animal.may_emote_ms {
            return refuse("too_soon", "at most two emotes a second");
        }
        animal.may_emote_ms = room.now_ms() + EMOTE_PAUSE_MS;
        room.pass_on(seat, Audience::All, "emote", &emotion);
        done()
    }
}

fn view(seat: Seat, animal: &Animal) -> AnimalView {
    AnimalView { seat, at: animal.at.rounded(), basket: animal.basket }
}

fn not_here() -> MessageError {
    MessageError::new(ErrorCode::NotInRoom, "there is no animal on this seat")
}

#[cfg(test)]
mod tests;
