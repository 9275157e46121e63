//! What a reader makes of a world: each line is a patch. What it tells is what has happened, and who is told all of it at
//! once knows the same.
#![no_main]

use std::collections::BTreeSet;

use libfuzzer_sys::fuzz_target;
use serde_json::{Map, Value, json};
use sward_protocol::view::{Sight, WorldView};

fn snapshot(view: &WorldView) -> Value {
    let entities = view.entities().iter().map(|(id, seen)| {
        let mut piece: Map<_, _> = seen.fields.clone().into_iter().collect();
        piece.extend([
            ("id".to_owned(), json!(id)),
            ("is".to_owned(), json!(seen.kind)),
            ("far".to_owned(), json!(seen.far)),
        ]);
        Value::Object(piece)
    });
    json!({"tick": view.tick(), "world": entities.collect::<Vec<_>>()})
}

fuzz_target!(|text: &str| {
    let (mut view, mut in_sight) = (WorldView::default(), BTreeSet::new());
    for patch in text.lines().filter_map(|line| serde_json::from_str(line).ok()) {
        for sight in view.apply(patch) {
            match sight {
                Sight::Enter(id) => assert!(in_sight.insert(id)),
                Sight::Leave(id) => assert!(in_sight.remove(&id)),
                Sight::Change { fields, .. } => assert!(!fields.is_empty()),
                _ => unreachable!("an event that this target does not know"),
            }
        }
        let now = view.entities().iter().filter(|(_, seen)| !seen.far).map(|(id, _)| *id);
        assert!(now.eq(in_sight.iter().copied()));
    }
    let again = WorldView::of(snapshot(&view));
    assert_eq!(again.hash(), view.hash());
    assert_eq!(again, view);
});
