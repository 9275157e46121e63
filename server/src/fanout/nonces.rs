//! Which streams a session has opened before, pure: an old request that is replayed takes nothing over.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

/// Nonces that are always remembered, however old.
const KEPT: usize = 8;
/// How long the others are: an old request comes again after seconds, and a drained stream opens many a second.
pub const AGE_MS_MAX: u64 = 60_000;
/// The most that are remembered; the oldest are forgotten first.
pub const NONCES_MAX: usize = 1024;

/// Pages that are remembered: one and those that it replaced.
const PAGES_MAX: usize = 4;

/// The nonces of a session's streams. Only a hash of each is kept: clients draw them at random, and one that makes two of
/// its own nonces meet harms nobody but itself.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Nonces {
    /// The newest last, each with its time.
    known: VecDeque<(u64, u64)>,
    /// Who counts his streams, and how far he came; the newest last.
    pages: VecDeque<(u64, u64)>,
    /// The page of the newest stream, if it counts.
    newest_page: Option<u64>,
}

impl Nonces {
    /// Whether a stream with this nonce was opened before a newer one, or was to be: a request that was held on its way
    /// until its client gave it up tells by its count that it is old. The newest itself may come again: a doubled
    /// request, or an EventSource that reconnects.
    pub(super) fn is_replayed(&self, nonce: &str) -> bool {
        let hash = hash(nonce);
        let is_known = self.known.iter().any(|&(old, _)| old == hash);
        !self.is_newest(nonce) && (is_known || self.is_overtaken(nonce))
    }

    /// Whether the newest stream bore this nonce.
    pub(super) fn is_newest(&self, nonce: &str) -> bool {
        self.known.back().is_some_and(|&(newest, _)| newest == hash(nonce))
    }

    /// Whether there are no more of them than may be.
    pub(super) fn is_within_bounds(&self) -> bool {
        self.known.len() <= NONCES_MAX && self.pages.len() <= PAGES_MAX
    }

    fn is_overtaken(&self, nonce: &str) -> bool {
        let Some((page, count)) = counted(nonce) else { return false };
        self.pages.iter().any(|&(known, reached)| known == page && count < reached)
    }

    /// Whether the page of the newest stream drew this nonce too.
    pub(super) fn is_of_newest_page(&self, nonce: &str) -> bool {
        counted(nonce).is_some_and(|(page, _)| self.newest_page == Some(page))
    }

    /// A stream with this nonce opens. Whether the newest one bore it too.
    pub(super) fn take_up(&mut self, nonce: &str, now_ms: u64) -> bool {
        if self.is_newest(nonce) {
            return true;
        }
        let is_old = |&(_, at_ms): &(u64, u64)| now_ms.saturating_sub(at_ms) > AGE_MS_MAX;
        while self.known.len() >= NONCES_MAX
            || self.known.len() >= KEPT && self.known.front().is_some_and(is_old)
        {
            self.known.pop_front();
        }
        self.known.push_back((hash(nonce), now_ms));
        self.newest_page = counted(nonce).map(|(page, _)| page);
        if let Some((page, count)) = counted(nonce) {
            self.pages.retain(|&(known, _)| known != page);
            if self.pages.len() >= PAGES_MAX {
                self.pages.pop_front();
            }
            self.pages.push_back((page, count));
        }
        false
    }
}

/// The page of a nonce that counts, such as `k7.12`, and its count. One of digits alone is a number, and counts nothing:
/// who draws `Math.random()` each time would be taken for an old request every other time.
fn counted(nonce: &str) -> Option<(u64, u64)> {
    let (page, count) = nonce.rsplit_once('.')?;
    if page.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some((hash(page), count.parse().ok()?))
}

/// [FNV-1a](http://www.isthe.com/chongo/tech/comp/fnv/), 64 bits.
fn hash(nonce: &str) -> u64 {
    let step = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    nonce.bytes().fold(0xcbf2_9ce4_8422_2325, step)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_may_come_again_an_older_one_not() {
        let mut nonces = Nonces::default();
        assert!(!nonces.is_replayed("a") && !nonces.take_up("a", 0));
        assert!(!nonces.is_replayed("a") && nonces.take_up("a", 0));
        assert!(!nonces.take_up("b", 0));
        assert!(nonces.is_replayed("a") && !nonces.is_replayed("b"));
    }

    #[test]
    fn one_that_was_overtaken_by_a_later_count_is_old_though_it_never_came() {
        let mut nonces = Nonces::default();
        nonces.take_up("k7.9", 0);
        nonces.take_up("k7.11", 0);
        assert!(nonces.is_replayed("k7.10") && nonces.is_replayed("k7.9"));
        assert!(!nonces.is_replayed("k7.11") && !nonces.is_replayed("k7.12"));
        assert!(!nonces.is_replayed("j2.1") && !nonces.is_replayed("10") && !nonces.is_replayed("k7.x"));
        nonces.take_up("j2.1", 0);
        assert!(nonces.is_replayed("k7.10"), "the page before");
        assert!(!nonces.is_replayed("k7.12"), "its player came back to it");
        for page in 0..PAGES_MAX {
            nonces.take_up(&format!("page {page}.1"), 0);
        }
        assert_eq!(nonces.pages.len(), PAGES_MAX);
        assert!(!nonces.is_replayed("k7.10"));
    }

    #[test]
    fn a_number_counts_nothing() {
        let mut nonces = Nonces::default();
        nonces.take_up("0.8124397451", 0);
        assert!(!nonces.is_replayed("0.4") && !nonces.is_of_newest_page("0.9"));
        nonces.take_up("0.4", 0);
        assert!(nonces.is_replayed("0.8124397451"), "it was replaced all the same");
        nonces.take_up(".8", 0);
        assert!(!nonces.is_replayed(".4"));
    }

    #[test]
    fn a_page_is_known_by_its_word() {
        let mut nonces = Nonces::default();
        assert!(!nonces.is_of_newest_page("k7.1"));
        nonces.take_up("k7.1", 0);
        assert!(nonces.is_of_newest_page("k7.2") && !nonces.is_of_newest_page("k8.2"));
        nonces.take_up("another", 0);
        assert!(!nonces.is_of_newest_page("k7.2") && !nonces.is_of_newest_page("another"));
    }

    #[test]
    fn a_busy_player_s_nonces_are_remembered_for_a_minute_within_a_bound() {
        let mut nonces = Nonces::default();
        for number in 0..600 {
            nonces.take_up(&number.to_string(), number * 100);
        }
        assert!(nonces.is_replayed("0"));
        nonces.take_up("later", 60_100);
        assert!(!nonces.is_replayed("0") && nonces.is_replayed("1"));
        for number in 0..2 * NONCES_MAX as u64 {
            nonces.take_up(&format!("x{number}"), 60_100);
        }
        assert_eq!(nonces.known.len(), NONCES_MAX);
        nonces.take_up("much later", 1_000_000);
        assert_eq!(nonces.known.len(), KEPT);
    }
}
