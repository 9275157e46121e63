//! Rooms that show themselves to who has no seat.

use serde_json::{Value, json};

use crate::support::{Player, Server, Stream};

fn open(zoe: &Player<'_>, options: &Value) -> String {
    let seated =
        zoe.join(&json!({"game": "relay", "create": true, "me": {"animal": "fox"}, "options": options}));
    seated["room"]["id"].as_str().unwrap().to_owned()
}

fn watch(server: &Server, room: &str, options: &str) -> Stream {
    let stream = Stream::open(server, &format!("/v1/rooms/{room}/watch?n=1"), options);
    assert_eq!(stream.status, 200);
    stream
}

#[test]
fn who_watches_hears_what_all_hear_and_costs_no_seat() {
    let server = Server::start();
    let (zoe, bo) = (server.player("Zoë"), server.player("Bo"));
    let room = open(&zoe, &json!({"public_delay_ms": 0}));
    bo.join(&json!({"game": "relay"}));
    let mut guest = watch(&server, &room, "");
    let hello = guest.expect("hello");
    assert_eq!(hello["player"], json!(null));
    assert_eq!(hello["room"], json!({"id": room, "seat": null}));
    let joined = guest.expect("joined");
    assert_eq!((&joined["seat"], &joined["room"]["players"]), (&json!(null), &json!(2)));
    assert_eq!(joined["players"][0]["me"], json!({"animal": "fox"}));
    zoe.send(&json!({"type": "secret", "data": 1, "to": 2}));
    zoe.send(&json!({"type": "wave", "data": 2}));
    zoe.send(&json!({"type": "chat", "data": {"text": "hi"}}));
    assert_eq!(guest.expect("msg"), json!({"from": 1, "type": "wave", "data": 2}));
    assert_eq!(guest.expect("chat")["text"], "hi");
    // Another form, and one who comes later: the same.
    let mut late = watch(&server, &room, "&batch=1&rung=0");
    late.expect("hello");
    let batch = late.next().unwrap();
    assert_eq!((batch.0.as_str(), &batch.1[0][0]), ("batch", &json!("joined")));
    bo.post("/v1/leave", &json!({}));
    assert_eq!(guest.expect("gone"), json!({"seat": 2, "why": "left"}));
    let listed = server.get(&format!("/v1/rooms/{room}")).json();
    assert_eq!(listed["room"]["players"], 1);
    // They do not keep the room open, and are told its end.
    zoe.post("/v1/leave", &json!({}));
    assert_eq!(guest.await_event("bye")["reason"], "ended");
    server.await_metric("sward_rooms", 0);
    drop(late);
    server.await_metric("sward_streams", 0);
}

#[test]
fn the_public_state_is_there_for_a_get_and_known_by_its_tag() {
    let server = Server::start();
    let zoe = server.player("Zoë");
    let room = open(&zoe, &json!({"public_delay_ms": 0}));
    let path = format!("/v1/rooms/{room}/state");
    let response = server.get(&path);
    let view = response.json();
    assert_eq!(
        (&view["players"][0]["name"], &view["state"]),
        (&json!("Zoë"), &json!({"room": {}, "seats": {}}))
    );
    let tag = response.header("etag").unwrap().to_owned();
    assert_eq!(server.request("GET", &path, &[("If-None-Match", &tag)], b"").status, 304);
    server.player("Bo").join(&json!({"game": "relay"}));
    assert_eq!(server.request("GET", &path, &[("If-None-Match", &tag)], b"").status, 200);
    let meadow = server.player("Cy").join(&json!({"game": "meadow", "create": true}));
    let meadow = server.get(&format!("/v1/rooms/{}/state", meadow["room"]["id"].as_str().unwrap())).json();
    let seen = meadow["state"]["world"]["world"].as_array().unwrap();
    assert_eq!(seen.iter().filter(|piece| piece["is"] == "animal").count(), 1);
}

#[test]
fn a_room_that_is_not_public_shows_nothing_and_one_that_is_later_shows_nothing_early() {
    let server = Server::start();
    let zoe = server.player("Zoë");
    let hidden = open(&zoe, &json!({}));
    for path in ["state", "watch"] {
        let response = server.get(&format!("/v1/rooms/{hidden}/{path}"));
        assert_eq!((response.status, response.code().as_str()), (403, "not_public"), "{path}");
    }
    let guarded = json!({"game": "relay", "password": "moo", "options": {"public_delay_ms": 0}});
    let guarded = server.player("Cy").post("/v1/rooms", &guarded).json();
    let path = format!("/v1/rooms/{}/watch", guarded["room"]["id"].as_str().unwrap());
    assert_eq!(server.get(&path).code(), "not_public", "who needs a password to get in needs it to see");
    let bo = server.player("Bo");
    let later = bo.post("/v1/rooms", &json!({"game": "relay", "options": {"public_delay_ms": 1_000}})).json();
    let later = later["room"]["id"].as_str().unwrap();
    assert_eq!(server.get(&format!("/v1/rooms/{later}/state")).code(), "not_public");
    let began = std::time::Instant::now();
    let mut guest = watch(&server, later, "");
    guest.expect("hello");
    bo.send(&json!({"type": "wave", "data": 1}));
    guest.expect("joined");
    guest.expect("msg");
    assert!(began.elapsed() >= std::time::Duration::from_secs(1), "{:?}", began.elapsed());
}

