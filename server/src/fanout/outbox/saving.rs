//! An outbox as a value. Pure.

use sward_protocol::fragment::NAME_BYTES_MAX;
use sward_protocol::limits::{EVENT_BYTES_MAX, INTEGER_END, JOINED_BYTES_MAX};

use super::super::entry::Entry;
use super::super::flush::FlushWriter;
use super::super::saved::{Line, SavedEntry, SavedEvent, SavedOutbox};
use super::super::sight::Sight;
use super::{LATEST_KEYS_MAX, Outbox, Weight};
use crate::game::SaveError;

impl Outbox {
    /// The outbox as a value.
    #[must_use]
    pub fn save(&self) -> SavedOutbox {
        let entries = self.entries.iter().map(|entry| SavedEntry {
            first: entry.first,
            numbers: entry.numbers,
            at_ms: entry.at_ms,
            free: entry.weight == Weight::Free,
            events: self.save_events(entry),
        });
        SavedOutbox {
            epoch: self.epoch,
            newest: self.newest,
            written: self.written,
            floor: self.floor,
            acknowledged: self.acknowledged,
            replay_end: self.replay_end,
            unfollowed: self.unfollowed,
            entries: entries.collect(),
            sight: self.sight.save(),
        }
    }

    fn save_events(&self, entry: &Entry) -> Vec<SavedEvent> {
        let live = entry.numbered().filter(|&(seq, event)| self.is_live(seq, event));
        let saved = live.map(|(seq, event)| {
            let (encoded, latest) = (event.encoded(), event.latest().cloned());
            let followed = latest.as_ref().is_some_and(|key| self.latest.get(key) == Some(&seq));
            let (name, data) = (encoded.name().to_owned(), Line::of(encoded.json()));
            SavedEvent { seq, name, data, latest, followed }
        });
        saved.collect()
    }

    /// The outbox that was saved: numbers, window and queue are what they were. No memory is shared any more, so that it may
    /// take more of it than it did; what is past a bound then is let go of by the next [`Outbox::trim`].
    ///
    /// # Errors
    /// [`SaveError::Malformed`]: no outbox saves itself so.
    pub fn restore(saved: &SavedOutbox) -> Result<Self, SaveError> {
        let SavedOutbox { epoch, newest, written, floor, acknowledged, replay_end, .. } = *saved;
        if [written, floor, acknowledged, replay_end, saved.unfollowed, saved.sight.newest]
            .iter()
            .any(|&seq| seq > newest)
        {
            return Err(malformed("a number above the newest"));
        }
        if newest >= INTEGER_END {
            return Err(malformed("a number that no page can read"));
        }
        let sight = Sight::restore(&saved.sight, floor)?;
        let unfollowed = saved.unfollowed;
        let mut outbox =
            Self { newest, written, floor, acknowledged, replay_end, unfollowed, sight, ..Self::new(epoch) };
        for entry in &saved.entries {
            let before = outbox.entries.back().map_or(0, Entry::last);
            let entry = restored(entry, before, newest)?;
            if entry.last() <= floor {
                return Err(malformed("an event below the floor"));
            }
            outbox.window.add(entry.bounded());
            outbox.held_bytes += entry.bounded_held_bytes();
            outbox.free_bytes += entry.free_bytes();
            outbox.entries.push_back(entry);
        }
        outbox.restore_keys(saved)?;
        outbox.queue = outbox.amount_above(written.max(floor));
        Ok(outbox)
    }

    fn restore_keys(&mut self, saved: &SavedOutbox) -> Result<(), SaveError> {
        let events = || saved.entries.iter().flat_map(|entry| &entry.events);
        for event in events().filter(|event| event.followed) {
            let key = event.latest.as_ref().ok_or_else(|| malformed("a value without a key"))?;
            self.latest.insert(key.clone(), event.seq);
        }
        let is_live = |event: &SavedEvent| {
            if event.latest.is_some() && !event.followed && event.seq > saved.unfollowed {
                return false;
            }
            let newest = event.latest.as_ref().and_then(|key| self.latest.get(key));
            newest.is_none_or(|&newest| newest == event.seq)
        };
        if self.latest.len() > LATEST_KEYS_MAX || !events().all(is_live) {
            return Err(malformed("values of keys"));
        }
        Ok(())
    }
}

fn malformed(what: &str) -> SaveError {
    SaveError::Malformed(format!("what may be told: {what}"))
}

fn restored(saved: &SavedEntry, before: u64, newest: u64) -> Result<Entry, SaveError> {
    let SavedEntry { first, numbers, at_ms, free, ref events } = *saved;
    let end = first.checked_add(numbers.into()).filter(|&end| end <= newest + 1);
    let (true, true, Some(_)) = (first > before, !events.is_empty(), end) else {
        return Err(malformed("events with other numbers"));
    };
    let bytes_max = if free { JOINED_BYTES_MAX } else { EVENT_BYTES_MAX };
    let (mut writer, mut offsets) = (FlushWriter::default(), Vec::with_capacity(events.len()));
    for SavedEvent { seq, name, data, latest, .. } in events {
        let offset = seq.checked_sub(first).and_then(|offset| u32::try_from(offset).ok());
        let is_next = |&offset: &u32| offset < numbers && offsets.last().is_none_or(|&last| last < offset);
        offsets.push(offset.filter(is_next).ok_or_else(|| malformed("an event with another number"))?);
        let is_name = (1..=NAME_BYTES_MAX).contains(&name.len())
            && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        let json = data.json().as_bytes();
        if !is_name || name.len() + json.len() + 5 > bytes_max {
            return Err(malformed("an event that cannot be sent"));
        }
        writer.push_parts(&[b"[\"", name.as_bytes(), b"\",", json, b"]"], latest.clone());
    }
    let weight = if free { Weight::Free } else { Weight::Bounded };
    Ok(Entry::of_own(writer, first, numbers, offsets, at_ms, weight))
}
