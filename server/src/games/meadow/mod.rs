//! The sample world: players are animals on a field, the server owns every position. `docs/meadow.md` has its messages.
//!
//! All that is on the field is in a [`World`]: each player is told what his animal sees.
//!
//! | module | what it holds |
//! |---|---|
//! | `options` | what a room's creator may choose |
//! | `animal` | what an animal has, where it is, and how far it may have walked |
//! | `flower` | flowers: picked, they grow again |
//! | `thing` | things: taken up, carried in a bag, dropped |

mod animal;
mod flower;
mod options;
mod thing;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sward_protocol::limits::{JOINED_BYTES_MAX, ROOM_PLAYERS_MAX};

use crate::game::{
    Audience, BadOptions, ErrorCode, Game, GoneWhy, MessageError, Payload, Random, Reply, Room, SaveError,
    Seat, Settings, done, refuse,
};
use crate::world::{EntityId, Eye, Space, World};
use animal::Animal;
pub use animal::Point;
use options::Options;
use thing::BAG_MAX;

const TICK: Duration = Duration::from_millis(50);
const FLUSH: Duration = Duration::from_millis(33);
/// Unless its creator says so, 50 play in a meadow.
const SEATS: u16 = 50;
/// Of animals, flowers and things an animal sees so many, the nearest: more than a screen shows well, and what a server
/// can tell thousands who stand together.
const CROWD: u16 = 200;
/// How near a flower or a thing must be to be picked or taken.
const REACH: f64 = 70.0;
/// The shortest time between two emotes of one animal.
const EMOTE_PAUSE_MS: u64 = 500;

/// Bytes of the map without its flowers, and of one of them, at most.
const MAP_BYTES: usize = 128;
const SPOT_BYTES: usize = 48;
/// Bytes of `joined` without the players and what is on the field, of a player without his name and data, and of one
/// animal, flower or thing in the state, all at most.
const JOINED_BYTES: usize = 40 * 1024;
const MEMBER_BYTES: usize = 104;
const ANIMAL_BYTES: usize = 96;
const LYING_BYTES: usize = 80;

/// A field of animals, flowers and things.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Meadow {
    options: Options,
    world: World,
    animals: BTreeMap<Seat, Animal>,
    /// Flowers that are closed, by when they open.
    growing: BTreeSet<(u64, EntityId)>,
    /// Who must be told where his animal really is.
    placed: BTreeSet<Seat>,
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
        flower: EntityId,
    },
    /// It takes up a thing that is near.
    Take {
        /// Which.
        thing: EntityId,
    },
    /// It puts down a thing that it carries.
    Drop {
        /// Which.
        thing: EntityId,
    },
    /// It shows something to those who see it.
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
struct State<W> {
    tick_ms: u64,
    width: f64,
    height: f64,
    speed: f64,
    reach: f64,
    sight: f64,
    bag_max: u8,
    world: W,
}

/// The blob `map`: what of the field does not change.
#[derive(Serialize)]
struct Map {
    width: f64,
    height: f64,
    reach: f64,
    flowers: Vec<flower::Spot>,
}

impl Game for Meadow {
    type Message = Message;

    fn create(options: &Payload, random: &mut Random) -> Result<Self, BadOptions> {
        let options = Options::read(options)?;
        let field = Space::flat(options.width, options.height).with_sight(options.sight).with_crowd(CROWD);
        let mut world = World::new(field, [Animal::kind(), flower::kind(), thing::kind()]).with_watchers();
        let is_full = |full: crate::world::WorldFull| BadOptions(full.to_string());
        for _ in 0..options.flowers {
            let at = options.anywhere(random);
            flower::sow(&mut world, at, random).map_err(is_full)?;
        }
        for _ in 0..options.things {
            let at = options.anywhere(random);
            thing::lay(&mut world, at, random).map_err(is_full)?;
        }
        let (animals, growing, placed) = (BTreeMap::new(), BTreeSet::new(), BTreeSet::new());
        Ok(Self { options, world, animals, growing, placed })
    }

    fn settings(&self) -> Settings {
        let map_bytes = MAP_BYTES + SPOT_BYTES * usize::from(self.options.flowers);
        // Strangers meet here: whoever came first has no say over the others.
        let settings =
            Settings::new(SEATS).with_seats_up_to(ROOM_PLAYERS_MAX).with_tick(TICK).with_flush(FLUSH);
        settings.with_public(Duration::ZERO).with_blobs(map_bytes).without_owner()
    }

