//! One TCP connection that speaks HTTP/1.1.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::client::conn::http1::SendRequest;
use hyper::header::{AUTHORIZATION, HOST};
use hyper::{Request, Response, body::Incoming};
use hyper_util::rt::TokioIo;
use sward_protocol::ids::Token;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

use super::{ClientError, Endpoint};

/// How long a connection may take to open.
pub(super) const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// An open connection; it closes when this is dropped.
#[derive(Debug)]
pub(super) struct Connection {
    sender: SendRequest<Full<Bytes>>,
    driver: Driver,
    used: bool,
}

/// The task that moves the connection's bytes. Aborted on drop, so that no half-read stream lives on.
#[derive(Debug)]
struct Driver(JoinHandle<()>);

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Connection {
    pub(super) async fn open(endpoint: &Endpoint) -> Result<Self, ClientError> {
        let unreachable =
            |error| ClientError::Unreachable { authority: endpoint.authority().to_owned(), error };
        let socket = tokio::time::timeout(CONNECT_TIMEOUT, TcpStream::connect(endpoint.address()))
            .await
            .map_err(|_| unreachable(std::io::ErrorKind::TimedOut.into()))?
            .map_err(unreachable)?;
        // Nagle's algorithm would hold a POST back until the answer to the last one was acknowledged.
        socket.set_nodelay(true).map_err(unreachable)?;
        // Names of headers as browsers write them: proxy.py does not know `content-length` and adds one of its own, and a
        // request with two is refused.
        let (sender, connection) = hyper::client::conn::http1::Builder::new()
            .title_case_headers(true)
            .handshake(TokioIo::new(socket))
            .await
            .map_err(|error| ClientError::Broken { error })?;
        let driver = tokio::spawn(async move {
            // How it ended is told to whoever waits for an answer or reads a body.
            let _ = connection.await;
        });
        Ok(Self { sender, driver: Driver(driver), used: false })
    }

    /// Whether another request can be sent on it.
    pub(super) fn is_open(&self) -> bool {
        !self.sender.is_closed() && !self.driver.0.is_finished()
    }

    /// Whether a request was answered on it before. Boxes close such a connection without a word when it was idle, and
    /// the next request finds out.
    pub(super) fn is_used(&self) -> bool {
        self.used
    }

    /// Sends one request and waits for the head of its answer.
    pub(super) async fn send(
        &mut self,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<Incoming>, ClientError> {
        let broken = |error| ClientError::Broken { error };
        self.sender.ready().await.map_err(broken)?;
        let response = self.sender.send_request(request).await.map_err(broken)?;
        self.used = true;
        Ok(response)
    }
}

/// A request to a route of the server, with the headers that all of them carry.
pub(super) fn request(
    endpoint: &Endpoint,
    token: Option<&Token>,
    method: &str,
    route: &str,
    body: Bytes,
) -> Request<Full<Bytes>> {
    let mut builder =
        Request::builder().method(method).uri(endpoint.target(route)).header(HOST, endpoint.authority());
    if let Some(token) = token {
        builder = builder.header(AUTHORIZATION, format!("Bearer {}", token.reveal()));
    }
    builder
        .body(Full::new(body))
        .expect("routes, hosts that were parsed and hexadecimal tokens make a request")
}
