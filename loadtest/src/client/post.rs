//! Requests with a short answer, one at a time on a kept connection.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Limited};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sward_protocol::codec::Encoding;
use sward_protocol::ids::Token;
use sward_protocol::problem::Problem;
use sward_protocol::session::Time;
use tokio::time::{Instant, sleep};

use super::connection::{Connection, request};
use super::{ClientError, Endpoint};

/// How long an answer may take: above the 5 s after which the server itself gives up on a room.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);
/// Bytes of an answer that are read: a hundred rooms of 2 KiB and some.
const ANSWER_BYTES_MAX: usize = 1024 * 1024;

/// Makes requests; opens a connection when there is none.
#[derive(Debug)]
pub(super) struct Requests {
    endpoint: Endpoint,
    token: Option<Token>,
    connection: Option<Connection>,
    answer_timeout: Duration,
}

impl Requests {
    pub(super) fn new(endpoint: Endpoint, token: Option<Token>) -> Self {
        Self { endpoint, token, connection: None, answer_timeout: ANSWER_TIMEOUT }
    }

    /// Gives up on an answer after this time, instead of 10 s.
    pub(super) fn with_answer_timeout(mut self, answer_timeout: Duration) -> Self {
        self.answer_timeout = answer_timeout;
        self
    }

    pub(super) fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Whether the next request goes on a connection that was used before: a box may have closed it meanwhile.
    pub(super) fn has_used_connection(&self) -> bool {
        self.connection.as_ref().is_some_and(|connection| connection.is_open() && connection.is_used())
    }

    /// The requests that follow bear this token.
    pub(super) fn authorize(&mut self, token: Token) {
        self.token = Some(token);
    }

    /// The server's clock.
    pub(super) async fn time(&mut self) -> Result<Time, ClientError> {
        self.call("GET", "/v1/time", Bytes::new()).await
    }

    /// Posts `body` and reads the answer. On a transport error the connection is dropped; the next call opens another.
    pub(super) async fn post<B: Serialize, A: DeserializeOwned>(
        &mut self,
        route: &str,
        body: &B,
    ) -> Result<A, ClientError> {
        let body = encode(route, body)?;
        self.call("POST", route, body).await
    }

    /// As [`Requests::post`], but asks again, until `patience` ends, as long as the server says that waiting helps.
    pub(super) async fn post_patiently<B: Serialize, A: DeserializeOwned>(
        &mut self,
        route: &str,
        body: &B,
        patience: Duration,
    ) -> Result<A, ClientError> {
        let deadline = Instant::now() + patience;
        let body = encode(route, body)?;
        loop {
            let error = match self.call("POST", route, body.clone()).await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            match error.retry_after() {
                Some(wait) if wait < deadline.saturating_duration_since(Instant::now()) => sleep(wait).await,
                _ => return Err(error),
            }
        }
    }

    /// As [`Requests::post`], of a body that is written already.
    pub(super) async fn post_bytes<A: DeserializeOwned>(
        &mut self,
        route: &str,
        body: Bytes,
    ) -> Result<A, ClientError> {
        self.call("POST", route, body).await
    }

    async fn call<A: DeserializeOwned>(
        &mut self,
        method: &str,
        route: &str,
        body: Bytes,
    ) -> Result<A, ClientError> {
        let answer = tokio::time::timeout(self.answer_timeout, self.exchange(method, route, body)).await;
        let answer = answer.unwrap_or(Err(ClientError::Timeout(self.answer_timeout)));
        if answer.as_ref().is_err_and(ClientError::is_transport) {
            self.connection = None;
        }
        let (status, bytes) = answer?;
        if (200..300).contains(&status) {
            return Encoding::Json.decode(&bytes).map_err(|error| unreadable(route, &error));
        }
        Err(match Encoding::Json.decode::<Problem>(&bytes) {
            Ok(problem) => ClientError::Refused(Box::new(problem)),
            Err(_) => ClientError::Status { path: route.to_owned(), status },
        })
    }

    /// Status and body of the answer to one request.
    async fn exchange(
        &mut self,
        method: &str,
        route: &str,
        body: Bytes,
    ) -> Result<(u16, Vec<u8>), ClientError> {
        let connection = match self.connection.take().filter(Connection::is_open) {
            Some(connection) => self.connection.insert(connection),
            None => self.connection.insert(Connection::open(&self.endpoint).await?),
        };
        let request = request(&self.endpoint, self.token.as_ref(), method, route, body);
        let response = connection.send(request).await?;
        let status = response.status().as_u16();
        let body = Limited::new(response.into_body(), ANSWER_BYTES_MAX);
        let bytes = body.collect().await.map_err(|error| match error.downcast::<hyper::Error>() {
            Ok(error) => ClientError::Broken { error: *error },
            Err(error) => unreadable(route, &error),
        })?;
        Ok((status, bytes.to_bytes().into()))
    }
}

fn encode<B: Serialize>(route: &str, body: &B) -> Result<Bytes, ClientError> {
    Encoding::Json.encode(body).map(Bytes::from).map_err(|error| unreadable(route, &error))
}

fn unreadable(route: &str, error: &dyn std::fmt::Display) -> ClientError {
    ClientError::Unreadable { path: route.to_owned(), detail: error.to_string() }
}
