//! A stream takes hold of its session.

use std::sync::Arc;
use std::task::Waker;

use sward_protocol::bye::CloseCode;
use sward_protocol::downstream::{Hello, RoomSeat};
use sward_protocol::format::Format;
use sward_protocol::ids::{RoomId, Seat};

use super::options::{Mode, StreamOptions};
use super::words;
use crate::clock::Clock;
use crate::entropy;
use crate::fanout::mailslot::Mailslot;
use crate::fanout::reading::{Chunk, Kind, Opening, Position, Reader, Wish};
use crate::fanout::wake::Wakes;
use crate::metrics::Metrics;
use crate::room::directory::Directory;
use crate::session::Session;

/// Bounds of the reconnection time in a farewell that asks the client to come back.
const COME_BACK_MS: (u64, u64) = (200, 2_000);
/// And in one that concerns this client alone: the sooner he is back, the more of what he missed can be replayed.
const COME_BACK_SOON_MS: (u64, u64) = (0, 100);
/// And in one that asks it to stop: an EventSource whose page does not listen comes back all the same, but not at once,
/// so that two pages with one session do not take the stream from each other in a tight loop.
const STAY_AWAY_MS: (u64, u64) = (10_000, 20_000);

/// A stream that has begun.
#[derive(Debug)]
pub struct Opened {
    /// Its hold on the session.
    pub(super) hold: Hold,
    /// `hello`, and `reset`; written first. A drain that goes on where it was needs none.
    pub(super) hello: Option<Vec<u8>>,
    /// What was told before does not reach its client: whatever he follows is to be shown to him again.
    pub has_missed: bool,
}

/// What a stream is of.
#[derive(Debug)]
enum Source {
    Player(Arc<Session>),
    /// Somebody watches a room.
    Watcher(Arc<Mailslot>),
}

/// A stream's hold on its mailslot, let go of when this is dropped.
#[derive(Debug)]
pub struct Hold {
    source: Source,
    reader: Reader,
    format: Format,
    metrics: Arc<Metrics>,
}

/// Opens a stream of this session. An older one ends.
///
/// # Errors
/// What the stream is to say instead, see [`farewell`].
pub fn open(
    session: &Arc<Session>,
    options: &StreamOptions,
    clock: Clock,
    metrics: &Arc<Metrics>,
    directory: &Directory,
) -> Result<Opened, CloseCode> {
    let now_ms = clock.now_ms();
    let kind = if matches!(options.mode, Mode::Drain { .. }) { Kind::Drained } else { Kind::Open };
    let format = options.format;
    let wish = Wish { from: options.from, nonce: options.nonce.as_deref(), kind, format };
    let opening = session.mailslot().open(wish, now_ms)?;
    session.stream_opened(options.beat_ms, now_ms);
    metrics.streams_opened.with_label_values(&[beginning(&opening)]).inc();
    if let Some(rung) = options.rung {
        metrics.streams_by_rung.with_label_values(&[&rung.to_string()]).inc();
    }
    let Opening { reader, last, resumed, reset, needs_snapshot, joined_bytes } = opening;
    if needs_snapshot {
        session.incoming().openings.was_told(joined_bytes);
    }
    // The first stream of a session, which has everything, begins at 0; one that starts fresh never does when something
    // was told before.
    let has_missed = reset.is_some() || !resumed && last.seq > 0;
    let place = session.occupant().place();
    let hello = (kind == Kind::Open || !resumed).then(|| {
        let hello = Hello {
            epoch: last.epoch,
            last,
            resumed,
            player: Some(session.player().clone()),
            room: place.as_ref().map(|place| RoomSeat { id: place.room.charter().id, seat: place.stay.seat }),
            time_ms: now_ms,
            heartbeat_ms: options.beat_ms,
            watchdog_ms: options.watchdog_ms(),
            version: sward_protocol::VERSION,
        };
        words::hello(options.format, hello, reset)
    });
    if !resumed {
        // The first stream of a session brings what was said where he took his seat.
        let told = place.as_ref().filter(|_| last.seq > 0).map(|place| place.room.charter());
        let place = told.map(|charter| (charter.game.as_str(), charter.id));
        let mut wakes = Wakes::default();
        for warning in directory.warnings().standing_for(place) {
            session.mailslot().post_own(warning, now_ms, &mut wakes);
        }
        wakes.wake_all();
    }
    if let Some(place) = place.filter(|_| needs_snapshot) {
        place.room.resync(place.stay);
    }
    metrics.streams.inc();
    let (source, metrics) = (Source::Player(Arc::clone(session)), Arc::clone(metrics));
    Ok(Opened { hold: Hold { source, reader, format: options.format, metrics }, hello, has_missed })
}

