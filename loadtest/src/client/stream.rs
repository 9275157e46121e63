//! One connection's part of a stream.

use std::time::Duration;

use super::connection::{Connection, request};
use super::nonce::Nonces;
use super::{ClientError, Endpoint, StreamOptions, Wire};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Limited};
use hyper::Response;
use hyper::body::Incoming;
use hyper::header::{ACCEPT, CONTENT_TYPE, HeaderValue};
use sward_protocol::bye::Bye;
use sward_protocol::codec::Encoding;
use sward_protocol::format::{Delivery, Format, Reader};
use sward_protocol::frames;
use sward_protocol::ids::{EventId, Token};
use sward_protocol::problem::Problem;
use tokio::time::timeout;

/// Bytes of an answer that is no stream: its problem document.
const PROBLEM_BYTES_MAX: usize = 64 * 1024;
const ROUTE: &str = "/v1/stream";

/// Why a stream ended, or did not begin.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StreamError {
    /// It could not be opened, or its connection broke.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// It ended without a `bye`.
    #[error("the stream was cut")]
    Cut,
    /// Nothing came for the watchdog's time.
    #[error("nothing came for {} ms", .0.as_millis())]
    Silent(Duration),
    /// The server said goodbye.
    #[error("the server ended the stream with {} {}", .0.code, .0.reason)]
    Bye(Bye),
    /// The session has ended (204).
    #[error("the session has ended")]
    SessionGone,
    /// What came is no event stream of this protocol.
    #[error("the stream cannot be read: {0}")]
    Unreadable(String),
}

impl StreamError {
    /// Whether opening the stream again cannot help.
    #[must_use]
    pub fn is_final(&self) -> bool {
        match self {
            Self::Client(error) => !error.is_transient(),
            Self::Cut | Self::Silent(_) => false,
            Self::Bye(bye) => bye.code >= 3500,
            Self::SessionGone | Self::Unreadable(_) => true,
        }
    }
}

/// What a stream is asked for with.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) endpoint: &'a Endpoint,
    pub(super) token: &'a Token,
    pub(super) options: &'a StreamOptions,
    pub(super) nonces: &'a Nonces,
    /// The last event that was received.
    pub(super) last: Option<EventId>,
}

/// An open stream.
#[derive(Debug)]
pub(super) struct OpenStream {
    // The body lives on the connection, so it goes first.
    body: Incoming,
    reader: Reader,
    connection: Connection,
}

impl OpenStream {
    /// Opens a stream from behind `last`, once. A connection that is still open may be used again.
    pub(super) async fn open(asked: &Asked<'_>, kept: Option<Connection>) -> Result<Self, StreamError> {
        let wait = asked.options.head_timeout();
        let opening = async {
            if let Some(connection) = kept.filter(Connection::is_open) {
                // A box may have closed it meanwhile without a word; then nobody has taken the request.
                match Self::open_on(connection, asked).await {
                    Err(StreamError::Client(ClientError::Broken { .. })) => {}
                    other => return other,
                }
            }
            Self::open_on(Connection::open(asked.endpoint).await?, asked).await
        };
        timeout(wait, opening).await.unwrap_or(Err(ClientError::Timeout(wait).into()))
    }

    async fn open_on(mut connection: Connection, asked: &Asked<'_>) -> Result<Self, StreamError> {
        let Asked { endpoint, token, options, nonces, last } = *asked;
        // A fresh nonce each time: two streams with one nonce are a request that was doubled on its way.
        let mut route = format!("{ROUTE}?n={}{}", nonces.fresh(), options.query());
        if let Some(last) = last {
            route.push_str(&format!("&last={last}"));
        }
        let method = if options.by_post { "POST" } else { "GET" };
        let mut request = request(endpoint, Some(token), method, &route, Bytes::new());
        let accept = match options.wire {
            Wire::Frames => frames::MEDIA_TYPE,
            Wire::Sse { .. } | Wire::SseMsgpack { .. } => "text/event-stream",
        };
        request.headers_mut().insert(ACCEPT, HeaderValue::from_static(accept));
        let response = connection.send(request).await?;
        match response.status().as_u16() {
            200 => {}
            204 => return Err(StreamError::SessionGone),
            _ => return Err(refusal(response).await),
        }
        let format = format_of(&response, options.wire.on(options.rung))?;
        Ok(Self { body: response.into_body(), reader: Reader::new(format), connection })
    }

    /// Waits for the next piece, at most for the watchdog's time. `None` at the end of the body.
    pub(super) async fn read(&mut self, watchdog: Duration) -> Result<Option<Vec<Delivery>>, StreamError> {
        loop {
            let frame = timeout(watchdog, self.body.frame()).await;
            let Some(frame) = frame.map_err(|_| StreamError::Silent(watchdog))? else { return Ok(None) };
            let frame = frame.map_err(|error| ClientError::Broken { error })?;
            if let Ok(bytes) = frame.into_data() {
                let mut deliveries = Vec::new();
                let fed = self.reader.feed(&bytes, |delivery| deliveries.push(delivery));
                fed.map_err(|error| StreamError::Unreadable(error.to_string()))?;
                return Ok(Some(deliveries));
            }
        }
    }

    /// The reconnection time that the stream asked for.
    pub(super) fn retry_ms(&self) -> Option<u64> {
        self.reader.retry_ms()
    }

    /// The connection, for the next request, once the body was read to its end.
    pub(super) fn into_connection(self) -> Connection {
        self.connection
    }
}

async fn refusal(response: Response<Incoming>) -> StreamError {
    let status = response.status().as_u16();
    let body = Limited::new(response.into_body(), PROBLEM_BYTES_MAX);
    let bytes = body.collect().await.map(|body| body.to_bytes());
    let problem = bytes.ok().and_then(|bytes| serde_json::from_slice::<Problem>(&bytes).ok());
    StreamError::Client(match problem {
        Some(problem) => ClientError::Refused(Box::new(problem)),
        None => ClientError::Status { path: ROUTE.to_owned(), status },
    })
}

/// What the answer is written in: a server that does not know frames answers with what it knows.
fn format_of(response: &Response<Incoming>, wire: Wire) -> Result<Format, StreamError> {
    let media_type = response.headers().get(CONTENT_TYPE).map_or(&b""[..], HeaderValue::as_bytes);
    let is = |name: &str| media_type.starts_with(name.as_bytes());
    let sse = |encoding, batch| Format::Sse { encoding, batch };
    let is_raw = is("application/octet-stream");
    match wire {
        Wire::Frames if is_raw || is(frames::MEDIA_TYPE) => Ok(Format::Frames),
        _ if !is_raw && !is("text/event-stream") => {
            let media_type = String::from_utf8_lossy(media_type);
            Err(StreamError::Unreadable(format!("its type {media_type:?} is not text/event-stream")))
        }
        Wire::Frames => Ok(sse(Encoding::Json, false)),
        Wire::Sse { batch } => Ok(sse(Encoding::Json, batch)),
        Wire::SseMsgpack { batch } => Ok(sse(Encoding::Msgpack, batch)),
    }
}
