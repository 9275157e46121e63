//! Who sits where.

use std::collections::{BTreeMap, BTreeSet};

use sward_protocol::downstream::{AwayWhy, Member};
use sward_protocol::ids::{PlayerId, Seat};
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
    /// The taken seats, in the order in which they were taken.
    arrivals: Vec<Seat>,
    /// Whose players said that they are away from the keyboard, also while their connection is lost.
    keyboard: BTreeSet<Seat>,
    bytes: usize,
}

/// How full a room is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Occupancy {
    /// Seats taken, those of bots included.
    pub players: u16,
    /// Those of humans: a room without any is empty.
    pub humans: u16,
    /// Seats that a human could have, those of bots who give way included.
    pub free: u16,
}

impl Roster {
    /// An empty room of so many seats.
    #[must_use]
    pub fn new(seats_max: u16) -> Self {
        Self { seats_max, seated: BTreeMap::new(), arrivals: Vec::new(), keyboard: BTreeSet::new(), bytes: 0 }
    }

    /// Those who sat there when the room was saved, the order in which they had come, and who of them was away from the
    /// keyboard.
    #[must_use]
    pub fn restored(
        seats_max: u16,
        members: Vec<Member>,
        arrivals: Vec<Seat>,
        keyboard: BTreeSet<Seat>,
    ) -> Self {
        let bytes = members.iter().map(|member| member_bytes(&member.name, &member.me)).sum();
        let seated = members.into_iter().map(|Member { seat, id, name, me, why, bot, .. }| {
            (seat, Seated { id, name, me, away: why, bot })
        });
        Self { seats_max, seated: seated.collect(), arrivals, keyboard, bytes }
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

    /// The taken seats, in the order in which they were taken.
    #[must_use]
    pub fn arrivals(&self) -> &[Seat] {
        &self.arrivals
    }

    /// How full it is, where bots give way to humans or not.
    #[must_use]
    pub fn occupancy(&self, bots_yield: bool) -> Occupancy {
        let bots = self.seated.values().filter(|seated| seated.bot).count();
        let players = self.count();
        let humans = players - u16::try_from(bots).unwrap_or(players);
        let firm = if bots_yield { humans } else { players };
        Occupancy { players, humans, free: self.seats_max.saturating_sub(firm) }
    }

    /// Has so many seats from now on. Whether that is possible: there are no more players than that.
    pub fn resize(&mut self, seats_max: u16) -> bool {
        let is_possible = seats_max >= self.count();
        if is_possible {
            self.seats_max = seats_max;
        }
        is_possible
    }

    /// Who is to own the room after somebody who left: the human who sits there longest of those who are present, or else
    /// of those who are away.
    #[must_use]
    pub fn heir(&self) -> Option<Seat> {
        let humans = |away: bool| {
            let is_meant = move |seated: &Seated| !seated.bot && seated.away.is_some() == away;
            self.arrivals.iter().copied().find(|seat| self.seated.get(seat).is_some_and(is_meant))
        };
        humans(false).or_else(|| humans(true))
    }

    /// The bot who came last.
    #[must_use]
    pub fn last_bot(&self) -> Option<Seat> {
        let is_bot = |seat: &Seat| self.seated.get(seat).is_some_and(|seated| seated.bot);
        self.arrivals.iter().copied().rev().find(is_bot)
    }

    /// Whether anybody is away.
    #[must_use]
    pub fn anyone_away(&self) -> bool {
        self.seated.values().any(|seated| seated.away.is_some())
    }

    /// The seat of this player.
    #[must_use]
    pub fn seat_of(&self, id: PlayerId) -> Option<Seat> {
        self.seated.iter().find(|(_, seated)| seated.id == id).map(|(&seat, _)| seat)
    }

    /// Gives the newcomer the lowest free seat; `None` if every seat is taken, or the players take all the bytes that they
    /// may.
    pub fn admit(&mut self, newcomer: Newcomer) -> Option<Seat> {
        let Newcomer { id, name, me, .. } = newcomer;
        self.take_seat(Seated { id, name, me, away: None, bot: false })
    }

    /// Gives a bot the lowest free seat, as [`Roster::admit`].
    pub fn admit_bot(&mut self, id: PlayerId, name: String, me: Payload) -> Option<Seat> {
        self.take_seat(Seated { id, name, me, away: None, bot: true })
    }

    fn take_seat(&mut self, newcomer: Seated) -> Option<Seat> {
        let bytes = self.bytes + member_bytes(&newcomer.name, &newcomer.me);
        // A room that was made smaller may have players beyond its last seat: they count too.
        if bytes > ROSTER_BYTES_MAX || self.count() >= self.seats_max {
            return None;
        }
        let seat = (1..=self.seats_max).map(Seat).find(|seat| !self.seated.contains_key(seat))?;
        self.bytes = bytes;
        self.seated.insert(seat, newcomer);
        self.arrivals.push(seat);
        Some(seat)
    }

    /// Empties a seat. Who sat there.
    pub fn vacate(&mut self, seat: Seat) -> Option<Seated> {
        let seated = self.seated.remove(&seat)?;
        self.bytes -= member_bytes(&seated.name, &seated.me);
        self.arrivals.retain(|taken| *taken != seat);
        self.keyboard.remove(&seat);
        Some(seated)
    }

    /// Whose players said that they are away from the keyboard, also while their connection is lost.
    #[must_use]
    pub fn keyboard(&self) -> &BTreeSet<Seat> {
        &self.keyboard
    }

    /// Notes whether a player's connection is lost. Whether others see him change by that.
    pub fn set_lost(&mut self, seat: Seat, is_lost: bool) -> bool {
        let keyboard = self.keyboard.contains(&seat).then_some(AwayWhy::Keyboard);
        let away = if is_lost { Some(AwayWhy::Lost) } else { keyboard };
        self.seated.get_mut(&seat).is_some_and(|seated| std::mem::replace(&mut seated.away, away) != away)
    }

    /// Notes whether a player is away from the keyboard. Whether others see him change by that: while his connection is
    /// lost they do not, for they see the worse of the two.
    pub fn set_keyboard(&mut self, seat: Seat, is_away: bool) -> bool {
        let Some(seated) = self.seated.get(&seat) else { return false };
        let is_lost = seated.away == Some(AwayWhy::Lost);
        if is_away {
            self.keyboard.insert(seat);
        } else {
            self.keyboard.remove(&seat);
        }
        self.set_lost(seat, is_lost)
    }

    /// Everybody, as `joined` shows them.
    #[must_use]
    pub fn members(&self) -> Vec<Member> {
        let member = |(&seat, seated): (&Seat, &Seated)| {
            let Seated { id, name, me, away: why, bot } = seated.clone();
            Member { seat, id, name, me, away: why.is_some(), why, bot }
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
    use sward_protocol::ids::NodeId;

    fn newcomer(me: &str) -> Newcomer {
        let me = Payload::of(me).unwrap();
        Newcomer::new(PlayerId::from_random(NodeId(0), 1), "\"".repeat(24), me)
    }

    #[test]
    fn the_lowest_free_seat_is_given() {
        let mut roster = Roster::new(2);
        assert_eq!(roster.admit(newcomer("")), Some(Seat(1)));
        assert_eq!(roster.admit(newcomer("")), Some(Seat(2)));
        assert_eq!(roster.admit(newcomer("")), None);
        assert!(roster.vacate(Seat(1)).is_some());
        assert_eq!(roster.vacate(Seat(1)), None);
        assert_eq!(roster.admit(newcomer("")), Some(Seat(1)));
    }

    #[test]
    fn a_room_that_was_made_smaller_counts_those_beyond_its_last_seat() {
        let mut roster = Roster::new(4);
        (0..4).for_each(|_| assert!(roster.admit(newcomer("")).is_some()));
        assert!(!roster.resize(3));
        roster.vacate(Seat(1));
        assert!(roster.resize(3));
        assert_eq!(roster.admit(newcomer("")), None, "seat 1 is free, but three sit there");
        roster.vacate(Seat(4));
        assert_eq!(roster.admit(newcomer("")), Some(Seat(1)));
    }

    #[test]
    fn bots_take_seats_and_leave_the_room_empty_all_the_same() {
        let mut roster = Roster::new(3);
        let bot = |roster: &mut Roster| {
            roster.admit_bot(PlayerId::from_random(NodeId(0), 2), "Robin".to_owned(), Payload::null())
        };
        bot(&mut roster);
        bot(&mut roster);
        assert_eq!(roster.occupancy(false), Occupancy { players: 2, humans: 0, free: 1 });
        assert_eq!(roster.occupancy(true), Occupancy { players: 2, humans: 0, free: 3 });
        roster.admit(newcomer(""));
        assert_eq!(roster.occupancy(true), Occupancy { players: 3, humans: 1, free: 2 });
        assert_eq!((bot(&mut roster), roster.last_bot()), (None, Some(Seat(2))));
        assert_eq!(roster.heir(), Some(Seat(3)));
    }

    #[test]
    fn the_players_never_take_more_bytes_than_can_be_shown() {
        let mut roster = Roster::new(1000);
        while roster.admit(newcomer(&"x".repeat(1000))).is_some() {}
        assert!((500..1000).contains(&roster.count()));
        roster.arrivals().to_vec().into_iter().for_each(|seat| assert!(roster.set_keyboard(seat, true)));
        let shown = serde_json::to_string(&roster.members()).unwrap();
        assert!(shown.len() <= ROSTER_BYTES_MAX, "{}", shown.len());
        assert!(roster.vacate(Seat(1)).is_some());
        assert_eq!(roster.admit(newcomer(&"x".repeat(1000))), Some(Seat(1)));
    }
}
