//! Who may make rooms, and how many; as requests would ask.

use std::time::Duration;

use sward_protocol::ids::{Epoch, PlayerId};
use sward_protocol::session::Player;

use super::*;
use crate::clock::Clock;
use crate::fanout::mailslot::Mailslot;
use crate::game::RoomPolicy;
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
    assert_eq!(admission.found(badly), Err(JoinError::BadMax));
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
    check("sward.start", "", false);
}
