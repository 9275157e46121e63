//! A message as it will be posted.

use serde::Serialize;
use sward_protocol::limits::{BATCH_BYTES_MAX, KEY_CHARS_MAX, TYPE_CHARS_MAX};
use sward_protocol::payload::Payload;
use sward_protocol::upstream::To;

use super::ENVELOPE_BYTES;
use crate::client::SendError;

/// The JSON of one message, which fits a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::client) struct Encoded {
    json: Box<str>,
    wants_reply: bool,
}

#[derive(Serialize)]
struct Fields<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    data: &'a Payload,
    #[serde(skip_serializing_if = "Option::is_none")]
    rid: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<To>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<&'a str>,
}

impl Encoded {
    /// Writes a message; with a `rid` it wants a reply. So whatever the server could refuse a whole batch for is refused
    /// here, to its author alone.
    pub(in crate::client) fn new(
        kind: &str,
        data: &Payload,
        to: Option<To>,
        key: Option<&str>,
        rid: Option<u64>,
    ) -> Result<Self, SendError> {
        let fits = |text: &str, chars_max: usize| !text.is_empty() && text.chars().count() <= chars_max;
        if !fits(kind, TYPE_CHARS_MAX) {
            return Err(SendError::BadField("type"));
        }
        if key.is_some_and(|key| !fits(key, KEY_CHARS_MAX)) {
            return Err(SendError::BadField("key"));
        }
        let json = serde_json::to_string(&Fields { kind, data, rid, to, key })
            .map_err(|_| SendError::BadField("type"))?;
        let bytes_max = BATCH_BYTES_MAX - ENVELOPE_BYTES - 1;
        if json.len() > bytes_max {
            return Err(SendError::TooLarge { bytes: json.len(), bytes_max });
        }
        Ok(Self { json: json.into_boxed_str(), wants_reply: rid.is_some() })
    }

    pub(super) fn json(&self) -> &str {
        &self.json
    }

    pub(super) fn bytes(&self) -> usize {
        self.json.len()
    }

    pub(super) fn wants_reply(&self) -> bool {
        self.wants_reply
    }
}
