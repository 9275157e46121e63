//! Those who watch a test room without a seat.

use serde::de::DeserializeOwned;
use sward_protocol::downstream::{Event, Joined};
use sward_protocol::ids::Seat;
use sward_protocol::rooms::RoomView;

use super::seen::{line, read};
use super::{TestRoom, millis};
use crate::game::Game;
use crate::room::core::RoomStep as _;

/// Somebody who watches a test room without a seat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TestWatcher(usize);

/// What he is told, and when it happened.
#[derive(Debug, Clone, Default)]
pub(super) struct Watching(Vec<(u64, Event)>);

impl Watching {
    pub(super) fn hear(&mut self, event: &Event, now_ms: u64) {
        self.0.push((now_ms, event.clone()));
    }
}

/// What those see who only watch.
impl<G: Game> TestRoom<G> {
    /// Somebody comes to watch. He is shown the room as everybody may see it now, and hears what is said to
    /// [`Audience::All`](crate::game::Audience::All) and [`Audience::Except`](crate::game::Audience::Except), all of it
    /// later by the game's delay. (In a real room where others watch already he may begin with what they saw lately.)
    ///
    /// # Panics
    /// If the room shows itself to nobody: [`Settings::with_public`](crate::game::Settings::with_public) is missing, or it
    /// has a password.
    #[track_caller]
    pub fn watch(&mut self) -> TestWatcher {
        let RoomView { room, players, state, blobs } = self.shown();
        let joined = Joined { room, seat: Seat::GAME, players, seed: None, state, chat: Vec::new(), blobs };
        let mut watching = Watching::default();
        watching.hear(&Event::Joined(Box::new(joined)), self.now_ms);
        self.watching.push(watching);
        TestWatcher(self.watching.len() - 1)
    }

    /// What he was told since he was last asked, as [`TestRoom::heard`]: `joined`, once the delay is over, and what was
    /// said since then.
    pub fn watched(&mut self, watcher: TestWatcher) -> Vec<String> {
        let delay_ms = self.core.settings().public.map_or(0, millis);
        let until_ms = self.now_ms.saturating_sub(delay_ms);
        let Some(Watching(events)) = self.watching.get_mut(watcher.0) else { return Vec::new() };
        events.extract_if(.., |(at_ms, _)| *at_ms <= until_ms).map(|(_, event)| line(&event)).collect()
    }

    /// The game's state as everybody may see it, as it is now.
    ///
    /// # Panics
    /// If the room shows itself to nobody, as [`TestRoom::watch`]; if the state is of another shape.
    #[must_use]
    #[track_caller]
    pub fn public_state<T: DeserializeOwned>(&self) -> T {
        read("the public state", &self.shown().state)
    }

    #[track_caller]
    fn shown(&self) -> RoomView {
        let is_public = self.core.settings().public.is_some() && self.password.is_none();
        assert!(
            is_public,
            "the room shows itself to nobody: `Settings::with_public` is missing, or it has a password"
        );
        self.core.view()
    }
}
