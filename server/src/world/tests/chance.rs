//! Whatever may be done to a world, by chance and from a seed.

use super::*;

/// One change of a world by chance.
fn change_by_chance(meadow: &mut Meadow, random: &mut Random) {
    let world = &mut meadow.world;
    let ids: Vec<_> = world.ids().collect();
    let seat = Seat(1 + u16::try_from(random.below(5)).unwrap());
    let place = Place::flat(random.fraction() * 500.0, random.fraction() * 300.0);
    let Some(&id) = random.pick(&ids) else {
        world.spawn("animal").unwrap();
        return;
    };
    match random.below(100) {
        0..8 => {
            let kind = *random.pick(&["animal", "flower", "beacon"]).unwrap();
            let id = world.spawn(kind).unwrap();
            if random.below(10) > 0 {
                world.put(id, place);
            }
        }
        8..14 => assert!(world.remove(id)),
        14..18 => assert!(world.clear_place(id)),
        18..50 => assert!(world.put(id, place)),
        50..60 => {
            let step = world.place(id).unwrap_or(place);
            world.put(id, Place::flat(step.x + 3.0, step.y - 2.0).with_angle(random.fraction()));
        }
        60..66 => {
            let seats = vec![seat, Seat(2)];
            let radius = random.fraction() * 400.0;
            let all = [
                Visibility::InSight,
                Visibility::InSight,
                Visibility::Within(radius),
                Visibility::Everywhere,
                Visibility::Only(seats),
                Visibility::Nobody,
            ];
            world.set_visibility(id, random.pick(&all).unwrap().clone());
        }
        66..72 => {
            let owner = (random.below(4) > 0).then_some(seat);
            world.set_owner(id, owner);
        }
        72..78 => {
            let eye = *random
                .pick(&[Eye::Nowhere, Eye::Entity(id), Eye::Entity(id), Eye::At(place), Eye::Everywhere])
                .unwrap();
            if meadow.naive.eyes.contains_key(&seat) && random.below(5) > 0 {
                meadow.look(seat, eye);
            } else {
                meadow.come(seat, eye);
            }
        }
        _ => match world.kind(id).unwrap() {
            "animal" => {
                world.set(id, BASKET, random.below(3));
                world.set(id, NAME, format!("animal {}", random.below(3)));
                world.set(id, BAG, vec![id]);
            }
            "flower" => {
                world.set(id, OPEN, random.below(2) == 0);
                world.set(id, HEAT, random.fraction());
            }
            _ => {
                world.set(id, HEAT, random.fraction());
            }
        },
    }
}

#[test]
fn whatever_happens_each_player_knows_what_he_may_see_and_nothing_else() {
    for seed in 0..40 {
        let mut random = Random::from_seed(seed);
        let mut meadow = Meadow::new(field().with_watchers());
        meadow.naive.eyes.insert(Seat::GAME, Eye::Everywhere);
        meadow.views.insert(Seat::GAME, WorldView::default());
        for step in 0..250 {
            for _ in 0..random.below(6) {
                change_by_chance(&mut meadow, &mut random);
            }
            if random.below(5) == 0 {
                let twin: World = Payload::of(&meadow.world).unwrap().parse().unwrap();
                let frames = (twin.clone().tick(), meadow.world.clone().tick());
                assert_eq!(
                    frames.0, frames.1,
                    "seed {seed}, step {step}: the restored world goes on otherwise"
                );
                if random.below(2) == 0 {
                    meadow.world = twin;
                }
            }
            meadow.tick();
        }
    }
}
