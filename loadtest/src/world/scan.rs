//! What came on a stream, counted as it flies by. Pure.

use memchr::memmem::Finder;

/// How every patch of a world begins, and every snapshot of the measured game.
const MARKER: &[u8] = br#"{"tick":"#;

/// Counts patches in the bytes of a stream of any form that has JSON, whole or in pieces. Nothing is parsed: thousands of
/// streams are read beside the server that is measured.
///
/// A patch whose first bytes are parted by the head of an HTTP chunk is not found: Sward writes whole events.
#[derive(Debug)]
pub struct Scan {
    finder: Finder<'static>,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// So many bytes of the marker were at the end of the last piece.
    Seeking(usize),
    /// In the number behind it, of which this is read.
    Number(u64),
}

impl Default for Scan {
    fn default() -> Self {
        Self { finder: Finder::new(MARKER), state: State::Seeking(0) }
    }
}

impl Scan {
    /// Takes the next piece; `on_patch` is given the tick of each patch. Returns how many objects (and so, beside the
    /// patches, entities) begin in it.
    pub fn feed(&mut self, piece: &[u8], mut on_patch: impl FnMut(u64)) -> u64 {
        let mut rest = piece;
        while !rest.is_empty() {
            match self.state {
                State::Seeking(0) => match self.finder.find(rest) {
                    Some(at) => {
                        rest = &rest[at + MARKER.len()..];
                        self.state = State::Number(0);
                    }
                    None => {
                        self.state = State::Seeking(begun(rest));
                        break;
                    }
                },
                State::Seeking(begun) => {
                    let wanted = &MARKER[begun..];
                    let shared = wanted.iter().zip(rest).take_while(|(one, other)| one == other).count();
                    self.state = if shared == wanted.len() {
                        State::Number(0)
                    } else if shared == rest.len() {
                        State::Seeking(begun + shared)
                    } else {
                        State::Seeking(0)
                    };
                    rest = &rest[shared..];
                }
                State::Number(number) => {
                    let (digit, behind) = (rest[0], &rest[1..]);
                    if digit.is_ascii_digit() {
                        let number = number.saturating_mul(10).saturating_add(u64::from(digit - b'0'));
                        self.state = State::Number(number);
                        rest = behind;
                    } else {
                        self.state = State::Seeking(0);
                        on_patch(number);
                    }
                }
            }
        }
        memchr::memchr_iter(b'{', piece).count() as u64
    }
}

/// How many bytes of the marker stand at the end of `bytes`.
fn begun(bytes: &[u8]) -> usize {
    (1..MARKER.len()).rev().find(|&length| bytes.ends_with(&MARKER[..length])).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const STREAM: &str = "id: 7f3a91c2.44\nevent: batch\ndata: [[\"patch\",{\"tick\":812,\"world\":[{\"id\":4,\"x\":1},\
        {\"id\":5,\"gone\":true}]}]]\n\nevent: noop\ndata: {\"tic{\"tick\":9}\n\n{\"tick\":18446744073709551616,";

    fn scanned(pieces: &[&[u8]]) -> (Vec<u64>, u64) {
        let (mut scan, mut ticks) = (Scan::default(), Vec::new());
        let objects = pieces.iter().map(|piece| scan.feed(piece, |tick| ticks.push(tick))).sum();
        (ticks, objects)
    }

    #[test]
    fn patches_are_counted_wherever_the_stream_is_cut() {
        let want = (vec![812, 9, u64::MAX], 6);
        let bytes = STREAM.as_bytes();
        assert_eq!(scanned(&[bytes]), want);
        for at in 0..bytes.len() {
            let (one, other) = bytes.split_at(at);
            assert_eq!(scanned(&[one, other]), want, "cut at {at}");
        }
        let single: Vec<&[u8]> = bytes.chunks(1).collect();
        assert_eq!(scanned(&single), want);
        assert_eq!(scanned(&[]), (Vec::new(), 0));
    }
}
