//! What a process costs: CPU, memory and threads, from `/proc`. On other systems than Linux: nothing.

use std::net::SocketAddr;
use std::time::Duration;

use serde::Serialize;

/// A process's figures at one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// User and system time of all its threads since it started, to 10 ms.
    pub cpu: Duration,
    /// Time for which its threads, those that live now, were ready to run and had no core. Zero where the system does
    /// not tell.
    pub waited: Duration,
    /// Resident memory.
    pub rss_bytes: u64,
    /// The most resident memory since it started.
    pub rss_peak_bytes: u64,
    /// Threads.
    pub threads: u64,
}

/// A thread's CPU time since it started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ThreadUsage {
    /// The thread's id.
    pub id: u32,
    /// User and system time, to 10 ms.
    pub cpu: Duration,
}

/// What a process used between two moments.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct UsageBetween {
    /// User and system time, in µs.
    pub cpu_us: u64,
    /// Of one core: 1 is one core's whole time.
    pub cpu_cores: f64,
    /// Its threads that were ready to run and had no core, on average: above 0 others wanted the cores too.
    pub waiting_threads: f64,
    /// At the first moment.
    pub rss_before_bytes: u64,
    /// At the second.
    pub rss_after_bytes: u64,
    /// The most since the process started.
    pub rss_peak_bytes: u64,
    /// At the second moment.
    pub threads: u64,
}

impl UsageBetween {
    /// The difference of two moments that lie `elapsed` apart.
    #[must_use]
    pub fn of(before: &Usage, after: &Usage, elapsed: Duration) -> Self {
        let cpu = after.cpu.saturating_sub(before.cpu);
        let waited = after.waited.saturating_sub(before.waited);
        let share = |time: Duration| {
            if elapsed.is_zero() { 0.0 } else { time.as_secs_f64() / elapsed.as_secs_f64() }
        };
        Self {
            cpu_us: u64::try_from(cpu.as_micros()).unwrap_or(u64::MAX),
            cpu_cores: share(cpu),
            waiting_threads: share(waited),
            rss_before_bytes: before.rss_bytes,
            rss_after_bytes: after.rss_bytes,
            rss_peak_bytes: after.rss_peak_bytes,
            threads: after.threads,
        }
    }
}

/// Why a process cannot be measured.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProbeError {
    /// This system has no `/proc` that this program reads.
    #[error("CPU and memory are measured on Linux only")]
    Unsupported,
    /// No such process, or one that may not be looked at.
    #[error("{path} cannot be read: {error}")]
    Unreadable {
        /// The file.
        path: String,
        /// What the system says.
        error: std::io::Error,
    },
    /// A file of another shape than proc(5) says.
    #[error("{path} is not in the form of proc(5)")]
    Malformed {
        /// The file.
        path: String,
    },
}

#[cfg(target_os = "linux")]
pub use linux::{listener_pid, own_threads, usage};
#[cfg(not(target_os = "linux"))]
pub use other::{listener_pid, own_threads, usage};

#[cfg(not(target_os = "linux"))]
mod other {
    use super::{ProbeError, SocketAddr, ThreadUsage, Usage};

    /// The figures of the process `pid`.
    ///
    /// # Errors
    /// [`ProbeError::Unsupported`].
    pub fn usage(_pid: u32) -> Result<Usage, ProbeError> {
        Err(ProbeError::Unsupported)
    }

    /// The process that listens on `address` of this machine.
    #[must_use]
    pub fn listener_pid(_address: SocketAddr) -> Option<u32> {
        None
    }

    /// The CPU time of each thread of this process.
    ///
    /// # Errors
    /// [`ProbeError::Unsupported`].
    pub fn own_threads() -> Result<Vec<ThreadUsage>, ProbeError> {
        Err(ProbeError::Unsupported)
    }
}

#[cfg(target_os = "linux")]
mod linux {
    //! [proc(5)](https://man7.org/linux/man-pages/man5/proc.5.html)

    use std::fs;

    use super::{Duration, ProbeError, SocketAddr, ThreadUsage, Usage};

    /// `USER_HZ`: the unit of `/proc/<pid>/stat`, 100 on every architecture that Rust runs on.
    const TICKS_PER_S: u64 = 100;
    /// `TCP_LISTEN` in `/proc/net/tcp`.
    const LISTEN: &str = "0A";

