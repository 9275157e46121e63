//! The room itself, pure: admission, presence, chat, and the game.
//!
//! | module | what it holds |
//! |---|---|
//! | `seats` | who comes, who goes, who is away |
//! | `settling` | what follows from a call of the game |
//! | `orders` | what the owner wants done |
//! | `stages` | the game's start and end, and its clock when it stands still |
//! | `bots` | the game's own players |
//! | `value` | the room as a value, and back; as a hash |

mod bots;
mod orders;
mod seats;
mod settling;
mod stages;
#[cfg(test)]
mod tests;
mod value;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sward_protocol::downstream::{Event, GoneWhy, Joined, Member};
use sward_protocol::ids::{PlayerId, RoomId, Seat};
use sward_protocol::limits::ROOM_BLOB_BYTES_MAX;
use sward_protocol::operator::RoomInside;
use sward_protocol::password::Password;
use sward_protocol::payload::Payload;
use sward_protocol::problem::{ErrorCode, MessageError};
use sward_protocol::rooms::{Phase, RoomChange, RoomInfo, RoomView};
use sward_protocol::session::Player;
use sward_protocol::social::{Chat, ChatScope};
use sward_protocol::text;
use sward_protocol::upstream::Message;

use crate::chat;
use crate::game::context::{Facts, Outgoing, Saying, Seated};
use crate::game::controls::Controls;
use crate::game::timers::Label;
use crate::game::{Audience, Blob, Game, Incoming as _, Random, Room, SaveError, Settings};
use crate::rate::Rate;
use crate::room::bans::{Banner, Bans};
use crate::room::effect::Effect;
use crate::room::input::Input;
use crate::room::order::Order;
use crate::room::owner::Ownership;
use crate::room::recording::digest::Digest;
use crate::room::recording::format::End;
use crate::room::roster::{Occupancy, Roster};
use crate::room::saved::SavedRoom;

/// Wrong passwords that a room hears, a second and at once.
const GUESSES_PER_S: u32 = 1;
const GUESSES_BURST: u32 = 20;

/// What names and describes a room, as it was made. The core's own copy follows its owner and its game.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Charter {
    /// Unique.
    pub id: RoomId,
    /// The game's name.
    pub game: String,
    /// The short code.
    pub code: String,
    /// May be empty.
    pub name: String,
    /// Not listed.
    pub private: bool,
    /// What newcomers must know.
    pub password: Option<Password>,
    /// Who made it; `None`: no player did, and nobody owns it.
    pub creator: Option<PlayerId>,
    /// It is there for whoever comes, also while it is empty.
    pub standing: bool,
    /// An object of the creator's.
    pub meta: Payload,
    /// Seats.
    pub max_players: u16,
}

impl Charter {
    /// Whether it is the room of a match: nobody made it, and it is there for those who were matched alone. It is locked
    /// from the beginning.
    #[must_use]
    pub fn is_of_match(&self) -> bool {
        self.creator.is_none() && !self.standing
    }

    /// The room as lists show it while it is open and nobody's, with so many seats taken.
    #[must_use]
    pub fn info(&self, players: u16) -> RoomInfo {
        let Self { id, game, code, name, private, password, meta, max_players, .. } = self.clone();
        RoomInfo {
            id,
            game,
            code,
            name,
            max_players,
            players,
            private,
            password: password.is_some(),
            locked: false,
            phase: Phase::Open,
            owner: Seat::GAME,
            meta,
        }
    }
}

/// A room of any game, as the shell holds it.
pub trait RoomStep: Send {
    /// How the room runs.
    fn settings(&self) -> Settings;

    /// What names and describes it.
    fn charter(&self) -> &Charter;

    /// The room as others see it.
    fn info(&self) -> RoomInfo;

    /// Its named blobs.
    fn blobs(&self) -> &BTreeMap<Arc<str>, Blob>;

    /// How full it is.
    fn occupancy(&self) -> Occupancy;

