//! A room with virtual time: players as values, and what each of them saw. For the tests of games; re-exported as
//! [`crate::testing`].
//!
//! ```
//! use std::time::Duration;
//! use serde_json::json;
//! use sward_server::games::relay::Relay;
//! use sward_server::testing::TestRoom;
//!
//! let mut room = TestRoom::<Relay>::new();
//! let (zoe, bo) = (room.join("Zoë"), room.join("Bo"));
//! room.send(zoe, "wave", json!({"hand": "left"}))?;
//! room.advance(Duration::from_secs(1));
//! assert_eq!(room.heard(bo), [r#"msg {"from":1,"type":"wave","data":{"hand":"left"}}"#]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! What it shows has the types of the wire:
//!
//! ```
//! use sward_server::games::relay::Relay;
//! use sward_server::testing::{Event, Gone, Joined, Member, Message, RoomInfo, TestRoom};
//!
//! let mut room = TestRoom::<Relay>::new();
//! let (zoe, bo) = (room.join("Zoë"), room.join("Bo"));
//! let joined: &Joined = room.joined(bo);
//! assert_eq!(joined.players.iter().map(|member: &Member| &*member.name).collect::<Vec<_>>(), ["Zoë", "Bo"]);
//! let info: RoomInfo = room.info();
//! assert_eq!(info.players, 2);
//! let wave = |kind: &str| Message { kind: kind.to_owned(), ..Message::default() };
//! assert!(room.send_all(zoe, vec![wave("hello"), wave("bye")]).iter().all(Result::is_ok));
//! room.leave(zoe);
//! let kinds = room.events(bo).into_iter().map(|event| match event {
//!     Event::Msg(msg) => msg.kind,
//!     Event::Gone(Gone { seat, .. }) => format!("gone {seat}"),
//!     other => other.name().to_owned(),
//! });
//! assert_eq!(kinds.collect::<Vec<_>>()[..3], ["hello", "bye", "gone 1"]);
//! ```

mod burst;
mod seen;
#[cfg(test)]
mod tests;
mod watching;

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use sward_protocol::downstream::GoneWhy;
#[doc(inline)]
pub use sward_protocol::downstream::{Event, Gone, Joined, Member};
use sward_protocol::ids::{NodeId, PlayerId, RoomId, Seat};
use sward_protocol::limits::JOINED_BYTES_MAX;
use sward_protocol::password::Password;
use sward_protocol::payload::{CheckedMessage, Payload};
use sward_protocol::problem::{ErrorCode, MessageError};
#[doc(inline)]
pub use sward_protocol::rooms::RoomInfo;
use sward_protocol::rooms::{CreateRoom, Will, check_meta};
#[doc(inline)]
pub use sward_protocol::upstream::Message;

use crate::game::{BadOptions, Game, Random, SaveError, Settings};
use crate::room::core::{Charter, RoomCore, RoomStep};
use crate::room::effect::Effect;
pub use crate::room::effect::Refusal;
use crate::room::input::{Input, Newcomer};
use crate::room::saved::SavedRoom;
use burst::Bursts;
use seen::{Seen, read};
pub use watching::TestWatcher;
use watching::Watching;

/// The seed of a test room: a game is to be tested with what it does, not with luck.
const SEED: u64 = 1;
/// The virtual time at which a test room begins.
const START_MS: u64 = 1_764_000_000_000;

/// Somebody who sits, or sat, in a test room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TestPlayer {
    /// His seat; another may have it after him.
    pub seat: Seat,
    /// Who he is: of one stay in one room.
    pub id: PlayerId,
}

