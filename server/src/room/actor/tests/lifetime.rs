//! When a room is made, and when it ends.

use super::*;

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
    assert_eq!(directory.metrics().games.failed.get(), 1);
    assert_eq!(directory.metrics().rooms.get(), 0);
    let late = join(&directory, &room, occupant(3)).await;
    assert_eq!(late, Err(RoomError::Gone));
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
    assert_eq!(directory.metrics().games.failed.get(), 2);
}

#[actix_web::test]
async fn a_room_that_its_game_closes_is_gone_and_its_players_are_free() {
    let (directory, room, zoe) = one_player().await;
    let reader = stream(&zoe);
    assert_eq!(send(&zoe, "close").await, Some(Ok(Payload::null())), "its author is answered");
    let heard = heard(&zoe, &reader);
    assert!(heard[heard.len() - 2].contains("last words"), "{heard:?}");
    assert_eq!(heard.last().unwrap(), r#"gone {"seat":1,"why":"closed"}"#);
    assert!(zoe.place().is_none() && directory.find(room.charter().id).is_none());
    assert_eq!(directory.metrics().games.failed.get(), 0);
    assert_eq!(directory.metrics().rooms.get(), 0);
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
    assert_eq!(directory.lobby().reserve("fragile", &filter, &[], None), Some(id), "the bot gives way");
    directory.lobby().release(id);
    room.leave(zoe.place().unwrap().stay, GoneWhy::Left).await.unwrap();
    assert!(directory.lobby().page(None, None, 10).0.is_empty());
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(directory.find(id).is_none());
}

#[actix_web::test]
async fn bots_who_come_and_go_do_not_keep_an_empty_room() {
    let (directory, room, zoe) = one_player().await;
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
    let id = directory.lobby().reserve("fragile", &filter, &[], None).unwrap();
    directory.lobby().release(id);
    let (zoe, room) = (occupant(1), directory.find(id).unwrap());
    let seated = join(&directory, &room, Arc::clone(&zoe)).await.unwrap();
    assert_eq!(seated.room.owner, Seat::GAME, "or he could lock it for good");
    room.leave(zoe.place().unwrap().stay, GoneWhy::Left).await.unwrap();
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert!(directory.find(id).is_some());
    // Those who watched it do not keep others out once they are gone.
    let mut watchers = Vec::new();
    for _ in 0..WATCHERS_MAX {
        let watcher = Arc::new(Mailslot::new(Epoch(1)));
        watchers.push((reader_of(&watcher), Arc::clone(&watcher)));
        room.watch(watcher).await.unwrap();
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let one_more = room.watch(Arc::new(Mailslot::new(Epoch(1)))).await;
    assert_eq!(one_more, Err(RoomError::NotShown(NotShown::TooMany)));
    for (reader, watcher) in &watchers {
        watcher.detach(reader);
    }
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!(room.watch(Arc::new(Mailslot::new(Epoch(1)))).await, Ok(()));
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
