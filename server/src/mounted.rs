//! The routes within an actix-web application that somebody already has.

use std::fmt;
use std::io;
use std::sync::Arc;

use actix_web::web;

use crate::app::{Server, Upkeep, own_pages};
use crate::http::routes::{self, Pages};
use crate::http::state::State;
use crate::shutdown;

/// A server whose routes are part of another application. Cheap to clone; all clones are the same server.
///
/// The application is one of actix-web 4, whose types this crate shares: `actix-web = "4"` in its `Cargo.toml`, with
/// whichever features it likes (`default-features = false, features = ["macros"]` is enough for the example). It logs with
/// the [`tracing`](https://docs.rs/tracing) crate, as [`Builder::run`](crate::Builder::run) does, but sets up no subscriber:
/// that is the application's, and without one nothing is heard of a game that panics.
///
/// ```no_run
/// use actix_web::{App, HttpServer};
/// use sward_server::{Server, StopSignals};
///
/// #[actix_web::main]
/// async fn main() -> std::io::Result<()> {
///     // SIGTERM, SIGINT and Ctrl-C: the application's own handling of signals would not tell the players.
///     let mut stop_signals = StopSignals::listen();
///     let game = Server::builder().build().mount()?;
///     let routes = game.clone();
///     let server = HttpServer::new(move || App::new().configure(routes.routes("/game")))
///         .bind("127.0.0.1:8080")?
///         .disable_signals()
///         .run();
///     let handle = server.handle();
///     actix_web::rt::spawn(async move {
///         stop_signals.told().await;
///         game.drain().await;
///         handle.stop(true).await;
///     });
///     server.await
/// }
/// ```
#[derive(Clone)]
pub struct Mounted {
    data: web::Data<State>,
    pages: Pages,
    /// Stops with the last of those who need it.
    _upkeep: Arc<Upkeep>,
}

impl fmt::Debug for Mounted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mounted").field("pages", &self.pages).finish_non_exhaustive()
    }
}

impl Server {
    /// Makes the server part of another application, whose listener, TLS and workers it uses: of the settings those about
    /// addresses, certificates and workers have no effect. To be called within an actix system, which must run as long as
    /// the routes do.
    ///
    /// What a peer costs before anyone knows who he is (slow heads, requests sent ahead, HTTP/2 resets) is bounded by
    /// [`Server::listen`](Server::listen) only; here it is the other application's business.
    ///
    /// # Errors
    /// There is no folder of the name that was given to [`Builder::files`](crate::Builder::files), or the builder was told
    /// what cannot be, as in [`Server::listen`].
    ///
    /// # Panics
    /// Outside of an actix system.
    pub fn mount(mut self) -> io::Result<Mounted> {
        self.prepare()?;
        let pages = own_pages(&self.state.config)?.unwrap_or(Pages::None);
        let upkeep = Upkeep::of(&self.state);
        Ok(Mounted { data: web::Data::new(self.state), pages, _upkeep: Arc::new(upkeep) })
    }
}

impl Mounted {
    /// Every route of the contract below `prefix`, such as `/game` (then `/game/v1/stream`, `/game/sdk/index.js`,
    /// `/game/healthz`), for [`App::configure`](actix_web::App::configure). With files of one's own these are there too;
    /// the sample game is not. A page connects with `connect({url: location.origin + '/game', …})`.
    ///
    /// Slashes around `prefix` are of no matter: `game`, `/game` and `/game/` are the same, and an empty one puts the routes
    /// at the root. It is wholly the game's: what is mounted below it and behind it is never reached, so an empty one goes
    /// behind everything else.
    ///
    /// `/metrics`, `/healthz` and `/readyz` stand below the prefix as well, for whoever asks; a proxy in front of the
    /// application is where to keep strangers from them.
    pub fn routes(&self, prefix: &str) -> impl FnOnce(&mut web::ServiceConfig) + use<> {
        let Self { data, pages, .. } = self.clone();
        let prefix = match prefix.trim_matches('/') {
            "" => String::new(),
            inner => format!("/{inner}"),
        };
        move |config| {
            config.service(routes::all(&prefix, &data, &pages));
        }
    }

    /// Leaves well, before the application is stopped: no new sessions, a `bye` 3001 to each stream, and what is under way
    /// is answered. Returns when all of it has ended, or after the drain window. Dropping the future does not take it
    /// back.
    pub async fn drain(&self) {
        shutdown::drain(&self.data).await;
        shutdown::finish_recordings(&self.data);
    }
}
