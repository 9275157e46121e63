//! File descriptors: raised to what the system allows, and checked before the start.

/// Descriptors of a player: its stream and its connection for requests.
const PER_PLAYER: u64 = 2;
/// Descriptors beside the players': the runtime's, standard streams, `/proc`, a report.
const RESERVE: u64 = 64;

/// Fewer file descriptors than the load needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "{players} players need {needed} file descriptors, and this system gives {limit} (ulimit -n): \
     at most {players_max} players fit"
)]
pub struct FdLimitError {
    /// Asked for.
    pub players: usize,
    /// Descriptors they need.
    pub needed: u64,
    /// What there is.
    pub limit: u64,
    /// What would fit.
    pub players_max: u64,
}

/// Raises this process's limit as far as it goes and checks that it is enough for so many players.
///
/// # Errors
/// [`FdLimitError`] if it is not. If the system tells no limit, nothing is checked.
pub fn raise_for(players: usize) -> Result<(), FdLimitError> {
    raise().map_or(Ok(()), |limit| check(players, limit))
}

#[cfg(unix)]
fn raise() -> Option<u64> {
    rlimit::increase_nofile_limit(u64::MAX).ok()
}

#[cfg(not(unix))]
fn raise() -> Option<u64> {
    None
}

fn check(players: usize, limit: u64) -> Result<(), FdLimitError> {
    let needed = players as u64 * PER_PLAYER + RESERVE;
    if needed <= limit {
        return Ok(());
    }
    Err(FdLimitError { players, needed, limit, players_max: limit.saturating_sub(RESERVE) / PER_PLAYER })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_player_needs_two_descriptors() {
        assert_eq!(check(468, 1_000), Ok(()));
        let error = FdLimitError { players: 469, needed: 1_002, limit: 1_000, players_max: 468 };
        assert_eq!(check(469, 1_000), Err(error));
        assert_eq!(check(0, 64), Ok(()));
        assert!(check(1, 10).is_err());
    }
}
