//! The half of a bot that sends.

use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use serde::Serialize;
use sward_protocol::payload::Payload;
use sward_protocol::upstream::{Answer, Batch, Message};
use tokio::sync::{Notify, watch};
use tokio::time::{sleep, timeout};

use super::inbox::{SharedInbox, lock};
use super::outgoing::{Next, Outgoing};
use crate::client::{ClientError, Merger, Session};
use crate::marker::{Marker, RunTag};
use crate::shared::{Phase, Shared};
use crate::stats::Sent;

/// The wait after the first transport error; it doubles with each further one.
const BACKOFF_MIN: Duration = Duration::from_millis(50);
/// The longest wait between two attempts.
const BACKOFF_MAX: Duration = Duration::from_secs(2);
/// The least wait after a refusal, whatever the server says.
const RETRY_AFTER_MIN: Duration = Duration::from_millis(1);
/// Beats of silence after which the contract wants a bare `ack`.
const ACK_BEATS: u32 = 3;

/// What happened to a writer's requests.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct PostCounters {
    /// Batches that were answered with 200, bare acknowledgements not counted.
    pub answered: u64,
    /// Requests without an answer, sent again.
    pub broken: u64,
    /// 429: the server's limits, nothing lost.
    pub rate_limited: u64,
    /// 503: the server's limits, nothing lost.
    pub overloaded: u64,
}

impl PostCounters {
    pub(crate) fn add(&mut self, other: &Self) {
        self.answered += other.answered;
        self.broken += other.broken;
        self.rate_limited += other.rate_limited;
        self.overloaded += other.overloaded;
    }
}

/// What a writer leaves behind.
#[derive(Debug)]
pub(crate) struct Written {
    pub(crate) session: Session,
    /// Messages that should have been sent.
    pub(crate) scheduled: u64,
    pub(crate) sent: Sent,
    pub(crate) posts: PostCounters,
    /// Why it gave up.
    pub(crate) failed: Option<String>,
}

/// What a writer is made of.
#[derive(Debug)]
pub(crate) struct Writer {
    pub(crate) index: usize,
    pub(crate) session: Session,
    pub(crate) src: String,
    pub(crate) run: RunTag,
    pub(crate) data_bytes: usize,
    pub(crate) outgoing: Outgoing,
    pub(crate) due: Arc<Notify>,
    pub(crate) merger: Merger,
    pub(crate) inbox: SharedInbox,
    pub(crate) shared: Arc<Shared>,
}

/// A writer at work.
struct Work {
    writer: Writer,
    posts: PostCounters,
    failures: u32,
}

impl Writer {
    /// Sends what the schedule asks for, then signs of life, until nothing more is to be sent.
    pub(crate) async fn run(self, mut phase: watch::Receiver<Phase>) -> Written {
        let mut work = Work { writer: self, posts: PostCounters::default(), failures: 0 };
        let failed = tokio::select! {
            // An error means that the run itself is gone: nothing more is to be sent either.
            _ = phase.wait_for(|phase| *phase >= Phase::Sent) => None,
            error = work.send_and_stay() => Some(error.to_string()),
        };
        let Work { writer, posts, .. } = work;
        let (scheduled, sent) = writer.outgoing.close(writer.shared.cutoff());
        Written { session: writer.session, scheduled, sent, posts, failed }
    }
}

impl Work {
    /// Sends everything, says so, and keeps the session alive: others may still be sending to it.
    async fn send_and_stay(&mut self) -> ClientError {
        let beat = Duration::from_millis(self.writer.session.created().heartbeat_ms);
        let silence = beat.saturating_mul(ACK_BEATS);
        let mut result = self.send_all(silence).await;
        self.writer.shared.writers_done.add_permits(1);
        loop {
            if let Err(error) = result {
                return error;
            }
            sleep(silence).await;
            result = self.acknowledge().await;
        }
    }

