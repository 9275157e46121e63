//! What of the world's pieces one session's outbox holds: of each key the newest, if it is neither acknowledged nor older
//! than the window. Pure.
//!
//! A frame is laid over what is there in one pass, for both are in the order of their keys. What a newer piece replaces is
//! gone: a reader who stalls costs no more than what he would see if he looked now.

mod saving;

use std::ops::RangeInclusive;
use std::sync::Arc;

use super::flush::Share;
use crate::world::frame::{Piece, PieceKey};

/// Pieces that one session may still be told, or ask for again: 2,000 entities with four pieces each. An item has 32 bytes,
/// so that this is 256 KiB of a session's own memory, and a quarter more while it grows.
pub const SIGHT_PIECES_MAX: usize = 8192;
/// Their JSON: as much as of events. It is shared with all who see the same; past this one alone keeps no more of it either.
pub const SIGHT_BYTES_MAX: u64 = 256 * 1024;
/// Past a bound an eighth more than needed is let go of, and what is too old when the oldest is so by a sixteenth, so that
/// not each frame has to look for it.
const KEPT_PIECES: usize = SIGHT_PIECES_MAX / 8 * 7;
const KEPT_BYTES: u64 = SIGHT_BYTES_MAX / 8 * 7;
/// Room for so many pieces at the least is made at once.
const GROWS_BY_MIN: usize = 16;

#[derive(Debug)]
struct Item {
    /// Entity and group, in the order of [`PieceKey`].
    key: u64,
    seq: u64,
    at_ms: u64,
    piece: Arc<Piece>,
}

const GROUP_BITS: u32 = u8::BITS;

fn packed(key: PieceKey) -> u64 {
    u64::from(key.entity) << GROUP_BITS | u64::from(key.group)
}

impl Item {
    fn entity(&self) -> u64 {
        self.key >> GROUP_BITS
    }

    fn bytes(&self) -> u64 {
        self.piece.json().len() as u64
    }
}

/// The pieces of one outbox.
#[derive(Debug, Default)]
pub(super) struct Sight {
    /// By their keys.
    items: Vec<Item>,
    /// JSON of the items.
    bytes: u64,
    /// The tick of the newest frame.
    tick: u64,
    /// The number of the newest piece.
    newest: u64,
    /// No item has a lower number.
    oldest: u64,
    /// No item is older.
    since_ms: u64,
    /// None of those that wait is older.
    waits_since_ms: u64,
}

