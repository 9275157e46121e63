//! The games that a server runs, by name.

use std::any::Any;
use std::cell::Cell;
use std::collections::BTreeMap;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::Arc;

use sward_protocol::payload::Payload;

use super::core::{Charter, RoomCore, RoomStep};
use super::saved::SavedRoom;
use crate::game::{BadOptions, Game, Random, RoomPolicy, SaveError, Settings};

type Make = dyn Fn(Draft, &Payload, u64) -> Result<Box<dyn RoomStep>, NotMade> + Send + Sync;

type Restore = fn(SavedRoom) -> Result<Box<dyn RoomStep>, SaveError>;

/// Completes a room's charter with what the game says of itself; or says why there can be no such room.
pub type Draft = Box<dyn FnOnce(Settings) -> Result<Charter, NotMade>>;

/// Why a room was not made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotMade {
    /// The game refuses the options.
    #[error("{0}")]
    Options(#[from] BadOptions),
    /// The game has not so many seats.
    #[error("max_players is 1 to {most}")]
    Seats {
        /// How many it has.
        most: u16,
    },
    /// The game panicked.
    #[error("the game failed to start: {said}")]
    Panicked {
        /// What it said, for the log.
        said: String,
    },
}

/// What somebody said who panicked.
pub(crate) fn last_words(panic: &(dyn Any + Send)) -> &str {
    let said = panic.downcast_ref::<&str>().copied();
    said.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or_default()
}

/// The games that a server runs, by name.
#[derive(Clone, Default)]
pub struct Catalog {
    games: BTreeMap<String, Arc<Make>>,
    restores: BTreeMap<String, Restore>,
    versions: BTreeMap<String, &'static str>,
    policies: BTreeMap<String, RoomPolicy>,
}

impl Catalog {
    /// Adds a game under a name, in place of one that had it.
    pub fn add<G: Game>(&mut self, name: &str) {
        let make = |draft: Draft, options: &Payload, seed: u64| -> Result<Box<dyn RoomStep>, NotMade> {
            let mut random = Random::from_seed(seed);
            // A game that panics on what a player chose must not take his worker's other requests with it.
            let made = catch_unwind(AssertUnwindSafe(|| {
                let game = G::create(options, &mut random)?;
                let settings = game.settings();
                Ok::<_, BadOptions>((game, settings))
            }));
            let (game, settings) =
                made.map_err(|panic| NotMade::Panicked { said: last_words(&*panic).to_owned() })??;
            Ok(Box::new(RoomCore::new(draft(settings)?, game, settings, random)))
        };
        self.games.insert(name.to_owned(), Arc::new(make));
        self.restores.insert(name.to_owned(), |saved| {
            let restored = catch_unwind(AssertUnwindSafe(|| RoomCore::<G>::restore(saved)));
            let core = restored.map_err(|panic| SaveError::Malformed(last_words(&*panic).to_owned()))??;
            Ok(Box::new(core))
        });
        self.versions.insert(name.to_owned(), G::VERSION);
    }

    /// Leaves a game out, and who may make its rooms.
    pub fn remove(&mut self, name: &str) {
        self.games.remove(name);
        self.restores.remove(name);
        self.versions.remove(name);
        self.policies.remove(name);
    }

    /// Sets who may make rooms of the game `name`, and how many.
    pub fn limit(&mut self, name: &str, policy: RoomPolicy) {
        self.policies.insert(name.to_owned(), policy);
    }

    /// Who may make rooms of the game `name`, and how many: the default, unless it was set.
    #[must_use]
    pub fn policy(&self, name: &str) -> RoomPolicy {
        self.policies.get(name).copied().unwrap_or_default()
    }

    /// The names for which it was set who may make rooms.
    pub fn limited(&self) -> impl Iterator<Item = &str> {
        self.policies.keys().map(String::as_str)
    }

    /// The most seats that a room of this game may have whose creator sends no options; `None` if he must, or if there is
    /// no such game.
    #[must_use]
    pub fn most_seats(&self, name: &str) -> Option<u16> {
        let most = Rc::new(Cell::new(None));
        let seen = Rc::clone(&most);
        let draft: Draft = Box::new(move |settings| {
            seen.set(Some(settings.most_seats()));
            Err(NotMade::Seats { most: settings.most_seats() })
        });
        let _ = self.make(name, draft, &Payload::trusted("{}".to_owned()).unwrap_or_default(), 0);
        most.get()
    }

    /// Whether a game has this name.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.games.contains_key(name)
    }

    /// The version of a game's rules.
    #[must_use]
    pub fn version(&self, name: &str) -> Option<&'static str> {
        self.versions.get(name).copied()
    }

    /// The names of all games.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        self.games.keys().cloned().collect()
    }

    /// Makes a room of the game `name`; `None` if there is no such game.
    ///
    /// # Errors
    /// [`NotMade`].
    pub fn make(
        &self,
        name: &str,
        draft: Draft,
        options: &Payload,
        seed: u64,
    ) -> Option<Result<Box<dyn RoomStep>, NotMade>> {
        self.games.get(name).map(|make| make(draft, options, seed))
    }

    /// The room of the game `name` that was saved; `None` if there is no such game. A game that panics on what it saved is
    /// told from [`SaveError::Malformed`].
    ///
    /// # Errors
    /// [`SaveError`]: the game does not support it, or this is none of its rooms.
    #[cfg_attr(not(test), expect(dead_code, reason = "for tests, until rooms are kept over a restart"))]
    pub fn restore(&self, name: &str, saved: SavedRoom) -> Option<Result<Box<dyn RoomStep>, SaveError>> {
        self.restores.get(name).map(|restore| restore(saved))
    }
}

impl fmt::Debug for Catalog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.games.keys()).finish()
    }
}
