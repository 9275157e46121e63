//! Who plays with whom: parties wait in a queue until enough of them fit. Pure.
//!
//! | module | what it holds |
//! |---|---|
//! | [`rules`] | how a match of one mode is made up |
//! | [`packing`] | parties into teams, none split |
//! | [`queue`] | those who wait, and the matches among them |
//! | [`parties`] | players who queue together |

pub mod packing;
pub mod parties;
pub mod queue;
pub mod rules;

pub use rules::Rules;
