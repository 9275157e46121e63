//! The room itself, pure: admission, presence, chat, and the game.

use sward_protocol::downstream::{Away, AwayWhy, Back, Event, Gone, GoneWhy, Here, Joined};
use sward_protocol::ids::{RoomId, Seat};
use sward_protocol::payload::Payload;
use sward_protocol::problem::{ErrorCode, MessageError};
use sward_protocol::rooms::RoomInfo;
use sward_protocol::session::Player;
use sward_protocol::social::{Chat, ChatScope};
use sward_protocol::upstream::Message;

use crate::chat;
use crate::game::context::{Audience, Outgoing};
use crate::game::{Game, Random, Room, Settings};
use crate::room::effect::{Effect, Refusal};
use crate::room::input::{Input, Newcomer};
use crate::room::roster::Roster;

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
    /// An object of the creator's.
    pub meta: Payload,
    /// Seats.
    pub max_players: u16,
}

impl Charter {
    /// The room as lists show it, with so many seats taken.
    #[must_use]
    pub fn info(&self, players: u16) -> RoomInfo {
        let Self { id, game, code, name, private, meta, max_players } = self.clone();
        RoomInfo { id, game, code, name, max_players, players, private, meta }
    }
}

/// A room of any game, as the shell holds it.
pub trait RoomStep: Send {
    /// How the room runs.
    fn settings(&self) -> Settings;

    /// What names and describes it.
    fn charter(&self) -> &Charter;

    /// Seats taken.
    fn players(&self) -> u16;

    /// Takes one input that happened at `now_ms` (Unix milliseconds, never less than before) and appends what is to be
    /// done to `effects`.
    fn step(&mut self, input: Input, now_ms: u64, effects: &mut Vec<Effect>);
}

/// A room and its game.
pub struct RoomCore<G> {
    charter: Charter,
    settings: Settings,
    roster: Roster,
    random: Random,
    chat: chat::Log,
    game: G,
    outgoing: Vec<Outgoing>,
}

impl<G: Game> RoomCore<G> {
    /// An empty room. `settings` are what `game` says, `random` the source that it was created with.
    #[must_use]
    pub fn new(charter: Charter, game: G, settings: Settings, random: Random) -> Self {
        let roster = Roster::new(charter.max_players);
        Self { charter, settings, roster, random, chat: chat::Log::default(), game, outgoing: Vec::new() }
    }

    /// The game's state, as the player on `seat` may see it.
    #[must_use]
    pub fn state(&self, seat: Seat) -> Payload {
        self.game.state(seat)
    }

    /// Calls the game, and passes on what it sends.
    fn play<R>(
        &mut self,
        now_ms: u64,
        effects: &mut Vec<Effect>,
        call: impl FnOnce(&mut G, &mut Room<'_>) -> R,
    ) -> R {
        let mut room = Room {
            now_ms,
            players: self.roster.seated(),
            random: &mut self.random,
            outgoing: &mut self.outgoing,
        };
        let result = call(&mut self.game, &mut room);
        effects.extend(self.outgoing.drain(..).map(Effect::Send));
        result
    }

    fn join(&mut self, newcomer: Newcomer, now_ms: u64, effects: &mut Vec<Effect>) {
        let Newcomer { id, name, me } = newcomer.clone();
        let Some(seat) = self.roster.admit(newcomer) else {
            effects.push(Effect::Refused(Refusal::Full));
            return;
        };
        let mut sent = Vec::new();
        if let Err(refusal) = self.play(now_ms, &mut sent, |game, room| game.join(room, seat)) {
            self.roster.vacate(seat);
            effects.push(Effect::Refused(Refusal::ByGame(refusal)));
            return;
        }
        // The others hear `here` before anything that the game says of the newcomer; he hears `joined`, whose state
        // has all of it, before anything else.
        let here = Event::Here(Here { seat, id, name, me });
        effects.push(Effect::Send(Outgoing::reliable(Audience::Except(seat), here)));
        effects.push(Effect::Admitted(Box::new(self.joined(seat, now_ms))));
        effects.append(&mut sent);
    }

    fn leave(&mut self, seat: Seat, why: GoneWhy, now_ms: u64, effects: &mut Vec<Effect>) {
        if !self.roster.vacate(seat) {
            return;
        }
        effects.push(Effect::Vacated { seat, why });
        let gone = Event::Gone(Gone { seat, why });
        effects.push(Effect::Send(Outgoing::reliable(Audience::All, gone)));
        self.play(now_ms, effects, |game, room| game.leave(room, seat, why));
    }

    fn presence(&mut self, seat: Seat, away: bool, effects: &mut Vec<Effect>) {
        if self.roster.set_away(seat, away) {
            let event = if away {
                Event::Away(Away { seat, why: AwayWhy::Lost })
            } else {
                Event::Back(Back { seat })
            };
            effects.push(Effect::Send(Outgoing::reliable(Audience::All, event)));
        }
    }

    fn batch(&mut self, seat: Seat, messages: &[Message], now_ms: u64, effects: &mut Vec<Effect>) {
        let seated = self.roster.seated().contains_key(&seat);
        let mut results = Vec::with_capacity(messages.len());
        for message in messages {
            results.push(if !seated {
                Err(MessageError::new(ErrorCode::NotInRoom, "you have left the room"))
            } else if message.kind == "chat" {
                self.chat(seat, &message.data, now_ms, effects)
            } else {
                self.play(now_ms, effects, |game, room| game.message(room, seat, message))
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
            room: self.charter.info(self.roster.count()),
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

    fn players(&self) -> u16 {
        self.roster.count()
    }

    fn step(&mut self, input: Input, now_ms: u64, effects: &mut Vec<Effect>) {
        match input {
            Input::Join(newcomer) => self.join(newcomer, now_ms, effects),
            Input::Leave { seat, why } => self.leave(seat, why, now_ms, effects),
            Input::Presence { seat, away } => self.presence(seat, away, effects),
            Input::Batch { seat, messages } => self.batch(seat, &messages, now_ms, effects),
            Input::Resync { seat } => {
                if self.roster.seated().contains_key(&seat) {
                    effects.push(Effect::Snapshot(Box::new(self.joined(seat, now_ms))));
                }
            }
            Input::Tick => self.play(now_ms, effects, |game, room| game.tick(room)),
        }
    }
}
