//! The response body of a stream that stays open: one chunk per wake, a chaser, beats, and last words.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use actix_web::body::{BodySize, MessageBody};
use bytes::Bytes;
use flate2::CompressError;
use sward_protocol::bye::CloseCode;
use tokio::time::{Instant, Sleep};

use super::open::{Hold, Opened, farewell};
use super::options::StreamOptions;
use super::packer::Packer;
use super::words;
use crate::clock::{Clock, whole_ms};
use crate::entropy;
use crate::fanout::reading::Chunk;

/// Bounds of the reconnection time that a stream begins with, jittered so that a crowd does not come back at once.
const RETRY_MS: (u64, u64) = (1_000, 3_000);
/// When the chaser follows the greeting, in milliseconds.
const CHASER_MS: (u64, u64) = (60, 90);
/// Polls in a row that found nothing to do. The HTTP layer was seen to poll a body in a busy loop while its client sent
/// bytes behind the open stream; the guard around the socket keeps such bytes from it now. Should another cause be found,
/// the connection is cut past this bound, and the worker is free again.
const IDLE_POLLS_MAX: u32 = 10_000;

/// Why a stream was cut without a word.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Cut {
    /// Its client kept the worker busy.
    #[error("the client keeps sending behind its open stream")]
    BusyClient,
    /// It could not be compressed.
    #[error("the stream cannot be compressed: {0}")]
    Compression(#[from] CompressError),
}

enum Phase {
    Greeting(Vec<u8>),
    /// The greeting goes out in a write of its own, below the size at which proxies hold back a write's tail.
    Greeted,
    Open,
    Farewell(Vec<u8>),
    Over,
}

/// The body of a stream's response.
pub struct StreamBody {
    phase: Phase,
    live: Option<Live>,
    packer: Packer,
}

/// What only a stream with a session has.
struct Live {
    hold: Hold,
    timer: Pin<Box<Sleep>>,
    chased: bool,
    beat: Duration,
    /// This time's silence, drawn at the last beat: drawing one per write would cost more than the write's own work.
    silence: Duration,
    /// When the next beat is due; the timer may be set to an earlier time, from before the last write.
    beat_at: Instant,
    /// When the stream has lasted long enough.
    rotate_at: Instant,
    padding_each: usize,
    idle_polls: u32,
    clock: Clock,
}

impl StreamBody {
    /// A stream that lasts `age_ms`, unless it ends before.
    #[must_use]
    pub fn streaming(
        opened: Opened,
        options: &StreamOptions,
        packer: Packer,
        age_ms: u64,
        clock: Clock,
    ) -> Self {
        let Opened { hold, hello, .. } = opened;
        let format = hold.format();
        let mut greeting = Vec::with_capacity(options.padding + 768);
        format.push_retry(&mut greeting, entropy::between(RETRY_MS.0, RETRY_MS.1));
        format.push_padding(&mut greeting, options.padding);
        greeting.extend(hello.unwrap_or_default());
        let now = Instant::now();
        let beat = Duration::from_millis(options.beat_ms);
        let chaser = Duration::from_millis(entropy::between(CHASER_MS.0, CHASER_MS.1));
        let live = Live {
            hold,
            timer: Box::pin(tokio::time::sleep_until(now + chaser)),
            chased: false,
            beat,
            silence: jittered(beat),
            beat_at: now + beat,
            rotate_at: now + Duration::from_millis(age_ms),
            padding_each: options.padding_each,
            idle_polls: 0,
            clock,
        };
        Self { phase: Phase::Greeting(greeting), live: Some(live), packer }
    }

    /// A stream that only says why there is none.
    #[must_use]
    pub fn refused(farewell: Vec<u8>, packer: Packer) -> Self {
        Self { phase: Phase::Farewell(farewell), live: None, packer }
    }
}

impl Live {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Vec<u8>, Ended>> {
        match self.hold.read(cx.waker()) {
            Chunk::Closed(code) => return Poll::Ready(Err(Ended::Closed(code))),
            Chunk::Events { bytes, .. } => {
                self.wrote();
                return Poll::Ready(Ok(self.padded(bytes)));
            }
            Chunk::Empty => {}
        }
        while self.timer.as_mut().poll(cx).is_ready() {
            let now = Instant::now();
            if !self.chased || now >= self.beat_at {
                self.chased = true;
                self.silence = jittered(self.beat);
                self.wrote();
                self.set_timer();
                let beat = words::beat(self.hold.format(), self.clock.now_ms());
                return Poll::Ready(Ok(self.padded(beat)));
            }
            // Nothing waits: what comes from here on is for the next stream.
            if now >= self.rotate_at {
                return Poll::Ready(Err(Ended::Closed(CloseCode::Rotated)));
            }
            self.set_timer();
        }
        self.idle_polls += 1;
        if self.idle_polls > IDLE_POLLS_MAX {
            self.hold.metrics().streams_cut.inc();
            return Poll::Ready(Err(Ended::BusyClient));
        }
        Poll::Pending
    }

    fn wrote(&mut self) {
        self.idle_polls = 0;
        self.beat_at = Instant::now() + self.silence;
    }

    fn set_timer(&mut self) {
        self.timer.as_mut().reset(self.beat_at.min(self.rotate_at));
    }

    fn padded(&self, mut bytes: Vec<u8>) -> Vec<u8> {
        self.hold.format().push_padding(&mut bytes, self.padding_each);
        bytes
    }

