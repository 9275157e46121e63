//! The Rust client of Sward: what a native game would be built on.
//!
//! ```text
//! Endpoint::reach ─► Session::create ─► Session::stream ─► EventStream::next …   events down
//!                          └─► join, send, leave, bye                            requests up
//! ```
//!
//! A [`Session`] makes one request at a time on one kept connection; its [`EventStream`] is independent of it and may
//! be driven by another task. The stream resumes by itself; whether a request is sent again is the caller's decision,
//! except where the server is known to have applied nothing of it.

mod connection;
mod endpoint;
mod post;
mod session;
mod stream;

pub use endpoint::Endpoint;
pub use session::Session;
pub use stream::{EventStream, StreamCounters, StreamError};

use std::time::Duration;

use sward_protocol::problem::Problem;

/// Why a request has no usable answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// Not a URL that this client speaks.
    #[error("{url:?} is not a server's URL: {reason}")]
    BadUrl {
        /// As given.
        url: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The host has no address, or nobody answers there.
    #[error("nobody answers at {authority}: {error}")]
    Unreachable {
        /// Host and port.
        authority: String,
        /// What the system says.
        error: std::io::Error,
    },
    /// The connection broke under a request: whether it had an effect is not known.
    #[error("the connection broke: {error}")]
    Broken {
        /// What hyper says.
        error: hyper::Error,
    },
    /// No answer in time: whether the request had an effect is not known.
    #[error("no answer within {} ms", .0.as_millis())]
    Timeout(Duration),
    /// The server's answer is an error with a code to act on.
    #[error("the server refused with {} {}: {}", .0.status, .0.code, .0.detail)]
    Refused(Box<Problem>),
    /// An error without a problem document: not a Sward server, or something in between.
    #[error("the answer to {path} is HTTP status {status}: is this a Sward server?")]
    Status {
        /// What was asked for.
        path: String,
        /// The status.
        status: u16,
    },
    /// An answer of another shape than the contract's.
    #[error("the answer to {path} cannot be read ({detail}): is this a Sward server?")]
    Unreadable {
        /// What was asked for.
        path: String,
        /// What serde says.
        detail: String,
    },
}

impl ClientError {
    /// How long the server asks to wait before the same request, if it does.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Refused(problem) => problem.retry_after_ms.map(Duration::from_millis),
            _ => None,
        }
    }

    /// Whether no answer came: the connection is of no use any more.
    #[must_use]
    pub fn is_transport(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::Broken { .. } | Self::Timeout(_))
    }

    /// Whether the same request may fare better later. Nothing is known of its effect, so only what is safe to repeat
    /// may be sent again.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Refused(problem) => problem.status >= 500 || problem.retry_after_ms.is_some(),
            Self::Status { status, .. } => *status >= 500,
            _ => self.is_transport(),
        }
    }
}
