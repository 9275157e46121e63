//! The forms in which a stream's events may be written, and what a reader makes of each.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::codec::{DecodeError, Encoding};
use crate::downstream::Event;
use crate::fragment::{Encoded, push_event_line};
use crate::frames::{self, FrameError};
use crate::ids::EventId;
use crate::limits::JOINED_BYTES_MAX;
use crate::sse::{decode, encode};

/// The name of the event that carries others.
const BATCH: &str = "batch";
/// Bytes of an event that a reader takes: `joined` as base64 of MessagePack, where `-0,` is twelve bytes.
const SSE_BYTES_MAX: usize = 4 * JOINED_BYTES_MAX;

/// How the events of a stream are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Server-Sent Events.
    Sse {
        /// Of the data; MessagePack is written as base64.
        encoding: Encoding,
        /// Whether what is written at once is one event, `batch`.
        batch: bool,
    },
    /// Frames, see [`crate::frames`].
    Frames,
}

impl Default for Format {
    fn default() -> Self {
        Self::Sse { encoding: Encoding::Json, batch: false }
    }
}

impl Format {
    /// The media type of a stream.
    #[must_use]
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Sse { .. } => "text/event-stream",
            Self::Frames => frames::MEDIA_TYPE,
        }
    }

    /// Whether events are written as MessagePack.
    #[must_use]
    pub const fn is_packed(self) -> bool {
        matches!(self, Self::Sse { encoding: Encoding::Msgpack, .. } | Self::Frames)
    }

    /// Appends an event of the stream's own: `hello`, `noop`, `reset`, `bye`. It has no id and is in no batch.
    pub fn push_own(self, out: &mut Vec<u8>, event: Encoded<'_>) {
        self.push(out, None, event);
    }

    /// Appends the reconnection time, in milliseconds. Frames have none: `bye` says it.
    pub fn push_retry(self, out: &mut Vec<u8>, retry_ms: u64) {
        if matches!(self, Self::Sse { .. }) {
            encode::push_retry(out, retry_ms);
        }
    }

    /// Appends a comment of so many spaces. Frames have none.
    pub fn push_padding(self, out: &mut Vec<u8>, spaces: usize) {
        if matches!(self, Self::Sse { .. }) {
            encode::push_padding(out, spaces);
        }
    }

    fn push(self, out: &mut Vec<u8>, id: Option<EventId>, event: Encoded<'_>) {
        let Self::Sse { encoding, .. } = self else { return frames::push(out, id, event) };
        if let Some(id) = id {
            encode::push_id(out, id);
        }
        event.push_lines(out, encoding);
    }
}

/// Writes the numbered events of one write.
#[derive(Debug)]
pub struct ChunkWriter {
    format: Format,
    out: Vec<u8>,
    newest: Option<EventId>,
    count: u64,
}

impl ChunkWriter {
    /// Nothing yet.
    #[must_use]
    pub fn new(format: Format) -> Self {
        Self { format, out: Vec::with_capacity(1024), newest: None, count: 0 }
    }

    /// In which form events are written.
    #[must_use]
    pub fn format(&self) -> Format {
        self.format
    }

    /// How many events were written.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The bytes so far, but for what surrounds a batch.
    #[must_use]
    pub fn len(&self) -> usize {
        self.out.len()
    }

    /// Whether nothing was written.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.out.is_empty()
    }

    /// Appends an event, unless there are some already and would be more than `bytes_max` bytes with it (what surrounds a
    /// batch is not counted). Whether it did. Ids rise.
    pub fn push_within(&mut self, id: EventId, event: Encoded<'_>, bytes_max: usize) -> bool {
        let bytes_max = if self.count == 0 { usize::MAX } else { bytes_max };
        self.push_strictly_within(id, event, bytes_max)
    }

    /// As [`ChunkWriter::push_within`], but not even the first event may have more bytes.
    pub fn push_strictly_within(&mut self, id: EventId, event: Encoded<'_>, bytes_max: usize) -> bool {
        let before = self.out.len();
        match self.format {
            Format::Sse { encoding, batch: true } => {
                if self.newest.is_some() {
                    self.out.push(b',');
                }
                event.push_item(&mut self.out, encoding);
            }
            format => format.push(&mut self.out, Some(id), event),
        }
        if self.out.len() > bytes_max {
            self.out.truncate(before);
            return false;
        }
        self.count += 1;
        self.newest = Some(id);
        true
    }

    /// As [`ChunkWriter::push_within`], for `count` events whose items stand in `items`, with commas between them; `id` is
    /// that of the last. False as well if this is no batch with JSON: the events are to be pushed one by one then.
    pub fn push_items_within(&mut self, id: EventId, items: &[u8], count: u64, bytes_max: usize) -> bool {
        let takes_items = self.format == Format::Sse { encoding: Encoding::Json, batch: true };
        if !takes_items || self.out.len() + 1 + items.len() > bytes_max {
            return false;
        }
        if self.newest.is_some() {
            self.out.push(b',');
        }
        self.out.extend_from_slice(items);
        self.count += count;
        self.newest = Some(id);
        true
    }

    /// The bytes.
    #[must_use]
    pub fn finish(self) -> Vec<u8> {
        let (Format::Sse { encoding, batch: true }, Some(newest)) = (self.format, self.newest) else {
            return self.out;
        };
        let mut out = Vec::with_capacity(self.out.len() + 64);
        encode::push_id(&mut out, newest);
        push_event_line(&mut out, BATCH);
        let (open, close): (&[u8], &[u8]) = match encoding {
            Encoding::Json => (b"[", b"]"),
            Encoding::Msgpack => (b"", b""),
        };
        for part in [open, &self.out, close, b"\n\n"] {
            out.extend_from_slice(part);
        }
        out
    }
}

