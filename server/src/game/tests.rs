//! What a game can do, and what becomes of one that goes too far; as its author would test it.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sward_protocol::upstream::Message;

use super::controls::{STEP_BYTES_MAX, STEP_EVENTS_MAX};
use super::*;
use crate::testing::{Refusal, TestPlayer, TestRoom};

/// What is said to an empty seat counts as well, and costs no player his stream.
const NOBODY: Audience = Audience::Only(Seat(4));

/// Does what it is told.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Puppet {
    /// What it was called with, besides messages.
    seen: Vec<String>,
    guest_list: Option<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(tag = "type", content = "data", rename_all = "snake_case")]
enum Order {
    Say { to: Vec<u16>, text: String },
    Set { name: String, after_ms: u64 },
    SetSeat { seat: Seat, name: String, after_ms: u64 },
    CancelSeat { seat: Seat, name: String },
    DueSeat { seat: Seat, name: String },
    Cancel(String),
    Due(String),
    Kick { seat: Seat, why: String },
    Lock(bool),
    Meta(Value),
    Close,
    Roll,
    Refuse,
    Odd,
    OddReply,
    Large,
    Named { kind: String, key: Option<String> },
    Publish { name: String, text: String },
    PublishMany { blobs: u8, bytes: usize },
    Unpublish(String),
    Flood { events: u32, bytes: usize },
    FloodSome(u32),
    Panic,
}

impl Game for Puppet {
    type Message = Order;

    fn create(options: &Payload, _random: &mut Random) -> Result<Self, BadOptions> {
        Ok(Self { seen: Vec::new(), guest_list: options.parse::<BTreeMap<String, _>>()?.remove("guests") })
    }

    fn settings(&self) -> Settings {
        Settings::new(4).with_tick(Duration::from_millis(100)).with_blobs(usize::MAX)
    }

    fn join(&mut self, room: &mut Room<'_>, seat: Seat) -> Result<(), MessageError> {
        let name = room.player(seat).map(|player| player.name.clone()).unwrap_or_default();
        room.send(Audience::All, "welcome", &name);
        room.set_timer("bored", Duration::from_secs(60));
        room.set_meta(&json!({"last": name}));
        if self.guest_list.is_some() && room.publish("last", "text/plain", name.clone()).is_err() {
            return refuse("no_card", "he has no visiting card");
        }
        if self.guest_list.as_ref().is_some_and(|guests| !guests.contains(&name)) {
            return refuse("not_invited", "ask the host");
        }
        Ok(())
    }

    fn leave(&mut self, room: &mut Room<'_>, seat: Seat, why: GoneWhy) {
        assert_eq!(room.player(seat), None);
        let leaver = room.leaver().map(|leaver| leaver.name.clone()).unwrap_or_default();
        self.seen.push(format!("leave {seat} {leaver} {why:?}"));
        if why == GoneWhy::Kicked && seat == Seat(2) {
            room.kick(Seat(3), "you too");
        }
    }

