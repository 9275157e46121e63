//! What readers of a world make of what they are told: `tests/golden/world.json` has scripts, each a `state` and patches,
//! and behind each what has happened to the view, its tick and its hash. The browser SDK's tests read the same file. See
//! `tests/golden.rs`.
#![allow(clippy::disallowed_methods, reason = "a test may read files")]
#![allow(clippy::unwrap_used, reason = "a test may fail by a panic")]

mod support;

use std::collections::{BTreeSet, HashMap};

use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Map, Value, json};
use sward_protocol::limits::{VIEW_FIELDS_MAX, WORLD_NAME_CHARS_MAX};
use sward_protocol::view::{Sight, WorldView, is_name};

use support::{golden, payload};

/// A name, a `state.world`, and patches, as JSON text: other clients must read numbers as they are written here.
#[derive(Clone)]
struct Script {
    name: String,
    state: String,
    patches: Vec<String>,
}

impl Script {
    fn of(name: &str, state: &str, patches: &[&str]) -> Self {
        let patches = patches.iter().map(|&patch| patch.to_owned()).collect();
        Self { name: name.to_owned(), state: state.to_owned(), patches }
    }

    /// What a reader makes of it, a line for the state and one for each patch.
    fn played(&self) -> String {
        let Self { name, state, patches } = self;
        let mut view = WorldView::of(serde_json::from_str(state).unwrap());
        let mut text = format!(
            "{{\"name\":{},\"state\":{state},\"tick\":{},\"hash\":{},\"patches\":[",
            json!(name),
            view.tick(),
            view.hash()
        );
        for (at, patch) in patches.iter().enumerate() {
            let sights = json!(view.apply(serde_json::from_str(patch).unwrap()));
            let (tick, hash) = (view.tick(), view.hash());
            let comma = if at == 0 { "" } else { "," };
            text += &format!(
                "{comma}\n  {{\"patch\":{patch},\"events\":{sights},\"tick\":{tick},\"hash\":{hash}}}"
            );
        }
        text + "\n]}"
    }
}

/// The example of `docs/world.md`.
const STATE: &str = r#"{"tick":812,"world":[{"id":17,"is":"animal","seat":3,"x":104.5,"y":88,"basket":2},{"id":4,"is":"gate","open":true},{"id":12,"is":"flower","x":3,"y":4,"open":true},{"id":20,"is":"animal","far":true,"seat":5}]}"#;
const PATCH: &str = r#"{"tick":813,"world":[{"id":4,"open":false},{"id":9,"is":"flower","x":1,"y":2,"open":true},{"id":12,"gone":true},{"id":17,"x":106.1,"y":88}]}"#;

