//! The room's shell in virtual time: a panic, a full mailbox, a dead newcomer, flushes.

mod frames;
mod lifetime;
mod members;

use std::time::Duration;

use sward_protocol::format::Format;
use sward_protocol::ids::{Epoch, NodeId, PlayerId, RoomId};
use sward_protocol::payload::Payload;
use sward_protocol::problem::{ErrorCode, MessageError};
use sward_protocol::rooms::Seated;
use sward_protocol::session::Player;
use sward_protocol::sse::decode::Parser;
use sward_protocol::upstream::Message;
use tokio::sync::oneshot;

use super::*;
use crate::clock::Clock;
use crate::fanout::mailslot::Mailslot;
use crate::fanout::part::PENDING_EVENTS_MAX;
use crate::fanout::reading::{Chunk, Kind, Position, Reader, Wish};
use crate::game::{Audience, BadOptions, Game, Random, Raw, Reply, Room, RoomPolicy, done, refuse};
use crate::metrics::Metrics;
use crate::room::core::RoomCore;
use crate::room::directory::{Founding, Reservation, TooManyRooms};
use crate::room::gallery::WATCHERS_MAX;
use crate::room::handle::{NotShown, RoomError};
use crate::room::input::Entry;
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
            .with_public(Duration::ZERO)
            .with_empty(self.empty)
    }

    fn join(&mut self, room: &mut Room<'_>, seat: Seat) -> Result<(), MessageError> {
        match room.player(seat).map(|player| player.name.as_str()) {
            Some("P13") => return Err(MessageError::new(ErrorCode::Game, "unlucky")),
            Some("P20") => room.close(),
            Some("P21") => room.kick(seat, "at once"),
            Some("P22") => room.lock(),
            Some("P23") => room.start(),
            Some("P24") => panic!("over this newcomer"),
            _ => {}
        }
        Ok(())
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
            "frames" => frames::show(room),
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
    reader_of(&occupant.mailslot)
}

