//! Who may make rooms, and how many; as requests would ask.

use std::collections::BTreeMap;
use std::time::Duration;

use sward_protocol::ids::{Epoch, PlayerId};
use sward_protocol::session::Player;

use super::*;
use crate::clock::Clock;
use crate::fanout::mailslot::Mailslot;
use crate::game::{Game, MessageError, Random, Raw, Reply, Room, RoomPolicy, Seat, Settings, done, refuse};
use crate::games::meadow::Meadow;
use crate::games::relay::Relay;
use crate::metrics::Metrics;

fn admission(policy: RoomPolicy) -> Admission {
    let mut catalog = Catalog::default();
    catalog.add::<Relay>("relay");
    catalog.limit("relay", policy);
    let directory = Arc::new(Directory::new(100, Clock::new(), Arc::new(Metrics::new())));
    Admission { directory, catalog, node: NodeId(0) }
}

fn occupant(number: u128) -> Arc<Occupant> {
    let player = Player { id: PlayerId::from_random(NodeId(0), number), name: format!("P{number}") };
    Arc::new(Occupant::new(player, Mailslot::new(Epoch(1))))
}

fn join() -> Join {
    Join { game: Some("relay".to_owned()), create: true, max_players: Some(1), ..Join::default() }
}

#[actix_web::test]
async fn where_nobody_may_make_rooms_players_join_those_that_are_there() {
    tokio::time::pause();
    let admission = admission(RoomPolicy::nobody());
    let (zoe, bo) = (occupant(1), occupant(2));
    assert_eq!(admission.create(&zoe, CreateRoom::of("relay")).await, Err(JoinError::CreationClosed));
    assert_eq!(admission.join(&zoe, join()).await, Err(JoinError::CreationClosed));
    admission.found(CreateRoom { max_players: Some(1), ..CreateRoom::of("relay") }).unwrap();
    assert!(admission.join(&zoe, join()).await.is_ok());
    assert_eq!(admission.join(&bo, join()).await, Err(JoinError::CreationClosed), "it is full");
    assert_eq!(admission.found(CreateRoom::of("chess")), Err(JoinError::UnknownGame("chess".to_owned())));
    let badly = CreateRoom { max_players: Some(0), ..CreateRoom::of("relay") };
    assert_eq!(admission.found(badly), Err(JoinError::BadMax(4096)));
}

#[actix_web::test]
async fn a_player_who_has_made_as_many_rooms_as_he_may_still_joins_others() {
    tokio::time::pause();
    let admission = admission(RoomPolicy::anyone().at_most(3).each_player(2, Duration::from_secs(60)));
    let (zoe, bo, mo) = (occupant(1), occupant(2), occupant(3));
    assert!(
        admission.create(&zoe, CreateRoom { max_players: Some(1), ..CreateRoom::of("relay") }).await.is_ok()
    );
    assert!(admission.create(&zoe, CreateRoom::of("relay")).await.is_ok());
    let refused = admission.create(&zoe, CreateRoom::of("relay")).await;
    assert!(matches!(refused, Err(JoinError::TooManyRooms(TooManyRooms::Player { .. }))), "{refused:?}");
    // The first of his rooms is empty now, until it is disposed of.
    assert!(admission.create(&bo, CreateRoom::of("relay")).await.is_ok());
    let refused = admission.create(&mo, CreateRoom::of("relay")).await;
    assert_eq!(refused, Err(JoinError::TooManyRooms(TooManyRooms::Game)));
    assert!(
        admission.join(&mo, Join { max_players: None, ..join() }).await.is_ok(),
        "nothing is made for that"
    );
}

/// Lets in whom its options name, and panics over some.
struct Picky {
    wants: String,
}

impl Game for Picky {
    type Message = Raw;

    fn create(options: &Payload, _: &mut Random) -> Result<Self, BadOptions> {
        let options: BTreeMap<String, String> = options.parse()?;
        assert!(!options.contains_key("panics"), "as it was told");
        Ok(Self { wants: options.get("wants").cloned().unwrap_or_default() })
    }

    fn settings(&self) -> Settings {
        Settings::new(4).with_seats_up_to(6)
    }

    fn join(&mut self, room: &mut Room<'_>, seat: Seat) -> Result<(), MessageError> {
        let name = room.player(seat).map_or("", |player| player.name.as_str());
        assert_ne!(name, "P13", "nobody by that name");
        if room.players().len() == 1 || self.wants.is_empty() || self.wants == name {
            return Ok(());
        }
        refuse("unwanted", "this table is closed")
    }

