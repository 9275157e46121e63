//! When each bot should send: fixed before the start, whatever the server does. Pure.
//!
//! Open loop: a server that falls behind is measured from the times that the load asked for, not from the times that
//! its own slowness allowed ("coordinated omission").

use std::time::Duration;

use rand_core::{Rng as _, SeedableRng as _};
use rand_pcg::Pcg32;

/// One bot's messages: number 1 at its phase, each further one a period later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schedule {
    phase_ns: u64,
    period_ns: u64,
    count: u64,
}

impl Schedule {
    /// When message `number` (from 1) should be sent, counted from the start of the run.
    #[must_use]
    pub fn intended(&self, number: u64) -> Duration {
        Duration::from_nanos(self.phase_ns + number.saturating_sub(1) * self.period_ns)
    }

    /// How many messages there are in all.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// How many messages should have been sent at `now`, the one that is due at `now` included.
    #[must_use]
    pub fn due(&self, now: Duration) -> u64 {
        let now_ns = nanoseconds(now);
        match now_ns.checked_sub(self.phase_ns) {
            None => 0,
            Some(since_ns) => (since_ns / self.period_ns + 1).min(self.count),
        }
    }
}

/// The schedules of all bots: `rate_per_s` messages a second each, for `duration`.
///
/// The phases divide one period evenly and are dealt out by `seed`, with some jitter within each share: neither the
/// bots of one room nor all bots together send in step.
#[must_use]
pub fn schedules(seed: u64, players: usize, rate_per_s: f64, duration: Duration) -> Vec<Schedule> {
    let mut random = Pcg32::seed_from_u64(seed);
    // A float to an integer saturates, so even an absurd rate gives a period.
    let period_ns = ((1e9 / rate_per_s).round() as u64).max(1);
    let duration_ns = nanoseconds(duration);
    let mut shares: Vec<u64> = (0..players as u64).collect();
    for index in (1..shares.len()).rev() {
        shares.swap(index, below(&mut random, index as u64 + 1) as usize);
    }
    let share_ns = period_ns / (players as u64).max(1);
    shares
        .into_iter()
        .map(|share| {
            let phase_ns = share * share_ns + below(&mut random, share_ns.max(1));
            let count = duration_ns.checked_sub(phase_ns).map_or(0, |rest_ns| rest_ns.div_ceil(period_ns));
            Schedule { phase_ns, period_ns, count }
        })
        .collect()
}

/// A number below `end`. The bias of the remainder is below 2^-32 for every `end` that a load has.
fn below(random: &mut Pcg32, end: u64) -> u64 {
    random.next_u64() % end
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn the_reference_load_sends_two_thousand_messages_a_second() {
        let schedules = schedules(1, 450, 4.44, 20 * SECOND);
        let sent: u64 = schedules.iter().map(Schedule::count).sum();
        assert!((39_900..=40_020).contains(&sent), "{sent}");
    }

    #[test]
    fn the_same_seed_gives_the_same_times_and_another_seed_others() {
        assert_eq!(schedules(7, 50, 4.44, SECOND), schedules(7, 50, 4.44, SECOND));
        assert_ne!(schedules(7, 50, 4.44, SECOND), schedules(8, 50, 4.44, SECOND));
    }

    #[test]
    fn phases_are_spread_evenly_over_one_period() {
        let mut phases: Vec<u64> = schedules(3, 100, 10.0, SECOND).iter().map(|s| s.phase_ns).collect();
        phases.sort_unstable();
        for (share, phase_ns) in phases.into_iter().enumerate() {
            assert_eq!(phase_ns / 1_000_000, share as u64, "one bot in each millisecond of the 100");
        }
    }

    #[test]
    fn as_many_messages_are_due_as_intended_times_have_passed() {
        let schedule = Schedule { phase_ns: 30, period_ns: 100, count: 3 };
        assert_eq!((1..=3).map(|n| schedule.intended(n).as_nanos()).collect::<Vec<_>>(), [30, 130, 230]);
        for (now_ns, due) in [(0, 0), (29, 0), (30, 1), (129, 1), (130, 2), (230, 3), (1_000_000, 3)] {
            assert_eq!(schedule.due(Duration::from_nanos(now_ns)), due, "{now_ns}");
        }
    }

    #[test]
    fn nothing_is_intended_at_or_after_the_end() {
        for schedule in schedules(5, 20, 7.0, SECOND) {
            assert!(schedule.intended(schedule.count()) < SECOND);
            assert!(schedule.intended(schedule.count() + 1) >= SECOND);
        }
        assert_eq!(schedules(5, 2, 0.001, SECOND).iter().map(Schedule::count).sum::<u64>(), 0);
    }
}
