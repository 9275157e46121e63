//! Whose room it is, and what he may: over real sockets.

use serde_json::{Value, json};

use crate::support::{Player, Server, Stream};

/// A room of relay with these fields: its owner, another player, and what both hear.
fn room<'a>(server: &'a Server, fields: &Value) -> (Value, [Player<'a>; 2], [Stream; 2]) {
    let (zoe, bo) = (server.player("Zoë"), server.player("Bo"));
    let mut body = json!({"game": "relay"});
    body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    let made = zoe.post("/v1/rooms", &body).json();
    let join = json!({"code": made["room"]["code"], "password": fields["password"]});
    let mut zoes = zoe.stream();
    zoes.expect("joined");
    bo.join(&join);
    zoes.expect("here");
    let mut bos = bo.stream();
    bos.expect("joined");
    (made["room"].clone(), [zoe, bo], [zoes, bos])
}

fn order(player: &Player<'_>, kind: &str, data: &Value) -> (u16, String) {
    let response = player.send(&json!({"type": kind, "data": data}));
    let code = if response.status == 200 { String::new() } else { response.code() };
    (response.status, code)
}

fn check_refused(player: &Player<'_>, kind: &str, data: &Value, status: u16, code: &str) {
    assert_eq!(order(player, kind, data), (status, code.to_owned()), "{kind} {data}");
}

#[test]
fn orders_keep_their_order_with_other_messages_and_are_applied_exactly_once() {
    let server = Server::start();
    let (room, [zoe, _], [_, mut bos]) = room(&server, &json!({}));
    assert_eq!((&room["owner"], &room["phase"], &room["locked"]), (&json!(1), &json!("open"), &json!(false)));
    let batch = json!({"src": "k", "seq": 1, "msgs": [
        {"type": "wave", "data": 1},
        {"type": "sward.rename", "data": {"name": "Nest"}, "rid": 1},
        {"type": "sward.resize", "data": {"max_players": 2}},
        {"type": "wave", "data": 2},
        {"type": "sward.give", "data": {"seat": 2}, "rid": 2},
        {"type": "sward.lock", "rid": 3},
    ]});
    let answers = [zoe.send(&batch).json(), zoe.send(&batch).json()];
    assert_eq!(answers[0], answers[1]);
    let replies = &answers[0]["replies"];
    assert_eq!(replies[0], json!({"i": 1, "rid": 1, "data": null}));
    assert_eq!(replies[2]["error"]["code"], "not_owner", "he has just given it away");
    assert_eq!(bos.expect("msg")["data"], 1);
    assert_eq!(bos.expect("room"), json!({"name": "Nest"}));
    assert_eq!(bos.expect("room"), json!({"max_players": 2}));
    assert_eq!(bos.expect("msg")["data"], 2);
    assert_eq!(bos.expect("room"), json!({"owner": 2}));
    let shown = server.get(&format!("/v1/rooms/{}", room["id"].as_str().unwrap())).json();
    let shown = &shown["room"];
    assert_eq!(
        [&shown["name"], &shown["max_players"], &shown["owner"]],
        [&json!("Nest"), &json!(2), &json!(2)]
    );
}

#[test]
fn a_locked_room_and_a_full_one_let_nobody_in_until_that_changes() {
    let server = Server::start();
    let (room, [zoe, bo], _) = room(&server, &json!({}));
    let mo = server.player("Mo");
    let join = json!({"code": room["code"]});
    let refused = |code: &str| {
        let response = mo.post("/v1/join", &join);
        assert_eq!((response.status, response.code().as_str()), (409, code));
        let elsewhere = mo.post("/v1/join", &json!({"game": "relay"}));
        assert_eq!(elsewhere.code(), "room_not_found", "and nobody is sent there");
    };
    order(&zoe, "sward.lock", &json!(null));
    refused("room_locked");
    order(&zoe, "sward.unlock", &json!(null));
    order(&zoe, "sward.resize", &json!({"max_players": 2}));
    refused("room_full");
    order(&zoe, "sward.resize", &json!({"max_players": 3}));
    assert_eq!(mo.join(&json!({"game": "relay"}))["seat"], 3);
    check_refused(&bo, "sward.lock", &json!(null), 403, "not_owner");
}

#[test]
fn who_is_kicked_may_come_back_and_who_is_banned_gets_a_room_elsewhere() {
    let server = Server::start();
    let (room, [zoe, bo], [mut zoes, mut bos]) = room(&server, &json!({}));
    order(&zoe, "sward.kick", &json!({"seat": 2, "detail": "too loud"}));
    let gone = json!({"seat": 2, "why": "kicked", "detail": "too loud"});
    assert_eq!([zoes.expect("gone"), bos.expect("gone")], [gone.clone(), gone]);
    check_refused(&bo, "wave", &json!(null), 409, "not_in_room");
    check_refused(&bo, "sward.lock", &json!(null), 409, "not_in_room");
    bo.join(&json!({"code": room["code"]}));
    order(&zoe, "sward.ban", &json!({"seat": 2}));
    let refused = bo.post("/v1/join", &json!({"code": room["code"]}));
    assert_eq!((refused.status, refused.code().as_str()), (403, "banned"));
    let by_id = bo.post(&format!("/v1/rooms/{}/join", room["id"].as_str().unwrap()), &json!({}));
    assert_eq!(by_id.code(), "banned");
    assert_eq!(bo.post("/v1/join", &json!({"game": "relay"})).code(), "room_not_found", "it is passed over");
    let other = bo.join(&json!({"game": "relay", "create": true}));
    assert_ne!(other["room"]["id"], room["id"], "a room that he may be in is made for him");
    order(&zoe, "sward.unban", &json!({"id": bo.session["player"]["id"]}));
    assert_eq!(bo.join(&json!({"code": room["code"]}))["seat"], 2);
}

#[test]
fn what_is_said_to_who_is_put_out_is_a_short_line() {
    let server = Server::start();
    let (_, [zoe, _], [_, mut bos]) = room(&server, &json!({}));
    for detail in ["x".repeat(201), "a\nb".to_owned(), "a\u{202e}b".to_owned()] {
        for kind in ["sward.kick", "sward.ban"] {
            check_refused(&zoe, kind, &json!({"seat": 2, "detail": detail}), 422, "bad_payload");
        }
    }
    order(&zoe, "sward.kick", &json!({"seat": 2, "detail": format!(" {} ", "ü".repeat(200))}));
    assert_eq!(bos.expect("gone")["detail"], "ü".repeat(200));
}

#[test]
fn an_owner_who_leaves_is_followed_by_who_sits_there_longest() {
    let server = Server::start();
    let (room, [zoe, bo], [zoes, mut bos]) = room(&server, &json!({}));
    let mo = server.player("Mo");
    mo.join(&json!({"code": room["code"]}));
    bos.expect("here");
    zoes.cut();
    bos.expect("away");
    check_refused(&bo, "sward.lock", &json!(null), 403, "not_owner");
    zoe.post("/v1/leave", &json!({}));
    assert_eq!(bos.expect("gone"), json!({"seat": 1, "why": "left"}));
    assert_eq!(bos.expect("room"), json!({"owner": 2}));
    assert_eq!(order(&bo, "sward.lock", &json!(null)).0, 200);
}

#[test]
fn a_room_with_a_password_is_listed_and_joined_by_who_knows_it() {
    let server = Server::start();
    let secret = "sésame 🦊";
    let (room, _, [mut zoes, _]) = room(&server, &json!({"password": secret, "meta": {"map": "dale"}}));
    let mo = server.player("Mo");
    let id = room["id"].as_str().unwrap();
    for (path, body) in [
        ("/v1/join".to_owned(), json!({"code": room["code"]})),
        ("/v1/join".to_owned(), json!({"code": room["code"], "password": "sesame"})),
        (format!("/v1/rooms/{id}/join"), json!({})),
        (format!("/v1/rooms/{id}/join"), json!({"password": "x".repeat(5000)})),
    ] {
        let refused = mo.post(&path, &body);
        assert_eq!((refused.status, refused.code().as_str()), (403, "password_wrong"), "{body}");
    }
    let chosen =
        mo.post("/v1/join", &json!({"game": "relay", "filter": {"map": "dale"}, "password": secret}));
    assert_eq!(chosen.code(), "room_not_found", "nobody is sent there who named no room");
    let listed = server.get("/v1/rooms?game=relay").json();
    assert_eq!(listed["rooms"][0]["password"], true);
    assert!(!listed.to_string().contains("sésame"));
    let joined = mo.post(&format!("/v1/rooms/{id}/join"), &json!({"password": secret}));
    assert_eq!(joined.json()["seat"], 3);
    assert_eq!(joined.json()["room"]["password"], true);
    assert!(!joined.text().contains("sésame"));
    assert_eq!(zoes.expect("here")["name"], "Mo");

    // Joining where one sits needs none, and a lost answer to join-or-create finds the room that it made.
    assert_eq!(mo.join(&json!({"code": room["code"]}))["seat"], 3);
    let jo = server.player("Jo");
    let own =
        json!({"game": "relay", "create": true, "password": "mine", "filter": {"a": 1}, "meta": {"a": 1}});
    assert_eq!(jo.join(&own), jo.join(&own));
}

#[test]
fn a_room_is_started_by_its_owner_and_paused_while_somebody_is_away() {
    let server = Server::start();
    let options = json!({"options": {"start": {"min_players": 2, "all": true}, "pause": true}});
    let (room, [zoe, bo], [mut zoes, mut bos]) = room(&server, &options);
    check_refused(&bo, "sward.start", &json!(null), 403, "not_owner");
    check_refused(&zoe, "sward.over", &json!(null), 409, "not_playing");
    assert_eq!(order(&zoe, "sward.start", &json!(null)).0, 200);
    let seeds = [zoes.expect("start"), bos.expect("start")];
    assert_eq!(seeds[0], seeds[1]);
    assert_eq!(zoes.expect("room"), json!({"locked": true, "phase": "playing"}));
    check_refused(&zoe, "sward.start", &json!(null), 409, "already_playing");
    let mo = server.player("Mo");
    assert_eq!(mo.post("/v1/join", &json!({"code": room["code"]})).code(), "room_locked");
    assert_eq!(server.get("/v1/rooms").json()["rooms"][0]["phase"], "playing");

    bos.cut();
    zoes.expect("away");
    assert_eq!(zoes.expect("room"), json!({"phase": "paused"}));
    let mut bos = bo.stream();
    let joined = bos.expect("joined");
    assert_eq!((&joined["seed"], &joined["room"]["phase"]), (&seeds[0]["seed"], &json!("paused")));
    assert_eq!(bos.await_event("room"), json!({"phase": "playing"}));
    zoes.expect("back");
    zoes.expect("room");

    order(&zoe, "sward.over", &json!(null));
    assert_eq!(zoes.expect("room"), json!({"locked": false, "phase": "open"}));
    bo.post("/v1/leave", &json!({}));
    check_refused(&zoe, "sward.start", &json!(null), 409, "too_few_players");
    mo.join(&json!({"code": room["code"]}));
    mo.stream().cut();
    zoes.await_event("away");
    check_refused(&zoe, "sward.start", &json!(null), 409, "somebody_away");
}

#[test]
fn what_an_owner_cannot_do_has_its_own_code_and_changes_nothing() {
    let server = Server::start();
    let (room, [zoe, bo], [mut zoes, _]) = room(&server, &json!({}));
    let path = format!("/v1/rooms/{}", room["id"].as_str().unwrap());
    let before = server.get(&path).text();
    for (kind, data, status, code) in [
        ("sward.resize", json!({"max_players": 0}), 422, "bad_max"),
        ("sward.resize", json!({"max_players": 1_000_000_000}), 422, "bad_max"),
        ("sward.resize", json!({"max_players": 1}), 422, "bad_max"),
        ("sward.meta", json!({"meta": {"a": "x".repeat(2000)}}), 422, "bad_meta"),
        ("sward.meta", json!({"meta": 7}), 422, "bad_meta"),
        ("sward.rename", json!({"name": "a\nb"}), 422, "bad_name"),
        ("sward.rename", json!(null), 422, "bad_payload"),
        ("sward.kick", json!({"seat": 1}), 422, "own_seat"),
        ("sward.kick", json!({"seat": 9}), 422, "no_such_seat"),
        ("sward.give", json!({"seat": 9}), 422, "no_such_seat"),
        ("sward.start", json!(null), 409, "not_startable"),
        ("sward.dance", json!(null), 422, "unknown_type"),
    ] {
        check_refused(&zoe, kind, &data, status, code);
    }
    let huge = zoe.send(&json!({"type": "sward.meta", "data": {"meta": {"a": "x".repeat(1 << 20)}}}));
    assert_eq!((huge.status, huge.code().as_str()), (413, "body_too_large"));
    assert_eq!(server.get(&path).text(), before);
    bo.send(&json!({"type": "wave"}));
    zoes.expect("msg");
}

#[test]
fn nobody_owns_the_meadow() {
    let server = Server::start();
    let zoe = server.player("Zoë");
    let joined = zoe.join(&json!({"game": "meadow", "create": true}));
    assert_eq!(joined["room"]["owner"], 0);
    check_refused(&zoe, "sward.lock", &json!(null), 403, "not_owner");
}
