//! A batch's way into the room, and its answer's way back.
//!
//! The request's future is dropped when its client leaves. So whatever belongs together happens in one step without an
//! await: a batch's number moves when the room's mailbox took it, and the room writes its replies into the session
//! itself. A request only waits and reads.

use std::sync::Arc;
use std::time::Duration;

use sward_protocol::ids::EventId;
use sward_protocol::limits::{BATCH_JSON_BYTES_MAX, BATCH_MESSAGES_MAX, INTEGER_END, NONCE_CHARS_MAX};
use sward_protocol::problem::MessageError;
use sward_protocol::upstream::{Answer, Message, SendBody};
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::Session;
use super::inbox::{Replies, Verdict};
use super::routing::{Read, Settled, json_bytes, submit};
use super::session::Incoming;
use crate::room::handle::{ANSWER_WAIT_MAX, RoomError};
use crate::social::hall::Hall;

/// How long a batch waits for the one before it.
pub const EARLY_WAIT_MAX: Duration = Duration::from_secs(2);
/// When to try again after `room_busy`.
const BUSY_RETRY_MS: u64 = 100;

/// Why a request as a whole was not answered. Nothing of it was applied, but for [`SendError::Slow`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// A field is out of range.
    #[error("{0}")]
    BadField(String),
    /// More bytes as JSON than a batch may have.
    #[error("at most {BATCH_JSON_BYTES_MAX} bytes as JSON")]
    TooLarge,
    /// A batch before this one is missing.
    #[error("the batch that begins with {expected} is missing")]
    Gap {
        /// The number to go on with.
        expected: u64,
    },
    /// Too many messages, or bytes.
    #[error("more messages or bytes a second than this server takes")]
    RateLimited {
        /// When to try again.
        retry_after_ms: u64,
    },
    /// The room, or this session, has too much under way.
    #[error("the room has too much to do")]
    Busy {
        /// When to try again.
        retry_after_ms: u64,
    },
    /// The room did not answer; send the same again.
    #[error("the room did not answer in time")]
    Slow,
    /// The one message of the request failed.
    #[error("{0}")]
    Message(MessageError),
}

/// Applies a request's messages and waits for the replies.
///
/// # Errors
/// [`SendError`]: see there what was applied.
pub async fn send(
    session: &Arc<Session>,
    body: SendBody,
    body_bytes: usize,
    hall: &Hall,
) -> Result<Answer, SendError> {
    let ack = body.ack.as_deref().filter(|ack| !ack.is_empty()).map(str::parse::<EventId>);
    let ack = ack.transpose().map_err(|_| SendError::BadField("ack is the id of an event".to_owned()))?;
    if let Some(id) = ack {
        session.acknowledged(id);
    }
    let mut answer = apply(session, body, body_bytes, hall).await?;
    if let Some(id) = ack {
        // Looked up last: a drained client has the pong of this very request with its answer.
        answer.events = session.mailslot().peek_for_answer(id);
    }
    Ok(answer)
}

async fn apply(
    session: &Arc<Session>,
    body: SendBody,
    body_bytes: usize,
    hall: &Hall,
) -> Result<Answer, SendError> {
    if body.src.chars().count() > NONCE_CHARS_MAX {
        return Err(SendError::BadField(format!("src has at most {NONCE_CHARS_MAX} characters")));
    }
    let messages: Vec<Read> = body.msgs.unwrap_or_default().iter().map(Message::read).collect();
    let json_bytes: usize = messages.iter().flatten().map(json_bytes).sum();
    if json_bytes > BATCH_JSON_BYTES_MAX {
        return Err(SendError::TooLarge);
    }
    let body_bytes = body_bytes.max(json_bytes);
    if messages.len() > BATCH_MESSAGES_MAX {
        return Err(SendError::BadField(format!("a batch has at most {BATCH_MESSAGES_MAX} messages")));
    }
    if messages.is_empty() {
        let ack = session.incoming().inbox.last(&body.src);
        return Ok(Answer { ack, replies: Vec::new(), events: Vec::new() });
    }
    match body.seq {
        None => send_unnumbered(session, &body.src, messages, body_bytes, hall).await,
        Some(seq) if seq == 0 || seq >= INTEGER_END - BATCH_MESSAGES_MAX as u64 => {
            Err(SendError::BadField("seq counts from 1 and stays below 2^53".to_owned()))
        }
        Some(seq) => {
            let batch = Numbered { src: &body.src, seq, count: messages.len(), bytes: body_bytes };
            send_numbered(session, batch, messages, hall).await
        }
    }
}

