//! Bodies, tokens and encodings of requests and answers.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::http::header;
use actix_web::{FromRequest, HttpRequest, HttpResponse, web};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sward_protocol::codec::Encoding;
use sward_protocol::ids::Token;
use sward_protocol::limits::{BATCH_BYTES_MAX, BODY_BYTES_MAX};
use sward_protocol::problem::ErrorCode;

use super::error::ApiError;
use super::state::State;
use crate::session::Session;
use crate::session::registry::Found;

/// How long a body may take to arrive.
const BODY_WAIT_MAX: Duration = Duration::from_secs(10);

type Extracting<T> = Pin<Box<dyn Future<Output = Result<T, ApiError>>>>;

/// The server that a request came to.
pub fn state(request: &HttpRequest) -> Result<&State, ApiError> {
    // Every route is mounted together with its state.
    request
        .app_data::<web::Data<State>>()
        .map(|state| state.get_ref())
        .ok_or_else(|| ApiError::new(ErrorCode::Internal, "the routes have no server"))
}

/// The token of a request: from `Authorization: Bearer`, or from the query.
///
/// # Errors
/// `bad_token` when there is none, or none that could be one.
pub fn token(request: &HttpRequest) -> Result<Token, ApiError> {
    let bad = |detail: &str| ApiError::new(ErrorCode::BadToken, detail);
    // A token is plain hexadecimal: whatever needed decoding could not be one.
    let text = bearer(request)
        .or_else(|| query_value(request.query_string(), "token"))
        .ok_or_else(|| bad("neither Authorization: Bearer nor ?token="))?;
    text.parse().map_err(|_| bad("the token is not one of this server's"))
}

/// What `Authorization: Bearer` bears. Another scheme is another's: a proxy's password, say.
pub fn bearer(request: &HttpRequest) -> Option<&str> {
    let header = request.headers().get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, text) = header.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(text.trim())
}

fn query_value<'a>(query: &'a str, key: &str) -> Option<&'a str> {
    query
        .split('&')
        .find_map(|pair| pair.split_once('=').filter(|(name, _)| *name == key))
        .map(|(_, value)| value)
}

/// The session whose token the request bears. Extracting it is a sign of life.
#[derive(Debug)]
pub struct Caller(pub Arc<Session>);

impl FromRequest for Caller {
    type Error = ApiError;
    type Future = std::future::Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        std::future::ready(caller(request))
    }
}

/// The session of a request that may do without: `None` where no token came.
///
/// # Errors
/// `bad_token` and `session_gone` for a token that came and is of no use.
pub fn caller_if_any(request: &HttpRequest) -> Result<Option<Caller>, ApiError> {
    let has_token = bearer(request).or_else(|| query_value(request.query_string(), "token")).is_some();
    has_token.then(|| caller(request)).transpose()
}

fn caller(request: &HttpRequest) -> Result<Caller, ApiError> {
    let state = state(request)?;
    match state.registry.find(token(request)?) {
        Found::Alive(session) => {
            session.heard(state.clock.now_ms());
            Ok(Caller(session))
        }
        Found::Ended | Found::Unknown => {
            Err(ApiError::new(ErrorCode::SessionGone, "make a new session and join again"))
        }
    }
}

/// What a join, a leave or a new room costs of a session's messages: each is work for a room and all its players.
const MOVE_MESSAGES: u32 = 5;

/// The session of a request that moves a player between rooms: charged more than one that only speaks.
#[derive(Debug)]
pub struct Mover(pub Arc<Session>);

impl FromRequest for Mover {
    type Error = ApiError;
    type Future = std::future::Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        std::future::ready(mover(request))
    }
}

fn mover(request: &HttpRequest) -> Result<Mover, ApiError> {
    let now_ms = state(request)?.clock.now_ms();
    let Caller(session) = caller(request)?;
    let taken = session.incoming().rates.take(MOVE_MESSAGES, 0, now_ms);
    taken.map_err(|wait_ms| ApiError::new(ErrorCode::RateLimited, "too many moves").after(wait_ms))?;
    Ok(Mover(session))
}

/// The encoding that the client wants its answer in.
#[derive(Debug, Clone, Copy)]
pub struct Answer(Encoding);

impl Answer {
    /// A 200 with this body.
    pub fn ok<T: Serialize>(self, body: &T) -> Result<HttpResponse, ApiError> {
        self.with(StatusCode::OK, body)
    }

    /// A 201 with this body.
    pub fn created<T: Serialize>(self, body: &T) -> Result<HttpResponse, ApiError> {
        self.with(StatusCode::CREATED, body)
    }

    /// A 200 with this body and an `ETag` of its bytes; 304 when the client has them already.
    pub fn cached<T: Serialize>(self, request: &HttpRequest, body: &T) -> Result<HttpResponse, ApiError> {
        let bytes = self.encode(body)?;
        let tag = etag(&bytes);
        if is_known(request, &tag) {
            return Ok(HttpResponse::NotModified().insert_header((header::ETAG, tag)).finish());
        }
        Ok(HttpResponse::Ok()
            .insert_header((header::CONTENT_TYPE, self.0.media_type()))
            .insert_header((header::VARY, "Accept"))
            .insert_header((header::CACHE_CONTROL, "no-cache"))
            .insert_header((header::ETAG, tag))
            .body(bytes))
    }

    fn with<T: Serialize>(self, status: StatusCode, body: &T) -> Result<HttpResponse, ApiError> {
        let bytes = self.encode(body)?;
        Ok(HttpResponse::build(status)
            .insert_header((header::CONTENT_TYPE, self.0.media_type()))
            .insert_header((header::CACHE_CONTROL, "no-store"))
            .body(bytes))
    }

