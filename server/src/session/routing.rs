//! Which of a player's messages are for the room, and which the server settles itself.

use std::sync::{Arc, Mutex, PoisonError};

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
use crate::rate::Rate;
use crate::room::handle::{Completion, Results, RoomError};
use crate::room::order::Order;
use crate::social::call::{self, Call};
use crate::social::hall::Hall;

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
    hall: &Hall,
    calls_rate: &mut Rate,
    messages: Vec<Read>,
    now_ms: u64,
    done: impl FnOnce(Vec<Reply>) + Send + 'static,
) -> Result<Settled, RoomError> {
    let place = session.occupant().place();
    let (mut replies, mut own, mut asked, mut for_room) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (i, message) in messages.into_iter().enumerate() {
        let (rid, message) = match message {
            Ok(message) => (message.rid, Ok(message)),
            Err(Unreadable { rid, error }) => (rid, Err(error)),
        };
        let admitted = message.and_then(|message| charged(message, calls_rate, hall, now_ms));
        match admitted.and_then(|message| route(message, place.is_some())) {
            Ok(Route::Own(errand)) => own.push((i, rid, errand)),
            Ok(Route::Room(message)) => {
                asked.push((i, rid));
                for_room.push(message);
            }
            Err(error) => replies.extend(Reply::of(i, rid, Err(error))),
        }
    }
    let Some(place) = place.filter(|_| !for_room.is_empty()) else {
        replies.extend(settle(session, hall, own, now_ms));
        replies.sort_by_key(|reply| reply.i);
        return Ok(Settled::Now(replies));
    };
    let halves = Arc::new(Mutex::new(Halves { results: None, known: None }));
    let (later, asked_of_room) = (Arc::clone(&halves), asked.clone());
    let completion = Completion::new(move |results| {
        let known = {
            let mut halves = later.lock().unwrap_or_else(PoisonError::into_inner);
            let known = halves.known.take();
            if known.is_none() {
                halves.results = Some(results.clone());
            }
            known
        };
        if let Some(known) = known {
            done(merged(known, &asked_of_room, results));
        }
    });
    let bytes = u32::try_from(for_room.iter().map(json_bytes).sum::<usize>()).unwrap_or(u32::MAX);
    let is_gone = match place.room.try_batch(place.stay, for_room, bytes, completion) {
        Ok(()) => false,
        Err(RoomError::Busy) => return Err(RoomError::Busy),
        Err(_) => true,
    };
    // A room that refuses the batch has let nothing of it happen.
    replies.extend(settle(session, hall, own, now_ms));
    if is_gone {
        return Ok(Settled::Now(merged(replies, &asked, None)));
    }
    let mut halves = halves.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(results) = halves.results.take() {
        return Ok(Settled::Now(merged(replies, &asked, results)));
    }
    halves.known = Some(replies);
    Ok(Settled::Later)
}

/// The room's results, and the replies that it has no part in: whichever is known last puts them together.
struct Halves {
    results: Option<Results>,
    known: Option<Vec<Reply>>,
}

/// What the server does itself.
enum Errand {
    Ping(Pong),
    Rung(u8),
    Call(Call),
}

enum Route {
    Own(Errand),
    Room(Message),
}

/// Takes a message that others are to hear out of what one player may say in a second.
fn charged(message: Message, rate: &mut Rate, hall: &Hall, now_ms: u64) -> Result<Message, MessageError> {
    if call::is_counted(&message) {
        rate.take(1, now_ms).map_err(|wait_ms| hall.refuse_caller(wait_ms))?;
    }
    Ok(message)
}

fn settle(session: &Session, hall: &Hall, own: Vec<(usize, Option<u64>, Errand)>, now_ms: u64) -> Vec<Reply> {
    let mut pings = Vec::new();
    let mut replies = Vec::new();
    for (i, rid, errand) in own {
        let outcome = match errand {
            Errand::Ping(ping) => {
                pings.push(ping);
                Ok(Payload::null())
            }
            Errand::Rung(rung) => {
                session.proved_rung(rung);
                Ok(Payload::null())
            }
            Errand::Call(call) => hall.call(session.player().id, call, now_ms),
        };
        replies.extend(Reply::of(i, rid, outcome));
    }
    pong(session, pings, now_ms);
    replies
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
        return Ok(Route::Own(Errand::Ping(Pong { data: message.data })));
    }
    if message.kind == "sward.rung" {
        let proved: Option<ProvedRung> = message.data.parse().ok();
        let rung = proved.map(|proved| proved.rung).filter(|rung| *rung <= RUNG_MAX);
        let bad = || MessageError::new(ErrorCode::BadPayload, format!("rung is 0 to {RUNG_MAX}"));
        return rung.map(|rung| Route::Own(Errand::Rung(rung))).ok_or_else(bad);
    }
    if let Some(call) = call::read(&message) {
        return call.map(|call| Route::Own(Errand::Call(call)));
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
