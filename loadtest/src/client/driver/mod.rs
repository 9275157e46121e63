//! The task behind a [`super::Client`]: all of its state, in one place. It waits for whatever happens next, asks the pure
//! parts (queue, cursor, ladder) what that means, and starts the tasks that do it.
//!
//! ```text
//! handles ──► commands ─┐                    ┌─► read_stream ──► News ─┐
//!                       ├─► Driver::run ─────┼─► post, call ────► Done ─┼─► back into run
//! application ◄─ events ┘                    └─► try_rung ──────► Done ─┘
//! ```

mod command;
mod down;
mod tasks;
mod up;

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use rand_core::{Rng as _, SeedableRng as _};
use rand_pcg::Pcg32;
use sward_protocol::ids::Token;
use sward_protocol::session::SessionCreated;
use tokio::sync::{mpsc, oneshot};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, sleep_until, timeout};
use uuid::Uuid;

use super::backoff::Backoff;
use super::connection::Connection;
use super::cursor::Cursor;
use super::handle::{ClientEvent, EndWhy, Shared, Unanswered};
use super::ladder::{Action, Climb};
use super::nonce::Nonces;
use super::post::Requests;
use super::queue::Queue;
use super::report::RungStep;
use super::{ClientError, ClientOptions, Endpoint};
pub(super) use command::{Command, Flush, Tag};
pub(super) use tasks::Call;
use tasks::{Done, News};

/// Pieces of the stream that wait for the driver.
const NEWS_MAX: usize = 16;
/// The first wait after a stream broke, at most, unless the stream asked for another; it doubles with each failure.
const REOPEN_MS: u64 = 500;
/// The longest wait between two attempts.
const REOPEN_MS_MAX: u64 = 10_000;
/// Events that wait because the application does not ask for them, beyond which answers bring no more.
const PENDING_MAX: usize = 1_024;

/// One session.
#[derive(Debug)]
struct Session {
    /// Counts the sessions of this client: what belongs to another one is too late.
    number: u64,
    token: Token,
    watchdog: Duration,
    beat_ms: u64,
}

/// The stream that is open, or being opened.
#[derive(Debug)]
struct Stream {
    news: mpsc::Receiver<News>,
    task: JoinHandle<()>,
    opened: Instant,
    /// It has said something.
    greeted: bool,
    /// An event came that a greeting does not have.
    seen: bool,
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A ping of the proof.
#[derive(Debug)]
struct Ping {
    number: u64,
    /// When the POST that carried it started, and how long its answer took.
    posted: Option<(Instant, Duration)>,
    pong: Option<Instant>,
    /// It says nothing: its POST was sent again, or the application let events wait.
    spoilt: bool,
}

/// A session that ended and has no successor yet.
#[derive(Debug)]
struct Renewal {
    why: EndWhy,
    unsent: Vec<Unanswered>,
    uncertain: Vec<Unanswered>,
}

/// How far a client is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Life {
    Running,
    /// Its farewell is under way.
    Leaving,
    /// Nothing comes any more, but what waits for the application.
    Ended,
}

#[derive(Debug)]
struct Driver {
    endpoint: Endpoint,
    options: ClientOptions,
    started: Instant,
    random: Pcg32,
    shared: Arc<Shared>,
    session: Session,
    queue: Queue<Tag>,
    unsettled: BTreeSet<u64>,
    flushes: Vec<Flush>,
    cursor: Cursor,
    had_streams: bool,
    climb: Climb,
    ping: Option<Ping>,
    pings: u64,
    stream: Option<Stream>,
    /// Of a drained answer, for the next one.
    kept: Option<Connection>,
    /// When to open a stream, if none is open.
    open_at: Option<Instant>,
    reopen: Backoff,
    /// The stream broke since it last went on.
    broke: bool,
    /// A `hello` said that events were lost; a `reset` may say why.
    reset_due: bool,
    nonces: Arc<Nonces>,
    renewal: Option<Renewal>,
    tasks: JoinSet<Done>,
    idle: Vec<Requests>,
    waiting_calls: Vec<Call>,
    commands: mpsc::Receiver<Command>,
    events: mpsc::Sender<ClientEvent>,
    pending: VecDeque<ClientEvent>,
    settled: Option<oneshot::Sender<Result<(), ClientError>>>,
    life: Life,
}

