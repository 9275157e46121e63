//! Composition: the parts of a server put together, and run.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;

use actix_web::body::MessageBody;
use actix_web::dev::{Service as _, ServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::{App, web};
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
use crate::matchmaking::Rules;
use crate::metrics::Metrics;
use crate::net::certificate::Certificate;
use crate::net::{answering, serve};
use crate::room::admission::Admission;
use crate::room::catalog::Catalog;
use crate::room::directory::Directory;
use crate::session::registry::Registry;
use crate::session::sweeper::Sweeper;
use crate::shutdown;
use crate::social::matching::Mode;

/// A server that is being put together.
#[derive(Debug, Default)]
pub struct Builder {
    config: Config,
    catalog: Catalog,
    modes: BTreeMap<Mode, Rules>,
}

/// A server, ready to listen.
#[derive(Debug)]
pub struct Server {
    state: State,
}

/// A server that listens.
pub struct Listening {
    address: SocketAddr,
    tls_address: Option<SocketAddr>,
    /// Keeps the certificate fresh.
    refreshing: Pin<Box<dyn Future<Output = ()>>>,
    state: State,
    server: actix_web::dev::Server,
}

impl Server {
    /// A server with the games that come with it.
    #[must_use]
    pub fn builder() -> Builder {
        let builder = Builder::default().game::<Relay>("relay").game::<Meadow>("meadow");
        builder.mode("relay", "duel", Rules::new(2, 1)).mode("relay", "pairs", Rules::new(2, 2))
    }

    /// Begins to listen. To be called within an actix system.
    ///
    /// # Errors
    /// What the operating system says, above all that the port is taken.
    pub fn listen(self) -> io::Result<Listening> {
        let state = self.state;
        let plain = listener::listen(state.config.listen)?;
        let address = plain.local_addr()?;
        let tls = match state.config.tls_listen {
            Some(address) => {
                let certificate = certificate(&state.config)?;
                let listener = listener::listen(address)?;
                Some((listener.local_addr()?, listener, certificate))
            }
            None => None,
        };
        let app = {
            let data = web::Data::new(state.clone());
            move || application(&data)
        };
        let mut server = serve::Builder::new(app, Arc::clone(&state.metrics), state.config.workers);
        server = server.listen(plain, None)?;
        let mut tls_address = None;
        let mut refreshing: Pin<Box<dyn Future<Output = ()>>> = Box::pin(std::future::ready(()));
        if let Some((address, listener, certificate)) = tls {
            server = server.listen(listener, Some(certificate.acceptor()?))?;
            tls_address = Some(address);
            refreshing = Box::pin(certificate.keep_fresh(Arc::clone(&state.metrics)));
        }
        Ok(Listening { address, tls_address, refreshing, state, server: server.run() })
    }
}

/// What answers requests.
fn application(
    data: &web::Data<State>,
) -> App<
    impl ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse<impl MessageBody + use<>>,
        Error = actix_web::Error,
        InitError = (),
    > + use<>,
> {
    let metrics = Arc::clone(&data.metrics);
    App::new()
        .app_data(data.clone())
        .wrap_fn(|request, service| {
            let answering = service.call(request);
            async move { answering.await.map(counted) }
        })
        .wrap(routes::cors(&data.config.allow_origins))
        .wrap(routes::headers(&data.config.allow_origins))
        // The last one stands around all others.
        .wrap_fn(move |request, service| {
            let admitted = answering::admit(request, &metrics)
                .map(|(request, follower)| (service.call(request), follower));
            async move {
                match admitted {
                    Ok((answering, follower)) => answering.await.map(|response| follower.follow(response)),
                    Err(refusal) => Ok(*refusal),
                }
            }
        })
        .configure(routes::mount)
        .default_service(web::to(routes::not_found))
}

fn certificate(config: &Config) -> io::Result<Arc<Certificate>> {
    match (&config.tls_cert, &config.tls_key) {
        (Some(chain), Some(key)) => Certificate::read(chain, key),
        _ => Err(io::Error::new(io::ErrorKind::InvalidInput, "TLS needs a certificate and a key")),
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

    /// Lets players queue for a mode of a game, in place of one that had this name.
    #[must_use]
    pub fn mode(mut self, game: &str, mode: &str, rules: Rules) -> Self {
        self.modes.insert((game.to_owned(), mode.to_owned()), rules);
        self
    }

    /// The server.
    #[must_use]
    pub fn build(self) -> Server {
        let Self { config, catalog, modes } = self;
        let (clock, metrics) = (Clock::new(), Arc::new(Metrics::new()));
        let players_max =
            config.max_players.unwrap_or_else(|| descriptors::players_for(descriptors::limit()));
        let directory = Arc::new(Directory::new(config.max_rooms, clock, Arc::clone(&metrics)));
        // One process: the node only has to be well-formed.
        #[expect(clippy::cast_possible_truncation, reason = "16 of 64 random bits are wanted")]
        let node = NodeId(entropy::seed() as u16);
        let admission = Admission { directory, catalog, node };
        let registry = Arc::new(Registry::new(players_max));
        Server { state: State::new(Arc::new(config), clock, metrics, registry, admission, &modes) }
    }
}

impl Listening {
    /// Where.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where with TLS.
    #[must_use]
    pub fn tls_address(&self) -> Option<SocketAddr> {
        self.tls_address
    }

    /// Serves until the process is told to stop, and leaves well.
    ///
    /// # Errors
    /// What the operating system says of the listening socket.
    pub async fn run(self) -> io::Result<()> {
        let Self { state, server, refreshing, .. } = self;
        let sweeper = Sweeper {
            registry: Arc::clone(&state.registry),
            hall: Arc::clone(&state.hall),
            clock: state.clock,
            metrics: Arc::clone(&state.metrics),
        };
        let hall = Arc::clone(&state.hall);
        let sweeping = actix_rt::spawn(sweeper.run());
        let refreshing = actix_rt::spawn(refreshing);
        let handle = server.handle();
        let stopping = actix_rt::spawn(async move {
            shutdown::told_to_stop().await;
            tokio::select! {
                () = shutdown::drain(&state, &handle) => {}
                // Whoever asks twice does not want to wait.
                () = shutdown::told_to_stop() => handle.stop(false).await,
            }
        });
        let telling = actix_rt::spawn(hall.run());
        let outcome = server.await;
        sweeping.abort();
        telling.abort();
        stopping.abort();
        refreshing.abort();
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
