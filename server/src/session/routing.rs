//! Which of a player's messages are for the room, and which the server settles itself.

use std::sync::Arc;

use serde::Deserialize;
use sward_protocol::downstream::{Event, Pong};
use sward_protocol::limits::{PING_BYTES_MAX, RUNG_MAX};
use sward_protocol::payload::Payload;
use sward_protocol::problem::{ErrorCode, MessageError};
use sward_protocol::upstream::{Message, Reply, Unreadable};

use super::Session;
use crate::fanout::encode::encode;
use crate::fanout::flush::Flush;
use crate::fanout::wake::Wakes;
use crate::room::handle::{Completion, Results, RoomError};
use crate::room::order::Order;

/// A message, or why it is none.
pub(super) type Read = Result<Message, Unreadable>;

/// What a message adds to an event's bytes.
pub(super) fn json_bytes(message: &Message) -> usize {
    64 + message.kind.len() + message.data.json_len()
}

/// Replies that are known already, or that the room will tell.
pub(super) enum Settled {
    Now(Vec<Reply>),
    Later,
}

/// Hands the room what is for the room, and settles the rest. Called with the session's `incoming` locked, which `done`
/// may lock too: it is called by the room, later, and never from here.
///
/// # Errors
/// [`RoomError::Busy`]: nothing was applied.
pub(super) fn submit(
    session: &Arc<Session>,
    messages: Vec<Read>,
    now_ms: u64,
    done: impl FnOnce(Vec<Reply>) + Send + 'static,
) -> Result<Settled, RoomError> {
    let place = session.occupant().place();
    let (mut replies, mut pings, mut asked, mut for_room) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut proved = None;
    for (i, message) in messages.into_iter().enumerate() {
        let (rid, message) = match message {
            Ok(message) => (message.rid, Ok(message)),
            Err(Unreadable { rid, error }) => (rid, Err(error)),
        };
        match message.and_then(|message| route(message, place.is_some())) {
            Ok(Route::Ping(pong)) => {
                pings.push(pong);
                replies.extend(Reply::of(i, rid, Ok(Payload::null())));
            }
            Ok(Route::Rung(rung)) => {
                proved = Some(rung);
                replies.extend(Reply::of(i, rid, Ok(Payload::null())));
            }
            Ok(Route::Room(message)) => {
                asked.push((i, rid));
                for_room.push(message);
            }
            Err(error) => replies.extend(Reply::of(i, rid, Err(error))),
        }
    }
    let settled = match place {
        Some(place) if !for_room.is_empty() => {
            let (known, asked_of_room) = (replies.clone(), asked.clone());
            let completion = Completion::new(move |results| done(merged(known, &asked_of_room, results)));
            let bytes = u32::try_from(for_room.iter().map(json_bytes).sum::<usize>()).unwrap_or(u32::MAX);
            match place.room.try_batch(place.stay, for_room, bytes, completion) {
                Ok(()) => Settled::Later,
                Err(RoomError::Busy) => return Err(RoomError::Busy),
                Err(_) => Settled::Now(merged(replies, &asked, None)),
            }
        }
        _ => Settled::Now(replies),
    };
    // A room that refuses the batch has let nothing of it happen.
    if let Some(rung) = proved {
        session.proved_rung(rung);
    }
    pong(session, pings, now_ms);
    Ok(settled)
}

enum Route {
    Ping(Pong),
    Rung(u8),
    Room(Message),
}

/// Data of `sward.rung`.
#[derive(Deserialize)]
struct ProvedRung {
    rung: u8,
}

fn route(message: Message, is_seated: bool) -> Result<Route, MessageError> {
    if message.kind == "sward.ping" {
        if message.data.json_len() > PING_BYTES_MAX {
            let detail = format!("a ping carries at most {PING_BYTES_MAX} bytes");
            return Err(MessageError::new(ErrorCode::BadPayload, detail));
        }
        return Ok(Route::Ping(Pong { data: message.data }));
    }
    if message.kind == "sward.rung" {
        let proved: Option<ProvedRung> = message.data.parse().ok();
        let rung = proved.map(|proved| proved.rung).filter(|rung| *rung <= RUNG_MAX);
        let bad = || MessageError::new(ErrorCode::BadPayload, format!("rung is 0 to {RUNG_MAX}"));
        return rung.map(Route::Rung).ok_or_else(bad);
    }
    if message.kind.starts_with("sward.") && !Order::is_one(&message.kind) {
        let detail = format!("the server knows no {:?}", message.kind);
        return Err(MessageError::new(ErrorCode::UnknownType, detail));
    }
    if !is_seated {
        return Err(MessageError::new(ErrorCode::NotInRoom, "join a room first"));
    }
    Ok(Route::Room(message))
}

/// The room's results as replies, among those that were known before, by index.
fn merged(mut replies: Vec<Reply>, asked: &[(usize, Option<u64>)], results: Results) -> Vec<Reply> {
    let gone = || Err(MessageError::new(ErrorCode::RoomGone, "the room is gone, or you are out of it"));
    let mut results = results.into_iter().flatten();
    for &(i, rid) in asked {
        replies.extend(Reply::of(i, rid, results.next().unwrap_or_else(gone)));
    }
    replies.sort_by_key(|reply| reply.i);
    replies
}

fn pong(session: &Session, pings: Vec<Pong>, now_ms: u64) {
    let mut wakes = Wakes::default();
    for ping in pings {
        // A pong within the bound on pings is far below the bound on events.
        if let Ok(encoded) = encode(&Event::Pong(ping)) {
            session.mailslot().post_own(&Arc::new(Flush::of(encoded)), now_ms, &mut wakes);
        }
    }
    wakes.wake_all();
}
