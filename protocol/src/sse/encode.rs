//! Events to bytes. Line ends are LF only; an event's blank line is in the same buffer as its data.

use std::io::Write as _;

use crate::codec::Encoding;
use crate::downstream::Event;
use crate::fragment::Fragment;
use crate::ids::EventId;

/// Everything of an event with JSON but its id line.
///
/// # Errors
/// Never for the events of this crate, see [`Event::write_json`].
pub fn body(event: &Event) -> Result<Vec<u8>, serde_json::Error> {
    let mut out = Vec::with_capacity(128);
    Fragment::of(event)?.encoded().push_lines(&mut out, Encoding::Json);
    Ok(out)
}

/// Appends the id line that goes in front of a [`body`].
pub fn push_id(out: &mut Vec<u8>, id: EventId) {
    // Writing into a `Vec` cannot fail.
    let _ = writeln!(out, "id: {id}");
}

/// Appends the reconnection time, in milliseconds.
pub fn push_retry(out: &mut Vec<u8>, retry_ms: u64) {
    let _ = write!(out, "retry: {retry_ms}\n\n");
}

/// Appends a comment of so many spaces: what boxes hold back until it is enough.
pub fn push_padding(out: &mut Vec<u8>, spaces: usize) {
    if spaces == 0 {
        return;
    }
    out.push(b':');
    out.resize(out.len() + spaces, b' ');
    out.extend_from_slice(b"\n\n");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::Epoch;
    use crate::session::Time;

    #[test]
    fn an_event_is_three_lines_and_a_blank_one() {
        let mut out = Vec::new();
        push_retry(&mut out, 1500);
        push_padding(&mut out, 3);
        push_padding(&mut out, 0);
        push_id(&mut out, EventId { epoch: Epoch(1), seq: 2 });
        out.extend(body(&Event::Noop(Time { time_ms: 5 })).unwrap());
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "retry: 1500\n\n:   \n\nid: 00000001.2\nevent: noop\ndata: {\"time_ms\":5}\n\n"
        );
    }
}
