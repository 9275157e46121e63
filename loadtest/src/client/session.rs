//! A player's session: what goes up.

use std::time::Duration;

use serde::Deserialize;
use sward_protocol::VERSION;
use sward_protocol::ids::{ParseIdError, Token};
use sward_protocol::rooms::{Join, Left, Seated};
use sward_protocol::session::{CreateSession, SessionCreated};
use sward_protocol::upstream::{Answer, Batch};
use uuid::Uuid;

use super::post::Requests;
use super::{ClientError, Endpoint, EventStream, StreamOptions};

/// How long a refusal that asks to wait is waited for when a session is made or a room joined.
const PATIENCE: Duration = Duration::from_secs(10);

/// A session on a server. Dropping it says nothing to the server: see [`Session::bye`].
#[derive(Debug)]
pub struct Session {
    requests: Requests,
    created: SessionCreated,
    token: Token,
}

/// An answer without anything in it.
#[derive(Debug, Deserialize)]
struct Nothing {}

impl Session {
    /// Makes a session for a player of this name. Waits up to 10 s while the server asks to wait.
    ///
    /// # Errors
    /// [`ClientError`], with [`ClientError::Refused`] for what the server does not like.
    pub async fn create(endpoint: Endpoint, name: &str) -> Result<Self, ClientError> {
        let mut requests = Requests::new(endpoint, None);
        let key = Some(Uuid::new_v4().simple().to_string());
        let body = CreateSession { name: name.to_owned(), version: Some(VERSION), key };
        let created: SessionCreated = requests.post_patiently("/v1/sessions", &body, PATIENCE).await?;
        let token: Token = created.token.parse().map_err(|error: ParseIdError| ClientError::Unreadable {
            path: "/v1/sessions".to_owned(),
            detail: error.to_string(),
        })?;
        requests.authorize(token);
        Ok(Self { requests, created, token })
    }

    /// Who the session is, and the server's times and limits.
    #[must_use]
    pub fn created(&self) -> &SessionCreated {
        &self.created
    }

    /// What authorises its requests.
    pub(crate) fn token(&self) -> &Token {
        &self.token
    }

    /// The session's stream, not yet connected. A second one takes over from the first.
    #[must_use]
    pub fn stream(&self) -> EventStream {
        self.stream_with(StreamOptions::default())
    }

    /// As [`Session::stream`], on another rung or in another form.
    #[must_use]
    pub fn stream_with(&self, options: StreamOptions) -> EventStream {
        let watchdog = Duration::from_millis(self.created.watchdog_ms);
        EventStream::new(self.requests.endpoint().clone(), self.token, options, watchdog)
    }

    /// Joins a room, or makes one. Waits up to 10 s while the server asks to wait. Safe to repeat: whoever sits in the
    /// room keeps his seat.
    ///
    /// # Errors
    /// [`ClientError`], with [`ClientError::Refused`] if there is no seat for this player.
    pub async fn join(&mut self, join: &Join) -> Result<Seated, ClientError> {
        self.requests.post_patiently("/v1/join", join, PATIENCE).await
    }

    /// Sends a batch, once. With `src` and `seq` it is safe to repeat, and may have grown since.
    ///
    /// # Errors
    /// [`ClientError`]. Nothing was applied if it is [`ClientError::Refused`] with a status of 4xx; with any other
    /// nothing is known. [`ClientError::retry_after`] says when to send the same again.
    pub async fn send(&mut self, batch: &Batch<'_>) -> Result<Answer, ClientError> {
        self.requests.post("/v1/send", batch).await
    }

    /// Leaves the room; whether there was one.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn leave(&mut self) -> Result<bool, ClientError> {
        let left: Left = self.requests.post("/v1/leave", &serde_json::json!({})).await?;
        Ok(left.left)
    }

    /// Ends the session: the seat is free at once.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn bye(&mut self) -> Result<(), ClientError> {
        let _: Nothing = self.requests.post("/v1/bye", &serde_json::json!({})).await?;
        Ok(())
    }
}
