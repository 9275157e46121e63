//! Which of the others' numbered messages one player received. Pure.
//!
//! Each player numbers what he says to the room from 1. Without a `reset` the numbers of each author come in order and
//! without a hole; behind a `reset` comes `joined`, and then the account goes on, with a hole at most.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sward_loadtest::client::ClientEvent;
use sward_protocol::downstream::{Event, Joined, Msg};
use sward_protocol::ids::Seat;

/// The type of a numbered message.
pub const NUMBERED: &str = "numbered";
/// The type of a message with a key, of which only the newest has to arrive.
pub const LATEST: &str = "latest";

/// The data of both.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Numbered {
    /// From 1.
    pub n: u64,
    /// It is the author's last one.
    #[serde(default)]
    pub is_last: bool,
    /// To make it larger.
    #[serde(default)]
    pub filling: String,
}

/// What came of one author.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Author {
    last: u64,
    newest: u64,
    may_skip: bool,
    has_said_all: bool,
    newest_is_last: bool,
}

/// One player's account.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Account {
    /// His own seat, once he sits.
    pub seat: Option<Seat>,
    authors: BTreeMap<Seat, Author>,
    awaits_joined: bool,
    /// Numbered messages that came.
    pub delivered: u64,
    /// Messages with a key that came.
    pub updates: u64,
    /// Numbered messages that a `reset` swallowed.
    pub missing: u64,
    pub resets: u64,
    /// Why, each time.
    reasons: Vec<String>,
    /// Sessions that were replaced by a new one.
    pub renewals: u64,
    /// Messages that a session which ended gave back.
    pub returned: u64,
    /// What must not happen; nothing after it counts.
    pub broken: Option<String>,
}

impl Account {
    /// Takes the next event.
    pub fn take(&mut self, event: &ClientEvent) {
        if self.broken.is_none() {
            self.broken = self.judge(event).err();
        }
    }

    /// The seats of all whom this player knows to sit in his room.
    pub fn seats(&self) -> Vec<Seat> {
        self.authors.keys().copied().collect()
    }

    /// Whether every other one has said his last word.
    pub fn is_complete(&self) -> bool {
        self.others().all(|author| author.has_said_all)
    }

    /// Whether the last value of each other one's key came.
    pub fn is_up_to_date(&self) -> bool {
        self.others().all(|author| author.newest_is_last)
    }

    fn others(&self) -> impl Iterator<Item = &Author> {
        self.authors.iter().filter(|(seat, _)| Some(**seat) != self.seat).map(|(_, author)| author)
    }

    fn judge(&mut self, event: &ClientEvent) -> Result<(), String> {
        match event {
            ClientEvent::Event { event, .. } => self.judge_event(event),
            ClientEvent::Reset { why } => {
                self.resets += 1;
                self.reasons.push(format!("{why:?}"));
                self.awaits_joined = self.seat.is_some();
                Ok(())
            }
            ClientEvent::Renewed { unsent, uncertain, .. } => {
                self.renewals += 1;
                self.returned += (unsent.len() + uncertain.len()) as u64;
                self.seat = None;
                self.authors.clear();
                self.awaits_joined = false;
                Ok(())
            }
            ClientEvent::Refused { .. } | ClientEvent::Ended { .. } => Err(format!("{event:?}")),
            _ => Ok(()),
        }
    }

    fn judge_event(&mut self, event: &Event) -> Result<(), String> {
        match event {
            Event::Joined(joined) => return self.judge_joined(joined),
            _ if self.awaits_joined && !matches!(event, Event::Pong(_)) => {
                return Err(format!("between reset and joined came {event:?}"));
            }
            Event::Here(here) => {
                self.authors.insert(here.seat, Author::default());
            }
            Event::Gone(gone) => return Err(format!("nobody left, but {gone:?}")),
            Event::Msg(msg) => return self.judge_message(msg),
            _ => {}
        }
        Ok(())
    }

    fn judge_joined(&mut self, joined: &Joined) -> Result<(), String> {
        let is_first = self.seat.is_none();
        if !is_first && !self.awaits_joined {
            return Err("joined came again without a reset".to_owned());
        }
        if self.seat.is_some_and(|seat| seat != joined.seat) {
            return Err(format!("the seat became {:?}", joined.seat));
        }
        self.awaits_joined = false;
        self.seat = Some(joined.seat);
        let known: Vec<_> = joined.players.iter().map(|member| member.seat).collect();
        if let Some(lost) = self.authors.keys().find(|seat| !known.contains(seat)) {
            return Err(format!("{lost:?} is not in the snapshot"));
        }
        for seat in known {
            self.authors.entry(seat).or_default().may_skip = !is_first;
        }
        Ok(())
    }

