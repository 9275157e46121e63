//! What players send: what their game knows, and what it does not.

use serde_json::{Value, json};
use sward_protocol::ids::PlayerId;
use sward_protocol::payload::{CheckedMessage, Payload};
use sward_protocol::upstream::Message;

use super::chance;
use super::fidget::ACTS;
use crate::game::Random;

/// What a player knows when he sends something.
pub(in crate::room) struct Knows<'a> {
    pub(in crate::room) game: &'a str,
    pub(in crate::room) hand: Option<&'a str>,
    /// Somebody who may have been banned.
    pub(in crate::room) other: PlayerId,
    /// Different for each message.
    pub(in crate::room) number: u64,
}

/// A message that can be read; none where the wire refuses it before any room hears of it.
fn message(value: &Value) -> Option<Message> {
    Message::read(&CheckedMessage::from_json(&value.to_string())).ok()
}

fn seat(random: &mut Random) -> u32 {
    if chance(random, 5) { random.below(70_000) } else { random.below(9) }
}

/// One batch.
pub(in crate::room) fn batch(random: &mut Random, knows: &mut Knows<'_>) -> Vec<Message> {
    let count = match random.below(100) {
        0 => 100,
        1..20 => 2 + random.below(9),
        _ => 1,
    };
    let bytes = if count == 100 { 300 } else { 20 };
    (0..count)
        .filter_map(|_| {
            knows.number += 1;
            let value = match random.below(100) {
                0..10 => json!({"type": "chat", "data": {"text": format!("line {}", knows.number)}}),
                10..22 => order(random, knows),
                22..30 => garbage(random, knows.number),
                _ => match knows.game {
                    "relay" => relay(random, knows.number, bytes),
                    "meadow" => meadow(random),
                    "fidget" => fidget(random),
                    _ => cards(random, knows),
                },
            };
            message(&value)
        })
        .collect()
}

/// What a room's owner says, and others try.
fn order(random: &mut Random, knows: &Knows<'_>) -> Value {
    let seat = seat(random);
    let data = match random.below(16) {
        0 | 1 => return json!({"type": "sward.lock"}),
        2..5 => return json!({"type": "sward.unlock"}),
        5 => return json!({"type": "sward.rename", "data": {"name": format!("Nest {seat}")}}),
        6 => return json!({"type": "sward.resize", "data": {"max_players": random.below(9)}}),
        7 => return json!({"type": "sward.meta", "data": {"meta": {"level": seat}}}),
        8 => ("sward.kick", json!({"seat": seat, "detail": "too loud"})),
        9 => ("sward.ban", json!({"seat": seat})),
        10 => ("sward.unban", json!({"id": knows.other})),
        11 => ("sward.give", json!({"seat": seat})),
        12 => return json!({"type": "sward.start"}),
        13 => return json!({"type": "sward.over"}),
        14 => return json!({"type": "sward.away"}),
        _ => return json!({"type": "sward.back"}),
    };
    json!({"type": data.0, "data": data.1})
}

/// What no game expects.
fn garbage(random: &mut Random, number: u64) -> Value {
    let kinds = [
        "chat",
        "sward.kick",
        "sward.resize",
        "sward.dance",
        "move",
        "pick",
        "play",
        "ready",
        "emote",
        "\u{0}",
    ];
    let kind = *random.pick(&kinds).unwrap();
    let datas = [
        json!(null),
        json!([1, [2, {"a": []}]]),
        json!({"x": 1e308, "y": -1e308}),
        json!({"x": f64::from(u32::MAX) * 1e9, "y": -0.0}),
        json!({"seat": -1}),
        json!({"flower": 65_535}),
        json!({"text": "\u{202e}"}),
        json!("🦊".repeat(300)),
        json!(number),
        json!({"card": "1Z", "suit": "H"}),
        json!({"max_players": 1e300}),
        json!(false),
    ];
    json!({"type": kind, "data": random.pick(&datas).unwrap()})
}

