//! The world and those who see it, against a look at everything.

mod bounds;
mod chance;
mod naive;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use sward_protocol::ids::Seat;
use sward_protocol::payload::Payload;
use sward_protocol::view::{Sight, WorldView};

use self::naive::Naive;
use super::frame::Frame;
use super::*;
use crate::game::Random;

const SEAT: Field<Seat> = Field::new("seat");
const BASKET: Field<u32> = Field::new("basket");
const NAME: Field<String> = Field::new("name");
const BAG: Field<Vec<EntityId>> = Field::new("bag");
const OPEN: Field<bool> = Field::new("open");
const HEAT: Field<f64> = Field::new("heat").rounded(1);

const SIGHT: f64 = 100.0;
const KEPT: f64 = 1.2;

fn kinds() -> [Kind; 3] {
    [
        Kind::new("animal").with(SEAT).with(BASKET).with_always(NAME).with_own(BAG),
        Kind::new("flower").with_group(Group::in_sight().with(OPEN).with(HEAT)),
        Kind::new("beacon").placed_for_all().with(HEAT),
    ]
}

fn field() -> World {
    World::new(Space::flat(1000.0, 800.0).with_sight(SIGHT).with_hysteresis(KEPT), kinds())
}

fn value(data: &impl Serialize) -> Value {
    serde_json::to_value(data).unwrap()
}

/// The patch that a player makes of a frame.
fn patch(frame: &Frame, seat: Seat) -> Value {
    let pieces = frame.pieces_for(seat).map(|piece| serde_json::from_slice::<Value>(piece.json()).unwrap());
    json!({"tick": frame.tick(), "world": pieces.collect::<Vec<_>>()})
}

/// A world and what its players know of it.
struct Meadow {
    world: World,
    views: BTreeMap<Seat, WorldView>,
    naive: Naive,
}

impl Meadow {
    fn new(world: World) -> Self {
        Self { world, views: BTreeMap::new(), naive: Naive::default() }
    }

    fn hear(&mut self, frame: &Frame) -> BTreeMap<Seat, Vec<Sight>> {
        let told =
            self.views.iter_mut().map(|(&seat, view)| (seat, view.apply(patch(frame, seat)))).collect();
        self.naive.check(&self.world);
        for (&seat, view) in &self.views {
            let shown = WorldView::of(value(&self.world.state(seat)));
            assert_eq!(view.entities(), shown.entities(), "{seat} was told otherwise than he is shown");
            assert_eq!(view.hash(), shown.hash());
        }
        told
    }

    fn come(&mut self, seat: Seat, eye: Eye) {
        self.views.remove(&seat);
        self.naive.eyes.remove(&seat);
        let (frame, refused) = self.world.admit(seat, eye);
        assert!(refused.is_empty(), "{refused:?}");
        self.naive.look(&self.world);
        self.hear(&frame);
        self.naive.eyes.insert(seat, eye);
        self.naive.look(&self.world);
        self.views.insert(seat, WorldView::of(value(&self.world.state(seat))));
    }

    fn tick(&mut self) -> BTreeMap<Seat, Vec<Sight>> {
        let (frame, refused) = self.world.tick();
        assert!(refused.is_empty(), "{refused:?}");
        self.naive.look(&self.world);
        self.hear(&frame)
    }

    fn look(&mut self, seat: Seat, eye: Eye) {
        self.naive.eyes.insert(seat, eye);
        self.world.look(seat, eye);
    }

    /// What the last tick told one player.
    fn told(&mut self, seat: u16) -> Vec<Sight> {
        self.tick().remove(&Seat(seat)).unwrap()
    }

    fn sees(&self, seat: u16, EntityId(id): EntityId) -> Value {
        let seen = self.views[&Seat(seat)].entities().get(&id);
        seen.map_or(Value::Null, |seen| {
            let mut fields = json!(seen.fields);
            if seen.far {
                fields["far"] = json!(true);
            }
            fields
        })
    }

