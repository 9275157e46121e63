//! What follows from a call of the game, now that it is over: who goes and comes, what starts, what ends, and what the
//! members are told of it.

use sward_protocol::downstream::{Event, GoneWhy};
use sward_protocol::ids::Seat;

use super::{RoomCore, Told};
use crate::game::context::Outgoing;
use crate::game::{Audience, Game};
use crate::room::effect::Effect;

impl<G: Game> RoomCore<G> {
    /// Does what the game asked for during a call, now that the call is over.
    pub(super) fn settle(&mut self, now_ms: u64, effects: &mut Vec<Effect>) {
        self.seat_and_unseat(now_ms, effects);
        if self.controls.stage.is_starting && !self.controls.is_closing {
            self.start(now_ms, effects);
            self.seat_and_unseat(now_ms, effects);
        }
        if self.controls.is_closing {
            self.is_over = true;
            effects.push(Effect::Closed);
            return;
        }
        self.keep_time(now_ms);
        self.tell(effects);
    }

    /// Puts out and lets in whom the game wants out and in. Who is told of one may want the next: a game that never has
    /// enough is stopped by the bound on what it may do in one step.
    pub(super) fn seat_and_unseat(&mut self, now_ms: u64, effects: &mut Vec<Effect>) {
        while !self.controls.is_closing {
            if !self.controls.kicks.is_empty() {
                let (seat, detail) = self.controls.kicks.remove(0);
                let detail = Some(detail).filter(|detail| !detail.is_empty());
                self.vacate(seat, GoneWhy::Kicked, detail, now_ms, effects);
            } else if !self.controls.bots_out.is_empty() {
                let seat = self.controls.bots_out.remove(0);
                self.vacate(seat, GoneWhy::Left, None, now_ms, effects);
            } else if !self.controls.bots_in.is_empty() {
                let (name, me) = self.controls.bots_in.remove(0);
                self.seat_bot(name, me, now_ms, effects);
            } else {
                return;
            }
        }
    }

    /// Tells the members and the lists what changed of the room since they were told last.
    pub(super) fn tell(&mut self, effects: &mut Vec<Effect>) {
        let (now, told) = (self.standing(), self.told);
        let mut change = std::mem::take(&mut self.change);
        change.locked = (now.locked != told.locked).then_some(now.locked);
        change.phase = (now.phase != told.phase).then_some(now.phase);
        change.owner = (now.owner != told.owner).then_some(now.owner.unwrap_or(Seat::GAME));
        change.meta = (self.controls.meta != self.charter.meta).then(|| self.controls.meta.clone());
        if change.is_empty() {
            return;
        }
        self.told = now;
        self.charter.meta.clone_from(&self.controls.meta);
        effects.push(Effect::Changed(change.clone()));
        effects.push(Effect::Send(Outgoing::reliable(Audience::All, Event::Room(change))));
    }

    /// What the members are to be told of the room.
    pub(super) fn standing(&self) -> Told {
        let locked = self.controls.is_locked || self.is_closed_by_play();
        Told { locked, phase: self.phase(), owner: self.ownership.owner() }
    }
}
