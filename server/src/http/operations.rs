//! `/healthz`, `/readyz`, `/metrics`.

use actix_web::http::StatusCode;
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse};
use sward_protocol::problem::ErrorCode;

use super::error::ApiError;
use super::extract::state;

/// `GET /healthz`: the process serves.
pub async fn health() -> HttpResponse {
    plain(StatusCode::OK, "ok\n")
}

/// `GET /readyz`: whether new players should be sent here.
pub async fn ready(request: HttpRequest) -> Result<HttpResponse, ApiError> {
    if state(&request)?.is_draining() {
        return Ok(plain(StatusCode::SERVICE_UNAVAILABLE, "draining\n"));
    }
    Ok(plain(StatusCode::OK, "ready\n"))
}

/// `GET /metrics`, in the Prometheus text format.
pub async fn metrics(request: HttpRequest) -> Result<HttpResponse, ApiError> {
    let text = state(&request)?.metrics.text();
    let text = text.map_err(|error| ApiError::new(ErrorCode::Internal, error.to_string()))?;
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8"))
        .body(text))
}

fn plain(status: StatusCode, text: &'static str) -> HttpResponse {
    HttpResponse::build(status)
        .insert_header((header::CONTENT_TYPE, "text/plain; charset=utf-8"))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .body(text)
}
