//! What the relay keeps for who comes later: the latest value of each name, of a seat or of the room.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sward_protocol::upstream::{Keep, KeepScope};

use crate::game::{MessageError, Payload, Seat, refuse};

/// Names of one seat.
const SEAT_NAMES_MAX: usize = 32;
/// Names of the room.
const ROOM_NAMES_MAX: usize = 256;
/// Bytes of one seat's names and values, each counted as JSON and [`ENTRY_BYTES`] more.
const SEAT_BYTES_MAX: usize = 16 * 1024;
/// Of all seats together. With what the room has and the players' names and own data (768 KiB), `joined` stays below 1 MiB.
const SEATS_BYTES_MAX: usize = 128 * 1024;
/// Of the room.
const ROOM_BYTES_MAX: usize = 64 * 1024;
/// What surrounds a value in the state: colon and comma, and its seat's number and braces.
const ENTRY_BYTES: usize = 16;

/// All that is kept.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Kept {
    room: Values,
    seats: BTreeMap<Seat, Values>,
    seats_bytes: usize,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Values {
    by_name: BTreeMap<String, Payload>,
    bytes: usize,
}

/// What is kept, as players see it.
#[derive(Debug, Serialize)]
pub(super) struct Shown<'a> {
    room: &'a BTreeMap<String, Payload>,
    seats: BTreeMap<Seat, &'a BTreeMap<String, Payload>>,
}

impl Kept {
    /// Keeps what the player on `from` said in place of what had that name; null removes it.
    ///
    /// # Errors
    /// `kept_too_many` or `kept_too_large`: nothing has changed.
    pub(super) fn set(&mut self, from: Seat, keep: &Keep, data: &Payload) -> Result<(), MessageError> {
        if keep.scope() == KeepScope::Room {
            return self.room.set(keep.name(), data, ROOM_NAMES_MAX, ROOM_BYTES_MAX);
        }
        let others = self.seats_bytes - self.seats.get(&from).map_or(0, |values| values.bytes);
        let bytes_max = SEAT_BYTES_MAX.min(SEATS_BYTES_MAX - others);
        let values = self.seats.entry(from).or_default();
        let result = values.set(keep.name(), data, SEAT_NAMES_MAX, bytes_max);
        self.seats_bytes = others + values.bytes;
        if values.by_name.is_empty() {
            self.seats.remove(&from);
        }
        result
    }

    /// A seat is empty: what it had goes.
    pub(super) fn forget(&mut self, seat: Seat) {
        self.seats_bytes -= self.seats.remove(&seat).map_or(0, |values| values.bytes);
    }

    pub(super) fn shown(&self) -> Shown<'_> {
        let seats = self.seats.iter().map(|(&seat, values)| (seat, &values.by_name)).collect();
        Shown { room: &self.room.by_name, seats }
    }
}

impl Values {
    fn set(
        &mut self,
        name: &str,
        data: &Payload,
        names_max: usize,
        bytes_max: usize,
    ) -> Result<(), MessageError> {
        let freed = self.by_name.get(name).map_or(0, |old| entry_bytes(name, old));
        if *data == Payload::null() {
            self.by_name.remove(name);
            self.bytes -= freed;
            return Ok(());
        }
        if freed == 0 && self.by_name.len() >= names_max {
            return refuse(
                "kept_too_many",
                format!("at most {names_max} names; a value of null removes one"),
            );
        }
        let bytes = self.bytes - freed + entry_bytes(name, data);
        if bytes > bytes_max {
            return refuse("kept_too_large", format!("{bytes} bytes, and there is room for {bytes_max}"));
        }
        self.by_name.insert(name.to_owned(), data.clone());
        self.bytes = bytes;
        Ok(())
    }
}

/// An upper bound: a character of a name takes six bytes at most for each of its own, as `\u0001` does.
fn entry_bytes(name: &str, data: &Payload) -> usize {
    let name_bytes = Payload::of(name).map_or(6 * name.len(), |name| name.json_len());
    ENTRY_BYTES + name_bytes + data.json_len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(bytes: usize) -> Payload {
        Payload::of(&"x".repeat(bytes)).unwrap()
    }

    fn code(result: Result<(), MessageError>) -> String {
        result.map_or_else(|error| error.code.into_owned(), |()| "kept".to_owned())
    }

    fn room(name: &str) -> Keep {
        Keep::Scoped { name: name.to_owned(), scope: KeepScope::Room }
    }

    #[test]
    fn past_each_bound_nothing_changes() {
        let mut kept = Kept::default();
        for name in 0..SEAT_NAMES_MAX {
            assert_eq!(code(kept.set(Seat(1), &Keep::Seat(name.to_string()), &text(1))), "kept");
        }
        for name in 0..ROOM_NAMES_MAX {
            assert_eq!(code(kept.set(Seat(1), &room(&name.to_string()), &text(1))), "kept");
        }
        let before = kept.clone();
        for (keep, data, refused) in [
            (Keep::Seat("new".to_owned()), text(1), "kept_too_many"),
            (Keep::Seat("0".to_owned()), text(SEAT_BYTES_MAX), "kept_too_large"),
            (room("new"), text(1), "kept_too_many"),
            (room("0"), text(60_000), "kept_too_large"),
            (Keep::Seat("absent".to_owned()), Payload::null(), "kept"),
        ] {
            assert_eq!(code(kept.set(Seat(1), &keep, &data)), refused, "{keep:?}");
            assert_eq!(kept, before);
        }
        // Another seat has names of its own.
        assert_eq!(code(kept.set(Seat(2), &Keep::Seat("new".to_owned()), &text(1))), "kept");
    }

    #[test]
    fn all_that_may_be_kept_can_be_shown() {
        let mut kept = Kept::default();
        let name = "\u{1}".repeat(64);
        for seat in 1..=1000 {
            for number in 0..4_u8 {
                let name = format!("{}{number}", &name[1..]);
                let _ = kept.set(Seat(seat), &Keep::Seat(name.clone()), &text(60));
                let _ = kept.set(Seat(seat), &room(&name), &text(16_000));
            }
        }
        assert_eq!(code(kept.set(Seat(1000), &Keep::Seat("more".to_owned()), &text(600))), "kept_too_large");
        let shown = serde_json::to_string(&kept.shown()).unwrap().len();
        assert!((100_000..=SEATS_BYTES_MAX + ROOM_BYTES_MAX).contains(&shown), "{shown}");
        for seat in 1..=1000 {
            kept.forget(Seat(seat));
        }
        assert_eq!(kept.seats_bytes, 0);
        assert_eq!(code(kept.set(Seat(1000), &Keep::Seat("more".to_owned()), &text(600))), "kept");
    }
}
