//! Streams that open, take over, fall behind and end.

use std::sync::atomic::Ordering;

use super::*;
use crate::fanout::encode::encode;
use sward_protocol::downstream::{Event, Pong};
use sward_protocol::payload::Payload;

fn flush(number: u32) -> Arc<Flush> {
    let pong = Pong { data: Payload::of(&number).unwrap() };
    Arc::new(Flush::of(encode(&Event::Pong(pong)).unwrap()))
}

fn said(number: u32) -> Part {
    Part::Said(flush(number))
}

fn slot() -> Mailslot {
    Mailslot::new(Epoch(1))
}

fn open(slot: &Mailslot, from: Position, nonce: Option<&str>) -> Opening {
    slot.open(Wish { from, nonce, kind: Kind::Open, format: Format::default() }, 0).unwrap()
}

fn refused(slot: &Mailslot, nonce: Option<&str>) -> CloseCode {
    slot.open(Wish { from: Position::Nothing, nonce, kind: Kind::Open, format: Format::default() }, 0)
        .unwrap_err()
}

fn text(slot: &Mailslot, reader: &Reader) -> String {
    match slot.read(reader, Format::default(), Waker::noop()) {
        Chunk::Events { bytes, .. } => String::from_utf8(bytes).unwrap(),
        Chunk::Empty => String::new(),
        Chunk::Closed(code) => code.reason().to_owned(),
    }
}

#[test]
fn the_first_stream_hears_what_came_before_it_and_a_later_one_starts_fresh() {
    let (slot, mut wakes) = (slot(), Wakes::default());
    slot.move_in(Tenancy(1), &flush(1), 0, &mut wakes);
    let first = open(&slot, Position::Nothing, None);
    assert!(!first.resumed && !first.needs_snapshot && first.reset.is_none());
    assert!(text(&slot, &first.reader).contains("id: 00000001.1\n"));
    slot.post(Tenancy(1), &[said(2)], Seat(1), 0, &mut wakes);
    let later = open(&slot, Position::Nothing, None);
    assert!(!later.resumed && later.needs_snapshot && later.reset.is_none());
    assert_eq!(slot.post(Tenancy(1), &[said(3)], Seat(1), 0, &mut wakes), Posted::Stale);
    slot.post_snapshot(Tenancy(1), &flush(4), 0, &mut wakes);
    slot.post_snapshot(Tenancy(1), &flush(9), 0, &mut wakes);
    slot.post(Tenancy(1), &[said(5)], Seat(1), 0, &mut wakes);
    let heard = text(&slot, &later.reader);
    assert_eq!(heard.matches("event: pong").count(), 2, "one snapshot, one event: {heard}");
    assert!(!heard.contains("{\"data\":2}") && !heard.contains("{\"data\":3}"), "{heard}");
    assert!(heard.contains("id: 00000001.3\nevent: pong\ndata: {\"data\":4}"), "{heard}");
}

#[test]
fn it_outlasts_a_restart_but_for_the_stream_and_what_was_asked_of_the_room() {
    let (slot, mut wakes) = (slot(), Wakes::default());
    slot.move_in(Tenancy(3), &flush(1), 0, &mut wakes);
    let first = open(&slot, Position::Nothing, Some("k7.1"));
    assert!(text(&slot, &first.reader).contains("id: 00000001.1\n"));
    slot.post(Tenancy(3), &[said(2)], Seat(1), 0, &mut wakes);
    let slot = Mailslot::restore(&slot.save()).unwrap();
    assert!(!slot.has_reader());
    assert_eq!(refused(&slot, Some("k7.0")), CloseCode::Replaced, "an old request");
    slot.post(Tenancy(2), &[said(8)], Seat(1), 0, &mut wakes);
    slot.post(Tenancy(3), &[said(3)], Seat(1), 0, &mut wakes);
    let next = open(&slot, Position::Event(EventId { epoch: Epoch(1), seq: 1 }), Some("k7.2"));
    assert!(next.resumed && !next.needs_snapshot);
    let heard = text(&slot, &next.reader);
    assert!(heard.starts_with("id: 00000001.2\n") && heard.contains("id: 00000001.3\n"), "{heard}");

    let fresh = open(&slot, Position::Nothing, Some("k7.3"));
    assert!(fresh.needs_snapshot);
    let slot = Mailslot::restore(&slot.save()).unwrap();
    assert!(slot.awaits_snapshot());
    assert_eq!(slot.post(Tenancy(3), &[said(4)], Seat(1), 0, &mut wakes), Posted::Stale);
    let again = open(&slot, Position::Event(fresh.last), Some("k7.4"));
    assert!(again.needs_snapshot, "whoever was asked is no more");
    assert!(!open(&slot, Position::Event(fresh.last), Some("k7.5")).needs_snapshot, "once");
    slot.post_snapshot(Tenancy(3), &flush(5), 0, &mut wakes);
    assert!(!slot.awaits_snapshot());
}

