//! A session's events, through any number of connections.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rand_core::{Rng as _, SeedableRng as _};
use rand_pcg::Pcg32;
use sward_protocol::downstream::Event;
use sward_protocol::format::{Data, Delivery, Received};
use sward_protocol::ids::{EventId, Token};
use sward_protocol::upstream::PastEvent;
use uuid::Uuid;

use super::backoff::Backoff;
use super::connection::Connection;
use super::cursor::{Cursor, Greeting};
use super::nonce::Nonces;
use super::stream::{Asked, OpenStream};
use super::{Endpoint, Rung, StreamCounters, StreamError, StreamOptions};

/// The first wait after a stream broke, at most; it doubles with each attempt that fails.
const BACKOFF_MS: u64 = 100;
/// The longest wait between two attempts.
const BACKOFF_MS_MAX: u64 = 5_000;

/// One event as it arrived.
#[derive(Debug, Clone, Copy)]
pub struct Item<'a> {
    /// Its id; `None` for `hello`, `noop`, `reset`, and for all but the last of a batch.
    pub id: Option<EventId>,
    /// Name and data.
    pub event: &'a Received,
}

/// A session's stream of events: opens, reads, resumes.
#[derive(Debug)]
pub struct EventStream {
    endpoint: Endpoint,
    token: Token,
    options: StreamOptions,
    nonces: Nonces,
    random: Pcg32,
    watchdog: Duration,
    open: Option<OpenStream>,
    /// Of a drained answer, for the next one.
    kept: Option<Connection>,
    progress: Merger,
    /// Attempts in a row that brought nothing but a greeting.
    backoff: Backoff,
    /// Nothing failed since, so the next attempt needs no wait.
    at_once: bool,
    /// When to open it again, as the server asked.
    retry_ms: Option<u64>,
}

/// Where a stream stands: shared by whoever reads the stream and whoever reads the answers of POSTs.
#[derive(Debug, Clone, Default)]
pub struct Merger(Arc<Mutex<Progress>>);

/// The last event that was handed on, and the run of events that it belongs to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Position {
    /// What an `ack` says.
    pub last: Option<EventId>,
    run: u64,
}

#[derive(Debug, Default)]
struct Progress {
    cursor: Cursor,
    counters: StreamCounters,
    had_streams: bool,
}

impl Merger {
    /// To be taken before a POST that carries it as `ack`.
    #[must_use]
    pub fn position(&self) -> Position {
        let progress = self.lock();
        Position { last: progress.cursor.last(), run: progress.cursor.run() }
    }

