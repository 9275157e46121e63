//! The room as a value, and as a hash: for recordings.

use sward_protocol::payload::Payload;

use super::{Charter, RoomCore, shown};
use crate::game::Game;
use crate::room::recording::digest::Digest;
use crate::room::saved::SavedRoom;

impl<G: Game> RoomCore<G> {
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
