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
