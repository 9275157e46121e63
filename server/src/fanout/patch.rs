//! Pieces of a world, put together as the event `patch`. Pure.

use sward_protocol::fragment::Encoded;

use crate::world::frame::Piece;

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