    fn join(&mut self, room: &mut Room<'_>, seat: Seat) -> Result<(), MessageError> {
        let full = || MessageError::new(ErrorCode::RoomFull, "more could not be shown of this meadow");
        if self.shown_bytes(room) > JOINED_BYTES_MAX {
            return Err(full());
        }
        let now_ms = room.now_ms();
        let Self { world, options, .. } = self;
        let animal = Animal::born(world, seat, options, room.random(), now_ms).map_err(|_| full())?;
        world.welcome(room, seat, Eye::Entity(animal.entity));
        self.animals.insert(seat, animal);
        if room.blob("map").is_none() {
            self.publish_map(room);
        }
        Ok(())
    }

    fn leave(&mut self, _room: &mut Room<'_>, seat: Seat, _why: GoneWhy) {
        if let Some(animal) = self.animals.remove(&seat) {
            self.empty_bag(animal.entity);
            self.world.remove(animal.entity);
        }
        self.placed.remove(&seat);
    }

    fn message(&mut self, room: &mut Room<'_>, from: Seat, message: Message) -> Reply {
        match message {
            Message::Move(wish) => self.walk(room.now_ms(), from, wish),
            Message::Pick { flower } => self.pick(room, from, flower),
            Message::Take { thing } => self.take(from, thing),
            Message::Drop { thing } => self.drop(from, thing),
            Message::Emote(emotion) => self.emote(room, from, emotion),
        }
    }

    fn tick(&mut self, room: &mut Room<'_>) {
        self.grow(room.now_ms());
        for seat in std::mem::take(&mut self.placed) {
            if let Some(at) = self.place(seat) {
                room.send(Audience::Only(seat), "placed", &at.rounded());
            }
        }
        self.world.show(room);
    }

    fn state(&self, seat: Seat) -> impl Serialize {
        let Options { width, height, sight, .. } = self.options;
        State {
            // 50 fits.
            tick_ms: u64::try_from(TICK.as_millis()).unwrap_or(u64::MAX),
            width,
            height,
            speed: animal::SPEED,
            reach: REACH,
            sight,
            bag_max: BAG_MAX,
            world: self.world.state(seat),
        }
    }

    // All but what is in the bags.
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

impl Meadow {
    /// How large `joined` may be for somebody who sees everything; the newcomer is among the players already.
    fn shown_bytes(&self, room: &Room<'_>) -> usize {
        // Letters of a name may be escaped.
        let member = |seated: &crate::game::Seated| {
            MEMBER_BYTES + ANIMAL_BYTES + seated.me.json_len() + 2 * seated.name.len()
        };
        let lying = usize::from(self.options.flowers) + usize::from(self.options.things);
        JOINED_BYTES + LYING_BYTES * lying + room.players().values().map(member).sum::<usize>()
    }

    fn publish_map(&self, room: &mut Room<'_>) {
        let Options { width, height, .. } = self.options;
        let map = Payload::of(&Map { width, height, reach: REACH, flowers: self.spots().collect() });
        // It is for those who only want to look at the field: the game goes on without it.
        let _ = map.map(|map| room.publish("map", "application/json", map.json()));
    }

    fn emote(&mut self, room: &mut Room<'_>, seat: Seat, emotion: Emotion) -> Reply {
        let animal = self.animals.get_mut(&seat).ok_or_else(not_here)?;
        if room.now_ms() < animal.may_emote_ms {
            return refuse("too_soon", "at most two emotes a second");
        }
        animal.may_emote_ms = room.now_ms() + EMOTE_PAUSE_MS;
        let entity = animal.entity;
        let sees = |seat: &Seat| self.world.is_in_sight(*seat, entity);
        let seats = self.animals.keys().copied().filter(sees);
        // Those who watch see all animals.
        room.pass_on(seat, Audience::these(seats.chain([Seat::GAME])), "emote", &emotion);
        done()
    }
}

fn not_here() -> MessageError {
    MessageError::new(ErrorCode::NotInRoom, "there is no animal on this seat")
}

#[cfg(test)]
mod tests;
