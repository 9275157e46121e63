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
            if self.replay.panicked().is_none() {
                // What a step says that panics is never said.
                effects.extend(said.into_iter().filter_map(shown));
            }
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
        | Effect::Frame(_)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::games::relay::Relay;
    use crate::room::catalog::Catalog;
    use crate::room::input::Newcomer;
    use crate::room::recording::format::{self, End};
    use crate::stream::gzip::{Gzip, compressor};
    use serde_json::json;
    use sward_protocol::downstream::Event;
    use sward_protocol::ids::{NodeId, PlayerId, RoomId, Seat};
    use sward_protocol::payload::Payload;
    use sward_protocol::upstream::Message;

    const START_MS: u64 = 1_764_000_000_000;
    const NOW_MS: u64 = 1_900_000_000_000;

    fn player(number: u128) -> Newcomer {
        Newcomer::new(PlayerId::from_random(NodeId(0), number), format!("P{number}"), Payload::null())
    }

    /// Zoe says something each second; `other` stands before the third.
    fn playback(other: impl FnOnce(&mut Vec<u8>), speed: &str) -> (Playback, Speed) {
        let room = Charter {
            id: RoomId::from_random(NodeId(0), 7),
            game: "relay".to_owned(),
            code: "CODEX".to_owned(),
            name: String::new(),
            private: true,
            password: Some(sward_protocol::password::Password::new("sésame")),
            creator: None,
            standing: false,
            meta: Payload::null(),
            max_players: 2,
        };
        let nothing = Payload::of(&json!({})).unwrap();
        let header = Header {
            recording: format::VERSION,
            server: "0.1.0".to_owned(),
            game: "relay".to_owned(),
            game_version: "1".to_owned(),
            room,
            options: nothing,
            seed: 1,
            began_ms: START_MS,
        };
        let mut lines = Vec::new();
        header.push(&mut lines);
        let joins = [player(1), player(2)].map(|newcomer| Newcomer { has_pass: true, ..newcomer });
        joins.into_iter().for_each(|newcomer| format::push_input(&mut lines, 0, &Input::Join(newcomer), 0));
        let mut other = Some(other);
        for number in 1..=4_u64 {
            if number == 3 {
                other.take().unwrap()(&mut lines);
            }
            let message =
                Message { kind: "say".to_owned(), data: Payload::of(&number).unwrap(), ..Message::default() };
            let said = Input::Batch { seat: Seat(1), messages: vec![message] };
            format::push_input(&mut lines, number * 1000, &said, 0);
        }
        format::push_end(&mut lines, 4000, End::Closed);
        let (mut gzip, mut file) = (Gzip::default(), Vec::new());
        gzip.write(&mut compressor(), &lines, &mut file).unwrap();
        gzip.finish(&mut file);
        let mut catalog = Catalog::default();
        catalog.add::<Relay>("relay");
        let (header, reader) = Reader::open(file, false).unwrap();
        let replay = Replay::new(&catalog, &header, false).unwrap();
        let speed: Speed = speed.parse().unwrap();
        (Playback::new(&header, replay, reader, speed.clone()), speed)
    }

    /// The numbers that were said from one wake to the next, for so long.
    fn said(playback: &mut Playback, now_ms: &mut u64, for_ms: u64) -> Vec<u64> {
        let (end_ms, mut said) = (*now_ms + for_ms, Vec::new());
        while let Some(wake_ms) = playback.wake_ms().filter(|&wake_ms| wake_ms <= end_ms) {
            *now_ms = (*now_ms + 1).max(wake_ms);
            let mut effects = Vec::new();
            playback.step(Input::Wake, *now_ms, &mut effects);
            let events = effects.into_iter().filter_map(|effect| match effect {
                Effect::Send(outgoing) => Some(outgoing.event),
                _ => None,
            });
            said.extend(events.filter_map(|event| match event {
                Event::Msg(msg) => Some(msg.data.parse::<u64>().unwrap()),
                _ => None,
            }));
        }
        *now_ms = end_ms;
        said
    }

    #[test]
    fn it_begins_when_somebody_looks_and_follows_the_speed() {
        let (mut playback, speed) = playback(|_| {}, "1");
        let mut now_ms = NOW_MS;
        assert!(said(&mut playback, &mut now_ms, 10_000).is_empty(), "nobody looks");
        let view = playback.view();
        assert!(view.room.locked && view.players.is_empty());
        assert_eq!(said(&mut playback, &mut now_ms, 1_900), [1]);
        speed.set(&"0".parse().unwrap());
        assert!(said(&mut playback, &mut now_ms, 60_000).is_empty(), "it stands still");
        speed.set(&"10".parse().unwrap());
        assert_eq!(said(&mut playback, &mut now_ms, 120), [2, 3]);
        assert_eq!(said(&mut playback, &mut now_ms, 1_000), [4]);
        assert_eq!((playback.wake_ms(), playback.view().players.len()), (None, 2), "it stays as it is");
        for bad in ["-1", "1001", "NaN", "fast", ""] {
            assert!(bad.parse::<Speed>().is_err(), "{bad}");
        }
    }

    #[test]
    fn nobody_gets_in_and_the_operator_may_close_it() {
        let (mut playback, _) = playback(|_| {}, "1");
        assert!(!playback.charter().private && playback.charter().password.is_none());
        let mut effects = Vec::new();
        playback.step(Input::Join(player(9)), NOW_MS, &mut effects);
        playback.step(Input::Close, NOW_MS, &mut effects);
        assert_eq!(effects, [Effect::Refused(Refusal::Locked), Effect::Closed]);
    }

    #[test]
    fn it_stops_where_it_differs() {
        let (mut playback, _) = playback(|lines| format::push_hash(lines, 2000, 7, 0), "1000");
        playback.view();
        let mut now_ms = NOW_MS;
        assert_eq!(said(&mut playback, &mut now_ms, 60_000), [1, 2]);
        assert_eq!(playback.wake_ms(), None);
    }
}
