//! The outbox at its bounds.

mod model;
mod saving;
mod world;

use sward_protocol::downstream::{Event, Msg};
use sward_protocol::format::{ChunkWriter, Format};

use super::folding::FOLD_EVENTS_MAX;
use super::*;
use crate::fanout::encode::encode;
use crate::fanout::flush::FlushWriter;
use crate::game::Audience;

const ME: Seat = Seat(1);

fn outbox() -> Outbox {
    Outbox::new(Epoch(0xabc))
}

fn chat(text: &str) -> Event {
    let data = sward_protocol::payload::Payload::of(text).unwrap();
    Event::Msg(Msg { from: Seat(2), kind: "say".to_owned(), data })
}

fn one(text: &str) -> Arc<Flush> {
    Arc::new(Flush::of(encode(&chat(text)).unwrap()))
}

/// A flush of reliable events.
fn flush(events: &[(Audience, &str)]) -> Arc<Flush> {
    let mut writer = FlushWriter::default();
    for (audience, text) in events {
        writer.push(audience.clone(), &chat(text), None).unwrap();
    }
    Arc::new(writer.finish(false))
}

fn say(outbox: &mut Outbox, text: &str, now_ms: u64) {
    outbox.push(&one(text), ME, Weight::Bounded, now_ms);
}

fn id(seq: u64) -> EventId {
    EventId { epoch: Epoch(0xabc), seq }
}

/// The ids and the texts of what waits.
fn taken(outbox: &mut Outbox, bytes_max: usize) -> Vec<(u64, String)> {
    let mut chunk = ChunkWriter::new(Format::default());
    outbox.take(&mut chunk, bytes_max);
    let out = chunk.finish();
    let mut events = Vec::new();
    let mut parser = sward_protocol::sse::decode::Parser::new(1 << 20);
    let dispatch = |frame: sward_protocol::sse::decode::Frame| {
        let seq = frame.last_id.parse::<EventId>().unwrap().seq;
        let data: serde_json::Value = serde_json::from_str(&frame.data).unwrap();
        events.push((seq, data["data"].as_str().unwrap().to_owned()));
    };
    parser.feed(&out, dispatch).unwrap();
    events
}

fn all(outbox: &mut Outbox) -> Vec<u64> {
    let mut seqs = Vec::new();
    loop {
        let events = taken(outbox, 4096);
        if events.is_empty() {
            return seqs;
        }
        seqs.extend(events.into_iter().map(|(seq, _)| seq));
    }
}

#[test]
fn events_are_numbered_from_one_and_taken_once_in_order() {
    let mut outbox = outbox();
    say(&mut outbox, "a", 0);
    say(&mut outbox, "b", 0);
    assert_eq!(taken(&mut outbox, 4096), [(1, "a".to_owned()), (2, "b".to_owned())]);
    assert_eq!(taken(&mut outbox, 4096), []);
    say(&mut outbox, "c", 0);
    assert_eq!(taken(&mut outbox, 4096), [(3, "c".to_owned())]);
}

#[test]
fn a_flush_gives_each_seat_its_own_events_and_numbers() {
    let all = flush(&[
        (Audience::Except(ME), "not me"),
        (Audience::All, "all"),
        (Audience::Only(Seat(2)), "only two"),
        (Audience::Only(ME), "only me"),
    ]);
    let (mut one, mut two) = (outbox(), outbox());
    one.push(&all, ME, Weight::Bounded, 0);
    two.push(&all, Seat(2), Weight::Bounded, 0);
    assert_eq!(taken(&mut one, 4096), [(1, "all".to_owned()), (2, "only me".to_owned())]);
    assert_eq!(taken(&mut two, 4096).len(), 3);
    let share = outbox().push(&flush(&[]), ME, Weight::Bounded, 0);
    assert_eq!(share.events, 0);
}

#[test]
fn a_chunk_ends_at_its_bound_but_always_makes_progress() {
    let mut outbox = outbox();
    for text in ["a", "b", "c"] {
        say(&mut outbox, &text.repeat(400), 0);
    }
    assert_eq!(taken(&mut outbox, 1000).len(), 2);
    assert_eq!(taken(&mut outbox, 10).len(), 1);
    assert!(outbox.is_drained());
}

