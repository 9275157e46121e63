//! Who is told what.

use std::collections::BTreeMap;

use sward_protocol::limits::JOINED_BYTES_MAX;

use super::*;
use crate::CreateRoom;

/// Takes in what a player was told.
fn hear(room: &mut TestRoom<Meadow>, player: TestPlayer, view: &mut WorldView) {
    for patch in room.patches::<Value>(player) {
        view.apply(patch);
    }
}

#[test]
fn a_step_is_seen_at_the_next_tick_by_those_near_and_by_nobody_else() {
    let mut room = field();
    let (zoe, bo, mo) = (room.join("Zoë"), room.join("Bo"), room.join("Mo"));
    walk_to(&mut room, mo, (4_800.0, 3_200.0));
    walk_to(&mut room, zoe, (2_000.0, 1_600.0));
    room.forget_heard();
    walk(&mut room, zoe, 2_010.0, 1_600.0);
    assert_eq!(room.heard(bo), [""; 0]);
    room.advance(TICK);
    let patch = room.patches::<Value>(bo).remove(0);
    assert_eq!(patch["world"].as_array().unwrap().len(), 1);
    assert_eq!(patch["world"][0]["x"], 2_010);
    assert_eq!(room.heard(mo), [""; 0], "too far away");
    room.advance(TICK);
    assert_eq!(room.heard(bo), [""; 0], "nothing changed");
}

#[test]
fn who_plays_and_who_watches_knows_what_a_newcomer_would_be_shown() {
    let mut room = field();
    let players = [room.join("Zoë"), room.join("Bo")];
    let mut views = players.map(|player| view(&room, player));
    let watcher = room.watch();
    let mut watched = public_view(&room);
    room.watched(watcher);
    room.forget_heard();
    for step in 0..60 {
        play(&mut room, players, step * 5, 5);
        for (player, known) in players.into_iter().zip(&mut views) {
            hear(&mut room, player, known);
            assert_eq!(known.hash(), view(&room, player).hash(), "step {step}");
        }
        for line in room.watched(watcher) {
            if let Some(patch) = line.strip_prefix("patch ") {
                watched.apply(serde_json::from_str(patch).unwrap());
            }
        }
        assert_eq!(watched.hash(), public_view(&room).hash(), "step {step}");
    }
}

#[test]
fn emotes_are_seen_by_those_near_but_not_too_often() {
    let mut room = field();
    let (zoe, bo, mo) = (room.join("Zoë"), room.join("Bo"), room.join("Mo"));
    walk_to(&mut room, mo, (0.0, 0.0));
    room.forget_heard();
    let watcher = room.watch();
    room.watched(watcher);
    let wave = json!({"emote": "wave"});
    room.send(zoe, "emote", &wave).unwrap();
    let seen = [r#"msg {"from":1,"type":"emote","data":{"emote":"wave"}}"#];
    assert_eq!(
        (room.heard(zoe), room.heard(bo)),
        (seen.map(String::from).to_vec(), seen.map(String::from).to_vec())
    );
    assert_eq!(room.heard(mo), [""; 0], "out of sight");
    assert_eq!(room.watched(watcher), seen);
    assert_eq!(room.send(zoe, "emote", &wave).unwrap_err().code, "too_soon");
    room.advance(Duration::from_millis(500));
    room.send(zoe, "emote", &wave).unwrap();
}

fn large(options: Value, seats: u16) -> TestRoom<Meadow> {
    let options = Some(serde_json::from_value(options).unwrap());
    TestRoom::made(CreateRoom { max_players: Some(seats), options, ..CreateRoom::of("meadow") }).unwrap()
}

#[test]
fn five_hundred_play_in_one_meadow_and_each_sees_those_around_him() {
    // 500 animals, some 20 of them in sight of each.
    let options = json!({"width": 5_000, "height": 5_000, "sight": 560, "flowers": 500, "spread": 1});
    let mut room = large(options, 500);
    let players: Vec<_> = (0..500).map(|_| room.join("somebody")).collect();
    let mut views: BTreeMap<_, _> =
        players.iter().map(|&player| (player.seat, WorldView::of(view_of_joined(&room, player)))).collect();
    for tick in 0..20 {
        for (index, &player) in players.iter().enumerate() {
            let (dx, dy) = [(9.0, 0.0), (0.0, 9.0), (-9.0, 0.0), (0.0, -9.0)][index % 4];
            let at = room.game().place(player.seat).unwrap();
            walk(&mut room, player, at.x + dx, at.y + dy);
        }
        room.advance(TICK);
        for &player in &players {
            hear(&mut room, player, views.get_mut(&player.seat).unwrap());
        }
        for &player in players.iter().skip(tick % 50).step_by(50) {
            assert_eq!(views[&player.seat].hash(), view(&room, player).hash(), "tick {tick}");
        }
    }
    let animals = |view: &WorldView| view.entities().values().filter(|seen| seen.kind == "animal").count();
    let most = views.values().map(animals).max().unwrap();
    assert!((10..60).contains(&most), "{most} of 500 in sight");
}

fn view_of_joined(room: &TestRoom<Meadow>, player: TestPlayer) -> Value {
    let state: Value = room.joined(player).state.parse().unwrap();
    state["world"].clone()
}

#[test]
fn a_meadow_takes_no_more_players_than_it_can_show() {
    let options =
        json!({"width": 100_000, "height": 100_000, "sight": 100, "flowers": 10_000, "things": 1_000});
    let mut room = large(options, 4_096);
    let me = "m".repeat(900);
    let mut players = 0;
    let refusal = loop {
        match room.try_join(&"\"".repeat(24), &me) {
            Ok(_) => players += 1,
            Err(refusal) => break format!("{refusal:?}"),
        }
    };
    assert!(refusal.contains("room_full"), "{refusal}");
    let shown = room.public_state::<Value>().to_string().len();
    let members = serde_json::to_vec(&room.players()).unwrap().len();
    let bytes = shown + members;
    assert!(bytes < JOINED_BYTES_MAX && bytes > JOINED_BYTES_MAX * 3 / 4, "{players} players, {bytes} bytes");
}
