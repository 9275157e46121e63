//! What a client may ask of its stream.

use serde::Deserialize;
use sward_protocol::codec::Encoding;
use sward_protocol::format::Format;
use sward_protocol::limits::{
    FIRST_PADDING, FIRST_PADDING_MAX, HEARTBEAT, HEARTBEAT_MAX, HOLD_MAX, NONCE_CHARS_MAX, PADDING_EACH_MAX,
    RUNG_MAX, WATCHDOG_BEATS,
};

use crate::clock::whole_ms;
use crate::fanout::reading::Position;

/// The query of `/v1/stream`. Numbers are text first: one that no integer can hold is out of range, not malformed.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct StreamQuery {
    last: Option<String>,
    n: Option<String>,
    beat: Option<String>,
    pad: Option<String>,
    padeach: Option<String>,
    batch: Option<String>,
    enc: Option<String>,
    mode: Option<String>,
    hold: Option<String>,
    compress: Option<String>,
    rung: Option<String>,
}

/// How the bytes travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// A stream under its own media type, that stays open.
    Open,
    /// The same bytes under a media type that nobody looks into, neither chunked nor followed by another answer.
    Raw,
    /// A complete answer per flush.
    Drain {
        /// How long it waits for an event.
        hold_ms: u64,
    },
}

/// The options of one stream, within their ranges.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamOptions {
    /// From where to go on.
    pub from: Position,
    /// Tells a doubled request from a new one.
    pub nonce: Option<String>,
    /// The longest silence before jitter.
    pub beat_ms: u64,
    /// Spaces in the first comment.
    pub padding: usize,
    /// Spaces behind every other write.
    pub padding_each: usize,
    /// How events are written.
    pub format: Format,
    /// How the bytes travel.
    pub mode: Mode,
    /// Whether to compress, where the operator allows it.
    pub compress: bool,
    /// Which rung of the ladder the client takes this stream for.
    pub rung: Option<u8>,
}

/// Why a query cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BadOption {
    /// A nonce that is too long.
    #[error("n has at most {NONCE_CHARS_MAX} characters")]
    Nonce,
    /// Text where a number belongs.
    #[error("{0} is a number")]
    Number(&'static str),
}

impl StreamOptions {
    /// The options as a client wrote them. `header` is `Last-Event-ID`; `frames` whether it accepts those. Numbers out of
    /// range are clamped; words that this version does not know are as absent.
    ///
    /// # Errors
    /// [`BadOption`].
    pub fn new(header: Option<&str>, frames: bool, query: StreamQuery) -> Result<Self, BadOption> {
        check_nonce(query.n.as_deref())?;
        let size = |name, text: &Option<String>| {
            let number = number(name, text.as_deref())?;
            Ok(number.map(|number| usize::try_from(number).unwrap_or(usize::MAX)))
        };
        let (beat_min, beat_max) = (whole_ms(HEARTBEAT), whole_ms(HEARTBEAT_MAX));
        let beat_ms = number("beat", query.beat.as_deref())?.unwrap_or(beat_min);
        let padding = size("pad", &query.pad)?.unwrap_or(FIRST_PADDING);
        let padding_each = size("padeach", &query.padeach)?.unwrap_or(0);
        let hold_ms = number("hold", query.hold.as_deref())?.unwrap_or(u64::MAX).min(whole_ms(HOLD_MAX));
        let mode = match query.mode.as_deref() {
            Some("raw") => Mode::Raw,
            Some("drain") => Mode::Drain { hold_ms },
            _ => Mode::Open,
        };
        let encoding =
            if query.enc.as_deref() == Some("msgpack") { Encoding::Msgpack } else { Encoding::Json };
        // Answers to POSTs overlap with what is drained, event by event: a batch could be neither applied nor dropped.
        let batch = is_on(query.batch.as_deref()) && !matches!(mode, Mode::Drain { .. });
        let rung = number("rung", query.rung.as_deref())?;
        Ok(Self {
            from: higher(position(header), position(query.last.as_deref())),
            nonce: query.n,
            beat_ms: beat_ms.clamp(beat_min, beat_max),
            padding: padding.min(FIRST_PADDING_MAX),
            padding_each: padding_each.min(PADDING_EACH_MAX),
            format: if frames { Format::Frames } else { Format::Sse { encoding, batch } },
            mode,
            compress: is_on(query.compress.as_deref()),
            rung: rung.map(|rung| u8::try_from(rung).unwrap_or(RUNG_MAX).min(RUNG_MAX)),
        })
    }

    /// The silence after which the client should reconnect.
    #[must_use]
    pub fn watchdog_ms(&self) -> u64 {
        self.beat_ms * u64::from(WATCHDOG_BEATS)
    }
}

fn is_on(text: Option<&str>) -> bool {
    matches!(text, Some("1" | "true"))
}

/// A number in a query. One that no integer of ours can hold is the nearest that it can: it is out of range, and clamped.
///
/// # Errors
/// [`BadOption::Number`].
pub fn number(name: &'static str, text: Option<&str>) -> Result<Option<u64>, BadOption> {
    let Some(text) = text else { return Ok(None) };
    let digits = text.strip_prefix('-').unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(BadOption::Number(name));
    }
    Ok(Some(if text.starts_with('-') { 0 } else { text.parse().unwrap_or(u64::MAX) }))
}