    /// When the room wants to be stepped by [`Input::Wake`], Unix milliseconds, unless something else happens before: its
    /// next timer. It may be in the past.
    fn wake_ms(&self) -> Option<u64>;

    /// Takes one input that happened at `now_ms` (Unix milliseconds, never less than before) and appends what is to be
    /// done to `effects`. Timers that are due come first.
    ///
    /// # Panics
    /// As the game does; and when it sends without end, or has a state that does not serialise. The room is broken then.
    fn step(&mut self, input: Input, now_ms: u64, effects: &mut Vec<Effect>);

    /// The room, and who sits in it.
    fn inside(&self) -> RoomInside;

    /// The room as everybody may see it.
    ///
    /// # Panics
    /// If the game's public state does not serialise.
    fn view(&self) -> RoomView;

    /// The room as a value.
    ///
    /// # Errors
    /// [`SaveError`]: the game does not support it.
    fn save(&self) -> Result<SavedRoom, SaveError>;

    /// Takes up the room as a value; with what each player is shown where its game cannot be saved.
    ///
    /// # Panics
    /// As the game does when it is looked at, or if what it shows does not serialise.
    fn digest(&self, digest: &mut Digest);

    /// Whether what happens is written down.
    fn is_recorded(&self) -> bool {
        false
    }

    /// It is `now_ms`, and nothing else happens: only who writes down what does has something to do.
    fn rest(&mut self, now_ms: u64) {
        let _ = now_ms;
    }

    /// The room is no more, for a reason that is not its own: so much for who writes down what happens.
    fn ended(&mut self, end: End) {
        let _ = end;
    }
}

/// A room and its game.
pub struct RoomCore<G> {
    charter: Charter,
    settings: Settings,
    roster: Roster,
    random: Random,
    chat: chat::Log,
    game: G,
    controls: Controls,
    ownership: Ownership,
    bans: Bans,
    /// Wrong passwords.
    guesses: Rate,
    told: Told,
    /// What changed besides, and is to be told.
    change: RoomChange,
    is_over: bool,
    /// Who has left, while the game is told so.
    leaver: Option<Seated>,
    sayings: Vec<Saying>,
}

/// What the members were last told of the room.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Told {
    locked: bool,
    phase: Phase,
    owner: Option<Seat>,
}

impl<G: Game> RoomCore<G> {
    /// An empty room. `settings` are what `game` says, `random` the source that it was created with.
    #[must_use]
    pub fn new(charter: Charter, game: G, settings: Settings, random: Random) -> Self {
        let settings = Settings {
            blob_bytes: settings.blob_bytes.min(ROOM_BLOB_BYTES_MAX),
            // Bots take no seat from those whose match it is.
            bots_yield: settings.bots_yield || charter.is_of_match(),
            ..settings
        };
        let mut controls = Controls::new(charter.meta.clone(), settings.blob_bytes);
        controls.is_locked = charter.is_of_match();
        let locked = controls.is_locked;
        Self {
            roster: Roster::new(charter.max_players),
            controls,
            // Whoever owned a room that outlasts him could lock it for good, and who is matched with strangers is not to be
            // at the mercy of one of them.
            ownership: Ownership::new(settings.has_owner && charter.creator.is_some(), charter.creator),
            bans: Bans::default(),
            guesses: Rate::new(GUESSES_PER_S, GUESSES_BURST, 0),
            told: Told { locked, phase: Phase::Open, owner: None },
            change: RoomChange::default(),
            charter,
            settings,
            random,
            chat: chat::Log::default(),
            game,
            is_over: false,
            leaver: None,
            sayings: Vec::new(),
        }
    }

    /// The game.
    #[must_use]
    pub fn game(&self) -> &G {
        &self.game
    }

    /// Who sits there, by seat.
    #[must_use]
    pub fn members(&self) -> Vec<Member> {
        self.roster.members()
    }

    /// The game's state, as the player on `seat` may see it.
    ///
    /// # Panics
    /// If it does not serialise.
    #[must_use]
    pub fn state(&self, seat: Seat) -> Payload {
        shown(&self.game.state(seat))
    }

