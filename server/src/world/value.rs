//! Values of fields: what Rust types they are, and how they stand in JSON.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sward_protocol::ids::Seat;
use sward_protocol::payload::Payload;

use super::EntityId;

/// What a number, or true or false, has as JSON at most.
const SMALL_BYTES: usize = 25;
/// Whole numbers below this are written without a fraction: every double below it is exact.
const WHOLE_MAX: f64 = 9_007_199_254_740_992.0;

/// What a field holds. One JSON value is one `Value` only, whatever type it came from: so that a world that was saved and
/// restored knows what has changed.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// No such field, to its readers.
    Null,
    /// True or false.
    Bool(bool),
    /// Whole numbers, those of doubles too.
    Int(i64),
    /// Others.
    Number(f64),
    /// A string.
    Text(Box<str>),
    /// An array.
    List(Vec<Self>),
    /// Objects.
    Data(Payload),
}

impl Value {
    fn of_number(value: f64) -> Self {
        #[expect(clippy::cast_possible_truncation, reason = "it is whole, and fits")]
        if value.trunc() == value && value.abs() < WHOLE_MAX {
            Self::Int(value as i64)
        } else if value.is_finite() {
            Self::Number(value)
        } else {
            Self::Null
        }
    }

    /// Whether it may be large, or deep.
    pub(super) fn is_open_ended(&self) -> bool {
        matches!(self, Self::Text(_) | Self::List(_) | Self::Data(_))
    }

    /// Bytes of its JSON, and how many objects and arrays are inside each other there; for what is small no more than about.
    pub(super) fn measure(&self) -> (usize, usize) {
        if !self.is_open_ended() {
            return (SMALL_BYTES, 0);
        }
        // It was JSON before, or is made of what always is.
        let json = serde_json::to_string(self).unwrap_or_default();
        let (mut depth, mut deepest, mut in_text, mut is_escaped) = (0_usize, 0, false, false);
        for byte in json.bytes() {
            match byte {
                _ if is_escaped => is_escaped = false,
                b'\\' => is_escaped = true,
                b'"' => in_text = !in_text,
                b'[' | b'{' if !in_text => {
                    depth += 1;
                    deepest = deepest.max(depth);
                }
                b']' | b'}' if !in_text => depth = depth.saturating_sub(1),
                _ => {}
            }
        }
        (json.len(), deepest)
    }

    fn of_json(data: Payload) -> Self {
        let read = match data.json().as_bytes().first() {
            Some(b'{') => return Self::Data(data),
            Some(b'[') => data
                .parse()
                .map(|items: Vec<Payload>| Self::List(items.into_iter().map(Self::of_json).collect())),
            Some(b'"') => data.parse().map(Self::Text),
            Some(b't' | b'f') => data.parse().map(Self::Bool),
            Some(b'n') => Ok(Self::Null),
            _ => data.parse().map(Self::of_number),
        };
        // A payload is JSON, and its numbers are doubles.
        read.unwrap_or(Self::Null)
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Payload::deserialize(deserializer).map(Self::of_json)
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Int(value) => serializer.serialize_i64(*value),
            Self::Number(value) => number(*value).serialize(serializer),
            Self::Text(text) => serializer.serialize_str(text),
            Self::List(values) => values.serialize(serializer),
            Self::Data(data) => data.serialize(serializer),
        }
    }
}

/// A number as it is written: 88 and not 88.0, which is two bytes less and what JavaScript writes; 0 and not -0. What is
/// no number is null, as everywhere in JSON.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Written(f64);

pub(super) fn number(value: f64) -> Written {
    Written(value)
}

impl Serialize for Written {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(value) = *self;
        if value.trunc() == value && value.abs() < WHOLE_MAX {
            #[expect(clippy::cast_possible_truncation, reason = "it is whole, and fits")]
            serializer.serialize_i64(value as i64)
        } else {
            serializer.serialize_f64(value)
        }
    }
}

/// `value` with so many digits behind the point.
pub(super) fn rounded(value: f64, decimals: Option<u8>) -> f64 {
    let Some(decimals) = decimals else { return value };
    let scale = 10_f64.powi(i32::from(decimals));
    let scaled = value * scale;
    // What is too large for it has no such digits.
    if scaled.is_finite() { scaled.round() / scale } else { value }
}

/// A type that a field can have, see [`FieldValue`].
pub trait Stored: Sized {
    /// As a value; its numbers with at most so many digits behind the point.
    fn store(self, decimals: Option<u8>) -> Value;

    /// From a value; `None` if it is another type's.
    fn read(value: &Value) -> Option<Self>;
}

/// What a field can hold: `bool`; `u8`, `u16`, `u32`, `i8`, `i16`, `i32`; `f32` and `f64`; [`String`]; [`Seat`],
/// [`EntityId`]; any JSON as [`Payload`]; `Vec` of these; and `Option` of these, where `None` is no such field.
///
/// What is not finite is null, and so no such field to those who read it.
pub trait FieldValue: Stored {}

impl<T: Stored> FieldValue for T {}

impl Stored for bool {
    fn store(self, _decimals: Option<u8>) -> Value {
        Value::Bool(self)
    }

    fn read(value: &Value) -> Option<Self> {
        if let Value::Bool(value) = value { Some(*value) } else { None }
    }
}

