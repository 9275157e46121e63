//! Invitations and knocks in the hall: who may ask whom, what both sides hear, and the pass that lets the guest in.

use std::sync::{Arc, MutexGuard, PoisonError};

use sward_protocol::downstream::Event;
use sward_protocol::ids::{PlayerId, RoomId};
use sward_protocol::limits::{ASK_TIME, PASS_TIME};
use sward_protocol::payload::Payload;
use sward_protocol::problem::{ErrorCode, MessageError};
use sward_protocol::social::{Ask, AskAnswer, AskState, Asked, Invite, Knock, Withdraw};

use super::asks::{Asks, Kind, Open, Refused};
use super::hall::{Hall, Person, flush, refuse, reply};
use crate::clock::whole_ms;
use crate::entropy;
use crate::fanout::wake::Wakes;
use crate::room::admission::checked_code;
use crate::room::occupant::Occupant;

impl Hall {
    pub(super) fn invite(
        &self,
        caller: &Person,
        invite: Invite,
        now_ms: u64,
    ) -> Result<Payload, MessageError> {
        let host = &caller.occupant;
        let place =
            host.place().ok_or_else(|| refuse(ErrorCode::NotInRoom, "you have no room to invite to"))?;
        let room = place.room.charter().id;
        if self.host_of(room) != Some(host.player.id) {
            return Err(refuse(
                ErrorCode::NotHost,
                "the room's owner invites; in a room without one, the player on its lowest seat",
            ));
        }
        if invite.to == host.player.id {
            return Err(refuse(ErrorCode::ToOneself, "to is your own id"));
        }
        let guest = self.someone(invite.to)?;
        self.ask(Kind::Invite, room, host, &guest.occupant, now_ms)
    }

    pub(super) fn knock(&self, caller: &Person, knock: &Knock, now_ms: u64) -> Result<Payload, MessageError> {
        let room = match (knock.room, &knock.code) {
            (Some(room), _) => Some(room),
            (None, Some(code)) => {
                let code = checked_code(code).map_err(|bad| refuse(ErrorCode::BadCode, &bad.to_string()))?;
                self.directory.find_code(&code).map(|room| room.charter().id)
            }
            (None, None) => return Err(refuse(ErrorCode::BadPayload, "either room or code is needed")),
        };
        let gone = || refuse(ErrorCode::RoomNotFound, "there is no such room");
        let room = room.ok_or_else(gone)?;
        // A room whose first player is still on his way has nobody yet who could answer.
        let host = self.host_of(room).and_then(|host| self.person(host)).ok_or_else(gone)?;
        self.ask(Kind::Knock, room, &host.occupant, &caller.occupant, now_ms)
    }

    fn ask(
        &self,
        kind: Kind,
        room: RoomId,
        host: &Occupant,
        guest: &Occupant,
        now_ms: u64,
    ) -> Result<Payload, MessageError> {
        if guest.place().is_some_and(|place| place.room.charter().id == room) {
            return Err(refuse(ErrorCode::AlreadyInRoom, "the guest sits there already"));
        }
        if self.directory.lobby().is_banned(room, guest.player.id) {
            return Err(refuse(ErrorCode::Banned, "the guest is banned from this room"));
        }
        let info = self.directory.lobby().room(room);
        let info = info.ok_or_else(|| refuse(ErrorCode::RoomNotFound, "there is no such room"))?;
        if self.matching().is_being_matched(host.player.id) {
            let detail = "the room is that of a match, and not all of its players are there yet";
            return Err(refuse(ErrorCode::RoomLocked, detail));
        }
        let pass = format!("{:032x}", entropy::bits());
        let mut asks = self.asks();
        self.check_alive(host.player.id)?;
        self.check_alive(guest.player.id)?;
        let open = asks.ask(kind, info, host.player.clone(), guest.player.clone(), pass, now_ms);
        let open = open.map_err(|refused| match (refused, kind) {
            (Refused::Lately { wait_ms }, _) => {
                self.metrics.social.calls_refused.with_label_values(&["asked_lately"]).inc();
                refuse(ErrorCode::AskedLately, &format!("that came to nothing; wait {wait_ms} ms"))
            }
            (Refused::HostBusy, _) => refuse(ErrorCode::HostBusy, "too many knock there; try again later"),
            (Refused::Pending, Kind::Invite) => refuse(ErrorCode::InvitePending, "he is invited already"),
            (Refused::Pending, Kind::Knock) => refuse(ErrorCode::KnockPending, "you knock already"),
        })?;
        if kind == Kind::Invite {
            let (player, pass) = (open.guest.id, open.pass.clone());
            self.directory.passes().issue(player, room, pass, open.expires_ms);
        }
        self.tell_both(&open, AskState::Asked, now_ms);
        drop(asks);
        reply(&Asked { id: open.id, expires_ms: open.expires_ms })
    }

