//! Queues and parties: from waiting to a seat in the room of a match.

use serde_json::{Value, json};

use crate::support::{Player, Server, Stream};

fn id(player: &Player<'_>) -> Value {
    player.session["player"]["id"].clone()
}

/// Sends a message with a `rid`; its reply's data.
fn told(player: &Player<'_>, kind: &str, data: &Value) -> Value {
    let response = player.send(&json!({"type": kind, "data": data, "rid": 1}));
    assert_eq!(response.status, 200, "{kind} {data}: {}", response.text());
    response.json()["replies"][0]["data"].clone()
}

fn refused(player: &Player<'_>, kind: &str, data: &Value) -> String {
    player.send(&json!({"type": kind, "data": data})).code()
}

/// Reads `queue` events until one has this state.
fn await_state(stream: &mut Stream, state: &str) -> Value {
    loop {
        let news = stream.await_event("queue");
        if news["state"] == state {
            return news;
        }
    }
}

#[test]
fn two_who_queue_play_in_a_room_of_their_own() {
    let server = Server::start();
    let (zoe, bo) = (server.player("Zoë"), server.player("Bo"));
    let (mut zoes, mut bos) = (zoe.stream(), bo.stream());
    let duel = |skill: u32| json!({"game": "relay", "mode": "duel", "skill": skill, "me": {"skill": skill}});
    told(&zoe, "sward.queue", &duel(1_000));
    let news = zoes.expect("queue");
    let standing = &news["standing"];
    assert_eq!(
        (&news["state"], &standing["position"], &standing["waiting"]),
        (&json!("waiting"), &json!(1), &json!(1))
    );
    assert_eq!((&standing["from"], &standing["to"]), (&json!(900), &json!(1_100)));
    server.await_metric("sward_queue_players", 1);
    // A reloaded page is told where it stands.
    let mut zoes = {
        zoes.cut();
        zoe.stream()
    };
    assert_eq!(await_state(&mut zoes, "waiting")["standing"]["since_ms"], standing["since_ms"]);
    told(&bo, "sward.queue", &duel(1_050));
    let joined = bos.await_event("joined");
    let others = zoes.await_event("joined");
    let matched = await_state(&mut zoes, "matched");
    assert_eq!(await_state(&mut bos, "matched"), matched);
    assert_eq!(matched["teams"].as_array().unwrap().len(), 2);
    assert_eq!((&joined["room"]["id"], &joined["room"]["private"]), (&matched["room"], &json!(true)));
    assert_eq!(joined["room"]["meta"], json!({"mode": "duel", "teams": 2, "team_size": 1}));
    let seat = joined["seat"].as_u64().unwrap();
    assert_eq!(
        matched["teams"][usize::try_from(seat).unwrap() - 1][0],
        id(&bo),
        "seats in the order of the teams"
    );
    assert_eq!((&joined["room"]["locked"], &joined["room"]["owner"]), (&json!(true), &json!(0)));
    let path = format!("/v1/rooms/{}/join", matched["room"].as_str().unwrap());
    assert_eq!(server.player("Mo").post(&path, &json!({})).code(), "room_locked");
    assert_eq!(refused(&zoe, "sward.kick", &json!({"seat": seat})), "not_owner");
    let players = if others["seat"] == 1 { &joined["players"] } else { &others["players"] };
    let me = players.as_array().unwrap().iter().find(|player| player["id"] == id(&zoe)).unwrap();
    assert_eq!(me["me"], json!({"skill": 1_000}));
    server.await_metric("sward_matches_total{outcome=\"ok\"}", 1);
    server.await_metric("sward_queue_players", 0);
    told(&zoe, "sward.queue", &duel(1_000));
    assert_eq!(await_state(&mut zoes, "waiting")["standing"]["waiting"], 1, "he may wait again at once");
}

#[test]
fn a_range_widens_with_waiting() {
    let server = Server::start();
    let (zoe, bo) = (server.player("Zoë"), server.player("Bo"));
    let mut zoes = zoe.stream();
    for (player, skill) in [(&zoe, 1_000), (&bo, 1_130)] {
        told(player, "sward.queue", &json!({"game": "relay", "mode": "duel", "skill": skill}));
    }
    zoes.expect("queue");
    assert_eq!(server.metric("sward_rooms"), Some(0), "130 is too far for the first two seconds");
    zoes.await_event("joined");
    await_state(&mut zoes, "matched");
}

