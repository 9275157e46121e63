//! Away, back and gone: who is there while connections come and go.

use serde_json::json;

use crate::support::Server;

const JOIN: &str = r#"{"game":"relay","create":true}"#;

/// Zoë watches Bo; both sit in one room.
fn watched(server: &Server) -> (crate::support::Stream, crate::support::Player<'_>) {
    let join = serde_json::from_str(JOIN).unwrap();
    let (zoe, bo) = (server.player("Zoë"), server.player("Bo"));
    zoe.join(&join);
    bo.join(&join);
    let mut stream = zoe.stream();
    stream.expect("joined");
    stream.expect("here");
    (stream, bo)
}

#[test]
fn a_lost_stream_is_away_then_back_with_the_same_seat() {
    let server = Server::start();
    let (mut zoes, bo) = watched(&server);
    bo.stream().cut();
    assert_eq!(zoes.expect("away"), json!({"seat": 2, "why": "lost"}));
    let mut again = bo.stream();
    let joined = again.expect("joined");
    assert_eq!(joined["seat"], 2);
    assert_eq!(zoes.expect("back"), json!({"seat": 2}));
}

#[test]
fn who_is_away_from_the_keyboard_is_so_until_he_says_otherwise_whatever_his_connection_does() {
    let server = Server::start();
    let (mut zoes, bo) = watched(&server);
    let mut bos = bo.stream();
    bos.expect("joined");
    let (keyboard, lost) = (json!({"seat": 2, "why": "keyboard"}), json!({"seat": 2, "why": "lost"}));
    let say = |kind: &str| {
        let reply =
            bo.send(&json!({"src": kind, "seq": 1, "msgs": [{"type": kind, "rid": 1}, {"type": kind}]}));
        assert_eq!(reply.json()["replies"], json!([{"i": 0, "rid": 1, "data": null}]));
    };
    say("sward.away");
    assert_eq!([zoes.expect("away"), bos.expect("away")], [keyboard.clone(), keyboard.clone()]);
    bo.send(&json!({"type": "wave"}));
    zoes.expect("msg");
    let late = server.player("Mo");
    let room = late.join(&serde_json::from_str(JOIN).unwrap())["room"].clone();
    let bo_as_seen = late.stream().expect("joined")["players"][1].clone();
    assert_eq!((&bo_as_seen["away"], &bo_as_seen["why"]), (&json!(true), &json!("keyboard")));
    late.post("/v1/bye", &json!({}));
    zoes.expect("here");
    zoes.expect("gone");

    // Lost, and there again: on the old stream's heels, with all that was said meanwhile.
    let last = bos.last_id.clone();
    bos.cut();
    assert_eq!(zoes.expect("away"), lost);
    let mut bos = bo.stream_with(&format!("&last={last}"));
    assert_eq!(zoes.expect("away"), keyboard, "his connection is there, and he is not");
    assert_eq!(bos.await_event("away"), lost);
    assert_eq!(bos.expect("away"), keyboard);

    // He says so while his connection is lost: it is news when it is there again.
    bos.cut();
    assert_eq!(zoes.expect("away"), lost);
    say("sward.back");
    let mut bos = bo.stream();
    bos.expect("joined");
    assert_eq!(zoes.expect("back"), json!({"seat": 2}));

    // Another seat is a new beginning.
    bo.send(&json!({"type": "sward.away"}));
    zoes.expect("away");
    bo.post("/v1/leave", &json!({}));
    zoes.expect("gone");
    let refused = bo.send(&json!({"type": "sward.back"}));
    assert_eq!((refused.status, refused.code().as_str()), (409, "not_in_room"));
    bo.join(&json!({"code": room["code"]}));
    zoes.expect("here");
    let state = bo.stream().expect("joined");
    assert_eq!((&state["players"][1]["away"], state["players"][1].get("why")), (&json!(false), None));
}