    fn put(&mut self, kind: &str, x: f64, y: f64) -> EntityId {
        let id = self.world.spawn(kind).unwrap();
        self.world.put(id, Place::flat(x, y));
        id
    }

    /// A player with an animal of his own.
    fn walker(&mut self, seat: u16, x: f64, y: f64) -> EntityId {
        let id = self.put("animal", x, y);
        self.world.set(id, SEAT, Seat(seat));
        self.world.set_owner(id, Some(Seat(seat)));
        self.come(Seat(seat), Eye::Entity(id));
        id
    }
}

fn enter(id: EntityId) -> Sight {
    Sight::Enter(id.0)
}

fn leave(id: EntityId) -> Sight {
    Sight::Leave(id.0)
}

fn change(id: EntityId, fields: &[&str]) -> Sight {
    Sight::Change { id: id.0, fields: fields.iter().map(|name| (*name).to_owned()).collect() }
}

#[test]
fn only_what_changed_travels_and_only_to_who_sees_it() {
    let mut meadow = Meadow::new(field());
    let (zoe, bo) = (meadow.walker(1, 500.0, 400.0), meadow.walker(2, 550.0, 400.0));
    let _far = meadow.walker(3, 100.0, 100.0);
    assert_eq!(meadow.sees(1, zoe), json!({"seat": 1, "x": 500, "y": 400}));
    assert!(meadow.world.set(zoe, BASKET, 1) && !meadow.world.set(zoe, BASKET, 1));
    let told = meadow.tick();
    assert_eq!(told[&Seat(1)], [change(zoe, &["basket"])]);
    assert_eq!(told[&Seat(2)], told[&Seat(1)]);
    assert_eq!(told[&Seat(3)], []);
    meadow.world.put(bo, Place::flat(550.04, 400.0));
    assert_eq!(meadow.told(1), [], "less than the space tells");
    assert_eq!(meadow.world.place(bo).unwrap().x, 550.04, "but the game knows it");
    meadow.world.put(bo, Place::flat(550.06, 400.0).with_angle(0.5));
    assert_eq!(meadow.told(1), [change(bo, &["turn", "x", "y"])]);
    meadow.world.put(bo, Place::flat(550.06, 400.0));
    meadow.tick();
    assert_eq!(meadow.sees(1, bo), json!({"seat": 2, "x": 550.1, "y": 400}), "not turned any more");
}

#[test]
fn what_comes_into_sight_leaves_it_a_little_farther_away() {
    let mut meadow = Meadow::new(field());
    let zoe = meadow.walker(1, 500.0, 400.0);
    let flower = meadow.put("flower", 601.0, 400.0);
    assert_eq!(meadow.told(1), []);
    meadow.world.put(flower, Place::flat(600.0, 400.0));
    assert_eq!(meadow.told(1), [enter(flower)]);
    meadow.world.put(flower, Place::flat(619.0, 400.0));
    assert_eq!(meadow.told(1), [change(flower, &["x", "y"])], "kept");
    meadow.world.put(zoe, Place::flat(498.0, 400.0));
    assert_eq!(meadow.told(1), [change(zoe, &["x", "y"]), leave(flower)], "his own step");
    meadow.world.put(zoe, Place::flat(501.0, 400.0));
    assert_eq!(meadow.told(1), [change(zoe, &["x", "y"])], "not back at 118");
    meadow.world.put(zoe, Place::flat(900.0, 10.0));
    let near = meadow.put("flower", 905.0, 20.0);
    assert_eq!(meadow.told(1), [change(zoe, &["x", "y"]), enter(near)], "teleported");
    assert_eq!(meadow.world.near(Place::flat(900.0, 10.0), 50.0), [zoe, near]);
    assert!(meadow.world.is_in_sight(Seat(1), near) && !meadow.world.is_in_sight(Seat(1), flower));
}

