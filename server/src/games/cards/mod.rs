//! Crazy eights, a game with hidden information: each player is told his own cards and how many the others hold.
//! `docs/cards.md` has its rules and messages.
//!
//! | module | what it holds |
//! |---|---|
//! | `card` | the deck of 52 |
//! | `table` | the rules: one round as a plain value |

mod card;
mod table;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::game::{
    Audience, AwayWhy, BadOptions, Game, GoneWhy, MessageError, Payload, Random, Reply, Room, SaveError,
    Seat, Settings, StartRules, done, refuse, reply,
};
pub use card::{Card, Suit};
pub use table::OverWhy;
use table::Table;

/// Who sits at one table; the deck is enough for so many.
const PLAYERS_MAX: u16 = 6;
/// How long a turn may take, unless the room's creator says otherwise.
const TURN_MS: u64 = 20_000;
const TURN_MS_MIN: u64 = 1_000;
const TURN_MS_MAX: u64 = 120_000;
/// How long the others wait for a player who is away.
const AWAY_TURN_MS: u64 = 2_000;
/// How long two who are ready wait for the others.
const DEAL_WAIT: Duration = Duration::from_secs(10);
/// The timers.
const TURN: &str = "turn";
const DEAL: &str = "deal";

/// A table of crazy eights.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Cards {
    turn_ms: u64,
    /// Rounds that were begun.
    round: u32,
    table: Option<Table>,
    /// When the turn ends, Unix milliseconds.
    due_ms: Option<u64>,
    ready: BTreeSet<Seat>,
    /// Of all rounds, by seat.
    scores: BTreeMap<Seat, u32>,
}

#[derive(Deserialize)]
#[serde(default)]
struct Options {
    turn_ms: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self { turn_ms: TURN_MS }
    }
}

/// What players send.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", content = "data", rename_all = "snake_case")]
pub enum Message {
    /// The player wants the next round to begin; with false, not any more.
    Ready(bool),
    /// He plays a card.
    Play {
        /// Which of his.
        card: Card,
        /// With an eight: the suit to follow.
        suit: Option<Suit>,
    },
    /// He draws a card.
    Draw,
    /// He has drawn, and does not play.
    Pass,
}

#[derive(Serialize)]
struct PlayerView {
    seat: Seat,
    /// How many cards he holds; absent when he is not in this round.
    #[serde(skip_serializing_if = "Option::is_none")]
    cards: Option<usize>,
    score: u32,
    ready: bool,
}

#[derive(Serialize)]
struct TableView {
    turn: Seat,
    due_ms: Option<u64>,
    top: Option<Card>,
    suit: Suit,
    stock: usize,
    pile: usize,
}

/// What everybody may see.
#[derive(Serialize)]
struct View {
    round: u32,
    turn_ms: u64,
    /// `None` between two rounds.
    table: Option<TableView>,
    players: Vec<PlayerView>,
}

/// What one player may see.
#[derive(Serialize)]
struct State {
    #[serde(flatten)]
    view: View,
    hand: Hand,
}

/// A player's own cards.
#[derive(Serialize)]
struct Hand {
    cards: Vec<Card>,
    /// Whether he has drawn in this turn.
    drew: bool,
}

#[derive(Serialize)]
struct Played {
    card: Card,
    suit: Suit,
}

#[derive(Serialize)]
struct RoundOver {
    winner: Seat,
    why: OverWhy,
    /// What the winner has won.
    points: u32,
}

impl Game for Cards {
    type Message = Message;

    fn create(options: &Payload, _random: &mut Random) -> Result<Self, BadOptions> {
        let Options { turn_ms } = options.parse()?;
        if !(TURN_MS_MIN..=TURN_MS_MAX).contains(&turn_ms) {
            return Err(BadOptions(format!("turn_ms is {TURN_MS_MIN} to {TURN_MS_MAX}")));
        }
        Ok(Self {
            turn_ms,
            round: 0,
            table: None,
            due_ms: None,
            ready: BTreeSet::new(),
            scores: BTreeMap::new(),
        })
    }

    fn settings(&self) -> Settings {
        let start = StartRules::from_players(2).joined_any_time();
        Settings::new(PLAYERS_MAX).with_public(Duration::ZERO).with_start(start)
    }