#[test]
fn a_named_event_resumes_and_garbage_resets() {
    let (slot, mut wakes) = (slot(), Wakes::default());
    for number in 1..=3 {
        slot.post_own(&flush(number), 0, &mut wakes);
    }
    let opening = open(&slot, Position::Nothing, None);
    text(&slot, &opening.reader);
    let resumed = open(&slot, Position::Event(EventId { epoch: Epoch(1), seq: 2 }), None);
    assert!(resumed.resumed);
    assert!(text(&slot, &resumed.reader).starts_with("id: 00000001.3\n"));
    let reset = open(&slot, Position::Garbage, None);
    assert_eq!((reset.resumed, reset.reset), (false, Some(ResetReason::BadId)));
    assert_eq!(text(&slot, &reset.reader), "");
}

#[test]
fn a_newer_stream_takes_over_and_a_replayed_old_one_does_not() {
    let slot = slot();
    let first = open(&slot, Position::Nothing, Some("a"));
    let doubled = open(&slot, Position::Nothing, Some("a"));
    assert_eq!(first.reader.closed(), Some(CloseCode::Doubled));
    let second = open(&slot, Position::Nothing, Some("b"));
    assert_eq!(doubled.reader.closed(), Some(CloseCode::Replaced));
    assert_eq!(refused(&slot, Some("a")), CloseCode::Replaced);
    assert_eq!(second.reader.closed(), None, "it took nothing over");
    slot.detach(&first.reader);
    assert!(slot.has_reader());
    slot.detach(&second.reader);
    assert!(!slot.has_reader());
}

#[test]
fn a_replayed_request_is_known_also_when_its_stream_had_ended_before() {
    let slot = slot();
    let first = open(&slot, Position::Nothing, Some("one"));
    slot.detach(&first.reader);
    let second = open(&slot, Position::Nothing, Some("two"));
    assert_eq!(refused(&slot, Some("one")), CloseCode::Replaced);
    assert_eq!(second.reader.closed(), None);
    slot.detach(&second.reader);
    open(&slot, Position::Nothing, Some("two"));
}

#[test]
fn a_twin_of_the_newest_stream_makes_it_lose_nothing() {
    let (slot, mut wakes) = (slot(), Wakes::default());
    let id = |seq| EventId { epoch: Epoch(1), seq };
    let first = open(&slot, Position::Nothing, Some("one"));
    slot.move_in(Tenancy(1), &flush(1), 0, &mut wakes);
    slot.post(Tenancy(1), &[said(2)], Seat(1), 0, &mut wakes);
    text(&slot, &first.reader);
    // The request comes again and names no event, as the first time.
    let twin = open(&slot, Position::Nothing, Some("one"));
    assert_eq!(first.reader.closed(), Some(CloseCode::Doubled));
    assert!(!twin.needs_snapshot && twin.last == id(0));
    assert!(text(&slot, &twin.reader).starts_with("id: 00000001.1\n"));
    let second = open(&slot, Position::Event(id(1)), Some("two"));
    assert!(second.resumed);
    text(&slot, &second.reader);
    // And again when what it names was acknowledged in the meantime.
    slot.acknowledge(id(2));
    let late = Wish {
        from: Position::Event(id(1)),
        nonce: Some("two"),
        kind: Kind::Open,
        format: Format::default(),
    };
    assert_eq!(slot.open(late, 0).unwrap_err(), CloseCode::Doubled);
    assert_eq!(second.reader.closed(), None, "it took nothing over");
    slot.post(Tenancy(1), &[said(3)], Seat(1), 0, &mut wakes);
    assert!(text(&slot, &second.reader).starts_with("id: 00000001.3\n"));
    slot.detach(&second.reader);
    assert_eq!(slot.open(late, 0).unwrap_err(), CloseCode::Doubled, "he acknowledged more than it asks for");
    // An EventSource that comes back with its old nonce, though, is told what it missed.
    for number in 4..=5_000 {
        slot.post(Tenancy(1), &[said(number)], Seat(1), 0, &mut wakes);
    }
    let back = Wish { from: Position::Event(id(3)), ..late };
    assert_eq!(slot.open(back, 0).unwrap().reset, Some(ResetReason::TooOld));
}

