//! What a world may have, and what it refuses.

use super::*;
use crate::world::things::FREE_IDS_MIN;

#[test]
fn ids_are_given_again_but_not_soon_and_never_mistaken() {
    let mut meadow = Meadow::new(field());
    meadow.come(Seat(1), Eye::At(Place::flat(0.0, 0.0)));
    let first = meadow.put("flower", 1.0, 1.0);
    meadow.tick();
    let mut ids = BTreeSet::new();
    let mut given_again = false;
    for _ in 0..600 {
        // Within one tick the id is never given to another.
        let brief = meadow.put("flower", 2.0, 2.0);
        assert!(meadow.world.remove(brief) && !meadow.world.remove(brief) && !meadow.world.has(brief));
        let id = meadow.put("animal", 1.0, 1.0);
        assert_ne!(id, brief);
        given_again |= !ids.insert(id);
        assert_eq!(meadow.told(1), [enter(id)]);
        meadow.world.remove(id);
        assert_eq!(meadow.told(1), [leave(id)]);
    }
    assert!(given_again && ids.len() > FREE_IDS_MIN / 2, "{} ids", ids.len());
    assert_eq!((meadow.world.len(), meadow.world.kind(first)), (1, Some("flower")));
    assert!(meadow.world.slots.len() <= FREE_IDS_MIN + 4, "{}", meadow.world.slots.len());
    let stale = EntityId(9_999);
    assert!(!meadow.world.set(stale, OPEN, true) && !meadow.world.put(stale, Place::flat(1.0, 1.0)));
    assert_eq!((meadow.world.get(stale, OPEN), meadow.world.owner(stale)), (None, None));
}

#[test]
fn a_world_is_bounded() {
    let mut world = World::new(Space::none(), kinds());
    for _ in 0..ENTITIES_MAX {
        world.spawn("flower").unwrap();
    }
    assert_eq!(world.spawn("flower"), Err(WorldFull));
    assert!(world.remove(EntityId(5)));
    assert_eq!(world.spawn("flower"), Err(WorldFull), "until everybody was told");
    world.tick();
    assert_eq!(world.spawn("flower"), Ok(EntityId(5)), "there is no other id");
    world.set(EntityId(5), OPEN, true);
    let animal = EntityId(6);
    world.remove(animal);
    world.tick();
    let animal = world.spawn("animal").unwrap();
    assert!(world.set(animal, NAME, "x".repeat(entity::GROUP_BYTES_MAX - 2)));
    assert_eq!(world.tick().1, [""; 0]);
    assert!(world.set(animal, NAME, "x".repeat(entity::GROUP_BYTES_MAX - 1)), "it has none any more");
    let deep =
        |levels: usize| Payload::from_json(&format!("{}{}", "[".repeat(levels), "]".repeat(levels))).unwrap();
    let sign: Field<Payload> = Field::new("sign");
    let mut signs = World::new(Space::none(), [Kind::new("post").with(sign)]);
    let post = signs.spawn("post").unwrap();
    assert!(signs.set(post, sign, deep(entity::VALUE_DEPTH_MAX)));
    assert!(Payload::of(&json!({"state": value(&signs.state(Seat::GAME))})).is_ok());
    assert!(signs.set(post, sign, deep(entity::VALUE_DEPTH_MAX + 1)));
    assert_eq!(signs.get(post, sign), Some(Payload::null()), "there is no such field");
    let (frame, refused) = world.tick();
    assert_eq!((refused.len(), frame.pieces_for(Seat(1)).count()), (1, 1), "{refused:?}");
    assert_eq!(world.get(animal, NAME), None, "what nobody can be told is not there");
    let mut twin: World = Payload::of(&signs).unwrap().parse().unwrap();
    assert_eq!(twin.tick(), signs.tick());
}

#[test]
fn what_is_no_number_is_no_place_and_no_radius() {
    let mut meadow = Meadow::new(field());
    let flower = meadow.put("flower", 1.0, 1.0);
    meadow.come(Seat(1), Eye::At(Place::flat(f64::NAN, 0.0)));
    assert_eq!(meadow.sees(1, flower), Value::Null);
    meadow.world.set_visibility(flower, Visibility::Within(f64::INFINITY));
    meadow.world.set_sight(Seat(1), Some(f64::INFINITY));
    assert_eq!(meadow.world.near(Place::flat(1.0, 1.0), -1.0), []);
    let mut twin: World = Payload::of(&meadow.world).unwrap().parse().unwrap();
    assert_eq!(twin.tick(), meadow.world.tick());
    assert!(
        World::new(Space::solid(1e300, 1e300, 1e300).with_sight(1e-300), kinds())
            .near(Place::default(), 1.0)
            .is_empty()
    );
}
