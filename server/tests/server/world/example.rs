use sward_server::game::{MessageError, Reply, Room, Seat, done, refuse};
use sward_server::world::{EntityId, Eye, Field, Kind, Place, Space, World};

const SEAT: Field<Seat> = Field::new("seat");
const BASKET: Field<u32> = Field::new("basket");
const BAG: Field<Vec<u8>> = Field::new("bag");

pub fn new_world() -> World {
    let field = Space::flat(8_000.0, 6_000.0).with_sight(900.0);
    World::new(field, [Kind::new("animal").with(SEAT).with(BASKET).with_own(BAG)]).with_watchers()
}

// Game::join: the newcomer, and his animal, from which he sees.
pub fn join(world: &mut World, room: &mut Room<'_>, seat: Seat) -> Result<EntityId, MessageError> {
    let Ok(animal) = world.spawn("animal") else { return refuse("field_full", "come back later") };
    world.set(animal, SEAT, seat);
    world.set_owner(animal, Some(seat));
    world.put(animal, Place::flat(4_000.0, 3_000.0));
    world.welcome(room, seat, Eye::Entity(animal));
    Ok(animal)
}

// Game::message: the game changes its world as it likes; nobody is told yet.
pub fn walk(world: &mut World, animal: EntityId, x: f64, y: f64) -> Reply {
    world.put(animal, Place::flat(x, y));
    done()
}

// The end of Game::tick: now everybody is told.
pub fn tick(world: &mut World, room: &mut Room<'_>) {
    world.show(room);
}