    fn join(&mut self, room: &mut Room<'_>, seat: Seat) -> Result<(), MessageError> {
        self.scores.insert(seat, 0);
        self.show(room);
        Ok(())
    }

    fn leave(&mut self, room: &mut Room<'_>, seat: Seat, _why: GoneWhy) {
        self.scores.remove(&seat);
        self.ready.remove(&seat);
        if let Some(table) = &mut self.table {
            let was_his_turn = table.turn() == seat;
            if table.leave(seat) {
                self.go_on(room, was_his_turn);
                return;
            }
        }
        self.await_ready(room);
    }

    fn message(&mut self, room: &mut Room<'_>, from: Seat, message: Message) -> Reply {
        if let Message::Ready(is_ready) = message {
            return self.set_ready(room, from, is_ready);
        }
        let Some(table) = &mut self.table else {
            return refuse("not_playing", "no round is being played");
        };
        match message {
            Message::Ready(_) => done(),
            Message::Play { card, suit } => {
                let suit = table.play(from, card, suit)?;
                room.pass_on(from, Audience::All, "played", &Played { card, suit });
                self.show_hand(room, from);
                self.go_on(room, true);
                done()
            }
            Message::Draw => {
                let card = table.draw(from, room.random())?;
                room.pass_on(from, Audience::All, "drew", &());
                self.show_hand(room, from);
                self.go_on(room, false);
                reply(&card)
            }
            Message::Pass => {
                table.pass(from)?;
                room.pass_on(from, Audience::All, "passed", &());
                self.show_hand(room, from);
                self.go_on(room, true);
                done()
            }
        }
    }

    fn timer(&mut self, room: &mut Room<'_>, name: &str) {
        match name {
            TURN => self.play_for_the_absent(room),
            DEAL => room.start(),
            _ => {}
        }
    }

    /// The room plays while a round does. The seed is everybody's to know, so the cards come from the room's own source.
    fn start(&mut self, room: &mut Room<'_>, _seed: u64) {
        self.deal(room);
    }

    fn away(&mut self, room: &mut Room<'_>, seat: Seat, _: AwayWhy) {
        let Some(table) = &self.table else { return self.await_ready(room) };
        let soon_ms = room.now_ms() + AWAY_TURN_MS;
        if table.turn() == seat && self.due_ms.is_some_and(|due_ms| due_ms > soon_ms) {
            self.set_turn(room, AWAY_TURN_MS);
            self.show(room);
        }
    }

    fn state(&self, seat: Seat) -> impl Serialize {
        State { view: self.view(), hand: self.hand(seat) }
    }

    fn public_state(&self) -> impl Serialize {
        self.view()
    }

    fn save(&self) -> Result<Payload, SaveError> {
        Ok(Payload::of(self)?)
    }

    fn restore(saved: &Payload) -> Result<Self, SaveError> {
        Ok(saved.parse()?)
    }
}

/// The beginning of a round: when the players are `ready`, or when the room's owner says `sward.start`.
impl Cards {
    fn set_ready(&mut self, room: &mut Room<'_>, seat: Seat, is_ready: bool) -> Reply {
        if self.table.is_some() {
            return refuse("already_playing", "a round is being played");
        }
        if is_ready {
            self.ready.insert(seat);
        } else {
            self.ready.remove(&seat);
        }
        self.await_ready(room);
        done()
    }

    /// Starts as soon as all who are here are ready, or some time after two are.
    fn await_ready(&mut self, room: &mut Room<'_>) {
        if self.table.is_some() || self.ready.len() < 2 {
            room.cancel_timer(DEAL);
        } else if room
            .players()
            .iter()
            .all(|(seat, player)| player.away.is_some() || self.ready.contains(seat))
        {
            return room.start();
        } else if room.timer_due_ms(DEAL).is_none() {
            room.set_timer(DEAL, DEAL_WAIT);
        }
        self.show(room);
    }

