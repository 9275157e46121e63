//! The response body of a stream: one chunk per wake, a chaser, beats, and last words.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use actix_web::body::{BodySize, MessageBody};
use bytes::Bytes;
use sward_protocol::bye::CloseCode;
use tokio::time::{Instant, Sleep};

use super::sse;
use crate::clock::{Clock, whole_ms};
use crate::entropy;
use crate::fanout::mailslot::{Chunk, Reader};
use crate::metrics::Metrics;
use crate::session::Session;

/// When the chaser follows the greeting, in milliseconds.
const CHASER_MS: (u64, u64) = (60, 90);
/// Bounds of the reconnection time in a farewell that asks the client to come back.
const COME_BACK_MS: (u64, u64) = (200, 2_000);
/// And in one that concerns this client alone: the sooner he is back, the more of what he missed can be replayed.
const COME_BACK_SOON_MS: (u64, u64) = (0, 100);
/// And in one that asks it to stop: an EventSource whose page does not listen comes back all the same, but not at once,
/// so that two pages with one session do not take the stream from each other in a tight loop.
const STAY_AWAY_MS: (u64, u64) = (10_000, 20_000);
/// Polls in a row that found nothing to do. A client that sends bytes behind its open stream makes the connection poll
/// this body in a busy loop; past the bound the connection is cut, and the worker is free again.
const IDLE_POLLS_MAX: u32 = 10_000;

/// A stream was cut because its client kept the worker busy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the client keeps sending behind its open stream")]
pub struct BusyClient;

/// What a stream is made of.
pub(super) struct Streaming {
    pub(super) session: Arc<Session>,
    pub(super) reader: Reader,
    pub(super) greeting: Vec<u8>,
    pub(super) beat: Duration,
    pub(super) clock: Clock,
    pub(super) metrics: Arc<Metrics>,
}

enum Phase {
    Greeting(Vec<u8>),
    /// The greeting goes out in a write of its own, below the size at which proxies hold back a write's tail.
    Greeted,
    Open,
    Farewell(CloseCode),
    Over,
}

/// The body of a stream's response.
pub struct StreamBody {
    phase: Phase,
    live: Option<Live>,
}

/// What only a stream with a session has.
struct Live {
    session: Arc<Session>,
    reader: Reader,
    timer: Pin<Box<Sleep>>,
    chased: bool,
    beat: Duration,
    /// This time's silence, drawn at the last beat: drawing one per write would cost more than the write's own work.
    silence: Duration,
    /// When the next beat is due; the timer may be set to an earlier time, from before the last write.
    beat_at: Instant,
    idle_polls: u32,
    clock: Clock,
    metrics: Arc<Metrics>,
}

impl StreamBody {
    pub(super) fn streaming(streaming: Streaming) -> Self {
        let Streaming { session, reader, greeting, beat, clock, metrics } = streaming;
        let now = Instant::now();
        let chaser = Duration::from_millis(entropy::between(CHASER_MS.0, CHASER_MS.1));
        metrics.streams.inc();
        let live = Live {
            session,
            reader,
            timer: Box::pin(tokio::time::sleep_until(now + chaser)),
            chased: false,
            beat,
            silence: jittered(beat),
            beat_at: now + beat,
            idle_polls: 0,
            clock,
            metrics,
        };
        Self { phase: Phase::Greeting(greeting), live: Some(live) }
    }

    pub(super) fn farewell(code: CloseCode) -> Self {
        Self { phase: Phase::Farewell(code), live: None }
    }
}

impl Live {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Vec<u8>, Ended>> {
        match self.session.mailslot().read(&self.reader, cx.waker()) {
            Chunk::Closed(code) => return Poll::Ready(Err(Ended::Closed(code))),
            Chunk::Events { bytes, count } => {
                self.metrics.events_out.inc_by(count);
                self.metrics.event_bytes_out.inc_by(bytes.len() as u64);
                self.metrics.chunks_out.inc();
                self.wrote();
                return Poll::Ready(Ok(bytes));
            }
            Chunk::Empty => {}
        }
        while self.timer.as_mut().poll(cx).is_ready() {
            if !self.chased || Instant::now() >= self.beat_at {
                self.chased = true;
                self.silence = jittered(self.beat);
                self.wrote();
                self.timer.as_mut().reset(self.beat_at);
                return Poll::Ready(Ok(sse::beat(self.clock.now_ms())));
            }
            self.timer.as_mut().reset(self.beat_at);
        }
        self.idle_polls += 1;
        if self.idle_polls > IDLE_POLLS_MAX {
            self.metrics.streams_cut.inc();
            return Poll::Ready(Err(Ended::BusyClient));
        }
        Poll::Pending
    }

    fn wrote(&mut self) {
        self.idle_polls = 0;
        self.beat_at = Instant::now() + self.silence;
    }
}

fn jittered(beat: Duration) -> Duration {
    Duration::from_millis(entropy::jittered(whole_ms(beat)))
}

enum Ended {
    Closed(CloseCode),
    BusyClient,
}

impl Drop for Live {
    fn drop(&mut self) {
        self.metrics.streams.dec();
        self.session.mailslot().detach(&self.reader);
    }
}

impl MessageBody for StreamBody {
    type Error = BusyClient;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BusyClient>>> {
        let body = self.get_mut();
        loop {
            match std::mem::replace(&mut body.phase, Phase::Open) {
                Phase::Greeting(greeting) => {
                    body.phase = Phase::Greeted;
                    return Poll::Ready(Some(Ok(greeting.into())));
                }
                Phase::Greeted => {
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
                Phase::Open => {
                    let Some(live) = &mut body.live else {
                        body.phase = Phase::Over;
                        continue;
                    };
                    match std::task::ready!(live.poll(cx)) {
                        Ok(bytes) => return Poll::Ready(Some(Ok(bytes.into()))),
                        Err(Ended::Closed(code)) => {
                            live.metrics.streams_closed.with_label_values(&[&code.code().to_string()]).inc();
                            body.phase = Phase::Farewell(code);
                        }
                        Err(Ended::BusyClient) => {
                            body.phase = Phase::Over;
                            return Poll::Ready(Some(Err(BusyClient)));
                        }
                    }
                }
                Phase::Farewell(code) => {
                    body.phase = Phase::Over;
                    body.live = None;
                    let (low, high) = match code {
                        CloseCode::Slow | CloseCode::Doubled => COME_BACK_SOON_MS,
                        code if code.comes_back() => COME_BACK_MS,
                        _ => STAY_AWAY_MS,
                    };
                    let retry_ms = entropy::between(low, high);
                    return Poll::Ready(Some(Ok(sse::farewell(code, retry_ms).into())));
                }
                Phase::Over => {
                    body.phase = Phase::Over;
                    return Poll::Ready(None);
                }
            }
        }
    }
}
