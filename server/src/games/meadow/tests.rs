//! The meadow's rules, without a network.

use std::time::Duration;

use serde_json::Value;
use sward_protocol::ids::Seat;

use super::Meadow;
use crate::testing::TestRoom;

fn field() -> TestRoom<Meadow> {
    TestRoom::new("{}").unwrap()
}

fn state(room: &TestRoom<Meadow>, seat: Seat) -> Value {
    room.state(seat).parse().unwrap()
}

/// Where the animal on `seat` is, as `viewer` sees it.
fn place(room: &TestRoom<Meadow>, seat: Seat) -> (f64, f64) {
    let state = state(room, seat);
    let animal = state["animals"].as_array().unwrap().iter().find(|animal| animal["seat"] == seat.0).unwrap();
    (animal["x"].as_f64().unwrap(), animal["y"].as_f64().unwrap())
}

fn walk(room: &mut TestRoom<Meadow>, seat: Seat, x: f64, y: f64) {
    room.send(seat, &format!(r#"{{"type":"move","data":{{"x":{x},"y":{y}}}}}"#)).unwrap();
}

/// Walks until the animal is there, as fast as it may.
fn walk_to(room: &mut TestRoom<Meadow>, seat: Seat, x: f64, y: f64) {
    while place(room, seat) != (x, y) {
        walk(room, seat, x, y);
        room.advance(Duration::from_millis(50));
    }
}

#[test]
fn a_step_within_the_speed_is_seen_by_all_at_the_next_tick() {
    let mut room = field();
    let (zoe, bo) = (room.join("Zoë"), room.join("Bo"));
    room.advance(Duration::from_millis(50));
    room.heard(bo);
    let (x, y) = place(&room, zoe);
    walk(&mut room, zoe, x + 10.0, y);
    assert_eq!(room.heard(bo), Vec::<String>::new());
    room.advance(Duration::from_millis(50));
    let heard = room.heard(bo);
    let patch: Value = serde_json::from_str(heard[0].strip_prefix("patch ").unwrap()).unwrap();
    assert_eq!(patch["animals"][0]["seat"], 1);
    assert_eq!(patch["animals"][0]["x"].as_f64().unwrap(), ((x + 10.0) * 10.0).round() / 10.0);
    assert_eq!(patch["flowers"], Value::Null);
}

#[test]
fn nobody_teleports_and_the_author_is_told_where_he_is() {
    let mut room = field();
    let zoe = room.join("Zoë");
    let (x, y) = place(&room, zoe);
    walk(&mut room, zoe, x + 1000.0, y);
    let (cut, _) = place(&room, zoe);
    assert!((cut - x - 240.0).abs() < 0.2, "a second's worth at most, not {}", cut - x);
    walk(&mut room, zoe, x + 1000.0, y);
    assert_eq!(place(&room, zoe).0, cut, "nothing is left to walk");
    room.heard(zoe);
    room.advance(Duration::from_millis(100));
    let placed = room.heard(zoe).into_iter().filter(|event| event.contains("placed")).collect::<Vec<_>>();
    assert_eq!(placed.len(), 1);
    assert!(placed[0].starts_with(r#"msg {"from":0,"type":"placed","data":{"x":"#), "{placed:?}");
    walk(&mut room, zoe, x + 1000.0, y);
    assert!((place(&room, zoe).0 - cut - 24.0).abs() < 0.2, "0.1 s gives 24 units more");
}

#[test]
fn the_field_has_edges() {
    let mut room = field();
    let zoe = room.join("Zoë");
    for _ in 0..200 {
        walk(&mut room, zoe, -1e9, 1e300);
        room.advance(Duration::from_millis(50));
    }
    assert_eq!(place(&room, zoe), (0.0, 1600.0));
}

#[test]
fn a_flower_is_picked_once_and_grows_again() {
    let mut room = field();
    let (zoe, bo) = (room.join("Zoë"), room.join("Bo"));
    let flower = state(&room, zoe)["flowers"][5].clone();
    let pick = r#"{"type":"pick","data":{"flower":5},"rid":1}"#;
    let (x, y) = (flower["x"].as_f64().unwrap(), flower["y"].as_f64().unwrap());
    let far = if x > 1200.0 { x - 500.0 } else { x + 500.0 };
    walk_to(&mut room, zoe, far, y);
    assert_eq!(room.send(zoe, pick).unwrap_err().code, "too_far");
    walk_to(&mut room, zoe, x, y);
    walk_to(&mut room, bo, x, y);
    assert_eq!(room.send(zoe, pick).unwrap().json(), r#"{"flower":5,"basket":1}"#);
    assert_eq!(room.send(bo, pick).unwrap_err().code, "already_picked");
    room.heard(bo);
    room.advance(Duration::from_millis(50));
    assert!(room.heard(bo)[0].contains(r#""flowers":[{"id":5,"open":false,"by":1}]"#));
    room.advance(Duration::from_millis(20_050));
    assert!(room.heard(bo).concat().contains(r#""flowers":[{"id":5,"open":true}]"#));
    assert_eq!(room.send(bo, pick).unwrap().json(), r#"{"flower":5,"basket":1}"#);
    assert_eq!(room.send(bo, r#"{"type":"pick","data":{"flower":60}}"#).unwrap_err().code, "no_such_flower");
}

#[test]
fn emotes_are_seen_by_all_but_not_too_often() {
    let mut room = field();
    let (zoe, bo) = (room.join("Zoë"), room.join("Bo"));
    room.heard(bo);
    let wave = r#"{"type":"emote","data":{"emote":"wave"}}"#;
    room.send(zoe, wave).unwrap();
    assert_eq!(room.heard(bo), [r#"msg {"from":1,"type":"emote","data":{"emote":"wave"}}"#]);
    assert_eq!(room.send(zoe, wave).unwrap_err().code, "too_soon");
    room.advance(Duration::from_millis(500));
    room.send(zoe, wave).unwrap();
}

#[test]
fn what_the_meadow_does_not_know_changes_nothing() {
    let mut room = field();
    let zoe = room.join("Zoë");
    let before = state(&room, zoe);
    for (message, code) in [
        (r#"{"type":"fly"}"#, "unknown_type"),
        (r#"{"type":"move"}"#, "bad_payload"),
        (r#"{"type":"move","data":{"x":"1","y":2}}"#, "bad_payload"),
        (r#"{"type":"move","data":[1,2]}"#, "bad_payload"),
        (r#"{"type":"pick","data":{"flower":-1}}"#, "bad_payload"),
        (r#"{"type":"emote","data":{"emote":"<script>"}}"#, "bad_payload"),
        (r#"{"type":"chat","data":{"text":""}}"#, "bad_payload"),
        (r#"{"type":"chat","data":{"text":"hi","scope":"moon"}}"#, "bad_payload"),
    ] {
        assert_eq!(room.send(zoe, message).unwrap_err().code, code, "{message}");
    }
    assert_eq!(state(&room, zoe), before);
}

#[test]
fn the_same_seed_and_inputs_give_the_same_meadow() {
    let run = || {
        let mut room = field();
        let zoe = room.join("Zoë");
        for step in 0..100_u32 {
            walk(&mut room, zoe, f64::from(step) * 13.0, f64::from(step) * 7.0);
            let _ = room.send(zoe, &format!(r#"{{"type":"pick","data":{{"flower":{}}}}}"#, step % 60));
            room.advance(Duration::from_millis(50));
        }
        room.heard(zoe)
    };
    assert_eq!(run(), run());
}
