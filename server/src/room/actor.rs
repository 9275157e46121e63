//! The shell around a room: its mailbox, its timers, and delivery.

mod alarm;
mod command;
mod members;
mod rhythm;
mod shown;
mod snapshots;

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, ActorContext, AsyncContext, Context, Handler, SpawnHandle};
use sward_protocol::bye::CloseCode;
use sward_protocol::downstream::GoneWhy;
use sward_protocol::ids::Seat;
use sward_protocol::upstream::Message;

pub use self::command::Command;
use self::shown::Looks;
use self::snapshots::Snapshots;
use super::catalog::last_words;
use super::core::{Charter, RoomStep};
use super::directory::Directory;
use super::effect::{Effect, Refusal};
use super::gallery::Gallery;
use super::handle::{Completion, RoomHandle};
use super::input::Input;
use super::intake::{Intake, STEP_SLOW_MS};
use super::occupant::{Occupant, Stay};
use super::recording::format::End;
use super::shelf::Shelf;
use crate::clock::whole_ms;
use crate::fanout::part::Pending;
use crate::fanout::wake::Wakes;
use crate::game::Settings;

/// The actor library's own bound, above all that [`intake`](super::intake) lets in: it would hold back nobody, but cost
/// memory for each sender past it.
const MAILBOX_CAPACITY: usize = 1 << 16;
/// How often a room looks whether it has been empty for too long: twice in that time, and not more or less often than
/// this.
const EMPTY_LOOK_MIN: Duration = Duration::from_millis(50);
const EMPTY_LOOK_MAX: Duration = Duration::from_millis(5000);
/// How often a room that is recorded is looked at while nothing happens in it.
const REST_EVERY: Duration = Duration::from_millis(500);
/// How often the log has a room whose game is slow.
const SLOW_TOLD_EVERY_MS: u64 = 10_000;

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
    shelf: Arc<Shelf>,
    pending: Pending,
    /// Whether somebody reads MessagePack, when it was last written.
    reads_packed: bool,
    flushed_ms: u64,
    flush_timer: Option<SpawnHandle>,
    tick_timer: Option<SpawnHandle>,
    tick_due_ms: u64,
    alarm: Option<SpawnHandle>,
    alarm_ms: Option<u64>,
    slow_told_ms: Option<u64>,
    /// Why everybody was put out, when the room is no more.
    ended: Option<GoneWhy>,
    has_humans: bool,
    empty_since_ms: u64,
    gallery: Gallery,
    gallery_timer: Option<SpawnHandle>,
    looks: Looks,
    snapshots: Snapshots,
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
        let shelf = Arc::new(Shelf::new(&settings, directory.metrics()));
        for (name, blob) in core.blobs() {
            shelf.put(name, Some(blob.clone()), now_ms);
        }
        let actor = Self {
            settings,
            core,
            charter: Arc::clone(&charter),
            directory,
            members: BTreeMap::new(),
            intake: Arc::clone(&intake),
            shelf: Arc::clone(&shelf),
            pending: Pending::default(),
            reads_packed: false,
            flushed_ms: 0,
            flush_timer: None,
            tick_timer: None,
            tick_due_ms: now_ms,
            alarm: None,
            alarm_ms: None,
            slow_told_ms: None,
            ended: None,
            has_humans: false,
            empty_since_ms: now_ms,
            gallery: Gallery::new(settings.public.map_or(0, whole_ms)),
            gallery_timer: None,
            looks: Looks::new(now_ms),
            snapshots: Snapshots::new(now_ms),
            wakes: Wakes::default(),
        };
        RoomHandle::new(charter, actor.start(), intake, shelf, clock)
    }

    fn now_ms(&self) -> u64 {
        self.directory.clock().now_ms()
    }

    /// Steps the core, and sees to its next timer. `None` when its game panicked: the room has failed then, and is closed;
    /// or when it was closed before.
    fn step(&mut self, input: Input, ctx: &mut Context<Self>) -> Option<Vec<Effect>> {
        if self.ended.is_some() {
            return None;
        }
        let now_ms = self.now_ms();
        let mut effects = Vec::new();
        let core = &mut self.core;
        self.looks.outdate();
        self.intake.begin_step(now_ms);
        // Whatever state a panic leaves behind is not stepped again.
        let outcome = catch_unwind(AssertUnwindSafe(|| core.step(input, now_ms, &mut effects)));
        self.intake.end_step();
        self.note_slow_step(now_ms);
        match outcome {
            Ok(()) => {
                self.set_alarm(ctx);
                Some(effects)
            }
            Err(panic) => {
                let said = last_words(&*panic);
                let Charter { id, game, .. } = &*self.charter;
                tracing::warn!(room = %id, %game, said, "the game panicked; the room is closed");
                self.directory.metrics().games.failed.inc();
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
        self.directory.metrics().games.steps_slow.inc();
        if self.slow_told_ms.is_none_or(|told_ms| now_ms - told_ms >= SLOW_TOLD_EVERY_MS) {
            self.slow_told_ms = Some(now_ms);
            let Charter { id, game, .. } = &*self.charter;
            tracing::warn!(room = %id, %game, took_ms, "the game keeps its thread waiting");
        }
    }

    fn deliver(&mut self, effect: Effect, ctx: &mut Context<Self>) {
        match effect {
            Effect::Send(outgoing) => self.queue(outgoing),
            Effect::Frame(frame) => self.queue_frame(frame),
            Effect::Dropped(dropped) => self.drop_event(&dropped),
            Effect::Vacated { seat, why, detail } => {
                self.vacate(seat, why, detail);
                self.count(ctx);
            }
            Effect::Occupied => self.count(ctx),
            Effect::Shown { name, blob } => self.shelf.put(&name, blob, self.now_ms()),
            Effect::BlobRefused => self.directory.metrics().blobs.refused.inc(),
            Effect::Banned(bans) => self.directory.lobby().set_bans(self.charter.id, &bans),
            Effect::BanForgotten => self.directory.metrics().bans_forgotten.inc(),
            Effect::Changed(change) => {
                self.directory.lobby().change(self.charter.id, &change);
                if change.owner.is_some() {
                    self.note_host();
                }
            }
            Effect::Closed => self.end(GoneWhy::Closed, ctx),
            Effect::Snapshot(joined) => self.post_snapshot(joined, ctx),
            // Answered by whoever gave the input.
            Effect::Admitted(_) | Effect::Refused(_) | Effect::Results(_) => {}
        }
    }

    fn drop_event(&self, error: &dyn std::error::Error) {
        tracing::warn!(room = %self.charter.id, %error, "the game sent what cannot be sent");
        self.directory.metrics().events_dropped.inc();
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
        self.ended = Some(why);
        if why == GoneWhy::Failed {
            self.core.ended(End::Failed);
        }
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
        // A recording that is played has something to do from the beginning.
        self.set_alarm(ctx);
        if self.core.is_recorded() {
            ctx.run_interval(REST_EVERY, |room, _| room.core.rest(room.now_ms()));
        }
        let look = (self.settings.empty / 2).clamp(EMPTY_LOOK_MIN, EMPTY_LOOK_MAX);
        ctx.run_interval(look, |room, ctx| {
            let empty_ms = room.now_ms().saturating_sub(room.empty_since_ms);
            let is_empty = !room.has_humans && empty_ms >= whole_ms(room.settings.empty);
            room.gallery.sweep(room.now_ms());
            room.shelf.sweep(room.now_ms());
            if is_empty && !room.charter.standing && room.directory.close_if_deserted(&room.charter) {
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
                let had_ended = self.ended.is_some();
                let mut outcome = self.join(&occupant, *entry, ctx);
                if self.ended == Some(GoneWhy::Failed) && !had_ended {
                    // Told from a room that was gone before: the next one need not fail of him too.
                    outcome = Some(Err(Refusal::Failed));
                }
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
            Command::Resync { stay } => self.resync(stay, ctx),
            Command::View { answer, _permit } => {
                let _ = answer.send(self.view());
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