#[test]
fn a_cut_stream_resumes_behind_what_it_had() {
    let mut outbox = outbox();
    for now_ms in 0..10 {
        say(&mut outbox, "x", now_ms);
    }
    assert_eq!(all(&mut outbox), (1..=10).collect::<Vec<_>>());
    for from in 0..=10 {
        outbox.resume(id(from)).unwrap();
        assert_eq!(outbox.is_replaying(), from < 10);
        assert_eq!(all(&mut outbox), (from + 1..=10).collect::<Vec<_>>());
    }
}

#[test]
fn what_cannot_be_replayed_is_said_never_skipped() {
    let mut outbox = outbox();
    for now_ms in 0..10 {
        say(&mut outbox, "x", now_ms);
    }
    all(&mut outbox);
    outbox.acknowledge(id(4));
    assert_eq!(outbox.resume(id(3)), Err(ResetReason::TooOld));
    assert_eq!(outbox.resume(id(4)), Ok(()));
    assert_eq!(outbox.resume(id(11)), Err(ResetReason::BadId));
    assert_eq!(outbox.resume(EventId { epoch: Epoch(1), seq: 5 }), Err(ResetReason::OtherEpoch));
    assert_eq!(outbox.resume_from_start(), Err(ResetReason::TooOld));
    outbox.start_fresh();
    say(&mut outbox, "y", 0);
    assert_eq!(taken(&mut outbox, 4096), [(11, "y".to_owned())]);
}

#[test]
fn an_acknowledgement_of_the_unwritten_means_nothing() {
    let mut outbox = outbox();
    say(&mut outbox, "a", 0);
    outbox.acknowledge(id(1));
    outbox.acknowledge(EventId { epoch: Epoch(9), seq: 1 });
    assert_eq!(taken(&mut outbox, 4096).len(), 1);
    outbox.acknowledge(id(1));
    assert_eq!(outbox.resume_from_start(), Err(ResetReason::TooOld));
}

#[test]
fn the_window_is_bounded_in_events_bytes_and_age() {
    let mut many = outbox();
    let sixteen = flush(&vec![(Audience::All, "x"); 16]);
    for _ in 0..WINDOW_EVENTS_MAX / 16 {
        many.push(&sixteen, ME, Weight::Bounded, 0);
    }
    assert_eq!((many.window.events, many.resume(id(0))), (WINDOW_EVENTS_MAX, Ok(())));
    say(&mut many, "x", 0);
    assert!(many.window.events <= WINDOW_EVENTS_MAX);
    assert_eq!(many.resume(id(0)), Err(ResetReason::TooOld));
    assert_eq!(many.resume(id(u64::from(FOLD_EVENTS_MAX))), Ok(()));

    let mut large = outbox();
    for _ in 0..300 {
        say(&mut large, &"x".repeat(1024), 0);
    }
    assert!(large.window.bytes <= WINDOW_BYTES_MAX);
    assert_eq!(large.resume(id(0)), Err(ResetReason::TooOld));

    let mut old = outbox();
    say(&mut old, "x", 0);
    say(&mut old, "y", 10);
    old.trim(WINDOW_AGE_MS_MAX + 1);
    assert_eq!(old.resume(id(0)), Err(ResetReason::TooOld));
    assert_eq!(old.resume(id(1)), Ok(()));
    old.trim(WINDOW_AGE_MS_MAX + 11);
    assert_eq!(old.entries.capacity(), 0, "an idle player keeps no buffer");
}