/// Applies one message that is a request of its own.
///
/// # Errors
/// [`SendError::Message`] if it failed, or another.
pub async fn send_one(
    session: &Arc<Session>,
    message: Read,
    body_bytes: usize,
    hall: &Hall,
) -> Result<Answer, SendError> {
    let message = message.map_err(|unreadable| SendError::Message(unreadable.error))?;
    let mut answer = send_unnumbered(session, "", vec![Ok(message)], body_bytes, hall).await?;
    match answer.replies.first_mut().and_then(|reply| reply.error.take()) {
        Some(error) => Err(SendError::Message(error)),
        None => Ok(answer),
    }
}

/// Without numbers nothing is remembered: the replies go to this request or to nobody.
async fn send_unnumbered(
    session: &Arc<Session>,
    src: &str,
    messages: Vec<Read>,
    body_bytes: usize,
    hall: &Hall,
) -> Result<Answer, SendError> {
    let (answer, answered) = oneshot::channel();
    {
        let mut incoming = session.incoming();
        let rates = incoming.rates.clone();
        let now_ms = hall.clock().now_ms();
        charge(&mut incoming, messages.len(), body_bytes, now_ms)?;
        let done = move |replies| {
            let _ = answer.send(replies);
        };
        let settled = submit(session, hall, &mut incoming.rates.calls, messages, now_ms, done);
        // A refusal means that nothing was applied, and so costs nothing.
        let settled = settled.inspect_err(|_| incoming.rates = rates).map_err(busy)?;
        if let Settled::Now(replies) = settled {
            return Ok(Answer { ack: incoming.inbox.last(src), replies, events: Vec::new() });
        }
    }
    match tokio::time::timeout(ANSWER_WAIT_MAX, answered).await {
        Ok(Ok(replies)) => {
            Ok(Answer { ack: session.incoming().inbox.last(src), replies, events: Vec::new() })
        }
        _ => Err(SendError::Slow),
    }
}

/// What names a batch, and its size.
#[derive(Clone, Copy)]
struct Numbered<'a> {
    src: &'a str,
    seq: u64,
    count: usize,
    bytes: usize,
}

async fn send_numbered(
    session: &Arc<Session>,
    batch: Numbered<'_>,
    messages: Vec<Read>,
    hall: &Hall,
) -> Result<Answer, SendError> {
    let mut messages = Some(messages);
    let early_until = Instant::now() + EARLY_WAIT_MAX;
    let mut waiting: Option<Waiting<'_>> = None;
    let reading = loop {
        let moved = session.incoming_moved().notified();
        tokio::pin!(moved);
        // Registered before looking: what moves in between is not missed.
        moved.as_mut().enable();
        let expected = match admit(session, batch, &mut messages, hall)? {
            Admitted::Reading(reading) => break reading,
            Admitted::Early { expected } => expected,
        };
        if waiting.is_none() {
            waiting = Some(Waiting::start(session, batch.bytes).ok_or(SendError::Gap { expected })?);
        }
        if tokio::time::timeout_at(early_until, moved).await.is_err() {
            return Err(SendError::Gap { expected });
        }
    };
    drop(waiting);
    let answer_until = Instant::now() + ANSWER_WAIT_MAX;
    loop {
        let moved = session.incoming_moved().notified();
        tokio::pin!(moved);
        moved.as_mut().enable();
        if let Replies::Ready { last, replies } = reading.replies() {
            return Ok(Answer { ack: last, replies, events: Vec::new() });
        }
        if tokio::time::timeout_at(answer_until, moved).await.is_err() {
            return Err(SendError::Slow);
        }
    }
}

