//! Kinds of entities, and their fields.

use std::borrow::Cow;
use std::marker::PhantomData;

use serde::{Deserialize, Serialize};

use super::frame::PieceKey;
use super::value::FieldValue;

/// Groups of fields that a kind may have, each field outside of a group counted as one.
pub const GROUPS_MAX: usize = 32;
/// Fields that a kind may have.
pub const FIELDS_MAX: usize = 64;
/// Kinds that a world may have.
pub const KINDS_MAX: usize = 64;
/// Characters of a name.
const NAME_CHARS_MAX: usize = 32;
/// What a piece says beside its fields, or as fields of the world's own.
const RESERVED: [&str; 8] = ["id", "is", "far", "gone", "x", "y", "z", "turn"];

type Name = Cow<'static, str>;

/// A field of entities, by its name and its type; a constant, for whoever sets and reads it.
///
/// ```
/// use sward_server::world::Field;
///
/// const NAME: Field<String> = Field::new("name");
/// const HEALTH: Field<f64> = Field::new("health").rounded(1);
/// ```
#[derive(Debug)]
pub struct Field<T> {
    pub(super) name: &'static str,
    pub(super) decimals: Option<u8>,
    of: PhantomData<fn() -> T>,
}

impl<T> Clone for Field<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Field<T> {}

impl<T: FieldValue> Field<T> {
    /// A field of this name: 1–32 of `a-z`, `0-9` and `_`, beginning with a letter, and none of `id`, `is`, `far`, `gone`,
    /// `x`, `y`, `z`, `turn`.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        Self { name, decimals: None, of: PhantomData }
    }

    /// The same; its numbers have at most so many digits behind the point: fewer bytes, and no word of changes that are
    /// smaller.
    #[must_use]
    pub const fn rounded(self, decimals: u8) -> Self {
        Self { decimals: Some(decimals), ..self }
    }
}

/// Who sees a field of an entity that he sees at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Class {
    /// Who has the entity in sight.
    Sight,
    /// Everybody, wherever he is.
    Always,
    /// Its owner.
    Owner,
}

/// Fields that always travel together, because they change together.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Group {
    class: Class,
    fields: Vec<Name>,
}

impl Group {
    /// Seen by who has the entity in sight.
    #[must_use]
    pub fn in_sight() -> Self {
        Self { class: Class::Sight, fields: Vec::new() }
    }

    /// Seen by everybody, wherever he is.
    #[must_use]
    pub fn always() -> Self {
        Self { class: Class::Always, ..Self::in_sight() }
    }

    /// Seen by the entity's owner.
    #[must_use]
    pub fn for_owner() -> Self {
        Self { class: Class::Owner, ..Self::in_sight() }
    }

    /// The same with a field.
    #[must_use]
    pub fn with<T: FieldValue>(mut self, field: Field<T>) -> Self {
        self.fields.push(Name::Borrowed(field.name));
        self
    }
}

/// A kind of entities: what fields they have, and who sees which.
///
/// A field travels when it changes, with the others of its group; unless it is told otherwise it is a group of its own.
/// The place is one, too: `x`, `y`, `z` and `turn` travel together.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Kind {
    name: Name,
    place: Class,
    /// By their number, which is [`PieceKey::FIELDS`] and on.
    groups: Vec<Group>,
}

/// Where a field stands in its kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct At {
    /// Among all fields of the kind.
    pub(super) field: usize,
    /// Which group's piece has it.
    pub(super) group: u8,
}

impl Kind {
    /// A kind without fields, of a name with the rules of a field's.
    #[must_use]
    pub fn new(name: &'static str) -> Self {
        Self { name: Name::Borrowed(name), place: Class::Sight, groups: Vec::new() }
    }

    /// The same with a field that is seen by who has the entity in sight.
    #[must_use]
    pub fn with<T: FieldValue>(self, field: Field<T>) -> Self {
        self.with_group(Group::in_sight().with(field))
    }

    /// The same with a field that everybody sees, wherever he is. All entities of the kind are known to everybody then, if
    /// only by such fields.
    #[must_use]
    pub fn with_always<T: FieldValue>(self, field: Field<T>) -> Self {
        self.with_group(Group::always().with(field))
    }

    /// The same with a field that only the entity's owner sees.
    #[must_use]
    pub fn with_own<T: FieldValue>(self, field: Field<T>) -> Self {
        self.with_group(Group::for_owner().with(field))
    }

