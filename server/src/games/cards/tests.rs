//! Crazy eights, without a network.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Card, Cards, OverWhy, Suit};
use crate::game::{Game as _, Phase, Random, Seat};
use crate::games::cards::table::Table;
use crate::testing::{TestPlayer, TestRoom};

/// What a player needs to see to choose a card.
#[derive(Debug, Deserialize)]
struct Seen {
    table: Option<SeenTable>,
    players: Vec<Value>,
    hand: SeenHand,
}

#[derive(Debug, Deserialize)]
struct SeenTable {
    turn: Seat,
    due_ms: u64,
    top: Card,
    suit: Suit,
    stock: usize,
    pile: usize,
}

#[derive(Debug, Deserialize)]
struct SeenHand {
    cards: Vec<Card>,
    drew: bool,
}

fn look(room: &TestRoom<Cards>, player: TestPlayer) -> Seen {
    room.state(player)
}

fn turn(room: &TestRoom<Cards>, players: &[TestPlayer]) -> TestPlayer {
    let turn = look(room, players[0]).table.unwrap().turn;
    *players.iter().find(|player| player.seat == turn).unwrap()
}

fn is_playing(room: &TestRoom<Cards>, player: TestPlayer) -> bool {
    look(room, player).table.is_some()
}

/// A table where a round has just begun.
fn dealt<const N: usize>(seed: u64) -> (TestRoom<Cards>, [TestPlayer; N]) {
    let mut room = TestRoom::seeded(seed, json!({})).unwrap();
    let players = std::array::from_fn(|number| room.join(&format!("P{number}")));
    begin(&mut room, &players);
    (room, players)
}

fn begin(room: &mut TestRoom<Cards>, players: &[TestPlayer]) {
    for &player in players {
        room.send(player, "ready", true).unwrap();
    }
    assert!(is_playing(room, players[0]));
}

/// One move of the player whose turn it is: the first card that fits, else he draws, else he passes.
fn one_move(room: &mut TestRoom<Cards>, players: &[TestPlayer]) {
    let player = turn(room, players);
    let Seen { table, hand, .. } = look(room, player);
    let table = table.unwrap();
    match hand.cards.iter().find(|card| card.fits(table.top, table.suit)) {
        Some(card) if card.is_wild() => {
            room.send(player, "play", json!({"card": card, "suit": "H"})).unwrap();
        }
        Some(card) => drop(room.send(player, "play", json!({"card": card})).unwrap()),
        None if !hand.drew => drop(room.send(player, "draw", ()).unwrap()),
        None => drop(room.send(player, "pass", ()).unwrap()),
    }
}

/// Nobody has heard, or is shown, a card that another one holds.
fn check_secrets(room: &mut TestRoom<Cards>, players: &[TestPlayer]) {
    let hands: Vec<_> = players.iter().map(|&player| look(room, player).hand.cards).collect();
    for (at, &player) in players.iter().enumerate() {
        let mut shown = room.heard(player);
        shown.push(room.state::<Value>(player).to_string());
        shown.push(serde_json::to_string(&room.game().public_state()).unwrap());
        for (_, hand) in hands.iter().enumerate().filter(|(other, _)| *other != at) {
            for card in hand {
                let name = format!("\"{}\"", String::from(*card));
                assert!(!shown.iter().any(|text| text.contains(&name)), "{name} in {shown:?}");
            }
        }
        let public = shown.last().unwrap();
        let own = |card: &Card| public.contains(&format!("\"{}\"", String::from(*card)));
        assert!(!hands[at].iter().any(own), "{public}");
    }
}

#[test]
fn whole_rounds_are_played_and_nobody_ever_learns_what_another_holds() {
    for seed in 1..=20 {
        let (mut room, players) = dealt::<4>(seed);
        let mut moves = 0;
        while is_playing(&room, players[0]) {
            one_move(&mut room, &players);
            if is_playing(&room, players[0]) {
                // A whole round has every card exactly once.
                let Seen { table, .. } = look(&room, players[0]);
                let table = table.unwrap();
                let held: usize = players.iter().map(|&player| look(&room, player).hand.cards.len()).sum();
                assert_eq!(held + table.stock + table.pile, 52);
            }
            check_secrets(&mut room, &players);
            moves += 1;
            assert!(moves < 1000, "seed {seed} never ends");
        }
        let scores: Vec<_> = look(&room, players[0]).players.iter().map(|p| p["score"].clone()).collect();
        assert_eq!(scores.iter().filter(|score| **score != 0).count(), 1, "seed {seed}: {scores:?}");
    }
}

