//! What players want done with their room: its owner most of it.

use sward_protocol::downstream::GoneWhy;
use sward_protocol::ids::{PlayerId, Seat};
use sward_protocol::payload::Payload;
use sward_protocol::problem::{ErrorCode, MessageError};

use super::RoomCore;
use crate::game::Game;
use crate::game::context::Seated;
use crate::room::effect::Effect;
use crate::room::order::Order;

type Done = Result<(), MessageError>;

fn refuse<T>(code: ErrorCode, detail: &str) -> Result<T, MessageError> {
    Err(MessageError::new(code, detail))
}

impl<G: Game> RoomCore<G> {
    /// Does what a player orders, if he may.
    ///
    /// # Errors
    /// What he is told; nothing was changed then.
    pub(super) fn obey(
        &mut self,
        from: Seat,
        order: Order,
        now_ms: u64,
        effects: &mut Vec<Effect>,
    ) -> Result<Payload, MessageError> {
        if order.is_owners() && self.ownership.owner() != Some(from) {
            return refuse(ErrorCode::NotOwner, "only the room's owner may do this");
        }
        match order {
            Order::Lock => self.controls.is_locked = true,
            Order::Unlock if self.is_closed_by_play() => {
                return refuse(ErrorCode::AlreadyPlaying, "nobody joins before the game is over");
            }
            Order::Unlock => self.controls.is_locked = false,
            Order::Rename(name) => self.rename(name),
            Order::Resize(seats) => self.resize(seats, effects)?,
            Order::Meta(meta) => self.controls.meta = meta,
            Order::Kick { seat, detail } => {
                let whom = self.other(from, seat)?.id;
                self.put_out(whom, Some(seat), GoneWhy::Kicked, detail, now_ms, effects);
            }
            Order::Ban { seat, detail } => {
                let whom = self.other(from, seat)?.id;
                self.put_out(whom, Some(seat), GoneWhy::Banned, detail, now_ms, effects);
            }
            Order::Unban(id) => {
                self.bans.remove(id);
                effects.push(Effect::Banned(self.bans.clone()));
            }
            Order::Give(seat) => {
                if self.other(from, seat)?.bot {
                    return refuse(ErrorCode::BotSeat, "a bot owns no room");
                }
                self.ownership.give(seat);
            }
            Order::Start => {
                self.may_start()?;
                self.controls.stage.is_starting = true;
            }
            Order::Over => self.end_game()?,
            Order::Away | Order::Back => {
                if self.roster.set_keyboard(from, order == Order::Away) {
                    self.tell_presence(from, now_ms, effects);
                }
            }
        }
        self.settle(now_ms, effects);
        Ok(Payload::null())
    }

    /// Somebody else in the room.
    fn other(&self, from: Seat, seat: Seat) -> Result<&Seated, MessageError> {
        if from == seat {
            return refuse(ErrorCode::OwnSeat, "that is your own seat");
        }
        let nobody = || MessageError::new(ErrorCode::NoSuchSeat, format!("nobody sits on seat {seat}"));
        self.roster.seated().get(&seat).ok_or_else(nobody)
    }

    fn rename(&mut self, name: String) {
        if name != self.charter.name {
            self.change.name = Some(name.clone());
            self.charter.name = name;
        }
    }

    fn resize(&mut self, seats: u16, effects: &mut Vec<Effect>) -> Done {
        if seats == self.charter.max_players {
            return Ok(());
        }
        let most = self.settings.most_seats();
        if seats > most {
            return refuse(ErrorCode::BadMax, &format!("max_players is 1 to {most}"));
        }
        if !self.roster.resize(seats) {
            let detail = format!("{} players sit there", self.roster.count());
            return refuse(ErrorCode::BadMax, &detail);
        }
        self.charter.max_players = seats;
        self.change.max_players = Some(seats);
        effects.push(Effect::Occupied);
        Ok(())
    }

    fn end_game(&mut self) -> Done {
        if !self.settings.start.is_some_and(|rules| rules.owner_ends) {
            return refuse(ErrorCode::NotStartable, "this game is not ended by its players");
        }
        if self.controls.stage.seed.is_none() {
            return refuse(ErrorCode::NotPlaying, "the room is not playing");
        }
        (self.controls.stage.seed, self.controls.stage.is_held) = (None, false);
        Ok(())
    }

    /// Puts a player out, for good if he is banned.
    pub(super) fn put_out(
        &mut self,
        id: PlayerId,
        seat: Option<Seat>,
        why: GoneWhy,
        detail: Option<String>,
        now_ms: u64,
        effects: &mut Vec<Effect>,
    ) {
        let is_bot = seat.and_then(|seat| self.roster.seated().get(&seat)).is_some_and(|seated| seated.bot);
        // A bot never comes back as the one that it was.
        if why == GoneWhy::Banned && !is_bot {
            if self.bans.add(id) {
                effects.push(Effect::BanForgotten);
            }
            effects.push(Effect::Banned(self.bans.clone()));
        }
        if let Some(seat) = seat {
            self.vacate(seat, why, detail, now_ms, effects);
            self.settle(now_ms, effects);
        }
    }
}
