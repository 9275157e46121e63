//! Which path leads where, and what surrounds every answer.

use std::path::PathBuf;
use std::sync::Arc;

use actix_cors::Cors;
use actix_web::body::MessageBody;
use actix_web::dev::{HttpServiceFactory, Service as _, ServiceResponse};
use actix_web::http::{Method, StatusCode, header};
use actix_web::middleware::DefaultHeaders;
use actix_web::{HttpRequest, HttpResponse, Resource, Route, guard, web};
use sward_protocol::problem::ErrorCode;

use super::error::{AnsweredCode, ApiError};
use super::state::State;
use super::{admin, assets, blobs, files, operations, rooms, send, sessions, stream};
use crate::net::answering;

/// How long a browser may remember the answer to a preflight, in seconds.
const PREFLIGHT_S_MAX: usize = 86_400;

/// What there is to see besides the routes of the contract and the SDK.
#[derive(Debug, Clone)]
pub enum Pages {
    /// The pages of the sample games that there are.
    Samples {
        /// At `/`.
        meadow: bool,
        /// At `/cards/`.
        cards: bool,
    },
    /// The files of this folder.
    Files(PathBuf),
    /// Nothing.
    None,
}

/// Every route below `prefix` (empty, or a slash and what follows it), with all that surrounds an answer.
pub fn all(prefix: &str, data: &web::Data<State>, pages: &Pages) -> impl HttpServiceFactory + use<> {
    let metrics = Arc::clone(&data.metrics);
    web::scope(prefix)
        .app_data(data.clone())
        .configure(mount)
        .configure(|config| mount_pages(config, pages))
        .default_service(web::to(not_found))
        .wrap_fn(|request, service| {
            let answering = service.call(request);
            async move { answering.await.map(counted) }
        })
        .wrap(cors(&data.config.allow_origins))
        .wrap_fn(|request, service| {
            let is_preflight = request.method() == Method::OPTIONS;
            let answering = service.call(request);
            async move { answering.await.map(|response| if is_preflight { typed(response) } else { response }) }
        })
        .wrap(headers(&data.config.allow_origins))
        // The last one stands around all others.
        .wrap_fn(move |request, service| {
            let admitted = answering::admit(request, &metrics)
                .map(|(request, follower)| (service.call(request), follower));
            async move {
                let answered = match admitted {
                    Ok((answering, follower)) => answering.await.map(|response| follower.follow(response)),
                    Err(refusal) => Ok(*refusal),
                };
                answered.map(ServiceResponse::map_into_boxed_body)
            }
        })
}

/// The routes of the contract, and the SDK.
fn mount(config: &mut web::ServiceConfig) {
    config
        .service(resource("/v1/sessions", "POST").route(web::post().to(sessions::create)))
        .service(resource("/v1/bye", "POST").route(web::post().to(sessions::bye)))
        .service(resource("/v1/time", "GET").route(web::get().to(sessions::time)))
        .service(
            resource("/v1/stream", "GET, POST")
                .route(web::get().to(stream::stream))
                .route(web::post().to(stream::stream)),
        )
        .service(resource("/v1/send", "POST").route(web::post().to(send::send)))
        .service(resource("/v1/join", "POST").route(web::post().to(rooms::join)))
        .service(resource("/v1/leave", "POST").route(web::post().to(rooms::leave)))
        .service(
            resource("/v1/rooms", "GET, POST")
                .route(web::get().to(rooms::list))
                .route(web::post().to(rooms::create)),
        )
        .service(resource("/v1/rooms/{id}", "GET").route(web::get().to(rooms::show)))
        .service(resource("/v1/rooms/{id}/state", "GET").route(web::get().to(rooms::view)))
        .service(resource("/v1/rooms/{id}/blobs/{name}", "GET, HEAD").route(get_or_head().to(blobs::blob)))
        .service(resource("/v1/rooms/{id}/watch", "GET").route(web::get().to(stream::watch)))
        .service(resource("/v1/rooms/{id}/join", "POST").route(web::post().to(rooms::join_room)))
        .service(
            resource("/v1/admin/warn", "GET, POST")
                .route(web::get().to(admin::warnings))
                .route(web::post().to(admin::warn)),
        )
        .service(resource("/v1/admin/rooms", "GET").route(web::get().to(admin::list)))
        .service(resource("/v1/admin/rooms/{id}", "GET").route(web::get().to(admin::inspect)))
        .service(resource("/v1/admin/rooms/{id}/kick", "POST").route(web::post().to(admin::kick)))
        .service(resource("/v1/admin/rooms/{id}/close", "POST").route(web::post().to(admin::close)))
        .service(resource("/v1/admin/players/{id}/end", "POST").route(web::post().to(admin::end)))
        .service(resource("/healthz", "GET, HEAD").route(get_or_head().to(operations::health)))
        .service(resource("/readyz", "GET, HEAD").route(get_or_head().to(operations::ready)))
        .service(resource("/metrics", "GET, HEAD").route(get_or_head().to(operations::metrics)))
        .service(resource("/{folder:sdk}/{path:.+}", "GET, HEAD").route(get_or_head().to(assets::asset)));
}

