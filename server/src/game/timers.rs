//! What is to happen later.

use serde::{Deserialize, Serialize};

/// Timers of one room.
pub const TIMERS_MAX: usize = 1024;
/// Characters of a timer's name.
pub const TIMER_NAME_CHARS_MAX: usize = 64;

/// The timers of a room: few enough to be looked through.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Timers {
    /// By the time when they are due; of those due at once, by the order in which they were set.
    due: Vec<Timer>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Timer {
    due_ms: u64,
    name: String,
}

impl Timers {
    /// Sets a timer, in place of one that has the name.
    ///
    /// # Panics
    /// Above [`TIMERS_MAX`] timers, or with a name above [`TIMER_NAME_CHARS_MAX`]: a game that has lost count ends as one
    /// that panics does.
    pub fn set(&mut self, name: &str, due_ms: u64) {
        self.cancel(name);
        assert!(self.due.len() < TIMERS_MAX, "a room has at most {TIMERS_MAX} timers");
        let chars = name.chars().count();
        assert!(
            chars <= TIMER_NAME_CHARS_MAX,
            "a timer's name has at most {TIMER_NAME_CHARS_MAX} characters"
        );
        let place = self.due.partition_point(|timer| timer.due_ms <= due_ms);
        self.due.insert(place, Timer { due_ms, name: name.to_owned() });
    }

    /// Takes a timer back. Whether it was set.
    pub fn cancel(&mut self, name: &str) -> bool {
        let place = self.due.iter().position(|timer| timer.name == name);
        place.map(|place| self.due.remove(place)).is_some()
    }

    /// When a timer is due.
    #[must_use]
    pub fn due_ms(&self, name: &str) -> Option<u64> {
        self.due.iter().find(|timer| timer.name == name).map(|timer| timer.due_ms)
    }

    /// When the next one is due.
    #[must_use]
    pub fn next_ms(&self) -> Option<u64> {
        self.due.first().map(|timer| timer.due_ms)
    }

    /// Takes the first one that is due.
    pub fn take_due(&mut self, now_ms: u64) -> Option<String> {
        let is_due = self.next_ms().is_some_and(|due_ms| due_ms <= now_ms);
        is_due.then(|| self.due.remove(0).name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timers_come_in_the_order_of_their_time_then_of_their_setting() {
        let mut timers = Timers::default();
        for (name, due_ms) in [("c", 30), ("b", 20), ("a", 20), ("gone", 5), ("b", 30)] {
            timers.set(name, due_ms);
        }
        assert!(timers.cancel("gone"));
        assert!(!timers.cancel("gone"));
        assert_eq!(timers.due_ms("b"), Some(30));
        assert_eq!(timers.take_due(19), None);
        let order: Vec<_> = std::iter::from_fn(|| timers.take_due(30)).collect();
        assert_eq!(order, ["a", "c", "b"]);
        assert_eq!(timers.next_ms(), None);
    }

    #[test]
    fn a_timer_that_is_set_again_counts_once() {
        let mut timers = Timers::default();
        for number in 0..TIMERS_MAX {
            timers.set(&number.to_string(), 1);
        }
        timers.set("7", 2);
    }

    #[test]
    #[should_panic(expected = "at most 1024 timers")]
    fn a_game_that_sets_timers_without_end_is_stopped() {
        let mut timers = Timers::default();
        for number in 0.. {
            timers.set(&number.to_string(), 1);
        }
    }

    #[test]
    #[should_panic(expected = "at most 64 characters")]
    fn a_timer_s_name_is_bounded() {
        Timers::default().set(&"x".repeat(65), 1);
    }
}
