//! Which room a crowd is sent to, and what lists show.

use super::*;
use sward_protocol::ids::{NodeId, PlayerId};
use sward_protocol::password::Password;
use sward_protocol::payload::Payload;

fn id(number: u128) -> RoomId {
    RoomId::from_random(NodeId(0), number)
}

fn charter(number: u128, meta: &str) -> Charter {
    Charter {
        id: id(number),
        game: "relay".to_owned(),
        code: String::new(),
        name: String::new(),
        private: false,
        password: None,
        creator: Some(PlayerId::from_random(NodeId(0), 1)),
        standing: false,
        meta: Payload::from_json(meta).unwrap(),
        max_players: 2,
    }
}

/// So many humans in a room of two.
fn seats(humans: u16) -> Occupancy {
    Occupancy { players: humans, humans, free: 2 - humans }
}

fn filter(json: &str) -> Filter {
    serde_json::from_str(json).unwrap()
}

#[test]
fn a_crowd_fills_the_oldest_room_before_the_next() {
    let mut lobby = Lobby::default();
    lobby.open(charter(1, "{}"));
    lobby.open(charter(2, "{}"));
    let mut next = || lobby.reserve("relay", &Filter::new(), &[], None);
    assert_eq!([next(), next(), next()], [Some(id(1)), Some(id(2)), None]);
    lobby.settle(id(1), seats(1));
    assert_eq!(lobby.reserve("relay", &Filter::new(), &[], None), None, "one sits, one is on his way");
    lobby.release(id(1));
    assert_eq!(lobby.reserve("relay", &Filter::new(), &[], None), Some(id(1)));
    assert_eq!(lobby.reserve("meadow", &Filter::new(), &[], None), None);
}

#[test]
fn a_room_that_turned_somebody_away_is_left_alone_until_one_leaves() {
    let mut lobby = Lobby::default();
    lobby.open(charter(1, "{}"));
    lobby.settle(id(1), seats(1));
    assert_eq!(lobby.reserve("relay", &Filter::new(), &[], None), Some(id(1)));
    lobby.turn_away(id(1));
    assert_eq!(lobby.reserve("relay", &Filter::new(), &[], None), None);
    lobby.count(id(1), seats(0));
    assert_eq!(lobby.reserve("relay", &Filter::new(), &[], None), Some(id(1)));
}

