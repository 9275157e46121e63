//! A match whose players are not all there any more, and a queue at its bound.

use sward_protocol::ids::{Epoch, NodeId};
use sward_protocol::rooms::CreateRoom;
use sward_protocol::social::{Invite, Knock};

use super::*;
use crate::clock::Clock;
use crate::fanout::mailslot::Mailslot;
use crate::games::relay::Relay;
use crate::room::admission::Admission;
use crate::room::catalog::Catalog;
use crate::room::directory::Directory;
use crate::social::call::Call;

fn hall() -> Arc<Hall> {
    let mut catalog = Catalog::default();
    catalog.add::<Relay>("relay");
    let directory = Arc::new(Directory::new(2_000, Clock::new(), Arc::default()));
    let mode = |name: &str| ("relay".to_owned(), name.to_owned());
    let modes = BTreeMap::from([
        (mode("duel"), Rules::new(2, 1)),
        (mode("pairs"), Rules::new(2, 2)),
        (mode("equals"), Rules::new(2, 1).with_range(0, 0, 0)),
    ]);
    let admission = Admission { directory, catalog, node: NodeId(0) };
    Arc::new(Hall::new(admission, &modes, Arc::default()))
}

fn somebody(hall: &Arc<Hall>, number: u128) -> Arc<Occupant> {
    let player = Player { id: PlayerId::from_random(NodeId(0), number), name: format!("P{number}") };
    let occupant = Arc::new(Occupant::new(player, Mailslot::new(Epoch(1))));
    hall.arrive(Arc::clone(&occupant));
    occupant
}

fn queue(hall: &Hall, who: &Occupant, mode: &str, now_ms: u64) -> Result<(), String> {
    let (game, mode) = ("relay".to_owned(), mode.to_owned());
    let call = Call::Queue(QueueCall { game, mode, skill: 0, me: Payload::null() });
    hall.call(who.player.id, call, now_ms).map(|_| ()).map_err(|error| error.code.into_owned())
}

fn waiting(hall: &Arc<Hall>, number: u128) -> Arc<Occupant> {
    let occupant = somebody(hall, number);
    queue(hall, &occupant, "duel", number.try_into().unwrap()).unwrap();
    occupant
}

fn tickets(hall: &Hall) -> Vec<Ticket> {
    let matching = hall.matching();
    matching
        .queues
        .values()
        .flat_map(|of_mode| of_mode.queue.standings(0))
        .map(|(ticket, _)| ticket.clone())
        .collect()
}

#[actix_web::test]
async fn whoever_dies_between_match_and_seat_is_replaced_and_the_other_keeps_his_place() {
    let hall = hall();
    let (zoe, bo) = (waiting(&hall, 1), waiting(&hall, 2));
    let before = tickets(&hall)[0].clone();
    // His session ends, but nobody has been told yet.
    bo.end();
    hall.look_for_matches(10);
    assert_eq!(tickets(&hall), []);
    let mut turns = 0;
    while tickets(&hall).is_empty() || zoe.place().is_some() {
        tokio::task::yield_now().await;
        turns += 1;
        assert!(turns < 100_000, "nobody was put back");
    }
    assert_eq!(tickets(&hall), [Ticket { tries: 1, ..before }]);
    hall.depart(bo.player.id);
    let mo = waiting(&hall, 3);
    hall.look_for_matches(20);
    while mo.place().is_none() || zoe.place().is_none() || !hall.matching().waiting.is_empty() {
        tokio::task::yield_now().await;
        turns += 1;
        assert!(turns < 200_000, "nobody has a seat");
    }
    assert!(hall.matching().entries.is_empty());
}

/// Lets the rooms work until it is so.
async fn until(mut is_so: impl FnMut() -> bool) {
    for _ in 0..100_000 {
        if is_so() {
            return;
        }
        tokio::task::yield_now().await;
    }
    panic!("it never came to that");
}

