//! Bodies to bytes and back, in the two encodings of the wire.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::payload::PayloadError;
use crate::read::plain_words;

mod json;
pub(crate) mod msgpack;

/// How a body is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Encoding {
    /// `application/json` ([RFC 8259](https://www.rfc-editor.org/rfc/rfc8259)).
    Json,
    /// `application/msgpack`, maps with string keys, uuids as text.
    Msgpack,
}

/// A body that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// Not of this encoding at all.
    #[error("{0}")]
    Syntax(String),
    /// Well-formed, but nested deeper than what is passed on may be.
    #[error("{0}")]
    TooDeep(String),
    /// Well-formed, but a field is missing or of the wrong type.
    #[error("{0}")]
    Shape(String),
}

/// What a type says of a value that is not of its shape. A payload's depth is the one thing that has a code of its own,
/// and text is all that serde lets through.
fn shape(error: &impl std::fmt::Display) -> DecodeError {
    let said = plain_words(error);
    if said.starts_with(&PayloadError::TooDeep.to_string()) {
        return DecodeError::TooDeep(said);
    }
    DecodeError::Shape(said)
}

impl Encoding {
    /// The media type, without parameters.
    #[must_use]
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Msgpack => "application/msgpack",
        }
    }

    /// Reads one object and nothing behind it. No bytes at all are an empty object.
    ///
    /// # Errors
    /// [`DecodeError::Syntax`] for malformed bytes, [`DecodeError::Shape`] for a value that is no such object,
    /// [`DecodeError::TooDeep`] for one with a payload nested too deep. Never panics, whatever the bytes.
    pub fn decode<T: DeserializeOwned>(self, bytes: &[u8]) -> Result<T, DecodeError> {
        match self {
            Self::Json => json::decode(bytes),
            Self::Msgpack => msgpack::decode(bytes),
        }
    }

    /// Writes one value.
    ///
    /// # Errors
    /// [`DecodeError::Shape`] for what the encoding cannot say; the bodies of this crate never are.
    pub fn encode<T: Serialize + ?Sized>(self, value: &T) -> Result<Vec<u8>, DecodeError> {
        match self {
            Self::Json => serde_json::to_vec(value).map_err(|error| DecodeError::Shape(error.to_string())),
            Self::Msgpack => {
                rmp_serde::to_vec_named(value).map_err(|error| DecodeError::Shape(error.to_string()))
            }
        }
    }
}
