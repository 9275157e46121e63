//! Leaving well: no new players, a `bye` to each stream, then the end.

use std::time::Duration;

use sward_protocol::bye::CloseCode;
use tokio::time::{Instant, sleep};

use crate::http::state::State;

/// How often is looked whether everything under way has ended.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Hears when the process is told to stop: SIGTERM or SIGINT, or Ctrl-C. It listens from its making on, so that whoever
/// sees the server up may stop it at once. For applications that [mount](crate::Mounted) the routes; a server that listens
/// by itself has its own.
#[derive(Debug)]
pub struct StopSignals {
    #[cfg(unix)]
    kinds: [Option<tokio::signal::unix::Signal>; 2],
}

impl StopSignals {
    /// Begins to listen. To be called within a tokio runtime.
    #[must_use]
    pub fn listen() -> Self {
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};
            Self { kinds: [SignalKind::terminate(), SignalKind::interrupt()].map(|kind| signal(kind).ok()) }
        }
        #[cfg(not(unix))]
        Self {}
    }

    /// Waits until it is told; a second time, until it is told again.
    pub async fn told(&mut self) {
        #[cfg(unix)]
        {
            // A kind that cannot be listened to never comes.
            async fn come(kind: &mut Option<tokio::signal::unix::Signal>) {
                match kind {
                    Some(kind) => drop(kind.recv().await),
                    None => std::future::pending().await,
                }
            }
            let [terminated, interrupted] = &mut self.kinds;
            tokio::select! {
                () = come(terminated) => {}
                () = come(interrupted) => {}
            }
        }
        #[cfg(not(unix))]
        let _ = tokio::signal::ctrl_c().await;
    }
}

/// Writes what is left of the recordings: nothing that happens from now on is in them.
pub fn finish_recordings(state: &State) {
    if let Some(recorder) = state.admission.directory.recorder() {
        recorder.finish();
    }
}

/// Tells everybody: streams get `bye` 3001, requests under way are answered, all of it within the drain window. Whether it
/// was done by then: if so the server is to be stopped gracefully, for what was said last may still be on its way into the
/// socket.
pub async fn drain(state: &State) -> bool {
    tracing::info!(players = state.registry.count(), "stopping");
    state.start_draining();
    for session in state.registry.all() {
        session.mailslot().close(CloseCode::Shutdown);
    }
    state.admission.directory.close_watchers(CloseCode::Shutdown);
    let deadline = Instant::now() + state.config.drain();
    while state.metrics.requests.get() > 0 && Instant::now() < deadline {
        sleep(LOOK_EVERY).await;
    }
    state.metrics.requests.get() == 0
}
