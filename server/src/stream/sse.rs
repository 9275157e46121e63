//! Greeting, beats and farewell as Server-Sent Events. They have no ids: a stream's own, not the session's.

use sward_protocol::bye::{Bye, CloseCode};
use sward_protocol::downstream::{Event, Hello, Reset, ResetReason};
use sward_protocol::session::Time;
use sward_protocol::sse::encode;

/// The first flight: reconnection time, padding, `hello`, and `reset` if there is one.
#[must_use]
pub fn greeting(retry_ms: u64, padding: usize, hello: Hello, reset: Option<ResetReason>) -> Vec<u8> {
    let mut out = Vec::with_capacity(padding + 768);
    encode::push_retry(&mut out, retry_ms);
    encode::push_padding(&mut out, padding);
    push(&mut out, &Event::Hello(hello));
    if let Some(reason) = reset {
        push(&mut out, &Event::Reset(Reset { reason }));
    }
    out
}

/// A beat.
#[must_use]
pub fn beat(time_ms: u64) -> Vec<u8> {
    let mut out = Vec::with_capacity(64);
    push(&mut out, &Event::Noop(Time { time_ms }));
    out
}

/// The last words of a stream.
#[must_use]
pub fn farewell(code: CloseCode, retry_ms: u64) -> Vec<u8> {
    let mut out = Vec::with_capacity(128);
    encode::push_retry(&mut out, retry_ms);
    push(&mut out, &Event::Bye(Bye::new(code, retry_ms)));
    out
}

fn push(out: &mut Vec<u8>, event: &Event) {
    // These events always serialise, see `Event::write_json`.
    if let Ok(body) = encode::body(event) {
        out.extend_from_slice(&body);
    }
}
