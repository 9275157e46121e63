//! The Rust client of Sward: what a native game is built on.
//!
//! ```text
//! Endpoint::reach ─► Client::connect ─► next_event …          events down, in order, each once
//!                          └─► send, request, join, leave     messages up, in order, each once
//! ```
//!
//! A [`Client`] keeps the session alive by itself: it finds the rung of the transport that works on this network,
//! resumes broken streams, sends unanswered batches again, and says so when something was lost after all. Underneath
//! are [`Session`] (one request at a time) and [`EventStream`] (a stream through any number of connections), which the
//! load test drives by itself.
//!
//! ```no_run
//! use sward_loadtest::client::{Client, ClientEvent, ClientOptions, Endpoint};
//! use sward_protocol::downstream::Event;
//! use sward_protocol::rooms::Join;
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let endpoint = Endpoint::reach("http://127.0.0.1:8080").await?;
//! let mut client = Client::connect(endpoint, ClientOptions::named("Zoë")).await?;
//! client.join(&Join { game: Some("relay".to_owned()), create: true, ..Join::default() }).await?;
//! client.send("wave", &"to everybody")?;
//! while let Some(event) = client.next_event().await {
//!     if let ClientEvent::Event { event: Event::Msg(message), .. } = event {
//!         println!("seat {} says {}", message.from, message.kind);
//!     }
//! }
//! # Ok(())
//! # }
//! ```

mod backoff;
mod connection;
mod cursor;
mod driver;
mod endpoint;
mod error;
mod events;
mod handle;
mod ladder;
mod nonce;
mod options;
mod post;
mod queue;
mod report;
mod session;
mod stream;

pub use endpoint::Endpoint;
pub use error::{ClientError, RequestError, SendError};
pub use events::{EventStream, Item, Merger, Position};
pub use handle::{Client, ClientEvent, ClientHandle, EndWhy, Outbound, ResetWhy, Unanswered};
pub use ladder::RungWhy;
pub use options::{ClientOptions, Ladder, Rung, StreamOptions, Wire};
pub use report::{RungStep, StreamCounters, TransportReport};
pub use session::Session;
pub use stream::StreamError;
