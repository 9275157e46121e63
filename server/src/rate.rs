//! How many messages and bytes a second: token buckets, pure.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};
use sward_protocol::ids::PlayerId;

/// Lets a burst through, and then so many a second.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
        self.take_leaving(units, 0, now_ms)
    }

    /// Takes so many units out of the bucket if so many are left in it then, or nothing.
    ///
    /// # Errors
    /// As [`Rate::take`].
    pub fn take_leaving(&mut self, units: u32, rest: u32, now_ms: u64) -> Result<(), u64> {
        let elapsed_ms = now_ms.saturating_sub(self.at_ms);
        let refill = elapsed_ms.saturating_mul(u64::from(self.per_s));
        self.stored = self.stored.saturating_add(refill).min(u64::from(self.burst) * 1000);
        self.at_ms = self.at_ms.max(now_ms);
        let wanted = (u64::from(units) + u64::from(rest)) * 1000;
        if self.stored < wanted {
            return Err((wanted - self.stored).div_ceil(u64::from(self.per_s)));
        }
        self.stored -= u64::from(units) * 1000;
        Ok(())
    }

    /// Takes so many units for what was done already, or all that is left.
    pub fn charge(&mut self, units: u32) {
        self.stored = self.stored.saturating_sub(u64::from(units) * 1000);
    }
}

/// How long it is remembered who took something out of a bucket that many share.
const SHARED_FOR_MS: u64 = 10_000;

/// A bucket that many draw from, one unit at a time. Who took some in the last ten seconds gets more only while two for
/// each of them are left: few who take all they can empty it for themselves, and not for who took nothing lately.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SharedRate {
    rate: Rate,
    burst: u32,
    /// Who took when. The bucket bounds how many: its burst, and what refills it in that time.
    taken: VecDeque<(u64, PlayerId)>,
}

impl SharedRate {
    /// As [`Rate::new`].
    #[must_use]
    pub fn new(per_s: u32, burst: u32, now_ms: u64) -> Self {
        Self { rate: Rate::new(per_s, burst, now_ms), burst, taken: VecDeque::new() }
    }

    /// Takes one unit for this player.
    ///
    /// # Errors
    /// The milliseconds after which to try again, if nobody else takes any.
    pub fn take(&mut self, player: PlayerId, now_ms: u64) -> Result<(), u64> {
        let is_old = |(at_ms, _): &(u64, PlayerId)| now_ms >= at_ms + SHARED_FOR_MS;
        while self.taken.front().is_some_and(is_old) {
            self.taken.pop_front();
        }
        let took = self.taken.iter().filter(|(_, other)| *other == player).count();
        let rest = u32::try_from(2 * took).unwrap_or(u32::MAX).min(self.burst.saturating_sub(1));
        self.rate.take_leaving(1, rest, now_ms)?;
        self.taken.push_back((now_ms, player));
        Ok(())
    }
}

/// What opening a stream is counted as, in bytes.
const OPENING_BYTES: u32 = 1024;
/// Bytes that streams of one session may cost at once, and a second: thousands of openings, or 16 of the largest `joined`.
const OPENINGS_BYTES: (u32, u32) = (16 * 1024 * 1024, 256 * 1024);

/// How often a session may open a stream. One that must be told the state of now counts for the bytes of that: it is work
/// for the room, which others wait for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Openings(Rate);

impl Openings {
    /// None was opened yet.
    #[must_use]
    pub fn new(now_ms: u64) -> Self {
        let (burst, per_s) = OPENINGS_BYTES;
        Self(Rate::new(per_s, burst, now_ms))
    }

    /// One wants to open. Whether it will have to be told the state of now is not known before it has.
    ///
    /// # Errors
    /// The milliseconds after which to try again.
    pub fn admit(&mut self, now_ms: u64) -> Result<(), u64> {
        self.0.take(OPENING_BYTES, now_ms)
    }

    /// It had to be told, with so many bytes.
    pub fn was_told(&mut self, bytes: u32) {
        self.0.charge(bytes);
    }
}

/// How much a session may send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rates {
    /// Messages.
    pub messages: Rate,
    /// Bytes of bodies.
    pub bytes: Rate,
    /// Chat lines, and other calls on people outside of the game.
    pub calls: Rate,
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
    use sward_protocol::ids::NodeId;

    #[test]
    fn a_stream_is_as_dear_as_the_state_that_it_must_be_told() {
        let opened = |joined_bytes| {
            let mut openings = Openings::new(0);
            let admitted = |_: &u32| {
                openings.admit(0).is_ok_and(|()| {
                    openings.was_told(joined_bytes);
                    true
                })
            };
            let count = (0..100_000).take_while(admitted).count();
            (count, openings.admit(0), openings.admit(4).is_ok())
        };
        assert_eq!(opened(0), (16_384, Err(4), true));
        assert_eq!(opened(7 * 1024), (2_048, Err(4), true));
        assert_eq!(opened(1024 * 1024), (16, Err(4), true));
        assert_eq!(opened(u32::MAX), (1, Err(4), true), "never less than nothing is left");
    }

    #[test]
    fn few_who_take_all_they_can_leave_something_to_the_others() {
        let player = |number: u128| PlayerId::from_random(NodeId(0), number);
        let mut shared = SharedRate::new(10, 30, 0);
        let (mut loud, mut kept_out) = (0, 0);
        for now_ms in (0..60_000).step_by(10) {
            loud += (1..=8).filter(|number| shared.take(player(*number), now_ms).is_ok()).count();
            if now_ms % 3_000 == 0 {
                kept_out += usize::from(shared.take(player(99), now_ms).is_err());
            }
            assert!(shared.taken.len() <= 130);
        }
        assert_eq!(kept_out, 0);
        assert!(loud > 500, "what nobody else wants is theirs: {loud}");
        let mut alone = SharedRate::new(10, 30, 0);
        let at_once = (0..30).filter(|_| alone.take(player(1), 0).is_ok()).count();
        assert_eq!(at_once, 10);
        assert_eq!(alone.take(player(1), 0), Err(100), "30 - 10 are left, and 1 + 2 × 10 are wanted");
    }

    #[test]
    fn messages_and_bytes_are_taken_together_or_not_at_all() {
        let mut rates = Rates {
            messages: Rate::new(1, 10, 0),
            bytes: Rate::new(1000, 1000, 0),
            calls: Rate::new(1, 1, 0),
        };
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
