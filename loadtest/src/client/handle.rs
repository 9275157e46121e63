//! What an application holds: the client, its handles, its events.

use std::ops::Deref;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use sward_protocol::bye::Bye;
use sward_protocol::codec::Encoding;
use sward_protocol::downstream::{Event, ResetReason};
use sward_protocol::ids::{EventId, RoomId};
use sward_protocol::payload::Payload;
use sward_protocol::problem::MessageError;
use sward_protocol::rooms::{CreateRoom, Join, JoinRoom, Left, Seated};
use sward_protocol::session::Player;
use sward_protocol::upstream::To;
use tokio::sync::mpsc::{self, error::TrySendError};
use tokio::sync::{Semaphore, oneshot};
use tokio::task::JoinHandle;
use uuid::Uuid;

use super::driver::{self, Call, Command, Flush, Tag};
use super::queue::Encoded;
use super::{ClientError, ClientOptions, Endpoint, RequestError, Rung, RungWhy, SendError, TransportReport};

/// Events that wait for the application; past it the stream is not read, which its server notices.
pub(super) const EVENTS_MAX: usize = 1_024;
/// Joins and the like at the same time, those whose caller has gone away included; one more waits for its turn.
pub(super) const CALLS_MAX: usize = 64;

/// A message to the game, or to the server itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Outbound {
    /// `type`: 1–64 characters; `chat` and `sward.…` are the server's.
    pub kind: String,
    /// Any value.
    pub data: Payload,
    /// Whom it is for, where the game supports that.
    pub to: Option<To>,
    /// 1–64 characters. Makes it latest-by-key, where the game supports that: a newer message of this key takes its
    /// place wherever it still waits at the server.
    pub key: Option<String>,
}

impl Outbound {
    /// A message for whom the game sends it to.
    ///
    /// # Errors
    /// [`SendError::BadData`] for a value that is no JSON, or may not be passed on.
    pub fn new<T: Serialize + ?Sized>(kind: impl Into<String>, data: &T) -> Result<Self, SendError> {
        Ok(Self { kind: kind.into(), data: Payload::of(data)?, to: None, key: None })
    }
}

/// A message that was taken and never answered.
#[derive(Debug, Clone, PartialEq)]
pub struct Unanswered {
    /// What [`ClientHandle::send`] returned.
    pub number: u64,
    /// The message.
    pub message: Outbound,
}

/// Why events were lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ResetWhy {
    /// The server says why what was missed cannot be replayed.
    Server(ResetReason),
    /// The stream was cut before its first word, and goes on with what comes.
    Fresh,
}

/// Why a session, or the client, ended.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum EndWhy {
    /// The application said `bye`.
    #[error("it said bye")]
    Bye,
    /// Another client took the session over (3500).
    #[error("another client took the session over")]
    Replaced,
    /// The server ended the session, with 3501 or 3503.
    #[error("the server ended it with {} {}", .0.code, .0.reason)]
    Session(Bye),
    /// The server does not know the session any more.
    #[error("the server does not know the session")]
    Gone,
    /// No new session could be made; the server's words.
    #[error("no new session: {0}")]
    Refused(String),
}

/// What happens to a client, in order.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum ClientEvent {
    /// An event of the room or the session. Each comes once, in the server's order.
    Event {
        /// Its id; in a batch only the last has one.
        id: Option<EventId>,
        /// The event: never `hello`, `noop`, `reset` or `bye`.
        event: Event,
    },
    /// The stream broke and goes on; nothing was lost.
    Resumed,
    /// Events were lost. `joined` with the state of now follows, if the player sits in a room.
    Reset {
        /// Why.
        why: ResetWhy,
    },
    /// The transport changed; nothing was lost by that.
    RungChanged {
        /// Before.
        from: Rung,
        /// After.
        to: Rung,
        /// Why.
        why: RungWhy,
    },
    /// A message failed. (Requests are told by themselves.)
    Refused {
        /// What [`ClientHandle::send`] returned.
        number: u64,
        /// Its `type`.
        kind: String,
        /// Why.
        error: MessageError,
    },
    /// The session ended, and this is a new one: the same name, another player, in no room. Join again.
    Renewed {
        /// Why the old one ended.
        why: EndWhy,
        /// Who the new one is.
        player: Player,
        /// Messages that were never posted: they have no effect.
        unsent: Vec<Unanswered>,
        /// Messages that were posted and not answered: whether they had an effect is not known.
        uncertain: Vec<Unanswered>,
    },
    /// The client is done; nothing comes any more.
    Ended {
        /// Why.
        why: EndWhy,
        /// Messages that were never posted: they have no effect.
        unsent: Vec<Unanswered>,
        /// Messages that were posted and not answered: whether they had an effect is not known.
        uncertain: Vec<Unanswered>,
    },
}

