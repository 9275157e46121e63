//! The wire contract of Sward: what travels between a client and the server, and nothing else.
//!
//! Everything here is pure: no IO, no clock, no threads. `docs/protocol.md` is the same contract in prose; the files
//! in `tests/golden` hold its bytes and are read by the browser SDK's tests too.
//!
//! | module | what it holds |
//! |---|---|
//! | [`ids`] | players, rooms, seats, event ids, tokens |
//! | [`session`], [`rooms`], [`upstream`], [`operator`] | request and answer bodies |
//! | [`downstream`] | the events of a stream |
//! | [`blobs`] | what tells of a room's named blobs |
//! | [`password`] | a room's password, which hides from logs |
//! | [`social`] | what players say to each other outside of a game: lobbies, chat, invitations, matchmaking |
//! | [`payload`] | a game's own data, passed on unparsed but checked |
//! | [`view`] | what one player knows of a game's world |
//! | [`text`] | what may stand in a name and in a chat line |
//! | [`problem`], [`bye`], [`limits`] | error codes, close codes, bounds: one table each |
//! | [`codec`], [`read`] | bodies to bytes and back; fields that serde alone would read otherwise |
//! | [`fragment`], [`mod@format`] | an event encoded once; the forms of a stream, written and read |
//! | [`sse`], [`frames`] | Server-Sent Events; frames for native clients |

pub mod blobs;
pub mod bye;
pub mod codec;
pub mod downstream;
pub mod format;
pub mod fragment;
pub mod frames;
pub mod ids;
pub mod limits;
pub mod operator;
pub mod password;
pub mod payload;
pub mod problem;
pub mod read;
pub mod rooms;
pub mod session;
pub mod social;
pub mod sse;
pub mod text;
pub mod upstream;
pub mod view;

/// The major version of the wire contract that this crate speaks.
pub const VERSION: u32 = 1;
