//! The games that come with the server.
//!
//! | game | what it shows |
//! |---|---|
//! | [`relay`] | no server code needed: what one sends, the others get |
//! | [`meadow`] | the sample world: the server owns every position |
//! | [`cards`] | turns, time limits, hidden information: each player sees his own cards only |

pub mod cards;
pub mod meadow;
pub mod relay;
