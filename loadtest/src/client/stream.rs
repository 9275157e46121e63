//! The stream of events: opens, reads, resumes.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use rand_core::{Rng as _, SeedableRng as _};
use rand_pcg::Pcg32;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sward_protocol::bye::Bye;
use sward_protocol::downstream::Hello;
use sward_protocol::ids::{EventId, Token};
use sward_protocol::limits::JOINED_BYTES_MAX;
use sward_protocol::problem::Problem;
use sward_protocol::sse::decode::{Frame, Parser, TooLong};
use uuid::Uuid;

use super::connection::{Connection, request};
use super::{ClientError, Endpoint};

/// How long the server may take to answer with the stream's head.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// The first wait after a stream broke; it doubles with each attempt that fails.
const BACKOFF_MIN: Duration = Duration::from_millis(100);
/// The longest wait between two attempts.
const BACKOFF_MAX: Duration = Duration::from_secs(5);
/// Bytes of one event that are read: the largest `joined`, and room for its lines.
const FRAME_BYTES_MAX: usize = JOINED_BYTES_MAX + 1024;

/// Why a stream ended, or did not begin.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StreamError {
    /// It could not be opened, or its connection broke.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// It ended without a `bye`.
    #[error("the stream was cut")]
    Cut,
    /// Nothing came for the watchdog's time.
    #[error("nothing came for {} ms", .0.as_millis())]
    Silent(Duration),
    /// The server said goodbye.
    #[error("the server ended the stream with {} {}", .0.code, .0.reason)]
    Bye(Bye),
    /// The session has ended (204).
    #[error("the session has ended")]
    SessionGone,
    /// What came is no event stream of this protocol.
    #[error("the stream cannot be read: {0}")]
    Unreadable(String),
}

impl StreamError {
    /// Whether opening the stream again cannot help.
    #[must_use]
    pub fn is_final(&self) -> bool {
        match self {
            Self::Client(error) => !error.is_transient(),
            Self::Cut | Self::Silent(_) => false,
            Self::Bye(bye) => bye.code >= 3500,
            Self::SessionGone | Self::Unreadable(_) => true,
        }
    }
}

/// What happened to a stream so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct StreamCounters {
    /// Connections that began with `hello`.
    pub opened: u64,
    /// Of these, resumed without loss.
    pub resumed: u64,
    /// `reset` events: what was missed is lost.
    pub resets: u64,
    /// Ends of the stream, of every kind.
    pub broken: u64,
    /// Events skipped because their id had come before.
    pub repeated: u64,
}

impl StreamCounters {
    /// Adds another stream's counts.
    pub fn add(&mut self, other: &Self) {
        self.opened += other.opened;
        self.resumed += other.resumed;
        self.resets += other.resets;
        self.broken += other.broken;
        self.repeated += other.repeated;
    }
}

/// A session's stream of events, through any number of connections.
#[derive(Debug)]
pub struct EventStream {
    endpoint: Endpoint,
    token: Token,
    random: Pcg32,
    watchdog: Duration,
    open: Option<Open>,
    progress: Progress,
    /// Attempts in a row that brought nothing but a greeting.
    attempts: u32,
    /// When to open it again, as the server asked.
    retry: Option<Duration>,
}

/// One connection's part.
#[derive(Debug)]
struct Open {
    // The body lives on the connection, so it goes first.
    body: Incoming,
    parser: Parser,
    _connection: Connection,
}

/// How far the events were processed.
#[derive(Debug, Default)]
struct Progress {
    last: Option<EventId>,
    counters: StreamCounters,
}

impl EventStream {
    pub(super) fn new(endpoint: Endpoint, token: Token, watchdog: Duration) -> Self {
        let random = Pcg32::seed_from_u64(Uuid::new_v4().as_u64_pair().0);
        let (open, retry) = (None, None);
        Self { endpoint, token, random, watchdog, open, progress: Progress::default(), attempts: 0, retry }
    }

    /// The id of the last event that was handed on: what an `ack` says.
    #[must_use]
    pub fn last(&self) -> Option<EventId> {
        self.progress.last
    }

