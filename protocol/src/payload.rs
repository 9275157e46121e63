//! A game's own data: passed on without a tree being built for it, but scanned once, so that it can never break the
//! stream of whoever receives it.

use std::fmt;

use serde::de::{self, DeserializeOwned, DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

use crate::limits::PAYLOAD_DEPTH_MAX;

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

/// Checks well-formed JSON. The compact form, or `None` if `json` is compact already, which is the usual case.
fn scan(json: &str, depth_max: usize) -> Result<Option<String>, PayloadError> {
    let bytes = json.as_bytes();
    let (mut depth, mut at, mut copied) = (0_usize, 0, 0);
    let mut compact: Option<String> = None;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'{' | b'[' => {
                depth += 1;
                if depth > depth_max {
                    return Err(PayloadError::TooDeep);
                }
                at += 1;
            }
            b'}' | b']' => {
                depth = depth.saturating_sub(1);
                at += 1;
            }
            b'"' => at = end_of_string(bytes, at)?,
            b'-' | b'0'..=b'9' => at = end_of_number(json, at)?,
            b' ' | b'\t' | b'\n' | b'\r' => {
                compact.get_or_insert_with(|| String::with_capacity(json.len())).push_str(&json[copied..at]);
                at += 1;
                copied = at;
            }
            _ => at += 1,
        }
    }
    if let Some(text) = &mut compact {
        text.push_str(&json[copied..]);
    }
    Ok(compact)
}

/// The index behind the string that begins at `start`.
fn end_of_string(bytes: &[u8], start: usize) -> Result<usize, PayloadError> {
    let mut at = start + 1;
    loop {
        match bytes.get(at) {
            None => return Ok(at),
            Some(b'"') => return Ok(at + 1),
            Some(b'\\') => at = end_of_escape(bytes, at)?,
            Some(_) => at += 1,
        }
    }
}

/// The index behind the escape that begins at `start`; both halves of a surrogate pair are one escape.
fn end_of_escape(bytes: &[u8], start: usize) -> Result<usize, PayloadError> {
    match unicode_escape(bytes, start) {
        None => Ok(start + 2),
        Some(0xD800..=0xDBFF) => match unicode_escape(bytes, start + 6) {
            Some(0xDC00..=0xDFFF) => Ok(start + 12),
            _ => Err(PayloadError::LoneSurrogate),
        },
        Some(0xDC00..=0xDFFF) => Err(PayloadError::LoneSurrogate),
        Some(_) => Ok(start + 6),
    }
}

fn unicode_escape(bytes: &[u8], start: usize) -> Option<u32> {
    let digits = bytes.get(start..start + 6)?.strip_prefix(b"\\u")?;
    u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

fn end_of_number(json: &str, start: usize) -> Result<usize, PayloadError> {
    let rest = &json[start..];
    let end =
        rest.find(|c: char| !matches!(c, '0'..='9' | '-' | '+' | '.' | 'e' | 'E')).unwrap_or(rest.len());
    // Numbers this short without an exponent are always in range: the usual case costs no parse.
    let number = &rest[..end];
    let short = end <= 15 && !number.contains(['e', 'E']);
    if short || number.parse::<f64>().is_ok_and(f64::is_finite) {
        return Ok(start + end);
    }
    Err(PayloadError::NumberOutOfRange)
}

/// Writes the JSON of a MessagePack value while it is read. What JSON cannot say is noted and skipped, not an error of
/// the whole body: only the message it stands in fails.
struct Transcript {
    json: String,
    depth: usize,
    depth_max: usize,
    error: Option<PayloadError>,
}

impl Transcript {
    fn new(depth_max: usize) -> Self {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn packed(value: &serde_json::Value) -> Result<Payload, PayloadError> {
        let bytes = rmp_serde::to_vec_named(value).unwrap();
        rmp_serde::from_slice::<CheckedMessage>(&bytes).unwrap().0.map_err(|rejected| rejected.error)
    }

    #[test]
    fn white_space_between_tokens_goes_and_stays_in_strings() {
        let payload = Payload::from_json(" { \"a b\" :\r\n [ 1 , \"x\\n y\" ] } ").unwrap();
        assert_eq!(payload.json(), r#"{"a b":[1,"x\n y"]}"#);
        assert_eq!(Payload::from_json("true").unwrap().json(), "true");
    }

    #[test]
    fn depth_is_bounded_in_both_encodings() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(Payload::from_json(&nested(32)).is_ok());
        assert_eq!(Payload::from_json(&nested(33)), Err(PayloadError::TooDeep));
        // A message is one level around its payload.
        assert!(CheckedMessage::from_json(&nested(33)).0.is_ok());
        assert!(packed(&serde_json::from_str(&nested(33)).unwrap()).is_ok());
        assert_eq!(packed(&serde_json::from_str(&nested(34)).unwrap()), Err(PayloadError::TooDeep));
    }

    #[test]
    fn lone_surrogates_and_huge_numbers_are_refused() {
        for bad in [r#""\ud800""#, r#""\udc00 ""#, r#"["\ud800\u0041"]"#, r#""\ud83e\n""#] {
            assert_eq!(Payload::from_json(bad), Err(PayloadError::LoneSurrogate), "{bad}");
        }
        assert!(Payload::from_json(r#""\ud83e\udd8a \\ud800""#).is_ok());
        assert_eq!(Payload::from_json("[1e999]"), Err(PayloadError::NumberOutOfRange));
        assert!(Payload::from_json("[-1.5e300,123456789012345678901234567890]").is_ok());
    }

    #[test]
    fn messagepack_is_written_as_json_and_back() {
        let value =
            serde_json::json!({"name": "Zoë \"🦊\"", "at": [1, -2, 2.5, null, true], "empty": [{}, []]});
        let payload = packed(&value).unwrap();
        assert_eq!(payload.parse::<serde_json::Value>().unwrap(), value);
        let bytes = rmp_serde::to_vec_named(&payload).unwrap();
        assert_eq!(rmp_serde::from_slice::<serde_json::Value>(&bytes).unwrap(), value);
    }

    #[test]
    fn what_json_cannot_say_fails_alone() {
        let decode = |bytes: &[u8]| {
            rmp_serde::from_slice::<Vec<CheckedMessage>>(bytes).map(|items| {
                items
                    .into_iter()
                    .map(|item| item.0.map(|payload| payload.json().to_owned()))
                    .map(|item| item.map_err(|rejected| rejected.error))
                    .collect::<Vec<_>>()
            })
        };
        // [bin8 [1], 7, {1: 2}, fixext1, NaN, "x"]
        let bytes =
            [0x96, 0xc4, 1, 1, 7, 0x81, 1, 2, 0xd4, 5, 9, 0xcb, 0x7f, 0xf8, 0, 0, 0, 0, 0, 0, 0xa1, b'x'];
        assert_eq!(
            decode(&bytes).unwrap(),
            [
                Err(PayloadError::Binary),
                Ok("7".to_owned()),
                Err(PayloadError::KeyNotString),
                Err(PayloadError::Binary),
                Err(PayloadError::NumberOutOfRange),
                Ok("\"x\"".to_owned()),
            ]
        );
    }
}