/// A room of the game `G` in which time passes only when the test says so.
///
/// Everything that a real room would drop with a log fails the test: data that does not serialise, a type of 65
/// characters, an event above 64 KiB. So does what would end the room (a panic of the game, a state above 1 MiB when
/// somebody comes), what would end a player's stream (more than 4,096 events or 256 KiB to one player in one step), and a
/// refusal in `join` by a game that has changed itself before, if it can be saved.
pub struct TestRoom<G> {
    core: RoomCore<G>,
    now_ms: u64,
    next_tick_ms: u64,
    players_made: u128,
    seen: BTreeMap<PlayerId, Seen>,
    seated: BTreeMap<Seat, PlayerId>,
    watching: Vec<Watching>,
    /// What each player was sent in this step.
    bursts: Bursts,
    /// What everybody who comes knows.
    password: Option<Password>,
    is_closed: bool,
}

impl<G: Game> Default for TestRoom<G> {
    fn default() -> Self {
        Self::new()
    }
}

/// Rooms.
impl<G: Game> TestRoom<G> {
    /// A room whose creator sent no options.
    ///
    /// # Panics
    /// If the game wants some.
    #[must_use]
    #[track_caller]
    pub fn new() -> Self {
        match Self::with(nothing()) {
            Ok(room) => room,
            Err(error) => panic!("the game wants options: {error}"),
        }
    }

    /// A room made with these options.
    ///
    /// # Errors
    /// What the game says of the options.
    pub fn with(options: impl Serialize) -> Result<Self, BadOptions> {
        Self::seeded(SEED, options)
    }

    /// A room made with these options whose random source begins elsewhere; other test rooms begin with seed 1.
    ///
    /// # Errors
    /// What the game says of the options.
    pub fn seeded(seed: u64, options: impl Serialize) -> Result<Self, BadOptions> {
        let options = Payload::of(&options).map_err(|error| BadOptions(error.to_string()))?;
        Self::build(seed, CreateRoom { options: Some(options), ..CreateRoom::of("test") })
    }

    /// A room made as a player would: with a name, private or not, of so many seats, with `meta` and options. Of a password
    /// everybody who comes knows it. The rest of `room` has no effect here.
    ///
    /// ```
    /// use sward_server::CreateRoom;
    /// use sward_server::games::relay::Relay;
    /// use sward_server::testing::TestRoom;
    ///
    /// let nest = CreateRoom { name: "Nest".to_owned(), max_players: Some(2), ..CreateRoom::of("relay") };
    /// let mut room = TestRoom::<Relay>::made(nest)?;
    /// assert_eq!((&*room.info().name, room.info().max_players), ("Nest", 2));
    /// room.join("Zoë");
    /// room.join("Bo");
    /// assert!(room.try_join("Mo", ()).is_err());
    /// # Ok::<(), sward_server::game::BadOptions>(())
    /// ```
    ///
    /// # Errors
    /// What the game says of the options.
    ///
    /// # Panics
    /// If no room would be made for another reason: more seats than the game has, or a `meta` that is none.
    #[track_caller]
    pub fn made(room: CreateRoom) -> Result<Self, BadOptions> {
        Self::build(SEED, room)
    }

    #[track_caller]
    fn build(seed: u64, room: CreateRoom) -> Result<Self, BadOptions> {
        let CreateRoom { name, max_players, private, password, meta, options, .. } = room;
        let (meta, options) = (meta.unwrap_or_else(nothing), options.unwrap_or_else(nothing));
        if let Err(why) = check_meta(&meta) {
            panic!("bad_meta: meta {why}");
        }
        let mut random = Random::from_seed(seed);
        let game = G::create(&options, &mut random)?;
        let settings = game.settings();
        let (max_players, most) = (max_players.unwrap_or(settings.max_players.max(1)), settings.most_seats());
        assert!((1..=most).contains(&max_players), "bad_max: max_players is 1 to {most}");
        let charter = Charter {
            id: RoomId::from_random(NodeId(0), 1),
            game: "test".to_owned(),
            code: "TEST".to_owned(),
            name,
            private,
            password: password.clone(),
            // The first player who joins.
            creator: Some(PlayerId::from_random(NodeId(0), 1)),
            standing: false,
            meta,
            max_players,
        };
        let core = RoomCore::new(charter, game, settings, random);
        Ok(Self {
            core,
            now_ms: START_MS,
            next_tick_ms: START_MS + settings.tick.map_or(0, millis),
            players_made: 0,
            seen: BTreeMap::new(),
            seated: BTreeMap::new(),
            watching: Vec::new(),
            bursts: Bursts::default(),
            password,
            is_closed: false,
        })
    }

