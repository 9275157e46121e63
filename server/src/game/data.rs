//! What a game sends, answers and saves, as JSON.

use serde::Serialize;
use sward_protocol::payload::{Payload, PayloadError};

/// What a game can send: a reference to anything that serialises, or a [`Payload`] as it came in, which is passed on
/// without being read again.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no data of a game",
    label = "pass a reference to a value that implements `serde::Serialize`, or a `Payload`",
    note = "`room.send(audience, \"type\", &data)`"
)]
pub trait Data {
    /// The data as JSON.
    ///
    /// # Errors
    /// [`PayloadError`] if it does not serialise (a map with other keys than strings or numbers), or may not be sent (32
    /// levels deep at most).
    fn payload(self) -> Result<Payload, PayloadError>;
}

impl<T: Serialize + ?Sized> Data for &T {
    fn payload(self) -> Result<Payload, PayloadError> {
        Payload::of(self)
    }
}

impl Data for Payload {
    fn payload(self) -> Result<Payload, PayloadError> {
        Ok(self)
    }
}

/// Why a game, or a room, cannot be saved or restored.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SaveError {
    /// The game has no [`Game::save`](super::Game::save).
    #[error("this game does not support it")]
    Unsupported,
    /// It does not serialise.
    #[error("the game does not serialise: {0}")]
    Unserialisable(PayloadError),
    /// What is to be restored is not what was saved.
    #[error("not a saved game: {0}")]
    Malformed(String),
    /// It was saved in another form.
    #[error("saved in version {found} of the form; this server reads version {known}")]
    Version {
        /// In which.
        found: u64,
        /// The one that is known.
        known: u64,
    },
}

impl From<PayloadError> for SaveError {
    fn from(error: PayloadError) -> Self {
        Self::Unserialisable(error)
    }
}

impl From<serde_json::Error> for SaveError {
    fn from(error: serde_json::Error) -> Self {
        Self::Malformed(error.to_string())
    }
}
