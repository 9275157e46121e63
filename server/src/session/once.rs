//! A join, or a new room, in a task of its own: it goes on when its client leaves, so that what follows from a seat (a used
//! pass, an accepted invitation) is never left out. Once per key: whoever asks again with the same one gets what came of it.

use std::sync::Arc;

use sward_protocol::limits::KEY_CHARS_MAX;
use sward_protocol::rooms::Seated;
use tokio::sync::watch;

use super::Session;
use crate::clock::Clock;
use crate::room::admission::JoinError;
use crate::room::handle::RoomError;

/// What became of a join.
pub type Outcome = Result<Seated, JoinError>;

/// Does `work`, to its end, or waits for what was done before under the same key.
///
/// # Errors
/// Those of `work`; they are not remembered. A key that is none.
pub async fn once(
    session: &Arc<Session>,
    key: Option<String>,
    clock: Clock,
    work: impl Future<Output = Outcome> + 'static,
) -> Outcome {
    let Some(key) = key else {
        let outcome = actix_rt::spawn(work).await;
        return outcome.unwrap_or(Err(JoinError::Room(RoomError::Slow)));
    };
    check(&key).map_err(JoinError::BadField)?;
    let now_ms = clock.now_ms();
    let (mut answer, first) = {
        let mut answers = session.first_answers();
        match answers.find(&key, now_ms) {
            Some(answer) => (answer, None),
            None => {
                let (first, answer) = watch::channel(None);
                answers.keep(key.clone(), answer.clone(), now_ms);
                (answer, Some(first))
            }
        }
    };
    if let Some(first) = first {
        let mut attempt = Attempt { session: Arc::clone(session), key, has_made: false };
        actix_rt::spawn(async move {
            let outcome = work.await;
            attempt.has_made = outcome.is_ok();
            drop(attempt);
            // Those who asked may all have gone.
            let _ = first.send(Some(outcome));
        });
    }
    let outcome = match answer.wait_for(Option::is_some).await {
        Ok(outcome) => outcome.clone(),
        Err(_) => None,
    };
    // Its task is gone without a word: it panicked, or the server is about to stop.
    outcome.unwrap_or(Err(JoinError::Room(RoomError::Slow)))
}

/// Forgets the key of what came to nothing, a panic included: the next request with it is the first.
struct Attempt {
    session: Arc<Session>,
    key: String,
    has_made: bool,
}

impl Drop for Attempt {
    fn drop(&mut self) {
        if !self.has_made {
            self.session.first_answers().forget(&self.key);
        }
    }
}

/// Whether a key is one.
///
/// # Errors
/// Why not, in words.
pub fn check(key: &str) -> Result<(), String> {
    if key.is_empty() || key.chars().count() > KEY_CHARS_MAX {
        return Err(format!("key has 1 to {KEY_CHARS_MAX} characters"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use sward_protocol::ids::{Epoch, NodeId, PlayerId, Token};
    use sward_protocol::session::Player;

    use super::*;
    use crate::rate::{Rate, Rates};
    use crate::session::state::Patience;

    fn session() -> Arc<Session> {
        let player = Player { id: PlayerId::from_random(NodeId(0), 1), name: "Zoë".to_owned() };
        let patience = Patience { successor_ms: 1, silent_beats: 1, grace_ms: 1 };
        let rates =
            Rates { messages: Rate::new(1, 1, 0), bytes: Rate::new(1, 1, 0), calls: Rate::new(1, 1, 0) };
        let token = Token::from_random(NodeId(0), 1);
        Arc::new(Session::new(token, player, Epoch(1), patience, rates, 0, Arc::default()))
    }

    #[actix_web::test]
    async fn a_client_who_leaves_stops_nothing_half_way() {
        let (session, clock) = (session(), Clock::new());
        for key in [None, Some("k".to_owned())] {
            let (done, finished) = tokio::sync::oneshot::channel();
            let work = async {
                tokio::task::yield_now().await;
                let _ = done.send(());
                Err(JoinError::NotFound)
            };
            let mut asked = Box::pin(once(&session, key, clock, work));
            let waker = std::task::Waker::noop();
            assert!(asked.as_mut().poll(&mut std::task::Context::from_waker(waker)).is_pending());
            drop(asked);
            assert_eq!(finished.await, Ok(()));
        }
    }

    #[actix_web::test]
    async fn what_came_to_nothing_is_not_remembered_not_even_a_panic() {
        let (session, clock) = (session(), Clock::new());
        let key = || Some("k".to_owned());
        let alone = once(&session, None, clock, async { panic!("a join that breaks") }).await;
        assert_eq!(alone, Err(JoinError::Room(RoomError::Slow)));
        let broken = once(&session, key(), clock, async { panic!("a join that breaks") }).await;
        assert_eq!(broken, Err(JoinError::Room(RoomError::Slow)));
        let bad = JoinError::BadField("no".to_owned());
        let failing = bad.clone();
        assert_eq!(once(&session, key(), clock, async { Err(failing) }).await, Err(bad));
        let busy = Err(JoinError::Room(RoomError::Busy));
        let other = busy.clone();
        assert_eq!(once(&session, key(), clock, async { other }).await, busy);
    }
}
