//! What players do with each other outside of a game: they watch lobbies, and talk.
//!
//! | module | layer | what it holds |
//! |---|---|---|
//! | [`call`] | pure | what a player's message asks for |
//! | [`feed`] | pure | one lobby: who watches it, and what he has not been told yet |
//! | [`hall`] | shell | everybody with a session, and the lobbies; delivery |

pub mod call;
pub mod feed;
pub mod hall;
