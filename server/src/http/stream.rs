//! `/v1/stream`: one per player; `/v1/rooms/{id}/watch`, for who has no seat.

use std::sync::Arc;

use actix_web::http::header::{self, HeaderValue};
use actix_web::http::{StatusCode, Version};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, web};
use sward_protocol::bye::CloseCode;
use sward_protocol::frames;
use sward_protocol::problem::ErrorCode;

use super::error::ApiError;
use super::extract::{Query, accepts, state, token};
use super::rooms::room;
use super::state::State;
use crate::entropy;
use crate::fanout::mailslot::Mailslot;
use crate::room::handle::{NotShown, RoomError};
use crate::session::registry::Found;
use crate::stream::body::StreamBody;
use crate::stream::drain;
use crate::stream::open::{self, Opened};
use crate::stream::options::{Mode, StreamOptions, StreamQuery};
use crate::stream::packer::Packer;

/// On HTTP/2 a stream may be reset while its connection, which others share, lives on. Only a write finds that, and the
/// others are to be told within 20 s.
const HTTP_2_BEAT_MS_MAX: u64 = 12_000;

/// `GET /v1/stream`, `POST /v1/stream`
pub async fn stream(request: HttpRequest, query: Query<StreamQuery>) -> Result<HttpResponse, ApiError> {
    let state = state(&request)?;
    let token = token(&request)?;
    let options = options(&request, query.0)?;
    let opened = match state.registry.find(token) {
        // 204 stops an EventSource for good.
        Found::Ended => {
            return Ok(HttpResponse::NoContent().insert_header((header::CACHE_CONTROL, "no-store")).finish());
        }
        Found::Unknown => Err(CloseCode::SessionUnknown),
        Found::Alive(_) if state.is_draining() => Err(CloseCode::Shutdown),
        Found::Alive(_) if state.metrics.streams.get() >= state.streams_max => Err(CloseCode::Overloaded),
        Found::Alive(session) if session.incoming().openings.admit(state.clock.now_ms()).is_err() => {
            state.metrics.openings_refused.inc();
            Err(CloseCode::Overloaded)
        }
        Found::Alive(session) => {
            let directory = &state.admission.directory;
            let opened = open::open(&session, &options, state.clock, &state.metrics, directory);
            if opened.as_ref().is_ok_and(|opened| opened.has_missed) {
                let bytes = state.hall.show_again(session.player().id, state.clock.now_ms());
                session.incoming().openings.was_told(bytes);
            }
            // The drain may have begun since it was asked above, and have told everybody already.
            if state.is_draining() {
                session.mailslot().close(CloseCode::Shutdown);
            }
            opened
        }
    };
    let compress = options.compress && state.config.compress && takes_gzip(&request);
    let packer = Packer::new(compress);
    match options.mode {
        Mode::Drain { hold_ms } => drained(state, &options, opened, packer, hold_ms).await,
        Mode::Open | Mode::Raw => streamed(&request, state, &options, opened, packer),
    }
}

/// `GET /v1/rooms/{id}/watch`
pub async fn watch(
    request: HttpRequest,
    query: Query<StreamQuery>,
    id: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    let state = state(&request)?;
    let options = options(&request, query.0)?;
    if matches!(options.mode, Mode::Drain { .. }) {
        let detail = "nobody remembers what who watches has seen: mode=drain needs a session";
        return Err(ApiError::new(ErrorCode::BadQuery, detail));
    }
    let room = room(state, &id)?;
    let compress = options.compress && state.config.compress && takes_gzip(&request);
    let packer = Packer::new(compress);
    if state.is_draining() || state.metrics.streams.get() >= state.streams_max {
        let code = if state.is_draining() { CloseCode::Shutdown } else { CloseCode::Overloaded };
        return streamed(&request, state, &options, Err(code), packer);
    }
    let mailslot = Arc::new(Mailslot::new(entropy::epoch()));
    state.admission.directory.note_watcher(&mailslot);
    let id = room.charter().id;
    let opened = open::open_watch(&mailslot, id, &options, state.clock, &state.metrics);
    match room.watch(Arc::clone(&mailslot)).await {
        Ok(()) => {}
        // A status but 200 would stop an EventSource for good
        // ([WHATWG HTML §9.2.3](https://html.spec.whatwg.org/multipage/server-sent-events.html#processing-model)).
        Err(RoomError::Busy | RoomError::Slow | RoomError::NotShown(NotShown::TooMany)) => {
            return streamed(&request, state, &options, Err(CloseCode::Overloaded), packer);
        }
        Err(error) => return Err(error.into()),
    }
    // The drain may have begun since it was asked above, and have told everybody already.
    if state.is_draining() {
        mailslot.close(CloseCode::Shutdown);
    }
    streamed(&request, state, &options, opened, packer)
}

