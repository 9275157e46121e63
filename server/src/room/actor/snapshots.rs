//! Players who must be told the whole room anew: one after the other, since the room has better things to do.

use std::collections::VecDeque;
use std::time::Duration;

use actix::{AsyncContext, Context, SpawnHandle};
use sward_protocol::downstream::Joined;

use super::{Member, RoomActor};
use crate::rate::Rate;
use crate::room::input::Input;
use crate::room::occupant::Stay;

/// Bytes of `joined` that a room tells at once, and a second. Below it nobody waits; a room of hundreds whose players all
/// come back at once leaves its thread to others in between. At once at least one of the largest.
const BYTES: (u32, u32) = (4 * 1024 * 1024, 64 * 1024 * 1024);

/// Who waits: each stay at most once, and of those who have left not more than there are seats.
#[derive(Debug)]
pub(super) struct Snapshots {
    waiting: VecDeque<Stay>,
    timer: Option<SpawnHandle>,
    rate: Rate,
    /// Of the last one.
    bytes: u32,
}

impl Snapshots {
    pub(super) fn new(now_ms: u64) -> Self {
        let (burst, per_s) = BYTES;
        Self { waiting: VecDeque::new(), timer: None, rate: Rate::new(per_s, burst, now_ms), bytes: 0 }
    }
}

impl RoomActor {
    /// A player must be told the room as it is. Until then he is told nothing else.
    pub(super) fn resync(&mut self, stay: Stay, ctx: &mut Context<Self>) {
        if !self.snapshots.waiting.contains(&stay) {
            if self.snapshots.waiting.len() > self.members.len() {
                // Some have left since.
                let waiting = std::mem::take(&mut self.snapshots.waiting);
                self.snapshots.waiting = waiting.into_iter().filter(|stay| self.is_member(*stay)).collect();
            }
            self.snapshots.waiting.push_back(stay);
        }
        if self.snapshots.timer.is_none() {
            self.tell_those_who_wait(ctx);
        }
    }

    fn tell_those_who_wait(&mut self, ctx: &mut Context<Self>) {
        while let Some(&stay) = self.snapshots.waiting.front() {
            let (bytes, now_ms) = (self.snapshots.bytes.min(BYTES.0), self.now_ms());
            if let Err(wait_ms) = self.snapshots.rate.take(bytes, now_ms) {
                let wait = Duration::from_millis(wait_ms);
                self.snapshots.timer = Some(ctx.run_later(wait, |room, ctx| {
                    room.snapshots.timer = None;
                    room.tell_those_who_wait(ctx);
                }));
                return;
            }
            self.snapshots.waiting.pop_front();
            if self.is_member(stay) {
                self.perform(Input::Resync { seat: stay.seat }, ctx);
            }
        }
    }

    /// Tells a player the room as it is.
    pub(super) fn post_snapshot(&mut self, joined: Box<Joined>, ctx: &mut Context<Self>) {
        self.flush();
        let seat = joined.seat;
        let Some(flush) = self.joined_flush(joined, ctx) else { return };
        self.snapshots.bytes = flush.whole().bytes;
        let now_ms = self.now_ms();
        if let Some(Member { occupant, stay }) = self.members.get(&seat) {
            occupant.mailslot.post_snapshot(stay.tenancy, &flush, now_ms, &mut self.wakes);
        }
        self.wakes.wake_all();
    }
}
