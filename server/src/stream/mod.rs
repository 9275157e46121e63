//! From an outbox to the bytes of a stream.
//!
//! | module | layer | what it holds |
//! |---|---|---|
//! | [`options`] | pure | what a client may ask of its stream |
//! | [`sse`] | pure | greeting, beats and farewell as Server-Sent Events |
//! | [`open`] | shell | a stream takes hold of its session |
//! | [`body`] | shell | the response body: one chunk per wake, chaser, beats |

pub mod body;
pub mod open;
pub mod options;
pub mod sse;
