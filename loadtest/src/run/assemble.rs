//! Everybody in: sessions, streams, seats.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

use super::RunError;
use crate::bot::{Bot, Entrance, Presence};
use crate::marker::RunTag;
use crate::progress::Progress;
use crate::stats::{Place, Roster};

/// Bots that enter at the same time: a brisk stream of players, not a storm, which is another measurement.
const ENTERING_MAX: usize = 32;
/// How long it may take, once everybody has a seat, until everybody sees everybody.
const COMPLETE_TIMEOUT: Duration = Duration::from_secs(20);

/// Lets all bots enter, in the order of their index.
pub(super) async fn enter_all(
    players: usize,
    entrance: &Arc<Entrance>,
    progress: &Progress,
) -> Result<Vec<Bot>, RunError> {
    progress.begin("joining", players as u64);
    let places = Arc::new(Semaphore::new(ENTERING_MAX));
    let mut entering = JoinSet::new();
    for index in 0..players {
        let (places, entrance) = (Arc::clone(&places), Arc::clone(entrance));
        entering.spawn(async move {
            let _place = places.acquire_owned().await.expect("the semaphore is never closed");
            (index, Bot::enter(index, &entrance).await)
        });
    }
    let mut bots: Vec<Option<Bot>> = std::iter::repeat_with(|| None).take(players).collect();
    let mut entered = 0;
    while let Some(joined) = entering.join_next().await {
        let (index, result) = joined.expect("a bot that enters neither panics nor is aborted");
        bots[index] = Some(result.map_err(|error| RunError::Enter { index, players, error })?);
        entered += 1;
        progress.advance(entered, format!("{entered} of {players} players"));
    }
    Ok(bots.into_iter().flatten().collect())
}

/// Who sits where, by the answers to the joins. Rooms are numbered as they come up.
pub(super) fn roster(run: RunTag, bots: &[Bot], scheduled: Vec<u64>) -> Roster {
    let mut rooms = HashMap::new();
    let mut room_sizes: Vec<usize> = Vec::new();
    let places = bots.iter().map(|bot| {
        let room = *rooms.entry(bot.seated.room.id).or_insert(room_sizes.len());
        if room == room_sizes.len() {
            room_sizes.push(0);
        }
        let slot = room_sizes[room];
        room_sizes[room] += 1;
        Place { room, slot, seat: bot.seated.seat }
    });
    let places = places.collect();
    Roster { run, places, scheduled, room_sizes }
}

/// Waits until each bot's stream has told it of every member of its room: a message sent now reaches all of them.
pub(super) async fn wait_until_complete(bots: &[Bot], roster: &Roster) -> Result<(), RunError> {
    let deadline = Instant::now() + COMPLETE_TIMEOUT;
    for (index, bot) in bots.iter().enumerate() {
        let place = roster.places[index];
        let size = roster.room_sizes[place.room];
        let mut presence = bot.presence.clone();
        let is_complete = |presence: &Presence| {
            presence.ended.is_some() || (presence.seat == Some(place.seat) && presence.taken.len() == size)
        };
        let waited = timeout_at(deadline, presence.wait_for(is_complete)).await;
        let reason = match &waited {
            Ok(Ok(presence)) => presence.ended.clone(),
            Ok(Err(_)) => Some("its stream ended".to_owned()),
            Err(_) => Some(what_is_missing(&bot.presence.borrow(), place, size)),
        };
        if let Some(reason) = reason {
            return Err(RunError::NotAssembled { index, reason });
        }
    }
    Ok(())
}

fn what_is_missing(presence: &Presence, place: Place, size: usize) -> String {
    let waited_s = COMPLETE_TIMEOUT.as_secs();
    match presence.seat {
        None => format!("no `joined` event within {waited_s} s"),
        Some(seat) if seat != place.seat => {
            format!("its stream says seat {seat}, the answer to its join said {}", place.seat)
        }
        Some(_) => format!("{} of {size} players within {waited_s} s", presence.taken.len()),
    }
}
