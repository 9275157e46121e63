//! Sward: a multiplayer game backend that speaks nothing but plain HTTP.
//!
//! Each player has one Server-Sent-Events stream down and POSTs up; rooms are actors around pure cores. The wire contract
//! is `docs/protocol.md`, the way through the code `ARCHITECTURE.md`.
//!
//! A game is a plain value, see [`Game`] and `docs/tutorial.md`; this is all that a server of one's own needs:
//!
//! ```no_run
//! # use sward_server::games::relay::Relay as MyGame;
//! use sward_server::Server;
//!
//! fn main() -> std::io::Result<()> {
//!     Server::builder().game::<MyGame>("my-game").files("public").run()
//! }
//! ```
//!
//! [`Builder::args`] adds the options of the `sward` binary. Within an actix system of one's own it is
//! `Server::builder().build().listen()?.run().await`, and within an actix-web application that is there already
//! [`Server::mount`].

mod app;
mod chat;
mod clock;
mod config;
pub mod descriptors;
mod entropy;
mod fanout;
pub mod game;
pub mod games;
mod http;
mod launch;
mod listener;
mod matchmaking;
mod metrics;
mod mounted;
mod net;
mod operator;
mod rate;
mod replay;
mod room;
mod session;
mod shutdown;
mod social;
mod stream;
pub mod world;

pub use app::{Builder, Listening, Server};
pub use config::Config;
pub use game::Game;
pub use matchmaking::Rules;
pub use mounted::Mounted;
pub use room::testing;
pub use shutdown::StopSignals;
pub use sward_protocol::rooms::CreateRoom;
