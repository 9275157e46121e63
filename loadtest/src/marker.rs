//! What a message carries so that its receiver can account for it. Pure.
//!
//! `"lt.<run>.<sender>.<number>.<intended time in µs>.xxxx"`: hexadecimal, padded with `x` to the wanted size. It is
//! found in the event's data by searching, because building a JSON tree for each of 100,000 messages a second would
//! cost more than all the rest.

use std::fmt::Write as _;
use std::time::Duration;

use sward_protocol::ids::Seat;

/// Bytes of the data's JSON that every marker fits in, quotes included.
pub const BYTES_MIN: usize = 40;

const PREFIX: &str = "\"lt.";
const FROM: &str = "\"from\":";

/// Tells the messages of this run from those of another on the same server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunTag(pub u16);

/// Who sent which message when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Marker {
    /// The run it belongs to.
    pub run: RunTag,
    /// The sending bot's index.
    pub sender: u32,
    /// The message's number, from 1 in each sender.
    pub number: u64,
    /// When it should have been sent, in µs since the start of the run.
    pub intended_us: u64,
}

impl Marker {
    /// The message's data: a string that is `bytes` long as JSON, or longer where the marker needs it.
    #[must_use]
    pub fn text(&self, bytes: usize) -> String {
        let mut text = String::with_capacity(bytes);
        // Writing into a `String` cannot fail.
        let _ =
            write!(text, "lt.{:04x}.{:x}.{:x}.{:x}.", self.run.0, self.sender, self.number, self.intended_us);
        let quotes = 2;
        while text.len() + quotes < bytes {
            text.push('x');
        }
        text
    }

    /// The time between the intended send and `received`, both counted from the start of the run.
    #[must_use]
    pub fn latency(&self, received: Duration) -> Duration {
        received.saturating_sub(Duration::from_micros(self.intended_us))
    }
}

/// The author's seat and the marker in the data of a `msg` event; `None` if it carries none.
#[must_use]
pub fn find(data: &str) -> Option<(Seat, Marker)> {
    let marker = read(data)?;
    Some((from(data)?, marker))
}

/// The marker in a message's data.
#[must_use]
pub fn read(data: &str) -> Option<Marker> {
    let at = data.find(PREFIX)?;
    let mut fields = data[at + PREFIX.len()..].split('.');
    let run = u16::from_str_radix(fields.next()?, 16).ok()?;
    let sender = u32::from_str_radix(fields.next()?, 16).ok()?;
    let number = u64::from_str_radix(fields.next()?, 16).ok()?;
    let intended_us = u64::from_str_radix(fields.next()?, 16).ok()?;
    fields.next()?;
    Some(Marker { run: RunTag(run), sender, number, intended_us })
}

fn from(data: &str) -> Option<Seat> {
    let digits = &data[data.find(FROM)? + FROM.len()..];
    let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    digits[..end].parse().ok().map(Seat)
}

#[cfg(test)]
mod tests {
    use sward_protocol::downstream::{Event, Msg};
    use sward_protocol::payload::Payload;

    use super::*;

    const MARKER: Marker = Marker { run: RunTag(0x2b), sender: 449, number: 88, intended_us: 19_999_999 };

    #[test]
    fn a_marker_is_found_in_the_event_that_carries_it() {
        let data = Payload::of(&MARKER.text(43)).unwrap();
        assert_eq!(data.json_len(), 43);
        let event = Event::Msg(Msg { from: Seat(50), kind: "move".to_owned(), data });
        let mut json = Vec::new();
        event.write_json(&mut json).unwrap();
        assert_eq!(find(std::str::from_utf8(&json).unwrap()), Some((Seat(50), MARKER)));
    }

    #[test]
    fn the_order_of_the_fields_does_not_matter() {
        let json = format!(r#"{{"data":"{}","type":"move","from":3}}"#, MARKER.text(0));
        assert_eq!(find(&json), Some((Seat(3), MARKER)));
    }

    #[test]
    fn what_is_no_marker_is_not_taken_for_one() {
        for json in [
            "{}",
            r#"{"from":1,"type":"move","data":"lt."}"#,
            r#"{"from":1,"type":"move","data":"lt.1.2.3"}"#,
            r#"{"from":1,"type":"move","data":"lt.1.2.3.4"}"#,
            r#"{"from":1,"type":"move","data":"lt.z.2.3.4."}"#,
            r#"{"from":1,"type":"move","data":"lt.1ffff.2.3.4."}"#,
            r#"{"from":"x","type":"move","data":"lt.1.2.3.4."}"#,
            r#"{"type":"move","data":"lt.1.2.3.4."}"#,
        ] {
            assert_eq!(find(json), None, "{json}");
        }
    }

    #[test]
    fn the_longest_marker_fits_the_least_size() {
        let hours_20_us = 20 * 3_600 * 1_000_000;
        let marker =
            Marker { run: RunTag(u16::MAX), sender: u32::MAX, number: 0xff_ffff, intended_us: hours_20_us };
        assert!(marker.text(0).len() + 2 <= BYTES_MIN, "{}", marker.text(0));
    }
}
