//! A room played again from its recording, and compared.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::room::catalog::{Catalog, Draft, NotMade, last_words};
use crate::room::core::RoomStep;
use crate::room::effect::Effect;
use crate::room::recording::format::{End, Header, Line, Record};
use crate::room::recording::scribe::Tally;

/// Why a recording cannot be played.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotReplayed {
    /// There is no such game here.
    #[error("it is of the game {0:?}, which this program does not have")]
    UnknownGame(String),
    /// Its rules are others now.
    #[error("it is of version {recorded:?} of the game {game:?}, and this program has version {own:?}")]
    OtherGame {
        /// The game's name.
        game: String,
        /// The version that was recorded.
        recorded: String,
        /// The version that is here.
        own: String,
    },
    /// The game does not begin with what it began with.
    #[error("the game cannot be made as it was: {0}")]
    NotMade(#[from] NotMade),
}

impl NotReplayed {
    /// Whether it can be played all the same by who wants to.
    #[must_use]
    pub fn yields_to_force(&self) -> bool {
        matches!(self, Self::OtherGame { .. })
    }
}

/// Where a room that is played again begins to be another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Ticks that there were.
    pub tick: u64,
    /// When, in milliseconds since the recording began.
    pub at_ms: u64,
    /// What differs.
    pub what: Differing,
}

/// What differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Differing {
    /// The hash.
    Hash {
        /// As it was recorded.
        recorded: u64,
        /// As it is now.
        replayed: u64,
    },
    /// The game panicked then, and does not now.
    NoPanic,
    /// The game panics now, and did not then: what it said.
    Panic(String),
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { tick, at_ms, what } = self;
        write!(f, "at tick {tick}, {} s: ", Seconds(*at_ms))?;
        match what {
            Differing::Hash { recorded, replayed } => {
                write!(f, "the recorded hash is {recorded:016x}, the replayed one {replayed:016x}")
            }
            Differing::NoPanic => f.write_str("the game panicked there, and does not now"),
            Differing::Panic(said) => write!(f, "the game panics here, and did not then: {said}"),
        }
    }
}

/// Milliseconds, shown as seconds.
#[derive(Debug, Clone, Copy)]
pub struct Seconds(pub u64);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:03}", self.0 / 1000, self.0 % 1000)
    }
}

/// How much was played.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Played {
    /// Inputs, ticks included.
    pub inputs: u64,
    /// Hashes that were equal.
    pub hashes: u64,
    /// The tick of the last of them.
    pub hashed_tick: u64,
    /// And its time, in milliseconds since the recording began.
    pub hashed_ms: u64,
    /// The time of the last line.
    pub at_ms: u64,
    /// Why the recording ends, when it came to its end.
    pub end: Option<End>,
}

/// A room that is played again.
pub struct Replay {
    room: Box<dyn RoomStep>,
    began_ms: u64,
    tally: Tally,
    played: Played,
    /// What the game said when it panicked.
    panicked: Option<String>,
}

impl Replay {
    /// The room as it began. Another version of its game is taken for the same if `is_forced`.
    ///
    /// # Errors
    /// [`NotReplayed`].
    pub fn new(catalog: &Catalog, header: &Header, is_forced: bool) -> Result<Self, NotReplayed> {
        let game = header.game.clone();
        let own = catalog.version(&game).ok_or_else(|| NotReplayed::UnknownGame(game.clone()))?;
        if own != header.game_version && !is_forced {
            let recorded = header.game_version.clone();
            return Err(NotReplayed::OtherGame { game, recorded, own: own.to_owned() });
        }
        let charter = header.room.clone();
        let draft: Draft = Box::new(move |_| Ok(charter));
        let made = catalog.make(&game, draft, &header.options, header.seed);
        let room = made.ok_or(NotReplayed::UnknownGame(game))??;
        let (tally, played) = (Tally::default(), Played::default());
        Ok(Self { room, began_ms: header.began_ms, tally, played, panicked: None })
    }

    /// The room as it is.
    #[must_use]
    pub fn room(&self) -> &dyn RoomStep {
        &*self.room
    }

    /// How much was played.
    #[must_use]
    pub fn played(&self) -> &Played {
        &self.played
    }

    /// Ticks that there were.
    #[must_use]
    pub fn tick(&self) -> u64 {
        self.tally.ticks()
    }

    /// What the game said, if it has panicked as it should.
    #[must_use]
    pub fn panicked(&self) -> Option<&str> {
        self.panicked.as_deref()
    }

    /// Plays one line, and appends what the room says to it.
    ///
    /// # Errors
    /// [`Difference`]: nothing more is to be played.
    pub fn play(&mut self, line: Line, effects: &mut Vec<Effect>) -> Result<(), Difference> {
        let Line { at_ms, record } = line;
        self.played.at_ms = at_ms;
        if let Some(said) = self.panicked.clone().filter(|_| record != Record::End(End::Panicked)) {
            return Err(self.differs(Differing::Panic(said)));
        }
        match record {
            Record::Input(input) => {
                self.played.inputs += 1;
                self.tally.count(&input);
                let (before, now_ms) = (effects.len(), self.began_ms.saturating_add(at_ms));
                let room = &mut self.room;
                match catch_unwind(AssertUnwindSafe(|| room.step(input, now_ms, effects))) {
                    Ok(()) => self.tally.hear(effects.get(before..).unwrap_or_default()),
                    // Whether it should have is told by what follows.
                    Err(panic) => self.panicked = Some(last_words(&*panic).to_owned()),
                }
            }
            Record::Hash(recorded) => {
                let (tally, room) = (&mut self.tally, &*self.room);
                let replayed = catch_unwind(AssertUnwindSafe(|| tally.hash(room)));
                let replayed = replayed.map_err(|panic| last_words(&*panic).to_owned());
                let replayed = replayed.map_err(|said| self.differs(Differing::Panic(said)))?;
                if recorded != replayed {
                    return Err(self.differs(Differing::Hash { recorded, replayed }));
                }
                self.played.hashes += 1;
                (self.played.hashed_tick, self.played.hashed_ms) = (self.tally.ticks(), at_ms);
            }
            Record::End(End::Panicked) if self.panicked.is_none() => {
                return Err(self.differs(Differing::NoPanic));
            }
            Record::End(end) => self.played.end = Some(end),
        }
        Ok(())
    }

    fn differs(&self, what: Differing) -> Difference {
        Difference { tick: self.tally.ticks(), at_ms: self.played.at_ms, what }
    }
}
