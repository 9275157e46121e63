//! Lobbies in the hall: who watches them, what he is shown when he comes, and what he is told then.

use std::sync::{Arc, MutexGuard};

use sward_protocol::downstream::Event;
use sward_protocol::ids::PlayerId;
use sward_protocol::limits::{LOBBIES_WATCHED_MAX, LOBBY_ROOMS_MAX};
use sward_protocol::problem::{ErrorCode, MessageError};
use sward_protocol::social::{LobbyCounts, Watch};

use super::hall::{Hall, Person, Watched, flush, locked};
use crate::fanout::flush::Flush;
use crate::fanout::wake::Wakes;

impl Hall {
    pub(super) fn tell_news(&self, lobby: &mut Watched, now_ms: u64, wakes: &mut Wakes) {
        if !lobby.feed.may_tell(now_ms) {
            return;
        }
        let counts = self.counts(lobby.feed.game());
        let news = if lobby.feed.has_overflown() {
            self.metrics.social.lobby_overflows.inc();
            let page = self.directory.lobby().page(lobby.feed.game(), None, LOBBY_ROOMS_MAX);
            Some(lobby.feed.all(page, counts, now_ms))
        } else {
            let rooms = self.directory.lobby();
            lobby.feed.news(counts, now_ms, |id| rooms.listed(id))
        };
        if let Some(flush) = news.and_then(|news| flush(&Event::Lobby(Box::new(news)))) {
            self.post_all(lobby, &flush, now_ms, wakes);
        }
    }

    pub(super) fn watch(&self, caller: &Person, watch: Watch, now_ms: u64) -> Result<(), MessageError> {
        let Watch { game, watch } = watch;
        let player = &caller.occupant.player;
        let mut wakes = Wakes::default();
        {
            let mut own = caller.own();
            let mut lobby = self.known_lobby(&game)?;
            if !watch {
                if own.watched.remove(&game) {
                    self.leave_locked(&mut lobby, player.id);
                }
                return Ok(());
            }
            if own.has_ended || own.watched.contains(&game) {
                return Ok(());
            }
            if own.watched.len() >= LOBBIES_WATCHED_MAX {
                let detail = format!("at most {LOBBIES_WATCHED_MAX} at once");
                return Err(MessageError::new(ErrorCode::TooManyLobbies, detail));
            }
            lobby.feed.enter(player.clone());
            lobby.readers.insert(player.id, Arc::clone(&caller.occupant));
            self.metrics.social.lobby_watchers.inc();
            if let Some(snapshot) = self.snapshot(&mut lobby, now_ms) {
                self.post(&caller.occupant, &snapshot, now_ms, &mut wakes);
            }
            own.watched.insert(game);
        }
        wakes.wake_all();
        Ok(())
    }

    pub(super) fn leave(&self, game: &Option<String>, player: PlayerId) {
        if let Some(mut lobby) = self.lobby(game) {
            self.leave_locked(&mut lobby, player);
        }
    }

    fn leave_locked(&self, lobby: &mut Watched, player: PlayerId) {
        lobby.readers.remove(&player);
        if lobby.feed.leave(player) {
            self.metrics.social.lobby_watchers.dec();
        }
    }

    /// What one who comes to this lobby now has to know, encoded once for all who come before it changes.
    pub(super) fn snapshot(&self, lobby: &mut Watched, now_ms: u64) -> Option<Arc<Flush>> {
        if let Some(snapshot) = lobby.feed.snapshot() {
            return Some(Arc::clone(snapshot));
        }
        let game = lobby.feed.game().map(str::to_owned);
        let page = match &game {
            Some(game) => self.directory.lobby().page(Some(game), None, LOBBY_ROOMS_MAX),
            None => (Vec::new(), None),
        };
        let shown = lobby.feed.shown(page, self.counts(game.as_deref()), now_ms);
        let snapshot = flush(&Event::Lobby(Box::new(shown)))?;
        lobby.feed.keep_snapshot(Arc::clone(&snapshot));
        Some(snapshot)
    }

    fn counts(&self, game: Option<&str>) -> LobbyCounts {
        let rooms = self.directory.lobby().counts(game);
        LobbyCounts { online: self.people.len() as u64, ..rooms }
    }

    pub(super) fn known_lobby(&self, game: &Option<String>) -> Result<MutexGuard<'_, Watched>, MessageError> {
        let unknown = || MessageError::new(ErrorCode::UnknownGame, "this server does not run that game");
        self.lobby(game).ok_or_else(unknown)
    }

    pub(super) fn lobby(&self, game: &Option<String>) -> Option<MutexGuard<'_, Watched>> {
        self.lobbies.get(game).map(locked)
    }

    pub(super) fn post_all(&self, lobby: &Watched, flush: &Arc<Flush>, now_ms: u64, wakes: &mut Wakes) {
        for reader in lobby.readers.values() {
            self.post(reader, flush, now_ms, wakes);
        }
    }
}
