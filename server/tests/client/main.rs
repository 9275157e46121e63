//! The Rust client against the real binary, on every rung and in every form.
#![allow(clippy::unwrap_used, reason = "a test may fail by a panic")]

#[path = "../server/support.rs"]
#[allow(dead_code, reason = "it is made for another test too")]
mod support;

mod endings;
mod ladder;
mod player;
mod rungs;