fn reader_of(mailslot: &Mailslot) -> Reader {
    let wish = Wish { from: Position::Nothing, nonce: None, kind: Kind::Open, format: Format::default() };
    mailslot.open(wish, 0).unwrap().reader
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

/// A room with its first player, in virtual time.
async fn one_player() -> (Arc<Directory>, RoomHandle, Arc<Occupant>) {
    tokio::time::pause();
    let directory = directory();
    let room = open(&directory).room().clone();
    let zoe = occupant(1);
    join(&directory, &room, Arc::clone(&zoe)).await.unwrap();
    (directory, room, zoe)
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
async fn a_quiet_room_writes_at_once_and_a_busy_one_at_its_interval() {
    let (directory, _, zoe) = one_player().await;
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
    let (directory, _, zoe) = one_player().await;
    assert_eq!(send(&zoe, "large").await, Some(Ok(Payload::null())));
    assert_eq!(directory.metrics().events_dropped.get(), 1);
    assert_eq!(send(&zoe, "unserialisable").await, Some(Ok(Payload::null())));
    assert_eq!(directory.metrics().events_dropped.get(), 2);
    assert_eq!(send(&zoe, "refuse").await.unwrap().unwrap_err().code, "no");
}

#[actix_web::test]
async fn more_than_a_flush_may_hold_is_flushed_at_once() {
    let (_, room, zoe) = one_player().await;
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
    let (_, room, zoe) = one_player().await;
    let stay = zoe.place().unwrap().stay;
    assert_eq!(send(&zoe, "panic").await, None);
    tokio::time::sleep(Duration::from_millis(10)).await;
    // The caller holds his session's lock, which a completion takes: calling it from here would wait for ever.
    let done = Completion::new(|_| panic!("told on the caller's thread"));
    assert_eq!(room.try_batch(stay, vec![message("wave")], 1, done), Err(RoomError::Gone));
}

#[actix_web::test]
async fn a_room_sleeps_until_its_game_s_next_timer() {
    let (_, _, zoe) = one_player().await;
    let reader = stream(&zoe);
    send(&zoe, "timer").await.unwrap().unwrap();
    tokio::time::sleep(Duration::from_millis(1400)).await;
    let is_timer = |event: &String| event.contains("timer");
    assert!(!heard(&zoe, &reader).iter().any(is_timer));
    tokio::time::sleep(Duration::from_millis(101)).await;
    assert!(heard(&zoe, &reader).iter().any(is_timer));
}

/// Has a lot to show.
struct Vast;

impl Game for Vast {
    type Message = Raw;

    fn create(_: &Payload, _: &mut Random) -> Result<Self, BadOptions> {
        Ok(Self)
    }

    fn settings(&self) -> Settings {
        Settings::new(20)
    }

    fn message(&mut self, _: &mut Room<'_>, _: Seat, _: Raw) -> Reply {
        done()
    }

    fn state(&self, _: Seat) -> impl serde::Serialize {
        "x".repeat(900_000)
    }
}

#[actix_web::test]
async fn players_who_must_be_told_all_anew_take_turns_and_the_room_plays_on() {
    tokio::time::pause();
    let directory = directory();
    let charter = Charter { max_players: 20, ..open_charter(7) };
    let core = RoomCore::new(charter, Vast, Vast.settings(), Random::from_seed(1));
    let room = directory.open_for(Box::new(core), founding(&occupant(7))).unwrap().room().clone();
    let mut players = Vec::new();
    for number in 1..=20 {
        let player = occupant(number);
        join(&directory, &room, Arc::clone(&player)).await.unwrap();
        heard(&player, &stream(&player));
        // A stream that knows nothing.
        let reader = stream(&player);
        players.push((player, reader));
    }
    for (player, _) in players.iter().chain(&players) {
        room.resync(player.place().unwrap().stay);
    }
    assert_eq!(send(&players[0].0, "wave").await, Some(Ok(Payload::null())));
    let is_told = |player: &(Arc<Occupant>, Reader)| {
        heard(&player.0, &player.1).iter().any(|event| event.starts_with("joined "))
    };
    let at_once = players.iter().filter(|player| is_told(player)).count();
    assert!((1..10).contains(&at_once), "{at_once} of 20");
    tokio::time::sleep(Duration::from_millis(500)).await;
    let later = players.iter().filter(|player| is_told(player)).count();
    assert!(at_once + later >= 20, "{at_once} at once, {later} later");
}

/// Cannot show itself to strangers.
struct Shy;

impl Game for Shy {
    type Message = Raw;

    fn create(_: &Payload, _: &mut Random) -> Result<Self, BadOptions> {
        Ok(Self)
    }

    fn settings(&self) -> Settings {
        Settings::new(2).with_public(Duration::ZERO)
    }

    fn message(&mut self, _: &mut Room<'_>, _: Seat, _: Raw) -> Reply {
        done()
    }

    fn public_state(&self) -> impl serde::Serialize {
        assert!(size_of_val(self) > 0, "what strangers see is nothing");
    }
}

#[actix_web::test]
async fn a_stranger_s_look_ends_no_game_and_is_logged_once() {
    tokio::time::pause();
    let directory = directory();
    let core = RoomCore::new(open_charter(7), Shy, Shy.settings(), Random::from_seed(1));
    let room = directory.open_for(Box::new(core), founding(&occupant(7))).unwrap().room().clone();
    let zoe = occupant(1);
    join(&directory, &room, Arc::clone(&zoe)).await.unwrap();
    for _ in 0..3 {
        assert_eq!(room.view().await.unwrap_err(), RoomError::NotShown(NotShown::Broken));
        let watched = room.watch(Arc::new(Mailslot::new(Epoch(1)))).await;
        assert_eq!(watched, Err(RoomError::NotShown(NotShown::Broken)));
    }
    assert_eq!(directory.metrics().games.unshown.get(), 1);
    assert_eq!(send(&zoe, "wave").await, Some(Ok(Payload::null())));
    assert_eq!(directory.metrics().games.failed.get(), 0);
}