    fn farewell(&self, code: CloseCode) -> Vec<u8> {
        farewell(self.hold.format(), code, self.hold.metrics())
    }
}

fn jittered(beat: Duration) -> Duration {
    Duration::from_millis(entropy::jittered(whole_ms(beat)))
}

enum Ended {
    Closed(CloseCode),
    BusyClient,
}

impl MessageBody for StreamBody {
    type Error = Cut;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Cut>>> {
        let body = self.get_mut();
        loop {
            match std::mem::replace(&mut body.phase, Phase::Open) {
                Phase::Greeting(greeting) => {
                    body.phase = Phase::Greeted;
                    return Poll::Ready(Some(body.packer.write(greeting).map_err(Cut::from)));
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
                        Ok(bytes) => return Poll::Ready(Some(body.packer.write(bytes).map_err(Cut::from))),
                        Err(Ended::Closed(code)) => {
                            body.phase = Phase::Farewell(live.farewell(code));
                        }
                        Err(Ended::BusyClient) => {
                            body.phase = Phase::Over;
                            return Poll::Ready(Some(Err(Cut::BusyClient)));
                        }
                    }
                }
                Phase::Farewell(words) => {
                    body.phase = Phase::Over;
                    body.live = None;
                    return Poll::Ready(Some(body.packer.finish(words).map_err(Cut::from)));
                }
                Phase::Over => {
                    body.phase = Phase::Over;
                    return Poll::Ready(None);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::task::Waker;

    use sward_protocol::downstream::{Event, Pong};
    use sward_protocol::ids::{Epoch, NodeId, PlayerId, Token};
    use sward_protocol::payload::Payload;
    use sward_protocol::session::Player;

    use super::*;
    use crate::config::Config;
    use crate::fanout::encode::encode;
    use crate::fanout::flush::Flush;
    use crate::fanout::wake::Wakes;
    use crate::metrics::Metrics;
    use crate::room::directory::Directory;
    use crate::session::Session;
    use crate::stream::open::open;
    use crate::stream::options::StreamQuery;

    fn poll(body: &mut StreamBody) -> Poll<Option<Result<Bytes, Cut>>> {
        Pin::new(body).poll_next(&mut Context::from_waker(Waker::noop()))
    }

    fn session(metrics: &Arc<Metrics>) -> Arc<Session> {
        let (config, now_ms) = (Config::default(), Clock::new().now_ms());
        Arc::new(Session::new(
            Token::from_random(NodeId(0), 1),
            Player { id: PlayerId::from_random(NodeId(0), 1), name: "Zoë".to_owned() },
            Epoch(1),
            config.patience(),
            config.rates(now_ms),
            now_ms,
            Arc::clone(metrics),
        ))
    }

    fn stream(session: &Arc<Session>, metrics: &Arc<Metrics>) -> StreamBody {
        let (options, clock) =
            (StreamOptions::new(None, false, StreamQuery::default()).unwrap(), Clock::new());
        let directory = Directory::new(1, clock, Arc::clone(metrics));
        let opened = open(session, &options, clock, metrics, &directory).unwrap();
        StreamBody::streaming(opened, &options, Packer::new(false), 600_000, clock)
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_flight_is_a_write_of_its_own_and_what_waits_follows_it() {
        let metrics = Arc::new(Metrics::new());
        let session = session(&metrics);
        let pong = encode(&Event::Pong(Pong { data: Payload::null() })).unwrap();
        session.mailslot().post_own(&Arc::new(Flush::of(pong)), 0, &mut Wakes::default());
        let mut body = stream(&session, &metrics);
        let Poll::Ready(Some(Ok(greeting))) = poll(&mut body) else { panic!("the greeting") };
        let text = String::from_utf8(greeting.to_vec()).unwrap();
        assert!(text.contains("event: hello") && !text.contains("event: pong"), "{text}");
        assert!(
            (2_048..3_500).contains(&text.len()),
            "{} bytes, and the head is to fit below 4,000",
            text.len()
        );
        assert!(poll(&mut body).is_pending(), "so that it is written");
        let Poll::Ready(Some(Ok(events))) = poll(&mut body) else { panic!("what waited") };
        assert!(events.starts_with(b"id: 00000001.1\nevent: pong\n"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_is_polled_for_nothing_ends_and_lets_go_of_its_session() {
        let metrics = Arc::new(Metrics::new());
        let session = session(&metrics);
        let mut body = stream(&session, &metrics);
        assert!(matches!(poll(&mut body), Poll::Ready(Some(Ok(_)))), "the greeting");
        assert!(poll(&mut body).is_pending(), "and a write of its own for it");
        let mut idle = |polls: u32| (0..polls).all(|_| poll(&mut body).is_pending());
        assert!(idle(IDLE_POLLS_MAX));
        // A beat is a cause: the count begins anew.
        tokio::time::advance(Duration::from_millis(CHASER_MS.1)).await;
        assert!(!idle(1), "the chaser");
        assert!(idle(IDLE_POLLS_MAX));
        assert!(matches!(poll(&mut body), Poll::Ready(Some(Err(Cut::BusyClient)))));
        assert_eq!(metrics.streams_cut.get(), 1);
        assert!(matches!(poll(&mut body), Poll::Ready(None)));
        drop(body);
        assert!(!session.mailslot().has_reader());
        assert_eq!(metrics.streams.get(), 0);
    }
}
