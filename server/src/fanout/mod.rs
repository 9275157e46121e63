//! From a room's events to each player's stream: encoded once, shared by all, numbered by each session's outbox.
//!
//! | module | layer | what it holds |
//! |---|---|---|
//! | [`encode`] | pure | events to shared fragments |
//! | [`flush`] | pure | what a room says at one moment, shared by all its players |
//! | [`outbox`] | pure | one session's numbered events: what waits, and what may be asked for again |
//! | [`mailslot`] | shell | an outbox, the stream that reads it, and the lock around both |
//! | [`wake`] | shell | how readers are woken: once per flush |

pub mod encode;
pub mod flush;
pub mod mailslot;
pub mod outbox;
pub mod wake;
