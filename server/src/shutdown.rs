//! Leaving well: no new players, a `bye` to each stream, then the end.

use std::time::Duration;

use actix_web::dev::ServerHandle;
use sward_protocol::bye::CloseCode;
use tokio::time::{Instant, sleep};

use crate::http::state::State;

/// How often is looked whether everything under way has ended.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Waits until the process is told to stop: SIGTERM or SIGINT, or Ctrl-C.
pub async fn told_to_stop() {
    let interrupted = tokio::signal::ctrl_c();
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminated) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = interrupted => {}
                _ = terminated.recv() => {}
            }
            return;
        }
    }
    let _ = interrupted.await;
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
