//! The room itself, pure: admission, presence, chat, and the game.

use sward_protocol::downstream::{Away, AwayWhy, Back, Event, Gone, GoneWhy, Here, Joined};
use sward_protocol::ids::{RoomId, Seat};
use sward_protocol::payload::Payload;
use sward_protocol::problem::{ErrorCode, MessageError};
use sward_protocol::rooms::{RoomChange, RoomInfo};
use sward_protocol::session::Player;
use sward_protocol::social::{Chat, ChatScope};
use sward_protocol::upstream::Message;

use crate::chat;
use crate::game::context::{Facts, Outgoing};
use crate::game::controls::Controls;
use crate::game::{Audience, Game, Incoming as _, Random, Room, SaveError, Settings};
use crate::room::effect::{Effect, Refusal};
use crate::room::input::{Input, Newcomer};
use crate::room::roster::Roster;
use crate::room::saved::SavedRoom;

/// What names and describes a room from its making to its end.
#[derive(Debug, Clone, PartialEq)]
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
    /// An object of the creator's; the core's own copy follows its game.
    pub meta: Payload,
    /// Seats.
    pub max_players: u16,
}

impl Charter {
    /// The room as lists show it while it is open, with so many seats taken.
    #[must_use]
    pub fn info(&self, players: u16) -> RoomInfo {
        let Self { id, game, code, name, private, meta, max_players } = self.clone();
        RoomInfo { id, game, code, name, max_players, players, private, locked: false, meta }
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

    /// Seats taken.
    fn players(&self) -> u16;

    /// When the room wants to be stepped by [`Input::Wake`], Unix milliseconds, unless something else happens before: its
    /// next timer. It may be in the past.
    fn wake_ms(&self) -> Option<u64>;

    /// Takes one input that happened at `now_ms` (Unix milliseconds, never less than before) and appends what is to be
    /// done to `effects`. Timers that are due come first.
    ///
    /// # Panics
    /// As the game does; and when it sends without end, or has a state that does not serialise. The room is broken then.
    fn step(&mut self, input: Input, now_ms: u64, effects: &mut Vec<Effect>);

    /// The room as a value.
    ///
    /// # Errors
    /// [`SaveError`]: the game does not support it.
    fn save(&self) -> Result<SavedRoom, SaveError>;
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
    /// What the members were last told.
    is_locked: bool,
    is_over: bool,
    outgoing: Vec<Outgoing>,
}

impl<G: Game> RoomCore<G> {
    /// An empty room. `settings` are what `game` says, `random` the source that it was created with.
    #[must_use]
    pub fn new(charter: Charter, game: G, settings: Settings, random: Random) -> Self {
        Self {
            roster: Roster::new(charter.max_players),
            controls: Controls::new(charter.meta.clone()),
            charter,
            settings,
            random,
            chat: chat::Log::default(),
            game,
            is_locked: false,
            is_over: false,
            outgoing: Vec::new(),
        }
    }

    /// The room that was saved.
    ///
    /// # Errors
    /// [`SaveError`]: the game does not support it, or this is none of its rooms.
    pub fn restore(saved: SavedRoom) -> Result<Self, SaveError> {
        let game = G::restore(&saved.state)?;
        let (charter, settings) = (saved.charter(), game.settings());
        let SavedRoom { max_players, locked, players, timers, random, .. } = saved;
        let mut core = Self::new(charter, game, settings, random);
        core.roster = Roster::restored(max_players, players);
        (core.controls.timers, core.controls.is_locked, core.is_locked) = (timers, locked, locked);
        Ok(core)
    }

    /// The game.
    #[must_use]
    pub fn game(&self) -> &G {
        &self.game
    }

    /// The game's state, as the player on `seat` may see it.
    ///
    /// # Panics
    /// If it does not serialise.
    #[must_use]
    pub fn state(&self, seat: Seat) -> Payload {
        match Payload::of(&self.game.state(seat)) {
            Ok(state) => state,
            // Without its state nobody can be shown the room; its shell treats it as any panic of the game.
            Err(error) => panic!("the game's state cannot be sent: {error}"),
        }
    }