#[test]
fn an_acknowledgement_that_overtakes_its_page_s_request_makes_it_lose_nothing() {
    let (slot, mut wakes) = (slot(), Wakes::default());
    let id = |seq| EventId { epoch: Epoch(1), seq };
    for number in 1..=3 {
        slot.post_own(&flush(number), 0, &mut wakes);
    }
    text(&slot, &open(&slot, Position::Nothing, Some("k7.1")).reader);
    slot.acknowledge(id(2));
    let overtaken = open(&slot, Position::Event(id(1)), Some("k7.2"));
    assert!(overtaken.resumed && overtaken.last == id(2));
    assert!(text(&slot, &overtaken.reader).starts_with("id: 00000001.3\n"));
    // A request that names no event is no answer to what was acknowledged: a page that draws its word again when it is
    // reloaded would never hear `joined`.
    let nameless =
        Wish { from: Position::Nothing, nonce: Some("k7.2"), kind: Kind::Open, format: Format::default() };
    slot.acknowledge(id(3));
    assert_eq!(slot.open(nameless, 0).unwrap_err(), CloseCode::Doubled);
    // Another page has not seen what that one acknowledged.
    assert_eq!(open(&slot, Position::Event(id(1)), Some("j2.1")).reset, Some(ResetReason::TooOld));
}

#[test]
fn events_of_an_earlier_stay_are_not_delivered() {
    let (slot, mut wakes) = (slot(), Wakes::default());
    slot.move_in(Tenancy(1), &flush(1), 0, &mut wakes);
    slot.move_in(Tenancy(2), &flush(2), 0, &mut wakes);
    assert_eq!(slot.post(Tenancy(1), &[said(9)], Seat(1), 0, &mut wakes), Posted::Stale);
    slot.move_out(Tenancy(1), &flush(9), 0, &mut wakes);
    assert_eq!(
        slot.post(Tenancy(2), &[said(3)], Seat(1), 0, &mut wakes),
        Posted::New { events: 1, pieces: 0 }
    );
    slot.move_out(Tenancy(2), &flush(4), 0, &mut wakes);
    let heard = text(&slot, &open(&slot, Position::Nothing, None).reader);
    assert!(!heard.contains("{\"data\":9}"));
    assert_eq!(heard.matches("event: pong").count(), 4);
}

#[test]
fn a_reader_who_leaves_too_much_unread_loses_his_hold() {
    let (slot, mut wakes) = (slot(), Wakes::default());
    let opening = open(&slot, Position::Nothing, None);
    slot.post_own(&flush(1), 0, &mut wakes);
    assert_eq!(slot.sweep(5_000), Posted::NOTHING);
    assert_eq!(slot.sweep(5_001), Posted::Overrun);
    assert_eq!(opening.reader.closed(), Some(CloseCode::Slow));
    let resumed = open(&slot, Position::Event(EventId { epoch: Epoch(1), seq: 0 }), None);
    assert!(resumed.resumed);
    assert!(text(&slot, &resumed.reader).contains("id: 00000001.1\n"));
}

#[test]
fn a_session_that_is_over_lets_no_stream_begin() {
    let slot = slot();
    let opening = open(&slot, Position::Nothing, None);
    slot.shut();
    assert_eq!(opening.reader.closed(), Some(CloseCode::Ended));
    assert_eq!(refused(&slot, None), CloseCode::Ended);
}

