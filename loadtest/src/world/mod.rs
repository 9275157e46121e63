//! What a world costs: the game of `server/examples/walkers.rs`, in which everybody moves in every tick, with more and more
//! players in one room. Its server does all the work there is; the players only read, and acknowledge what they have read.
//!
//! For each mode and number of players a server is started (or the same one is asked for another room), everybody enters,
//! and for some seconds it is counted what comes and what the server used. Then all halt, and some players' views, kept from
//! patches, are compared with what a fresh stream tells.
//!
//! | module | what it holds |
//! |---|---|
//! | `scan`, `tally` | pure: patches counted in the bytes of a stream; sums over all players |
//! | `reader` | one player's socket, counted |
//! | `watch` | a player who keeps his view, and what is wrong with it |
//! | `crowd` | everybody in one room |
//! | [`report`] | pure: the figures, as a table and as JSON |

mod crowd;
mod reader;
pub mod report;
mod scan;
mod tally;
mod watch;

use std::fmt;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use serde::Serialize;
use tokio::task::LocalSet;
use tokio::time::{Instant, sleep};

use self::crowd::Crowd;
use self::reader::Desk;
pub use self::report::Report;
use self::report::{Figures, Outcome, Row};
use crate::client::{ClientError, Endpoint};
use crate::progress::Progress;
use crate::server_probe::{self, Usage, UsageBetween};
use crate::server_process::{Program, ServerProcess, SpawnError};

/// How the players of a room learn where the others are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// A world: each is told what he can see, and only what changed.
    Sight,
    /// A world in which all see all: each is told everything, and only what changed.
    Everything,
    /// No world: the whole state as JSON, to everybody, in each tick.
    Snapshots,
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sight => "sight",
            Self::Everything => "everything",
            Self::Snapshots => "snapshots",
        })
    }
}

/// What is measured at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Line {
    /// How they learn where the others are.
    pub mode: Mode,
    /// How many they are.
    pub players: usize,
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.mode, self.players)
    }
}

/// What is asked for.
#[derive(Debug, Clone)]
pub struct WorldOptions {
    /// In this order. Of a mode, nothing is measured behind a line that the server could not carry.
    pub lines: Vec<Line>,
    /// How long it is counted.
    pub duration: Duration,
    /// How long before that, with everybody in.
    pub warm_up: Duration,
    /// Where they walk.
    pub seed: u64,
    /// A server that runs already, with the game `walkers`.
    pub url: Option<String>,
    /// The program of the example; `None`: the one beside this program, built first where it is missing.
    pub server_bin: Option<PathBuf>,
    /// Nobody acknowledges what he has read: the server keeps for each player what he may ask for again.
    pub is_silent: bool,
    /// The server on the first core, this program on the second.
    pub is_pinned: bool,
}

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WorldError {
    /// There is no server of our own.
    #[error(transparent)]
    Spawn(#[from] SpawnError),
    /// No server answers.
    #[error(transparent)]
    Reach(#[from] ClientError),
    /// A player could not enter.
    #[error("player {} of {players} could not enter: {reason}", index + 1)]
    Enter {
        /// Which.
        index: usize,
        /// Of how many.
        players: usize,
        /// Why.
        reason: String,
    },
    /// Processes cannot be kept on a core here.
    #[error("the cores cannot be chosen: {0}")]
    Pin(std::io::Error),
}

/// Measures one line after another.
///
/// # Errors
/// [`WorldError`] if nothing can be measured at all. What one line comes to stands in the report.
pub async fn run(options: &WorldOptions, progress: &Progress) -> Result<Report, WorldError> {
    let mut rows: Vec<Row> = Vec::new();
    for line in &options.lines {
        let is_hopeless =
            |row: &Row| row.line.mode == line.mode && row.line.players < line.players && row.is_too_much();
        let outcome = if let Some(row) = rows.iter().find(|row| is_hopeless(row)) {
            Outcome::Skipped(format!("{} were too many", row.line.players))
        } else {
            LocalSet::new().run_until(measure_line(options, *line, progress)).await?
        };
        rows.push(Row { line: *line, outcome });
    }
    progress.finish();
    Ok(Report { duration_ms: options.duration.as_millis(), is_pinned: options.is_pinned, rows })
}

async fn measure_line(
    options: &WorldOptions,
    line: Line,
    progress: &Progress,
) -> Result<Outcome, WorldError> {
    progress.begin("joining", line.players as u64);
    let Some(url) = &options.url else {
        // A program runs where the thread ran that started it.
        pin(options, 0)?;
        let server = ServerProcess::start(Program::Example("walkers"), options.server_bin.as_deref()).await?;
        pin(options, 1)?;
        let endpoint = Endpoint::reach(server.url()).await?;
        let outcome = measure(options, line, &endpoint, Some(server.pid()), progress).await;
        server.stop().await;
        return outcome;
    };
    let endpoint = Endpoint::reach(url).await?;
    let pid = Some(endpoint.address()).filter(|address| address.ip().is_loopback());
    measure(options, line, &endpoint, pid.and_then(server_probe::listener_pid), progress).await
}

async fn measure(
    options: &WorldOptions,
    line: Line,
    endpoint: &Endpoint,
    server_pid: Option<u32>,
    progress: &Progress,
) -> Result<Outcome, WorldError> {
    let desk = Rc::new(Desk::default());
    let mut crowd = match Crowd::enter(&line, options, endpoint, &desk, progress).await {
        Ok(crowd) => crowd,
        // Whoever is first finds an idle server: then it is not for the load that he cannot enter.
        Err(error @ WorldError::Enter { index: 0, .. }) => return Err(error),
        Err(error) => return Ok(Outcome::Failed(error.to_string())),
    };
    progress.begin("counting", line.players as u64);
    progress.advance(line.players as u64, format!("{line}: all are in"));
    sleep(options.warm_up).await;
    let usage = |pid: Option<u32>| pid.and_then(|pid| server_probe::usage(pid).ok());
    let before = (usage(server_pid), usage(Some(std::process::id())));
    let started = Instant::now();
    desk.tally.borrow_mut().is_open = true;
    sleep(options.duration).await;
    desk.tally.borrow_mut().is_open = false;
    let elapsed = started.elapsed();
    let after = (usage(server_pid), usage(Some(std::process::id())));
    let between = |before: Option<Usage>, after: Option<Usage>| {
        before.zip(after).map(|(before, after)| UsageBetween::of(&before, &after, elapsed))
    };
    let (sight, counting) = (crowd.sight(), crowd.counting());
    let faults = crowd.faults().await;
    let tally = desk.tally.borrow();
    Ok(Outcome::Measured(Box::new(Figures::of(
        &tally,
        (line.players, counting),
        elapsed,
        sight,
        faults,
        (between(before.0, after.0), between(before.1, after.1)),
    ))))
}

#[cfg(target_os = "linux")]
fn pin(options: &WorldOptions, core: usize) -> Result<(), WorldError> {
    use rustix::thread::{CpuSet, sched_setaffinity};
    if options.is_pinned {
        let mut cores = CpuSet::new();
        cores.set(core);
        sched_setaffinity(None, &cores).map_err(|error| WorldError::Pin(error.into()))?;
    }
    Ok(())
}

#[cfg(not(target_os = "linux"))]
fn pin(options: &WorldOptions, _core: usize) -> Result<(), WorldError> {
    if options.is_pinned { Err(WorldError::Pin(std::io::ErrorKind::Unsupported.into())) } else { Ok(()) }
}
