//! Which messages go up next, and what an answer says of them. Pure.

use std::ops::RangeInclusive;
use std::time::Duration;

use sward_protocol::limits::{BATCH_BYTES_MAX, BATCH_MESSAGES_MAX};
use sward_protocol::upstream::Answer;

use crate::schedule::Schedule;
use crate::stats::Sent;

/// Bytes of a batch around its messages: `src`, `seq`, `ack` at their longest, and the brackets.
const ENVELOPE_BYTES: usize = 160;
/// Bytes of a message around its data: `{"type":"move","data":…},`.
pub(crate) const MESSAGE_BYTES: usize = 25;

/// One bot's messages on their way up. Their numbers are the `seq` of the wire: the bot's `src` counts nothing else.
#[derive(Debug)]
pub(crate) struct Outgoing {
    schedule: Schedule,
    batch_messages_max: u64,
    sent: Sent,
    /// The messages 1 to this were in a request at least once.
    tried: u64,
}

/// What to do now.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// Send these messages; those from `fresh_from` on for the first time.
    Send { numbers: RangeInclusive<u64>, fresh_from: u64 },
    /// Nothing is due yet.
    Wait,
    /// Everything was taken by the server.
    Done,
}

impl Outgoing {
    pub(crate) fn new(schedule: Schedule, data_bytes: usize) -> Self {
        let fit = (BATCH_BYTES_MAX - ENVELOPE_BYTES) / (data_bytes + MESSAGE_BYTES);
        let batch_messages_max = fit.clamp(1, BATCH_MESSAGES_MAX) as u64;
        Self { schedule, batch_messages_max, sent: Sent::default(), tried: 0 }
    }

    /// What is to be sent at `now`, if the schedule ends at `cutoff`. A batch that failed grows by what fell due since.
    pub(crate) fn next(&mut self, now: Duration, cutoff: Option<Duration>) -> Next {
        let end = self.end(cutoff);
        let first = self.sent.accepted + 1;
        if first > end {
            return Next::Done;
        }
        let due = self.schedule.due(now).min(end);
        let last = due.min(self.sent.accepted + self.batch_messages_max);
        if last < first {
            return Next::Wait;
        }
        let fresh_from = first.max(self.tried + 1);
        self.tried = self.tried.max(last);
        Next::Send { numbers: first..=last, fresh_from }
    }

    /// How many messages the schedule has when it ends at `cutoff`; what was tried before it counts in any case.
    fn end(&self, cutoff: Option<Duration>) -> u64 {
        match cutoff {
            None => self.schedule.count(),
            Some(cutoff) => self.schedule.due(cutoff).max(self.tried),
        }
    }

    /// Takes the answer to a batch that began with `seq`. How many messages it newly confirms.
    pub(crate) fn answered(&mut self, seq: u64, answer: &Answer) -> u64 {
        let before = self.sent.accepted;
        // A server that confirms what was never sent is not believed.
        self.sent.accepted = before.max(answer.ack.min(self.tried));
        let failed = answer.replies.iter().filter(|reply| reply.error.is_some());
        let numbers = failed.map(|reply| seq + reply.i as u64);
        self.sent.refused.extend(numbers.filter(|number| *number <= self.sent.accepted));
        self.sent.accepted - before
    }

    /// How many messages should have been sent, and what became of them.
    pub(crate) fn close(self, cutoff: Option<Duration>) -> (u64, Sent) {
        (self.end(cutoff), self.sent)
    }

    pub(crate) fn intended(&self, number: u64) -> Duration {
        self.schedule.intended(number)
    }
}

#[cfg(test)]
mod tests {
    use sward_protocol::problem::{ErrorCode, MessageError};
    use sward_protocol::upstream::Reply;

    use super::*;
    use crate::schedule::schedules;

    /// Ten messages, one in each second.
    fn outgoing() -> Outgoing {
        Outgoing::new(schedules(1, 1, 1.0, Duration::from_secs(10))[0], 43)
    }

    fn next(outgoing: &mut Outgoing, now_s: u64) -> Next {
        outgoing.next(Duration::from_secs(now_s), None)
    }