    /// Hands on those events of an answer that are new. `asked_at`: the position when the request was made.
    pub fn merge(&self, asked_at: Position, events: Vec<PastEvent>, mut on_event: impl FnMut(Item<'_>)) {
        let mut progress = self.lock();
        for PastEvent(id, name, data) in events {
            if progress.cursor.run() == asked_at.run && progress.cursor.accept(id) {
                progress.counters.by_post += 1;
                let event = Received { name, data: Data::Json(data.json().to_owned()) };
                on_event(Item { id: Some(id), event: &event });
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Progress> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl EventStream {
    pub(super) fn new(endpoint: Endpoint, token: Token, options: StreamOptions, watchdog: Duration) -> Self {
        Self {
            endpoint,
            token,
            options,
            nonces: Nonces::new(),
            random: Pcg32::seed_from_u64(Uuid::new_v4().as_u64_pair().0),
            watchdog,
            open: None,
            kept: None,
            progress: Merger::default(),
            backoff: Backoff::new(BACKOFF_MS, BACKOFF_MS_MAX),
            at_once: true,
            retry_ms: None,
        }
    }

    /// Where it stands, for whoever reads the answers of POSTs.
    #[must_use]
    pub fn merger(&self) -> Merger {
        self.progress.clone()
    }

    /// What happened so far.
    #[must_use]
    pub fn counters(&self) -> StreamCounters {
        self.progress.lock().counters
    }

    /// Waits for what comes next, opening or resuming the stream first where needed, and hands each event on, in order
    /// and once. Returns after each piece of the stream, also when it held no whole event.
    ///
    /// Not to be dropped half-way if the stream is to be used again: an event may have been taken and not handed on.
    ///
    /// # Errors
    /// [`StreamError`] with [`StreamError::is_final`] only; whatever else happens is retried for ever, with waits that
    /// grow to 5 s.
    pub async fn next(&mut self, on_event: impl FnMut(Item<'_>)) -> Result<(), StreamError> {
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
        self.at_once = false;
        self.retry_ms = None;
        let last = self.progress.position().last;
        let kept = self.kept.take();
        let Self { endpoint, token, options, nonces, .. } = &*self;
        let open = OpenStream::open(&Asked { endpoint, token, options, nonces, last }, kept).await?;
        self.open = Some(open);
        Ok(())
    }

    /// Reads one piece of the open stream and hands its events on. Any error leaves the stream closed.
    ///
    /// # Errors
    /// [`StreamError`] when the stream ends, of every kind but the end of a drained answer.
    pub async fn read(&mut self, on_event: impl FnMut(Item<'_>)) -> Result<(), StreamError> {
        let result = self.read_open(on_event).await;
        if let Err(error) = &result {
            self.open = None;
            self.progress.lock().counters.broken += 1;
            if let StreamError::Bye(bye) = error {
                self.retry_ms = Some(bye.retry_ms);
            }
        }
        result
    }

    async fn read_open(&mut self, on_event: impl FnMut(Item<'_>)) -> Result<(), StreamError> {
        let open = self.open.as_mut().ok_or(StreamError::Cut)?;
        let Some(deliveries) = open.read(self.watchdog).await? else {
            if self.options.rung != Rung::Drain {
                return Err(StreamError::Cut);
            }
            self.kept = self.open.take().map(OpenStream::into_connection);
            return Ok(());
        };
        let (seen, watchdog) = self.progress.lock().take(deliveries, on_event)?;
        if seen {
            // A server that greets and hangs up is not to be asked again without a wait.
            self.backoff.reset();
            self.at_once = true;
        }
        self.watchdog = watchdog.unwrap_or(self.watchdog);
        Ok(())
    }

    /// How long to wait before the next attempt: at once after the first break, then longer, never all in step.
    fn wait(&mut self) -> Duration {
        let random = f64::from(self.random.next_u32()) / (f64::from(u32::MAX) + 1.0);
        let wait_ms = match (self.retry_ms, self.at_once) {
            (Some(retry_ms), _) => retry_ms,
            (None, true) => 0,
            // At least half of the bound: a load of thousands is not to hammer a server that has ended.
            (None, false) => self.backoff.failed(None, 0.5 + random / 2.0),
        };
        Duration::from_millis(wait_ms)
    }
}

impl Progress {
    /// Hands on what is new. Whether more than a greeting came, and the watchdog that `hello` set.
    fn take(
        &mut self,
        deliveries: Vec<Delivery>,
        mut on_event: impl FnMut(Item<'_>),
    ) -> Result<(bool, Option<Duration>), StreamError> {
        let (mut seen, mut watchdog) = (false, None);
        for Delivery { id, events } in deliveries {
            let id = id.as_deref().map(event_id).transpose()?;
            if id.is_some_and(|id| !self.cursor.accept(id)) {
                self.counters.repeated += events.len() as u64;
                continue;
            }
            let last = events.len().saturating_sub(1);
            for (at, event) in events.iter().enumerate() {
                if id.is_none() {
                    watchdog = self.note(event)?.or(watchdog);
                }
                seen |= event.name != "hello";
                on_event(Item { id: id.filter(|_| at == last), event });
            }
        }
        Ok((seen, watchdog))
    }

    /// Takes an event of the stream's own. The watchdog, if it sets one.
    fn note(&mut self, event: &Received) -> Result<Option<Duration>, StreamError> {
        if !matches!(event.name.as_str(), "hello" | "bye" | "reset") {
            return Ok(None);
        }
        match read_event(event)? {
            Some(Event::Hello(hello)) => {
                self.counters.opened += 1;
                let greeting = self.cursor.greet(hello.last, hello.resumed, self.had_streams);
                self.counters.resumed += u64::from(greeting == Greeting::GoesOn);
                self.had_streams = true;
                Ok(Some(Duration::from_millis(hello.watchdog_ms)))
            }
            Some(Event::Bye(bye)) => Err(StreamError::Bye(bye)),
            Some(Event::Reset(_)) => {
                self.counters.resets += 1;
                Ok(None)
            }
            _ => Ok(None),
        }
    }
}

/// Reads an id.
pub(super) fn event_id(id: &str) -> Result<EventId, StreamError> {
    id.parse().map_err(|_| StreamError::Unreadable(format!("the id {id:?}")))
}

/// Reads an event; `None` for one that this version does not know.
pub(super) fn read_event(event: &Received) -> Result<Option<Event>, StreamError> {
    event.read().map_err(|error| StreamError::Unreadable(format!("the event {}: {error}", event.name)))
}