#[test]
fn who_comes_to_watch_later_begins_with_the_state_of_now() {
    let server = Server::start();
    let zoe = server.player("Zoë");
    let room = open(&zoe, &json!({"public_delay_ms": 0}));
    let mut first = watch(&server, &room, "");
    first.await_event("joined");
    for number in 1..=20 {
        zoe.send(&json!({"type": "move", "data": number, "keep": "pos"}));
    }
    let mut second = watch(&server, &room, "");
    let joined = second.await_event("joined");
    assert_eq!(joined["state"]["seats"]["1"]["pos"], 20, "{joined}");
    zoe.send(&json!({"type": "move", "data": 21, "keep": "pos"}));
    assert_eq!(second.expect("msg")["data"], 21, "and hears nothing that is in it again");
    for number in 1..=21 {
        assert_eq!(first.expect("msg")["data"], number);
    }
}

#[test]
fn a_crowd_that_only_looks_keeps_nobody_from_playing() {
    let server = Server::start();
    let zoe = server.player("Zoë");
    let room = open(&zoe, &json!({"public_delay_ms": 0}));
    let large = "x".repeat(900);
    for number in 0..16 {
        let sent = json!({"type": "kept", "data": large, "keep": format!("k{number}")});
        assert_eq!(zoe.send(&sent).status, 200);
    }
    let path = format!("/v1/rooms/{room}/state");
    let is_over = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        let lookers: Vec<_> = (0..8)
            .map(|_| {
                scope.spawn(|| {
                    let mut looks = 0;
                    while !is_over.load(std::sync::atomic::Ordering::Relaxed) {
                        assert_eq!(server.get(&path).status, 200);
                        looks += 1;
                    }
                    looks
                })
            })
            .collect();
        for number in 0..40 {
            let sent = zoe.send(&json!({"type": "move", "data": number}));
            assert_eq!((number, sent.status), (number, 200));
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        is_over.store(true, std::sync::atomic::Ordering::Relaxed);
        let looks: u32 = lookers.into_iter().map(|looker| looker.join().unwrap()).sum();
        assert!(looks > 200, "{looks} looks: no crowd");
    });
    assert_eq!(server.metric("sward_errors_total{code=\"room_busy\"}").unwrap_or(0), 0);
}

#[test]
fn bad_wishes_have_their_code() {
    let server = Server::start();
    let zoe = server.player("Zoë");
    let room = open(&zoe, &json!({"public_delay_ms": 0}));
    for (path, code) in [
        ("/v1/rooms/none/watch".to_owned(), "room_not_found"),
        ("/v1/rooms/none/state".to_owned(), "room_not_found"),
        (format!("/v1/rooms/{room}/watch?mode=drain"), "bad_query"),
        (format!("/v1/rooms/{room}/watch?beat=soon"), "bad_query"),
    ] {
        assert_eq!(server.get(&path).code(), code, "{path}");
    }
    let response = server
        .player("Bo")
        .post("/v1/rooms", &json!({"game": "relay", "options": {"public_delay_ms": 120_001}}));
    assert_eq!(response.code(), "bad_options");
}

#[test]
fn one_too_many_is_told_by_the_stream_to_come_back() {
    let server = Server::start();
    let room = open(&server.player("Zoë"), &json!({"public_delay_ms": 0}));
    let guests: Vec<Stream> = (0..1_000).map(|_| watch(&server, &room, "")).collect();
    let (name, bye) = watch(&server, &room, "").next().unwrap();
    assert_eq!((name.as_str(), &bye["code"]), ("bye", &json!(3013)), "{bye}");
    assert!(bye["retry_ms"].as_u64().unwrap() > 0);
    drop(guests);
}

#[test]
fn who_watches_is_told_when_the_server_stops() {
    let mut server = Server::start();
    let zoe = server.player("Zoë");
    let room = open(&zoe, &json!({"public_delay_ms": 0}));
    let mut guest = watch(&server, &room, "");
    guest.await_event("joined");
    server.terminate();
    assert_eq!(guest.await_event("bye")["code"], 3001);
    assert!(server.wait().success());
}
