//! What all streams brought while it was measured. Pure.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::stats::Latencies;

/// Sums over all players.
#[derive(Debug, Default)]
pub struct Tally {
    /// Whether it is measured now; what comes at other times is not counted.
    pub is_open: bool,
    /// Bytes from the sockets, the heads of HTTP chunks included.
    pub bytes: u64,
    /// Ticks that players were told of, however many patches that took.
    pub frames: u64,
    /// Entities in them.
    pub entities: u64,
    /// Ticks of which a player was told nothing: they became one patch with the next.
    pub ticks_left_out: u64,
    /// Patches of a tick behind those of a later one.
    pub ticks_out_of_order: u64,
    /// Between two patches of a player.
    pub spacing: Latencies,
    /// Streams that ended, by reason, whenever that was.
    pub ended: BTreeMap<String, u64>,
}

/// One player's place in it.
#[derive(Debug, Default)]
pub struct Pace {
    last: Option<(u64, Duration)>,
}

impl Tally {
    /// So many bytes came, in which so many objects began, of which so many are patches.
    pub fn count(&mut self, bytes: usize, objects: u64, patches: u64) {
        if self.is_open {
            self.bytes += bytes as u64;
            self.entities += objects.saturating_sub(patches);
        }
    }

    /// A patch of this tick came at `now`, on any clock that rises.
    pub fn patch(&mut self, pace: &mut Pace, tick: u64, now: Duration) {
        let Some((last, at)) = pace.last else {
            pace.last = Some((tick, now));
            return;
        };
        if tick == last {
            return;
        }
        pace.last = Some((tick, now));
        if !self.is_open {
            return;
        }
        if tick < last {
            self.ticks_out_of_order += 1;
            return;
        }
        self.frames += 1;
        self.ticks_left_out += tick - last - 1;
        self.spacing.record(now.saturating_sub(at));
    }

    /// A stream ended.
    pub fn end(&mut self, why: String) {
        *self.ended.entry(why).or_default() += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_that_are_left_out_or_told_too_late_are_counted() {
        let ms = Duration::from_millis;
        let (mut tally, mut pace) = (Tally::default(), Pace::default());
        tally.count(100, 3, 1);
        tally.patch(&mut pace, 4, ms(150));
        assert_eq!((tally.bytes, tally.frames, tally.spacing.percentiles().count), (0, 0, 0));
        tally.is_open = true;
        for (tick, at) in [(5, 200), (8, 300), (8, 310), (7, 320)] {
            tally.count(50, 11, 1);
            tally.patch(&mut pace, tick, ms(at));
        }
        assert_eq!((tally.bytes, tally.frames, tally.entities), (200, 2, 40));
        assert_eq!((tally.ticks_left_out, tally.ticks_out_of_order), (2, 1));
        let spacing = tally.spacing.percentiles();
        assert_eq!(spacing.count, 2);
    }
}
