//! What changed in the world at one moment, and who sees which of it: what the fan-out is handed. Pure.

use std::fmt;
use std::sync::Arc;
use std::sync::OnceLock;

use sward_protocol::fragment::push_packed_json;
use sward_protocol::ids::Seat;

use crate::room::recording::digest::Digest;

/// Names a piece of an entity: what has the same key replaces what was said before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PieceKey {
    /// The entity's id.
    pub entity: u32,
    /// Which of its pieces: [`PieceKey::BEING`], [`PieceKey::PLACE`], then its groups of fields.
    pub group: u8,
}

impl PieceKey {
    /// That the entity is there, or is not. A piece of it takes the place of all other pieces of its entity.
    pub const BEING: u8 = 0;
    /// Where it is.
    pub const PLACE: u8 = 1;
    /// The first group of fields.
    pub const FIELDS: u8 = 2;

    /// Whether it says that the entity is there, or is not.
    #[must_use]
    pub fn is_being(self) -> bool {
        self.group == Self::BEING
    }
}

/// Some fields of an entity as they are now, encoded once for everybody who sees them.
#[derive(Clone)]
pub struct Piece {
    key: PieceKey,
    json: Box<[u8]>,
    /// As MessagePack, from when it is first asked for.
    packed: OnceLock<Box<[u8]>>,
}

impl PartialEq for Piece {
    fn eq(&self, other: &Self) -> bool {
        (self.key, &self.json) == (other.key, &other.json)
    }
}

impl Eq for Piece {}

impl Piece {
    /// A piece, whose `json` is an object on one line.
    #[must_use]
    pub fn new(key: PieceKey, json: Box<[u8]>) -> Self {
        debug_assert!(!json.iter().any(|byte| matches!(byte, b'\n' | b'\r')), "one line");
        Self { key, json, packed: OnceLock::new() }
    }

    /// What it is about.
    #[must_use]
    pub fn key(&self) -> PieceKey {
        self.key
    }

    /// The object, on one line.
    #[must_use]
    pub fn json(&self) -> &[u8] {
        &self.json
    }

    /// The object as MessagePack: made for the first reader of it, and kept for the others.
    pub(crate) fn packed(&self) -> &[u8] {
        self.packed.get_or_init(|| {
            let mut packed = Vec::with_capacity(self.json.len());
            push_packed_json(&mut packed, &self.json);
            packed.into()
        })
    }
}

impl fmt::Debug for Piece {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{} {}", self.key.entity, self.key.group, String::from_utf8_lossy(&self.json))
    }
}

/// What changed in the world since its last frame. Shared by the outboxes of all players; none of them copies it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Frame {
    tick: u64,
    /// Who sees nothing of it: he is told all there is as it is made.
    but: Option<Seat>,
    pieces: Box<[Arc<Piece>]>,
    /// What everybody sees: indices of pieces, by their keys.
    shared: Box<[u32]>,
    /// Who sees more, by seat, and where what he sees ends.
    seats: Box<[(Seat, u32)]>,
    /// What single seats see besides: indices of pieces, by their keys.
    own: Box<[u32]>,
}

impl Frame {
    /// When, counted in frames.
    #[must_use]
    pub fn tick(&self) -> u64 {
        self.tick
    }

    /// The same, of which the player on `seat` sees nothing.
    #[must_use]
    pub fn without(self, seat: Option<Seat>) -> Self {
        Self { but: seat, ..self }
    }

    /// All pieces, some of which nobody may see.
    #[must_use]
    pub fn pieces(&self) -> &[Arc<Piece>] {
        &self.pieces
    }

    /// Whether nobody sees anything of it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.shared.is_empty() && self.own.is_empty()
    }

    /// The memory that it takes while it is handed out, the pieces included.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let pieces: usize = self.pieces.iter().map(|piece| size_of::<Piece>() + piece.json.len()).sum();
        pieces + (self.shared.len() + self.own.len()) * size_of::<u32>()
    }

    /// The part of it that what the game says is counted by: the pieces, and which of them all see.
    #[must_use]
    pub fn said_bytes(&self) -> usize {
        self.bytes() - self.own.len() * size_of::<u32>()
    }

    /// What the player on `seat` sees, alone: for who keeps it for long.
    #[must_use]
    pub fn seen_by(&self, seat: Seat) -> Self {
        let pieces: Box<[_]> = self.pieces_for(seat).cloned().collect();
        let shared = (0..small(pieces.len())).collect();
        Self { tick: self.tick, pieces, shared, ..Self::default() }
    }

    /// What the player on `seat` sees, ascending by key, each key once: what is for him alone goes before what is for all.
    /// [`Seat::GAME`] is whoever watches without a seat.
    pub fn pieces_for(&self, seat: Seat) -> impl Iterator<Item = &Arc<Piece>> {
        let shared = if self.but == Some(seat) { &[] } else { &*self.shared };
        let (mut shared, mut own) = (shared.iter().peekable(), self.own_of(seat).iter().peekable());
        let piece = |index: u32| &self.pieces[index as usize];
        std::iter::from_fn(move || {
            let (all, his) =
                (shared.peek().map(|&&index| piece(index)), own.peek().map(|&&index| piece(index)));
            match (all, his) {
                (Some(all), Some(his)) => {
                    if all.key < his.key {
                        shared.next();
                        return Some(all);
                    }
                    if all.key == his.key {
                        shared.next();
                    }
                    own.next();
                    Some(his)
                }
                (Some(all), None) => {
                    shared.next();
                    Some(all)
                }
                (None, his) => {
                    own.next();
                    his
                }
            }
        })
    }

    /// Takes up all of it, and who sees which.
    pub(crate) fn digest(&self, digest: &mut Digest) {
        digest.number(self.tick);
        digest.value(&self.but);
        for piece in &self.pieces {
            digest.number(u64::from(piece.key.entity) << 8 | u64::from(piece.key.group));
            digest.bytes(&piece.json);
        }
        let lists = [&self.shared, &self.own];
        lists.into_iter().flatten().for_each(|&index| digest.number(u64::from(index)));
        self.seats.iter().for_each(|&(seat, end)| digest.number(u64::from(seat.0) << 32 | u64::from(end)));
    }

    fn own_of(&self, seat: Seat) -> &[u32] {
        let Ok(at) = self.seats.binary_search_by_key(&seat, |(seat, _)| *seat) else { return &[] };
        let start = at.checked_sub(1).map_or(0, |before| self.seats[before].1);
        &self.own[start as usize..self.seats[at].1 as usize]
    }
}

