//! MessagePack bodies.

use rmp_serde::decode::Error;
use serde::Deserialize as _;
use serde::de::{DeserializeOwned, IgnoredAny};

use super::{DecodeError, shape};

/// Values inside each other that are read at all: above the payload's own bound, far below the stack's.
const DEPTH_MAX: usize = 128;

pub(super) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, DecodeError> {
    const EMPTY_MAP: &[u8] = &[0x80];
    let body = if bytes.is_empty() { EMPTY_MAP } else { bytes };
    // fixmap, map 16, map 32: serde would also read a struct from an array of its fields.
    if !matches!(body.first(), Some(0x80..=0x8f | 0xde | 0xdf)) {
        return Err(match decode_value::<IgnoredAny>(body) {
            Ok(_) => DecodeError::Shape("the body is not a map".to_owned()),
            Err(error) => DecodeError::Syntax(error.to_string()),
        });
    }
    check_fields(body)?;
    decode_value(body)
}

/// Serde would take a number for a field's index, and binary data for text. What cannot be read at all is left to the one
/// who reads it.
fn check_fields(body: &[u8]) -> Result<(), DecodeError> {
    let mut rest = body;
    let Ok(fields) = rmp::decode::read_map_len(&mut rest) else { return Ok(()) };
    for _ in 0..fields {
        // fixstr, str 8, str 16, str 32
        if rest.first().is_some_and(|marker| !matches!(marker, 0xa0..=0xbf | 0xd9..=0xdb)) {
            return Err(DecodeError::Shape("a field whose name is no text".to_owned()));
        }
        let Ok((name, value)) = rmp::decode::read_str_from_slice(rest) else { return Ok(()) };
        // bin, ext, fixext
        if value.first().is_some_and(|marker| matches!(marker, 0xc4..=0xc9 | 0xd4..=0xd8)) {
            return Err(DecodeError::Shape(format!("{name} is binary data")));
        }
        rest = value;
        let mut deserializer = rmp_serde::Deserializer::new(&mut rest);
        deserializer.set_max_depth(DEPTH_MAX);
        if IgnoredAny::deserialize(&mut deserializer).is_err() {
            return Ok(());
        }
    }
    Ok(())
}

/// Reads one value of any kind and nothing behind it.
pub(crate) fn decode_value<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, DecodeError> {
    let mut rest = bytes;
    let mut deserializer = rmp_serde::Deserializer::new(&mut rest);
    deserializer.set_max_depth(DEPTH_MAX);
    let value = T::deserialize(&mut deserializer).map_err(|error| match error {
        Error::Syntax(_) | Error::Uncategorized(_) | Error::TypeMismatch(_) | Error::OutOfRange => {
            shape(&error)
        }
        _ => DecodeError::Syntax(error.to_string()),
    })?;
    if rest.is_empty() { Ok(value) } else { Err(DecodeError::Syntax("bytes behind the value".to_owned())) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::CreateSession;

    #[test]
    fn fields_have_names_and_no_binary_data() {
        let check = |body: &[u8], want: Result<&str, &str>| {
            let got = decode::<CreateSession>(body).map(|body| body.name);
            let got = got.map_err(|error| error.to_string());
            assert_eq!(got.as_deref().map_err(String::as_str), want, "{body:x?}");
        };
        check(b"\x81\xa4name\xa1a", Ok("a"));
        check(b"\x82\xa4name\xa1a\xa1x\x90", Ok("a"));
        check(b"\x81\x00\xa1a", Err("a field whose name is no text"));
        check(b"\x82\xa4name\xa1a\x01\x02", Err("a field whose name is no text"));
        check(b"\x81\xa4name\xc4\x01x", Err("name is binary data"));
        check(b"\x82\xa4name\xa1a\xa1x\xd4\x00\x00", Err("x is binary data"));
        assert!(decode::<CreateSession>(b"\xdf\xff\xff\xff\xff\xa4name").is_err(), "cut off");
    }
}
