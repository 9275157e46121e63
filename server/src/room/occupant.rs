//! What a room knows of a session: who he is, where his events go, and which seat is his.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sward_protocol::ids::{PlayerId, Seat};
use sward_protocol::session::Player;

use crate::fanout::flush::Flush;
use crate::fanout::mailslot::{Mailslot, Tenancy};
use crate::fanout::wake::Wakes;
use crate::game::policy::Makings;
use crate::room::handle::RoomHandle;

/// One stay of one player on one seat: names it for good, though the seat may be given to another later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stay {
    /// Who.
    pub player: PlayerId,
    /// Where.
    pub seat: Seat,
    /// Which of his stays.
    pub tenancy: Tenancy,
}

/// Where a session sits.
#[derive(Debug, Clone)]
pub struct Place {
    /// The room.
    pub room: RoomHandle,
    /// The stay in it.
    pub stay: Stay,
}

#[derive(Debug, Default)]
struct Seating {
    place: Option<Place>,
    tenancies: u64,
    ended: bool,
}

/// The session ended while its player was on the way to a seat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionEnded;

/// A session, as rooms see it.
#[derive(Debug)]
pub struct Occupant {
    /// Who he is.
    pub player: Player,
    /// Where his events go.
    pub mailslot: Mailslot,
    seating: Mutex<Seating>,
    makings: Mutex<Makings>,
    away: AtomicBool,
}

impl Occupant {
    /// Somebody who sits nowhere.
    #[must_use]
    pub fn new(player: Player, mailslot: Mailslot) -> Self {
        let (seating, makings) = (Mutex::default(), Mutex::default());
        Self { player, mailslot, seating, makings, away: AtomicBool::new(false) }
    }

    /// Whether he may be lost. Rooms read it when they hear that it changed, so that news in the wrong order do no harm.
    #[must_use]
    pub fn is_away(&self) -> bool {
        self.away.load(Ordering::Acquire)
    }

    /// Notes whether he may be lost.
    pub fn set_away(&self, away: bool) {
        self.away.store(away, Ordering::Release);
    }

    /// When he made rooms. The lock is for one step only, and nothing else is locked under it.
    pub(crate) fn makings(&self) -> MutexGuard<'_, Makings> {
        self.makings.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where he sits.
    #[must_use]
    pub fn place(&self) -> Option<Place> {
        self.seating().place.clone()
    }

    /// A room gave him a seat: from here on he hears that room alone. His stay, and the place that he had before.
    ///
    /// # Errors
    /// [`SessionEnded`]: nobody would ever give the seat back, so the room must.
    pub fn sit(
        &self,
        room: RoomHandle,
        seat: Seat,
        joined: &Arc<Flush>,
        now_ms: u64,
        wakes: &mut Wakes,
    ) -> Result<(Stay, Option<Place>), SessionEnded> {
        // Seat and events change hands under one lock: two rooms that admit him at once agree on who came last.
        let mut seating = self.seating();
        if seating.ended {
            return Err(SessionEnded);
        }
        seating.tenancies += 1;
        let stay = Stay { player: self.player.id, seat, tenancy: Tenancy(seating.tenancies) };
        self.mailslot.move_in(stay.tenancy, joined, now_ms, wakes);
        let before = seating.place.replace(Place { room, stay });
        Ok((stay, before))
    }

    /// Whether the session is over.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.seating().ended
    }

    /// The session is over: he takes no seat any more. The place that he has to leave.
    pub fn end(&self) -> Option<Place> {
        let mut seating = self.seating();
        seating.ended = true;
        seating.place.clone()
    }

    /// The room took the seat back. If he has moved on already, he does not hear of it.
    pub fn stand_up(&self, stay: Stay, gone: &Arc<Flush>, now_ms: u64, wakes: &mut Wakes) {
        let mut seating = self.seating();
        if seating.place.as_ref().is_some_and(|place| place.stay == stay) {
            seating.place = None;
        }
        self.mailslot.move_out(stay.tenancy, gone, now_ms, wakes);
    }

    fn seating(&self) -> MutexGuard<'_, Seating> {
        // Nothing under this lock panics half-way through a change that matters.
        self.seating.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