#[test]
fn the_same_seed_and_moves_give_the_same_round_also_when_it_was_restored() {
    let run = |seed: u64, restored: bool| {
        let (mut room, players) = dealt::<3>(seed);
        for _ in 0..5 {
            one_move(&mut room, &players);
        }
        room.forget_heard();
        let mut room = if restored { room.restored().unwrap() } else { room };
        while is_playing(&room, players[0]) {
            one_move(&mut room, &players);
            room.advance(Duration::from_secs(7));
        }
        players.map(|player| room.heard(player))
    };
    assert_eq!(run(3, false), run(3, false));
    assert_eq!(run(3, true), run(3, false));
    assert_ne!(run(3, false), run(4, false));
}

#[test]
fn every_illegal_move_has_its_code_and_changes_nothing() {
    let (mut room, players) = dealt::<2>(1);
    let mo = room.join("Mo");
    let (mover, waiter) =
        if turn(&room, &players) == players[0] { (players[0], players[1]) } else { (players[1], players[0]) };
    let Seen { table, hand, .. } = look(&room, mover);
    let table = table.unwrap();
    let misfit = *hand.cards.iter().find(|card| !card.fits(table.top, table.suit)).unwrap();
    let held = look(&room, waiter).hand.cards[0];
    let before: Value = room.state(mover);
    for (player, kind, data, code) in [
        (waiter, "draw", json!(null), "not_your_turn"),
        (waiter, "pass", json!(null), "not_your_turn"),
        (waiter, "play", json!({"card": held}), "not_your_turn"),
        (mo, "draw", json!(null), "not_in_round"),
        (mo, "ready", json!(true), "already_playing"),
        (mover, "pass", json!(null), "draw_first"),
        (mover, "play", json!({"card": held}), "not_your_card"),
        (mover, "play", json!({"card": misfit}), "does_not_fit"),
        (mover, "play", json!({"card": "1H"}), "bad_payload"),
        (mover, "play", json!({"card": misfit, "suit": "X"}), "bad_payload"),
        (mover, "fold", json!(null), "unknown_type"),
    ] {
        assert_eq!(room.send(player, kind, &data).unwrap_err().code, code, "{kind} {data}");
    }
    assert_eq!(room.state::<Value>(mover), before);
    let drawn: Card = room.request(mover, "draw", ()).unwrap();
    assert!(look(&room, mover).hand.cards.contains(&drawn));
    assert_eq!(room.send(mover, "draw", ()).unwrap_err().code, "already_drew");
    room.send(mover, "pass", ()).unwrap();
    assert_eq!(turn(&room, &players), waiter);
    assert_eq!(room.send(mover, "draw", ()).unwrap_err().code, "not_your_turn");

    let mut idle = TestRoom::<Cards>::new();
    let zoe = idle.join("Zoë");
    assert_eq!(idle.send(zoe, "draw", ()).unwrap_err().code, "not_playing");
}

/// A round in which the player whose turn it is holds an eight.
fn with_an_eight() -> (TestRoom<Cards>, [TestPlayer; 2], TestPlayer, Card) {
    for seed in 1.. {
        let (room, players) = dealt::<2>(seed);
        let mover = turn(&room, &players);
        if let Some(&eight) = look(&room, mover).hand.cards.iter().find(|card| card.is_wild()) {
            return (room, players, mover, eight);
        }
    }
    unreachable!("every fourth hand has an eight")
}