    pub(super) fn answer(
        &self,
        caller: &Person,
        answer: AskAnswer,
        now_ms: u64,
    ) -> Result<Payload, MessageError> {
        let mut asks = self.asks();
        let open = asks.answer(answer.id, caller.occupant.player.id).ok_or_else(no_such_ask)?;
        let room = open.room.id;
        // Who was the host when the guest knocked may have left since.
        if answer.accept && open.kind == Kind::Knock && self.host_of(room) != Some(open.host.id) {
            self.tell_both(&open, AskState::Withdrawn, now_ms);
            return Err(refuse(ErrorCode::NotHost, "another player speaks for that room now"));
        }
        if answer.accept {
            let until_ms = now_ms + whole_ms(PASS_TIME);
            self.directory.passes().issue(open.guest.id, room, open.pass.clone(), until_ms);
            self.tell_both(&open, AskState::Accepted, now_ms);
        } else {
            asks.rest(&open, now_ms + whole_ms(ASK_TIME));
            self.end(&open, AskState::Refused, now_ms);
        }
        Ok(Payload::null())
    }

    pub(super) fn withdraw(
        &self,
        caller: &Person,
        withdraw: Withdraw,
        now_ms: u64,
    ) -> Result<Payload, MessageError> {
        let mut asks = self.asks();
        let open = asks.withdraw(withdraw.id, caller.occupant.player.id).ok_or_else(no_such_ask)?;
        // Or he might ask and withdraw all the time.
        asks.rest(&open, open.expires_ms);
        self.end(&open, AskState::Withdrawn, now_ms);
        Ok(Payload::null())
    }

    /// The player came into this room: if he was invited there, he has accepted; if he knocked there, he needs no answer.
    pub fn came_in(&self, player: PlayerId, room: RoomId, now_ms: u64) {
        let mut asks = self.asks();
        self.directory.passes().came_in(player, room);
        let about = |open: &&&Open| open.guest.id == player && open.room.id == room;
        let ids: Vec<_> = asks.of(player).iter().filter(about).map(|open| (open.id, open.kind)).collect();
        for (id, kind) in ids {
            let open = match kind {
                Kind::Invite => asks.answer(id, player),
                Kind::Knock => asks.withdraw(id, player),
            };
            if let Some(open) = open {
                let state = if kind == Kind::Invite { AskState::Accepted } else { AskState::Withdrawn };
                self.tell_both(&open, state, now_ms);
            }
        }
    }

    /// Ends what nobody answered in time.
    pub(super) fn expire_asks(&self, now_ms: u64) {
        let mut asks = self.asks();
        for open in asks.expire(now_ms) {
            self.end(&open, AskState::Expired, now_ms);
        }
        self.metrics.social.asks.set(i64::try_from(asks.count()).unwrap_or(i64::MAX));
    }

    /// A session is over: nobody is asked by it, or has to answer it, any more.
    pub(super) fn forget_asks(&self, player: PlayerId, now_ms: u64) {
        let mut asks = self.asks();
        for open in asks.forget(player) {
            self.end(&open, AskState::Withdrawn, now_ms);
        }
        self.directory.passes().forget(player);
    }

    /// Tells one player of all that waits for him. How many bytes that were.
    pub(super) fn show_asks(&self, occupant: &Occupant, now_ms: u64, wakes: &mut Wakes) -> u32 {
        let asks = self.asks();
        let open = asks.of(occupant.player.id).into_iter();
        open.map(|open| self.tell(open, AskState::Asked, occupant, now_ms, wakes)).sum()
    }

    fn end(&self, open: &Open, state: AskState, now_ms: u64) {
        self.directory.passes().revoke(open.guest.id, &open.pass);
        self.tell_both(open, state, now_ms);
    }

    fn tell_both(&self, open: &Open, state: AskState, now_ms: u64) {
        let mut wakes = Wakes::default();
        for player in [open.host.id, open.guest.id] {
            if let Some(person) = self.person(player) {
                self.tell(open, state, &person.occupant, now_ms, &mut wakes);
            }
        }
        wakes.wake_all();
    }

    fn tell(&self, open: &Open, state: AskState, to: &Occupant, now_ms: u64, wakes: &mut Wakes) -> u32 {
        let Open { id, kind, room, host, guest, expires_ms, pass } = open.clone();
        let is_for_guest = to.player.id == guest.id;
        let has_pass = match state {
            AskState::Asked => kind == Kind::Invite,
            AskState::Accepted => true,
            _ => false,
        };
        let pass = (is_for_guest && has_pass).then_some(pass);
        let ask = Box::new(Ask { id, state, room, host, guest, expires_ms, pass });
        let event = if kind == Kind::Invite { Event::Invite(ask) } else { Event::Knock(ask) };
        flush(&event).map_or(0, |flush| self.post(to, &flush, now_ms, wakes))
    }

    fn host_of(&self, room: RoomId) -> Option<PlayerId> {
        self.directory.lobby().host(room)
    }

    fn asks(&self) -> MutexGuard<'_, Asks> {
        // Nothing under this lock panics half-way through a change that matters.
        self.asks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn someone(&self, player: PlayerId) -> Result<Arc<Person>, MessageError> {
        self.person(player)
            .ok_or_else(|| refuse(ErrorCode::NoSuchPlayer, "nobody with this id has a session"))
    }
}

fn no_such_ask() -> MessageError {
    refuse(ErrorCode::NoSuchAsk, "it is answered, expired or withdrawn, or was never yours to say")
}