    /// What happened so far.
    #[must_use]
    pub fn counters(&self) -> StreamCounters {
        self.progress.counters
    }

    /// Waits for what comes next, opening or resuming the stream first where needed, and hands each event on, in order
    /// and once. Returns after each piece of the stream, also when it held no whole event.
    ///
    /// Not to be dropped half-way if the stream is to be used again: an event may have been taken and not handed on.
    ///
    /// # Errors
    /// [`StreamError`] with [`StreamError::is_final`] only; whatever else happens is retried for ever, with waits that
    /// grow to 5 s.
    pub async fn next(&mut self, on_event: impl FnMut(&Frame)) -> Result<(), StreamError> {
        let result = if self.open.is_some() {
            self.read(on_event).await
        } else {
            tokio::time::sleep(self.wait()).await;
            self.connect().await
        };
        match result {
            Err(error) if !error.is_final() => Ok(()),
            other => other,
        }
    }

    /// Opens the stream, once, from behind the last event that was handed on. Drops a connection that is open.
    ///
    /// # Errors
    /// [`StreamError`] if the server does not begin a stream.
    pub async fn connect(&mut self) -> Result<(), StreamError> {
        self.open = None;
        self.attempts += 1;
        self.retry = None;
        // A fresh nonce each time: two streams with one nonce are a request that was doubled on its way.
        let mut route = format!("/v1/stream?n={}", Uuid::new_v4().simple());
        if let Some(last) = self.progress.last {
            route.push_str(&format!("&last={last}"));
        }
        let opening = tokio::time::timeout(HEAD_TIMEOUT, self.open(&route)).await;
        self.open = Some(opening.unwrap_or(Err(ClientError::Timeout(HEAD_TIMEOUT).into()))?);
        Ok(())
    }

    async fn open(&self, route: &str) -> Result<Open, StreamError> {
        let mut connection = Connection::open(&self.endpoint).await?;
        let mut request = request(&self.endpoint, Some(&self.token), "GET", route, Vec::new());
        let accept = hyper::header::HeaderValue::from_static("text/event-stream");
        request.headers_mut().insert(hyper::header::ACCEPT, accept);
        let response = connection.send(request).await?;
        match response.status().as_u16() {
            200 => {}
            204 => return Err(StreamError::SessionGone),
            status => {
                let body = Limited::new(response.into_body(), FRAME_BYTES_MAX);
                let bytes = body.collect().await.map(|body| body.to_bytes());
                let problem = bytes.ok().and_then(|bytes| serde_json::from_slice::<Problem>(&bytes).ok());
                let path = "/v1/stream".to_owned();
                return Err(StreamError::Client(match problem {
                    Some(problem) => ClientError::Refused(Box::new(problem)),
                    None => ClientError::Status { path, status },
                }));
            }
        }
        let media_type = response.headers().get(hyper::header::CONTENT_TYPE).map(|value| value.as_bytes());
        if !media_type.is_some_and(|value| value.starts_with(b"text/event-stream")) {
            return Err(StreamError::Unreadable("its type is not text/event-stream".to_owned()));
        }
        let body = response.into_body();
        Ok(Open { body, parser: Parser::new(FRAME_BYTES_MAX), _connection: connection })
    }

    /// Reads one piece of the open stream and hands its events on. Any error leaves the stream closed.
    ///
    /// # Errors
    /// [`StreamError`] when the stream ends, of every kind.
    pub async fn read(&mut self, on_event: impl FnMut(&Frame)) -> Result<(), StreamError> {
        let result = self.read_open(on_event).await;
        if let Err(error) = &result {
            self.open = None;
            self.progress.counters.broken += 1;
            if let StreamError::Bye(bye) = error {
                self.retry = Some(Duration::from_millis(bye.retry_ms));
            }
        }
        result
    }

    async fn read_open(&mut self, on_event: impl FnMut(&Frame)) -> Result<(), StreamError> {
        let open = self.open.as_mut().ok_or(StreamError::Cut)?;
        let bytes = next_bytes(&mut open.body, self.watchdog).await?;
        let (seen, watchdog) = self.progress.take(&mut open.parser, &bytes, on_event)?;
        if seen {
            self.attempts = 0;
        }
        self.watchdog = watchdog.unwrap_or(self.watchdog);
        Ok(())
    }