    /// The same with fields that travel together.
    #[must_use]
    pub fn with_group(mut self, group: Group) -> Self {
        self.groups.push(group);
        self
    }

    /// The same, but everybody sees where its entities are, wherever he is: for a map.
    #[must_use]
    pub fn placed_for_all(self) -> Self {
        Self { place: Class::Always, ..self }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Panics if it breaks a rule: kinds are written by a game's author, and a mistake shows at the first room.
    pub(super) fn check(&self) {
        let names = || self.groups.iter().flat_map(|group| &group.fields);
        check_name(&self.name);
        for (index, name) in names().enumerate() {
            check_name(name);
            assert!(
                !RESERVED.contains(&&**name),
                "the field {name} of {} has a name of the world's own",
                self.name
            );
            assert!(!names().take(index).any(|other| other == name), "{} has two fields {name}", self.name);
        }
        assert!(names().count() <= FIELDS_MAX, "{} has more than {FIELDS_MAX} fields", self.name);
        assert!(self.groups.len() <= GROUPS_MAX, "{} has more than {GROUPS_MAX} groups", self.name);
    }

    pub(super) fn fields(&self) -> usize {
        self.groups.iter().map(|group| group.fields.len()).sum()
    }

    /// How many pieces an entity has: that it is there, where it is, and its groups.
    pub(super) fn pieces(&self) -> u8 {
        PieceKey::FIELDS + u8::try_from(self.groups.len()).unwrap_or(u8::MAX - PieceKey::FIELDS)
    }

    /// Who sees the piece of this number.
    pub(super) fn class(&self, group: u8) -> Class {
        match group.checked_sub(PieceKey::FIELDS) {
            Some(index) => self.groups[usize::from(index)].class,
            None => self.place,
        }
    }

    /// Whether everybody knows its entities.
    pub(super) fn is_known_to_all(&self) -> bool {
        self.place == Class::Always || self.groups.iter().any(|group| group.class == Class::Always)
    }

    /// The fields of a group: their names, and where they stand among all.
    pub(super) fn fields_of(&self, group: u8) -> impl Iterator<Item = (usize, &str)> {
        let index = usize::from(group.saturating_sub(PieceKey::FIELDS));
        let before: usize = self.groups[..index].iter().map(|group| group.fields.len()).sum();
        self.groups[index].fields.iter().enumerate().map(move |(nth, name)| (before + nth, &**name))
    }

    pub(super) fn find(&self, name: &str) -> Option<At> {
        let mut field = 0;
        for (index, group) in self.groups.iter().enumerate() {
            for known in &group.fields {
                if known == name {
                    let group = PieceKey::FIELDS + u8::try_from(index).ok()?;
                    return Some(At { field, group });
                }
                field += 1;
            }
        }
        None
    }
}

fn check_name(name: &str) {
    let is_good = name.len() <= NAME_CHARS_MAX
        && name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    assert!(is_good, "{name:?} is no name: 1 to {NAME_CHARS_MAX} of a-z, 0-9 and _, beginning with a letter");
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: Field<u8> = Field::new("a");
    const B: Field<bool> = Field::new("b");
    const C: Field<f64> = Field::new("c").rounded(2);

    #[test]
    fn fields_stand_in_their_groups() {
        let kind = Kind::new("animal").with(A).with_group(Group::always().with(B).with(C));
        kind.check();
        assert_eq!((kind.fields(), kind.pieces(), kind.is_known_to_all()), (3, 4, true));
        assert_eq!(kind.find("a"), Some(At { field: 0, group: 2 }));
        assert_eq!(kind.find("c"), Some(At { field: 2, group: 3 }));
        assert_eq!(kind.find("d"), None);
        assert_eq!(kind.fields_of(3).collect::<Vec<_>>(), [(1, "b"), (2, "c")]);
        assert_eq!([1, 2, 3].map(|group| kind.class(group)), [Class::Sight, Class::Sight, Class::Always]);
        assert!(!Kind::new("stone").with(A).is_known_to_all());
    }

    #[test]
    fn a_kind_that_breaks_a_rule_is_told_at_once() {
        for kind in [
            Kind::new("Animal"),
            Kind::new(""),
            Kind::new("animal").with(Field::<u8>::new("x")),
            Kind::new("animal").with(Field::<u8>::new("has space")),
            Kind::new("animal").with(A).with(B).with_own(A),
        ] {
            let text = format!("{kind:?}");
            assert!(std::panic::catch_unwind(|| kind.check()).is_err(), "{text}");
        }
    }
}