    fn message(&mut self, _: &mut Room<'_>, _: Seat, _: Raw) -> Reply {
        done()
    }
}

fn picky() -> Admission {
    let mut admission = admission(RoomPolicy::anyone());
    admission.catalog.add::<Picky>("picky");
    admission
}

fn picky_room(options: &str) -> CreateRoom {
    CreateRoom { options: Some(Payload::from_json(options).unwrap()), ..CreateRoom::of("picky") }
}

fn join_picky(create: bool) -> Join {
    Join { game: Some("picky".to_owned()), create, ..Join::default() }
}

#[actix_web::test]
async fn who_is_not_wanted_in_one_room_is_sent_to_the_next_or_to_his_own() {
    tokio::time::pause();
    let admission = picky();
    let closed = admission.create(&occupant(1), picky_room(r#"{"wants":"P9"}"#)).await.unwrap().room.id;
    let refused = admission.join(&occupant(2), join_picky(false)).await;
    assert!(
        matches!(&refused, Err(JoinError::Room(RoomError::Refused(Refusal::ByGame(error)))) if error.code == "unwanted"),
        "there is no other: {refused:?}"
    );
    let own = admission.join(&occupant(2), join_picky(true)).await.unwrap();
    assert_ne!(own.room.id, closed);
    assert_eq!(admission.join(&occupant(3), join_picky(false)).await.unwrap().room.id, own.room.id);
    assert_eq!(admission.join(&occupant(9), join_picky(false)).await.unwrap().room.id, closed);

    let admission = picky();
    for number in 21..=30 {
        admission.create(&occupant(number), picky_room(r#"{"wants":"P9"}"#)).await.unwrap();
    }
    assert!(admission.join(&occupant(2), join_picky(false)).await.is_err());
    let own = admission.join(&occupant(2), join_picky(true)).await.unwrap();
    assert_eq!(own.room.players, 1, "they are too many to ask them all");
}

#[actix_web::test]
async fn a_game_that_panics_over_a_newcomer_takes_one_room_with_it() {
    tokio::time::pause();
    let admission = picky();
    let zoe = occupant(1);
    let first = admission.create(&zoe, CreateRoom::of("picky")).await.unwrap().room.id;
    let second = admission.create(&occupant(2), CreateRoom::of("picky")).await.unwrap().room.id;
    let failed = Err(JoinError::Room(RoomError::Refused(Refusal::Failed)));
    assert_eq!(admission.join(&occupant(13), join_picky(true)).await, failed);
    assert!(admission.directory.find(first).is_none() && admission.directory.find(second).is_some());
    assert_eq!(admission.create(&occupant(13), CreateRoom::of("picky")).await, failed);
    assert_eq!(admission.directory.metrics().games.failed.get(), 2);
    let not_made = admission.create(&zoe, picky_room(r#"{"panics":"now"}"#)).await;
    assert_eq!(not_made, Err(JoinError::GameFailed));
    assert_eq!(admission.directory.metrics().games.failed.get(), 3);
    assert_eq!(admission.directory.metrics().rooms.get(), 1);
}

#[actix_web::test]
async fn who_asks_for_a_private_room_or_a_password_is_not_sent_to_strangers() {
    tokio::time::pause();
    let admission = picky();
    let open = admission.create(&occupant(1), CreateRoom::of("picky")).await.unwrap().room.id;
    let private = |create| Join { private: true, ..join_picky(create) };
    let bo = occupant(2);
    assert_eq!(admission.join(&bo, private(false)).await, Err(JoinError::NotFound));
    let own = admission.join(&bo, private(true)).await.unwrap().room;
    assert!(own.id != open && own.private);
    assert_eq!(admission.join(&bo, private(true)).await.unwrap().room.id, own.id, "he is there");
    let secret = Join { password: Some(Password::new("sésame")), ..join_picky(true) };
    assert_ne!(admission.join(&occupant(3), secret).await.unwrap().room.id, open);
}

#[actix_web::test]
async fn a_game_says_how_many_seats_its_rooms_may_have() {
    tokio::time::pause();
    let admission = picky();
    let of_seats = |seats| CreateRoom { max_players: Some(seats), ..CreateRoom::of("picky") };
    assert_eq!(admission.create(&occupant(1), of_seats(7)).await, Err(JoinError::BadMax(6)));
    assert_eq!(admission.create(&occupant(1), of_seats(6)).await.unwrap().room.max_players, 6);
    assert_eq!(admission.create(&occupant(2), CreateRoom::of("picky")).await.unwrap().room.max_players, 4);
}

#[test]
fn codes_have_no_look_alikes() {
    for seed in 0..10_000 {
        let code = code(5, seed * 7919);
        assert_eq!(code.len(), 5);
        assert!(!code.contains(['I', 'L', 'O', '0', '1']), "{code}");
    }
}

#[test]
fn what_can_be_no_code_is_told() {
    assert_eq!(checked_code("kxqz").as_deref(), Ok("KXQZ"));
    assert_eq!(checked_code("abcde").as_deref(), Ok("ABCDE"));
    for bad in ["", "abc", "abcdef", "🦊", "ab🦊", "ab d", "AB12", "ſſſſ"] {
        assert_eq!(checked_code(bad), Err(JoinError::BadCode), "{bad}");
    }
}

#[test]
fn fields_are_bounded() {
    let text = |json: &str| Some(Payload::from_json(json).unwrap());
    assert_eq!(object("meta", None).unwrap().json(), "{}");
    assert!(object("meta", text("[]")).is_err());
    assert!(object("meta", text(&format!("{{\"a\":{:?}}}", "x".repeat(1100)))).is_err());
    assert!(filter(text("3")).is_err());
    let of_keys = |keys: usize| {
        let keys: BTreeMap<_, _> = (0..keys).map(|key| (key.to_string(), 1)).collect();
        Some(Payload::of(&keys).unwrap())
    };
    assert!(filter(of_keys(32)).is_ok() && checked_meta("meta", of_keys(32)).is_ok());
    assert!(matches!(filter(of_keys(33)), Err(JoinError::BadFilter(_))));
    assert!(checked_meta("meta", of_keys(33)).is_err());
    assert_eq!(filter(text(r#"{"a":1}"#)).unwrap().len(), 1);
}

#[test]
fn a_will_is_a_message_of_the_games_and_small() {
    let check = |kind: &str, data: &str, is_fine: bool| {
        let will = Will { kind: kind.to_owned(), data: Payload::of(data).unwrap() };
        assert_eq!(entry(Payload::null(), Some(will)).is_ok(), is_fine, "{kind} {}", data.len());
    };
    check("left", &"x".repeat(WILL_BYTES_MAX - 6), true);
    check("left", &"x".repeat(WILL_BYTES_MAX - 5), false);
    check(&"ö".repeat(64), "", true);
    check(&"x".repeat(65), "", false);
    check("", "", false);
    check("chat", "hi", false);
    check("chatter", "hi", true);
    check("sward.start", "", false);
}

#[actix_web::test]
async fn no_room_is_made_whose_blobs_have_no_place() {
    tokio::time::pause();
    let mut catalog = Catalog::default();
    catalog.add::<Relay>("relay");
    catalog.add::<Meadow>("meadow");
    let metrics = Arc::new(Metrics::new());
    let no_options = Payload::from_json("{}").unwrap();
    let meadow = Meadow::create(&no_options, &mut Random::from_seed(1)).unwrap();
    let each = meadow.settings().blob_bytes;
    let directory = Directory::new(100, Clock::new(), Arc::clone(&metrics)).with_blob_bytes(3 * each - 1);
    let admission = Admission { directory: Arc::new(directory), catalog, node: NodeId(0) };
    let zoe = occupant(1);
    let made = admission.create(&zoe, CreateRoom::of("meadow")).await.unwrap();
    assert!(admission.create(&occupant(2), CreateRoom::of("meadow")).await.is_ok());
    assert_eq!((metrics.blobs.count.get(), metrics.blobs.bytes_reserved.get()), (2, 2 * each as i64));
    let refused = admission.create(&occupant(3), CreateRoom::of("meadow")).await;
    assert_eq!(refused, Err(JoinError::TooManyRooms(TooManyRooms::Blobs)));
    assert!(admission.create(&occupant(3), CreateRoom::of("relay")).await.is_ok(), "it has none");
    admission.directory.find(made.room.id).unwrap().close().await.unwrap();
    assert_eq!((metrics.blobs.count.get(), metrics.blobs.bytes_reserved.get()), (1, each as i64));
    assert!(admission.create(&occupant(4), CreateRoom::of("meadow")).await.is_ok());
}