    /// Calls the game, and passes on what it sends.
    fn play<R>(
        &mut self,
        now_ms: u64,
        effects: &mut Vec<Effect>,
        call: impl FnOnce(&mut G, &mut Room<'_>) -> R,
    ) -> R {
        let (owner, phase) = (self.ownership.owner(), self.phase());
        let Charter { id, code, name, private, max_players, .. } = &self.charter;
        let (max_players, is_private) = (*max_players, *private);
        let mut room = Room {
            now_ms,
            facts: Facts { id: *id, code, name, max_players, is_private, owner, phase },
            players: self.roster.seated(),
            leaver: self.leaver.as_ref(),
            random: &mut self.random,
            controls: &mut self.controls,
            sayings: &mut self.sayings,
        };
        let result = call(&mut self.game, &mut room);
        let (shown, refused) = self.controls.blobs.take_changes();
        effects.extend(shown.into_iter().map(|(name, blob)| Effect::Shown { name, blob }));
        effects.extend((0..refused).map(|_| Effect::BlobRefused));
        effects.extend(self.sayings.drain(..).map(|saying| match saying {
            Saying::Event(outgoing) => Effect::Send(outgoing),
            Saying::Frame(frame) => Effect::Frame(frame),
        }));
        effects.extend(self.controls.dropped.drain(..).map(Effect::Dropped));
        result
    }

    /// As [`RoomCore::play`], and does what the game asked for.
    fn call<R>(
        &mut self,
        now_ms: u64,
        effects: &mut Vec<Effect>,
        call: impl FnOnce(&mut G, &mut Room<'_>) -> R,
    ) -> R {
        let result = self.play(now_ms, effects, call);
        self.settle(now_ms, effects);
        result
    }

    /// Those timers that are due. What is set meanwhile is due 1 ms later at least, so this ends.
    fn fire_timers(&mut self, now_ms: u64, effects: &mut Vec<Effect>) {
        while !self.is_over && !self.controls.is_spent() && self.controls.stage.paused_since_ms.is_none() {
            let Some(Label { seat, name }) = self.controls.timers.take_due(now_ms) else { return };
            self.call(now_ms, effects, |game, room| match seat {
                Some(seat) => game.seat_timer(room, seat, &name),
                None => game.timer(room, &name),
            });
        }
    }

    fn batch(&mut self, seat: Seat, messages: Vec<Message>, now_ms: u64, effects: &mut Vec<Effect>) {
        let mut results = Vec::with_capacity(messages.len());
        for message in messages {
            results.push(if self.is_over {
                Err(MessageError::new(ErrorCode::RoomGone, "the room has ended"))
            } else if !self.roster.seated().contains_key(&seat) {
                Err(MessageError::new(ErrorCode::NotInRoom, "you have left the room"))
            } else if message.kind == "chat" {
                self.chat(seat, &message.data, now_ms, effects)
            } else if self.controls.is_spent() {
                let detail = "the messages before this one in its batch made the room say too much";
                Err(MessageError::new(ErrorCode::RoomBusy, detail))
            } else if Order::is_one(&message.kind) {
                Order::read(&message).and_then(|order| self.obey(seat, order, now_ms, effects))
            } else {
                G::Message::read(message).and_then(|message| {
                    self.call(now_ms, effects, |game, room| game.message(room, seat, message))
                })
            });
        }
        effects.push(Effect::Results(results));
    }

    fn chat(
        &mut self,
        from: Seat,
        data: &Payload,
        now_ms: u64,
        effects: &mut Vec<Effect>,
    ) -> Result<Payload, MessageError> {
        let text = chat::read(data)?.text;
        let Some(author) = self.roster.seated().get(&from) else { return Ok(Payload::null()) };
        let player = Player { id: author.id, name: author.name.clone() };
        let (from, scope) = (Some(from), ChatScope::Room);
        let line = Chat { from, scope, text, player, game: None, to: None, time_ms: now_ms };
        self.chat.push(line.clone());
        effects.push(Effect::Send(Outgoing::reliable(Audience::All, Event::Chat(line))));
        Ok(Payload::null())
    }

    fn joined(&mut self, seat: Seat, now_ms: u64) -> Joined {
        let (room, players) = (self.info(), self.roster.members());
        let (chat, seed) = (self.chat.lines(now_ms), self.controls.stage.seed);
        let blobs = self.controls.blobs.infos();
        Joined { room, seat, players, state: self.state(seat), chat, seed, blobs }
    }
}

impl<G: Game> RoomStep for RoomCore<G> {
    fn settings(&self) -> Settings {
        self.settings
    }

    fn charter(&self) -> &Charter {
        &self.charter
    }

    fn info(&self) -> RoomInfo {
        let Told { locked, phase, owner } = self.standing();
        let owner = owner.unwrap_or(Seat::GAME);
        RoomInfo { locked, phase, owner, ..self.charter.info(self.roster.count()) }
    }

    fn blobs(&self) -> &BTreeMap<Arc<str>, Blob> {
        self.controls.blobs.by_name()
    }

    fn occupancy(&self) -> Occupancy {
        self.roster.occupancy(self.settings.bots_yield)
    }

    fn wake_ms(&self) -> Option<u64> {
        let stands_still = self.is_over || self.controls.stage.paused_since_ms.is_some();
        self.controls.timers.next_ms().filter(|_| !stands_still)
    }

    fn step(&mut self, input: Input, now_ms: u64, effects: &mut Vec<Effect>) {
        self.controls.begin_step();
        self.fire_timers(now_ms, effects);
        if self.is_over {
            return;
        }
        match input {
            Input::Join(newcomer) => self.join(newcomer, now_ms, effects),
            Input::Leave { seat, why } => {
                self.vacate(seat, why, None, now_ms, effects);
                self.settle(now_ms, effects);
            }
            Input::Presence { seat, is_lost } => {
                if self.roster.set_lost(seat, is_lost) {
                    self.tell_presence(seat, now_ms, effects);
                    self.settle(now_ms, effects);
                }
            }
            Input::Batch { seat, messages } => self.batch(seat, messages, now_ms, effects),
            Input::Resync { seat } => {
                if self.roster.seated().contains_key(&seat) {
                    effects.push(Effect::Snapshot(Box::new(self.joined(seat, now_ms))));
                }
            }
            Input::Kick { player, why, detail } => {
                let seat = self.roster.seat_of(player);
                let is_bot =
                    seat.and_then(|seat| self.roster.seated().get(&seat)).is_some_and(|seated| seated.bot);
                if why == GoneWhy::Banned {
                    self.ban(player, is_bot, Banner::Operator, effects);
                }
                if let Some(seat) = seat {
                    self.put_out(seat, why, text::gone_detail(&detail).unwrap_or_default(), now_ms, effects);
                }
            }
            Input::Close => {
                self.controls.is_closing = true;
                self.settle(now_ms, effects);
            }
            Input::Tick if self.controls.stage.paused_since_ms.is_some() => {}
            Input::Tick => self.call(now_ms, effects, |game, room| game.tick(room)),
            Input::Wake => {}
        }
    }

    fn inside(&self) -> RoomInside {
        let blobs = self.controls.blobs.infos();
        RoomInside { room: self.info(), players: self.roster.members(), blobs }
    }

    fn view(&self) -> RoomView {
        let state = shown(&self.game.public_state());
        let blobs = self.controls.blobs.infos();
        RoomView { room: self.info(), players: self.roster.members(), state, blobs }
    }

    fn save(&self) -> Result<SavedRoom, SaveError> {
        Ok(self.saved(self.game.save()?))
    }

    fn digest(&self, digest: &mut Digest) {
        self.hashed(digest);
    }
}

fn shown(state: &impl Serialize) -> Payload {
    match Payload::of(state) {
        Ok(state) => state,
        // Without its state nobody can be shown the room; its shell treats it as any panic of the game.
        Err(error) => panic!("the game's state cannot be sent: {error}"),
    }
}
