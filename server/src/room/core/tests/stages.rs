//! A game's start and end, and its clock when it stands still.

use super::*;

#[test]
fn a_start_is_refused_with_a_code_for_each_reason() {
    let mut room = TestRoom::<Table>::with(json!({"min": 2, "all": true})).unwrap();
    let zoe = room.join("Zoë");
    check_refused(&mut room, zoe, "sward.start", &json!(null), "too_few_players");
    let bo = room.join("Bo");
    room.away(bo);
    check_refused(&mut room, zoe, "sward.start", &json!(null), "somebody_away");
    room.back(bo);
    check_refused(&mut room, bo, "sward.start", &json!(null), "not_owner");
    room.send(zoe, "sward.start", ()).unwrap();
    check_refused(&mut room, zoe, "sward.start", &json!(null), "already_playing");
    check_refused(&mut room, zoe, "sward.unlock", &json!(null), "already_playing");
    check_refused(&mut room, zoe, "sward.over", &json!(null), "not_startable");
}

#[test]
fn all_are_told_the_seed_before_the_game_says_anything_and_nobody_joins_until_it_is_over() {
    let (mut room, [zoe, bo, mo]) = three(json!({}));
    room.send(zoe, "sward.start", ()).unwrap();
    let [one, two] = [zoe, bo].map(|player| room.heard(player));
    assert_eq!(one, two, "the same seed for all");
    let seed: u64 = room.messages(mo, "started")[0];
    assert!(seed < 1 << 53);
    let told = [
        format!(r#"start {{"seed":{seed}}}"#),
        r#"room {"locked":true,"phase":"playing"}"#.to_owned(),
        format!(r#"msg {{"from":0,"type":"started","data":{seed}}}"#),
    ];
    assert_eq!(one, told);
    assert_eq!(room.try_join("Jo", ()), Err(Refusal::Locked));
    room.send(bo, "over", ()).unwrap();
    assert_eq!(room.heard(bo), [r#"room {"locked":false,"phase":"open"}"#]);
    let jo = room.join("Jo");
    assert_eq!(room.joined(jo).seed, None);
    room.send(zoe, "sward.start", ()).unwrap();
    assert_ne!(room.messages::<u64>(jo, "started"), [seed], "another one each time");
}

#[test]
fn who_joins_while_the_room_plays_is_told_the_seed() {
    let (mut room, [zoe, ..]) = three(json!({"any_time": true, "owner_ends": true}));
    check_refused(&mut room, zoe, "sward.over", &json!(null), "not_playing");
    room.send(zoe, "sward.start", ()).unwrap();
    let seed: u64 = room.messages(zoe, "started")[0];
    let jo = room.join("Jo");
    assert_eq!((room.joined(jo).seed, room.joined(jo).room.phase), (Some(seed), Phase::Playing));
    room.send(zoe, "sward.over", ()).unwrap();
    assert_eq!(room.info().phase, Phase::Open);
}

#[test]
fn a_game_may_start_itself_whoever_is_there() {
    let mut room = TestRoom::<Table>::with(json!({"starts": false})).unwrap();
    let zoe = room.join("Zoë");
    room.send(zoe, "start", ()).unwrap();
    room.send(zoe, "start", ()).unwrap();
    assert_eq!(room.messages::<u64>(zoe, "started").len(), 1, "it plays already");
    assert_eq!((room.info().phase, room.info().locked), (Phase::Playing, false));
}

#[test]
fn ticks_and_timers_stand_still_while_somebody_is_away_and_go_on_where_they_were() {
    let (mut room, [zoe, bo, mo]) = three(json!({"pauses": true}));
    room.away(mo);
    assert_eq!(room.info().phase, Phase::Open, "only a room that plays is paused");
    room.back(mo);
    room.send(zoe, "sward.start", ()).unwrap();
    room.send(zoe, "timer", 1000).unwrap();
    room.advance(Duration::from_millis(400));
    let due: u64 = room.request(zoe, "due", ()).unwrap();
    room.forget_heard();
    room.away(mo);
    room.away(bo);
    assert_eq!(room.heard(zoe).last().unwrap(), r#"away {"seat":2,"why":"lost"}"#);
    room.advance(Duration::from_secs(50));
    assert_eq!(room.heard(zoe), [""; 0], "neither ticks nor timers");
    assert_eq!(room.request::<u64>(zoe, "due", ()).unwrap(), due + 50_000);
    room.back(mo);
    assert_eq!(room.info().phase, Phase::Paused, "one is still away");
    room.lose(bo);
    assert_eq!(room.heard(zoe).last().unwrap(), r#"room {"phase":"playing"}"#);
    room.advance(Duration::from_millis(599));
    assert_eq!(room.messages::<String>(zoe, "timer"), [""; 0]);
    room.advance(Duration::from_millis(1));
    assert_eq!(room.messages::<String>(zoe, "timer"), ["t"]);
    assert!((5..=6).contains(&room.messages::<()>(zoe, "tick").len()));
}

#[test]
fn a_timer_that_is_set_while_time_stands_still_counts_from_when_it_goes_on() {
    let (mut room, [zoe, ..]) = three(json!({}));
    room.send(zoe, "pause", ()).unwrap();
    assert_eq!(room.info().phase, Phase::Open, "only a room that plays can be paused");
    room.send(zoe, "sward.start", ()).unwrap();
    room.send(zoe, "pause", ()).unwrap();
    room.advance(Duration::from_secs(5));
    room.send(zoe, "timer", 300).unwrap();
    assert_eq!(room.request::<u64>(zoe, "due", ()).unwrap(), room.now_ms() + 300);
    room.advance(Duration::from_secs(5));
    room.forget_heard();
    room.send(zoe, "go_on", ()).unwrap();
    assert_eq!(room.heard(zoe), [r#"room {"phase":"playing"}"#]);
    room.advance(Duration::from_millis(299));
    assert_eq!(room.messages::<String>(zoe, "timer"), [""; 0]);
    room.advance(Duration::from_millis(1));
    assert_eq!(room.messages::<String>(zoe, "timer"), ["t"]);
    room.send(zoe, "pause", ()).unwrap();
    room.send(zoe, "over", ()).unwrap();
    assert_eq!(room.info().phase, Phase::Open, "over is over, paused or not");
}
