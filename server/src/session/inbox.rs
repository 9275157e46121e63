//! What of a player's messages was applied: exactly once, in order. Pure.
//!
//! A client numbers its messages; the server remembers, per `src`, the last number that it applied. A batch moves that
//! number in the same step in which it is admitted to the room, so a batch that is sent again (its answer was lost, a
//! proxy doubled it) applies only what is new in it. The replies of the last batches are kept, so a lost answer is simply
//! asked for again, also by a batch that has grown since.

pub mod saving;

use std::collections::VecDeque;

use sward_protocol::upstream::Reply;

/// Counters that are remembered: a page and the one that it replaced.
pub const SOURCES_MAX: usize = 2;
/// Batches of one session that a room has not answered yet.
pub const UNDER_WAY_MAX: usize = 8;
/// Batches whose replies are kept; the oldest are forgotten first.
pub const RECORDS_MAX: usize = 16;
/// Bytes of those replies. A batch with more is answered once and then forgotten.
pub const REPLIES_BYTES_MAX: usize = 64 * 1024;
/// Batches that wait for the one before them.
pub const EARLY_MAX: usize = 4;
/// Bytes of them.
pub const EARLY_BYTES_MAX: usize = 64 * 1024;

/// What is to become of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Apply what follows the first `skip` messages; they were applied before.
    Apply {
        /// How many.
        skip: usize,
    },
    /// A batch before it is missing.
    Early {
        /// The number to go on with.
        expected: u64,
    },
    /// Too many batches are under way.
    Busy,
}

/// The replies to a batch, or that they are still to come.
#[derive(Debug, Clone, PartialEq)]
pub enum Replies {
    /// The room has not answered.
    Pending,
    /// What is known, by index in the request; `last` is the number of the last applied message.
    Ready {
        /// The counter.
        last: u64,
        /// Of each message that asked or failed.
        replies: Vec<Reply>,
    },
}

#[derive(Debug)]
struct Record {
    first: u64,
    last: u64,
    /// By message number minus `first`; `None` until the room answered.
    replies: Option<Vec<Reply>>,
    readers: usize,
}

#[derive(Debug)]
struct Source {
    name: String,
    last: u64,
    records: VecDeque<Record>,
}

impl Source {
    /// Forgets the oldest replies past the bounds, but none that are still to come or that a request waits for.
    fn forget_oldest(&mut self) {
        let mut bytes: usize = self.records.iter().map(size_of_replies).sum();
        while self.records.len() > RECORDS_MAX || bytes > REPLIES_BYTES_MAX {
            let is_free = |record: &Record| record.replies.is_some() && record.readers == 0;
            let Some(oldest) = self.records.iter().position(is_free) else { break };
            bytes -= self.records.remove(oldest).map_or(0, |record| size_of_replies(&record));
        }
    }
}

/// The counters of one session.
#[derive(Debug, Default)]
pub struct Inbox {
    /// The newest last.
    sources: Vec<Source>,
    early: usize,
    early_bytes: usize,
}

impl Inbox {
    /// The number of the last applied message of `src`; 0: none.
    #[must_use]
    pub fn last(&self, src: &str) -> u64 {
        self.source(src).map_or(0, |source| source.last)
    }

    /// What is to become of `count` messages that begin with number `seq`. Changes nothing.
    #[must_use]
    pub fn examine(&self, src: &str, seq: u64, count: usize) -> Verdict {
        let last = self.last(src);
        if seq > last + 1 {
            return Verdict::Early { expected: last + 1 };
        }
        // `seq` ≤ `last` + 1, and what was applied before is at most `count`.
        let applied = usize::try_from(last + 1 - seq).unwrap_or(usize::MAX).min(count);
        let under_way: usize = self
            .source(src)
            .map_or(0, |source| source.records.iter().filter(|record| record.replies.is_none()).count());
        if applied < count && under_way >= UNDER_WAY_MAX {
            return Verdict::Busy;
        }
        Verdict::Apply { skip: applied }
    }

