//! Invitations from the host of a room, and knocks at its door.

use serde_json::{Value, json};

use crate::support::{Player, Server};

fn id(player: &Player<'_>) -> Value {
    player.session["player"]["id"].clone()
}

/// Sends a message with a `rid`; its reply's data.
fn ask(player: &Player<'_>, kind: &str, data: &Value) -> Value {
    let response = player.send(&json!({"type": kind, "data": data, "rid": 1}));
    assert_eq!(response.status, 200, "{kind} {data}: {}", response.text());
    response.json()["replies"][0]["data"].clone()
}

fn refused(player: &Player<'_>, kind: &str, data: &Value) -> String {
    player.send(&json!({"type": kind, "data": data})).code()
}

fn room(player: &Player<'_>, options: &Value) -> Value {
    player.post("/v1/rooms", options).json()["room"].clone()
}

#[test]
fn the_host_invites_and_the_guest_comes_with_his_pass_once() {
    let server = Server::start();
    let (zoe, bo, mo) = (server.player("Zoë"), server.player("Bo"), server.player("Mo"));
    let nest = room(&zoe, &json!({"game": "relay", "private": true, "name": "Nest"}));
    let (mut zoes, mut bos) = (zoe.stream(), bo.stream());
    zoes.expect("joined");
    let asked = ask(&zoe, "sward.invite", &json!({"to": id(&bo)}));
    let invite = bos.expect("invite");
    assert_eq!((&invite["id"], &invite["state"]), (&asked["id"], &json!("asked")));
    assert_eq!((&invite["room"]["name"], &invite["host"]["name"]), (&json!("Nest"), &json!("Zoë")));
    assert_eq!(zoes.expect("invite")["pass"], json!(null), "the pass is the guest's own");
    let pass = invite["pass"].clone();
    let path = format!("/v1/rooms/{}/join", nest["id"].as_str().unwrap());
    assert_eq!(mo.post(&path, &json!({"pass": pass})).code(), "bad_pass", "it is not his");
    assert_eq!(bo.post(&path, &json!({"pass": "x"})).code(), "bad_pass");
    // A reloaded page is asked again.
    let mut bos = bo.stream();
    assert_eq!(bos.expect("invite"), invite);
    assert_eq!(bo.post(&path, &json!({"pass": pass})).json()["seat"], 2);
    assert_eq!(zoes.await_event("invite")["state"], "accepted", "who comes has accepted");
    assert_eq!(
        bo.post(&path, &json!({"pass": pass})).json()["seat"],
        2,
        "the first answer may have been lost"
    );
    bo.post("/v1/leave", &json!({}));
    assert_eq!(bo.post(&path, &json!({"pass": pass})).code(), "bad_pass", "once");
    server.await_metric("sward_asks", 0);

    let asked = ask(&zoe, "sward.invite", &json!({"to": id(&bo)}));
    ask(&bo, "sward.answer", &json!({"id": asked["id"], "accept": false}));
    zoes.await_event("invite");
    assert_eq!(zoes.await_event("invite")["state"], "refused");
    assert_eq!(refused(&zoe, "sward.invite", &json!({"to": id(&bo)})), "asked_lately", "he has said no");
    let asked = ask(&zoe, "sward.invite", &json!({"to": id(&mo)}));
    ask(&zoe, "sward.withdraw", &json!({"id": asked["id"]}));
    assert_eq!(refused(&zoe, "sward.invite", &json!({"to": id(&mo)})), "asked_lately");
    let al = server.player("Al");
    ask(&zoe, "sward.invite", &json!({"to": id(&al)}));
    al.post("/v1/bye", &json!({}));
    let states: Vec<_> = (0..4).map(|_| zoes.await_event("invite")["state"].clone()).collect();
    assert_eq!(states, ["asked", "withdrawn", "asked", "withdrawn"]);
}

#[test]
fn a_pass_opens_a_room_that_is_locked_and_has_a_password() {
    let server = Server::start();
    let (zoe, bo) = (server.player("Zoë"), server.player("Bo"));
    let nest = room(&zoe, &json!({"game": "relay", "private": true, "password": "moo"}));
    ask(&zoe, "sward.lock", &Value::Null);
    let mut bos = bo.stream();
    ask(&zoe, "sward.invite", &json!({"to": id(&bo)}));
    let pass = bos.expect("invite")["pass"].clone();
    let path = format!("/v1/rooms/{}/join", nest["id"].as_str().unwrap());
    assert_eq!(bo.post(&path, &json!({})).code(), "password_wrong");
    assert_eq!(bo.post(&path, &json!({"password": "moo"})).code(), "room_locked");
    assert_eq!(bo.post(&path, &json!({"pass": pass})).json()["seat"], 2);
}

