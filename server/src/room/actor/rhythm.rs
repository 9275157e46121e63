//! When a room writes, and when it ticks.

use std::sync::Arc;
use std::time::Duration;

use actix::{AsyncContext, Context};

use super::{Member, RoomActor};
use crate::clock::whole_ms;
use crate::fanout::mailslot::Posted;
use crate::game::context::Outgoing;
use crate::room::input::Input;
use crate::world::frame::Frame;

impl RoomActor {
    /// Takes up an event for the next flush.
    pub(super) fn queue(&mut self, outgoing: Outgoing) {
        if let Err(error) = self.pending.push(outgoing) {
            self.drop_event(&error);
        }
        self.flush_if_full();
    }

    /// Takes up what changed in the world.
    pub(super) fn queue_frame(&mut self, frame: Arc<Frame>) {
        if frame.is_empty() {
            return;
        }
        let metrics = &self.directory.metrics().worlds;
        metrics.frames.inc();
        metrics.pieces.inc_by(frame.pieces().len() as u64);
        self.pending.push_frame(frame, self.reads_packed);
        self.flush_if_full();
    }

    fn flush_if_full(&mut self) {
        if self.pending.is_full() {
            self.flush();
        }
    }

    /// A quiet room writes at once; a busy one at most every flush interval.
    pub(super) fn flush_when_due(&mut self, ctx: &mut Context<Self>) {
        if self.pending.is_empty() || self.flush_timer.is_some() {
            return;
        }
        let flush_ms = whole_ms(self.settings.flush);
        let due_ms = self.flushed_ms + flush_ms;
        let now_ms = self.now_ms();
        if now_ms >= due_ms {
            self.flush();
            self.renew_view();
        } else {
            let wait = Duration::from_millis(due_ms - now_ms);
            self.flush_timer = Some(ctx.run_later(wait, |room, _| {
                room.flush_timer = None;
                room.flush();
                room.renew_view();
            }));
        }
    }

    pub(super) fn flush(&mut self) {
        if self.pending.is_empty() {
            return;
        }
        let parts = self.pending.finish(self.reads_packed);
        let now_ms = self.now_ms();
        self.reads_packed = false;
        let metrics = self.directory.metrics();
        for (&seat, Member { occupant, stay }) in &self.members {
            match occupant.mailslot.post(stay.tenancy, &parts, seat, now_ms, &mut self.wakes) {
                Posted::Overrun => metrics.streams_overrun.inc(),
                Posted::New { pieces, .. } => metrics.worlds.pieces_posted.inc_by(u64::from(pieces)),
                Posted::Stale => {}
            }
            self.reads_packed |= occupant.mailslot.reads_packed();
        }
        self.show(parts, now_ms);
        self.wakes.wake_all();
        self.flushed_ms = now_ms;
        self.directory.metrics().flushes.inc();
    }

    pub(super) fn start_ticks(&mut self, ctx: &mut Context<Self>) {
        if self.tick_timer.is_none() && self.core.occupancy().humans > 0 && self.ended.is_none() {
            self.tick_due_ms = self.now_ms();
            self.await_tick(ctx);
        }
    }

    /// Waits for the next tick that is still to come: those that were missed are skipped, not made up for, or a game
    /// whose ticks take longer than their interval would keep its thread to itself.
    fn await_tick(&mut self, ctx: &mut Context<Self>) {
        let Some(tick) = self.settings.tick else { return };
        let tick_ms = whole_ms(tick).max(1);
        let now_ms = self.now_ms();
        let missed = now_ms.saturating_sub(self.tick_due_ms) / tick_ms;
        self.directory.metrics().games.ticks_skipped.inc_by(missed);
        self.tick_due_ms += (missed + 1) * tick_ms;
        let wait = Duration::from_millis(self.tick_due_ms.saturating_sub(now_ms));
        self.tick_timer = Some(ctx.run_later(wait, |room, ctx| {
            room.perform(Input::Tick, ctx);
            room.flush_when_due(ctx);
            room.tick_timer = None;
            if room.ended.is_none() && room.core.occupancy().humans > 0 {
                room.await_tick(ctx);
            }
        }));
    }
}
