//! The room's owner, its phases and its bots, in virtual time.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sward_protocol::downstream::{AwayWhy, GoneWhy};
use sward_protocol::ids::NodeId;

use super::*;
use crate::game::{BadOptions, Raw, Reply, StartRules, done, reply};
use crate::room::bans::BANS_MAX;
use crate::room::effect::Refusal;
use crate::room::input::Newcomer;
use crate::testing::{TestPlayer, TestRoom};

/// A game with the settings that its options name, which does what it is told and says when it is called.
#[derive(Serialize, Deserialize)]
#[serde(default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a setting of its own")]
struct Table {
    seats: u16,
    min: u16,
    all: bool,
    any_time: bool,
    owner_ends: bool,
    starts: bool,
    pauses: bool,
    owned: bool,
    yields: bool,
    refuses_bots: bool,
    /// Bots leave when they come, and another comes when one leaves.
    churns: bool,
    /// Whom the game refuses.
    unwanted: String,
}

impl Default for Table {
    fn default() -> Self {
        Self {
            seats: 4,
            min: 2,
            all: false,
            any_time: false,
            owner_ends: false,
            starts: true,
            pauses: false,
            owned: true,
            yields: false,
            refuses_bots: false,
            churns: false,
            unwanted: String::new(),
        }
    }
}

impl Game for Table {
    type Message = Raw;

    fn create(options: &Payload, _: &mut Random) -> Result<Self, BadOptions> {
        Ok(options.parse()?)
    }

    fn settings(&self) -> Settings {
        let mut settings =
            Settings::new(self.seats).with_seats_up_to(10).with_tick(Duration::from_millis(100));
        let Self { all: needs_all, any_time: lets_in, owner_ends, .. } = *self;
        if self.starts {
            let rules = StartRules { needs_all, lets_in, owner_ends, ..StartRules::from_players(self.min) };
            settings = settings.with_start(rules);
        }
        if self.pauses {
            settings = settings.with_pause_on_away();
        }
        if self.yields {
            settings = settings.with_yielding_bots();
        }
        if self.owned { settings } else { settings.without_owner() }
    }

    fn join(&mut self, room: &mut Room<'_>, seat: Seat) -> Result<(), MessageError> {
        let player = room.player(seat).unwrap();
        if player.name == self.unwanted || (player.bot && self.refuses_bots) {
            room.add_bot("Another", &());
            return Err(MessageError::of_game("unwanted", "not you"));
        }
        if self.churns {
            room.remove_bot(seat);
        }
        Ok(())
    }

    fn leave(&mut self, room: &mut Room<'_>, seat: Seat, _: GoneWhy) {
        if self.churns {
            room.add_bot("Robin", &());
            return;
        }
        let owner = room.owner();
        room.send(Audience::All, "left", &(seat, owner));
    }

    fn start(&mut self, room: &mut Room<'_>, seed: u64) {
        assert_eq!((room.phase(), room.seed()), (Phase::Playing, Some(seed)));
        room.send(Audience::All, "started", &seed);
        // Not heard, or the room would start without end.
        room.over();
        room.start();
        room.controls.stage.seed = Some(seed);
    }

    fn message(&mut self, room: &mut Room<'_>, _: Seat, Raw(message): Raw) -> Reply {
        match message.kind.as_str() {
            "start" => room.start(),
            "over" => room.over(),
            "pause" => room.pause(),
            "go_on" => room.go_on(),
            "timer" => room.set_timer("t", Duration::from_millis(message.data.parse().unwrap())),
            "due" => return reply(&room.timer_due_ms("t")),
            "bot" => room.add_bot(&message.data.parse::<String>().unwrap(), &json!({"animal": "owl"})),
            "bots" => (0..2000).for_each(|_| room.add_bot("Robin", &())),
            "no_bot" => room.remove_bot(message.data.parse().unwrap()),
            _ => {}
        }
        done()
    }

