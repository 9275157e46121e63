//! A room's steps to lines of a recording.

use crate::room::core::RoomStep;
use crate::room::effect::Effect;
use crate::room::input::Input;
use crate::room::recording::digest::Digest;
use crate::room::recording::format;

/// A hash is taken when something happens and the last one is so old.
pub const HASH_EVERY_MS: u64 = 1_000;

/// What is counted and hashed of a room while it is recorded, and again while it is played.
#[derive(Debug, Default)]
pub struct Tally {
    ticks: u64,
    /// Of all that the room said since the last hash.
    said: Digest,
}

impl Tally {
    /// Ticks that there were.
    #[must_use]
    pub fn ticks(&self) -> u64 {
        self.ticks
    }

    /// Something happens.
    pub fn count(&mut self, input: &Input) {
        self.ticks += u64::from(matches!(input, Input::Tick));
    }

    /// This is what the room said to it.
    pub fn hear(&mut self, effects: &[Effect]) {
        effects.iter().for_each(|effect| self.said.effect(effect));
    }

    /// The hash of the room as it is, and of what it said since the last hash.
    ///
    /// # Panics
    /// As [`RoomStep::digest`].
    pub fn hash(&mut self, room: &dyn RoomStep) -> u64 {
        room.digest(&mut self.said);
        let hash = self.said.hash();
        self.said.clear();
        hash
    }
}

/// Writes down what happens to a room.
#[derive(Debug)]
pub struct Scribe {
    began_ms: u64,
    at_ms: u64,
    hashed_ms: u64,
    /// Whether something happened since the last hash.
    is_news: bool,
    tally: Tally,
}

impl Scribe {
    /// Of a room to which nothing happened yet.
    #[must_use]
    pub fn new(began_ms: u64) -> Self {
        Self { began_ms, at_ms: 0, hashed_ms: 0, is_news: false, tally: Tally::default() }
    }

    /// When something happened last, in milliseconds since the recording began.
    #[must_use]
    pub fn at_ms(&self) -> u64 {
        self.at_ms
    }

    /// Something happens: to be called before the room is stepped, so that it is written down whatever comes of it.
    pub fn before(&mut self, input: &Input, now_ms: u64, out: &mut Vec<u8>) {
        self.at_ms = now_ms.saturating_sub(self.began_ms);
        self.is_news = true;
        self.tally.count(input);
        format::push_input(out, self.at_ms, input, self.tally.ticks());
    }

    /// This came of it.
    pub fn after(&mut self, effects: &[Effect]) {
        self.tally.hear(effects);
    }

    /// Writes the room's hash, if it is time for one.
    ///
    /// # Panics
    /// As [`RoomStep::digest`].
    pub fn hash_when_due(&mut self, room: &dyn RoomStep, now_ms: u64, out: &mut Vec<u8>) {
        let at_ms = now_ms.saturating_sub(self.began_ms);
        if self.is_news && at_ms >= self.hashed_ms + HASH_EVERY_MS {
            self.hashed_ms = at_ms;
            self.hash(room, out);
        }
    }

    /// Writes the room's hash.
    ///
    /// # Panics
    /// As [`RoomStep::digest`].
    pub fn hash(&mut self, room: &dyn RoomStep, out: &mut Vec<u8>) {
        self.is_news = false;
        format::push_hash(out, self.at_ms, self.tally.hash(room), self.tally.ticks());
    }
}