#[actix_web::test]
async fn while_a_match_takes_its_seats_nobody_is_asked_in() {
    let hall = hall();
    let (zoe, mo) = (waiting(&hall, 1), somebody(&hall, 3));
    let seated = hall.admission.create(&zoe, CreateRoom::of("relay")).await.unwrap();
    // A match is found for him, and the room that he sits in is that of it.
    let ticket = {
        let mut matching = hall.matching();
        assert!(!matching.is_being_matched(zoe.player.id), "he waits");
        let of_mode = matching.queues.values_mut().next().unwrap();
        of_mode.queue.remove(1).unwrap()
    };
    let invite = || Call::Invite(Invite { to: mo.player.id });
    let knock = || Call::Knock(Knock { room: Some(seated.room.id), code: None });
    assert_eq!(hall.call(zoe.player.id, invite(), 10).unwrap_err().code, "room_locked");
    assert_eq!(hall.call(mo.player.id, knock(), 10).unwrap_err().code, "room_locked");
    hall.matching().forget(&ticket);
    assert!(hall.call(zoe.player.id, invite(), 10).is_ok() && hall.call(mo.player.id, knock(), 10).is_ok());
}

#[actix_web::test]
async fn whoever_left_his_party_meanwhile_does_not_wait_on_with_it() {
    let hall = hall();
    let (zoe, bo) = (somebody(&hall, 1), somebody(&hall, 2));
    let party = |call: PartyCall, who: &Occupant| hall.call(who.player.id, Call::Party(call), 0).unwrap();
    let made: PartyJoined = party(PartyCall::default(), &zoe).parse().unwrap();
    party(PartyCall { join: Some(made.party), ..PartyCall::default() }, &bo);

    queue(&hall, &zoe, "pairs", 0).unwrap();
    let others: Vec<_> = [3, 4].map(|number| somebody(&hall, number)).into();
    others.iter().for_each(|other| queue(&hall, other, "pairs", 0).unwrap());
    // One of the others is gone, and nobody has been told yet.
    others[1].end();
    hall.look_for_matches(10);
    assert_eq!(tickets(&hall), []);
    party(PartyCall { leave: true, ..PartyCall::default() }, &bo);
    until(|| !tickets(&hall).is_empty()).await;
    let waiting: Vec<_> = tickets(&hall).into_iter().flat_map(|ticket| ticket.players).collect();
    assert_eq!(waiting, [others[0].player.id], "those who are no party any more do not");
    assert_eq!(hall.matching().waiting.len(), 1);
}

#[actix_web::test]
async fn a_queue_takes_so_many_and_no_more() {
    let hall = hall();
    {
        let mut matching = hall.matching();
        let of_mode = matching.queues.values_mut().next().unwrap();
        for id in 0..PARTIES_MAX as u64 {
            let players = vec![PlayerId::from_random(NodeId(1), u128::from(id))];
            of_mode.queue.add(Ticket { id, since_ms: id, skill: 0, players, tries: 0 });
        }
    }
    assert_eq!(queue(&hall, &somebody(&hall, 1), "duel", 1), Err("queue_full".to_owned()));
}

#[actix_web::test]
async fn three_thousand_who_queue_at_once_all_play() {
    let hall = hall();
    let crowd: Vec<_> = (1..=3_000).map(|number| waiting(&hall, number)).collect();
    let mut looks = 0;
    while !hall.matching().waiting.is_empty() {
        looks += 1;
        assert!(looks <= 100, "{} still wait", hall.matching().waiting.len());
        hall.look_for_matches(3_000 + looks * 100);
        // Until all matches that were found have their seats.
        until(|| {
            let matching = hall.matching();
            let queued: u64 = matching.queues.values().map(|of_mode| of_mode.queue.players()).sum();
            matching.waiting.len() as u64 == queued
        })
        .await;
    }
    assert!(crowd.iter().all(|occupant| occupant.place().is_some()));
    let matches = hall.metrics.social.matches.with_label_values(&["ok"]).get();
    assert_eq!(matches, 1_500);
    assert!(hall.matching().entries.is_empty());
}

#[actix_web::test]
async fn all_in_a_long_queue_are_told_where_they_stand_every_five_seconds() {
    let hall = hall();
    for number in 0..2_000_u32 {
        let occupant = somebody(&hall, number.into());
        let (game, mode) = ("relay".to_owned(), "equals".to_owned());
        // No two of the same skill.
        let call = Call::Queue(QueueCall { game, mode, skill: number, me: Payload::null() });
        hall.call(occupant.player.id, call, 0).unwrap();
    }
    let events = || hall.metrics.social.events.get();
    assert_eq!(events(), 2_000, "at once");
    for (now_ms, told) in [(100, 2_000), (4_999, 2_000), (5_000, 4_000), (9_900, 4_000), (10_000, 6_000)] {
        hall.look_for_matches(now_ms);
        assert_eq!(events(), told, "{now_ms}");
    }
    assert_eq!(hall.metrics.social.queue_players.get(), 2_000);
}
