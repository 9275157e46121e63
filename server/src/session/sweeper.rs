//! The clock that tells who is away or lost, lets go of what is too old, and looks for games that hang.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use sward_protocol::downstream::GoneWhy;
use tokio::time::MissedTickBehavior;

use super::Session;
use super::registry::Registry;
use super::state::Change;
use crate::clock::Clock;
use crate::fanout::mailslot::Posted;
use crate::metrics::Metrics;
use crate::room::directory::Directory;
use crate::social::hall::Hall;

/// How often it looks: the precision of `away` and `gone`.
pub const LOOK_EVERY: Duration = Duration::from_millis(250);
/// Looks between two rounds through the outboxes, whose bounds are seconds.
const LOOKS_PER_ROUND: u32 = 4;

/// Watches over all sessions.
#[derive(Debug, Clone)]
pub struct Sweeper {
    /// The sessions.
    pub registry: Arc<Registry>,
    /// The rooms.
    pub directory: Arc<Directory>,
    /// Where its player is known to others.
    pub hall: Arc<Hall>,
    /// The time.
    pub clock: Clock,
    /// The numbers.
    pub metrics: Arc<Metrics>,
}

impl Sweeper {
    /// Looks after the sessions until the task is dropped.
    pub async fn run(self) {
        let mut looks = tokio::time::interval(LOOK_EVERY);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut round, mut stuck) = (0, BTreeSet::new());
        loop {
            looks.tick().await;
            let now_ms = self.clock.now_ms();
            round = (round + 1) % LOOKS_PER_ROUND;
            for session in self.registry.all() {
                self.look_after(&session, now_ms);
                if round == 0 && session.mailslot().sweep(now_ms) == Posted::Overrun {
                    self.metrics.streams_overrun.inc();
                }
            }
            if round == 0 {
                self.registry.forget_ended(now_ms);
                stuck = self.directory.look_for_stuck(&stuck);
            }
        }
    }

    /// Does what is due for one session.
    pub fn look_after(&self, session: &Session, now_ms: u64) {
        while let Some(change) = session.due(now_ms) {
            match change {
                Change::Away | Change::Back => tell_presence(session),
                Change::Ended(why) => self.end(session, why, now_ms),
            }
        }
    }

    fn end(&self, session: &Session, why: GoneWhy, now_ms: u64) {
        if !self.registry.remove(session.token(), now_ms) {
            return;
        }
        // Who has ended is given nothing more: that comes before he is forgotten.
        let place = session.occupant().end();
        self.hall.depart(session.player().id);
        session.leave_rung();
        self.metrics.sessions.dec();
        let label = if why == GoneWhy::Left { "left" } else { "lost" };
        self.metrics.sessions_ended.with_label_values(&[label]).inc();
        if let Some(place) = place {
            place.room.leave_soon(place.stay, why);
        }
        session.mailslot().shut();
    }
}

fn tell_presence(session: &Session) {
    if let Some(place) = session.occupant().place() {
        place.room.presence_changed(place.stay);
    }
}
