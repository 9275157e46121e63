//! MessagePack to JSON text, value by value.

use std::fmt;

use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::PayloadError;

/// Writes the JSON of a MessagePack value while it is read. What JSON cannot say is noted and skipped, not an error of
/// the whole body: only the message it stands in fails.
pub(super) struct Transcript {
    pub(super) json: String,
    depth: usize,
    depth_max: usize,
    pub(super) error: Option<PayloadError>,
}

impl Transcript {
    pub(super) fn new(depth_max: usize) -> Self {
        Self { json: String::new(), depth: 0, depth_max, error: None }
    }

    /// Notes the first failure, and writes null in place of the value.
    fn fail(&mut self, error: PayloadError) {
        self.error.get_or_insert(error);
        self.json.push_str("null");
    }

    fn push<T: Serialize + ?Sized>(&mut self, value: &T) {
        match serde_json::to_string(value) {
            Ok(text) => self.json.push_str(&text),
            Err(_) => self.fail(PayloadError::NotJson),
        }
    }

    fn enter(&mut self) -> bool {
        self.depth += 1;
        self.depth <= self.depth_max
    }
}

impl<'de> DeserializeSeed<'de> for &mut Transcript {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for &mut Transcript {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        self.json.push_str("null");
        Ok(())
    }

    fn visit_bool<E>(self, value: bool) -> Result<(), E> {
        self.push(&value);
        Ok(())
    }

    fn visit_i64<E>(self, value: i64) -> Result<(), E> {
        self.push(&value);
        Ok(())
    }

    fn visit_u64<E>(self, value: u64) -> Result<(), E> {
        self.push(&value);
        Ok(())
    }

    fn visit_f64<E>(self, value: f64) -> Result<(), E> {
        if value.is_finite() {
            self.push(&value);
        } else {
            self.fail(PayloadError::NumberOutOfRange);
        }
        Ok(())
    }

    fn visit_str<E>(self, value: &str) -> Result<(), E> {
        self.push(value);
        Ok(())
    }

    fn visit_bytes<E>(self, _: &[u8]) -> Result<(), E> {
        self.fail(PayloadError::Binary);
        Ok(())
    }

    // MessagePack's `ext` arrives as a newtype of its tag and its bytes.
    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        IgnoredAny::deserialize(deserializer)?;
        self.fail(PayloadError::Binary);
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        if self.enter() {
            self.json.push('[');
            let mut first = true;
            loop {
                let before = self.json.len();
                if !first {
                    self.json.push(',');
                }
                if seq.next_element_seed(&mut *self)?.is_none() {
                    self.json.truncate(before);
                    break;
                }
                first = false;
            }
            self.json.push(']');
        } else {
            while seq.next_element::<IgnoredAny>()?.is_some() {}
            self.fail(PayloadError::TooDeep);
        }
        self.depth -= 1;
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        if self.enter() {
            self.json.push('{');
            let mut first = true;
            while let Some(Key(key)) = map.next_key()? {
                if !std::mem::take(&mut first) {
                    self.json.push(',');
                }
                match key {
                    Some(key) => self.push(&*key),
                    None => {
                        self.error.get_or_insert(PayloadError::KeyNotString);
                        self.json.push_str("\"\"");
                    }
                }
                self.json.push(':');
                map.next_value_seed(&mut *self)?;
            }
            self.json.push('}');
        } else {
            while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            self.fail(PayloadError::TooDeep);
        }
        self.depth -= 1;
        Ok(())
    }
}

/// A map key: its text, or `None` if it is something else.
struct Key(Option<String>);

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut transcript = Transcript::new(0);
        transcript.deserialize(deserializer)?;
        Ok(Self(serde_json::from_str(&transcript.json).ok()))
    }
}