#[test]
fn the_queue_is_bounded_in_events_bytes_and_age() {
    let mut many = outbox();
    for _ in 0..QUEUE_EVENTS_MAX {
        say(&mut many, "x", 0);
    }
    assert_eq!(many.check_queue(QUEUE_AGE_MS_MAX), Ok(()));
    assert_eq!(many.check_queue(QUEUE_AGE_MS_MAX + 1), Err(Overrun));
    say(&mut many, "x", 0);
    assert_eq!(many.check_queue(QUEUE_BURST_MS), Ok(()), "he had no chance to read yet");
    assert_eq!(many.check_queue(QUEUE_BURST_MS + 1), Err(Overrun));
    taken(&mut many, 1);
    assert_eq!(many.check_queue(QUEUE_BURST_MS + 1), Ok(()));

    let mut large = outbox();
    while large.queue.bytes <= QUEUE_BYTES_MAX {
        assert_eq!(large.check_queue(1_000), Ok(()));
        say(&mut large, &"x".repeat(1024), 0);
    }
    assert_eq!(large.check_queue(QUEUE_BURST_MS), Ok(()));
    assert_eq!(large.check_queue(QUEUE_BURST_MS + 1), Err(Overrun));
    while large.window.bytes + 2048 <= WINDOW_BYTES_MAX {
        say(&mut large, &"x".repeat(1024), 0);
    }
    assert_eq!(large.check_queue(0), Ok(()));
    say(&mut large, &"x".repeat(1024), 0);
    say(&mut large, &"x".repeat(1024), 0);
    assert_eq!(large.check_queue(0), Err(Overrun), "a burst is bounded by the window");
}

#[test]
fn only_what_waits_is_counted_after_a_resume_into_the_middle_of_a_flush() {
    let mut outbox = outbox();
    let text = "x".repeat(1000);
    outbox.push(&flush(&vec![(Audience::All, &*text); 100]), ME, Weight::Bounded, 0);
    outbox.resume(id(99)).unwrap();
    assert!((1000..1200).contains(&outbox.queue.bytes), "{}", outbox.queue.bytes);
    all(&mut outbox);
    assert_eq!(outbox.queue.bytes, 0);
}

#[test]
fn joined_is_outside_the_bounds() {
    let mut outbox = outbox();
    let flush = one(&"x".repeat(1 << 15));
    for _ in 0..20 {
        outbox.push(&flush, ME, Weight::Free, 0);
    }
    assert_eq!(outbox.check_queue(QUEUE_AGE_MS_MAX), Ok(()));
    assert_eq!(outbox.resume_from_start(), Ok(()));
    for _ in 0..200 {
        outbox.push(&flush, ME, Weight::Free, 0);
    }
    assert!(outbox.free_bytes <= FREE_BYTES_MAX, "but not without any bound");
}

#[test]
fn a_replay_is_no_sign_of_a_slow_reader_but_a_replay_outrun_is() {
    let mut outbox = outbox();
    for _ in 0..250 {
        say(&mut outbox, &"x".repeat(900), 0);
    }
    outbox.resume_from_start().unwrap();
    say(&mut outbox, "live", 20_000);
    assert_eq!(outbox.check_queue(20_000), Ok(()));
    assert_eq!(outbox.check_queue(25_001), Err(Overrun), "the live event waits too long");
    for _ in 0..60 {
        say(&mut outbox, &"x".repeat(900), 20_000);
    }
    assert_eq!(outbox.check_queue(20_000), Err(Overrun), "the window moved past what is still to be written");
}

fn set(outbox: &mut Outbox, values: &[(&str, &str)], now_ms: u64) {
    let mut writer = FlushWriter::default();
    for &(key, text) in values {
        let latest = (!key.is_empty()).then(|| LatestKey { owner: Seat(2), name: key.into() });
        writer.push(Audience::All, &chat(text), latest).unwrap();
    }
    outbox.push(&Arc::new(writer.finish(false)), ME, Weight::Bounded, now_ms);
}

fn texts(outbox: &mut Outbox) -> Vec<String> {
    taken(outbox, 1 << 20).into_iter().map(|(seq, text)| format!("{seq} {text}")).collect()
}

#[test]
fn a_newer_value_takes_the_older_one_s_place_at_the_end_of_the_line() {
    let mut outbox = outbox();
    set(&mut outbox, &[("x", "x1"), ("", "said"), ("y", "y1"), ("x", "x2")], 0);
    set(&mut outbox, &[("y", "y2")], 0);
    assert_eq!(texts(&mut outbox), ["2 said", "4 x2", "5 y2"]);
    assert!(outbox.is_drained());
    set(&mut outbox, &[("x", "x3")], 0);
    outbox.resume_from_start().unwrap();
    assert_eq!(texts(&mut outbox), ["2 said", "5 y2", "6 x3"], "written or not");
    outbox.resume(id(4)).unwrap();
    assert_eq!(texts(&mut outbox), ["5 y2", "6 x3"], "a replaced number is a place to resume from");
}

