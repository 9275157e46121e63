//! When a room writes, and when it ticks.

use std::sync::Arc;
use std::time::Duration;

use actix::{AsyncContext, Context};

use super::{Member, RoomActor};
use crate::clock::whole_ms;
use crate::fanout::mailslot::Posted;
use crate::game::context::Outgoing;
use crate::room::input::Input;

/// Bytes and events that wait for a flush; more are flushed at once, so that a flush always fits a player's window.
const PENDING_BYTES_MAX: u32 = 64 * 1024;
pub(super) const PENDING_EVENTS_MAX: u32 = 512;

impl RoomActor {
    /// Takes up an event for the next flush.
    pub(super) fn queue(&mut self, outgoing: Outgoing) {
        let Outgoing { audience, event, latest } = outgoing;
        if let Err(error) = self.pending.push(audience, &event, latest) {
            self.drop_event(&error);
        }
        let waiting = self.pending.whole();
        if waiting.bytes >= PENDING_BYTES_MAX || waiting.events >= PENDING_EVENTS_MAX {
            self.flush();
        }
    }

    /// A quiet room writes at once; a busy one at most every flush interval.
    pub(super) fn flush_when_due(&mut self, ctx: &mut Context<Self>) {
        if self.pending.whole().events == 0 || self.flush_timer.is_some() {
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
        if self.pending.whole().events == 0 {
            return;
        }
        let flush = Arc::new(self.pending.finish(self.reads_packed));
        let now_ms = self.now_ms();
        self.reads_packed = false;
        for (&seat, Member { occupant, stay }) in &self.members {
            let posted = occupant.mailslot.post(stay.tenancy, &flush, seat, now_ms, &mut self.wakes);
            if posted == Posted::Overrun {
                self.directory.metrics().streams_overrun.inc();
            }
            self.reads_packed |= occupant.mailslot.reads_packed();
        }
        self.show(&flush, now_ms);
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