#[test]
fn a_guest_knocks_and_the_host_lets_him_in() {
    let server = Server::start();
    let (zoe, bo) = (server.player("Zoë"), server.player("Bo"));
    let nest = room(&zoe, &json!({"game": "relay", "private": true}));
    let (mut zoes, mut bos) = (zoe.stream(), bo.stream());
    let code = nest["code"].as_str().unwrap().to_lowercase();
    let asked = ask(&bo, "sward.knock", &json!({"code": code}));
    let knock = zoes.await_event("knock");
    assert_eq!((&knock["id"], &knock["guest"]["name"]), (&asked["id"], &json!("Bo")));
    ask(&zoe, "sward.answer", &json!({"id": knock["id"], "accept": true}));
    assert_eq!(bos.expect("knock")["pass"], json!(null), "not before the host has answered");
    let accepted = bos.expect("knock");
    assert_eq!(accepted["state"], "accepted");
    let path = format!("/v1/rooms/{}/join", nest["id"].as_str().unwrap());
    assert_eq!(bo.post(&path, &json!({"pass": accepted["pass"]})).json()["seat"], 2);
    assert_eq!(refused(&bo, "sward.answer", &json!({"id": knock["id"], "accept": true})), "no_such_ask");

    // Who was the host when somebody knocked lets nobody in when he is it no more.
    let mo = server.player("Mo");
    let asked = ask(&mo, "sward.knock", &json!({"room": nest["id"]}));
    zoe.post("/v1/leave", &json!({}));
    assert_eq!(refused(&zoe, "sward.answer", &json!({"id": asked["id"], "accept": true})), "not_host");
    let asked = ask(&mo, "sward.knock", &json!({"room": nest["id"]}));
    ask(&bo, "sward.answer", &json!({"id": asked["id"], "accept": false}));
    assert_eq!(server.get("/v1/rooms").json()["rooms"], json!([]), "it stays private");
}

#[test]
fn an_invitation_and_a_knock_at_the_same_room_end_each_on_its_own() {
    let server = Server::start();
    let (zoe, bo) = (server.player("Zoë"), server.player("Bo"));
    let nest = room(&zoe, &json!({"game": "relay", "private": true, "password": "moo"}));
    let (mut zoes, mut bos) = (zoe.stream(), bo.stream());
    let knock = ask(&bo, "sward.knock", &json!({"room": nest["id"]}));
    ask(&zoe, "sward.invite", &json!({"to": id(&bo)}));
    let pass = bos.await_event("invite")["pass"].clone();
    ask(&zoe, "sward.answer", &json!({"id": knock["id"], "accept": false}));
    let path = format!("/v1/rooms/{}/join", nest["id"].as_str().unwrap());
    assert_eq!(bo.post(&path, &json!({"pass": pass})).json()["seat"], 2, "the invitation stands");
    zoes.await_event("invite");
    assert_eq!(zoes.await_event("invite")["state"], "accepted");
    bo.post("/v1/leave", &json!({}));
    assert_eq!(bo.post(&path, &json!({"pass": pass})).code(), "bad_pass");
    server.await_metric("sward_asks", 0);
}

#[test]
fn a_pass_is_kept_when_the_room_has_no_seat() {
    let server = Server::start();
    let (zoe, bo, mo) = (server.player("Zoë"), server.player("Bo"), server.player("Mo"));
    let nest = room(&zoe, &json!({"game": "relay", "max_players": 2}));
    let path = format!("/v1/rooms/{}/join", nest["id"].as_str().unwrap());
    mo.join(&json!({"code": nest["code"]}));
    let mut bos = bo.stream();
    ask(&zoe, "sward.invite", &json!({"to": id(&bo)}));
    let pass = bos.expect("invite")["pass"].clone();
    assert_eq!(bo.post(&path, &json!({"pass": pass})).code(), "room_full");
    mo.post("/v1/leave", &json!({}));
    assert_eq!(bo.post(&path, &json!({"pass": pass})).json()["seat"], 2);
}

