//! A match whose players are not all there any more, and a queue at its bound.

use sward_protocol::ids::{Epoch, NodeId};

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
    let directory = Arc::new(Directory::new(10, Clock::new(), Arc::default()));
    let modes = BTreeMap::from([(("relay".to_owned(), "duel".to_owned()), Rules::new(2, 1))]);
    let admission = Admission { directory, catalog, node: NodeId(0) };
    Arc::new(Hall::new(admission, &modes, Arc::default()))
}

fn waiting(hall: &Arc<Hall>, number: u128) -> Arc<Occupant> {
    let player = Player { id: PlayerId::from_random(NodeId(0), number), name: format!("P{number}") };
    let occupant = Arc::new(Occupant::new(player, Mailslot::new(Epoch(1))));
    hall.arrive(Arc::clone(&occupant));
    let (game, mode) = ("relay".to_owned(), "duel".to_owned());
    let call = Call::Queue(QueueCall { game, mode, skill: 0, me: Payload::null() });
    assert!(hall.call(occupant.player.id, call, number.try_into().unwrap()).is_ok());
    occupant
}

fn tickets(hall: &Hall) -> Vec<Ticket> {
    let matching = hall.matching();
    matching
        .queues
        .values()
        .flat_map(|line| line.queue.standings(0))
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

#[actix_web::test]
async fn a_queue_takes_so_many_and_no_more() {
    let hall = hall();
    {
        let mut matching = hall.matching();
        let line = matching.queues.values_mut().next().unwrap();
        for id in 0..PARTIES_MAX as u64 {
            let players = vec![PlayerId::from_random(NodeId(1), u128::from(id))];
            line.queue.add(Ticket { id, since_ms: id, skill: 0, players, tries: 0 });
        }
    }
    let player = Player { id: PlayerId::from_random(NodeId(0), 1), name: "P".to_owned() };
    hall.arrive(Arc::new(Occupant::new(player.clone(), Mailslot::new(Epoch(1)))));
    let (game, mode) = ("relay".to_owned(), "duel".to_owned());
    let call = Call::Queue(QueueCall { game, mode, skill: 0, me: Payload::null() });
    assert_eq!(hall.call(player.id, call, 1).unwrap_err().code, "queue_full");
}
