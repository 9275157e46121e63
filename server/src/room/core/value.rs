//! The room as a value, and back; as a hash, for recordings.

use sward_protocol::payload::Payload;

use super::{Charter, RoomCore, shown};
use crate::game::{Game, SaveError};
use crate::room::recording::digest::Digest;
use crate::room::roster::Roster;
use crate::room::saved::SavedRoom;

impl<G: Game> RoomCore<G> {
    /// The room that was saved.
    ///
    /// # Errors
    /// [`SaveError`]: the game does not support it, or this is none of its rooms.
    pub fn restore(saved: SavedRoom) -> Result<Self, SaveError> {
        let game = G::restore(&saved.state)?;
        let (charter, settings) = (saved.charter(), game.settings());
        let SavedRoom {
            max_players,
            players,
            arrivals,
            keyboard,
            ownership,
            bans,
            guesses,
            chat,
            timers,
            blobs,
            random,
            ..
        } = saved;
        let mut core = Self::new(charter, game, settings, random);
        core.roster = Roster::restored(max_players, players, arrivals, keyboard);
        (core.ownership, core.bans, core.guesses, core.chat) = (ownership, bans, guesses, chat);
        let controls = &mut core.controls;
        (controls.timers, controls.is_locked, controls.stage) = (timers, saved.locked, saved.stage);
        controls.blobs.restore(blobs);
        core.told = core.standing();
        Ok(core)
    }

    /// The room as a value, with what its game saved.
    pub(super) fn saved(&self, state: Payload) -> SavedRoom {
        let Charter { id, game, code, name, private, password, creator, standing, meta, max_players } =
            self.charter.clone();
        SavedRoom {
            id,
            game,
            code,
            name,
            private,
            password,
            creator,
            standing,
            meta,
            max_players,
            ownership: self.ownership.clone(),
            bans: self.bans.clone(),
            guesses: self.guesses.clone(),
            locked: self.controls.is_locked,
            stage: self.controls.stage.clone(),
            players: self.roster.members(),
            arrivals: self.roster.arrivals().to_vec(),
            keyboard: self.roster.keyboard().clone(),
            chat: self.chat.clone(),
            timers: self.controls.timers.clone(),
            blobs: self.controls.blobs.by_name().clone(),
            random: self.random.clone(),
            state,
        }
    }

    /// Takes up all that the room is. Of a game that cannot be saved, this is what its players are shown, and everybody if
    /// it is public.
    pub(super) fn hashed(&self, digest: &mut Digest) {
        if let Ok(state) = self.game.save() {
            digest.value(&self.saved(state));
            return;
        }
        digest.value(&self.saved(Payload::null()));
        for &seat in self.roster.seated().keys() {
            digest.value(&self.state(seat));
        }
        if self.settings.public.is_some() {
            digest.value(&shown(&self.game.public_state()));
        }
    }
}
