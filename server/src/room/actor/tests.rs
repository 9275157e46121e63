//! The room's shell in virtual time: a panic, a full mailbox, a dead newcomer, flushes.

use std::time::Duration;

use sward_protocol::format::Format;
use sward_protocol::ids::{Epoch, NodeId, PlayerId, RoomId};
use sward_protocol::payload::Payload;
use sward_protocol::problem::{ErrorCode, MessageError};
use sward_protocol::session::Player;
use sward_protocol::sse::decode::Parser;

use super::rhythm::PENDING_EVENTS_MAX;
use super::*;
use crate::clock::Clock;
use crate::fanout::mailslot::Mailslot;
use crate::fanout::reading::{Chunk, Kind, Position, Reader, Wish};
use crate::game::{Audience, BadOptions, Game, Random, Raw, Reply, Room, RoomPolicy, done, refuse};
use crate::metrics::Metrics;
use crate::room::core::RoomCore;
use crate::room::directory::{Founding, Reservation, TooManyRooms};
use crate::room::handle::RoomError;
use crate::room::intake::COMMANDS_MAX;
use crate::room::lobby::Access;

/// Echoes what it is sent, and panics when it is told to.
struct Fragile {
    empty: Duration,
}

const FRAGILE: Fragile = Fragile { empty: Duration::from_secs(1) };

impl Game for Fragile {
    type Message = Raw;

    fn create(_: &Payload, _: &mut Random) -> Result<Self, BadOptions> {
        Ok(FRAGILE)
    }

    fn settings(&self) -> Settings {
        Settings::new(2)
            .with_tick(Duration::from_millis(1000))
            .with_flush(Duration::from_millis(100))
            .with_yielding_bots()
            .with_empty(self.empty)
    }

    fn join(&mut self, room: &mut Room<'_>, seat: Seat) -> Result<(), MessageError> {
        match room.players().get(&seat) {
            Some(player) if player.name == "P13" => Err(MessageError::new(ErrorCode::Game, "unlucky")),
            _ => Ok(()),
        }
    }

    fn message(&mut self, room: &mut Room<'_>, from: Seat, Raw(message): Raw) -> Reply {
        match message.kind.as_str() {
            "panic" => panic!("as it was told"),
            "large" => room.send(Audience::All, "large", &"x".repeat(70_000)),
            "unserialisable" => room.send(Audience::All, "odd", &BTreeMap::from([([1, 2], 3)])),
            "refuse" => return refuse("no", "as it was told"),
            "loop" => loop {
                room.send(Audience::All, "again", &0);
            },
            "pour" => loop {
                room.send(Audience::All, "much", &"x".repeat(60_000));
            },
            "kick" => room.kick(Seat(2), "as it was told"),
            "lock" => room.lock(),
            "unlock" => room.unlock(),
            "meta" => room.set_meta(&serde_json::json!({"map": "dale"})),
            "close" => {
                room.send(Audience::All, "last words", &());
                room.close();
            }
            "bot" => room.add_bot("Robin", &()),
            "churn" => room.set_timer("churn", Duration::from_millis(100)),
            "timer" => room.set_timer("late", Duration::from_millis(1500)),
            kind => room.pass_on(from, Audience::All, kind, message.data),
        }
        done()
    }

    fn timer(&mut self, room: &mut Room<'_>, name: &str) {
        if name == "churn" {
            let bot = room.players().iter().find(|(_, player)| player.bot).map(|(&seat, _)| seat);
            match bot {
                Some(bot) => room.remove_bot(bot),
                None => room.add_bot("Robin", &()),
            }
            room.set_timer(name, Duration::from_millis(100));
        }
        room.send(Audience::All, "timer", name);
    }
}

const OPEN: Access = Access { private: false, password: false };

fn directory() -> Arc<Directory> {
    Arc::new(Directory::new(10, Clock::new(), Arc::new(Metrics::new())))
}

fn open(directory: &Arc<Directory>) -> Reservation {
    open_as(directory, 7)
}

fn open_as(directory: &Arc<Directory>, number: u128) -> Reservation {
    open_game(directory, number, FRAGILE)
}

fn open_charter(number: u128) -> Charter {
    Charter {
        id: RoomId::from_random(NodeId(0), number),
        game: "fragile".to_owned(),
        code: format!("TEST{number}"),
        name: String::new(),
        private: false,
        password: None,
        creator: Some(PlayerId::from_random(NodeId(0), 1)),
        standing: false,
        meta: Payload::null(),
        max_players: 2,
    }
}

