//! The random source of a room: seeded, the same on every platform.

use std::fmt;

use chacha20::ChaCha8Rng;
use rand_core::{Rng as _, SeedableRng as _};
use serde::{Deserialize, Serialize};

/// Random numbers that follow from a seed, by `ChaCha` with 8 rounds.
///
/// Whoever sees some of the numbers, however many, cannot tell others: neither from the dice that a game shows, nor from
/// the `seed` that all hear when it starts, nor from the ids of its bots, which are drawn from the same source. The seed of
/// a room's own source has 64 bits of the system's randomness, and is told to nobody.
#[derive(Serialize, Deserialize)]
#[serde(from = "Place", into = "Place")]
pub struct Random {
    seed: u64,
    source: ChaCha8Rng,
}

/// Where a source is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Place {
    seed: u64,
    /// Numbers of 32 bits that were drawn.
    drawn: u64,
}

impl From<&Random> for Place {
    fn from(random: &Random) -> Self {
        // No room draws 2^64 numbers.
        let drawn = u64::try_from(random.source.get_word_pos()).unwrap_or(u64::MAX);
        Self { seed: random.seed, drawn }
    }
}

impl From<Random> for Place {
    fn from(random: Random) -> Self {
        Self::from(&random)
    }
}

impl From<Place> for Random {
    fn from(Place { seed, drawn }: Place) -> Self {
        let mut random = Self::from_seed(seed);
        random.source.set_word_pos(drawn.into());
        random
    }
}

impl Clone for Random {
    fn clone(&self) -> Self {
        Self::from(Place::from(self))
    }
}

// Who reads a log is not told what comes next.
impl fmt::Debug for Random {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Random").finish_non_exhaustive()
    }
}

impl PartialEq for Random {
    fn eq(&self, other: &Self) -> bool {
        Place::from(self) == Place::from(other)
    }
}

impl Random {
    /// The sequence that belongs to `seed`.
    #[must_use]
    pub fn from_seed(seed: u64) -> Self {
        Self { seed, source: ChaCha8Rng::seed_from_u64(seed) }
    }

    /// Any number.
    pub fn next_u64(&mut self) -> u64 {
        self.source.next_u64()
    }

    /// A number from 0 to `end` - 1; 0 if `end` is 0.
    pub fn below(&mut self, end: u32) -> u32 {
        // The high half of a 32 × 32 bit product: its bias, below 2^-32 × `end`, cannot be noticed in a game.
        let product = u64::from(self.source.next_u32()) * u64::from(end);
        (product >> 32) as u32
    }

    /// A number from 0 up to, but not, 1.
    pub fn fraction(&mut self) -> f64 {
        // 53 bits fill a double's mantissa exactly.
        #[expect(clippy::cast_precision_loss, reason = "53 bits fit a double")]
        let bits = (self.source.next_u64() >> 11) as f64;
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
        // Also within a block of the source, and in all of several.
        for drawn in 0..200 {
            let mut saved: Random = serde_json::from_str(&serde_json::to_string(&one).unwrap()).unwrap();
            assert_eq!(saved, one, "it goes on where it was, {drawn} numbers later");
            assert_eq!(saved.clone().next_u64(), one.clone().next_u64());
            assert_eq!(saved.below(1 << 31), one.below(1 << 31));
        }
        assert_ne!(Random::from_seed(7).next_u64(), Random::from_seed(8).next_u64());
    }

    #[test]
    fn the_numbers_of_a_seed_stay_what_they_are() {
        let mut random = Random::from_seed(1);
        assert_eq!(
            [random.next_u64(), random.next_u64()],
            [7_424_550_030_962_593_201, 1_482_817_706_323_250_795],
            "on every platform, in every version"
        );
    }
}
