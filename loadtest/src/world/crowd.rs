//! All players of one world: in, reading, and in the end halted and asked what they know.

use std::rc::Rc;
use std::time::Duration;

use serde_json::json;
use sward_protocol::payload::Payload;
use sward_protocol::rooms::Join;
use sward_protocol::upstream::{Batch, Message};
use tokio::sync::Semaphore;
use tokio::task::{AbortHandle, JoinSet, spawn_local};
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use super::reader::{Desk, LastId, RawStream};
use super::watch::{Watch, options};
use super::{Line, WorldError, WorldOptions};
use crate::client::{Endpoint, Session};
use crate::progress::Progress;

/// Players who enter at the same time.
const ENTERING_MAX: usize = 64;
/// Players whose view is kept and checked; of the others it is only counted what comes.
const WATCHING: usize = 5;
/// Between two acknowledgements of a player: who plays has one in each of his batches, and these are more frequent.
const ACK_INTERVAL: Duration = Duration::from_secs(1);
/// After so long without a patch, all that was on its way has arrived.
const QUIET: Duration = Duration::from_millis(500);
/// How long it may take until it is.
const QUIET_TIMEOUT: Duration = Duration::from_secs(20);

/// Everybody in one room.
#[derive(Debug)]
pub struct Crowd {
    /// Of those who are watching.
    sessions: Vec<Session>,
    counting: usize,
    watching: Vec<(Rc<Watch>, AbortHandle)>,
}

impl Crowd {
    /// Lets all players of a line enter, the first of whom makes the room. Within a `LocalSet`.
    ///
    /// # Errors
    /// [`WorldError::Enter`].
    pub async fn enter(
        line: &Line,
        options: &WorldOptions,
        endpoint: &Endpoint,
        desk: &Rc<Desk>,
        progress: &Progress,
    ) -> Result<Self, WorldError> {
        let players = line.players;
        let failed = move |index| move |reason| WorldError::Enter { index, players, reason };
        let mut crowd = Self { sessions: Vec::new(), counting: 0, watching: Vec::new() };
        let code =
            crowd.enter_watching(endpoint, &first_join(line, options.seed)).await.map_err(failed(0))?;
        let join = Rc::new(Join { code: Some(code), ..Join::default() });
        for index in 1..players.min(WATCHING) {
            crowd.enter_watching(endpoint, &join).await.map_err(failed(index))?;
        }
        let places = Rc::new(Semaphore::new(ENTERING_MAX));
        let mut entering = JoinSet::new();
        for index in crowd.sessions.len()..players {
            let (places, desk, join) = (Rc::clone(&places), Rc::clone(desk), Rc::clone(&join));
            let (endpoint, acknowledges) = (endpoint.clone(), !options.is_silent);
            entering.spawn_local(async move {
                let _place = places.acquire().await;
                enter_counting(index, endpoint, desk, &join, acknowledges).await.map_err(failed(index))
            });
        }
        while let Some(entered) = entering.join_next().await {
            entered.expect("a player who enters neither panics nor is aborted")?;
            crowd.counting += 1;
            let count = crowd.watching.len() + crowd.counting;
            progress.advance(count as u64, format!("{line}: {count} of {players} players"));
        }
        Ok(crowd)
    }

    /// Lets in one who keeps his view. The code of the room.
    async fn enter_watching(&mut self, endpoint: &Endpoint, join: &Join) -> Result<String, String> {
        let name = name(self.sessions.len());
        let mut session = Session::create(endpoint.clone(), &name).await.map_err(in_words)?;
        let mut stream = session.stream_with(options());
        stream.connect().await.map_err(in_words)?;
        let watch = Rc::new(Watch::default());
        let following = spawn_local(Rc::clone(&watch).follow(stream));
        self.watching.push((watch, following.abort_handle()));
        let seated = session.join(join).await.map_err(in_words)?;
        self.sessions.push(session);
        Ok(seated.room.code)
    }

    /// How far players see, as the game told the first one; `None`: everything.
    pub fn sight(&self) -> Option<f64> {
        self.watching.first()?.0.sight()
    }

    /// How many only count what comes.
    pub fn counting(&self) -> usize {
        self.counting
    }

    /// Has everybody stand still, and compares what those who were watching know with what a fresh stream tells them. What
    /// was wrong. The session of each of them has another stream then.
    pub async fn faults(&mut self) -> Vec<String> {
        let mut faults = Vec::new();
        let halt = [Message { kind: "halt".to_owned(), ..Message::default() }];
        let batch = Batch { src: "", seq: None, ack: None, msgs: &halt };
        if let Some(session) = self.sessions.first_mut()
            && let Err(error) = session.send(&batch).await
        {
            faults.push(format!("nobody halts: {error}"));
        }
        if !self.is_quiet_soon().await {
            faults.push(format!("patches came {} s after everybody had halted", QUIET_TIMEOUT.as_secs()));
        }
        for ((watch, following), session) in self.watching.iter().zip(&self.sessions) {
            following.abort();
            faults.extend(watch.faults_beside_fresh(session).await);
        }
        faults
    }

    async fn is_quiet_soon(&self) -> bool {
        let started = Instant::now();
        while started.elapsed() < QUIET_TIMEOUT {
            let last = self.watching.iter().filter_map(|(watch, _)| watch.last_patch()).max();
            let quiet = last.unwrap_or(started).max(started).elapsed();
            if quiet >= QUIET {
                return true;
            }
            sleep(QUIET.saturating_sub(quiet)).await;
        }
        false
    }
}

/// A player who counts what comes.
async fn enter_counting(
    index: usize,
    endpoint: Endpoint,
    desk: Rc<Desk>,
    join: &Join,
    acknowledges: bool,
) -> Result<(), String> {
    let mut session = Session::create(endpoint.clone(), &name(index)).await.map_err(in_words)?;
    let stream = RawStream::open(&endpoint, session.token()).await.map_err(in_words)?;
    let last = stream.last();
    spawn_local(stream.read(Rc::clone(&desk)));
    session.join(join).await.map_err(in_words)?;
    if acknowledges {
        spawn_local(acknowledge(session, last, desk));
    }
    Ok(())
}

/// Says from time to time what was read, as every player does who sends something.
async fn acknowledge(mut session: Session, last: LastId, desk: Rc<Desk>) {
    loop {
        sleep(ACK_INTERVAL).await;
        let Some(ack) = last.take() else { continue };
        let batch = Batch { src: "", seq: None, ack: Some(ack), msgs: &[] };
        if let Err(error) = session.send(&batch).await {
            return desk.tally.borrow_mut().end(format!("an acknowledgement: {error}"));
        }
    }
}

fn first_join(line: &Line, seed: u64) -> Join {
    let options = json!({"mode": line.mode, "players": line.players, "seed": seed});
    // No room of an earlier line: all have halted there.
    let meta = json!({"line": Uuid::new_v4()});
    let payload = |object| Some(Payload::of(object).expect("a small object is a payload"));
    Join {
        game: Some("walkers".to_owned()),
        create: true,
        filter: payload(&meta),
        meta: payload(&meta),
        options: payload(&options),
        ..Join::default()
    }
}

fn name(index: usize) -> String {
    format!("walker {}", index + 1)
}

fn in_words(error: impl std::fmt::Display) -> String {
    error.to_string()
}
