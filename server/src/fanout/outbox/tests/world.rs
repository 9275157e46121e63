//! The outbox with frames of a world, at its bounds.

use serde_json::{Value, json};
use sward_protocol::codec::Encoding;

use super::super::super::sight::{SIGHT_BYTES_MAX, SIGHT_PIECES_MAX};
use super::model::{View, frame};
use super::*;

/// What of a frame a session has of its own.
const ITEM_BYTES: u64 = 32;

fn show(outbox: &mut Outbox, tick: u64, pieces: &[Value], now_ms: u64) {
    outbox.push_frame(&frame(tick, pieces, ME), ME, now_ms);
}

fn herd(count: u32, text: &str) -> Vec<Value> {
    (0..count).map(|id| json!({"id": id, "is": "sheep", "name": text})).collect()
}

fn places(count: u32, x: u64) -> Vec<Value> {
    (0..count).map(|id| json!({"id": id, "x": x})).collect()
}

/// What waits: ids, names, data.
fn told(outbox: &mut Outbox, bytes_max: usize) -> Vec<(u64, String, Value)> {
    let mut chunk = ChunkWriter::new(Format::default());
    outbox.take(&mut chunk, bytes_max);
    outbox.check_bounds();
    let mut told = Vec::new();
    let mut parser = sward_protocol::sse::decode::Parser::new(1 << 20);
    let dispatch = |frame: sward_protocol::sse::decode::Frame| {
        let seq = frame.last_id.parse::<EventId>().unwrap().seq;
        told.push((seq, frame.name, serde_json::from_str(&frame.data).unwrap()));
    };
    parser.feed(&chunk.finish(), dispatch).unwrap();
    told
}

fn lines(outbox: &mut Outbox) -> Vec<String> {
    let told = told(outbox, 1 << 20);
    told.into_iter().map(|(seq, name, data)| format!("{seq} {name} {data}")).collect()
}

