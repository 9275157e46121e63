//! What one player knows of a game's world, kept current from what his stream tells. Pure: for native clients, the load
//! test and tests; a page has the same in `sdk/world-view.js`. `docs/world.md` is the format in prose,
//! `tests/golden/world.json` holds both readers together.
//!
//! `state.world` of `joined`, and each `patch` of a world, is an object of one shape:
//!
//! ```json
//! {"tick":813,"world":[{"id":9,"is":"flower","x":1,"y":2},{"id":4,"open":false},{"id":12,"gone":true}]}
//! ```
//!
//! Each item of `world` is a *piece*. The pieces are taken in their order:
//!
//! | piece | what it says |
//! |---|---|
//! | has `"gone":true` | the entity is known no more |
//! | has `"is":"<kind>"` | the entity begins anew: what was known of this id is forgotten, and the other members are its fields; with `"far":true` it is not in sight |
//! | any other | the other members are fields whose value is this from now on; one that is null is no field any more |
//!
//! `id` is a whole number below 2^32; kinds and field names are names ([`is_name`]); a field's value is any JSON that is
//! nested at most [`PAYLOAD_DEPTH_MAX`] deep. Whatever a server says, a view does not panic and stays within bounds:
//!
//! - A patch that is no object, or whose `world` is no array, is none of the world's business: nothing changes. A `tick`
//!   that is no whole number below 2^53 leaves the one that was.
//! - A piece that is no object, without an id, or with an `is` that is neither a name nor null, is ignored. So are fields
//!   of an id that is not known.
//! - A field with another name, or nested deeper, is ignored; the rest of its piece counts.
//! - A view has at most [`VIEW_ENTITIES_MAX`] entities and an entity at most [`VIEW_FIELDS_MAX`] fields, first come,
//!   first kept (the fields of one piece in the order of their names). What would be one more is ignored.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::limits::{
    INTEGER_END, PAYLOAD_DEPTH_MAX, VIEW_ENTITIES_MAX, VIEW_FIELDS_MAX, WORLD_NAME_CHARS_MAX,
};

/// One past the highest id of an entity.
const IDS_END: u64 = 1 << 32;

/// Members of a piece that are no fields.
const NO_FIELDS: [&str; 4] = ["id", "is", "far", "gone"];

/// What one player knows of a world at a tick.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct WorldView {
    tick: u64,
    entities: BTreeMap<u32, Seen>,
}

/// What one player knows of an entity.
#[derive(Debug, Clone, PartialEq)]
pub struct Seen {
    /// What it is: a name.
    pub kind: String,
    /// It is out of sight: only those of its fields are known that everybody always sees.
    pub far: bool,
    /// By name. None of them is null: that would be no field.
    pub fields: BTreeMap<String, Value>,
}

/// What a patch did to what is seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Sight {
    /// This entity was not in sight, and is now.
    Enter(u32),
    /// This entity was in sight, and is not any more: it is gone or far, or another one has its id (then `Enter` is next).
    Leave(u32),
    /// Fields of a known entity, in sight or far, were told. Their values may be what they were before.
    Change {
        /// Which entity.
        id: u32,
        /// Which fields, at least one.
        fields: BTreeSet<String>,
    },
}

/// Whether `text` may be the name of a field, or a kind of entities: 1–32 of `a`–`z`, `0`–`9` and `_`, the first a letter.
/// (`id`, `is`, `far` and `gone` are names, and yet no fields.)
#[must_use]
pub fn is_name(text: &str) -> bool {
    text.len() <= WORLD_NAME_CHARS_MAX
        && text.starts_with(|first: char| first.is_ascii_lowercase())
        && text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_'))
}

impl WorldView {
    /// The view that `state.world` of a `joined` tells; it takes the place of any earlier one. Of what is no world: the
    /// empty view, at tick 0.
    #[must_use]
    pub fn of(world: Value) -> Self {
        let mut view = Self::default();
        view.apply(world);
        view
    }

