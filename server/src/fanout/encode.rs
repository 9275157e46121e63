//! Events to shared fragments, within the bounds of the wire.

use sward_protocol::downstream::Event;
use sward_protocol::fragment::{Fragment, push_event};
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
    let fragment = Fragment::of(event).map_err(|error| unserialisable(event, &error))?;
    check_size(event, fragment.encoded().item().len())?;
    Ok(fragment)
}

/// Appends an event as the item of a batch; nothing if it cannot be sent.
///
/// # Errors
/// As [`encode`].
pub(super) fn push_item(out: &mut Vec<u8>, event: &Event) -> Result<(), EncodeError> {
    let start = out.len();
    let pushed = push_event(out, event)
        .map_err(|error| unserialisable(event, &error))
        .and_then(|()| check_size(event, out.len() - start));
    if pushed.is_err() {
        out.truncate(start);
    }
    pushed
}

fn check_size(event: &Event, bytes: usize) -> Result<(), EncodeError> {
    let max = if matches!(event, Event::Joined(_)) { JOINED_BYTES_MAX } else { EVENT_BYTES_MAX };
    if bytes > max { Err(EncodeError::TooLarge { name: event.name(), bytes, max }) } else { Ok(()) }
}

fn unserialisable(event: &Event, error: &serde_json::Error) -> EncodeError {
    EncodeError::Unserialisable { name: event.name(), detail: error.to_string() }
}
