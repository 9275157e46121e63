//! Sessions: who somebody is while his connections come and go.
//!
//! | module | layer | what it holds |
//! |---|---|---|
//! | [`state`] | pure | the life cycle: heard from, away, back, ended |
//! | [`inbox`] | pure | what of a player's messages was applied: exactly once |
//! | [`first_answers`] | pure | the first answers to requests that make something |
//! | [`saved`] | pure | a room with its sessions, as a value |
//! | [`session`] | shell | one session: the locks around the above, its outbox and its seat |
//! | [`upstream`] | shell | a batch's way into the room and its answer's way back |
//! | [`once`] | shell | a join, or a new room, once per key |
//! | `routing` | shell | which messages are for the room, and which the server settles itself |
//! | [`registry`] | shell | all sessions of this process |
//! | [`sweeper`] | shell | the clock that tells who is away or lost |

pub mod first_answers;
pub mod inbox;
pub mod once;
pub mod registry;
mod routing;
#[cfg_attr(not(test), expect(dead_code, reason = "for tests, until rooms are kept over a restart"))]
pub mod saved;
#[expect(clippy::module_inception, reason = "the module's main type has the module's name")]
pub mod session;
pub mod state;
pub mod sweeper;
pub mod upstream;

pub use session::Session;
