//! A player's way to a seat: checks what he asks for, finds or makes a room, and asks it.

use std::sync::Arc;

use sward_protocol::ids::{NodeId, PlayerId, RoomId};
use sward_protocol::limits::{
    ME_BYTES_MAX, PASSWORD_CHARS_MAX, ROOM_PLAYERS_MAX, TYPE_CHARS_MAX, WILL_BYTES_MAX,
};
use sward_protocol::password::Password;
use sward_protocol::payload::Payload;
use sward_protocol::rooms::{CreateRoom, Join, JoinRoom, Seated, Will, check_meta};
use sward_protocol::text;

use super::catalog::{Catalog, Draft, NotMade};
use super::core::{Charter, RoomStep};
use super::directory::{Directory, Founding, Reservation, TooManyRooms};
use super::effect::Refusal;
use super::handle::{RoomError, RoomHandle};
use super::input::Entry;
use super::lobby::{Access, Filter};
use super::occupant::{Occupant, Place};
use crate::entropy;
use crate::game::{BadOptions, RoomPolicy};
use crate::matchmaking::Rules;

/// How often another room is tried when the chosen one filled up or closed under the player's feet.
const TRIES_MAX: usize = 5;
/// Letters that cannot be taken for another, read aloud or from a screen.
const CODE_LETTERS: &[u8; 23] = b"ABCDEFGHJKMNPQRSTUVWXYZ";

