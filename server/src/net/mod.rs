//! From an accepted socket to a request: TLS, the choice between HTTP/1 and HTTP/2, and a guard between the socket and the
//! HTTP layer.
//!
//! actix-web's own `HttpServer` offers no place for such a guard, so the parts that it is made of (`actix_server`,
//! `actix_http`) are put together here.

pub mod answering;
pub mod certificate;
pub mod frames;
pub mod framing;
pub mod gate;
pub mod guarded_io;
pub mod serve;
pub mod socket;
