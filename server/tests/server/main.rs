//! The real binary, driven over real sockets. One file per part of `docs/protocol.md`.
#![allow(clippy::unwrap_used, reason = "a test may fail by a panic")]

mod admin;
mod bad_input;
mod blobs;
mod cards;
mod downstream;
mod embedded;
mod files;
mod from_fuse;
#[allow(dead_code, reason = "shared with other tests")]
mod h2_client;
mod http2;
mod invitations;
mod kept;
mod lobby;
mod matchmaking;
mod operations;
mod options;
mod own_game;
mod own_rooms;
mod owner;
mod presence;
mod purity;
mod readme;
mod recording;
mod rooms;
mod storm;
mod support;
mod tutorial;
mod upstream;
mod walkers;
mod watch;
mod world;
