//! Sessions: who somebody is while his connections come and go.
//!
//! | module | layer | what it holds |
//! |---|---|---|
//! | [`state`] | pure | the life cycle: heard from, away, back, ended |
//! | [`inbox`] | pure | what of a player's messages was applied: exactly once |
//! | [`rate`] | pure | how many messages and bytes a second |
//! | [`session`] | shell | one session: the locks around the above, its outbox and its seat |
//! | [`upstream`] | shell | a batch's way into the room and its answer's way back |
//! | [`registry`] | shell | all sessions of this process |
//! | [`sweeper`] | shell | the clock that tells who is away or lost |

pub mod inbox;
pub mod rate;
pub mod registry;
#[expect(clippy::module_inception, reason = "the module's main type has the module's name")]
pub mod session;
pub mod state;
pub mod sweeper;
pub mod upstream;

pub use session::Session;
