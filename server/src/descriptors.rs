//! File descriptors: each connection takes one, so they bound the players.

/// Descriptors that are not for players: listeners, workers, log, files.
const RESERVED: u64 = 200;
/// Where the system names no limit.
const UNLIMITED: u64 = 1 << 20;

/// Raises the limit as far as the process may. The limit that holds then.
#[must_use]
pub fn raise_limit() -> u64 {
    #[cfg(unix)]
    if let Err(error) = rlimit::increase_nofile_limit(u64::MAX) {
        tracing::warn!(%error, "the limit on file descriptors stays as it is");
    }
    limit()
}

/// The limit that holds now.
#[must_use]
pub fn limit() -> u64 {
    #[cfg(unix)]
    if let Ok(limit) = rlimit::Resource::NOFILE.get_soft() {
        return limit.min(UNLIMITED);
    }
    UNLIMITED
}

/// How many players so many descriptors allow: each has a stream, and a moment's POST now and then. Browsers keep a
/// second connection for their POSTs; with those it is half as many.
#[must_use]
pub fn players_for(descriptors: u64) -> usize {
    usize::try_from(descriptors.saturating_sub(RESERVED)).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descriptors_bound_the_players() {
        assert_eq!(players_for(20_000), 19_800);
        assert_eq!(players_for(100), 0);
        assert!(limit() > 0);
    }
}
