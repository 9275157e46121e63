//! What a test room says of a game that a real room would punish.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use serde::Deserialize;
use serde_json::{Value, json};

use super::*;
use crate::fanout::part::frame;
use crate::game::{Audience, MessageError, Reply, Room, SaveError, done, refuse};

/// Goes too far, when it is told.
#[derive(Debug, serde::Serialize, Deserialize)]
struct Rude {
    guests: Vec<String>,
    bulk: usize,
}

#[derive(Deserialize)]
#[serde(tag = "type", content = "data", rename_all = "snake_case")]
enum Order {
    Burst {
        events: usize,
        bytes: usize,
        key: Option<String>,
    },
    Bulk(usize),
    Whisper(Seat),
    Shout,
    /// So many places are shown to all, and so many frames of them.
    Show {
        entities: u32,
        frames: u64,
    },
    Panic,
}

impl Game for Rude {
    type Message = Order;

    fn create(_: &Payload, _: &mut Random) -> Result<Self, BadOptions> {
        Ok(Self { guests: Vec::new(), bulk: 0 })
    }

    fn settings(&self) -> Settings {
        Settings::new(4).with_public(Duration::from_secs(5))
    }

    fn join(&mut self, room: &mut Room<'_>, seat: Seat) -> Result<(), MessageError> {
        let name = room.player(seat).map(|player| player.name.clone()).unwrap_or_default();
        if name == "Nobody" {
            return refuse("no", "not you");
        }
        self.guests.push(name.clone());
        if name == "Grump" {
            return refuse("no", "not you, on second thoughts");
        }
        Ok(())
    }

    fn message(&mut self, room: &mut Room<'_>, _: Seat, order: Order) -> Reply {
        match order {
            Order::Burst { events, bytes, key } => {
                let text = "x".repeat(bytes);
                for _ in 0..events {
                    match &key {
                        Some(key) => room.send_latest(Audience::All, key, "burst", &text),
                        None => room.send(Audience::All, "burst", &text),
                    }
                }
            }
            Order::Bulk(bytes) => self.bulk = bytes,
            Order::Whisper(seat) => room.send(Audience::Only(seat), "whisper", ""),
            Order::Shout => room.send(Audience::All, "shout", ""),
            Order::Show { entities, frames } => {
                let all: Vec<_> = (0..entities).collect();
                (1..=frames).for_each(|tick| room.show(frame(tick, &all, Some((Seat(1), entities)))));
            }
            Order::Panic => panic!("as it was told"),
        }
        done()
    }

    fn state(&self, _: Seat) -> impl Serialize {
        "x".repeat(self.bulk)
    }

    fn public_state(&self) -> impl Serialize {
        &self.guests
    }

    fn save(&self) -> Result<Payload, SaveError> {
        Ok(Payload::of(self)?)
    }
}

fn two() -> (TestRoom<Rude>, TestPlayer, TestPlayer) {
    let mut room = TestRoom::new();
    let (zoe, bo) = (room.join("Zoë"), room.join("Bo"));
    room.forget_heard();
    (room, zoe, bo)
}

/// What a failing test is told.
fn failure(test: impl FnOnce()) -> String {
    let failed = catch_unwind(AssertUnwindSafe(test)).unwrap_err();
    failed
        .downcast_ref::<String>()
        .cloned()
        .unwrap_or_else(|| (*failed.downcast_ref::<&str>().unwrap()).to_owned())
}

#[test]
fn a_step_that_costs_a_player_his_stream_fails_the_test() {
    let burst = |events: usize, bytes: usize, key: Option<&str>| json!({"events": events, "bytes": bytes, "key": key});
    for fits in [burst(4096, 0, None), burst(5, 50_000, None), burst(5000, 1000, Some("at"))] {
        let (mut room, zoe, bo) = two();
        room.send(zoe, "burst", fits).unwrap();
        assert!(room.heard(bo).len() >= 5);
    }
    for burst in [burst(4097, 0, None), burst(6, 50_000, None)] {
        let (mut room, zoe, _) = two();
        let said = failure(|| drop(room.send(zoe, "burst", burst)));
        assert!(said.contains("seat 1 more than 4096 events or 262144 bytes"), "{said}");
        assert!(said.contains("msg \"burst\""), "{said}");
    }
}

#[test]
fn what_is_too_large_is_named() {
    let (mut room, zoe, _) = two();
    let said = failure(|| drop(room.send(zoe, "burst", json!({"events": 1, "bytes": 65_536}))));
    assert!(said.contains("an event msg \"burst\" of 655"), "{said}");
}

#[test]
fn a_state_that_ends_a_room_fails_the_test() {
    let (mut room, zoe, _) = two();
    room.send(zoe, "bulk", 1_000_000).unwrap();
    room.join("Mo");
    room.send(zoe, "bulk", 1_200_000).unwrap();
    let said = failure(|| drop(room.state::<Value>(zoe)));
    assert!(said.contains("the state has 1200002 bytes"), "{said}");
    let said = failure(|| _ = room.join("Jo"));
    assert!(said.contains("above 1048576: the room would end"), "{said}");
}

