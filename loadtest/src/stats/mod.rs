//! What was measured, as values: latencies and the account of every message. Pure.

mod latency;
mod ledger;

pub use latency::{Latencies, Percentiles};
pub use ledger::{Account, Ledger, Observation, Place, Roster, Sent};
