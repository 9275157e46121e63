//! What an operator says, and who hears it.

use serde_json::{Value, json};

use crate::support::{Response, Server};

const SECRET: &str = "0123456789abcdef0123";

fn server() -> Server {
    Server::start_with(&["--admin-secret", SECRET])
}

fn ask(server: &Server, method: &str, path: &str, body: &Value) -> Response {
    let bearer = format!("Bearer {SECRET}");
    server.request(method, path, &[("Authorization", &bearer)], body.to_string().as_bytes())
}

fn warn(server: &Server, body: &Value) -> Value {
    let response = ask(server, "POST", "/v1/admin/warn", body);
    assert_eq!(response.status, 200, "{}", response.text());
    response.json()
}

#[test]
fn nobody_is_an_operator_without_the_secret() {
    let closed = Server::start();
    assert_eq!(ask(&closed, "GET", "/v1/admin/warn", &json!({})).code(), "not_found");
    let server = server();
    for headers in [
        &[][..],
        &[("Authorization", "Bearer")],
        &[("Authorization", "Bearer 0123456789abcdef0124")],
        &[("Authorization", "Basic 0123456789abcdef0123")],
    ] {
        for method in ["GET", "POST"] {
            let response = server.request(method, "/v1/admin/warn", headers, b"{}");
            assert_eq!((response.status, response.code().as_str()), (401, "bad_secret"), "{headers:?}");
        }
    }
    let in_query = server.get(&format!("/v1/admin/warn?token={SECRET}"));
    assert_eq!(in_query.code(), "bad_secret", "queries are logged on their way");
}

#[test]
fn everybody_hears_a_warning_and_who_comes_later_too() {
    let server = server();
    let zoe = server.player("Zoë");
    let mut stream = zoe.stream();
    assert_eq!(warn(&server, &json!({"level": "boot", "text": "Back in a minute"})), json!({"players": 1}));
    let said = json!({"level": "boot", "scope": "all", "text": "Back in a minute"});
    assert_eq!(stream.expect("warn"), said);
    // Resumed: it was told.
    let last = stream.last_id.clone();
    let mut resumed = zoe.stream_with(&format!("&last={last}"));
    zoe.send(&json!({"type": "sward.ping", "data": 1}));
    resumed.expect("pong");
    // A page that was reloaded knows nothing.
    let mut fresh = zoe.stream();
    assert_eq!(fresh.expect("warn"), said);
    let bo = server.player("Bo");
    let mut late = bo.stream();
    assert_eq!(late.expect("warn"), said);
    assert_eq!(warn(&server, &json!({"level": "none"})), json!({"players": 2}));
    assert_eq!(late.expect("warn"), json!({"level": "none", "scope": "all", "text": ""}));
    let cy = server.player("Cy");
    let mut after = cy.stream();
    cy.send(&json!({"type": "sward.ping", "data": 1}));
    after.expect("pong");
    assert_eq!(ask(&server, "GET", "/v1/admin/warn", &json!({})).json(), json!({"warnings": []}));
}

#[test]
fn a_warning_for_a_room_or_a_game_is_heard_there() {
    let server = server();
    let (zoe, bo) = (server.player("Zoë"), server.player("Bo"));
    let joined = zoe.join(&json!({"game": "relay", "create": true}));
    let room = &joined["room"]["id"];
    let (mut in_room, mut outside) = (zoe.stream(), bo.stream());
    in_room.await_event("joined");
    let told = warn(&server, &json!({"level": "info", "text": "here", "room": room}));
    assert_eq!(told, json!({"players": 1}));
    warn(&server, &json!({"level": "info", "text": "in relay", "game": "relay"}));
    let here = json!({"level": "info", "scope": "room", "text": "here"});
    let in_relay = json!({"level": "info", "scope": "game", "text": "in relay"});
    assert_eq!((in_room.expect("warn"), in_room.expect("warn")), (here.clone(), in_relay.clone()));
    bo.join(&json!({"game": "relay"}));
    outside.expect("joined");
    assert_eq!((outside.expect("warn"), outside.expect("warn")), (in_relay.clone(), here.clone()));
    // Nothing of the room is lost with a reload either.
    let mut fresh = bo.stream();
    assert_eq!((fresh.expect("warn"), fresh.expect("warn")), (in_relay, here));
    let listed = ask(&server, "GET", "/v1/admin/warn", &json!({})).json();
    assert_eq!(listed["warnings"][1], json!({"level": "info", "text": "here", "room": room}));
    // What stands for a room ends with it.
    zoe.post("/v1/leave", &json!({}));
    bo.post("/v1/leave", &json!({}));
    server.await_metric("sward_rooms", 0);
    let listed = ask(&server, "GET", "/v1/admin/warn", &json!({})).json();
    assert_eq!(listed["warnings"].as_array().unwrap().len(), 1);
}

