//! The command line.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::RangedU64ValueParser;
use clap::{Parser, Subcommand, ValueEnum as _};

use crate::client::{Rung, Wire};
use crate::load::Load;
use crate::marker::BYTES_MIN;
use crate::probe::ProbeOptions;
use crate::world::{Line, Mode, WorldOptions};

/// Players that one process takes: far above the file descriptors of any system.
const PLAYERS_MAX: u64 = 1_000_000;
/// Bytes of a message's data: two messages fill a batch.
const BYTES_MAX: u64 = 16_384;
/// Messages a second and bot.
const RATE_MAX: f64 = 10_000.0;
/// The longest run: a day.
const DURATION_MAX: Duration = Duration::from_secs(86_400);

/// Loads a Sward server with players who send at fixed times, and accounts for every message.
///
/// Exit code 0: everything arrived once and in order. 1: something did not. 2: the run could not start.
#[derive(Debug, Clone, Parser)]
#[command(name = "sward-loadtest", version, args_conflicts_with_subcommands = true)]
pub struct Cli {
    /// Something else than a load.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// The load.
    #[command(flatten)]
    pub load: Args,
}

/// Something else than a load.
#[derive(Debug, Clone, Subcommand)]
pub enum Command {
    /// Connects one player and says which rung of the transport works here, and how promptly.
    ///
    /// Exit code 0: events come promptly. 1: they come late, or not all. 2: there is no connection at all.
    Probe(ProbeArgs),
    /// Measures what a world costs the server and each player, with more and more players in one room.
    ///
    /// Exit code 0: nobody was told anything wrong, all were told in time what they can see, and one of 2,000 players costs
    /// at most 1.5 × what one of 200 costs. 1: not so. 2: it could not start.
    World(WorldArgs),
}

/// What of a world to measure.
#[derive(Debug, Clone, clap::Args)]
pub struct WorldArgs {
    /// How players learn where the others are: sight, everything, snapshots; all of them unless told.
    #[arg(long, value_delimiter = ',', value_enum)]
    pub modes: Vec<Mode>,
    /// Players in the room (6–4,096), fewest first; 50,200,500,2000 unless told, without 2,000 for snapshots, of which one is
    /// larger than an event may be.
    #[arg(long, value_delimiter = ',', value_parser = RangedU64ValueParser::<usize>::new().range(6..=4_096))]
    pub players: Vec<usize>,
    /// How long it is counted.
    #[arg(long, default_value = "10s", value_parser = parse_duration)]
    pub duration: Duration,
    /// How long before that, with everybody in.
    #[arg(long, default_value = "5s", value_parser = parse_duration)]
    pub warm_up: Duration,
    /// Seed of where they walk.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// A server that runs already, with the game of the example `walkers`. Unless told one is started for each line.
    #[arg(long, conflicts_with_all = ["server_bin", "pin"])]
    pub url: Option<String>,
    /// The example's program; the one beside this program unless told, built first where it is missing.
    #[arg(long, value_name = "PATH")]
    pub server_bin: Option<PathBuf>,
    /// Nobody acknowledges what he has read, so that the server keeps for each player what he may ask for again, up to
    /// 30 s of it: warm up for longer.
    #[arg(long)]
    pub silent: bool,
    /// Keep the server on the first core and this program on the second.
    #[arg(long)]
    pub pin: bool,
    /// Write the report as JSON too.
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
}

impl WorldArgs {
    /// What is asked for.
    #[must_use]
    pub fn options(&self) -> WorldOptions {
        let modes = if self.modes.is_empty() { Mode::value_variants() } else { &self.modes };
        let players = |mode: Mode| match (self.players.as_slice(), mode) {
            ([], Mode::Snapshots) => &[50, 200, 500],
            ([], _) => &[50, 200, 500, 2_000][..],
            (asked, _) => asked,
        };
        let line = |mode: Mode| players(mode).iter().map(move |&players| Line { mode, players });
        WorldOptions {
            lines: modes.iter().flat_map(|&mode| line(mode)).collect(),
            duration: self.duration,
            warm_up: self.warm_up,
            seed: self.seed,
            url: self.url.clone(),
            server_bin: self.server_bin.clone(),
            is_silent: self.silent,
            is_pinned: self.pin,
        }
    }
}

