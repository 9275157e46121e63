//! The meadow's rules, without a network.

mod sight;
mod things;

use std::time::Duration;

use serde_json::{Value, json};
use sward_protocol::view::WorldView;

use super::Meadow;
use crate::testing::{TestPlayer, TestRoom};

const TICK: Duration = Duration::from_millis(50);

fn field() -> TestRoom<Meadow> {
    TestRoom::new()
}

/// What a player sees who looks at the meadow anew.
fn view(room: &TestRoom<Meadow>, player: TestPlayer) -> WorldView {
    WorldView::of(room.state::<Value>(player)["world"].take())
}

/// What everybody may see.
fn public_view(room: &TestRoom<Meadow>) -> WorldView {
    WorldView::of(room.public_state::<Value>()["world"].take())
}

/// All of a kind that everybody may see: their ids and fields.
fn all(room: &TestRoom<Meadow>, kind: &str) -> Vec<(u32, Value)> {
    let view = public_view(room);
    let found = view.entities().iter().filter(|(_, seen)| seen.kind == kind);
    found.map(|(&id, seen)| (id, json!(seen.fields))).collect()
}

/// One entity, as everybody may see it; null if there is none.
fn seen(room: &TestRoom<Meadow>, id: u32) -> Value {
    public_view(room).entities().get(&id).map_or(Value::Null, |seen| json!(seen.fields))
}

/// A player's animal, as he sees it.
fn own(room: &TestRoom<Meadow>, player: TestPlayer) -> Value {
    let view = view(room, player);
    let mut animals = view.entities().values().filter(|seen| seen.kind == "animal");
    let animal = animals.find(|seen| seen.fields["seat"] == player.seat.0);
    json!(animal.unwrap().fields)
}

fn point(fields: &Value) -> (f64, f64) {
    (fields["x"].as_f64().unwrap(), fields["y"].as_f64().unwrap())
}

fn place(room: &TestRoom<Meadow>, player: TestPlayer) -> (f64, f64) {
    point(&own(room, player))
}

fn walk(room: &mut TestRoom<Meadow>, player: TestPlayer, x: f64, y: f64) {
    room.send(player, "move", json!({"x": x, "y": y})).unwrap();
}

/// Walks until the animal is there, as fast as it may.
fn walk_to(room: &mut TestRoom<Meadow>, player: TestPlayer, (x, y): (f64, f64)) {
    while place(room, player) != (x, y) {
        walk(room, player, x, y);
        room.advance(TICK);
    }
}

fn do_with(room: &mut TestRoom<Meadow>, player: TestPlayer, what: &str, id: u32) -> Result<String, String> {
    let name = if what == "pick" { "flower" } else { "thing" };
    let done = room.send(player, what, json!({name: id}));
    done.map(|reply| reply.json().to_owned()).map_err(|error| error.code.into_owned())
}

fn refused(code: &str) -> Result<String, String> {
    Err(code.to_owned())
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
    for _ in 0..400 {
        walk(&mut room, zoe, -1e9, 1e300);
        room.advance(TICK);
    }
    assert_eq!(place(&room, zoe), (0.0, 3200.0));
}