#[test]
fn who_crosses_a_cell_with_each_tick_is_seen_all_the_way_and_no_further() {
    let mut meadow = Meadow::new(field());
    meadow.come(Seat(1), Eye::At(Place::flat(500.0, 400.0)));
    // A cell is 60 wide: half of how far what is in sight may be.
    let comet = meadow.put("flower", 5.0, 400.0);
    let mut told = Vec::new();
    for step in 1..=15 {
        meadow.world.put(comet, Place::flat(5.0 + 65.0 * f64::from(step), 400.0));
        told.extend(meadow.told(1));
    }
    // It comes in at 460, and is out again at 655.
    let moved = || change(comet, &["x", "y"]);
    assert_eq!(told, [enter(comet), moved(), moved(), leave(comet)]);
}

#[test]
fn of_a_crowd_each_sees_the_nearest() {
    let space = Space::flat(1000.0, 800.0).with_sight(300.0).with_hysteresis(KEPT).with_crowd(10);
    let mut meadow = Meadow::new(World::new(space, kinds()));
    let mut random = Random::from_seed(7);
    let crowd: Vec<_> =
        (0..60).map(|_| meadow.put("flower", random.fraction() * 400.0, random.fraction() * 400.0)).collect();
    let zoe = meadow.walker(1, 200.0, 200.0);
    let beacon = meadow.put("flower", 900.0, 700.0);
    meadow.world.set_visibility(beacon, Visibility::Everywhere);
    let mut twin = meadow.world.clone();
    for step in 0..200 {
        let told = meadow.told(1);
        twin.tick();
        for id in &crowd {
            let seen = [&twin, &meadow.world].map(|world| world.is_in_sight(Seat(1), *id));
            assert_eq!(seen[0], seen[1], "step {step}: the restored world goes on otherwise");
        }
        let eye = meadow.world.place(zoe).unwrap();
        let distance = |id: EntityId| {
            let place = meadow.world.place(id).unwrap();
            ((eye.x - place.x) * (eye.x - place.x) + (eye.y - place.y) * (eye.y - place.y)).sqrt()
        };
        let (seen, others): (Vec<_>, Vec<_>) =
            crowd.iter().copied().partition(|id| meadow.world.is_in_sight(Seat(1), *id));
        let farthest = seen.iter().map(|id| distance(*id)).fold(0.0, f64::max);
        let nearest = others.iter().map(|id| distance(*id)).fold(f64::INFINITY, f64::min);
        // She is one of the ten nearest herself.
        assert!(seen.len() == 9 || (step > 100 && seen.len() < 9), "step {step}: {} of them", seen.len());
        assert!(farthest <= nearest * KEPT || seen.len() < 9, "step {step}: {farthest} and not {nearest}");
        assert!(meadow.world.is_in_sight(Seat(1), beacon) && meadow.world.is_in_sight(Seat(1), zoe));
        assert!(step == 0 || step > 100 || told.len() < 20, "{told:?}");
        if random.below(3) == 0 {
            twin = Payload::of(&meadow.world).unwrap().parse::<World>().unwrap();
        }
        for id in &crowd {
            let place = meadow.world.place(*id).unwrap();
            let far = if step == 100 { 5.0 * f64::from(id.0) } else { 0.0 };
            let step = |random: &mut Random| 4.0 * random.fraction() - 2.0;
            let place = Place::flat(place.x + step(&mut random) + far, place.y + step(&mut random) + far);
            meadow.world.put(*id, place);
            twin.put(*id, place);
        }
    }
}

