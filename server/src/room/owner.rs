//! Whose room it is.

use serde::{Deserialize, Serialize};
use sward_protocol::ids::{PlayerId, Seat};

use crate::room::roster::Roster;

/// Whose room it is: its creator's, until he hands it over or leaves.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ownership {
    /// Whether anybody may own it.
    is_possible: bool,
    owner: Option<Seat>,
    /// Who made the room and has not come yet. A crowd that is sent there may be quicker than he is.
    creator: Option<PlayerId>,
}

impl Ownership {
    /// Of an empty room that this player made.
    #[must_use]
    pub fn new(is_possible: bool, creator: Option<PlayerId>) -> Self {
        Self { is_possible, owner: None, creator }
    }

    /// Whose it is.
    #[must_use]
    pub fn owner(&self) -> Option<Seat> {
        self.owner
    }

    /// A human took a seat: the room is his if it is nobody's, or if he made it and comes for the first time.
    pub fn arrive(&mut self, seat: Seat, id: PlayerId) {
        let is_creator = self.creator == Some(id);
        if is_creator {
            self.creator = None;
        }
        if self.is_possible && (is_creator || self.owner.is_none()) {
            self.owner = Some(seat);
        }
    }

    /// A seat was given up; `roster` is without it. The room goes to whoever sits there longest and is present; of those
    /// who are all away, to the one who sits there longest.
    pub fn depart(&mut self, seat: Seat, roster: &Roster) {
        if self.owner == Some(seat) {
            self.owner = roster.heir();
        }
    }

    /// The owner hands the room over.
    pub fn give(&mut self, seat: Seat) {
        self.owner = Some(seat).filter(|_| self.is_possible);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::room::input::Newcomer;
    use sward_protocol::ids::NodeId;
    use sward_protocol::payload::Payload;

    fn id(number: u128) -> PlayerId {
        PlayerId::from_random(NodeId(0), number)
    }

    fn sit(roster: &mut Roster, ownership: &mut Ownership, number: u128) -> Seat {
        let newcomer = Newcomer::new(id(number), String::new(), Payload::null());
        let seat = roster.admit(newcomer).unwrap();
        ownership.arrive(seat, id(number));
        seat
    }

    #[test]
    fn a_room_is_its_creator_s_even_if_others_were_quicker() {
        let (mut roster, mut ownership) = (Roster::new(9), Ownership::new(true, Some(id(7))));
        let first = sit(&mut roster, &mut ownership, 1);
        assert_eq!(ownership.owner(), Some(first));
        let creator = sit(&mut roster, &mut ownership, 7);
        assert_eq!(ownership.owner(), Some(creator));
        roster.vacate(creator);
        ownership.depart(creator, &roster);
        assert_eq!(ownership.owner(), Some(first));
        sit(&mut roster, &mut ownership, 7);
        assert_eq!(ownership.owner(), Some(first), "he gave it up when he left");
    }

    #[test]
    fn it_goes_to_the_longest_seated_who_is_present_and_never_to_a_bot() {
        let (mut roster, mut ownership) = (Roster::new(9), Ownership::new(true, None));
        let [one, two, three] = [1, 2, 3].map(|number| sit(&mut roster, &mut ownership, number));
        roster.admit_bot(id(4), "Robin".to_owned(), Payload::null());
        roster.vacate(two);
        let again = sit(&mut roster, &mut ownership, 2);
        assert_eq!(again, two, "a low seat, taken late");
        roster.set_lost(three, true);
        for (gone, heir) in [(one, Some(again)), (again, Some(three)), (three, None)] {
            roster.vacate(gone);
            ownership.depart(gone, &roster);
            assert_eq!(ownership.owner(), heir);
        }
        let next = sit(&mut roster, &mut ownership, 5);
        assert_eq!(ownership.owner(), Some(next));
    }

    #[test]
    fn a_room_that_nobody_owns_stays_nobody_s() {
        let (mut roster, mut ownership) = (Roster::new(9), Ownership::new(false, Some(id(1))));
        let seat = sit(&mut roster, &mut ownership, 1);
        ownership.give(seat);
        assert_eq!(ownership.owner(), None);
    }
}
