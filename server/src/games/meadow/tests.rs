//! The meadow's rules, without a network.

use std::time::Duration;

use serde_json::{Value, json};

use super::Meadow;
use crate::testing::{TestPlayer, TestRoom};

fn field() -> TestRoom<Meadow> {
    TestRoom::new()
}

/// Where a player's animal is, as he sees it.
fn place(room: &TestRoom<Meadow>, player: TestPlayer) -> (f64, f64) {
    let state: Value = room.state(player);
    let mut animals = state["animals"].as_array().unwrap().iter();
    let animal = animals.find(|animal| animal["seat"] == player.seat.0).unwrap();
    (animal["x"].as_f64().unwrap(), animal["y"].as_f64().unwrap())
}

fn walk(room: &mut TestRoom<Meadow>, player: TestPlayer, x: f64, y: f64) {
    room.send(player, "move", json!({"x": x, "y": y})).unwrap();
}

/// Walks until the animal is there, as fast as it may.
fn walk_to(room: &mut TestRoom<Meadow>, player: TestPlayer, x: f64, y: f64) {
    while place(room, player) != (x, y) {
        walk(room, player, x, y);
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
    assert_eq!(room.heard(bo), [""; 0]);
    room.advance(Duration::from_millis(50));
    let patch = room.patches::<Value>(bo).remove(0);
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
    room.forget_heard();
    room.advance(Duration::from_millis(100));
    let placed = room.messages::<Value>(zoe, "placed");
    assert_eq!(placed.len(), 1);
    assert!((placed[0]["x"].as_f64().unwrap() - cut).abs() < 0.1, "{placed:?}");
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
    let flower = room.state::<Value>(zoe)["flowers"][5].clone();
    let pick = json!({"flower": 5});
    assert_eq!(flower.get("opens_ms"), None, "a secret");
    let (x, y) = (flower["x"].as_f64().unwrap(), flower["y"].as_f64().unwrap());
    let far = if x > 1200.0 { x - 500.0 } else { x + 500.0 };
    walk_to(&mut room, zoe, far, y);
    assert_eq!(room.send(zoe, "pick", &pick).unwrap_err().code, "too_far");
    walk_to(&mut room, zoe, x, y);
    walk_to(&mut room, bo, x, y);
    assert_eq!(room.send(zoe, "pick", &pick).unwrap().json(), r#"{"flower":5,"basket":1}"#);
    assert_eq!(room.send(bo, "pick", &pick).unwrap_err().code, "already_picked");
    room.forget_heard();
    room.advance(Duration::from_millis(50));
    assert!(room.heard(bo)[0].contains(r#""flowers":[{"id":5,"open":false,"by":1}]"#));
    room.advance(Duration::from_millis(20_050));
    assert!(room.heard(bo).concat().contains(r#""flowers":[{"id":5,"open":true}]"#));
    assert_eq!(room.send(bo, "pick", &pick).unwrap().json(), r#"{"flower":5,"basket":1}"#);
    assert_eq!(room.send(bo, "pick", json!({"flower": 60})).unwrap_err().code, "no_such_flower");
}

#[test]
fn emotes_are_seen_by_all_but_not_too_often() {
    let mut room = field();
    let (zoe, bo) = (room.join("Zoë"), room.join("Bo"));
    room.heard(bo);
    let wave = json!({"emote": "wave"});
    room.send(zoe, "emote", &wave).unwrap();
    assert_eq!(room.heard(bo), [r#"msg {"from":1,"type":"emote","data":{"emote":"wave"}}"#]);
    assert_eq!(room.send(zoe, "emote", &wave).unwrap_err().code, "too_soon");
    room.advance(Duration::from_millis(500));
    room.send(zoe, "emote", &wave).unwrap();
}

#[test]
fn what_the_meadow_does_not_know_changes_nothing() {
    let mut room = field();
    let zoe = room.join("Zoë");
    let before: Value = room.state(zoe);
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
        assert_eq!(room.send_raw(zoe, message).unwrap_err().code, code, "{message}");
    }
    assert_eq!(room.state::<Value>(zoe), before);
}

/// Two players who walk and pick for `steps` × 50 ms, beginning with step `from`.
fn play(room: &mut TestRoom<Meadow>, players: [TestPlayer; 2], from: u32, steps: u32) {
    for step in from..from + steps {
        for (player, pace) in players.into_iter().zip([13.0, 17.0]) {
            walk(room, player, f64::from(step) * pace, f64::from(step) * 7.0);
            // Most are too far away; that is an answer too.
            let _ = room.send(player, "pick", json!({"flower": step % 60}));
        }
        room.advance(Duration::from_millis(50));
    }
}

#[test]
fn the_same_seed_and_inputs_give_the_same_meadow() {
    let run = |seed| {
        let mut room = TestRoom::<Meadow>::seeded(seed, json!({})).unwrap();
        let players = [room.join("Zoë"), room.join("Bo")];
        play(&mut room, players, 0, 100);
        room.heard(players[0])
    };
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2));
}

#[test]
fn a_meadow_that_was_restored_goes_on_as_if_nothing_had_been() {
    let mut room = field();
    let players = [room.join("Zoë"), room.join("Bo")];
    play(&mut room, players, 0, 40);
    let flower = room.state::<Value>(players[0])["flowers"][9].clone();
    walk_to(&mut room, players[0], flower["x"].as_f64().unwrap(), flower["y"].as_f64().unwrap());
    room.send(players[0], "pick", json!({"flower": 9})).unwrap();
    room.forget_heard();
    let mut restored = room.restored().unwrap();
    let finish = |room: &mut TestRoom<Meadow>| {
        play(room, players, 40, 60);
        let mo = room.join("Mo");
        room.leave(players[1]);
        room.advance(Duration::from_secs(30));
        let joined = format!("{:?}", room.joined(mo));
        (joined, [players[0], players[1], mo].map(|player| room.heard(player)), room.state::<Value>(mo))
    };
    assert_eq!(finish(&mut restored), finish(&mut room));
}

#[test]
fn the_map_has_what_does_not_change() {
    let mut room = field();
    let zoe = room.join("Zoë");
    let map = room.blob("map").unwrap().clone();
    assert_eq!((room.joined(zoe).blobs[0].name.as_str(), map.media_type()), ("map", "application/json"));
    let shown: Value = serde_json::from_slice(map.bytes()).unwrap();
    let mut state: Value = room.state(zoe);
    for flower in state["flowers"].as_array_mut().unwrap() {
        flower.as_object_mut().unwrap().remove("open");
    }
    for what in ["width", "height", "reach", "flowers"] {
        assert_eq!(shown[what], state[what], "{what}");
    }
    room.leave(zoe);
    let bo = room.join("Bo");
    assert_eq!(room.joined(bo).blobs[0].etag, map.etag());
    assert!(map.bytes().len() <= room.settings().blob_bytes / 2, "{} bytes", map.bytes().len());
}
