//! A game's own data: passed on without a tree being built for it, but scanned once, so that it can never break the
//! stream of whoever receives it.

mod scan;
mod transcript;

use std::fmt;

use serde::de::{self, DeserializeOwned, DeserializeSeed as _};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

use crate::limits::PAYLOAD_DEPTH_MAX;
use scan::scan;
use transcript::Transcript;

/// Any JSON value as compact text: at most 32 deep, no lone surrogates, no numbers beyond a double, no line breaks.
///
/// Serialises as that value in JSON and in MessagePack; deserialises from both.
#[derive(Clone)]
pub struct Payload(Box<RawValue>);

/// Why a value may not be passed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PayloadError {
    /// More than 32 objects and arrays inside each other.
    #[error("nested deeper than {PAYLOAD_DEPTH_MAX}")]
    TooDeep,
    /// `\ud800` to `\udfff` without its partner: no Unicode text.
    #[error("a lone surrogate in a string")]
    LoneSurrogate,
    /// A number that a double cannot hold, or not a number at all.
    #[error("a number out of range")]
    NumberOutOfRange,
    /// MessagePack `bin` or `ext`, which JSON has no word for.
    #[error("binary data, which is not supported")]
    Binary,
    /// A MessagePack map with a key that is no string.
    #[error("a map key that is no string")]
    KeyNotString,
    /// No JSON value.
    #[error("not a JSON value")]
    NotJson,
}

impl Payload {
    /// `null`.
    #[must_use]
    pub fn null() -> Self {
        Self(RawValue::NULL.to_owned())
    }

    /// The value that `value` serialises to.
    ///
    /// # Errors
    /// [`PayloadError::NotJson`] if it does not serialise to JSON (a map with other keys than strings), and those of
    /// [`Payload::from_json`].
    pub fn of<T: Serialize + ?Sized>(value: &T) -> Result<Self, PayloadError> {
        let text = serde_json::to_string(value).map_err(|_| PayloadError::NotJson)?;
        Self::from_json(&text)
    }

    /// Checks `text` and takes it up, without the white space between its tokens.
    ///
    /// # Errors
    /// [`PayloadError`] if it is no JSON value, or one that may not be passed on.
    pub fn from_json(text: &str) -> Result<Self, PayloadError> {
        let raw: &RawValue = serde_json::from_str(text).map_err(|_| PayloadError::NotJson)?;
        Self::from_raw(raw)
    }

    /// As [`Payload::from_json`], for text that is known to be well-formed.
    ///
    /// # Errors
    /// [`PayloadError`] if the value may not be passed on.
    pub fn from_raw(raw: &RawValue) -> Result<Self, PayloadError> {
        Self::scanned(raw, PAYLOAD_DEPTH_MAX)
    }

    fn scanned(raw: &RawValue, depth_max: usize) -> Result<Self, PayloadError> {
        let compact = scan(raw.get(), depth_max)?;
        match compact {
            None => Ok(Self(raw.to_owned())),
            Some(text) => RawValue::from_string(text).map(Self).map_err(|_| PayloadError::NotJson),
        }
    }

    /// JSON text that a server wrote itself, or scanned when it came in: it is not scanned again.
    ///
    /// # Errors
    /// [`PayloadError::NotJson`].
    pub fn trusted(text: String) -> Result<Self, PayloadError> {
        RawValue::from_string(text).map(Self).map_err(|_| PayloadError::NotJson)
    }

    /// A part of a payload that was scanned before: it is not scanned again.
    pub(crate) fn part_of_scanned(raw: &RawValue) -> Self {
        Self(raw.to_owned())
    }

    /// The value as JSON text, on one line.
    #[must_use]
    pub fn json(&self) -> &str {
        self.0.get()
    }

    /// Bytes of its JSON.
    #[must_use]
    pub fn json_len(&self) -> usize {
        self.0.get().len()
    }

    /// The value as a type of the reader's choice.
    ///
    /// # Errors
    /// What serde says of a value of another shape.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_str(self.0.get())
    }
}

impl Default for Payload {
    fn default() -> Self {
        Self::null()
    }
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.get())
    }
}

impl PartialEq for Payload {
    /// Compares the texts: `1.0` and `1` differ.
    fn eq(&self, other: &Self) -> bool {
        self.0.get() == other.0.get()
    }
}

impl Serialize for Payload {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            return self.0.serialize(serializer);
        }
        serde_transcode::transcode(&mut serde_json::Deserializer::from_str(self.0.get()), serializer)
    }
}

impl<'de> Deserialize<'de> for Payload {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let checked = check(deserializer, PAYLOAD_DEPTH_MAX)?;
        checked.map_err(|rejected| de::Error::custom(rejected.error))
    }
}

/// A value that may not be passed on, with as much of it as is needed to answer its author.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected {
    /// Why.
    pub error: PayloadError,
    /// The value as JSON, with null in place of what JSON cannot say.
    pub json: String,
}

/// A message on its way in, or why it may not be passed on: so that one bad message does not spoil the good ones beside
/// it. The message itself is one level around its payload.
#[derive(Debug, Clone, PartialEq)]
pub struct CheckedMessage(pub Result<Payload, Rejected>);

impl CheckedMessage {
    /// Checks the JSON of one message.
    #[must_use]
    pub fn from_json(json: &str) -> Self {
        let reject = |error| Rejected { error, json: json.to_owned() };
        let Ok(raw) = serde_json::from_str::<&RawValue>(json) else {
            return Self(Err(reject(PayloadError::NotJson)));
        };
        Self(Payload::scanned(raw, PAYLOAD_DEPTH_MAX + 1).map_err(reject))
    }
}

impl<'de> Deserialize<'de> for CheckedMessage {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        check(deserializer, PAYLOAD_DEPTH_MAX + 1).map(Self)
    }
}

fn check<'de, D: Deserializer<'de>>(
    deserializer: D,
    depth_max: usize,
) -> Result<Result<Payload, Rejected>, D::Error> {
    if deserializer.is_human_readable() {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        let reject = |error| Rejected { error, json: raw.get().to_owned() };
        return Ok(Payload::scanned(&raw, depth_max).map_err(reject));
    }
    let mut transcript = Transcript::new(depth_max);
    transcript.deserialize(deserializer)?;
    let Transcript { json, error, .. } = transcript;
    Ok(match error {
        Some(error) => Err(Rejected { error, json }),
        None => RawValue::from_string(json)
            .map(Payload)
            .map_err(|_| Rejected { error: PayloadError::NotJson, json: String::new() }),
    })
}

#[cfg(test)]
mod tests;
