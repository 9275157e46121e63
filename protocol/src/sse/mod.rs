//! Server-Sent Events, both sides
//! ([HTML Standard §9.2](https://html.spec.whatwg.org/multipage/server-sent-events.html)).
//!
//! [`encode`] writes what the server sends; [`decode`] is the parser of native clients.

pub mod decode;
pub mod encode;
