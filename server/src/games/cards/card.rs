//! A playing card, on the wire as two or three characters: `7H`, `10S`, `QD`.

use serde::{Deserialize, Serialize};

/// The colour of a card, a letter on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Suit {
    /// ♣
    #[serde(rename = "C")]
    Clubs,
    /// ♦
    #[serde(rename = "D")]
    Diamonds,
    /// ♥
    #[serde(rename = "H")]
    Hearts,
    /// ♠
    #[serde(rename = "S")]
    Spades,
}

const SUITS: [(Suit, char); 4] =
    [(Suit::Clubs, 'C'), (Suit::Diamonds, 'D'), (Suit::Hearts, 'H'), (Suit::Spades, 'S')];
const RANKS: [&str; 13] = ["A", "2", "3", "4", "5", "6", "7", "8", "9", "10", "J", "Q", "K"];
/// The rank that fits on everything.
const WILD: u8 = 8;

/// A card of the deck of 52.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Card {
    /// Its colour.
    pub suit: Suit,
    /// 1 (ace) to 13 (king).
    rank: u8,
}

impl Card {
    /// All 52, in order.
    pub(super) fn deck() -> Vec<Self> {
        SUITS.iter().flat_map(|&(suit, _)| (1..=13).map(move |rank| Self { suit, rank })).collect()
    }

    /// Whether it is an eight.
    pub(super) fn is_wild(self) -> bool {
        self.rank == WILD
    }

    /// Whether it may be played on `top` while `suit` is wanted.
    pub(super) fn fits(self, top: Self, suit: Suit) -> bool {
        self.is_wild() || self.suit == suit || self.rank == top.rank
    }

    /// What it costs who holds it when the round ends.
    pub(super) fn points(self) -> u32 {
        match self.rank {
            WILD => 50,
            11.. => 10,
            rank => u32::from(rank),
        }
    }
}

impl From<Card> for String {
    fn from(Card { suit, rank }: Card) -> Self {
        let rank = RANKS.get(usize::from(rank - 1)).copied().unwrap_or_default();
        let suit = SUITS.iter().find(|(known, _)| *known == suit).map_or(' ', |(_, letter)| *letter);
        format!("{rank}{suit}")
    }
}

impl TryFrom<String> for Card {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let read = || {
            let (at, letter) = text.char_indices().last()?;
            let (suit, _) = SUITS.into_iter().find(|(_, known)| *known == letter)?;
            let rank = RANKS.iter().position(|rank| *rank == &text[..at])?;
            Some(Self { suit, rank: u8::try_from(rank + 1).ok()? })
        };
        read().ok_or_else(|| "a card is a rank (A, 2 to 10, J, Q, K) and a suit (C, D, H, S)".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_card_is_read_back_from_its_name() {
        let deck = Card::deck();
        assert_eq!(deck.len(), 52);
        for card in &deck {
            let name = String::from(*card);
            assert_eq!(Card::try_from(name.clone()), Ok(*card), "{name}");
        }
        assert_eq!(deck.iter().map(|card| card.points()).sum::<u32>(), 4 * (45 - 8 + 50 + 10 + 30));
        for bad in ["", "H", "1H", "11H", "7h", "7", "7HH", "🂡", "AÖ"] {
            assert!(Card::try_from(bad.to_owned()).is_err(), "{bad}");
        }
    }
}
