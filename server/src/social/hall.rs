//! Everybody with a session, and the lobbies that they watch: delivery of what they do with each other outside of rooms.
//!
//! Each lobby has a lock of its own. What is said to those who watch it is posted under that lock, so that everybody
//! hears it in the same order, and nobody hears of a change before he was shown what it changes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use dashmap::DashMap;
use sward_protocol::downstream::Event;
use sward_protocol::ids::{PlayerId, Seat};
use sward_protocol::limits::CHAT_LINES_MAX;
use sward_protocol::payload::Payload;
use sward_protocol::problem::{ErrorCode, MessageError};
use sward_protocol::social::{ChatScope, Lines};
use tokio::time::MissedTickBehavior;

use super::asks::Asks;
use super::call::Call;
use super::feed::Feed;
use super::matching::{Matching, Mode};
use crate::chat::Log;
use crate::clock::Clock;
use crate::fanout::encode::encode;
use crate::fanout::flush::Flush;
use crate::fanout::mailslot::Posted;
use crate::fanout::wake::Wakes;
use crate::matchmaking::Rules;
use crate::metrics::Metrics;
use crate::rate::SharedRate;
use crate::room::admission::Admission;
use crate::room::directory::Directory;
use crate::room::occupant::Occupant;

/// How often it looks what changed. A lobby where nothing happened for a second tells of a change within this time.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// Chat lines for one player in a second, from all who write to him.
const LINES_HEARD_PER_S: u32 = 5;

/// Somebody with a session.
#[derive(Debug)]
pub(super) struct Person {
    pub(super) occupant: Arc<Occupant>,
    own: Mutex<Own>,
}

/// What concerns him alone.
#[derive(Debug)]
pub(super) struct Own {
    /// The lobbies that he watches.
    pub(super) watched: BTreeSet<Option<String>>,
    /// What he said to others, and they to him.
    pub(super) lines: Log,
    pub(super) heard: SharedRate,
    pub(super) has_ended: bool,
}

/// A lobby, and the way to those who watch it.
#[derive(Debug)]
pub(super) struct Watched {
    pub(super) feed: Feed,
    pub(super) readers: BTreeMap<PlayerId, Arc<Occupant>>,
}

/// Everybody with a session, and the lobbies.
#[derive(Debug)]
pub struct Hall {
    pub(super) people: DashMap<PlayerId, Arc<Person>>,
    pub(super) lobbies: BTreeMap<Option<String>, Mutex<Watched>>,
    pub(super) asks: Mutex<Asks>,
    pub(super) matching: Mutex<Matching>,
    pub(super) admission: Admission,
    pub(super) directory: Arc<Directory>,
    clock: Clock,
    pub(super) metrics: Arc<Metrics>,
}

impl Hall {
    /// A server with these games and modes, where nobody is yet.
    #[must_use]
    pub fn new(admission: Admission, modes: &BTreeMap<Mode, Rules>, metrics: Arc<Metrics>) -> Self {
        let directory = Arc::clone(&admission.directory);
        let clock = directory.clock();
        let names = admission.catalog.names().into_iter().map(Some).chain([None]);
        let lobby = |game: Option<String>| {
            let feed = Feed::new(game.clone(), clock.now_ms());
            (game, Mutex::new(Watched { feed, readers: BTreeMap::new() }))
        };
        Self {
            people: DashMap::new(),
            lobbies: names.map(lobby).collect(),
            asks: Mutex::default(),
            matching: Mutex::new(Matching::new(modes)),
            admission,
            directory,
            clock,
            metrics,
        }
    }

    /// The time.
    #[must_use]
    pub fn clock(&self) -> Clock {
        self.clock
    }

    /// A session began.
    pub fn arrive(&self, occupant: Arc<Occupant>) {
        let now_ms = self.clock.now_ms();
        // As many at once as are kept: there are no more to be missed.
        let burst = u32::try_from(CHAT_LINES_MAX).unwrap_or(u32::MAX);
        let own = Own {
            watched: BTreeSet::new(),
            lines: Log::default(),
            heard: SharedRate::new(LINES_HEARD_PER_S, burst, now_ms),
            has_ended: false,
        };
        self.people.insert(occupant.player.id, Arc::new(Person { occupant, own: Mutex::new(own) }));
    }

    /// A session is over.
    pub fn depart(&self, player: PlayerId) {
        let Some((_, person)) = self.people.remove(&player) else { return };
        let watched = {
            let mut own = person.own();
            own.has_ended = true;
            std::mem::take(&mut own.watched)
        };
        for game in watched {
            self.leave(&game, player);
        }
        let now_ms = self.clock.now_ms();
        self.forget_asks(player, now_ms);
        self.forget_matching(player, now_ms);
    }

