//! The pieces as values. Pure.

use std::sync::Arc;

use sward_protocol::limits::EVENT_BYTES_MAX;

use super::super::saved::{Line, SavedPiece, SavedSight};
use super::{Item, SIGHT_BYTES_MAX, SIGHT_PIECES_MAX, Sight, packed};
use crate::game::SaveError;
use crate::world::frame::{Piece, PieceKey};

/// What is around a piece in a patch that has it alone.
const AROUND_BYTES: usize = 64;

impl Sight {
    pub(in super::super) fn save(&self) -> SavedSight {
        let pieces = self.items.iter().map(|Item { seq, at_ms, piece, .. }| {
            let (PieceKey { entity, group }, piece) = (piece.key(), Line::of(piece.json()));
            SavedPiece { entity, group, seq: *seq, at_ms: *at_ms, piece }
        });
        SavedSight { tick: self.tick, newest: self.newest, pieces: pieces.collect() }
    }

    /// The pieces that were saved, all of them above `floor`.
    pub(in super::super) fn restore(saved: &SavedSight, floor: u64) -> Result<Self, SaveError> {
        let mut sight = Self { tick: saved.tick, newest: saved.newest, ..Self::default() };
        (sight.oldest, sight.since_ms) = (u64::MAX, u64::MAX);
        for SavedPiece { entity, group, seq, at_ms, piece } in &saved.pieces {
            let (key, json) = (PieceKey { entity: *entity, group: *group }, piece.json());
            let is_behind = sight.items.last().is_none_or(|last| last.key < packed(key));
            let is_one = json.starts_with('{') && json.len() + AROUND_BYTES <= EVENT_BYTES_MAX;
            if !is_behind || !is_one || *seq <= floor || *seq > saved.newest {
                return Err(SaveError::Malformed(format!("piece {seq} of a world")));
            }
            sight.bytes += json.len() as u64;
            (sight.oldest, sight.since_ms) = (sight.oldest.min(*seq), sight.since_ms.min(*at_ms));
            let piece = Arc::new(Piece::new(key, json.as_bytes().into()));
            sight.push_new(Item { key: packed(key), seq: *seq, at_ms: *at_ms, piece });
        }
        // None of those that wait is older than the oldest of all.
        sight.waits_since_ms = sight.since_ms;
        if sight.items.len() > SIGHT_PIECES_MAX || sight.bytes > SIGHT_BYTES_MAX {
            return Err(SaveError::Malformed("too many pieces of a world".to_owned()));
        }
        Ok(sight)
    }
}