    /// The messages from `first` to `last` went to the room: to be called in the step in which the room took them.
    pub fn admitted(&mut self, src: &str, first: u64, last: u64) {
        let source = self.source_mut(src);
        source.last = source.last.max(last);
        source.records.push_back(Record { first, last, replies: None, readers: 0 });
        source.forget_oldest();
    }

    /// The room answered the batch that began with `first`. The indices of `replies` count from that message.
    pub fn answered(&mut self, src: &str, first: u64, replies: Vec<Reply>) {
        let Some(source) = self.sources.iter_mut().find(|source| source.name == src) else { return };
        if let Some(record) = source.records.iter_mut().find(|record| record.first == first) {
            record.replies = Some(replies);
        }
        source.forget_oldest();
    }

    /// A request waits for the replies to messages from `seq` on: they are kept until [`Inbox::stop_reading`].
    pub fn start_reading(&mut self, src: &str, seq: u64, count: usize) {
        for record in self.records_of(src, seq, count) {
            record.readers += 1;
        }
    }

    /// The request has them, or its client went away.
    pub fn stop_reading(&mut self, src: &str, seq: u64, count: usize) {
        for record in self.records_of(src, seq, count) {
            record.readers = record.readers.saturating_sub(1);
        }
        if let Some(source) = self.sources.iter_mut().find(|source| source.name == src) {
            source.forget_oldest();
        }
    }

    /// The replies to `count` messages that begin with number `seq`.
    #[must_use]
    pub fn replies(&self, src: &str, seq: u64, count: usize) -> Replies {
        let Some(source) = self.source(src) else { return Replies::Ready { last: 0, replies: Vec::new() } };
        let end = seq + count as u64;
        let mut replies = Vec::new();
        for record in source.records.iter().filter(|record| record.first < end && record.last >= seq) {
            let Some(known) = &record.replies else { return Replies::Pending };
            for reply in known {
                let number = record.first + reply.i as u64;
                if (seq..end).contains(&number) {
                    // Below `count`, which is a usize.
                    let i = usize::try_from(number - seq).unwrap_or(usize::MAX);
                    replies.push(Reply { i, ..reply.clone() });
                }
            }
        }
        Replies::Ready { last: source.last, replies }
    }

    /// A batch of so many bytes begins to wait for the one before it. Whether it may.
    pub fn start_waiting(&mut self, bytes: usize) -> bool {
        let fits = self.early < EARLY_MAX && self.early_bytes + bytes <= EARLY_BYTES_MAX;
        if fits {
            self.early += 1;
            self.early_bytes += bytes;
        }
        fits
    }

    /// It no longer waits.
    pub fn stop_waiting(&mut self, bytes: usize) {
        self.early = self.early.saturating_sub(1);
        self.early_bytes = self.early_bytes.saturating_sub(bytes);
    }

    fn source(&self, src: &str) -> Option<&Source> {
        self.sources.iter().find(|source| source.name == src)
    }

    fn source_mut(&mut self, src: &str) -> &mut Source {
        let at = match self.sources.iter().position(|source| source.name == src) {
            Some(at) => at,
            None => {
                if self.sources.len() >= SOURCES_MAX {
                    self.sources.remove(0);
                }
                self.sources.push(Source { name: src.to_owned(), last: 0, records: VecDeque::new() });
                self.sources.len() - 1
            }
        };
        &mut self.sources[at]
    }

    fn records_of(&mut self, src: &str, seq: u64, count: usize) -> impl Iterator<Item = &mut Record> {
        let end = seq + count as u64;
        let source = self.sources.iter_mut().find(|source| source.name == src);
        source
            .into_iter()
            .flat_map(|source| source.records.iter_mut())
            .filter(move |record| record.first < end && record.last >= seq)
    }
}