    /// A second room that was saved and restored from this one as it is now, by way of bytes. What its players heard so
    /// far is not in it; they are the same players, so that the same [`TestPlayer`] names each of them in both rooms.
    /// Whatever is done to both must have the same outcome.
    ///
    /// # Errors
    /// What the game says: it does not support it, or cannot read what it saved.
    pub fn restored(&self) -> Result<Self, SaveError> {
        let saved = SavedRoom::from_bytes(&self.core.save()?.to_bytes()?)?;
        let seen = self.seen.iter().map(|(&id, seen)| (id, Seen { heard: Vec::new(), ..seen.clone() }));
        Ok(Self {
            core: RoomCore::restore(saved)?,
            now_ms: self.now_ms,
            next_tick_ms: self.next_tick_ms,
            players_made: self.players_made,
            seen: seen.collect(),
            seated: self.seated.clone(),
            watching: vec![Watching::default(); self.watching.len()],
            bursts: Bursts::default(),
            password: self.password.clone(),
            is_closed: self.is_closed,
        })
    }

    /// How the room runs.
    #[must_use]
    pub fn settings(&self) -> Settings {
        self.core.settings()
    }

    /// The game itself.
    #[must_use]
    pub fn game(&self) -> &G {
        self.core.game()
    }

    /// The room as lists show it: its `meta`, whether it is `locked`, how many sit there.
    #[must_use]
    pub fn info(&self) -> RoomInfo {
        self.core.info()
    }

    /// Who sits there, by seat, bots included.
    #[must_use]
    pub fn players(&self) -> Vec<Member> {
        self.core.members()
    }

    /// Whether the game or the operator has closed the room.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.is_closed
    }

    /// The time, Unix milliseconds.
    #[must_use]
    pub fn now_ms(&self) -> u64 {
        self.now_ms
    }

    /// Time passes: the game's ticks and timers happen when they are due. As in a real room, there are no ticks while
    /// no human sits there, and neither ticks nor timers while it is paused.
    #[track_caller]
    pub fn advance(&mut self, time: Duration) {
        let end_ms = self.now_ms.saturating_add(millis(time));
        loop {
            let tick = self.core.settings().tick.map(millis);
            let tick_ms = tick.map(|_| self.next_tick_ms);
            let timer_ms = self.core.wake_ms().map(|due_ms| due_ms.max(self.now_ms));
            let Some(next_ms) =
                tick_ms.into_iter().chain(timer_ms).min().filter(|&next_ms| next_ms <= end_ms)
            else {
                break;
            };
            self.now_ms = next_ms;
            let is_tick = tick_ms == Some(next_ms);
            self.next_tick_ms += tick.filter(|_| is_tick).map_or(0, |tick_ms| tick_ms.max(1));
            self.perform(if is_tick && self.core.occupancy().humans > 0 { Input::Tick } else { Input::Wake });
        }
        self.now_ms = end_ms;
    }
}

/// What players do.
impl<G: Game> TestRoom<G> {
    /// A player takes a seat.
    ///
    /// # Panics
    /// If he gets none; [`TestRoom::try_join`] tells why.
    #[track_caller]
    pub fn join(&mut self, name: &str) -> TestPlayer {
        match self.try_join(name, ()) {
            Ok(player) => player,
            Err(refusal) => panic!("{name} has no seat: {refusal}"),
        }
    }

    /// A player with data of his own (`me`) wants a seat.
    ///
    /// # Errors
    /// Why he has none.
    ///
    /// # Panics
    /// If `me` does not serialise, or the room is closed; if the game refuses him and has changed itself before (a game
    /// that cannot be saved is believed).
    #[track_caller]
    pub fn try_join(&mut self, name: &str, me: impl Serialize) -> Result<TestPlayer, Refusal> {
        self.players_made += 1;
        let id = PlayerId::from_random(NodeId(0), self.players_made);
        self.admit(Newcomer::new(id, name.to_owned(), written(&me)))
    }

