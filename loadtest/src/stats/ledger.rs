//! The account of every message: each (sender, receiver) pair of a room, exactly once and in order.

use std::collections::BTreeSet;

use serde::Serialize;
use sward_protocol::ids::Seat;

use crate::marker::{Marker, RunTag};

/// Where a bot sits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The room's index among the rooms of this run.
    pub room: usize,
    /// The bot's index among the members of its room.
    pub slot: usize,
    /// The seat that the server gave it.
    pub seat: Seat,
}

/// Who sits where, and how many messages each will send: known before the first message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Roster {
    /// This run's mark.
    pub run: RunTag,
    /// By bot.
    pub places: Vec<Place>,
    /// Messages that each bot is scheduled to send.
    pub scheduled: Vec<u64>,
    /// Bots in each room.
    pub room_sizes: Vec<usize>,
}

/// What became of one bot's messages on their way to the server.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sent {
    /// The messages 1 to this were taken by the server.
    pub accepted: u64,
    /// Those of them that it reported as failed: nobody is to receive them.
    pub refused: BTreeSet<u64>,
}

/// What a received message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Observation {
    /// The next one, or one after a hole.
    Delivered,
    /// Received for the first time, but behind a later one of the same sender.
    Reordered,
    /// Received before.
    Doubled,
    /// Not for this receiver: from another room, its own echo, under a false seat, or never sent.
    Misrouted,
    /// None of this run's messages.
    Foreign,
}

/// Counts of (message, receiver) pairs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Account {
    /// What should have arrived: each accepted message at each other member of the room.
    pub expected: u64,
    /// Received, each message once. May exceed `expected` by messages whose acceptance was never confirmed.
    pub delivered: u64,
    /// Expected and never received.
    pub lost: u64,
    /// Received again.
    pub doubled: u64,
    /// Received behind a later one.
    pub reordered: u64,
    /// Received by somebody they were not for, or altered.
    pub misrouted: u64,
    /// `msg` events that carried no message of this run.
    pub foreign: u64,
}

impl Account {
    /// Adds another account's counts.
    pub fn add(&mut self, other: &Self) {
        self.expected += other.expected;
        self.delivered += other.delivered;
        self.lost += other.lost;
        self.doubled += other.doubled;
        self.reordered += other.reordered;
        self.misrouted += other.misrouted;
        self.foreign += other.foreign;
    }
}

/// One receiver's account.
#[derive(Debug)]
pub struct Ledger {
    receiver: usize,
    /// By the sender's slot in the room.
    pairs: Vec<Pair>,
    account: Account,
}

/// What one receiver has of one sender: everything below `next` that is not missing.
#[derive(Debug, Clone)]
struct Pair {
    next: u64,
    missing: BTreeSet<u64>,
}

impl Ledger {
    /// An empty account for the bot `receiver`.
    #[must_use]
    pub fn new(receiver: usize) -> Self {
        Self { receiver, pairs: Vec::new(), account: Account::default() }
    }

    /// Notes a received message that was sent from seat `from`.
    pub fn observe(&mut self, roster: &Roster, from: Seat, marker: &Marker) -> Observation {
        let observation = self.judge(roster, from, marker);
        match observation {
            Observation::Delivered => self.account.delivered += 1,
            Observation::Reordered => {
                self.account.delivered += 1;
                self.account.reordered += 1;
            }
            Observation::Doubled => self.account.doubled += 1,
            Observation::Misrouted => self.account.misrouted += 1,
            Observation::Foreign => self.account.foreign += 1,
        }
        observation
    }

    /// Notes a `msg` event without a marker.
    pub fn observe_foreign(&mut self) {
        self.account.foreign += 1;
    }