    fn judge_message(&mut self, msg: &Msg) -> Result<(), String> {
        let numbered: Numbered = msg.data.parse().map_err(|error| format!("{msg:?}: {error}"))?;
        let Some(author) = self.authors.get_mut(&msg.from) else {
            return Err(format!("from an empty seat came {msg:?}"));
        };
        if msg.kind == LATEST {
            self.updates += 1;
            if numbered.n <= author.newest {
                return Err(format!("behind value {} of {:?} came {}", author.newest, msg.from, numbered.n));
            }
            author.newest = numbered.n;
            author.newest_is_last = numbered.is_last;
            return Ok(());
        }
        let expected = author.last + 1;
        if numbered.n < expected || numbered.n > expected && !author.may_skip {
            return Err(format!("of {:?} came {} instead of {expected}", msg.from, numbered.n));
        }
        self.missing += numbered.n - expected;
        self.delivered += 1;
        author.last = numbered.n;
        author.may_skip = false;
        author.has_said_all |= numbered.is_last;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use sward_loadtest::client::ResetWhy;
    use sward_protocol::ids::{Epoch, EventId};
    use sward_protocol::payload::Payload;

    use super::*;

    fn event(event: Event) -> ClientEvent {
        ClientEvent::Event { id: Some(EventId { epoch: Epoch(1), seq: 1 }), event }
    }

    fn joined(seats: &[u16]) -> ClientEvent {
        let member = |seat: &u16| serde_json::json!({"seat": seat, "id": uuid::Uuid::nil(), "name": "", "me": null, "away": false});
        let players: Vec<_> = seats.iter().map(member).collect();
        let room = serde_json::json!({"id": uuid::Uuid::nil(), "game": "relay", "code": "KXQZ", "name": "",
            "max_players": 9, "players": 2, "private": false, "meta": {}});
        let data = serde_json::json!({"room": room, "seat": 1, "players": players, "state": null});
        event(Event::Joined(serde_json::from_value(data).unwrap()))
    }

    fn said(kind: &str, n: u64) -> ClientEvent {
        let data = Payload::of(&Numbered { n, is_last: n == 3, filling: String::new() }).unwrap();
        event(Event::Msg(Msg { from: Seat(2), kind: kind.to_owned(), data }))
    }

    fn reset() -> ClientEvent {
        ClientEvent::Reset { why: ResetWhy::Fresh }
    }

    fn after(events: &[ClientEvent]) -> Account {
        let mut account = Account::default();
        account.take(&joined(&[1, 2]));
        for event in events {
            account.take(event);
        }
        account
    }

    fn numbers(numbers: &[u64]) -> Account {
        after(&numbers.iter().map(|n| said(NUMBERED, *n)).collect::<Vec<_>>())
    }

    #[test]
    fn everything_once_and_in_order_is_right() {
        let account = numbers(&[1, 2, 3]);
        assert_eq!((account.broken.as_ref(), account.delivered, account.missing), (None, 3, 0));
        assert!(account.is_complete());
        assert!(!numbers(&[1, 2]).is_complete());
    }

    #[test]
    fn what_is_lost_doubled_or_reordered_is_caught() {
        for wrong in [&[2][..], &[1, 1], &[1, 3], &[1, 2, 1]] {
            assert!(numbers(wrong).broken.is_some(), "{wrong:?}");
        }
    }

    #[test]
    fn behind_a_reset_and_its_snapshot_there_may_be_a_hole_but_no_repeat() {
        let (one, three) = (said(NUMBERED, 1), said(NUMBERED, 3));
        let account = after(&[one.clone(), reset(), joined(&[1, 2]), three]);
        assert_eq!((account.broken.as_ref(), account.resets, account.missing), (None, 1, 1));
        assert!(after(&[one.clone(), reset(), joined(&[1, 2]), one.clone()]).broken.is_some());
        assert!(after(&[one.clone(), reset(), said(NUMBERED, 2)]).broken.is_some(), "no snapshot");
        assert!(after(&[one.clone(), reset(), joined(&[1])]).broken.is_some(), "a wrong snapshot");
        assert!(after(&[one, joined(&[1, 2])]).broken.is_some(), "a snapshot that nobody asked for");
    }

    #[test]
    fn values_of_a_key_only_rise_and_end_with_the_last() {
        let account = after(&[said(LATEST, 1), said(LATEST, 3)]);
        assert!(account.broken.is_none() && account.is_up_to_date() && account.updates == 2);
        assert!(!after(&[said(LATEST, 2)]).is_up_to_date());
        assert!(after(&[said(LATEST, 2), said(LATEST, 1)]).broken.is_some());
    }
}
