//! The queue as tables: what was answered and when, and what is posted next.

use sward_protocol::ids::Epoch;
use sward_protocol::upstream::Reply;

use super::*;
use crate::client::SendError;

const BEAT_MS: u64 = 5_000;

/// A queue of messages `a`, `b`, `c`…, whose tags are their numbers from 1.
struct Bench {
    queue: Queue<u64>,
    now_ms: u64,
    pushed: u64,
}

impl Bench {
    fn new(in_flight_max: u8) -> Self {
        Self { queue: Queue::new("k".to_owned(), in_flight_max, true), now_ms: 0, pushed: 0 }
    }

    fn push(&mut self, count: u64) {
        for _ in 0..count {
            self.pushed += 1;
            let data = Payload::of(&self.pushed).unwrap();
            self.queue.push(self.pushed, Encoded::new("m", &data, None, None, None).unwrap());
        }
    }

    fn next(&mut self) -> Next {
        self.queue.next(self.now_ms, None, BEAT_MS)
    }

    /// The next post: its ticket, its counter, its `seq` and what the messages carry.
    #[track_caller]
    fn post(&mut self) -> (Ticket, String, u64, Vec<u64>) {
        match self.next() {
            Next::Post { ticket, body } => {
                let body: serde_json::Value = serde_json::from_str(&body).unwrap();
                let msgs = body["msgs"].as_array().unwrap().iter();
                let data = msgs.map(|message| message["data"].as_u64().unwrap()).collect();
                (ticket, body["src"].as_str().unwrap().to_owned(), body["seq"].as_u64().unwrap(), data)
            }
            other => panic!("{other:?}"),
        }
    }

    #[track_caller]
    fn check_post(&mut self, seq: u64, data: impl IntoIterator<Item = u64>) -> Ticket {
        let (ticket, _, got_seq, got) = self.post();
        assert_eq!((got_seq, got), (seq, data.into_iter().collect()));
        ticket
    }

    fn answer(&mut self, ticket: Ticket, ack: u64) -> Vec<u64> {
        let answer = Answer { ack, replies: Vec::new(), events: Vec::new() };
        let settled = self.queue.answered(ticket, &answer, self.now_ms);
        settled.into_iter().map(|settled| settled.tag).collect()
    }

    fn fail(&mut self, ticket: Ticket, failure: Failure) -> Vec<(u64, bool)> {
        let settled = self.queue.failed(ticket, failure, self.now_ms, 0.5);
        settled.into_iter().map(|settled| (settled.tag, settled.result.is_ok())).collect()
    }

    /// Makes round trips of this time known.
    fn round_trip(&mut self, ms: u64) {
        self.push(1);
        let (ticket, _, seq, _) = self.post();
        self.now_ms += ms;
        self.answer(ticket, seq);
    }
}

fn refused() -> Failure {
    Failure::Refused(MessageError::new(ErrorCode::BadBody, ""))
}

#[test]
fn what_queues_while_a_batch_is_under_way_goes_as_the_next() {
    let mut bench = Bench::new(3);
    bench.push(2);
    let first = bench.check_post(1, 1..=2);
    bench.push(3);
    assert_eq!(bench.next(), Next::Idle);
    assert_eq!(bench.answer(first, 2), [1, 2]);
    let second = bench.check_post(3, 3..=5);
    assert_eq!(bench.answer(second, 5), [3, 4, 5]);
}

#[test]
fn a_batch_that_failed_keeps_its_seq_and_may_have_grown() {
    let mut bench = Bench::new(3);
    bench.push(2);
    let first = bench.check_post(1, 1..=2);
    bench.push(1);
    assert_eq!(bench.fail(first, Failure::Unanswered), []);
    assert_eq!(bench.next(), Next::WaitUntil(100));
    bench.now_ms = 100;
    let again = bench.check_post(1, 1..=3);
    // An answer that comes after all, to an attempt that was given up, settles nothing.
    assert!(bench.answer(first, 2).is_empty());
    assert_eq!(bench.answer(again, 3), [1, 2, 3]);
}