fn open_game(directory: &Arc<Directory>, number: u128, game: Fragile) -> Reservation {
    let charter = open_charter(number);
    assert!(directory.take_code(&charter.code, charter.id));
    let settings = game.settings();
    let core = RoomCore::new(charter, game, settings, Random::from_seed(1));
    let founder = occupant(number);
    directory.open_for(Box::new(core), founding(&founder)).unwrap()
}

/// As anybody may.
fn founding(founder: &Occupant) -> Founding<'_> {
    Founding { founder, policy: RoomPolicy::anyone() }
}

fn occupant(number: u128) -> Arc<Occupant> {
    let player = Player { id: PlayerId::from_random(NodeId(0), number), name: format!("P{number}") };
    Arc::new(Occupant::new(player, Mailslot::new(Epoch(1))))
}

fn stream(occupant: &Occupant) -> Reader {
    occupant
        .mailslot
        .open(Wish { from: Position::Nothing, nonce: None, kind: Kind::Open, format: Format::default() }, 0)
        .unwrap()
        .reader
}

/// Asks the room for a seat, as a request would.
async fn join(
    directory: &Arc<Directory>,
    room: &RoomHandle,
    occupant: Arc<Occupant>,
) -> Result<Seated, RoomError> {
    let reservation = directory.reserve_in(room.clone()).ok_or(RoomError::Gone)?;
    RoomHandle::join(reservation, occupant, Entry::default()).await
}

/// The names of the events that wait, and their data.
fn heard(occupant: &Occupant, reader: &Reader) -> Vec<String> {
    let mut events = Vec::new();
    while let Chunk::Events { bytes, .. } =
        occupant.mailslot.read(reader, Format::default(), std::task::Waker::noop())
    {
        let dispatch =
            |frame: sward_protocol::sse::decode::Frame| events.push(format!("{} {}", frame.name, frame.data));
        Parser::new(1 << 20).feed(&bytes, dispatch).unwrap();
    }
    events
}

fn message(kind: &str) -> Message {
    Message { kind: kind.to_owned(), data: Payload::null(), rid: None, to: None, key: None, keep: None }
}

/// Sends one message; what the room says of it, `None` when it went first.
async fn send(occupant: &Occupant, kind: &str) -> Option<Result<Payload, MessageError>> {
    let place = occupant.place().unwrap();
    let (told, heard) = oneshot::channel();
    let done = Completion::new(move |results| {
        let _ = told.send(results.map(|mut results| results.remove(0)));
    });
    place.room.try_batch(place.stay, vec![message(kind)], 0, done).unwrap();
    heard.await.unwrap()
}

