//! From a match to a room where everybody sits; or back into the queue.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use actix_rt::ArbiterHandle;
use sward_protocol::downstream::{Event, GoneWhy};
use sward_protocol::ids::PlayerId;
use sward_protocol::payload::Payload;
use sward_protocol::social::{QueueNews, QueueState, QueueWhy};

use super::hall::Hall;
use super::matching::{Mode, news};
use crate::matchmaking::Rules;
use crate::matchmaking::queue::Ticket;
use crate::room::handle::RoomHandle;
use crate::room::input::Entry;

/// Matches of one party that may come to nothing before it is told so.
const TRIES_MAX: u8 = 3;

/// A match whose room is being made.
pub(super) struct Forming {
    pub(super) mode: Mode,
    pub(super) rules: Rules,
    pub(super) teams: Vec<Vec<Ticket>>,
    pub(super) mes: BTreeMap<PlayerId, Payload>,
}

impl Forming {
    fn teams(&self) -> Vec<Vec<PlayerId>> {
        let players = |team: &Vec<Ticket>| team.iter().flat_map(|ticket| ticket.players.clone()).collect();
        self.teams.iter().map(players).collect()
    }
}

impl Hall {
    /// Makes the room of a match, on the worker that took the request of one of its players.
    pub(super) fn start(self: &Arc<Self>, forming: Forming, worker: Option<ArbiterHandle>) {
        let hall = Arc::clone(self);
        let seat = move || {
            actix_rt::spawn(hall.seat(forming));
        };
        match worker {
            // It refuses only when the server stops.
            Some(worker) => {
                let _ = worker.spawn_fn(seat);
            }
            None => seat(),
        }
    }

    async fn seat(self: Arc<Self>, forming: Forming) {
        match self.try_seat(&forming).await {
            Ok(()) => {
                self.metrics.social.matches.with_label_values(&["ok"]).inc();
                let mut matching = self.matching();
                for ticket in forming.teams.iter().flatten() {
                    matching.forget(ticket);
                }
            }
            Err(lost) => {
                self.metrics.social.matches.with_label_values(&["failed"]).inc();
                self.put_back(forming, &lost);
            }
        }
    }

    /// Makes the room and seats everybody, team after team.
    ///
    /// # Errors
    /// Those who are missing; nobody else keeps a seat then. Nobody: the room itself could not be made.
    async fn try_seat(&self, forming: &Forming) -> Result<(), BTreeSet<PlayerId>> {
        let teams = forming.teams();
        let players: Vec<PlayerId> = teams.iter().flatten().copied().collect();
        let mut people = Vec::new();
        let mut lost = BTreeSet::new();
        for player in &players {
            match self.person(*player) {
                Some(person) => people.push(Arc::clone(&person.occupant)),
                None => {
                    lost.insert(*player);
                }
            }
        }
        if !lost.is_empty() {
            return Err(lost);
        }
        let (game, mode) = &forming.mode;
        let Some(first) = people.first() else { return Ok(()) };
        let first = self.admission.open_match(first, game, mode, forming.rules).map_err(|error| {
            tracing::warn!(%error, game, mode, "no room for a match");
            BTreeSet::new()
        })?;
        let room = first.room().clone();
        let mut reservation = Some(first);
        for occupant in &people {
            let held = reservation.take().or_else(|| self.directory.reserve_in(room.clone()));
            let me = forming.mes.get(&occupant.player.id).cloned().unwrap_or_default();
            // The room is locked: nobody else gets in, who learns its id while it fills.
            let entry = Entry { has_pass: true, ..Entry::from(me) };
            let seated = match held {
                Some(held) => RoomHandle::join(held, Arc::clone(occupant), entry).await.is_ok(),
                None => false,
            };
            if !seated {
                lost.insert(occupant.player.id);
            }
        }
        if lost.is_empty() {
            self.tell_matched(&forming.mode, &room, &teams);
            return Ok(());
        }
        let places = people.iter().filter_map(|occupant| occupant.place());
        for place in places.filter(|place| place.room.charter().id == room.charter().id) {
            place.room.leave_soon(place.stay, GoneWhy::Closed);
        }
        Err(lost)
    }

    /// A match came to nothing: those who are all there wait on, with the time that they have waited.
    fn put_back(&self, forming: Forming, lost: &BTreeSet<PlayerId>) {
        let now_ms = self.clock().now_ms();
        let mut matching = self.matching();
        let matching = &mut *matching;
        for mut ticket in forming.teams.into_iter().flatten() {
            ticket.tries += 1;
            let is_whole = matching.is_together(&ticket);
            let is_lost = ticket.players.iter().any(|player| lost.contains(player));
            match matching.queues.get_mut(&forming.mode) {
                Some(of_mode) if is_whole && !is_lost && ticket.tries < TRIES_MAX => {
                    of_mode.told_ms = 0;
                    of_mode.queue.add(ticket);
                }
                _ => {
                    matching.forget(&ticket);
                    let why = if is_whole { QueueWhy::Failed } else { QueueWhy::Party };
                    self.tell_left(&forming.mode, &ticket.players, why, now_ms);
                }
            }
        }
    }

    fn tell_matched(&self, (game, mode): &Mode, room: &RoomHandle, teams: &[Vec<PlayerId>]) {
        let news = QueueNews {
            room: Some(room.charter().id),
            teams: teams.to_vec(),
            ..news(QueueState::Matched, game, mode)
        };
        let players: Vec<_> = teams.iter().flatten().copied().collect();
        self.tell_players(&players, &Event::Queue(Box::new(news)), self.clock().now_ms());
    }
}
