//! One session: the locks around its pure parts, its outbox and its seat.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sward_protocol::ids::{Epoch, EventId, Token};
use sward_protocol::limits::RUNG_MAX;
use sward_protocol::session::Player;
use tokio::sync::{Notify, watch};

use super::first_answers::{FirstAnswers, PER_SESSION_MAX};
use super::inbox::Inbox;
use super::once::Outcome;
use super::state::{Change, Lifecycle, Patience};
use crate::fanout::mailslot::Mailslot;
use crate::metrics::Metrics;
use crate::rate::{Openings, Rates};
use crate::room::occupant::Occupant;

/// What comes from the player: one lock, because a batch's number, its rate and its way into the room are one decision.
#[derive(Debug)]
pub struct Incoming {
    /// What was applied.
    pub inbox: Inbox,
    /// How much more may be sent.
    pub rates: Rates,
    /// How often a stream may be opened.
    pub openings: Openings,
}

/// One session.
#[derive(Debug)]
pub struct Session {
    token: Token,
    occupant: Arc<Occupant>,
    life: Mutex<Lifecycle>,
    incoming: Mutex<Incoming>,
    /// Rung when a batch was admitted or answered: requests that wait for one look again.
    incoming_moved: Notify,
    first_answers: Mutex<FirstAnswers<String, watch::Receiver<Option<Outcome>>>>,
    rung: AtomicU8,
    metrics: Arc<Metrics>,
}

/// No rung was proved yet.
const NO_RUNG: u8 = u8::MAX;
/// The session is over: it proves nothing any more.
const OVER: u8 = u8::MAX - 1;

impl Session {
    /// A session that was just made.
    #[must_use]
    pub fn new(
        token: Token,
        player: Player,
        epoch: Epoch,
        patience: Patience,
        rates: Rates,
        now_ms: u64,
        metrics: Arc<Metrics>,
    ) -> Self {
        Self {
            token,
            occupant: Arc::new(Occupant::new(player, Mailslot::new(epoch))),
            life: Mutex::new(Lifecycle::new(patience, now_ms)),
            incoming: Mutex::new(Incoming {
                inbox: Inbox::default(),
                rates,
                openings: Openings::new(now_ms),
            }),
            incoming_moved: Notify::new(),
            first_answers: Mutex::new(FirstAnswers::new(PER_SESSION_MAX)),
            rung: AtomicU8::new(NO_RUNG),
            metrics,
        }
    }

    /// The secret.
    #[must_use]
    pub fn token(&self) -> Token {
        self.token
    }

    /// Who it is.
    #[must_use]
    pub fn player(&self) -> &Player {
        &self.occupant.player
    }

    /// The session as rooms see it.
    #[must_use]
    pub fn occupant(&self) -> &Arc<Occupant> {
        &self.occupant
    }

    /// Where its events wait.
    #[must_use]
    pub fn mailslot(&self) -> &Mailslot {
        &self.occupant.mailslot
    }

    /// A request bore the token.
    pub fn heard(&self, now_ms: u64) {
        self.life().heard(now_ms);
    }

    /// The client has processed everything up to `id`.
    pub fn acknowledged(&self, id: EventId) {
        self.life().acknowledged();
        self.mailslot().acknowledge(id);
    }

    /// A stream opened, or took over.
    pub fn stream_opened(&self, beat_ms: u64, now_ms: u64) {
        self.life().stream_opened(beat_ms, now_ms);
    }

    /// What came of this session's joins, by their keys. The lock is for one step only, never across an await.
    pub fn first_answers(&self) -> MutexGuard<'_, FirstAnswers<String, watch::Receiver<Option<Outcome>>>> {
        self.first_answers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The client has proved this rung of the ladder.
    pub fn proved_rung(&self, rung: u8) {
        let before = self
            .rung
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |before| (before != OVER).then_some(rung));
        if let Ok(before) = before {
            self.count_rung(rung, 1);
            self.count_rung(before, -1);
        }
    }

    /// The session is over: it counts for no rung any more.
    pub fn leave_rung(&self) {
        let before = self.rung.swap(OVER, Ordering::AcqRel);
        self.count_rung(before, -1);
    }

    fn count_rung(&self, rung: u8, by: i64) {
        if rung <= RUNG_MAX {
            self.metrics.players_by_rung.with_label_values(&[&rung.to_string()]).add(by);
        }
    }

    /// The player said that he leaves.
    pub fn said_bye(&self, wait_ms: u64, now_ms: u64) {
        self.life().said_bye(wait_ms, now_ms);
    }

    /// What became due; to be asked until it answers `None`.
    pub fn due(&self, now_ms: u64) -> Option<Change> {
        let mut life = self.life();
        // Looked up under the lock: a stream that opens right now attaches first and tells the life cycle then, so it
        // cannot be noted as missing for good.
        if !self.mailslot().has_reader() {
            life.stream_missed(now_ms);
        }
        let change = life.due(now_ms);
        // Under the same lock: of two that look at once, the later one's finding stands.
        match change {
            Some(Change::Away) => self.occupant.set_away(true),
            Some(Change::Back) => self.occupant.set_away(false),
            Some(Change::Ended(_)) | None => {}
        }
        change
    }

    /// What comes from the player. The lock is for a few steps only, never across an await.
    pub fn incoming(&self) -> MutexGuard<'_, Incoming> {
        self.incoming.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Rung when a batch was admitted or answered.
    #[must_use]
    pub fn incoming_moved(&self) -> &Notify {
        &self.incoming_moved
    }

    fn life(&self) -> MutexGuard<'_, Lifecycle> {
        // Nothing under these locks panics half-way through a change that matters.
        self.life.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
