//! Events to shared fragments.

use sward_protocol::downstream::Event;
use sward_protocol::limits::{EVENT_BYTES_MAX, JOINED_BYTES_MAX};
use sward_protocol::sse::encode;

/// An event encoded once for everybody who receives it: all but its id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encoded {
    sse: Box<[u8]>,
}

/// An event that cannot be sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// More bytes than an event may have.
    #[error("an event {name} of {bytes} bytes, above {max}")]
    TooLarge {
        /// The event's name.
        name: &'static str,
        /// Its size.
        bytes: usize,
        /// The bound.
        max: usize,
    },
    /// It does not serialise.
    #[error("an event {name} that does not serialise: {detail}")]
    Unserialisable {
        /// The event's name.
        name: &'static str,
        /// What serde says.
        detail: String,
    },
}

impl Encoded {
    /// Encodes an event.
    ///
    /// # Errors
    /// [`EncodeError::TooLarge`] above 64 KiB (`joined`: 1 MiB).
    pub fn of(event: &Event) -> Result<Self, EncodeError> {
        let name = event.name();
        let sse = encode::body(event)
            .map_err(|error| EncodeError::Unserialisable { name, detail: error.to_string() })?;
        let max = if matches!(event, Event::Joined(_)) { JOINED_BYTES_MAX } else { EVENT_BYTES_MAX };
        if sse.len() > max {
            return Err(EncodeError::TooLarge { name, bytes: sse.len(), max });
        }
        Ok(Self { sse: sse.into_boxed_slice() })
    }

    /// Name and data lines and the blank line, for Server-Sent Events.
    #[must_use]
    pub fn sse(&self) -> &[u8] {
        &self.sse
    }
}
