//! All sessions of this process. Hands out clones, never guards.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use dashmap::DashMap;
use sward_protocol::ids::{PlayerId, Token};

use super::Session;

/// How long a session's end is remembered, so that its stream's URL answers 204 and stops an EventSource.
pub const ENDED_MS_MAX: u64 = 600_000;
/// Ends that are remembered. When there are more, the oldest are forgotten early: their clients hear `session_unknown`.
pub const ENDED_MAX: usize = 65_536;

/// Sessions by their token.
#[derive(Debug)]
pub struct Registry {
    sessions: DashMap<Token, Arc<Session>>,
    ended: DashMap<Token, u64>,
    count: AtomicUsize,
    sessions_max: usize,
}

/// As many sessions as there may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the server has as many players as it may have")]
pub struct Full;

/// What a token stands for.
#[derive(Debug, Clone)]
pub enum Found {
    /// A session.
    Alive(Arc<Session>),
    /// One that ended within the last ten minutes.
    Ended,
    /// Nothing that this server remembers.
    Unknown,
}

impl Registry {
    /// No sessions yet, and never more than `sessions_max`.
    #[must_use]
    pub fn new(sessions_max: usize) -> Self {
        Self { sessions: DashMap::new(), ended: DashMap::new(), count: AtomicUsize::new(0), sessions_max }
    }

    /// Takes up a session.
    ///
    /// # Errors
    /// [`Full`].
    pub fn insert(&self, session: Arc<Session>) -> Result<(), Full> {
        // Counted before it is inserted: of many at once, none slips past the bound.
        if self.count.fetch_add(1, Ordering::Relaxed) >= self.sessions_max {
            self.count.fetch_sub(1, Ordering::Relaxed);
            return Err(Full);
        }
        self.sessions.insert(session.token(), session);
        Ok(())
    }

    /// What a token stands for.
    #[must_use]
    pub fn find(&self, token: Token) -> Found {
        if let Some(session) = self.sessions.get(&token) {
            return Found::Alive(Arc::clone(session.value()));
        }
        if self.ended.contains_key(&token) { Found::Ended } else { Found::Unknown }
    }

    /// A session is over. Whether it was there.
    pub fn remove(&self, token: Token, now_ms: u64) -> bool {
        self.ended.insert(token, now_ms);
        let removed = self.sessions.remove(&token).is_some();
        if removed {
            self.count.fetch_sub(1, Ordering::Relaxed);
        }
        removed
    }

    /// Sessions alive.
    #[must_use]
    pub fn count(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }

    /// The session of this player. Looks at all of them.
    #[must_use]
    pub fn find_player(&self, id: PlayerId) -> Option<Arc<Session>> {
        self.sessions
            .iter()
            .find(|session| session.player().id == id)
            .map(|session| Arc::clone(session.value()))
    }

    /// Everybody, as of now.
    #[must_use]
    pub fn all(&self) -> Vec<Arc<Session>> {
        self.sessions.iter().map(|session| Arc::clone(session.value())).collect()
    }

    /// Forgets ends that are old, and the oldest when there are too many.
    pub fn forget_ended(&self, now_ms: u64) {
        self.ended.retain(|_, ended_ms| now_ms.saturating_sub(*ended_ms) < ENDED_MS_MAX);
        let surplus = self.ended.len().saturating_sub(ENDED_MAX);
        if surplus > 0 {
            let mut ends: Vec<_> = self.ended.iter().map(|end| (*end.value(), *end.key())).collect();
            ends.sort_unstable_by_key(|&(ended_ms, _)| ended_ms);
            for (_, token) in ends.into_iter().take(surplus) {
                self.ended.remove(&token);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rate::{Rate, Rates};
    use crate::session::state::Patience;
    use sward_protocol::ids::{Epoch, NodeId, PlayerId};
    use sward_protocol::session::Player;

    fn token(number: u128) -> Token {
        Token::from_random(NodeId(0), number)
    }

    fn session(number: u128) -> Arc<Session> {
        let player = Player { id: PlayerId::from_random(NodeId(0), number), name: "Zoë".to_owned() };
        let patience = Patience { successor_ms: 1, silent_beats: 1, grace_ms: 1 };
        let rates =
            Rates { messages: Rate::new(1, 1, 0), bytes: Rate::new(1, 1, 0), calls: Rate::new(1, 1, 0) };
        Arc::new(Session::new(token(number), player, Epoch(1), patience, rates, 0, Arc::default()))
    }

    #[test]
    fn the_bound_holds_and_a_place_becomes_free_again() {
        let registry = Registry::new(2);
        assert!(registry.insert(session(1)).is_ok());
        assert!(registry.insert(session(2)).is_ok());
        assert_eq!(registry.insert(session(3)), Err(Full));
        assert!(registry.remove(token(1), 0));
        assert!(!registry.remove(token(1), 0));
        assert!(registry.insert(session(3)).is_ok());
        assert_eq!((registry.count(), registry.all().len()), (2, 2));
    }

    #[test]
    fn an_end_is_remembered_for_ten_minutes_within_bounds() {
        let registry = Registry::new(2);
        registry.remove(token(1), 0);
        assert!(matches!(registry.find(token(1)), Found::Ended));
        registry.forget_ended(ENDED_MS_MAX - 1);
        assert!(matches!(registry.find(token(1)), Found::Ended));
        registry.forget_ended(ENDED_MS_MAX);
        assert!(matches!(registry.find(token(1)), Found::Unknown));
        for number in 0..=ENDED_MAX as u128 {
            registry.remove(token(number), u64::try_from(number).unwrap());
        }
        registry.forget_ended(0);
        assert_eq!(registry.ended.len(), ENDED_MAX);
        assert!(matches!(registry.find(token(0)), Found::Unknown), "the oldest went");
    }
}
