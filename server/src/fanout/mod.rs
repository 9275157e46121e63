//! From a room's events to each player's stream: encoded once, shared by all, numbered by each session's outbox.
//!
//! | module | layer | what it holds |
//! |---|---|---|
//! | [`encode`] | pure | events to shared fragments |
//! | [`flush`] | pure | what a room says at one moment, shared by all its players |
//! | [`part`] | pure | what a room says, in its order: flushes, and frames of its world; what waits for the next time that it writes |
//! | `entry` | pure | what of one flush one outbox holds |
//! | `sight`, `patch` | pure | what of the world one outbox holds; pieces of it as one event |
//! | [`outbox`] | pure | one session's numbered events: what waits, and what may be asked for again |
//! | `nonces` | pure | which streams a session opened before |
//! | [`saved`] | pure | a mailslot as a value |
//! | [`mailslot`] | shell | an outbox, the stream that reads it, and the lock around both |
//! | [`reading`] | shell | what a stream asks of its mailslot, and what it is given |
//! | [`wake`] | shell | how readers are woken: once per flush |

pub mod encode;
mod entry;
pub mod flush;
pub mod mailslot;
mod nonces;
pub mod outbox;
pub mod part;
pub(crate) mod patch;
pub mod reading;
pub mod saved;
pub(crate) mod sight;
pub mod wake;
