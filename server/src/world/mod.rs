//! Replicated entities: a game says what there is, each player is told what he can see of it, and only what changed. Pure.
//!
//! | module | what it holds |
//! |---|---|
//! | [`frame`] | what changed at one moment, and who sees which of it: what the fan-out is handed |

pub mod frame;
