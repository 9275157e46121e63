//! Frames for native clients, both sides: a big-endian u32 of the bytes that follow, then MessagePack
//! `[id or nil, name, data]`.

use bytes::{Buf as _, BytesMut};

use crate::fragment::Encoded;
use crate::ids::EventId;
use crate::limits::FRAME_BYTES_MAX;

/// The media type by which a client asks for frames.
pub const MEDIA_TYPE: &str = "application/vnd.sward.frames";

/// Bytes of the length in front of a frame.
const HEAD_BYTES: usize = 4;

/// Appends one event.
pub fn push(out: &mut Vec<u8>, id: Option<EventId>, event: Encoded<'_>) {
    let start = out.len();
    out.extend_from_slice(&[0; HEAD_BYTES]);
    // Writing into a `Vec` cannot fail.
    let _ = rmp::encode::write_array_len(out, 3);
    let _ = match id {
        Some(id) => rmp::encode::write_str(out, &id.to_string()).is_ok(),
        None => rmp::encode::write_nil(out).is_ok(),
    };
    event.push_packed(out);
    let bytes = u32::try_from(out.len() - start - HEAD_BYTES).unwrap_or(u32::MAX);
    out[start..start + HEAD_BYTES].copy_from_slice(&bytes.to_be_bytes());
}

/// One frame as it arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// The event's id, if it has one.
    pub id: Option<String>,
    /// The event's name.
    pub name: String,
    /// The data, MessagePack.
    pub data: Vec<u8>,
}

/// Bytes that are no frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FrameError {
    /// A frame above the bound.
    #[error("a frame of {0} bytes, above {FRAME_BYTES_MAX}")]
    TooLong(u32),
    /// No `[id or nil, name, data]`.
    #[error("a frame that is no event")]
    Malformed,
}

/// Feeds on bytes, gives frames.
#[derive(Debug, Default)]
pub struct Parser {
    buffer: BytesMut,
}

impl Parser {
    /// Takes the next bytes and hands each frame that they complete to `dispatch`, in order.
    ///
    /// # Errors
    /// [`FrameError`]; the parser is of no use afterwards.
    pub fn feed(&mut self, bytes: &[u8], mut dispatch: impl FnMut(Frame)) -> Result<(), FrameError> {
        self.buffer.extend_from_slice(bytes);
        while let Some(head) = self.buffer.first_chunk::<HEAD_BYTES>() {
            let length = u32::from_be_bytes(*head);
            let frame_bytes = usize::try_from(length).unwrap_or(usize::MAX);
            if frame_bytes > FRAME_BYTES_MAX {
                return Err(FrameError::TooLong(length));
            }
            if self.buffer.len() < HEAD_BYTES + frame_bytes {
                break;
            }
            self.buffer.advance(HEAD_BYTES);
            dispatch(read(&self.buffer.split_to(frame_bytes)).ok_or(FrameError::Malformed)?);
        }
        Ok(())
    }
}

fn read(mut frame: &[u8]) -> Option<Frame> {
    if rmp::decode::read_array_len(&mut frame).ok()? != 3 {
        return None;
    }
    let id = match frame.first()? {
        0xc0 => {
            frame.advance(1);
            None
        }
        _ => Some(text(&mut frame)?),
    };
    let name = text(&mut frame)?;
    // What the data is, is seen when it is read; an event without any is none.
    (!frame.is_empty()).then(|| Frame { id, name, data: frame.to_vec() })
}

fn text(bytes: &mut &[u8]) -> Option<String> {
    let (text, rest) = rmp::decode::read_str_from_slice(*bytes).ok()?;
    *bytes = rest;
    Some(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::downstream::Event;
    use crate::fragment::Fragment;
    use crate::ids::Epoch;
    use crate::session::Time;

    fn frames(chunks: &[&[u8]]) -> Result<Vec<Frame>, FrameError> {
        let (mut parser, mut frames) = (Parser::default(), Vec::new());
        for chunk in chunks {
            parser.feed(chunk, |frame| frames.push(frame))?;
        }
        Ok(frames)
    }

    #[test]
    fn frames_read_back_however_they_are_cut() {
        let fragment = Fragment::of(&Event::Noop(Time { time_ms: 5 })).unwrap();
        let event = fragment.encoded();
        let mut out = Vec::new();
        push(&mut out, None, event);
        push(&mut out, Some(EventId { epoch: Epoch(1), seq: 2 }), event);
        assert_eq!(out[..4], [0, 0, 0, 17]);
        let whole = frames(&[&out]).unwrap();
        assert_eq!((whole[0].id.as_deref(), &*whole[0].name), (None, "noop"));
        assert_eq!((whole[1].id.as_deref(), &*whole[1].data), (Some("00000001.2"), &event.packed()[5..]));
        for cut in 0..=out.len() {
            assert_eq!(frames(&[&out[..cut], &out[cut..]]).as_ref(), Ok(&whole), "cut at {cut}");
        }
    }

    #[test]
    fn what_is_no_frame_is_refused() {
        assert_eq!(frames(&[&[0xff; 4]]), Err(FrameError::TooLong(u32::MAX)));
        let malformed: [&[u8]; 5] =
            [b"", b"\x92\xc0\xa1a", b"\x93\xc0\xa1a", b"\x93\x01\xa1a\xc0", b"\x93\xc0\xa2\xff\xff\xc0"];
        for frame in malformed {
            let length = u32::try_from(frame.len()).unwrap().to_be_bytes();
            assert_eq!(frames(&[&length, frame]), Err(FrameError::Malformed), "{frame:x?}");
        }
    }
}