    /// Takes up the data of a `patch`, which [`Payload::parse`](crate::payload::Payload::parse) gets from an event.
    /// Returns what that did, in the order in which it happened. Pieces of one entity that follow each other are told as
    /// one: fields right behind its `Enter` are part of that, those right behind its `Change` join it.
    ///
    /// Of far entities only `Change` is told, not that one is known or forgotten.
    pub fn apply(&mut self, patch: Value) -> Vec<Sight> {
        let mut sights = Vec::new();
        let Value::Object(mut patch) = patch else { return sights };
        let Some(Value::Array(pieces)) = patch.remove("world") else { return sights };
        if let Some(tick) = patch.get("tick").and_then(|tick| whole_below(INTEGER_END, tick)) {
            self.tick = tick;
        }
        for piece in pieces {
            if let Value::Object(piece) = piece {
                self.take(piece, &mut sights);
            }
        }
        sights
    }

    /// The world's tick that the view is of.
    #[must_use]
    pub fn tick(&self) -> u64 {
        self.tick
    }

    /// All that is known, by id.
    #[must_use]
    pub fn entities(&self) -> &BTreeMap<u32, Seen> {
        &self.entities
    }

    /// A number that two views have in common when they know the same, whatever way they came to know it: 32-bit FNV-1a
    /// over the bytes that `docs/world.md` states. The tick is not part of it. It tells apart what differs by mistake,
    /// not by intent.
    #[must_use]
    pub fn hash(&self) -> u32 {
        let mut hash = Fnv1a(0x811c_9dc5);
        for (id, Seen { kind, far, fields }) in &self.entities {
            hash.bytes(&id.to_be_bytes());
            hash.bytes(kind.as_bytes());
            hash.bytes(&[0, u8::from(*far)]);
            for (name, value) in fields {
                hash.bytes(name.as_bytes());
                hash.bytes(&[0]);
                hash.value(value);
            }
            hash.bytes(&[0xff]);
        }
        hash.0
    }

    fn take(&mut self, piece: Map<String, Value>, sights: &mut Vec<Sight>) {
        let id = piece.get("id").and_then(|id| whole_below(IDS_END, id));
        let Some(id) = id.and_then(|id| u32::try_from(id).ok()) else { return };
        let says = |member| piece.get(member) == Some(&Value::Bool(true));
        if says("gone") {
            if self.entities.remove(&id).is_some_and(|seen| !seen.far) {
                sights.push(Sight::Leave(id));
            }
            return;
        }
        match piece.get("is") {
            None | Some(Value::Null) => self.change(id, piece, sights),
            Some(Value::String(kind)) if is_name(kind) => {
                let (kind, far) = (kind.clone(), says("far"));
                let fields = fields_of(piece).into_iter().filter(|(_, value)| !value.is_null());
                let fields = fields.take(VIEW_FIELDS_MAX).collect();
                self.begin(id, Seen { kind, far, fields }, sights);
            }
            Some(_) => {}
        }
    }

    fn begin(&mut self, id: u32, seen: Seen, sights: &mut Vec<Sight>) {
        if self.entities.len() >= VIEW_ENTITIES_MAX && !self.entities.contains_key(&id) {
            return;
        }
        let enters = !seen.far;
        if self.entities.insert(id, seen).is_some_and(|old| !old.far) {
            sights.push(Sight::Leave(id));
        }
        if enters {
            sights.push(Sight::Enter(id));
        }
    }

    fn change(&mut self, id: u32, piece: Map<String, Value>, sights: &mut Vec<Sight>) {
        let Some(seen) = self.entities.get_mut(&id) else { return };
        let mut told = BTreeSet::new();
        for (name, value) in fields_of(piece) {
            if value.is_null() {
                if seen.fields.remove(&name).is_some() {
                    told.insert(name);
                }
            } else if seen.fields.len() < VIEW_FIELDS_MAX || seen.fields.contains_key(&name) {
                seen.fields.insert(name.clone(), value);
                told.insert(name);
            }
        }
        match sights.last_mut() {
            Some(Sight::Enter(last)) if *last == id => {}
            Some(Sight::Change { id: last, fields }) if *last == id => fields.append(&mut told),
            _ if told.is_empty() => {}
            _ => sights.push(Sight::Change { id, fields: told }),
        }
    }
}

/// Sorted here, because a crate elsewhere may have made serde's maps keep the order of the text.
fn fields_of(piece: Map<String, Value>) -> BTreeMap<String, Value> {
    let is_field = |name: &str| is_name(name) && !NO_FIELDS.contains(&name);
    piece
        .into_iter()
        .filter(|(name, value)| is_field(name) && is_nested_within(PAYLOAD_DEPTH_MAX, value))
        .collect()
}

