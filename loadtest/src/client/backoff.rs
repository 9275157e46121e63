//! How long to wait before the next attempt. Pure.

/// The longest wait that a server may ask for: a wrong number must not park a player for a day.
pub(super) const RETRY_MS_MAX: u64 = 60_000;

/// Waits with full jitter: a thousand players whose server restarted come back spread out and not as one wave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Backoff {
    base_ms: u64,
    ceiling_ms: u64,
    failures: u32,
}

impl Backoff {
    /// The first wait is at most `base_ms`, doubling with each further failure up to `ceiling_ms`.
    pub(super) const fn new(base_ms: u64, ceiling_ms: u64) -> Self {
        Self { base_ms, ceiling_ms, failures: 0 }
    }

    /// What failed has worked.
    pub(super) fn reset(&mut self) {
        self.failures = 0;
    }

    /// Failures in a row.
    pub(super) fn failures(&self) -> u32 {
        self.failures
    }

    /// The wait after one more failure: what the server asked for (it has spread it itself), else a random part of the
    /// bound. `random` is at least 0 and below 1.
    pub(super) fn failed(&mut self, asked_ms: Option<u64>, random: f64) -> u64 {
        let bound_ms = self.base_ms.saturating_mul(1 << self.failures.min(16)).min(self.ceiling_ms);
        self.failures = self.failures.saturating_add(1);
        match asked_ms {
            Some(asked_ms) => asked_ms.min(RETRY_MS_MAX),
            None => (bound_ms as f64 * random) as u64,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_a_ceiling_and_are_drawn_from_the_whole_range() {
        let mut backoff = Backoff::new(100, 1_000);
        let highest: Vec<u64> = (0..6).map(|_| backoff.failed(None, 0.999_999)).collect();
        assert_eq!(highest, [99, 199, 399, 799, 999, 999]);
        assert_eq!(backoff.failed(None, 0.0), 0);
        backoff.reset();
        assert_eq!(backoff.failed(None, 0.5), 50);
        assert_eq!(backoff.failures(), 1);
    }

    #[test]
    fn a_server_that_states_its_wish_gets_it_within_reason() {
        let mut backoff = Backoff::new(100, 1_000);
        assert_eq!(backoff.failed(Some(7), 0.9), 7);
        assert_eq!(backoff.failed(Some(u64::MAX), 0.9), RETRY_MS_MAX);
        // It counts as a failure all the same.
        assert_eq!(backoff.failed(None, 0.5), 200);
    }

    #[test]
    fn a_thousand_failures_overflow_nothing() {
        let mut backoff = Backoff::new(u64::MAX / 2, u64::MAX);
        for _ in 0..1_000 {
            backoff.failed(None, 0.5);
        }
        assert_eq!(backoff.failures(), 1_000);
    }
}
