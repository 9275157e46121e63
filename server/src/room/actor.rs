//! The shell around a room: its mailbox, its timers, and delivery.

mod alarm;
mod rhythm;
mod shown;

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, ActorContext, AsyncContext, Context, Handler, SpawnHandle};
use sward_protocol::bye::CloseCode;
use sward_protocol::downstream::{Event, Gone, GoneWhy, Joined};
use sward_protocol::ids::{PlayerId, Seat};
use sward_protocol::operator::RoomInside;
use sward_protocol::rooms::{RoomView, Seated};
use sward_protocol::upstream::Message;
use tokio::sync::oneshot;

use super::core::{Charter, RoomStep};
use super::directory::{Directory, Reservation};
use super::effect::{Effect, Refusal};
use super::gallery::Gallery;
use super::handle::{Completion, NotShown, RoomHandle};
use super::input::{Entry, Input, Newcomer};
use super::intake::{Intake, Permit, STEP_SLOW_MS};
use super::occupant::{Occupant, Stay};
use crate::clock::whole_ms;
use crate::fanout::encode::encode;
use crate::fanout::flush::{Flush, FlushWriter};
use crate::fanout::mailslot::Mailslot;
use crate::fanout::wake::Wakes;
use crate::game::Settings;

/// The actor library's own bound, above all that [`intake`](super::intake) lets in: it would hold back nobody, but cost
/// memory for each sender past it.
const MAILBOX_CAPACITY: usize = 1 << 16;
/// How often a room looks whether it has been empty for too long: twice in that time, and not more or less often than
/// this.
const EMPTY_LOOK_MIN: Duration = Duration::from_millis(50);
const EMPTY_LOOK_MAX: Duration = Duration::from_millis(5000);
/// How often the log has a room whose game is slow.
const SLOW_TOLD_EVERY_MS: u64 = 10_000;

/// What a room is told by the shell.
#[derive(Debug)]
pub enum Command {
    /// Somebody wants a seat.
    Join {
        /// Who.
        occupant: Arc<Occupant>,
        /// What he brings.
        entry: Box<Entry>,
        /// The seat that is held for him.
        reservation: Reservation,
        /// Told the outcome.
        answer: oneshot::Sender<Result<Seated, Refusal>>,
        /// Its place in the room's intake, given back when it was handled.
        _permit: Permit,
    },
    /// A stay ends.
    Leave {
        /// Which.
        stay: Stay,
        /// Why.
        why: GoneWhy,
        /// Told when the seat is free.
        answer: Option<oneshot::Sender<()>>,
    },
    /// A player was lost or heard from again.
    Presence {
        /// Whose.
        stay: Stay,
    },
    /// A player's messages.
    Batch {
        /// Whose.
        stay: Stay,
        /// In order.
        messages: Vec<Message>,
        /// Told what became of them.
        done: Completion,
        /// Its place in the room's intake, given back when it was handled.
        _permit: Permit,
    },
    /// A player needs `joined` anew.
    Resync {
        /// Who.
        stay: Stay,
    },
    /// Somebody wants to see the room as everybody may.
    View {
        /// Told the room.
        answer: oneshot::Sender<Result<RoomView, NotShown>>,
        /// Its place in the room's intake.
        _permit: Permit,
    },
    /// Somebody wants to watch.
    Watch {
        /// Where his events go.
        mailslot: Arc<Mailslot>,
        /// Told whether he may.
        answer: oneshot::Sender<Result<(), NotShown>>,
        /// Its place in the room's intake.
        _permit: Permit,
    },
    /// The operator puts somebody out.
    Kick {
        /// Whom.
        player: PlayerId,
        /// Kicked or banned.
        why: GoneWhy,
        /// What he is told.
        detail: String,
        /// Told whether he sat there.
        answer: oneshot::Sender<bool>,
    },
    /// The operator looks inside.
    Inspect {
        /// Told who sits there.
        answer: oneshot::Sender<RoomInside>,
    },
    /// The operator ends the room.
    Close {
        /// Told when it is done.
        answer: oneshot::Sender<()>,
    },
}

impl actix::Message for Command {
    type Result = ();
}

struct Member {
    occupant: Arc<Occupant>,
    stay: Stay,
}

