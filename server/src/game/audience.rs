//! Who receives an event.

use std::sync::Arc;

use sward_protocol::ids::Seat;

/// Who receives an event. A seat that nobody sits on receives nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Audience {
    /// Everybody in the room.
    All,
    /// The player on this seat.
    Only(Seat),
    /// Everybody but the player on this seat.
    Except(Seat),
    /// The players on these seats, which are in order: see [`Audience::these`].
    These(Arc<[Seat]>),
}

impl Audience {
    /// The players on these seats, named in any order.
    #[must_use]
    pub fn these(seats: impl IntoIterator<Item = Seat>) -> Self {
        let mut seats: Vec<_> = seats.into_iter().collect();
        seats.sort_unstable();
        seats.dedup();
        Self::These(seats.into())
    }

    /// Whether the player on `seat` is meant.
    #[must_use]
    pub fn includes(&self, seat: Seat) -> bool {
        match self {
            Self::All => true,
            Self::Only(only) => *only == seat,
            Self::Except(except) => *except != seat,
            Self::These(seats) => seats.binary_search(&seat).is_ok(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_audience_includes_whom_it_names() {
        let seats =
            |audience: Audience| (1..=4).filter(|&seat| audience.includes(Seat(seat))).collect::<Vec<_>>();
        assert_eq!(seats(Audience::All), [1, 2, 3, 4]);
        assert_eq!(seats(Audience::Only(Seat(2))), [2]);
        assert_eq!(seats(Audience::Except(Seat(2))), [1, 3, 4]);
        assert_eq!(seats(Audience::these([Seat(4), Seat(2), Seat(4)])), [2, 4]);
        assert_eq!(seats(Audience::these([])), [0; 0]);
    }
}
