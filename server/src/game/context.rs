//! What a game sees of its room, and what it can do there.

mod fetched;
mod outcome;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sward_protocol::downstream::{AwayWhy, Event, Msg};
use sward_protocol::ids::{PlayerId, RoomId, Seat};
use sward_protocol::limits::{KEY_CHARS_MAX, TYPE_CHARS_MAX};
use sward_protocol::payload::Payload;
use sward_protocol::rooms::{Phase, Will};

use super::audience::Audience;
use super::controls::{Controls, Dropped};
use super::data::Data;
use super::random::Random;
use crate::world::frame::Frame;

/// A player in a room.
#[derive(Debug, Clone, PartialEq)]
pub struct Seated {
    /// Who he is.
    pub id: PlayerId,
    /// His name; not unique.
    pub name: String,
    /// His own data, as he sent it.
    pub me: Payload,
    /// Why he is away, if he is.
    pub away: Option<AwayWhy>,
    /// Whether he is a bot of the game's own.
    pub bot: bool,
}

/// Names a value of which only the newest counts: a player's position, say. An event that bears it rides the latest lane:
/// it takes the place of the older one wherever that still waits, or could be asked for again.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct LatestKey {
    /// Whose value it is; [`Seat::GAME`]: the game's own.
    pub owner: Seat,
    /// Which of his values.
    pub name: Arc<str>,
}

/// An event on its way out of the core.
#[derive(Debug, Clone, PartialEq)]
pub struct Outgoing {
    /// Who receives it.
    pub audience: Audience,
    /// What.
    pub event: Event,
    /// `None`: it is reliable, and never dropped.
    pub latest: Option<LatestKey>,
}

impl Outgoing {
    /// An event that is never dropped.
    #[must_use]
    pub fn reliable(audience: Audience, event: Event) -> Self {
        Self { audience, event, latest: None }
    }
}

/// What a game says, in the order in which it says it.
#[derive(Debug, Clone, PartialEq)]
pub enum Saying {
    /// An event.
    Event(Outgoing),
    /// What changed in its world.
    Frame(Arc<Frame>),
}

/// What a game cannot change of its room during a call.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Facts<'a> {
    pub(crate) id: RoomId,
    pub(crate) code: &'a str,
    pub(crate) name: &'a str,
    pub(crate) max_players: u16,
    pub(crate) is_private: bool,
    pub(crate) owner: Option<Seat>,
    pub(crate) phase: Phase,
}

/// A game's view of its room during one call.
///
/// What a game sends reaches the players in the order in which it was sent. An event whose data does not serialise, whose
/// type or key is not 1–64 characters long, or that is above 64 KiB on the wire, is dropped, with a log and
/// `sward_events_dropped_total`; in a [test room](crate::testing) it fails the test. Data is JSON, which has no infinity
/// and no NaN: such a number arrives as null.
///
/// A game that sends more than 32,768 events or 8 MiB in one step (one join, one tick, one player's batch) ends its room as
/// a panic does. When half of it is spent, further messages of the same batch are answered `room_busy`, and timers wait for
/// the next step.
pub struct Room<'a> {
    pub(crate) now_ms: u64,
    pub(crate) facts: Facts<'a>,
    pub(crate) players: &'a BTreeMap<Seat, Seated>,
    pub(crate) leaver: Option<&'a Seated>,
    pub(crate) random: &'a mut Random,
    pub(crate) controls: &'a mut Controls,
    pub(crate) sayings: &'a mut Vec<Saying>,
}

/// What there is.
impl<'a> Room<'a> {
    /// The time of this step, Unix milliseconds; never goes back.
    #[must_use]
    pub fn now_ms(&self) -> u64 {
        self.now_ms
    }

    /// Who sits where, by seat; those who are away too.
    #[must_use]
    pub fn players(&self) -> &BTreeMap<Seat, Seated> {
        self.players
    }

    /// The player on this seat.
    #[must_use]
    pub fn player(&self, seat: Seat) -> Option<&Seated> {
        self.players.get(&seat)
    }

