//! What a server process uses, from `/proc`.

use std::thread;
use std::time::{Duration, Instant};

use crate::support::{DEADLINE, Server};

/// Processor time that an idle server may use in a second: beats, sweeps, and the machine's noise.
const IDLE_MAX: Duration = Duration::from_millis(200);

/// Memory in use, in KiB.
pub fn memory_kib(server: &Server) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{}/status", server.pid())).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

fn processor_time(server: &Server) -> Duration {
    let text = std::fs::read_to_string(format!("/proc/{}/stat", server.pid())).unwrap();
    let fields: Vec<&str> = text.rsplit_once(')').unwrap().1.split_whitespace().collect();
    let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
    Duration::from_millis(ticks * 1000 / rustix::param::clock_ticks_per_second())
}

/// Waits for a second in which the workers have next to nothing to do.
pub fn becomes_idle(server: &Server) {
    let deadline = Instant::now() + DEADLINE;
    loop {
        let before = processor_time(server);
        thread::sleep(Duration::from_secs(1));
        let used = processor_time(server) - before;
        if used <= IDLE_MAX {
            return;
        }
        assert!(Instant::now() < deadline, "a worker is busy: {used:?} in a second");
    }
}

/// As many open files as the system lets this process and its children have.
pub fn raise_files() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit).unwrap();
}
