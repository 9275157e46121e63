//! What players do with each other outside of a game: they watch lobbies, talk, invite and knock,
//! and queue for a match.
//!
//! | module | layer | what it holds |
//! |---|---|---|
//! | [`call`] | pure | what a player's message asks for |
//! | [`feed`] | pure | one lobby: who watches it, and what he has not been told yet |
//! | [`asks`] | pure | invitations and knocks that wait for an answer |
//! | [`hall`] | shell | everybody with a session; delivery |
//! | `watching` | shell | lobbies in the hall |
//! | `talk` | shell | chat outside of rooms |
//! | `matching` | shell | parties and queues in the hall |
//! | `seating` | shell | from a match to a room where everybody sits |
//! | `asking` | shell | invitations and knocks in the hall |

mod asking;
pub mod asks;
pub mod call;
pub mod feed;
pub mod hall;
pub mod matching;
mod seating;
mod talk;
mod watching;

/// Who and what the tests of these modules talk about.
#[cfg(test)]
mod people {
    use sward_protocol::ids::{NodeId, PlayerId, RoomId, Seat};
    use sward_protocol::payload::Payload;
    use sward_protocol::rooms::{Phase, RoomInfo};
    use sward_protocol::session::Player;

    pub fn player(number: u128) -> Player {
        Player { id: PlayerId::from_random(NodeId(0), number), name: format!("P{number}") }
    }

    pub fn room(number: u128) -> RoomInfo {
        RoomInfo {
            id: RoomId::from_random(NodeId(0), number),
            game: "relay".to_owned(),
            code: String::new(),
            name: String::new(),
            max_players: 2,
            players: 1,
            private: false,
            password: false,
            locked: false,
            phase: Phase::Open,
            owner: Seat::GAME,
            meta: Payload::from_json("{}").unwrap(),
        }
    }
}
