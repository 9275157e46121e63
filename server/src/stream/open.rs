//! A stream takes hold of its session.

use std::sync::Arc;
use std::time::Duration;

use sward_protocol::bye::CloseCode;
use sward_protocol::downstream::{Hello, RoomSeat};

use super::body::{StreamBody, Streaming};
use super::options::StreamOptions;
use super::sse;
use crate::clock::Clock;
use crate::entropy;
use crate::fanout::mailslot::Opening;
use crate::metrics::Metrics;
use crate::session::Session;

/// Bounds of the reconnection time that a stream begins with, jittered so that a crowd does not come back at once.
const RETRY_MS: (u64, u64) = (1_000, 3_000);

/// Opens a stream of this session. An older one ends.
#[must_use]
pub fn open(
    session: &Arc<Session>,
    options: &StreamOptions,
    clock: Clock,
    metrics: &Arc<Metrics>,
) -> StreamBody {
    let now_ms = clock.now_ms();
    let opening = match session.mailslot().open(options.from, options.nonce.as_deref()) {
        Ok(opening) => opening,
        Err(code) => return refuse(code, metrics),
    };
    session.stream_opened(options.beat_ms, now_ms);
    metrics.streams_opened.with_label_values(&[kind(&opening)]).inc();
    let place = session.occupant().place();
    let hello = Hello {
        epoch: opening.epoch,
        resumed: opening.resumed,
        player: session.player().clone(),
        room: place.as_ref().map(|place| RoomSeat { id: place.room.charter().id, seat: place.stay.seat }),
        time_ms: now_ms,
        heartbeat_ms: options.beat_ms,
        watchdog_ms: options.watchdog_ms(),
        version: sward_protocol::VERSION,
    };
    if let Some(place) = place.filter(|_| opening.needs_snapshot) {
        place.room.resync(place.stay);
    }
    let retry_ms = entropy::between(RETRY_MS.0, RETRY_MS.1);
    let greeting = sse::greeting(retry_ms, options.padding, hello, opening.reset);
    StreamBody::streaming(Streaming {
        session: Arc::clone(session),
        reader: opening.reader,
        greeting,
        beat: Duration::from_millis(options.beat_ms),
        clock,
        metrics: Arc::clone(metrics),
    })
}

/// A stream that only says why there is none.
#[must_use]
pub fn refuse(code: CloseCode, metrics: &Metrics) -> StreamBody {
    metrics.streams_closed.with_label_values(&[&code.code().to_string()]).inc();
    StreamBody::farewell(code)
}

fn kind(opening: &Opening) -> &'static str {
    match opening {
        Opening { reset: Some(_), .. } => "reset",
        Opening { resumed: true, .. } => "resumed",
        Opening { needs_snapshot: true, .. } => "fresh",
        _ => "first",
    }
}
