//! Wakes each bot when its next message is due.
//!
//! A thread of its own and not the runtime's timers: those round up to the next millisecond, which would be most of
//! the latency of a fast server.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::sync::Notify;

use crate::schedule::Schedule;
use crate::shared::Shared;

/// The shortest sleep: what falls due within it is woken together, which bounds the thread's own cost.
const STEP_MIN: Duration = Duration::from_micros(100);
/// The longest sleep: how late the end of a run is noticed.
const STEP_MAX: Duration = Duration::from_millis(20);

/// Who is to be woken when. Pure.
#[derive(Debug)]
struct Queue {
    schedules: Vec<Schedule>,
    /// Due time, bot, message number.
    next: BinaryHeap<Reverse<(Duration, usize, u64)>>,
}

impl Queue {
    fn new(schedules: Vec<Schedule>) -> Self {
        let mut queue = Self { next: BinaryHeap::with_capacity(schedules.len()), schedules };
        for bot in 0..queue.schedules.len() {
            queue.push(bot, 1);
        }
        queue
    }

    fn push(&mut self, bot: usize, number: u64) {
        let schedule = &self.schedules[bot];
        if number <= schedule.count() {
            self.next.push(Reverse((schedule.intended(number), bot, number)));
        }
    }

    /// Calls `wake` for each message that is due at `now`. When the next one is due, if there is one.
    fn advance(&mut self, now: Duration, mut wake: impl FnMut(usize)) -> Option<Duration> {
        loop {
            let &Reverse((due, bot, number)) = self.next.peek()?;
            if due > now {
                return Some(due);
            }
            self.next.pop();
            wake(bot);
            self.push(bot, number + 1);
        }
    }
}

/// Starts the thread; it ends behind the last message, or soon after the schedule was cut off.
///
/// # Errors
/// When the system starts no thread.
pub(crate) fn start(
    schedules: Vec<Schedule>,
    bots: Vec<Arc<Notify>>,
    shared: Arc<Shared>,
) -> io::Result<JoinHandle<()>> {
    thread::Builder::new().name("pacer".to_owned()).spawn(move || {
        let mut queue = Queue::new(schedules);
        while shared.cutoff().is_none() {
            let now = shared.now();
            let Some(due) = queue.advance(now, |bot| bots[bot].notify_one()) else {
                break;
            };
            thread::sleep((due - now).clamp(STEP_MIN, STEP_MAX));
        }
        // Whoever waits for a message that was cut off is to look again.
        bots.iter().for_each(|bot| bot.notify_one());
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schedule::schedules;

    #[test]
    fn every_message_wakes_its_bot_once_and_in_time() {
        let schedules = schedules(1, 7, 10.0, Duration::from_secs(2));
        let mut queue = Queue::new(schedules.clone());
        let mut woken = vec![0; schedules.len()];
        let mut now = Duration::ZERO;
        while let Some(due) = queue.advance(now, |bot| woken[bot] += 1) {
            for (schedule, &woken) in schedules.iter().zip(&woken) {
                assert_eq!(schedule.due(now), woken);
            }
            assert!(due > now);
            now = due;
        }
        assert!(schedules.iter().map(Schedule::count).eq(woken));
    }

    #[test]
    fn a_late_call_wakes_for_everything_that_was_missed() {
        let schedules = schedules(1, 2, 10.0, Duration::from_secs(1));
        let mut woken = 0;
        assert_eq!(Queue::new(schedules).advance(Duration::from_secs(9), |_| woken += 1), None);
        assert_eq!(woken, 20);
    }
}
