//! Why a request has no usable answer.

use std::time::Duration;

use sward_protocol::payload::PayloadError;
use sward_protocol::problem::{MessageError, Problem};

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
    /// There is no stream: what came of the last attempt.
    #[error("no stream within {} ms: {why}", .waited.as_millis())]
    NoStream {
        /// How long it was tried.
        waited: Duration,
        /// Why the last attempt failed.
        why: String,
    },
    /// The client has ended.
    #[error("the client has ended")]
    Closed,
    /// An answer of another shape than the contract's.
    #[error("the answer to {path} cannot be read ({detail}): is this a Sward server?")]
    Unreadable {
        /// What was asked for.
        path: String,
        /// What serde says.
        detail: String,
    },
}

/// Why a message was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// [`super::ClientOptions::waiting_max`] messages are unanswered: the network is slower than the player. Send it
    /// later, or not at all.
    #[error("too many messages are unanswered")]
    Full,
    /// It would never fit a batch.
    #[error("a message of {bytes} bytes never fits a batch of {bytes_max}")]
    TooLarge {
        /// Bytes of the message.
        bytes: usize,
        /// Bytes that fit.
        bytes_max: usize,
    },
    /// A `type` of 0 or more than 64 characters, or a `key` likewise.
    #[error("{0} has 1 to 64 characters")]
    BadField(&'static str),
    /// Data that may not be passed on.
    #[error(transparent)]
    BadData(#[from] PayloadError),
    /// The client has ended.
    #[error("the client has ended")]
    Closed,
}

/// Why a request has no answer of the game's.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum RequestError {
    /// It was not taken.
    #[error(transparent)]
    NotSent(#[from] SendError),
    /// It was applied, or not; the server says why it failed.
    #[error(transparent)]
    Failed(MessageError),
    /// The session ended before an answer came.
    #[error("the session ended; the request {}", if *.uncertain { "may have been applied" } else { "was not sent" })]
    SessionEnded {
        /// It was posted: whether it had an effect is not known.
        uncertain: bool,
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
