//! The game's own players: they sit like any other, and nobody is behind them.

use sward_protocol::downstream::{Event, GoneWhy, Here};
use sward_protocol::ids::PlayerId;
use sward_protocol::payload::Payload;

use super::RoomCore;
use crate::game::context::Outgoing;
use crate::game::{Audience, Game};
use crate::room::effect::Effect;

impl<G: Game> RoomCore<G> {
    /// Seats a bot as a newcomer is seated, if a seat is free and the game lets him in.
    pub(super) fn seat_bot(&mut self, name: String, me: Payload, now_ms: u64, effects: &mut Vec<Effect>) {
        let bits = u128::from(self.random.next_u64()) << 64 | u128::from(self.random.next_u64());
        let id = PlayerId::from_random(self.charter.id.node(), bits);
        let Some(seat) = self.roster.admit_bot(id, name.clone(), me.clone()) else { return };
        let before = self.controls.clone();
        let mut sent = Vec::new();
        if self.play(now_ms, &mut sent, |game, room| game.join(room, seat)).is_err() {
            self.roster.vacate(seat);
            self.controls = before;
            return;
        }
        let here = Event::Here(Here { seat, id, name, me, bot: true });
        effects.push(Effect::Send(Outgoing::reliable(Audience::All, here)));
        effects.append(&mut sent);
        effects.push(Effect::Occupied);
    }

    /// Has the bot leave who came last, if it takes that to seat a human: his name and own data.
    pub(super) fn make_way(&mut self, now_ms: u64, effects: &mut Vec<Effect>) -> Option<(String, Payload)> {
        let bot = self.roster.last_bot().filter(|_| self.roster.count() >= self.charter.max_players)?;
        let seated = self.roster.seated().get(&bot).map(|bot| (bot.name.clone(), bot.me.clone()));
        self.vacate(bot, GoneWhy::Left, None, now_ms, effects);
        seated
    }
}
