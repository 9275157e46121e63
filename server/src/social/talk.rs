//! What players say to each other outside of rooms: in a lobby, and to one player.

use sward_protocol::downstream::Event;
use sward_protocol::ids::PlayerId;
use sward_protocol::problem::{ErrorCode, MessageError};
use sward_protocol::session::Player;
use sward_protocol::social::{Chat, ChatScope};

use super::hall::{Hall, Person, flush};
use crate::chat::{Line, Place};
use crate::fanout::wake::Wakes;

impl Hall {
    pub(super) fn say(&self, caller: &Person, line: Line, now_ms: u64) -> Result<(), MessageError> {
        let Line { place, text } = line;
        let player = caller.occupant.player.clone();
        match place {
            // The room's own business; it never comes here.
            Place::Room => Ok(()),
            Place::Lobby(game) => self.say_in_lobby(Some(game), player, text, now_ms),
            Place::Server => self.say_in_lobby(None, player, text, now_ms),
            Place::Player(to) => self.say_to(caller, to, text, now_ms),
        }
    }

    fn say_in_lobby(
        &self,
        game: Option<String>,
        player: Player,
        text: String,
        now_ms: u64,
    ) -> Result<(), MessageError> {
        let mut wakes = Wakes::default();
        let mut lobby = self.known_lobby(&game)?;
        if !lobby.feed.has(player.id) {
            return Err(MessageError::new(ErrorCode::NotInLobby, "watch it with sward.lobby first"));
        }
        let (scope, label) =
            if game.is_some() { (ChatScope::Lobby, "lobby") } else { (ChatScope::Server, "server") };
        let line = Chat { from: None, scope, text, player, game, to: None, time_ms: now_ms };
        lobby.feed.say(&line, now_ms).map_err(|wait_ms| self.too_much("lobby", wait_ms))?;
        self.metrics.social.chat_lines.with_label_values(&[label]).inc();
        if let Some(flush) = flush(&Event::Chat(line)) {
            self.post_all(&lobby, &flush, now_ms, &mut wakes);
        }
        drop(lobby);
        wakes.wake_all();
        Ok(())
    }

    fn say_to(&self, caller: &Person, to: PlayerId, text: String, now_ms: u64) -> Result<(), MessageError> {
        let player = caller.occupant.player.clone();
        if to == player.id {
            return Err(MessageError::new(ErrorCode::ToOneself, "to is your own id"));
        }
        let player_id = player.id;
        let hearer = self.someone(to)?;
        let (scope, to) = (ChatScope::Player, Some(hearer.occupant.player.clone()));
        let line = Chat { from: None, scope, text, player, game: None, to, time_ms: now_ms };
        {
            let mut own = hearer.own();
            own.heard.take(player_id, now_ms).map_err(|wait_ms| self.too_much("player", wait_ms))?;
            own.lines.push(line.clone());
        }
        caller.own().lines.push(line.clone());
        self.metrics.social.chat_lines.with_label_values(&["player"]).inc();
        let mut wakes = Wakes::default();
        if let Some(flush) = flush(&Event::Chat(line)) {
            self.post(&hearer.occupant, &flush, now_ms, &mut wakes);
            self.post(&caller.occupant, &flush, now_ms, &mut wakes);
        }
        wakes.wake_all();
        Ok(())
    }

    /// Somebody says more than one may.
    #[must_use]
    pub fn refuse_caller(&self, wait_ms: u64) -> MessageError {
        self.metrics.social.calls_refused.with_label_values(&["caller"]).inc();
        MessageError::new(ErrorCode::RateLimited, format!("you say too much to others; wait {wait_ms} ms"))
    }

    fn too_much(&self, what: &str, wait_ms: u64) -> MessageError {
        self.metrics.social.calls_refused.with_label_values(&[what]).inc();
        MessageError::new(ErrorCode::RateLimited, format!("so much is said there; wait {wait_ms} ms"))
    }
}
