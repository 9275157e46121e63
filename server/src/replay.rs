//! `sward replay FILE`: a recording played again, looked into, or shown. `docs/recording.md` has examples.
//!
//! | module | what it holds |
//! |---|---|
//! | [`playback`] | a room that plays a recording to those who watch |

pub mod playback;

use std::fmt::{self, Write as _};
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::str::FromStr;

use serde::Serialize;
use sward_protocol::downstream::Member;
use sward_protocol::payload::Payload;
use sward_protocol::rooms::RoomInfo;

use self::playback::{Playback, Speed};
use crate::app::Builder;
use crate::config::Config;
use crate::room::catalog::{Catalog, last_words};
use crate::room::recording::format::{End, Header};
use crate::room::recording::reader::{Flaw, Reader};
use crate::room::recording::replay::{Replay, Seconds};

/// The exit codes: the replay is another, or there is none.
const DIFFERS: i32 = 1;
const UNREADABLE: i32 = 2;

/// The options of `sward replay`.
#[derive(Debug, Clone, clap::Args)]
pub struct Options {
    /// The recording: a file that a server wrote into its folder of --record
    file: PathBuf,

    /// Print the room as it was after this tick, or after so many seconds (12.5s), as JSON: tick, `at_ms`, room, players, state
    #[arg(long, value_name = "TICK|SECONDS", conflicts_with = "serve")]
    at: Option<Moment>,

    /// Show it: a server with one room, which whoever likes may watch. A number on standard input is the new speed
    #[arg(long)]
    serve: bool,

    /// With --serve: address and port to listen on
    #[arg(long, default_value = "127.0.0.1:8080", requires = "serve")]
    listen: SocketAddr,

    /// With --serve: how many times as fast as it was; 0 stands still
    #[arg(long, default_value = "1", requires = "serve")]
    speed: Speed,

    /// Play it although it is of another version of its game, or of the format
    #[arg(long)]
    force: bool,
}

/// A point of a recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Moment {
    /// After so many ticks.
    Tick(u64),
    /// After so many milliseconds.
    Ms(u64),
}

impl FromStr for Moment {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let bad = || "a tick, such as 250, or seconds, such as 12.5s".to_owned();
        let Some(seconds) = text.strip_suffix('s') else {
            return text.parse().map(Self::Tick).map_err(|_| bad());
        };
        let (whole, part) = seconds.split_once('.').unwrap_or((seconds, ""));
        let is_part = part.len() <= 3 && part.bytes().all(|byte| byte.is_ascii_digit());
        let ms: Option<u64> = format!("{part:0<3}").parse().ok().filter(|_| is_part);
        let whole: Option<u64> = whole.parse().ok();
        let ms = whole.and_then(|whole| whole.checked_mul(1000)?.checked_add(ms?));
        ms.map(Self::Ms).ok_or_else(bad)
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tick(tick) => write!(f, "tick {tick}"),
            Self::Ms(at_ms) => write!(f, "second {}", Seconds(*at_ms)),
        }
    }
}

/// The room at one moment.
#[derive(Serialize)]
struct Still {
    tick: u64,
    at_ms: u64,
    room: RoomInfo,
    players: Vec<Member>,
    state: Payload,
}

/// What came of a replay: what is to be printed, and the exit code.
struct Verdict {
    said: String,
    code: i32,
}

impl Verdict {
    fn unreadable(why: impl fmt::Display) -> Self {
        Self { said: why.to_string(), code: UNREADABLE }
    }
}

impl Options {
    /// Does what was asked for, with the games of this program; ends the process with code 1 where the replay differs, and
    /// with 2 where the recording cannot be read or is of another version.
    ///
    /// # Errors
    /// What the operating system says when the server of `--serve` is to listen.
    pub fn run(self, builder: Builder) -> io::Result<()> {
        let verdict = match self.open(&builder.catalog) {
            Err(verdict) => verdict,
            Ok((header, reader, replay)) if self.serve => {
                let playback = Playback::new(&header, replay, reader, self.speed.clone());
                playback::obey_stdin(self.speed);
                // What was said in that room is for who was asked to look, and not for any page that he has open.
                let allow_origins = vec![format!("http://{}", self.listen)];
                let config = Config { listen: self.listen, allow_origins, ..Config::default() };
                match builder.for_playback().config(config).run_with(Some(playback)) {
                    Ok(()) => return Ok(()),
                    Err(error) => Verdict::unreadable(error),
                }
            }
            Ok((_, reader, replay)) => match self.at {
                Some(moment) => still(replay, reader, moment),
                None => compare(replay, reader),
            },
        };
        let Verdict { said, code } = verdict;
        // A closed terminal changes nothing of the outcome.
        let _ = if code == UNREADABLE {
            writeln!(io::stderr(), "{}: {said}", self.file.display())
        } else {
            writeln!(io::stdout(), "{said}")
        };
        if code == 0 { Ok(()) } else { std::process::exit(code) }
    }