/// How to probe.
#[derive(Debug, Clone, clap::Args)]
pub struct ProbeArgs {
    /// The server's URL.
    #[arg(long, default_value = "http://127.0.0.1:8080")]
    pub url: String,
    /// A forward proxy to go through.
    #[arg(long, value_name = "HOST:PORT")]
    pub proxy: Option<String>,
    /// This rung only (0, 1 or 2), instead of the first that works.
    #[arg(long, value_parser = parse_rung)]
    pub rung: Option<Rung>,
    /// How events are written: sse, batch, msgpack, msgpack-batch or frames.
    #[arg(long, default_value = "sse")]
    pub wire: Wire,
    /// Open streams by POST.
    #[arg(long)]
    pub stream_by_post: bool,
    /// How often the time of an event is measured (1–1,000).
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub pings: u32,
    /// How long connecting may take.
    #[arg(long, default_value = "30s", value_parser = parse_duration)]
    pub timeout: Duration,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

impl ProbeArgs {
    /// What is asked for.
    #[must_use]
    pub fn options(&self) -> ProbeOptions {
        ProbeOptions {
            url: self.url.clone(),
            proxy: self.proxy.clone(),
            rung: self.rung,
            wire: self.wire,
            stream_by_post: self.stream_by_post,
            pings: self.pings,
            connect_timeout: self.timeout,
        }
    }
}

/// The load's options.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// Players.
    #[arg(long, default_value_t = 450, value_parser = RangedU64ValueParser::<usize>::new().range(2..=PLAYERS_MAX))]
    pub players: usize,
    /// Players in a room (2–1,000); the last room may stay smaller.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u16).range(2..=1_000))]
    pub room_size: u16,
    /// Messages that each player sends a second.
    #[arg(long, default_value_t = 4.44, value_parser = parse_rate)]
    pub rate: f64,
    /// How long they send: 500ms, 20s, 1m30s, 2h.
    #[arg(long, default_value = "20s", value_parser = parse_duration)]
    pub duration: Duration,
    /// The server's URL.
    #[arg(long, default_value = "http://127.0.0.1:8080", conflicts_with_all = ["spawn", "server_bin"])]
    pub url: String,
    /// Start a server for this run: the one beside this program, built first where it is missing.
    #[arg(long)]
    pub spawn: bool,
    /// The server's program for --spawn.
    #[arg(long, value_name = "PATH", requires = "spawn")]
    pub server_bin: Option<PathBuf>,
    /// The process whose CPU and memory are measured, when the server is neither spawned nor found by its port.
    #[arg(long, value_name = "PID", conflicts_with = "spawn")]
    pub server_pid: Option<u32>,
    /// The game's option flush_ms (0–1,000): the shortest time between two writes to a player of a busy room.
    #[arg(long, default_value_t = 33, value_parser = clap::value_parser!(u64).range(..=1_000))]
    pub flush_ms: u64,
    /// Bytes of a message's data as JSON (40–16,384).
    #[arg(
        long,
        default_value_t = 43,
        value_parser = RangedU64ValueParser::<usize>::new().range(BYTES_MIN as u64..=BYTES_MAX)
    )]
    pub bytes: usize,
    /// How long to wait behind the last send for what is outstanding.
    #[arg(long, default_value = "10s", value_parser = parse_duration)]
    pub drain: Duration,
    /// Seed of the schedule.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// How events come down: 0 an endless stream, 1 the same as unchunked bytes, 2 an answer for each flush.
    #[arg(long, default_value = "0", value_parser = parse_rung)]
    pub rung: Rung,
    /// How events are written: sse, batch, msgpack, msgpack-batch or frames.
    #[arg(long, default_value = "sse")]
    pub wire: Wire,
    /// Worker threads; as many as there are cores unless told.
    #[arg(long)]
    pub threads: Option<NonZeroUsize>,
    /// Write the report as JSON too.
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
}

impl Args {
    /// The load that is asked for.
    #[must_use]
    pub fn load(&self) -> Load {
        Load {
            players: self.players,
            room_size: self.room_size,
            rate_per_s: self.rate,
            duration: self.duration,
            data_bytes: self.bytes,
            flush: Duration::from_millis(self.flush_ms),
            drain: self.drain,
            seed: self.seed,
            rung: self.rung,
            wire: self.wire,
        }
    }

    /// Worker threads, at least one.
    #[must_use]
    pub fn threads(&self) -> NonZeroUsize {
        let cores = || std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
        self.threads.unwrap_or_else(cores)
    }
}

/// Reads a duration of parts like `1h`, `2m`, `3s`, `4ms`, each a whole or decimal number with its unit.
///
/// # Errors
/// What is wrong, in words, also if it is zero or longer than a day.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let example = "write it like 20s, 500ms or 1m30s";
    let mut rest = text.trim();
    let mut seconds = 0.0;
    while !rest.is_empty() {
        let (number, behind) = split(rest, |c| c.is_ascii_digit() || c == '.');
        let (unit, behind) = split(behind, |c| c.is_ascii_alphabetic());
        let unit_s = match unit {
            "h" => 3_600.0,
            "m" => 60.0,
            "s" => 1.0,
            "ms" => 0.001,
            "" => return Err(format!("{number:?} has no unit; {example}")),
            _ => return Err(format!("{unit:?} is no unit; {example}")),
        };
        let number: f64 = number.parse().map_err(|_| format!("{number:?} is no number; {example}"))?;
        seconds += number * unit_s;
        rest = behind;
    }
    let duration = Duration::try_from_secs_f64(seconds).map_err(|_| "it is too long".to_owned())?;
    if duration < Duration::from_millis(1) {
        return Err(format!("it has to be 1ms at least; {example}"));
    }
    if duration > DURATION_MAX {
        return Err("it is longer than a day".to_owned());
    }
    Ok(duration)
}

