//! A player who keeps his view of the world, and looks for what is wrong with what he is told.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::rc::Rc;
use std::time::Duration;

use serde_json::Value;
use sward_protocol::format::{Data, Received};
use sward_protocol::view::WorldView;
use tokio::time::{Instant, timeout};

use crate::client::{EventStream, Session, StreamOptions, Wire};

/// How long a stream may take to tell him all that there is.
const FRESH_TIMEOUT: Duration = Duration::from_secs(10);

/// What he knows.
#[derive(Debug, Default)]
pub struct Watch {
    view: RefCell<WorldView>,
    /// The last snapshot of a game without a world.
    snapshot: RefCell<Value>,
    sight: Cell<Option<f64>>,
    patches: Cell<u64>,
    last_patch: Cell<Option<Instant>>,
    faults: RefCell<Vec<String>>,
}

impl Watch {
    /// Reads his stream until it ends for good.
    pub async fn follow(self: Rc<Self>, mut stream: EventStream) {
        loop {
            if let Err(error) = stream.next(|item| self.take(item.event)).await {
                return self.fault(error.to_string());
            }
        }
    }

    /// How far he sees, as the game says; `None`: everything.
    pub fn sight(&self) -> Option<f64> {
        self.sight.get()
    }

    /// When he was told something of the world last.
    pub fn last_patch(&self) -> Option<Instant> {
        self.last_patch.get()
    }

    /// What was wrong, and what a fresh stream of the same session tells otherwise, now that nothing changes any more.
    pub async fn faults_beside_fresh(&self, session: &Session) -> Vec<String> {
        let fresh = Self::default();
        let mut stream = session.stream_with(options());
        let told = async {
            while fresh.view.borrow().entities().is_empty() && fresh.snapshot.borrow().is_null() {
                stream.next(|item| fresh.take(item.event)).await?;
            }
            Ok::<(), crate::client::StreamError>(())
        };
        match timeout(FRESH_TIMEOUT, told).await {
            Ok(Ok(())) => self.compare(&fresh),
            Ok(Err(error)) => self.fault(format!("a fresh stream ended: {error}")),
            Err(_) => self.fault("a fresh stream told nothing of the world".to_owned()),
        }
        self.faults.take()
    }

    fn compare(&self, fresh: &Self) {
        if self.patches.get() == 0 {
            self.fault("he was told nothing of the world".to_owned());
        }
        let (kept, told) = (self.view.borrow(), fresh.view.borrow());
        if (kept.tick(), kept.hash()) != (told.tick(), told.hash()) {
            self.fault(format!(
                "his view of {} entities at tick {} has the hash {:08x}, a fresh one of {} at tick {} has {:08x}",
                kept.entities().len(),
                kept.tick(),
                kept.hash(),
                told.entities().len(),
                told.tick(),
                told.hash()
            ));
        }
        if *self.snapshot.borrow() != *fresh.snapshot.borrow() {
            self.fault("his last snapshot is not the game's".to_owned());
        }
    }

    fn take(&self, event: &Received) {
        let Data::Json(json) = &event.data else { return };
        let parsed = || serde_json::from_str::<Value>(json);
        match event.name.as_str() {
            "joined" => match parsed() {
                Ok(mut joined) => self.begin(joined["state"].take()),
                Err(error) => self.fault(format!("joined: {error}")),
            },
            "patch" => match parsed() {
                Ok(patch) => self.patch(patch),
                Err(error) => self.fault(format!("patch: {error}")),
            },
            "reset" => self.fault("his stream was reset".to_owned()),
            _ => {}
        }
    }

    fn begin(&self, mut state: Value) {
        self.sight.set(state["sight"].as_f64());
        self.snapshot.replace(state["snapshot"].take());
        self.view.replace(WorldView::of(state["world"].take()));
    }

