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
use sward_protocol::downstream::GoneWhy;
use sward_protocol::ids::Seat;
use sward_protocol::payload::Payload;
use sward_protocol::problem::{ErrorCode, MessageError};
use sward_protocol::upstream::Message;

use crate::game::{Audience, BadOptions, Game, Random, Room, Settings};
use animal::{Animal, Point};
use flower::Flower;

const TICK: Duration = Duration::from_millis(50);
const FLUSH: Duration = Duration::from_millis(33);
const WIDTH: f64 = 2400.0;
const HEIGHT: f64 = 1600.0;
const FLOWERS: u16 = 60;
/// How near a flower must be to be picked.
const REACH: f64 = 70.0;
/// The shortest time between two emotes of one animal.
const EMOTE_PAUSE_MS: u64 = 500;

/// A field of animals and flowers.
#[derive(Debug, Clone)]
pub struct Meadow {
    tick: u64,
    animals: BTreeMap<Seat, Animal>,
    flowers: Vec<Flower>,
    moved: BTreeSet<Seat>,
    placed: BTreeSet<Seat>,
    bloomed: BTreeMap<u16, Option<Seat>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Emote {
    Wave,
    Heart,
    Laugh,
    Sleep,
    Dance,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
struct EmoteData {
    emote: Emote,
}

#[derive(Deserialize)]
struct PickData {
    flower: u16,
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
struct State<'a> {
    tick: u64,
    tick_ms: u64,
    width: f64,
    height: f64,
    speed: f64,
    reach: f64,
    animals: Vec<AnimalView>,
    flowers: &'a [Flower],
}

impl Game for Meadow {
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
        Settings::new(50).with_tick(TICK).with_flush(FLUSH)
    }

    fn join(&mut self, room: &mut Room<'_>, seat: Seat) -> Result<(), MessageError> {
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

    fn message(
        &mut self,
        room: &mut Room<'_>,
        from: Seat,
        message: &Message,
    ) -> Result<Payload, MessageError> {
        match message.kind.as_str() {
            "move" => self.walk(room.now_ms(), from, &read(&message.data)?),
            "pick" => self.pick(room, from, &read(&message.data)?),
            "emote" => self.emote(room, from, read(&message.data)?),
            other => {
                let detail = format!("meadow knows move, pick and emote, not {other:?}");
                Err(MessageError::new(ErrorCode::UnknownType, detail))
            }
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
                room.send(Audience::Only(seat), Seat::GAME, "placed", payload(&animal.at.rounded()));
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
            room.patch(Audience::All, payload(&Patch { tick: self.tick, animals, flowers }));
        }
    }

    fn state(&self, _seat: Seat) -> Payload {
        payload(&State {
            tick: self.tick,
            // 50 fits.
            tick_ms: u64::try_from(TICK.as_millis()).unwrap_or(u64::MAX),
            width: WIDTH,
            height: HEIGHT,
            speed: animal::SPEED,
            reach: REACH,
            animals: self.animals.iter().map(|(&seat, animal)| view(seat, animal)).collect(),
            flowers: &self.flowers,
        })
    }
}

impl Meadow {
    fn walk(&mut self, now_ms: u64, seat: Seat, wish: &Point) -> Result<Payload, MessageError> {
        let animal = self.animals.get_mut(&seat).ok_or_else(not_here)?;
        if !animal.walk(*wish, now_ms) {
            self.placed.insert(seat);
        }
        self.moved.insert(seat);
        Ok(Payload::null())
    }

    fn pick(&mut self, room: &mut Room<'_>, seat: Seat, wish: &PickData) -> Result<Payload, MessageError> {
        let animal = self.animals.get_mut(&seat).ok_or_else(not_here)?;
        let flower = self
            .flowers
            .get_mut(usize::from(wish.flower))
            .ok_or_else(|| refusal("no_such_flower", "there is no such flower"))?;
        if !flower.open {
            return Err(refusal("already_picked", "somebody was faster; it will grow again"));
        }
        if animal.at.distance(flower.at) > REACH {
            return Err(refusal("too_far", "walk nearer first"));
        }
        flower.pick(room.now_ms(), room.random());
        animal.basket += 1;
        self.bloomed.insert(flower.id, Some(seat));
        self.moved.insert(seat);
        Ok(payload(&Picked { flower: flower.id, basket: animal.basket }))
    }

    fn emote(&mut self, room: &mut Room<'_>, seat: Seat, data: EmoteData) -> Result<Payload, MessageError> {
        let animal = self.animals.get_mut(&seat).ok_or_else(not_here)?;
        if room.now_ms() < animal.may_emote_ms {
            return Err(refusal("too_soon", "at most two emotes a second"));
        }
        animal.may_emote_ms = room.now_ms() + EMOTE_PAUSE_MS;
        room.send(Audience::All, seat, "emote", payload(&data));
        Ok(Payload::null())
    }
}

fn view(seat: Seat, animal: &Animal) -> AnimalView {
    AnimalView { seat, at: animal.at.rounded(), basket: animal.basket }
}

fn read<T: serde::de::DeserializeOwned>(data: &Payload) -> Result<T, MessageError> {
    // Serde would also read a struct from an array of its fields.
    if !data.json().starts_with('{') {
        return Err(MessageError::new(ErrorCode::BadPayload, "data is an object"));
    }
    data.parse().map_err(|error| MessageError::new(ErrorCode::BadPayload, error.to_string()))
}

fn payload<T: Serialize>(value: &T) -> Payload {
    // Plain structs of finite numbers always serialise.
    Payload::of(value).unwrap_or_default()
}

fn refusal(code: &'static str, detail: &str) -> MessageError {
    MessageError { code: code.into(), detail: detail.to_owned() }
}

fn not_here() -> MessageError {
    MessageError::new(ErrorCode::NotInRoom, "there is no animal on this seat")
}

#[cfg(test)]
mod tests;
