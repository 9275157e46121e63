//! The outbox as a value, and what no outbox saves.

use serde_json::{Value, json};

use super::super::super::part::frame;
use super::*;
use crate::fanout::saved::SavedOutbox;
use crate::game::SaveError;

/// Two keys, one of them twice; `joined`, a frame, and what was written and acknowledged of it.
fn used() -> Outbox {
    let mut outbox = outbox();
    outbox.push(&one("joined"), ME, Weight::Free, 5);
    let mut writer = FlushWriter::default();
    for (text, key) in [("a1", Some("a")), ("said", None), ("b1", Some("b")), ("a2", Some("a"))] {
        let latest = key.map(|name| LatestKey { owner: ME, name: name.into() });
        writer.push(Audience::Except(Seat(9)), &chat(text), latest).unwrap();
    }
    outbox.push(&Arc::new(writer.finish(true)), ME, Weight::Bounded, 10);
    outbox.push_frame(&frame(7, &[1, 4], Some((ME, 4))), ME, 20);
    say(&mut outbox, "behind", 30);
    taken(&mut outbox, 100);
    outbox.acknowledge(id(1));
    outbox
}

fn through_bytes(outbox: &Outbox) -> Outbox {
    let bytes = serde_json::to_vec(&outbox.save()).unwrap();
    Outbox::restore(&serde_json::from_slice(&bytes).unwrap()).unwrap()
}

fn rest(outbox: &mut Outbox) -> Vec<u8> {
    let mut chunk = ChunkWriter::new(Format::default());
    outbox.take(&mut chunk, usize::MAX);
    outbox.check_bounds();
    chunk.finish()
}

#[test]
fn it_goes_on_as_it_would_have() {
    let (mut outbox, mut other) = (used(), through_bytes(&used()));
    other.check_bounds();
    for step in 0..8 {
        assert_eq!(outbox.save(), other.save(), "step {step}");
        for outbox in [&mut outbox, &mut other] {
            match step {
                0 | 5 => outbox.resume(id(2)).unwrap(),
                1 => {
                    let mut writer = FlushWriter::default();
                    let latest = LatestKey { owner: ME, name: "b".into() };
                    writer.push(Audience::All, &chat("b2"), Some(latest)).unwrap();
                    outbox.push(&Arc::new(writer.finish(false)), ME, Weight::Bounded, 40);
                }
                2 => drop(outbox.push_frame(&frame(8, &[4, 5], None), ME, 40)),
                3 => outbox.acknowledge(id(2)),
                6 => outbox.trim(30_025),
                _ => say(outbox, "more", 50),
            }
        }
        assert_eq!(outbox.is_acknowledged_past(id(1)), other.is_acknowledged_past(id(1)));
        assert_eq!(outbox.check_queue(5_021).is_err(), other.check_queue(5_021).is_err());
        if step != 0 {
            assert_eq!(rest(&mut outbox), rest(&mut other), "step {step}");
        }
    }
}

#[test]
fn many_keys_are_followed_as_before_and_those_that_are_too_many_are_not() {
    let mut outbox = outbox();
    let say = |outbox: &mut Outbox, text: &str, key: usize| {
        let mut writer = FlushWriter::default();
        let latest = LatestKey { owner: ME, name: key.to_string().into() };
        writer.push(Audience::All, &chat(text), Some(latest)).unwrap();
        outbox.push(&Arc::new(writer.finish(false)), ME, Weight::Bounded, 0);
    };
    (0..LATEST_KEYS_MAX + 2).for_each(|key| say(&mut outbox, "old", key));
    let mut other = through_bytes(&outbox);
    assert_eq!(other.save(), outbox.save());
    for outbox in [&mut outbox, &mut other] {
        say(outbox, "new", 3);
        say(outbox, "new", LATEST_KEYS_MAX + 1);
        outbox.trim(0);
    }
    let told = taken(&mut outbox, usize::MAX);
    assert_eq!(told, taken(&mut other, usize::MAX));
    assert_eq!(told.len(), LATEST_KEYS_MAX + 3, "one was replaced");
}

#[test]
fn what_no_outbox_saves_is_refused() {
    let good = serde_json::to_value(used().save()).unwrap();
    let refused = |path: &str, value: Value| {
        let mut bad = good.clone();
        assert!(bad.pointer(path).is_some(), "no {path} in {bad}");
        *bad.pointer_mut(path).unwrap() = value;
        let read = serde_json::from_str::<SavedOutbox>(&bad.to_string());
        let refused = read.map_err(SaveError::from).and_then(|saved| Outbox::restore(&saved));
        assert!(matches!(refused, Err(SaveError::Malformed(_))), "{path}: {bad}");
    };
    for number in ["written", "floor", "acknowledged", "replay_end", "unfollowed", "sight/newest"] {
        refused(&format!("/{number}"), json!(1_u64 << 40));
    }
    refused("/newest", json!(u64::MAX));
    refused("/newest", json!(6));
    refused("/floor", json!(5));
    refused("/entries/0/first", json!(0));
    refused("/entries/0/numbers", json!(u32::MAX));
    refused("/entries/0/events", json!([]));
    refused("/entries/0/events/0/seq", json!(1));
    refused("/entries/0/events/0/name", json!("a\"b"));
    refused("/entries/0/events/0/name", json!(""));
    refused("/entries/0/events/0/data", json!("x".repeat(70_000)));
    refused("/entries/0/events/2/followed", json!(false));
    refused("/entries/0/events/2/latest", json!(null));
    refused("/sight/pieces/0/entity", json!(9));
    refused("/sight/pieces/0/seq", json!(1));
    refused("/sight/pieces/0/piece", json!([1]));
    let text = good.to_string().replace(r#""said","#, "\"said\"\n,");
    assert!(serde_json::from_str::<SavedOutbox>(&text).is_err(), "a line break in what goes out: {text}");
}
