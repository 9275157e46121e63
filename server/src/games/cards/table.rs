//! One round of crazy eights as a plain value: the rules, and nothing of rooms, time or the wire.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::card::{Card, Suit};
use crate::game::{MessageError, Random, Seat, refuse};

/// A round that is being played.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Table {
    /// Face down; the last is drawn next.
    stock: Vec<Card>,
    /// Face up; the last is on top.
    pile: Vec<Card>,
    /// What is to be followed: that of the top card, or what was named with an eight.
    suit: Suit,
    hands: BTreeMap<Seat, Vec<Card>>,
    turn: Seat,
    /// Whether the player whose turn it is has drawn.
    has_drawn: bool,
    /// Turns since a card was played or drawn.
    idle_turns: usize,
}

/// How a round ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OverWhy {
    /// Somebody has no card left.
    Out,
    /// Nobody could play or draw; who holds the fewest points wins.
    Blocked,
    /// One player is left.
    Alone,
}

impl Table {
    /// Shuffles and deals: seven cards each to two players, five to more. `None` for fewer than two.
    pub(super) fn deal(seats: &[Seat], first: usize, random: &mut Random) -> Option<Self> {
        let turn = *seats.get(first % seats.len().max(1)).filter(|_| seats.len() >= 2)?;
        let mut stock = Card::deck();
        random.shuffle(&mut stock);
        let each = if seats.len() == 2 { 7 } else { 5 };
        let hands = seats.iter().map(|&seat| (seat, sorted(stock.split_off(stock.len() - each)))).collect();
        // The first card to follow is no eight: nobody has named a suit. There are four of them, and more cards left.
        let start = stock.iter().rposition(|card| !card.is_wild())?;
        let top = stock.remove(start);
        Some(Self { stock, pile: vec![top], suit: top.suit, hands, turn, has_drawn: false, idle_turns: 0 })
    }

    pub(super) fn turn(&self) -> Seat {
        self.turn
    }

    pub(super) fn has_drawn(&self) -> bool {
        self.has_drawn
    }

    pub(super) fn suit(&self) -> Suit {
        self.suit
    }

    pub(super) fn top(&self) -> Option<Card> {
        self.pile.last().copied()
    }

    pub(super) fn stock(&self) -> usize {
        self.stock.len()
    }

    pub(super) fn pile(&self) -> usize {
        self.pile.len()
    }

    /// A player's cards; `None` if he is not in this round.
    pub(super) fn hand(&self, seat: Seat) -> Option<&[Card]> {
        self.hands.get(&seat).map(Vec::as_slice)
    }

    /// What the cards of each player cost.
    pub(super) fn points(&self) -> BTreeMap<Seat, u32> {
        let points = |cards: &Vec<Card>| cards.iter().map(|card| card.points()).sum();
        self.hands.iter().map(|(&seat, cards)| (seat, points(cards))).collect()
    }

    /// Puts a card on the pile. The suit that is wanted from then on: `named` with an eight, the card's own otherwise.
    ///
    /// # Errors
    /// `not_your_turn`, `not_in_round`, `not_your_card`, `suit_needed` (with an eight), `does_not_fit`: nothing has
    /// changed.
    pub(super) fn play(&mut self, seat: Seat, card: Card, named: Option<Suit>) -> Result<Suit, MessageError> {
        let (top, wanted) = (self.top(), self.suit);
        let hand = self.hand_in_turn(seat)?;
        let Some(at) = hand.iter().position(|held| *held == card) else {
            return refuse("not_your_card", "you do not hold this card");
        };
        if top.is_some_and(|top| !card.fits(top, wanted)) {
            return refuse(
                "does_not_fit",
                "a card has the suit or the rank of the one on top, or is an eight",
            );
        }
        let suit = match named {
            Some(named) if card.is_wild() => named,
            None if card.is_wild() => return refuse("suit_needed", "with an eight goes the suit to follow"),
            _ => card.suit,
        };
        hand.remove(at);
        self.pile.push(card);
        self.suit = suit;
        self.idle_turns = 0;
        self.next_turn();
        Ok(suit)
    }

    /// Draws a card, once a turn; with no card left to be drawn, none. The pile but its top becomes the stock when that
    /// is empty.
    ///
    /// # Errors
    /// `not_your_turn`, `not_in_round`, `already_drew`: nothing has changed.
    pub(super) fn draw(&mut self, seat: Seat, random: &mut Random) -> Result<Option<Card>, MessageError> {
        let has_drawn = self.has_drawn;
        self.hand_in_turn(seat)?;
        if has_drawn {
            return refuse("already_drew", "one card a turn: play one, or pass");
        }
        if self.stock.is_empty() {
            self.stock = self.pile.drain(..self.pile.len().saturating_sub(1)).collect();
            random.shuffle(&mut self.stock);
        }
        let card = self.stock.pop();
        if let (Some(card), Some(hand)) = (card, self.hands.get_mut(&seat)) {
            let at = hand.partition_point(|held| *held < card);
            hand.insert(at, card);
            self.idle_turns = 0;
        }
        self.has_drawn = true;
        Ok(card)
    }

    /// Ends a turn without a card.
    ///
    /// # Errors
    /// `not_your_turn`, `not_in_round`, `draw_first`: nothing has changed.
    pub(super) fn pass(&mut self, seat: Seat) -> Result<(), MessageError> {
        let has_drawn = self.has_drawn;
        self.hand_in_turn(seat)?;
        if !has_drawn {
            return refuse("draw_first", "who does not play draws a card before he passes");
        }
        self.idle_turns += 1;
        self.next_turn();
        Ok(())
    }

    /// A player is gone: his cards go under the stock. Whether he was in this round.
    pub(super) fn leave(&mut self, seat: Seat) -> bool {
        if seat == self.turn {
            self.next_turn();
        }
        let Some(cards) = self.hands.remove(&seat) else { return false };
        self.stock.splice(..0, cards);
        // There is something to draw again, and a turn around the table is shorter.
        self.idle_turns = 0;
        true
    }

    /// Who has won, and how, when the round is over.
    pub(super) fn winner(&self) -> Option<(Seat, OverWhy)> {
        if let Some((&seat, _)) = self.hands.iter().find(|(_, cards)| cards.is_empty()) {
            return Some((seat, OverWhy::Out));
        }
        if self.hands.len() < 2 {
            return self.hands.keys().next().map(|&seat| (seat, OverWhy::Alone));
        }
        let fewest = || self.points().into_iter().min_by_key(|&(_, points)| points);
        fewest().filter(|_| self.idle_turns >= self.hands.len()).map(|(seat, _)| (seat, OverWhy::Blocked))
    }

    fn hand_in_turn(&mut self, seat: Seat) -> Result<&mut Vec<Card>, MessageError> {
        let Some(hand) = self.hands.get_mut(&seat) else {
            return refuse("not_in_round", "you are dealt in with the next round");
        };
        if seat != self.turn {
            return refuse("not_your_turn", "wait for your turn");
        }
        Ok(hand)
    }

    fn next_turn(&mut self) {
        let after = self.hands.keys().find(|&&seat| seat > self.turn);
        self.turn = after.or_else(|| self.hands.keys().next()).copied().unwrap_or(self.turn);
        self.has_drawn = false;
    }
}

fn sorted(mut cards: Vec<Card>) -> Vec<Card> {
    cards.sort_unstable();
    cards
}
