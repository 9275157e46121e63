//! One entity: its fields, what of them changed, and its pieces.

use std::sync::Arc;

use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};
use sward_protocol::ids::Seat;

use super::frame::{FrameWriter, Piece, PieceKey};
use super::kind::{At, Class, Kind};
use super::space::{Nowhere, Place, Space, as_map};
use super::value::Value;

/// Bytes of the values of one group as JSON: with the names of 64 fields far below those of an event.
pub(super) const GROUP_BYTES_MAX: usize = 16 * 1024;
/// Objects and arrays inside each other in a value: what surrounds it in a state that is shown, and in a game that is saved,
/// has room beside it in a payload.
pub(super) const VALUE_DEPTH_MAX: usize = 24;

/// Who sees an entity.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Visibility {
    /// Who is near enough, as the space says; everybody where it says nothing.
    #[default]
    InSight,
    /// Who is no farther from it than this, however far players see.
    Within(f64),
    /// Everybody.
    Everywhere,
    /// The players on these seats, and its owner.
    Only(Vec<Seat>),
    /// Nobody: the game alone knows of it.
    Nobody,
}

/// What one sees of an entity: bits, all of which may be set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Sees(u8);

impl Sees {
    pub(super) const NOTHING: Self = Self(0);
    /// That it is there, and what everybody always sees of it.
    pub(super) const FAR: Self = Self(1);
    /// It is in sight.
    pub(super) const NEAR: Self = Self(3);
    /// What only its owner sees.
    pub(super) const OWN: Self = Self(4);

    pub(super) fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// What only the owner sees of it, alone.
    pub(super) fn own(self) -> Self {
        Self(self.0 & 4)
    }

    /// All but what only the owner sees.
    pub(super) fn without_own(self) -> Self {
        Self(self.0 & 3)
    }

    pub(super) fn is_nothing(self) -> bool {
        self.0 & 3 == 0
    }

    pub(super) fn is_near(self) -> bool {
        self.0 & 2 != 0
    }

    pub(super) fn shows(self, class: Class) -> bool {
        let bit = match class {
            Class::Always => 1,
            Class::Sight => 2,
            Class::Owner => 4,
        };
        self.0 & bit != 0 && self.0 & 3 != 0
    }
}

/// One entity.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Entity {
    pub(super) kind: u8,
    pub(super) owner: Option<Seat>,
    pub(super) visibility: Visibility,
    pub(super) place: Option<Place>,
    values: Box<[Value]>,
    /// The groups that changed since the last frame, by their number.
    pub(super) changed: u64,
    /// What everybody sees of it, as of the last frame.
    pub(super) shown: Sees,
    /// Whether it was ever turned: its place says so then if it is not.
    was_turned: bool,
    #[serde(skip)]
    cache: Cache,
}

/// An entity's pieces, made when somebody needs them, by group.
#[derive(Debug, Clone, Default)]
struct Cache {
    pieces: Vec<Cached>,
}

#[derive(Debug, Clone, Default)]
struct Cached {
    piece: Option<Arc<Piece>>,
    /// The frame that has it, by number, and where.
    at: (u64, u32),
}

impl Entity {
    pub(super) fn new(kind: u8, of: &Kind) -> Self {
        Self {
            kind,
            owner: None,
            visibility: Visibility::default(),
            place: None,
            values: std::iter::repeat_n(Value::Null, of.fields()).collect(),
            changed: 0,
            shown: Sees::NOTHING,
            was_turned: false,
            cache: Cache::default(),
        }
    }

    pub(super) fn value(&self, field: usize) -> &Value {
        &self.values[field]
    }

    /// Whether the value is another than before.
    pub(super) fn set(&mut self, field: usize, group: u8, value: Value) -> bool {
        let changes = self.values[field] != value;
        if changes {
            self.values[field] = value;
            self.touch(group);
        }
        changes
    }

    /// Why this value cannot be one of its fields, if it cannot.
    pub(super) fn refusal(&self, kind: &Kind, at: At, value: &Value) -> Option<String> {
        if !value.is_open_ended() {
            return None;
        }
        let (bytes, depth) = value.measure();
        let others = kind.fields_of(at.group).filter(|(field, _)| *field != at.field);
        let bytes = bytes + others.map(|(field, _)| self.values[field].measure().0).sum::<usize>();
        if depth > VALUE_DEPTH_MAX {
            return Some(format!("it is nested {depth} deep, and at most {VALUE_DEPTH_MAX} travels"));
        }
        (bytes > GROUP_BYTES_MAX)
            .then(|| format!("{bytes} bytes would travel together, and at most {GROUP_BYTES_MAX} do"))
    }

    /// Whether its place is told otherwise than before.
    pub(super) fn put(&mut self, place: Option<Place>, space: &Space) -> bool {
        let told = |place: &Option<Place>| place.as_ref().map(|place| space.told(place));
        let changes = told(&self.place) != told(&place);
        self.place = place;
        self.was_turned |= place.is_some_and(|place| place.turn.is_some());
        if changes {
            self.touch(PieceKey::PLACE);
        }
        changes
    }

    pub(super) fn touch(&mut self, group: u8) {
        self.changed |= 1 << group;
        if let Some(cached) = self.cache.pieces.get_mut(usize::from(group)) {
            *cached = Cached::default();
        }
    }