/// Why somebody has no seat.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JoinError {
    /// A field is out of range.
    #[error("{0}")]
    BadField(String),
    /// No room has that many seats.
    #[error("max_players is 1 to {0}")]
    BadMax(u16),
    /// No such metadata.
    #[error("{0}")]
    BadMeta(String),
    /// No such filter.
    #[error("{0}")]
    BadFilter(String),
    /// Nothing that a code could be.
    #[error("a room's code is 4 or 5 letters")]
    BadCode,
    /// No password that a room could have.
    #[error("a password has 1 to {PASSWORD_CHARS_MAX} characters")]
    BadPassword,
    /// Players make no rooms of this game.
    #[error("rooms of this game are not made by players")]
    CreationClosed,
    /// The room's name cannot be used.
    #[error("the room's name: {0}")]
    BadName(#[from] text::TextError),
    /// No such game.
    #[error("this server does not run the game {0:?}")]
    UnknownGame(String),
    /// The game refuses the options.
    #[error("{0}")]
    BadOptions(#[from] BadOptions),
    /// The game panicked over it.
    #[error("the game failed to start")]
    GameFailed,
    /// No such room, or none that fits.
    #[error("there is no such room")]
    NotFound,
    /// A pass that does not let in: another's, another room's, used or too old.
    #[error("the pass does not let you in: it is another's, another room's, used or too old")]
    BadPass,
    /// The bound on rooms.
    #[error("{0}")]
    TooManyRooms(#[from] TooManyRooms),
    /// The room's answer.
    #[error("{0}")]
    Room(#[from] RoomError),
}

/// The way to a seat.
#[derive(Debug, Clone)]
pub struct Admission {
    /// The rooms.
    pub directory: Arc<Directory>,
    /// The games.
    pub catalog: Catalog,
    /// This process.
    pub node: NodeId,
}

impl Admission {
    /// Join by code, or the oldest room of a game that fits, or a new one.
    ///
    /// # Errors
    /// [`JoinError`]; a seat that the player has stays his.
    pub async fn join(&self, occupant: &Arc<Occupant>, join: Join) -> Result<Seated, JoinError> {
        let entry = entry(join.me, join.will)?;
        if let Some(code) = &join.code {
            let room = self.directory.find_code(&checked_code(code)?).ok_or(JoinError::NotFound)?;
            return self.enter(occupant, room, Entry { password: join.password, ..entry }).await;
        }
        let Some(game) = join.game else {
            return Err(JoinError::BadField("either game or code is needed".to_owned()));
        };
        let filter = filter(join.filter)?;
        let room = CreateRoom {
            game,
            me: Payload::null(),
            name: join.name,
            max_players: join.max_players,
            private: join.private,
            password: join.password,
            meta: join.meta,
            options: join.options,
            will: None,
            key: None,
        };
        let plan = self.plan(room)?;
        // Rooms that ask for a password are not chosen: only the one that is made may ask for it.
        let entry = Entry { password: plan.password.clone(), ..entry };
        // Whether he is where he wants to be: his first answer may have been lost.
        let fits = |place: &Place| {
            let lobby = self.directory.lobby();
            lobby.fits(place.room.charter().id, &plan.game, plan.access(), &filter)
        };
        if let Some(place) = occupant.place().filter(fits) {
            match self.enter(occupant, place.room, entry.clone()).await {
                Err(JoinError::NotFound) => {}
                answer => return answer,
            }
        }
        // Where he is not wanted, and why in the last of these rooms: another one may let him in.
        let (mut avoided, mut unwanted) = (Vec::new(), None);
        let founding = self.founding(occupant, &plan);
        for tries in 1..=TRIES_MAX {
            let make = || if join.create { self.make(occupant, &plan) } else { Err(JoinError::NotFound) };
            // Who wants to be by himself is not sent to strangers; who was wanted nowhere has a room of his own.
            let is_alone = plan.access() != Access::default()
                || (join.create && unwanted.is_some() && tries == TRIES_MAX);
            let found = if is_alone {
                make().and_then(|core| Ok(self.directory.open_for(core, founding)?))
            } else {
                self.directory.reserve_or_make(&plan.game, &filter, &avoided, founding, make)
            };
            let reservation = match found {
                Err(JoinError::NotFound) => return Err(unwanted.unwrap_or(JoinError::NotFound)),
                found => found?,
            };
            let (id, is_own) = (reservation.room().charter().id, reservation.is_first());
            match ask(reservation, occupant, entry.clone()).await {
                Err(RoomError::Refused(refusal @ (Refusal::Banned | Refusal::ByGame(_)))) if !is_own => {
                    avoided.push(id);
                    unwanted = Some(JoinError::Room(RoomError::Refused(refusal)));
                }
                // Another room will do, unless it is the player who is gone.
                Err(RoomError::Gone | RoomError::Refused(Refusal::Full | Refusal::Locked))
                    if !occupant.has_ended() => {}
                answer => return Ok(answer?),
            }
        }
        Err(unwanted.unwrap_or(JoinError::Room(RoomError::Busy)))
    }

    /// Make a room and take its first seat.
    ///
    /// # Errors
    /// [`JoinError`]; a seat that the player has stays his.
    pub async fn create(
        &self,
        occupant: &Arc<Occupant>,
        mut create: CreateRoom,
    ) -> Result<Seated, JoinError> {
        let entry = entry(std::mem::take(&mut create.me), create.will.take())?;
        let plan = self.plan(create)?;
        let core = self.make(occupant, &plan)?;
        let reservation = self.directory.open_for(core, self.founding(occupant, &plan))?;
        Ok(ask(reservation, occupant, Entry { password: plan.password, ..entry }).await?)
    }

    /// Join the room with this id. A pass is used up by it, unless the room refuses: the future is to run to its end.
    ///
    /// # Errors
    /// [`JoinError`]; a seat that the player has stays his.
    pub async fn join_room(
        &self,
        occupant: &Arc<Occupant>,
        id: RoomId,
        join: JoinRoom,
    ) -> Result<Seated, JoinError> {
        let entry = entry(join.me, join.will)?;
        let room = self.directory.find(id).ok_or(JoinError::NotFound)?;
        let player = occupant.player.id;
        // Who is in already has used it: his first answer may have been lost.
        let is_in = occupant.place().is_some_and(|place| place.room.charter().id == id);
        let pass = join.pass.filter(|_| !is_in);
        let now_ms = self.directory.clock().now_ms();
        if pass.as_ref().is_some_and(|pass| !self.directory.passes().take(player, id, pass, now_ms)) {
            return Err(JoinError::BadPass);
        }
        let entry = Entry { password: join.password, has_pass: pass.is_some(), ..entry };
        let outcome = self.enter(occupant, room, entry).await;
        // A room that did not answer in time may let him in yet.
        let is_refused = matches!(&outcome, Err(error) if *error != JoinError::Room(RoomError::Slow));
        if let Some(pass) = pass.filter(|_| is_refused) {
            self.directory.passes().give_back(player, &pass);
        }
        outcome
    }

    /// Makes a room that is there for whoever comes, on the current thread: nobody made it, and it stays when it is empty.
    ///
    /// # Errors
    /// [`JoinError`]: it cannot be made as it is asked for.
    pub fn found(&self, room: CreateRoom) -> Result<(), JoinError> {
        let plan = self.plan(room)?;
        let core = self.make_as(Maker::Server, &plan)?;
        Ok(self.directory.open_standing(core)?)
    }

    /// Makes the room of a match, which nobody owns and nobody else finds or is let into, with a seat held for its first
    /// player.
    ///
    /// # Errors
    /// [`JoinError`] when there is no such game, or no room may be made.
    pub fn open_match(
        &self,
        first: &Occupant,
        game: &str,
        mode: &str,
        rules: Rules,
    ) -> Result<Reservation, JoinError> {
        let meta = Match { mode, teams: rules.teams, team_size: rules.team_size };
        let meta = Payload::of(&meta).map_err(|error| JoinError::BadField(error.to_string()))?;
        let plan = self.plan(CreateRoom {
            game: game.to_owned(),
            me: Payload::null(),
            name: String::new(),
            max_players: Some(rules.players()),
            private: true,
            password: None,
            meta: Some(meta),
            options: None,
            will: None,
            key: None,
        })?;
        // Players who may make no rooms may play all the same.
        let core = self.make_as(Maker::Match, &plan)?;
        let founding = Founding { founder: first, policy: RoomPolicy::anyone() };
        Ok(self.directory.open_for(core, founding)?)
    }

    async fn enter(
        &self,
        occupant: &Arc<Occupant>,
        room: RoomHandle,
        entry: Entry,
    ) -> Result<Seated, JoinError> {
        let reservation = self.directory.reserve_in(room).ok_or(JoinError::NotFound)?;
        match ask(reservation, occupant, entry).await {
            Err(RoomError::Gone) => Err(JoinError::NotFound),
            answer => Ok(answer?),
        }
    }

    fn plan(&self, room: CreateRoom) -> Result<Plan, JoinError> {
        let CreateRoom { game, name, max_players, private, password, meta, options, .. } = room;
        if !self.catalog.has(&game) {
            return Err(JoinError::UnknownGame(game.chars().take(64).collect()));
        }
        let name = if name.is_empty() { name } else { text::name(&name)? };
        if max_players.is_some_and(|seats| !(1..=ROOM_PLAYERS_MAX).contains(&seats)) {
            return Err(JoinError::BadMax(ROOM_PLAYERS_MAX));
        }
        if password.as_ref().is_some_and(|password| !password.is_usable()) {
            return Err(JoinError::BadPassword);
        }
        let plan = Plan {
            game,
            name,
            max_players,
            private,
            password,
            meta: checked_meta("meta", meta).map_err(JoinError::BadMeta)?,
            options: object("options", options).map_err(|error| JoinError::BadOptions(BadOptions(error)))?,
        };
        Ok(plan)
    }

    fn founding<'a>(&self, founder: &'a Occupant, plan: &Plan) -> Founding<'a> {
        Founding { founder, policy: self.catalog.policy(&plan.game) }
    }

    fn make(&self, founder: &Occupant, plan: &Plan) -> Result<Box<dyn RoomStep>, JoinError> {
        if self.catalog.policy(&plan.game).is_closed() {
            return Err(JoinError::CreationClosed);
        }
        self.make_as(Maker::Player(founder.player.id), plan)
    }

    fn make_as(&self, maker: Maker, plan: &Plan) -> Result<Box<dyn RoomStep>, JoinError> {
        let id = RoomId::from_random(self.node, entropy::bits());
        let Plan { game, name, max_players, private, password, meta, .. } = plan.clone();
        let directory = Arc::clone(&self.directory);
        let (creator, standing) = match maker {
            Maker::Player(player) => (Some(player), false),
            Maker::Match => (None, false),
            Maker::Server => (None, true),
        };
        let draft: Draft = Box::new(move |settings| {
            let most = settings.most_seats();
            let max_players = max_players.unwrap_or(settings.max_players.max(1));
            if !(1..=most).contains(&max_players) {
                return Err(NotMade::Seats { most });
            }
            let code = free_code(&directory, id);
            Ok(Charter { id, game, code, name, private, password, creator, standing, meta, max_players })
        });
        let seed = entropy::seed();
        let made = self.catalog.make(&plan.game, draft, &plan.options, seed);
        let made = made.ok_or_else(|| JoinError::UnknownGame(plan.game.clone()))?;
        let (recorder, version) = (self.directory.recorder(), self.catalog.version(&plan.game));
        let made = made.map(|room| match recorder {
            Some(recorder) => recorder.wrap(room, version.unwrap_or_default(), &plan.options, seed),
            None => room,
        });
        made.map_err(|error| match error {
            NotMade::Options(error) => JoinError::BadOptions(error),
            NotMade::Seats { most } => JoinError::BadMax(most),
            NotMade::Panicked { said } => {
                tracing::warn!(game = plan.game, said, "the game panicked when a room was to be made");
                self.directory.metrics().games.failed.inc();
                JoinError::GameFailed
            }
        })
    }
}

/// Why there is a room.
#[derive(Debug, Clone, Copy)]
enum Maker {
    /// A player made it.
    Player(PlayerId),
    /// Some were matched.
    Match,
    /// The server has it from the beginning.
    Server,
}

/// `meta` of the room of a match.
#[derive(serde::Serialize)]
struct Match<'a> {
    mode: &'a str,
    teams: u8,
    team_size: u8,
}