    /// The figures of the process `pid`.
    ///
    /// # Errors
    /// [`ProbeError`] if there is no such process.
    pub fn usage(pid: u32) -> Result<Usage, ProbeError> {
        let path = format!("/proc/{pid}/stat");
        let (cpu, threads) = parse_stat(&read(&path)?).ok_or(ProbeError::Malformed { path })?;
        let path = format!("/proc/{pid}/status");
        let status = read(&path)?;
        let kib = |key| parse_kib(&status, key);
        let (rss, peak) = kib("VmRSS:").zip(kib("VmHWM:")).ok_or(ProbeError::Malformed { path })?;
        Ok(Usage { cpu, waited: waited(pid), threads, rss_bytes: rss * 1024, rss_peak_bytes: peak * 1024 })
    }

    /// The sum over all threads; those whose file cannot be read count nothing.
    fn waited(pid: u32) -> Duration {
        let Ok(threads) = fs::read_dir(format!("/proc/{pid}/task")) else {
            return Duration::ZERO;
        };
        let stats = threads.filter_map(|entry| fs::read_to_string(entry.ok()?.path().join("schedstat")).ok());
        stats.filter_map(|stat| parse_waited(&stat)).sum()
    }

    /// The CPU time of each thread of this process.
    ///
    /// # Errors
    /// [`ProbeError`] if `/proc` is not there.
    pub fn own_threads() -> Result<Vec<ThreadUsage>, ProbeError> {
        let path = "/proc/self/task";
        let unreadable = |error| ProbeError::Unreadable { path: path.to_owned(), error };
        let mut threads = Vec::new();
        for entry in fs::read_dir(path).map_err(unreadable)? {
            let name = entry.map_err(unreadable)?.file_name();
            let id = name.to_str().and_then(|name| name.parse().ok());
            // A thread that ended since the directory was read is of no interest.
            let stat = id.and_then(|id: u32| fs::read_to_string(format!("{path}/{id}/stat")).ok());
            if let Some((id, (cpu, _))) = id.zip(stat.as_deref().and_then(parse_stat)) {
                threads.push(ThreadUsage { id, cpu });
            }
        }
        Ok(threads)
    }