/// Opens the one stream of somebody who watches a room.
///
/// # Errors
/// Never: nobody else knows this mailslot.
pub fn open_watch(
    mailslot: &Arc<Mailslot>,
    room: RoomId,
    options: &StreamOptions,
    clock: Clock,
    metrics: &Arc<Metrics>,
) -> Result<Opened, CloseCode> {
    let now_ms = clock.now_ms();
    let format = options.format;
    let wish = Wish { from: Position::Nothing, nonce: None, kind: Kind::Open, format };
    let Opening { reader, last, .. } = mailslot.open(wish, now_ms)?;
    metrics.streams_opened.with_label_values(&["watch"]).inc();
    let hello = Hello {
        epoch: last.epoch,
        last,
        resumed: false,
        player: None,
        room: Some(RoomSeat { id: room, seat: Seat::GAME }),
        time_ms: now_ms,
        heartbeat_ms: options.beat_ms,
        watchdog_ms: options.watchdog_ms(),
        version: sward_protocol::VERSION,
    };
    let hello = Some(words::hello(format, hello, None));
    metrics.streams.inc();
    let (source, metrics) = (Source::Watcher(Arc::clone(mailslot)), Arc::clone(metrics));
    Ok(Opened { hold: Hold { source, reader, format, metrics }, hello, has_missed: false })
}

/// The last words of a stream, and all that one says which never began.
#[must_use]
pub fn farewell(format: Format, code: CloseCode, metrics: &Metrics) -> Vec<u8> {
    metrics.streams_closed.with_label_values(&[&code.code().to_string()]).inc();
    let (low, high) = match code {
        CloseCode::Slow | CloseCode::Doubled | CloseCode::Rotated => COME_BACK_SOON_MS,
        code if code.comes_back() => COME_BACK_MS,
        _ => STAY_AWAY_MS,
    };
    words::farewell(format, code, entropy::between(low, high))
}

impl Hold {
    /// How the stream is written.
    pub(super) fn format(&self) -> Format {
        self.format
    }

    fn mailslot(&self) -> &Mailslot {
        match &self.source {
            Source::Player(session) => session.mailslot(),
            Source::Watcher(mailslot) => mailslot,
        }
    }

    pub(super) fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// Reads the next chunk; when there is none, `waker` is woken as soon as there is.
    pub(super) fn read(&self, waker: &Waker) -> Chunk {
        let chunk = self.mailslot().read(&self.reader, self.format, waker);
        if let Chunk::Events { bytes, count } = &chunk {
            self.metrics.events_out.inc_by(*count);
            self.metrics.event_bytes_out.inc_by(bytes.len() as u64);
            self.metrics.chunks_out.inc();
        }
        chunk
    }

    /// Whether the room still has to say `joined`.
    pub(super) fn awaits_snapshot(&self) -> bool {
        self.mailslot().awaits_snapshot()
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.metrics.streams.dec();
        self.mailslot().detach(&self.reader);
    }
}

fn beginning(opening: &Opening) -> &'static str {
    match opening {
        Opening { reset: Some(_), .. } => "reset",
        Opening { resumed: true, .. } => "resumed",
        Opening { needs_snapshot: true, .. } => "fresh",
        _ => "first",
    }
}
