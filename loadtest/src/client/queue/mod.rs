//! What still has to go up, in order, exactly once in effect. Pure: it is told what was answered and what time it is,
//! and says which body to post next.
//!
//! ```text
//!   first                                                  items, numbered
//!     │  answered, but an earlier one is not │ under way │ failed │ waiting
//! ────┴──────────────────────────────────────┴───────────┴────────┴─────────► seq
//! ```
//!
//! What is not under way and not answered is simply posted (again), from the lowest number on: a batch that failed keeps
//! its `seq` and may have grown. The server skips what it has applied, so a lost answer is asked for again.

mod item;

use std::collections::VecDeque;
use std::ops::Range;

use sward_protocol::ids::EventId;
use sward_protocol::limits::{BATCH_BYTES_MAX, BATCH_MESSAGES_MAX};
use sward_protocol::payload::Payload;
use sward_protocol::problem::{ErrorCode, MessageError};
use sward_protocol::upstream::Answer;

use super::backoff::Backoff;
pub(super) use item::Encoded;

/// Bytes of a batch around its messages: `src`, `seq`, `ack` at their longest, and the brackets.
pub(super) const ENVELOPE_BYTES: usize = 160;
/// The first wait after an answer did not come, at most.
const BACKOFF_MS: u64 = 200;
/// The longest wait between two attempts.
const BACKOFF_MS_MAX: u64 = 5_000;
/// The wait when the server misses an earlier batch that is under way or about to be.
const GAP_MS: u64 = 200;
/// A round trip above this is worth a second batch under way, twice this a third.
const LONG_ROUND_TRIP_MS: u64 = 150;
/// Beats of silence after which the contract wants a bare `ack`.
const ACK_BEATS: u64 = 3;
/// The first sign of life goes this soon: from then on the server knows that silence means a lost player.
const FIRST_ACK_MS: u64 = 2_500;
/// While events arrive, the server's window is trimmed at least this often.
const ACK_MS: u64 = 10_000;

/// A number that names one attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ticket(u64);

/// What to do now.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Post this, then say what came of it.
    Post { ticket: Ticket, body: String },
    /// Nothing before this time, unless something happens.
    WaitUntil(u64),
    /// Nothing, unless something happens.
    Idle,
}

/// Why a post has no usable answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Failure {
    /// Nothing is known of its effect.
    Unanswered,
    /// Nothing came of it because the connection had been closed while idle: no reason to wait.
    Stale,
    /// The server asks to wait: 429, 503.
    Limited { retry_after_ms: Option<u64> },
    /// A batch before it is missing.
    Gap { expected: u64 },
    /// The body as a whole is refused: nothing was applied, no number used.
    Refused(MessageError),
}

/// A message that is settled.
#[derive(Debug, PartialEq)]
pub(super) struct Settled<T> {
    /// What the caller knows it by.
    pub(super) tag: T,
    /// The reply (null if none was asked for), or why it failed.
    pub(super) result: Result<Payload, MessageError>,
}

/// A message without an answer.
#[derive(Debug, PartialEq)]
pub(super) struct Open<T> {
    pub(super) tag: T,
    /// It was posted: it may have been applied.
    pub(super) uncertain: bool,
}

#[derive(Debug)]
struct Item<T> {
    /// `None`: settled, while an earlier one is not.
    tag: Option<T>,
    encoded: Encoded,
    tried: bool,
}

/// Why a new counter is to be begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Anew {
    /// A number was not used, because its message was refused. What follows it cannot have been applied.
    NumberUnused,
    /// The server has lost count. What was posted may have been applied.
    CountLost,
}

/// A post under way: the messages from `seq` on, or none for a bare acknowledgement.
#[derive(Debug)]
struct Flight {
    ticket: Ticket,
    seq: u64,
    count: u64,
    posted_ms: u64,
}

impl Flight {
    fn end(&self) -> u64 {
        self.seq + self.count
    }
}

