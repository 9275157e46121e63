//! What an operator said that stands until he takes it back. Pure.

use std::collections::BTreeMap;
use std::sync::Arc;

use sward_protocol::downstream::Event;
use sward_protocol::ids::RoomId;
use sward_protocol::operator::{Warn, WarnLevel, WarnScope, Warning};

use crate::fanout::encode::{EncodeError, encode};
use crate::fanout::flush::Flush;

/// Warnings that may stand at the same time.
pub const WARNINGS_MAX: usize = 256;

/// Whom a warning is for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// Everybody.
    All,
    /// Those in rooms of this game.
    Game(String),
    /// Those in this room.
    Room(RoomId),
}

impl Scope {
    fn name(&self) -> WarnScope {
        match self {
            Self::All => WarnScope::All,
            Self::Game(_) => WarnScope::Game,
            Self::Room(_) => WarnScope::Room,
        }
    }

    /// Whether somebody in this room of this game is meant; `None`: he sits nowhere.
    #[must_use]
    pub fn includes(&self, place: Option<(&str, RoomId)>) -> bool {
        match self {
            Self::All => true,
            Self::Game(name) => place.is_some_and(|(game, _)| game == name),
            Self::Room(id) => place.is_some_and(|(_, room)| room == *id),
        }
    }
}

/// A warning that cannot be given.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WarnError {
    /// As many stand as may.
    #[error("{WARNINGS_MAX} warnings stand; take one back first")]
    TooMany,
    /// It cannot be sent.
    #[error("{0}")]
    Unsendable(#[from] EncodeError),
}

#[derive(Debug)]
struct Standing {
    level: WarnLevel,
    text: String,
    event: Arc<Flush>,
}

/// All that stands.
#[derive(Debug, Default)]
pub struct Warnings(BTreeMap<Scope, Standing>);

impl Warnings {
    /// Says something, in place of what stood in this scope; [`WarnLevel::None`] takes that back. What those who are there
    /// are to be told.
    ///
    /// # Errors
    /// [`WarnError`]; what stood stands.
    pub fn set(&mut self, scope: Scope, level: WarnLevel, text: &str) -> Result<Arc<Flush>, WarnError> {
        let stands = level != WarnLevel::None;
        if stands && self.0.len() >= WARNINGS_MAX && !self.0.contains_key(&scope) {
            return Err(WarnError::TooMany);
        }
        let warn = Warn { level, scope: scope.name(), text: text.to_owned() };
        let event = Arc::new(Flush::of(encode(&Event::Warn(warn))?));
        if stands {
            self.0.insert(scope, Standing { level, text: text.to_owned(), event: Arc::clone(&event) });
        } else {
            self.0.remove(&scope);
        }
        Ok(event)
    }

    /// What a player is to be told who comes: the widest scope first.
    pub fn standing_for(&self, place: Option<(&str, RoomId)>) -> impl Iterator<Item = &Arc<Flush>> {
        self.0.iter().filter(move |(scope, _)| scope.includes(place)).map(|(_, standing)| &standing.event)
    }

    /// What he has not been told yet who takes a seat.
    pub fn standing_in(&self, game: &str, room: RoomId) -> impl Iterator<Item = &Arc<Flush>> {
        let here = self
            .0
            .iter()
            .filter(move |(scope, _)| **scope != Scope::All && scope.includes(Some((game, room))));
        here.map(|(_, standing)| &standing.event)
    }

    /// A room is no more.
    pub fn forget_room(&mut self, id: RoomId) {
        self.0.remove(&Scope::Room(id));
    }

    /// All of them: for all, then by game, then by room.
    #[must_use]
    pub fn list(&self) -> Vec<Warning> {
        let warning = |(scope, standing): (&Scope, &Standing)| {
            let (game, room) = match scope {
                Scope::All => (None, None),
                Scope::Game(name) => (Some(name.clone()), None),
                Scope::Room(id) => (None, Some(*id)),
            };
            Warning { level: standing.level, text: standing.text.clone(), game, room }
        };
        self.0.iter().map(warning).collect()
    }
}

#[cfg(test)]
mod tests {
    use sward_protocol::ids::NodeId;

    use super::*;

    fn id(number: u128) -> RoomId {
        RoomId::from_random(NodeId(0), number)
    }

    fn told(warnings: &Warnings, place: Option<(&str, RoomId)>) -> Vec<String> {
        let item = |flush: &Arc<Flush>| String::from_utf8(flush.items_for_all().unwrap().to_vec()).unwrap();
        warnings.standing_for(place).map(item).collect()
    }

    #[test]
    fn who_comes_later_is_told_what_stands_where_he_is() {
        let mut warnings = Warnings::default();
        warnings.set(Scope::Room(id(1)), WarnLevel::Info, "here").unwrap();
        warnings.set(Scope::Game("meadow".to_owned()), WarnLevel::Info, "in meadow").unwrap();
        warnings.set(Scope::All, WarnLevel::Info, "first").unwrap();
        warnings.set(Scope::All, WarnLevel::Boot, "back in a minute").unwrap();
        let all = r#"["warn",{"level":"boot","scope":"all","text":"back in a minute"}]"#;
        let game = r#"["warn",{"level":"info","scope":"game","text":"in meadow"}]"#;
        let room = r#"["warn",{"level":"info","scope":"room","text":"here"}]"#;
        assert_eq!(told(&warnings, None), [all]);
        assert_eq!(told(&warnings, Some(("meadow", id(1)))), [all, game, room]);
        assert_eq!(told(&warnings, Some(("relay", id(2)))), [all]);
        assert_eq!(warnings.standing_in("meadow", id(2)).count(), 1);
        warnings.set(Scope::All, WarnLevel::None, "").unwrap();
        warnings.forget_room(id(1));
        assert_eq!(told(&warnings, Some(("meadow", id(1)))), [game]);
        assert_eq!(warnings.list().len(), 1);
    }

    #[test]
    fn they_are_bounded_and_one_that_stands_can_always_be_changed() {
        let mut warnings = Warnings::default();
        for number in 0..WARNINGS_MAX as u128 {
            warnings.set(Scope::Room(id(number)), WarnLevel::Info, "x").unwrap();
        }
        assert_eq!(warnings.set(Scope::All, WarnLevel::Boot, "x").unwrap_err(), WarnError::TooMany);
        assert!(warnings.set(Scope::All, WarnLevel::None, "").is_ok(), "nothing to take back");
        assert!(warnings.set(Scope::Room(id(0)), WarnLevel::Boot, "y").is_ok());
        warnings.set(Scope::Room(id(1)), WarnLevel::None, "").unwrap();
        assert!(warnings.set(Scope::All, WarnLevel::Boot, "x").is_ok());
    }
}