/// Whole numbers may be written `17`, `17.0` or `1.7e1`: to JavaScript they are the same.
fn whole_below(end: u64, value: &Value) -> Option<u64> {
    let number = value.as_f64()?;
    let whole = number.fract() == 0.0 && number >= 0.0 && number < end as f64;
    whole.then_some(number as u64)
}

fn is_nested_within(levels: usize, value: &Value) -> bool {
    let Some(inner) = levels.checked_sub(1) else { return !value.is_array() && !value.is_object() };
    match value {
        Value::Array(values) => values.iter().all(|value| is_nested_within(inner, value)),
        Value::Object(members) => members.values().all(|value| is_nested_within(inner, value)),
        _ => true,
    }
}

/// FNV-1a, 32 bit: <http://www.isthe.com/chongo/tech/comp/fnv/>.
struct Fnv1a(u32);

impl Fnv1a {
    fn bytes(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u32::from(*byte)).wrapping_mul(0x0100_0193);
        }
    }

    fn tagged(&mut self, tag: u8, count: usize) {
        self.bytes(&[tag]);
        self.bytes(&u32::try_from(count).unwrap_or(u32::MAX).to_be_bytes());
    }

    fn text(&mut self, text: &str) {
        self.tagged(0x04, text.len());
        self.bytes(text.as_bytes());
    }

    /// Calls itself at most as deep as a field is nested.
    fn value(&mut self, value: &Value) {
        match value {
            Value::Null => self.bytes(&[0x00]),
            Value::Bool(is) => self.bytes(&[0x01 + u8::from(*is)]),
            Value::Number(number) => {
                // -0 plus 0 is 0.
                let number = number.as_f64().unwrap_or(0.0) + 0.0;
                self.bytes(&[0x03]);
                self.bytes(&number.to_be_bytes());
            }
            Value::String(text) => self.text(text),
            Value::Array(values) => {
                self.tagged(0x05, values.len());
                for value in values {
                    self.value(value);
                }
            }
            Value::Object(members) => {
                self.tagged(0x06, members.len());
                for (key, value) in members.iter().collect::<BTreeMap<_, _>>() {
                    self.text(key);
                    self.value(value);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn change(id: u32, fields: &[&str]) -> Sight {
        Sight::Change { id, fields: fields.iter().map(|&name| name.to_owned()).collect() }
    }

    fn apply(view: &mut WorldView, pieces: &Value) -> Vec<Sight> {
        view.apply(json!({"tick": 1, "world": pieces}))
    }

    #[test]
    fn sight_begins_and_ends() {
        let mut view = WorldView::of(json!({"tick": 812, "world": [{"id": 4, "is": "gate", "far": true}]}));
        assert_eq!((view.tick(), view.entities().len(), view.entities()[&4].far), (812, 1, true));
        for (pieces, want) in [
            (json!([{"id": 4, "is": "gate", "open": true}]), vec![Sight::Enter(4)]),
            (json!([{"id": 4, "is": "fox"}]), vec![Sight::Leave(4), Sight::Enter(4)]),
            (json!([{"id": 4, "is": "fox", "far": true, "name": "Bo"}]), vec![Sight::Leave(4)]),
            (json!([{"id": 4, "name": "Zoë"}]), vec![change(4, &["name"])]),
            (json!([{"id": 4, "is": "fox", "far": true}]), vec![]),
            (json!([{"id": 4, "gone": true}]), vec![]),
            (json!([{"id": 4, "name": "Bo"}]), vec![]),
            (
                json!([{"id": 4, "is": "fox"}, {"id": 4, "gone": true}]),
                vec![Sight::Enter(4), Sight::Leave(4)],
            ),
        ] {
            assert_eq!(apply(&mut view, &pieces), want, "{pieces}");
        }
        assert_eq!(view, WorldView { tick: 1, entities: BTreeMap::new() });
    }

    #[test]
    fn pieces_of_one_entity_that_follow_each_other_are_told_as_one() {
        let mut view = WorldView::default();
        let sights =
            apply(&mut view, &json!([{"id": 1, "is": "fox"}, {"id": 1, "x": 1}, {"id": 2, "is": "fox"}]));
        assert_eq!(sights, [Sight::Enter(1), Sight::Enter(2)]);
        assert_eq!(view.entities()[&1].fields["x"], 1);
        let sights = apply(
            &mut view,
            &json!([{"id": 1, "y": 1, "x": 1}, {"id": 1, "hat": 7}, {"id": 2, "x": 1}, {"id": 1, "x": 2}]),
        );
        assert_eq!(sights, [change(1, &["hat", "x", "y"]), change(2, &["x"]), change(1, &["x"])]);
    }

    #[test]
    fn what_is_no_patch_of_a_world_changes_nothing() {
        let mut view = WorldView::of(json!({"tick": 7, "world": [{"id": 1, "is": "fox"}]}));
        let before = view.clone();
        for patch in
            [json!(null), json!([]), json!({"tick": 8}), json!({"tick": 8, "world": {"id": 1, "gone": true}})]
        {
            assert_eq!(view.apply(patch), []);
            assert_eq!(view, before);
        }
    }

    #[test]
    fn the_hash_is_that_of_the_bytes_that_the_documentation_states() {
        let fnv = |bytes: &[u8]| {
            let mut hash = Fnv1a(0x811c_9dc5);
            hash.bytes(bytes);
            hash.0
        };
        assert_eq!(fnv(b"foobar"), 0xbf9c_f968, "a test vector of its authors");
        assert_eq!(WorldView::default().hash(), 0x811c_9dc5);
        let view = WorldView::of(json!({"world": [
            {"id": 258, "is": "b", "far": true, "v": [null, false, true, -0.0, {"ｱ": "é", "😀": 1.5}]},
            {"id": 7, "is": "a"},
        ]}));
        let bytes = [
            &b"\x00\x00\x00\x07a\x00\x00\xff\x00\x00\x01\x02b\x00\x01v\x00"[..],
            b"\x05\x00\x00\x00\x05\x00\x01\x02\x03\x00\x00\x00\x00\x00\x00\x00\x00\x06\x00\x00\x00\x02",
            b"\x04\x00\x00\x00\x03\xef\xbd\xb1\x04\x00\x00\x00\x02\xc3\xa9",
            b"\x04\x00\x00\x00\x04\xf0\x9f\x98\x80\x03\x3f\xf8\x00\x00\x00\x00\x00\x00\xff",
        ];
        assert_eq!(view.hash(), fnv(&bytes.concat()));
    }

    #[test]
    fn a_view_is_bounded() {
        let end = u32::try_from(VIEW_ENTITIES_MAX).unwrap();
        let foxes =
            |ids: std::ops::Range<u32>| ids.map(|id| json!({"id": id, "is": "fox"})).collect::<Value>();
        let mut view = WorldView::default();
        assert_eq!(apply(&mut view, &foxes(0..end + 9)).len(), VIEW_ENTITIES_MAX);
        assert_eq!(apply(&mut view, &json!([{"id": end, "is": "fox"}, {"id": end, "x": 1}])), []);
        assert_eq!(apply(&mut view, &json!([{"id": 0, "is": "hare"}])), [Sight::Leave(0), Sight::Enter(0)]);
        let freed = json!([{"id": 1, "gone": true}, {"id": end, "is": "fox"}]);
        assert_eq!(apply(&mut view, &freed), [Sight::Leave(1), Sight::Enter(end)]);

        let mut piece: Map<_, _> = (0..=VIEW_FIELDS_MAX).map(|at| (format!("f{at:03}"), json!(at))).collect();
        piece.insert("id".to_owned(), json!(0));
        assert_eq!(apply(&mut view, &json!([piece])).len(), 1);
        let fields = |view: &WorldView| view.entities()[&0].fields.clone();
        assert_eq!(fields(&view).len(), VIEW_FIELDS_MAX);
        assert_eq!(fields(&view).last_key_value(), Some((&"f255".to_owned(), &json!(255))));
        assert_eq!(apply(&mut view, &json!([{"id": 0, "a": 1, "f000": 1}])), [change(0, &["f000"])]);
        piece.insert("is".to_owned(), json!("hare"));
        apply(&mut view, &json!([piece]));
        assert_eq!(fields(&view).len(), VIEW_FIELDS_MAX);
    }
}
