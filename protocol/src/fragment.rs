//! An event encoded once for everybody who receives it, whatever the form of his stream.

use std::sync::OnceLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::codec::Encoding;
use crate::downstream::Event;
use crate::sse::encode;

/// The longest name of an event: what the MessagePack of a batch's item adds to its data is small.
const NAME_BYTES_MAX: usize = 31;

/// An event's name and its data, all but the id: as Server-Sent Events with JSON, and, made when first asked for, as
/// MessagePack.
#[derive(Debug, Clone)]
pub struct Fragment {
    name: &'static str,
    /// `event: <name>`, `data: <json>`, and the blank line.
    sse: Box<[u8]>,
    /// The array `[name, data]` without its first byte, so that frames can put an id in front.
    packed: OnceLock<Box<[u8]>>,
}

impl Fragment {
    /// Encodes an event.
    ///
    /// # Errors
    /// Never for the events of this crate, see [`Event::write_json`].
    pub fn of(event: &Event) -> Result<Self, serde_json::Error> {
        let sse = encode::body(event)?.into_boxed_slice();
        Ok(Self { name: event.name(), sse, packed: OnceLock::new() })
    }

    /// The event's name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Name and data lines and the blank line, for Server-Sent Events with JSON.
    #[must_use]
    pub fn sse(&self) -> &[u8] {
        &self.sse
    }

    /// The data as JSON, on one line.
    #[must_use]
    pub fn json(&self) -> &[u8] {
        let start = "event: ".len() + self.name.len() + "\ndata: ".len();
        self.sse.get(start..self.sse.len() - 2).unwrap_or_default()
    }

    /// Name and data as MessagePack, one behind the other: the items of an array.
    #[must_use]
    pub fn packed(&self) -> &[u8] {
        self.packed.get_or_init(|| {
            let mut out = Vec::with_capacity(self.sse.len());
            // A `Vec` takes every write, and text that was serialised as JSON is a value that MessagePack has too.
            let _ = rmp::encode::write_str(&mut out, self.name);
            let mut json = serde_json::Deserializer::from_slice(self.json());
            let packed = serde_transcode::transcode(&mut json, &mut rmp_serde::Serializer::new(&mut out));
            debug_assert!(packed.is_ok(), "{packed:?}");
            out.into_boxed_slice()
        })
    }

    /// The data as MessagePack.
    #[must_use]
    pub fn msgpack(&self) -> &[u8] {
        debug_assert!(self.name.len() <= NAME_BYTES_MAX);
        // A short string's MessagePack is one byte of type and length, and its bytes.
        self.packed().get(1 + self.name.len()..).unwrap_or_default()
    }

    /// Appends one item of a batch.
    pub(crate) fn push_item(&self, out: &mut Vec<u8>, encoding: Encoding) {
        match encoding {
            Encoding::Json => {
                out.extend_from_slice(b"[\"");
                out.extend_from_slice(self.name.as_bytes());
                out.extend_from_slice(b"\",");
                out.extend_from_slice(self.json());
                out.push(b']');
            }
            Encoding::Msgpack => {
                let mut item = Vec::with_capacity(1 + self.packed().len());
                let _ = rmp::encode::write_array_len(&mut item, 2);
                item.extend_from_slice(self.packed());
                push_base64(out, &item);
            }
        }
    }
}

/// Appends bytes as text that may stand in a `data` line.
pub(crate) fn push_base64(out: &mut Vec<u8>, bytes: &[u8]) {
    let start = out.len();
    out.resize(start + bytes.len().div_ceil(3) * 4, b'=');
    // The buffer has exactly the room that is needed.
    let written = BASE64.encode_slice(bytes, &mut out[start..]);
    debug_assert_eq!(written.ok(), Some(out.len() - start));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::downstream::Msg;
    use crate::ids::Seat;
    use crate::payload::Payload;

    #[test]
    fn all_forms_say_the_same() {
        let json = r#"{"a":[1,-1,1.5,"Zoë \u0000",null,true],"big":18446744073709551615,"":{}}"#;
        let event =
            Event::Msg(Msg { from: Seat(3), kind: "w".to_owned(), data: Payload::from_json(json).unwrap() });
        let fragment = Fragment::of(&event).unwrap();
        let mut json = Vec::new();
        event.write_json(&mut json).unwrap();
        assert_eq!(fragment.json(), json);
        let mut packed = Vec::new();
        event.write_msgpack(&mut packed).unwrap();
        assert_eq!(fragment.msgpack(), packed);
        assert_eq!(fragment.packed(), [&b"\xa3msg"[..], &packed].concat());
        for bytes in [&b""[..], b"a", b"ab", b"abc", b"\xff\xfe\xfd\xfc"] {
            let mut out = b"data: ".to_vec();
            push_base64(&mut out, bytes);
            assert_eq!(out[6..], *BASE64.encode(bytes).as_bytes());
        }
    }
}