    fn patch(&self, patch: Value) {
        self.patches.set(self.patches.get() + 1);
        self.last_patch.set(Some(Instant::now()));
        let tick = patch["tick"].as_u64();
        let Some(pieces) = patch["world"].as_array() else {
            let before = self.snapshot.replace(patch);
            return self.check_tick(before["tick"].as_u64().unwrap_or(0), tick);
        };
        let mut view = self.view.borrow_mut();
        self.check_tick(view.tick(), tick);
        let mut begun = BTreeSet::new();
        let mut is_known = |piece: &Value| {
            let Some(id) = piece["id"].as_u64().and_then(|id| u32::try_from(id).ok()) else { return false };
            if piece.get("is").is_some() {
                begun.insert(id);
            }
            // Who is slow may be told that something is gone of which he was not told that it is there.
            piece["gone"] == true || begun.contains(&id) || view.entities().contains_key(&id)
        };
        if let Some(stranger) = pieces.iter().find(|piece| !is_known(piece)) {
            self.fault(format!("{stranger} at tick {tick:?} is of an entity that he does not know"));
        }
        view.apply(patch);
    }

    fn check_tick(&self, before: u64, tick: Option<u64>) {
        // Who comes between two ticks is shown between them.
        if tick.is_none_or(|tick| tick < before) {
            self.fault(format!("tick {tick:?} behind tick {before}"));
        }
    }

    /// The first ones are enough.
    fn fault(&self, what: String) {
        const FAULTS_MAX: usize = 8;
        let mut faults = self.faults.borrow_mut();
        if faults.len() < FAULTS_MAX {
            faults.push(what);
        }
    }
}

/// As the streams that are only counted.
pub fn options() -> StreamOptions {
    StreamOptions { wire: Wire::Sse { batch: true }, ..StreamOptions::default() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn told(watch: &Watch, name: &str, data: &Value) {
        watch.take(&Received { name: name.to_owned(), data: Data::Json(data.to_string()) });
    }

    fn joined(world: &Value) -> Watch {
        let watch = Watch::default();
        told(&watch, "joined", &json!({"state": {"world": world, "sight": 90.5}}));
        watch
    }

    #[test]
    fn a_view_that_was_kept_is_compared_with_a_fresh_one() {
        let watch = joined(&json!({"tick": 3, "world": [{"id": 1, "is": "walker", "x": 1}]}));
        assert_eq!(watch.sight(), Some(90.5));
        told(&watch, "patch", &json!({"tick": 4, "world": [{"id": 1, "x": 2}, {"id": 2, "is": "walker"}]}));
        watch.compare(&joined(
            &json!({"tick": 4, "world": [{"id": 1, "is": "walker", "x": 2}, {"id": 2, "is": "walker"}]}),
        ));
        assert_eq!(watch.faults.take(), [""; 0]);
        watch.compare(&joined(&json!({"tick": 4, "world": [{"id": 1, "is": "walker", "x": 2}]})));
        assert!(watch.faults.take()[0].contains("his view of 2 entities at tick 4"));
    }

    #[test]
    fn strangers_old_ticks_and_resets_are_faults() {
        let watch = joined(&json!({"tick": 3, "world": []}));
        told(&watch, "patch", &json!({"tick": 2, "world": [{"id": 7, "x": 2}]}));
        told(&watch, "reset", &json!({"reason": "too_old"}));
        let faults = watch.faults.take();
        assert_eq!(faults.len(), 3, "{faults:?}");
        assert!(faults[0].contains("behind tick 3") && faults[1].contains("does not know"), "{faults:?}");
    }

    #[test]
    fn snapshots_are_compared_whole() {
        let watch = Watch::default();
        let state = |x: u32| json!({"state": {"snapshot": {"tick": 5, "walkers": [{"id": 1, "x": x}]}}});
        told(&watch, "joined", &state(1));
        let fresh = Watch::default();
        told(&fresh, "joined", &state(2));
        told(&watch, "patch", &json!({"tick": 5, "walkers": [{"id": 1, "x": 2}]}));
        watch.compare(&fresh);
        assert_eq!(watch.faults.take(), [""; 0]);
        told(&watch, "patch", &json!({"tick": 6, "walkers": []}));
        watch.compare(&fresh);
        assert_eq!(watch.faults.take(), ["his last snapshot is not the game's"]);
    }
}
