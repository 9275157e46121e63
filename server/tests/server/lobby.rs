//! Lobbies, and chat outside of rooms.

use serde_json::{Value, json};

use crate::support::{Player, Server, Stream};

/// Sends one message; what it answers.
fn send(player: &Player<'_>, kind: &str, data: &Value) -> (u16, String) {
    let response = player.send(&json!({"type": kind, "data": data}));
    let code = if response.status == 200 { String::new() } else { response.code() };
    (response.status, code)
}

fn told(player: &Player<'_>, kind: &str, data: &Value) {
    assert_eq!(send(player, kind, data), (200, String::new()), "{kind} {data}");
}

fn say(player: &Player<'_>, data: &Value) {
    told(player, "chat", data);
}

/// Reads `lobby` events until one of them has what is looked for.
fn await_news(stream: &mut Stream, find: impl Fn(&Value) -> bool) -> Value {
    loop {
        let news = stream.await_event("lobby");
        if find(&news) {
            return news;
        }
    }
}

fn id(player: &Player<'_>) -> Value {
    player.session["player"]["id"].clone()
}

#[test]
fn a_lobby_tells_which_rooms_there_are_and_what_changes() {
    let server = Server::start();
    let (zoe, bo, mo) = (server.player("Zoë"), server.player("Bo"), server.player("Mo"));
    let mut stream = zoe.stream();
    let made = bo.post("/v1/rooms", &json!({"game": "relay", "name": "Nest", "max_players": 2})).json();
    let room = made["room"]["id"].clone();
    mo.post("/v1/rooms", &json!({"game": "relay", "private": true}));
    told(&zoe, "sward.lobby", &json!({"game": "relay"}));
    let all = stream.expect("lobby");
    assert_eq!((&all["game"], &all["reset"]), (&json!("relay"), &json!(true)));
    assert_eq!(all["rooms"].as_array().unwrap().len(), 1, "a private room is nobody's business");
    assert_eq!((&all["rooms"][0]["name"], &all["rooms"][0]["players"]), (&json!("Nest"), &json!(1)));
    let counts = json!({"watching": 1, "online": 3, "rooms": 1, "playing": 1});
    assert_eq!(all["counts"], counts);
    let news = stream.expect("lobby");
    assert_eq!((&news["reset"], &news["here"][0]), (&json!(false), &zoe.session["player"]));

    mo.join(&json!({"game": "relay"}));
    let news = await_news(&mut stream, |news| news["rooms"] != json!([]));
    assert_eq!((&news["rooms"][0]["id"], &news["rooms"][0]["players"]), (&room, &json!(2)));
    mo.post("/v1/leave", &json!({}));
    bo.post("/v1/leave", &json!({}));
    let news = await_news(&mut stream, |news| news["closed"] != json!([]));
    assert_eq!((&news["closed"], &news["counts"]["rooms"]), (&json!([room]), &json!(0)));

    // Who watches no more hears nothing more.
    told(&bo, "sward.lobby", &json!({"game": "relay"}));
    assert_eq!(await_news(&mut stream, |news| news["here"] != json!([]))["here"][0]["name"], "Bo");
    assert_eq!(server.metric("sward_lobby_watchers"), Some(2));
    bo.post("/v1/bye", &json!({}));
    assert_eq!(await_news(&mut stream, |news| news["gone"] != json!([]))["gone"], json!([id(&bo)]));
    told(&zoe, "sward.lobby", &json!({"game": "relay", "watch": false}));
    mo.join(&json!({"game": "relay", "create": true}));
    told(&zoe, "sward.lobby", &json!({}));
    assert_eq!(stream.expect("lobby")["game"], json!(null), "that of the whole server");
    server.await_metric("sward_lobby_watchers", 1);
}

#[test]
fn chat_has_four_scopes_each_with_its_last_lines_for_those_who_come_later() {
    let server = Server::start();
    let (zoe, bo, mo) = (server.player("Zoë"), server.player("Bo"), server.player("Mo"));
    let (mut zoes, mut bos) = (zoe.stream(), bo.stream());
    zoe.join(&json!({"game": "relay", "create": true}));
    zoes.expect("joined");
    say(&zoe, &json!({"text": "first"}));
    assert_eq!(zoes.expect("chat")["from"], 1);
    bo.join(&json!({"game": "relay"}));
    let joined = bos.expect("joined");
    assert_eq!(
        (&joined["chat"][0]["text"], &joined["chat"][0]["player"]["name"]),
        (&json!("first"), &json!("Zoë"))
    );

    for (game, scope) in [(json!("relay"), "lobby"), (json!(null), "server")] {
        told(&zoe, "sward.lobby", &json!({"game": game}));
        say(&zoe, &json!({"scope": scope, "game": game, "text": scope}));
        let line = zoes.await_event("chat");
        assert_eq!(
            (&line["scope"], &line["text"], &line["from"]),
            (&json!(scope), &json!(scope), &json!(null))
        );
        assert_eq!(line["player"], zoe.session["player"]);
        told(&bo, "sward.lobby", &json!({"game": game}));
        let shown = bos.await_event("lobby");
        assert_eq!((&shown["game"], &shown["chat"]), (&game, &json!([line])));
        say(&bo, &json!({"scope": scope, "game": game, "text": "and back"}));
        assert_eq!(zoes.await_event("chat")["player"], bo.session["player"]);
    }

    say(&mo, &json!({"scope": "player", "to": id(&bo), "text": "psst"}));
    let line = loop {
        let line = bos.await_event("chat");
        if line["scope"] == "player" {
            break line;
        }
    };
    assert_eq!((&line["player"]["name"], &line["to"]["name"]), (&json!("Mo"), &json!("Bo")));
    let mut mos = mo.stream();
    assert_eq!(mos.expect("chat"), line, "its author has it too, and nothing else");
    // A reloaded page is shown all that it follows.
    let mut bos = bo.stream();
    let (mut seen, mut lines) = (Vec::new(), json!(null));
    while seen.len() < 4 {
        let (name, data) = bos.next().unwrap();
        if name == "lines" {
            lines = data["lines"].clone();
        }
        if name != "lobby" || data["reset"] == true {
            seen.push(name);
        }
    }
    seen.sort_unstable();
    assert_eq!(seen, ["joined", "lines", "lobby", "lobby"]);
    assert_eq!(lines, json!([line]));
    assert_eq!(server.metric("sward_chat_lines_total{scope=\"player\"}"), Some(1));
}

