//! The outbox at its bounds.

use sward_protocol::downstream::{Chat, ChatScope, Event};

use super::*;
use crate::fanout::encode::Encoded;
use crate::fanout::flush::FlushItem;
use crate::game::Audience;

const ME: Seat = Seat(1);

fn outbox() -> Outbox {
    Outbox::new(Epoch(0xabc))
}

fn chat(text: &str) -> Encoded {
    let chat = Chat { from: Seat(2), scope: ChatScope::Room, text: text.to_owned() };
    Encoded::of(&Event::Chat(chat)).unwrap()
}

fn say(outbox: &mut Outbox, text: &str, now_ms: u64) {
    outbox.push(&Arc::new(Flush::of(chat(text))), ME, Weight::Bounded, now_ms);
}

fn id(seq: u64) -> EventId {
    EventId { epoch: Epoch(0xabc), seq }
}

/// The ids and the texts of what waits.
fn taken(outbox: &mut Outbox, bytes_max: usize) -> Vec<(u64, String)> {
    let mut out = Vec::new();
    outbox.take(&mut out, bytes_max);
    let mut events = Vec::new();
    let mut parser = sward_protocol::sse::decode::Parser::new(1 << 20);
    let dispatch = |frame: sward_protocol::sse::decode::Frame| {
        let seq = frame.last_id.parse::<EventId>().unwrap().seq;
        let data: serde_json::Value = serde_json::from_str(&frame.data).unwrap();
        events.push((seq, data["text"].as_str().unwrap().to_owned()));
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
    let item = |audience, text: &str| FlushItem { audience, event: chat(text) };
    let flush = Arc::new(Flush::new(vec![
        item(Audience::Except(ME), "not me"),
        item(Audience::All, "all"),
        item(Audience::Only(Seat(2)), "only two"),
        item(Audience::Only(ME), "only me"),
    ]));
    let (mut one, mut two) = (outbox(), outbox());
    one.push(&flush, ME, Weight::Bounded, 0);
    two.push(&flush, Seat(2), Weight::Bounded, 0);
    assert_eq!(taken(&mut one, 4096), [(1, "all".to_owned()), (2, "only me".to_owned())]);
    assert_eq!(taken(&mut two, 4096).len(), 3);
    let share = outbox().push(&Arc::new(Flush::new(vec![])), ME, Weight::Bounded, 0);
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
    for _ in 0..=WINDOW_EVENTS_MAX {
        say(&mut many, "x", 0);
    }
    assert_eq!(many.resume(id(0)), Err(ResetReason::TooOld));
    assert_eq!(many.resume(id(1)), Ok(()));

    let mut large = outbox();
    for _ in 0..300 {
        say(&mut large, &"x".repeat(1024), 0);
    }
    assert!(large.window_bytes <= WINDOW_BYTES_MAX);
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
    while large.queue_bytes <= QUEUE_BYTES_MAX {
        assert_eq!(large.check_queue(1_000), Ok(()));
        say(&mut large, &"x".repeat(1024), 0);
    }
    assert_eq!(large.check_queue(QUEUE_BURST_MS), Ok(()));
    assert_eq!(large.check_queue(QUEUE_BURST_MS + 1), Err(Overrun));
    while large.window_bytes + 2048 <= WINDOW_BYTES_MAX {
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
    let item = || FlushItem { audience: Audience::All, event: chat(&"x".repeat(1000)) };
    let flush = Arc::new(Flush::new((0..100).map(|_| item()).collect()));
    outbox.push(&flush, ME, Weight::Bounded, 0);
    outbox.resume(id(99)).unwrap();
    assert!((1000..1200).contains(&outbox.queue_bytes), "{}", outbox.queue_bytes);
    all(&mut outbox);
    assert_eq!(outbox.queue_bytes, 0);
}

#[test]
fn joined_is_outside_the_bounds() {
    let mut outbox = outbox();
    let flush = Arc::new(Flush::of(chat(&"x".repeat(1 << 15))));
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
