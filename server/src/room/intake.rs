//! What waits for a room, and how much it may be told: the bound that makes `room_busy`. And how long its game has been at
//! work, for it is the game that keeps the others waiting.
//!
//! The actor library's own bound does not hold: each clone of an address may always send once more. So commands that a
//! room may refuse carry a permit of ours.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::rate::Rate;

/// Batches and joins that wait for a room; the next one is refused.
pub const COMMANDS_MAX: usize = 1024;
/// Looks at the room that wait for it, of players and of others without a seat; the next one is refused. They have places
/// of their own: who only looks keeps nobody from playing.
pub const LOOKS_MAX: usize = 256;
/// Bytes of messages, as JSON, that a room takes in a second on average: each may go to all its players.
pub const BYTES_PER_S: u32 = 4 * 1024 * 1024;
/// Bytes at once. With what comes on top in 33 ms it stays below the 256 KiB of a player's window, so that whatever a
/// room is told, those who read lose nothing.
pub const BYTES_BURST: u32 = 96 * 1024;
/// A step of a game that takes so long is worth a warning: its thread has other rooms.
pub const STEP_SLOW_MS: u64 = 100;
/// A game that is at one step for so long may never end it. Nothing can stop it but the end of the process.
pub const STEP_STUCK_MS: u64 = 5_000;
/// No step is under way.
const IDLE: u64 = 0;

/// The way into one room.
#[derive(Debug)]
pub struct Intake {
    waiting: AtomicUsize,
    looks: AtomicUsize,
    bytes: Mutex<Rate>,
    /// When the step began that the game is at.
    at_work_since_ms: AtomicU64,
}

/// The room has too much to do; nothing was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Busy;

/// One command on its way into a room, or being handled.
#[derive(Debug)]
pub struct Permit(Arc<Intake>);

/// As a [`Permit`], of who only looks.
#[derive(Debug)]
pub struct LookPermit(Arc<Intake>);

impl Intake {
    /// Nothing waits.
    #[must_use]
    pub fn new(now_ms: u64) -> Self {
        Self {
            waiting: AtomicUsize::new(0),
            looks: AtomicUsize::new(0),
            bytes: Mutex::new(Rate::new(BYTES_PER_S, BYTES_BURST, now_ms)),
            at_work_since_ms: AtomicU64::new(IDLE),
        }
    }

    /// The game begins a step.
    pub fn begin_step(&self, now_ms: u64) {
        self.at_work_since_ms.store(now_ms, Ordering::Relaxed);
    }

    /// It has come to its end.
    pub fn end_step(&self) {
        self.at_work_since_ms.store(IDLE, Ordering::Relaxed);
    }

    /// Whether the game does not come to the end of its step.
    #[must_use]
    pub fn is_stuck(&self, now_ms: u64) -> bool {
        let since_ms = self.at_work_since_ms.load(Ordering::Relaxed);
        since_ms != IDLE && now_ms.saturating_sub(since_ms) >= STEP_STUCK_MS
    }

    /// Lets in a command with so many bytes of messages.
    ///
    /// # Errors
    /// [`Busy`] when as many commands wait as may, or the room was told too much lately.
    pub fn admit(self: &Arc<Self>, bytes: u32, now_ms: u64) -> Result<Permit, Busy> {
        // Counted before the rate is asked; the permit gives the place back if it refuses.
        let waiting = self.waiting.fetch_add(1, Ordering::Relaxed);
        let permit = Permit(Arc::clone(self));
        if waiting >= COMMANDS_MAX {
            return Err(Busy);
        }
        let mut rate = self.bytes.lock().unwrap_or_else(PoisonError::into_inner);
        rate.take(bytes, now_ms).map(|()| permit).map_err(|_| Busy)
    }

    /// Lets in somebody's look.
    ///
    /// # Errors
    /// [`Busy`] when as many wait as may.
    pub fn admit_look(self: &Arc<Self>) -> Result<LookPermit, Busy> {
        let waiting = self.looks.fetch_add(1, Ordering::Relaxed);
        let permit = LookPermit(Arc::clone(self));
        if waiting >= LOOKS_MAX { Err(Busy) } else { Ok(permit) }
    }
}

impl Drop for LookPermit {
    fn drop(&mut self) {
        self.0.looks.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_game_that_stays_at_one_step_is_stuck() {
        let intake = Intake::new(0);
        assert!(!intake.is_stuck(STEP_STUCK_MS), "it has nothing to do");
        intake.begin_step(1_000);
        assert!(!intake.is_stuck(999 + STEP_STUCK_MS));
        assert!(intake.is_stuck(1_000 + STEP_STUCK_MS));
        intake.end_step();
        assert!(!intake.is_stuck(2_000 + STEP_STUCK_MS));
    }

    #[test]
    fn who_only_looks_keeps_nobody_from_playing() {
        let intake = Arc::new(Intake::new(0));
        let mut looks: Vec<_> = (0..LOOKS_MAX).map(|_| intake.admit_look().unwrap()).collect();
        assert!(intake.admit_look().is_err());
        assert!(intake.admit(BYTES_BURST, 0).is_ok());
        looks.pop();
        assert!(intake.admit_look().is_ok());
    }

    #[test]
    fn commands_and_bytes_are_bounded_and_a_dropped_permit_gives_its_place_back() {
        let intake = Arc::new(Intake::new(0));
        let mut permits: Vec<_> = (0..COMMANDS_MAX).map(|_| intake.admit(1, 0).unwrap()).collect();
        assert_eq!(intake.admit(0, 0).unwrap_err(), Busy);
        permits.pop();
        assert_eq!(intake.admit(BYTES_BURST, 0).unwrap_err(), Busy, "some of the bytes are used");
        assert!(intake.admit(BYTES_BURST, 1_000).is_ok());
        assert!(intake.admit(1, 1_000).is_err());
        assert!(intake.admit(0, 1_000).is_ok());
    }
}
