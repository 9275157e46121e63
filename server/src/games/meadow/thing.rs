//! Things that lie about: taken up, carried in a bag, put down again. Each is in exactly one place, on the field or in one
//! bag: it is the same entity all the while, and has a place only while it lies.

use serde::Serialize;

use super::animal::{BAG, CARRIES, Point};
use super::{Meadow, REACH, not_here};
use crate::game::{Random, Reply, Seat, refuse, reply};
use crate::world::{EntityId, Field, Kind, Place, World, WorldFull};

/// Which of the kinds it is of.
const KIND: Field<String> = Field::new("kind");

const KINDS: [&str; 5] = ["acorn", "pebble", "feather", "shell", "pinecone"];
/// Things that one animal carries.
pub(super) const BAG_MAX: u8 = 8;

#[derive(Serialize)]
struct Carrying {
    thing: EntityId,
    carries: u8,
}

pub(super) fn kind() -> Kind {
    Kind::new("thing").with(KIND)
}

/// A thing that lies on the field.
pub(super) fn lay(world: &mut World, at: Point, random: &mut Random) -> Result<(), WorldFull> {
    let thing = world.spawn("thing")?;
    world.set(thing, KIND, random.pick(&KINDS).map_or_else(String::new, |kind| (*kind).to_owned()));
    world.put(thing, Place::from(at));
    Ok(())
}

impl Meadow {
    pub(super) fn take(&mut self, seat: Seat, thing: EntityId) -> Reply {
        let animal = self.animals.get(&seat).ok_or_else(not_here)?.entity;
        let world = &mut self.world;
        if world.kind(thing) != Some("thing") {
            return refuse("no_such_thing", "there is no such thing");
        }
        let Some(distance) = world.distance(animal, thing) else {
            return refuse("already_taken", "somebody carries it");
        };
        if distance > REACH {
            return refuse("too_far", "walk nearer first");
        }
        let mut bag = world.get(animal, BAG).unwrap_or_default();
        if bag.len() >= usize::from(BAG_MAX) {
            return refuse("bag_full", format!("a bag holds {BAG_MAX} things; drop one first"));
        }
        bag.push(thing);
        world.clear_place(thing);
        world.set_owner(thing, Some(seat));
        let carries = carry(world, animal, bag);
        reply(&Carrying { thing, carries })
    }

    pub(super) fn drop(&mut self, seat: Seat, thing: EntityId) -> Reply {
        let animal = self.animals.get(&seat).ok_or_else(not_here)?.entity;
        let world = &mut self.world;
        let mut bag = world.get(animal, BAG).unwrap_or_default();
        let Some(index) = bag.iter().position(|carried| *carried == thing) else {
            return refuse("not_yours", "this is not in your bag");
        };
        bag.remove(index);
        put_down(world, animal, thing);
        let carries = carry(world, animal, bag);
        reply(&Carrying { thing, carries })
    }

    /// All that an animal carries lies where it stands.
    pub(super) fn empty_bag(&mut self, animal: EntityId) {
        for thing in self.world.get(animal, BAG).unwrap_or_default() {
            put_down(&mut self.world, animal, thing);
        }
        carry(&mut self.world, animal, Vec::new());
    }
}

fn put_down(world: &mut World, animal: EntityId, thing: EntityId) {
    world.set_owner(thing, None);
    if let Some(place) = world.place(animal) {
        world.put(thing, place);
    }
}

/// The bag is this from now on; how many things that are.
fn carry(world: &mut World, animal: EntityId, bag: Vec<EntityId>) -> u8 {
    let carries = u8::try_from(bag.len()).unwrap_or(u8::MAX);
    world.set(animal, CARRIES, carries);
    world.set(animal, BAG, bag);
    carries
}
