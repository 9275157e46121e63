//! Each way in which a player vanishes: how soon the others are told, and that nothing of him stays behind. The times
//! measured are printed.
#![allow(clippy::unwrap_used, reason = "a test may fail by a panic")]

#[path = "../server/h2_client.rs"]
#[allow(dead_code, reason = "shared with other tests")]
mod h2_client;
#[cfg(target_os = "linux")]
mod network;
#[path = "../server/support.rs"]
#[allow(dead_code, reason = "shared with other tests")]
mod support;
mod ways;
