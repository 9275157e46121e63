//! How many messages and bytes a second: token buckets, pure.

/// Lets a burst through, and then so many a second.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rate {
    per_s: u32,
    burst: u32,
    /// Thousandths of a unit, so that a millisecond adds a whole number of them.
    stored: u64,
    at_ms: u64,
}

impl Rate {
    /// A full bucket of `burst` units (messages, bytes) that refills with `per_s` (at least 1) a second.
    #[must_use]
    pub fn new(per_s: u32, burst: u32, now_ms: u64) -> Self {
        Self { per_s: per_s.max(1), burst, stored: u64::from(burst) * 1000, at_ms: now_ms }
    }

    /// Takes so many units out of the bucket, or nothing.
    ///
    /// # Errors
    /// The milliseconds after which to try again. More than the burst never fits; callers bound what they take below it.
    pub fn take(&mut self, units: u32, now_ms: u64) -> Result<(), u64> {
        let elapsed_ms = now_ms.saturating_sub(self.at_ms);
        let refill = elapsed_ms.saturating_mul(u64::from(self.per_s));
        self.stored = self.stored.saturating_add(refill).min(u64::from(self.burst) * 1000);
        self.at_ms = self.at_ms.max(now_ms);
        let wanted = u64::from(units) * 1000;
        match self.stored.checked_sub(wanted) {
            Some(rest) => {
                self.stored = rest;
                Ok(())
            }
            None => Err((wanted - self.stored).div_ceil(u64::from(self.per_s))),
        }
    }
}

/// How much a session may send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rates {
    /// Messages.
    pub messages: Rate,
    /// Bytes of bodies.
    pub bytes: Rate,
}

impl Rates {
    /// Takes so many messages and bytes, or nothing.
    ///
    /// # Errors
    /// The milliseconds after which to try again.
    pub fn take(&mut self, messages: u32, bytes: u32, now_ms: u64) -> Result<(), u64> {
        let before = self.messages.clone();
        self.messages.take(messages, now_ms)?;
        self.bytes.take(bytes, now_ms).inspect_err(|_| self.messages = before)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_and_bytes_are_taken_together_or_not_at_all() {
        let mut rates = Rates { messages: Rate::new(1, 10, 0), bytes: Rate::new(1000, 1000, 0) };
        assert_eq!(rates.take(5, 1001, 0), Err(1));
        assert_eq!(rates.take(11, 1, 0), Err(1000));
        assert_eq!(rates.take(10, 1000, 0), Ok(()));
    }

    #[test]
    fn a_burst_passes_then_the_rate_holds() {
        let mut rate = Rate::new(10, 20, 0);
        assert_eq!(rate.take(20, 0), Ok(()));
        assert_eq!(rate.take(1, 0), Err(100));
        assert_eq!(rate.take(1, 99), Err(1));
        assert_eq!(rate.take(1, 100), Ok(()));
        assert_eq!(rate.take(20, 1_000_000), Ok(()), "no more is stored than a burst");
        assert_eq!(rate.take(1, 1_000_000), Err(100));
        assert_eq!(rate.take(1, 5), Err(100), "a clock that goes back gives nothing");
    }
}