#[test]
fn a_room_waits_for_who_is_away_from_the_keyboard_where_its_game_wants_it_so() {
    let server = Server::start();
    let (zoe, bo) = (server.player("Zoë"), server.player("Bo"));
    let options = json!({"start": {"min_players": 2, "all": true}, "pause": true});
    let made = zoe.post("/v1/rooms", &json!({"game": "relay", "options": options})).json();
    bo.join(&json!({"code": made["room"]["code"]}));
    let mut bos = bo.stream();
    bos.expect("joined");
    let say = |player: &crate::support::Player<'_>, kind: &str| player.send(&json!({"type": kind}));
    say(&zoe, "sward.away");
    bos.expect("away");
    assert_eq!(say(&zoe, "sward.start").code(), "somebody_away", "the owner himself");
    say(&zoe, "sward.back");
    bos.expect("back");
    assert_eq!(say(&zoe, "sward.start").status, 200);
    bos.expect("start");
    bos.expect("room");
    for (kind, event, phase) in [("sward.away", "away", "paused"), ("sward.back", "back", "playing")] {
        say(&zoe, kind);
        assert_eq!(bos.expect(event)["seat"], 1);
        assert_eq!(bos.expect("room"), json!({"phase": phase}));
    }
}

#[test]
fn a_player_who_does_not_come_back_is_gone_after_grace() {
    let server = Server::start_with(&["--grace-ms", "3000"]);
    let (mut zoes, bo) = watched(&server);
    bo.stream().cut();
    zoes.expect("away");
    assert_eq!(zoes.expect("gone"), json!({"seat": 2, "why": "lost"}));
    assert_eq!(server.get(&bo.path("/v1/stream")).status, 204);
    server.await_metric("sward_sessions", 1);
    server.await_metric("sward_streams", 1);
}

#[test]
fn bye_frees_the_seat_at_once_and_with_a_wait_a_reload_keeps_it() {
    let server = Server::start();
    let (mut zoes, bo) = watched(&server);
    let mut stream = bo.stream();
    stream.expect("joined");
    // `sendBeacon` posts text/plain, with whatever body.
    let beacon = server.request(
        "POST",
        &bo.path("/v1/bye?wait_ms=5000"),
        &[("Content-Type", "text/plain;charset=UTF-8")],
        b"anything",
    );
    assert_eq!(beacon.status, 200);
    zoes.expect("away");
    bo.stream().expect("joined");
    zoes.expect("back");
    bo.post("/v1/bye", &json!({}));
    assert_eq!(zoes.expect("gone"), json!({"seat": 2, "why": "left"}));
}

#[test]
fn a_farewell_that_arrives_after_the_reloaded_page_does_no_harm() {
    let server = Server::start();
    let (mut zoes, bo) = watched(&server);
    let _old = bo.stream_with("&n=old");
    let mut new = bo.stream_with("&n=new");
    new.expect("joined");
    assert_eq!(bo.post("/v1/bye?wait_ms=1&n=old", &json!({})).status, 200);
    bo.send(&json!({"type": "wave"}));
    assert_eq!(zoes.expect("msg")["from"], 2, "nobody was away");
    bo.post("/v1/bye?wait_ms=1&n=new", &json!({}));
    zoes.expect("away");
    assert_eq!(zoes.expect("gone")["why"], "left");
}

#[test]
fn a_player_who_never_opened_a_stream_is_gone_after_grace() {
    let server = Server::start_with(&["--grace-ms", "1000"]);
    let (mut zoes, _bo) = watched(&server);
    assert_eq!(zoes.expect("gone"), json!({"seat": 2, "why": "lost"}));
}

#[test]
fn after_a_thousand_reconnects_the_gauges_stand_where_they_stood() {
    let server = Server::start();
    let zoe = server.player("Zoë");
    zoe.join(&serde_json::from_str(JOIN).unwrap());
    for round in 0..1000 {
        let stream = zoe.stream_with(&format!("&n={round}"));
        if round % 2 == 0 {
            stream.cut();
        }
    }
    let _stream = zoe.stream();
    server.await_metric("sward_streams", 1);
    assert_eq!(server.metric("sward_sessions"), Some(1));
    assert_eq!(server.metric("sward_rooms"), Some(1));
    assert_eq!(server.metric("sward_openings_refused_total"), Some(0));
}
