//! The first answers to requests that make something, by the key that their client gave them. Pure.
//!
//! An answer may be lost, and a proxy may double a request: whoever sends it again with the same key gets the first answer,
//! and nothing is made twice.

use std::collections::{BTreeMap, VecDeque};

/// How long an answer is remembered.
pub const AGE_MS_MAX: u64 = 60_000;
/// Answers that one session's joins and rooms keep.
pub const PER_SESSION_MAX: usize = 16;
/// Answers to new sessions that a server keeps.
pub const SESSIONS_MAX: usize = 65_536;

/// Answers of one kind. At the bound the oldest are forgotten first.
#[derive(Debug)]
pub struct FirstAnswers<K, A> {
    answers: BTreeMap<K, A>,
    /// The newest last, each with its time.
    order: VecDeque<(u64, K)>,
    answers_max: usize,
}

impl<K: Ord + Clone, A: Clone> FirstAnswers<K, A> {
    /// None yet, and never more than `answers_max`.
    #[must_use]
    pub fn new(answers_max: usize) -> Self {
        Self { answers: BTreeMap::new(), order: VecDeque::new(), answers_max }
    }

    /// The first answer to this key, if it is remembered.
    pub fn find(&mut self, key: &K, now_ms: u64) -> Option<A> {
        self.forget_old(now_ms);
        self.answers.get(key).cloned()
    }

    /// Remembers an answer to a key that has none.
    pub fn keep(&mut self, key: K, answer: A, now_ms: u64) {
        self.forget_old(now_ms);
        while self.order.len() >= self.answers_max {
            self.forget_oldest();
        }
        self.order.push_back((now_ms, key.clone()));
        self.answers.insert(key, answer);
    }

    /// Nothing came of the request: the next one with its key is the first.
    pub fn forget(&mut self, key: &K) {
        if self.answers.remove(key).is_some() {
            self.order.retain(|(_, kept)| kept != key);
        }
    }

    fn forget_old(&mut self, now_ms: u64) {
        while self.order.front().is_some_and(|(at_ms, _)| now_ms.saturating_sub(*at_ms) > AGE_MS_MAX) {
            self.forget_oldest();
        }
    }

    fn forget_oldest(&mut self) {
        if let Some((_, key)) = self.order.pop_front() {
            self.answers.remove(&key);
        }
        if self.order.is_empty() {
            self.order = VecDeque::new();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_found_for_a_minute_unless_nothing_came_of_it() {
        let mut answers = FirstAnswers::new(10);
        assert_eq!(answers.find(&"a", 0), None);
        answers.keep("a", 1, 0);
        answers.keep("b", 2, 10);
        assert_eq!((answers.find(&"a", AGE_MS_MAX), answers.find(&"b", AGE_MS_MAX)), (Some(1), Some(2)));
        assert_eq!((answers.find(&"a", AGE_MS_MAX + 1), answers.find(&"b", AGE_MS_MAX + 1)), (None, Some(2)));
        answers.forget(&"b");
        assert_eq!(answers.find(&"b", 20), None);
        answers.keep("b", 3, 20);
        assert_eq!(answers.find(&"b", 20), Some(3));
        assert_eq!((answers.order.len(), answers.answers.len()), (1, 1));
    }

    #[test]
    fn the_oldest_is_forgotten_at_the_bound() {
        let mut answers = FirstAnswers::new(2);
        for key in 0..5 {
            answers.keep(key, key, 0);
        }
        assert_eq!([2, 3, 4].map(|key| answers.find(&key, 0)), [None, Some(3), Some(4)]);
        assert_eq!(answers.order.len(), 2);
    }
}