#[test]
fn a_frame_is_one_patch_whose_id_is_that_of_its_last_piece() {
    let mut outbox = outbox();
    show(
        &mut outbox,
        7,
        &[json!({"id": 1, "is": "a"}), json!({"id": 1, "x": 2}), json!({"id": 3, "x": 4})],
        0,
    );
    assert_eq!(
        lines(&mut outbox),
        [r#"3 patch {"tick":7,"world":[{"id":1,"is":"a"},{"id":1,"x":2},{"id":3,"x":4}]}"#]
    );
    assert!(outbox.is_drained());
    show(&mut outbox, 8, &[], 0);
    assert!(outbox.is_drained(), "nothing to tell");
}

#[test]
fn what_was_said_between_two_frames_stands_between_their_patches() {
    let mut outbox = outbox();
    show(&mut outbox, 1, &[json!({"id": 1, "x": 1}), json!({"id": 2, "x": 1})], 0);
    say(&mut outbox, "between", 0);
    show(&mut outbox, 2, &[json!({"id": 2, "x": 2}), json!({"id": 3, "x": 2})], 0);
    assert_eq!(
        lines(&mut outbox),
        [
            r#"1 patch {"tick":2,"world":[{"id":1,"x":1}]}"#,
            r#"3 msg {"data":"between","from":2,"type":"say"}"#,
            r#"5 patch {"tick":2,"world":[{"id":2,"x":2},{"id":3,"x":2}]}"#,
        ]
    );
    outbox.resume(id(2)).unwrap();
    assert_eq!(lines(&mut outbox).len(), 2);
    outbox.resume(id(4)).unwrap();
    assert_eq!(
        lines(&mut outbox),
        [r#"5 patch {"tick":2,"world":[{"id":3,"x":2}]}"#],
        "its other piece was told"
    );
}

#[test]
fn what_begins_anew_or_is_gone_takes_the_place_of_all_that_was_known_of_it() {
    let mut outbox = outbox();
    show(
        &mut outbox,
        1,
        &[
            json!({"id": 1, "x": 1}),
            json!({"id": 2, "is": "a"}),
            json!({"id": 2, "x": 1}),
            json!({"id": 2, "a": 1}),
        ],
        0,
    );
    show(
        &mut outbox,
        2,
        &[json!({"id": 2, "is": "b"}), json!({"id": 2, "x": 2}), json!({"id": 3, "x": 1})],
        0,
    );
    assert_eq!(
        lines(&mut outbox),
        [r#"7 patch {"tick":2,"world":[{"id":1,"x":1},{"id":2,"is":"b"},{"id":2,"x":2},{"id":3,"x":1}]}"#]
    );
    show(&mut outbox, 3, &[json!({"id": 2, "gone": true})], 0);
    outbox.resume(id(0)).unwrap();
    assert_eq!(
        lines(&mut outbox),
        [r#"8 patch {"tick":3,"world":[{"id":1,"x":1},{"id":3,"x":1},{"gone":true,"id":2}]}"#]
    );
    outbox.check_bounds();
}

#[test]
fn who_reads_slowly_is_told_what_is_so_now_and_owes_no_more_than_that() {
    let mut outbox = outbox();
    show(&mut outbox, 0, &herd(100, ""), 0);
    for tick in 1..=1_000 {
        show(&mut outbox, tick, &places(100, tick), tick * 100);
        if tick % 10 == 0 {
            // He reads now and then, and never all.
            assert!(!told(&mut outbox, 1_000).is_empty() && !outbox.is_drained());
        }
        assert_eq!(outbox.check_queue(tick * 100), Ok(()), "tick {tick}");
    }
    let rest = told(&mut outbox, 1 << 20);
    let [(_, _, patch)] = &rest[..] else { panic!("{rest:?}") };
    let world = patch["world"].as_array().unwrap();
    assert!(world.len() < 100 && world.iter().all(|piece| piece["x"] == 1_000), "{world:?}");
}

#[test]
fn a_patch_is_cut_at_any_piece_and_goes_on_behind_it() {
    let whole = herd(60, "Ö");
    for format in [
        Format::default(),
        Format::Sse { encoding: Encoding::Msgpack, batch: true },
        Format::Sse { encoding: Encoding::Json, batch: true },
        Format::Frames,
    ] {
        for bytes_max in (0..4_000).step_by(37) {
            let (mut outbox, mut view, mut chunks) = (outbox(), View::default(), 0);
            show(&mut outbox, 1, &whole, 0);
            while !outbox.is_drained() {
                let mut chunk = ChunkWriter::new(format);
                outbox.take(&mut chunk, bytes_max);
                let bytes = chunk.finish();
                let mut reader = sward_protocol::format::Reader::new(format);
                let mut pieces = 0;
                reader
                    .feed(&bytes, |delivery| {
                        for event in delivery.events {
                            let Some(Event::Patch(data)) = event.read().unwrap() else { panic!("{event:?}") };
                            let patch: Value = serde_json::from_str(data.json()).unwrap();
                            pieces += patch["world"].as_array().unwrap().len();
                            view.apply(patch["world"].as_array().unwrap());
                        }
                    })
                    .unwrap();
                // The ends of a batch are not counted.
                assert!(bytes.len() <= bytes_max + 40 || pieces == 1, "{} bytes, {bytes_max}", bytes.len());
                chunks += 1;
            }
            assert_eq!(view.0.len(), 60);
            assert!(chunks <= 60 && (bytes_max < 3_800 || chunks <= 2), "{chunks} chunks of {bytes_max}");
        }
    }
}

#[test]
fn no_patch_is_larger_than_an_event_may_be() {
    let mut outbox = outbox();
    show(&mut outbox, 1, &herd(300, &"x".repeat(700)), 0);
    let mut chunk = ChunkWriter::new(Format::Sse { encoding: Encoding::Json, batch: true });
    outbox.take(&mut chunk, usize::MAX);
    assert!(outbox.is_drained() && chunk.count() == 4, "{}", chunk.count());
    let peeked = outbox.peek(id(0), usize::MAX).unwrap();
    assert!(peeked.len() == 4 && peeked.iter().all(|(_, item)| item.len() <= 64 * 1024));
}

#[test]
fn an_answer_has_patches_too_and_takes_nothing() {
    let mut outbox = outbox();
    show(&mut outbox, 4, &[json!({"id": 1, "x": 1}), json!({"id": 2, "x": 1})], 0);
    say(&mut outbox, "a", 0);
    let told = |outbox: &Outbox, from, bytes_max| {
        let items = outbox.peek(id(from), bytes_max)?;
        let text = |item: &[u8]| String::from_utf8(item.to_vec()).unwrap();
        Some(items.iter().map(|(id, item)| format!("{} {}", id.seq, text(item))).collect::<Vec<_>>())
    };
    let patch = r#"2 ["patch",{"tick":4,"world":[{"id":1,"x":1},{"id":2,"x":1}]}]"#;
    let said = r#"3 ["msg",{"from":2,"type":"say","data":"a"}]"#;
    assert_eq!(told(&outbox, 0, 4096).unwrap(), [patch, said]);
    assert_eq!(told(&outbox, 0, patch.len() - 2).unwrap(), [patch]);
    assert_eq!(told(&outbox, 0, 0).unwrap(), [r#"1 ["patch",{"tick":4,"world":[{"id":1,"x":1}]}]"#]);
    assert_eq!(told(&outbox, 2, 4096).unwrap(), [said]);
    assert_eq!(lines(&mut outbox).len(), 2);
    outbox.acknowledge(id(1));
    assert_eq!(told(&outbox, 0, 4096), None, "there would be a hole");
}

#[test]
fn past_its_bounds_the_oldest_pieces_go_and_who_was_not_told_begins_anew() {
    let count = u32::try_from(SIGHT_PIECES_MAX).unwrap();
    let mut many = outbox();
    show(&mut many, 1, &places(count, 1), 0);
    assert_eq!((many.check_queue(0), many.resume(id(0))), (Ok(()), Ok(())));
    show(&mut many, 2, &[json!({"id": count, "x": 1})], 0);
    many.check_bounds();
    assert_eq!((many.check_queue(0), many.resume(id(0))), (Err(Overrun), Err(ResetReason::TooOld)));
    assert_eq!(many.resume(id(many.floor)), Ok(()));
    let floor = many.floor;
    assert!(floor <= u64::from(count) / 7, "little more than needed: {floor}");
    assert_eq!(
        told(&mut many, usize::MAX)
            .iter()
            .map(|(_, _, patch)| patch["world"].as_array().unwrap().len())
            .sum::<usize>() as u64,
        u64::from(count) + 1 - floor
    );

    // Who keeps up loses nothing but what he could have asked for again.
    let mut large = outbox();
    let text = "x".repeat(1_000);
    for tick in 0..600_u32 {
        show(&mut large, u64::from(tick), &[json!({"id": tick, "is": "a", "text": text})], 0);
        assert_eq!(large.check_queue(0), Ok(()));
        assert_eq!(told(&mut large, 1 << 20).len(), 1);
    }
    assert!(large.floor >= 600 - SIGHT_BYTES_MAX / 1_000);
    assert_eq!(large.resume(id(large.floor - 1)), Err(ResetReason::TooOld));
    assert_eq!(large.resume(id(large.floor)), Ok(()));
}

#[test]
fn pieces_that_go_take_the_events_below_them_along() {
    let mut outbox = outbox();
    say(&mut outbox, "below", 0);
    show(&mut outbox, 1, &[json!({"id": 1, "x": 1})], 0);
    say(&mut outbox, "above", 20_000);
    outbox.trim(WINDOW_AGE_MS_MAX / 16 * 17 + 1);
    outbox.check_bounds();
    assert_eq!((outbox.floor, outbox.entries.len()), (2, 1));
    assert_eq!((outbox.check_queue(20_000), outbox.resume(id(2))), (Err(Overrun), Ok(())));
    assert_eq!(lines(&mut outbox).len(), 1);
}

#[test]
fn a_stream_that_took_nothing_has_lost_its_hold_and_a_replay_is_no_sign_of_it() {
    let mut outbox = outbox();
    show(&mut outbox, 1, &places(3, 1), 0);
    assert_eq!(outbox.check_queue(QUEUE_AGE_MS_MAX), Ok(()));
    assert_eq!(outbox.check_queue(QUEUE_AGE_MS_MAX + 1), Err(Overrun));
    show(&mut outbox, 2, &places(2, 2), 4_000);
    assert_eq!(outbox.check_queue(QUEUE_AGE_MS_MAX + 1), Err(Overrun), "one of them still waits");
    show(&mut outbox, 3, &places(3, 3), 4_000);
    assert_eq!(outbox.check_queue(9_000), Ok(()), "what waits is fresh");
    outbox.resume_from_start().unwrap();
    assert_eq!(outbox.check_queue(20_000), Ok(()));
    show(&mut outbox, 4, &places(1, 4), 20_000);
    assert_eq!(outbox.check_queue(25_000), Ok(()));
    assert_eq!(outbox.check_queue(25_001), Err(Overrun), "what came since waits too long");
    assert_eq!(told(&mut outbox, 1 << 20).len(), 1);
    assert_eq!(outbox.check_queue(60_000), Ok(()));
}

#[test]
fn who_stalls_before_a_large_world_costs_no_more_than_its_items() {
    let mut outbox = outbox();
    show(&mut outbox, 0, &herd(2_000, "Dolly"), 0);
    for tick in 1..=100 {
        show(&mut outbox, tick, &places(2_000, tick), tick * 10);
        outbox.check_bounds();
    }
    let held = outbox.held_bytes();
    assert!((4_000 * ITEM_BYTES..=5_000 * ITEM_BYTES).contains(&held), "{held} bytes");
    assert!(outbox.entries.is_empty() && outbox.window == Amount::default());
}

#[test]
fn an_idle_player_keeps_no_buffer() {
    let mut outbox = outbox();
    show(&mut outbox, 1, &herd(100, ""), 0);
    say(&mut outbox, "x", 0);
    told(&mut outbox, 1 << 20);
    outbox.acknowledge(id(50));
    outbox.check_bounds();
    assert!(outbox.held_bytes() >= 50 * ITEM_BYTES);
    outbox.acknowledge(id(101));
    assert_eq!(outbox.held_bytes(), 0);
    show(&mut outbox, 2, &places(100, 1), 1_000);
    outbox.trim(1_000 + WINDOW_AGE_MS_MAX / 16 * 17 + 1);
    assert_eq!((outbox.held_bytes(), outbox.floor), (0, 201));
    show(&mut outbox, 3, &places(100, 1), 40_000);
    outbox.start_fresh();
    assert_eq!((outbox.held_bytes(), outbox.is_drained()), (0, true));
}

#[test]
fn joined_says_anew_what_was_seen_before_it() {
    let mut outbox = outbox();
    show(&mut outbox, 1, &herd(100, ""), 0);
    outbox.push(&one("joined"), ME, Weight::Free, 0);
    show(&mut outbox, 2, &places(1, 1), 0);
    let told = lines(&mut outbox);
    assert_eq!((told.len(), &told[1]), (2, &r#"102 patch {"tick":2,"world":[{"id":0,"x":1}]}"#.to_owned()));
    assert_eq!(outbox.resume(id(0)), Ok(()), "nothing was lost by it");
}

#[test]
fn entries_that_were_folded_leave_the_pieces_between_them_in_their_place() {
    let mut outbox = outbox();
    let large = "x".repeat(10_000);
    for number in 0..40_u32 {
        let events = [(Audience::Only(Seat(2)), &*large), (Audience::Only(ME), "me")];
        outbox.push(&flush(&events), ME, Weight::Bounded, 0);
        show(&mut outbox, u64::from(number), &[json!({"id": number, "x": 1})], 0);
    }
    assert!(outbox.entries.len() < 40, "some were folded");
    let told = told(&mut outbox, 1 << 20);
    let seqs: Vec<u64> = told.iter().map(|(seq, _, _)| *seq).collect();
    assert_eq!(seqs, (1..=80).collect::<Vec<_>>());
    assert!(
        told.iter().zip([false, true].into_iter().cycle()).all(|((_, name, _), is)| (name == "patch") == is)
    );
}