/// A player's connection to a server, kept alive by a task of its own. Dropping it closes everything at once and says
/// nothing to the server: see [`ClientHandle::bye`].
#[derive(Debug)]
pub struct Client {
    handle: ClientHandle,
    events: mpsc::Receiver<ClientEvent>,
    driver: JoinHandle<()>,
}

impl Drop for Client {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

impl Deref for Client {
    type Target = ClientHandle;

    fn deref(&self) -> &ClientHandle {
        &self.handle
    }
}

impl Client {
    /// Makes a session and opens its stream on the first rung that is proved; with [`super::Ladder::Fixed`] on that rung,
    /// whatever its proof says. Attempts that fail are repeated until [`ClientOptions::connect_timeout`]. To be cancelled
    /// by dropping the future: the session then ends by itself.
    ///
    /// # Errors
    /// [`ClientError::Refused`] for what the server does not like, [`ClientError::NoStream`] when no stream could be
    /// opened in time, and the others when not even a session could be made.
    pub async fn connect(endpoint: Endpoint, options: ClientOptions) -> Result<Self, ClientError> {
        let room = Arc::new(Semaphore::new(options.waiting_max.clamp(1, Semaphore::MAX_PERMITS)));
        let (commands, taken) = mpsc::channel(options.waiting_max.max(1) + CALLS_MAX);
        let (sender, events) = mpsc::channel(EVENTS_MAX);
        let shared = Arc::new(Shared::default());
        let driver = driver::start(endpoint, options, taken, sender, Arc::clone(&shared)).await?;
        let calls = Arc::new(Semaphore::new(CALLS_MAX));
        let handle = ClientHandle { commands, room, calls, shared };
        Ok(Self { handle, events, driver })
    }

    /// What happens next. `None` behind [`ClientEvent::Ended`]. Nothing is lost if the future is dropped.
    ///
    /// At most 1,024 events wait to be asked for; then the stream is not read any more, until the server calls the
    /// player slow.
    pub async fn next_event(&mut self) -> Option<ClientEvent> {
        self.events.recv().await
    }

    /// For whoever sends and does not listen. Handles do not keep the client alive.
    #[must_use]
    pub fn handle(&self) -> ClientHandle {
        self.handle.clone()
    }
}

/// What all handles of a client share with its task.
#[derive(Debug, Default)]
pub(super) struct Shared {
    report: Mutex<TransportReport>,
    player: Mutex<Option<Player>>,
    numbers: Mutex<u64>,
}

impl Shared {
    pub(super) fn update(&self, change: impl FnOnce(&mut TransportReport)) {
        change(&mut lock(&self.report));
    }

    pub(super) fn report(&self) -> TransportReport {
        lock(&self.report).clone()
    }

