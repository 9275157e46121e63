//! A room's inputs, with their times, such that it can be played again exactly: `docs/recording.md` has the format.
//!
//! A room follows from its game, its charter, its options, its seed, and what happens to it when ([`super::core`]); so these
//! are what is written, and nothing of what it says. A hash about each second, of the room's state and of all that it said,
//! tells whether it was the same when it is played again.
//!
//! | module | what it holds |
//! |---|---|
//! | [`format`] | the lines of a recording: the header, and one line per thing that happened |
//! | [`digest`] | the hash of a room, and of what it says |
//! | [`scribe`] | a room's steps to lines |
//! | [`reader`] | a file's bytes to lines, as far as they are whole |
//! | [`replay`] | a room played again, and compared |

pub mod digest;
pub mod format;
pub mod reader;
pub mod replay;
pub mod scribe;
#[cfg(test)]
mod tests;
