//! The nonces of a client's streams: a random word and a count that rises.

use std::sync::atomic::{AtomicU64, Ordering};

use uuid::Uuid;

/// Draws a nonce for each stream. The count tells the server which of two requests is the newer one, when a box held one
/// of them until it was given up: it would take over from its successor otherwise.
#[derive(Debug)]
pub(super) struct Nonces {
    word: String,
    count: AtomicU64,
}

impl Nonces {
    pub(super) fn new() -> Self {
        let digits = Uuid::new_v4().simple().to_string();
        // With a letter in front: digits alone are taken for a number that counts nothing.
        let word = format!("r{}", &digits[..15]);
        Self { word, count: AtomicU64::new(0) }
    }

    /// Another one: at most 32 characters.
    pub(super) fn fresh(&self) -> String {
        let count = self.count.fetch_add(1, Ordering::Relaxed) + 1;
        format!("{}.{count}", self.word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_word_is_a_number() {
        assert!((0..100).all(|_| Nonces::new().fresh().starts_with('r')));
    }

    #[test]
    fn the_count_rises_behind_the_same_word() {
        let nonces = Nonces::new();
        let (first, second) = (nonces.fresh(), nonces.fresh());
        let (word, count) = second.split_once('.').unwrap();
        assert_eq!((word.len(), count), (16, "2"));
        assert_eq!(first, format!("{word}.1"));
        assert_ne!(Nonces::new().fresh(), first);
    }
}