    fn message(&mut self, room: &mut Room<'_>, from: Seat, order: Order) -> Reply {
        match order {
            Order::Say { to, text } => {
                room.pass_on(from, Audience::these(to.into_iter().map(Seat)), "said", &text);
            }
            Order::Set { name, after_ms } => room.set_timer(&name, Duration::from_millis(after_ms)),
            Order::SetSeat { seat, name, after_ms } => {
                room.set_seat_timer(seat, &name, Duration::from_millis(after_ms));
            }
            Order::CancelSeat { seat, name } => return reply(&room.cancel_seat_timer(seat, &name)),
            Order::DueSeat { seat, name } => return reply(&room.seat_timer_due_ms(seat, &name)),
            Order::Cancel(name) => return reply(&room.cancel_timer(&name)),
            Order::Due(name) => return reply(&room.timer_due_ms(&name)),
            Order::Kick { seat, why } => room.kick(seat, &why),
            Order::Lock(true) => room.lock(),
            Order::Lock(false) => room.unlock(),
            Order::Meta(meta) => room.set_meta(&meta),
            Order::Close => room.close(),
            Order::Roll => return reply(&room.random().below(1_000_000)),
            Order::Refuse => return refuse("no", "as it was told"),
            Order::Odd => room.send(Audience::All, "odd", &BTreeMap::from([([1, 2], 3)])),
            Order::OddReply => return reply(&BTreeMap::from([([1, 2], 3)])),
            Order::Large => room.patch(Audience::All, &"x".repeat(70_000)),
            Order::Named { kind, key: Some(key) } => room.send_latest(Audience::All, &key, &kind, ""),
            Order::Named { kind, key: None } => room.send(Audience::All, &kind, ""),
            Order::Publish { name, text } => {
                room.send(Audience::All, "before", "");
                room.publish(&name, "text/plain", text)?;
                room.send(Audience::All, "after", &room.blobs().len());
            }
            Order::PublishMany { blobs, bytes } => {
                (0..blobs).try_for_each(|blob| room.publish("many", "image/png", vec![blob; bytes]))?;
            }
            Order::Unpublish(name) => return reply(&room.unpublish(&name)),
            Order::Flood { events, bytes } => {
                let text = "x".repeat(bytes);
                (0..events).for_each(|_| room.send(NOBODY, "flood", &text));
            }
            Order::FloodSome(events) => (0..events).for_each(|_| {
                room.send(Audience::these((1..=1000).map(Seat)), "flood", "");
            }),
            Order::Panic => panic!("as it was told"),
        }
        done()
    }

    fn tick(&mut self, room: &mut Room<'_>) {
        if room.now_ms().is_multiple_of(1000) {
            self.seen.push("second".to_owned());
        }
    }

    fn timer(&mut self, room: &mut Room<'_>, name: &str) {
        room.send(Audience::All, "timer", name);
        if name == "again" {
            room.set_timer(name, Duration::ZERO);
        }
        if name == "flood" {
            (0..STEP_EVENTS_MAX / 2 + 1).for_each(|_| room.send(NOBODY, "flood", ""));
        }
    }

    fn seat_timer(&mut self, room: &mut Room<'_>, seat: Seat, name: &str) {
        room.send(Audience::All, "seat_timer", &(seat, name));
    }

    fn away(&mut self, _room: &mut Room<'_>, seat: Seat, why: AwayWhy) {
        self.seen.push(format!("away {seat} {why:?}"));
    }

    fn back(&mut self, room: &mut Room<'_>, seat: Seat) {
        assert_eq!(room.leaver(), None);
        self.seen.push(format!("back {seat}"));
    }

    fn state(&self, seat: Seat) -> impl Serialize {
        json!({"seat": seat, "seen": self.seen})
    }

    fn save(&self) -> Result<Payload, SaveError> {
        Ok(Payload::of(self)?)
    }

    fn restore(saved: &Payload) -> Result<Self, SaveError> {
        Ok(saved.parse()?)
    }
}

/// A room of three who have heard nothing yet.
fn three() -> (TestRoom<Puppet>, [TestPlayer; 3]) {
    let mut room = TestRoom::new();
    let players = ["Zoë", "Bo", "Mo"].map(|name| room.join(name));
    room.forget_heard();
    (room, players)
}

fn order(kind: &str, data: &Value) -> Message {
    Message {
        kind: kind.to_owned(),
        data: Payload::of(data).unwrap(),
        rid: None,
        to: None,
        key: None,
        keep: None,
    }
}

#[test]
fn what_is_for_some_is_heard_by_them() {
    let (mut room, players @ [zoe, ..]) = three();
    room.send(zoe, "say", json!({"to": [3, 1, 9], "text": "psst"})).unwrap();
    let heard = players.map(|player| room.messages::<String>(player, "said"));
    assert_eq!(heard, [vec!["psst".to_owned()], vec![], vec!["psst".to_owned()]]);
}

