//! Randomness from the operating system, for what must not be guessed (tokens, ids) or must not coincide (jitter).
//! Games have a source of their own, [`crate::game::Random`], which follows from a seed.

use sward_protocol::ids::{Epoch, Token};
use uuid::Uuid;

/// 128 bits, of which 122 are random: those of a version 4 uuid.
#[must_use]
pub fn bits() -> u128 {
    Uuid::new_v4().as_u128()
}

/// 64 random bits.
#[must_use]
pub fn seed() -> u64 {
    // The low half holds the uuid's two variant bits; the high half mends them.
    let bits = bits();
    #[expect(clippy::cast_possible_truncation, reason = "the halves are what is wanted")]
    let (high, low) = ((bits >> 64) as u64, bits as u64);
    high.rotate_left(32) ^ low
}

/// A number from `low` to `high`, both included; `low` if it is not below `high`.
#[must_use]
pub fn between(low: u64, high: u64) -> u64 {
    match high.checked_sub(low) {
        None | Some(0) => low,
        Some(spread) => low + seed() % (spread + 1),
    }
}

/// A number within a fifth above or below `value`.
#[must_use]
pub fn jittered(value: u64) -> u64 {
    between(value - value / 5, value + value / 5)
}

/// A new numbering of events.
#[must_use]
pub fn epoch() -> Epoch {
    // Half of the random bits name it; nothing depends on their secrecy.
    #[expect(clippy::cast_possible_truncation, reason = "32 of 64 random bits are wanted")]
    Epoch(seed() as u32)
}

/// A secret for a new session.
#[must_use]
pub fn token(node: sward_protocol::ids::NodeId) -> Token {
    Token::from_random(node, bits())
}
