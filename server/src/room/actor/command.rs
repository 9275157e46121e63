//! What a room is told by the shell.

use std::sync::Arc;

use sward_protocol::downstream::GoneWhy;
use sward_protocol::ids::PlayerId;
use sward_protocol::operator::RoomInside;
use sward_protocol::rooms::{RoomView, Seated};
use sward_protocol::upstream::Message;
use tokio::sync::oneshot;

use crate::fanout::mailslot::Mailslot;
use crate::room::directory::Reservation;
use crate::room::effect::Refusal;
use crate::room::handle::{Completion, NotShown};
use crate::room::input::Entry;
use crate::room::intake::{LookPermit, Permit};
use crate::room::occupant::{Occupant, Stay};

/// What a room is told by the shell.
#[derive(Debug)]
pub enum Command {
    /// Somebody wants a seat.
    Join {
        /// Who.
        occupant: Arc<Occupant>,
        /// What he brings.
        entry: Box<Entry>,
        /// The seat that is held for him.
        reservation: Reservation,
        /// Told the outcome.
        answer: oneshot::Sender<Result<Seated, Refusal>>,
        /// Its place in the room's intake, given back when it was handled.
        _permit: Permit,
    },
    /// A stay ends.
    Leave {
        /// Which.
        stay: Stay,
        /// Why.
        why: GoneWhy,
        /// Told when the seat is free.
        answer: Option<oneshot::Sender<()>>,
    },
    /// A player was lost or heard from again.
    Presence {
        /// Whose.
        stay: Stay,
    },
    /// A player's messages.
    Batch {
        /// Whose.
        stay: Stay,
        /// In order.
        messages: Vec<Message>,
        /// Told what became of them.
        done: Completion,
        /// Its place in the room's intake, given back when it was handled.
        _permit: Permit,
    },
    /// A player needs `joined` anew.
    Resync {
        /// Who.
        stay: Stay,
    },
    /// Somebody wants to see the room as everybody may.
    View {
        /// Told the room.
        answer: oneshot::Sender<Result<Arc<RoomView>, NotShown>>,
        /// Its place in the room's intake.
        _permit: LookPermit,
    },
    /// Somebody wants to watch.
    Watch {
        /// Where his events go.
        mailslot: Arc<Mailslot>,
        /// Told whether he may.
        answer: oneshot::Sender<Result<(), NotShown>>,
        /// Its place in the room's intake.
        _permit: LookPermit,
    },
    /// The operator puts somebody out.
    Kick {
        /// Whom.
        player: PlayerId,
        /// Kicked or banned.
        why: GoneWhy,
        /// What he is told.
        detail: String,
        /// Told whether he sat there.
        answer: oneshot::Sender<bool>,
    },
    /// The operator looks inside.
    Inspect {
        /// Told who sits there.
        answer: oneshot::Sender<RoomInside>,
    },
    /// The operator ends the room.
    Close {
        /// Told when it is done.
        answer: oneshot::Sender<()>,
    },
}

impl actix::Message for Command {
    type Result = ();
}