macro_rules! whole {
    ($($type:ty),*) => {$(
        impl Stored for $type {
            fn store(self, _decimals: Option<u8>) -> Value {
                Value::Int(i64::from(self))
            }

            fn read(value: &Value) -> Option<Self> {
                if let Value::Int(value) = value { Self::try_from(*value).ok() } else { None }
            }
        }
    )*};
}
whole!(u8, u16, u32, i8, i16, i32);

impl Stored for f64 {
    fn store(self, decimals: Option<u8>) -> Value {
        Value::of_number(rounded(self, decimals))
    }

    fn read(value: &Value) -> Option<Self> {
        match value {
            Value::Number(value) => Some(*value),
            #[expect(clippy::cast_precision_loss, reason = "it was written by a double")]
            Value::Int(value) => Some(*value as Self),
            _ => None,
        }
    }
}

impl Stored for f32 {
    fn store(self, decimals: Option<u8>) -> Value {
        f64::from(self).store(decimals)
    }

    fn read(value: &Value) -> Option<Self> {
        #[expect(clippy::cast_possible_truncation, reason = "it came from one")]
        f64::read(value).map(|value| value as Self)
    }
}

impl Stored for String {
    fn store(self, _decimals: Option<u8>) -> Value {
        Value::Text(self.into())
    }

    fn read(value: &Value) -> Option<Self> {
        if let Value::Text(text) = value { Some(text.to_string()) } else { None }
    }
}

impl Stored for Seat {
    fn store(self, decimals: Option<u8>) -> Value {
        self.0.store(decimals)
    }

    fn read(value: &Value) -> Option<Self> {
        u16::read(value).map(Self)
    }
}

impl Stored for EntityId {
    fn store(self, decimals: Option<u8>) -> Value {
        self.0.store(decimals)
    }

    fn read(value: &Value) -> Option<Self> {
        u32::read(value).map(Self)
    }
}

impl Stored for Payload {
    fn store(self, _decimals: Option<u8>) -> Value {
        Value::of_json(self)
    }

    fn read(value: &Value) -> Option<Self> {
        if let Value::Data(data) = value { Some(data.clone()) } else { Self::of(value).ok() }
    }
}

impl<T: Stored> Stored for Vec<T> {
    fn store(self, decimals: Option<u8>) -> Value {
        Value::List(self.into_iter().map(|value| value.store(decimals)).collect())
    }

    fn read(value: &Value) -> Option<Self> {
        if let Value::List(values) = value { values.iter().map(T::read).collect() } else { None }
    }
}

impl<T: Stored> Stored for Option<T> {
    fn store(self, decimals: Option<u8>) -> Value {
        self.map_or(Value::Null, |value| value.store(decimals))
    }

    fn read(value: &Value) -> Option<Self> {
        if *value == Value::Null { Some(None) } else { T::read(value).map(Some) }
    }
}

#[cfg(test)]
mod tests {
    use std::fmt;

    use super::*;

    fn json(value: &Value) -> String {
        serde_json::to_string(value).unwrap()
    }

    fn kept<T: Stored + Clone + PartialEq + fmt::Debug>(value: T, wanted: &str) {
        let stored = value.clone().store(None);
        assert_eq!(json(&stored), wanted);
        let saved: Value = serde_json::from_str(&json(&stored)).unwrap();
        assert_eq!(T::read(&stored), Some(value.clone()), "as it was stored");
        assert_eq!(T::read(&saved), Some(value), "as it was saved");
        assert_eq!(saved, stored, "and as the same");
    }

    #[test]
    fn each_type_is_kept_and_written_as_json() {
        kept(true, "true");
        kept(-7_i32, "-7");
        kept(u32::MAX, "4294967295");
        kept(0.1, "0.1");
        kept(88.0, "88");
        kept(1.5_f32, "1.5");
        kept("Zoë".to_owned(), "\"Zoë\"");
        kept(Seat(3), "3");
        kept(vec![EntityId(4), EntityId(5)], "[4,5]");
        kept(Some(2_u8), "2");
        kept(None::<u8>, "null");
        kept(Payload::of(&serde_json::json!({"a": [1, 2.5]})).unwrap(), r#"{"a":[1,2.5]}"#);
        assert_eq!(json(&f64::NAN.store(None)), "null");
        assert_eq!(json(&(-0.0).store(None)), "0");
        assert_eq!(1e300.store(Some(1)), Value::Number(1e300));
        assert_eq!(u8::read(&Value::Int(300)), None);
    }

    #[test]
    fn what_may_be_large_or_deep_is_measured() {
        let of = |json: &str| Value::of_json(Payload::from_json(json).unwrap()).measure();
        assert_eq!(of(r#"{"a":[1,{"b":"[[[\"{{"}]}"#), (25, 3));
        assert_eq!(of(r#"[[],[[]]]"#), (9, 3));
        assert_eq!(of(r#""{""#), (3, 0));
        assert_eq!(of("1.5"), (SMALL_BYTES, 0));
    }

    #[test]
    fn numbers_are_rounded_where_a_field_says_so() {
        assert_eq!(
            (rounded(104.46, Some(1)), rounded(-0.04, Some(1)), rounded(0.123_45, None)),
            (104.5, 0.0, 0.123_45)
        );
        assert_eq!(vec![1.26, 2.0].store(Some(1)), Value::List(vec![Value::Number(1.3), Value::Int(2)]));
    }
}
