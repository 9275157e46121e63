//! Every message exactly once, whatever the way does to it: real clients and the real server, with a proxy between them
//! that is as mean as a seed says.
//!
//! `SWARD_SEED=1234 cargo test -p sward-server --test faults exactly_once` replays the plan of one seed.
#![allow(clippy::unwrap_used, reason = "a test may fail by a panic")]

mod account;
mod antivirus;
mod exactly_once;
mod latest;
mod old_requests;
mod players;
mod proxy;
mod restart;
mod slow_links;
#[path = "../server/support.rs"]
#[allow(dead_code, reason = "the other tests use all of it")]
mod support;

use support::Server;

/// A server that lets its players say as much as they like: it is the way that is tested.
fn server() -> Server {
    server_with(&[])
}

/// Such a server whose streams rotate every few seconds, so that this happens in the middle of everything else too.
fn rotating_server() -> Server {
    server_with(&["--rotate-ms", "3000"])
}

fn server_with(options: &[&str]) -> Server {
    let generous = ["--messages-per-s", "1000", "--bytes-per-s", "10000000"];
    Server::start_with(&[&generous, options].concat())
}

/// Runs players to their end.
fn run<T>(players: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
        .block_on(players)
}