#[test]
fn a_reader_is_woken_once_for_many_posts() {
    use std::sync::atomic::AtomicUsize;
    struct Count(AtomicUsize);
    impl std::task::Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
    let (slot, mut wakes) = (slot(), Wakes::default());
    let opening = open(&slot, Position::Nothing, None);
    let count = Arc::new(Count(AtomicUsize::new(0)));
    assert!(matches!(
        slot.read(&opening.reader, Format::default(), &Waker::from(Arc::clone(&count))),
        Chunk::Empty
    ));
    slot.post_own(&flush(1), 0, &mut wakes);
    slot.post_own(&flush(2), 0, &mut wakes);
    assert_eq!(count.0.load(Ordering::Relaxed), 0, "not before the flush is whole");
    wakes.wake_all();
    assert_eq!(count.0.load(Ordering::Relaxed), 1);
}

#[test]
fn a_post_of_many_parts_is_one_wake_and_obeys_the_stay() {
    use crate::fanout::part::frame;
    let (slot, mut wakes) = (slot(), Wakes::default());
    slot.move_in(Tenancy(1), &flush(1), 0, &mut wakes);
    let opening = open(&slot, Position::Nothing, None);
    text(&slot, &opening.reader);
    assert_eq!(text(&slot, &opening.reader), "");
    let own = Some((Seat(2), 9));
    let parts =
        [Part::Frame(Arc::new(frame(1, &[4], own))), said(2), Part::Frame(Arc::new(frame(2, &[5], own)))];
    let posted = slot.post(Tenancy(1), &parts, Seat(1), 0, &mut wakes);
    assert_eq!(posted, Posted::New { events: 1, pieces: 2 });
    assert_eq!(slot.post(Tenancy(1), &[], Seat(1), 0, &mut wakes), Posted::NOTHING);
    assert_eq!(slot.post(Tenancy(2), &parts, Seat(1), 0, &mut wakes), Posted::Stale);
    let heard = text(&slot, &opening.reader);
    assert_eq!(heard.matches("event: ").count(), 3, "{heard}");
    assert!(
        heard.contains("id: 00000001.2\nevent: patch\ndata: {\"tick\":2,\"world\":[{\"id\":4,\"x\":1}]}"),
        "{heard}"
    );
    // A reader who takes nothing of the world loses his hold as any other.
    slot.post(Tenancy(1), &parts[..1], Seat(1), 1_000, &mut wakes);
    assert_eq!(slot.sweep(6_000), Posted::NOTHING);
    assert_eq!(slot.sweep(6_001), Posted::Overrun);
    // And is told it when he comes back, from where he was; before `joined` nothing is.
    let resumed = open(&slot, Position::Event(EventId { epoch: Epoch(1), seq: 4 }), None);
    assert!(resumed.resumed && text(&slot, &resumed.reader).contains("id: 00000001.5\nevent: patch"));
    let fresh = open(&slot, Position::Garbage, None);
    assert!(fresh.needs_snapshot);
    assert_eq!(slot.post(Tenancy(1), &parts, Seat(1), 7_000, &mut wakes), Posted::Stale);
    assert_eq!(text(&slot, &fresh.reader), "");
}

#[test]
fn an_answer_to_a_drained_reader_has_patches() {
    use crate::fanout::part::frame;
    let (slot, mut wakes) = (slot(), Wakes::default());
    let wish = Wish { from: Position::Nothing, nonce: None, kind: Kind::Drained, format: Format::default() };
    slot.open(wish, 0).unwrap();
    slot.move_in(Tenancy(1), &flush(1), 0, &mut wakes);
    let parts = [said(2), Part::Frame(Arc::new(frame(3, &[4, 5], None)))];
    slot.post(Tenancy(1), &parts, Seat(1), 0, &mut wakes);
    let id = |seq| EventId { epoch: Epoch(1), seq };
    let told = slot.peek_for_answer(id(1));
    let told: Vec<_> = told.iter().map(|PastEvent(id, name, data)| (*id, &**name, data.json())).collect();
    let patch = r#"{"tick":3,"world":[{"id":4,"x":3},{"id":5,"x":3}]}"#;
    assert_eq!(told, [(id(2), "pong", r#"{"data":2}"#), (id(4), "patch", patch)]);
}