#[test]
fn what_does_not_fit_is_answered_and_never_costs_the_seat() {
    let (mut room, [zoe, bo, _]) = three();
    for (kind, data, code) in [
        ("dance", json!(null), "unknown_type"),
        ("say", json!({"to": 3}), "bad_payload"),
        ("say", json!(["a", "b"]), "bad_payload"),
        ("kick", json!({"seat": -1, "why": ""}), "bad_payload"),
        ("refuse", json!(null), "no"),
        ("odd_reply", json!(null), "internal"),
    ] {
        assert_eq!(room.send(zoe, kind, data).unwrap_err().code, code, "{kind}");
    }
    assert_eq!(room.heard(bo), [""; 0]);
    assert!(room.is_in(zoe));
}

#[test]
fn whom_the_game_refuses_leaves_no_trace() {
    let mut room = TestRoom::<Puppet>::with(json!({"guests": ["Zoë"]})).unwrap();
    let zoe = room.join("Zoë");
    room.advance(Duration::from_secs(10));
    room.forget_heard();
    let due: u64 = room.request(zoe, "due", "bored").unwrap();
    let refusal = room.try_join("Bo", ()).unwrap_err();
    assert!(matches!(refusal, Refusal::ByGame(refused) if refused.code == "not_invited"));
    assert_eq!(room.heard(zoe), [""; 0]);
    assert_eq!(room.info().players, 1);
    assert_eq!(room.info().meta.json(), r#"{"last":"Zoë"}"#);
    assert_eq!(room.request::<u64>(zoe, "due", "bored").unwrap(), due, "the timer he set is taken back");
}

#[test]
fn a_newcomer_is_shown_the_state_and_hears_what_comes_after_it() {
    let mut room = TestRoom::<Puppet>::new();
    let zoe = room.join("Zoë");
    let bo = room.join("Bo");
    assert_eq!(
        room.heard(zoe)[2..],
        [
            format!(r#"here {{"seat":2,"id":"{}","name":"Bo","me":null}}"#, bo.id),
            r#"msg {"from":0,"type":"welcome","data":"Bo"}"#.to_owned(),
            r#"room {"meta":{"last":"Bo"}}"#.to_owned(),
        ]
    );
    assert_eq!(room.heard(bo)[0], r#"msg {"from":0,"type":"welcome","data":"Bo"}"#);
    assert_eq!(room.joined(bo).players.len(), 2);
    assert_eq!(room.state::<Value>(bo)["seat"], 2);
}

#[test]
fn timers_fire_in_order_at_their_time_and_before_what_else_happens_then() {
    let (mut room, [zoe, bo, _]) = three();
    for (name, after_ms) in [("late", 70), ("first", 50), ("second", 50), ("off", 10)] {
        room.send(zoe, "set", json!({"name": name, "after_ms": after_ms})).unwrap();
    }
    assert!(room.request::<bool>(zoe, "cancel", "off").unwrap());
    assert!(!room.request::<bool>(zoe, "cancel", "off").unwrap());
    let due_ms: u64 = room.request(zoe, "due", "first").unwrap();
    assert_eq!(due_ms, room.now_ms() + 50);
    room.advance(Duration::from_millis(49));
    assert_eq!(room.messages::<String>(bo, "timer"), [""; 0]);
    room.advance(Duration::from_millis(1));
    assert_eq!(room.messages::<String>(bo, "timer"), ["first", "second"]);
    room.leave(zoe);
    room.advance(Duration::from_millis(1000));
    assert_eq!(room.messages::<String>(bo, "timer"), ["late"]);
}

#[test]
fn a_timer_that_sets_itself_at_once_lets_time_go_on() {
    let (mut room, [zoe, bo, _]) = three();
    room.send(zoe, "set", json!({"name": "again", "after_ms": 0})).unwrap();
    room.advance(Duration::from_millis(20));
    assert_eq!(room.messages::<String>(bo, "timer").len(), 20);
}

#[test]
fn there_are_timers_but_no_ticks_while_nobody_is_there() {
    let (mut room, players @ [zoe, ..]) = three();
    room.send(zoe, "set", json!({"name": "flood", "after_ms": 500})).unwrap();
    for player in players {
        room.leave(player);
    }
    room.advance(Duration::from_secs(3));
    let mo = room.join("Mo");
    let seen = room.state::<Value>(mo)["seen"].clone();
    assert_eq!(seen, json!(["leave 1 Zoë Left", "leave 2 Bo Left", "leave 3 Mo Left"]));
    room.advance(Duration::from_secs(1));
    assert_eq!(room.game().seen.last().unwrap(), "second");
    assert_eq!(room.send(mo, "due", "flood").unwrap().json(), "null", "it fired");
}

#[test]
fn a_player_who_is_kicked_is_told_why_and_so_is_the_game() {
    let (mut room, [zoe, bo, mo]) = three();
    let batch = [order("kick", &json!({"seat": 1, "why": "a\n\u{202e}b"})), order("roll", &json!(null))];
    let results = room.send_all(zoe, batch.into());
    assert!(results[0].is_ok());
    assert_eq!(results[1].as_ref().unwrap_err().code, "not_in_room");
    assert_eq!((room.gone(zoe).unwrap().why, &room.gone(zoe).unwrap().detail), (GoneWhy::Kicked, &None));
    room.send(bo, "kick", json!({"seat": 2, "why": "x".repeat(500)})).unwrap();
    assert_eq!(room.gone(bo).unwrap().detail.as_ref().unwrap().len(), 200);
    assert_eq!(room.gone(mo).unwrap().detail.as_deref(), Some("you too"), "put out by the game's own leave");
    assert_eq!(room.game().seen, ["leave 1 Zoë Kicked", "leave 2 Bo Kicked", "leave 3 Mo Kicked"]);
    assert_eq!(room.send(mo, "roll", ()).unwrap_err().code, "not_in_room");
    let zoe = room.join("Zoë");
    assert_eq!(zoe.seat, Seat(1), "he may come back");
    room.send(zoe, "kick", json!({"seat": 4, "why": ""})).unwrap();
    assert_eq!(room.info().players, 1, "nobody sits there");
}

#[test]
fn a_locked_room_lets_nobody_in_and_all_are_told_once() {
    let (mut room, [zoe, bo, _]) = three();
    room.send_all(zoe, vec![order("lock", &json!(true)), order("lock", &json!(true))]);
    assert_eq!(room.heard(bo), [r#"room {"locked":true}"#]);
    assert_eq!(room.try_join("Jo", ()), Err(Refusal::Locked));
    assert!(room.info().locked);
    room.send(zoe, "lock", false).unwrap();
    assert_eq!(room.heard(bo), [r#"room {"locked":false}"#]);
    room.join("Jo");
    assert_eq!(room.try_join("Al", ()), Err(Refusal::Full));
}

#[test]
fn metadata_is_told_when_it_changes() {
    let (mut room, [zoe, bo, _]) = three();
    let map = json!({"map": "dale"});
    room.send(zoe, "meta", &map).unwrap();
    room.send(zoe, "meta", &map).unwrap();
    assert_eq!(room.heard(bo), [r#"room {"meta":{"map":"dale"}}"#]);
    assert_eq!(room.info().meta.json(), r#"{"map":"dale"}"#);
}

#[test]
#[should_panic(expected = "it would be dropped: meta: it is an object of at most 1024 bytes")]
fn metadata_above_its_bound_fails_the_test() {
    let (mut room, [zoe, ..]) = three();
    let _ = room.send(zoe, "meta", json!({"map": "x".repeat(1024)}));
}

#[test]
fn a_closed_room_says_its_last_words_and_is_over() {
    let (mut room, [zoe, bo, mo]) = three();
    let say = order("say", &json!({"to": [2], "text": "bye"}));
    let results = room.send_all(zoe, vec![say.clone(), order("close", &json!(null)), say]);
    assert!(results[1].is_ok());
    assert_eq!(results[2].as_ref().unwrap_err().code, "room_gone");
    let heard = room.heard(bo);
    assert_eq!(heard, [r#"msg {"from":1,"type":"said","data":"bye"}"#, r#"gone {"seat":2,"why":"closed"}"#]);
    assert!(room.is_closed() && room.gone(mo).is_some());
    room.advance(Duration::from_secs(100));
    assert_eq!(room.game().seen, [""; 0], "the game is not called again");
}

#[test]
fn the_game_hears_who_is_away_and_back() {
    let (mut room, [zoe, bo, _]) = three();
    room.away(zoe);
    room.away(zoe);
    room.back(zoe);
    room.lose(zoe);
    assert_eq!(room.game().seen, ["away 1 Lost", "back 1", "leave 1 Zoë Lost"]);
    let told = [
        "away {\"seat\":1,\"why\":\"lost\"}",
        "back {\"seat\":1}",
        "gone {\"seat\":1,\"why\":\"lost\"}",
        "room {\"owner\":2}",
    ];
    assert_eq!(room.heard(bo), told);
}

#[test]
#[should_panic(expected = "msg \"odd\": not a JSON value")]
fn data_that_does_not_serialise_fails_the_test() {
    let (mut room, [zoe, ..]) = three();
    let _ = room.send(zoe, "odd", ());
}

#[test]
#[should_panic(expected = "it would be dropped")]
fn an_event_above_its_bound_fails_the_test() {
    let (mut room, [zoe, ..]) = three();
    let _ = room.send(zoe, "large", ());
}

#[test]
#[should_panic(expected = "as it was told")]
fn a_panic_of_the_game_fails_the_test() {
    let (mut room, [zoe, ..]) = three();
    let _ = room.send(zoe, "panic", ());
}

#[test]
#[should_panic(expected = "the game sent more than 32768 events")]
fn a_game_that_sends_events_without_end_is_stopped() {
    let (mut room, [zoe, ..]) = three();
    let _ = room.send(zoe, "flood", json!({"events": 100_000, "bytes": 0}));
}

#[test]
#[should_panic(expected = "or 8388608 bytes, in one step")]
fn a_game_that_sends_ten_megabytes_is_stopped() {
    let (mut room, [zoe, ..]) = three();
    let _ = room.send(zoe, "flood", json!({"events": 200, "bytes": 50_000}));
}

#[test]
#[should_panic(expected = "or 8388608 bytes, in one step")]
fn the_receivers_that_a_game_names_count_too() {
    let (mut room, [zoe, ..]) = three();
    let _ = room.send(zoe, "flood_some", 5_000);
}

#[test]
fn a_batch_that_makes_a_room_say_much_is_cut_short_and_the_room_lives() {
    let (mut room, [zoe, ..]) = three();
    for flood in [
        json!({"events": STEP_EVENTS_MAX / 3, "bytes": 0}),
        json!({"events": 60, "bytes": STEP_BYTES_MAX / 180}),
    ] {
        let results = room.send_all(zoe, vec![order("flood", &flood); 100]);
        let codes: Vec<_> =
            results.iter().map(|result| result.as_ref().err().map(|error| &*error.code)).collect();
        assert_eq!(codes[..3], [None, None, Some("room_busy")]);
        assert_eq!(codes[99], Some("room_busy"));
        room.forget_heard();
    }
    room.send(zoe, "roll", ()).unwrap();
}

#[test]
fn timers_that_make_a_room_say_much_wait_for_the_next_step() {
    let (mut room, [zoe, bo, _]) = three();
    for (name, after_ms) in [("flood", 10), ("next", 10)] {
        room.send(zoe, "set", json!({"name": name, "after_ms": after_ms})).unwrap();
    }
    room.advance(Duration::from_millis(10));
    assert_eq!(room.messages::<String>(bo, "timer"), ["flood", "next"]);
}

#[test]
fn a_room_that_was_restored_goes_on_as_the_one_that_was_saved() {
    let (mut room, [zoe, bo, _]) = three();
    room.send(zoe, "set", json!({"name": "late", "after_ms": 700})).unwrap();
    room.send(zoe, "meta", json!({"map": "dale"})).unwrap();
    room.send(zoe, "lock", true).unwrap();
    room.send(zoe, "roll", ()).unwrap();
    room.away(bo);
    room.forget_heard();
    let mut restored = room.restored().unwrap();
    let finish = |room: &mut TestRoom<Puppet>| {
        assert_eq!(room.try_join("Jo", ()), Err(Refusal::Locked));
        let roll = room.send(zoe, "roll", ()).unwrap();
        room.back(bo);
        room.advance(Duration::from_secs(2));
        room.send(zoe, "lock", false).unwrap();
        let jo = room.join("Jo");
        (roll, room.heard(bo), format!("{:?}", room.joined(jo)), room.info())
    };
    assert_eq!(finish(&mut restored), finish(&mut room));
}

/// A game of the required methods only.
struct Plain;

impl Game for Plain {
    type Message = Raw;

    fn create(_: &Payload, _: &mut Random) -> Result<Self, BadOptions> {
        Ok(Self)
    }

    fn settings(&self) -> Settings {
        Settings::new(2)
    }

    fn message(&mut self, _: &mut Room<'_>, _: Seat, _: Raw) -> Reply {
        done()
    }
}

#[test]
fn a_game_that_saves_nothing_says_so() {
    let mut room = TestRoom::<Plain>::new();
    let zoe = room.join("Zoë");
    assert_eq!(room.restored().err(), Some(SaveError::Unsupported));
    assert_eq!(room.state::<Value>(zoe), Value::Null);
}

/// A room with Zoë and Bo, of which nothing was heard yet.
fn two() -> (TestRoom<Puppet>, TestPlayer, TestPlayer) {
    let mut room = TestRoom::<Puppet>::with(json!({"guests": ["Zoë", "Bo", "Mo"]})).unwrap();
    let (zoe, bo) = (room.join("Zoë"), room.join("Bo"));
    room.forget_heard();
    (room, zoe, bo)
}

#[test]
fn all_are_told_of_a_blob_in_its_place_and_who_comes_later_finds_it_in_joined() {
    let (mut room, zoe, bo) = two();
    let tag = |room: &TestRoom<Puppet>| room.blob("map").unwrap().etag().to_owned();
    room.send(zoe, "publish", json!({"name": "map", "text": "hills"})).unwrap();
    let first = tag(&room);
    let told = [
        r#"msg {"from":0,"type":"before","data":""}"#.to_owned(),
        format!(r#"blob {{"name":"map","etag":"{first}","size_bytes":5,"type":"text/plain"}}"#),
        r#"msg {"from":0,"type":"after","data":2}"#.to_owned(),
    ];
    assert_eq!(room.heard(bo), told);
    room.send(zoe, "publish", json!({"name": "map", "text": "hills"})).unwrap();
    assert_eq!(room.heard(bo).len(), 2, "the same again is no news");
    room.send(zoe, "publish", json!({"name": "map", "text": "dales"})).unwrap();
    assert_ne!(tag(&room), first);
    let mut restored = room.restored().unwrap();
    for room in [&mut room, &mut restored] {
        let mo = room.join("Mo");
        let blobs = &room.joined(mo).blobs;
        assert_eq!(
            (&*blobs[0].name, blobs[0].size_bytes),
            ("last", 2),
            "what the game publishes when he comes, too"
        );
        assert_eq!((&*blobs[1].name, &blobs[1].etag), ("map", &tag(room)));
        assert_eq!(room.blob("map").unwrap().bytes(), b"dales");
        assert!(!room.heard(mo).iter().any(|event| event.starts_with("blob")), "`joined` told him");
        room.forget_heard();
        assert!(room.request::<bool>(zoe, "unpublish", "map").unwrap());
        assert!(!room.request::<bool>(zoe, "unpublish", "map").unwrap());
        assert_eq!(room.heard(bo), [r#"blob {"name":"map","etag":null}"#]);
        assert_eq!(room.blob_names().collect::<Vec<_>>(), ["last"]);
    }
}

#[test]
fn a_refused_newcomer_changes_no_blob() {
    let mut room = TestRoom::<Puppet>::with(json!({"guests": ["Zoë"]})).unwrap();
    let zoe = room.join("Zoë");
    room.forget_heard();
    assert!(room.try_join("Bo", ()).is_err());
    assert_eq!(room.blob("last").unwrap().bytes(), "Zoë".as_bytes());
    assert_eq!(room.heard(zoe), [""; 0]);
}

#[test]
fn a_blob_that_cannot_be_is_refused_and_nothing_is_said_of_it() {
    let (mut room, zoe, bo) = two();
    for bad in [json!({"name": "../map", "text": ""}), json!({"name": "", "text": "a"})] {
        let error = room.send(zoe, "publish", &bad).unwrap_err();
        assert_eq!(error.code, "bad_blob", "{bad}");
        assert_eq!(room.heard(bo), [r#"msg {"from":0,"type":"before","data":""}"#]);
    }
    let mib = 1024 * 1024;
    let error = room.send(zoe, "publish_many", json!({"blobs": 1, "bytes": mib + 1})).unwrap_err();
    assert!(error.detail.contains("1048577 bytes"), "{error}");
    room.send(zoe, "publish_many", json!({"blobs": 3, "bytes": mib})).unwrap();
    assert_eq!(room.blob("many").unwrap().bytes()[0], 2);
    assert_eq!(room.settings().blob_bytes, 4 * mib, "more is not to be had");
}

#[test]
#[should_panic(expected = "in one step")]
fn a_game_that_publishes_without_end_is_stopped() {
    let (mut room, zoe, _) = two();
    let _ = room.send(zoe, "publish_many", json!({"blobs": 255, "bytes": 1024 * 1024}));
}

/// What the test room says when the game does this.
fn failure(kind: &str, data: &Value) -> String {
    let (mut room, [zoe, ..]) = three();
    let failed = catch_unwind(AssertUnwindSafe(|| drop(room.send(zoe, kind, data)))).unwrap_err();
    failed.downcast_ref::<String>().unwrap().clone()
}

#[test]
fn types_and_keys_have_1_to_64_characters() {
    let (mut room, [_, bo, _]) = three();
    let (longest, longer) = ("ä".repeat(64), "ä".repeat(65));
    room.send(bo, "named", json!({"kind": longest, "key": longest})).unwrap();
    assert_eq!(room.messages::<String>(bo, &longest), [""]);
    for kind in ["", &longer] {
        let said = failure("named", &json!({"kind": kind, "key": null}));
        assert!(said.contains("a type has 1 to 64 characters"), "{said}");
    }
    for key in ["", &longer] {
        let said = failure("named", &json!({"kind": "at", "key": key}));
        assert!(said.contains("a key has 1 to 64 characters"), "{said}");
    }
}

#[test]
fn a_timer_of_a_seat_is_the_player_s_who_sits_there_and_of_nobody_after_him() {
    let (mut room, [zoe, bo, mo]) = three();
    room.send(zoe, "set", json!({"name": "idle", "after_ms": 20})).unwrap();
    for seat in [bo.seat, mo.seat, Seat(4)] {
        room.send(zoe, "set_seat", json!({"seat": seat, "name": "idle", "after_ms": 10})).unwrap();
    }
    let due = |room: &mut TestRoom<Puppet>, seat: Seat| {
        room.request::<Option<u64>>(zoe, "due_seat", json!({"seat": seat, "name": "idle"})).unwrap()
    };
    assert_eq!(due(&mut room, mo.seat), Some(room.now_ms() + 10));
    assert_eq!(due(&mut room, Seat(4)), None, "nobody sits there");
    room.leave(bo);
    assert_eq!(room.join("Jo").seat, bo.seat);
    let mut twin = room.restored().unwrap();
    for room in [&mut room, &mut twin] {
        room.advance(Duration::from_millis(30));
        assert_eq!(room.messages::<(Seat, String)>(zoe, "seat_timer"), [(mo.seat, "idle".to_owned())]);
        assert_eq!(room.messages::<String>(zoe, "timer"), ["idle"], "the room's own goes by the same name");
    }
    room.send(zoe, "set_seat", json!({"seat": mo.seat, "name": "idle", "after_ms": 10})).unwrap();
    assert!(room.request::<bool>(zoe, "cancel_seat", json!({"seat": mo.seat, "name": "idle"})).unwrap());
    room.advance(Duration::from_millis(30));
    assert!(room.messages::<(Seat, String)>(zoe, "seat_timer").is_empty());
}
