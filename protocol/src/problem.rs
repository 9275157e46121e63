//! Error codes: one table. Their HTTP status is the server's business (`server/src/http/error.rs`).

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $code:literal, $title:literal;)*) => {
        /// A stable code that a client may act on.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum ErrorCode { $($(#[$doc])* $variant,)* }

        impl ErrorCode {
            /// Every code, in the order of the table.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The code on the wire.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $code,)* }
            }

            /// A short description, the same for each occurrence.
            #[must_use]
            pub const fn title(self) -> &'static str {
                match self { $(Self::$variant => $title,)* }
            }
        }
    };
}

codes! {
    /// The body is no JSON.
    BadJson = "bad_json", "The body is not valid JSON";
    /// The body is no MessagePack.
    BadMsgpack = "bad_msgpack", "The body is not valid MessagePack";
    /// A query option is malformed.
    BadQuery = "bad_query", "A query option is malformed";
    /// The request cannot be understood.
    BadRequest = "bad_request", "The request cannot be understood";
    /// The client asks for a newer protocol.
    UnsupportedVersion = "unsupported_version", "This server speaks an older version of the protocol";
    /// No token, or one that cannot be one.
    BadToken = "bad_token", "The token is missing or malformed";
    /// Not the operator's secret.
    BadSecret = "bad_secret", "The operator's secret is missing or wrong";
    /// No such route.
    NotFound = "not_found", "There is nothing here";
    /// Nobody may make rooms of this game.
    CreationClosed = "creation_closed", "Rooms of this game are not made by players";
    /// The room has a password, and this is not it.
    PasswordWrong = "password_wrong", "The room's password is another one";
    /// Too many wrong passwords were offered to the room.
    TooManyGuesses = "too_many_guesses", "Too many wrong passwords were tried";
    /// The room's owner has banned the player.
    Banned = "banned", "You are banned from this room";
    /// Only the room's owner may.
    NotOwner = "not_owner", "Only the room's owner may do this";
    /// No such room, or none that fits.
    RoomNotFound = "room_not_found", "There is no such room";
    /// The room has no blob of this name, or no more the one with this tag.
    NoSuchBlob = "no_such_blob", "The room has no such blob";
    /// The route exists, the method does not.
    MethodNotAllowed = "method_not_allowed", "This route does not take that method";
    /// A batch is missing.
    Gap = "gap", "A batch before this one is missing";
    /// No seat is free.
    RoomFull = "room_full", "The room is full";
    /// Nobody else is let in.
    RoomLocked = "room_locked", "The room is locked";
    /// The game panicked when the player came.
    RoomFailed = "room_failed", "The game failed, and its room is gone";
    /// As many rooms of this game as there may be.
    TooManyRooms = "too_many_rooms", "There are as many rooms of this game as there may be";
    /// The game's players do not start it.
    NotStartable = "not_startable", "This game is not started by its players";
    /// The room plays already.
    AlreadyPlaying = "already_playing", "The room is playing already";
    /// The room does not play.
    NotPlaying = "not_playing", "The room is not playing";
    /// Fewer players than the game needs.
    TooFewPlayers = "too_few_players", "The game needs more players";
    /// The game starts only when all are there.
    SomebodyAway = "somebody_away", "Somebody is away";
    /// The player sits in no room.
    NotInRoom = "not_in_room", "You sit in no room";
    /// The session ended or was never known.
    SessionGone = "session_gone", "The session is gone";
    /// The body does not arrive.
    BodySlow = "body_slow", "The body did not arrive in time";
    /// A bound on the body's bytes.
    BodyTooLarge = "body_too_large", "The body is too large";
    /// The body is compressed.
    UnsupportedEncoding = "unsupported_encoding", "Compressed bodies are not accepted";
    /// A field is missing, of the wrong type, or out of range.
    BadBody = "bad_body", "A field is missing, of the wrong type or out of range";
    /// A name that may not be.
    BadName = "bad_name", "The name cannot be used";
    /// The game refuses the options.
    BadOptions = "bad_options", "The game does not take these options";
    /// A number of seats that cannot be.
    BadMax = "bad_max", "A room cannot have that number of seats";
    /// Metadata that is no small object.
    BadMeta = "bad_meta", "The room's metadata cannot be used";
    /// A filter that is no small object.
    BadFilter = "bad_filter", "The filter cannot be used";
    /// What can be no room's code.
    BadCode = "bad_code", "This is no room's code";
    /// What can be no room's password.
    BadPassword = "bad_password", "The password cannot be used";
    /// No such game on this server.
    UnknownGame = "unknown_game", "This server does not run that game";
    /// No such message type.
    UnknownType = "unknown_type", "The message type is not known";
    /// No message at all.
    BadMessage = "bad_message", "Not a message";
    /// A payload of the wrong shape.
    BadPayload = "bad_payload", "The message's data cannot be used";
    /// A payload nested too deep.
    TooDeep = "too_deep", "The message's data is nested too deep";
    /// Nobody sits there.
    NoSuchSeat = "no_such_seat", "Nobody sits on that seat";
    /// Something that nobody can do to himself.
    OwnSeat = "own_seat", "That is your own seat";
    /// Something that only a player can be given.
    BotSeat = "bot_seat", "A bot sits there";
    /// The room ended under the message.
    RoomGone = "room_gone", "The room is gone";
    /// Nobody with this id has a session.
    NoSuchPlayer = "no_such_player", "There is no such player";
    /// What is meant for somebody else is sent to oneself.
    ToOneself = "to_oneself", "That is you yourself";
    /// More lobbies than one may watch.
    TooManyLobbies = "too_many_lobbies", "You watch as many lobbies as you may";
    /// Only who watches a lobby speaks there.
    NotInLobby = "not_in_lobby", "You do not watch that lobby";
    /// Only who speaks for the room may do that.
    NotHost = "not_host", "You do not speak for the room";
    /// The guest sits there already.
    AlreadyInRoom = "already_in_room", "The player sits there already";
    /// The player is invited already.
    InvitePending = "invite_pending", "The player is invited already";
    /// The guest knocks already.
    KnockPending = "knock_pending", "You knock already";
    /// Too many knock there.
    HostBusy = "host_busy", "Too many knock there";
    /// The same was asked a moment ago, and came to nothing.
    AskedLately = "asked_lately", "That was asked a moment ago";
    /// No such invitation or knock.
    NoSuchAsk = "no_such_ask", "There is no such invitation or knock";
    /// A pass that does not let in.
    BadPass = "bad_pass", "The pass does not let you in";
    /// No such party.
    NoSuchParty = "no_such_party", "There is no such party";
    /// The party has as many players as it may have.
    PartyFull = "party_full", "The party is full";
    /// The player is in another party.
    InParty = "in_party", "You are in another party";
    /// Only the leader queues for his party.
    NotLeader = "not_leader", "You do not lead your party";
    /// The party is larger than a team of that mode.
    PartyTooLarge = "party_too_large", "The party is larger than a team";
    /// The game has no such mode.
    UnknownMode = "unknown_mode", "The game has no such mode";
    /// The player, or the party, waits in a queue.
    InQueue = "in_queue", "You wait in a queue already";
    /// The player waits in no queue.
    NotInQueue = "not_in_queue", "You wait in no queue";
    /// As many wait as may.
    QueueFull = "queue_full", "The queue is full";
    /// A game's own code, which stands in the error itself.
    Game = "game", "The game refuses this";
    /// The room is not shown to others.
    NotPublic = "not_public", "This room shows itself only to its players";
    /// As many watch as may.
    TooManyWatchers = "too_many_watchers", "Too many watch this room";
    /// As many warnings stand as may.
    TooManyWarnings = "too_many_warnings", "Too many warnings stand";
    /// Too many messages a second.
    RateLimited = "rate_limited", "Too many messages";
    /// As many rooms as this player may make.
    RoomQuota = "room_quota", "You have made as many rooms as you may for now";
    /// The room's mailbox is full.
    RoomBusy = "room_busy", "The room has too much to do";
    /// The room does not answer.
    RoomSlow = "room_slow", "The room did not answer in time";
    /// No more sessions or rooms.
    ServerFull = "server_full", "The server is full";
    /// The server is stopping.
    Draining = "draining", "The server is about to stop";
    /// A fault of the server's own.
    Internal = "internal", "The server failed";
}

