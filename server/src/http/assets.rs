//! The web client, embedded in the binary; read from disk in debug builds.

use std::borrow::Cow;

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use rust_embed::RustEmbed;
use sward_protocol::problem::ErrorCode;

use super::error::ApiError;
use super::extract::{etag, is_known};

/// What the pages may load: their own files and this server, nothing else.
const CONTENT_SECURITY_POLICY: &str = "default-src 'self'; img-src 'self' data:; frame-ancestors 'self'";

#[derive(RustEmbed)]
#[folder = "../web-client"]
#[include = "sdk/*"]
#[include = "meadow/*"]
#[include = "cards/*"]
struct WebClient;

/// `GET /`: the sample game.
pub async fn index(request: HttpRequest) -> Result<HttpResponse, ApiError> {
    file(&request, "meadow/index.html")
}

/// `GET /cards/`: the card game.
pub async fn cards(request: HttpRequest) -> Result<HttpResponse, ApiError> {
    file(&request, "cards/index.html")
}

/// `GET /sdk/…`, `GET /meadow/…`, `GET /cards/…`
pub async fn asset(
    request: HttpRequest,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, ApiError> {
    let (folder, path) = path.into_inner();
    file(&request, &format!("{folder}/{path}"))
}

fn file(request: &HttpRequest, path: &str) -> Result<HttpResponse, ApiError> {
    // Only embedded names are found: a path with `..` is no name of theirs.
    let file = WebClient::get(path).filter(|_| !path.contains(".."));
    let file = file.ok_or_else(|| ApiError::new(ErrorCode::NotFound, "there is no such file"))?;
    let tag = etag(&file.data);
    if is_known(request, &tag) {
        return Ok(HttpResponse::NotModified().insert_header((header::ETAG, tag)).finish());
    }
    let bytes = match file.data {
        Cow::Borrowed(bytes) => web::Bytes::from_static(bytes),
        Cow::Owned(bytes) => bytes.into(),
    };
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, content_type(path)))
        .insert_header((header::ETAG, tag))
        .insert_header((header::CACHE_CONTROL, "no-cache"))
        .insert_header((header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY))
        .insert_header((header::REFERRER_POLICY, "no-referrer"))
        .body(bytes))
}

fn content_type(path: &str) -> String {
    let kind = mime_guess::from_path(path).first_or_octet_stream();
    if kind.type_() == mime_guess::mime::TEXT { format!("{kind}; charset=utf-8") } else { kind.to_string() }
}
