//! The random source of a room: seeded, the same on every platform.

use rand_core::{Rng as _, SeedableRng as _};
use rand_pcg::Pcg64Mcg;
use serde::{Deserialize, Serialize};

/// Random numbers that follow from a seed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Random(Pcg64Mcg);

impl Random {
    /// The sequence that belongs to `seed`.
    #[must_use]
    pub fn from_seed(seed: u64) -> Self {
        Self(Pcg64Mcg::seed_from_u64(seed))
    }

    /// Any number.
    pub fn next_u64(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// A number from 0 to `end` - 1; 0 if `end` is 0.
    pub fn below(&mut self, end: u32) -> u32 {
        // The high half of a 32 × 32 bit product: its bias, below 2^-32 × `end`, cannot be noticed in a game.
        let product = u64::from(self.0.next_u32()) * u64::from(end);
        (product >> 32) as u32
    }

    /// A number from 0 up to, but not, 1.
    pub fn fraction(&mut self) -> f64 {
        // 53 bits fill a double's mantissa exactly.
        #[expect(clippy::cast_precision_loss, reason = "53 bits fit a double")]
        let bits = (self.0.next_u64() >> 11) as f64;
        bits / 9_007_199_254_740_992.0
    }

    /// One of `items`; `None` if there is none.
    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> Option<&'a T> {
        items.get(self.place(items.len()))
    }

    /// Brings `items` into an order in which each is as likely as any other: a deck of cards, say.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for end in (2..=items.len()).rev() {
            let place = self.place(end);
            items.swap(place, end - 1);
        }
    }

    fn place(&mut self, end: usize) -> usize {
        // What a game holds in memory has fewer items than a u32 counts.
        self.below(u32::try_from(end).unwrap_or(u32::MAX)) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_numbers_in_range() {
        let (mut one, mut two) = (Random::from_seed(7), Random::from_seed(7));
        for _ in 0..1000 {
            let number = one.below(5);
            assert!(number < 5);
            assert_eq!(number, two.below(5));
            let fraction = one.fraction();
            assert!((0.0..1.0).contains(&fraction));
            assert_eq!(fraction.to_bits(), two.fraction().to_bits());
        }
        assert_eq!(one.below(0), 0);
        let mut deck: Vec<_> = (0..52).collect();
        one.shuffle(&mut deck);
        assert!(deck.contains(one.pick(&deck).unwrap()));
        assert_eq!(one.pick(&[0; 0]), None);
        assert_ne!(deck, (0..52).collect::<Vec<_>>());
        deck.sort_unstable();
        assert_eq!(deck, (0..52).collect::<Vec<_>>(), "none is lost");
        let saved: Random = serde_json::from_str(&serde_json::to_string(&one).unwrap()).unwrap();
        assert_eq!(saved, one, "it goes on where it was");
        assert_ne!(Random::from_seed(7).next_u64(), Random::from_seed(8).next_u64());
    }
}
