//! Leaving well: no new players, a `bye` to each stream, then the end.

use std::io;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use sward_protocol::bye::CloseCode;
use tokio::time::{Instant, sleep};

use crate::http::state::State;

/// How often is looked whether everything under way has ended.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// What tells the process to stop: SIGTERM or SIGINT, or Ctrl-C.
#[derive(Debug)]
pub struct StopSignals {
    #[cfg(unix)]
    terminated: tokio::signal::unix::Signal,
    #[cfg(unix)]
    interrupted: tokio::signal::unix::Signal,
}

impl StopSignals {
    /// Takes them from the operating system, before anybody is told that the server is up: until then they would end the
    /// process at once.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn new() -> io::Result<Self> {
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};
            Ok(Self {
                terminated: signal(SignalKind::terminate())?,
                interrupted: signal(SignalKind::interrupt())?,
            })
        }
        #[cfg(not(unix))]
        Ok(Self {})
    }

    /// Waits for the next one.
    #[cfg(unix)]
    pub async fn told_to_stop(&mut self) {
        tokio::select! {
            _ = self.interrupted.recv() => {}
            _ = self.terminated.recv() => {}
        }
    }

    /// Waits for the next one.
    #[cfg(not(unix))]
    pub async fn told_to_stop(&mut self) {
        let _ = tokio::signal::ctrl_c().await;
    }
}

/// Tells everybody and stops the server: streams get `bye` 3001, requests under way are answered, all of it within the
/// drain window. What is not done by then is cut.
pub async fn drain(state: &State, server: &ServerHandle) {
    tracing::info!(players = state.registry.count(), "stopping");
    state.start_draining();
    for session in state.registry.all() {
        session.mailslot().close(CloseCode::Shutdown);
    }
    let deadline = Instant::now() + state.config.drain();
    while state.metrics.requests.get() > 0 && Instant::now() < deadline {
        sleep(LOOK_EVERY).await;
    }
    // Gracefully: what was said last may still be on its way into the socket.
    let is_done = state.metrics.requests.get() == 0;
    server.stop(is_done).await;
}