/// One room.
pub struct RoomActor {
    core: Box<dyn RoomStep>,
    settings: Settings,
    charter: Arc<Charter>,
    directory: Arc<Directory>,
    members: BTreeMap<Seat, Member>,
    intake: Arc<Intake>,
    pending: FlushWriter,
    /// Whether somebody reads MessagePack, when it was last written.
    reads_packed: bool,
    flushed_ms: u64,
    flush_timer: Option<SpawnHandle>,
    tick_timer: Option<SpawnHandle>,
    tick_due_ms: u64,
    alarm: Option<SpawnHandle>,
    alarm_ms: Option<u64>,
    slow_told_ms: Option<u64>,
    has_ended: bool,
    has_humans: bool,
    empty_since_ms: u64,
    gallery: Gallery,
    gallery_timer: Option<SpawnHandle>,
    wakes: Wakes,
}

impl RoomActor {
    /// Starts a room on the current thread.
    pub(super) fn open(core: Box<dyn RoomStep>, directory: Arc<Directory>) -> RoomHandle {
        let charter = Arc::new(core.charter().clone());
        let clock = directory.clock();
        let now_ms = clock.now_ms();
        let intake = Arc::new(Intake::new(now_ms));
        let mut settings = core.settings();
        if charter.password.is_some() {
            // Who needs it to get in needs it to see.
            settings.public = None;
        }
        let actor = Self {
            settings,
            core,
            charter: Arc::clone(&charter),
            directory,
            members: BTreeMap::new(),
            intake: Arc::clone(&intake),
            pending: FlushWriter::default(),
            reads_packed: false,
            flushed_ms: 0,
            flush_timer: None,
            tick_timer: None,
            tick_due_ms: now_ms,
            alarm: None,
            alarm_ms: None,
            slow_told_ms: None,
            has_ended: false,
            has_humans: false,
            empty_since_ms: now_ms,
            gallery: Gallery::new(settings.public.map_or(0, whole_ms)),
            gallery_timer: None,
            wakes: Wakes::default(),
        };
        RoomHandle::new(charter, actor.start(), intake, clock)
    }

    fn now_ms(&self) -> u64 {
        self.directory.clock().now_ms()
    }

    /// Steps the core, and sees to its next timer. `None` when its game panicked: the room has failed then, and is closed;
    /// or when it was closed before.
    fn step(&mut self, input: Input, ctx: &mut Context<Self>) -> Option<Vec<Effect>> {
        if self.has_ended {
            return None;
        }
        let now_ms = self.now_ms();
        let mut effects = Vec::new();
        let core = &mut self.core;
        self.intake.begin_step(now_ms);
        // Whatever state the panic left behind is never looked at again.
        let outcome = catch_unwind(AssertUnwindSafe(|| core.step(input, now_ms, &mut effects)));
        self.intake.end_step();
        self.note_slow_step(now_ms);
        match outcome {
            Ok(()) => {
                self.set_alarm(ctx);
                Some(effects)
            }
            Err(panic) => {
                let said = panic.downcast_ref::<&str>().copied();
                let said =
                    said.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or_default();
                let Charter { id, game, .. } = &*self.charter;
                tracing::warn!(room = %id, %game, said, "the game panicked; the room is closed");
                self.directory.metrics().rooms_failed.inc();
                self.end(GoneWhy::Failed, ctx);
                None
            }
        }
    }

    /// The thread has other rooms, and the connections of players: an operator should know which game keeps them waiting.
    fn note_slow_step(&mut self, began_ms: u64) {
        let now_ms = self.now_ms();
        let took_ms = now_ms.saturating_sub(began_ms);
        if took_ms < STEP_SLOW_MS {
            return;
        }
        self.directory.metrics().steps_slow.inc();
        if self.slow_told_ms.is_none_or(|told_ms| now_ms - told_ms >= SLOW_TOLD_EVERY_MS) {
            self.slow_told_ms = Some(now_ms);
            let Charter { id, game, .. } = &*self.charter;
            tracing::warn!(room = %id, %game, took_ms, "the game keeps its thread waiting");
        }
    }

