//! JSON bodies.

use serde::de::DeserializeOwned;
use serde_json::error::Category;

use super::{DecodeError, shape};

pub(super) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, DecodeError> {
    let body = if bytes.trim_ascii().is_empty() { b"{}" } else { bytes };
    // Serde would also read a struct from an array of its fields: a second way to say the same thing.
    if body.trim_ascii_start().first() != Some(&b'{') {
        return Err(match serde_json::from_slice::<serde::de::IgnoredAny>(body) {
            Ok(_) => DecodeError::Shape("the body is not an object".to_owned()),
            Err(error) => DecodeError::Syntax(error.to_string()),
        });
    }
    serde_json::from_slice(body).map_err(|error| match error.classify() {
        Category::Data => shape_unless_malformed(body, &error),
        _ => DecodeError::Syntax(error.to_string()),
    })
}

/// A wrong type in front of a syntax error: the syntax error is what the author should hear of first. So are a lone
/// surrogate and a number that no double holds, in whichever field they stand: only reading the values finds those.
fn shape_unless_malformed(body: &[u8], error: &serde_json::Error) -> DecodeError {
    match serde_json::from_slice::<serde_json::Value>(body) {
        Ok(_) => shape(error),
        Err(syntax) => DecodeError::Syntax(syntax.to_string()),
    }
}