/// A room as asked for, checked.
#[derive(Debug, Clone)]
struct Plan {
    game: String,
    name: String,
    max_players: Option<u16>,
    private: bool,
    password: Option<Password>,
    meta: Payload,
    options: Payload,
}

impl Plan {
    fn access(&self) -> Access {
        Access { private: self.private, password: self.password.is_some() }
    }
}

async fn ask(reservation: Reservation, occupant: &Arc<Occupant>, entry: Entry) -> Result<Seated, RoomError> {
    RoomHandle::join(reservation, Arc::clone(occupant), entry).await
}

/// A code as rooms have it. What no room could have is told from what no room has: a player who sees that he mistyped
/// need not wonder whether the room is gone.
///
/// # Errors
/// [`JoinError::BadCode`].
pub fn checked_code(code: &str) -> Result<String, JoinError> {
    let is_one = (4..=5).contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_alphabetic());
    is_one.then(|| code.to_ascii_uppercase()).ok_or(JoinError::BadCode)
}

/// What a newcomer brings of his own, within its bounds.
fn entry(me: Payload, will: Option<Will>) -> Result<Entry, JoinError> {
    let me = bounded("me", me)?;
    if let Some(Will { kind, data }) = &will {
        let bytes = kind.len() + data.json_len();
        if kind.is_empty() || kind.chars().count() > TYPE_CHARS_MAX || bytes > WILL_BYTES_MAX {
            let detail =
                format!("will has a type of 1 to {TYPE_CHARS_MAX} characters, and {WILL_BYTES_MAX} bytes");
            return Err(JoinError::BadField(detail));
        }
        if kind == "chat" || kind.starts_with("sward.") {
            return Err(JoinError::BadField(format!("will: the type {kind:?} is the server's")));
        }
    }
    Ok(Entry { will, ..Entry::from(me) })
}

