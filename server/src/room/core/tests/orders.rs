//! What a room's owner, and the operator, may do there.

use super::*;

#[test]
fn whoever_comes_first_owns_the_room_and_only_he_may_order() {
    let (mut room, [zoe, bo, _]) = three(json!({}));
    assert_eq!(room.joined(zoe).room.owner, zoe.seat);
    assert_eq!(room.joined(bo).room.owner, zoe.seat);
    for (kind, data) in [
        ("sward.lock", json!(null)),
        ("sward.unlock", json!(null)),
        ("sward.rename", json!({"name": "Mine"})),
        ("sward.resize", json!({"max_players": 9})),
        ("sward.meta", json!({"meta": {"a": 1}})),
        ("sward.kick", json!({"seat": 1})),
        ("sward.ban", json!({"seat": 3})),
        ("sward.unban", json!({"id": bo.id})),
        ("sward.give", json!({"seat": 2})),
        ("sward.start", json!(null)),
        ("sward.over", json!(null)),
    ] {
        check_refused(&mut room, bo, kind, &data, "not_owner");
    }
    assert_eq!(room.heard(zoe), [""; 0]);
}

#[test]
fn the_owner_changes_the_room_and_all_are_told_what_changed() {
    let (mut room, [zoe, bo, _]) = three(json!({}));
    for _ in 0..2 {
        room.send(zoe, "sward.lock", ()).unwrap();
        room.send(zoe, "sward.rename", json!({"name": " Nest 🦊 "})).unwrap();
        room.send(zoe, "sward.resize", json!({"max_players": 3})).unwrap();
        room.send(zoe, "sward.meta", json!({"meta": {"map": "dale"}})).unwrap();
    }
    let told = [
        r#"room {"locked":true}"#,
        r#"room {"name":"Nest 🦊"}"#,
        r#"room {"max_players":3}"#,
        r#"room {"meta":{"map":"dale"}}"#,
    ];
    assert_eq!(room.heard(bo), told, "what is as it was is not told");
    assert_eq!(room.try_join("Jo", ()), Err(Refusal::Locked));
    room.send(zoe, "sward.unlock", ()).unwrap();
    assert_eq!(room.try_join("Jo", ()), Err(Refusal::Full));
    let info = room.info();
    assert_eq!((&*info.name, info.max_players, info.meta.json()), ("Nest 🦊", 3, r#"{"map":"dale"}"#));
}

#[test]
fn what_an_owner_cannot_do_has_its_own_code_and_changes_nothing() {
    let (mut room, [zoe, ..]) = three(json!({"starts": false}));
    room.send(zoe, "bot", "Robin").unwrap();
    room.forget_heard();
    for (kind, data, code) in [
        ("sward.rename", json!({"name": "a\u{202e}b"}), "bad_name"),
        ("sward.resize", json!({"max_players": 0}), "bad_max"),
        ("sward.resize", json!({"max_players": 1_000_000_000}), "bad_max"),
        ("sward.resize", json!({"max_players": 11}), "bad_max"),
        ("sward.resize", json!({"max_players": 3}), "bad_max"),
        ("sward.meta", json!({"meta": {"a": "x".repeat(1024)}}), "bad_meta"),
        ("sward.kick", json!({"seat": 1}), "own_seat"),
        ("sward.ban", json!({"seat": 1}), "own_seat"),
        ("sward.give", json!({"seat": 1}), "own_seat"),
        ("sward.kick", json!({"seat": 0}), "no_such_seat"),
        ("sward.ban", json!({"seat": 5}), "no_such_seat"),
        ("sward.give", json!({"seat": 65535}), "no_such_seat"),
        ("sward.give", json!({"seat": 4}), "bot_seat"),
        ("sward.start", json!(null), "not_startable"),
        ("sward.over", json!(null), "not_startable"),
        ("sward.unban", json!({"id": "nobody"}), "bad_payload"),
    ] {
        check_refused(&mut room, zoe, kind, &data, code);
    }
    assert_eq!(room.heard(zoe), [""; 0]);
}

#[test]
fn the_room_is_handed_over_by_the_owner_and_when_he_leaves() {
    let (mut room, [zoe, bo, mo]) = three(json!({}));
    room.away(zoe);
    assert_eq!(room.info().owner, zoe.seat, "he keeps it while he is away");
    room.back(zoe);
    room.forget_heard();
    room.send(zoe, "sward.give", json!({"seat": 3})).unwrap();
    assert_eq!(room.heard(bo), [r#"room {"owner":3}"#]);
    check_refused(&mut room, zoe, "sward.lock", &json!(null), "not_owner");
    room.away(zoe);
    room.forget_heard();
    room.leave(mo);
    let told = [
        r#"gone {"seat":3,"why":"left"}"#,
        r#"msg {"from":0,"type":"left","data":[3,2]}"#,
        r#"room {"owner":2}"#,
    ];
    assert_eq!(room.heard(bo), told, "to the one present, not to the one away");
    room.leave(bo);
    assert_eq!(room.info().owner, zoe.seat, "who is away, but all there is");
    room.leave(zoe);
    assert_eq!(room.info().owner, Seat::GAME);
    let jo = room.join("Jo");
    assert_eq!(room.joined(jo).room.owner, jo.seat);
    assert_eq!(room.heard(jo), [""; 0], "`joined` has told him");
}

#[test]
fn nobody_orders_in_a_room_that_nobody_owns() {
    let (mut room, [zoe, ..]) = three(json!({"owned": false}));
    assert_eq!(room.joined(zoe).room.owner, Seat::GAME);
    check_refused(&mut room, zoe, "sward.kick", &json!({"seat": 2}), "not_owner");
}

#[test]
fn who_is_kicked_may_come_back_and_who_is_banned_may_not() {
    let (mut room, [zoe, bo, mo]) = three(json!({}));
    room.send(zoe, "sward.kick", json!({"seat": 2, "detail": "tooloud"})).unwrap();
    assert_eq!(room.heard(mo)[0], r#"gone {"seat":2,"why":"kicked","detail":"tooloud"}"#);
    assert_eq!(room.gone(bo).unwrap().detail.as_deref(), Some("tooloud"));
    let bo = room.try_return(bo).unwrap();
    room.send(zoe, "sward.ban", json!({"seat": 2})).unwrap();
    assert_eq!(room.gone(bo).unwrap().why, GoneWhy::Banned);
    assert_eq!(room.try_return(bo), Err(Refusal::Banned));
    room.join("Another");
    room.send(zoe, "sward.unban", json!({"id": bo.id})).unwrap();
    assert!(room.try_return(bo).is_ok());
    assert_eq!(room.send(mo, "sward.lock", ()).unwrap_err().code, "not_owner");
}

#[test]
fn of_too_many_bans_the_oldest_is_forgotten_and_that_is_counted() {
    let (mut room, [_, bo, _]) = three(json!({}));
    room.put_out(bo, GoneWhy::Banned, "");
    let mut core = core(None);
    let mut forgotten = 0;
    for number in 0..BANS_MAX + 3 {
        let mut effects = Vec::new();
        let player = player(number as u128);
        core.step(
            Input::Kick { player, why: GoneWhy::Banned, detail: String::new() },
            number as u64,
            &mut effects,
        );
        forgotten += effects.iter().filter(|effect| **effect == Effect::BanForgotten).count();
    }
    assert_eq!(forgotten, 3);
    assert_eq!(enter(&mut core, 5, None), Err(Refusal::Banned));
    assert!(enter(&mut core, 2, None).is_ok());
}

#[test]
fn the_operator_puts_out_and_closes_whoever_owns_the_room() {
    let (mut room, [zoe, bo, mo]) = three(json!({}));
    room.put_out(zoe, GoneWhy::Banned, "rude");
    assert_eq!(room.gone(zoe).unwrap().detail.as_deref(), Some("rude"));
    assert_eq!(room.info().owner, bo.seat);
    assert_eq!(room.try_return(zoe), Err(Refusal::Banned));
    room.put_out(zoe, GoneWhy::Kicked, "again");
    assert_eq!(room.info().players, 2, "who is not there is left alone");
    room.close();
    assert!(room.is_closed());
    assert_eq!(room.gone(mo).unwrap().why, GoneWhy::Closed);
}