/// Makes a session and starts its driver; returns once the first stream's proof is over.
pub(super) async fn start(
    endpoint: Endpoint,
    options: ClientOptions,
    commands: mpsc::Receiver<Command>,
    events: mpsc::Sender<ClientEvent>,
    shared: Arc<Shared>,
) -> Result<JoinHandle<()>, ClientError> {
    let deadline = Instant::now() + options.connect_timeout;
    let patience = options.connect_timeout;
    let mut random = Pcg32::seed_from_u64(Uuid::new_v4().as_u64_pair().0);
    let name = options.name.clone();
    let (created, token, took) =
        tasks::make_session(endpoint.clone(), name, patience, fork(&mut random)).await?;
    let (settled, ready) = oneshot::channel();
    let post_ms = took.as_secs_f64() * 500.0;
    shared.update(|report| report.session_ms = Some(took.as_secs_f64() * 1_000.0));
    let driver = Driver {
        session: Session::new(1, &created, token, &options),
        queue: new_queue(&options),
        unsettled: BTreeSet::new(),
        flushes: Vec::new(),
        cursor: Cursor::default(),
        had_streams: false,
        // The first request opened a connection too: two round trips.
        climb: Climb::new(options.ladder, post_ms, 0),
        ping: None,
        pings: 0,
        stream: None,
        kept: None,
        open_at: Some(Instant::now()),
        reopen: Backoff::new(REOPEN_MS, REOPEN_MS_MAX),
        broke: false,
        reset_due: false,
        nonces: Arc::new(Nonces::new()),
        renewal: None,
        tasks: JoinSet::new(),
        idle: Vec::new(),
        waiting_calls: Vec::new(),
        commands,
        events,
        pending: VecDeque::new(),
        settled: Some(settled),
        life: Life::Running,
        started: Instant::now(),
        endpoint,
        options,
        random,
        shared: Arc::clone(&shared),
    };
    shared.set_player(created.player);
    let task = Aborting(tokio::spawn(driver.run()));
    let waited = timeout(deadline.saturating_duration_since(Instant::now()), ready).await;
    match waited {
        Ok(Ok(Ok(()))) => Ok(task.keep()),
        Ok(Ok(Err(error))) => Err(error),
        Ok(Err(_)) => Err(ClientError::Closed),
        Err(_) => {
            let why = shared.report().last_break.unwrap_or_else(|| "nothing came".to_owned());
            Err(ClientError::NoStream { waited: patience, why })
        }
    }
}

/// A task that ends when nobody keeps it.
struct Aborting(JoinHandle<()>);

impl Aborting {
    fn keep(mut self) -> JoinHandle<()> {
        // What is dropped instead has ended already, or ends by being aborted at its first await.
        std::mem::replace(&mut self.0, tokio::spawn(std::future::ready(())))
    }
}

impl Drop for Aborting {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn new_queue(options: &ClientOptions) -> Queue<Tag> {
    let nonce = Uuid::new_v4().simple().to_string();
    Queue::new(nonce[..16].to_owned(), options.in_flight_max, options.ack)
}

/// At least 0, below 1.
fn draw(random: &mut Pcg32) -> f64 {
    f64::from(random.next_u32()) / (f64::from(u32::MAX) + 1.0)
}

/// Random numbers for a task of its own.
fn fork(random: &mut Pcg32) -> Pcg32 {
    Pcg32::seed_from_u64(random.next_u64())
}

impl Session {
    fn new(number: u64, created: &SessionCreated, token: Token, options: &ClientOptions) -> Self {
        let beat = options.beat.unwrap_or(Duration::from_millis(created.heartbeat_ms));
        let watchdog = match options.beat {
            Some(beat) => beat * sward_protocol::limits::WATCHDOG_BEATS,
            None => Duration::from_millis(created.watchdog_ms),
        };
        Self { number, token, watchdog, beat_ms: beat.as_millis() as u64 }
    }
}

impl Driver {
    async fn run(mut self) {
        self.report_rung("not yet proved".to_owned());
        loop {
            self.act();
            if self.has_ended() && self.pending.is_empty() {
                return;
            }
            let wake_at = self.wake_at();
            tokio::select! {
                is_open = has_room(&self.events), if !self.pending.is_empty() => {
                    // The client was dropped.
                    if !is_open {
                        return;
                    }
                }
                // What the application does not take is not read either: the server is to notice.
                news = next_news(&mut self.stream), if self.pending.is_empty() && !self.has_ended() => self.take_news(news),
                Some(done) = self.tasks.join_next(), if !self.tasks.is_empty() => match done {
                    Ok(done) => self.take_done(done),
                    // The program ends, and takes the tasks away first.
                    Err(error) if error.is_cancelled() => return,
                    Err(error) => std::panic::resume_unwind(error.into_panic()),
                },
                command = self.commands.recv(), if !self.has_ended() => match command {
                    Some(command) => self.take_command(command),
                    None => return,
                },
                () = sleep_until(wake_at), if !self.has_ended() => {}
            }
            self.hand_on();
        }
    }

