//! `/v1/rooms/{id}/blobs/{name}`: bytes that a game has published, handed out from where they are.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll};
use std::time::Duration;

use actix_web::body::{BodySize, MessageBody};
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use bytes::Bytes;
use serde::Deserialize;
use sward_protocol::problem::ErrorCode;

use super::error::ApiError;
use super::extract::{Query, caller_if_any, is_known, state};
use super::rooms::room;
use crate::game::Blob;
use crate::game::blob::Content;
use crate::room::handle::{NotShown, RoomError, RoomHandle};

/// What a reader has of a blob at a time.
const CHUNK_BYTES: usize = 16 * 1024;
/// Whatever the bytes are, opened as a page they run nothing, load nothing and are of no origin.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; sandbox";

/// Query of a blob.
#[derive(Debug, Deserialize)]
pub struct BlobQuery {
    /// The blob with this tag, and no other.
    etag: Option<String>,
}

/// `GET /v1/rooms/{id}/blobs/{name}`, and `HEAD`
pub async fn blob(
    request: HttpRequest,
    path: web::Path<(String, String)>,
    query: Query<BlobQuery>,
) -> Result<HttpResponse, ApiError> {
    let ((id, name), Query(BlobQuery { etag: wanted })) = (path.into_inner(), query);
    let room = room(state(&request)?, &id)?;
    let is_public = room.shelf().public() == Some(Duration::ZERO);
    let blob =
        shown(&request, &room, &name)?.ok_or_else(|| no_such_blob("the room has no blob of this name"))?;
    if wanted.as_ref().is_some_and(|wanted| wanted != blob.etag()) {
        return Err(no_such_blob("the room has another blob of this name now"));
    }
    let tag = format!("\"{}\"", blob.etag());
    let is_known = is_known(&request, &tag);
    let mut response = if is_known { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    let whose = if is_public { "public" } else { "private" };
    // With its tag in it the URL names these bytes for good.
    let freshness = if wanted.is_some() { "max-age=31536000, immutable" } else { "no-cache" };
    response
        .insert_header((header::ETAG, tag))
        .insert_header((header::CACHE_CONTROL, format!("{whose}, {freshness}")))
        .insert_header((header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY));
    if is_known {
        return Ok(response.finish());
    }
    response.insert_header((header::CONTENT_TYPE, blob.media_type()));
    Ok(response.body(Reading { blob: Arc::downgrade(blob.content()), at: 0, bytes: blob.bytes().len() }))
}

/// The blob as the caller may see it: who sits in the room sees it as it is, others when the room shows itself.
fn shown(request: &HttpRequest, room: &RoomHandle, name: &str) -> Result<Option<Blob>, ApiError> {
    let (shelf, state) = (room.shelf(), state(request)?);
    if shelf.public() == Some(Duration::ZERO) || sits_in(request, room)? {
        return Ok(shelf.now(name));
    }
    let delay = shelf.public().ok_or(RoomError::NotShown(NotShown::NotPublic))?;
    let now = Duration::from_millis(state.clock.now_ms());
    let at_ms = u64::try_from(now.saturating_sub(delay).as_millis()).unwrap_or(u64::MAX);
    Ok(shelf.at(name, at_ms))
}

fn sits_in(request: &HttpRequest, room: &RoomHandle) -> Result<bool, ApiError> {
    let place = caller_if_any(request)?.and_then(|caller| caller.0.occupant().place());
    Ok(place.is_some_and(|place| place.room.charter().id == room.charter().id))
}

fn no_such_blob(detail: &str) -> ApiError {
    ApiError::new(ErrorCode::NoSuchBlob, detail)
}

/// A blob on its way to somebody. It holds none of the blob's bytes but those that are being written: readers who take
/// their time cost the server what any connection costs, however often the game replaces what they read.
#[derive(Debug)]
struct Reading {
    blob: Weak<Content>,
    at: usize,
    bytes: usize,
}

impl MessageBody for Reading {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        BodySize::Sized(self.bytes as u64)
    }

    fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Bytes, Infallible>>> {
        let this = self.get_mut();
        // A blob that is gone ends the answer short of its `Content-Length`: no client takes that for the whole.
        let Some(blob) = this.blob.upgrade().filter(|_| this.at < this.bytes) else {
            return Poll::Ready(None);
        };
        let rest = blob.bytes.get(this.at..).unwrap_or_default();
        // Copied, since a slice would keep the whole blob in memory until the peer takes it.
        let chunk = Bytes::copy_from_slice(&rest[..rest.len().min(CHUNK_BYTES)]);
        this.at += chunk.len();
        Poll::Ready(Some(Ok(chunk)))
    }
}