fn size_of_replies(record: &Record) -> usize {
    let size = |reply: &Reply| {
        let data = reply.data.as_ref().map_or(0, sward_protocol::payload::Payload::json_len);
        let error = reply.error.as_ref().map_or(0, |error| error.detail.len());
        64 + data + error
    };
    record.replies.iter().flatten().map(size).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use sward_protocol::payload::Payload;

    fn reply(i: usize, rid: u64) -> Reply {
        Reply { i, rid: Some(rid), data: Some(Payload::null()), error: None }
    }

    /// Admits `count` messages from `seq` as a request would, and lets the room answer `replies`.
    fn apply(inbox: &mut Inbox, src: &str, seq: u64, count: usize, replies: Vec<Reply>) {
        let Verdict::Apply { skip } = inbox.examine(src, seq, count) else { panic!("not applied") };
        let first = seq + skip as u64;
        inbox.admitted(src, first, seq + count as u64 - 1);
        inbox.answered(src, first, replies);
    }

    #[test]
    fn a_batch_sent_twice_is_applied_once_and_answered_twice() {
        let mut inbox = Inbox::default();
        apply(&mut inbox, "k", 1, 3, vec![reply(1, 7)]);
        assert_eq!(inbox.examine("k", 1, 3), Verdict::Apply { skip: 3 });
        let want = Replies::Ready { last: 3, replies: vec![reply(1, 7)] };
        assert_eq!(inbox.replies("k", 1, 3), want);
        inbox.start_reading("k", 1, 3);
        inbox.stop_reading("k", 1, 3);
        assert_eq!(inbox.replies("k", 1, 3), want);
    }

    #[test]
    fn a_retry_that_has_grown_applies_only_what_is_new() {
        let mut inbox = Inbox::default();
        apply(&mut inbox, "k", 1, 2, vec![reply(0, 1), reply(1, 2)]);
        assert_eq!(inbox.examine("k", 2, 3), Verdict::Apply { skip: 1 });
        inbox.start_reading("k", 2, 3);
        inbox.admitted("k", 3, 4);
        inbox.start_reading("k", 3, 2);
        assert_eq!(inbox.replies("k", 2, 3), Replies::Pending);
        inbox.answered("k", 3, vec![reply(1, 4)]);
        let Replies::Ready { last: 4, replies } = inbox.replies("k", 2, 3) else { panic!() };
        assert_eq!(replies, [reply(0, 2), reply(2, 4)]);
    }

    #[test]
    fn a_grown_retry_of_a_lost_answer_gets_the_old_replies_too() {
        let mut inbox = Inbox::default();
        apply(&mut inbox, "k", 1, 2, vec![reply(0, 1), reply(1, 2)]);
        apply(&mut inbox, "k", 1, 3, vec![reply(0, 3)]);
        let want = vec![reply(0, 1), reply(1, 2), reply(2, 3)];
        assert_eq!(inbox.replies("k", 1, 3), Replies::Ready { last: 3, replies: want });
    }

    #[test]
    fn replies_of_the_last_batches_are_kept_and_longer_while_somebody_waits() {
        let mut inbox = Inbox::default();
        inbox.admitted("k", 1, 1);
        inbox.start_reading("k", 1, 1);
        inbox.answered("k", 1, vec![reply(0, 1)]);
        for seq in 2..=100 {
            apply(&mut inbox, "k", seq, 1, vec![reply(0, seq)]);
        }
        let first = |inbox: &Inbox| inbox.replies("k", 1, 1);
        assert_eq!(first(&inbox), Replies::Ready { last: 100, replies: vec![reply(0, 1)] });
        inbox.stop_reading("k", 1, 1);
        assert_eq!(inbox.sources[0].records.len(), RECORDS_MAX);
        apply(&mut inbox, "k", 101, 1, vec![]);
        assert_eq!(first(&inbox), Replies::Ready { last: 101, replies: vec![] });
        assert_eq!(inbox.replies("k", 100, 1), Replies::Ready { last: 101, replies: vec![reply(0, 100)] });
    }

    #[test]
    fn what_was_answered_outlasts_a_restart_and_what_was_not_comes_again() {
        let mut inbox = Inbox::default();
        apply(&mut inbox, "j", 1, 2, vec![]);
        apply(&mut inbox, "k", 1, 2, vec![reply(1, 7)]);
        inbox.admitted("k", 3, 4);
        inbox.admitted("k", 5, 5);
        inbox.answered("k", 5, vec![reply(0, 9)]);
        let saved = inbox.save();
        let bytes = serde_json::to_vec(&saved).unwrap();
        let inbox = Inbox::restore(&serde_json::from_slice(&bytes).unwrap()).unwrap();
        assert_eq!(inbox.save(), saved);
        assert_eq!((inbox.last("j"), inbox.last("k")), (2, 2), "the room had not answered the rest");
        assert_eq!(inbox.examine("k", 3, 2), Verdict::Apply { skip: 0 });
        assert_eq!(inbox.replies("k", 1, 2), Replies::Ready { last: 2, replies: vec![reply(1, 7)] });

        let of = |change: fn(&mut saving::SavedInbox)| {
            let mut bad = saved.clone();
            change(&mut bad);
            Inbox::restore(&bad)
        };
        assert!(of(|_| {}).is_ok());
        assert!(of(|bad| bad.sources[1].last = 1).is_err(), "a batch that was not applied");
        assert!(of(|bad| bad.sources[1].last = u64::MAX).is_err());
        assert!(of(|bad| bad.sources[1].name = "j".to_owned()).is_err());
        assert!(of(|bad| bad.sources.push(bad.sources[0].clone())).is_err());
    }

    #[test]
    fn a_gap_is_told_with_the_number_to_go_on_with() {
        let mut inbox = Inbox::default();
        assert_eq!(inbox.examine("k", 2, 1), Verdict::Early { expected: 1 });
        apply(&mut inbox, "k", 1, 5, vec![]);
        assert_eq!(inbox.examine("k", 7, 1), Verdict::Early { expected: 6 });
        assert_eq!(inbox.examine("k", 6, 1), Verdict::Apply { skip: 0 });
    }

    #[test]
    fn a_reloaded_page_is_not_a_repeat_and_the_oldest_source_is_forgotten() {
        let mut inbox = Inbox::default();
        apply(&mut inbox, "a", 1, 9, vec![]);
        apply(&mut inbox, "b", 1, 1, vec![]);
        assert_eq!((inbox.last("a"), inbox.last("b")), (9, 1));
        apply(&mut inbox, "c", 1, 1, vec![]);
        assert_eq!((inbox.last("a"), inbox.last("b"), inbox.last("c")), (0, 1, 1));
    }

    #[test]
    fn batches_under_way_and_waiting_are_bounded() {
        let mut inbox = Inbox::default();
        for seq in 1..=UNDER_WAY_MAX as u64 {
            assert_eq!(inbox.examine("k", seq, 1), Verdict::Apply { skip: 0 });
            inbox.admitted("k", seq, seq);
        }
        let next = UNDER_WAY_MAX as u64 + 1;
        assert_eq!(inbox.examine("k", next, 1), Verdict::Busy);
        assert_eq!(inbox.examine("k", 1, 1), Verdict::Apply { skip: 1 }, "a repeat costs nothing");
        inbox.answered("k", 1, vec![]);
        assert_eq!(inbox.examine("k", next, 1), Verdict::Apply { skip: 0 });

        for _ in 0..EARLY_MAX {
            assert!(inbox.start_waiting(1));
        }
        assert!(!inbox.start_waiting(1));
        inbox.stop_waiting(1);
        assert!(!inbox.start_waiting(EARLY_BYTES_MAX));
        assert!(inbox.start_waiting(EARLY_BYTES_MAX - 3));
    }

    #[test]
    fn replies_too_large_to_keep_are_answered_once() {
        let mut inbox = Inbox::default();
        let data = Some(Payload::of(&"x".repeat(REPLIES_BYTES_MAX)).unwrap());
        inbox.admitted("k", 1, 1);
        inbox.start_reading("k", 1, 1);
        inbox.answered("k", 1, vec![Reply { data, ..reply(0, 1) }]);
        assert!(matches!(inbox.replies("k", 1, 1), Replies::Ready { replies, .. } if replies.len() == 1));
        inbox.stop_reading("k", 1, 1);
        assert_eq!(inbox.replies("k", 1, 1), Replies::Ready { last: 1, replies: vec![] });
    }
}
