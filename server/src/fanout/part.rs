//! What a room says, in its order: flushes of events, and frames of its world. Pure.

use std::sync::Arc;

use sward_protocol::ids::Seat;

use super::encode::EncodeError;
use super::flush::{Flush, FlushWriter, Share};
use crate::game::context::Outgoing;
use crate::world::frame::Frame;

/// Bytes and events that wait for a flush; more are flushed at once, so that a flush always fits a player's window.
const PENDING_BYTES_MAX: u32 = 64 * 1024;
/// The events.
pub const PENDING_EVENTS_MAX: u32 = 512;
/// Memory of the frames that wait: as much of pieces as a player may be behind.
const PENDING_FRAME_BYTES_MAX: usize = 256 * 1024;
/// Flushes and frames that wait.
pub const PENDING_PARTS_MAX: usize = 64;

/// What is posted to all players of a room at once, in its order, is a list of these.
#[derive(Debug, Clone)]
pub enum Part {
    /// Events.
    Said(Arc<Flush>),
    /// What changed in the world.
    Frame(Arc<Frame>),
}

impl Part {
    /// Whether anything of it is for `seat`.
    #[must_use]
    pub fn is_for(&self, seat: Seat) -> bool {
        match self {
            Self::Said(flush) => flush.events_for(seat).next().is_some(),
            Self::Frame(frame) => frame.pieces_for(seat).next().is_some(),
        }
    }

    /// The memory that it takes.
    #[must_use]
    pub fn held_bytes(&self) -> usize {
        match self {
            Self::Said(flush) => flush.held_bytes(),
            Self::Frame(frame) => frame.bytes(),
        }
    }
}

/// What a room has said since it last wrote.
#[derive(Debug, Default)]
pub struct Pending {
    parts: Vec<Part>,
    /// Events in the parts, and their bytes.
    said: Share,
    /// Memory of the frames in them.
    frame_bytes: usize,
    /// Behind the parts.
    writer: FlushWriter,
}

impl Pending {
    /// Whether nothing waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.parts.is_empty() && self.writer.whole().events == 0
    }

    /// Whether so much waits that it is to be written at once.
    #[must_use]
    pub fn is_full(&self) -> bool {
        let last = self.writer.whole();
        self.said.bytes + last.bytes >= PENDING_BYTES_MAX
            || self.said.events + last.events >= PENDING_EVENTS_MAX
            || self.frame_bytes >= PENDING_FRAME_BYTES_MAX
            || self.parts.len() >= PENDING_PARTS_MAX
    }

    /// Takes up an event.
    ///
    /// # Errors
    /// [`EncodeError`]; nothing was taken up then.
    pub fn push(&mut self, outgoing: Outgoing) -> Result<(), EncodeError> {
        let Outgoing { audience, event, latest } = outgoing;
        self.writer.push(audience, &event, latest)
    }

    /// Takes up a frame, unless it is empty. The events in front of it become a flush, with `packs` as
    /// [`FlushWriter::finish`] has it.
    pub fn push_frame(&mut self, frame: Arc<Frame>, packs: bool) {
        if !frame.is_empty() {
            self.end_flush(packs);
            self.frame_bytes += frame.bytes();
            self.parts.push(Part::Frame(frame));
        }
    }

    /// All that waits, in order; nothing does then.
    pub fn finish(&mut self, packs: bool) -> Vec<Part> {
        self.end_flush(packs);
        (self.said, self.frame_bytes) = (Share::default(), 0);
        std::mem::take(&mut self.parts)
    }

    fn end_flush(&mut self, packs: bool) {
        let last = self.writer.whole();
        if last.events > 0 {
            self.said.events += last.events;
            self.said.bytes += last.bytes;
            self.parts.push(Part::Said(Arc::new(self.writer.finish(packs))));
        }
    }
}

