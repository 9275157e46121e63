//! A room that plays a recording to those who watch it. Nobody has a seat there, and nobody gets one.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::io::BufRead as _;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use sward_protocol::operator::RoomInside;
use sward_protocol::rooms::{RoomChange, RoomInfo, RoomView};

use crate::game::{Blob, SaveError, Settings};
use crate::room::core::{Charter, RoomStep};
use crate::room::effect::{Effect, Refusal};
use crate::room::input::Input;
use crate::room::recording::digest::Digest;
use crate::room::recording::format::{Header, Line};
use crate::room::recording::reader::Reader;
use crate::room::recording::replay::{Replay, Seconds};
use crate::room::roster::Occupancy;
use crate::room::saved::SavedRoom;

/// How soon it is noticed that somebody watches, or wants another speed.
const LOOK_EVERY_MS: u64 = 50;
/// Lines that are played at once: there are other rooms and streams on the thread.
const LINES_MAX: usize = 500;
const SPEED_MAX: f64 = 1000.0;

/// How many times as fast as it was; shared by who plays and who says so.
#[derive(Debug, Clone)]
pub struct Speed(Arc<AtomicU64>);

impl Speed {
    fn get(&self) -> f64 {
        f64::from_bits(self.0.load(Ordering::Relaxed))
    }

    fn set(&self, other: &Self) {
        self.0.store(other.get().to_bits(), Ordering::Relaxed);
    }
}

impl FromStr for Speed {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.trim().parse::<f64>() {
            Ok(speed) if (0.0..=SPEED_MAX).contains(&speed) => {
                Ok(Self(Arc::new(AtomicU64::new(speed.to_bits()))))
            }
            _ => Err(format!("a number from 0 to {SPEED_MAX}")),
        }
    }
}

/// Takes speeds from standard input, one a line, for as long as there are any.
pub fn obey_stdin(speed: Speed) {
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            match line.parse() {
                Ok(told) => speed.set(&told),
                Err(why) => tracing::warn!(why, "no speed"),
            }
        }
    });
}

/// A room that plays a recording, from when somebody looks at it first.
pub struct Playback {
    replay: Replay,
    reader: Reader,
    /// What comes next; `None`: nothing more.
    next: Option<Line>,
    charter: Charter,
    speed: Speed,
    /// How far it is, in milliseconds since the recording began.
    at_ms: f64,
    /// When it was there; 0: nothing was played yet.
    now_ms: u64,
    is_watched: Cell<bool>,
}

impl Playback {
    /// Nothing was played yet.
    #[must_use]
    pub fn new(header: &Header, replay: Replay, reader: Reader, speed: Speed) -> Self {
        // It is there for whoever comes to look; whose it was has no meaning here.
        let charter =
            Charter { private: false, password: None, creator: None, standing: true, ..header.room.clone() };
        let is_watched = Cell::new(false);
        let mut playback =
            Self { replay, reader, next: None, charter, speed, at_ms: 0.0, now_ms: 0, is_watched };
        playback.read();
        playback
    }

    fn read(&mut self) {
        self.next = match self.reader.next() {
            Ok(line) => line,
            Err(flaw) => {
                tracing::warn!(%flaw, "the recording cannot be read to its end");
                None
            }
        };
        if self.next.is_none() {
            let (tick, seconds) = (self.replay.tick(), Seconds(self.replay.played().at_ms));
            tracing::info!(tick, %seconds, "all of the recording was played; the room stays as it is");
        }
    }

    /// Plays what is due.
    fn play(&mut self, now_ms: u64, effects: &mut Vec<Effect>) {
        if self.now_ms == 0 {
            // Nobody is sent here to play.
            effects.push(Effect::Changed(RoomChange { locked: Some(true), ..RoomChange::default() }));
            self.now_ms = now_ms;
        }
        let passed_ms = now_ms.saturating_sub(self.now_ms);
        self.now_ms = now_ms;
        if !self.is_watched.get() {
            return;
        }
        #[expect(clippy::cast_precision_loss, reason = "no room waits for 2^53 ms")]
        let passed_ms = passed_ms as f64;
        self.at_ms += passed_ms * self.speed.get();
        for _ in 0..LINES_MAX {
            let Some(line) = self.next.take_if(|line| due(line) <= self.at_ms) else { return };
            let mut said = Vec::new();
            if let Err(difference) = self.replay.play(line, &mut said) {
                tracing::warn!(%difference, "the replay differs, and ends here");
                return;
            }
            effects.extend(said.into_iter().filter_map(shown));
            self.read();
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "no recording has 2^53 ms")]
fn due(line: &Line) -> f64 {
    line.at_ms as f64
}

/// What a room that is played again says to those who watch it, and to the lobby; all else was for its players.
fn shown(effect: Effect) -> Option<Effect> {
    match effect {
        Effect::Changed(change) => {
            let locked = change.locked.map(|_| true);
            Some(Effect::Changed(RoomChange { locked, ..change }))
        }
        Effect::Admitted(_) => Some(Effect::Occupied),
        Effect::Send(_)
        | Effect::Vacated { .. }
        | Effect::Occupied
        | Effect::Shown { .. }
        | Effect::Dropped(_) => Some(effect),
        _ => None,
    }
}

impl RoomStep for Playback {
    fn settings(&self) -> Settings {
        Settings { public: Some(Duration::ZERO), tick: None, ..self.replay.room().settings() }
    }

    fn charter(&self) -> &Charter {
        &self.charter
    }

    fn info(&self) -> RoomInfo {
        RoomInfo { locked: true, ..self.replay.room().info() }
    }

    fn blobs(&self) -> &BTreeMap<Arc<str>, Blob> {
        self.replay.room().blobs()
    }

    fn occupancy(&self) -> Occupancy {
        self.replay.room().occupancy()
    }

    fn wake_ms(&self) -> Option<u64> {
        let next = self.next.as_ref()?;
        let speed = if self.is_watched.get() { self.speed.get() } else { 0.0 };
        let wait_ms = (due(next) - self.at_ms) / speed;
        #[expect(clippy::cast_precision_loss, reason = "it is small")]
        let wait_ms = wait_ms.ceil().min(LOOK_EVERY_MS as f64).max(0.0);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "it is small and positive"
        )]
        let wait_ms = wait_ms as u64;
        Some(self.now_ms + wait_ms)
    }

    fn step(&mut self, input: Input, now_ms: u64, effects: &mut Vec<Effect>) {
        match input {
            Input::Join(_) => effects.push(Effect::Refused(Refusal::Locked)),
            Input::Close => effects.push(Effect::Closed),
            _ => self.play(now_ms, effects),
        }
    }

    fn inside(&self) -> RoomInside {
        self.replay.room().inside()
    }

    fn view(&self) -> RoomView {
        self.is_watched.set(true);
        RoomView { room: self.info(), ..self.replay.room().view() }
    }

    fn save(&self) -> Result<SavedRoom, SaveError> {
        self.replay.room().save()
    }

    fn digest(&self, digest: &mut Digest) {
        self.replay.room().digest(digest);
    }
}
