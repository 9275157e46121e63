//! What handles ask the driver for, and what it knows a message by.

use sward_protocol::payload::Payload;
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::Call;
use crate::client::handle::Outbound;
use crate::client::queue::Encoded;
use crate::client::{ClientError, RequestError};

/// What handles ask for.
#[derive(Debug)]
pub(in crate::client) enum Command {
    /// Queue a message.
    Send { tag: Tag, encoded: Encoded },
    /// Make a request that is safe to repeat.
    Call(Call),
    /// Say when the messages up to this number are answered.
    Flush(Flush),
    /// End the session.
    Bye { reply: oneshot::Sender<Result<(), ClientError>> },
}

/// Someone who waits until the messages up to this number are answered.
#[derive(Debug)]
pub(in crate::client) struct Flush {
    pub(in crate::client) up_to: u64,
    pub(in crate::client) done: oneshot::Sender<()>,
    /// Its place among the calls, kept as a call keeps its own.
    pub(in crate::client) _turn: OwnedSemaphorePermit,
}

/// What the driver knows a message by.
#[derive(Debug)]
pub(in crate::client) enum Tag {
    /// The application's.
    App {
        number: u64,
        message: Outbound,
        reply: Option<oneshot::Sender<Result<Payload, RequestError>>>,
        /// Its place among the messages that may be unanswered.
        _permit: OwnedSemaphorePermit,
    },
    /// The `sward.ping` of this number.
    Ping(u64),
    /// Another one of the client's own.
    Own,
}