    /// Hands on what the application has room for.
    fn hand_on(&mut self) {
        while !self.pending.is_empty() {
            let Ok(permit) = self.events.try_reserve() else { break };
            let Some(event) = self.pending.pop_front() else { break };
            permit.send(event);
        }
        if !self.pending.is_empty()
            && let Some(ping) = &mut self.ping
        {
            ping.spoilt = true;
        }
    }

    /// Does what is due.
    fn act(&mut self) {
        if self.has_ended() {
            return;
        }
        self.check_ping();
        let action = self.climb.tick(self.now_ms());
        self.climb_on(action);
        let has_session = self.renewal.is_none();
        if has_session && self.stream.is_none() && self.open_at.is_some_and(|at| at <= Instant::now()) {
            self.open_stream();
        }
        if has_session && self.life == Life::Running {
            self.post_what_is_due();
        }
    }

    /// When something is due that nobody else wakes the driver for.
    fn wake_at(&mut self) -> Instant {
        let far = Instant::now() + Duration::from_secs(60);
        let climb = self.climb.wake_at_ms().map(|at_ms| self.at(at_ms));
        let open = self.open_at.filter(|_| self.stream.is_none() && self.renewal.is_none());
        let post = self.post_due_at();
        let ping = self.ping_due_at();
        [climb, open, post, ping].into_iter().flatten().fold(far, Instant::min)
    }

    fn climb_on(&mut self, action: Action) {
        match action {
            Action::Stay => {}
            Action::Ping => self.send_ping(),
            Action::Proved => {
                self.report_rung("proved".to_owned());
                self.tell_rung();
            }
            Action::Reopen => self.reopen_after("no hello in time".to_owned(), None),
            Action::Step { from, to, why } => {
                self.close_stream();
                self.open_at = Some(Instant::now());
                self.shared.update(|report| {
                    report.why = format!("{from}: {why}");
                    report.steps.push(RungStep { from, to, why: why.clone() });
                });
                self.report_rung(format!("{from}: {why}"));
                self.pending.push_back(ClientEvent::RungChanged { from, to, why });
            }
            Action::Try(rung) => {
                let (endpoint, options) = (self.endpoint.clone(), self.options.clone());
                self.tasks.spawn(tasks::try_rung(endpoint, options, rung));
            }
        }
        if self.climb.is_settled()
            && let Some(settled) = self.settled.take()
        {
            // Whoever connects may have given up.
            let _ = settled.send(Ok(()));
        }
    }

    fn report_rung(&self, why: String) {
        let (rung, proved) = (self.climb.rung(), self.climb.is_proved());
        self.shared.update(|report| {
            report.rung = rung;
            report.proved = proved;
            report.why = why;
        });
    }

    fn has_ended(&self) -> bool {
        self.life == Life::Ended
    }

    fn now_ms(&self) -> u64 {
        self.started.elapsed().as_millis() as u64
    }

    fn at(&self, at_ms: u64) -> Instant {
        self.started + Duration::from_millis(at_ms)
    }

    fn draw(&mut self) -> f64 {
        draw(&mut self.random)
    }
}

/// Waits until the application has room for an event; false if it never will.
async fn has_room(events: &mpsc::Sender<ClientEvent>) -> bool {
    events.reserve().await.is_ok()
}

async fn next_news(stream: &mut Option<Stream>) -> News {
    match stream {
        Some(stream) => {
            let over = || News::Over { why: Some(super::StreamError::Cut), retry_ms: None, kept: None };
            stream.news.recv().await.unwrap_or_else(over)
        }
        None => std::future::pending().await,
    }
}