/// The body of every error answer ([RFC 9457](https://www.rfc-editor.org/rfc/rfc9457)).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Problem {
    /// Always `about:blank`: the code says it.
    #[serde(rename = "type")]
    pub kind: Cow<'static, str>,
    /// Short, the same for each occurrence of a code.
    pub title: Cow<'static, str>,
    /// The HTTP status, again.
    pub status: u16,
    /// One of [`ErrorCode`], or a game's own.
    pub code: Cow<'static, str>,
    /// This occurrence, in plain words for people.
    pub detail: String,
    /// When to try again, where waiting helps.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
    /// With `gap`: the `seq` to send next.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected: Option<u64>,
}

/// Why one message of a batch failed; the others are not touched by it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{code}: {detail}")]
pub struct MessageError {
    /// One of [`ErrorCode`], or a game's own.
    pub code: Cow<'static, str>,
    /// In plain words for people.
    pub detail: String,
}

impl MessageError {
    /// An error with one of the server's codes.
    #[must_use]
    pub fn new(code: ErrorCode, detail: impl Into<String>) -> Self {
        Self { code: Cow::Borrowed(code.as_str()), detail: detail.into() }
    }

    /// An error with a code of a game's own: a word or two in snake case, which clients may act on, and `detail` for
    /// people.
    #[must_use]
    pub fn of_game(code: &'static str, detail: impl Into<String>) -> Self {
        Self { code: Cow::Borrowed(code), detail: detail.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_snake_case_and_documented() {
        let docs = include_str!("../../docs/protocol.md");
        let mut seen = std::collections::BTreeSet::new();
        for code in ErrorCode::ALL {
            let text = code.as_str();
            assert!(seen.insert(text), "{text} stands twice");
            assert!(text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{text}");
            let is_internal = matches!(code, ErrorCode::Game);
            assert!(is_internal || docs.contains(&format!("`{text}`")), "{text} is not in docs/protocol.md");
        }
    }
}
