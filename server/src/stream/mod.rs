//! From an outbox to the bytes of a stream.
//!
//! | module | layer | what it holds |
//! |---|---|---|
//! | [`options`] | pure | what a client may ask of its stream |
//! | [`words`] | pure | greeting, beats and farewell |
//! | [`gzip`] | pure | compressed write by write |
//! | [`packer`] | shell | the last step of the bytes: plain or compressed |
//! | [`open`] | shell | a stream takes hold of its session |
//! | [`body`] | shell | the response that stays open: one chunk per wake, chaser, beats |
//! | [`drain`] | shell | the complete answer per flush |

pub mod body;
pub mod drain;
pub mod gzip;
pub mod open;
pub mod options;
pub mod packer;
pub mod words;
