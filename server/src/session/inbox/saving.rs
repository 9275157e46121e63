//! An inbox as a value: what was applied, and what was answered. Pure.

use serde::{Deserialize, Serialize};
use sward_protocol::limits::{INTEGER_END, NONCE_CHARS_MAX};
use sward_protocol::upstream::Reply;

use super::{Inbox, Record, SOURCES_MAX, Source};
use crate::game::SaveError;

/// The counters of one session.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct SavedInbox {
    /// The newest last.
    pub sources: Vec<SavedSource>,
}

/// One counter.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SavedSource {
    /// Its `src`.
    pub name: String,
    /// The number of the last message that was applied.
    pub last: u64,
    /// The newest batches, ascending.
    pub batches: Vec<SavedBatch>,
}

/// A batch that was answered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SavedBatch {
    /// The number of its first message.
    pub first: u64,
    /// And of its last.
    pub last: u64,
    /// By message number minus `first`.
    pub replies: Vec<Reply>,
}

impl Inbox {
    /// The counters as a value. A batch that the room has not answered is not applied in the room that is saved beside it:
    /// it, and what came behind it, count as never sent. Their client was not answered, and sends them again.
    #[must_use]
    pub fn save(&self) -> SavedInbox {
        SavedInbox { sources: self.sources.iter().map(saved).collect() }
    }

    /// The counters that were saved.
    ///
    /// # Errors
    /// [`SaveError::Malformed`]: no inbox saves itself so.
    pub fn restore(saved: &SavedInbox) -> Result<Self, SaveError> {
        let malformed = || SaveError::Malformed("what was applied".to_owned());
        if saved.sources.len() > SOURCES_MAX {
            return Err(malformed());
        }
        let mut inbox = Self::default();
        for SavedSource { name, last, batches } in &saved.sources {
            let is_one = !name.is_empty() && name.chars().count() <= NONCE_CHARS_MAX && *last < INTEGER_END;
            let are_below = batches.iter().all(|batch| batch.first <= batch.last && batch.last <= *last);
            if !is_one || !are_below || inbox.source(name).is_some() {
                return Err(malformed());
            }
            let mut source = Source { name: name.clone(), last: *last, records: Default::default() };
            for SavedBatch { first, last, replies } in batches.iter().cloned() {
                source.records.push_back(Record { first, last, replies: Some(replies), readers: 0 });
            }
            source.forget_oldest();
            inbox.sources.push(source);
        }
        Ok(inbox)
    }
}

fn saved(source: &Source) -> SavedSource {
    let unanswered = source.records.iter().filter(|record| record.replies.is_none());
    // Batches are admitted in the order of their numbers.
    let end = unanswered.map(|record| record.first).min().unwrap_or(source.last + 1);
    let answered = source.records.iter().filter(|record| record.last < end);
    let batches = answered.filter_map(|Record { first, last, replies, .. }| {
        Some(SavedBatch { first: *first, last: *last, replies: replies.clone()? })
    });
    SavedSource { name: source.name.clone(), last: end.saturating_sub(1), batches: batches.collect() }
}
