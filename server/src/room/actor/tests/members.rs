//! Who comes to sit in a room, and who is put out.

use super::*;

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
async fn what_a_game_does_as_a_newcomer_arrives_is_done_though_his_session_ended() {
    tokio::time::pause();
    for number in [20, 21, 22, 23] {
        let directory = directory();
        let room = open(&directory).room().clone();
        let (zoe, dead) = (occupant(1), occupant(number));
        join(&directory, &room, Arc::clone(&zoe)).await.unwrap();
        let reader = stream(&zoe);
        dead.end();
        assert_eq!(join(&directory, &room, Arc::clone(&dead)).await, Err(RoomError::Gone), "P{number}");
        tokio::time::sleep(Duration::from_millis(200)).await;
        let events = heard(&zoe, &reader);
        let id = room.charter().id;
        if number == 20 {
            assert_eq!(events.last().unwrap(), r#"gone {"seat":1,"why":"closed"}"#);
            assert!(zoe.place().is_none() && directory.find(id).is_none());
            continue;
        }
        let (why, change) = match number {
            21 => (r#"gone {"seat":2,"why":"kicked","detail":"at once"}"#, ""),
            22 => (r#"gone {"seat":2,"why":"left"}"#, r#"room {"locked":true}"#),
            _ => (r#"gone {"seat":2,"why":"left"}"#, r#"room {"phase":"playing"}"#),
        };
        assert_eq!(events.iter().filter(|event| event.starts_with("gone ")).collect::<Vec<_>>(), [why]);
        assert!(change.is_empty() || events.iter().any(|event| event == change), "{events:?}");
        let info = directory.lobby().room(id).unwrap();
        assert_eq!((info.players, info.locked), (1, number == 22));
        assert_eq!(room.inspect().await.unwrap().players.len(), 1);
        send(&zoe, "wave").await.unwrap().unwrap();
    }
}

#[actix_web::test]
async fn a_full_room_refuses_and_a_full_mailbox_is_busy() {
    let (directory, room, zoe) = one_player().await;
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
async fn a_newcomer_whom_the_game_refuses_takes_no_seat_and_does_not_close_the_room_to_others() {
    let (directory, room, zoe) = one_player().await;
    let reader = stream(&zoe);
    let refused = join(&directory, &room, occupant(13)).await;
    assert!(matches!(refused, Err(RoomError::Refused(Refusal::ByGame(_)))), "{refused:?}");
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(heard(&zoe, &reader).len(), 1, "nobody hears of him");
    let found = directory.lobby().reserve("fragile", &crate::room::lobby::Filter::new(), &[], None);
    assert_eq!(found, Some(room.charter().id), "others are still sent there");
}

#[actix_web::test]
async fn who_is_kicked_hears_why_and_has_no_seat_and_another_may_have_it() {
    let (directory, room, zoe) = one_player().await;
    let bo = occupant(2);
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
    assert_eq!(directory.lobby().reserve("fragile", &filter, &[], None), None);
    send(&zoe, "meta").await.unwrap().unwrap();
    assert!(directory.lobby().fits(id, "fragile", OPEN, &filter));
    send(&zoe, "lock").await.unwrap().unwrap();
    assert_eq!(directory.lobby().reserve("fragile", &filter, &[], None), None);
    assert!(directory.lobby().room(id).unwrap().locked);
    let late = join(&directory, &room, occupant(2)).await;
    assert_eq!(late, Err(RoomError::Refused(Refusal::Locked)));
    send(&zoe, "unlock").await.unwrap().unwrap();
    assert_eq!(directory.lobby().reserve("fragile", &filter, &[], None), Some(id));
    assert_eq!(directory.lobby().room(id).unwrap().meta.json(), r#"{"map":"dale"}"#);
}

#[actix_web::test]
async fn the_operator_puts_a_player_out_for_good_and_closes_the_room() {
    let (directory, room, zoe) = one_player().await;
    let bo = occupant(2);
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
