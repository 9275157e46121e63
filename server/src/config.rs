//! What an operator may set: by option, by environment, or by a builder in code.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use sward_protocol::limits;

use crate::clock::whole_ms;
use crate::operator::secret::AdminSecret;
use crate::rate::{Rate, Rates};
use crate::replay::Options;
use crate::room::directory::BLOB_BYTES_MAX;
use crate::room::recorder::Rules;
use crate::session::state::Patience;

/// Beats of silence after which a session that acknowledges is away.
const SILENT_BEATS: u64 = 5;
/// Bytes of one recording, and of all, unless the operator says otherwise.
const RECORD_BYTES_MAX: u64 = 64 * 1024 * 1024;
const RECORD_TOTAL_BYTES_MAX: u64 = 4 * 1024 * 1024 * 1024;

const ABOUT: &str = "A multiplayer game backend that speaks nothing but plain HTTP.";

/// What the command line of a server takes.
#[derive(Debug, clap::Parser)]
#[command(name = "sward", version, about = ABOUT, args_conflicts_with_subcommands = true)]
pub struct Arguments {
    /// The settings of the server that is to be run.
    #[command(flatten)]
    pub config: Config,
    /// Something else that is to be done.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// What else can be done.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Play a recording again and compare: exit code 0 where it is the same, 1 where it differs, 2 where it cannot be read
    Replay(Options),
}

/// The settings of one server.
#[derive(Debug, Clone, clap::Parser)]
#[command(name = "sward", version, about = ABOUT)]
pub struct Config {
    /// Address and port to listen on, such as 127.0.0.1:8080 or 0.0.0.0:8080; port 0 takes a free one
    #[arg(long, env = "SWARD_LISTEN", default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,

    /// Address and port to listen on with TLS, beside the plain one; needs a certificate and its key
    #[arg(long, env = "SWARD_TLS_LISTEN", requires_all = ["tls_cert", "tls_key"])]
    pub tls_listen: Option<SocketAddr>,

    /// File with the certificate and its chain, in PEM; read again when it changes
    #[arg(long, env = "SWARD_TLS_CERT", value_name = "FILE", requires = "tls_listen")]
    pub tls_cert: Option<PathBuf>,

    /// File with the certificate's private key, in PEM
    #[arg(long, env = "SWARD_TLS_KEY", value_name = "FILE", requires = "tls_listen")]
    pub tls_key: Option<PathBuf>,

    /// Folder whose files are served in place of the sample game: a page of one's own, `index.html` first. The browser SDK
    /// stays under /sdk/
    #[arg(long, env = "SWARD_FILES", value_name = "DIR")]
    pub files: Option<PathBuf>,

    /// Compress the streams of clients that ask for it. Mind BREACH: where somebody can watch the wire and make a player
    /// receive what he chooses, such as chat, the length of a compressed write tells what secrets stand beside it
    #[arg(long, env = "SWARD_COMPRESS")]
    pub compress: bool,

    /// Threads that own connections [default: the number of cores]
    #[arg(long, env = "SWARD_WORKERS", value_parser = clap::value_parser!(u16).range(1..=512))]
    pub workers: Option<u16>,

    /// The most players at once [default: what the file descriptors allow]
    #[arg(long, env = "SWARD_MAX_PLAYERS", value_parser = at_least_one)]
    pub max_players: Option<usize>,

    /// The most streams at once, those included that a newer one has just replaced
    #[arg(long, env = "SWARD_MAX_STREAMS", default_value_t = 1_000_000, value_parser = at_least_one)]
    pub max_streams: usize,

    /// The most rooms at once
    #[arg(long, env = "SWARD_MAX_ROOMS", default_value_t = 10_000, value_parser = max_rooms)]
    pub max_rooms: usize,

    /// The most bytes that are set aside for the named blobs of all rooms together: each room takes as many as its game says
    #[arg(long, env = "SWARD_MAX_BLOB_BYTES", default_value_t = BLOB_BYTES_MAX)]
    pub max_blob_bytes: usize,

