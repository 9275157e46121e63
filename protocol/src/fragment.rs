//! An event encoded once for everybody who receives it, whatever the form of his stream.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::codec::Encoding;
use crate::downstream::Event;

/// The longest name of an event: its MessagePack is one byte of type and length, and the name.
pub const NAME_BYTES_MAX: usize = 31;

/// An event's name and its data, all but the id, of its own memory. See [`Encoded`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fragment(Box<[u8]>);

impl Fragment {
    /// Encodes an event.
    ///
    /// # Errors
    /// Never for the events of this crate, see [`Event::write_json`].
    pub fn of(event: &Event) -> Result<Self, serde_json::Error> {
        let mut item = Vec::with_capacity(128);
        push_event(&mut item, event)?;
        Ok(Self(item.into_boxed_slice()))
    }

    /// The event.
    #[must_use]
    pub fn encoded(&self) -> Encoded<'_> {
        Encoded { item: &self.0, packed: None }
    }

    /// `["name",data]`: see [`Encoded::item`].
    #[must_use]
    pub fn into_item(self) -> Box<[u8]> {
        self.0
    }
}

/// Appends an event as `["name",data]`: the item of a batch.
///
/// # Errors
/// Never for the events of this crate, see [`Event::write_json`].
pub fn push_event(out: &mut Vec<u8>, event: &Event) -> Result<(), serde_json::Error> {
    let name = event.name();
    debug_assert!(name.len() <= NAME_BYTES_MAX && !name.contains('"'));
    out.extend_from_slice(b"[\"");
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\",");
    let start = out.len();
    event.write_json(out)?;
    // A line break would end the `data` line and let a payload forge events for everybody who receives it. JSON text on
    // one line has none; payloads were scanned when they came in.
    debug_assert!(!out[start..].iter().any(|&byte| matches!(byte, b'\n' | b'\r')));
    out.push(b']');
    Ok(())
}

/// Appends as MessagePack a value that was serialised as JSON.
pub fn push_packed_json(out: &mut Vec<u8>, json: &[u8]) {
    // A `Vec` takes every write, and text that was serialised as JSON is a value that MessagePack has too.
    let mut json = serde_json::Deserializer::from_slice(json);
    let packed = serde_transcode::transcode(&mut json, &mut rmp_serde::Serializer::new(out));
    debug_assert!(packed.is_ok(), "{packed:?}");
}

/// An encoded event, as it stands in the memory of whoever holds it.
#[derive(Debug, Clone, Copy)]
pub struct Encoded<'a> {
    item: &'a [u8],
    packed: Option<&'a [u8]>,
}

impl<'a> Encoded<'a> {
    /// An event whose bytes [`push_event`] wrote, and those that [`Encoded::packed`] made of them, if that was done.
    #[must_use]
    pub fn from_parts(item: &'a [u8], packed: Option<&'a [u8]>) -> Self {
        Self { item, packed }
    }

    /// The event as the item of a batch with JSON: `["name",data]`, on one line.
    #[must_use]
    pub fn item(&self) -> &'a [u8] {
        self.item
    }

    /// The event's name.
    #[must_use]
    pub fn name(&self) -> &'a str {
        std::str::from_utf8(&self.item[2..self.name_end()]).unwrap_or_default()
    }

    /// The data as JSON, on one line.
    #[must_use]
    pub fn json(&self) -> &'a [u8] {
        &self.item[self.name_end() + 2..self.item.len() - 1]
    }

    fn name_end(&self) -> usize {
        // No name has a quote in it.
        2 + self.item[2..].iter().position(|&byte| byte == b'"').unwrap_or_default()
    }

    /// Name and data as MessagePack, one behind the other: the array `[name, data]` without its first byte, so that frames
    /// can put an id in front.
    #[must_use]
    pub fn packed(&self) -> Cow<'a, [u8]> {
        if let Some(packed) = self.packed {
            return Cow::Borrowed(packed);
        }
        let mut out = Vec::with_capacity(self.item.len());
        self.push_packed(&mut out);
        Cow::Owned(out)
    }

    /// Appends [`Encoded::packed`].
    pub fn push_packed(&self, out: &mut Vec<u8>) {
        if let Some(packed) = self.packed {
            out.extend_from_slice(packed);
            return;
        }
        // A `Vec` takes every write.
        let _ = rmp::encode::write_str(out, self.name());
        push_packed_json(out, self.json());
    }

    /// Appends the lines of a Server-Sent Event but for its id, and the blank line.
    pub(crate) fn push_lines(&self, out: &mut Vec<u8>, encoding: Encoding) {
        push_event_line(out, self.name());
        match encoding {
            Encoding::Json => out.extend_from_slice(self.json()),
            Encoding::Msgpack => {
                let packed = self.packed();
                // A short string's MessagePack is one byte of type and length, and its bytes.
                push_base64(out, packed.get(1 + self.name().len()..).unwrap_or_default());
            }
        }
        out.extend_from_slice(b"\n\n");
    }

    /// Appends one item of a batch.
    pub(crate) fn push_item(&self, out: &mut Vec<u8>, encoding: Encoding) {
        match encoding {
            Encoding::Json => out.extend_from_slice(self.item),
            Encoding::Msgpack => {
                let mut item = Vec::with_capacity(1 + self.item.len());
                let _ = rmp::encode::write_array_len(&mut item, 2);
                self.push_packed(&mut item);
                push_base64(out, &item);
            }
        }
    }
}

/// Appends the line that names a Server-Sent Event, and the beginning of its data.
pub(crate) fn push_event_line(out: &mut Vec<u8>, name: &str) {
    out.extend_from_slice(b"event: ");
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\ndata: ");
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
        let encoded = fragment.encoded();
        let mut json = Vec::new();
        event.write_json(&mut json).unwrap();
        assert_eq!((encoded.name(), encoded.json()), ("msg", &json[..]));
        assert_eq!(encoded.item(), [&b"[\"msg\","[..], &json, b"]"].concat());
        let mut packed = b"\xa3msg".to_vec();
        event.write_msgpack(&mut packed).unwrap();
        assert_eq!(*encoded.packed(), packed);
        let known = Encoded::from_parts(encoded.item(), Some(&packed));
        assert!(matches!(known.packed(), Cow::Borrowed(_)), "made once, and used by all");
        let mut lines = Vec::new();
        known.push_lines(&mut lines, Encoding::Json);
        assert_eq!(lines, [&b"event: msg\ndata: "[..], &json, b"\n\n"].concat());
        for bytes in [&b""[..], b"a", b"ab", b"abc", b"\xff\xfe\xfd\xfc"] {
            let mut out = b"data: ".to_vec();
            push_base64(&mut out, bytes);
            assert_eq!(out[6..], *BASE64.encode(bytes).as_bytes());
        }
    }
}