    /// Calls the game, and passes on what it sends.
    fn play<R>(
        &mut self,
        now_ms: u64,
        effects: &mut Vec<Effect>,
        call: impl FnOnce(&mut G, &mut Room<'_>) -> R,
    ) -> R {
        let Charter { id, code, name, private, max_players, .. } = &self.charter;
        let mut room = Room {
            now_ms,
            facts: Facts { id: *id, code, name, max_players: *max_players, is_private: *private },
            players: self.roster.seated(),
            random: &mut self.random,
            controls: &mut self.controls,
            outgoing: &mut self.outgoing,
        };
        let result = call(&mut self.game, &mut room);
        effects.extend(self.outgoing.drain(..).map(Effect::Send));
        effects.extend(self.controls.dropped.drain(..).map(Effect::Dropped));
        result
    }

    /// Does what the game asked for during a call, now that the call is over.
    fn settle(&mut self, now_ms: u64, effects: &mut Vec<Effect>) {
        // Who is told that somebody was put out may put out the next.
        while !self.controls.is_closing && !self.controls.kicks.is_empty() {
            let (seat, detail) = self.controls.kicks.remove(0);
            let detail = Some(detail).filter(|detail| !detail.is_empty());
            self.vacate(seat, GoneWhy::Kicked, detail, now_ms, effects);
        }
        let Controls { meta, is_locked, is_closing, .. } = &self.controls;
        let change = RoomChange {
            locked: (*is_locked != self.is_locked).then_some(*is_locked),
            meta: (*meta != self.charter.meta).then(|| meta.clone()),
        };
        if *is_closing {
            self.is_over = true;
            effects.push(Effect::Closed);
        } else if !change.is_empty() {
            self.is_locked = *is_locked;
            self.charter.meta = meta.clone();
            effects.push(Effect::Changed(change.clone()));
            effects.push(Effect::Send(Outgoing::reliable(Audience::All, Event::Room(change))));
        }
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
        while !self.is_over && !self.controls.is_spent() {
            let Some(name) = self.controls.timers.take_due(now_ms) else { return };
            self.call(now_ms, effects, |game, room| game.timer(room, &name));
        }
    }

    fn join(&mut self, newcomer: Newcomer, now_ms: u64, effects: &mut Vec<Effect>) {
        if self.controls.is_locked {
            effects.push(Effect::Refused(Refusal::Locked));
            return;
        }
        let Newcomer { id, name, me } = newcomer.clone();
        let Some(seat) = self.roster.admit(newcomer) else {
            effects.push(Effect::Refused(Refusal::Full));
            return;
        };
        let before = self.controls.clone();
        let mut sent = Vec::new();
        if let Err(refusal) = self.play(now_ms, &mut sent, |game, room| game.join(room, seat)) {
            self.roster.vacate(seat);
            self.controls = before;
            effects.push(Effect::Refused(Refusal::ByGame(refusal)));
            return;
        }
        // The others hear `here` before anything that the game says of the newcomer; he hears `joined`, whose state
        // has all of it, before anything else.
        let here = Event::Here(Here { seat, id, name, me });
        effects.push(Effect::Send(Outgoing::reliable(Audience::Except(seat), here)));
        effects.push(Effect::Admitted(Box::new(self.joined(seat, now_ms))));
        effects.append(&mut sent);
        self.settle(now_ms, effects);
    }

    fn vacate(
        &mut self,
        seat: Seat,
        why: GoneWhy,
        detail: Option<String>,
        now_ms: u64,
        effects: &mut Vec<Effect>,
    ) {
        if !self.roster.vacate(seat) {
            return;
        }
        effects.push(Effect::Vacated { seat, why, detail: detail.clone() });
        let gone = Event::Gone(Gone { seat, why, detail });
        effects.push(Effect::Send(Outgoing::reliable(Audience::All, gone)));
        self.play(now_ms, effects, |game, room| game.leave(room, seat, why));
    }

    fn presence(&mut self, seat: Seat, away: bool, now_ms: u64, effects: &mut Vec<Effect>) {
        if !self.roster.set_away(seat, away) {
            return;
        }
        let event =
            if away { Event::Away(Away { seat, why: AwayWhy::Lost }) } else { Event::Back(Back { seat }) };
        effects.push(Effect::Send(Outgoing::reliable(Audience::All, event)));
        self.call(
            now_ms,
            effects,
            |game, room| {
                if away { game.away(room, seat) } else { game.back(room, seat) }
            },
        );
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
        Joined {
            room: self.info(),
            seat,
            players: self.roster.members(),
            state: self.state(seat),
            chat: self.chat.lines(now_ms),
        }
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
        RoomInfo { locked: self.controls.is_locked, ..self.charter.info(self.roster.count()) }
    }

    fn players(&self) -> u16 {
        self.roster.count()
    }

    fn wake_ms(&self) -> Option<u64> {
        self.controls.timers.next_ms().filter(|_| !self.is_over)
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
            Input::Presence { seat, away } => self.presence(seat, away, now_ms, effects),
            Input::Batch { seat, messages } => self.batch(seat, messages, now_ms, effects),
            Input::Resync { seat } => {
                if self.roster.seated().contains_key(&seat) {
                    effects.push(Effect::Snapshot(Box::new(self.joined(seat, now_ms))));
                }
            }
            Input::Tick => self.call(now_ms, effects, |game, room| game.tick(room)),
            Input::Wake => {}
        }
    }

    fn save(&self) -> Result<SavedRoom, SaveError> {
        let Charter { id, game, code, name, private, meta, max_players } = self.charter.clone();
        Ok(SavedRoom {
            id,
            game,
            code,
            name,
            private,
            meta,
            max_players,
            locked: self.is_locked,
            players: self.roster.members(),
            timers: self.controls.timers.clone(),
            random: self.random.clone(),
            state: self.game.save()?,
        })
    }
}
