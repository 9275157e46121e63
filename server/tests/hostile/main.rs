//! Peers who mean harm, or read nothing: what they cost, and that the others play on meanwhile. The figures measured are
//! printed.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test may fail by a panic")]

mod alone;
mod frames;
#[path = "../server/h2_client.rs"]
#[allow(dead_code, reason = "shared with other tests")]
mod h2_client;
mod openings;
mod others;
mod process;
mod requests;
mod stalled;
#[path = "../server/support.rs"]
#[allow(dead_code, reason = "shared with other tests")]
mod support;