fn options(request: &HttpRequest, query: StreamQuery) -> Result<StreamOptions, ApiError> {
    // What is no text is no id either: it resets the stream, as any malformed id does.
    let header =
        request.headers().get("last-event-id").map(|id| id.to_str().unwrap_or("not text").to_owned());
    let mut options = StreamOptions::new(header.as_deref(), accepts(request, frames::MEDIA_TYPE), query)?;
    if request.version() == Version::HTTP_2 {
        options.beat_ms = options.beat_ms.min(HTTP_2_BEAT_MS_MAX);
    }
    Ok(options)
}

fn takes_gzip(request: &HttpRequest) -> bool {
    let accepted = request.headers().get(header::ACCEPT_ENCODING).and_then(|accepted| accepted.to_str().ok());
    accepted.is_some_and(|accepted| accepted.split(',').any(|encoding| encoding.trim() == "gzip"))
}

/// The head that all modes have in common.
fn head(media_type: &'static str, packer: &Packer) -> HttpResponseBuilder {
    let mut response = HttpResponse::build(StatusCode::OK);
    response
        // Bare: a `; charset` once made a tunnel buffer it.
        .insert_header((header::CONTENT_TYPE, HeaderValue::from_static(media_type)))
        // `no-transform` keeps compressing proxies out, `no-store, private` caches that would share a stream.
        .insert_header((header::CACHE_CONTROL, "no-cache, no-store, no-transform, private"))
        .insert_header(("X-Accel-Buffering", "no"))
        .insert_header((header::CONTENT_ENCODING, packer.content_encoding()));
    response
}

async fn drained(
    state: &State,
    options: &StreamOptions,
    opened: Result<Opened, CloseCode>,
    mut packer: Packer,
    hold_ms: u64,
) -> Result<HttpResponse, ApiError> {
    let body = match opened {
        Ok(opened) => drain::answer(opened, hold_ms, state.clock).await,
        Err(code) => open::farewell(options.format, code, &state.metrics),
    };
    let mut response = head(options.format.media_type(), &packer);
    let body = packer.finish(body).map_err(|error| ApiError::new(ErrorCode::Internal, error.to_string()))?;
    Ok(response.body(body))
}

fn streamed(
    request: &HttpRequest,
    state: &State,
    options: &StreamOptions,
    opened: Result<Opened, CloseCode>,
    packer: Packer,
) -> Result<HttpResponse, ApiError> {
    let is_raw = options.mode == Mode::Raw;
    let media_type = if is_raw { "application/octet-stream" } else { options.format.media_type() };
    let mut response = head(media_type, &packer);
    let body = match opened {
        Ok(opened) => {
            let rotate_ms = state.config.rotate_ms;
            let age_ms = entropy::between(rotate_ms, rotate_ms + rotate_ms / 2);
            StreamBody::streaming(opened, options, packer, age_ms, state.clock)
        }
        Err(code) => StreamBody::refused(open::farewell(options.format, code, &state.metrics), packer),
    };
    // HTTP/1.0 knows no chunks, and `raw` wants none: the body ends with the connection.
    let is_unchunked =
        request.version() == Version::HTTP_10 || is_raw && request.version() == Version::HTTP_11;
    if is_unchunked {
        response.force_close();
    }
    let response = response.message_body(body);
    let mut response = response.map_err(|error| ApiError::new(ErrorCode::Internal, error.to_string()))?;
    if is_unchunked {
        response.head_mut().no_chunking(true);
    }
    Ok(response.map_into_boxed_body())
}