    pub(super) fn has_changed(&self, group: u8) -> bool {
        self.changed & (1 << group) != 0
    }

    /// Whether there is anything to say of this group.
    pub(super) fn has(&self, group: u8, kind: &Kind) -> bool {
        match group {
            PieceKey::BEING => true,
            PieceKey::PLACE => self.place.is_some(),
            group => kind.fields_of(group).any(|(field, _)| self.values[field] != Value::Null),
        }
    }

    /// Where the piece of this group as it is now stands in the frame of this number; added to it if it is not there yet.
    /// For [`PieceKey::BEING`], that it is in sight.
    pub(super) fn piece(
        &mut self,
        id: u32,
        group: u8,
        (kind, space): (&Kind, &Space),
        (frame, writer): (u64, &mut FrameWriter),
    ) -> u32 {
        let at = usize::from(group);
        if self.cache.pieces.len() <= at {
            self.cache.pieces.resize(usize::from(kind.pieces()), Cached::default());
        }
        if self.cache.pieces[at].piece.is_none() {
            let shown = Shown { id, entity: self, kind, space, what: What::Group(group) };
            let piece = Some(piece(id, group, &shown));
            self.cache.pieces[at] = Cached { piece, at: (0, 0) };
        }
        let Cached { piece: Some(piece), at } = &mut self.cache.pieces[at] else { return 0 };
        if at.0 != frame {
            *at = (frame, writer.add(Arc::clone(piece)));
        }
        at.1
    }

    /// That it is there, but not in sight.
    pub(super) fn far(&self, id: u32, kind: &Kind, space: &Space) -> Arc<Piece> {
        piece(id, PieceKey::BEING, &Shown { id, entity: self, kind, space, what: What::Far })
    }

    /// A group whose fields one sees no more.
    pub(super) fn hidden(&self, id: u32, group: u8, kind: &Kind, space: &Space) -> Arc<Piece> {
        piece(id, group, &Shown { id, entity: self, kind, space, what: What::Hidden(group) })
    }
}

/// That it is not there any more, or out of sight.
pub(super) fn gone(id: u32) -> Arc<Piece> {
    let json = format!("{{\"id\":{id},\"gone\":true}}").into_bytes().into_boxed_slice();
    Arc::new(Piece::new(PieceKey { entity: id, group: PieceKey::BEING }, json))
}

fn piece(id: u32, group: u8, shown: &Shown<'_>) -> Arc<Piece> {
    let mut json = Vec::with_capacity(64);
    // Its keys are text, and a `Vec` takes every write.
    let written = serde_json::to_writer(&mut json, shown);
    debug_assert!(written.is_ok(), "{written:?}");
    Arc::new(Piece::new(PieceKey { entity: id, group }, json.into_boxed_slice()))
}

/// What of an entity is written.
#[derive(Debug, Clone, Copy)]
pub(super) enum What {
    /// One group.
    Group(u8),
    /// That it is there, but not in sight.
    Far,
    /// Null in place of a group's fields.
    Hidden(u8),
    /// All that one sees.
    All(Sees),
}

/// An entity, or a part of it, as JSON.
pub(super) struct Shown<'a> {
    pub(super) id: u32,
    pub(super) entity: &'a Entity,
    pub(super) kind: &'a Kind,
    pub(super) space: &'a Space,
    pub(super) what: What,
}

impl Serialize for Shown<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        as_map(serializer, |map| {
            map.serialize_entry("id", &self.id)?;
            match self.what {
                What::Group(PieceKey::BEING) => map.serialize_entry("is", self.kind.name()),
                What::Group(group) => self.group(map, group, false),
                What::Far => self.being(map, true),
                What::Hidden(group) => self.hidden(map, group),
                What::All(sees) => {
                    self.being(map, !sees.is_near())?;
                    for group in PieceKey::PLACE..self.kind.pieces() {
                        if sees.shows(self.kind.class(group)) && self.entity.has(group, self.kind) {
                            self.group(map, group, true)?;
                        }
                    }
                    Ok(())
                }
            }
        })
    }
}

impl Shown<'_> {
    fn being<M: SerializeMap>(&self, map: &mut M, is_far: bool) -> Result<(), M::Error> {
        map.serialize_entry("is", self.kind.name())?;
        if is_far { map.serialize_entry("far", &true) } else { Ok(()) }
    }

    /// In a snapshot what is null need not be said.
    fn group<M: SerializeMap>(&self, map: &mut M, group: u8, is_snapshot: bool) -> Result<(), M::Error> {
        if group == PieceKey::PLACE {
            return match &self.entity.place {
                Some(place) => self.space.told(place).write(map, self.entity.was_turned && !is_snapshot),
                None => Nowhere { is_solid: self.space.is_solid() }.write(map),
            };
        }
        for (field, name) in self.kind.fields_of(group) {
            let value = &self.entity.values[field];
            if !is_snapshot || *value != Value::Null {
                map.serialize_entry(name, value)?;
            }
        }
        Ok(())
    }

    fn hidden<M: SerializeMap>(&self, map: &mut M, group: u8) -> Result<(), M::Error> {
        if group == PieceKey::PLACE {
            return Nowhere { is_solid: self.space.is_solid() }.write(map);
        }
        self.kind.fields_of(group).try_for_each(|(_, name)| map.serialize_entry(name, &()))
    }
}