    fn open(&self, catalog: &Catalog) -> Result<(Header, Reader, Replay), Verdict> {
        let file = std::fs::read(&self.file).map_err(Verdict::unreadable)?;
        let by_force =
            |why: &dyn fmt::Display| Verdict::unreadable(format!("{why} (--force plays it all the same)"));
        let (header, reader) = Reader::open(file, self.force).map_err(|flaw| match flaw {
            Flaw::Newer(_) => by_force(&flaw),
            flaw => Verdict::unreadable(flaw),
        })?;
        let replay = Replay::new(catalog, &header, self.force);
        let replay = replay.map_err(|error| {
            if error.yields_to_force() { by_force(&error) } else { Verdict::unreadable(error) }
        })?;
        let own = env!("CARGO_PKG_VERSION");
        if header.server != own {
            // It may be made to play with a terminal.
            let recorded = header.server.escape_debug();
            let _ = writeln!(io::stderr(), "made by version {recorded} of the server; this is {own}");
        }
        Ok((header, reader, replay))
    }
}

/// Plays all of it.
fn compare(mut replay: Replay, mut reader: Reader) -> Verdict {
    let flaw = loop {
        match reader.next() {
            Ok(Some(line)) => {
                if let Err(difference) = replay.play(line, &mut Vec::new()) {
                    return differs(&replay, &difference);
                }
            }
            Ok(None) => break None,
            Err(flaw) => break Some(flaw),
        }
    };
    let (played, ticks) = (replay.played(), replay.tick());
    let outcome = if played.hashes == 0 { "nothing to compare" } else { "equal" };
    let mut said = format!(
        "{outcome}: {ticks} ticks in {} s, {} inputs, {} hashes",
        Seconds(played.at_ms),
        played.inputs,
        played.hashes
    );
    // A `String` takes every write.
    let _ = match (flaw.as_ref(), played.end, replay.panicked()) {
        (_, Some(End::Panicked), Some(panicked)) => write!(said, "; the game panicked: {panicked}"),
        (_, Some(end), _) => write!(said, "; it ends: {}", end.word()),
        (Some(flaw), None, _) => write!(said, "; {flaw}"),
        (None, None, Some(panicked)) => write!(said, "; no end: the game panics there: {panicked}"),
        (None, None, None) => write!(said, "; no end: whoever wrote it was stopped"),
    };
    // What was cut off is missed by nobody who knows of the crash; what was changed in the middle is no recording any more.
    let is_whole = matches!(flaw, None | Some(Flaw::Cut { .. }));
    Verdict { said, code: if is_whole { 0 } else { UNREADABLE } }
}

fn differs(replay: &Replay, difference: &impl fmt::Display) -> Verdict {
    let played = replay.played();
    let until = match played.hashes {
        0 => "no hash before it was equal".to_owned(),
        _ => {
            format!("the last equal hash is at tick {}, {} s", played.hashed_tick, Seconds(played.hashed_ms))
        }
    };
    Verdict { said: format!("differs: {difference}; {until}"), code: DIFFERS }
}

/// Plays it up to a moment.
fn still(mut replay: Replay, mut reader: Reader, moment: Moment) -> Verdict {
    let mut is_there = false;
    while !is_there {
        match (reader.next(), moment) {
            (Ok(Some(line)), Moment::Ms(at_ms)) if line.at_ms > at_ms => is_there = true,
            (Ok(Some(_)), Moment::Tick(0)) => is_there = true,
            (Ok(Some(line)), _) => {
                if let Err(difference) = replay.play(line, &mut Vec::new()) {
                    return differs(&replay, &difference);
                }
                is_there = moment == Moment::Tick(replay.tick());
            }
            (Ok(None), _) => break,
            (Err(flaw), _) => return Verdict::unreadable(format!("{moment} is not reached: {flaw}")),
        }
    }
    let (tick, last_ms) = (replay.tick(), replay.played().at_ms);
    if !is_there && moment != Moment::Ms(last_ms) {
        let last = Seconds(last_ms);
        return Verdict::unreadable(format!("{moment} is not reached: it ends at tick {tick}, {last} s"));
    }
    if let Some(said) = replay.panicked() {
        let at = Seconds(last_ms);
        return Verdict::unreadable(format!(
            "the game panics at tick {tick}, {at} s, and is no more: {said}"
        ));
    }
    let at_ms = if let Moment::Ms(at_ms) = moment { at_ms } else { last_ms };
    let room = replay.room();
    let looked_at = catch_unwind(AssertUnwindSafe(|| {
        let inside = room.inside();
        let state = room.save().map_or_else(|_| room.view().state, |saved| saved.state);
        serde_json::to_string(&Still { tick, at_ms, room: inside.room, players: inside.players, state })
    }));
    match looked_at {
        Ok(Ok(said)) => Verdict { said, code: 0 },
        Ok(Err(error)) => Verdict::unreadable(error),
        Err(panic) => {
            Verdict::unreadable(format!("the game cannot be looked at: it panics, {}", last_words(&*panic)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_a_tick_or_a_time() {
        for (text, moment) in [
            ("0", Moment::Tick(0)),
            ("250", Moment::Tick(250)),
            ("12s", Moment::Ms(12_000)),
            ("12.5s", Moment::Ms(12_500)),
            ("0.025s", Moment::Ms(25)),
        ] {
            assert_eq!(text.parse(), Ok(moment), "{text}");
        }
        for bad in ["", "s", "-1", "1.5", "1.2345s", "1.+5s", "1.s.2", ".5s", "20000000000000000s"] {
            assert!(bad.parse::<Moment>().is_err(), "{bad}");
        }
    }
}
