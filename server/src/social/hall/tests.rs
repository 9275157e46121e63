//! The hall under a crowd, and at its bounds.

use sward_protocol::format::Format;
use sward_protocol::ids::{Epoch, NodeId, RoomId};
use sward_protocol::rooms::CreateRoom;
use sward_protocol::session::Player;
use sward_protocol::social::{AskAnswer, Invite, Knock, Watch};
use sward_protocol::sse::decode::Parser;

use super::*;
use crate::chat::{Line, Place};
use crate::fanout::mailslot::Mailslot;
use crate::fanout::reading::{Chunk, Kind, Position, Reader, Wish};
use crate::room::catalog::Catalog;
use crate::room::core::Charter;
use crate::room::roster::Occupancy;

fn charter(number: u128) -> Charter {
    Charter {
        id: RoomId::from_random(NodeId(0), number),
        game: "relay".to_owned(),
        code: String::new(),
        name: "Nest".to_owned(),
        private: false,
        password: None,
        creator: Some(PlayerId::from_random(NodeId(0), 1)),
        standing: false,
        meta: Payload::from_json(r#"{"map":"hill"}"#).unwrap(),
        max_players: 4,
    }
}

#[test]
fn ten_thousand_rooms_cost_five_thousand_who_watch_one_shared_event_a_second() {
    let mut catalog = Catalog::default();
    catalog.add::<crate::games::relay::Relay>("relay");
    let directory = Arc::new(Directory::new(10_000, Clock::new(), Arc::default()));
    let metrics = Arc::new(Metrics::new());
    let admission = Admission { directory: Arc::clone(&directory), catalog, node: NodeId(0) };
    let hall = Arc::new(Hall::new(admission, &BTreeMap::new(), Arc::clone(&metrics)));
    let rooms = |players: u16| {
        let mut lobby = directory.lobby();
        for number in 0..10_000 {
            lobby.count(charter(number).id, Occupancy { players, humans: players, free: 0 });
        }
    };
    for number in 0..10_000 {
        directory.lobby().open(charter(number));
    }
    rooms(1);
    let now_ms = hall.clock().now_ms();
    let people: Vec<_> = (0..5_000)
        .map(|number| {
            let id = PlayerId::from_random(NodeId(0), number);
            let player = Player { id, name: format!("P{number}") };
            let occupant = Arc::new(Occupant::new(player, Mailslot::new(Epoch(1))));
            hall.arrive(Arc::clone(&occupant));
            let watch = Watch { game: Some("relay".to_owned()), watch: true };
            assert!(hall.call(id, Call::Watch(watch), now_ms).is_ok());
            occupant
        })
        .collect();
    assert_eq!(metrics.social.events.get(), 5_000, "each was shown the lobby");
    let snapshot = |lobby: &Watched| Arc::as_ptr(lobby.feed.snapshot().unwrap());
    let lobby = hall.lobby(&Some("relay".to_owned())).unwrap();
    let shown = Arc::strong_count(lobby.feed.snapshot().unwrap());
    assert!(shown > 5_000, "encoded once for all: {shown} hold {:?}", snapshot(&lobby));
    drop(lobby);
    for second in 1..=5 {
        rooms(1 + second % 2);
        for part in 0..10 {
            hall.look(now_ms + u64::from(second) * 1_000 + part * 100);
        }
    }
    assert_eq!(metrics.social.events.get(), 30_000, "one each and second");
    assert_eq!(metrics.social.lobby_overflows.get(), 5, "10,000 changes are told as the first page");
    hall.depart(people[0].player.id);
    assert_eq!(metrics.social.lobby_watchers.get(), 4_999);
}

fn hall_of(games: &[&str]) -> (Arc<Hall>, Arc<Metrics>) {
    let mut catalog = Catalog::default();
    for game in games {
        catalog.add::<crate::games::relay::Relay>(game);
    }
    let metrics = Arc::new(Metrics::new());
    let directory = Arc::new(Directory::new(10, Clock::new(), Arc::clone(&metrics)));
    let admission = Admission { directory, catalog, node: NodeId(0) };
    (Arc::new(Hall::new(admission, &BTreeMap::new(), Arc::clone(&metrics))), metrics)
}

fn somebody(hall: &Hall, number: u128) -> PlayerId {
    let id = PlayerId::from_random(NodeId(0), number);
    let player = Player { id, name: format!("P{number}") };
    hall.arrive(Arc::new(Occupant::new(player, Mailslot::new(Epoch(1)))));
    id
}

#[test]
fn one_player_watches_so_many_lobbies() {
    let (hall, metrics) = hall_of(&["a", "b", "c", "d"]);
    let zoe = somebody(&hall, 1);
    let watch = |game: Option<&str>, watch: bool| {
        let game = game.map(str::to_owned);
        hall.call(zoe, Call::Watch(Watch { game, watch }), 0).map_err(|error| error.code)
    };
    for game in [None, Some("a"), Some("b"), Some("c")] {
        assert!(watch(game, true).is_ok() && watch(game, true).is_ok(), "twice is once");
    }
    assert_eq!(watch(Some("d"), true).unwrap_err(), "too_many_lobbies");
    assert!(watch(Some("a"), false).is_ok() && watch(Some("d"), true).is_ok());
    assert_eq!(metrics.social.lobby_watchers.get(), 4);
    hall.depart(zoe);
    assert_eq!(metrics.social.lobby_watchers.get(), 0);
    assert_eq!(watch(None, true).unwrap_err(), "session_gone");
}

#[test]
fn two_who_write_all_the_time_do_not_silence_a_third() {
    let (hall, _) = hall_of(&["a"]);
    let [zoe, bo, mo, al] = [1, 2, 3, 4].map(|number| somebody(&hall, number));
    let start_ms = hall.clock().now_ms();
    let write = |from, to, now_ms| {
        let line = Line { place: Place::Player(to), text: "hi".to_owned() };
        hall.call(from, Call::Say(line), now_ms).is_ok()
    };
    let watch = Watch { game: None, watch: true };
    [bo, mo, al]
        .iter()
        .for_each(|player| assert!(hall.call(*player, Call::Watch(watch.clone()), start_ms).is_ok()));
    let say = |from, now_ms| {
        let line = Line { place: Place::Server, text: "hi".to_owned() };
        hall.call(from, Call::Say(line), now_ms).is_ok()
    };
    for now_ms in (start_ms..start_ms + 60_000).step_by(50) {
        for loud in [bo, mo] {
            write(loud, zoe, now_ms);
            say(loud, now_ms);
        }
        if (now_ms - start_ms) % 3_000 == 0 {
            assert!(write(al, zoe, now_ms) && say(al, now_ms), "{now_ms}");
        }
    }
}

#[test]
fn nobody_is_shouted_down_by_many() {
    let (hall, metrics) = hall_of(&["a"]);
    let zoe = somebody(&hall, 0);
    let heard = (1..=100).filter(|number| {
        let line = Line { place: Place::Player(zoe), text: "hi".to_owned() };
        hall.call(somebody(&hall, *number), Call::Say(line), hall.clock().now_ms()).is_ok()
    });
    let heard = heard.count();
    // A few more than the burst when the test takes its time.
    assert!((CHAT_LINES_MAX..CHAT_LINES_MAX + 20).contains(&heard), "{heard}");
    assert_eq!(metrics.social.calls_refused.with_label_values(&["player"]).get(), 100 - heard as u64);
    assert_eq!(hall.person(zoe).unwrap().own().lines.lines(hall.clock().now_ms()).len(), CHAT_LINES_MAX);
}

/// What goes out on the stream of `occupant`: the names of the events, and their data.
fn heard(occupant: &Occupant, reader: &Reader) -> Vec<(String, serde_json::Value)> {
    let mut events = Vec::new();
    while let Chunk::Events { bytes, .. } =
        occupant.mailslot.read(reader, Format::default(), std::task::Waker::noop())
    {
        let dispatch = |frame: sward_protocol::sse::decode::Frame| {
            events.push((frame.name.to_string(), serde_json::from_str(&frame.data).unwrap()));
        };
        Parser::new(1 << 20).feed(&bytes, dispatch).unwrap();
    }
    events
}

#[actix_web::test]
async fn a_question_that_nobody_answers_expires_for_both() {
    let (hall, metrics) = hall_of(&["relay"]);
    let [zoe, bo] = [1, 2].map(|number| hall.person(somebody(&hall, number)).unwrap().occupant.clone());
    let now_ms = hall.clock().now_ms();
    let wish = || Wish { from: Position::Nothing, nonce: None, kind: Kind::Open, format: Format::default() };
    let streams = [&zoe, &bo].map(|occupant| occupant.mailslot.open(wish(), now_ms).unwrap().reader);
    let room = hall.admission.create(&zoe, CreateRoom::of("relay")).await.unwrap().room.id;
    while hall.directory.lobby().host(room).is_none() {
        tokio::task::yield_now().await;
    }
    hall.call(zoe.player.id, Call::Invite(Invite { to: bo.player.id }), now_ms).unwrap();
    hall.call(bo.player.id, Call::Knock(Knock { room: Some(room), code: None }), now_ms).unwrap();
    let asked = [(&zoe, &streams[0]), (&bo, &streams[1])].map(|(occupant, stream)| heard(occupant, stream));
    hall.look(now_ms + 29_999);
    assert_eq!(metrics.social.asks.get(), 2);
    hall.look(now_ms + 30_000);
    assert_eq!(metrics.social.asks.get(), 0);
    for ((occupant, stream), asked) in [&zoe, &bo].into_iter().zip(&streams).zip(asked) {
        let states: Vec<_> = asked
            .into_iter()
            .chain(heard(occupant, stream))
            .filter(|(name, _)| name == "invite" || name == "knock")
            .map(|(name, ask)| {
                format!("{name} {} {}", ask["state"].as_str().unwrap(), ask["pass"].is_string())
            })
            .collect();
        let has_pass = occupant.player.id == bo.player.id;
        let asked = format!("invite asked {has_pass}");
        assert_eq!(
            states,
            [asked.as_str(), "knock asked false", "invite expired false", "knock expired false"]
        );
    }
    let late = AskAnswer { id: 1, accept: true };
    assert_eq!(hall.call(bo.player.id, Call::Answer(late), now_ms + 30_000).unwrap_err().code, "no_such_ask");
    let again = Call::Invite(Invite { to: bo.player.id });
    assert_eq!(hall.call(zoe.player.id, again.clone(), now_ms + 59_999).unwrap_err().code, "asked_lately");
    assert!(hall.call(zoe.player.id, again, now_ms + 60_000).is_ok());
}
