//! What the server and this program used while it was measured.

use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

use crate::report::{Generator, Server};
use crate::server_probe::{self, ThreadUsage, Usage, UsageBetween};

/// All figures at one moment.
#[derive(Debug)]
pub(super) struct Costs {
    at: Instant,
    server: Option<(u32, Usage)>,
    own: Option<Usage>,
    own_threads: Vec<ThreadUsage>,
}

impl Costs {
    /// Reads them. What cannot be read is left out.
    pub(super) fn now(server_pid: Option<u32>) -> Self {
        Self {
            at: Instant::now(),
            server: server_pid.and_then(|pid| Some((pid, server_probe::usage(pid).ok()?))),
            own: server_probe::usage(std::process::id()).ok(),
            own_threads: server_probe::own_threads().unwrap_or_default(),
        }
    }

    /// What the server used since `before`, in which time so many messages were delivered.
    pub(super) fn server_since(&self, before: &Self, delivered: u64) -> Option<Server> {
        let ((pid, before_usage), (_, after_usage)) = before.server.zip(self.server)?;
        let usage = UsageBetween::of(&before_usage, &after_usage, self.elapsed(before));
        Some(Server { pid, usage, cpu_us_per_delivered: per_delivered(&usage, delivered) })
    }

    /// What this program used since `before`, with so many worker threads.
    pub(super) fn generator_since(&self, before: &Self, delivered: u64, threads: usize) -> Option<Generator> {
        let elapsed = self.elapsed(before);
        let usage = UsageBetween::of(&before.own?, &self.own?, elapsed);
        let cores = std::thread::available_parallelism().map_or(threads, NonZeroUsize::get).min(threads);
        Some(Generator {
            usage,
            cpu_us_per_delivered: per_delivered(&usage, delivered),
            busy: usage.cpu_cores / cores as f64,
            busiest_thread: busiest(&before.own_threads, &self.own_threads, elapsed),
        })
    }

    fn elapsed(&self, before: &Self) -> Duration {
        self.at.saturating_duration_since(before.at)
    }
}

fn per_delivered(usage: &UsageBetween, delivered: u64) -> Option<f64> {
    (delivered > 0).then(|| usage.cpu_us as f64 / delivered as f64)
}

/// The share of the time for which the busiest thread was on a core.
fn busiest(before: &[ThreadUsage], after: &[ThreadUsage], elapsed: Duration) -> f64 {
    if elapsed.is_zero() {
        return 0.0;
    }
    let cpu_before =
        |id| before.iter().find(|thread| thread.id == id).map_or(Duration::ZERO, |thread| thread.cpu);
    let used = after.iter().map(|thread| thread.cpu.saturating_sub(cpu_before(thread.id)));
    used.max().unwrap_or_default().as_secs_f64() / elapsed.as_secs_f64()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_busiest_thread_is_told_by_its_difference() {
        let thread = |id, cpu_ms| ThreadUsage { id, cpu: Duration::from_millis(cpu_ms) };
        let before = [thread(1, 5_000), thread(2, 100)];
        let after = [thread(1, 5_500), thread(2, 1_000), thread(3, 200)];
        assert_eq!(busiest(&before, &after, Duration::from_secs(1)), 0.9);
        assert_eq!(busiest(&[], &[], Duration::from_secs(1)), 0.0);
        assert_eq!(busiest(&before, &after, Duration::ZERO), 0.0);
    }
}
