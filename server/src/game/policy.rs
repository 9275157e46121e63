//! Who may make rooms of a game, and how many.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

/// The most rooms that one player's allowance may name: what is remembered of him is bounded by it.
pub const ALLOWANCE_MAX: u16 = 1000;

/// Who may make rooms of a game, and how many: given to [`Builder::rooms_of`](crate::Builder::rooms_of). Whoever joins a
/// room that exists is not concerned.
///
/// ```
/// # use std::time::Duration;
/// # use sward_server::game::RoomPolicy;
/// let policy = RoomPolicy::anyone().at_most(100).each_player(3, Duration::from_secs(60));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RoomPolicy {
    is_closed: bool,
    pub(crate) rooms_max: Option<usize>,
    pub(crate) allowance: Option<Allowance>,
}

/// How many rooms one player may make, and in which time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Allowance {
    rooms: u16,
    within_ms: u64,
}

/// What a game has that was given no policy: anyone, 30 rooms a minute each. More than a player needs, and few enough that
/// a handful of sessions does not fill the server with rooms that nobody sits in.
impl Default for RoomPolicy {
    fn default() -> Self {
        Self::anyone().each_player(30, Duration::from_secs(60))
    }
}

impl RoomPolicy {
    /// Any player, as many as the server has room for.
    #[must_use]
    pub fn anyone() -> Self {
        Self { is_closed: false, rooms_max: None, allowance: None }
    }

    /// No player: 403 `creation_closed`. The rooms are made by the server's own code.
    #[must_use]
    pub fn nobody() -> Self {
        Self { is_closed: true, ..Self::anyone() }
    }

    /// Whether players make none.
    pub(crate) fn is_closed(&self) -> bool {
        self.is_closed
    }

    /// At most so many rooms of this game at once; another one is 409 `too_many_rooms`.
    #[must_use]
    pub fn at_most(self, rooms: usize) -> Self {
        Self { rooms_max: Some(rooms), ..self }
    }

    /// At most so many rooms (1,000 at most) of this game by one player within a time; another one is 429 `room_quota`.
    #[must_use]
    pub fn each_player(self, rooms: u16, within: Duration) -> Self {
        let within_ms = u64::try_from(within.as_millis()).unwrap_or(u64::MAX);
        Self { allowance: Some(Allowance { rooms: rooms.min(ALLOWANCE_MAX), within_ms }), ..self }
    }
}

/// When one player made rooms, by game: as many as their allowances name.
#[derive(Debug, Default)]
pub(crate) struct Makings(BTreeMap<String, VecDeque<u64>>);

impl Makings {
    /// Notes that he makes a room now. A game without an allowance is not noted.
    ///
    /// # Errors
    /// He has made as many as he may: the milliseconds until he may make another.
    pub(crate) fn make(&mut self, game: &str, policy: RoomPolicy, now_ms: u64) -> Result<(), u64> {
        let Some(Allowance { rooms, within_ms }) = policy.allowance else { return Ok(()) };
        let made = self.0.entry(game.to_owned()).or_default();
        while made.front().is_some_and(|made_ms| made_ms.saturating_add(within_ms) <= now_ms) {
            made.pop_front();
        }
        if made.len() < usize::from(rooms) {
            made.push_back(now_ms);
            return Ok(());
        }
        let oldest_ms = made.front().copied().unwrap_or(now_ms);
        Err(oldest_ms.saturating_add(within_ms).saturating_sub(now_ms).max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_player_makes_as_many_rooms_as_he_may_in_the_time() {
        let policy = RoomPolicy::anyone().each_player(2, Duration::from_secs(60));
        let mut makings = Makings::default();
        assert_eq!(makings.make("chess", policy, 0), Ok(()));
        assert_eq!(makings.make("chess", policy, 10_000), Ok(()));
        assert_eq!(makings.make("chess", policy, 20_000), Err(40_000));
        assert_eq!(makings.make("go", policy, 20_000), Ok(()), "each game counts for itself");
        assert_eq!(makings.make("chess", policy, 60_000), Ok(()));
        assert_eq!(makings.make("chess", policy, 60_000), Err(10_000));
        let mut makings = Makings::default();
        let made = (0..1000).filter(|_| makings.make("chess", RoomPolicy::default(), 0).is_ok()).count();
        assert_eq!(made, 30, "of a game that was given no policy");
    }

    #[test]
    fn what_is_remembered_is_bounded_and_nothing_without_an_allowance() {
        let mut makings = Makings::default();
        (0..10_000).for_each(|now_ms| makings.make("go", RoomPolicy::anyone(), now_ms).unwrap());
        assert!(makings.0.is_empty());
        let policy = RoomPolicy::anyone().each_player(u16::MAX, Duration::MAX);
        let made = (0..10_000).filter(|&now_ms| makings.make("go", policy, now_ms).is_ok()).count();
        assert_eq!((made, makings.0["go"].len()), (1000, 1000));
        let none = RoomPolicy::anyone().each_player(0, Duration::from_secs(1));
        assert_eq!(makings.make("chess", none, 5), Err(1000));
    }
}
