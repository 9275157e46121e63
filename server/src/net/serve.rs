//! Puts connections, their guard and the application together, on as many threads as there are workers.

use std::fmt;
use std::io;
use std::net::TcpListener;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix_http::error::DispatchError;
use actix_http::{Extensions, HttpService, Request, Response};
use actix_server::{GracefulShutdownSignal, Server, ServerBuilder};
use actix_service::{
    IntoServiceFactory, Service, ServiceFactory, ServiceFactoryExt as _, fn_service, map_config,
};
use actix_web::Error;
use actix_web::body::MessageBody;
use actix_web::dev::AppConfig;
use actix_web::rt::net::TcpStream;
use tokio_rustls::TlsAcceptor;

use super::guarded_io::GuardedIo;
use super::socket;
use crate::metrics::Metrics;

/// Idle connections are kept so long: players' POSTs come and go on them. (On HTTP/2 it is also the PING's interval.)
const KEEP_ALIVE: Duration = Duration::from_secs(75);
/// How long the head of a connection's first request may take until it is answered with 408.
const HEAD_WAIT_MAX: Duration = Duration::from_secs(10);
/// How long a client may take to close after an answer that closes.
const CLOSE_WAIT_MAX: Duration = Duration::from_secs(1);
/// A connection's write buffer: a stream that once sent a burst gives its memory back.
const WRITE_BUFFER_BYTES: usize = 4096;
/// Far above what the file descriptors allow: past actix's own limit a connection would hang without an answer. Whoever
/// is one too many is told so by the registry of sessions.
const CONNECTIONS_MAX: usize = 1 << 20;
/// How long requests under way may take when the server stops.
const STOP_WAIT_S: u64 = 2;

/// A server that is being put together.
pub struct Builder<F> {
    app: F,
    metrics: Arc<Metrics>,
    server: ServerBuilder,
    stopping: GracefulShutdownSignal,
}

impl<F> fmt::Debug for Builder<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder").finish_non_exhaustive()
    }
}

impl<F> Builder<F> {
    /// A server of what `app` makes on each of its workers.
    pub fn new(app: F, metrics: Arc<Metrics>, workers: Option<u16>) -> Self {
        let mut server = ServerBuilder::new()
            .max_concurrent_connections(CONNECTIONS_MAX)
            .shutdown_timeout(STOP_WAIT_S)
            .disable_signals();
        if let Some(workers) = workers {
            server = server.workers(usize::from(workers));
        }
        let stopping = server.graceful_shutdown_signal();
        Self { app, metrics, server, stopping }
    }

    /// Takes connections from a listener, with TLS or without.
    ///
    /// # Errors
    /// What the operating system says of the listener.
    pub fn listen<I, S, B>(mut self, listener: TcpListener, tls: Option<TlsAcceptor>) -> io::Result<Self>
    where
        F: Fn() -> I + Send + Clone + 'static,
        I: IntoServiceFactory<S, Request>,
        S: ServiceFactory<Request, Config = AppConfig> + 'static,
        S::Error: Into<Error> + 'static,
        S::InitError: fmt::Debug,
        S::Response: Into<Response<B>> + 'static,
        S::Service: 'static,
        <S::Service as Service<Request>>::Future: 'static,
        B: MessageBody + 'static,
    {
        let Self { app, metrics, stopping, .. } = &self;
        let (app, metrics, stopping) = (app.clone(), Arc::clone(metrics), stopping.clone());
        let name = format!("sward-{}", listener.local_addr()?);
        self.server = self.server.listen(name, listener, move || {
            let (tls, metrics) = (tls.clone(), Arc::clone(&metrics));
            let open = fn_service(move |tcp: TcpStream| {
                let (tls, metrics) = (tls.clone(), Arc::clone(&metrics));
                async move {
                    let opened = socket::open(tcp, tls.as_ref()).await.map_err(DispatchError::Io)?;
                    let (protocol, peer) = (opened.protocol, opened.peer);
                    Ok((GuardedIo::new(opened, metrics), protocol, peer))
                }
            });
            open.and_then(http(app(), stopping.clone()))
        })?;
        Ok(self)
    }

    /// Runs it.
    pub fn run(self) -> Server {
        self.server.run()
    }
}

type Connection = (GuardedIo, actix_http::Protocol, Option<std::net::SocketAddr>);

fn http<I, S, B>(
    app: I,
    stopping: GracefulShutdownSignal,
) -> impl ServiceFactory<Connection, Config = (), Response = (), Error = DispatchError, InitError = ()>
where
    I: IntoServiceFactory<S, Request>,
    S: ServiceFactory<Request, Config = AppConfig> + 'static,
    S::Error: Into<Error> + 'static,
    S::InitError: fmt::Debug,
    S::Response: Into<Response<B>> + 'static,
    S::Service: 'static,
    <S::Service as Service<Request>>::Future: 'static,
    B: MessageBody + 'static,
{
    let app = app.into_factory().map_err(|error| error.into().error_response());
    HttpService::build()
        .keep_alive(KEEP_ALIVE)
        .client_request_timeout(HEAD_WAIT_MAX)
        .client_disconnect_timeout(CLOSE_WAIT_MAX)
        .h1_allow_half_closed(false)
        .h1_write_buffer_size(WRITE_BUFFER_BYTES)
        .graceful_shutdown_signal(move || {
            let stopping = stopping.clone();
            async move { stopping.notified().await }
        })
        .on_connect_ext(|io: &GuardedIo, data: &mut Extensions| {
            data.insert(Rc::clone(io.gate()));
        })
        // No address is ever made from a request's host or scheme: the default stands for all.
        .finish(map_config(app, |()| AppConfig::default()))
}
