//! All rooms of this process.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use dashmap::{DashMap, Entry};
use sward_protocol::bye::CloseCode;
use sward_protocol::ids::{PlayerId, RoomId};

use super::actor::RoomActor;
use super::core::{Charter, RoomStep};
use super::handle::RoomHandle;
use super::lobby::{Filter, Lobby};
use super::occupant::Occupant;
use super::passes::Passes;
use super::recorder::Recorder;
use super::roster::Occupancy;
use crate::clock::Clock;
use crate::fanout::mailslot::Mailslot;
use crate::game::RoomPolicy;
use crate::metrics::Metrics;
use crate::operator::warnings::Warnings;

/// Bytes that are set aside for the blobs of all rooms together, unless the operator says otherwise.
pub const BLOB_BYTES_MAX: usize = 256 * 1024 * 1024;

/// Finds rooms by id, by code, and by what a player wants to play.
#[derive(Debug)]
pub struct Directory {
    rooms: DashMap<RoomId, RoomHandle>,
    codes: DashMap<String, RoomId>,
    lobby: Mutex<Lobby>,
    passes: Mutex<Passes>,
    warnings: Mutex<Warnings>,
    /// Who watches, in whatever room: to be told when the server stops.
    watchers: Mutex<Vec<Weak<Mailslot>>>,
    rooms_max: usize,
    blob_bytes_max: usize,
    /// Bytes set aside for the blobs of rooms. Grows under the lobby's lock only.
    blob_bytes: AtomicUsize,
    recorder: Option<Arc<Recorder>>,
    clock: Clock,
    metrics: Arc<Metrics>,
}

/// Why a room may not be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TooManyRooms {
    /// The bound on all rooms.
    #[error("the server has as many rooms as it may have")]
    Server,
    /// The bound on the bytes of all rooms' blobs.
    #[error("the server has no memory left for the blobs of one more room")]
    Blobs,
    /// The bound on rooms of this game.
    #[error("there are as many rooms of this game as there may be")]
    Game,
    /// The player's allowance.
    #[error("you have made as many rooms of this game as you may for now")]
    Player {
        /// When he may make another.
        retry_after_ms: u64,
    },
}

/// On whose account a room is made.
#[derive(Debug, Clone, Copy)]
pub struct Founding<'a> {
    /// Who makes it.
    pub founder: &'a Occupant,
    /// What he may.
    pub policy: RoomPolicy,
}

/// A seat held for somebody in a room, until the room has decided or this is dropped. It travels to the room with the
/// newcomer: a caller who stops waiting does not take it with him.
#[derive(Debug)]
pub struct Reservation {
    directory: Arc<Directory>,
    room: RoomHandle,
    is_first: bool,
    is_settled: bool,
}

impl Reservation {
    fn new(directory: &Arc<Directory>, room: RoomHandle) -> Self {
        Self { directory: Arc::clone(directory), room, is_first: false, is_settled: false }
    }

    fn first(directory: &Arc<Directory>, room: RoomHandle) -> Self {
        let mut reservation = Self::new(directory, room);
        reservation.is_first = true;
        reservation
    }

    /// Whether the room was made for whom this seat is held.
    #[must_use]
    pub fn is_first(&self) -> bool {
        self.is_first
    }

    /// The room.
    #[must_use]
    pub fn room(&self) -> &RoomHandle {
        &self.room
    }

    /// The room has decided about its newcomer; this is how full it is now.
    pub(super) fn settle(mut self, seats: Occupancy) {
        self.is_settled = true;
        self.directory.lobby().settle(self.room.charter().id, seats);
    }

    /// The room has turned its newcomer away.
    pub(super) fn turn_away(mut self) {
        self.is_settled = true;
        self.directory.lobby().turn_away(self.room.charter().id);
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        if !self.is_settled {
            self.directory.lobby().release(self.room.charter().id);
        }
    }
}

impl Directory {
    /// No rooms yet, and never more than `rooms_max`.
    #[must_use]
    pub fn new(rooms_max: usize, clock: Clock, metrics: Arc<Metrics>) -> Self {
        Self {
            rooms: DashMap::new(),
            codes: DashMap::new(),
            lobby: Mutex::default(),
            passes: Mutex::default(),
            warnings: Mutex::default(),
            watchers: Mutex::default(),
            rooms_max,
            blob_bytes_max: BLOB_BYTES_MAX,
            blob_bytes: AtomicUsize::new(0),
            recorder: None,
            clock,
            metrics,
        }
    }

    /// The same, with so many bytes for the blobs of all rooms, in place of [`BLOB_BYTES_MAX`].
    #[must_use]
    pub fn with_blob_bytes(self, blob_bytes_max: usize) -> Self {
        Self { blob_bytes_max, ..self }
    }

    /// The same, whose rooms are recorded.
    #[must_use]
    pub fn with_recorder(self, recorder: Option<Arc<Recorder>>) -> Self {
        Self { recorder, ..self }
    }

