//! One game's rooms, found without a look at the others.

#[cfg(test)]
use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use sward_protocol::ids::RoomId;

use super::Filter;

#[cfg(test)]
thread_local! {
    /// Rooms that were looked at by [`Game::oldest_open`]: its cost.
    pub(super) static LOOKED_AT: Cell<usize> = const { Cell::new(0) };
}

/// What others may see of a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shown {
    /// It has a seat for whoever does not name it.
    pub(super) is_open: bool,
    /// It is in the list, with so many players.
    pub(super) listed_players: Option<u16>,
    /// How often what lists show of it was changed.
    pub(super) changes: u32,
}

/// The rooms of one game, by the order in which they were made.
#[derive(Debug, Default)]
pub(super) struct Game {
    open: BTreeSet<u64>,
    /// Open rooms by each key of their `meta` and its value, as JSON.
    by_meta: BTreeMap<(String, String), BTreeSet<u64>>,
    listed: BTreeSet<u64>,
    playing: u64,
    changed: BTreeSet<RoomId>,
}

impl Game {
    /// Those that lists show.
    pub(super) fn listed(&self) -> &BTreeSet<u64> {
        &self.listed
    }

    /// Seats taken in those.
    pub(super) fn playing(&self) -> u64 {
        self.playing
    }

    pub(super) fn take_changes(&mut self) -> BTreeSet<RoomId> {
        std::mem::take(&mut self.changed)
    }

    /// The oldest room with a seat to give that `fits`.
    pub(super) fn oldest_open(&self, filter: &Filter, fits: impl Fn(u64) -> bool) -> Option<u64> {
        let look = |order: &&u64| {
            #[cfg(test)]
            LOOKED_AT.with(|count| count.set(count.get() + 1));
            fits(**order)
        };
        // Of all its keys the one that the fewest rooms have.
        let sets = filter.iter().map(|key| self.by_meta.get(&index_key(key)));
        match sets.min_by_key(|rooms| rooms.map_or(0, BTreeSet::len)) {
            None => self.open.iter().find(look).copied(),
            Some(rooms) => rooms?.iter().find(look).copied(),
        }
    }

    /// A room changed.
    pub(super) fn update(&mut self, order: u64, id: RoomId, meta: &Filter, before: Shown, after: Shown) {
        if before.is_open != after.is_open {
            self.set_open(order, meta, after.is_open);
        }
        if before.listed_players != after.listed_players {
            self.playing -= u64::from(before.listed_players.unwrap_or_default());
            self.playing += u64::from(after.listed_players.unwrap_or_default());
            set(&mut self.listed, order, after.listed_players.is_some());
        }
        let is_listed = before.listed_players.is_some() || after.listed_players.is_some();
        let is_news = before.listed_players != after.listed_players || before.changes != after.changes;
        if is_listed && is_news {
            self.changed.insert(id);
        }
    }

    fn set_open(&mut self, order: u64, meta: &Filter, is_open: bool) {
        set(&mut self.open, order, is_open);
        for key in meta.iter().map(index_key) {
            let rooms = self.by_meta.entry(key.clone()).or_default();
            set(rooms, order, is_open);
            if rooms.is_empty() {
                self.by_meta.remove(&key);
            }
        }
    }
}

fn set(rooms: &mut BTreeSet<u64>, order: u64, is_in: bool) {
    if is_in {
        rooms.insert(order);
    } else {
        rooms.remove(&order);
    }
}

/// A key and its value's JSON, whose objects have their keys in order: two values are equal if they are as text. There are
/// few of them, and they are short (`check_meta` of the contract), so the index takes about as much memory as the rooms.
fn index_key((key, value): (&String, &Value)) -> (String, String) {
    (key.clone(), value.to_string())
}
