//! Chat lines: read from a message, and the last ones kept for those who come later. Pure.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};
use sward_protocol::ids::PlayerId;
use sward_protocol::limits::{CHAT_LINES_AGE_MAX, CHAT_LINES_BYTES_MAX, CHAT_LINES_MAX};
use sward_protocol::payload::Payload;
use sward_protocol::problem::{ErrorCode, MessageError};
use sward_protocol::read::plain_words;
use sward_protocol::social::{Chat, ChatScope, Say};
use sward_protocol::text;

use crate::clock::whole_ms;

/// Where a line is to be heard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// In the author's room.
    Room,
    /// In the lobby of a game.
    Lobby(String),
    /// In the lobby of the whole server.
    Server,
    /// By one player.
    Player(PlayerId),
}

/// A line as somebody said it, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Where.
    pub place: Place,
    /// In its one form.
    pub text: String,
}

/// Reads the data of a message `chat`.
///
/// # Errors
/// `bad_payload` when it is none, or its text may not be said.
pub fn read(data: &Payload) -> Result<Line, MessageError> {
    let bad = |detail: String| MessageError::new(ErrorCode::BadPayload, detail);
    if !data.json().starts_with('{') {
        return Err(bad("chat is an object with a text".to_owned()));
    }
    let say: Say = data.parse().map_err(|error| bad(plain_words(&error)))?;
    let text = text::chat(&say.text).map_err(|error| bad(format!("text: {error}")))?;
    let place = match (say.scope.unwrap_or_default(), say.game, say.to) {
        (ChatScope::Room, _, _) => Place::Room,
        (ChatScope::Lobby, Some(game), _) => Place::Lobby(game),
        (ChatScope::Server, _, _) => Place::Server,
        (ChatScope::Player, _, Some(to)) => Place::Player(to),
        (ChatScope::Lobby, None, _) => return Err(bad("a lobby is that of a game".to_owned())),
        _ => return Err(bad("to is the id of a player".to_owned())),
    };
    Ok(Line { place, text })
}

/// The last lines of one place: bounded in number, bytes and age; the oldest go first.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "Vec<Chat>", into = "Vec<Chat>")]
pub struct Log {
    lines: VecDeque<Chat>,
    bytes: usize,
}

impl Log {
    /// Keeps a line.
    pub fn push(&mut self, line: Chat) {
        self.bytes += line.text.len();
        self.lines.push_back(line);
        while self.lines.len() > CHAT_LINES_MAX || self.bytes > CHAT_LINES_BYTES_MAX {
            self.drop_oldest();
        }
    }

    /// What was said, oldest first; nothing that is too old.
    pub fn lines(&mut self, now_ms: u64) -> Vec<Chat> {
        let age_max_ms = whole_ms(CHAT_LINES_AGE_MAX);
        while self.lines.front().is_some_and(|line| now_ms.saturating_sub(line.time_ms) > age_max_ms) {
            self.drop_oldest();
        }
        self.lines.iter().cloned().collect()
    }

    fn drop_oldest(&mut self) {
        if let Some(line) = self.lines.pop_front() {
            self.bytes -= line.text.len();
        }
    }
}

impl From<Vec<Chat>> for Log {
    fn from(lines: Vec<Chat>) -> Self {
        let mut log = Self::default();
        lines.into_iter().for_each(|line| log.push(line));
        log
    }
}

impl From<Log> for Vec<Chat> {
    fn from(log: Log) -> Self {
        log.lines.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sward_protocol::ids::NodeId;
    use sward_protocol::session::Player;

    fn said(text: &str, time_ms: u64) -> Chat {
        let player = Player { id: PlayerId::from_random(NodeId(0), 1), name: "Zoë".to_owned() };
        let text = text.to_owned();
        Chat { from: None, scope: ChatScope::Server, text, player, game: None, to: None, time_ms }
    }

    fn texts(log: &mut Log, now_ms: u64) -> Vec<String> {
        log.lines(now_ms).into_iter().map(|line| line.text).collect()
    }

    #[test]
    fn the_last_lines_are_kept_by_number_bytes_and_age() {
        let mut log = Log::default();
        for number in 0..30 {
            log.push(said(&number.to_string(), number));
        }
        let kept = texts(&mut log, 30);
        assert_eq!((kept.len(), kept[0].as_str()), (CHAT_LINES_MAX, "10"));
        let old_ms = 19 + whole_ms(CHAT_LINES_AGE_MAX);
        assert_eq!(texts(&mut log, old_ms)[0], "19");
        for _ in 0..10 {
            log.push(said(&"🦊".repeat(500), old_ms));
        }
        assert_eq!(log.lines(old_ms).len(), CHAT_LINES_BYTES_MAX / 2000);
        assert_eq!(texts(&mut log, old_ms * 3), [""; 0]);
        assert_eq!(log.bytes, 0);
    }

    #[test]
    fn a_line_says_where_it_is_to_be_heard() {
        let check = |json: &str| read(&Payload::from_json(json).unwrap()).map(|line| line.place);
        let id = PlayerId::from_random(NodeId(0), 1);
        assert_eq!(check(r#"{"text":"a"}"#), Ok(Place::Room));
        assert_eq!(check(r#"{"text":"a","scope":"server"}"#), Ok(Place::Server));
        assert_eq!(check(r#"{"text":"a","scope":"lobby","game":"x"}"#), Ok(Place::Lobby("x".to_owned())));
        assert_eq!(check(&format!(r#"{{"text":"a","scope":"player","to":"{id}"}}"#)), Ok(Place::Player(id)));
        for bad in [
            "null",
            r#"["a",null,null,null]"#,
            r#"{"text":7}"#,
            r#"{"text":" "}"#,
            r#"{"text":"a","scope":"moon"}"#,
            r#"{"text":"a","scope":"lobby"}"#,
            r#"{"text":"a","scope":"player"}"#,
            r#"{"text":"a","scope":"player","to":"me"}"#,
        ] {
            assert_eq!(check(bad).unwrap_err().code, "bad_payload", "{bad}");
        }
    }
}