/// Data as it arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Data {
    /// JSON text.
    Json(String),
    /// MessagePack.
    Msgpack(Vec<u8>),
}

/// One event as it arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// Its name.
    pub name: String,
    /// Its data.
    pub data: Data,
}

impl Received {
    /// The event; `None` for a name that this version does not know: such events are to be ignored.
    ///
    /// # Errors
    /// What is wrong with the data.
    pub fn read(&self) -> Result<Option<Event>, DecodeError> {
        match &self.data {
            Data::Json(json) => {
                Event::read(&self.name, json).map_err(|error| DecodeError::Shape(error.to_string()))
            }
            Data::Msgpack(bytes) => Event::read_msgpack(&self.name, bytes),
        }
    }
}

/// What arrived as one: one event, or a batch of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// The id of the last event; `None` for an event of the stream's own. Nothing of a delivery whose id is not above the
    /// last one is to be applied.
    pub id: Option<String>,
    /// In order.
    pub events: Vec<Received>,
}

/// Bytes that are no stream of the format.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// An event above the bound.
    #[error("{0}")]
    TooLong(#[from] decode::TooLong),
    /// No frames.
    #[error("{0}")]
    Frame(#[from] FrameError),
    /// Data of another encoding, or a batch that is none.
    #[error("the data of an event {name} cannot be read: {detail}")]
    Data {
        /// The event's name.
        name: String,
        /// What is wrong.
        detail: String,
    },
}

/// Feeds on the bytes of a stream, gives what arrived. Batches are known by their name, whether asked for or not.
#[derive(Debug)]
pub struct Reader(Parser);

#[derive(Debug)]
enum Parser {
    Sse { encoding: Encoding, parser: decode::Parser },
    Frames(frames::Parser),
}

impl Reader {
    /// A reader of a stream that has just begun.
    #[must_use]
    pub fn new(format: Format) -> Self {
        Self(match format {
            Format::Sse { encoding, .. } => {
                Parser::Sse { encoding, parser: decode::Parser::new(SSE_BYTES_MAX) }
            }
            Format::Frames => Parser::Frames(frames::Parser::default()),
        })
    }

    /// The reconnection time that the stream asked for last.
    #[must_use]
    pub fn retry_ms(&self) -> Option<u64> {
        match &self.0 {
            Parser::Sse { parser, .. } => parser.retry_ms(),
            Parser::Frames(_) => None,
        }
    }

    /// Takes the next bytes and hands each delivery that they complete to `dispatch`, in order.
    ///
    /// # Errors
    /// [`ReadError`]; the reader is of no use afterwards.
    pub fn feed(&mut self, bytes: &[u8], mut dispatch: impl FnMut(Delivery)) -> Result<(), ReadError> {
        match &mut self.0 {
            Parser::Frames(parser) => parser.feed(bytes, |frame| {
                let event = Received { name: frame.name, data: Data::Msgpack(frame.data) };
                dispatch(Delivery { id: frame.id, events: vec![event] });
            })?,
            Parser::Sse { encoding, parser } => {
                let mut outcome = Ok(());
                parser.feed(bytes, |frame| {
                    if outcome.is_ok() {
                        outcome = delivery(*encoding, frame).map(&mut dispatch);
                    }
                })?;
                outcome?;
            }
        }
        Ok(())
    }
}

fn delivery(encoding: Encoding, frame: decode::Frame) -> Result<Delivery, ReadError> {
    let decode::Frame { id, name, data, .. } = frame;
    let events = match (encoding, name == BATCH) {
        (Encoding::Json, false) => Ok(vec![Received { name, data: Data::Json(data) }]),
        (Encoding::Msgpack, false) => {
            let packed = BASE64.decode(&data).map_err(|error| unreadable(name.clone(), &error))?;
            Ok(vec![Received { name, data: Data::Msgpack(packed) }])
        }
        (Encoding::Json, true) => json_items(&data),
        (Encoding::Msgpack, true) => data.split(',').map(packed_item).collect(),
    };
    Ok(Delivery { id, events: events? })
}

#[derive(Deserialize)]
struct JsonItem<'a>(String, #[serde(borrow)] &'a RawValue);

fn json_items(data: &str) -> Result<Vec<Received>, ReadError> {
    let items: Vec<JsonItem<'_>> =
        serde_json::from_str(data).map_err(|error| unreadable(BATCH.to_owned(), &error))?;
    let received = |JsonItem(name, data)| Received { name, data: Data::Json(data.get().to_owned()) };
    Ok(items.into_iter().map(received).collect())
}

fn packed_item(item: &str) -> Result<Received, ReadError> {
    let packed = BASE64.decode(item).map_err(|error| unreadable(BATCH.to_owned(), &error))?;
    let malformed = || unreadable(BATCH.to_owned(), &"an item that is no [name, data]");
    let mut rest = packed.as_slice();
    if rmp::decode::read_array_len(&mut rest).ok() != Some(2) {
        return Err(malformed());
    }
    let (name, data) = rmp::decode::read_str_from_slice(rest).map_err(|_| malformed())?;
    Ok(Received { name: name.to_owned(), data: Data::Msgpack(data.to_vec()) })
}

fn unreadable(name: String, detail: &dyn std::fmt::Display) -> ReadError {
    ReadError::Data { name, detail: detail.to_string() }
}