    pub(super) fn set_player(&self, player: Player) {
        *lock(&self.player) = Some(player);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Sends for a [`Client`]. Cheap to clone.
#[derive(Debug, Clone)]
pub struct ClientHandle {
    commands: mpsc::Sender<Command>,
    room: Arc<Semaphore>,
    calls: Arc<Semaphore>,
    shared: Arc<Shared>,
}

impl ClientHandle {
    /// Who the session is. A renewed session is another player.
    ///
    /// # Panics
    /// Never: a client has had a session from the start.
    #[must_use]
    pub fn player(&self) -> Player {
        lock(&self.shared.player).clone().expect("a client that connected has a player")
    }

    /// How the client is connected, and what happened so far.
    #[must_use]
    pub fn report(&self) -> TransportReport {
        self.shared.report()
    }

    /// Queues a message for whom the game sends it to. Its number, from 1. It is applied once, behind all that was sent
    /// before; what does not work out is told by [`ClientEvent::Refused`], or given back when the session ends.
    ///
    /// # Errors
    /// [`SendError`]; nothing is sent then.
    pub fn send<T: Serialize + ?Sized>(&self, kind: impl Into<String>, data: &T) -> Result<u64, SendError> {
        self.send_message(Outbound::new(kind, data)?)
    }

    /// As [`ClientHandle::send`], to one seat or with a key.
    ///
    /// # Errors
    /// [`SendError`]; nothing is sent then.
    pub fn send_message(&self, message: Outbound) -> Result<u64, SendError> {
        self.push(message, None)
    }

    /// Sends a message and waits for the game's reply, null if the game has nothing to say. It keeps its place among the
    /// messages of [`ClientHandle::send`]. Dropping the future does not take the message back.
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn request<T: Serialize + ?Sized>(
        &self,
        kind: impl Into<String>,
        data: &T,
    ) -> Result<Payload, RequestError> {
        self.request_message(Outbound::new(kind, data)?).await
    }

    /// As [`ClientHandle::request`], to one seat or with a key.
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn request_message(&self, message: Outbound) -> Result<Payload, RequestError> {
        let (reply, answer) = oneshot::channel();
        self.push(message, Some(reply))?;
        // The client was dropped: nobody knows any more how far the message came.
        answer.await.unwrap_or(Err(RequestError::SessionEnded { uncertain: true }))
    }

    /// Waits until all that was sent before is answered.
    ///
    /// # Errors
    /// [`SendError::Closed`] when the client ended before.
    pub async fn flushed(&self) -> Result<(), SendError> {
        let (done, flushed) = oneshot::channel();
        let turn = Arc::clone(&self.calls).acquire_owned().await.map_err(|_| SendError::Closed)?;
        let up_to = *lock(&self.shared.numbers);
        let flush = Flush { up_to, done, _turn: turn };
        self.commands.send(Command::Flush(flush)).await.map_err(|_| SendError::Closed)?;
        flushed.await.map_err(|_| SendError::Closed)
    }

    fn push(
        &self,
        message: Outbound,
        reply: Option<oneshot::Sender<Result<Payload, RequestError>>>,
    ) -> Result<u64, SendError> {
        let permit = Arc::clone(&self.room)
            .try_acquire_owned()
            .map_err(|_| if self.commands.is_closed() { SendError::Closed } else { SendError::Full })?;
        // Held while it is queued, so that numbers rise in the order of the queue.
        let mut numbers = lock(&self.shared.numbers);
        let number = *numbers + 1;
        let Outbound { kind, data, to, key } = &message;
        let rid = reply.is_some().then_some(number);
        let encoded = Encoded::new(kind, data, *to, key.as_deref(), rid)?;
        let tag = Tag::App { number, message, reply, _permit: permit };
        self.commands.try_send(Command::Send { tag, encoded }).map_err(|error| match error {
            TrySendError::Full(_) => SendError::Full,
            TrySendError::Closed(_) => SendError::Closed,
        })?;
        *numbers = number;
        Ok(number)
    }

    /// Joins a room, or makes one. Attempts without an answer are repeated; a `key` that makes it safe is drawn if there
    /// is none.
    ///
    /// # Errors
    /// [`ClientError`], with [`ClientError::Refused`] if there is no seat for this player.
    pub async fn join(&self, join: &Join) -> Result<Seated, ClientError> {
        let key = join.key.clone().or_else(new_key);
        self.call("/v1/join", &Join { key, ..join.clone() }).await
    }

    /// Makes a room and joins it, as [`ClientHandle::join`].
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn create(&self, room: &CreateRoom) -> Result<Seated, ClientError> {
        let key = room.key.clone().or_else(new_key);
        self.call("/v1/rooms", &CreateRoom { key, ..room.clone() }).await
    }

    /// Joins this room, as [`ClientHandle::join`].
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn join_room(&self, room: RoomId, join: &JoinRoom) -> Result<Seated, ClientError> {
        let key = join.key.clone().or_else(new_key);
        self.call(&format!("/v1/rooms/{room}/join"), &JoinRoom { key, ..join.clone() }).await
    }

    /// Leaves the room; whether there was one. (An attempt whose answer was lost has left it already.)
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn leave(&self) -> Result<bool, ClientError> {
        let left: Left = self.call("/v1/leave", &serde_json::json!({})).await?;
        Ok(left.left)
    }

    /// Ends the session: the seat is free at once. Messages that are unanswered are given back by
    /// [`ClientEvent::Ended`]; wait for [`ClientHandle::flushed`] first if they matter.
    ///
    /// # Errors
    /// [`ClientError`]: the server does not know of it, and finds out by itself after a while.
    pub async fn bye(&self) -> Result<(), ClientError> {
        let (reply, answer) = oneshot::channel();
        self.commands.send(Command::Bye { reply }).await.map_err(|_| ClientError::Closed)?;
        answer.await.unwrap_or(Err(ClientError::Closed))
    }

    async fn call<B: Serialize, A: DeserializeOwned>(&self, route: &str, body: &B) -> Result<A, ClientError> {
        let unreadable = |detail: String| ClientError::Unreadable { path: route.to_owned(), detail };
        let body = Encoding::Json.encode(body).map_err(|error| unreadable(error.to_string()))?;
        let (reply, answer) = oneshot::channel::<Result<Box<RawValue>, ClientError>>();
        let turn = Arc::clone(&self.calls).acquire_owned().await.map_err(|_| ClientError::Closed)?;
        let call = Call { route: route.to_owned(), body: Bytes::from(body), reply, turn };
        self.commands.send(Command::Call(call)).await.map_err(|_| ClientError::Closed)?;
        let answer = answer.await.unwrap_or(Err(ClientError::Closed))?;
        serde_json::from_str(answer.get()).map_err(|error| unreadable(error.to_string()))
    }
}

fn new_key() -> Option<String> {
    Some(Uuid::new_v4().simple().to_string())
}