#[test]
fn a_flower_is_picked_once_and_grows_again() {
    let mut room = field();
    let (zoe, bo) = (room.join("Zoë"), room.join("Bo"));
    let flowers = all(&room, "flower");
    assert_eq!(flowers.len(), 240);
    let (id, flower) = flowers[5].clone();
    let mut names: Vec<_> = flower.as_object().unwrap().keys().collect();
    names.sort();
    assert_eq!(names, ["kind", "open", "x", "y"], "when it opens is a secret");
    let (x, y) = point(&flower);
    walk_to(&mut room, zoe, (x + if x > 2400.0 { -100.0 } else { 100.0 }, y));
    assert_eq!(do_with(&mut room, zoe, "pick", id), refused("too_far"));
    walk_to(&mut room, zoe, (x, y));
    walk_to(&mut room, bo, (x, y));
    let picked = Ok(format!(r#"{{"flower":{id},"basket":1}}"#));
    assert_eq!(do_with(&mut room, zoe, "pick", id), picked);
    assert_eq!(do_with(&mut room, bo, "pick", id), refused("already_picked"));
    assert_eq!((seen(&room, id)["open"].clone(), seen(&room, id)["by"].clone()), (json!(false), json!(1)));
    assert_eq!((own(&room, zoe)["basket"].clone(), own(&room, bo)["basket"].clone()), (json!(1), json!(0)));
    room.advance(Duration::from_millis(20_050));
    assert_eq!(seen(&room, id), flower, "as it was");
    assert_eq!(do_with(&mut room, bo, "pick", id), picked);
    let (thing, _) = all(&room, "thing")[0];
    for no_flower in [thing, 16_383, u32::MAX] {
        assert_eq!(do_with(&mut room, bo, "pick", no_flower), refused("no_such_flower"));
    }
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
        (r#"{"type":"take","data":{"thing":4294967296}}"#, "bad_payload"),
        (r#"{"type":"take","data":{"thing":0}}"#, "no_such_thing"),
        (r#"{"type":"drop","data":{}}"#, "bad_payload"),
        (r#"{"type":"drop","data":{"thing":4294967295}}"#, "not_yours"),
        (r#"{"type":"emote","data":{"emote":"<script>"}}"#, "bad_payload"),
        (r#"{"type":"chat","data":{"text":""}}"#, "bad_payload"),
        (r#"{"type":"chat","data":{"text":"hi","scope":"moon"}}"#, "bad_payload"),
    ] {
        assert_eq!(room.send_raw(zoe, message).unwrap_err().code, code, "{message}");
    }
    assert_eq!(room.state::<Value>(zoe), before);
}

#[test]
fn a_creator_chooses_the_field_within_bounds() {
    let options =
        json!({"width": 9000, "height": 400.5, "sight": 100, "flowers": 0, "things": 3, "spread": 1});
    let mut room = TestRoom::<Meadow>::with(&options).unwrap();
    let zoe = room.join("Zoë");
    let state: Value = room.state(zoe);
    for name in ["width", "height", "sight"] {
        assert_eq!(state[name].as_f64(), options[name].as_f64(), "{name}");
    }
    assert_eq!((all(&room, "flower").len(), all(&room, "thing").len()), (0, 3));
    for (bad, why) in [
        (json!({"width": 399}), "width is 400 to 100000"),
        (json!({"height": 1e9}), "height is 400 to 100000"),
        (json!({"sight": 0}), "sight is 100 to 200000"),
        (json!({"flowers": 10_001}), "flowers is 0 to 10000"),
        (json!({"things": 1001}), "things is 0 to 1000"),
        (json!({"spread": 1.1}), "spread is 0 to 1"),
        (json!({"spread": -0.1}), "spread is 0 to 1"),
    ] {
        assert_eq!(TestRoom::<Meadow>::with(&bad).err().unwrap().0, why);
    }
    for bad in [json!({"flowers": -1}), json!({"width": "wide"}), json!({"sight": null}), json!(7)] {
        assert!(TestRoom::<Meadow>::with(&bad).is_err(), "{bad}");
    }
}

/// Two players who walk, pick, take and drop for `steps` ticks, beginning with step `from`.
fn play(room: &mut TestRoom<Meadow>, players: [TestPlayer; 2], from: u32, steps: u32) {
    for step in from..from + steps {
        for (player, pace) in players.into_iter().zip([13.0, 17.0]) {
            walk(room, player, f64::from(step) * pace, f64::from(step) * 7.0);
            // Most are too far away; that is an answer too.
            let _ = do_with(room, player, "pick", step % 240);
            let _ = do_with(room, player, "take", 240 + step % 60);
            let _ = do_with(room, player, "drop", 240 + step % 7);
        }
        room.advance(TICK);
    }
}

#[test]
fn the_same_seed_and_inputs_give_the_same_meadow() {
    let run = |seed| {
        let mut room = TestRoom::<Meadow>::seeded(seed, json!({})).unwrap();
        let players = [room.join("Zoë"), room.join("Bo")];
        play(&mut room, players, 0, 100);
        (room.heard(players[0]), room.state::<Value>(players[0]))
    };
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2));
}

#[test]
fn a_meadow_that_was_restored_goes_on_as_if_nothing_had_been() {
    let mut room = field();
    let players = [room.join("Zoë"), room.join("Bo")];
    play(&mut room, players, 0, 40);
    let (flower, fields) = all(&room, "flower")[9].clone();
    walk_to(&mut room, players[0], point(&fields));
    do_with(&mut room, players[0], "pick", flower).unwrap();
    let (thing, fields) = all(&room, "thing")[3].clone();
    walk_to(&mut room, players[1], point(&fields));
    do_with(&mut room, players[1], "take", thing).unwrap();
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
    for flowers in [0, 240, 10_000] {
        let options = json!({"width": 100_000, "height": 99_999.9, "flowers": flowers});
        let mut room = TestRoom::<Meadow>::with(options).unwrap();
        let zoe = room.join("Zoë");
        let map = room.blob("map").unwrap().clone();
        let info = &room.joined(zoe).blobs[0];
        assert_eq!((info.name.as_str(), map.media_type()), ("map", "application/json"));
        let shown: Value = serde_json::from_slice(map.bytes()).unwrap();
        let state: Value = room.state(zoe);
        for what in ["width", "height", "reach"] {
            assert_eq!(shown[what], state[what], "{what}");
        }
        let places = all(&room, "flower").into_iter().map(|(id, mut fields)| {
            fields["id"] = json!(id);
            fields.as_object_mut().unwrap().remove("open");
            fields
        });
        let told: Vec<_> = shown["flowers"].as_array().unwrap().iter().map(whole).collect();
        assert_eq!(told, places.map(|place| whole(&place)).collect::<Vec<_>>());
        let bytes = map.bytes().len();
        assert!(bytes <= room.settings().blob_bytes, "{bytes} bytes of {}", room.settings().blob_bytes);
        room.leave(zoe);
        let bo = room.join("Bo");
        assert_eq!(room.joined(bo).blobs[0].etag, map.etag());
    }
}

/// The same with all numbers as doubles: 1 is 1.0.
fn whole(fields: &Value) -> Value {
    let numbers =
        fields.as_object().unwrap().iter().map(|(name, value)| (name.clone(), json!(value.as_f64())));
    Value::Object(numbers.collect())
}