    fn join(
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
        let mut outcome = None;
        for effect in self.step(Input::Join(newcomer), ctx)? {
            match effect {
                Effect::Admitted(joined) => {
                    let seat = joined.seat;
                    self.admit(occupant, *joined, ctx)?;
                    outcome = Some(Ok(self.seated(seat)));
                }
                Effect::Refused(refusal) => outcome = Some(Err(refusal)),
                other => self.deliver(other, ctx),
            }
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

    /// Seats the newcomer: room, session and stream agree from here on, in one step.
    fn admit(&mut self, occupant: &Arc<Occupant>, joined: Joined, ctx: &mut Context<Self>) -> Option<()> {
        // What the room said so far is in the newcomer's snapshot; he is not to hear it again.
        self.flush();
        let seat = joined.seat;
        let flush = self.joined_flush(joined, ctx)?;
        let now_ms = self.now_ms();
        let (charter, intake) = (Arc::clone(&self.charter), Arc::clone(&self.intake));
        let handle = RoomHandle::new(charter, ctx.address(), intake, self.directory.clock());
        let sat = occupant.sit(handle, seat, &flush, now_ms, &mut self.wakes);
        if sat.is_ok() {
            for warning in self.directory.warnings().standing_in(&self.charter.game, self.charter.id) {
                occupant.mailslot.post_own(warning, now_ms, &mut self.wakes);
            }
        }
        self.wakes.wake_all();
        let Ok((stay, before)) = sat else {
            self.perform(Input::Leave { seat, why: GoneWhy::Left }, ctx);
            return None;
        };
        self.members.insert(seat, Member { occupant: Arc::clone(occupant), stay });
        self.has_humans = true;
        if let Some(before) = before {
            before.room.leave_soon(before.stay, GoneWhy::Moved);
        }
        Some(())
    }

    /// `joined`, ready to be posted. `None` when the game's state is too large: the room has failed then.
    fn joined_flush(&mut self, joined: Joined, ctx: &mut Context<Self>) -> Option<Arc<Flush>> {
        match encode(&Event::Joined(joined)) {
            Ok(encoded) => Some(Arc::new(Flush::of(encoded))),
            Err(error) => {
                tracing::warn!(room = %self.charter.id, %error, "the room cannot show its state; it is closed");
                self.directory.metrics().rooms_failed.inc();
                self.end(GoneWhy::Failed, ctx);
                None
            }
        }
    }

    fn deliver(&mut self, effect: Effect, ctx: &mut Context<Self>) {
        match effect {
            Effect::Send(outgoing) => self.queue(outgoing),
            Effect::Dropped(dropped) => self.drop_event(&dropped),
            Effect::Vacated { seat, why, detail } => {
                self.vacate(seat, why, detail);
                self.count(ctx);
            }
            Effect::Occupied => self.count(ctx),
            Effect::Banned(bans) => self.directory.lobby().set_bans(self.charter.id, &bans),
            Effect::BanForgotten => self.directory.metrics().bans_forgotten.inc(),
            Effect::Changed(change) => {
                self.directory.lobby().change(self.charter.id, &change);
                if change.owner.is_some() {
                    self.note_host();
                }
            }
            Effect::Closed => self.end(GoneWhy::Closed, ctx),
            Effect::Snapshot(joined) => {
                self.flush();
                let seat = joined.seat;
                let Some(flush) = self.joined_flush(*joined, ctx) else { return };
                let now_ms = self.now_ms();
                if let Some(Member { occupant, stay }) = self.members.get(&seat) {
                    occupant.mailslot.post_snapshot(stay.tenancy, &flush, now_ms, &mut self.wakes);
                }
                self.wakes.wake_all();
            }
            // Answered by whoever gave the input.
            Effect::Admitted(_) | Effect::Refused(_) | Effect::Results(_) => {}
        }
    }

    fn drop_event(&self, error: &dyn std::error::Error) {
        tracing::warn!(room = %self.charter.id, %error, "the game sent what cannot be sent");
        self.directory.metrics().events_dropped.inc();
    }

    fn vacate(&mut self, seat: Seat, why: GoneWhy, detail: Option<String>) {
        self.flush();
        let Some(Member { occupant, stay }) = self.members.remove(&seat) else { return };
        let now_ms = self.now_ms();
        if let Ok(event) = encode(&Event::Gone(Gone { seat, why, detail })) {
            occupant.stand_up(stay, &Arc::new(Flush::of(event)), now_ms, &mut self.wakes);
        }
        self.wakes.wake_all();
    }

    fn leave(&mut self, stay: Stay, why: GoneWhy, ctx: &mut Context<Self>) {
        if !self.is_member(stay) {
            return;
        }
        self.perform(Input::Leave { seat: stay.seat, why }, ctx);
    }

    /// Somebody is out, or a bot came: there may be a seat for others, or nobody left to tick for.
    fn count(&mut self, ctx: &mut Context<Self>) {
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

    fn show_presence(&mut self, occupant: &Occupant, ctx: &mut Context<Self>) {
        let seat = self.members.values().find(|member| member.stay.player == occupant.player.id);
        if let Some(seat) = seat.map(|member| member.stay.seat) {
            self.perform(Input::Presence { seat, away: occupant.is_away() }, ctx);
        }
    }

    /// Who speaks for the room: its owner; in a room without one, the player on its lowest seat.
    fn host(&self) -> Option<PlayerId> {
        let owner = self.members.get(&self.core.info().owner);
        owner.or_else(|| self.members.values().next()).map(|member| member.stay.player)
    }

    fn note_host(&self) {
        self.directory.lobby().set_host(self.charter.id, self.host());
    }

    fn is_member(&self, stay: Stay) -> bool {
        self.members.get(&stay.seat).is_some_and(|member| member.stay == stay)
    }

    /// Steps the core and does all that it wants.
    fn perform(&mut self, input: Input, ctx: &mut Context<Self>) {
        for effect in self.step(input, ctx).unwrap_or_default() {
            self.deliver(effect, ctx);
        }
    }

    fn batch(&mut self, stay: Stay, messages: Vec<Message>, done: Completion, ctx: &mut Context<Self>) {
        if !self.is_member(stay) {
            // The completion tells that the room is gone, for him.
            return;
        }
        self.directory.metrics().messages_in.inc_by(messages.len() as u64);
        for effect in self.step(Input::Batch { seat: stay.seat, messages }, ctx).unwrap_or_default() {
            match effect {
                Effect::Results(results) => {
                    done.complete(results);
                    return;
                }
                other => self.deliver(other, ctx),
            }
        }
    }

    /// Everybody is put out, and the room is no more.
    fn end(&mut self, why: GoneWhy, ctx: &mut Context<Self>) {
        self.has_ended = true;
        let seats: Vec<_> = self.members.keys().copied().collect();
        for seat in seats {
            self.vacate(seat, why, None);
        }
        self.directory.close(&self.charter);
        ctx.stop();
    }
}

impl Actor for RoomActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(MAILBOX_CAPACITY);
        if self.charter.standing {
            return;
        }
        let look = (self.settings.empty / 2).clamp(EMPTY_LOOK_MIN, EMPTY_LOOK_MAX);
        ctx.run_interval(look, |room, ctx| {
            let empty_ms = room.now_ms().saturating_sub(room.empty_since_ms);
            let due = !room.has_humans && empty_ms >= whole_ms(room.settings.empty);
            room.gallery.sweep(room.now_ms());
            if due && room.directory.close_if_deserted(&room.charter) {
                ctx.stop();
            }
        });
    }

    fn stopped(&mut self, _ctx: &mut Self::Context) {
        self.gallery.close(CloseCode::Ended);
    }
}

impl Handler<Command> for RoomActor {
    type Result = ();

