//! What every handler is given.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sward_protocol::ids::NodeId;
use sward_protocol::session::SessionCreated;

use crate::clock::Clock;
use crate::config::Config;
use crate::matchmaking::Rules;
use crate::metrics::Metrics;
use crate::room::admission::Admission;
use crate::session::first_answers::{FirstAnswers, SESSIONS_MAX};
use crate::session::registry::Registry;
use crate::session::sweeper::Sweeper;
use crate::social::hall::Hall;
use crate::social::matching::Mode;

/// The parts of one server. Cheap to clone; all clones are the same server.
#[derive(Debug, Clone)]
pub struct State {
    /// The settings.
    pub config: Arc<Config>,
    /// The time.
    pub clock: Clock,
    /// The numbers.
    pub metrics: Arc<Metrics>,
    /// The sessions.
    pub registry: Arc<Registry>,
    /// The way to a seat.
    pub admission: Admission,
    /// What players do with each other outside of rooms.
    pub hall: Arc<Hall>,
    /// This process.
    pub node: NodeId,
    /// Streams that may be open at once: those of players, and those that a newer one has replaced but whose client
    /// still has to notice.
    pub streams_max: i64,
    /// Held by the operator's word while it goes out: of two at once all players hear the same one last.
    pub telling: Arc<tokio::sync::Mutex<()>>,
    draining: Arc<AtomicBool>,
    sessions_made: Arc<Mutex<SessionsMade>>,
}

/// Answers to new sessions, by the key and the name that were asked for.
type SessionsMade = FirstAnswers<(String, String), SessionCreated>;

impl State {
    /// A server that was just put together.
    #[must_use]
    pub fn new(
        config: Arc<Config>,
        clock: Clock,
        metrics: Arc<Metrics>,
        registry: Arc<Registry>,
        admission: Admission,
        modes: &BTreeMap<Mode, Rules>,
    ) -> Self {
        let node = admission.node;
        let hall = Hall::new(admission.clone(), modes, Arc::clone(&metrics));
        let streams_max = i64::try_from(config.max_streams).unwrap_or(i64::MAX);
        Self {
            config,
            clock,
            metrics,
            registry,
            admission,
            hall: Arc::new(hall),
            node,
            streams_max,
            telling: Arc::default(),
            draining: Arc::default(),
            sessions_made: Arc::new(Mutex::new(FirstAnswers::new(SESSIONS_MAX))),
        }
    }

    /// The sessions that were made under a key. The lock is for one step only, never across an await.
    pub fn sessions_made(&self) -> MutexGuard<'_, SessionsMade> {
        self.sessions_made.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The clock that tells who is away or lost.
    #[must_use]
    pub fn sweeper(&self) -> Sweeper {
        Sweeper {
            hall: Arc::clone(&self.hall),
            registry: Arc::clone(&self.registry),
            directory: Arc::clone(&self.admission.directory),
            clock: self.clock,
            metrics: Arc::clone(&self.metrics),
        }
    }

    /// Whether the server was told to stop.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Acquire)
    }

    /// The server was told to stop: it is not ready any more, and makes no sessions.
    pub fn start_draining(&self) {
        self.draining.store(true, Ordering::Release);
    }
}