#[test]
fn a_party_waits_and_plays_together() {
    let server = Server::start();
    let players: Vec<_> = ["Zoë", "Bo", "Mo", "Al"].iter().map(|name| server.player(name)).collect();
    let mut streams: Vec<_> = players.iter().map(Player::stream).collect();
    let party = told(&players[0], "sward.party", &json!({}))["party"].clone();
    assert_eq!(streams[0].expect("party")["members"].as_array().unwrap().len(), 1);
    assert_eq!(told(&players[1], "sward.party", &json!({"join": party, "me": 7}))["party"], party);
    for stream in &mut streams[..2] {
        let members = stream.expect("party")["members"].clone();
        assert_eq!((&members[0]["id"], &members[1]["id"]), (&id(&players[0]), &id(&players[1])));
    }
    let pairs = json!({"game": "relay", "mode": "pairs"});
    let code = |player: usize, kind: &str, data: &Value| refused(&players[player], kind, data);
    assert_eq!(code(1, "sward.queue", &pairs), "not_leader");
    assert_eq!(code(0, "sward.queue", &json!({"game": "relay", "mode": "duel"})), "party_too_large");
    assert_eq!(code(1, "sward.unqueue", &json!({})), "not_in_queue");
    told(&players[0], "sward.queue", &pairs);
    assert_eq!(streams[1].expect("queue")["standing"]["waiting"], 2, "the leader queues for all");
    assert_eq!(code(2, "sward.party", &json!({"join": party})), "in_queue");
    assert_eq!(code(1, "sward.queue", &pairs), "in_queue");
    // One who leaves takes all of them out.
    told(&players[1], "sward.party", &json!({"leave": true}));
    assert_eq!(await_state(&mut streams[0], "left")["why"], "party");
    assert_eq!(streams[1].await_event("party")["party"], json!(null));
    told(&players[1], "sward.party", &json!({"join": party, "me": 7}));
    told(&players[0], "sward.queue", &pairs);
    told(&players[1], "sward.unqueue", &json!({}));
    assert_eq!(await_state(&mut streams[0], "left")["why"], "left");
    told(&players[0], "sward.queue", &pairs);
    told(&players[2], "sward.queue", &pairs);
    told(&players[3], "sward.queue", &pairs);
    for stream in &mut streams {
        assert_eq!(stream.await_event("joined")["room"]["max_players"], 4);
        let teams = await_state(stream, "matched")["teams"].clone();
        let together = teams.as_array().unwrap().iter().any(|team| {
            let team = team.as_array().unwrap();
            team.contains(&id(&players[0])) && team.contains(&id(&players[1]))
        });
        assert!(together, "{teams}");
    }
}

#[test]
fn the_leader_puts_somebody_out_who_does_not_come_back_by_the_old_id() {
    let server = Server::start();
    let (zoe, bo, mo) = (server.player("Zoë"), server.player("Bo"), server.player("Mo"));
    let party = told(&zoe, "sward.party", &json!({}))["party"].clone();
    told(&bo, "sward.party", &json!({"join": party}));
    let mut bos = bo.stream();
    bos.expect("party");
    told(&zoe, "sward.queue", &json!({"game": "relay", "mode": "pairs"}));
    let kick = |whom: &Player<'_>| json!({"kick": id(whom)});
    assert_eq!(refused(&bo, "sward.party", &kick(&zoe)), "not_leader");
    assert_eq!(refused(&zoe, "sward.party", &kick(&zoe)), "to_oneself");
    assert_eq!(refused(&zoe, "sward.party", &kick(&mo)), "no_such_player");
    assert_eq!(refused(&mo, "sward.party", &kick(&zoe)), "no_such_party");
    let renamed = told(&zoe, "sward.party", &kick(&bo))["party"].clone();
    assert_ne!(renamed, party);
    assert_eq!(await_state(&mut bos, "left")["why"], "party", "a party that lost somebody waits no more");
    assert_eq!(bos.await_event("party")["party"], json!(null));
    assert_eq!(refused(&bo, "sward.party", &json!({"join": party})), "no_such_party");
    assert_eq!(told(&mo, "sward.party", &json!({"join": renamed}))["party"], renamed);
    server.await_metric("sward_queue_players", 0);
}

