//! The named blobs of a room as others fetch them: without a word to the room, and as late as it shows itself.
//!
//! What was replaced or removed stays for a while: for those who see the room later, and for those who are reading it. It
//! makes way when the room needs the bytes for blobs that count.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use prometheus::IntGauge;

use crate::clock::whole_ms;
use crate::game::{Blob, Settings};
use crate::metrics::Metrics;

/// How long somebody may go on reading a blob that was replaced: 1 MiB at 100 KiB a second.
const FINISH_MS: u64 = 10_000;
/// Replaced and removed blobs that are kept, whatever their size; the oldest go first.
const PAST_MAX: usize = 64;

/// A room's blobs. One lock, held for a few steps, under which no other is taken.
#[derive(Debug)]
pub struct Shelf {
    /// How much later the room shows itself; `None`: to its players only.
    public: Option<Duration>,
    bytes_max: usize,
    shown: Mutex<Shown>,
    count: IntGauge,
    bytes: IntGauge,
}

#[derive(Debug, Default)]
struct Shown {
    present: BTreeMap<Arc<str>, (Blob, u64)>,
    /// By when they went.
    past: VecDeque<Past>,
    bytes: usize,
    is_closed: bool,
}

#[derive(Debug)]
struct Past {
    name: Arc<str>,
    blob: Blob,
    from_ms: u64,
    until_ms: u64,
}

impl Shelf {
    /// One for the blobs of a room with these settings, counted in these numbers.
    #[must_use]
    pub fn new(settings: &Settings, metrics: &Metrics) -> Self {
        Self {
            public: settings.public,
            bytes_max: settings.blob_bytes,
            shown: Mutex::default(),
            count: metrics.blobs.count.clone(),
            bytes: metrics.blobs.bytes.clone(),
        }
    }

    /// How much later the room shows itself to who does not sit there; `None`: never.
    #[must_use]
    pub fn public(&self) -> Option<Duration> {
        self.public
    }

    /// Bytes that were set aside for it.
    #[must_use]
    pub fn bytes_max(&self) -> usize {
        self.bytes_max
    }

    /// The blob of this name, for who sits in the room.
    #[must_use]
    pub fn now(&self, name: &str) -> Option<Blob> {
        self.shown().present.get(name).map(|(blob, _)| blob.clone())
    }

    /// The blob that had this name at that time, for who sees the room later.
    #[must_use]
    pub fn at(&self, name: &str, at_ms: u64) -> Option<Blob> {
        let shown = self.shown();
        let is_it = |past: &&Past| &*past.name == name && (past.from_ms..past.until_ms).contains(&at_ms);
        let present = shown.present.get(name).filter(|(_, from_ms)| *from_ms <= at_ms).map(|(blob, _)| blob);
        present.or_else(|| shown.past.iter().rev().find(is_it).map(|past| &past.blob)).cloned()
    }

    /// Shows a blob in place of the one of this name, or nothing any more. Times never go back.
    pub fn put(&self, name: &Arc<str>, blob: Option<Blob>, now_ms: u64) {
        self.change(|shown| {
            let old = shown.present.remove(name);
            if let Some((blob, from_ms)) = old {
                shown.past.push_back(Past { name: Arc::clone(name), blob, from_ms, until_ms: now_ms });
            }
            if let Some(blob) = blob {
                shown.bytes += blob.bytes().len();
                shown.present.insert(Arc::clone(name), (blob, now_ms));
            }
            while shown.bytes > self.bytes_max || shown.past.len() > PAST_MAX {
                if !shown.forget_oldest() {
                    break;
                }
            }
            shown.sweep(self.keep_ms(), now_ms);
        });
    }

    /// Lets go of what nobody is shown any more.
    pub fn sweep(&self, now_ms: u64) {
        self.change(|shown| shown.sweep(self.keep_ms(), now_ms));
    }

    /// The room is no more, and neither are its blobs.
    pub fn close(&self) {
        self.change(|shown| *shown = Shown { is_closed: true, ..Shown::default() });
    }

    fn keep_ms(&self) -> u64 {
        FINISH_MS.max(self.public.map_or(0, whole_ms))
    }

    fn shown(&self) -> MutexGuard<'_, Shown> {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut Shown)) {
        let mut shown = self.shown();
        if shown.is_closed {
            return;
        }
        let before = shown.size();
        change(&mut shown);
        let after = shown.size();
        self.count.add(after.0 - before.0);
        self.bytes.add(after.1 - before.1);
    }
}

impl Shown {
    fn sweep(&mut self, keep_ms: u64, now_ms: u64) {
        while self.past.front().is_some_and(|past| past.until_ms + keep_ms <= now_ms) {
            self.forget_oldest();
        }
    }

