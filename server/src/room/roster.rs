//! Who sits where.

use std::collections::BTreeMap;

use sward_protocol::downstream::Member;
use sward_protocol::ids::Seat;

use crate::game::Seated;
use crate::room::input::Newcomer;

/// The seats of a room, counted from 1.
#[derive(Debug, Clone, PartialEq)]
pub struct Roster {
    seats_max: u16,
    seated: BTreeMap<Seat, Seated>,
}

impl Roster {
    /// An empty room of so many seats.
    #[must_use]
    pub fn new(seats_max: u16) -> Self {
        Self { seats_max, seated: BTreeMap::new() }
    }

    /// Who sits where.
    #[must_use]
    pub fn seated(&self) -> &BTreeMap<Seat, Seated> {
        &self.seated
    }

    /// Seats taken.
    #[must_use]
    pub fn count(&self) -> u16 {
        // `admit` never seats more than `seats_max`, which is a u16.
        u16::try_from(self.seated.len()).unwrap_or(u16::MAX)
    }

    /// Gives the newcomer the lowest free seat; `None` if every seat is taken.
    pub fn admit(&mut self, newcomer: Newcomer) -> Option<Seat> {
        let seat = (1..=self.seats_max).map(Seat).find(|seat| !self.seated.contains_key(seat))?;
        let Newcomer { id, name, me } = newcomer;
        self.seated.insert(seat, Seated { id, name, me, away: false });
        Some(seat)
    }

    /// Empties a seat. Whether somebody sat there.
    pub fn vacate(&mut self, seat: Seat) -> bool {
        self.seated.remove(&seat).is_some()
    }

    /// Notes whether a player is away. Whether that is news.
    pub fn set_away(&mut self, seat: Seat, away: bool) -> bool {
        self.seated.get_mut(&seat).is_some_and(|seated| std::mem::replace(&mut seated.away, away) != away)
    }

    /// Everybody, as `joined` shows them.
    #[must_use]
    pub fn members(&self) -> Vec<Member> {
        let member = |(&seat, seated): (&Seat, &Seated)| {
            let Seated { id, name, me, away } = seated.clone();
            Member { seat, id, name, me, away }
        };
        self.seated.iter().map(member).collect()
    }
}