#[test]
fn a_filter_needs_each_of_its_keys() {
    let mut lobby = Lobby::default();
    lobby.open(charter(1, r#"{"map":"hill","level":2}"#));
    for (wanted, found) in [
        ("{}", true),
        (r#"{"map":"hill"}"#, true),
        (r#"{"map":"dale"}"#, false),
        (r#"{"level":2,"x":null}"#, false),
    ] {
        assert_eq!(lobby.reserve("relay", &filter(wanted), &[], None).is_some(), found, "{wanted}");
        lobby.release(id(1));
        lobby.count(id(1), seats(0));
    }
}

#[test]
fn private_and_empty_rooms_are_not_listed_and_pages_follow_each_other() {
    let mut lobby = Lobby::default();
    for number in 1..=5 {
        lobby.open(charter(number, "{}"));
        lobby.count(id(number), seats(1));
    }
    lobby.open(Charter { private: true, ..charter(6, "{}") });
    lobby.count(id(6), seats(1));
    lobby.count(id(2), seats(0));
    let ids = |page: &(Vec<RoomInfo>, Option<RoomId>)| page.0.iter().map(|room| room.id).collect::<Vec<_>>();
    let first = lobby.page(Some("relay"), None, 2);
    assert_eq!((ids(&first), first.1), (vec![id(1), id(3)], Some(id(3))));
    let second = lobby.page(None, first.1, 2);
    assert_eq!((ids(&second), second.1), (vec![id(4), id(5)], None));
    assert!(lobby.page(Some("chess"), None, 2).0.is_empty());
    assert!(lobby.page(None, Some(id(99)), 2).0.is_empty());
    assert!(lobby.room(id(6)).is_some(), "who has its id may see it");
    lobby.reserve("relay", &Filter::new(), &[], None);
}

#[test]
fn a_room_with_a_password_is_listed_and_never_chosen() {
    let mut lobby = Lobby::default();
    lobby.open(Charter { password: Some(Password::new("sesame")), ..charter(1, "{}") });
    lobby.count(id(1), seats(1));
    assert_eq!(lobby.reserve("relay", &Filter::new(), &[], None), None);
    let (rooms, _) = lobby.page(None, None, 10);
    assert!(rooms[0].password);
    let fits = |private, password| lobby.fits(id(1), "relay", Access { private, password }, &Filter::new());
    assert_eq!([fits(false, true), fits(false, false), fits(true, true)], [true, false, false]);
}

#[test]
fn a_room_that_nobody_made_is_listed_while_it_is_empty() {
    let mut lobby = Lobby::default();
    lobby.open(Charter { creator: None, standing: true, ..charter(1, "{}") });
    lobby.open(charter(2, "{}"));
    let (rooms, _) = lobby.page(None, None, 10);
    assert_eq!(rooms.iter().map(|room| room.id).collect::<Vec<_>>(), [id(1)]);
}

#[test]
fn a_room_that_keeps_somebody_out_can_be_avoided() {
    let mut lobby = Lobby::default();
    lobby.open(charter(1, "{}"));
    lobby.open(charter(2, "{}"));
    assert_eq!(lobby.reserve("relay", &Filter::new(), &[id(1)], None), Some(id(2)));
}

#[test]
fn bots_who_give_way_leave_their_seats_to_others_and_their_room_empty() {
    let mut lobby = Lobby::default();
    lobby.open(charter(1, "{}"));
    lobby.release(id(1));
    lobby.count(id(1), Occupancy { players: 2, humans: 0, free: 2 });
    assert!(lobby.is_deserted(id(1)) && lobby.page(None, None, 10).0.is_empty());
    assert_eq!(lobby.room(id(1)).map(|room| room.players), Some(2));
    let mut next = || lobby.reserve("relay", &Filter::new(), &[], None);
    assert_eq!([next(), next(), next()], [Some(id(1)), Some(id(1)), None]);
}

#[test]
fn what_changes_is_shown_and_rooms_are_counted_by_game() {
    let mut lobby = Lobby::default();
    lobby.open(charter(1, "{}"));
    lobby.open(charter(2, "{}"));
    let change = RoomChange {
        name: Some("Nest".to_owned()),
        max_players: Some(3),
        locked: Some(true),
        phase: Some(Phase::Playing),
        owner: Some(Seat(2)),
        meta: Some(Payload::from_json(r#"{"map":"hill"}"#).unwrap()),
    };
    lobby.change(id(1), &change);
    let shown = lobby.room(id(1)).unwrap();
    assert_eq!((shown.name.as_str(), shown.max_players, shown.locked), ("Nest", 3, true));
    assert_eq!((shown.phase, shown.owner), (Phase::Playing, Seat(2)));
    assert_eq!(shown.meta.json(), r#"{"map":"hill"}"#);
    lobby.change(id(1), &RoomChange { locked: Some(false), ..RoomChange::default() });
    assert_eq!(lobby.room(id(1)).map(|room| (room.locked, room.max_players)), Some((false, 3)));
    assert_eq!((lobby.rooms_of("relay"), lobby.rooms_of("meadow")), (2, 0));
    lobby.close(id(1));
    lobby.close(id(1));
    assert_eq!(lobby.rooms_of("relay"), 1);
}

#[test]
fn a_change_that_lists_show_is_told_once() {
    let mut lobby = Lobby::default();
    let mut changes = |change: &mut dyn FnMut(&mut Lobby)| {
        change(&mut lobby);
        let rooms = lobby.take_changes().into_iter().flat_map(|(_, rooms)| rooms).collect::<Vec<_>>();
        (rooms, lobby.counts(Some("relay")).playing, lobby.counts(None).rooms)
    };
    assert_eq!(changes(&mut |lobby| lobby.open(charter(1, "{}"))), (vec![], 0, 0), "nobody sits there");
    assert_eq!(changes(&mut |lobby| lobby.settle(id(1), seats(1))), (vec![id(1)], 1, 1));
    assert_eq!(changes(&mut |lobby| lobby.settle(id(1), seats(1))), (vec![], 1, 1));
    assert_eq!(changes(&mut |lobby| lobby.count(id(1), seats(2))), (vec![id(1)], 2, 1));
    let secret = |lobby: &mut Lobby| {
        lobby.open(Charter { private: true, ..charter(2, "{}") });
        lobby.settle(id(2), seats(1));
    };
    assert_eq!(changes(&mut { secret }), (vec![], 2, 1), "nobody is told of a private room");
    assert_eq!(changes(&mut |lobby| lobby.close(id(1))), (vec![id(1)], 0, 0));
    assert!(lobby.listed(id(1)).is_none() && lobby.listed(id(2)).is_none());
}

#[test]
fn a_room_is_found_and_told_by_what_it_is_now() {
    let mut lobby = Lobby::default();
    let meta =
        |json: &str| RoomChange { meta: Some(Payload::from_json(json).unwrap()), ..RoomChange::default() };
    let locked = |locked: bool| RoomChange { locked: Some(locked), ..RoomChange::default() };
    lobby.open(charter(1, r#"{"map":"hill"}"#));
    lobby.settle(id(1), seats(1));
    lobby.take_changes();
    lobby.change(id(1), &meta(r#"{"map":"dale"}"#));
    assert_eq!(lobby.take_changes().len(), 1);
    assert_eq!(lobby.listed(id(1)).map(|room| room.players), Some(1));
    assert_eq!(lobby.reserve("relay", &filter(r#"{"map":"hill"}"#), &[], None), None);
    assert_eq!(lobby.reserve("relay", &filter(r#"{"map":"dale"}"#), &[], None), Some(id(1)));
    lobby.release(id(1));
    lobby.change(id(1), &locked(true));
    assert_eq!(lobby.listed(id(1)).map(|room| room.locked), Some(true));
    assert_eq!((lobby.take_changes().len(), lobby.reserve("relay", &Filter::new(), &[], None)), (1, None));
    lobby.change(id(1), &locked(false));
    assert_eq!(
        (lobby.take_changes().len(), lobby.reserve("relay", &Filter::new(), &[], None)),
        (1, Some(id(1)))
    );
}

#[test]
fn who_speaks_for_a_room_is_known() {
    let mut lobby = Lobby::default();
    let zoe = PlayerId::from_random(NodeId(0), 1);
    lobby.open(charter(1, "{}"));
    lobby.set_host(id(1), Some(zoe));
    assert_eq!((lobby.host(id(1)), lobby.host(id(2))), (Some(zoe), None));
}

#[test]
fn thousands_who_arrive_at_once_each_look_at_a_handful_of_rooms() {
    let mut lobby = Lobby::default();
    let rooms = 10_000_u128;
    for number in 0..rooms {
        let meta = if number % 2 == 0 {
            format!(r#"{{"map":"m{number}","level":1}}"#)
        } else {
            r#"{"map":{"deep":1}}"#.to_owned()
        };
        lobby.open(Charter { max_players: 2, ..charter(number, &meta) });
        // Half of the rooms are full.
        lobby.settle(id(number), seats(if number < rooms / 2 { 2 } else { 1 }));
    }
    let looked = || game::LOOKED_AT.with(std::cell::Cell::take);
    looked();
    for _ in 0..rooms / 2 {
        assert!(lobby.reserve("relay", &Filter::new(), &[], None).is_some());
    }
    assert_eq!(looked(), 5_000, "one room each");
    assert_eq!(lobby.reserve("relay", &Filter::new(), &[], None), None);
    for number in rooms / 2..rooms {
        lobby.release(id(number));
    }
    for number in (rooms / 2..rooms).step_by(2) {
        let wanted = filter(&format!(r#"{{"map":"m{number}","level":1}}"#));
        assert_eq!(lobby.reserve("relay", &wanted, &[], None), Some(id(number)));
        assert_eq!(lobby.reserve("relay", &wanted, &[], None), None);
    }
    looked();
    assert_eq!(lobby.reserve("relay", &filter(r#"{"map":{"deep":[1]}}"#), &[], None), None);
    assert_eq!(looked(), 0, "what no room has is known without a look at them");
    assert!(lobby.reserve("relay", &filter(r#"{"map":{"deep":1}}"#), &[], None).is_some());
    assert_eq!(looked(), 1);
    assert_eq!(lobby.page(Some("relay"), Some(id(9_990)), 100).0.len(), 9);
    assert_eq!(lobby.counts(None).rooms, 10_000);
}

#[test]
fn a_room_is_deserted_when_nobody_sits_there_or_is_on_his_way() {
    let mut lobby = Lobby::default();
    lobby.open(charter(1, "{}"));
    assert!(!lobby.is_deserted(id(1)));
    lobby.release(id(1));
    assert!(lobby.is_deserted(id(1)));
    lobby.close(id(1));
    assert!(lobby.room(id(1)).is_none());
    assert!(!lobby.reserve_in(id(1)));
}
