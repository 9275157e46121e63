//! The room as a hash, for recordings.

use sward_protocol::payload::Payload;

use super::{RoomCore, shown};
use crate::game::Game;
use crate::room::recording::digest::Digest;

impl<G: Game> RoomCore<G> {
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