    fn tick(&mut self, room: &mut Room<'_>) {
        room.send(Audience::All, "tick", &());
    }

    fn timer(&mut self, room: &mut Room<'_>, name: &str) {
        room.send(Audience::All, "timer", name);
    }

    fn save(&self) -> Result<Payload, SaveError> {
        Ok(Payload::of(self)?)
    }

    fn restore(saved: &Payload) -> Result<Self, SaveError> {
        Ok(saved.parse()?)
    }
}

/// Three players who have heard nothing yet; the first one owns the room.
fn three(options: Value) -> (TestRoom<Table>, [TestPlayer; 3]) {
    let mut room = TestRoom::with(options).unwrap();
    let players = ["Zoë", "Bo", "Mo"].map(|name| room.join(name));
    room.forget_heard();
    (room, players)
}

fn check_refused(room: &mut TestRoom<Table>, from: TestPlayer, kind: &str, data: &Value, code: &str) {
    let before = (room.info(), room.players());
    let error = room.send(from, kind, data).unwrap_err();
    assert_eq!(error.code, code, "{kind} {data}: {}", error.detail);
    assert_eq!((room.info(), room.players()), before, "{kind} {data} changed something");
}

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
    room.send(zoe, "sward.kick", json!({"seat": 2, "detail": "too\nloud"})).unwrap();
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