fn bounded(field: &str, payload: Payload) -> Result<Payload, JoinError> {
    if payload.json_len() > ME_BYTES_MAX {
        return Err(JoinError::BadField(format!("{field} has at most {ME_BYTES_MAX} bytes")));
    }
    Ok(payload)
}

fn object(field: &str, payload: Option<Payload>) -> Result<Payload, String> {
    let Some(payload) = payload.filter(|payload| *payload != Payload::null()) else {
        return Payload::from_json("{}").map_err(|error| error.to_string());
    };
    if payload.json().starts_with('{') && payload.json_len() <= ME_BYTES_MAX {
        return Ok(payload);
    }
    Err(format!("{field} is an object of at most {ME_BYTES_MAX} bytes"))
}

fn checked_meta(field: &str, payload: Option<Payload>) -> Result<Payload, String> {
    let meta = object(field, payload)?;
    check_meta(&meta).map(|()| meta).map_err(|why| format!("{field} {why}"))
}

fn filter(payload: Option<Payload>) -> Result<Filter, JoinError> {
    let object = checked_meta("filter", payload).map_err(JoinError::BadFilter)?;
    object.parse().map_err(|error| JoinError::BadFilter(format!("filter: {error}")))
}

/// A code that no room has, taken for this one: four letters, and five once those get crowded.
fn free_code(directory: &Directory, id: RoomId) -> String {
    let mut attempts = 0;
    loop {
        let letters = if attempts < 8 { 4 } else { 5 };
        let code = code(letters, entropy::seed());
        if directory.take_code(&code, id) {
            return code;
        }
        attempts += 1;
    }
}

fn code(letters: usize, mut seed: u64) -> String {
    let base = CODE_LETTERS.len() as u64;
    (0..letters)
        .map(|_| {
            // Below 23.
            let letter = usize::try_from(seed % base).unwrap_or(0);
            seed /= base;
            char::from(CODE_LETTERS[letter])
        })
        .collect()
}

#[cfg(test)]
mod tests;
