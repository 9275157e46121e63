//! What a client may ask of its stream.

use sward_protocol::limits::{
    FIRST_PADDING, FIRST_PADDING_MAX, HEARTBEAT, HEARTBEAT_MAX, NONCE_CHARS_MAX, WATCHDOG_BEATS,
};

use crate::clock::whole_ms;
use crate::fanout::mailslot::Position;

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
}

/// A nonce that is too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("n has at most {NONCE_CHARS_MAX} characters")]
pub struct BadNonce;

impl StreamOptions {
    /// The options as a client wrote them. `header` is `Last-Event-ID`, `last` the query's. Numbers out of range are
    /// clamped.
    ///
    /// # Errors
    /// [`BadNonce`].
    pub fn new(
        header: Option<&str>,
        last: Option<&str>,
        nonce: Option<String>,
        beat_ms: Option<u64>,
        padding: Option<usize>,
    ) -> Result<Self, BadNonce> {
        if nonce.as_ref().is_some_and(|nonce| nonce.chars().count() > NONCE_CHARS_MAX) {
            return Err(BadNonce);
        }
        let (low, high) = (whole_ms(HEARTBEAT), whole_ms(HEARTBEAT_MAX));
        Ok(Self {
            from: higher(position(header), position(last)),
            nonce,
            beat_ms: beat_ms.unwrap_or(low).clamp(low, high),
            padding: padding.unwrap_or(FIRST_PADDING).min(FIRST_PADDING_MAX),
        })
    }

    /// The silence after which the client should reconnect.
    #[must_use]
    pub fn watchdog_ms(&self) -> u64 {
        self.beat_ms * u64::from(WATCHDOG_BEATS)
    }
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

    fn check(header: Option<&str>, last: Option<&str>, want: Position) {
        let options = StreamOptions::new(header, last, None, None, None).unwrap();
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
    fn numbers_are_clamped_and_long_nonces_refused() {
        let options = |beat_ms, padding| {
            let options = StreamOptions::new(None, None, None, beat_ms, padding).unwrap();
            (options.beat_ms, options.padding)
        };
        assert_eq!(options(None, None), (5_000, 2_048));
        assert_eq!(options(Some(1), Some(0)), (5_000, 0));
        assert_eq!(options(Some(u64::MAX), Some(usize::MAX)), (15_000, 65_536));
        assert_eq!(StreamOptions::new(None, None, Some("é".repeat(33)), None, None), Err(BadNonce));
        assert!(StreamOptions::new(None, None, Some("é".repeat(32)), None, None).is_ok());
    }
}