    fn judge(&mut self, roster: &Roster, from: Seat, marker: &Marker) -> Observation {
        if marker.run != roster.run {
            return Observation::Foreign;
        }
        let sender = marker.sender as usize;
        let here = roster.places[self.receiver];
        let Some(there) = roster.places.get(sender) else {
            return Observation::Misrouted;
        };
        let was_sent = (1..=roster.scheduled[sender]).contains(&marker.number);
        if sender == self.receiver || there.room != here.room || there.seat != from || !was_sent {
            return Observation::Misrouted;
        }
        if self.pairs.is_empty() {
            self.pairs = vec![Pair { next: 1, missing: BTreeSet::new() }; roster.room_sizes[here.room]];
        }
        self.pairs[there.slot].observe(marker.number)
    }

    /// Closes the account against what was `sent`, by bot: what was expected, and what of it is lost.
    #[must_use]
    pub fn settle(&self, roster: &Roster, sent: &[Sent]) -> Account {
        let mut account = self.account;
        let here = roster.places[self.receiver];
        for (sender, there) in roster.places.iter().enumerate() {
            if sender == self.receiver || there.room != here.room {
                continue;
            }
            let sent = &sent[sender];
            account.expected += sent.accepted - sent.refused.len() as u64;
            account.lost += match self.pairs.get(there.slot) {
                Some(pair) => pair.lost(sent),
                None => sent.accepted - sent.refused.len() as u64,
            };
        }
        account
    }
}

impl Pair {
    fn observe(&mut self, number: u64) -> Observation {
        if number >= self.next {
            self.missing.extend(self.next..number);
            self.next = number + 1;
            Observation::Delivered
        } else if self.missing.remove(&number) {
            Observation::Reordered
        } else {
            Observation::Doubled
        }
    }