#[test]
fn whoever_leaves_his_session_waits_no_more_and_the_others_do() {
    let server = Server::start();
    let (zoe, bo, mo) = (server.player("Zoë"), server.player("Bo"), server.player("Mo"));
    let mut bos = bo.stream();
    let duel = |skill: u32| json!({"game": "relay", "mode": "duel", "skill": skill});
    told(&zoe, "sward.queue", &duel(0));
    zoe.post("/v1/bye", &json!({}));
    told(&bo, "sward.queue", &duel(0));
    assert_eq!(bos.expect("queue")["standing"]["position"], 1);
    told(&mo, "sward.queue", &duel(500_000));
    assert_eq!(server.metric("sward_matches_total{outcome=\"failed\"}"), None);
    server.await_metric("sward_queue_players", 2);
    assert_eq!(server.metric("sward_rooms"), Some(0));
}

#[test]
fn a_match_whose_room_cannot_be_made_is_told_in_the_end() {
    let server = Server::start_with(&["--max-rooms", "1"]);
    let (zoe, bo, mo) = (server.player("Zoë"), server.player("Bo"), server.player("Mo"));
    mo.join(&json!({"game": "relay", "create": true}));
    let mut zoes = zoe.stream();
    for player in [&zoe, &bo] {
        told(player, "sward.queue", &json!({"game": "relay", "mode": "duel"}));
    }
    assert_eq!(await_state(&mut zoes, "left")["why"], "failed");
    server.await_metric("sward_matches_total{outcome=\"failed\"}", 3);
    mo.post("/v1/leave", &json!({}));
    server.await_metric("sward_rooms", 0);
    for player in [&zoe, &bo] {
        told(player, "sward.queue", &json!({"game": "relay", "mode": "duel"}));
    }
    zoes.await_event("joined");
}

#[test]
fn whoever_queues_wrongly_is_told_why_and_nothing_changes() {
    let server = Server::start();
    let zoe = server.player("Zoë");
    for (kind, data, code) in [
        ("sward.queue", json!({"game": "chess", "mode": "duel"}), "unknown_game"),
        ("sward.queue", json!({"game": "relay", "mode": "chess"}), "unknown_mode"),
        ("sward.queue", json!({"game": "relay", "mode": "duel", "skill": 1_000_001}), "bad_payload"),
        ("sward.queue", json!({"game": "relay", "mode": "duel", "skill": -1}), "bad_payload"),
        ("sward.queue", json!({"game": "relay", "mode": "duel", "me": "x".repeat(1_100)}), "bad_payload"),
        ("sward.queue", json!({"game": "relay"}), "bad_payload"),
        ("sward.party", json!({"join": "0123"}), "no_such_party"),
        ("sward.party", json!({"join": 7}), "bad_payload"),
        ("sward.unqueue", json!(null), "not_in_queue"),
    ] {
        assert_eq!(refused(&zoe, kind, &data), code, "{kind} {data}");
    }
    let parties: Vec<_> = (0..2)
        .map(|number| told(&server.player(&format!("P{number}")), "sward.party", &json!({}))["party"].clone())
        .collect();
    told(&zoe, "sward.party", &json!({"join": parties[0]}));
    assert_eq!(refused(&zoe, "sward.party", &json!({"join": parties[1]})), "in_party");
    assert_eq!(told(&zoe, "sward.party", &json!({}))["party"], parties[0], "he is told which one");
    for number in 0..6 {
        told(&server.player(&format!("M{number}")), "sward.party", &json!({"join": parties[0]}));
    }
    assert_eq!(refused(&server.player("late"), "sward.party", &json!({"join": parties[0]})), "party_full");
    assert_eq!(server.metric("sward_queue_players"), Some(0));
}