    fn handle(&mut self, command: Command, ctx: &mut Self::Context) {
        match command {
            Command::Join { occupant, entry, reservation, answer, _permit } => {
                let outcome = self.join(&occupant, *entry, ctx);
                match &outcome {
                    // Whom a game does not want says nothing of the next one.
                    Some(Err(Refusal::Full)) => reservation.turn_away(),
                    _ => reservation.settle(self.core.occupancy()),
                }
                self.note_host();
                if let Some(outcome) = outcome {
                    // A caller who has gone is told by `joined` on his stream.
                    let _ = answer.send(outcome);
                }
            }
            Command::Leave { stay, why, answer } => {
                self.leave(stay, why, ctx);
                if let Some(answer) = answer {
                    let _ = answer.send(());
                }
            }
            Command::Presence { stay } => {
                if let Some(member) = self.members.get(&stay.seat).filter(|member| member.stay == stay) {
                    self.show_presence(&Arc::clone(&member.occupant), ctx);
                }
            }
            Command::Batch { stay, messages, done, _permit } => self.batch(stay, messages, done, ctx),
            Command::Resync { stay } => {
                if self.is_member(stay) {
                    self.perform(Input::Resync { seat: stay.seat }, ctx);
                }
            }
            Command::View { answer, _permit } => {
                let _ = answer.send(self.view(ctx));
            }
            Command::Watch { mailslot, answer, _permit } => {
                let _ = answer.send(self.watch(mailslot, ctx));
            }
            Command::Kick { player, why, detail, answer } => {
                let is_in = self.members.values().any(|member| member.stay.player == player);
                self.perform(Input::Kick { player, why, detail }, ctx);
                // An operator who stopped waiting sees it in the list.
                let _ = answer.send(is_in);
            }
            Command::Inspect { answer } => {
                let _ = answer.send(self.core.inside());
            }
            Command::Close { answer } => {
                self.perform(Input::Close, ctx);
                let _ = answer.send(());
            }
        }
        self.flush_when_due(ctx);
    }
}

#[cfg(test)]
mod tests;