    /// A player takes a seat who wants a message of this type to be sent in his name when he is gone.
    ///
    /// # Panics
    /// If he gets no seat, or `data` does not serialise.
    #[track_caller]
    pub fn join_with_will(&mut self, name: &str, kind: &str, data: impl Serialize) -> TestPlayer {
        let will = Will { kind: kind.to_owned(), data: written(&data) };
        self.players_made += 1;
        let id = PlayerId::from_random(NodeId(0), self.players_made);
        let newcomer = Newcomer::new(id, name.to_owned(), Payload::null());
        match self.admit(Newcomer { will: Some(will), ..newcomer }) {
            Ok(player) => player,
            Err(refusal) => panic!("{name} has no seat: {refusal}"),
        }
    }

    /// A player who was here before, and is out, wants a seat again: of the same session as before.
    ///
    /// # Errors
    /// Why he has none.
    ///
    /// # Panics
    /// If he still sits there, or was never here, or the room is closed.
    #[track_caller]
    pub fn try_return(&mut self, player: TestPlayer) -> Result<TestPlayer, Refusal> {
        assert!(!self.is_in(player), "{player:?} sits there");
        let before = self.joined(player).players.iter().find(|member| member.id == player.id).cloned();
        let Some(Member { id, name, me, .. }) = before else { panic!("{player:?} was never here") };
        self.admit(Newcomer::new(id, name, me))
    }

    #[track_caller]
    fn admit(&mut self, newcomer: Newcomer) -> Result<TestPlayer, Refusal> {
        assert!(!self.is_closed, "the room is closed");
        let id = newcomer.id;
        let newcomer = Newcomer { password: self.password.clone(), ..newcomer };
        let before = self.saved_alone();
        let mut result = Err(Refusal::Full);
        for effect in self.step(Input::Join(newcomer)) {
            match effect {
                Effect::Admitted(joined) => {
                    let seat = joined.seat;
                    let bytes = Payload::of(&*joined).map_or(0, |joined| joined.json_len());
                    assert!(
                        bytes <= JOINED_BYTES_MAX,
                        "`joined`, with the state, has {bytes} bytes, above {JOINED_BYTES_MAX}: the room would end"
                    );
                    self.seated.insert(seat, id);
                    self.seen.insert(id, Seen::of(*joined));
                    result = Ok(TestPlayer { seat, id });
                }
                Effect::Refused(refusal) => result = Err(refusal),
                other => self.deliver(other),
            }
        }
        if matches!(result, Err(Refusal::ByGame(_))) && before.is_some() {
            let after = self.core.game().save().ok();
            assert!(
                before == after,
                "the game refused a newcomer, and has changed itself for him: {before:?} became {after:?}"
            );
        }
        result
    }

    /// The game as it is now, if nothing but the next input can change it in the next step.
    fn saved_alone(&self) -> Option<Payload> {
        let something_is_due = self.core.wake_ms().is_some_and(|due_ms| due_ms <= self.now_ms);
        if something_is_due || self.core.settings().bots_yield { None } else { self.core.game().save().ok() }
    }

    /// The player leaves. What he heard up to his own `gone` stays to be asked for.
    #[track_caller]
    pub fn leave(&mut self, player: TestPlayer) {
        self.depart(player, GoneWhy::Left);
    }

    /// The player was away for too long, and loses his seat.
    #[track_caller]
    pub fn lose(&mut self, player: TestPlayer) {
        self.depart(player, GoneWhy::Lost);
    }

    #[track_caller]
    fn depart(&mut self, player: TestPlayer, why: GoneWhy) {
        if self.is_in(player) {
            self.perform(Input::Leave { seat: player.seat, why });
        }
    }

