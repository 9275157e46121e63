//! Rooms: join or create, list, leave, move, codes; admission that never overfills.

use serde_json::{Value, json};
use sward_protocol::view::WorldView;

use crate::support::{Connection, Server};

#[test]
fn rooms_fill_before_a_new_one_is_made() {
    let server = Server::start();
    let join = json!({"game": "relay", "create": true, "max_players": 2});
    let players: Vec<_> = (0..5).map(|number| server.player(&format!("P{number}"))).collect();
    let seats: Vec<_> = players.iter().map(|player| player.join(&join)).collect();
    let id = |at: usize| seats[at]["room"]["id"].as_str().unwrap();
    assert_eq!((id(0), id(2)), (id(1), id(3)));
    assert!(id(0) != id(2) && id(2) != id(4));
    assert_eq!([&seats[0]["seat"], &seats[1]["seat"], &seats[2]["seat"]], [1, 2, 1]);
    let listed = server.get("/v1/rooms?game=relay").json();
    let counts: Vec<_> =
        listed["rooms"].as_array().unwrap().iter().map(|room| room["players"].clone()).collect();
    assert_eq!(counts, [2, 2, 1]);
}

#[test]
fn two_hundred_at_once_make_rooms_of_ten_and_never_eleven() {
    let server = Server::start();
    let players: Vec<_> = (0..200).map(|number| server.player(&format!("P{number}"))).collect();
    let join = json!({"game": "relay", "create": true, "max_players": 10});
    let seats: Vec<Value> = std::thread::scope(|scope| {
        let threads: Vec<_> = players.iter().map(|player| scope.spawn(|| player.join(&join))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let mut taken = std::collections::BTreeMap::<String, Vec<u64>>::new();
    for seat in &seats {
        let room = seat["room"]["id"].as_str().unwrap().to_owned();
        taken.entry(room).or_default().push(seat["seat"].as_u64().unwrap());
    }
    for seats in taken.values_mut() {
        seats.sort_unstable();
        assert_eq!(*seats, (1..=10).collect::<Vec<_>>());
    }
    assert_eq!(taken.len(), 20);
    assert_eq!(server.metric("sward_rooms"), Some(20));
}

#[test]
fn a_room_that_cannot_show_more_players_refuses_and_the_crowd_goes_on_elsewhere() {
    let server = Server::start();
    let me = "x".repeat(1000);
    let join = json!({"game": "relay", "create": true, "max_players": 1000, "me": me});
    let players: Vec<_> = (0..700).map(|number| server.player(&format!("P{number}"))).collect();
    let rooms: std::collections::BTreeSet<_> =
        players.iter().map(|player| player.join(&join)["room"]["id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(rooms.len(), 2);
    assert_eq!(server.metric("sward_rooms_failed_total"), Some(0));
    let mut stream = players[0].stream();
    // The window holds far fewer than the hundreds of `here` that he missed.
    stream.expect("reset");
    let shown = stream.expect("joined")["players"].as_array().unwrap().len();
    assert!((600..700).contains(&shown), "{shown}");
}

#[test]
fn everybody_hears_who_comes_and_goes() {
    let server = Server::start();
    let (zoe, bo) = (server.player("Zoë 🦊"), server.player("محمد"));
    let mut zoes = zoe.stream();
    let join = json!({"game": "relay", "create": true, "me": {"animal": "fox"}});
    zoe.join(&join);
    let joined = zoes.expect("joined");
    assert_eq!((&joined["seat"], &joined["state"]), (&json!(1), &json!({"room": {}, "seats": {}})));
    assert_eq!(joined["players"][0]["name"], "Zoë 🦊");
    bo.join(&join);
    let here = zoes.expect("here");
    assert_eq!(
        (&here["seat"], &here["name"], &here["me"]),
        (&json!(2), &json!("محمد"), &json!({"animal": "fox"}))
    );
    let mut bos = bo.stream();
    assert_eq!(bos.expect("joined")["players"].as_array().unwrap().len(), 2);
    zoe.send(&json!({"type": "chat", "data": {"text": " สวัสดี "}}));
    for stream in [&mut zoes, &mut bos] {
        let line = stream.expect("chat");
        assert_eq!(
            (&line["from"], &line["scope"], &line["text"]),
            (&json!(1), &json!("room"), &json!("สวัสดี"))
        );
        assert_eq!(line["player"], zoe.session["player"]);
    }
    assert_eq!(bo.post("/v1/leave", &json!({})).json(), json!({"left": true}));
    assert_eq!(bos.expect("gone"), json!({"seat": 2, "why": "left"}));
    assert_eq!(zoes.expect("gone"), json!({"seat": 2, "why": "left"}));
    assert_eq!(bo.post("/v1/leave", &json!({})).json(), json!({"left": false}));
    zoe.send(&json!({"type": "wave"}));
    bo.send(&json!({"type": "sward.ping", "data": 1}));
    bos.expect("pong");
}

#[test]
fn joining_again_is_the_same_seat_and_joining_another_moves() {
    let server = Server::start();
    let (zoe, bo) = (server.player("Zoë"), server.player("Bo"));
    let join = json!({"game": "relay", "create": true});
    let first = zoe.join(&join);
    assert_eq!(zoe.join(&join), first);
    let room = first["room"]["id"].as_str().unwrap();
    assert_eq!(zoe.post(&format!("/v1/rooms/{room}/join"), &json!({})).json()["seat"], 1);
    let mut bos = bo.stream();
    bo.join(&join);
    bos.expect("joined");

    let mut zoes = zoe.stream();
    zoes.expect("joined");
    let second = zoe.post("/v1/rooms", &json!({"game": "relay", "max_players": 1, "name": "Nest"})).json();
    assert_eq!(second["room"]["name"], "Nest");
    assert_eq!(bos.expect("gone"), json!({"seat": 1, "why": "moved"}));
    assert_eq!(bos.expect("room"), json!({"owner": 2}), "it is his room now");
    assert_eq!(zoes.await_event("joined")["room"]["name"], "Nest");

    let nest = second["room"]["id"].as_str().unwrap();
    let refused = bo.post(&format!("/v1/rooms/{nest}/join"), &json!({}));
    assert_eq!((refused.status, refused.code().as_str()), (409, "room_full"));
    bo.send(&json!({"type": "wave", "to": "all"}));
    assert_eq!(bos.expect("msg")["from"], 2, "a refusal leaves the old seat");
}

#[test]
fn rooms_are_found_by_code_filter_and_page() {
    let server = Server::start();
    let (zoe, bo, mo) = (server.player("Zoë"), server.player("Bo"), server.player("Mo"));
    let hill = json!({"game": "relay", "create": true, "meta": {"map": "hill"}, "filter": {"map": "hill"}});
    let made = zoe.join(&hill);
    let private = bo.post("/v1/rooms", &json!({"game": "relay", "private": true})).json();
    let code = private["room"]["code"].as_str().unwrap();
    assert_eq!(mo.join(&json!({"code": code.to_lowercase()}))["seat"], 2);
    assert_eq!(mo.join(&hill)["room"]["id"], made["room"]["id"]);
    let dale = mo.post("/v1/join", &json!({"game": "relay", "filter": {"map": "dale"}}));
    assert_eq!((dale.status, dale.code().as_str()), (404, "room_not_found"));

    let list = server.get("/v1/rooms?game=relay&limit=1");
    assert_eq!(list.json()["rooms"][0]["meta"], json!({"map": "hill"}));
    assert_eq!(list.json()["next"], json!(null), "the private one is not listed");
    let tag = list.header("etag").unwrap();
    let again = server.request("GET", "/v1/rooms?game=relay&limit=1", &[("If-None-Match", tag)], b"");
    assert_eq!((again.status, again.body.len()), (304, 0));
    let weak = format!("\"x\", W/{tag}");
    let again = server.request("GET", "/v1/rooms?game=relay&limit=1", &[("If-None-Match", &weak)], b"");
    assert_eq!(again.status, 304, "as a proxy asks that weakens tags");
    let id = private["room"]["id"].as_str().unwrap();
    assert_eq!(server.get(&format!("/v1/rooms/{id}")).json()["room"]["players"], 1);
    assert_eq!(server.get("/v1/rooms/nonsense").code(), "room_not_found");
}

#[test]
fn an_empty_room_leaves_the_list_at_once_and_is_disposed() {
    let server = Server::start();
    let zoe = server.player("Zoë");
    zoe.join(&json!({"game": "meadow", "create": true}));
    assert_eq!(server.metric("sward_rooms"), Some(1));
    zoe.post("/v1/leave", &json!({}));
    assert_eq!(server.get("/v1/rooms").json()["rooms"], json!([]));
    server.await_metric("sward_rooms", 0);
}

#[test]
fn the_bound_on_rooms_is_told() {
    let server = Server::start_with(&["--max-rooms", "1"]);
    let (zoe, bo) = (server.player("Zoë"), server.player("Bo"));
    zoe.join(&json!({"game": "relay", "create": true}));
    let refused = bo.post("/v1/rooms", &json!({"game": "relay"}));
    assert_eq!((refused.status, refused.code().as_str()), (503, "server_full"));
    assert_eq!(refused.header("retry-after"), Some("1"));
}

#[test]
fn meadow_is_played_over_the_wire() {
    let server = Server::start();
    let (zoe, bo) = (server.player("Zoë"), server.player("Bo"));
    let join = json!({"game": "meadow", "create": true, "me": {"animal": "fox"}});
    zoe.join(&join);
    bo.join(&join);
    let mut stream = bo.stream();
    let mut state = stream.expect("joined")["state"].clone();
    assert_eq!((&state["width"], &state["bag_max"]), (&json!(4800.0), &json!(8)));
    let mut world = WorldView::of(state["world"].take());
    let zoe_in = |world: &WorldView| {
        let mut animals = world.entities().values().filter(|seen| seen.kind == "animal");
        animals.find(|seen| seen.fields["seat"] == 1).unwrap().fields.clone()
    };
    let at = zoe_in(&world);
    let x = at["x"].as_f64().unwrap() + 5.0;
    let moved =
        zoe.send(&json!({"src": "k", "seq": 1, "msgs": [{"type": "move", "data": {"x": x, "y": at["y"]}}]}));
    assert_eq!(moved.json()["ack"], 1);
    while (zoe_in(&world)["x"].as_f64().unwrap() - x).abs() > 0.1 {
        world.apply(stream.await_event("patch"));
    }
    let teleport =
        zoe.send(&json!({"src": "k", "seq": 2, "msgs": [{"type": "move", "data": {"x": 0, "y": 0}}]}));
    assert_eq!(teleport.status, 200);
    let unknown = zoe.send(&json!({"type": "fly"}));
    assert_eq!((unknown.status, unknown.code().as_str()), (422, "unknown_type"));
}

#[test]
fn a_key_makes_a_request_safe_to_send_again() {
    let server = Server::start();
    let session = |name: &str, key: &str| {
        let response = server.post("/v1/sessions", &json!({"name": name, "key": key}));
        assert_eq!(response.status, 201, "{}", response.text());
        response.json()
    };
    let first = session("Zoë", "k1");
    assert_eq!(session("Zoë", "k1"), first);
    assert_ne!(session("Bo", "k1")["token"], first["token"], "a key is worth something with its name only");
    assert_ne!(session("Zoë", "k2")["token"], first["token"]);
    server.await_metric("sward_sessions", 3);
    assert_eq!(server.post("/v1/sessions", &json!({"name": "Zoë", "key": ""})).code(), "bad_body");

    let (zoe, bo) = (server.player("Zoë"), server.player("Bo"));
    let make = |key: &str| zoe.post("/v1/rooms", &json!({"game": "relay", "key": key})).json();
    let room = make("r1");
    assert_eq!(make("r1"), room);
    assert_eq!(server.metric("sward_rooms"), Some(1));
    let join = json!({"code": room["room"]["code"], "key": "j1"});
    let seated = bo.join(&join);
    bo.post("/v1/leave", &json!({}));
    // A proxy sends the join once more, long after: nobody is put back into the room.
    assert_eq!(bo.join(&join), seated);
    assert_eq!(bo.post("/v1/leave", &json!({})).json()["left"], false);
    // What failed may be tried again with its key.
    let by_id =
        |id: &Value| bo.post(&format!("/v1/rooms/{}/join", id.as_str().unwrap()), &json!({"key": "j2"}));
    assert_eq!(by_id(&json!("nowhere")).code(), "room_not_found");
    assert_eq!(by_id(&room["room"]["id"]).status, 200);
    assert_eq!(bo.post("/v1/join", &json!({"game": "relay", "key": "k".repeat(65)})).code(), "bad_body");
}

#[test]
fn a_doubled_new_room_is_one_room_also_when_both_come_at_once_and_one_client_leaves() {
    let server = Server::start();
    let zoe = server.player("Zoë");
    let body = json!({"game": "relay", "key": "once"}).to_string();
    for _ in 0..4 {
        let mut connection = Connection::open(server.address);
        connection.send("POST", &zoe.path("/v1/rooms"), "HTTP/1.1", &[], body.as_bytes());
        drop(connection);
    }
    let rooms: Vec<Value> = std::thread::scope(|scope| {
        let make = || zoe.post("/v1/rooms", &json!({"game": "relay", "key": "once"})).json();
        let asked: Vec<_> = (0..8).map(|_| scope.spawn(make)).collect();
        asked.into_iter().map(|asked| asked.join().unwrap()).collect()
    });
    assert!(rooms.iter().all(|room| *room == rooms[0]), "{rooms:?}");
    assert_eq!(server.metric("sward_rooms"), Some(1));
}

#[test]
fn five_thousand_who_join_at_once_all_have_a_seat_and_none_has_two() {
    let server = Server::start_with(&["--max-players", "6000"]);
    let (threads, each) = (8, 625);
    let body = json!({"game": "relay", "create": true, "max_players": 10, "filter": {"map": "hill"}, "meta": {"map": "hill"}});
    let seats: Vec<(String, u64)> = std::thread::scope(|scope| {
        let storm = || {
            // One connection each: what is measured is the server, not its accepting.
            let mut connection = Connection::open(server.address);
            let mut ask = |path: &str, body: &Value| {
                connection.send("POST", path, "HTTP/1.1", &[], body.to_string().as_bytes());
                connection.response().json()
            };
            let tokens: Vec<_> = (0..each)
                .map(|_| ask("/v1/sessions", &json!({"name": "P"}))["token"].as_str().unwrap().to_owned())
                .collect();
            let join = |token: String| {
                let seated = ask(&format!("/v1/join?token={token}"), &body);
                (seated["room"]["id"].as_str().unwrap().to_owned(), seated["seat"].as_u64().unwrap())
            };
            tokens.into_iter().map(join).collect::<Vec<_>>()
        };
        let storms: Vec<_> = (0..threads).map(|_| scope.spawn(storm)).collect();
        storms.into_iter().flat_map(|storm| storm.join().unwrap()).collect()
    });
    let distinct: std::collections::BTreeSet<_> = seats.iter().collect();
    assert_eq!((seats.len(), distinct.len()), (5_000, 5_000));
    assert!(seats.iter().all(|(_, seat)| (1..=10).contains(seat)));
    assert_eq!(server.metric("sward_rooms"), Some(500), "each room is filled before another is made");
    let page = server.get("/v1/rooms?game=relay&limit=100").json();
    assert!(page["rooms"].as_array().unwrap().iter().all(|room| room["players"] == 10));
}
