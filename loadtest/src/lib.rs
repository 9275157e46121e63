//! The load test of Sward, and the Rust client underneath.
//!
//! | module | what it holds |
//! |---|---|
//! | [`cli`], [`load`] | what is asked for |
//! | [`schedule`], [`marker`], [`stats`], [`verdict`] | pure: when to send, what a message carries, the account, the judgement |
//! | [`client`] | the Rust client |
//! | [`bot`] | one player: what it sends and what it makes of what comes |
//! | [`probe`] | one player on a network: which rung works there |
//! | [`run`] | all of them, from the first session to the report |
//! | [`server_process`], [`server_probe`], [`fd_limit`] | the server as a process, what it costs, file descriptors |
//! | [`world`] | what a world costs, with more and more players |
//! | [`report`], [`progress`] | what the user sees |

pub mod bot;
pub mod cli;
pub mod client;
pub mod fd_limit;
pub mod load;
pub mod marker;
mod pacer;
pub mod probe;
pub mod progress;
pub mod report;
pub mod run;
pub mod schedule;
pub mod server_probe;
pub mod server_process;
mod shared;
pub mod stats;
pub mod verdict;
pub mod world;