#[test]
fn a_bad_warning_has_its_code_and_is_heard_by_nobody() {
    let server = server();
    let nowhere = "00010000-0000-4000-8000-000000000000";
    for (body, code) in [
        (json!({}), "bad_body"),
        (json!({"level": "loud", "text": "x"}), "bad_body"),
        (json!({"level": "boot"}), "bad_body"),
        (json!({"level": "boot", "text": " "}), "bad_body"),
        (json!({"level": "boot", "text": "x".repeat(501)}), "bad_body"),
        (json!({"level": "boot", "text": "x", "game": "chess"}), "unknown_game"),
        (json!({"level": "boot", "text": "x", "room": nowhere}), "room_not_found"),
        (json!({"level": "boot", "text": "x", "room": 5}), "bad_body"),
        (json!({"level": "boot", "text": "x", "room": nowhere, "game": "relay"}), "bad_body"),
    ] {
        let response = ask(&server, "POST", "/v1/admin/warn", &body);
        assert_eq!(response.code(), code, "{body}: {}", response.text());
    }
    assert_eq!(ask(&server, "GET", "/v1/admin/warn", &json!({})).json(), json!({"warnings": []}));
}

#[test]
fn an_operator_looks_inside_puts_players_out_and_closes_rooms() {
    let server = server();
    let (zoe, bo) = (server.player("Zoë"), server.player("Bo"));
    let made = zoe.post("/v1/rooms", &json!({"game": "relay", "private": true, "name": "den"})).json();
    let room = made["room"]["id"].as_str().unwrap();
    bo.post(&format!("/v1/rooms/{room}/join"), &json!({}));
    assert_eq!(server.get("/v1/rooms").json()["rooms"], json!([]), "it is private");
    let list = |query: &str| ask(&server, "GET", &format!("/v1/admin/rooms{query}"), &json!({}));
    assert_eq!(list("").json()["rooms"][0]["id"], room);
    assert_eq!(list("?game=meadow").json(), json!({"rooms": [], "next": null}));
    assert_eq!(list("?after=x").code(), "bad_query");
    let path = format!("/v1/admin/rooms/{room}");
    let inside = ask(&server, "GET", &path, &json!({})).json();
    assert_eq!((&inside["room"]["name"], &inside["players"][1]["name"]), (&json!("den"), &json!("Bo")));
    let (mut host, mut guest) = (zoe.stream(), bo.stream());
    guest.await_event("joined");
    let player = &inside["players"][1]["id"];
    let kick = |body: &Value| ask(&server, "POST", &format!("{path}/kick"), body).json();
    let detail = json!({"player": player, "ban": true, "detail": "enough"});
    assert_eq!(kick(&detail), json!({"done": true}));
    assert_eq!(guest.await_event("gone"), json!({"seat": 2, "why": "banned", "detail": "enough"}));
    assert_eq!(kick(&json!({"player": player})), json!({"done": false}), "he sits there no more");
    let lifted = zoe.send(&json!({"type": "sward.unban", "data": {"id": player}}));
    assert_eq!((lifted.status, lifted.code().as_str()), (403, "operators_ban"), "the owner does not lift it");
    let again = bo.post(&format!("/v1/rooms/{room}/join"), &json!({}));
    assert_eq!((again.status, again.code().as_str()), (403, "banned"));
    assert_eq!(ask(&server, "POST", &format!("{path}/close"), &json!({})).json(), json!({"done": true}));
    host.await_event("joined");
    let mut gone = host.await_event("gone");
    if gone["seat"] == 2 {
        gone = host.await_event("gone");
    }
    assert_eq!(gone, json!({"seat": 1, "why": "closed"}));
    server.await_metric("sward_rooms", 0);
    for (path, body, code) in [
        (path.clone() + "/kick", json!({"player": "Bo"}), "bad_body"),
        (path.clone() + "/kick", json!({"player": player, "detail": "x".repeat(201)}), "bad_body"),
        (path.clone() + "/kick", json!({"player": player, "detail": "a\u{202e}b"}), "bad_body"),
        (path.clone() + "/kick", json!({"player": player}), "room_not_found"),
        (path + "/close", json!({}), "room_not_found"),
        ("/v1/admin/players/Bo/end".to_owned(), json!({}), "not_found"),
    ] {
        assert_eq!(ask(&server, "POST", &path, &body).code(), code, "{path}");
    }
}

#[test]
fn an_operator_ends_a_session() {
    let server = server();
    let zoe = server.player("Zoë");
    zoe.join(&json!({"game": "relay", "create": true}));
    let mut stream = zoe.stream();
    let joined = stream.await_event("joined");
    let end = format!("/v1/admin/players/{}/end", joined["players"][0]["id"].as_str().unwrap());
    assert_eq!(ask(&server, "POST", &end, &json!({})).json(), json!({"done": true}));
    assert_eq!(stream.await_event("bye")["reason"], "ended");
    assert_eq!(zoe.send(&json!({"type": "wave"})).code(), "session_gone");
    assert_eq!(ask(&server, "POST", &end, &json!({})).json(), json!({"done": false}));
    server.await_metric("sward_sessions", 0);
}
