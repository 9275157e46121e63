//! Entries that are made one, for a reader who keeps them in memory alone. Pure.

use std::collections::VecDeque;

use super::super::entry::Entry;
use super::{Outbox, WINDOW_HELD_BYTES_MAX};

/// What copying must be able to save, that not each event makes a reader copy.
const FOLD_SAVES_BYTES: u64 = 48 * 1024;
/// Entries are folded up to so many events, and so much time.
pub(super) const FOLD_EVENTS_MAX: u32 = 128;
const FOLD_AGE_MS_MAX: u64 = 250;
/// What an event takes in a flush beside its bytes.
const EVENT_HELD_BYTES: u64 = 16;

impl Outbox {
    /// Lets go of what stays in memory only because of its neighbours, if the window is too large and that helps.
    pub(super) fn fold_if_too_large(&mut self) {
        let wanted = self.window.bytes + self.window.events * EVENT_HELD_BYTES;
        let is_due =
            self.events_held_bytes() > WINDOW_HELD_BYTES_MAX && self.held_bytes > wanted + FOLD_SAVES_BYTES;
        if !is_due {
            return;
        }
        let mut folded = VecDeque::new();
        let mut group: Vec<Entry> = Vec::new();
        for entry in std::mem::take(&mut self.entries) {
            let fits = group.first().is_none_or(|oldest| {
                let events = group.iter().map(|entry| entry.live.events).sum::<u32>() + entry.live.events;
                oldest.weight == entry.weight
                    && events <= FOLD_EVENTS_MAX
                    && entry.at_ms.saturating_sub(oldest.at_ms) <= FOLD_AGE_MS_MAX
            });
            if !fits {
                self.fold(&mut folded, &mut group);
            }
            group.push(entry);
        }
        self.fold(&mut folded, &mut group);
        folded.shrink_to_fit();
        self.held_bytes = folded.iter().map(Entry::bounded_held_bytes).sum();
        self.entries = folded;
    }

    fn fold(&self, folded: &mut VecDeque<Entry>, group: &mut Vec<Entry>) {
        let is_worth_it = group.len() > 1 || group.iter().any(Entry::has_others);
        let entry = is_worth_it.then(|| Entry::folded(group, |number, event| self.is_live(number, event)));
        if let Some(entry) = entry.flatten() {
            folded.push_back(entry);
            group.clear();
        } else {
            folded.extend(group.drain(..));
        }
    }
}