    /// The player's connection is lost: his seat waits for him. What he hears meanwhile he would be told when he is back.
    /// Who is only away from the keyboard says so himself: `room.send(zoe, "sward.away", ())`.
    #[track_caller]
    pub fn away(&mut self, player: TestPlayer) {
        if self.is_in(player) {
            self.perform(Input::Presence { seat: player.seat, is_lost: true });
        }
    }

    /// The player's connection is there again.
    #[track_caller]
    pub fn back(&mut self, player: TestPlayer) {
        if self.is_in(player) {
            self.perform(Input::Presence { seat: player.seat, is_lost: false });
        }
    }

    /// The operator puts the player out, for good if he bans him, and says why (empty: nothing).
    #[track_caller]
    pub fn put_out(&mut self, player: TestPlayer, why: GoneWhy, detail: &str) {
        self.perform(Input::Kick { player: player.id, why, detail: detail.to_owned() });
    }

    /// The operator closes the room.
    #[track_caller]
    pub fn close(&mut self) {
        self.perform(Input::Close);
    }

    /// The player sends a message, as `session.send(type, data)` and `session.request(type, data)` do in the browser:
    /// `room.send(zoe, "guess", json!({"number": 7}))`. The result is the game's reply. The owner's messages are sent in the
    /// same way: `room.send(zoe, "sward.start", ())`.
    ///
    /// # Errors
    /// What the author is told; `not_in_room` when he has left.
    ///
    /// # Panics
    /// If `data` does not serialise.
    #[track_caller]
    pub fn send(
        &mut self,
        player: TestPlayer,
        kind: &str,
        data: impl Serialize,
    ) -> Result<Payload, MessageError> {
        let message = Message { kind: kind.to_owned(), data: written(&data), ..Message::default() };
        self.send_raw(player, written(&message).json())
    }

    /// As [`TestRoom::send`], with the reply as a type of the test's choice.
    ///
    /// # Errors
    /// What the author is told.
    ///
    /// # Panics
    /// If `data` does not serialise, or the reply is of another shape.
    #[track_caller]
    pub fn request<T: DeserializeOwned>(
        &mut self,
        player: TestPlayer,
        kind: &str,
        data: impl Serialize,
    ) -> Result<T, MessageError> {
        Ok(read("the reply", &self.send(player, kind, data)?))
    }

    /// The player sends one message, a JSON object as on the wire: for games that know `to` or `key`.
    ///
    /// # Errors
    /// What the author is told.
    #[track_caller]
    pub fn send_raw(&mut self, player: TestPlayer, message: &str) -> Result<Payload, MessageError> {
        let message =
            Message::read(&CheckedMessage::from_json(message)).map_err(|unreadable| unreadable.error)?;
        self.send_all(player, vec![message]).remove(0)
    }

    /// The player sends a batch of messages; what becomes of each.
    #[track_caller]
    pub fn send_all(
        &mut self,
        player: TestPlayer,
        messages: Vec<Message>,
    ) -> Vec<Result<Payload, MessageError>> {
        let gone = |_: &Message| Err(MessageError::new(ErrorCode::NotInRoom, "you have left the room"));
        let mut results = messages.iter().map(gone).collect();
        if self.is_in(player) {
            for effect in self.step(Input::Batch { seat: player.seat, messages }) {
                match effect {
                    Effect::Results(told) => results = told,
                    other => self.deliver(other),
                }
            }
        }
        results
    }

    #[track_caller]
    fn perform(&mut self, input: Input) {
        for effect in self.step(input) {
            self.deliver(effect);
        }
    }

    fn step(&mut self, input: Input) -> Vec<Effect> {
        self.bursts = Bursts::default();
        let mut effects = Vec::new();
        self.core.step(input, self.now_ms, &mut effects);
        effects
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// `{}`
fn nothing() -> Payload {
    Payload::trusted("{}".to_owned()).unwrap_or_default()
}

#[track_caller]
fn written<T: Serialize>(value: &T) -> Payload {
    match Payload::of(value) {
        Ok(payload) => payload,
        Err(error) => panic!("the test's own data cannot be sent: {error}"),
    }
}
