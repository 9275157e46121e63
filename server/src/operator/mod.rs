//! What the operator of a server tells its players and does to its rooms, behind a secret of his own.
//!
//! | module | layer | what it holds |
//! |---|---|---|
//! | [`warnings`] | pure | what stands, for all, for a game, for a room |
//! | [`secret`] | shell | what lets an operator in |

pub mod secret;
pub mod warnings;
