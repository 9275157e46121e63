//! How far the events were received: what `last` and `ack` say, and which events are repeats. Pure.
//!
//! Events come by the stream and, while draining, by the answers to POSTs. Each of the two brings a run without a hole
//! that begins at what the client had when it asked. So whatever is above the last id is next, and the rest is dropped:
//! nothing is lost, doubled or reordered, whichever comes first.

use sward_protocol::ids::EventId;

/// Where the client stands in one session's events.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Cursor {
    last: Option<EventId>,
    /// Counts the times that the run was broken: an answer that was asked for before that belongs to another run.
    run: u64,
}

/// What a `hello` means for the events that follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Greeting {
    /// They go on behind the last one.
    GoesOn,
    /// They begin: nothing was received before.
    Begins,
    /// What was missed is lost. A `reset` says why, where the client had named an id.
    Breaks,
}

impl Cursor {
    /// What to ask for, and to acknowledge: the last id, or what `hello` said when there was no event yet.
    pub(super) fn last(&self) -> Option<EventId> {
        self.last
    }

    /// Which run of events this is. What an answer carries is of use only if the run is the same as when it was asked
    /// for.
    pub(super) fn run(&self) -> u64 {
        self.run
    }

    /// Whether the event is new; then it is the last one.
    pub(super) fn accept(&mut self, id: EventId) -> bool {
        if self.last.is_some_and(|last| last.epoch == id.epoch && last.seq >= id.seq) {
            return false;
        }
        self.last = Some(id);
        true
    }

    /// A stream begins with what is above `beginning`. `had_streams`: another one reached the server before it.
    pub(super) fn greet(&mut self, beginning: EventId, resumed: bool, had_streams: bool) -> Greeting {
        match self.last {
            Some(last) if last.epoch == beginning.epoch && resumed => Greeting::GoesOn,
            // The first stream replays from the start.
            None if !had_streams => {
                self.last = Some(beginning);
                Greeting::Begins
            }
            _ => {
                self.last = Some(beginning);
                self.run += 1;
                Greeting::Breaks
            }
        }
    }

    /// Another session numbers its events anew.
    pub(super) fn clear(&mut self) {
        self.last = None;
        self.run += 1;
    }
}

#[cfg(test)]
mod tests {
    use sward_protocol::ids::Epoch;

    use super::*;

    const A: Epoch = Epoch(0xa);
    const B: Epoch = Epoch(0xb);

    fn id(epoch: Epoch, seq: u64) -> EventId {
        EventId { epoch, seq }
    }

    #[test]
    fn only_what_is_above_the_last_id_is_new() {
        let mut cursor = Cursor::default();
        assert_eq!(cursor.greet(id(A, 0), false, false), Greeting::Begins);
        assert_eq!(cursor.last(), Some(id(A, 0)));
        let accepted: Vec<u64> =
            [1, 2, 2, 1, 5, 4, 6].into_iter().filter(|seq| cursor.accept(id(A, *seq))).collect();
        assert_eq!(accepted, [1, 2, 5, 6]);
        assert_eq!(cursor.last(), Some(id(A, 6)));
    }

    #[test]
    fn two_overlapping_runs_merge_into_one() {
        // The GET asked from 0 and brings 1 to 4; a POST with the ack 2 brings 3 to 6 meanwhile.
        let (get, post) = ([1, 2, 3, 4], [3, 4, 5, 6]);
        for order in 0..3 {
            let mut cursor = Cursor::default();
            cursor.greet(id(A, 0), false, false);
            let mixed = match order {
                0 => [&get[..], &post[..]].concat(),
                1 => [&get[..2], &post[..], &get[2..]].concat(),
                _ => [&get[..3], &post[..], &get[3..]].concat(),
            };
            let accepted: Vec<u64> = mixed.into_iter().filter(|seq| cursor.accept(id(A, *seq))).collect();
            assert_eq!(accepted, [1, 2, 3, 4, 5, 6], "order {order}");
        }
    }

    #[test]
    fn a_resumed_stream_goes_on_and_any_other_breaks_the_run() {
        let at = |seq| {
            let mut cursor = Cursor::default();
            cursor.greet(id(A, 0), false, false);
            cursor.accept(id(A, seq));
            cursor
        };
        let mut cursor = at(7);
        assert_eq!(cursor.greet(id(A, 7), true, true), Greeting::GoesOn);
        assert_eq!((cursor.last(), cursor.run()), (Some(id(A, 7)), 0));
        let mut cursor = at(7);
        assert_eq!(cursor.greet(id(A, 2), false, true), Greeting::Breaks);
        assert_eq!((cursor.last(), cursor.run()), (Some(id(A, 2)), 1));
        // What follows a reset may be numbered below the id that was refused.
        assert!(cursor.accept(id(A, 3)));
        let mut cursor = at(7);
        assert_eq!(cursor.greet(id(B, 0), false, true), Greeting::Breaks);
        assert!(cursor.accept(id(B, 1)));
        // Cut before the first hello: the server does not replay, so something may be missing.
        assert_eq!(Cursor::default().greet(id(A, 9), false, true), Greeting::Breaks);
    }

    #[test]
    fn a_new_session_begins_anew() {
        let mut cursor = Cursor::default();
        cursor.greet(id(A, 0), false, false);
        cursor.accept(id(A, 9));
        cursor.clear();
        assert_eq!((cursor.last(), cursor.run()), (None, 1));
        assert_eq!(cursor.greet(id(B, 0), false, false), Greeting::Begins);
    }
}