    /// Who has just left, with his name and his own data: in [`Game::leave`](super::Game::leave); `None` otherwise. He is
    /// none of [`Room::players`] any more.
    ///
    /// ```
    /// # use sward_server::game::{Audience, GoneWhy, Room, Seat};
    /// fn leave(room: &mut Room<'_>, seat: Seat, _why: GoneWhy) {
    ///     if let Some(leaver) = room.leaver() {
    ///         room.send(Audience::All, "news", &format!("{} gave up", leaver.name));
    ///     }
    /// }
    /// ```
    #[must_use]
    pub fn leaver(&self) -> Option<&'a Seated> {
        self.leaver
    }

    /// What the newcomer wants to be said in his name when he is gone: in [`Game::join`](super::Game::join), once; `None`
    /// otherwise, and when he wants nothing. Only a game that takes it and passes it on in
    /// [`Game::leave`](super::Game::leave) heeds it.
    pub fn take_will(&mut self) -> Option<Will> {
        self.controls.will.take()
    }

    /// The room's random source.
    pub fn random(&mut self) -> &mut Random {
        self.random
    }

    /// The room's id.
    #[must_use]
    pub fn id(&self) -> RoomId {
        self.facts.id
    }

    /// The short code to join it by.
    #[must_use]
    pub fn code(&self) -> &str {
        self.facts.code
    }

    /// The name that its owner gave it; may be empty.
    #[must_use]
    pub fn name(&self) -> &str {
        self.facts.name
    }

    /// Seats, 1–4,096.
    #[must_use]
    pub fn max_players(&self) -> u16 {
        self.facts.max_players
    }

    /// Whether it is in no list and found by no filter.
    #[must_use]
    pub fn is_private(&self) -> bool {
        self.facts.is_private
    }

    /// What lists show of the room and filters look at, an object: its creator's, or that of [`Room::set_meta`].
    #[must_use]
    pub fn meta(&self) -> &Payload {
        &self.controls.meta
    }

    /// Whether nobody else is let in, by the game's or the owner's will; see [`StartRules`](super::StartRules) for those
    /// that are closed while they play.
    #[must_use]
    pub fn is_locked(&self) -> bool {
        self.controls.is_locked
    }

    /// Whose room it is; `None` while nobody is in it, if [nobody owns it](super::Settings::without_owner), and in the room
    /// of a match, which only [`Room::start`] starts.
    #[must_use]
    pub fn owner(&self) -> Option<Seat> {
        self.facts.owner
    }

    /// Whether the room plays, as it was when this call began.
    #[must_use]
    pub fn phase(&self) -> Phase {
        self.facts.phase
    }

    /// What the running game started with, below 2^53; `None` while the room does not play.
    #[must_use]
    pub fn seed(&self) -> Option<u64> {
        self.controls.stage.seed
    }
}

/// What is said.
impl Room<'_> {
    /// Sends a message of the game's: `msg` with this type (1–64 characters), `from` 0. It arrives, and in order.
    ///
    /// Large things belong in [`Game::state`](super::Game::state), or in a blob ([`Room::publish`]): a player who is sent
    /// more than 4,096 events or 256 KiB in one step, before his stream could take any of it, may lose the stream for it
    /// (`bye` 3008, "Resume" in `docs/protocol.md`). He comes back by himself, and begins anew with the state of then. In a
    /// [test room](crate::testing) it fails the test.
    pub fn send(&mut self, to: Audience, kind: &str, data: impl Data) {
        self.pass_on(Seat::GAME, to, kind, data);
    }

    /// As [`Room::send`], but in the latest lane: a slow reader gets the newest message of this key (1–64 characters), and
    /// not all of them. To be used for absolute values only.
    pub fn send_latest(&mut self, to: Audience, key: &str, kind: &str, data: impl Data) {
        self.pass_on_latest(Seat::GAME, to, key, kind, data);
    }

    /// Sends a message in the name of the player on `from`.
    pub fn pass_on(&mut self, from: Seat, to: Audience, kind: &str, data: impl Data) {
        self.message(from, to, kind, data, None);
    }

    /// As [`Room::pass_on`], but in the latest lane. Each author has keys of his own.
    pub fn pass_on_latest(&mut self, from: Seat, to: Audience, key: &str, kind: &str, data: impl Data) {
        self.message(from, to, kind, data, Some(LatestKey { owner: from, name: key.into() }));
    }

    /// Sends `patch`: what changed in the game's state, in whatever shape its page understands.
    pub fn patch(&mut self, to: Audience, data: impl Data) {
        match data.payload() {
            Ok(data) => self.event(to, data.json_len(), Event::Patch(data), None),
            Err(error) => self.drop("patch".to_owned(), error.to_string()),
        }
    }

    fn message(&mut self, from: Seat, to: Audience, kind: &str, data: impl Data, latest: Option<LatestKey>) {
        if let Err(why) = named("type", kind, TYPE_CHARS_MAX) {
            return self.drop(format!("msg {:?}", shortened(kind)), why);
        }
        if let Some(Err(why)) = latest.as_ref().map(|key| named("key", &key.name, KEY_CHARS_MAX)) {
            return self.drop(format!("msg {kind:?}"), why);
        }
        match data.payload() {
            Ok(data) => {
                let bytes = kind.len() + data.json_len();
                self.event(to, bytes, Event::Msg(Msg { from, kind: kind.to_owned(), data }), latest);
            }
            Err(error) => self.drop(format!("msg {kind:?}"), error.to_string()),
        }
    }

    fn event(&mut self, audience: Audience, bytes: usize, event: Event, latest: Option<LatestKey>) {
        // Each event that names its receivers holds a list of them.
        let named = if let Audience::These(seats) = &audience { size_of_val(&**seats) } else { 0 };
        self.controls.count(bytes + named);
        self.sayings.push(Saying::Event(Outgoing { audience, event, latest }));
    }

    /// Shows what changed in the game's world.
    pub(crate) fn show(&mut self, frame: Frame) {
        // Which player sees which piece is bounded by how many there are of both, and no word of the game's.
        self.controls.count(frame.said_bytes());
        self.sayings.push(Saying::Frame(Arc::new(frame)));
    }

    pub(crate) fn drop(&mut self, what: String, why: String) {
        self.controls.count(0);
        self.controls.dropped.push(Dropped { what, why });
    }
}

