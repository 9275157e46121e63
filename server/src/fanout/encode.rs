//! Events to shared fragments, within the bounds of the wire.

use sward_protocol::downstream::Event;
use sward_protocol::fragment::Fragment;
use sward_protocol::limits::{EVENT_BYTES_MAX, JOINED_BYTES_MAX};

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

/// Encodes an event once for everybody who receives it.
///
/// # Errors
/// [`EncodeError::TooLarge`] above 64 KiB as JSON (`joined`: 1 MiB).
pub fn encode(event: &Event) -> Result<Fragment, EncodeError> {
    let name = event.name();
    let fragment = Fragment::of(event)
        .map_err(|error| EncodeError::Unserialisable { name, detail: error.to_string() })?;
    let max = if matches!(event, Event::Joined(_)) { JOINED_BYTES_MAX } else { EVENT_BYTES_MAX };
    let bytes = fragment.sse().len();
    if bytes > max { Err(EncodeError::TooLarge { name, bytes, max }) } else { Ok(fragment) }
}