    fn send(numbers: RangeInclusive<u64>, fresh_from: u64) -> Next {
        Next::Send { numbers, fresh_from }
    }

    fn ack(ack: u64) -> Answer {
        Answer { ack, replies: Vec::new(), events: Vec::new() }
    }

    #[test]
    fn what_falls_due_while_a_request_is_under_way_goes_as_the_next_batch() {
        let mut outgoing = outgoing();
        assert_eq!(next(&mut outgoing, 0), Next::Wait);
        assert_eq!(next(&mut outgoing, 1), send(1..=1, 1));
        assert_eq!(outgoing.answered(1, &ack(1)), 1);
        assert_eq!(next(&mut outgoing, 1), Next::Wait);
        assert_eq!(next(&mut outgoing, 4), send(2..=4, 2));
        assert_eq!(outgoing.answered(2, &ack(4)), 3);
        assert_eq!(next(&mut outgoing, 99), send(5..=10, 5));
        assert_eq!(outgoing.answered(5, &ack(10)), 6);
        assert_eq!(next(&mut outgoing, 99), Next::Done);
        assert_eq!(outgoing.close(None), (10, Sent { accepted: 10, ..Sent::default() }));
    }

    #[test]
    fn a_batch_that_failed_goes_again_with_the_same_number_and_may_have_grown() {
        let mut outgoing = outgoing();
        assert_eq!(next(&mut outgoing, 2), send(1..=2, 1));
        assert_eq!(next(&mut outgoing, 3), send(1..=3, 3));
        assert_eq!(next(&mut outgoing, 3), send(1..=3, 4));
        // The first attempt was applied after all, though its answer was lost.
        assert_eq!(outgoing.answered(1, &ack(2)), 2);
        assert_eq!(next(&mut outgoing, 3), send(3..=3, 4));
    }

    #[test]
    fn a_batch_holds_as_many_messages_as_the_contract_allows() {
        let second = schedules(1, 1, 1_000.0, Duration::from_secs(1))[0];
        for (data_bytes, messages_max) in [(43, 100), (1_000, 31), (16_384, 1)] {
            let mut outgoing = Outgoing::new(second, data_bytes);
            assert_eq!(next(&mut outgoing, 9), send(1..=messages_max, 1), "{data_bytes}");
        }
    }

    #[test]
    fn failed_messages_are_refused_by_their_index_in_the_request() {
        let mut outgoing = outgoing();
        next(&mut outgoing, 2);
        outgoing.answered(1, &ack(2));
        assert_eq!(next(&mut outgoing, 5), send(3..=5, 3));
        let error = MessageError::new(ErrorCode::NotInRoom, "");
        let reply = |i, error| Reply { i, rid: None, data: None, error };
        let answer =
            Answer { ack: 5, replies: vec![reply(1, Some(error)), reply(2, None)], events: Vec::new() };
        assert_eq!(outgoing.answered(3, &answer), 3);
        assert_eq!(outgoing.close(None).1, Sent { accepted: 5, refused: [4].into() });
    }

    #[test]
    fn a_false_acknowledgement_is_not_believed() {
        let mut outgoing = outgoing();
        next(&mut outgoing, 2);
        assert_eq!(outgoing.answered(1, &ack(1_000)), 2);
        assert_eq!(outgoing.answered(1, &ack(0)), 0);
        assert_eq!(outgoing.close(None).1.accepted, 2);
    }

    #[test]
    fn a_cutoff_ends_the_schedule_but_not_what_was_tried() {
        let mut outgoing = outgoing();
        let cutoff = Some(Duration::from_secs(4));
        assert_eq!(outgoing.next(Duration::from_secs(9), cutoff), send(1..=4, 1));
        outgoing.answered(1, &ack(4));
        assert_eq!(outgoing.next(Duration::from_secs(9), cutoff), Next::Done);
        assert_eq!(next(&mut outgoing, 6), send(5..=6, 5));
        assert_eq!(outgoing.next(Duration::from_secs(9), cutoff), send(5..=6, 7));
        assert_eq!(outgoing.close(cutoff), (6, Sent { accepted: 4, ..Sent::default() }));
    }
}
