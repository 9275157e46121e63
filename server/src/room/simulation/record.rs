//! What happened: the last steps, and how much there was of everything.

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};

use super::START_MS;

/// Steps that are told when something is wrong.
const TOLD: usize = 25;

/// How often things happened: a simulation in which they do not shows nothing.
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) steps: u64,
    pub(super) virtual_ms: u64,
    pub(super) events: u64,
    pub(super) replaced: u64,
    pub(super) accepted: u64,
    pub(super) bans: u64,
    pub(super) resumes: u64,
    pub(super) resets: u64,
    pub(super) cuts: u64,
    pub(super) overruns: u64,
    pub(super) restarts: u64,
    pub(super) moves: u64,
    pub(super) jumps: u64,
    pub(super) storms: u64,
    pub(super) ends: u64,
    pub(super) rounds: u64,
    pub(super) read_whole: u64,
    /// Sessions that went on from bytes.
    pub(super) restored: u64,
    /// What patches did to views of worlds.
    pub(super) seen: u64,
    /// Views of worlds that were compared with the room: of players, and of those who only watch.
    pub(super) views: u64,
    pub(super) watched: u64,
    pub(super) verdicts: BTreeMap<&'static str, u64>,
}

/// The last things that happened.
#[derive(Default)]
pub(super) struct Log(RefCell<VecDeque<Noted>>);

struct Noted {
    at_ms: u64,
    what: String,
    /// How often, one after the other.
    times: u64,
}

impl Log {
    pub(super) fn note(&self, now_ms: u64, what: String) {
        let mut told = self.0.borrow_mut();
        let at_ms = now_ms - START_MS;
        if let Some(last) = told.back_mut().filter(|last| last.what == what) {
            (last.at_ms, last.times) = (at_ms, last.times + 1);
            return;
        }
        if told.len() == TOLD {
            told.pop_front();
        }
        told.push_back(Noted { at_ms, what, times: 1 });
    }

    pub(super) fn lines(&self) -> String {
        let line = |Noted { at_ms, what, times }: &Noted| match times {
            1 => format!("  {at_ms} ms: {what}\n"),
            _ => format!("  {at_ms} ms: {what}, {times} times\n"),
        };
        self.0.borrow().iter().map(line).collect()
    }
}
