//! What a relay keeps for who comes later, and what is said when somebody is gone.

use serde_json::json;

use crate::support::Server;

#[test]
fn who_comes_later_sees_what_is_kept_and_hears_the_will_of_who_goes() {
    let server = Server::start();
    let (zoe, bo) = (server.player("Zoë"), server.player("Bo"));
    let room = zoe.post(
        "/v1/rooms",
        &json!({"game": "relay", "options": {"public_delay_ms": 0}, "will": {"type": "bye", "data": 7}}),
    );
    let id = room.json()["room"]["id"].as_str().unwrap().to_owned();
    zoe.send(&json!({"type": "hat", "data": "red", "keep": "hat"}));
    zoe.send(&json!({"type": "board", "data": [1, 2], "keep": {"name": "board", "scope": "room"}}));
    bo.join(&json!({"game": "relay"}));
    let mut bos = bo.stream();
    let kept = json!({"room": {"board": [1, 2]}, "seats": {"1": {"hat": "red"}}});
    assert_eq!(bos.expect("joined")["state"], kept);
    assert_eq!(server.get(&format!("/v1/rooms/{id}/state")).json()["state"], kept);
    zoe.post("/v1/bye", &json!({}));
    assert_eq!(bos.expect("gone")["seat"], 1);
    assert_eq!(bos.expect("msg"), json!({"from": 1, "type": "bye", "data": 7}));
    let shown = server.get(&format!("/v1/rooms/{id}/state")).json();
    assert_eq!(shown["state"], json!({"room": {"board": [1, 2]}, "seats": {}}));
}

#[test]
fn a_will_that_cannot_be_said_is_refused_and_no_seat_is_given() {
    let server = Server::start();
    let zoe = server.player("Zoë");
    for will in [
        json!({"data": 1}),
        json!("bye"),
        json!({"type": ""}),
        json!({"type": "chat", "data": {"text": "hi"}}),
        json!({"type": "bye", "data": "x".repeat(1100)}),
    ] {
        let response = zoe.post("/v1/join", &json!({"game": "relay", "create": true, "will": will}));
        assert_eq!((response.status, response.code().as_str()), (422, "bad_body"), "{will}");
    }
    assert_eq!(zoe.post("/v1/leave", &json!({})).json(), json!({"left": false}));
}
