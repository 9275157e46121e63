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