/// One of many batches: as much as a batch may have.
#[derive(Debug, Clone, Copy)]
pub(super) struct Storm {
    count: u64,
    bytes: usize,
    keys: u64,
}

impl Storm {
    /// Many small messages, fewer large ones, or values of few or many keys.
    pub(super) fn new(random: &mut Random) -> Self {
        let (count, bytes) = *random.pick(&[(100, 1), (100, 10), (100, 250), (5, 6_000)]).unwrap();
        Self { count, bytes, keys: *random.pick(&[0, 0, 4, 1_500]).unwrap() }
    }

    pub(super) fn batch(self, number: &mut u64) -> Vec<Message> {
        let said = |number: u64| {
            let mut value = json!({"type": "say", "data": [number, "x".repeat(self.bytes)]});
            if self.keys > 0 {
                value["key"] = json!(format!("key {}", number % self.keys));
            }
            message(&value)
        };
        let first = std::mem::replace(number, *number + self.count);
        (first..*number).filter_map(said).collect()
    }
}

fn relay(random: &mut Random, number: u64, bytes: usize) -> Value {
    // Each value is another, so that each can be told from those that it replaces.
    let data = json!([number, "x".repeat(if chance(random, 3) { 6_000 } else { bytes })]);
    let mut value = json!({"type": "say", "data": data});
    match random.below(10) {
        0 => value["to"] = json!("all"),
        1 => value["to"] = json!(seat(random)),
        2 => value["keep"] = json!(format!("hat {}", random.below(40))),
        3 => value["keep"] = json!({"name": format!("board {}", random.below(4)), "scope": "room"}),
        _ => {}
    }
    if chance(random, 40) {
        let keys = if chance(random, 2) { 2_000 } else { 3 };
        value["key"] = json!(format!("key {}", random.below(keys)));
    }
    if chance(random, 3) {
        value["data"] = json!(null);
        value.as_object_mut().unwrap().remove("key");
    }
    value
}

fn meadow(random: &mut Random) -> Value {
    match random.below(10) {
        0 => json!({"type": "pick", "data": {"flower": random.below(22)}}),
        1 => json!({"type": "take", "data": {"thing": 20 + random.below(42)}}),
        2 => json!({"type": "drop", "data": {"thing": 20 + random.below(42)}}),
        3 => {
            json!({"type": "emote", "data": {"emote": random.pick(&["wave", "heart", "sleep", "none"]).unwrap()}})
        }
        _ => {
            let (x, y) = (random.fraction() * 1400.0 - 100.0, random.fraction() * 1200.0 - 100.0);
            json!({"type": "move", "data": {"x": x, "y": y}})
        }
    }
}

fn fidget(random: &mut Random) -> Value {
    json!({"type": "do", "data": {"act": random.below(ACTS), "seat": random.below(9), "ms": random.below(5_000)}})
}

/// Whoever has cards plays one, or draws; most of the time it is not his turn.
fn cards(random: &mut Random, knows: &Knows<'_>) -> Value {
    let hand: Value = knows.hand.map_or(Value::Null, |hand| serde_json::from_str(hand).unwrap());
    let cards = hand.pointer("/hand/cards").or_else(|| hand.get("cards")).and_then(Value::as_array);
    match (random.below(10), cards.filter(|cards| !cards.is_empty())) {
        (0 | 1, _) | (_, None) => json!({"type": "ready", "data": chance(random, 85)}),
        (2, _) => json!({"type": "pass"}),
        (3..5, _) => json!({"type": "draw"}),
        (_, Some(cards)) => {
            let suit = random.pick(&["C", "D", "H", "S"]).unwrap();
            json!({"type": "play", "data": {"card": random.pick(cards).unwrap(), "suit": suit}})
        }
    }
}

/// A player's own data.
pub(in crate::room) fn me(random: &mut Random) -> Payload {
    Payload::of(&json!({"animal": "owl", "hat": "x".repeat(random.below(300) as usize)})).unwrap()
}
