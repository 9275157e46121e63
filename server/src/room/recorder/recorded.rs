//! A room whose steps are written down: it is that room in all else.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use sward_protocol::operator::RoomInside;
use sward_protocol::rooms::{RoomInfo, RoomView};

use super::Recorder;
use super::sink::Sink;
use crate::game::{Blob, SaveError, Settings};
use crate::room::catalog::last_words;
use crate::room::core::{Charter, RoomStep};
use crate::room::effect::Effect;
use crate::room::input::Input;
use crate::room::recording::digest::Digest;
use crate::room::recording::format::{End, Header};
use crate::room::recording::scribe::Scribe;
use crate::room::roster::Occupancy;
use crate::room::saved::SavedRoom;

/// A room whose steps are written down.
pub struct Recorded {
    room: Box<dyn RoomStep>,
    recorder: Arc<Recorder>,
    stage: Stage,
    /// Memory for lines.
    lines: Vec<u8>,
    /// Whether the game is at work; if it is so at the end, it has panicked.
    is_stepping: bool,
}

enum Stage {
    /// Nothing has happened. Many a room is made and never opened: there is no file yet.
    Before(Box<Header>),
    /// Its lines are taken.
    Under { scribe: Box<Scribe>, sink: Arc<Sink>, began_ms: u64 },
    /// Nothing is written any more.
    Over,
}

impl Recorded {
    /// Nothing has happened in this room.
    pub fn new(room: Box<dyn RoomStep>, recorder: Arc<Recorder>, header: Header) -> Self {
        let stage = Stage::Before(Box::new(header));
        Self { room, recorder, stage, lines: Vec::new(), is_stepping: false }
    }

    /// The first input is here.
    fn begin(&mut self, now_ms: u64) {
        let Stage::Before(header) = &mut self.stage else { return };
        header.began_ms = now_ms;
        self.stage = match self.recorder.begin(header) {
            Some(sink) => Stage::Under { scribe: Box::new(Scribe::new(now_ms)), sink, began_ms: now_ms },
            None => Stage::Over,
        };
    }

    /// Hands over what `write` writes.
    fn write(&mut self, now_ms: u64, write: impl FnOnce(&mut Scribe, &dyn RoomStep, &mut Vec<u8>)) {
        let Stage::Under { scribe, sink, began_ms } = &mut self.stage else { return };
        self.lines.clear();
        let (room, lines) = (&*self.room, &mut self.lines);
        // Only the hash looks at the game, and a panic there changes nothing of it.
        match catch_unwind(AssertUnwindSafe(|| write(scribe, room, lines))) {
            Ok(()) if lines.is_empty() => {}
            Ok(()) => {
                if !sink.put(lines, now_ms.saturating_sub(*began_ms)) {
                    self.stage = Stage::Over;
                }
            }
            Err(panic) => {
                let said = last_words(&*panic);
                let Charter { id, game, .. } = self.room.charter();
                tracing::warn!(room = %id, %game, said, "the game cannot be looked at; it is recorded no further");
                sink.end(End::Unhashed);
                self.stage = Stage::Over;
            }
        }
    }

    /// Nothing more happens.
    fn end(&mut self, end: End) {
        let Stage::Under { sink, .. } = &self.stage else { return };
        sink.end(end);
        self.stage = Stage::Over;
    }

    /// Nothing more happens, and the room can be looked at once more.
    fn hash_and_end(&mut self, end: End) {
        if let Stage::Under { scribe, began_ms, .. } = &self.stage {
            let now_ms = began_ms.saturating_add(scribe.at_ms());
            self.write(now_ms, Scribe::hash);
        }
        self.end(end);
    }
}

impl Drop for Recorded {
    fn drop(&mut self) {
        if self.is_stepping {
            self.end(End::Panicked);
        } else {
            self.hash_and_end(End::Deserted);
        }
    }
}

impl RoomStep for Recorded {
    fn settings(&self) -> Settings {
        self.room.settings()
    }

    fn charter(&self) -> &Charter {
        self.room.charter()
    }

    fn info(&self) -> RoomInfo {
        self.room.info()
    }

    fn blobs(&self) -> &BTreeMap<Arc<str>, Blob> {
        self.room.blobs()
    }

    fn occupancy(&self) -> Occupancy {
        self.room.occupancy()
    }

    fn wake_ms(&self) -> Option<u64> {
        self.room.wake_ms()
    }

    fn step(&mut self, input: Input, now_ms: u64, effects: &mut Vec<Effect>) {
        self.begin(now_ms);
        self.write(now_ms, |scribe, _, lines| scribe.before(&input, now_ms, lines));
        let before = effects.len();
        self.is_stepping = true;
        self.room.step(input, now_ms, effects);
        self.is_stepping = false;
        let effects = effects.get(before..).unwrap_or_default();
        let is_closed = effects.contains(&Effect::Closed);
        self.write(now_ms, |scribe, room, lines| {
            scribe.after(effects);
            if is_closed {
                scribe.hash(room, lines);
            } else {
                scribe.hash_when_due(room, now_ms, lines);
            }
        });
        if is_closed {
            self.end(End::Closed);
        }
    }

    fn inside(&self) -> RoomInside {
        self.room.inside()
    }

    fn view(&self) -> RoomView {
        self.room.view()
    }

    fn save(&self) -> Result<SavedRoom, SaveError> {
        self.room.save()
    }

    fn digest(&self, digest: &mut Digest) {
        self.room.digest(digest);
    }

    fn is_recorded(&self) -> bool {
        !matches!(self.stage, Stage::Over)
    }

    fn rest(&mut self, now_ms: u64) {
        self.write(now_ms, |scribe, room, lines| scribe.hash_when_due(room, now_ms, lines));
    }

    fn ended(&mut self, end: End) {
        if self.is_stepping {
            self.end(End::Panicked);
        } else {
            self.hash_and_end(end);
        }
    }
}