    /// Does what somebody asks for.
    ///
    /// # Errors
    /// Why not; nothing changed then.
    pub fn call(&self, caller: PlayerId, call: Call, now_ms: u64) -> Result<Payload, MessageError> {
        // Only who ended his session a moment ago is not there.
        let caller = self.person(caller).ok_or_else(session_over)?;
        match call {
            Call::Say(line) => self.say(&caller, line, now_ms).map(|()| Payload::null()),
            Call::Watch(watch) => self.watch(&caller, watch, now_ms).map(|()| Payload::null()),
            Call::Invite(invite) => self.invite(&caller, invite, now_ms),
            Call::Knock(knock) => self.knock(&caller, &knock, now_ms),
            Call::Answer(answer) => self.answer(&caller, answer, now_ms),
            Call::Withdraw(withdraw) => self.withdraw(&caller, withdraw, now_ms),
            Call::Party(party) => self.party(&caller, party, now_ms),
            Call::Queue(queue) => self.queue(&caller, queue, now_ms),
            Call::Unqueue => self.unqueue(&caller, now_ms),
        }
    }

    /// A player's stream began anew: he is shown again what he follows. How many bytes that were.
    pub fn show_again(&self, player: PlayerId, now_ms: u64) -> u32 {
        let Some(person) = self.person(player) else { return 0 };
        let mut wakes = Wakes::default();
        let mut bytes = 0;
        let (watched, lines) = {
            let mut own = person.own();
            (own.watched.clone(), own.lines.lines(now_ms))
        };
        if !lines.is_empty()
            && let Some(flush) = flush(&Event::Lines(Lines { scope: ChatScope::Player, lines }))
        {
            bytes += self.post(&person.occupant, &flush, now_ms, &mut wakes);
        }
        bytes += self.show_asks(&person.occupant, now_ms, &mut wakes);
        bytes += self.show_matching(&person.occupant, now_ms, &mut wakes);
        for game in watched {
            let Some(mut lobby) = self.lobby(&game) else { continue };
            // He may have left it in between.
            if lobby.feed.has(player)
                && let Some(snapshot) = self.snapshot(&mut lobby, now_ms)
            {
                bytes += self.post(&person.occupant, &snapshot, now_ms, &mut wakes);
            }
        }
        wakes.wake_all();
        bytes
    }

    /// Tells what changes until the task is dropped.
    pub async fn run(self: Arc<Self>) {
        let mut looks = tokio::time::interval(LOOK_EVERY);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            looks.tick().await;
            self.look(self.clock.now_ms());
        }
    }

    /// Tells what changed, where it is time to.
    fn look(self: &Arc<Self>, now_ms: u64) {
        let changes = self.directory.lobby().take_changes();
        for (game, rooms) in changes {
            if let Some(mut lobby) = self.lobby(&Some(game)) {
                lobby.feed.changed(rooms);
            }
        }
        self.expire_asks(now_ms);
        self.look_for_matches(now_ms);
        for lobby in self.lobbies.values() {
            let mut wakes = Wakes::default();
            self.tell_news(&mut locked(lobby), now_ms, &mut wakes);
            wakes.wake_all();
        }
    }

    /// Whether the session is not over. To be asked under the lock of what would remember the player: whoever ends a
    /// session takes him out of here first, and out of there then.
    ///
    /// # Errors
    /// `session_gone`.
    pub(super) fn check_alive(&self, player: PlayerId) -> Result<(), MessageError> {
        self.people.contains_key(&player).then_some(()).ok_or_else(session_over)
    }

    pub(super) fn has_game(&self, game: &str) -> bool {
        self.lobbies.contains_key(&Some(game.to_owned()))
    }

    pub(super) fn person(&self, player: PlayerId) -> Option<Arc<Person>> {
        self.people.get(&player).map(|person| Arc::clone(person.value()))
    }

    /// How many bytes it was.
    pub(super) fn post(&self, reader: &Occupant, flush: &Arc<Flush>, now_ms: u64, wakes: &mut Wakes) -> u32 {
        if reader.mailslot.post_own(flush, now_ms, wakes) == Posted::Overrun {
            self.metrics.streams_overrun.inc();
        }
        self.metrics.social.events.inc();
        flush.share_of(Seat::GAME).bytes
    }
}

impl Person {
    pub(super) fn own(&self) -> MutexGuard<'_, Own> {
        // Nothing under this lock panics half-way through a change that matters.
        self.own.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(super) fn locked(lobby: &Mutex<Watched>) -> MutexGuard<'_, Watched> {
    // Nothing under this lock panics half-way through a change that matters.
    lobby.lock().unwrap_or_else(PoisonError::into_inner)
}

/// An event for people, ready to be posted. `None` above the bound on an event, which what is bounded here stays below.
pub(super) fn flush(event: &Event) -> Option<Arc<Flush>> {
    match encode(event) {
        Ok(encoded) => Some(Arc::new(Flush::of(encoded))),
        Err(error) => {
            tracing::warn!(%error, "an event for players that cannot be sent");
            None
        }
    }
}

fn session_over() -> MessageError {
    refuse(ErrorCode::SessionGone, "the session is over")
}

pub(super) fn refuse(code: ErrorCode, detail: &str) -> MessageError {
    MessageError::new(code, detail)
}

pub(super) fn reply<T: serde::Serialize>(data: &T) -> Result<Payload, MessageError> {
    Payload::of(data).map_err(|error| MessageError::new(ErrorCode::Internal, error.to_string()))
}

#[cfg(test)]
mod tests;