#[test]
fn a_connection_that_was_closed_while_idle_is_no_reason_to_wait() {
    let mut bench = Bench::new(1);
    bench.push(1);
    let first = bench.check_post(1, [1]);
    bench.fail(first, Failure::Stale);
    bench.check_post(1, [1]);
}

#[test]
fn batches_hold_what_the_contract_allows() {
    let mut bench = Bench::new(1);
    bench.push(101);
    let first = bench.check_post(1, 1..=100);
    bench.answer(first, 100);
    bench.check_post(101, [101]);
    let mut bench = Bench::new(1);
    let data = Payload::of(&"x".repeat(12_000)).unwrap();
    for tag in 1..=3 {
        bench.queue.push(tag, Encoded::new("m", &data, None, None, None).unwrap());
    }
    let Next::Post { body, .. } = bench.next() else { panic!("nothing to post") };
    assert!(body.len() <= BATCH_BYTES_MAX && body.len() > 24_000, "{}", body.len());
}

#[test]
fn long_round_trips_have_up_to_three_batches_under_way() {
    let under_way = |round_trip_ms, in_flight_max| {
        let mut bench = Bench::new(in_flight_max);
        bench.round_trip(round_trip_ms);
        let mut batches = 0;
        loop {
            bench.push(1);
            match bench.next() {
                Next::Post { .. } => batches += 1,
                _ => return batches,
            }
        }
    };
    assert_eq!([under_way(20, 3), under_way(200, 3), under_way(700, 3)], [1, 2, 3]);
    assert_eq!([under_way(700, 2), under_way(700, 1), under_way(9_000, 9)], [2, 1, 3]);
}

#[test]
fn of_batches_under_way_only_the_one_that_failed_goes_again() {
    let mut bench = Bench::new(3);
    bench.round_trip(700);
    bench.push(2);
    let a = bench.check_post(2, [2, 3]);
    bench.push(2);
    let b = bench.check_post(4, [4, 5]);
    bench.fail(a, Failure::Unanswered);
    // The answer to the later one comes first: it settles its own, and the earlier one is still asked for.
    assert_eq!(bench.answer(b, 5), [4, 5]);
    bench.now_ms += 1_000;
    let a = bench.check_post(2, [2, 3]);
    bench.push(1);
    assert_eq!(bench.answer(a, 5), [2, 3]);
    bench.check_post(6, [6]);
}

#[test]
fn a_gap_is_filled_from_the_lowest_number_on() {
    let mut bench = Bench::new(3);
    bench.round_trip(700);
    bench.push(2);
    let a = bench.check_post(2, [2, 3]);
    bench.push(2);
    let b = bench.check_post(4, [4, 5]);
    assert_eq!(bench.fail(b, Failure::Gap { expected: 2 }), []);
    assert_eq!(bench.fail(a, Failure::Unanswered), []);
    bench.now_ms += 1_000;
    let both = bench.check_post(2, 2..=5);
    assert_eq!(bench.answer(both, 5), [2, 3, 4, 5]);
}

#[test]
fn a_server_that_lost_count_gets_a_new_counter_and_what_was_posted_is_not_repeated() {
    let mut bench = Bench::new(1);
    bench.round_trip(1);
    bench.push(2);
    let batch = bench.check_post(2, [2, 3]);
    bench.push(1);
    assert_eq!(bench.fail(batch, Failure::Gap { expected: 1 }), [(2, false), (3, false)]);
    bench.now_ms += 1_000;
    let (_, src, seq, data) = bench.post();
    assert_eq!((&*src, seq, data), ("k.1", 1, vec![4]));
}