    /// Origins whose pages may use this server, such as `https://game.example`; all of them when there is none
    #[arg(long = "allow-origin", env = "SWARD_ALLOW_ORIGIN", value_delimiter = ',', value_parser = origin)]
    pub allow_origins: Vec<String>,

    /// Messages a second that one player may send on average; twice as many at once, and never less than a full batch
    #[arg(long, env = "SWARD_MESSAGES_PER_S", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub messages_per_s: u32,

    /// Bytes a second that one player may send on average; four full batches at once
    #[arg(long, env = "SWARD_BYTES_PER_S", default_value_t = 131_072, value_parser = clap::value_parser!(u32).range(1_024..=1_000_000_000))]
    pub bytes_per_s: u32,

    /// How long a stream lasts, in milliseconds: at least so long, and up to half as long again; then its client opens the
    /// next, unnoticed by the player
    #[arg(long, env = "SWARD_ROTATE_MS", default_value_t = 600_000, value_parser = clap::value_parser!(u64).range(1_000..=86_400_000))]
    pub rotate_ms: u64,

    /// How long a lost player keeps his seat, in milliseconds
    #[arg(long, env = "SWARD_GRACE_MS", default_value_t = whole_ms(limits::GRACE), value_parser = clap::value_parser!(u64).range(1_000..=3_600_000))]
    pub grace_ms: u64,

    /// Lets the operator in who sends it as `Authorization: Bearer`, to /v1/admin: at least 16 ASCII characters. Better
    /// given by environment, which others on the machine do not see; without one there is no such route
    #[arg(long, env = "SWARD_ADMIN_SECRET", value_name = "SECRET", hide_env_values = true)]
    pub admin_secret: Option<AdminSecret>,

    /// Folder to record rooms into, such that `sward replay FILE` plays them again: names, chat and passwords included
    #[arg(long, env = "SWARD_RECORD", value_name = "DIR")]
    pub record: Option<PathBuf>,

    /// The share of rooms that are recorded: 0 is none, 1 all
    #[arg(long, env = "SWARD_RECORD_SAMPLE", default_value_t = 1.0, value_parser = share)]
    pub record_sample: f64,

    /// Games whose rooms are recorded; all of them when there is none
    #[arg(long, env = "SWARD_RECORD_GAMES", value_name = "GAME", value_delimiter = ',')]
    pub record_games: Vec<String>,

    /// The most bytes of one recording; past it the room goes on without it
    #[arg(long, env = "SWARD_RECORD_MAX_BYTES", default_value_t = RECORD_BYTES_MAX, value_parser = clap::value_parser!(u64).range(65_536..))]
    pub record_max_bytes: u64,

    /// The most bytes of all recordings in the folder, those of before included; past it none goes on or begins
    #[arg(long, env = "SWARD_RECORD_TOTAL_BYTES", default_value_t = RECORD_TOTAL_BYTES_MAX)]
    pub record_total_bytes: u64,

    /// How long streams may take to end when the server stops, in milliseconds
    #[arg(long, env = "SWARD_DRAIN_MS", default_value_t = 3_000, value_parser = clap::value_parser!(u64).range(0..=600_000))]
    pub drain_ms: u64,
}

impl Default for Config {
    /// The settings of a server that is started without any.
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            tls_listen: None,
            tls_cert: None,
            tls_key: None,
            files: None,
            compress: false,
            workers: None,
            max_players: None,
            max_streams: 1_000_000,
            max_rooms: 10_000,
            max_blob_bytes: BLOB_BYTES_MAX,
            allow_origins: Vec::new(),
            messages_per_s: 100,
            bytes_per_s: 131_072,
            rotate_ms: 600_000,
            grace_ms: whole_ms(limits::GRACE),
            admin_secret: None,
            record: None,
            record_sample: 1.0,
            record_games: Vec::new(),
            record_max_bytes: RECORD_BYTES_MAX,
            record_total_bytes: RECORD_TOTAL_BYTES_MAX,
            drain_ms: 3_000,
        }
    }
}

