//! Things: each lies on the field or is in exactly one bag.

use std::collections::BTreeSet;

use super::*;
use crate::game::Random;

/// A small field, on which everything is soon reached.
fn small() -> TestRoom<Meadow> {
    TestRoom::with(json!({"width": 600, "height": 500, "flowers": 3, "things": 12})).unwrap()
}

fn bag(room: &TestRoom<Meadow>, player: TestPlayer) -> Vec<u32> {
    own(room, player)["bag"]
        .as_array()
        .unwrap()
        .iter()
        .map(|id| u32::try_from(id.as_u64().unwrap()).unwrap())
        .collect()
}

fn lies(room: &TestRoom<Meadow>, thing: u32) -> bool {
    seen(room, thing).get("x").is_some()
}

/// Walks to a thing and takes it.
fn fetch(room: &mut TestRoom<Meadow>, player: TestPlayer, thing: u32) -> Result<String, String> {
    let at = point(&seen(room, thing));
    walk_to(room, player, at);
    do_with(room, player, "take", thing)
}

#[test]
fn a_thing_is_taken_carried_and_dropped_where_one_stands() {
    let mut room = small();
    let (zoe, bo) = (room.join("Zoë"), room.join("Bo"));
    let (thing, lying) = all(&room, "thing")[0].clone();
    assert!(["acorn", "pebble", "feather", "shell", "pinecone"].contains(&lying["kind"].as_str().unwrap()));
    let (x, y) = point(&lying);
    walk_to(&mut room, zoe, (x + if x > 300.0 { -80.0 } else { 80.0 }, y));
    assert_eq!(do_with(&mut room, zoe, "take", thing), refused("too_far"));
    let taken = fetch(&mut room, zoe, thing);
    assert_eq!(taken, Ok(format!(r#"{{"thing":{thing},"carries":1}}"#)));
    room.advance(TICK);
    assert_eq!(own(&room, zoe)["bag"], json!([thing]));
    let carried = view(&room, zoe).entities()[&thing].clone();
    assert_eq!(json!(carried.fields), json!({"kind": lying["kind"]}), "he sees what he has");
    let of_others = view(&room, bo);
    assert!(!of_others.entities().contains_key(&thing), "and nobody else");
    let animal =
        of_others.entities().values().find(|seen| seen.fields.get("seat") == Some(&json!(1))).unwrap();
    assert_eq!((animal.fields.get("carries"), animal.fields.get("bag")), (Some(&json!(1)), None));
    assert_eq!(do_with(&mut room, bo, "drop", thing), refused("not_yours"));
    walk_to(&mut room, zoe, (321.0, 123.5));
    let dropped = do_with(&mut room, zoe, "drop", thing);
    assert_eq!(dropped, Ok(format!(r#"{{"thing":{thing},"carries":0}}"#)));
    assert_eq!(do_with(&mut room, zoe, "drop", thing), refused("not_yours"));
    room.advance(TICK);
    let there = json!({"kind": lying["kind"], "x": 321, "y": 123.5});
    assert_eq!(json!(view(&room, bo).entities()[&thing].fields), there);
    assert_eq!((bag(&room, zoe), own(&room, zoe)["carries"].clone()), (vec![], json!(0)));
}

#[test]
fn of_two_who_take_the_same_thing_one_gets_it() {
    let mut room = small();
    let (zoe, bo) = (room.join("Zoë"), room.join("Bo"));
    let (thing, fields) = all(&room, "thing")[4].clone();
    walk_to(&mut room, zoe, point(&fields));
    walk_to(&mut room, bo, point(&fields));
    assert!(do_with(&mut room, bo, "take", thing).is_ok());
    assert_eq!(do_with(&mut room, zoe, "take", thing), refused("already_taken"));
    assert_eq!(do_with(&mut room, bo, "take", thing), refused("already_taken"));
    assert_eq!((bag(&room, zoe), bag(&room, bo)), (vec![], vec![thing]));
}

#[test]
fn a_bag_holds_eight_things() {
    let mut room = small();
    let zoe = room.join("Zoë");
    let things: Vec<_> = all(&room, "thing").into_iter().map(|(id, _)| id).collect();
    for &thing in &things[..8] {
        fetch(&mut room, zoe, thing).unwrap();
    }
    assert_eq!(room.state::<Value>(zoe)["bag_max"], 8);
    assert_eq!(fetch(&mut room, zoe, things[8]), refused("bag_full"));
    assert!(lies(&room, things[8]));
    do_with(&mut room, zoe, "drop", things[2]).unwrap();
    assert!(do_with(&mut room, zoe, "take", things[8]).is_ok());
    let order = [0, 1, 3, 4, 5, 6, 7, 8].map(|index| things[index]);
    assert_eq!(bag(&room, zoe), order, "in the order in which they were taken");
}

#[test]
fn who_leaves_drops_his_bag_where_he_stood() {
    let mut room = small();
    let (zoe, bo) = (room.join("Zoë"), room.join("Bo"));
    let things: Vec<_> = all(&room, "thing")[..3].iter().map(|(id, _)| *id).collect();
    for &thing in &things {
        fetch(&mut room, zoe, thing).unwrap();
    }
    walk_to(&mut room, zoe, (250.0, 250.0));
    room.lose(zoe);
    room.advance(TICK);
    assert!(things.iter().all(|thing| point(&seen(&room, *thing)) == (250.0, 250.0)));
    assert!(fetch(&mut room, bo, things[1]).is_ok());
    let mo = room.join("Mo");
    assert_eq!((mo.seat, bag(&room, mo)), (zoe.seat, vec![]), "whoever sits there next has a bag of his own");
}

#[test]
fn whatever_happens_no_thing_is_lost_or_doubled() {
    for seed in 0..6 {
        let mut random = Random::from_seed(seed);
        let mut room = small();
        let mut players = vec![room.join("somebody")];
        let things: BTreeSet<_> = all(&room, "thing").into_iter().map(|(id, _)| id).collect();
        assert_eq!(things.len(), 12);
        for step in 0..150 {
            if players.len() < 2 || (players.len() < 5 && random.below(20) == 0) {
                players.push(room.join("somebody"));
            }
            let at = random.pick(&(0..players.len()).collect::<Vec<_>>()).copied().unwrap();
            let thing = *random.pick(&things.iter().copied().collect::<Vec<_>>()).unwrap();
            match random.below(20) {
                0 => room.leave(players.swap_remove(at)),
                1..12 => drop(do_with(&mut room, players[at], "take", thing)),
                12..15 => drop(do_with(&mut room, players[at], "drop", thing)),
                _ => walk(&mut room, players[at], random.fraction() * 600.0, random.fraction() * 500.0),
            }
            room.advance(TICK);
            let lying = things.iter().copied().filter(|thing| lies(&room, *thing));
            let mut found: Vec<_> =
                players.iter().flat_map(|player| bag(&room, *player)).chain(lying).collect();
            found.sort_unstable();
            assert!(found.iter().eq(&things), "seed {seed}, step {step}: {found:?} of {things:?}");
        }
    }
}
