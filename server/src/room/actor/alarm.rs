//! When a room is woken for its game's timers.

use std::time::Duration;

use actix::{AsyncContext, Context};

use super::RoomActor;
use crate::room::input::Input;

/// The shortest sleep: a room that is woken and finds its timers still due would keep its thread to itself.
const SLEEP_MIN_MS: u64 = 1;

impl RoomActor {
    /// Sleeps until the next timer. Called after each step, so that it costs nothing to set a timer anew that is not the
    /// next one.
    pub(super) fn set_alarm(&mut self, ctx: &mut Context<Self>) {
        let wake_ms = self.core.wake_ms();
        if wake_ms == self.alarm_ms {
            return;
        }
        self.alarm_ms = wake_ms;
        if let Some(alarm) = self.alarm.take() {
            ctx.cancel_future(alarm);
        }
        let Some(wake_ms) = wake_ms else { return };
        let wait = Duration::from_millis(wake_ms.saturating_sub(self.now_ms()).max(SLEEP_MIN_MS));
        self.alarm = Some(ctx.run_later(wait, |room, ctx| {
            (room.alarm, room.alarm_ms) = (None, None);
            room.perform(Input::Wake, ctx);
            room.flush_when_due(ctx);
        }));
    }
}
