//! The client and whole runs against a tiny relay in this process, which can be told to fail.

#![expect(clippy::unwrap_used, reason = "a test's server may fail like a test")]

mod client;
mod run;
mod server;
