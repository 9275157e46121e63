//! Who comes, who goes, who is away.

use sward_protocol::downstream::{Away, Back, Event, Gone, GoneWhy, Here};
use sward_protocol::ids::Seat;
use sward_protocol::password::Password;
use sward_protocol::rooms::RoomChange;

use super::RoomCore;
use crate::game::context::Outgoing;
use crate::game::{Audience, Game};
use crate::room::effect::{Effect, Refusal};
use crate::room::input::Newcomer;

impl<G: Game> RoomCore<G> {
    /// Why a newcomer is turned away before anybody looks for a seat.
    pub(super) fn refusal(&mut self, newcomer: &Newcomer, now_ms: u64) -> Option<Refusal> {
        if self.bans.has(newcomer.id) {
            return Some(Refusal::Banned);
        }
        if newcomer.has_pass {
            return self.is_closed_by_play().then_some(Refusal::Locked);
        }
        self.password_refusal(newcomer.password.as_ref(), now_ms)
            .or_else(|| self.standing().locked.then_some(Refusal::Locked))
    }

    /// Whether he does not know the room's password. When too many did not, nobody is told for a while, not even who does:
    /// sessions cost nothing, so that the guesses of all together are what can be bounded.
    fn password_refusal(&mut self, offer: Option<&Password>, now_ms: u64) -> Option<Refusal> {
        let password = self.charter.password.as_ref()?;
        let Some(offer) = offer else { return Some(Refusal::PasswordWrong) };
        let mut guesses = self.guesses.clone();
        if let Err(retry_after_ms) = guesses.take(1, now_ms) {
            return Some(Refusal::TooManyGuesses { retry_after_ms });
        }
        if password.is(offer) {
            return None;
        }
        self.guesses = guesses;
        Some(Refusal::PasswordWrong)
    }

    pub(super) fn join(&mut self, newcomer: Newcomer, now_ms: u64, effects: &mut Vec<Effect>) {
        if let Some(refusal) = self.refusal(&newcomer, now_ms) {
            effects.push(Effect::Refused(refusal));
            return;
        }
        let gave_way = if self.settings.bots_yield { self.make_way(now_ms, effects) } else { None };
        let Newcomer { id, name, me, will, .. } = newcomer.clone();
        let Some(seat) = self.roster.admit(newcomer) else {
            effects.push(Effect::Refused(Refusal::Full));
            self.settle(now_ms, effects);
            return;
        };
        let before = (self.controls.clone(), self.ownership.clone());
        self.ownership.arrive(seat, id);
        let mut sent = Vec::new();
        self.controls.will = will;
        if let Err(refusal) = self.play(now_ms, &mut sent, |game, room| game.join(room, seat)) {
            self.roster.vacate(seat);
            (self.controls, self.ownership) = before;
            effects.push(Effect::Refused(Refusal::ByGame(refusal)));
            if let Some((name, me)) = gave_way {
                self.seat_bot(name, me, now_ms, effects);
            }
            self.settle(now_ms, effects);
            return;
        }
        self.controls.will = None;
        // The others hear `here` before anything that the game says of the newcomer; he hears `joined`, whose state
        // has all of it, before anything else.
        let here = Event::Here(Here { seat, id, name, me, bot: false });
        effects.push(Effect::Send(Outgoing::reliable(Audience::Except(seat), here)));
        self.tell_of_new_owner(seat, effects);
        effects.extend(sent.extract_if(.., |effect| matches!(effect, Effect::Shown { .. })));
        effects.push(Effect::Admitted(Box::new(self.joined(seat, now_ms))));
        for effect in &mut sent {
            // `joined` told him of the blobs.
            if let Effect::Send(Outgoing { audience, event: Event::Blob(_), .. }) = effect {
                *audience = Audience::Except(seat);
            }
        }
        effects.append(&mut sent);
        self.settle(now_ms, effects);
    }

    /// Whoever comes first owns the room: `joined` tells him so, and only others need an event for it.
    pub(super) fn tell_of_new_owner(&mut self, newcomer: Seat, effects: &mut Vec<Effect>) {
        let owner = self.ownership.owner();
        if self.told.owner == owner {
            return;
        }
        self.told.owner = owner;
        let change = RoomChange { owner: Some(owner.unwrap_or(Seat::GAME)), ..RoomChange::default() };
        effects.push(Effect::Changed(change.clone()));
        if self.roster.count() > 1 {
            effects.push(Effect::Send(Outgoing::reliable(Audience::Except(newcomer), Event::Room(change))));
        }
    }

    pub(super) fn vacate(
        &mut self,
        seat: Seat,
        why: GoneWhy,
        detail: Option<String>,
        now_ms: u64,
        effects: &mut Vec<Effect>,
    ) {
        let Some(leaver) = self.roster.vacate(seat) else { return };
        self.controls.timers.vacate(seat);
        self.ownership.depart(seat, &self.roster);
        effects.push(Effect::Vacated { seat, why, detail: detail.clone() });
        let gone = Event::Gone(Gone { seat, why, detail });
        effects.push(Effect::Send(Outgoing::reliable(Audience::All, gone)));
        self.leaver = Some(leaver);
        self.play(now_ms, effects, |game, room| game.leave(room, seat, why));
        self.leaver = None;
    }

    /// Tells all, and the game, that a player is away, or away for another reason than before, or back.
    pub(super) fn tell_presence(&mut self, seat: Seat, now_ms: u64, effects: &mut Vec<Effect>) {
        let Some(away) = self.roster.seated().get(&seat).map(|seated| seated.away) else { return };
        let event = match away {
            Some(why) => Event::Away(Away { seat, why }),
            None => Event::Back(Back { seat }),
        };
        effects.push(Effect::Send(Outgoing::reliable(Audience::All, event)));
        self.play(now_ms, effects, |game, room| match away {
            Some(why) => game.away(room, seat, why),
            None => game.back(room, seat),
        });
    }
}