    /// The process that listens on `address` of this machine; `None` if there is none that this user may look at.
    #[must_use]
    pub fn listener_pid(address: SocketAddr) -> Option<u32> {
        let tables =
            ["/proc/net/tcp", "/proc/net/tcp6"].map(|path| fs::read_to_string(path).unwrap_or_default());
        let inodes: Vec<u64> =
            tables.iter().flat_map(|table| listener_inodes(table, address.port())).collect();
        let targets: Vec<String> = inodes.iter().map(|inode| format!("socket:[{inode}]")).collect();
        let processes = fs::read_dir("/proc").ok()?;
        let pids = processes.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok());
        pids.into_iter().find(|pid| holds_any(*pid, &targets))
    }

    fn holds_any(pid: u32, targets: &[String]) -> bool {
        let Ok(descriptors) = fs::read_dir(format!("/proc/{pid}/fd")) else {
            return false;
        };
        let links = descriptors.filter_map(|entry| fs::read_link(entry.ok()?.path()).ok());
        links.into_iter().any(|link| targets.iter().any(|target| link.as_os_str() == target.as_str()))
    }

    fn read(path: &str) -> Result<String, ProbeError> {
        fs::read_to_string(path).map_err(|error| ProbeError::Unreadable { path: path.to_owned(), error })
    }

    /// CPU time and number of threads in `/proc/<pid>/stat`.
    fn parse_stat(stat: &str) -> Option<(Duration, u64)> {
        // The second field is the program's name in parentheses, and may hold spaces and parentheses itself.
        let fields: Vec<&str> = stat.get(stat.rfind(')')? + 1..)?.split_ascii_whitespace().collect();
        let third_is_first = 3;
        let field = |number: usize| fields.get(number - third_is_first)?.parse::<u64>().ok();
        let ticks = field(14)? + field(15)?;
        Some((Duration::from_millis(ticks * 1000 / TICKS_PER_S), field(20)?))
    }

    /// The time on a run queue in `/proc/<pid>/task/<tid>/schedstat`: the second of its three numbers.
    fn parse_waited(schedstat: &str) -> Option<Duration> {
        schedstat.split_ascii_whitespace().nth(1)?.parse().ok().map(Duration::from_nanos)
    }

    fn parse_kib(status: &str, key: &str) -> Option<u64> {
        let line = status.lines().find_map(|line| line.strip_prefix(key))?;
        line.trim().strip_suffix("kB")?.trim().parse().ok()
    }

    /// The inodes of the sockets that listen on `port` in a table like `/proc/net/tcp`.
    fn listener_inodes(table: &str, port: u16) -> Vec<u64> {
        let inode = |line: &str| {
            let fields: Vec<&str> = line.split_ascii_whitespace().collect();
            let [_, local, _, state, _, _, _, _, _, inode, ..] = fields[..] else {
                return None;
            };
            let (_, local_port) = local.rsplit_once(':')?;
            let listens = state == LISTEN && u16::from_str_radix(local_port, 16) == Ok(port);
            if listens { inode.parse().ok() } else { None }
        };
        table.lines().filter_map(inode).collect()
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn cpu_time_is_found_behind_a_name_with_parentheses() {
            let stat = "42 (a ) b(c) 1) S 1 42 42 0 -1 4194304 1 2 3 4 150 25 7 7 20 0 9 0 100 200 300";
            assert_eq!(parse_stat(stat), Some((Duration::from_millis(1_750), 9)));
            for malformed in
                ["", "42 (x", "42 (x) S", "42 (x) S 1 42 42 0 -1 4194304 1 2 3 4 a 25 7 7 20 0 9"]
            {
                assert_eq!(parse_stat(malformed), None, "{malformed}");
            }
        }

        #[test]
        fn the_wait_for_a_core_is_the_second_number() {
            assert_eq!(parse_waited("138885297 155838362 342\n"), Some(Duration::from_nanos(155_838_362)));
            assert_eq!(parse_waited("1"), None);
            assert_eq!(parse_waited("1 x 2"), None);
        }

        #[test]
        fn memory_is_read_in_kibibytes() {
            let status = "Name:\tsward\nVmHWM:\t   20480 kB\nVmRSS:\t   10240 kB\n";
            assert_eq!(parse_kib(status, "VmRSS:"), Some(10_240));
            assert_eq!(parse_kib(status, "VmHWM:"), Some(20_480));
            assert_eq!(parse_kib(status, "VmSwap:"), None);
        }

        #[test]
        fn a_listener_is_told_from_a_connection_on_the_same_port() {
            let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n\
                0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 111 1 0\n\
                1: 0100007F:1F90 0100007F:9C40 01 00000000:00000000 00:00000000 00000000     0        0 222 1 0\n\
                2: 0100007F:1F91 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 333 1 0\n";
            assert_eq!(listener_inodes(table, 8080), [111]);
            assert!(listener_inodes(table, 80).is_empty());
        }

        #[test]
        fn this_process_is_found_by_the_port_it_listens_on() {
            let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            let pid = std::process::id();
            assert_eq!(listener_pid(listener.local_addr().unwrap()), Some(pid));
            assert!(usage(pid).unwrap().rss_bytes > 100_000);
            assert!(!own_threads().unwrap().is_empty());
            assert!(usage(0).is_err());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_difference_of_two_moments_is_a_share_of_the_time_between() {
        let ms = Duration::from_millis;
        let before = Usage { cpu: ms(1_000), waited: ms(100), rss_bytes: 10, rss_peak_bytes: 12, threads: 3 };
        let after =
            Usage { cpu: ms(1_500), waited: ms(1_100), rss_bytes: 20, rss_peak_bytes: 22, threads: 4 };
        let want = UsageBetween {
            cpu_us: 500_000,
            cpu_cores: 0.25,
            waiting_threads: 0.5,
            rss_before_bytes: 10,
            rss_after_bytes: 20,
            rss_peak_bytes: 22,
            threads: 4,
        };
        assert_eq!(UsageBetween::of(&before, &after, Duration::from_secs(2)), want);
        assert_eq!(UsageBetween::of(&before, &after, Duration::ZERO).cpu_cores, 0.0);
    }
}