#[test]
fn values_that_were_replaced_cost_nothing() {
    let mut outbox = outbox();
    for now_ms in 0..100_000 {
        set(&mut outbox, &[("x", "here"), ("y", "there")], now_ms);
        assert_eq!(
            outbox.check_queue(now_ms),
            Ok(()),
            "a slow reader gets fresher events, not a longer queue"
        );
    }
    assert_eq!((outbox.entries.len(), outbox.window.events, outbox.queue.events), (1, 2, 2));
    assert_eq!(outbox.latest.len(), 2);
    assert_eq!(texts(&mut outbox), ["199999 here", "200000 there"]);
    assert_eq!(outbox.queue, Amount::default());
    outbox.trim(100_000 + WINDOW_AGE_MS_MAX);
    assert_eq!((outbox.entries.len(), outbox.latest.len()), (0, 0));
}

#[test]
fn a_reader_who_writes_nothing_of_what_waits_is_done_all_the_same() {
    let mut outbox = outbox();
    set(&mut outbox, &[("", "said"), ("x", "x1"), ("y", "y1")], 0);
    assert_eq!(taken(&mut outbox, 1).len(), 1);
    set(&mut outbox, &[("x", "x2"), ("y", "y2")], 9_000);
    assert_eq!(outbox.check_queue(9_000), Ok(()), "nothing old waits");
    assert_eq!(texts(&mut outbox), ["4 x2", "5 y2"]);
    outbox.acknowledge(id(5));
    assert_eq!((outbox.latest.len(), outbox.window), (0, Amount::default()));
}

#[test]
fn an_answer_tells_what_is_above_its_request_without_taking_it() {
    let mut outbox = outbox();
    set(&mut outbox, &[("", "a"), ("x", "x1"), ("", "b"), ("x", "x2")], 0);
    let told = |outbox: &Outbox, from, bytes_max| {
        let events = outbox.peek(id(from), bytes_max)?;
        Some(events.iter().map(|(id, _)| id.seq).collect::<Vec<_>>())
    };
    assert_eq!(told(&outbox, 0, 4096), Some(vec![1, 3, 4]));
    assert_eq!(told(&outbox, 3, 4096), Some(vec![4]));
    assert_eq!(told(&outbox, 4, 4096), Some(vec![]));
    assert_eq!(told(&outbox, 0, 0), Some(vec![1]), "always some progress");
    assert_eq!(told(&outbox, 5, 4096), None);
    assert_eq!(texts(&mut outbox).len(), 3, "nothing was taken");
    outbox.acknowledge(id(3));
    assert_eq!(told(&outbox, 2, 4096), None, "there would be a hole");
}

#[test]
fn values_of_too_many_keys_are_reliable() {
    let mut outbox = outbox();
    let keys: Vec<String> = (0..LATEST_KEYS_MAX).map(|number| number.to_string()).collect();
    for key in &keys {
        set(&mut outbox, &[(key, "old")], 0);
    }
    set(&mut outbox, &[("more", "a"), ("0", "new"), ("more", "b")], 0);
    assert_eq!(outbox.latest.len(), LATEST_KEYS_MAX);
    let told = texts(&mut outbox);
    assert_eq!(told.len(), LATEST_KEYS_MAX + 2, "one was replaced");
    assert_eq!(told[LATEST_KEYS_MAX - 1..], ["1025 a", "1026 new", "1027 b"]);
    // There is a place again, but values that are not followed could still be asked for.
    outbox.acknowledge(id(500));
    set(&mut outbox, &[("more", "c")], 0);
    outbox.resume(id(1_024)).unwrap();
    assert_eq!(texts(&mut outbox), ["1025 a", "1026 new", "1027 b", "1028 c"]);
    assert_eq!((outbox.queue, outbox.unfollowed), (Amount::default(), 1_028));
    outbox.acknowledge(id(1_028));
    set(&mut outbox, &[("more", "d"), ("more", "e")], 0);
    assert_eq!((texts(&mut outbox), outbox.latest.len()), (vec!["1030 e".to_owned()], 1));
}