    /// What records the rooms, if anything does.
    #[must_use]
    pub fn recorder(&self) -> Option<&Arc<Recorder>> {
        self.recorder.as_ref()
    }

    /// The clock that rooms live by.
    #[must_use]
    pub fn clock(&self) -> Clock {
        self.clock
    }

    /// The numbers that rooms count in.
    #[must_use]
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// Which rooms are open. The lock is for a few steps only, never across an await.
    pub fn lobby(&self) -> MutexGuard<'_, Lobby> {
        self.lobby.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Somebody is about to watch a room.
    pub fn note_watcher(&self, mailslot: &Arc<Mailslot>) {
        let mut watchers = self.watchers.lock().unwrap_or_else(PoisonError::into_inner);
        // Those who watch no more are forgotten before there is more room for them than for the others.
        if watchers.len() == watchers.capacity() {
            watchers.retain(|watcher| watcher.strong_count() > 0);
        }
        watchers.push(Arc::downgrade(mailslot));
    }

    /// Ends the streams of all who watch.
    pub fn close_watchers(&self, code: CloseCode) {
        let watchers = std::mem::take(&mut *self.watchers.lock().unwrap_or_else(PoisonError::into_inner));
        for watcher in watchers.iter().filter_map(Weak::upgrade) {
            watcher.close(code);
        }
    }

    /// Tells the operator which rooms have a game that does not come to the end of its step: their thread is lost, with all
    /// rooms and connections on it, until the process is started anew. `known` are those that were told before; returns
    /// those of now.
    #[must_use]
    pub fn look_for_stuck(&self, known: &BTreeSet<RoomId>) -> BTreeSet<RoomId> {
        let stuck: BTreeSet<_> =
            self.rooms.iter().filter(|room| room.is_stuck()).map(|room| *room.key()).collect();
        self.metrics.games.stuck.set(i64::try_from(stuck.len()).unwrap_or(i64::MAX));
        for id in stuck.difference(known) {
            let Some(room) = self.rooms.get(id) else { continue };
            let game = &room.charter().game;
            tracing::error!(room = %id, %game, "the game is stuck, and its thread with it");
        }
        stuck
    }

    /// Admissions that were promised. The lock is for one step only, never across an await.
    pub fn passes(&self) -> MutexGuard<'_, Passes> {
        self.passes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What an operator said that stands. The lock is for a few steps only, never across an await.
    pub fn warnings(&self) -> MutexGuard<'_, Warnings> {
        self.warnings.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The room with this id.
    #[must_use]
    pub fn find(&self, id: RoomId) -> Option<RoomHandle> {
        self.rooms.get(&id).map(|room| room.value().clone())
    }

    /// The room with this short code, in capitals.
    #[must_use]
    pub fn find_code(&self, code: &str) -> Option<RoomHandle> {
        let id = self.codes.get(code).map(|id| *id.value())?;
        self.find(id)
    }

    /// Holds a seat in this room.
    #[must_use]
    pub fn reserve_in(self: &Arc<Self>, room: RoomHandle) -> Option<Reservation> {
        let known = self.lobby().reserve_in(room.charter().id);
        known.then(|| Reservation::new(self, room))
    }

    /// Holds a seat in the oldest room that fits and is not to be avoided; makes one with `make` when there is none.
    ///
    /// # Errors
    /// What `make` says, or [`TooManyRooms`].
    pub fn reserve_or_make<E: From<TooManyRooms>>(
        self: &Arc<Self>,
        game: &str,
        filter: &Filter,
        avoided: &[RoomId],
        founding: Founding<'_>,
        make: impl FnOnce() -> Result<Box<dyn RoomStep>, E>,
    ) -> Result<Reservation, E> {
        let player = founding.founder.player.id;
        if let Some(room) = self.reserve(&mut self.lobby(), game, filter, avoided, player) {
            return Ok(Reservation::new(self, room));
        }
        // A game may take its time to be made: the lobby is open to others meanwhile.
        let core = make()?;
        let mut lobby = self.lobby();
        // Of a crowd that arrives at once all make a room, but only the first one opens his.
        if let Some(room) = self.reserve(&mut lobby, game, filter, avoided, player) {
            drop(lobby);
            self.give_code_back(core.charter());
            return Ok(Reservation::new(self, room));
        }
        self.permit(&lobby, &*core, Some(founding))?;
        let room = self.open(&mut lobby, core);
        drop(lobby);
        Ok(Reservation::first(self, room))
    }

    /// Opens a room for its maker to be the first in.
    ///
    /// # Errors
    /// [`TooManyRooms`].
    pub fn open_for(
        self: &Arc<Self>,
        core: Box<dyn RoomStep>,
        founding: Founding<'_>,
    ) -> Result<Reservation, TooManyRooms> {
        let mut lobby = self.lobby();
        self.permit(&lobby, &*core, Some(founding))?;
        let room = self.open(&mut lobby, core);
        drop(lobby);
        Ok(Reservation::first(self, room))
    }

