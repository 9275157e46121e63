//! What players say to each other outside of a game, and what they hear of it: chat and lobbies.

use serde::{Deserialize, Serialize};

use crate::ids::{PlayerId, RoomId, Seat};
use crate::payload::Payload;
use crate::rooms::RoomInfo;
use crate::session::Player;

/// Who hears a chat line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ChatScope {
    /// Everybody in the room.
    #[default]
    Room,
    /// Everybody who watches the lobby of one game.
    Lobby,
    /// Everybody who watches the lobby of the whole server.
    Server,
    /// One player, and its author.
    Player,
}

/// Data of the message `chat`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Say {
    /// Absent is the room.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<ChatScope>,
    /// Whose lobby, in scope `lobby`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub game: Option<String>,
    /// To whom, in scope `player`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<PlayerId>,
    /// As typed; [`crate::text::chat`] brings it into form.
    pub text: String,
}

/// Data of the event `chat`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Chat {
    /// The author's seat, in scope `room` only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Seat>,
    /// Who hears it.
    pub scope: ChatScope,
    /// The line.
    pub text: String,
    /// The author.
    pub player: Player,
    /// Whose lobby, in scope `lobby` only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub game: Option<String>,
    /// For whom, in scope `player` only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Player>,
    /// When it was said.
    pub time_ms: u64,
}

/// Data of the event `lines`: what was said before, in place of what one has heard in that scope.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Lines {
    /// Which.
    pub scope: ChatScope,
    /// Oldest first.
    pub lines: Vec<Chat>,
}

/// Data of the message `sward.lobby`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watch {
    /// Whose lobby; absent: the whole server's.
    #[serde(default)]
    pub game: Option<String>,
    /// False: watch it no more. Absent is true.
    #[serde(default = "yes")]
    pub watch: bool,
}

fn yes() -> bool {
    true
}

/// Data of the event `lobby`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Lobby {
    /// Whose; null: the whole server's, which names no rooms.
    pub game: Option<String>,
    /// Everything anew: what one knew of this lobby counts no more. Else what changed.
    pub reset: bool,
    /// Rooms that are listed: new ones, and those of which something changed.
    pub rooms: Vec<RoomInfo>,
    /// Rooms that are listed no more.
    pub closed: Vec<RoomId>,
    /// Players who watch this lobby now, of those that it names.
    pub here: Vec<Player>,
    /// And those whom it names no more.
    pub gone: Vec<PlayerId>,
    /// How many there are, named or not.
    pub counts: LobbyCounts,
    /// With `reset`: more rooms are listed; the next page is that behind this one (`GET /v1/rooms?after=`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<RoomId>,
    /// With `reset`: what was said there last, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub chat: Vec<Chat>,
}

/// How many there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct LobbyCounts {
    /// Players who watch this lobby.
    pub watching: u64,
    /// Sessions on the whole server.
    pub online: u64,
    /// Rooms of the game that are listed; of all games in the server's lobby.
    pub rooms: u64,
    /// Seats taken in those.
    pub playing: u64,
}

/// Data of the message `sward.invite`, from the host of a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invite {
    /// Whom.
    pub to: PlayerId,
}

/// Data of the message `sward.knock`, at a room: either `room` or `code`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Knock {
    /// Its id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub room: Option<RoomId>,
    /// Or its short code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
}

/// Data of the message `sward.answer`, from whoever was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct AskAnswer {
    /// Which invitation or knock.
    pub id: u64,
    /// Or refuse.
    pub accept: bool,
}

/// Data of the message `sward.withdraw`, from whoever asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Withdraw {
    /// Which invitation or knock.
    pub id: u64,
}

/// Reply to `sward.invite` and `sward.knock`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// Names it.
    pub id: u64,
    /// When it is over without an answer.
    pub expires_ms: u64,
}

/// Where an invitation or a knock stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum AskState {
    /// It waits for an answer.
    Asked,
    /// The guest may come.
    Accepted,
    /// He may not, or does not want to.
    Refused,
    /// Nobody answered.
    Expired,
    /// Whoever asked took it back, or one of both is gone.
    Withdrawn,
}

/// Data of the events `invite` and `knock`, which both sides hear.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ask {
    /// Names it.
    pub id: u64,
    /// Where it stands.
    pub state: AskState,
    /// The room, as it was when it was asked.
    pub room: RoomInfo,
    /// Who speaks for the room.
    pub host: Player,
    /// Who may come.
    pub guest: Player,
    /// When it is over without an answer.
    pub expires_ms: u64,
    /// For the guest only: lets him in once, with `POST /v1/rooms/{id}/join`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pass: Option<String>,
}

/// Data of the message `sward.party`: makes a party, or joins or leaves one.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct PartyCall {
    /// The party to join; absent: make one, or tell which one he is in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub join: Option<String>,
    /// Leave it instead.
    #[serde(default)]
    pub leave: bool,
    /// Put this member out instead, as the leader.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kick: Option<PlayerId>,
    /// The player's own data in the room that a match brings, at most 1 KiB.
    #[serde(default)]
    pub me: Payload,
}

/// Reply to `sward.party`, unless it was left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartyJoined {
    /// Names it: who knows it may join.
    pub party: String,
}

/// Data of the event `party`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Party {
    /// Names it; null: one is in none any more.
    pub party: Option<String>,
    /// Who is in it, the leader first.
    pub members: Vec<Player>,
}

/// Data of the message `sward.queue`, from a player on his own or the leader of a party.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct QueueCall {
    /// Which game.
    pub game: String,
    /// Which of its modes.
    pub mode: String,
    /// That of the whole party, 0–1,000,000; absent is 0.
    #[serde(default)]
    pub skill: u32,
    /// The caller's own data in the room that a match brings, at most 1 KiB.
    #[serde(default)]
    pub me: Payload,
}

/// Where a player stands in a queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum QueueState {
    /// He waits.
    Waiting,
    /// He has a seat in the room of a match: `joined` came before.
    Matched,
    /// He waits no more.
    Left,
}

/// Why a player waits no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum QueueWhy {
    /// He, or another of his party, wanted it so.
    Left,
    /// Somebody left the party, or his session ended.
    Party,
    /// Matches were found, but no room came of them.
    Failed,
}

/// Data of the event `queue`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct QueueNews {
    /// Where he stands.
    pub state: QueueState,
    /// Which game.
    pub game: String,
    /// Which of its modes.
    pub mode: String,
    /// With `waiting`: more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub standing: Option<Standing>,
    /// With `matched`: the room.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub room: Option<RoomId>,
    /// With `matched`: who plays with whom. They take the seats in this order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub teams: Vec<Vec<PlayerId>>,
    /// With `left`: why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<QueueWhy>,
}

/// Where a party stands among those who wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// Its place among the parties that wait, by age: 1 has waited longest.
    pub position: u64,
    /// Players who wait, he among them.
    pub waiting: u64,
    /// Since when it waits.
    pub since_ms: u64,
    /// The lowest skill that it may be matched with now.
    pub from: u32,
    /// The highest.
    pub to: u32,
}