/// One player's messages on their way up.
#[derive(Debug)]
pub(super) struct Queue<T> {
    nonce: String,
    /// Counters begun: the server may have lost the numbers of the last one.
    sources: u64,
    /// The number of the first item.
    first: u64,
    items: VecDeque<Item<T>>,
    flights: Vec<Flight>,
    next_ticket: u64,
    in_flight_max: u64,
    /// The items are to be numbered anew as soon as nothing is under way: what is may still be applied by its number.
    anew: Option<Anew>,
    /// So many of the first items go alone: one of them spoils its batch.
    alone: usize,
    not_before_ms: u64,
    backoff: Backoff,
    round_trip_ms: u64,
    acks: bool,
    acked: Option<EventId>,
    acked_ms: u64,
    /// When the next sign of life is due; `None` before the first look at the clock.
    silent_until_ms: Option<u64>,
}

impl<T> Queue<T> {
    /// Nothing to send. `nonce`: ≤ 24 characters, another one for each session.
    pub(super) fn new(nonce: String, in_flight_max: u8, acks: bool) -> Self {
        Self {
            nonce,
            sources: 0,
            first: 1,
            items: VecDeque::new(),
            flights: Vec::new(),
            next_ticket: 0,
            in_flight_max: u64::from(in_flight_max.clamp(1, 3)),
            anew: None,
            alone: 0,
            not_before_ms: 0,
            backoff: Backoff::new(BACKOFF_MS, BACKOFF_MS_MAX),
            round_trip_ms: 0,
            acks,
            acked: None,
            acked_ms: 0,
            silent_until_ms: None,
        }
    }

    /// Appends a message.
    pub(super) fn push(&mut self, tag: T, encoded: Encoded) {
        self.items.push_back(Item { tag: Some(tag), encoded, tried: false });
    }

    /// What to post at `now_ms`. `ack`: the last event that was received. `beat_ms`: the stream's beat.
    pub(super) fn next(&mut self, now_ms: u64, ack: Option<EventId>, beat_ms: u64) -> Next {
        if self.silent_until_ms.is_none() {
            self.silent_until_ms = Some(now_ms + FIRST_ACK_MS);
            self.acked_ms = now_ms;
        }
        if now_ms < self.not_before_ms {
            return Next::WaitUntil(self.not_before_ms);
        }
        if let Some((seq, count)) = self.next_range() {
            return self.post(now_ms, ack, beat_ms, seq..seq + count);
        }
        if !self.flights.is_empty() || !self.acks {
            return Next::Idle;
        }
        let due_ms = self.ack_due_ms(ack);
        if now_ms >= due_ms {
            self.post(now_ms, ack, beat_ms, self.first..self.first)
        } else {
            Next::WaitUntil(due_ms)
        }
    }

    /// When [`Queue::next`] has something to say, if nothing happens before.
    pub(super) fn due_at_ms(&self, ack: Option<EventId>) -> Option<u64> {
        if self.next_range().is_some() {
            return Some(self.not_before_ms);
        }
        if !self.flights.is_empty() || !self.acks {
            return None;
        }
        Some(self.ack_due_ms(ack).max(self.not_before_ms))
    }

    /// The lowest messages that are neither settled nor under way, if one more batch may be.
    fn next_range(&self) -> Option<(u64, u64)> {
        let allowed = (1 + self.round_trip_ms / LONG_ROUND_TRIP_MS).min(self.in_flight_max);
        let batches = self.flights.iter().filter(|flight| flight.count > 0).count() as u64;
        if self.anew.is_some() || batches >= allowed || (self.alone > 0 && batches > 0) {
            return None;
        }
        let mut seq = self.first;
        // Flights are few, and settled items behind unsettled ones too.
        for item in &self.items {
            let is_free = item.tag.is_some() && !self.flights.iter().any(|flight| flight.covers(seq));
            if is_free {
                break;
            }
            seq += 1;
        }
        let behind = self.flights.iter().filter(|flight| flight.seq > seq).map(|flight| flight.seq).min();
        let start = usize::try_from(seq - self.first).ok()?;
        let messages_max = if self.alone > 0 { 1 } else { BATCH_MESSAGES_MAX };
        let mut bytes = ENVELOPE_BYTES;
        let mut count = 0;
        for item in self.items.iter().skip(start).take(messages_max) {
            bytes += item.encoded.bytes() + 1;
            let fits = bytes <= BATCH_BYTES_MAX && behind.is_none_or(|behind| seq + count < behind);
            if item.tag.is_none() || (count > 0 && !fits) {
                break;
            }
            count += 1;
        }
        (count > 0).then_some((seq, count))
    }