    /// Opens a room that nobody made, for whoever comes.
    ///
    /// # Errors
    /// [`TooManyRooms::Server`], [`TooManyRooms::Blobs`].
    pub fn open_standing(self: &Arc<Self>, core: Box<dyn RoomStep>) -> Result<(), TooManyRooms> {
        let mut lobby = self.lobby();
        self.permit(&lobby, &*core, None)?;
        let room = self.open(&mut lobby, core);
        // Nobody is on his way to it.
        lobby.release(room.charter().id);
        Ok(())
    }

    fn reserve(
        &self,
        lobby: &mut Lobby,
        game: &str,
        filter: &Filter,
        avoided: &[RoomId],
        player: PlayerId,
    ) -> Option<RoomHandle> {
        lobby.reserve(game, filter, avoided, Some(player)).and_then(|id| self.find(id))
    }

    /// Whether one more room may be made. A founder who may has made it: nothing else can stop him afterwards. Under the
    /// lobby's lock: of many at once, none slips past a bound. A room that may not be is dropped by the caller, without the
    /// lock: its game may take its time.
    fn permit(
        &self,
        lobby: &Lobby,
        core: &dyn RoomStep,
        founding: Option<Founding<'_>>,
    ) -> Result<(), TooManyRooms> {
        self.check_bounds(lobby, core, founding).inspect_err(|_| self.give_code_back(core.charter()))
    }

    fn check_bounds(
        &self,
        lobby: &Lobby,
        core: &dyn RoomStep,
        founding: Option<Founding<'_>>,
    ) -> Result<(), TooManyRooms> {
        if self.rooms.len() >= self.rooms_max {
            return Err(TooManyRooms::Server);
        }
        let blob_bytes = self.blob_bytes.load(Ordering::Relaxed).saturating_add(core.settings().blob_bytes);
        if core.settings().blob_bytes > 0 && blob_bytes > self.blob_bytes_max {
            return Err(TooManyRooms::Blobs);
        }
        let game = core.charter().game.as_str();
        let Some(Founding { founder, policy }) = founding else { return Ok(()) };
        if policy.rooms_max.is_some_and(|rooms_max| lobby.rooms_of(game) >= rooms_max) {
            return Err(TooManyRooms::Game);
        }
        let made = founder.makings().make(game, policy, self.clock.now_ms());
        made.map_err(|retry_after_ms| TooManyRooms::Player { retry_after_ms })
    }

    /// Starts a room that was permitted, on the current thread: workers take turns with connections, and so rooms spread
    /// over them.
    fn open(self: &Arc<Self>, lobby: &mut Lobby, core: Box<dyn RoomStep>) -> RoomHandle {
        let room = RoomActor::open(core, Arc::clone(self));
        self.blob_bytes.fetch_add(room.shelf().bytes_max(), Ordering::Relaxed);
        self.metrics.blobs.bytes_reserved.add(gauged(room.shelf().bytes_max()));
        self.rooms.insert(room.charter().id, room.clone());
        self.metrics.rooms.inc();
        lobby.open(Charter::clone(room.charter()));
        room
    }

    /// Gives a code to a room that is about to be opened. Whether it was free.
    pub fn take_code(&self, code: &str, id: RoomId) -> bool {
        match self.codes.entry(code.to_owned()) {
            Entry::Occupied(_) => false,
            Entry::Vacant(free) => {
                free.insert(id);
                true
            }
        }
    }

    fn give_code_back(&self, charter: &Charter) {
        self.codes.remove_if(&charter.code, |_, id| *id == charter.id);
    }

    /// Takes a room out, unless somebody is on his way to it. Whether it did.
    pub(super) fn close_if_deserted(&self, charter: &Charter) -> bool {
        let mut lobby = self.lobby();
        if !lobby.is_deserted(charter.id) {
            return false;
        }
        lobby.close(charter.id);
        drop(lobby);
        self.forget(charter);
        true
    }

    /// Takes a room out.
    pub(super) fn close(&self, charter: &Charter) {
        self.lobby().close(charter.id);
        self.forget(charter);
    }

    fn forget(&self, charter: &Charter) {
        self.give_code_back(charter);
        let room = self.rooms.remove(&charter.id);
        // After that: who warns a room looks afterwards whether it is still there.
        self.warnings().forget_room(charter.id);
        if let Some((_, room)) = room {
            room.shelf().close();
            self.blob_bytes.fetch_sub(room.shelf().bytes_max(), Ordering::Relaxed);
            self.metrics.blobs.bytes_reserved.sub(gauged(room.shelf().bytes_max()));
            self.metrics.rooms.dec();
        }
    }
}

fn gauged(bytes: usize) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}
