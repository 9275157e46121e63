//! The measured part: the clock runs, then everything outstanding is waited for.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, interval, sleep, sleep_until};

use super::costs::Costs;
use super::{RunError, Setup, interruption};
use crate::bot::{Bot, Entrance, Read, Written};
use crate::pacer;
use crate::progress::Progress;
use crate::schedule::Schedule;
use crate::server_probe;
use crate::shared::{Phase, Shared};
use crate::stats::{Roster, Sent};

/// Between two looks at how far the run is.
const TICK: Duration = Duration::from_millis(250);
/// Between two looks whether everything has arrived.
const DRAIN_TICK: Duration = Duration::from_millis(10);
/// How long to listen, once everything has arrived, for what should not come: doubles.
const SETTLE: Duration = Duration::from_millis(300);

/// The run once everybody is in.
pub(super) struct Measurement<'a> {
    pub(super) setup: &'a mut Setup,
    pub(super) entrance: &'a Entrance,
    pub(super) phase: watch::Sender<Phase>,
    pub(super) progress: &'a Progress,
}

/// What was measured.
#[derive(Debug)]
pub(super) struct Measured {
    pub(super) written: Vec<Written>,
    pub(super) read: Vec<Read>,
    /// From the start until the last message had arrived.
    pub(super) elapsed: Duration,
    pub(super) before: Costs,
    pub(super) after: Costs,
    /// Why the schedule was ended before its time.
    pub(super) cut_short: Option<CutShort>,
}

impl Measurement<'_> {
    /// Starts the clock and runs to the end.
    pub(super) async fn run(
        mut self,
        bots: Vec<Bot>,
        roster: Roster,
        schedules: Vec<Schedule>,
    ) -> Result<Measured, RunError> {
        let shared = Arc::clone(&self.entrance.shared);
        let before = Costs::now(self.setup.server_pid);
        shared.begin(roster);
        let wakers: Vec<Arc<Notify>> = bots.iter().map(|_| Arc::default()).collect();
        let started = bots.into_iter().zip(&schedules).zip(&wakers);
        let (writers, readers): (Vec<_>, Vec<_>) = started
            .map(|((bot, schedule), due)| bot.start(self.entrance, *schedule, Arc::clone(due)))
            .unzip();
        let pacer = pacer::start(schedules, wakers, Arc::clone(&shared))?;
        let (written, cut_short) = self.wait_for_writers(writers).await;
        let server_lives = cut_short.as_ref().is_none_or(|cut| cut.server_lives);
        let (elapsed, after) = self.wait_for_deliveries(&written, server_lives).await;
        sleep(SETTLE + self.setup.load.flush).await;
        self.phase.send_replace(Phase::Over);
        let read = all(readers).await;
        // It has ended with the schedule; a join that fails means that it panicked, which its thread has reported.
        let _ = pacer.join();
        Ok(Measured { written, read, elapsed, before, after, cut_short })
    }

    /// Waits until the writers have nothing more to send. Those that have when the drain time has passed give up.
    async fn wait_for_writers(
        &mut self,
        writers: Vec<JoinHandle<Written>>,
    ) -> (Vec<Written>, Option<CutShort>) {
        let load = self.setup.load.clone();
        let shared = Arc::clone(&self.entrance.shared);
        self.progress.begin("sending", load.duration.as_millis() as u64);
        let count = u32::try_from(writers.len()).expect("a process has fewer file descriptors");
        let mut done = std::pin::pin!(shared.writers_done.acquire_many(count));
        let mut deadline = Instant::now() + load.duration + load.drain;
        let mut cut_short: Option<CutShort> = None;
        let mut ticks = interval(TICK);
        let mut delivered_before = 0;
        loop {
            tokio::select! {
                _ = &mut done => break,
                () = sleep_until(deadline) => break,
                () = interruption(&mut self.setup.interrupted), if cut_short.is_none() => {
                    shared.cut_off();
                    deadline = Instant::now() + load.drain;
                    cut_short = Some(CutShort { reason: "interrupted".to_owned(), server_lives: true });
                }
                _ = ticks.tick() => {
                    delivered_before = self.show(&shared, delivered_before);
                    if let Some(reason) = self.server_ended() {
                        shared.cut_off();
                        cut_short = Some(CutShort { reason, server_lives: false });
                        break;
                    }
                }
            }
        }
        self.phase.send_replace(Phase::Sent);
        (all(writers).await, cut_short)
    }

    fn server_ended(&self) -> Option<String> {
        let pid = self.setup.server_pid?;
        server_probe::usage(pid).err()?;
        let seconds = self.entrance.shared.now().as_secs_f64();
        Some(format!("the server's process {pid} ended {seconds:.1} s after the start"))
    }

    fn show(&self, shared: &Shared, delivered_before: u64) -> u64 {
        let delivered = shared.counts.delivered.load(Ordering::Relaxed);
        let accepted = shared.counts.accepted.load(Ordering::Relaxed);
        let per_s = (delivered - delivered_before) as f64 / TICK.as_secs_f64();
        let message = format!("{accepted} sent, {delivered} delivered, {per_s:.0}/s");
        self.progress.advance(shared.now().as_millis() as u64, message);
        delivered
    }

    /// Waits until everything that was accepted has arrived, at most for the drain time. When the last of it came, and
    /// what all had cost until then: the wait for what is lost is not to dilute the figures.
    async fn wait_for_deliveries(&self, written: &[Written], server_lives: bool) -> (Duration, Costs) {
        let shared = &self.entrance.shared;
        let sent: Vec<&Sent> = written.iter().map(|written| &written.sent).collect();
        let expected = shared.roster().map_or(0, |roster| expected_deliveries(roster, &sent));
        let deadline = Instant::now() + self.setup.load.drain;
        self.progress.begin("draining", expected);
        let mut delivered = shared.counts.delivered.load(Ordering::Relaxed);
        let mut end = (shared.now(), Costs::now(self.setup.server_pid));
        while server_lives && delivered < expected && Instant::now() < deadline {
            self.progress.advance(delivered, format!("{delivered} of {expected} delivered"));
            sleep(DRAIN_TICK).await;
            let delivered_now = shared.counts.delivered.load(Ordering::Relaxed);
            if delivered_now > delivered {
                delivered = delivered_now;
                end = (shared.now(), Costs::now(self.setup.server_pid));
            }
        }
        end
    }
}

