//! Who sits where.

use std::collections::BTreeMap;

use sward_protocol::downstream::Member;
use sward_protocol::ids::Seat;
use sward_protocol::payload::Payload;

use crate::game::Seated;
use crate::room::input::Newcomer;

/// Bytes that the players may take in `joined`, which is at most 1 MiB with the game's state. A thousand players whose
/// own data is as large as it may be would make a room that nobody can be shown.
pub const ROSTER_BYTES_MAX: usize = 768 * 1024;
/// What a player takes there besides his name and his own data.
const MEMBER_BYTES: usize = 128;

/// The seats of a room, counted from 1.
#[derive(Debug, Clone, PartialEq)]
pub struct Roster {
    seats_max: u16,
    seated: BTreeMap<Seat, Seated>,
    bytes: usize,
}

impl Roster {
    /// An empty room of so many seats.
    #[must_use]
    pub fn new(seats_max: u16) -> Self {
        Self { seats_max, seated: BTreeMap::new(), bytes: 0 }
    }

    /// Those who sat there when the room was saved.
    #[must_use]
    pub fn restored(seats_max: u16, members: Vec<Member>) -> Self {
        let bytes = members.iter().map(|member| member_bytes(&member.name, &member.me)).sum();
        let seated = members
            .into_iter()
            .map(|Member { seat, id, name, me, away }| (seat, Seated { id, name, me, away }));
        Self { seats_max, seated: seated.collect(), bytes }
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

    /// Gives the newcomer the lowest free seat; `None` if every seat is taken, or the players take all the bytes that they
    /// may.
    pub fn admit(&mut self, newcomer: Newcomer) -> Option<Seat> {
        let bytes = self.bytes + member_bytes(&newcomer.name, &newcomer.me);
        if bytes > ROSTER_BYTES_MAX {
            return None;
        }
        let seat = (1..=self.seats_max).map(Seat).find(|seat| !self.seated.contains_key(seat))?;
        let Newcomer { id, name, me } = newcomer;
        self.bytes = bytes;
        self.seated.insert(seat, Seated { id, name, me, away: false });
        Some(seat)
    }

    /// Empties a seat. Whether somebody sat there.
    pub fn vacate(&mut self, seat: Seat) -> bool {
        let Some(seated) = self.seated.remove(&seat) else { return false };
        self.bytes -= member_bytes(&seated.name, &seated.me);
        true
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

/// An upper bound: a quotation mark in a name takes two bytes.
fn member_bytes(name: &str, me: &Payload) -> usize {
    MEMBER_BYTES + 2 * name.len() + me.json_len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use sward_protocol::ids::{NodeId, PlayerId};

    fn newcomer(me: &str) -> Newcomer {
        let me = Payload::of(me).unwrap();
        Newcomer { id: PlayerId::from_random(NodeId(0), 1), name: "\"".repeat(24), me }
    }

    #[test]
    fn the_lowest_free_seat_is_given() {
        let mut roster = Roster::new(2);
        assert_eq!(roster.admit(newcomer("")), Some(Seat(1)));
        assert_eq!(roster.admit(newcomer("")), Some(Seat(2)));
        assert_eq!(roster.admit(newcomer("")), None);
        assert!(roster.vacate(Seat(1)));
        assert!(!roster.vacate(Seat(1)));
        assert_eq!(roster.admit(newcomer("")), Some(Seat(1)));
    }

    #[test]
    fn the_players_never_take_more_bytes_than_can_be_shown() {
        let mut roster = Roster::new(1000);
        while roster.admit(newcomer(&"x".repeat(1000))).is_some() {}
        assert!((500..1000).contains(&roster.count()));
        let shown = serde_json::to_string(&roster.members()).unwrap();
        assert!(shown.len() <= ROSTER_BYTES_MAX, "{}", shown.len());
        assert!(roster.vacate(Seat(1)));
        assert_eq!(roster.admit(newcomer(&"x".repeat(1000))), Some(Seat(1)));
    }
}
