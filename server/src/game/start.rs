//! What a game asks of its room beyond seats and ticks: how it is started, who owns it, when it stands still.

use std::time::Duration;

use super::Settings;

/// The longest that an empty room may stay: one hour.
pub const EMPTY_MAX: Duration = Duration::from_secs(3600);

/// How a room's owner starts its game, with `sward.start`.
///
/// ```
/// # use sward_server::game::{Settings, StartRules};
/// // Two at least, none of them away, and nobody joins before it is over.
/// let settings = Settings::new(4).with_start(StartRules::from_players(2).all_present());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct StartRules {
    /// Fewer players, bots included, are refused: `too_few_players`.
    pub min_players: u16,
    /// Whether a start is refused while somebody is away: `somebody_away`.
    pub needs_all: bool,
    /// Whether others may join while the room plays. Else it is locked then.
    pub lets_in: bool,
    /// Whether the owner may end the game too, with `sward.over`: for games without code of their own.
    pub owner_ends: bool,
}

impl StartRules {
    /// So many players at least; some of them may be away, and nobody joins while the room plays.
    #[must_use]
    pub fn from_players(min_players: u16) -> Self {
        Self { min_players, needs_all: false, lets_in: false, owner_ends: false }
    }

    /// Refused while somebody is away.
    #[must_use]
    pub fn all_present(self) -> Self {
        Self { needs_all: true, ..self }
    }

    /// Others may join while the room plays.
    #[must_use]
    pub fn joined_any_time(self) -> Self {
        Self { lets_in: true, ..self }
    }

    /// The owner may end the game.
    #[must_use]
    pub fn ended_by_owner(self) -> Self {
        Self { owner_ends: true, ..self }
    }
}

impl Settings {
    /// The same, started by the room's owner. Without, `sward.start` is refused: `not_startable`.
    #[must_use]
    pub fn with_start(self, rules: StartRules) -> Self {
        Self { start: Some(rules), ..self }
    }

    /// The same, and while the room plays and a player is away it is paused: no ticks, and its timers stand still. It goes
    /// on when all are back or gone.
    #[must_use]
    pub fn with_pause_on_away(self) -> Self {
        Self { pauses_on_away: true, ..self }
    }

    /// The same, and nobody owns the room: nobody may lock, rename or start it, or put others out. For worlds in which
    /// strangers meet.
    #[must_use]
    pub fn without_owner(self) -> Self {
        Self { has_owner: false, ..self }
    }

    /// The same, and bots give way to humans: when a human wants in and every seat is taken, the bot who came last
    /// leaves.
    #[must_use]
    pub fn with_yielding_bots(self) -> Self {
        Self { bots_yield: true, ..self }
    }

    /// The same, disposed when it was empty for so long: 1 s unless told, one hour at most. Zero disposes of it as soon as
    /// that is noticed.
    #[must_use]
    pub fn with_empty(self, empty: Duration) -> Self {
        Self { empty: empty.min(EMPTY_MAX), ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_room_stays_for_an_hour_at_most() {
        assert_eq!(Settings::new(2).empty, Duration::from_secs(1));
        assert_eq!(Settings::new(2).with_empty(Duration::MAX).empty, EMPTY_MAX);
    }
}