#[test]
fn some_fields_are_seen_from_everywhere_and_some_by_the_owner_alone() {
    let mut meadow = Meadow::new(field());
    let (zoe, bo) = (meadow.walker(1, 100.0, 100.0), meadow.walker(2, 900.0, 700.0));
    meadow.world.set(zoe, NAME, "Zoë".to_owned());
    meadow.world.set(zoe, BAG, vec![EntityId(7)]);
    assert_eq!(meadow.told(2), [change(zoe, &["name"])], "far away");
    assert_eq!(meadow.sees(2, zoe), json!({"name": "Zoë", "far": true}));
    assert_eq!(meadow.sees(1, zoe), json!({"seat": 1, "x": 100, "y": 100, "name": "Zoë", "bag": [7]}));
    meadow.world.put(zoe, Place::flat(880.0, 690.0));
    assert_eq!(meadow.told(2), [enter(zoe)]);
    assert_eq!(meadow.sees(2, zoe), json!({"seat": 1, "x": 880, "y": 690, "name": "Zoë"}));
    meadow.world.set_owner(zoe, Some(Seat(2)));
    let told = meadow.tick();
    assert_eq!(
        (&told[&Seat(1)], &told[&Seat(2)]),
        (&vec![change(zoe, &["bag"])], &vec![change(zoe, &["bag"])])
    );
    assert_eq!(meadow.sees(1, zoe).get("bag"), None, "his eyes are there still, but it is not his");
    assert_eq!(meadow.sees(2, zoe)["bag"], json!([7]));
    let beacon = meadow.put("beacon", 500.0, 100.0);
    meadow.world.set(beacon, HEAT, 3.12);
    meadow.tick();
    assert_eq!(meadow.sees(1, beacon), json!({"x": 500, "y": 100, "far": true}), "on the map");
    meadow.world.put(zoe, Place::flat(501.0, 101.0));
    assert_eq!(meadow.told(1), [change(zoe, &["x", "y"]), leave(bo), enter(beacon)]);
    assert_eq!(meadow.sees(1, beacon), json!({"x": 500, "y": 100, "heat": 3.1}));
}

#[test]
fn an_entity_may_be_seen_otherwise_than_its_place_says() {
    let mut meadow = Meadow::new(field());
    meadow.walker(1, 100.0, 100.0);
    meadow.walker(2, 900.0, 700.0);
    let flower = meadow.put("flower", 890.0, 700.0);
    assert_eq!(meadow.told(1), []);
    for (visibility, sees) in [
        (Visibility::Everywhere, [true, true]),
        (Visibility::Only(vec![Seat(1)]), [true, false]),
        (Visibility::Nobody, [false, false]),
        (Visibility::Within(5.0), [false, false]),
        (Visibility::Within(10.0), [false, true]),
        (Visibility::Within(2_000.0), [true, true]),
        (Visibility::InSight, [false, true]),
    ] {
        meadow.world.set_visibility(flower, visibility.clone());
        meadow.tick();
        assert_eq!([1, 2].map(|seat| meadow.sees(seat, flower) != Value::Null), sees, "{visibility:?}");
        meadow.world.set(flower, HEAT, f64::from(u8::from(sees[0])) + 0.5);
        meadow.tick();
    }
    meadow.world.set_visibility(flower, Visibility::Nobody);
    meadow.world.set_owner(flower, Some(Seat(1)));
    meadow.tick();
    assert_eq!(meadow.sees(1, flower), Value::Null, "not even its owner");
}

#[test]
fn eyes_are_where_the_game_says() {
    let mut meadow = Meadow::new(field());
    let flower = meadow.put("flower", 500.0, 400.0);
    let everywhere = meadow.put("flower", 1.0, 1.0);
    meadow.world.set_visibility(everywhere, Visibility::Everywhere);
    meadow.come(Seat(1), Eye::Nowhere);
    assert_eq!(
        (meadow.sees(1, flower), meadow.sees(1, everywhere)["x"].clone()),
        (Value::Null, json!(1)),
        "no position"
    );
    meadow.look(Seat(1), Eye::At(Place::flat(450.0, 400.0)));
    assert_eq!(meadow.told(1), [enter(flower)]);
    meadow.world.set_sight(Seat(1), Some(10.0));
    assert_eq!(meadow.told(1), [leave(flower)]);
    meadow.look(Seat(1), Eye::Everywhere);
    assert_eq!(meadow.told(1), [enter(flower)]);
    let eye = meadow.put("flower", 495.0, 400.0);
    meadow.look(Seat(1), Eye::Entity(eye));
    assert_eq!(meadow.told(1), [enter(eye)]);
    meadow.world.clear_place(eye);
    assert_eq!(meadow.told(1), [leave(flower), leave(eye)], "it is nowhere");
    meadow.world.put(eye, Place::flat(500.0, 400.0));
    meadow.tick();
    meadow.world.remove(eye);
    assert_eq!(meadow.told(1), [leave(flower), leave(eye)], "it is no more");
}

