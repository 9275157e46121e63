//! A whole run.
//!
//! ```text
//! assemble   sessions, streams, rooms: everybody sees everybody
//! measure    the clock starts, bots send by the schedule; then everything outstanding is waited for
//! collect    accounts, latencies and costs become the report; sessions end
//! ```

mod assemble;
mod collect;
mod costs;
mod measure;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use uuid::Uuid;

use crate::bot::{EnterError, Entrance, join_request};
use crate::client::{Endpoint, StreamOptions};
use crate::load::Load;
use crate::marker::RunTag;
use crate::progress::Progress;
use crate::report::Report;
use crate::schedule::{Schedule, schedules};
use crate::shared::{Phase, Shared};

/// What a run is made of.
#[derive(Debug)]
pub struct Setup {
    /// What the bots do.
    pub load: Load,
    /// The URL as the user gave it, for the report.
    pub url: String,
    /// The server.
    pub endpoint: Endpoint,
    /// The server's process, if it can be measured; when it ends, so does the run.
    pub server_pid: Option<u32>,
    /// This runtime's worker threads.
    pub threads: usize,
    /// Becomes true when the user wants the run to end; dropped: he never will.
    pub interrupted: watch::Receiver<bool>,
}

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// The load has no message in it.
    #[error("there is nothing to send: {rate_per_s} messages/s for {} ms are not one message", duration.as_millis())]
    NothingToSend {
        /// Messages a second and bot.
        rate_per_s: f64,
        /// How long.
        duration: Duration,
    },
    /// A bot could not enter.
    #[error("bot {} of {players} could not enter: {error}", index + 1)]
    Enter {
        /// The bot.
        index: usize,
        /// How many there should be.
        players: usize,
        /// Why.
        error: EnterError,
    },
    /// Everybody has a seat, but does not see the others.
    #[error("bot {} could not see its whole room: {reason}", index + 1)]
    NotAssembled {
        /// The bot.
        index: usize,
        /// Why.
        reason: String,
    },
    /// The system gives no thread.
    #[error("no thread for the schedule: {0}")]
    Thread(#[from] std::io::Error),
    /// The user ended it before the clock started.
    #[error("interrupted before the start")]
    Interrupted,
}

/// Runs the load against the server. An interruption once the clock runs ends it early, with a partial report.
///
/// # Errors
/// [`RunError`] if the clock could not be started. Whatever happens later is in the report.
pub async fn run(mut setup: Setup, progress: &Progress) -> Result<Report, RunError> {
    let load = &setup.load;
    let schedules = schedules(load.seed, load.players, load.rate_per_s, load.duration);
    if schedules.iter().all(|schedule| schedule.count() == 0) {
        return Err(RunError::NothingToSend { rate_per_s: load.rate_per_s, duration: load.duration });
    }
    let id = Uuid::new_v4();
    let run = RunTag(id.as_fields().1);
    let (phase, watching) = watch::channel(Phase::Open);
    let entrance = Arc::new(Entrance {
        endpoint: setup.endpoint.clone(),
        run,
        join: join_request(load, id),
        stream: StreamOptions { rung: load.rung, wire: load.wire, ..StreamOptions::default() },
        data_bytes: load.data_bytes,
        shared: Arc::new(Shared::new()),
        phase: watching,
    });
    let bots = tokio::select! {
        () = interruption(&mut setup.interrupted) => return Err(RunError::Interrupted),
        bots = assemble::enter_all(load.players, &entrance, progress) => bots?,
    };
    let scheduled = schedules.iter().map(Schedule::count).collect();
    let roster = assemble::roster(run, &bots, scheduled);
    tokio::select! {
        () = interruption(&mut setup.interrupted) => return Err(RunError::Interrupted),
        complete = assemble::wait_until_complete(&bots, &roster) => complete?,
    };
    let measurement = measure::Measurement { setup: &mut setup, entrance: &entrance, phase, progress };
    let measured = measurement.run(bots, roster, schedules).await?;
    progress.finish();
    Ok(collect::report(&setup, &entrance, measured).await)
}

/// Waits until the user wants the run to end.
async fn interruption(interrupted: &mut watch::Receiver<bool>) {
    if interrupted.wait_for(|interrupted| *interrupted).await.is_err() {
        std::future::pending::<()>().await;
    }
}
