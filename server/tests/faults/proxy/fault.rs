//! What can happen to a request.

use std::fmt::{Display, Formatter, Result};
use std::time::Duration;

/// How a connection ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Said properly.
    Fin,
    /// Said rudely.
    Rst,
    /// Not said at all: it stays open, and what comes is swallowed.
    Silence,
}

/// What is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// On its way to the server.
    Request,
    /// On its way to the client. After no byte of it: the request had its effect, and the client does not know.
    Answer,
}

/// Whose answer goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// That of the request which was sent first.
    First,
    /// That of its double.
    Second,
}

/// What happens to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    None,
    /// So many bytes go on; then both connections end.
    Cut { way: Way, after_bytes: usize, client: End, server: End },
    /// The request waits before it goes on: another may overtake it.
    Held { by: Duration },
    /// The client's connection ends at once, but the request goes on, later: its repetition overtakes it.
    Late { by: Duration, client: End },
    /// The request is sent twice.
    Doubled { answer: Which, apart: Duration },
    /// The same request comes again, later. Its answer goes nowhere.
    Replayed { after: Duration },
    /// The server hears a farewell behind the request, and still is to answer.
    HalfClosed,
}

impl Display for Fault {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::None => write!(f, "passes"),
            Self::Cut { way, after_bytes, client, server } => {
                write!(f, "{way:?} cut after {after_bytes} bytes, client {client:?}, server {server:?}")
            }
            Self::Held { by } => write!(f, "held for {by:?}"),
            Self::Late { by, client } => write!(f, "client {client:?} at once, goes on after {by:?}"),
            Self::Doubled { answer, apart } => write!(f, "doubled after {apart:?}, {answer:?} answer"),
            Self::Replayed { after } => write!(f, "comes again after {after:?}"),
            Self::HalfClosed => write!(f, "half closed"),
        }
    }
}