#[test]
fn whoever_calls_wrongly_or_too_often_is_told_and_nothing_changes() {
    let server = Server::start();
    let (zoe, bo) = (server.player("Zoë"), server.player("Bo"));
    let mut stream = bo.stream();
    let nobody = "00000000-0000-8000-8000-000000000000";
    for (kind, data, want) in [
        ("sward.lobby", json!({"game": "chess"}), (422, "unknown_game")),
        ("sward.lobby", json!({"game": 7}), (422, "bad_payload")),
        ("sward.lobby", json!([]), (422, "bad_payload")),
        ("chat", json!({"text": "hi"}), (409, "not_in_room")),
        ("chat", json!({"scope": "server", "text": "hi"}), (409, "not_in_lobby")),
        ("chat", json!({"scope": "lobby", "game": "chess", "text": "hi"}), (422, "unknown_game")),
        ("chat", json!({"scope": "lobby", "text": "hi"}), (422, "bad_payload")),
        ("chat", json!({"scope": "player", "to": nobody, "text": "hi"}), (404, "no_such_player")),
        ("chat", json!({"scope": "player", "to": id(&zoe), "text": "hi"}), (422, "to_oneself")),
        ("chat", json!({"scope": "player", "to": id(&bo), "text": "\u{202e}"}), (422, "bad_payload")),
    ] {
        let (status, code) = send(&zoe, kind, &data);
        assert_eq!((status, code.as_str()), want, "{kind} {data}");
    }
    let lines: Vec<_> = (0..40)
        .map(|rid| json!({"type": "chat", "rid": rid, "data": {"scope": "player", "to": id(&bo), "text": "hi"}}))
        .collect();
    let answer = zoe.send(&json!({"src": "k", "seq": 1, "msgs": lines})).json();
    let codes: Vec<_> =
        answer["replies"].as_array().unwrap().iter().map(|reply| &reply["error"]["code"]).collect();
    assert_eq!((codes[0], codes[39]), (&json!(null), &json!("rate_limited")));
    let wait_ms = answer["replies"][39]["error"]["retry_after_ms"].as_u64().unwrap();
    assert!((1..=334).contains(&wait_ms), "three a second: {wait_ms}");
    assert_eq!(answer["ack"], 40);
    let alone = zoe.send(&json!({"type": "chat", "data": {"scope": "player", "to": id(&bo), "text": "hi"}}));
    assert_eq!((alone.status, alone.code().as_str()), (429, "rate_limited"));
    assert!((1..=334).contains(&alone.json()["retry_after_ms"].as_u64().unwrap()), "{}", alone.text());
    stream.expect("chat");
    assert!(server.metric("sward_calls_refused_total{whose=\"caller\"}") >= Some(20));
    assert_eq!(server.metric("sward_lobby_watchers"), Some(0));

    // A batch whose room has no part in it, and one of which it has.
    bo.join(&json!({"game": "relay", "create": true}));
    let msgs = json!([
        {"type": "wave", "rid": 1},
        {"type": "sward.lobby", "rid": 2, "data": {"game": "relay"}},
        {"type": "sward.lobby", "rid": 3, "data": {"game": "chess"}},
        {"type": "wave", "rid": 4},
    ]);
    let answer = bo.send(&json!({"src": "k", "seq": 1, "msgs": msgs})).json();
    let rids: Vec<_> = answer["replies"].as_array().unwrap().iter().map(|reply| &reply["rid"]).collect();
    assert_eq!(rids, [1, 2, 3, 4]);
    assert_eq!(answer["replies"][2]["error"]["code"], "unknown_game");
    assert_eq!(answer["ack"], 4);
}

#[test]
fn a_busy_lobby_costs_each_who_watches_one_event_a_second() {
    let server = Server::start();
    let watchers: Vec<_> = (0..20).map(|number| server.player(&format!("W{number}"))).collect();
    for watcher in &watchers {
        told(watcher, "sward.lobby", &json!({"game": "relay"}));
    }
    let players: Vec<_> = (0..100).map(|number| server.player(&format!("P{number}"))).collect();
    for player in &players {
        player.post("/v1/rooms", &json!({"game": "relay"}));
        player.post("/v1/leave", &json!({}));
        player.post("/v1/rooms", &json!({"game": "relay"}));
    }
    let mut stream = watchers[0].stream();
    let (mut events, mut rooms) = (0, std::collections::BTreeSet::new());
    while rooms.len() < 100 {
        let news = stream.await_event("lobby");
        events += 1;
        for room in news["rooms"].as_array().unwrap() {
            rooms.insert(room["id"].to_string());
        }
        for room in news["closed"].as_array().unwrap() {
            rooms.remove(&room.to_string());
        }
    }
    assert!(events < 20, "{events} events for 200 changes");
}