enum Admitted<'a> {
    Reading(Reading<'a>),
    Early { expected: u64 },
}

/// The one step in which a batch is examined, taken by the room, and counted.
fn admit<'a>(
    session: &'a Arc<Session>,
    batch: Numbered<'a>,
    messages: &mut Option<Vec<Read>>,
    hall: &Hall,
) -> Result<Admitted<'a>, SendError> {
    let Numbered { src, seq, count, .. } = batch;
    let mut incoming = session.incoming();
    let skip = match incoming.inbox.examine(src, seq, count) {
        Verdict::Apply { skip } => skip,
        Verdict::Early { expected } => return Ok(Admitted::Early { expected }),
        Verdict::Busy => return Err(SendError::Busy { retry_after_ms: BUSY_RETRY_MS }),
    };
    let first = seq + skip as u64;
    let fresh: Vec<Read> = messages.take().unwrap_or_default().into_iter().skip(skip).collect();
    if !fresh.is_empty() {
        let rates = incoming.rates.clone();
        let now_ms = hall.clock().now_ms();
        charge(&mut incoming, fresh.len(), batch.bytes, now_ms)?;
        let (owner, source) = (Arc::clone(session), src.to_owned());
        let done = move |replies| {
            owner.incoming().inbox.answered(&source, first, replies);
            owner.incoming_moved().notify_waiters();
        };
        // The room may answer on its own thread at any moment, but it waits for this lock.
        let settled = submit(session, hall, &mut incoming.rates.calls, fresh, now_ms, done);
        let settled = settled.inspect_err(|_| incoming.rates = rates).map_err(busy)?;
        incoming.inbox.admitted(src, first, seq + count as u64 - 1);
        if let Settled::Now(replies) = settled {
            incoming.inbox.answered(src, first, replies);
        }
    }
    incoming.inbox.start_reading(src, seq, count);
    drop(incoming);
    session.incoming_moved().notify_waiters();
    Ok(Admitted::Reading(Reading { session, batch }))
}

fn charge(incoming: &mut Incoming, messages: usize, bytes: usize, now_ms: u64) -> Result<(), SendError> {
    // Both are bounded far below 2^32 by the limits on a body.
    let whole = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    let taken = incoming.rates.take(whole(messages), whole(bytes), now_ms);
    taken.map_err(|retry_after_ms| SendError::RateLimited { retry_after_ms })
}

fn busy(_: RoomError) -> SendError {
    SendError::Busy { retry_after_ms: BUSY_RETRY_MS }
}

/// A request that reads the replies to its batch. Dropped with the request, wherever that is.
struct Reading<'a> {
    session: &'a Session,
    batch: Numbered<'a>,
}

impl Reading<'_> {
    fn replies(&self) -> Replies {
        self.session.incoming().inbox.replies(self.batch.src, self.batch.seq, self.batch.count)
    }
}

impl Drop for Reading<'_> {
    fn drop(&mut self) {
        let Numbered { src, seq, count, .. } = self.batch;
        self.session.incoming().inbox.stop_reading(src, seq, count);
    }
}

/// A batch that waits for the one before it. Dropped with the request, wherever that is.
struct Waiting<'a> {
    session: &'a Session,
    bytes: usize,
}

impl<'a> Waiting<'a> {
    fn start(session: &'a Session, bytes: usize) -> Option<Self> {
        // Made only if it may wait: dropping one takes the lock that is held here.
        let may_wait = session.incoming().inbox.start_waiting(bytes);
        may_wait.then(|| Self { session, bytes })
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.session.incoming().inbox.stop_waiting(self.bytes);
    }
}