    fn encode<T: Serialize>(self, body: &T) -> Result<Vec<u8>, ApiError> {
        self.0.encode(body).map_err(|error| ApiError::new(ErrorCode::Internal, error.to_string()))
    }
}

impl FromRequest for Answer {
    type Error = ApiError;
    type Future = std::future::Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let msgpack = accepts(request, Encoding::Msgpack.media_type());
        std::future::ready(Ok(Self(if msgpack { Encoding::Msgpack } else { Encoding::Json })))
    }
}

/// Whether the client names this media type among those that it accepts.
#[must_use]
pub fn accepts(request: &HttpRequest, media_type: &str) -> bool {
    let accept = request.headers().get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    accept.is_some_and(|accept| accept.contains(media_type))
}

/// A strong entity tag of these bytes ([RFC 9110 §8.8.3](https://www.rfc-editor.org/rfc/rfc9110#section-8.8.3)).
#[must_use]
pub fn etag(bytes: &[u8]) -> String {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    format!("\"{:016x}\"", hasher.finish())
}

/// Whether the client has what bears this tag: `If-None-Match` compares weakly
/// ([RFC 9110 §13.1.2](https://www.rfc-editor.org/rfc/rfc9110#section-13.1.2)), since proxies weaken tags.
#[must_use]
pub fn is_known(request: &HttpRequest, tag: &str) -> bool {
    let known = request.headers().get_all(header::IF_NONE_MATCH).filter_map(|known| known.to_str().ok());
    let mut tags = known.flat_map(|known| known.split(',')).map(str::trim);
    tags.any(|known| known == "*" || known.strip_prefix("W/").unwrap_or(known) == tag)
}

/// A request body of at most 8 KiB.
#[derive(Debug)]
pub struct Body<T>(pub T);

impl<T: DeserializeOwned + 'static> FromRequest for Body<T> {
    type Error = ApiError;
    type Future = Extracting<Self>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let reading = read(request, payload, BODY_BYTES_MAX);
        Box::pin(async move {
            let (encoding, bytes) = reading.await?;
            encoding.decode(&bytes).map(Self).map_err(|error| ApiError::of_body(&error, encoding))
        })
    }
}

/// A request body of at most 32 KiB, not yet decoded: what `POST /v1/send` takes.
#[derive(Debug)]
pub struct BatchBody {
    encoding: Encoding,
    bytes: web::Bytes,
}

impl BatchBody {
    /// The body as a type of the reader's choice.
    pub fn decode<T: DeserializeOwned>(&self) -> Result<T, ApiError> {
        self.encoding.decode(&self.bytes).map_err(|error| ApiError::of_body(&error, self.encoding))
    }

    /// How many bytes it has.
    #[must_use]
    pub fn size(&self) -> usize {
        self.bytes.len()
    }
}

impl FromRequest for BatchBody {
    type Error = ApiError;
    type Future = Extracting<Self>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let reading = read(request, payload, BATCH_BYTES_MAX);
        Box::pin(async move {
            let (encoding, bytes) = reading.await?;
            Ok(Self { encoding, bytes })
        })
    }
}

/// Reads a body of at most `bytes_max` bytes.
fn read(
    request: &HttpRequest,
    payload: &mut Payload,
    bytes_max: usize,
) -> impl Future<Output = Result<(Encoding, web::Bytes), ApiError>> + 'static {
    let checked = check_head(request, bytes_max);
    let payload = web::Payload::from_request(request, payload).into_inner();
    async move {
        let encoding = checked?;
        let payload = payload.map_err(|error| ApiError::new(ErrorCode::BadRequest, error.to_string()))?;
        match tokio::time::timeout(BODY_WAIT_MAX, payload.to_bytes_limited(bytes_max)).await {
            Ok(Ok(Ok(bytes))) => Ok((encoding, bytes)),
            Ok(Ok(Err(error))) => Err(ApiError::new(ErrorCode::BadRequest, error.to_string())),
            Ok(Err(_)) => Err(too_large(bytes_max)),
            Err(_) => Err(ApiError::new(ErrorCode::BodySlow, "send the body at once")),
        }
    }
}

fn check_head(request: &HttpRequest, bytes_max: usize) -> Result<Encoding, ApiError> {
    let text = |name| request.headers().get(name).and_then(|value| value.to_str().ok());
    if text(header::CONTENT_ENCODING).is_some_and(|coding| !coding.eq_ignore_ascii_case("identity")) {
        return Err(ApiError::new(ErrorCode::UnsupportedEncoding, "send the body as it is"));
    }
    // A length that is announced is refused before a byte of the body is read.
    let length = text(header::CONTENT_LENGTH).and_then(|length| length.parse::<usize>().ok());
    if length.is_some_and(|length| length > bytes_max) {
        return Err(too_large(bytes_max));
    }
    let msgpack = Encoding::Msgpack.media_type();
    let is_msgpack = text(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(msgpack));
    Ok(if is_msgpack { Encoding::Msgpack } else { Encoding::Json })
}

fn too_large(bytes_max: usize) -> ApiError {
    ApiError::new(ErrorCode::BodyTooLarge, format!("at most {bytes_max} bytes"))
}

/// Query options.
#[derive(Debug)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned> FromRequest for Query<T> {
    type Error = ApiError;
    type Future = std::future::Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let query = web::Query::<T>::from_query(request.query_string());
        std::future::ready(
            query
                .map(|query| Self(query.into_inner()))
                .map_err(|error| ApiError::new(ErrorCode::BadQuery, error.to_string())),
        )
    }
}