#[test]
fn an_eight_goes_on_everything_and_names_the_suit() {
    let (mut room, players, mover, eight) = with_an_eight();
    let error = room.send(mover, "play", json!({"card": eight})).unwrap_err();
    assert_eq!(error.code, "suit_needed");
    room.send(mover, "play", json!({"card": eight, "suit": "D"})).unwrap();
    let table = look(&room, mover).table.unwrap();
    assert_eq!((table.top, table.suit), (eight, Suit::Diamonds));
    assert_ne!(turn(&room, &players), mover);
    let played = room.messages::<Value>(mover, "played");
    assert_eq!(played, [json!({"card": eight, "suit": "D"})]);
}

#[test]
fn who_lets_his_time_go_by_draws_and_the_turn_goes_on() {
    let (mut room, players) = dealt::<2>(1);
    let mover = turn(&room, &players);
    let due_ms = look(&room, mover).table.unwrap().due_ms;
    assert_eq!(due_ms, room.now_ms() + 20_000);
    room.advance(Duration::from_millis(19_999));
    assert_eq!(turn(&room, &players), mover);
    room.advance(Duration::from_millis(1));
    assert_ne!(turn(&room, &players), mover);
    assert_eq!(look(&room, mover).hand.cards.len(), 8);
    // All are asleep: the round ends all the same, and the room is quiet then.
    room.advance(Duration::from_secs(20 * 200));
    let over = room.messages::<Value>(mover, "round_over");
    assert_eq!((over.len(), &over[0]["why"]), (1, &json!("blocked")));
    check_secrets(&mut room, &players);
    room.advance(Duration::from_secs(1000));
    assert_eq!(room.heard(mover), [""; 0]);
}

#[test]
fn the_others_wait_two_seconds_for_who_is_away() {
    let (mut room, players) = dealt::<2>(1);
    let mover = turn(&room, &players);
    room.away(mover);
    assert_eq!(look(&room, mover).table.unwrap().due_ms, room.now_ms() + 2_000);
    room.advance(Duration::from_secs(2));
    let other = turn(&room, &players);
    assert_ne!(other, mover);
    room.send(other, "draw", ()).unwrap();
    room.send(other, "pass", ()).unwrap();
    room.advance(Duration::from_secs(2));
    assert_eq!(turn(&room, &players), other);
    room.back(mover);
    room.advance(Duration::from_secs(20));
    room.advance(Duration::from_secs(19));
    assert_eq!(turn(&room, &players), mover);
}

#[test]
fn who_leaves_puts_his_cards_under_the_stock_and_the_last_one_wins() {
    let (mut room, players) = dealt::<3>(1);
    let [zoe, bo, mo] = players;
    let first = turn(&room, &players);
    room.leave(first);
    let rest: Vec<_> = [zoe, bo, mo].into_iter().filter(|player| *player != first).collect();
    let table = look(&room, rest[0]).table.unwrap();
    assert_eq!(table.stock + table.pile, 52 - 10);
    assert_ne!(table.turn, first.seat);
    let late = room.join("Late");
    assert_eq!(look(&room, late).hand.cards, []);
    room.lose(rest[0]);
    let over = room.messages::<Value>(rest[1], "round_over");
    assert_eq!(over, [json!({"winner": rest[1].seat, "why": "alone", "points": 0})]);
    assert!(!is_playing(&room, late));
    begin(&mut room, &[late, rest[1]]);
}

#[test]
fn two_who_are_ready_wait_ten_seconds_for_the_third() {
    let mut room = TestRoom::<Cards>::new();
    let (zoe, bo, mo) = (room.join("Zoë"), room.join("Bo"), room.join("Mo"));
    room.send(zoe, "ready", true).unwrap();
    room.advance(Duration::from_secs(60));
    assert!(!is_playing(&room, zoe));
    room.send(bo, "ready", true).unwrap();
    room.send(bo, "ready", false).unwrap();
    room.advance(Duration::from_secs(60));
    assert!(!is_playing(&room, zoe));
    room.send(bo, "ready", true).unwrap();
    room.advance(Duration::from_secs(9));
    assert!(!is_playing(&room, zoe));
    room.advance(Duration::from_secs(1));
    assert!(is_playing(&room, zoe));
    assert_eq!(look(&room, mo).hand.cards, []);
    assert_eq!(look(&room, zoe).hand.cards.len(), 7);
    // Who is away is not waited for.
    let mut room = TestRoom::<Cards>::new();
    let (zoe, bo, mo) = (room.join("Zoë"), room.join("Bo"), room.join("Mo"));
    room.send(zoe, "ready", true).unwrap();
    room.send(bo, "ready", true).unwrap();
    room.away(mo);
    assert!(is_playing(&room, zoe));
}