#[test]
fn without_space_everybody_sees_everything_and_it_is_said_once() {
    let mut meadow = Meadow::new(World::new(Space::none(), kinds()).with_watchers());
    let flower = meadow.world.spawn("flower").unwrap();
    for seat in 1..=3 {
        meadow.come(Seat(seat), Eye::Nowhere);
    }
    meadow.views.insert(Seat::GAME, WorldView::of(value(&meadow.world.state(Seat::GAME))));
    meadow.world.set(flower, OPEN, true);
    let (frame, _) = meadow.world.tick();
    assert_eq!(frame.pieces().len(), 1, "encoded once");
    assert_eq!(meadow.hear(&frame)[&Seat::GAME], [change(flower, &["heat", "open"][1..])]);
    assert!(meadow.world.tick().0.is_empty());
}

#[test]
fn nobody_is_shown_in_between_what_was_hidden_since() {
    let mut meadow = Meadow::new(World::new(Space::none(), kinds()));
    let zoe = meadow.walker(1, 1.0, 1.0);
    meadow.come(Seat(2), Eye::Nowhere);
    let flower = meadow.put("flower", 1.0, 1.0);
    meadow.tick();
    // Not shown yet, when somebody is shown all there is.
    meadow.world.set_owner(zoe, Some(Seat(2)));
    meadow.world.set(zoe, BAG, vec![EntityId(7)]);
    meadow.world.set_visibility(flower, Visibility::Only(vec![Seat(2)]));
    meadow.world.put(flower, Place::flat(9.0, 9.0));
    let shown = WorldView::of(value(&meadow.world.state(Seat(1))));
    assert_eq!(shown.entities().len(), 1, "{shown:?}");
    assert_eq!(shown.entities()[&zoe.0].fields.get("bag"), None);
    meadow.views.insert(Seat(1), shown);
    meadow.tick();
    assert_eq!(meadow.sees(1, zoe).get("bag"), None);
    assert_eq!((meadow.sees(1, flower), meadow.sees(2, flower)["x"].clone()), (Value::Null, json!(9)));
}

#[test]
fn who_watches_before_anybody_came_sees_what_there_is() {
    let mut meadow = Meadow::new(field().with_watchers());
    let flower = meadow.put("flower", 1.0, 1.0);
    let hidden = meadow.put("flower", 1.0, 1.0);
    meadow.world.set_visibility(hidden, Visibility::Nobody);
    meadow.views.insert(Seat::GAME, WorldView::of(value(&meadow.world.state(Seat::GAME))));
    assert_eq!(meadow.sees(0, flower), json!({"x": 1, "y": 1}));
    assert_eq!(meadow.told(0), [leave(flower), enter(flower)], "told with the first frame");
    assert_eq!(meadow.sees(0, hidden), Value::Null);
}

#[test]
fn three_dimensions_are_as_two() {
    let mut meadow = Meadow::new(World::new(Space::solid(500.0, 500.0, 500.0).with_sight(SIGHT), kinds()));
    let below = meadow.world.spawn("flower").unwrap();
    meadow.world.put(below, Place::solid(250.0, 250.0, 100.0).with_quaternion([0.0, 0.601, 0.0, 0.799_2]));
    meadow.come(Seat(1), Eye::At(Place::solid(250.0, 250.0, 190.0)));
    assert_eq!(meadow.sees(1, below), json!({"x": 250, "y": 250, "z": 100, "turn": [0, 0.6, 0, 0.8]}));
    meadow.look(Seat(1), Eye::At(Place::solid(250.0, 250.0, 220.0)));
    assert_eq!(meadow.told(1), [leave(below)]);
    assert_eq!(meadow.world.distance(below, below), Some(0.0));
}