/// Whether the name of something is as long as a client expects it.
fn named(what: &str, name: &str, chars_max: usize) -> Result<(), String> {
    let is_good = !name.is_empty() && name.chars().count() <= chars_max;
    if is_good { Ok(()) } else { Err(format!("a {what} has 1 to {chars_max} characters")) }
}

/// For the log.
fn shortened(name: &str) -> String {
    name.chars().take(TYPE_CHARS_MAX).collect()
}

/// What happens later.
impl Room<'_> {
    /// Has [`Game::timer`](super::Game::timer) called with this name (at most 64 characters) when so much time has gone
    /// by, 1 ms at least; a timer of that name that is still to come is set anew. Timers that are due at once come in the
    /// order in which they were set, and before whatever else happens then. Time in which the room is paused does not
    /// count.
    ///
    /// # Panics
    /// Above 1,024 timers: the room ends, as by any panic of its game.
    pub fn set_timer(&mut self, name: &str, after: Duration) {
        self.set_timer_of(None, name, after);
    }

    /// As [`Room::set_timer`], for the player on this seat: [`Game::seat_timer`](super::Game::seat_timer) is called with
    /// both. Each seat has names of its own. When its player is out, its timers are taken back before anything else
    /// happens, so that none of them is due for whoever sits there next. Nothing is set for a seat that nobody sits on.
    ///
    /// # Panics
    /// As [`Room::set_timer`]: those of seats count among the 1,024.
    pub fn set_seat_timer(&mut self, seat: Seat, name: &str, after: Duration) {
        if self.players.contains_key(&seat) {
            self.set_timer_of(Some(seat), name, after);
        }
    }

    fn set_timer_of(&mut self, seat: Option<Seat>, name: &str, after: Duration) {
        let after_ms = u64::try_from(after.as_millis()).unwrap_or(u64::MAX).max(1);
        // While time stands still it is what it was when it stopped; what passes meanwhile is added when it goes on.
        let now_ms = self.controls.stage.paused_since_ms.unwrap_or(self.now_ms);
        self.controls.timers.set(seat, name, now_ms.saturating_add(after_ms));
    }

    /// Takes a timer back. Whether it was still to come.
    pub fn cancel_timer(&mut self, name: &str) -> bool {
        self.controls.timers.cancel(None, name)
    }

    /// Takes a timer of a seat back. Whether it was still to come.
    pub fn cancel_seat_timer(&mut self, seat: Seat, name: &str) -> bool {
        self.controls.timers.cancel(Some(seat), name)
    }

    /// When this timer is due, Unix milliseconds; `None` if it is not set. While the room is paused, as if it went on now.
    #[must_use]
    pub fn timer_due_ms(&self, name: &str) -> Option<u64> {
        self.due_ms(None, name)
    }

    /// When this timer of a seat is due, as [`Room::timer_due_ms`].
    #[must_use]
    pub fn seat_timer_due_ms(&self, seat: Seat, name: &str) -> Option<u64> {
        self.due_ms(Some(seat), name)
    }

    fn due_ms(&self, seat: Option<Seat>, name: &str) -> Option<u64> {
        let stood_ms =
            self.controls.stage.paused_since_ms.map_or(0, |since_ms| self.now_ms.saturating_sub(since_ms));
        self.controls.timers.due_ms(seat, name).map(|due_ms| due_ms.saturating_add(stood_ms))
    }
}