fn split(text: &str, belongs: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(|c| !belongs(c)).unwrap_or(text.len()))
}

fn parse_rung(text: &str) -> Result<Rung, String> {
    let rung = text.parse().ok().and_then(Rung::from_number);
    rung.ok_or_else(|| "it is 0, 1 or 2".to_owned())
}

fn parse_rate(text: &str) -> Result<f64, String> {
    let rate: f64 = text.parse().map_err(|_| "it is no number".to_owned())?;
    if rate > 0.0 && rate <= RATE_MAX {
        Ok(rate)
    } else {
        Err(format!("it has to be above 0, at most {RATE_MAX}"))
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    fn parse(arguments: &str) -> Result<Args, String> {
        let words = std::iter::once("sward-loadtest").chain(arguments.split_whitespace());
        Cli::try_parse_from(words).map(|cli| cli.load).map_err(|error| error.to_string())
    }

    #[test]
    fn durations_are_numbers_with_units() {
        let check = |text, want_ms| {
            assert_eq!(parse_duration(text), Ok(Duration::from_millis(want_ms)), "{text}");
        };
        check("20s", 20_000);
        check("500ms", 500);
        check("1m30s", 90_000);
        check("2h", 7_200_000);
        check("1.5s", 1_500);
        check(" 1m1ms ", 60_001);
        check("24h", 86_400_000);
    }

    #[test]
    fn malformed_durations_are_refused_with_a_reason() {
        let check = |text, reason| {
            let error = parse_duration(text).unwrap_err();
            assert!(error.contains(reason), "{text}: {error}");
        };
        check("20", "has no unit");
        check("20 s", "has no unit");
        check("s", "is no number");
        check("1.2.3s", "is no number");
        check("-1s", "has no unit");
        check("5days", "is no unit");
        check("", "1ms at least");
        check("0s", "1ms at least");
        check("25h", "longer than a day");
        check("99999999999999999999999h", "too long");
    }

    #[test]
    fn the_default_is_the_reference_load() {
        Cli::command().debug_assert();
        let args = parse("").unwrap();
        assert_eq!(args.load(), Load::default());
        assert_eq!(args.url, "http://127.0.0.1:8080");
        let written_out = parse("--players 450 --room-size 50 --rate 4.44 --duration 20s").unwrap();
        assert_eq!(written_out.load(), Load::default());
    }

    #[test]
    fn a_probe_has_options_of_its_own() {
        let probe = |arguments: &str| {
            let words = ["sward-loadtest", "probe"].into_iter().chain(arguments.split_whitespace());
            match Cli::try_parse_from(words).map_err(|error| error.to_string())?.command {
                Some(Command::Probe(args)) => Ok(args.options()),
                _ => Err("no probe".to_owned()),
            }
        };
        let options =
            probe("--url http://example.org --proxy 127.0.0.1:3128 --rung 2 --wire frames").unwrap();
        assert_eq!((options.rung, options.wire, options.pings), (Some(Rung::Drain), Wire::Frames, 20));
        assert_eq!(options.proxy.as_deref(), Some("127.0.0.1:3128"));
        assert_eq!(probe("").unwrap().rung, None);
        for arguments in ["--rung 3", "--pings 0", "--players 2"] {
            assert!(probe(arguments).is_err(), "{arguments}");
        }
        assert!(parse("--players 2 probe").is_err());
    }

    #[test]
    fn a_world_is_measured_in_lines() {
        let lines = |arguments: &str| {
            let words = ["sward-loadtest", "world"].into_iter().chain(arguments.split_whitespace());
            match Cli::try_parse_from(words).unwrap().command {
                Some(Command::World(args)) => {
                    args.options().lines.iter().map(Line::to_string).collect::<Vec<_>>()
                }
                _ => Vec::new(),
            }
        };
        assert_eq!(
            lines("--modes everything,sight --players 6,4096"),
            ["everything 6", "everything 4096", "sight 6", "sight 4096"]
        );
        let default = lines("");
        assert_eq!(
            (default.len(), default[3].as_str(), default[10].as_str()),
            (11, "sight 2000", "snapshots 500")
        );
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for arguments in [
            "--players 0",
            "--players 1",
            "--room-size 1",
            "--room-size 1001",
            "--rate 0",
            "--rate -1",
            "--rate NaN",
            "--rate inf",
            "--duration soon",
            "--bytes 39",
            "--bytes 16385",
            "--flush-ms 1001",
            "--threads 0",
            "--rung 3",
            "--rung sse",
            "--wire json",
            "--server-bin sward",
            "--spawn --url http://127.0.0.1:1",
            "--spawn --server-pid 1",
        ] {
            assert!(parse(arguments).is_err(), "{arguments}");
        }
        assert!(parse("--spawn --server-bin sward --flush-ms 0 --threads 1 --json out.json").is_ok());
    }
}
