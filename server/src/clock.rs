//! The one place that reads the clock. Pure layers are handed its numbers.

use std::time::{SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

/// Unix milliseconds that never go back: the wall clock at the start, and a monotonic one from there.
///
/// It follows tokio's clock, so tests that pause time pause it too.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    started: Instant,
    started_ms: u64,
}

impl Clock {
    /// A clock that begins with the wall clock of now.
    #[must_use]
    pub fn new() -> Self {
        // A machine whose clock stands before 1970 gets times from 0 on: they still rise.
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { started: Instant::now(), started_ms: whole_ms(since_epoch) }
    }

    /// Now.
    #[must_use]
    pub fn now_ms(&self) -> u64 {
        self.started_ms + whole_ms(self.started.elapsed())
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::new()
    }
}

/// A duration in whole milliseconds; the largest number for one that does not fit.
#[must_use]
pub fn whole_ms(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
