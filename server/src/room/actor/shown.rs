//! What a room shows to those without a seat.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use actix::{AsyncContext, Context};
use sward_protocol::bye::CloseCode;
use sward_protocol::downstream::{Event, Joined};
use sward_protocol::ids::Seat;
use sward_protocol::rooms::RoomView;

use super::RoomActor;
use crate::fanout::encode::encode;
use crate::fanout::flush::Flush;
use crate::fanout::mailslot::Mailslot;
use crate::game::GoneWhy;
use crate::room::gallery::TooMany;
use crate::room::handle::NotShown;

/// How often is looked what of a delayed room is due.
const SHOW_EVERY: Duration = Duration::from_millis(50);

impl RoomActor {
    /// The room as everybody may see it now.
    pub(super) fn view(&mut self, ctx: &mut Context<Self>) -> Result<RoomView, NotShown> {
        match self.settings.public {
            Some(Duration::ZERO) => self.seen().ok_or_else(|| {
                self.end(GoneWhy::Failed, ctx);
                NotShown::Broken
            }),
            Some(delay) => Err(NotShown::Later(delay)),
            None => Err(NotShown::NotPublic),
        }
    }

    /// Somebody comes to watch.
    pub(super) fn watch(&mut self, mailslot: Arc<Mailslot>, ctx: &mut Context<Self>) -> Result<(), NotShown> {
        if self.settings.public.is_none() || self.ended.is_some() {
            return Err(NotShown::NotPublic);
        }
        // What waits is in the view.
        self.flush();
        let now_ms = self.now_ms();
        if !self.gallery.has_view() {
            let Some(view) = self.view_flush() else {
                self.end(GoneWhy::Failed, ctx);
                return Err(NotShown::Broken);
            };
            self.gallery.add_view(view, now_ms);
        }
        self.gallery.admit(mailslot, now_ms, &mut self.wakes).map_err(|TooMany| NotShown::TooMany)?;
        self.gallery.show(now_ms, &mut self.wakes);
        self.wakes.wake_all();
        if self.gallery.is_delayed() && self.gallery_timer.is_none() {
            self.gallery_timer = Some(ctx.run_interval(SHOW_EVERY, |room, ctx| {
                room.gallery.show(room.now_ms(), &mut room.wakes);
                room.wakes.wake_all();
                if room.gallery.len() == 0
                    && let Some(timer) = room.gallery_timer.take()
                {
                    ctx.cancel_future(timer);
                }
            }));
        }
        Ok(())
    }

    /// Takes another view if it is time for one, and nothing that it would have in it is still to be said.
    pub(super) fn renew_view(&mut self) {
        let now_ms = self.now_ms();
        if self.pending.whole().events > 0 || !self.gallery.wants_view(now_ms) {
            return;
        }
        match self.view_flush() {
            Some(view) => self.gallery.add_view(view, now_ms),
            None => self.gallery.close(CloseCode::Ended),
        }
        self.gallery.show(now_ms, &mut self.wakes);
        self.wakes.wake_all();
    }

    /// Shows what the room says.
    pub(super) fn show(&mut self, flush: &Arc<Flush>, now_ms: u64) {
        self.gallery.add_said(flush, now_ms);
        let overrun = self.gallery.show(now_ms, &mut self.wakes);
        self.directory.metrics().streams_overrun.inc_by(overrun);
    }

    fn view_flush(&self) -> Option<Arc<Flush>> {
        let RoomView { room, players, state, blobs } = self.seen()?;
        let (seat, chat) = (Seat::GAME, Vec::new());
        let joined = Joined { room, seat, players, seed: None, state, chat, blobs };
        match encode(&Event::Joined(Box::new(joined))) {
            Ok(view) => Some(Arc::new(Flush::of(view))),
            Err(error) => {
                tracing::warn!(room = %self.charter.id, %error, "the room cannot show its state");
                None
            }
        }
    }

    /// `None` when the game panicked.
    fn seen(&self) -> Option<RoomView> {
        let seen = catch_unwind(AssertUnwindSafe(|| self.core.view())).ok();
        if seen.is_none() {
            tracing::warn!(room = %self.charter.id, game = %self.charter.game, "the game cannot show its state");
            self.directory.metrics().games.failed.inc();
        }
        seen
    }
}