impl Sight {
    /// Lays the pieces of a frame, by their keys, over what is there, and numbers them from `first`. Whoever reads was told
    /// what is up to `told`. How much it was.
    pub(super) fn push<'a>(
        &mut self,
        tick: u64,
        pieces: impl Iterator<Item = &'a Arc<Piece>>,
        first: u64,
        told: u64,
        at_ms: u64,
    ) -> Share {
        let had = self.items.len();
        let mut pass = Pass::default();
        let mut share = Share::default();
        for piece in pieces {
            let (key, seq) = (packed(piece.key()), first + u64::from(share.events));
            self.pass_to(&mut pass, had, key);
            if piece.key().is_being() {
                pass.begun = Some(key >> GROUP_BITS);
            }
            share.add(u32::try_from(piece.json().len()).unwrap_or(u32::MAX));
            let item = Item { key, seq, at_ms, piece: Arc::clone(piece) };
            if pass.read < had && self.items[pass.read].key == key {
                self.bytes -= self.items[pass.read].bytes();
                self.items[pass.read] = item;
                self.keep(&mut pass);
            } else {
                self.push_new(item);
            }
        }
        if share.events == 0 {
            return share;
        }
        self.pass_to(&mut pass, had, u64::MAX);
        self.items.drain(pass.kept..pass.read);
        if self.items.len() > pass.kept {
            // Two runs that are sorted: one pass.
            self.items.sort_by_key(|item| item.key);
        }
        self.bytes += u64::from(share.bytes);
        self.note(tick, first..=first + u64::from(share.events) - 1, told, at_ms);
        share
    }

    /// Goes past the items below `key`, and leaves out those of an entity that begins anew.
    fn pass_to(&mut self, pass: &mut Pass, had: usize, key: u64) {
        while pass.read < had && self.items[pass.read].key < key {
            if pass.begun == Some(self.items[pass.read].entity()) {
                self.bytes -= self.items[pass.read].bytes();
                pass.read += 1;
            } else {
                self.keep(pass);
            }
        }
    }

    fn keep(&mut self, pass: &mut Pass) {
        if pass.kept < pass.read {
            self.items.swap(pass.kept, pass.read);
        }
        pass.kept += 1;
        pass.read += 1;
    }

    fn push_new(&mut self, item: Item) {
        if self.items.len() == self.items.capacity() {
            self.items.reserve_exact((self.items.len() / 4).max(GROWS_BY_MIN));
        }
        self.items.push(item);
    }

    fn note(&mut self, tick: u64, seqs: RangeInclusive<u64>, told: u64, at_ms: u64) {
        let is_all_new = self.items.len() as u64 == seqs.end() + 1 - seqs.start();
        if is_all_new {
            (self.oldest, self.since_ms) = (*seqs.start(), at_ms);
        }
        self.since_ms = self.since_ms.min(at_ms);
        self.waits_since_ms = if self.newest <= told { at_ms } else { self.waits_since_ms.min(at_ms) };
        (self.tick, self.newest) = (tick, *seqs.end());
    }

    /// The tick of the newest frame.
    pub(super) fn tick(&self) -> u64 {
        self.tick
    }

    /// The number of an item.
    pub(super) fn seq(&self, at: u32) -> u64 {
        self.items[at as usize].seq
    }

    /// The piece of an item.
    pub(super) fn piece(&self, at: u32) -> &Piece {
        &self.items[at as usize].piece
    }

    /// Writes to `order` which items are above `seq`, by their numbers.
    pub(super) fn order_above(&self, seq: u64, order: &mut Vec<u32>) {
        order.clear();
        if self.newest <= seq {
            return;
        }
        let above = (0..).zip(&self.items).filter(|(_, item)| item.seq > seq);
        order.extend(above.map(|(at, _): (u32, _)| at));
        // Of one frame, which is what waits for a reader who keeps up, they are by their keys as well.
        if !order.is_sorted_by_key(|&at| self.seq(at)) {
            order.sort_unstable_by_key(|&at| self.seq(at));
        }
    }

    /// Whether an item above `seq` is more than `age_ms` old.
    pub(super) fn waits_longer(&mut self, seq: u64, age_ms: u64, now_ms: u64) -> bool {
        let is_longer = |since_ms| now_ms.saturating_sub(since_ms) > age_ms;
        if self.newest <= seq || !is_longer(self.waits_since_ms) {
            return false;
        }
        let waiting = self.items.iter().filter(|item| item.seq > seq);
        self.waits_since_ms = waiting.map(|item| item.at_ms).min().unwrap_or(now_ms);
        is_longer(self.waits_since_ms)
    }

    /// Lets go of what is past a bound, or too old. The highest number of it, if there was any.
    pub(super) fn trim(&mut self, age_ms_max: u64, now_ms: u64) -> Option<u64> {
        let is_older = |at_ms, age_ms| now_ms.saturating_sub(at_ms) > age_ms;
        let mut gone = None;
        if !self.items.is_empty() && is_older(self.since_ms, age_ms_max / 16 * 17) {
            let is_old = |item: &&Item| is_older(item.at_ms, age_ms_max);
            gone = self.items.iter().filter(is_old).map(|item| item.seq).max();
            self.since_ms = self.items.iter().map(|item| item.at_ms).min().unwrap_or(now_ms);
        }
        if self.items.len() > SIGHT_PIECES_MAX || self.bytes > SIGHT_BYTES_MAX {
            gone = gone.max(self.last_beyond());
        }
        if let Some(seq) = gone {
            self.forget(seq);
        }
        gone
    }

    /// The number of the newest piece that would have to go, were the bounds a little lower.
    fn last_beyond(&self) -> Option<u64> {
        let mut newest: Vec<(u64, u64)> = self.items.iter().map(|item| (item.seq, item.bytes())).collect();
        newest.sort_unstable_by(|one, other| other.cmp(one));
        let mut bytes = 0;
        let beyond = newest.iter().enumerate().find(|(before, (_, more))| {
            bytes += more;
            *before >= KEPT_PIECES || bytes > KEPT_BYTES
        });
        beyond.map(|(_, (seq, _))| *seq)
    }

    /// Lets go of all pieces up to `seq`.
    pub(super) fn forget(&mut self, seq: u64) {
        if self.items.is_empty() || seq < self.oldest {
            return;
        }
        let (mut bytes, mut oldest, mut since_ms) = (0, u64::MAX, u64::MAX);
        self.items.retain(|item| {
            let stays = item.seq > seq;
            if stays {
                bytes += item.bytes();
                oldest = oldest.min(item.seq);
                since_ms = since_ms.min(item.at_ms);
            }
            stays
        });
        (self.bytes, self.oldest, self.since_ms) = (bytes, oldest, since_ms);
        if self.items.is_empty() {
            // An idle player keeps no buffer.
            self.items = Vec::new();
        } else if self.items.len() < self.items.capacity() / 4 {
            self.items.shrink_to(self.items.len() * 2);
        }
    }

    /// The memory that is its own. The pieces are not: each is the newest of its key, which all hold who see it, and their
    /// bytes have a bound of their own.
    #[cfg(test)]
    pub(super) fn held_bytes(&self) -> u64 {
        (self.items.capacity() * size_of::<Item>()) as u64
    }

    /// All that it holds: keys, numbers, JSON.
    #[cfg(test)]
    pub(super) fn held(&self) -> impl Iterator<Item = (PieceKey, u64, &[u8])> {
        self.items.iter().map(|item| (item.piece.key(), item.seq, item.piece.json()))
    }

    /// Panics past a bound, or where it has lost count.
    #[cfg(test)]
    pub(super) fn check_bounds(&self, floor: u64) {
        assert!(self.items.len() <= SIGHT_PIECES_MAX, "{} pieces", self.items.len());
        assert!(self.bytes <= SIGHT_BYTES_MAX, "{} bytes of pieces", self.bytes);
        assert_eq!(self.bytes, self.items.iter().map(Item::bytes).sum::<u64>(), "bytes of pieces");
        assert!(self.items.is_sorted_by(|one, next| one.key < next.key), "the pieces are out of order");
        assert!(self.items.capacity() <= SIGHT_PIECES_MAX * 2, "room for {}", self.items.capacity());
        for item in &self.items {
            assert!(item.seq > floor.max(self.oldest - 1) && item.seq <= self.newest, "{item:?}");
            assert!(item.at_ms >= self.since_ms, "{item:?}");
        }
    }
}

/// How far a frame is laid over the items.
#[derive(Debug, Default)]
struct Pass {
    /// The next item to look at.
    read: usize,
    /// Where the next one goes that stays.
    kept: usize,
    /// The entity of which nothing stays but what the frame has.
    begun: Option<u64>,
}
