//! A page of the game author's own, from a folder.

use std::path::Path;

use actix_files::Files;
use actix_web::dev::{HttpServiceFactory, ServiceRequest, ServiceResponse, fn_service};
use actix_web::http::header;
use actix_web::middleware::DefaultHeaders;
use actix_web::{ResponseError as _, guard, web};

use super::routes::not_found;

/// The files of a folder: `index.html` for a folder, an `ETag` and `Last-Modified` for each, ranges. Names that begin with
/// a dot are not served, and nothing outside of the folder but what its symbolic links lead to.
pub fn all(folder: &Path) -> impl HttpServiceFactory + use<> {
    let files = Files::new("/", folder)
        .index_file("index.html")
        .redirect_to_slash_directory()
        .prefer_utf8(true)
        .disable_content_disposition()
        .guard(guard::Any(guard::Get()).or(guard::Head()))
        .default_handler(fn_service(|request: ServiceRequest| async {
            let answer = match not_found().await {
                Ok(response) => response,
                Err(error) => error.error_response(),
            };
            Ok(ServiceResponse::new(request.into_parts().0, answer))
        }));
    // A browser asks each time whether a file has changed: who edits his page and reloads it sees what he edited.
    let fresh = DefaultHeaders::new().add((header::CACHE_CONTROL, "no-cache"));
    web::scope("").wrap(fresh).service(files).default_service(web::to(not_found))
}