    fn post(&mut self, now_ms: u64, ack: Option<EventId>, beat_ms: u64, numbers: Range<u64>) -> Next {
        let (seq, count) = (numbers.start, numbers.end - numbers.start);
        let ticket = Ticket(self.next_ticket);
        self.next_ticket += 1;
        let mut body = String::with_capacity(512);
        body.push('{');
        if count > 0 {
            body.push_str(&format!("\"src\":\"{}\",\"seq\":{seq},", self.source()));
        }
        if let Some(ack) = ack.filter(|_| self.acks) {
            body.push_str(&format!("\"ack\":\"{ack}\","));
            if self.acked != Some(ack) {
                self.acked = Some(ack);
                self.acked_ms = now_ms;
            }
        }
        body.push_str("\"msgs\":[");
        let start = (seq - self.first) as usize;
        for (at, item) in self.items.iter_mut().skip(start).take(count as usize).enumerate() {
            if at > 0 {
                body.push(',');
            }
            body.push_str(item.encoded.json());
            item.tried = true;
        }
        body.push_str("]}");
        self.silent_until_ms = Some(now_ms + ACK_BEATS * beat_ms);
        self.flights.push(Flight { ticket, seq, count, posted_ms: now_ms });
        Next::Post { ticket, body }
    }

    fn ack_due_ms(&self, ack: Option<EventId>) -> u64 {
        let silence_ms = self.silent_until_ms.unwrap_or(0);
        let is_new = ack.is_some() && ack != self.acked;
        if is_new { silence_ms.min(self.acked_ms + ACK_MS) } else { silence_ms }
    }

    fn source(&self) -> String {
        if self.sources == 0 { self.nonce.clone() } else { format!("{}.{}", self.nonce, self.sources) }
    }

    /// The answer to a post. What it settles, in order.
    pub(super) fn answered(&mut self, ticket: Ticket, answer: &Answer, now_ms: u64) -> Vec<Settled<T>> {
        let Some(flight) = self.land(ticket) else { return Vec::new() };
        let took_ms = now_ms.saturating_sub(flight.posted_ms);
        self.round_trip_ms =
            if self.round_trip_ms == 0 { took_ms } else { (7 * self.round_trip_ms + took_ms) / 8 };
        // A server that confirms what was never sent is not believed.
        let confirmed = flight.end().min(answer.ack.saturating_add(1)).max(flight.seq);
        if confirmed < flight.end() {
            // It answers and does not take: not to be asked again at once.
            self.not_before_ms = now_ms + self.backoff.failed(None, 1.0);
        } else {
            self.backoff.reset();
        }
        let mut settled = Vec::new();
        for seq in flight.seq..confirmed {
            let index = usize::try_from(seq - flight.seq).unwrap_or(usize::MAX);
            let reply = answer.replies.iter().find(|reply| reply.i == index);
            let result = match reply {
                Some(reply) => match &reply.error {
                    Some(error) => Err(error.clone()),
                    None => Ok(reply.data.clone().unwrap_or_default()),
                },
                None => self.silent_result(seq),
            };
            settled.extend(self.settle(seq, result));
        }
        self.tidy(settled)
    }

    /// What no reply means for a message: success, unless it asked for one.
    fn silent_result(&self, seq: u64) -> Result<Payload, MessageError> {
        let at = usize::try_from(seq.saturating_sub(self.first)).unwrap_or(usize::MAX);
        match self.items.get(at) {
            Some(item) if item.encoded.wants_reply() => {
                Err(MessageError::new(ErrorCode::Internal, "the server has forgotten its reply"))
            }
            _ => Ok(Payload::null()),
        }
    }

