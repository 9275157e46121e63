//! How a match of one mode is made up.

/// The largest team, and the largest party.
pub const TEAM_SIZE_MAX: u8 = 8;
/// Players in one match.
pub const MATCH_PLAYERS_MAX: u8 = 64;

/// The rules of one mode of a game: its teams, and how near to each other in skill those in one match are.
///
/// A party's range begins with [`Rules::range`], grows by [`Rules::widen_per_s`] with every second that it waits, and
/// ends at [`Rules::range_max`]. The skills in one match lie no further apart than the range of each party in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rules {
    /// Teams in a match, at least 1.
    pub teams: u8,
    /// Players in each team, 1–8; a match has at most 64.
    pub team_size: u8,
    /// The range of a party that has just come.
    pub range: u32,
    /// What a second of waiting adds to it.
    pub widen_per_s: u32,
    /// The widest range.
    pub range_max: u32,
}

impl Rules {
    /// So many teams of so many players, brought within their bounds; a range of 100 that widens by 20 a second without
    /// end: whoever waits long enough plays with anybody.
    #[must_use]
    pub fn new(teams: u8, team_size: u8) -> Self {
        let team_size = team_size.clamp(1, TEAM_SIZE_MAX);
        let teams = teams.clamp(1, MATCH_PLAYERS_MAX / team_size);
        Self { teams, team_size, range: 100, widen_per_s: 20, range_max: u32::MAX }
    }

    /// The same with another range: at first, what a second adds, and at most.
    #[must_use]
    pub fn with_range(self, range: u32, widen_per_s: u32, range_max: u32) -> Self {
        Self { range: range.min(range_max), widen_per_s, range_max, ..self }
    }

    /// The range of a party that has waited so long.
    #[must_use]
    pub fn range_after(&self, waited_ms: u64) -> u32 {
        let seconds = u32::try_from(waited_ms / 1000).unwrap_or(u32::MAX);
        self.range.saturating_add(self.widen_per_s.saturating_mul(seconds)).min(self.range_max)
    }

    /// Players in a match.
    #[must_use]
    pub fn players(&self) -> u16 {
        u16::from(self.teams) * u16::from(self.team_size)
    }
}