#[test]
fn a_game_that_refuses_a_newcomer_must_not_have_noted_him() {
    let (mut room, ..) = two();
    assert!(matches!(room.try_join("Nobody", ()), Err(Refusal::ByGame(_))));
    let said = failure(|| drop(room.try_join("Grump", ())));
    assert!(said.contains("has changed itself for him"), "{said}");
    assert!(said.contains("Grump"), "{said}");
}

#[test]
fn who_watches_hears_what_is_for_all_and_later() {
    let (mut room, zoe, bo) = two();
    let watcher = room.watch();
    assert_eq!(room.public_state::<Vec<String>>(), ["Zoë", "Bo"]);
    room.advance(Duration::from_millis(4000));
    room.send(zoe, "whisper", bo.seat).unwrap();
    room.send(zoe, "shout", ()).unwrap();
    assert!(room.watched(watcher).is_empty());
    room.advance(Duration::from_millis(1000));
    let shown = room.watched(watcher);
    assert!(shown[0].starts_with("joined ") && shown[0].contains(r#""state":["Zoë","Bo"]"#), "{shown:?}");
    assert_eq!(shown.len(), 1);
    room.join("Mo");
    room.advance(Duration::from_millis(4000));
    assert_eq!(room.watched(watcher), [r#"msg {"from":0,"type":"shout","data":""}"#]);
    room.advance(Duration::from_millis(1000));
    assert!(room.watched(watcher)[0].starts_with("here "), "as those hear it who sit there");
}

#[test]
fn a_room_is_made_as_its_creator_wants_it() {
    let asked = CreateRoom {
        name: "Nest".to_owned(),
        private: true,
        max_players: Some(2),
        meta: Payload::of(&json!({"map": "dale"})).ok(),
        ..CreateRoom::of("rude")
    };
    let mut room = TestRoom::<Rude>::made(asked.clone()).unwrap();
    let info = room.info();
    assert_eq!((&*info.name, info.private, info.max_players), ("Nest", true, 2));
    assert_eq!(info.meta.json(), r#"{"map":"dale"}"#);
    room.join("Zoë");
    room.join("Bo");
    assert_eq!(room.try_join("Mo", ()), Err(Refusal::Full));
    let many_keys: BTreeMap<_, _> = (0..33).map(|key| (key.to_string(), 1)).collect();
    for (badly, said) in [
        (CreateRoom { max_players: Some(5), ..asked.clone() }, "bad_max: max_players is 1 to 4"),
        (CreateRoom { meta: Payload::of(&[1]).ok(), ..asked.clone() }, "bad_meta"),
        (CreateRoom { meta: Payload::of(&many_keys).ok(), ..asked.clone() }, "bad_meta"),
    ] {
        assert!(failure(|| drop(TestRoom::<Rude>::made(badly))).contains(said));
    }
    let password: Password = serde_json::from_value(json!("sesame")).unwrap();
    let mut room = TestRoom::<Rude>::made(CreateRoom { password: Some(password), ..asked }).unwrap();
    room.join("Zoë");
    assert!(failure(|| _ = room.watch()).contains("shows itself to nobody"));
}

#[test]
fn what_a_game_shows_of_its_world_is_a_patch_for_each_who_sees_it() {
    let (mut room, zoe, bo) = two();
    let watcher = room.watch();
    room.send(zoe, "show", json!({"entities": 2, "frames": 2})).unwrap();
    assert_eq!(
        room.heard(zoe),
        [1, 2].map(|tick| format!(
            r#"patch {{"tick":{tick},"world":[{{"id":0,"x":{tick}}},{{"id":1,"x":{tick}}},{{"id":2,"basket":{tick}}}]}}"#
        ))
    );
    let patches: Vec<Value> = room.patches(bo);
    assert_eq!(patches[1], json!({"tick": 2, "world": [{"id": 0, "x": 2}, {"id": 1, "x": 2}]}));
    room.advance(Duration::from_secs(5));
    let shown = room.watched(watcher);
    assert_eq!((shown.len(), &*shown[2]), (3, r#"patch {"tick":2,"world":[{"id":0,"x":2},{"id":1,"x":2}]}"#));
}

#[test]
fn a_step_that_shows_more_than_a_player_may_be_behind_fails_the_test() {
    let (mut room, zoe, _) = two();
    room.send(zoe, "show", json!({"entities": 2_000, "frames": 6})).unwrap();
    let said = failure(|| drop(room.send(zoe, "show", json!({"entities": 8_193, "frames": 1}))));
    assert!(said.contains("seat 1 more than 8192 pieces of the world"), "{said}");
}