    fn forget_oldest(&mut self) -> bool {
        let oldest = self.past.pop_front();
        self.bytes -= oldest.as_ref().map_or(0, |past| past.blob.bytes().len());
        oldest.is_some()
    }

    /// Blobs that count, and bytes of all, as gauges take them.
    fn size(&self) -> (i64, i64) {
        let whole = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
        (whole(self.present.len()), whole(self.bytes))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Weak;

    use super::*;
    use crate::game::blob::{Blobs, Content};

    fn blob(fill: u8, bytes: usize) -> Blob {
        let mut blobs = Blobs::new(bytes);
        blobs.set("a", "image/png", vec![fill; bytes]).unwrap();
        blobs.by_name()["a"].clone()
    }

    fn shelf(public: Option<Duration>, metrics: &Metrics) -> Shelf {
        Shelf::new(&Settings { public, ..Settings::new(2).with_blobs(100) }, metrics)
    }

    /// What a reader holds on to.
    fn reading(blob: Option<Blob>) -> Weak<Content> {
        Arc::downgrade(blob.unwrap().content())
    }

    #[test]
    fn who_sees_the_room_later_sees_the_blobs_of_then() {
        let shelf = shelf(Some(Duration::from_secs(30)), &Metrics::new());
        let (map, name) = (["map".into()], |blob: Option<Blob>| blob.map(|blob| blob.bytes()[0]));
        shelf.put(&map[0], Some(blob(1, 10)), 1_000);
        shelf.put(&map[0], Some(blob(2, 10)), 2_000);
        shelf.put(&map[0], None, 3_000);
        shelf.put(&map[0], Some(blob(3, 10)), 4_000);
        let seen: Vec<_> = [999, 1_000, 1_999, 2_000, 2_999, 3_000, 3_999, 4_000, 9_999]
            .map(|at_ms| name(shelf.at("map", at_ms)))
            .into();
        let want = [None, Some(1), Some(1), Some(2), Some(2), None, None, Some(3), Some(3)];
        assert_eq!(seen, want);
        assert_eq!(name(shelf.now("map")), Some(3));
        assert_eq!((shelf.now("other"), shelf.at("other", 9_999)), (None, None));
        shelf.sweep(31_999);
        assert!(shelf.at("map", 1_999).is_some(), "somebody may still be shown it");
        shelf.sweep(32_000);
        assert!(shelf.at("map", 1_999).is_none() && shelf.at("map", 2_000).is_some());
    }

    #[test]
    fn what_was_replaced_makes_way_for_what_counts() {
        let metrics = Metrics::new();
        let shelf = shelf(None, &metrics);
        let (a, b) = ("a".into(), "b".into());
        shelf.put(&a, Some(blob(1, 60)), 0);
        let read = reading(shelf.now("a"));
        shelf.put(&a, Some(blob(2, 40)), 1);
        assert!(read.upgrade().is_some(), "who reads it may finish");
        assert_eq!((metrics.blobs.count.get(), metrics.blobs.bytes.get()), (1, 100));
        shelf.put(&b, Some(blob(3, 1)), 2);
        assert!(read.upgrade().is_none(), "its bytes are needed");
        assert_eq!((metrics.blobs.count.get(), metrics.blobs.bytes.get()), (2, 41));
        shelf.put(&a, None, 3);
        let read = reading(shelf.at("a", 2));
        shelf.sweep(3 + FINISH_MS - 1);
        assert!(read.upgrade().is_some());
        shelf.sweep(3 + FINISH_MS);
        assert!(read.upgrade().is_none());
        assert_eq!((metrics.blobs.count.get(), metrics.blobs.bytes.get()), (1, 1));
    }

    #[test]
    fn of_many_small_ones_the_oldest_go_and_a_closed_shelf_has_none() {
        let metrics = Metrics::new();
        let shelf = shelf(Some(Duration::from_secs(120)), &metrics);
        let a = "a".into();
        for at_ms in 0..=PAST_MAX as u64 + 1 {
            shelf.put(&a, Some(blob(u8::try_from(at_ms).unwrap(), 1)), at_ms);
        }
        assert_eq!((shelf.at("a", 0), shelf.at("a", 1)), (None, Some(blob(1, 1))));
        assert_eq!(shelf.shown().past.len(), PAST_MAX);
        shelf.close();
        shelf.put(&a, Some(blob(1, 1)), 1_000);
        assert_eq!(shelf.now("a"), None);
        assert_eq!((metrics.blobs.count.get(), metrics.blobs.bytes.get()), (0, 0));
    }
}