    /// Deals to those who are ready; to all if the owner did not wait for two.
    fn deal(&mut self, room: &mut Room<'_>) {
        room.cancel_timer(DEAL);
        let ready = std::mem::take(&mut self.ready);
        let seats: Vec<_> =
            if ready.len() < 2 { self.scores.keys().copied().collect() } else { ready.into_iter().collect() };
        let first = usize::try_from(self.round).unwrap_or(0);
        let Some(table) = Table::deal(&seats, first, room.random()) else { return room.over() };
        self.table = Some(table);
        self.round += 1;
        room.send(Audience::All, "round_began", &self.round);
        for seat in seats {
            self.show_hand(room, seat);
        }
        self.go_on(room, true);
    }
}

/// The course of a round.
impl Cards {
    /// What follows from a move: the end of the round, or the next turn.
    fn go_on(&mut self, room: &mut Room<'_>, is_new_turn: bool) {
        if let Some(over) = self.table.as_ref().and_then(Table::winner) {
            self.end(room, over);
        } else if is_new_turn {
            self.await_turn(room);
        }
        self.show(room);
    }

    /// Sets the time that the player whose turn it is has left.
    fn await_turn(&mut self, room: &mut Room<'_>) {
        let Some(table) = &self.table else { return };
        let is_away = room.player(table.turn()).is_some_and(|player| player.away.is_some());
        let turn_ms = if is_away { self.turn_ms.min(AWAY_TURN_MS) } else { self.turn_ms };
        self.set_turn(room, turn_ms);
    }

    fn set_turn(&mut self, room: &mut Room<'_>, turn_ms: u64) {
        room.set_timer(TURN, Duration::from_millis(turn_ms));
        self.due_ms = room.timer_due_ms(TURN);
    }

    /// Draws for the player who let his time go by, unless he has drawn, and passes.
    fn play_for_the_absent(&mut self, room: &mut Room<'_>) {
        let Some(table) = &mut self.table else { return };
        let seat = table.turn();
        if !table.has_drawn() && table.draw(seat, room.random()).is_ok() {
            room.pass_on(seat, Audience::All, "drew", &());
        }
        if table.pass(seat).is_ok() {
            room.pass_on(seat, Audience::All, "passed", &());
        }
        self.show_hand(room, seat);
        self.go_on(room, true);
    }

    /// The winner gets what the cards of the others cost, less what his own do.
    fn end(&mut self, room: &mut Room<'_>, (winner, why): (Seat, OverWhy)) {
        let Some(table) = self.table.take() else { return };
        room.cancel_timer(TURN);
        self.due_ms = None;
        let points = table.points();
        let own = points.get(&winner).copied().unwrap_or(0);
        let others = points.values().sum::<u32>() - own;
        let points = if why == OverWhy::Alone { 0 } else { others.saturating_sub(own) };
        *self.scores.entry(winner).or_default() += points;
        room.send(Audience::All, "round_over", &RoundOver { winner, why, points });
        room.over();
    }
}

/// What is shown.
impl Cards {
    fn show(&self, room: &mut Room<'_>) {
        room.patch(Audience::All, &self.view());
    }

    fn show_hand(&self, room: &mut Room<'_>, seat: Seat) {
        room.send(Audience::Only(seat), "hand", &self.hand(seat));
    }

    fn hand(&self, seat: Seat) -> Hand {
        let Some(table) = &self.table else { return Hand { cards: Vec::new(), drew: false } };
        let cards = table.hand(seat).unwrap_or_default().to_vec();
        Hand { cards, drew: table.turn() == seat && table.has_drawn() }
    }

    fn view(&self) -> View {
        let cards = |seat| self.table.as_ref()?.hand(seat).map(<[Card]>::len);
        let player = |(&seat, &score): (&Seat, &u32)| PlayerView {
            seat,
            cards: cards(seat),
            score,
            ready: self.ready.contains(&seat),
        };
        let table = self.table.as_ref().map(|table| TableView {
            turn: table.turn(),
            due_ms: self.due_ms,
            top: table.top(),
            suit: table.suit(),
            stock: table.stock(),
            pile: table.pile(),
        });
        let players = self.scores.iter().map(player).collect();
        View { round: self.round, turn_ms: self.turn_ms, table, players }
    }
}

#[cfg(test)]
mod tests;
