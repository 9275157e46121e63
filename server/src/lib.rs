//! Sward: a multiplayer game backend that speaks nothing but plain HTTP.
//!
//! Each player has one Server-Sent-Events stream down and POSTs up; rooms are actors around pure cores. The wire contract
//! is `docs/protocol.md`, the way through the code `ARCHITECTURE.md`.
//!
//! A game is a plain value, see [`Game`]; this is all that a server of one's own needs:
//!
//! ```no_run
//! # use sward_server::games::relay::Relay as MyGame;
//! use sward_server::Server;
//!
//! #[actix_web::main]
//! async fn main() -> std::io::Result<()> {
//!     Server::builder().game::<MyGame>("my-game").build().listen()?.run().await
//! }
//! ```

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
mod listener;
mod matchmaking;
mod metrics;
mod net;
mod room;
mod session;
mod shutdown;
mod social;
mod stream;

pub use app::{Builder, Listening, Server};
pub use config::Config;
pub use game::Game;
pub use matchmaking::Rules;
pub use room::testing;