#[test]
fn limits_are_waited_for() {
    for (retry_after_ms, until) in [(Some(250), 250), (None, 100), (Some(0), 1), (Some(u64::MAX), 60_000)] {
        let mut bench = Bench::new(3);
        bench.push(1);
        let first = bench.check_post(1, [1]);
        bench.fail(first, Failure::Limited { retry_after_ms });
        assert_eq!(bench.next(), Next::WaitUntil(until), "{retry_after_ms:?}");
        bench.now_ms = until;
        bench.check_post(1, [1]);
    }
}

#[test]
fn a_refused_batch_is_taken_apart_and_only_the_bad_message_is_dropped() {
    let mut bench = Bench::new(3);
    bench.push(3);
    let all = bench.check_post(1, 1..=3);
    assert_eq!(bench.fail(all, refused()), []);
    let one = bench.check_post(1, [1]);
    assert_eq!(bench.next(), Next::Idle);
    assert_eq!(bench.answer(one, 1), [1]);
    let two = bench.check_post(2, [2]);
    assert_eq!(bench.fail(two, refused()), [(2, false)]);
    // Its number was not used. What follows was posted behind it, so it goes by a counter that never saw it.
    bench.push(1);
    let (three, src, seq, data) = bench.post();
    assert_eq!((&*src, seq, data), ("k.1", 1, vec![3]));
    assert_eq!(bench.answer(three, 1), [3]);
    bench.check_post(2, [4]);
}

#[test]
fn a_refused_batch_keeps_its_numbers_while_an_earlier_one_is_unanswered() {
    let mut bench = Bench::new(3);
    bench.round_trip(700);
    bench.push(1);
    let a = bench.check_post(2, [2]);
    bench.push(1);
    let b = bench.check_post(3, [3]);
    bench.fail(a, Failure::Unanswered);
    // Number 2 may have been applied: a new counter would apply it again.
    assert_eq!(bench.fail(b, refused()), []);
    bench.now_ms += 1_000;
    let a = bench.check_post(2, [2]);
    assert_eq!(bench.answer(a, 2), [2]);
    let b = bench.check_post(3, [3]);
    assert_eq!(bench.fail(b, refused()), [(3, false)]);
}

