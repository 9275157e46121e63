//! The routes: one file per resource, thin: decode, one call, encode.
//!
//! | module | what it holds |
//! |---|---|
//! | [`state`] | what every handler is given |
//! | [`extract`] | bodies, tokens and encodings of requests and answers |
//! | [`error`] | every error as a problem document: the only place with status codes |
//! | [`sessions`], [`stream`], [`send`], [`rooms`], [`blobs`] | the game routes |
//! | [`admin`] | what an operator says and does, behind his secret |
//! | [`operations`] | health, readiness, metrics |
//! | [`assets`], [`files`] | the embedded web client; a page of the game author's own |
//! | [`routes`] | which path leads where, and what surrounds every answer |

pub mod admin;
pub mod assets;
pub mod blobs;
pub mod error;
pub mod extract;
pub mod files;
pub mod operations;
pub mod rooms;
pub mod routes;
pub mod send;
pub mod sessions;
pub mod state;
pub mod stream;
