//! Rooms: a pure core that decides, and an actor around it that owns its mailbox and its timers.
//!
//! The core is handed one [`input::Input`] at a time with the time it happened, and answers with [`effect::Effect`]s;
//! so a room is tested, replayed and moved without a network. Only `actor` and `handle` know that rooms are actors.
//!
//! | module | layer | what it holds |
//! |---|---|---|
//! | [`input`], [`effect`] | pure | the core's boundary: one closed enum each |
//! | [`core`] | pure | admission, presence, chat, and the game |
//! | [`roster`] | pure | who sits where |
//! | [`owner`], [`order`], [`bans`] | pure | whose room it is, what he may tell it, whom he keeps out |
//! | [`saved`] | pure | a room as a value |
//! | [`recording`] | pure | what happens to a room, written down, and played again |
//! | [`lobby`] | pure | which rooms are open, and which one a player is sent to |
//! | [`passes`] | pure | admissions that were promised |
//! | `simulation` | pure | all of that and its readers for hours of virtual time, from one seed; test only |
//! | [`actor`] | shell | mailbox, ticks, timers and flushes, delivery |
//! | [`gallery`] | shell | those who watch without a seat |
//! | [`handle`] | shell | how others reach a room |
//! | [`shelf`] | shell | the named blobs of a room, as others fetch them |
//! | [`intake`] | shell | what waits for a room, and how much it may be told; whether its game is stuck |
//! | [`occupant`] | shell | what a room knows of a session |
//! | [`directory`] | shell | all rooms of this process |
//! | [`catalog`] | shell | the games that a server runs, by name |
//! | [`recorder`] | shell | recordings to files |
//! | [`admission`] | shell | a player's way to a seat |
//! | [`testing`] | pure | a room with virtual time, for the tests of games |

pub mod actor;
pub mod admission;
pub mod bans;
pub mod catalog;
pub mod core;
pub mod directory;
pub mod effect;
pub mod gallery;
pub mod handle;
pub mod input;
pub mod intake;
pub mod lobby;
pub mod occupant;
pub mod order;
pub mod owner;
pub mod passes;
pub mod recorder;
pub mod recording;
pub mod roster;
pub mod saved;
pub mod shelf;
#[cfg(test)]
mod simulation;
pub mod testing;