/// Puts a frame together.
#[derive(Debug, Default)]
pub struct FrameWriter {
    pieces: Vec<Arc<Piece>>,
    shared: Vec<u32>,
    seats: Vec<(Seat, u32)>,
    own: Vec<u32>,
}

impl FrameWriter {
    /// Adds a piece, which nobody sees yet. Its index.
    pub fn add(&mut self, piece: Arc<Piece>) -> u32 {
        self.pieces.push(piece);
        small(self.pieces.len() - 1)
    }

    /// Everybody sees this piece. Keys rise.
    pub fn show_all(&mut self, index: u32) {
        debug_assert!(self.shared.last().is_none_or(|&last| self.key(last) < self.key(index)), "keys rise");
        self.shared.push(index);
    }

    /// The player whose pieces are being written sees this one. Keys rise.
    pub fn show(&mut self, index: u32) {
        self.own.push(index);
    }

    /// All that was shown since the last player's end is for `seat`. Seats rise.
    pub fn end_seat(&mut self, seat: Seat) {
        let end = small(self.own.len());
        let start = self.seats.last().map_or(0, |(_, end)| *end);
        debug_assert!(self.seats.last().is_none_or(|(last, _)| *last < seat), "seats rise");
        debug_assert!(
            self.own[start as usize..].is_sorted_by(|&one, &next| self.key(one) < self.key(next)),
            "keys rise"
        );
        if end > start {
            self.seats.push((seat, end));
        }
    }

    /// The frame. The writer is empty then.
    pub fn finish(&mut self, tick: u64) -> Frame {
        Frame {
            tick,
            but: None,
            pieces: std::mem::take(&mut self.pieces).into(),
            shared: std::mem::take(&mut self.shared).into(),
            seats: std::mem::take(&mut self.seats).into(),
            own: std::mem::take(&mut self.own).into(),
        }
    }

    fn key(&self, index: u32) -> PieceKey {
        self.pieces[index as usize].key
    }
}

/// A frame has at most as many pieces as its world, far below 2^32.
pub(super) fn small(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn add(writer: &mut FrameWriter, entity: u32, group: u8, text: &str) -> u32 {
        writer.add(Arc::new(Piece::new(PieceKey { entity, group }, text.as_bytes().into())))
    }

    fn seen(frame: &Frame, seat: u16) -> String {
        let pieces = frame.pieces_for(Seat(seat));
        pieces.map(|piece| String::from_utf8_lossy(piece.json()).into_owned()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn each_sees_what_is_for_all_and_what_is_for_him() {
        let mut writer = FrameWriter::default();
        let (far, near) = (add(&mut writer, 3, 0, "far"), add(&mut writer, 3, 0, "near"));
        let (first, place, last) = (
            add(&mut writer, 1, 1, "first"),
            add(&mut writer, 3, 1, "place"),
            add(&mut writer, 9, 2, "last"),
        );
        [first, far].into_iter().for_each(|index| writer.show_all(index));
        writer.end_seat(Seat(0));
        [near, place, last].into_iter().for_each(|index| writer.show(index));
        writer.end_seat(Seat(2));
        writer.show(last);
        writer.end_seat(Seat(7));
        let frame = writer.finish(812).without(Some(Seat(8)));
        assert_eq!((frame.tick(), frame.is_empty(), frame.pieces().len()), (812, false, 5));
        assert_eq!(seen(&frame, 0), "first far");
        assert_eq!(seen(&frame, 1), "first far");
        assert_eq!(seen(&frame, 2), "first near place last");
        assert_eq!(seen(&frame, 7), "first far last");
        assert_eq!(seen(&frame, 8), "", "he knows it");
        let next = writer.finish(813);
        assert_eq!((next.is_empty(), seen(&next, 2)), (true, String::new()));
    }
}