    fn lost(&self, sent: &Sent) -> u64 {
        let skipped = self.missing.range(..=sent.accepted);
        let unseen = self.next..=sent.accepted;
        skipped.copied().chain(unseen).filter(|number| !sent.refused.contains(number)).count() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RUN: RunTag = RunTag(7);

    /// Bots 0 and 1 sit in one room, 2 and 3 in another; each sends 5 messages.
    fn roster() -> Roster {
        let place = |room, slot| Place { room, slot, seat: Seat(slot as u16 + 1) };
        Roster {
            run: RUN,
            places: vec![place(0, 0), place(0, 1), place(1, 0), place(1, 1)],
            scheduled: vec![5; 4],
            room_sizes: vec![2, 2],
        }
    }

    fn sent(accepted: u64, refused: &[u64]) -> Vec<Sent> {
        vec![Sent { accepted, refused: refused.iter().copied().collect() }; 4]
    }

    fn marker(sender: u32, number: u64) -> Marker {
        Marker { run: RUN, sender, number, intended_us: 0 }
    }

    /// The account of bot 0 after messages with these numbers from bot 1.
    fn after(numbers: &[u64], sent: &[Sent]) -> Account {
        let roster = roster();
        let mut ledger = Ledger::new(0);
        for &number in numbers {
            ledger.observe(&roster, Seat(2), &marker(1, number));
        }
        ledger.settle(&roster, sent)
    }

    const CLEAN: Account =
        Account { expected: 5, delivered: 5, lost: 0, doubled: 0, reordered: 0, misrouted: 0, foreign: 0 };

    #[test]
    fn everything_once_and_in_order_is_clean() {
        assert_eq!(after(&[1, 2, 3, 4, 5], &sent(5, &[])), CLEAN);
    }

    #[test]
    fn a_lost_message_is_caught_at_the_start_in_the_middle_and_at_the_end() {
        for numbers in [[2, 3, 4, 5], [1, 2, 4, 5], [1, 2, 3, 4]] {
            let want = Account { delivered: 4, lost: 1, ..CLEAN };
            assert_eq!(after(&numbers, &sent(5, &[])), want, "{numbers:?}");
        }
        assert_eq!(after(&[], &sent(5, &[])), Account { delivered: 0, lost: 5, ..CLEAN });
    }

    #[test]
    fn a_doubled_message_is_caught_at_once_and_later() {
        for numbers in [[1, 1, 2, 3, 4, 5], [1, 2, 3, 4, 5, 1], [1, 2, 3, 4, 5, 5]] {
            assert_eq!(after(&numbers, &sent(5, &[])), Account { doubled: 1, ..CLEAN }, "{numbers:?}");
        }
    }

    #[test]
    fn a_message_behind_a_later_one_is_reordered_and_not_lost() {
        assert_eq!(after(&[1, 3, 2, 4, 5], &sent(5, &[])), Account { reordered: 1, ..CLEAN });
        assert_eq!(after(&[5, 4, 3, 2, 1], &sent(5, &[])), Account { reordered: 4, ..CLEAN });
        let doubled_too = Account { reordered: 1, doubled: 1, ..CLEAN };
        assert_eq!(after(&[2, 1, 1, 3, 4, 5], &sent(5, &[])), doubled_too);
    }

    #[test]
    fn what_the_server_refused_is_not_expected() {
        assert_eq!(after(&[1, 2, 4], &sent(5, &[3, 5])), Account { expected: 3, delivered: 3, ..CLEAN });
        let lost = Account { expected: 3, delivered: 2, lost: 1, ..CLEAN };
        assert_eq!(after(&[1, 4], &sent(5, &[3, 5])), lost);
        assert_eq!(after(&[], &sent(5, &[1, 2, 3, 4, 5])), Account { expected: 0, delivered: 0, ..CLEAN });
    }

    #[test]
    fn what_was_never_confirmed_may_arrive_or_not() {
        assert_eq!(after(&[1, 2, 3], &sent(3, &[])), Account { expected: 3, delivered: 3, ..CLEAN });
        assert_eq!(after(&[1, 2, 3, 4], &sent(3, &[])), Account { expected: 3, ..CLEAN }.with_delivered(4));
        assert_eq!(after(&[1, 2, 3, 5], &sent(3, &[])), Account { expected: 3, ..CLEAN }.with_delivered(4));
    }

    impl Account {
        fn with_delivered(self, delivered: u64) -> Self {
            Self { delivered, ..self }
        }
    }

    #[test]
    fn a_message_for_somebody_else_is_misrouted() {
        let roster = roster();
        let check = |from: u16, marker: Marker, want| {
            let mut ledger = Ledger::new(0);
            assert_eq!(ledger.observe(&roster, Seat(from), &marker), want, "{marker:?}");
        };
        check(2, marker(1, 1), Observation::Delivered);
        check(1, marker(0, 1), Observation::Misrouted);
        check(1, marker(2, 1), Observation::Misrouted);
        check(2, marker(3, 1), Observation::Misrouted);
        check(1, marker(1, 1), Observation::Misrouted);
        check(2, marker(4, 1), Observation::Misrouted);
        check(2, marker(1, 0), Observation::Misrouted);
        check(2, marker(1, 6), Observation::Misrouted);
        check(2, Marker { run: RunTag(8), ..marker(1, 1) }, Observation::Foreign);
    }

    #[test]
    fn misrouted_and_foreign_messages_are_counted_beside_the_good_ones() {
        let roster = roster();
        let mut ledger = Ledger::new(0);
        for number in 1..=5 {
            ledger.observe(&roster, Seat(2), &marker(1, number));
            ledger.observe(&roster, Seat(2), &marker(3, number));
        }
        ledger.observe_foreign();
        let account = ledger.settle(&roster, &sent(5, &[]));
        assert_eq!(account, Account { misrouted: 5, foreign: 1, ..CLEAN });
    }

    #[test]
    fn accounts_add_up() {
        let mut sum = CLEAN;
        sum.add(&Account { lost: 2, doubled: 3, reordered: 4, misrouted: 5, foreign: 6, ..CLEAN });
        let want = Account {
            expected: 10,
            delivered: 10,
            lost: 2,
            doubled: 3,
            reordered: 4,
            misrouted: 5,
            foreign: 6,
        };
        assert_eq!(sum, want);
    }
}
