//! A game's own players.

use super::*;

#[test]
fn a_bot_sits_like_a_player_and_leaves_when_the_game_says_so() {
    let (mut room, [zoe, bo, _]) = three(json!({}));
    room.send(zoe, "bot", "Robin").unwrap();
    let here = room.heard(bo).remove(0);
    assert!(here.starts_with(r#"here {"seat":4,"id":""#), "{here}");
    assert!(here.ends_with(r#","name":"Robin","me":{"animal":"owl"},"bot":true}"#), "{here}");
    assert_eq!(room.info().players, 4);
    assert_eq!(room.try_join("Jo", ()), Err(Refusal::Full));
    room.send(zoe, "bot", "Wren").unwrap();
    assert_eq!(room.info().players, 4, "no seat is free");
    room.send(zoe, "no_bot", 2).unwrap();
    room.send(zoe, "no_bot", 9).unwrap();
    assert_eq!(room.info().players, 4, "those are none");
    room.send(zoe, "no_bot", 4).unwrap();
    assert_eq!(room.heard(bo)[0], r#"gone {"seat":4,"why":"left"}"#);
    let jo = room.join("Jo");
    assert!(room.joined(jo).players.iter().all(|player| !player.bot));
}

#[test]
fn bots_give_way_to_humans_the_last_one_first() {
    let mut room = TestRoom::<Table>::with(json!({"yields": true, "seats": 3, "unwanted": "Al"})).unwrap();
    let zoe = room.join("Zoë");
    room.send(zoe, "bots", ()).unwrap();
    assert_eq!(room.info().players, 3);
    room.forget_heard();
    assert!(matches!(room.try_join("Al", ()), Err(Refusal::ByGame(_))));
    let bots = |room: &TestRoom<Table>| room.players().iter().filter(|player| player.bot).count();
    assert_eq!(bots(&room), 2, "the one who gave way to nobody is there again");
    assert_eq!(room.heard(zoe).len(), 3, "gone, what the game says of it, here");
    let bo = room.join("Bo");
    assert_eq!(bo.seat, Seat(3));
    assert_eq!(room.heard(zoe)[0], r#"gone {"seat":3,"why":"left"}"#);
    room.join("Mo");
    assert_eq!(room.try_join("Jo", ()), Err(Refusal::Full));
    assert!(room.players().iter().all(|player| !player.bot));
    room.leave(bo);
    assert!(matches!(room.try_join("Al", ()), Err(Refusal::ByGame(_))));
    assert_eq!(room.info().players, 2, "and the bot that was asked for in that call is not seated either");
}

#[test]
fn a_room_with_bots_alone_is_empty() {
    let (mut room, players @ [zoe, ..]) = three(json!({}));
    room.send(zoe, "bot", "Robin").unwrap();
    for player in players {
        room.leave(player);
    }
    assert_eq!((room.info().players, room.info().owner), (1, Seat::GAME));
    let jo = room.join("Jo");
    assert_eq!(room.info().owner, jo.seat);
    assert!(room.players().iter().any(|player| player.bot), "it has waited for him");
    let al = room.join("Al");
    room.send(jo, "sward.kick", json!({"seat": 4})).unwrap();
    assert_eq!(room.info().players, 2);
    room.send(jo, "bot", "Wren").unwrap();
    room.send(jo, "sward.ban", json!({"seat": 3})).unwrap();
    assert!(room.is_in(al) && room.players().iter().all(|player| !player.bot));
}

#[test]
fn a_game_that_refuses_its_own_bots_lets_the_room_live() {
    let mut room = TestRoom::<Table>::with(json!({"refuses_bots": true})).unwrap();
    let zoe = room.join("Zoë");
    room.send(zoe, "bots", ()).unwrap();
    assert_eq!(room.info().players, 1);
}

#[test]
#[should_panic(expected = "the game sent more than 32768 events")]
fn a_game_whose_bots_come_and_go_without_end_is_stopped() {
    let (mut room, [zoe, ..]) = three(json!({"churns": true}));
    let _ = room.send(zoe, "bot", "Robin");
}

#[test]
#[should_panic(expected = "it would be dropped: the bot \"\": nothing in it can be seen")]
fn a_bot_without_a_name_fails_the_test() {
    let (mut room, [zoe, ..]) = three(json!({}));
    let _ = room.send(zoe, "bot", "");
}

#[test]
fn bots_take_no_seat_from_those_whose_match_it_is() {
    let random = Random::from_seed(1);
    let game = Table::create(&Payload::of(&json!({})).unwrap(), &mut random.clone()).unwrap();
    let charter = Charter { creator: None, ..core(None).charter };
    assert!(charter.is_of_match());
    let settings = game.settings();
    assert!(!settings.bots_yield, "whatever the game says");
    let mut core = RoomCore::new(charter, game, settings, random);
    let by_pass = |number| Newcomer {
        has_pass: true,
        ..Newcomer::new(player(number), format!("P{number}"), Payload::null())
    };
    let mut effects = Vec::new();
    core.step(Input::Join(by_pass(1)), 1, &mut effects);
    let (kind, data) = ("bots".to_owned(), Payload::null());
    let bots = Message { kind, data, rid: None, to: None, key: None, keep: None };
    core.step(Input::Batch { seat: Seat(1), messages: vec![bots] }, 1, &mut effects);
    assert_eq!((core.occupancy().players, core.occupancy().humans, core.occupancy().free), (4, 1, 3));
    for number in 2..=4 {
        core.step(Input::Join(by_pass(number)), 1, &mut effects);
    }
    assert_eq!((core.occupancy().players, core.occupancy().humans, core.occupancy().free), (4, 4, 0));
}
