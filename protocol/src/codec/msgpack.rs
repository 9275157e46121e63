//! MessagePack bodies.

use rmp_serde::decode::Error;
use serde::de::DeserializeOwned;

use super::DecodeError;

/// Values inside each other that are read at all: above the payload's own bound, far below the stack's.
const DEPTH_MAX: usize = 128;

pub(super) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, DecodeError> {
    const EMPTY_MAP: &[u8] = &[0x80];
    let mut rest = if bytes.is_empty() { EMPTY_MAP } else { bytes };
    // fixmap, map 16, map 32: serde would also read a struct from an array of its fields.
    if !matches!(rest.first(), Some(0x80..=0x8f | 0xde | 0xdf)) {
        return Err(match rmp_serde::from_slice::<serde::de::IgnoredAny>(bytes) {
            Ok(_) => DecodeError::Shape("the body is not a map".to_owned()),
            Err(error) => DecodeError::Syntax(error.to_string()),
        });
    }
    let mut deserializer = rmp_serde::Deserializer::new(&mut rest);
    deserializer.set_max_depth(DEPTH_MAX);
    let value = T::deserialize(&mut deserializer).map_err(|error| match error {
        Error::Syntax(_) | Error::Uncategorized(_) | Error::TypeMismatch(_) | Error::OutOfRange => {
            DecodeError::Shape(error.to_string())
        }
        _ => DecodeError::Syntax(error.to_string()),
    })?;
    if rest.is_empty() { Ok(value) } else { Err(DecodeError::Syntax("bytes behind the value".to_owned())) }
}