fn mount_pages(config: &mut web::ServiceConfig, pages: &Pages) {
    let files = |path| resource(path, "GET, HEAD").route(get_or_head().to(assets::asset));
    match pages {
        Pages::Samples { meadow, cards } => {
            if *meadow {
                config
                    .service(resource("/", "GET, HEAD").route(get_or_head().to(assets::index)))
                    .service(files("/{folder:meadow}/{path:.+}"));
            }
            if *cards {
                let index = resource("/cards{slash:/?}", "GET, HEAD").route(get_or_head().to(assets::cards));
                config.service(index).service(files("/{folder:cards}/{path:.+}"));
            }
        }
        Pages::Files(folder) => {
            config.service(files::all(folder));
        }
        Pages::None => {}
    }
}

/// The words in which a preflight is refused come without their type.
fn typed<B>(mut response: ServiceResponse<B>) -> ServiceResponse<B> {
    if response.status() == StatusCode::BAD_REQUEST {
        let plain = header::HeaderValue::from_static("text/plain; charset=utf-8");
        response.headers_mut().insert(header::CONTENT_TYPE, plain);
    }
    response
}

fn counted<B: MessageBody>(response: ServiceResponse<B>) -> ServiceResponse<B> {
    let code = response.response().extensions().get::<AnsweredCode>().cloned();
    if let (Some(AnsweredCode(code)), Some(state)) = (code, response.request().app_data::<web::Data<State>>())
    {
        // A game's own codes are the game's business: counted as one, so that it cannot make ever more series.
        let known = ErrorCode::ALL.iter().any(|known| known.as_str() == code);
        state.metrics.errors.with_label_values(&[if known { &*code } else { "game" }]).inc();
    }
    response
}

/// What a path answers that leads nowhere.
pub async fn not_found() -> Result<HttpResponse, ApiError> {
    Err(ApiError::new(ErrorCode::NotFound, "docs/protocol.md has the routes"))
}

/// A path that answers `method_not_allowed` to all methods but its own.
fn resource(path: &str, allow: &'static str) -> Resource {
    let refuse = move |request: HttpRequest| async move {
        let error =
            ApiError::new(ErrorCode::MethodNotAllowed, format!("{} is not one of {allow}", request.method()));
        let mut response = HttpResponse::from_error(error);
        response.headers_mut().insert(header::ALLOW, header::HeaderValue::from_static(allow));
        response
    };
    web::resource(path).default_service(web::route().to(refuse))
}

fn get_or_head() -> Route {
    web::route().guard(guard::Any(guard::Get()).or(guard::Head()))
}

/// Headers of every answer that does not bring its own.
fn headers(allow_origins: &[String]) -> DefaultHeaders {
    let headers = DefaultHeaders::new().add((header::X_CONTENT_TYPE_OPTIONS, "nosniff"));
    if allow_origins.is_empty() {
        // Also where the request names no origin: a cache may hand the answer to a page later.
        return headers.add((header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"));
    }
    headers
}

/// Who may call from a page: all, or the origins on the list. There are no cookies, so nothing is forged across sites.
fn cors(allow_origins: &[String]) -> Cors {
    let cors = Cors::default()
        .allowed_methods(["GET", "POST"])
        .allowed_headers([header::AUTHORIZATION, header::CONTENT_TYPE, header::ACCEPT])
        .allowed_header("last-event-id")
        .expose_headers([header::RETRY_AFTER, header::ETAG])
        .max_age(PREFLIGHT_S_MAX);
    if allow_origins.is_empty() {
        return cors.allow_any_origin().send_wildcard().disable_vary_header();
    }
    allow_origins.iter().fold(cors, |cors, origin| cors.allowed_origin(origin))
}
