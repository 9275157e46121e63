//! Composition: the parts of a server put together, and run.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use actix_web::body::MessageBody;
use actix_web::dev::{Service as _, ServiceResponse};
use actix_web::{App, HttpServer, web};
use sward_protocol::ids::NodeId;

use crate::clock::Clock;
use crate::config::Config;
use crate::descriptors;
use crate::entropy;
use crate::game::Game;
use crate::games::meadow::Meadow;
use crate::games::relay::Relay;
use crate::http::error::AnsweredCode;
use crate::http::routes;
use crate::http::state::State;
use crate::listener;
use crate::metrics::Metrics;
use crate::room::admission::Admission;
use crate::room::catalog::Catalog;
use crate::room::directory::Directory;
use crate::session::registry::Registry;
use crate::session::sweeper::Sweeper;
use crate::shutdown;

/// Idle connections are kept so long: players' POSTs come and go on them. (On HTTP/2 it is also the PING's interval.)
const KEEP_ALIVE: Duration = Duration::from_secs(75);
/// How long a request's head may take.
const HEAD_WAIT_MAX: Duration = Duration::from_secs(10);
/// A connection's write buffer: a stream that once sent a burst gives its memory back.
const WRITE_BUFFER_BYTES: usize = 4096;
/// Far above what the file descriptors allow: past actix's own limit a connection would hang without an answer. Whoever
/// is one too many is told so by [`Registry`].
const CONNECTIONS_MAX: usize = 1 << 20;
/// How long requests under way may take when the server stops.
const STOP_WAIT_S: u64 = 2;

/// A server that is being put together.
#[derive(Debug, Default)]
pub struct Builder {
    config: Config,
    catalog: Catalog,
}

/// A server, ready to listen.
#[derive(Debug)]
pub struct Server {
    state: State,
}

/// A server that listens.
pub struct Listening {
    address: SocketAddr,
    state: State,
    server: actix_web::dev::Server,
}

impl Server {
    /// A server with the games that come with it.
    #[must_use]
    pub fn builder() -> Builder {
        Builder::default().game::<Relay>("relay").game::<Meadow>("meadow")
    }

    /// Begins to listen. To be called within an actix system.
    ///
    /// # Errors
    /// What the operating system says, above all that the port is taken.
    pub fn listen(self) -> io::Result<Listening> {
        let state = self.state;
        let listener = listener::listen(state.config.listen)?;
        let address = listener.local_addr()?;
        let data = web::Data::new(state.clone());
        let mut http = HttpServer::new(move || {
            App::new()
                .app_data(data.clone())
                .wrap_fn(|request, service| {
                    let answering = service.call(request);
                    async move { answering.await.map(counted) }
                })
                .wrap(routes::cors(&data.config.allow_origins))
                .wrap(routes::headers(&data.config.allow_origins))
                .configure(routes::mount)
                .default_service(web::to(routes::not_found))
        })
        .keep_alive(KEEP_ALIVE)
        .client_request_timeout(HEAD_WAIT_MAX)
        .tcp_nodelay(true)
        .h1_allow_half_closed(false)
        .h1_write_buffer_size(WRITE_BUFFER_BYTES)
        .max_connections(CONNECTIONS_MAX)
        .shutdown_timeout(STOP_WAIT_S)
        .disable_signals();
        if let Some(workers) = state.config.workers {
            http = http.workers(usize::from(workers));
        }
        let server = http.listen(listener)?.run();
        Ok(Listening { address, state, server })
    }
}

impl Builder {
    /// Uses these settings in place of the default ones.
    #[must_use]
    pub fn config(mut self, config: Config) -> Self {
        self.config = config;
        self
    }

    /// Adds a game under a name, in place of one that had it.
    #[must_use]
    pub fn game<G: Game>(mut self, name: &str) -> Self {
        self.catalog.add::<G>(name);
        self
    }

    /// The server.
    #[must_use]
    pub fn build(self) -> Server {
        let Self { config, catalog } = self;
        let (clock, metrics) = (Clock::new(), Arc::new(Metrics::new()));
        let players_max =
            config.max_players.unwrap_or_else(|| descriptors::players_for(descriptors::limit()));
        let directory = Arc::new(Directory::new(config.max_rooms, clock, Arc::clone(&metrics)));
        // One process: the node only has to be well-formed.
        #[expect(clippy::cast_possible_truncation, reason = "16 of 64 random bits are wanted")]
        let node = NodeId(entropy::seed() as u16);
        let admission = Admission { directory, catalog, node };
        let registry = Arc::new(Registry::new(players_max));
        Server { state: State::new(Arc::new(config), clock, metrics, registry, admission) }
    }
}

impl Listening {
    /// Where.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until the process is told to stop, and leaves well.
    ///
    /// # Errors
    /// What the operating system says of the listening socket.
    pub async fn run(self) -> io::Result<()> {
        let Self { state, server, .. } = self;
        let sweeper = Sweeper {
            registry: Arc::clone(&state.registry),
            clock: state.clock,
            metrics: Arc::clone(&state.metrics),
        };
        let sweeping = actix_rt::spawn(sweeper.run());
        let handle = server.handle();
        let stopping = actix_rt::spawn(async move {
            shutdown::told_to_stop().await;
            tokio::select! {
                () = shutdown::drain(&state, &handle) => {}
                // Whoever asks twice does not want to wait.
                () = shutdown::told_to_stop() => handle.stop(false).await,
            }
        });
        let outcome = server.await;
        sweeping.abort();
        stopping.abort();
        outcome
    }
}

fn counted<B: MessageBody>(response: ServiceResponse<B>) -> ServiceResponse<B> {
    let code = response.response().extensions().get::<AnsweredCode>().cloned();
    if let (Some(AnsweredCode(code)), Some(state)) = (code, response.request().app_data::<web::Data<State>>())
    {
        // A game's own codes are the game's business: counted as one, so that it cannot make ever more series.
        let known = sward_protocol::problem::ErrorCode::ALL.iter().any(|known| known.as_str() == code);
        state.metrics.errors.with_label_values(&[if known { &*code } else { "game" }]).inc();
    }
    response
}