#[test]
fn the_owner_deals_to_all_without_waiting_and_the_room_plays_as_long_as_a_round() {
    let mut room = TestRoom::<Cards>::new();
    let zoe = room.join("Zoë");
    assert_eq!(room.send(zoe, "sward.start", ()).unwrap_err().code, "too_few_players");
    let bo = room.join("Bo");
    assert_eq!(room.send(bo, "sward.start", ()).unwrap_err().code, "not_owner");
    room.send(bo, "ready", true).unwrap();
    room.send(zoe, "sward.start", ()).unwrap();
    assert_eq!(room.info().phase, Phase::Playing);
    assert_eq!(room.send(zoe, "sward.start", ()).unwrap_err().code, "already_playing");
    let cards = [zoe, bo].map(|player| look(&room, player).hand.cards.len());
    assert_eq!(cards, [7, 7]);
    room.join("Late");
    room.leave(bo);
    assert!(!is_playing(&room, zoe));
    assert_eq!(room.info().phase, Phase::Open);
}

#[test]
fn a_table_has_six_seats_and_turns_of_a_bounded_time() {
    let (mut room, players) = dealt::<6>(1);
    assert_eq!(look(&room, players[5]).hand.cards.len(), 5);
    assert!(room.try_join("Seven", ()).is_err());
    for bad in [json!({"turn_ms": 999}), json!({"turn_ms": 120_001}), json!({"turn_ms": "long"})] {
        assert!(TestRoom::<Cards>::with(&bad).is_err(), "{bad}");
    }
    assert!(TestRoom::<Cards>::with(json!({"turn_ms": 1_000})).is_ok());
}

#[test]
fn who_leaves_when_nothing_was_left_to_draw_gives_the_others_something() {
    let mut random = Random::from_seed(1);
    let seats = [Seat(1), Seat(2), Seat(3)];
    let mut table = Table::deal(&seats, 0, &mut random).unwrap();
    while table.stock() > 0 {
        table.draw(table.turn(), &mut random).unwrap();
        table.pass(table.turn()).unwrap();
    }
    for _ in 0..2 {
        assert_eq!(table.draw(table.turn(), &mut random).unwrap(), None);
        table.pass(table.turn()).unwrap();
    }
    assert!(table.leave(table.turn()));
    assert_eq!(table.winner(), None, "two turns without a card, but there are some again");
    assert!(table.draw(table.turn(), &mut random).unwrap().is_some());
}

#[test]
fn the_pile_becomes_the_stock_when_that_is_empty() {
    let mut random = Random::from_seed(1);
    let seats = [Seat(1), Seat(2)];
    let mut table = Table::deal(&seats, 0, &mut random).unwrap();
    let mut turns = 0;
    while table.winner().is_none() {
        let seat = table.turn();
        let hand = table.hand(seat).unwrap().to_vec();
        let fits = |card: &&Card| card.fits(table.top().unwrap(), table.suit());
        // The last card is held back, so that the round goes on until nobody can draw.
        if let Some(&card) = hand.iter().find(fits).filter(|_| hand.len() > 1 && turns % 3 == 0) {
            table.play(seat, card, card.is_wild().then_some(Suit::Clubs)).unwrap();
        } else {
            table.draw(seat, &mut random).unwrap();
            table.pass(seat).unwrap();
        }
        turns += 1;
        assert!(turns < 10_000);
        if turns > 500 {
            // From here on they only draw.
            while table.winner().is_none() {
                let seat = table.turn();
                table.draw(seat, &mut random).unwrap();
                table.pass(seat).unwrap();
            }
        }
    }
    let (winner, why) = table.winner().unwrap();
    assert_eq!((why, table.stock(), table.pile()), (OverWhy::Blocked, 0, 1));
    let points = table.points();
    assert!(points.values().all(|other| *other >= points[&winner]));
}