impl Config {
    /// When a session is away, and when it is over.
    #[must_use]
    pub fn patience(&self) -> Patience {
        Patience { successor_ms: 2_000, silent_beats: SILENT_BEATS, grace_ms: self.grace_ms }
    }

    /// How much a session may send. A full batch always fits the burst, or its retries would never end.
    #[must_use]
    pub fn rates(&self, now_ms: u64) -> Rates {
        let messages_burst = self.messages_per_s.saturating_mul(2).max(whole(limits::BATCH_MESSAGES_MAX));
        let bytes_burst = self.bytes_per_s.max(4 * whole(limits::BATCH_BYTES_MAX));
        Rates {
            messages: Rate::new(self.messages_per_s, messages_burst, now_ms),
            bytes: Rate::new(self.bytes_per_s, bytes_burst, now_ms),
            calls: Rate::new(limits::CALLS_PER_S, limits::CALLS_BURST, now_ms),
        }
    }

    /// What is recorded, if anything is.
    #[must_use]
    pub fn recording(&self) -> Option<Rules> {
        Some(Rules {
            folder: self.record.clone()?,
            sample: self.record_sample,
            games: self.record_games.clone(),
            bytes_max: self.record_max_bytes,
            total_bytes_max: self.record_total_bytes,
        })
    }

    /// How long streams may take to end when the server stops.
    #[must_use]
    pub fn drain(&self) -> Duration {
        Duration::from_millis(self.drain_ms)
    }
}

/// Five letters of 23 name 6.4 million rooms; well below that a free code is found at once.
fn max_rooms(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(rooms) if (1..=1_000_000).contains(&rooms) => Ok(rooms),
        _ => Err("1 to 1000000".to_owned()),
    }
}

fn at_least_one(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(count) if count > 0 => Ok(count),
        _ => Err("a number from 1 on".to_owned()),
    }
}

fn share(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(share) if (0.0..=1.0).contains(&share) => Ok(share),
        _ => Err("a number from 0 to 1".to_owned()),
    }
}

/// An origin as browsers send it ([RFC 6454 §6.2](https://www.rfc-editor.org/rfc/rfc6454#section-6.2)): anything else
/// would never match.
fn origin(text: &str) -> Result<String, String> {
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")).unwrap_or_default();
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || ".-:[]".contains(c);
    if !host.is_empty() && host.chars().all(is_plain) {
        Ok(text.to_owned())
    } else {
        Err("scheme, host and port in lower case and nothing behind, such as https://game.example".to_owned())
    }
}

fn whole(bound: usize) -> u32 {
    u32::try_from(bound).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[test]
    fn the_default_is_a_server_started_without_options() {
        let parsed = Config::parse_from(["sward"]);
        assert_eq!(format!("{parsed:?}"), format!("{:?}", Config::default()));
        assert!(Config::try_parse_from(["sward", "--listen", "nowhere"]).is_err());
        for bad in [
            ["--workers", "0"],
            ["--workers", "513"],
            ["--tls-listen", "127.0.0.1:0"],
            ["--tls-cert", "a.pem"],
            ["--max-players", "0"],
            ["--max-rooms", "0"],
            ["--max-rooms", "1000001"],
            ["--record-sample", "1.5"],
            ["--record-sample", "NaN"],
            ["--record-max-bytes", "1000"],
            ["--allow-origin", "game.example"],
            ["--allow-origin", "https://game.example/"],
            ["--allow-origin", "https://Game.example"],
        ] {
            assert!(Config::try_parse_from([&["sward"], &bad[..]].concat()).is_err(), "{bad:?}");
        }
        let origins = "https://game.example,http://localhost:9000";
        assert!(Config::try_parse_from(["sward", "--allow-origin", origins]).is_ok());
    }
}
