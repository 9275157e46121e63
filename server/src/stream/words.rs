//! What a stream says of its own: greeting, beat and farewell. These events have no ids: they are the stream's, not the
//! session's.

use sward_protocol::bye::{Bye, CloseCode};
use sward_protocol::downstream::{Event, Hello, Reset, ResetReason};
use sward_protocol::format::Format;
use sward_protocol::fragment::Fragment;
use sward_protocol::session::Time;

/// Where a stream begins: `hello`, and `reset` if there is one.
#[must_use]
pub fn hello(format: Format, hello: Hello, reset: Option<ResetReason>) -> Vec<u8> {
    let mut out = Vec::with_capacity(512);
    push(format, &mut out, &Event::Hello(hello));
    if let Some(reason) = reset {
        push(format, &mut out, &Event::Reset(Reset { reason }));
    }
    out
}

/// A beat.
#[must_use]
pub fn beat(format: Format, time_ms: u64) -> Vec<u8> {
    let mut out = Vec::with_capacity(64);
    push(format, &mut out, &Event::Noop(Time { time_ms }));
    out
}

/// The last words of a stream.
#[must_use]
pub fn farewell(format: Format, code: CloseCode, retry_ms: u64) -> Vec<u8> {
    let mut out = Vec::with_capacity(128);
    format.push_retry(&mut out, retry_ms);
    push(format, &mut out, &Event::Bye(Bye::new(code, retry_ms)));
    out
}

fn push(format: Format, out: &mut Vec<u8>, event: &Event) {
    // These events always serialise, see `Event::write_json`.
    if let Ok(fragment) = Fragment::of(event) {
        format.push_own(out, fragment.encoded());
    }
}
