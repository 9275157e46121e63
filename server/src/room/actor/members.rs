//! Who sits in the room: how sessions come to their seats, and leave them.

use std::sync::Arc;

use actix::{AsyncContext, Context};
use sward_protocol::downstream::{Event, Gone, GoneWhy, Joined};
use sward_protocol::ids::{PlayerId, Seat};
use sward_protocol::rooms::Seated;

use super::{Member, RoomActor};
use crate::fanout::encode::encode;
use crate::fanout::flush::Flush;
use crate::room::effect::{Effect, Refusal};
use crate::room::handle::RoomHandle;
use crate::room::input::{Entry, Input, Newcomer};
use crate::room::occupant::{Occupant, Stay};

impl RoomActor {
    pub(super) fn join(
        &mut self,
        occupant: &Arc<Occupant>,
        entry: Entry,
        ctx: &mut Context<Self>,
    ) -> Option<Result<Seated, Refusal>> {
        let member = self.members.values().find(|member| member.stay.player == occupant.player.id);
        if let Some(stay) = member.map(|member| member.stay) {
            if occupant.place().is_some_and(|place| place.stay == stay) {
                return Some(Ok(self.seated(stay.seat)));
            }
            // He has moved on, and back, before he was told to have left.
            self.leave(stay, GoneWhy::Moved, ctx);
        }
        let Entry { me, will, password, has_pass } = entry;
        let (id, name) = (occupant.player.id, occupant.player.name.clone());
        let newcomer = Newcomer { id, name, me, will, password, has_pass };
        let (mut outcome, mut lost_seat) = (None, None);
        for effect in self.step(Input::Join(newcomer), ctx)? {
            match effect {
                Effect::Admitted(joined) => {
                    let seat = joined.seat;
                    let Some(flush) = self.joined_flush(joined, ctx) else { break };
                    if self.admit(occupant, seat, &flush, ctx) {
                        outcome = Some(Ok(self.seated(seat)));
                    } else {
                        lost_seat = Some(seat);
                    }
                }
                Effect::Refused(refusal) => outcome = Some(Err(refusal)),
                other => self.deliver(other, ctx),
            }
        }
        if let Some(seat) = lost_seat {
            // Not before the others have heard all that followed from his coming: the room has done it.
            self.perform(Input::Leave { seat, why: GoneWhy::Left }, ctx);
            return None;
        }
        if occupant.is_away() {
            self.show_presence(occupant, ctx);
        }
        self.start_ticks(ctx);
        outcome
    }

    fn seated(&self, seat: Seat) -> Seated {
        Seated { room: self.core.info(), seat }
    }

    /// Seats the newcomer: room, session and stream agree from here on, in one step. False if his session has ended.
    fn admit(
        &mut self,
        occupant: &Arc<Occupant>,
        seat: Seat,
        joined: &Arc<Flush>,
        ctx: &mut Context<Self>,
    ) -> bool {
        // What the room said so far is in the newcomer's snapshot; he is not to hear it again.
        self.flush();
        let now_ms = self.now_ms();
        let (charter, intake, shelf) =
            (Arc::clone(&self.charter), Arc::clone(&self.intake), Arc::clone(&self.shelf));
        let handle = RoomHandle::new(charter, ctx.address(), intake, shelf, self.directory.clock());
        let sat = occupant.sit(handle, seat, joined, now_ms, &mut self.wakes);
        if sat.is_ok() {
            for warning in self.directory.warnings().standing_in(&self.charter.game, self.charter.id) {
                occupant.mailslot.post_own(warning, now_ms, &mut self.wakes);
            }
        }
        self.wakes.wake_all();
        let Ok((stay, before)) = sat else { return false };
        self.members.insert(seat, Member { occupant: Arc::clone(occupant), stay });
        self.has_humans = true;
        if let Some(before) = before {
            before.room.leave_soon(before.stay, GoneWhy::Moved);
        }
        true
    }

    /// `joined`, ready to be posted. `None` when the game's state is too large: the room has failed then.
    pub(super) fn joined_flush(
        &mut self,
        joined: Box<Joined>,
        ctx: &mut Context<Self>,
    ) -> Option<Arc<Flush>> {
        match encode(&Event::Joined(joined)) {
            Ok(encoded) => Some(Arc::new(Flush::of(encoded))),
            Err(error) => {
                tracing::warn!(room = %self.charter.id, %error, "the room cannot show its state; it is closed");
                self.directory.metrics().games.failed.inc();
                self.end(GoneWhy::Failed, ctx);
                None
            }
        }
    }

    pub(super) fn vacate(&mut self, seat: Seat, why: GoneWhy, detail: Option<String>) {
        self.flush();
        let Some(Member { occupant, stay }) = self.members.remove(&seat) else { return };
        let now_ms = self.now_ms();
        if let Ok(event) = encode(&Event::Gone(Gone { seat, why, detail })) {
            occupant.stand_up(stay, &Arc::new(Flush::of(event)), now_ms, &mut self.wakes);
        }
        self.wakes.wake_all();
    }

    pub(super) fn leave(&mut self, stay: Stay, why: GoneWhy, ctx: &mut Context<Self>) {
        if !self.is_member(stay) {
            return;
        }
        self.perform(Input::Leave { seat: stay.seat, why }, ctx);
    }

    /// Somebody is out, or a bot came: there may be a seat for others, or nobody left to tick for.
    pub(super) fn count(&mut self, ctx: &mut Context<Self>) {
        let seats = self.core.occupancy();
        self.directory.lobby().count(self.charter.id, seats);
        self.note_host();
        // Bots who come and go do not keep an empty room.
        if seats.humans == 0 && std::mem::take(&mut self.has_humans) {
            self.empty_since_ms = self.now_ms();
            if let Some(timer) = self.tick_timer.take() {
                ctx.cancel_future(timer);
            }
        }
    }

    pub(super) fn show_presence(&mut self, occupant: &Occupant, ctx: &mut Context<Self>) {
        let seat = self.members.values().find(|member| member.stay.player == occupant.player.id);
        if let Some(seat) = seat.map(|member| member.stay.seat) {
            self.perform(Input::Presence { seat, is_lost: occupant.is_away() }, ctx);
        }
    }

    /// Who speaks for the room: its owner, or the player on its lowest seat if nobody owns it.
    fn host(&self) -> Option<PlayerId> {
        let owner = self.members.get(&self.core.info().owner);
        owner.or_else(|| self.members.values().next()).map(|member| member.stay.player)
    }

    pub(super) fn note_host(&self) {
        self.directory.lobby().set_host(self.charter.id, self.host());
    }

    pub(super) fn is_member(&self, stay: Stay) -> bool {
        self.members.get(&stay.seat).is_some_and(|member| member.stay == stay)
    }
}
