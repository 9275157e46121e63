//! `/v1/stream`: one per player.

use actix_web::http::header::{self, HeaderValue};
use actix_web::http::{StatusCode, Version};
use actix_web::{HttpRequest, HttpResponse};
use serde::Deserialize;
use sward_protocol::bye::CloseCode;
use sward_protocol::problem::ErrorCode;

use super::error::ApiError;
use super::extract::{Query, state, token};
use crate::session::registry::Found;
use crate::stream::body::StreamBody;
use crate::stream::open;
use crate::stream::options::StreamOptions;

/// Query of `/v1/stream`. Numbers are read as text first: one that no integer can hold is out of range, not malformed.
#[derive(Debug, Deserialize)]
pub struct StreamQuery {
    last: Option<String>,
    n: Option<String>,
    beat: Option<String>,
    pad: Option<String>,
}

/// `GET /v1/stream`, `POST /v1/stream`
pub async fn stream(request: HttpRequest, query: Query<StreamQuery>) -> Result<HttpResponse, ApiError> {
    let state = state(&request)?;
    let token = token(&request)?;
    let options = options(&request, query.0)?;
    let body = match state.registry.find(token) {
        Found::Alive(_) if state.is_draining() => open::refuse(CloseCode::Shutdown, &state.metrics),
        Found::Alive(_) if state.metrics.streams.get() >= state.streams_max => {
            open::refuse(CloseCode::Overloaded, &state.metrics)
        }
        Found::Alive(session) => {
            let body = open::open(&session, &options, state.clock, &state.metrics);
            // The drain may have begun since it was asked above, and have told everybody already.
            if state.is_draining() {
                session.mailslot().close(CloseCode::Shutdown);
            }
            body
        }
        // 204 stops an EventSource for good.
        Found::Ended => {
            return Ok(HttpResponse::NoContent().insert_header((header::CACHE_CONTROL, "no-store")).finish());
        }
        Found::Unknown => open::refuse(CloseCode::SessionUnknown, &state.metrics),
    };
    response(&request, body)
}

fn options(request: &HttpRequest, query: StreamQuery) -> Result<StreamOptions, ApiError> {
    let StreamQuery { last, n, beat, pad } = query;
    // What is no text is no id either: it resets the stream, as any malformed id does.
    let header =
        request.headers().get("last-event-id").map(|id| id.to_str().unwrap_or("not text").to_owned());
    let (beat, pad) = (number("beat", beat)?, number("pad", pad)?);
    let pad = pad.map(|pad| usize::try_from(pad).unwrap_or(usize::MAX));
    StreamOptions::new(header.as_deref(), last.as_deref(), n, beat, pad)
        .map_err(|error| ApiError::new(ErrorCode::BadQuery, error.to_string()))
}

fn number(name: &str, text: Option<String>) -> Result<Option<u64>, ApiError> {
    let Some(text) = text else { return Ok(None) };
    let digits = text.strip_prefix('-').unwrap_or(&text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(ApiError::new(ErrorCode::BadQuery, format!("{name} is a number")));
    }
    Ok(Some(if text.starts_with('-') { 0 } else { text.parse().unwrap_or(u64::MAX) }))
}

fn response(request: &HttpRequest, body: StreamBody) -> Result<HttpResponse, ApiError> {
    let mut response = HttpResponse::build(StatusCode::OK);
    response
        // Bare: a `; charset` once made a tunnel buffer it.
        .insert_header((header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream")))
        // `no-transform` keeps compressing proxies out, `no-store, private` caches that would share a stream.
        .insert_header((header::CACHE_CONTROL, "no-cache, no-store, no-transform, private"))
        .insert_header(("X-Accel-Buffering", "no"))
        .insert_header((header::CONTENT_ENCODING, "identity"));
    if request.version() == Version::HTTP_10 {
        // HTTP/1.0 knows no chunks: the body ends with the connection.
        response.force_close();
    }
    let response = response.message_body(body);
    let mut response = response.map_err(|error| ApiError::new(ErrorCode::Internal, error.to_string()))?;
    if request.version() == Version::HTTP_10 {
        response.head_mut().no_chunking(true);
    }
    Ok(response.map_into_boxed_body())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_out_of_any_range_are_clamped_later_and_text_is_refused() {
        let read = |text: &str| number("beat", Some(text.to_owned())).ok();
        assert_eq!(read("5"), Some(Some(5)));
        assert_eq!(read("-5"), Some(Some(0)));
        assert_eq!(read("99999999999999999999999"), Some(Some(u64::MAX)));
        for bad in ["", "-", "5s", "0x5", "１"] {
            assert_eq!(read(bad), None, "{bad}");
        }
        assert_eq!(number("beat", None).ok(), Some(None));
    }
}