#[test]
fn whoever_is_banned_does_not_knock_and_is_not_invited() {
    let server = Server::start();
    let (zoe, bo) = (server.player("Zoë"), server.player("Bo"));
    let nest = room(&zoe, &json!({"game": "relay"}));
    bo.join(&json!({"code": nest["code"]}));
    ask(&zoe, "sward.ban", &json!({"seat": 2}));
    assert_eq!(refused(&bo, "sward.knock", &json!({"room": nest["id"]})), "banned");
    assert_eq!(refused(&zoe, "sward.invite", &json!({"to": id(&bo)})), "banned");
    ask(&zoe, "sward.unban", &json!({"id": id(&bo)}));
    ask(&bo, "sward.knock", &json!({"room": nest["id"]}));
}

#[test]
fn the_owner_is_the_host_whatever_his_seat() {
    let server = Server::start();
    let (zoe, bo, mo) = (server.player("Zoë"), server.player("Bo"), server.player("Mo"));
    let nest = room(&zoe, &json!({"game": "relay"}));
    bo.join(&json!({"game": "relay"}));
    let mut bos = bo.stream();
    assert_eq!(refused(&bo, "sward.invite", &json!({"to": id(&mo)})), "not_host");
    ask(&zoe, "sward.give", &json!({"seat": 2}));
    assert_eq!(refused(&zoe, "sward.invite", &json!({"to": id(&mo)})), "not_host");
    ask(&bo, "sward.invite", &json!({"to": id(&mo)}));
    assert_eq!(bos.await_event("invite")["host"]["id"], id(&bo));
    let asked = ask(&mo, "sward.knock", &json!({"room": nest["id"]}));
    assert_eq!(bos.await_event("knock")["id"], asked["id"]);
}

#[test]
fn whoever_asks_what_makes_no_sense_is_told_why_and_nothing_changes() {
    let server = Server::start();
    let (zoe, bo, mo) = (server.player("Zoë"), server.player("Bo"), server.player("Mo"));
    let to = |player: &Player<'_>| json!({"to": id(player)});
    assert_eq!(refused(&zoe, "sward.invite", &to(&bo)), "not_in_room");
    let nest = room(&zoe, &json!({"game": "relay"}));
    bo.join(&json!({"game": "relay"}));
    let at = json!({"room": nest["id"]});
    let nobody = "00000000-0000-8000-8000-000000000000";
    assert_eq!(refused(&zoe, "sward.invite", &to(&zoe)), "to_oneself");
    assert_eq!(refused(&zoe, "sward.invite", &json!({"to": nobody})), "no_such_player");
    assert_eq!(refused(&zoe, "sward.invite", &json!({"to": "Mo"})), "bad_payload");
    assert_eq!(refused(&zoe, "sward.invite", &to(&bo)), "already_in_room");
    assert_eq!(refused(&bo, "sward.invite", &to(&mo)), "not_host");
    assert_eq!(refused(&bo, "sward.knock", &at), "already_in_room");
    assert_eq!(refused(&mo, "sward.knock", &json!({"room": nobody})), "room_not_found");
    assert_eq!(refused(&mo, "sward.knock", &json!({"code": "🦊"})), "bad_code", "as in a join");
    assert_eq!(refused(&mo, "sward.knock", &json!({"code": "ZZZZZ"})), "room_not_found");
    assert_eq!(refused(&mo, "sward.knock", &json!({})), "bad_payload");
    assert_eq!(refused(&mo, "sward.answer", &json!({"id": 1, "accept": true})), "no_such_ask");
    assert_eq!(refused(&mo, "sward.withdraw", &json!({"id": -1})), "bad_payload");
    assert_eq!(server.metric("sward_asks"), Some(0));

    ask(&zoe, "sward.invite", &to(&mo));
    assert_eq!(refused(&zoe, "sward.invite", &to(&mo)), "invite_pending");
    let knock = ask(&mo, "sward.knock", &at);
    assert_eq!(refused(&mo, "sward.knock", &at), "knock_pending");
    assert_eq!(refused(&bo, "sward.withdraw", &json!({"id": knock["id"]})), "no_such_ask");
    assert_eq!(refused(&bo, "sward.answer", &json!({"id": knock["id"], "accept": true})), "no_such_ask");
    server.await_metric("sward_asks", 2);
}