fn values() -> Vec<Script> {
    vec![
        Script::of("the example", STATE, &[PATCH]),
        Script::of(
            "no world",
            "null",
            &["null", "[]", "7", r#"{"tick":9}"#, r#"{"tick":9,"world":{"id":1}}"#],
        ),
        Script::of(
            "text",
            r#"{"tick":1,"world":[{"id":1,"is":"sign","empty":"","latin":"Zoë","fox":"🦊","mark":"e\u0301","escaped":"\ud83e\udd8a\u0000\n\""}]}"#,
            &[r#"{"tick":2,"world":[{"id":1,"latin":"สวัสดี"}]}"#],
        ),
        Script::of(
            "numbers",
            r#"{"tick":1,"world":[{"id":1,"is":"n","a":-0,"b":-0.0,"c":0,"d":1e21,"e":0.1,"f":-17,"g":1.0,"h":9007199254740993,"i":18446744073709551615,"j":18446744073709551616,"k":5e-324,"l":1.7976931348623157e308,"m":-9223372036854775809,"n":0.30000000000000004,"o":2.2250738585072011e-308}]}"#,
            &[
                r#"{"tick":2,"world":[{"id":1,"a":0}]}"#,
                r#"{"tick":3,"world":[{"id":1,"c":1e-7,"d":123456789012345678}]}"#,
            ],
        ),
        Script::of(
            "objects, whose keys are in the order of their UTF-8",
            r#"{"tick":1,"world":[{"id":1,"is":"bag","v":{"😀":1,"｡":2,"10":3,"9":4,"b":{"z":[],"a":{}},"":null,"__proto__":5,"ab":6,"a":7}}]}"#,
            &[
                r#"{"tick":2,"world":[{"id":1,"v":{"｡":2,"😀":1}}]}"#,
                r#"{"tick":3,"world":[{"id":1,"v":{"😀":1,"｡":2}}]}"#,
                r#"{"tick":4,"world":[{"id":1,"v":[[1,2],[3]],"turn":[0,0,0,1]}]}"#,
                r#"{"tick":5,"world":[{"id":1,"v":[[1],[2,3]],"v2":1,"v":[[1,2,3]]}]}"#,
            ],
        ),
    ]
}

fn sights() -> Vec<Script> {
    vec![
        Script::of(
            "sight: far, gone, and an id that is used again",
            r#"{"tick":1,"world":[{"id":1,"is":"fox","x":1},{"id":2,"is":"fox","far":true,"hat":1}]}"#,
            &[
                r#"{"tick":2,"world":[{"id":1,"is":"fox","far":true}]}"#,
                r#"{"tick":3,"world":[{"id":1,"is":"fox","x":2},{"id":2,"hat":2}]}"#,
                r#"{"tick":4,"world":[{"id":1,"is":"hare","y":2},{"id":1,"z":3}]}"#,
                r#"{"tick":5,"world":[{"id":2,"is":"hare","far":true},{"id":2,"hat":3}]}"#,
                r#"{"tick":6,"world":[{"id":2,"hat":4},{"id":2,"is":"fox","far":true},{"id":2,"cap":1}]}"#,
                r#"{"tick":7,"world":[{"id":2,"gone":true},{"id":3,"gone":true},{"id":3,"x":1}]}"#,
                r#"{"tick":8,"world":[{"id":1,"gone":true},{"id":1,"is":"fox","x":1}]}"#,
                r#"{"tick":9,"world":[{"id":1,"is":"fox","gone":true},{"id":4,"is":"fox"},{"id":4,"gone":true}]}"#,
            ],
        ),
        Script::of(
            "fields, told as one where they follow each other",
            r#"{"tick":1,"world":[{"id":1,"is":"fox"},{"id":2,"is":"fox"}]}"#,
            &[
                r#"{"tick":2,"world":[{"id":1,"y":1,"x":1},{"id":1,"hat":null},{"id":2,"x":1},{"id":1,"x":2}]}"#,
                r#"{"tick":3,"world":[{"id":1,"hat":null},{"id":1},{"id":2}]}"#,
                r#"{"tick":4,"world":[{"id":1,"x":1,"x":2,"constructor":1,"to_string":2}]}"#,
                r#"{"tick":5,"world":[{"id":2,"is":"fox"},{"id":1,"x":1},{"id":2,"x":1}]}"#,
            ],
        ),
    ]
}

fn malformed_or_too_much() -> Vec<Script> {
    let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    let deep = format!(
        r#"{{"tick":1,"world":[{{"id":1,"is":"deep","fits":{},"deeper":{}}}]}}"#,
        nested(32),
        nested(33)
    );
    let mut crowd: Map<_, _> = (0..=VIEW_FIELDS_MAX).map(|at| (format!("f{at}"), json!(at))).collect();
    crowd.extend([("id".to_owned(), json!(1)), ("is".to_owned(), json!("crowd"))]);
    let long = "k".repeat(WORLD_NAME_CHARS_MAX);
    let (fits, too_long) = (format!(r#"{{"id":1,"is":"{long}"}}"#), format!(r#"{{"id":2,"is":"{long}k"}}"#));
    vec![
        Script::of(
            "what is malformed",
            r#"{"tick":-1,"world":[{"id":0,"is":"a"},{"id":4294967295,"is":"z"}]}"#,
            &[
                r#"{"tick":1.0,"world":[null,7,"x",[],{},{"is":"a"},{"id":null,"is":"a"},{"id":"1","is":"a"},{"id":true,"is":"a"}]}"#,
                r#"{"tick":1.5,"world":[{"id":-1,"is":"a"},{"id":1.5,"is":"a"},{"id":4294967296,"is":"a"},{"id":1e300,"is":"a"}]}"#,
                r#"{"tick":2e0,"world":[{"id":-0.0,"x":1},{"id":17.0,"is":"a"},{"id":1.8e1,"is":"a"}]}"#,
                r#"{"tick":9007199254740991,"world":[{"id":1,"is":7},{"id":1,"is":""},{"id":1,"is":"A"},{"id":1,"is":"é"},{"id":1,"is":"1a"},{"id":17,"is":false,"x":1}]}"#,
                r#"{"tick":9007199254740992,"world":[{"id":17,"is":null,"x":1},{"id":17,"far":true,"gone":false,"x":2},{"id":18,"is":"b","far":1,"gone":null}]}"#,
                r#"{"tick":null,"world":[{"id":17,"X":1,"_x":1,"x-y":1,"2x":1,"":1,"é":1,"a_2":1},{"id":17,"Y":1},{"id":18,"x\n":1}]}"#,
                r#"{"world":[{"id":17,"gone":1},{"id":18,"gone":"true"}]}"#,
            ],
        ),
        Script::of("long names", &format!(r#"{{"tick":1,"world":[{fits},{too_long}]}}"#), &[]),
        Script::of("nested values", &deep, &[r#"{"tick":2,"world":[{"id":1,"deeper":[{}]}]}"#]),
        Script::of(
            "more fields than a view knows",
            &json!({"tick": 1, "world": [crowd]}).to_string(),
            &[r#"{"tick":2,"world":[{"id":1,"a":1,"f0":null,"f99":7}]}"#],
        ),
    ]
}

/// SplitMix64: a walk must be the same whichever version of a library draws it.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    fn of<'a>(&mut self, words: &[&'a str]) -> &'a str {
        words[self.below(words.len() as u64) as usize]
    }

    fn value(&mut self, levels: u64) -> Value {
        match self.below(if levels == 0 { 6 } else { 8 }) {
            0 => Value::Null,
            1 => json!(self.below(2) == 0),
            2 => json!(self.below(1000) as f64 / 10.0),
            3 => json!(f64::from_bits(self.next())),
            4 => json!(self.next() as i64),
            5 => json!(self.of(&["", "hat", "Zoë 🦊", "｡😀", "\u{7f}\n"])),
            6 => (0..self.below(4)).map(|_| self.value(levels - 1)).collect(),
            _ => {
                let keys = ["a", "b", "｡", "😀", "é"];
                Value::Object((0..3).map(|_| (self.of(&keys).to_owned(), self.value(levels - 1))).collect())
            }
        }
    }

    fn piece(&mut self) -> Value {
        let id = [0, 1, 2, 3, 255, 65_536, u32::MAX][self.below(7) as usize];
        let mut piece = Map::from_iter([("id".to_owned(), json!(id))]);
        let way = self.below(10);
        if way == 0 {
            piece.insert("gone".to_owned(), json!(true));
            return Value::Object(piece);
        }
        if way < 4 {
            piece.insert("is".to_owned(), json!(self.of(&["fox", "hare", "flower_2"])));
        }
        if way == 3 {
            piece.insert("far".to_owned(), json!(true));
        }
        for _ in 0..self.below(4) {
            piece.insert(self.of(&["x", "y", "turn", "hat", "bag", "open"]).to_owned(), self.value(2));
        }
        Value::Object(piece)
    }

    fn walk(&mut self, name: &str) -> Script {
        let mut patch = |tick, least, end| {
            let pieces: Value = (0..least + self.below(end)).map(|_| self.piece()).collect();
            json!({"tick": tick, "world": pieces}).to_string()
        };
        Script {
            name: name.to_owned(),
            state: patch(100, 6, 8),
            patches: (101..116).map(|tick| patch(tick, 0, 8)).collect(),
        }
    }
}

#[test]
fn the_golden_scripts_are_read_as_before() {
    let mut scripts = [values(), sights(), malformed_or_too_much()].concat();
    scripts.extend((1..=6).map(|seed| Dice(seed).walk(&format!("walk {seed}"))));
    let played: Vec<_> = scripts.iter().map(Script::played).collect();
    golden("world.json", format!("[\n{}\n]\n", played.join(",\n")).as_bytes());
}

#[test]
fn the_documented_example_is_read_as_documented() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let page = std::fs::read_to_string(root.join("docs/world.md")).unwrap();
    let mut view = WorldView::default();
    assert!(page.contains(&format!("`{:08x}`", view.hash())));
    for text in [STATE, PATCH] {
        view.apply(payload(&serde_json::from_str(text).unwrap()).parse().unwrap());
        assert!(page.contains(text), "{text}");
        assert!(page.contains(&format!("`{:08x}`", view.hash())), "{:08x}", view.hash());
    }
}

#[test]
fn a_name_is_a_letter_and_more() {
    for (text, want) in [("x", true), ("a_2", true), ("", false), ("_a", false), ("2a", false), ("aé", false)]
    {
        assert_eq!(is_name(text), want, "{text}");
    }
    assert!(is_name(&"a".repeat(32)) && !is_name(&"a".repeat(33)));
}

/// What a view knows, as the `state.world` that tells it.
fn snapshot(view: &WorldView) -> Value {
    let entities = view.entities().iter().map(|(id, seen)| {
        let mut piece: Map<_, _> = seen.fields.clone().into_iter().collect();
        piece.insert("id".to_owned(), json!(id));
        piece.insert("is".to_owned(), json!(seen.kind));
        if seen.far {
            piece.insert("far".to_owned(), json!(true));
        }
        Value::Object(piece)
    });
    json!({"tick": view.tick(), "world": entities.collect::<Vec<_>>()})
}

fn in_sight(view: &WorldView) -> BTreeSet<u32> {
    view.entities().iter().filter(|(_, seen)| !seen.far).map(|(id, _)| *id).collect()
}

fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Into::into),
        (0..5_u32).prop_map(Into::into),
        any::<u64>().prop_map(Into::into),
        any::<f64>().prop_map(|number| json!(number)),
        "[a-z_]{0,3}".prop_map(Into::into),
        any::<String>().prop_map(Into::into),
    ];
    let key = prop_oneof![3 => "id|is|far|gone|tick|world|x", 1 => ".{0,2}"];
    leaf.prop_recursive(4, 64, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Into::into),
            prop::collection::hash_map(key.clone(), inner, 0..6)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// Patches of pieces that are mostly well-formed, of few ids.
fn patch() -> impl Strategy<Value = Value> {
    let walk = any::<u64>().prop_map(|seed| serde_json::from_str(&Dice(seed).walk("").state).unwrap());
    let noise = prop::collection::vec(json(), 0..6).prop_map(|pieces| json!({"tick": 7, "world": pieces}));
    prop_oneof![4 => walk, 1 => noise, 1 => json()]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_comes_what_is_told_is_what_happened(patches in prop::collection::vec(patch(), 0..12)) {
        let mut view = WorldView::default();
        for patch in patches {
            let mut sight = in_sight(&view);
            for told in view.apply(patch) {
                match told {
                    Sight::Enter(id) => prop_assert!(sight.insert(id), "{id} was in sight"),
                    Sight::Leave(id) => prop_assert!(sight.remove(&id), "{id} was not in sight"),
                    Sight::Change { fields, .. } => {
                        prop_assert!(!fields.is_empty() && fields.iter().all(|name| is_name(name)));
                    }
                    _ => unreachable!("an event that this test does not know"),
                }
            }
            prop_assert_eq!(sight, in_sight(&view));
        }
        let again = WorldView::of(snapshot(&view));
        prop_assert_eq!(again.hash(), view.hash());
        prop_assert_eq!(again, view);
    }

    #[test]
    fn the_way_to_a_view_is_not_in_its_hash(
        patches in prop::collection::vec(patch(), 1..6),
        order in prop::collection::vec(any::<Index>(), 64),
    ) {
        let mut view = WorldView::default();
        for patch in patches {
            view.apply(patch);
        }
        // Every entity, and then each of its fields, in pieces of their own and in any order.
        let mut begin = Vec::new();
        let mut fields = Vec::new();
        for (id, seen) in view.entities() {
            begin.push(json!({"id": id, "is": seen.kind, "far": seen.far}));
            fields.extend(seen.fields.iter().map(|(name, value)| {
                Value::Object(HashMap::from([("id".to_owned(), json!(id)), (name.clone(), value.clone())]).into_iter().collect())
            }));
        }
        for pieces in [&mut begin, &mut fields] {
            for (at, other) in order.iter().enumerate().take(pieces.len()) {
                let other = other.index(pieces.len());
                pieces.swap(at, other);
            }
        }
        let mut built = WorldView::of(json!({"tick": view.tick(), "world": begin}));
        built.apply(json!({"world": fields}));
        prop_assert_eq!(built.hash(), view.hash());
        prop_assert_eq!(built, view);
    }
}