#[test]
fn a_bot_sits_like_a_player_and_leaves_when_the_game_says_so() {
    let (mut room, [zoe, bo, _]) = three(json!({}));
    room.send(zoe, "bot", "Robin").unwrap();
    let here = room.heard(bo).remove(0);
    assert!(here.starts_with(r#"here {"seat":4,"id":""#), "{here}");
    assert!(here.ends_with(r#","name":"Robin","me":{"animal":"owl"},"bot":true}"#), "{here}");
    assert_eq!(room.info().players, 4);
    assert_eq!(room.try_join("Jo", ()), Err(Refusal::Full));
    room.send(zoe, "bot", "Wren").unwrap();
    assert_eq!(room.info().players, 4, "no seat is free");
    room.send(zoe, "no_bot", 2).unwrap();
    room.send(zoe, "no_bot", 9).unwrap();
    assert_eq!(room.info().players, 4, "those are none");
    room.send(zoe, "no_bot", 4).unwrap();
    assert_eq!(room.heard(bo)[0], r#"gone {"seat":4,"why":"left"}"#);
    let jo = room.join("Jo");
    assert!(room.joined(jo).players.iter().all(|player| !player.bot));
}

#[test]
fn bots_give_way_to_humans_the_last_one_first() {
    let mut room = TestRoom::<Table>::with(json!({"yields": true, "seats": 3, "unwanted": "Al"})).unwrap();
    let zoe = room.join("Zoë");
    room.send(zoe, "bots", ()).unwrap();
    assert_eq!(room.info().players, 3);
    room.forget_heard();
    assert!(matches!(room.try_join("Al", ()), Err(Refusal::ByGame(_))));
    let bots = |room: &TestRoom<Table>| room.players().iter().filter(|player| player.bot).count();
    assert_eq!(bots(&room), 2, "the one who gave way to nobody is there again");
    assert_eq!(room.heard(zoe).len(), 3, "gone, what the game says of it, here");
    let bo = room.join("Bo");
    assert_eq!(bo.seat, Seat(3));
    assert_eq!(room.heard(zoe)[0], r#"gone {"seat":3,"why":"left"}"#);
    room.join("Mo");
    assert_eq!(room.try_join("Jo", ()), Err(Refusal::Full));
    assert!(room.players().iter().all(|player| !player.bot));
    room.leave(bo);
    assert!(matches!(room.try_join("Al", ()), Err(Refusal::ByGame(_))));
    assert_eq!(room.info().players, 2, "and the bot that was asked for in that call is not seated either");
}

#[test]
fn a_room_with_bots_alone_is_empty() {
    let (mut room, players @ [zoe, ..]) = three(json!({}));
    room.send(zoe, "bot", "Robin").unwrap();
    for player in players {
        room.leave(player);
    }
    assert_eq!((room.info().players, room.info().owner), (1, Seat::GAME));
    let jo = room.join("Jo");
    assert_eq!(room.info().owner, jo.seat);
    assert!(room.players().iter().any(|player| player.bot), "it has waited for him");
    let al = room.join("Al");
    room.send(jo, "sward.kick", json!({"seat": 4})).unwrap();
    assert_eq!(room.info().players, 2);
    room.send(jo, "bot", "Wren").unwrap();
    room.send(jo, "sward.ban", json!({"seat": 3})).unwrap();
    assert!(room.is_in(al) && room.players().iter().all(|player| !player.bot));
}

#[test]
fn a_game_that_refuses_its_own_bots_lets_the_room_live() {
    let mut room = TestRoom::<Table>::with(json!({"refuses_bots": true})).unwrap();
    let zoe = room.join("Zoë");
    room.send(zoe, "bots", ()).unwrap();
    assert_eq!(room.info().players, 1);
}

#[test]
#[should_panic(expected = "the game sent more than 32768 events")]
fn a_game_whose_bots_come_and_go_without_end_is_stopped() {
    let (mut room, [zoe, ..]) = three(json!({"churns": true}));
    let _ = room.send(zoe, "bot", "Robin");
}

#[test]
#[should_panic(expected = "it would be dropped: the bot \"\": nothing in it can be seen")]
fn a_bot_without_a_name_fails_the_test() {
    let (mut room, [zoe, ..]) = three(json!({}));
    let _ = room.send(zoe, "bot", "");
}

#[test]
fn a_room_that_was_restored_has_its_owner_its_bans_its_chat_and_its_pause() {
    let (mut room, [zoe, bo, mo]) = three(json!({"any_time": true, "pauses": true}));
    room.send(zoe, "bot", "Robin").unwrap();
    room.send(zoe, "sward.give", json!({"seat": 3})).unwrap();
    room.send(mo, "sward.ban", json!({"seat": 2})).unwrap();
    room.send(mo, "sward.rename", json!({"name": "Nest"})).unwrap();
    room.send(mo, "sward.start", ()).unwrap();
    room.send(mo, "timer", 700).unwrap();
    room.send(mo, "chat", json!({"text": "hello"})).unwrap();
    room.away(zoe);
    room.advance(Duration::from_secs(3));
    room.forget_heard();
    let mut restored = room.restored().unwrap();
    let finish = |room: &mut TestRoom<Table>| {
        assert_eq!(room.try_return(bo), Err(Refusal::Banned));
        let before = room.info();
        room.advance(Duration::from_secs(3));
        room.back(zoe);
        room.advance(Duration::from_secs(1));
        room.leave(mo);
        let jo = room.join("Jo");
        assert_eq!(room.joined(jo).chat[0].text, "hello");
        (before, room.heard(zoe), room.joined(jo).clone(), room.players())
    };
    assert_eq!(finish(&mut restored), finish(&mut room));
}

fn player(number: u128) -> PlayerId {
    PlayerId::from_random(NodeId(0), number)
}

fn core(password: Option<&str>) -> RoomCore<Table> {
    let mut random = Random::from_seed(1);
    let game = Table::create(&Payload::of(&json!({})).unwrap(), &mut random).unwrap();
    let charter = Charter {
        id: RoomId::from_random(NodeId(0), 1),
        game: "table".to_owned(),
        code: "TEST".to_owned(),
        name: String::new(),
        private: false,
        password: password.map(Password::new),
        creator: Some(player(7)),
        standing: false,
        meta: Payload::of(&json!({})).unwrap(),
        max_players: 4,
    };
    let settings = game.settings();
    RoomCore::new(charter, game, settings, random)
}

#[test]
fn bots_take_no_seat_from_those_whose_match_it_is() {
    let random = Random::from_seed(1);
    let game = Table::create(&Payload::of(&json!({})).unwrap(), &mut random.clone()).unwrap();
    let charter = Charter { creator: None, ..core(None).charter };
    assert!(charter.is_of_match());
    let settings = game.settings();
    assert!(!settings.bots_yield, "whatever the game says");
    let mut core = RoomCore::new(charter, game, settings, random);
    let by_pass = |number| Newcomer {
        has_pass: true,
        ..Newcomer::new(player(number), format!("P{number}"), Payload::null())
    };
    let mut effects = Vec::new();
    core.step(Input::Join(by_pass(1)), 1, &mut effects);
    let (kind, data) = ("bots".to_owned(), Payload::null());
    let bots = Message { kind, data, rid: None, to: None, key: None, keep: None };
    core.step(Input::Batch { seat: Seat(1), messages: vec![bots] }, 1, &mut effects);
    assert_eq!((core.occupancy().players, core.occupancy().humans, core.occupancy().free), (4, 1, 3));
    for number in 2..=4 {
        core.step(Input::Join(by_pass(number)), 1, &mut effects);
    }
    assert_eq!((core.occupancy().players, core.occupancy().humans, core.occupancy().free), (4, 4, 0));
}

fn enter(core: &mut RoomCore<Table>, number: u128, password: Option<&str>) -> Result<Joined, Refusal> {
    enter_at(1, core, number, password)
}

fn enter_at(
    now_ms: u64,
    core: &mut RoomCore<Table>,
    number: u128,
    password: Option<&str>,
) -> Result<Joined, Refusal> {
    let newcomer = Newcomer {
        password: password.map(Password::new),
        ..Newcomer::new(player(number), format!("P{number}"), Payload::null())
    };
    let mut effects = Vec::new();
    core.step(Input::Join(newcomer), now_ms, &mut effects);
    let outcome = effects.into_iter().find_map(|effect| match effect {
        Effect::Admitted(joined) => Some(Ok(*joined)),
        Effect::Refused(refusal) => Some(Err(refusal)),
        _ => None,
    });
    outcome.unwrap()
}

#[test]
fn the_others_hear_of_a_late_creator_before_they_hear_that_he_owns_the_room() {
    let mut core = core(None);
    enter(&mut core, 1, None).unwrap();
    let mut effects = Vec::new();
    let newcomer = Newcomer::new(player(7), "P7".to_owned(), Payload::null());
    core.step(Input::Join(newcomer), 1, &mut effects);
    let told: Vec<_> = effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Send(outgoing) => Some((outgoing.event.name(), outgoing.audience.clone())),
            _ => None,
        })
        .collect();
    let others = Audience::Except(Seat(2));
    assert_eq!(told, [("here", others.clone()), ("room", others)]);
}

#[test]
fn guesses_at_a_password_are_bounded_whoever_makes_them_and_a_pass_needs_none() {
    let mut core = core(Some("sésame"));
    assert!(enter(&mut core, 1, Some("sésame")).is_ok(), "who knows it costs nothing");
    for number in 0..20 {
        assert_eq!(enter(&mut core, 10 + number, Some("1234")), Err(Refusal::PasswordWrong));
    }
    let refused = |retry_after_ms| Err(Refusal::TooManyGuesses { retry_after_ms });
    assert_eq!(enter(&mut core, 40, Some("1234")), refused(1000));
    assert_eq!(enter(&mut core, 2, Some("sésame")), refused(1000), "or a guess would be told from a miss");
    assert_eq!(enter(&mut core, 40, None), Err(Refusal::PasswordWrong));
    assert_eq!(enter_at(501, &mut core, 2, Some("sésame")), refused(500));
    assert!(enter_at(1001, &mut core, 2, Some("sésame")).is_ok());
    assert_eq!(enter_at(1001, &mut core, 40, Some("1234")), Err(Refusal::PasswordWrong));
    let mut core = RoomCore::<Table>::restore(core.save().unwrap()).unwrap();
    assert_eq!(enter_at(1001, &mut core, 40, Some("1234")), refused(1000), "it has not forgotten");
}

#[test]
fn a_room_with_a_password_lets_in_who_knows_it_and_never_shows_it() {
    let mut core = core(Some("sésame"));
    for wrong in [None, Some(""), Some("sesame"), Some("sésame ")] {
        assert_eq!(enter(&mut core, 1, wrong), Err(Refusal::PasswordWrong), "{wrong:?}");
    }
    let joined = enter(&mut core, 1, Some("sésame")).unwrap();
    assert!(joined.room.password);
    let shown = format!("{joined:?} {:?} {}", core.charter(), serde_json::to_string(&joined).unwrap());
    assert!(!shown.contains("sésame"), "{shown}");
    let saved = serde_json::to_string(&core.save().unwrap()).unwrap();
    let mut restored = RoomCore::<Table>::restore(serde_json::from_str(&saved).unwrap()).unwrap();
    assert_eq!(enter(&mut restored, 2, Some("sesame")), Err(Refusal::PasswordWrong));
    assert!(enter(&mut restored, 2, Some("sésame")).is_ok());
    assert_eq!(
        enter(&mut restored, 7, Some("sésame")).unwrap().room.owner,
        Seat(3),
        "its creator, though late"
    );
}

/// Notes what it is told of who is away, and is paused meanwhile.
#[derive(Default, Serialize, Deserialize)]
struct Watcher {
    told: Vec<(Seat, Option<AwayWhy>)>,
}

impl Game for Watcher {
    type Message = Raw;

    fn create(_: &Payload, _: &mut Random) -> Result<Self, BadOptions> {
        Ok(Self::default())
    }

    fn settings(&self) -> Settings {
        let rules = StartRules { lets_in: true, owner_ends: true, ..StartRules::from_players(2) };
        Settings::new(4).with_start(rules).with_pause_on_away()
    }

    fn message(&mut self, _: &mut Room<'_>, _: Seat, _: Raw) -> Reply {
        done()
    }

    fn away(&mut self, room: &mut Room<'_>, seat: Seat, why: AwayWhy) {
        assert_eq!(room.player(seat).unwrap().away, Some(why));
        self.told.push((seat, Some(why)));
    }

    fn back(&mut self, room: &mut Room<'_>, seat: Seat) {
        assert_eq!(room.player(seat).unwrap().away, None);
        self.told.push((seat, None));
    }

    fn save(&self) -> Result<Payload, SaveError> {
        Ok(Payload::of(self)?)
    }

    fn restore(saved: &Payload) -> Result<Self, SaveError> {
        Ok(saved.parse()?)
    }
}

/// What may happen to a player's presence.
#[derive(Debug, Clone, Copy)]
enum Happens {
    Lost,
    Heard,
    SaysAway,
    SaysBack,
    ComesAnew,
}

/// Lets these things happen to one of two players of a room that plays, and compares what all see of it with the two flags
/// that they set. The room may be another one, restored from the first, after each of them.
fn check_presence(happenings: &[Happens], is_restored: bool) {
    let mut room = TestRoom::<Watcher>::new();
    let (zoe, mut bo) = (room.join("Zoë"), room.join("Bo"));
    room.send(zoe, "sward.start", ()).unwrap();
    let (mut is_lost, mut is_off_keyboard, mut told) = (false, false, Vec::new());
    for (i, happens) in happenings.iter().enumerate() {
        let before = room.players()[1].why;
        room.forget_heard();
        match happens {
            Happens::Lost => (is_lost, _) = (true, room.away(bo)),
            Happens::Heard => (is_lost, _) = (false, room.back(bo)),
            Happens::SaysAway => {
                is_off_keyboard = true;
                assert!(room.send(bo, "sward.away", ()).is_ok());
            }
            Happens::SaysBack => {
                is_off_keyboard = false;
                assert!(room.send(bo, "sward.back", ()).is_ok());
            }
            Happens::ComesAnew => {
                (is_lost, is_off_keyboard) = (false, false);
                room.leave(bo);
                bo = room.try_return(bo).unwrap();
            }
        }
        let why = if is_lost { Some(AwayWhy::Lost) } else { is_off_keyboard.then_some(AwayWhy::Keyboard) };
        let case = format!("{happenings:?} at {i}");
        let shown = &room.players()[1];
        assert_eq!((shown.away, shown.why), (why.is_some(), why), "{case}");
        let phase = if why.is_some() { Phase::Paused } else { Phase::Playing };
        assert_eq!(room.info().phase, phase, "{case}");
        if !matches!(happens, Happens::ComesAnew) {
            let mut heard = Vec::new();
            if why != before {
                told.push((bo.seat, why));
                heard.push(match why {
                    Some(AwayWhy::Lost) => r#"away {"seat":2,"why":"lost"}"#,
                    Some(_) => r#"away {"seat":2,"why":"keyboard"}"#,
                    None => r#"back {"seat":2}"#,
                });
            }
            match (before.is_some(), why.is_some()) {
                (false, true) => heard.push(r#"room {"phase":"paused"}"#),
                (true, false) => heard.push(r#"room {"phase":"playing"}"#),
                _ => {}
            }
            assert_eq!(room.heard(zoe), heard, "{case}");
        }
        assert_eq!(room.game().told, told, "{case}");
        if is_restored {
            room = room.restored().unwrap();
        }
    }
    let late = room.join("Late");
    assert_eq!(room.joined(late).players, room.players(), "who comes later sees it: {happenings:?}");
}

#[test]
fn in_every_order_of_lost_heard_away_and_back_others_see_the_worse_of_what_holds() {
    use Happens::{ComesAnew, Heard, Lost, SaysAway, SaysBack};
    let all = [Lost, Heard, SaysAway, SaysBack, ComesAnew];
    for length in 0..=5 {
        for number in 0..all.len().pow(length) {
            let digit = |place| all[number / all.len().pow(place) % all.len()];
            let happenings: Vec<_> = (0..length).map(digit).collect();
            check_presence(&happenings, false);
            if length <= 4 {
                check_presence(&happenings, true);
            }
        }
    }
}

#[test]
fn who_is_away_from_the_keyboard_counts_as_away_and_may_do_all_that_he_may() {
    let mut room = TestRoom::<Table>::with(json!({"min": 2, "all": true})).unwrap();
    let (zoe, bo, mo) = (room.join("Zoë"), room.join("Bo"), room.join("Mo"));
    // What stands in `data` means nothing.
    room.send(bo, "sward.away", json!({"why": "lost", "seat": 1})).unwrap();
    check_refused(&mut room, zoe, "sward.start", &json!(null), "somebody_away");
    room.forget_heard();
    room.send(bo, "wave", ()).unwrap();
    room.send(bo, "chat", json!({"text": "hi"})).unwrap();
    assert_eq!(room.players()[1].why, Some(AwayWhy::Keyboard), "what else he says does not end it");
    room.leave(zoe);
    assert_eq!(room.info().owner, mo.seat, "to who is present, not to who sits there longest");
    room.send(mo, "sward.away", ()).unwrap();
    assert_eq!(room.info().owner, mo.seat, "he keeps it");
    room.send(mo, "sward.lock", ()).unwrap();
    room.leave(mo);
    assert_eq!(room.info().owner, bo.seat, "who is away, but all there is");
    assert_eq!(room.send(mo, "sward.away", ()).unwrap_err().code, "not_in_room");
}
