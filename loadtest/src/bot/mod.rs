//! One player who walks by the schedule.
//!
//! ```text
//! enter ─► session, stream, join ─► start ─► Writer (sends what is due)      ─► Written
//!                       └─────────► Reader ─► Inbox (accounts for what comes) ─► Read
//! ```
//!
//! Decisions are in `outgoing` (what goes up) and [`crate::stats`] (what came down); the rest moves bytes.

mod inbox;
mod outgoing;
mod reader;
mod writer;

use std::sync::{Arc, Mutex};

use sward_protocol::payload::Payload;
use sward_protocol::rooms::{Join, Seated};
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use uuid::Uuid;

pub(crate) use inbox::Presence;
pub(crate) use reader::Read;
pub use writer::PostCounters;
pub(crate) use writer::Written;

use crate::client::{ClientError, Endpoint, Merger, Session, StreamError, StreamOptions};
use crate::load::Load;
use crate::marker::RunTag;
use crate::schedule::Schedule;
use crate::shared::{Phase, Shared};
use inbox::{Inbox, SharedInbox};
use outgoing::Outgoing;
use reader::Reader;
use writer::Writer;

/// Why a bot could not enter.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EnterError {
    /// No session, or no seat.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// No stream.
    #[error(transparent)]
    Stream(#[from] StreamError),
}

/// What all bots of a run enter with.
#[derive(Debug)]
pub(crate) struct Entrance {
    pub(crate) endpoint: Endpoint,
    pub(crate) run: RunTag,
    pub(crate) join: Join,
    pub(crate) stream: StreamOptions,
    pub(crate) data_bytes: usize,
    pub(crate) shared: Arc<Shared>,
    pub(crate) phase: watch::Receiver<Phase>,
}

/// A bot that sits in its room and reads its stream.
#[derive(Debug)]
pub(crate) struct Bot {
    index: usize,
    session: Session,
    merger: Merger,
    inbox: SharedInbox,
    pub(crate) seated: Seated,
    pub(crate) presence: watch::Receiver<Presence>,
    pub(crate) reader: JoinHandle<Read>,
}

/// The request by which the bots of one run fill rooms of their own.
pub(crate) fn join_request(load: &Load, run: Uuid) -> Join {
    let object = |value| Payload::of(&value).expect("an object of a number or of hex digits is a payload");
    let meta = object(serde_json::json!({ "run": run.simple().to_string() }));
    let flush_ms = u64::try_from(load.flush.as_millis()).unwrap_or(u64::MAX);
    Join {
        game: Some("relay".to_owned()),
        filter: Some(meta.clone()),
        create: true,
        max_players: Some(load.room_size),
        meta: Some(meta),
        options: Some(object(serde_json::json!({ "flush_ms": flush_ms }))),
        ..Join::default()
    }
}

impl Bot {
    /// Makes a session, opens its stream and takes a seat.
    pub(crate) async fn enter(index: usize, entrance: &Entrance) -> Result<Self, EnterError> {
        let name = format!("bot {}", index + 1);
        let mut session = Session::create(entrance.endpoint.clone(), &name).await?;
        let mut stream = session.stream_with(entrance.stream.clone());
        stream.connect().await?;
        let (sender, presence) = watch::channel(Presence::default());
        let merger = stream.merger();
        let inbox = Arc::new(Mutex::new(Inbox::new(index, Arc::clone(&entrance.shared), sender)));
        let reader = Reader::new(stream, Arc::clone(&inbox));
        let reader = tokio::spawn(reader.run(entrance.phase.clone()));
        let seated = session.join(&entrance.join).await?;
        Ok(Self { index, session, merger, inbox, seated, presence, reader })
    }

    /// Lets it send by `schedule`; it looks for what is due whenever `due` is notified.
    pub(crate) fn start(
        self,
        entrance: &Entrance,
        schedule: Schedule,
        due: Arc<Notify>,
    ) -> (JoinHandle<Written>, JoinHandle<Read>) {
        let writer = Writer {
            index: self.index,
            session: self.session,
            src: Uuid::new_v4().simple().to_string(),
            run: entrance.run,
            data_bytes: entrance.data_bytes,
            outgoing: Outgoing::new(schedule, entrance.data_bytes),
            due,
            merger: self.merger,
            inbox: self.inbox,
            shared: Arc::clone(&entrance.shared),
        };
        (tokio::spawn(writer.run(entrance.phase.clone())), self.reader)
    }
}