#[test]
fn replies_are_told_by_index_and_silence_is_success_unless_a_reply_was_wanted() {
    let mut queue = Queue::new("k".to_owned(), 1, true);
    let encoded = |rid| Encoded::new("m", &Payload::null(), None, None, rid).unwrap();
    for rid in [None, Some(7), None, Some(8)] {
        queue.push(rid, encoded(rid));
    }
    let Next::Post { ticket, body } = queue.next(0, None, BEAT_MS) else { panic!("nothing to post") };
    assert!(body.contains(r#"{"type":"m","data":null,"rid":7}"#), "{body}");
    let one = Payload::of(&1).unwrap();
    let error = MessageError::new(ErrorCode::UnknownType, "no");
    let replies = vec![
        Reply { i: 1, rid: Some(7), data: Some(one.clone()), error: None },
        Reply { i: 2, rid: None, data: None, error: Some(error.clone()) },
    ];
    let answer = Answer { ack: 4, replies, events: Vec::new() };
    let results: Vec<_> = queue.answered(ticket, &answer, 1).into_iter().map(|s| s.result).collect();
    assert_eq!(results[..3], [Ok(Payload::null()), Ok(one), Err(error)]);
    assert_eq!(results[3].as_ref().unwrap_err().code, "internal");
}

#[test]
fn a_false_acknowledgement_is_not_believed_and_a_short_one_not_asked_again_at_once() {
    let mut bench = Bench::new(1);
    bench.push(2);
    let first = bench.check_post(1, 1..=2);
    assert_eq!(bench.answer(first, u64::MAX), [1, 2]);
    bench.push(2);
    let second = bench.check_post(3, 3..=4);
    assert_eq!(bench.answer(second, 3), [3]);
    assert!(matches!(bench.next(), Next::WaitUntil(_)));
    bench.now_ms += 1_000;
    bench.check_post(4, [4]);
}

#[test]
fn silence_is_broken_by_a_bare_acknowledgement() {
    let mut queue: Queue<u64> = Queue::new("k".to_owned(), 1, true);
    let id = |seq| Some(EventId { epoch: Epoch(1), seq });
    assert_eq!(queue.next(0, id(1), BEAT_MS), Next::WaitUntil(2_500));
    let mut ack = |now_ms, last| match queue.next(now_ms, last, BEAT_MS) {
        Next::Post { ticket, body } => {
            queue.answered(ticket, &Answer { ack: 0, replies: Vec::new(), events: Vec::new() }, now_ms);
            body
        }
        other => panic!("{other:?}"),
    };
    assert_eq!(ack(15_000, id(1)), r#"{"ack":"00000001.1","msgs":[]}"#);
    assert_eq!(queue.next(15_001, id(1), BEAT_MS), Next::WaitUntil(30_000));
    // Events arrive: the server's window is trimmed sooner.
    assert_eq!(queue.next(15_001, id(2), BEAT_MS), Next::WaitUntil(25_000));
    assert_eq!(queue.due_at_ms(id(2)), Some(25_000));
    let mut silent: Queue<u64> = Queue::new("k".to_owned(), 1, false);
    assert_eq!(silent.next(99_000, id(2), BEAT_MS), Next::Idle);
}

#[test]
fn a_bare_acknowledgement_that_was_lost_is_said_again() {
    let check = |failure: Failure, again_ms: std::ops::RangeInclusive<u64>| {
        let mut queue: Queue<u64> = Queue::new("k".to_owned(), 1, true);
        queue.next(0, None, BEAT_MS);
        let Next::Post { ticket, .. } = queue.next(2_500, None, BEAT_MS) else { panic!("nothing to post") };
        assert!(queue.failed(ticket, failure.clone(), 2_600, 0.5).is_empty());
        let due_ms = queue.due_at_ms(None).unwrap();
        assert!(again_ms.contains(&due_ms), "{failure:?}: {due_ms}");
        assert!(matches!(queue.next(due_ms, None, BEAT_MS), Next::Post { .. }), "{failure:?}");
    };
    check(Failure::Stale, 2_600..=2_600);
    check(Failure::Unanswered, 2_601..=2_800);
    check(Failure::Limited { retry_after_ms: Some(500) }, 3_100..=3_100);
    // Saying again what is refused helps nobody.
    check(Failure::Refused(MessageError::new(ErrorCode::BadBody, "")), 17_500..=17_500);
}

#[test]
fn a_session_that_ends_gives_back_what_has_no_answer() {
    let mut bench = Bench::new(1);
    bench.push(3);
    let first = bench.check_post(1, 1..=3);
    bench.push(2);
    assert_eq!(bench.answer(first, 1), [1]);
    let open: Vec<_> = bench.queue.drain().into_iter().map(|open| (open.tag, open.uncertain)).collect();
    assert_eq!(open, [(2, true), (3, true), (4, false), (5, false)]);
    assert!(bench.queue.drain().is_empty());
}

#[test]
fn what_would_spoil_a_batch_is_refused_to_its_author() {
    let check = |kind: &str, data: &str, key: Option<&str>, want: Option<SendError>| {
        let data = Payload::of(data).unwrap();
        assert_eq!(Encoded::new(kind, &data, None, key, None).err(), want, "{kind} {key:?}");
    };
    check("move", "", Some("pos"), None);
    check("", "", None, Some(SendError::BadField("type")));
    check(&"é".repeat(64), "", None, None);
    check(&"é".repeat(65), "", None, Some(SendError::BadField("type")));
    check("move", "", Some(""), Some(SendError::BadField("key")));
    check("move", &"x".repeat(32_000), None, None);
    let too_large = SendError::TooLarge { bytes: 33_025, bytes_max: 32_607 };
    check("move", &"x".repeat(33_000), None, Some(too_large));
}