/// What a reader holds, and that it is counted right.
fn held(outbox: &Outbox) -> u64 {
    let entries: u64 = outbox.entries.iter().map(Entry::bounded_held_bytes).sum();
    assert_eq!(entries, outbox.held_bytes);
    let mut live = Amount::default();
    outbox.entries.iter().for_each(|entry| live.add(entry.bounded()));
    assert_eq!(live, outbox.window);
    assert!(outbox.held_bytes() <= WINDOW_HELD_BYTES_MAX);
    outbox.held_bytes()
}

#[test]
fn a_reader_of_tiny_events_holds_no_more_than_his_bound_and_keeps_them_all_the_same() {
    let mut outbox = outbox();
    for number in 1..=6_000 {
        say(&mut outbox, "x", number * 5);
        held(&outbox);
    }
    assert!(outbox.entries.len() < 1_500, "{} entries", outbox.entries.len());
    let kept = outbox.window.events;
    // Ten seconds of a busy room are 2,175 events.
    assert!(kept >= 3_000, "{kept}");
    outbox.resume(id(6_000 - kept)).unwrap();
    assert_eq!(all(&mut outbox), (6_000 - kept + 1..=6_000).collect::<Vec<_>>());
    assert_eq!(outbox.queue, Amount::default());
    let in_the_middle = 6_000 - kept / 2;
    outbox.resume(id(in_the_middle)).unwrap();
    assert_eq!(outbox.queue.events, 6_000 - in_the_middle);
    assert_eq!(taken(&mut outbox, 1)[0].0, in_the_middle + 1);
    outbox.acknowledge(id(in_the_middle));
    assert_eq!(outbox.resume(id(in_the_middle - 1)), Err(ResetReason::TooOld));
    assert_eq!(outbox.resume(id(in_the_middle)), Ok(()));
    held(&outbox);
}

#[test]
fn what_is_for_others_does_not_stay_with_a_reader_s_share() {
    let large = "x".repeat(10_000);
    let mut outbox = outbox();
    for now_ms in 0..1_000 {
        let events = [
            (Audience::Only(Seat(2)), &*large),
            (Audience::Only(ME), "me"),
            (Audience::Except(ME), &large),
            (Audience::All, "all"),
        ];
        outbox.push(&flush(&events), ME, Weight::Bounded, now_ms);
        held(&outbox);
    }
    assert_eq!(outbox.window.events, 2_000, "nothing of his own was lost for it");
    let told = texts(&mut outbox);
    assert_eq!((told.len(), &*told[0], &*told[1_999]), (2_000, "1 me", "2000 all"));
}

#[test]
fn a_broadcast_is_shared_not_copied() {
    let mut outbox = outbox();
    let broadcast = one(&"x".repeat(10_000));
    for now_ms in 0..20 {
        outbox.push(&broadcast, ME, Weight::Bounded, now_ms);
    }
    assert!(outbox.entries.iter().all(|entry| Arc::ptr_eq(&entry.flush, &broadcast)));
}

#[test]
fn values_that_were_replaced_leave_memory_with_what_was_said_beside_them() {
    let mut outbox = outbox();
    let value = "v".repeat(2_000);
    for number in 0..2_000 {
        let word = number.to_string();
        set(&mut outbox, &[("x", &value), ("", &word), ("y", &value)], number);
        held(&outbox);
    }
    let told = texts(&mut outbox);
    assert_eq!(told.len(), 2_002, "each word, and the newest of both values");
    assert!(
        told.iter()
            .zip(0..2_000)
            .all(|(told, number)| told.ends_with(&format!(" {number}")) || number == 1_999)
    );
    assert_eq!(outbox.queue, Amount::default());
    set(&mut outbox, &[("x", "last"), ("y", "last")], 2_000);
    outbox.resume(id(5_996)).unwrap();
    assert_eq!(texts(&mut outbox), ["5999 1999".to_owned(), "6001 last".to_owned(), "6002 last".to_owned()]);
}