    async fn send_all(&mut self, silence: Duration) -> Result<(), ClientError> {
        loop {
            let Writer { outgoing, shared, .. } = &mut self.writer;
            match outgoing.next(shared.now(), shared.cutoff()) {
                Next::Done => return Ok(()),
                Next::Send { numbers, fresh_from } => self.send(numbers, fresh_from).await?,
                Next::Wait => {
                    if timeout(silence, self.writer.due.notified()).await.is_err() {
                        self.acknowledge().await?;
                    }
                }
            }
        }
    }

    /// Sends one batch, once, and takes its answer or waits before the next attempt.
    async fn send(&mut self, numbers: RangeInclusive<u64>, fresh_from: u64) -> Result<(), ClientError> {
        let seq = *numbers.start();
        let writer = &self.writer;
        let messages: Vec<Message> = numbers.clone().map(|number| writer.message(number)).collect();
        let started = writer.shared.now();
        let fresh = fresh_from..=*numbers.end();
        let lags = fresh.map(|number| started.saturating_sub(writer.outgoing.intended(number)));
        writer.shared.send_lag.record(writer.index, lags);
        let posted = Instant::now();
        match self.writer.post(Some(seq), &messages).await {
            Ok(answer) => {
                let writer = &mut self.writer;
                writer.shared.post.record(writer.index, [posted.elapsed()]);
                let confirmed = writer.outgoing.answered(seq, &answer);
                writer.shared.counts.accepted.fetch_add(confirmed, Ordering::Relaxed);
                self.posts.answered += 1;
                if confirmed == 0 {
                    // A server that answers and takes nothing is not to be asked again at once.
                    self.back_off().await;
                } else {
                    self.failures = 0;
                }
                Ok(())
            }
            Err(error) => self.wait_or_fail(error).await,
        }
    }

    /// Says how far the stream was processed: a sign of life.
    async fn acknowledge(&mut self) -> Result<(), ClientError> {
        match self.writer.post(None, &[]).await {
            Ok(_) => Ok(()),
            Err(error) => self.wait_or_fail(error).await,
        }
    }

    async fn wait_or_fail(&mut self, error: ClientError) -> Result<(), ClientError> {
        if let ClientError::Refused(problem) = &error {
            self.posts.rate_limited += u64::from(problem.status == 429);
            self.posts.overloaded += u64::from(problem.status == 503);
        }
        if let Some(wait) = error.retry_after() {
            sleep(wait.max(RETRY_AFTER_MIN)).await;
            Ok(())
        } else if error.is_transient() {
            self.posts.broken += u64::from(error.is_transport());
            self.back_off().await;
            Ok(())
        } else {
            Err(error)
        }
    }

    async fn back_off(&mut self) {
        let wait = BACKOFF_MIN.saturating_mul(1 << self.failures.min(16)).min(BACKOFF_MAX);
        self.failures += 1;
        sleep(wait).await;
    }
}

impl Writer {
    fn message(&self, number: u64) -> Message {
        let intended_us = self.outgoing.intended(number).as_micros() as u64;
        let marker = Marker { run: self.run, sender: self.index as u32, number, intended_us };
        let data = Payload::of(&marker.text(self.data_bytes)).expect("a marker is a plain ASCII string");
        Message { kind: "move".to_owned(), data, rid: None, to: None, key: None, keep: None }
    }

    /// Posts a batch. What events its answer has are taken as if the stream had brought them.
    async fn post(&mut self, seq: Option<u64>, msgs: &[Message]) -> Result<Answer, ClientError> {
        let asked_at = self.merger.position();
        let batch = Batch { src: &self.src, seq, ack: asked_at.last, msgs };
        let mut answer = self.session.send(&batch).await?;
        let events = std::mem::take(&mut answer.events);
        if !events.is_empty() {
            self.merger.merge(asked_at, events, |item| lock(&self.inbox).take(item.event));
            lock(&self.inbox).flush();
        }
        Ok(answer)
    }
}