/// A frame with the places of these entities for all, and a basket for one.
#[cfg(test)]
pub(crate) fn frame(tick: u64, all: &[u32], own: Option<(Seat, u32)>) -> Frame {
    use crate::world::frame::{FrameWriter, Piece, PieceKey};

    let mut writer = FrameWriter::default();
    let add = |writer: &mut FrameWriter, entity, group, field: &str| {
        let json = format!(r#"{{"id":{entity},"{field}":{tick}}}"#);
        writer.add(Arc::new(Piece::new(PieceKey { entity, group }, json.into_bytes().into())))
    };
    for &entity in all {
        let index = add(&mut writer, entity, PieceKey::PLACE, "x");
        writer.show_all(index);
    }
    if let Some((seat, entity)) = own {
        let index = add(&mut writer, entity, PieceKey::FIELDS, "basket");
        writer.show(index);
        writer.end_seat(seat);
    }
    writer.finish(tick)
}

#[cfg(test)]
mod tests {
    use sward_protocol::downstream::{Event, Pong};
    use sward_protocol::payload::Payload;

    use super::*;
    use crate::game::Audience;

    fn say(pending: &mut Pending, text: &str) {
        let event = Event::Pong(Pong { data: Payload::of(text).unwrap() });
        pending.push(Outgoing { audience: Audience::All, event, latest: None }).unwrap();
    }

    fn told(parts: &[Part]) -> Vec<String> {
        let tell = |part: &Part| match part {
            Part::Said(flush) => {
                let texts = flush
                    .events_for(Seat(1))
                    .map(|event| String::from_utf8_lossy(event.encoded().json()).into_owned());
                texts.collect::<String>()
            }
            Part::Frame(frame) => format!("frame {}", frame.tick()),
        };
        parts.iter().map(tell).collect()
    }

    #[test]
    fn frames_stand_between_what_was_said_before_and_behind_them() {
        let mut pending = Pending::default();
        assert!(pending.is_empty());
        pending.push_frame(Arc::new(frame(1, &[], None)), false);
        assert!(pending.is_empty(), "nobody sees anything of it");
        pending.push_frame(Arc::new(frame(2, &[1], None)), false);
        assert!(!pending.is_empty() && !pending.is_full());
        say(&mut pending, "a");
        say(&mut pending, "b");
        pending.push_frame(Arc::new(frame(3, &[], Some((Seat(2), 1)))), false);
        pending.push_frame(Arc::new(frame(4, &[1], None)), true);
        say(&mut pending, "c");
        let parts = pending.finish(true);
        assert_eq!(
            told(&parts),
            ["frame 2", r#"{"data":"a"}{"data":"b"}"#, "frame 3", "frame 4", r#"{"data":"c"}"#]
        );
        let is_for = |seat| parts.iter().map(|part| part.is_for(Seat(seat))).collect::<Vec<_>>();
        assert_eq!((is_for(1), is_for(2)), (vec![true, true, false, true, true], vec![true; 5]));
        assert!(parts.iter().all(|part| part.held_bytes() > 40));
        assert!(pending.is_empty() && pending.finish(false).is_empty());
    }

    #[test]
    fn what_waits_is_bounded_in_parts_in_frames_and_in_what_was_said() {
        let mut pending = Pending::default();
        let small = Arc::new(frame(1, &[1], None));
        for _ in 1..PENDING_PARTS_MAX {
            pending.push_frame(Arc::clone(&small), false);
            assert!(!pending.is_full());
        }
        pending.push_frame(small, false);
        assert!(pending.is_full());
        pending.finish(false);

        let large = Arc::new(frame(1, &(0..3_000).collect::<Vec<_>>(), None));
        pending.push_frame(Arc::clone(&large), false);
        assert!(!pending.is_full(), "{} bytes", large.bytes());
        pending.push_frame(large, false);
        assert!(pending.is_full());
        pending.finish(false);

        for _ in 0..11 {
            assert!(!pending.is_full());
            say(&mut pending, &"x".repeat(6_000));
            pending.push_frame(Arc::new(frame(1, &[1], None)), false);
        }
        assert!(pending.is_full(), "all flushes together");
        pending.finish(false);
        assert!(!pending.is_full());
    }
}
