//! A world that is used to the full: everything that a game may do to one, at random.

use serde::{Deserialize, Serialize};
use serde_json::json;
use sward_protocol::ids::Seat;
use sward_protocol::payload::Payload;

use crate::game::{Random, Room};
use crate::world::{EntityId, Eye, Field, Group, Kind, Place, Space, Visibility, World};

const NAME: Field<String> = Field::new("name");
const HOPS: Field<u32> = Field::new("hops");
const SPEED: Field<f64> = Field::new("speed").rounded(1);
const AWAKE: Field<bool> = Field::new("awake");
const PURSE: Field<Vec<u8>> = Field::new("purse");
const HEIGHT: Field<i32> = Field::new("height");
const SIGN: Field<Payload> = Field::new("sign");

/// Entities at a time.
const ENTITIES_MAX: usize = 400;
const SIDE: f64 = 1_000.0;

/// Which space it has.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Land {
    /// Everybody sees everything.
    #[default]
    None,
    Flat,
    Solid,
}

/// The world, and who changes it.
#[derive(Serialize, Deserialize)]
pub(super) struct Wild {
    world: World,
    land: Land,
}

impl Wild {
    pub(super) fn new(land: Land, is_public: bool) -> Self {
        let space = match land {
            Land::None => Space::none(),
            Land::Flat => Space::flat(SIDE, SIDE).with_sight(180.0),
            Land::Solid => Space::solid(SIDE, SIDE, SIDE).with_sight(300.0).with_decimals(0, 1),
        };
        let bird = Kind::new("bird")
            .with(NAME)
            .with(HOPS)
            .with_group(Group::in_sight().with(SPEED).with(AWAKE))
            .with_own(PURSE);
        let tower = Kind::new("tower").with_always(HEIGHT).with(SIGN).with_own(PURSE);
        let kinds = [bird, tower, Kind::new("ghost"), Kind::new("comet").placed_for_all().with(HOPS)];
        let world = World::new(space, kinds);
        Self { world: if is_public { world.with_watchers() } else { world }, land }
    }

    pub(super) fn state(&self, seat: Seat) -> impl Serialize {
        self.world.state(seat)
    }

    pub(super) fn welcome(&mut self, room: &mut Room<'_>, seat: Seat) {
        if room.random().below(2) == 0
            && let Some(id) = self.spawn(room.random())
        {
            self.world.set_owner(id, Some(seat));
        }
        let eye = self.eye(room.random());
        self.world.welcome(room, seat, eye);
    }

    /// What happens between two ticks, and is shown with the next.
    pub(super) fn fidget(&mut self, random: &mut Random) {
        for _ in 0..1 + random.below(3) {
            self.change(random);
        }
    }

    pub(super) fn tick(&mut self, room: &mut Room<'_>) {
        let changes = match room.random().below(100) {
            0..30 => 0,
            30..97 => room.random().below(12),
            _ => 600,
        };
        for _ in 0..changes {
            self.change(room.random());
        }
        self.world.show(room);
    }

    fn change(&mut self, random: &mut Random) {
        let Some(id) = self.some(random) else {
            self.spawn(random);
            return;
        };
        let seat = Seat(u16::try_from(random.below(9)).unwrap());
        match random.below(40) {
            0..5 => _ = self.spawn(random),
            5..8 => _ = self.world.remove(id),
            8..20 => self.walk(id, random),
            20..22 => _ = self.world.put(id, self.place(random)),
            22 => _ = self.world.clear_place(id),
            23..25 => _ = self.world.set_owner(id, (random.below(3) > 0).then_some(seat)),
            25..27 => {
                let visibility = match random.below(7) {
                    0 => Visibility::Within(random.fraction() * 500.0),
                    1 => Visibility::Everywhere,
                    2 => Visibility::Only(vec![seat, Seat(1)]),
                    3 => Visibility::Nobody,
                    _ => Visibility::InSight,
                };
                self.world.set_visibility(id, visibility);
            }
            27..29 => {
                let eye = self.eye(random);
                self.world.look(seat, eye);
            }
            29 => {
                let sight = (random.below(2) == 0).then(|| random.fraction() * 600.0);
                self.world.set_sight(seat, sight);
            }
            30 if random.below(20) == 0 => self.burst(random),
            _ => self.dress(id, random),
        }
    }

