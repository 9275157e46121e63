//! How others reach a room. Nobody else knows that it is an actor.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use actix::Addr;
use sward_protocol::downstream::GoneWhy;
use sward_protocol::ids::PlayerId;
use sward_protocol::operator::RoomInside;
use sward_protocol::payload::Payload;
use sward_protocol::problem::MessageError;
use sward_protocol::rooms::{RoomView, Seated};
use sward_protocol::upstream::Message;
use tokio::sync::oneshot;

use super::actor::{Command, RoomActor};
use super::core::Charter;
use super::directory::Reservation;
use super::effect::Refusal;
use super::input::Entry;
use super::intake::{Busy, Intake};
use super::occupant::{Occupant, Stay};
use super::shelf::Shelf;
use crate::clock::Clock;
use crate::fanout::mailslot::Mailslot;

/// How long anybody waits for a room's answer.
pub const ANSWER_WAIT_MAX: Duration = Duration::from_secs(5);

/// Why a room did not take something, or did not answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RoomError {
    /// It has too much to do; nothing was applied.
    #[error("the room has too much to do")]
    Busy,
    /// It is no more; nothing was applied.
    #[error("the room is gone")]
    Gone,
    /// It did not answer in time; it may still apply what it was sent.
    #[error("the room did not answer within {} s", ANSWER_WAIT_MAX.as_secs())]
    Slow,
    /// It does not show itself.
    #[error("{0}")]
    NotShown(#[from] NotShown),
    /// It has no seat for the player.
    #[error("{0}")]
    Refused(#[from] Refusal),
}

/// Why somebody without a seat does not see a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotShown {
    /// Its game shows it to its players only; or later, and so by a stream only.
    #[error("the game shows this room only to its players")]
    NotPublic,
    /// Its game shows it later, to those who watch.
    #[error("the game shows this room only to those who watch, {} s later", .0.as_secs_f32())]
    Later(Duration),
    /// As many watch as may.
    #[error("too many watch this room")]
    TooMany,
    /// Its state cannot be shown.
    #[error("the room cannot show its state")]
    Broken,
}

/// What became of a batch: one result per message, or the room went before it got to them.
pub type Results = Option<Vec<Result<Payload, MessageError>>>;

/// Told once what became of a batch, also when the room goes first.
pub struct Completion(Option<Box<dyn FnOnce(Results) + Send>>);

impl Completion {
    /// Calls `told` with the results, on the room's thread: it must not block.
    pub fn new(told: impl FnOnce(Results) + Send + 'static) -> Self {
        Self(Some(Box::new(told)))
    }

    pub(super) fn complete(mut self, results: Vec<Result<Payload, MessageError>>) {
        if let Some(told) = self.0.take() {
            told(Some(results));
        }
    }

    /// Nobody is to be told after all: the batch was not taken.
    fn cancel(&mut self) {
        self.0 = None;
    }
}

impl Drop for Completion {
    fn drop(&mut self) {
        if let Some(told) = self.0.take() {
            told(None);
        }
    }
}

impl fmt::Debug for Completion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Completion")
    }
}

/// A room.
#[derive(Clone)]
pub struct RoomHandle {
    charter: Arc<Charter>,
    address: Addr<RoomActor>,
    intake: Arc<Intake>,
    shelf: Arc<Shelf>,
    clock: Clock,
}

impl fmt::Debug for RoomHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Room({})", self.charter.id)
    }
}

impl RoomHandle {
    pub(super) fn new(
        charter: Arc<Charter>,
        address: Addr<RoomActor>,
        intake: Arc<Intake>,
        shelf: Arc<Shelf>,
        clock: Clock,
    ) -> Self {
        Self { charter, address, intake, shelf, clock }
    }

    /// What names and describes the room, as it was made.
    #[must_use]
    pub fn charter(&self) -> &Arc<Charter> {
        &self.charter
    }

    /// Its named blobs, for whoever may see them.
    #[must_use]
    pub fn shelf(&self) -> &Shelf {
        &self.shelf
    }

    /// Asks for the seat that is held. It is taken even if the caller stops waiting: the room records it with the
    /// session in one step, and the player hears `joined`.
    ///
    /// # Errors
    /// [`RoomError`], see there what was applied.
    pub async fn join(
        reservation: Reservation,
        occupant: Arc<Occupant>,
        entry: impl Into<Entry>,
    ) -> Result<Seated, RoomError> {
        let entry = Box::new(entry.into());
        let (answer, answered) = oneshot::channel();
        let room = reservation.room().clone();
        let permit = room.intake.admit(0, room.clock.now_ms())?;
        let command = Command::Join { occupant, entry, reservation, answer, _permit: permit };
        room.send(command).map_err(|_| RoomError::Gone)?;
        wait_for(answered).await?.map_err(RoomError::Refused)
    }