    /// How long to wait before the next attempt: at once after the first break, then longer, never all in step.
    fn wait(&mut self) -> Duration {
        if let Some(retry) = self.retry {
            return retry;
        }
        let Some(doublings) = self.attempts.checked_sub(1) else {
            return Duration::ZERO;
        };
        let wait = BACKOFF_MIN.saturating_mul(1 << doublings.min(16)).min(BACKOFF_MAX);
        wait.mul_f64(0.5 + f64::from(self.random.next_u32()) / f64::from(u32::MAX) / 2.0)
    }
}

async fn next_bytes(body: &mut Incoming, watchdog: Duration) -> Result<Bytes, StreamError> {
    loop {
        let frame = tokio::time::timeout(watchdog, body.frame())
            .await
            .map_err(|_| StreamError::Silent(watchdog))?
            .ok_or(StreamError::Cut)?
            .map_err(|error| ClientError::Broken { error })?;
        if let Ok(bytes) = frame.into_data() {
            return Ok(bytes);
        }
    }
}

impl Progress {
    /// Feeds the parser and hands on what is new. Whether more than a greeting came, and the watchdog that `hello` set.
    fn take(
        &mut self,
        parser: &mut Parser,
        bytes: &[u8],
        mut on_event: impl FnMut(&Frame),
    ) -> Result<(bool, Option<Duration>), StreamError> {
        let mut seen = false;
        let mut watchdog = None;
        let mut end = None;
        let fed = parser.feed(bytes, |frame| {
            // Behind a `bye` or a broken promise nothing of this stream counts.
            if end.is_some() {
                return;
            }
            // A server that greets and hangs up is not to be asked again without a wait.
            seen |= frame.name != "hello";
            let hello = match self.note(&frame) {
                Ok(Noted::New(hello)) => hello,
                Ok(Noted::Repeated) => return,
                Err(error) => return end = Some(error),
            };
            watchdog = hello.map(|hello| Duration::from_millis(hello.watchdog_ms)).or(watchdog);
            on_event(&frame);
        });
        fed.map_err(|error: TooLong| StreamError::Unreadable(error.to_string()))?;
        end.map_or(Ok((seen, watchdog)), Err)
    }

    fn note(&mut self, frame: &Frame) -> Result<Noted, StreamError> {
        if let Some(id) = &frame.id {
            let id: EventId = id.parse().map_err(|_| StreamError::Unreadable(format!("the id {id:?}")))?;
            if self.last.is_some_and(|last| last.epoch == id.epoch && last.seq >= id.seq) {
                self.counters.repeated += 1;
                return Ok(Noted::Repeated);
            }
            self.last = Some(id);
            return Ok(Noted::New(None));
        }
        match frame.name.as_str() {
            "hello" => {
                let hello: Hello = parse(frame)?;
                self.counters.opened += 1;
                self.counters.resumed += u64::from(hello.resumed && self.last.is_some());
                // The numbers were lost with the epoch: the old id would be refused the next time too.
                self.last = self.last.filter(|last| last.epoch == hello.epoch);
                Ok(Noted::New(Some(hello)))
            }
            "bye" => Err(StreamError::Bye(parse(frame)?)),
            "reset" => {
                self.counters.resets += 1;
                // What follows may be numbered below the id that was refused.
                self.last = None;
                Ok(Noted::New(None))
            }
            _ => Ok(Noted::New(None)),
        }
    }
}

/// What a frame is to the stream.
enum Noted {
    /// To be handed on; `hello` speaks to the stream itself too.
    New(Option<Hello>),
    /// Known by its id.
    Repeated,
}

fn parse<T: DeserializeOwned>(frame: &Frame) -> Result<T, StreamError> {
    serde_json::from_str(&frame.data)
        .map_err(|error| StreamError::Unreadable(format!("the event {}: {error}", frame.name)))
}
