//! Pieces of a world, put together as the event `patch`. Pure.

use sward_protocol::downstream::Event;
use sward_protocol::fragment::Encoded;
use sward_protocol::ids::Seat;
use sward_protocol::limits::EVENT_BYTES_MAX;
use sward_protocol::payload::Payload;

use crate::world::frame::{Frame, Piece};

/// Bytes of one piece, so that a patch with it alone is no larger than an event may be: what is around it has 50 at most.
pub(crate) const PIECE_BYTES_MAX: usize = EVENT_BYTES_MAX - 64;

const END: &[u8] = b"]}]";

/// The event `patch` as the item of a batch, `["patch",{"tick":813,"world":[…]}]`, in memory that is used again.
#[derive(Debug, Default)]
pub(crate) struct Patch {
    item: Vec<u8>,
    is_empty: bool,
}

impl Patch {
    /// A patch without a piece.
    pub(crate) fn begin(&mut self, tick: u64) {
        self.item.clear();
        self.item.extend_from_slice(br#"["patch",{"tick":"#);
        let mut digits = [0; 20];
        let mut start = digits.len();
        let mut rest = tick;
        while rest > 0 || start == digits.len() {
            start -= 1;
            digits[start] = b'0' + u8::try_from(rest % 10).unwrap_or_default();
            rest /= 10;
        }
        self.item.extend_from_slice(&digits[start..]);
        self.item.extend_from_slice(br#","world":["#);
        self.is_empty = true;
    }

    /// Adds a piece, unless there are some already and the item would have more than `bytes_max` with it. Whether it did.
    pub(crate) fn push_within(&mut self, piece: &Piece, bytes_max: usize) -> bool {
        let comma = usize::from(!self.is_empty);
        if !self.is_empty && self.item.len() + comma + piece.json().len() + END.len() > bytes_max {
            return false;
        }
        if !std::mem::take(&mut self.is_empty) {
            self.item.push(b',');
        }
        self.item.extend_from_slice(piece.json());
        true
    }

    /// The event.
    pub(crate) fn end(&mut self) -> Encoded<'_> {
        self.item.extend_from_slice(END);
        Encoded::from_parts(&self.item, None)
    }
}

/// What a player on `seat` is told who reads nothing but this frame.
pub(crate) fn patches_of(frame: &Frame, seat: Seat) -> Vec<Event> {
    let (mut patches, mut patch) = (Vec::new(), Patch::default());
    let mut pieces = frame.pieces_for(seat).peekable();
    while pieces.peek().is_some() {
        patch.begin(frame.tick());
        while pieces.next_if(|piece| patch.push_within(piece, EVENT_BYTES_MAX)).is_some() {}
        let json = String::from_utf8_lossy(patch.end().json()).into_owned();
        patches.extend(Payload::trusted(json).map(Event::Patch));
    }
    patches
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::world::frame::{FrameWriter, PieceKey};

    #[test]
    fn a_frame_is_told_as_one_patch_or_as_few_as_it_has_room_in() {
        let mut writer = FrameWriter::default();
        for entity in 0..3 {
            let json =
                format!(r#"{{"id":{entity},"text":"{}"}}"#, "x".repeat(usize::from(entity == 1) * 65_000));
            let key = PieceKey { entity, group: PieceKey::FIELDS };
            let index = writer.add(Arc::new(Piece::new(key, json.into_bytes().into())));
            if entity < 2 {
                writer.show_all(index);
            } else {
                writer.show(index);
            }
        }
        writer.end_seat(Seat(7));
        let frame = writer.finish(1 << 52);
        let (all, mine) = (patches_of(&frame, Seat(1)), patches_of(&frame, Seat(7)));
        assert_eq!((all.len(), mine.len()), (1, 1));
        let Event::Patch(data) = &mine[0] else { panic!("{mine:?}") };
        assert!(data.json().starts_with(r#"{"tick":4503599627370496,"world":[{"id":0,"text":""},{"id":1,"#));
        assert!(data.json().ends_with(r#"},{"id":2,"text":""}]}"#));
        assert_eq!(patches_of(&writer.finish(0), Seat(1)), []);
    }

    #[test]
    fn what_is_around_a_piece_leaves_it_its_bytes() {
        let mut patch = Patch::default();
        patch.begin(u64::MAX);
        let key = PieceKey { entity: 1, group: 1 };
        assert!(patch.push_within(&Piece::new(key, vec![b'x'; PIECE_BYTES_MAX].into()), EVENT_BYTES_MAX));
        assert!(!patch.push_within(&Piece::new(key, b"{}"[..].into()), EVENT_BYTES_MAX - 64));
        assert!(patch.end().item().len() <= EVENT_BYTES_MAX);
        patch.begin(0);
        assert_eq!(patch.end().item(), br#"["patch",{"tick":0,"world":[]}]"#);
    }
}