    /// Many come, go or change at once.
    fn burst(&mut self, random: &mut Random) {
        let all: Vec<EntityId> = self.world.ids().collect();
        match random.below(3) {
            0 => {
                for _ in 0..300 {
                    self.spawn(random);
                }
            }
            1 => {
                for id in all.into_iter().skip(3) {
                    self.world.remove(id);
                }
            }
            _ => all.into_iter().for_each(|id| self.dress(id, random)),
        }
    }

    fn some(&self, random: &mut Random) -> Option<EntityId> {
        let count = u32::try_from(self.world.len()).unwrap();
        if count == 0 { None } else { self.world.ids().nth(random.below(count) as usize) }
    }

    fn spawn(&mut self, random: &mut Random) -> Option<EntityId> {
        if self.world.len() >= ENTITIES_MAX {
            return None;
        }
        let kind = *random.pick(&["bird", "bird", "bird", "tower", "ghost", "comet"]).unwrap();
        let id = self.world.spawn(kind).unwrap();
        if random.below(8) > 0 {
            self.world.put(id, self.place(random));
        }
        self.dress(id, random);
        Some(id)
    }

    fn place(&self, random: &mut Random) -> Place {
        // Some of it is outside.
        let mut along = || random.fraction() * SIDE * 1.2 - SIDE * 0.1;
        let (x, y, z) = (along(), along(), along());
        match (self.land, random.below(3)) {
            (Land::Solid, 0) => Place::solid(x, y, z).with_quaternion([0.0, random.fraction(), 0.0, 1.0]),
            (Land::Solid, _) => Place::solid(x, y, z),
            (_, 0) => Place::flat(x, y).with_angle(random.fraction() * 7.0),
            _ => Place::flat(x, y),
        }
    }

    fn walk(&mut self, id: EntityId, random: &mut Random) {
        let Some(place) = self.world.place(id) else { return };
        let mut step = || random.fraction() * 40.0 - 20.0;
        let place = Place { x: place.x + step(), y: place.y + step(), ..place };
        self.world.put(id, place);
    }

    fn eye(&self, random: &mut Random) -> Eye {
        match random.below(8) {
            0 => Eye::Nowhere,
            1 => Eye::Everywhere,
            2 | 3 => Eye::At(self.place(random)),
            // One that is gone, sometimes.
            _ => self.some(random).map_or(Eye::Entity(EntityId(7)), Eye::Entity),
        }
    }

    fn dress(&mut self, id: EntityId, random: &mut Random) {
        let number = random.below(1_000);
        match self.world.kind(id) {
            Some("bird") => match random.below(5) {
                0 => {
                    let chars = if number < 15 { 1_500 } else { number as usize % 9 };
                    self.world.set(id, NAME, "ö".repeat(chars));
                }
                1 => _ = self.world.set(id, HOPS, number),
                2 => _ = self.world.set(id, SPEED, f64::from(number) / 33.0),
                3 => _ = self.world.set(id, AWAKE, number.is_multiple_of(2)),
                _ => _ = self.world.set(id, PURSE, vec![7; number as usize % 5]),
            },
            Some("tower") => match random.below(3) {
                0 => _ = self.world.set(id, HEIGHT, number.cast_signed() - 500),
                1 => _ = self.world.set(id, PURSE, vec![1]),
                _ => {
                    let signs =
                        [json!(null), json!({"b": 1.5, "a": [null, -0.0]}), json!("\u{202e}"), json!(1e300)];
                    let sign = Payload::of(random.pick(&signs).unwrap()).unwrap();
                    self.world.set(id, SIGN, sign);
                }
            },
            Some("comet") => _ = self.world.set(id, HOPS, number),
            _ => {}
        }
    }
}