/// Whether the nonce of a stream is one.
///
/// # Errors
/// [`BadOption::Nonce`].
pub fn check_nonce(nonce: Option<&str>) -> Result<(), BadOption> {
    if nonce.is_some_and(|nonce| nonce.chars().count() > NONCE_CHARS_MAX) {
        return Err(BadOption::Nonce);
    }
    Ok(())
}

fn position(id: Option<&str>) -> Position {
    match id {
        None | Some("") => Position::Nothing,
        Some(id) => id.parse().map_or(Position::Garbage, Position::Event),
    }
}

/// An EventSource that was opened with `?last=` keeps that URL when it reconnects, and names what it heard since in the
/// header.
fn higher(header: Position, last: Position) -> Position {
    match (header, last) {
        (Position::Event(header), Position::Event(last)) => {
            let last_is_higher = header.epoch == last.epoch && last.seq > header.seq;
            Position::Event(if last_is_higher { last } else { header })
        }
        (Position::Nothing | Position::Garbage, Position::Event(id)) => Position::Event(id),
        (Position::Event(id), _) => Position::Event(id),
        (Position::Nothing, other) | (other, Position::Nothing) => other,
        (Position::Garbage, Position::Garbage) => Position::Garbage,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sward_protocol::ids::{Epoch, EventId};

    /// The options of a query such as `beat=1&n=a`.
    fn read(query: &str) -> Result<StreamOptions, BadOption> {
        let mut fields = serde_json::Map::new();
        for field in query.split('&').filter(|field| !field.is_empty()) {
            let (name, value) = field.split_once('=').unwrap();
            fields.insert(name.to_owned(), value.into());
        }
        StreamOptions::new(None, false, serde_json::from_value(fields.into()).unwrap())
    }

    fn check(header: Option<&str>, last: Option<&str>, want: Position) {
        let query = StreamQuery { last: last.map(str::to_owned), ..StreamQuery::default() };
        let options = StreamOptions::new(header, false, query).unwrap();
        assert_eq!(options.from, want, "{header:?} {last:?}");
    }

    fn event(seq: u64) -> Position {
        Position::Event(EventId { epoch: Epoch(1), seq })
    }

    #[test]
    fn the_higher_of_header_and_query_counts() {
        check(None, None, Position::Nothing);
        check(Some(""), None, Position::Nothing);
        check(None, Some("00000001.5"), event(5));
        check(Some("00000001.7"), Some("00000001.5"), event(7));
        check(Some("00000001.5"), Some("00000001.7"), event(7));
        check(Some("00000001.5"), Some("00000002.7"), event(5));
        check(Some("x"), Some("00000001.5"), event(5));
        check(Some("x"), None, Position::Garbage);
        check(None, Some("x"), Position::Garbage);
    }

    #[test]
    fn numbers_are_clamped() {
        let check = |query: &str, want: (u64, usize, usize)| {
            let options = read(query).unwrap();
            assert_eq!((options.beat_ms, options.padding, options.padding_each), want, "{query}");
        };
        check("", (5_000, 2_048, 0));
        check("beat=1&pad=0&padeach=-3", (5_000, 0, 0));
        check("beat=-5", (5_000, 2_048, 0));
        check("beat=99999999999999999999&pad=99999&padeach=99999", (15_000, 65_536, 16_384));
        assert_eq!(read("mode=drain").unwrap().mode, Mode::Drain { hold_ms: 9_000 });
        assert_eq!(read("mode=drain&hold=0").unwrap().mode, Mode::Drain { hold_ms: 0 });
        assert_eq!(read("mode=drain&hold=99999").unwrap().mode, Mode::Drain { hold_ms: 9_000 });
        assert_eq!(read("rung=7").unwrap().rung, Some(2));
    }

    #[test]
    fn text_that_is_no_number_and_long_nonces_are_refused() {
        for bad in ["beat=", "pad=-", "padeach=5s", "hold=0x5", "rung=１", "mode=drain&hold=soon"] {
            assert!(matches!(read(bad), Err(BadOption::Number(_))), "{bad}");
        }
        assert_eq!(read(&format!("n={}", "é".repeat(33))), Err(BadOption::Nonce));
        assert!(read(&format!("n={}", "é".repeat(32))).is_ok());
    }

    #[test]
    fn words_choose_mode_and_format_and_unknown_ones_are_as_absent() {
        let sse = |encoding, batch| Format::Sse { encoding, batch };
        let check = |query: &str, mode, format| {
            let options = read(query).unwrap();
            assert_eq!((options.mode, options.format), (mode, format), "{query}");
        };
        check("", Mode::Open, sse(Encoding::Json, false));
        check("mode=raw&batch=1", Mode::Raw, sse(Encoding::Json, true));
        check("mode=future&enc=future&batch=0", Mode::Open, sse(Encoding::Json, false));
        check("enc=msgpack&batch=true", Mode::Open, sse(Encoding::Msgpack, true));
        check("mode=drain&batch=1&hold=5", Mode::Drain { hold_ms: 5 }, sse(Encoding::Json, false));
        let frames = StreamOptions::new(None, true, StreamQuery::default()).unwrap();
        assert_eq!(frames.format, Format::Frames);
        assert!(read("compress=1").unwrap().compress && !read("compress=no").unwrap().compress);
    }
}
