//! What a room shows to those without a seat.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use actix::{AsyncContext, Context};
use sward_protocol::bye::CloseCode;
use sward_protocol::downstream::{Event, Joined};
use sward_protocol::ids::Seat;
use sward_protocol::rooms::RoomView;

use super::{Charter, RoomActor};
use crate::fanout::encode::encode;
use crate::fanout::flush::Flush;
use crate::fanout::mailslot::Mailslot;
use crate::fanout::part::Part;
use crate::rate::Rate;
use crate::room::catalog::last_words;
use crate::room::gallery::TooMany;
use crate::room::handle::NotShown;

/// How often is looked what of a delayed room is due.
const SHOW_EVERY: Duration = Duration::from_millis(50);

/// Bytes of views that are taken at once, and a second: a view is the whole state, and whoever likes may ask for it. At
/// least the size of the largest view, or that would never be taken.
const VIEW_BYTES: (u32, u32) = (2 * 1024 * 1024, 4 * 1024 * 1024);

/// The room as it was shown last to somebody who looked.
#[derive(Debug)]
pub(super) struct Looks {
    view: Option<Arc<RoomView>>,
    /// Whether something may have changed since.
    is_old: bool,
    /// Whether the game could not show itself. It is not asked again: that would be a way to fill the log.
    is_broken: bool,
    rate: Rate,
}

impl Looks {
    pub(super) fn new(now_ms: u64) -> Self {
        let (burst, per_s) = VIEW_BYTES;
        Self { view: None, is_old: true, is_broken: false, rate: Rate::new(per_s, burst, now_ms) }
    }

    /// Something happens in the room.
    pub(super) fn outdate(&mut self) {
        self.is_old = true;
    }

    /// Whether another view may be taken now.
    fn may_renew(&mut self, now_ms: u64) -> bool {
        let bytes = self.view.as_ref().map_or(0, |view| view.state.json_len() + 200 * view.players.len());
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX).clamp(1024, VIEW_BYTES.0);
        self.rate.take(bytes, now_ms).is_ok()
    }
}

impl RoomActor {
    /// The room as everybody may see it now; or as it was a moment ago, when it is asked too often.
    pub(super) fn view(&mut self) -> Result<Arc<RoomView>, NotShown> {
        match self.settings.public {
            Some(Duration::ZERO) => {
                let now_ms = self.now_ms();
                if let Some(view) = self.looks.view.clone()
                    && !(self.looks.is_old && self.looks.may_renew(now_ms))
                {
                    return Ok(view);
                }
                self.seen()
            }
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
        // Behind an older view comes all that was said since.
        let is_needed = !self.gallery.has_view();
        let is_old = !self.gallery.is_delayed() && (self.looks.is_old || !self.gallery.ends_with_view());
        if is_needed || (is_old && self.looks.may_renew(now_ms)) {
            let view = self.view_flush()?;
            self.gallery.add_view(view, now_ms);
            // So that he begins with this one.
            self.gallery.show(now_ms, &mut self.wakes);
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
        if !self.pending.is_empty() || !self.gallery.wants_view(now_ms) {
            return;
        }
        match self.view_flush() {
            Ok(view) => self.gallery.add_view(view, now_ms),
            Err(_) => self.gallery.close(CloseCode::Ended),
        }
        self.gallery.show(now_ms, &mut self.wakes);
        self.wakes.wake_all();
    }

    /// Shows what the room says.
    pub(super) fn show(&mut self, parts: Vec<Part>, now_ms: u64) {
        for part in parts {
            self.gallery.add_said(part, now_ms);
        }
        let overrun = self.gallery.show(now_ms, &mut self.wakes);
        self.directory.metrics().streams_overrun.inc_by(overrun);
    }

    /// The room as everybody may see it now, to be posted.
    fn view_flush(&mut self) -> Result<Arc<Flush>, NotShown> {
        let RoomView { room, players, state, blobs } = RoomView::clone(&*self.seen()?);
        let (seat, chat) = (Seat::GAME, Vec::new());
        let joined = Joined { room, seat, players, seed: None, state, chat, blobs };
        match encode(&Event::Joined(Box::new(joined))) {
            Ok(view) => Ok(Arc::new(Flush::of(view))),
            Err(error) => Err(self.cannot_be_seen(&error)),
        }
    }

    /// The room as everybody may see it now.
    fn seen(&mut self) -> Result<Arc<RoomView>, NotShown> {
        if self.looks.is_broken {
            return Err(NotShown::Broken);
        }
        // The game is only looked at: a panic leaves it as it was, and its players go on. A stranger's look ends no game.
        match catch_unwind(AssertUnwindSafe(|| self.core.view())) {
            Ok(view) => {
                let view = Arc::new(view);
                (self.looks.view, self.looks.is_old) = (Some(Arc::clone(&view)), false);
                Ok(view)
            }
            Err(panic) => Err(self.cannot_be_seen(&last_words(&*panic))),
        }
    }

    fn cannot_be_seen(&mut self, why: &dyn std::fmt::Display) -> NotShown {
        let Charter { id, game, .. } = &*self.charter;
        tracing::warn!(room = %id, %game, %why, "the game cannot show its public state");
        self.looks.is_broken = true;
        self.directory.metrics().games.unshown.inc();
        NotShown::Broken
    }
}
