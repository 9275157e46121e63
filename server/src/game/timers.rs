//! What is to happen later.

use serde::{Deserialize, Serialize};
use sward_protocol::ids::Seat;

/// Timers of one room, those of its seats included.
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
    #[serde(flatten)]
    label: Label,
}

/// Which timer it is: of the room, or of a seat. Each seat has names of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Label {
    /// Whose it is; `None`: the room's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seat: Option<Seat>,
    /// Its name.
    pub name: String,
}

impl Label {
    fn is(&self, seat: Option<Seat>, name: &str) -> bool {
        self.seat == seat && self.name == name
    }
}

impl Timers {
    /// Sets a timer of the room, or of a seat, in place of one that has the name.
    ///
    /// # Panics
    /// Above [`TIMERS_MAX`] timers, or with a name above [`TIMER_NAME_CHARS_MAX`]: a game that has lost count ends as one
    /// that panics does.
    pub fn set(&mut self, seat: Option<Seat>, name: &str, due_ms: u64) {
        self.cancel(seat, name);
        assert!(self.due.len() < TIMERS_MAX, "a room has at most {TIMERS_MAX} timers");
        let chars = name.chars().count();
        assert!(
            chars <= TIMER_NAME_CHARS_MAX,
            "a timer's name has at most {TIMER_NAME_CHARS_MAX} characters"
        );
        let place = self.due.partition_point(|timer| timer.due_ms <= due_ms);
        self.due.insert(place, Timer { due_ms, label: Label { seat, name: name.to_owned() } });
    }

    /// Takes a timer back. Whether it was set.
    pub fn cancel(&mut self, seat: Option<Seat>, name: &str) -> bool {
        let place = self.due.iter().position(|timer| timer.label.is(seat, name));
        place.map(|place| self.due.remove(place)).is_some()
    }

    /// Takes all timers of a seat back: nobody sits there any more.
    pub fn vacate(&mut self, seat: Seat) {
        self.due.retain(|timer| timer.label.seat != Some(seat));
    }

    /// When a timer is due.
    #[must_use]
    pub fn due_ms(&self, seat: Option<Seat>, name: &str) -> Option<u64> {
        self.due.iter().find(|timer| timer.label.is(seat, name)).map(|timer| timer.due_ms)
    }

    /// Time stood still for so long: all come later by that.
    pub fn delay(&mut self, by_ms: u64) {
        for timer in &mut self.due {
            timer.due_ms = timer.due_ms.saturating_add(by_ms);
        }
    }

    /// When the next one is due.
    #[must_use]
    pub fn next_ms(&self) -> Option<u64> {
        self.due.first().map(|timer| timer.due_ms)
    }

    /// Takes the first one that is due.
    pub fn take_due(&mut self, now_ms: u64) -> Option<Label> {
        let is_due = self.next_ms().is_some_and(|due_ms| due_ms <= now_ms);
        is_due.then(|| self.due.remove(0).label)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timers_come_in_the_order_of_their_time_then_of_their_setting() {
        let mut timers = Timers::default();
        for (name, due_ms) in [("c", 30), ("b", 20), ("a", 20), ("gone", 5), ("b", 30)] {
            timers.set(None, name, due_ms);
        }
        assert!(timers.cancel(None, "gone"));
        assert!(!timers.cancel(None, "gone"));
        assert_eq!(timers.due_ms(None, "b"), Some(30));
        assert_eq!(timers.take_due(19), None);
        let order: Vec<_> = std::iter::from_fn(|| timers.take_due(30)).map(|label| label.name).collect();
        assert_eq!(order, ["a", "c", "b"]);
        assert_eq!(timers.next_ms(), None);
    }

    #[test]
    fn a_timer_that_is_set_again_counts_once() {
        let mut timers = Timers::default();
        for number in 0..TIMERS_MAX {
            timers.set(None, &number.to_string(), 1);
        }
        timers.set(None, "7", 2);
    }

    #[test]
    #[should_panic(expected = "at most 1024 timers")]
    fn a_game_that_sets_timers_without_end_is_stopped() {
        let mut timers = Timers::default();
        for number in 0.. {
            timers.set(None, &number.to_string(), 1);
        }
    }

    #[test]
    #[should_panic(expected = "at most 64 characters")]
    fn a_timer_s_name_is_bounded() {
        Timers::default().set(None, &"x".repeat(65), 1);
    }

    #[test]
    fn each_seat_has_names_of_its_own_and_they_go_when_it_is_vacated() {
        let mut timers = Timers::default();
        for seat in [None, Some(Seat(1)), Some(Seat(2))] {
            timers.set(seat, "idle", 10);
        }
        let saved = serde_json::to_string(&timers).unwrap();
        assert_eq!(serde_json::from_str::<Timers>(&saved).unwrap(), timers, "{saved}");
        timers.vacate(Seat(1));
        assert_eq!(timers.due_ms(Some(Seat(1)), "idle"), None);
        let left: Vec<_> = std::iter::from_fn(|| timers.take_due(10)).map(|label| label.seat).collect();
        assert_eq!(left, [None, Some(Seat(2))]);
    }
}
