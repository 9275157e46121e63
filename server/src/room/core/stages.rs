//! The game's start and end, and its clock when it stands still.

use sward_protocol::downstream::{Event, Start};
use sward_protocol::limits::INTEGER_END;
use sward_protocol::problem::{ErrorCode, MessageError};
use sward_protocol::rooms::Phase;

use super::RoomCore;
use crate::game::context::Outgoing;
use crate::game::{Audience, Game, StartRules};
use crate::room::effect::Effect;

impl<G: Game> RoomCore<G> {
    /// Whether the room plays. It follows from who is there and what the game wants, so that no change of either can be
    /// missed.
    pub(super) fn phase(&self) -> Phase {
        if self.controls.stage.seed.is_none() {
            return Phase::Open;
        }
        let lacks_somebody = self.settings.pauses_on_away && self.roster.anyone_away();
        if self.controls.stage.is_held || lacks_somebody { Phase::Paused } else { Phase::Playing }
    }

    /// Whether nobody else is let in because the room plays.
    pub(super) fn is_closed_by_play(&self) -> bool {
        self.controls.stage.seed.is_some() && self.settings.start.is_some_and(|rules| !rules.lets_in)
    }

    /// Whether the owner may start the game now.
    ///
    /// # Errors
    /// Why not.
    pub(super) fn may_start(&self) -> Result<(), MessageError> {
        let refuse = |code, detail: &str| Err(MessageError::new(code, detail));
        let Some(StartRules { min_players, needs_all, .. }) = self.settings.start else {
            return refuse(ErrorCode::NotStartable, "this game is not started by its players");
        };
        if self.controls.stage.seed.is_some() {
            return refuse(ErrorCode::AlreadyPlaying, "the room is playing already");
        }
        if self.roster.count() < min_players {
            let detail = format!("the game needs {min_players} players");
            return refuse(ErrorCode::TooFewPlayers, &detail);
        }
        if needs_all && self.roster.anyone_away() {
            return refuse(ErrorCode::SomebodyAway, "somebody is away");
        }
        Ok(())
    }

    /// Begins to play: all are told the seed before the game says anything. A game that is over again at once has been
    /// started once; what it asks for meanwhile cannot start it again, or it might never end.
    pub(super) fn start(&mut self, now_ms: u64, effects: &mut Vec<Effect>) {
        let seed = self.random.next_u64() % INTEGER_END;
        self.controls.stage.seed = Some(seed);
        effects.push(Effect::Send(Outgoing::reliable(Audience::All, Event::Start(Start { seed }))));
        self.tell(effects);
        self.play(now_ms, effects, |game, room| game.start(room, seed));
        self.controls.stage.is_starting = false;
    }

    /// Stops the game's clock when the room is paused, and lets it go on from there.
    pub(super) fn keep_time(&mut self, now_ms: u64) {
        if self.phase() == Phase::Paused {
            self.controls.stage.paused_since_ms.get_or_insert(now_ms);
        } else if let Some(since_ms) = self.controls.stage.paused_since_ms.take() {
            self.controls.timers.delay(now_ms.saturating_sub(since_ms));
        }
    }
}