    /// Hands over a player's messages, `bytes` in all as JSON.
    ///
    /// # Errors
    /// [`RoomError::Busy`] or [`RoomError::Gone`]: nothing was applied, and `done` is not called.
    pub fn try_batch(
        &self,
        stay: Stay,
        messages: Vec<Message>,
        bytes: u32,
        mut done: Completion,
    ) -> Result<(), RoomError> {
        let permit = match self.intake.admit(bytes, self.clock.now_ms()) {
            Ok(permit) => permit,
            Err(busy) => {
                done.cancel();
                return Err(busy.into());
            }
        };
        self.send(Command::Batch { stay, messages, done, _permit: permit }).map_err(|returned| {
            // Told from here, the completion would run under whatever locks the caller holds.
            if let Command::Batch { mut done, .. } = returned {
                done.cancel();
            }
            RoomError::Gone
        })
    }

    /// Gives up a seat. Returns when the room has taken it back.
    ///
    /// # Errors
    /// [`RoomError::Slow`], the seat will be taken back yet. A room that is gone is left already.
    pub async fn leave(&self, stay: Stay, why: GoneWhy) -> Result<(), RoomError> {
        let (answer, answered) = oneshot::channel();
        self.tell(Command::Leave { stay, why, answer: Some(answer) });
        match wait_for(answered).await {
            Ok(()) | Err(RoomError::Gone) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Whether its game does not come to the end of its step.
    #[must_use]
    pub fn is_stuck(&self) -> bool {
        self.intake.is_stuck(self.clock.now_ms())
    }

    /// Gives up a seat, without waiting.
    pub fn leave_soon(&self, stay: Stay, why: GoneWhy) {
        self.tell(Command::Leave { stay, why, answer: None });
    }

    /// Puts a player out, whatever the room's owner thinks of it: [`GoneWhy::Kicked`], or [`GoneWhy::Banned`], and he may
    /// not come back. `detail` is what he is told: one line of at most 200 characters, empty is nothing. Whether he sat
    /// there; somebody who did not is banned all the same.
    ///
    /// # Errors
    /// [`RoomError::Gone`]; [`RoomError::Slow`], it will be done yet.
    pub async fn kick(&self, player: PlayerId, why: GoneWhy, detail: String) -> Result<bool, RoomError> {
        let (answer, answered) = oneshot::channel();
        self.tell(Command::Kick { player, why, detail, answer });
        wait_for(answered).await
    }

    /// Who sits in the room, for the operator.
    ///
    /// # Errors
    /// [`RoomError::Gone`], [`RoomError::Slow`].
    pub async fn inspect(&self) -> Result<RoomInside, RoomError> {
        let (answer, answered) = oneshot::channel();
        self.tell(Command::Inspect { answer });
        wait_for(answered).await
    }

    /// Ends the room: its members hear `gone`, `closed`. A room that is gone is closed already.
    ///
    /// # Errors
    /// [`RoomError::Slow`], it will be done yet.
    pub async fn close(&self) -> Result<(), RoomError> {
        let (answer, answered) = oneshot::channel();
        self.tell(Command::Close { answer });
        match wait_for(answered).await {
            Ok(()) | Err(RoomError::Gone) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// The room is to look whether this player is away.
    pub fn presence_changed(&self, stay: Stay) {
        self.tell(Command::Presence { stay });
    }

    /// The player needs `joined` anew.
    pub fn resync(&self, stay: Stay) {
        self.tell(Command::Resync { stay });
    }

    /// The room as everybody may see it.
    ///
    /// # Errors
    /// [`RoomError::NotShown`], and when the room is busy, gone or slow.
    pub async fn view(&self) -> Result<Arc<RoomView>, RoomError> {
        let permit = self.intake.admit_look()?;
        let (answer, answered) = oneshot::channel();
        self.send(Command::View { answer, _permit: permit }).map_err(|_| RoomError::Gone)?;
        Ok(wait_for(answered).await??)
    }

    /// Shows the room to somebody without a seat: `joined`, and what follows.
    ///
    /// # Errors
    /// [`RoomError::NotShown`], and when the room is busy, gone or slow.
    pub async fn watch(&self, mailslot: Arc<Mailslot>) -> Result<(), RoomError> {
        let permit = self.intake.admit_look()?;
        let (answer, answered) = oneshot::channel();
        self.send(Command::Watch { mailslot, answer, _permit: permit }).map_err(|_| RoomError::Gone)?;
        Ok(wait_for(answered).await??)
    }

    /// Sends what must not be refused: a leave, a change of presence, a resync, an operator's word. There is at most one
    /// of each under way per stay, stream or operator, and sessions are bounded. A room that closed meanwhile has nothing to be told.
    fn tell(&self, command: Command) {
        let _ = self.send(command);
    }

    /// Gives the command back when the room is gone.
    fn send(&self, command: Command) -> Result<(), Command> {
        // A clone of an address may always send once: what bounds the mailbox is the intake.
        self.address.clone().try_send(command).map_err(actix::prelude::SendError::into_inner)
    }
}

impl From<Busy> for RoomError {
    fn from(_: Busy) -> Self {
        Self::Busy
    }
}

async fn wait_for<T>(answered: oneshot::Receiver<T>) -> Result<T, RoomError> {
    match tokio::time::timeout(ANSWER_WAIT_MAX, answered).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(_)) => Err(RoomError::Gone),
        Err(_) => Err(RoomError::Slow),
    }
}