/// Why the schedule was ended before its time.
#[derive(Debug)]
pub(super) struct CutShort {
    pub(super) reason: String,
    pub(super) server_lives: bool,
}

/// Each accepted message at each other member of its room.
fn expected_deliveries(roster: &Roster, sent: &[&Sent]) -> u64 {
    let each = roster.places.iter().zip(sent).map(|(place, sent)| {
        let others = roster.room_sizes[place.room] as u64 - 1;
        (sent.accepted - sent.refused.len() as u64) * others
    });
    each.sum()
}

async fn all<T>(tasks: Vec<JoinHandle<T>>) -> Vec<T> {
    let mut results = Vec::with_capacity(tasks.len());
    for task in tasks {
        results.push(task.await.expect("a bot's task neither panics nor is aborted"));
    }
    results
}

#[cfg(test)]
mod tests {
    use sward_protocol::ids::Seat;

    use super::*;
    use crate::marker::RunTag;
    use crate::stats::Place;

    #[test]
    fn each_accepted_message_is_expected_at_each_other_member() {
        let place = |room, slot| Place { room, slot, seat: Seat(1) };
        let roster = Roster {
            run: RunTag(1),
            places: vec![place(0, 0), place(0, 1), place(0, 2), place(1, 0)],
            scheduled: vec![9; 4],
            room_sizes: vec![3, 1],
        };
        let sent = Sent { accepted: 9, refused: [2].into() };
        assert_eq!(expected_deliveries(&roster, &[&sent; 4]), 3 * 2 * 8);
    }
}
