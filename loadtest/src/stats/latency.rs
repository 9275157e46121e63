//! Durations in a histogram.

use std::time::Duration;

use hdrhistogram::Histogram;
use serde::Serialize;

/// The longest duration that is told apart; longer ones count as this one.
const LATENCY_MAX_US: u64 = 120_000_000;
/// Digits that a percentile is exact to: 0.1 %.
const SIGNIFICANT_DIGITS: u8 = 3;

/// Many durations, to the microsecond up to two minutes. About 150 KB, whatever the number of values.
#[derive(Debug, Clone)]
pub struct Latencies {
    histogram: Histogram<u64>,
}

/// The percentiles that reports show, in microseconds; all 0 when nothing was recorded.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Percentiles {
    /// How many values.
    pub count: u64,
    /// Half of the values are at or below this.
    pub p50_us: u64,
    /// Nine in ten.
    pub p90_us: u64,
    /// 99 in 100.
    pub p99_us: u64,
    /// 999 in 1,000.
    pub p99_9_us: u64,
    /// The largest.
    pub max_us: u64,
}

impl Latencies {
    /// Without values.
    #[must_use]
    pub fn new() -> Self {
        Self { histogram: empty() }
    }

    /// Adds one duration, rounded down to a microsecond.
    pub fn record(&mut self, latency: Duration) {
        self.histogram.saturating_record(u64::try_from(latency.as_micros()).unwrap_or(u64::MAX));
    }

    /// Adds all values of `other`: exact, as if they had been recorded here.
    pub fn merge(&mut self, other: &Self) {
        // All histograms here have the same bounds, so nothing can be out of them.
        let added = self.histogram.add(&other.histogram);
        debug_assert!(added.is_ok());
    }

    /// The percentiles so far.
    #[must_use]
    pub fn percentiles(&self) -> Percentiles {
        let at = |quantile| self.histogram.value_at_quantile(quantile);
        if self.histogram.is_empty() {
            return Percentiles::default();
        }
        Percentiles {
            count: self.histogram.len(),
            p50_us: at(0.5),
            p90_us: at(0.9),
            p99_us: at(0.99),
            p99_9_us: at(0.999),
            max_us: self.histogram.max(),
        }
    }
}

fn empty() -> Histogram<u64> {
    Histogram::new_with_bounds(1, LATENCY_MAX_US, SIGNIFICANT_DIGITS)
        .expect("1 to 120,000,000 with 3 digits are bounds that the histogram takes")
}

impl Default for Latencies {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values_us: impl IntoIterator<Item = u64>) -> Latencies {
        let mut latencies = Latencies::new();
        values_us.into_iter().for_each(|us| latencies.record(Duration::from_micros(us)));
        latencies
    }

    fn check(got_us: u64, want_us: u64) {
        let error = got_us.abs_diff(want_us) as f64 / want_us as f64;
        assert!(error <= 0.001, "{got_us} is not within 0.1 % of {want_us}");
    }

    #[test]
    fn percentiles_are_exact_to_three_digits() {
        let percentiles = of(1..=100_000).percentiles();
        assert_eq!(percentiles.count, 100_000);
        check(percentiles.p50_us, 50_000);
        check(percentiles.p90_us, 90_000);
        check(percentiles.p99_us, 99_000);
        check(percentiles.p99_9_us, 99_900);
        check(percentiles.max_us, 100_000);
    }

    #[test]
    fn merged_histograms_are_those_of_all_values() {
        let mut low = of(1..=1_000);
        low.merge(&of(1_001..=2_000));
        assert_eq!(low.percentiles(), of(1..=2_000).percentiles());
    }

    #[test]
    fn what_is_beyond_the_bound_counts_as_the_bound() {
        let percentiles = of([1, LATENCY_MAX_US * 5, u64::MAX]).percentiles();
        assert_eq!(percentiles.count, 3);
        check(percentiles.max_us, LATENCY_MAX_US);
    }

    #[test]
    fn nothing_recorded_is_all_zero() {
        assert_eq!(Latencies::new().percentiles(), Percentiles::default());
    }
}
