//! What a player's message asks of the server, for people outside of his game. Pure.

use serde::de::DeserializeOwned;
use sward_protocol::payload::Payload;
use sward_protocol::problem::{ErrorCode, MessageError};
use sward_protocol::social::{AskAnswer, Invite, Knock, PartyCall, QueueCall, Watch, Withdraw};
use sward_protocol::upstream::Message;

use crate::chat::{self, Line, Place};

/// What is asked for.
#[derive(Debug, Clone, PartialEq)]
pub enum Call {
    /// Says something, somewhere else than in his room.
    Say(Line),
    /// Watches a lobby, or no more.
    Watch(Watch),
    /// Asks somebody to come to his room.
    Invite(Invite),
    /// Asks to be let into a room.
    Knock(Knock),
    /// Answers an invitation or a knock.
    Answer(AskAnswer),
    /// Takes one back.
    Withdraw(Withdraw),
    /// Makes, joins or leaves a party.
    Party(PartyCall),
    /// Waits for a match.
    Queue(QueueCall),
    /// Waits no more.
    Unqueue,
}

/// Reads a message. `None` for one that is no call: the room's chat is not.
///
/// # Errors
/// `bad_payload` for data of another shape.
pub fn read(message: &Message) -> Option<Result<Call, MessageError>> {
    if message.kind == CHAT {
        return match chat::read(&message.data) {
            Ok(Line { place: Place::Room, .. }) => None,
            line => Some(line.map(Call::Say)),
        };
    }
    reader(&message.kind).map(|read| read(&message.data))
}

const CHAT: &str = "chat";

type Read = fn(&Payload) -> Result<Call, MessageError>;

/// What reads the data of messages of this type: all types of calls but chat.
fn reader(kind: &str) -> Option<Read> {
    Some(match kind {
        "sward.lobby" => |payload| data(payload).map(Call::Watch),
        "sward.invite" => |payload| data(payload).map(Call::Invite),
        "sward.knock" => |payload| data(payload).map(Call::Knock),
        "sward.answer" => |payload| data(payload).map(Call::Answer),
        "sward.withdraw" => |payload| data(payload).map(Call::Withdraw),
        "sward.party" => |payload| data(payload).map(Call::Party),
        "sward.queue" => |payload| data(payload).map(Call::Queue),
        "sward.unqueue" => |_| Ok(Call::Unqueue),
        _ => return None,
    })
}

/// Whether a message counts against what one player may say to others in a second.
#[must_use]
pub fn is_counted(message: &Message) -> bool {
    message.kind == CHAT || reader(&message.kind).is_some()
}

fn data<T: DeserializeOwned>(data: &Payload) -> Result<T, MessageError> {
    let bad = |detail: String| MessageError::new(ErrorCode::BadPayload, detail);
    // Where every field is optional, no data is as good as an empty object.
    let data = if *data == Payload::null() { "{}" } else { data.json() };
    if !data.starts_with('{') {
        return Err(bad("data is an object".to_owned()));
    }
    serde_json::from_str(data).map_err(|error| bad(error.to_string()))
}