#[actix_web::test]
async fn a_panic_in_a_game_ends_its_room_and_tells_its_members() {
    tokio::time::pause();
    let directory = directory();
    let reservation = open(&directory);
    let room = reservation.room().clone();
    let (zoe, bo) = (occupant(1), occupant(2));
    join(&directory, &room, Arc::clone(&zoe)).await.unwrap();
    join(&directory, &room, Arc::clone(&bo)).await.unwrap();
    let reader = stream(&bo);
    send(&zoe, "last words").await;
    assert_eq!(send(&zoe, "panic").await, None);
    let heard = heard(&bo, &reader);
    assert!(heard.iter().any(|event| event.contains("last words")), "what was answered is delivered");
    assert_eq!(heard.last().unwrap(), r#"gone {"seat":2,"why":"failed"}"#);
    assert!(zoe.place().is_none() && bo.place().is_none());
    assert!(directory.find(room.charter().id).is_none() && directory.find_code("TEST").is_none());
    assert_eq!(directory.metrics().rooms_failed.get(), 1);
    assert_eq!(directory.metrics().rooms.get(), 0);
    let late = join(&directory, &room, occupant(3)).await;
    assert_eq!(late, Err(RoomError::Gone));
}

#[actix_web::test]
async fn a_newcomer_whose_session_ended_leaves_no_seat_behind() {
    tokio::time::pause();
    let directory = directory();
    let room = open(&directory).room().clone();
    let (zoe, dead) = (occupant(1), occupant(2));
    join(&directory, &room, Arc::clone(&zoe)).await.unwrap();
    dead.end();
    assert_eq!(join(&directory, &room, Arc::clone(&dead)).await, Err(RoomError::Gone));
    let reader = stream(&zoe);
    tokio::time::sleep(Duration::from_millis(200)).await;
    let heard = heard(&zoe, &reader);
    assert!(heard[1].starts_with("here ") && heard[2].starts_with("gone "), "{heard:?}");
    assert_eq!(join(&directory, &room, occupant(3)).await.map(|seated| seated.seat), Ok(Seat(2)));
}

#[actix_web::test]
async fn a_full_room_refuses_and_a_full_mailbox_is_busy() {
    tokio::time::pause();
    let directory = directory();
    let room = open(&directory).room().clone();
    let zoe = occupant(1);
    join(&directory, &room, Arc::clone(&zoe)).await.unwrap();
    join(&directory, &room, occupant(2)).await.unwrap();
    assert_eq!(join(&directory, &room, occupant(3)).await, Err(RoomError::Refused(Refusal::Full)));
    // Nothing is awaited, so the room does not get to its mailbox.
    let stay = zoe.place().unwrap().stay;
    let told = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let mut taken = 0;
    let refused = loop {
        let told = Arc::clone(&told);
        let done = Completion::new(move |_| {
            told.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        });
        // Each request has a handle of its own.
        match room.clone().try_batch(stay, vec![message("wave")], 1, done) {
            Ok(()) => taken += 1,
            Err(error) => break error,
        }
    };
    assert_eq!((refused, taken), (RoomError::Busy, COMMANDS_MAX));
    tokio::time::sleep(Duration::from_millis(1)).await;
    assert_eq!(told.load(std::sync::atomic::Ordering::Relaxed), COMMANDS_MAX, "the refused one is not told");
}

#[actix_web::test]
async fn a_quiet_room_writes_at_once_and_a_busy_one_at_its_interval() {
    tokio::time::pause();
    let directory = directory();
    let room = open(&directory).room().clone();
    let zoe = occupant(1);
    join(&directory, &room, Arc::clone(&zoe)).await.unwrap();
    let reader = stream(&zoe);
    tokio::time::sleep(Duration::from_millis(200)).await;
    heard(&zoe, &reader);
    let flushes = directory.metrics().flushes.get();
    send(&zoe, "one").await;
    assert_eq!(heard(&zoe, &reader).len(), 1, "at once");
    send(&zoe, "two").await;
    send(&zoe, "three").await;
    assert_eq!(heard(&zoe, &reader).len(), 0, "not yet");
    tokio::time::sleep(Duration::from_millis(101)).await;
    assert_eq!(heard(&zoe, &reader).len(), 2);
    assert_eq!(directory.metrics().flushes.get() - flushes, 2);
}

#[actix_web::test]
async fn what_is_too_large_to_send_is_dropped_and_counted_and_refusals_reach_their_author() {
    tokio::time::pause();
    let directory = directory();
    let room = open(&directory).room().clone();
    let zoe = occupant(1);
    join(&directory, &room, Arc::clone(&zoe)).await.unwrap();
    assert_eq!(send(&zoe, "large").await, Some(Ok(Payload::null())));
    assert_eq!(directory.metrics().events_dropped.get(), 1);
    assert_eq!(send(&zoe, "unserialisable").await, Some(Ok(Payload::null())));
    assert_eq!(directory.metrics().events_dropped.get(), 2);
    assert_eq!(send(&zoe, "refuse").await.unwrap().unwrap_err().code, "no");
}

#[actix_web::test]
async fn an_empty_room_is_disposed_but_not_under_somebody_on_his_way() {
    tokio::time::pause();
    let directory = directory();
    let reservation = open(&directory);
    let id = reservation.room().charter().id;
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert!(directory.find(id).is_some(), "a seat is held");
    drop(reservation);
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(directory.find(id).is_none());
    assert_eq!(directory.metrics().rooms.get(), 0);
}

#[actix_web::test]
async fn more_than_a_flush_may_hold_is_flushed_at_once() {
    tokio::time::pause();
    let directory = directory();
    let room = open(&directory).room().clone();
    let zoe = occupant(1);
    join(&directory, &room, Arc::clone(&zoe)).await.unwrap();
    let reader = stream(&zoe);
    tokio::time::sleep(Duration::from_millis(200)).await;
    send(&zoe, "at once").await;
    heard(&zoe, &reader);
    let stay = zoe.place().unwrap().stay;
    let messages = (0..PENDING_EVENTS_MAX + 1).map(|_| message("wave")).collect();
    let (told, done) = oneshot::channel();
    let completion = Completion::new(move |_| {
        let _ = told.send(());
    });
    room.try_batch(stay, messages, 0, completion).unwrap();
    done.await.unwrap();
    assert_eq!(heard(&zoe, &reader).len(), PENDING_EVENTS_MAX as usize);
}

#[actix_web::test]
async fn a_batch_for_a_room_that_is_gone_is_refused_and_its_completion_is_not_called() {
    tokio::time::pause();
    let directory = directory();
    let room = open(&directory).room().clone();
    let zoe = occupant(1);
    join(&directory, &room, Arc::clone(&zoe)).await.unwrap();
    let stay = zoe.place().unwrap().stay;
    assert_eq!(send(&zoe, "panic").await, None);
    tokio::time::sleep(Duration::from_millis(10)).await;
    // The caller holds his session's lock, which a completion takes: calling it from here would wait for ever.
    let done = Completion::new(|_| panic!("told on the caller's thread"));
    assert_eq!(room.try_batch(stay, vec![message("wave")], 1, done), Err(RoomError::Gone));
}

#[actix_web::test]
async fn a_newcomer_whom_the_game_refuses_takes_no_seat_and_does_not_close_the_room_to_others() {
    tokio::time::pause();
    let directory = directory();
    let room = open(&directory).room().clone();
    let zoe = occupant(1);
    join(&directory, &room, Arc::clone(&zoe)).await.unwrap();
    let reader = stream(&zoe);
    let refused = join(&directory, &room, occupant(13)).await;
    assert!(matches!(refused, Err(RoomError::Refused(Refusal::ByGame(_)))), "{refused:?}");
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(heard(&zoe, &reader).len(), 1, "nobody hears of him");
    let found = directory.lobby().reserve("fragile", &crate::room::lobby::Filter::new(), &[]);
    assert_eq!(found, Some(room.charter().id), "others are still sent there");
}

#[actix_web::test]
async fn a_game_that_sends_without_end_is_stopped_and_ends_its_room_alone() {
    tokio::time::pause();
    let directory = directory();
    for order in ["loop", "pour"] {
        let (room, other) = (open(&directory).room().clone(), open_as(&directory, 8).room().clone());
        let (zoe, bo) = (occupant(1), occupant(2));
        join(&directory, &room, Arc::clone(&zoe)).await.unwrap();
        join(&directory, &other, Arc::clone(&bo)).await.unwrap();
        let (reader, others) = (stream(&zoe), stream(&bo));
        assert_eq!(send(&zoe, order).await, None);
        let heard_last = heard(&zoe, &reader).pop();
        assert_eq!(heard_last.as_deref(), Some(r#"gone {"seat":1,"why":"failed"}"#), "{order}");
        assert!(directory.find(room.charter().id).is_none());
        send(&bo, "wave").await.unwrap().unwrap();
        tokio::time::sleep(Duration::from_millis(200)).await;
        assert!(heard(&bo, &others).iter().any(|event| event.contains("wave")));
        other.leave(bo.place().unwrap().stay, GoneWhy::Left).await.unwrap();
        tokio::time::sleep(Duration::from_secs(3)).await;
    }
    assert_eq!(directory.metrics().rooms_failed.get(), 2);
}

#[actix_web::test]
async fn a_room_sleeps_until_its_game_s_next_timer() {
    tokio::time::pause();
    let directory = directory();
    let room = open(&directory).room().clone();
    let zoe = occupant(1);
    join(&directory, &room, Arc::clone(&zoe)).await.unwrap();
    let reader = stream(&zoe);
    send(&zoe, "timer").await.unwrap().unwrap();
    tokio::time::sleep(Duration::from_millis(1400)).await;
    let is_timer = |event: &String| event.contains("timer");
    assert!(!heard(&zoe, &reader).iter().any(is_timer));
    tokio::time::sleep(Duration::from_millis(101)).await;
    assert!(heard(&zoe, &reader).iter().any(is_timer));
}

#[actix_web::test]
async fn who_is_kicked_hears_why_and_has_no_seat_and_another_may_have_it() {
    tokio::time::pause();
    let directory = directory();
    let room = open(&directory).room().clone();
    let (zoe, bo) = (occupant(1), occupant(2));
    join(&directory, &room, Arc::clone(&zoe)).await.unwrap();
    join(&directory, &room, Arc::clone(&bo)).await.unwrap();
    let reader = stream(&bo);
    send(&zoe, "kick").await.unwrap().unwrap();
    let gone = heard(&bo, &reader).pop();
    assert_eq!(gone.as_deref(), Some(r#"gone {"seat":2,"why":"kicked","detail":"as it was told"}"#));
    assert!(bo.place().is_none());
    assert_eq!(directory.lobby().room(room.charter().id).unwrap().players, 1);
    assert_eq!(join(&directory, &room, occupant(3)).await.unwrap().seat, Seat(2));
}

#[actix_web::test]
async fn the_lobby_knows_what_a_game_sets_of_its_room() {
    tokio::time::pause();
    let directory = directory();
    let room = open(&directory).room().clone();
    let (zoe, id) = (occupant(1), room.charter().id);
    join(&directory, &room, Arc::clone(&zoe)).await.unwrap();
    let filter = serde_json::from_str(r#"{"map":"dale"}"#).unwrap();
    assert_eq!(directory.lobby().reserve("fragile", &filter, &[]), None);
    send(&zoe, "meta").await.unwrap().unwrap();
    assert!(directory.lobby().fits(id, "fragile", OPEN, &filter));
    send(&zoe, "lock").await.unwrap().unwrap();
    assert_eq!(directory.lobby().reserve("fragile", &filter, &[]), None);
    assert!(directory.lobby().room(id).unwrap().locked);
    let late = join(&directory, &room, occupant(2)).await;
    assert_eq!(late, Err(RoomError::Refused(Refusal::Locked)));
    send(&zoe, "unlock").await.unwrap().unwrap();
    assert_eq!(directory.lobby().reserve("fragile", &filter, &[]), Some(id));
    assert_eq!(directory.lobby().room(id).unwrap().meta.json(), r#"{"map":"dale"}"#);
}

#[actix_web::test]
async fn a_room_that_its_game_closes_is_gone_and_its_players_are_free() {
    tokio::time::pause();
    let directory = directory();
    let room = open(&directory).room().clone();
    let zoe = occupant(1);
    join(&directory, &room, Arc::clone(&zoe)).await.unwrap();
    let reader = stream(&zoe);
    assert_eq!(send(&zoe, "close").await, Some(Ok(Payload::null())), "its author is answered");
    let heard = heard(&zoe, &reader);
    assert!(heard[heard.len() - 2].contains("last words"), "{heard:?}");
    assert_eq!(heard.last().unwrap(), r#"gone {"seat":1,"why":"closed"}"#);
    assert!(zoe.place().is_none() && directory.find(room.charter().id).is_none());
    assert_eq!(directory.metrics().rooms_failed.get(), 0);
    assert_eq!(directory.metrics().rooms.get(), 0);
}

#[actix_web::test]
async fn the_operator_puts_a_player_out_for_good_and_closes_the_room() {
    tokio::time::pause();
    let directory = directory();
    let room = open(&directory).room().clone();
    let (zoe, bo) = (occupant(1), occupant(2));
    join(&directory, &room, Arc::clone(&zoe)).await.unwrap();
    join(&directory, &room, Arc::clone(&bo)).await.unwrap();
    let reader = stream(&bo);
    let ban = |player| room.kick(player, GoneWhy::Banned, "rude".to_owned());
    assert_eq!(ban(zoe.player.id).await, Ok(true));
    assert_eq!(ban(zoe.player.id).await, Ok(false), "he is out already");
    assert!(zoe.place().is_none());
    assert_eq!(join(&directory, &room, zoe).await, Err(RoomError::Refused(Refusal::Banned)));
    assert_eq!(room.close().await, Ok(()));
    assert_eq!(heard(&bo, &reader).last().unwrap(), r#"gone {"seat":2,"why":"closed"}"#);
    assert!(bo.place().is_none() && directory.find(room.charter().id).is_none());
    assert_eq!(room.close().await, Ok(()), "closed is closed");
    assert_eq!(room.kick(bo.player.id, GoneWhy::Kicked, String::new()).await, Err(RoomError::Gone));
}

#[actix_web::test]
async fn a_room_with_bots_alone_is_listed_nowhere_and_disposed() {
    tokio::time::pause();
    let directory = directory();
    let room = open(&directory).room().clone();
    let id = room.charter().id;
    let (zoe, filter) = (occupant(1), crate::room::lobby::Filter::new());
    join(&directory, &room, Arc::clone(&zoe)).await.unwrap();
    send(&zoe, "bot").await.unwrap().unwrap();
    assert_eq!(directory.lobby().room(id).map(|room| room.players), Some(2));
    assert_eq!(directory.lobby().reserve("fragile", &filter, &[]), Some(id), "the bot gives way");
    directory.lobby().release(id);
    room.leave(zoe.place().unwrap().stay, GoneWhy::Left).await.unwrap();
    assert!(directory.lobby().page(None, None, 10).0.is_empty());
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(directory.find(id).is_none());
}

#[actix_web::test]
async fn bots_who_come_and_go_do_not_keep_an_empty_room() {
    tokio::time::pause();
    let directory = directory();
    let room = open(&directory).room().clone();
    let zoe = occupant(1);
    join(&directory, &room, Arc::clone(&zoe)).await.unwrap();
    send(&zoe, "churn").await.unwrap().unwrap();
    tokio::time::sleep(Duration::from_secs(5)).await;
    room.leave(zoe.place().unwrap().stay, GoneWhy::Left).await.unwrap();
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(directory.find(room.charter().id).is_none());
}

#[actix_web::test]
async fn a_room_that_nobody_made_stays_when_it_is_empty() {
    tokio::time::pause();
    let directory = directory();
    let charter = Charter { creator: None, standing: true, ..open_charter(1) };
    let core = RoomCore::new(charter, FRAGILE, FRAGILE.settings(), Random::from_seed(1));
    directory.open_standing(Box::new(core)).unwrap();
    tokio::time::sleep(Duration::from_secs(60)).await;
    let filter = crate::room::lobby::Filter::new();
    let id = directory.lobby().reserve("fragile", &filter, &[]).unwrap();
    directory.lobby().release(id);
    let (zoe, room) = (occupant(1), directory.find(id).unwrap());
    let seated = join(&directory, &room, Arc::clone(&zoe)).await.unwrap();
    assert_eq!(seated.room.owner, Seat::GAME, "or he could lock it for good");
    room.leave(zoe.place().unwrap().stay, GoneWhy::Left).await.unwrap();
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert!(directory.find(id).is_some());
}

#[actix_web::test]
async fn an_empty_room_stays_as_long_as_its_game_says() {
    tokio::time::pause();
    let directory = directory();
    for (number, empty_ms) in [(1, 0), (2, 60_000)] {
        let game = Fragile { empty: Duration::from_millis(empty_ms) };
        let id = open_game(&directory, number, game).room().charter().id;
        tokio::time::sleep(Duration::from_millis(empty_ms * 9 / 10)).await;
        assert!(directory.find(id).is_some(), "{empty_ms}");
        tokio::time::sleep(Duration::from_millis(empty_ms / 5 + 100)).await;
        assert!(directory.find(id).is_none(), "{empty_ms}");
    }
}

#[actix_web::test]
async fn who_may_make_a_room_and_how_many_is_held_under_one_lock() {
    tokio::time::pause();
    let directory = directory();
    let policy = RoomPolicy::anyone().at_most(3).each_player(2, Duration::from_secs(60));
    let (zoe, bo) = (occupant(1), occupant(2));
    let make = |number: u128, founder: &Occupant| {
        let charter = Charter { max_players: 1, ..open_charter(number) };
        assert!(directory.take_code(&charter.code, charter.id));
        let core = RoomCore::new(charter, FRAGILE, FRAGILE.settings(), Random::from_seed(1));
        directory.open_for(Box::new(core), Founding { founder, policy })
    };
    let kept = [make(11, &zoe).unwrap(), make(12, &zoe).unwrap()];
    let third = make(13, &zoe).unwrap_err();
    assert_eq!(third, TooManyRooms::Player { retry_after_ms: 60_000 });
    assert!(
        directory.find_code("TEST13").is_none() && directory.take_code("TEST13", kept[0].room().charter().id)
    );
    let last = make(14, &bo).unwrap();
    assert_eq!(make(15, &bo).unwrap_err(), TooManyRooms::Game);
    let id = last.room().charter().id;
    drop(last);
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(directory.find(id).is_none());
    assert!(make(16, &bo).is_ok(), "one is gone, and he has made but one");
    assert_eq!(directory.metrics().rooms.get(), 3);
}