    /// A post failed. What is given up by that.
    pub(super) fn failed(
        &mut self,
        ticket: Ticket,
        failure: Failure,
        now_ms: u64,
        random: f64,
    ) -> Vec<Settled<T>> {
        let Some(flight) = self.land(ticket) else { return Vec::new() };
        if flight.count == 0 && !matches!(failure, Failure::Refused(_)) {
            // The server has not heard it, and calls the player away two beats from now: it is due again.
            self.silent_until_ms = Some(now_ms);
        }
        let mut settled = Vec::new();
        match failure {
            Failure::Stale => {}
            Failure::Unanswered => self.not_before_ms = now_ms + self.backoff.failed(None, random),
            Failure::Limited { retry_after_ms } => {
                self.not_before_ms = now_ms + self.backoff.failed(retry_after_ms, random).max(1);
            }
            Failure::Gap { expected } => {
                if expected < self.first {
                    self.anew = Some(Anew::CountLost);
                }
                self.not_before_ms = self.not_before_ms.max(now_ms + GAP_MS);
            }
            Failure::Refused(error) if flight.count == 1 && self.first == flight.seq => {
                settled.extend(self.settle(flight.seq, Err(error)));
                self.anew = self.anew.or(Some(Anew::NumberUnused));
            }
            Failure::Refused(_) if flight.count > 0 => {
                // Only a message that goes alone, with all before it settled, is surely the one that is refused; and the
                // others may have been applied by their numbers before, so they keep them.
                self.alone = usize::try_from(flight.end() - self.first).unwrap_or(usize::MAX);
            }
            Failure::Refused(_) => self.not_before_ms = now_ms + self.backoff.failed(None, random),
        }
        self.tidy(settled)
    }

    /// Gives back all that has no answer, in order: the session is over. A new one knows none of the numbers.
    pub(super) fn drain(&mut self) -> Vec<Open<T>> {
        self.flights.clear();
        let items = std::mem::take(&mut self.items).into_iter();
        items.filter_map(|item| item.tag.map(|tag| Open { tag, uncertain: item.tried })).collect()
    }

    /// Goes on with what another queue was given since it was drained.
    pub(super) fn take_over(&mut self, other: Self) {
        self.items.extend(other.items);
    }

    fn land(&mut self, ticket: Ticket) -> Option<Flight> {
        let at = self.flights.iter().position(|flight| flight.ticket == ticket)?;
        Some(self.flights.swap_remove(at))
    }

    fn settle(&mut self, seq: u64, result: Result<Payload, MessageError>) -> Option<Settled<T>> {
        let at = usize::try_from(seq.checked_sub(self.first)?).ok()?;
        let tag = self.items.get_mut(at)?.tag.take()?;
        Some(Settled { tag, result })
    }

    /// Lets go of what is settled, and begins a new counter where one is needed and possible.
    fn tidy(&mut self, mut settled: Vec<Settled<T>>) -> Vec<Settled<T>> {
        while self.items.front().is_some_and(|item| item.tag.is_none()) {
            self.items.pop_front();
            self.first += 1;
            self.alone = self.alone.saturating_sub(1);
        }
        if let Some(anew) = self.anew.take_if(|_| self.flights.is_empty()) {
            let lost =
                || MessageError::new(ErrorCode::Gap, "the server has lost count: it may have been applied");
            for item in self.items.iter_mut().filter(|item| item.tried && anew == Anew::CountLost) {
                settled.extend(item.tag.take().map(|tag| Settled { tag, result: Err(lost()) }));
            }
            self.items.retain(|item| item.tag.is_some());
            self.sources += 1;
            self.first = 1;
        }
        settled
    }
}

impl Flight {
    fn covers(&self, seq: u64) -> bool {
        (self.seq..self.end()).contains(&seq)
    }
}

#[cfg(test)]
mod tests;
