//! Pieces of a world, put together as the event `patch`. Pure.

use std::io::Write as _;

use rmp::encode;
use sward_protocol::downstream::Event;
use sward_protocol::fragment::Encoded;
use sward_protocol::ids::Seat;
use sward_protocol::limits::EVENT_BYTES_MAX;
use sward_protocol::payload::Payload;

use crate::world::frame::{Frame, Piece};

const END: &[u8] = b"]}]";

/// The event `patch` as the item of a batch, `["patch",{"tick":813,"world":[…]}]`, or as MessagePack, in memory that is used
/// again.
#[derive(Debug, Default)]
pub(crate) struct Patch {
    /// As JSON; for MessagePack its name alone.
    item: Vec<u8>,
    /// The pieces as MessagePack.
    pieces: Vec<u8>,
    /// All of it as MessagePack.
    packed: Vec<u8>,
    packs: bool,
    tick: u64,
    count: u32,
    /// Of the item as JSON.
    bytes: usize,
}

impl Patch {
    /// A patch without a piece; with `packs` as MessagePack.
    pub(crate) fn begin(&mut self, tick: u64, packs: bool) {
        (self.tick, self.packs, self.count) = (tick, packs, 0);
        self.pieces.clear();
        self.item.clear();
        // A `Vec` takes every write.
        let _ = write!(self.item, r#"["patch",{{"tick":{tick},"world":["#);
        self.bytes = self.item.len() + END.len();
    }

    /// Adds a piece, unless there are some already and the item would have more than `bytes_max` as JSON with it. Whether
    /// it did.
    pub(crate) fn push_within(&mut self, piece: &Piece, bytes_max: usize) -> bool {
        let is_first = self.count == 0;
        let bytes = self.bytes + usize::from(!is_first) + piece.json().len();
        if !is_first && bytes > bytes_max {
            return false;
        }
        (self.bytes, self.count) = (bytes, self.count + 1);
        if self.packs {
            self.pieces.extend_from_slice(piece.packed());
            return true;
        }
        if !is_first {
            self.item.push(b',');
        }
        self.item.extend_from_slice(piece.json());
        true
    }

    /// The bytes of the item as JSON.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// The event, in the form that was asked for.
    pub(crate) fn end(&mut self) -> Encoded<'_> {
        self.item.extend_from_slice(END);
        if !self.packs {
            return Encoded::from_parts(&self.item, None);
        }
        let packed = &mut self.packed;
        packed.clear();
        let _ = encode::write_str(packed, "patch");
        let _ = encode::write_map_len(packed, 2);
        let _ = encode::write_str(packed, "tick");
        let _ = encode::write_uint(packed, self.tick);
        let _ = encode::write_str(packed, "world");
        let _ = encode::write_array_len(packed, self.count);
        packed.extend_from_slice(&self.pieces);
        Encoded::from_parts(&self.item, Some(packed))
    }
}

/// What a player on `seat` is told who reads nothing but this frame.
pub(crate) fn patches_of(frame: &Frame, seat: Seat) -> Vec<Event> {
    let (mut patches, mut patch) = (Vec::new(), Patch::default());
    let mut pieces = frame.pieces_for(seat).peekable();
    while pieces.peek().is_some() {
        patch.begin(frame.tick(), false);
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
    fn messagepack_is_the_same_made_piece_by_piece_or_of_the_whole() {
        let (mut plain, mut packing) = (Patch::default(), Patch::default());
        for (tick, count) in
            [(0, 1), (127, 15), (128, 16), (70_000, 300), (u64::from(u32::MAX) + 1, 2), (3, 0)]
        {
            plain.begin(tick, false);
            packing.begin(tick, true);
            for entity in 0..count {
                let json = format!(r#"{{"id":{entity},"x":-1.5,"name":"Zoë","turn":[0,1e300,null,{tick}]}}"#);
                let key = PieceKey { entity, group: PieceKey::FIELDS };
                let piece = Piece::new(key, json.into_bytes().into());
                assert!(plain.push_within(&piece, 20_000) == packing.push_within(&piece, 20_000));
                assert_eq!(plain.bytes(), packing.bytes());
                let again = piece.clone();
                assert!(std::ptr::eq(piece.packed(), piece.packed()) && again == piece);
            }
            assert_eq!(plain.end().item().len(), packing.bytes(), "what is counted is what is written");
            let whole = Encoded::from_parts(&plain.item, None);
            let made = packing.end();
            assert_eq!((made.name(), made.packed()), ("patch", whole.packed()));
        }
    }
}
