//! Where a request of HTTP/1 ends ([RFC 9112 §6](https://www.rfc-editor.org/rfc/rfc9112#section-6)), pure.
//!
//! It reads a head only as far as it must to find the end of its request, and in doubt it finds the end too early: then
//! the HTTP layer gets fewer bytes than it waits for, and never more requests than one at a time. What is malformed is
//! the HTTP layer's to refuse.

/// As much of a header line as says how long a body is.
const LINE_BYTES: usize = 40;

/// Follows the bytes of one connection.
#[derive(Debug, Default)]
pub struct Framing {
    part: Part,
    line: Line,
    head: Head,
    heads: u64,
    began: bool,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Part {
    #[default]
    Head,
    /// So many bytes are still to come.
    Body(u64),
    /// The line that tells a chunk's size.
    ChunkSize(ChunkSize),
    Chunk(u64),
    /// Lines behind the last chunk, up to an empty one.
    Trailer,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct ChunkSize {
    bytes: u64,
    digits: u8,
    /// Behind the digits: an extension.
    over: bool,
}

/// What the lines of a head said so far.
#[derive(Debug, Default, Clone, Copy)]
struct Head {
    lines: u32,
    is_version_1_1: bool,
    chunked: bool,
    length: Option<u64>,
}

/// The line that is being read, without its end.
#[derive(Debug)]
struct Line {
    bytes: [u8; LINE_BYTES],
    length: usize,
    /// The last eight bytes: a request line ends with its version.
    tail: u64,
}

impl Default for Line {
    fn default() -> Self {
        Self { bytes: [0; LINE_BYTES], length: 0, tail: 0 }
    }
}

impl Framing {
    /// Follows `bytes` up to the end of the request that they belong to. `Some(n)`: it ends behind the first `n` of them,
    /// and the rest was not looked at. `None`: all of them belong to it.
    pub fn feed(&mut self, bytes: &[u8]) -> Option<usize> {
        let mut at = 0;
        while at < bytes.len() {
            self.began = true;
            match self.part {
                Part::Body(left) => match self.skip(left, bytes.len() - at) {
                    (skipped, 0) => return Some(self.end(at + skipped)),
                    (skipped, left) => {
                        at += skipped;
                        self.part = Part::Body(left);
                    }
                },
                Part::Chunk(left) => {
                    let (skipped, left) = self.skip(left, bytes.len() - at);
                    at += skipped;
                    self.part =
                        if left == 0 { Part::ChunkSize(ChunkSize::default()) } else { Part::Chunk(left) };
                }
                Part::Head | Part::ChunkSize(_) | Part::Trailer => {
                    let byte = bytes[at];
                    at += 1;
                    let is_over = match self.part {
                        Part::Head => self.head_byte(byte),
                        Part::ChunkSize(size) => self.size_byte(size, byte),
                        _ => self.trailer_byte(byte),
                    };
                    if is_over {
                        return Some(self.end(at));
                    }
                }
            }
        }
        None
    }

    /// Whether a request has begun and not ended.
    #[must_use]
    pub fn is_within(&self) -> bool {
        self.began
    }

    /// How many heads have ended.
    #[must_use]
    pub fn heads(&self) -> u64 {
        self.heads
    }

    fn end(&mut self, at: usize) -> usize {
        *self = Self { heads: self.heads, ..Self::default() };
        at
    }

    /// How many of so many bytes at hand are skipped, and how many are left to skip.
    #[expect(clippy::unused_self, reason = "reads better beside its siblings")]
    fn skip(&self, left: u64, at_hand: usize) -> (usize, u64) {
        let skipped = usize::try_from(left).unwrap_or(usize::MAX).min(at_hand);
        (skipped, left - skipped as u64)
    }

    /// Whether the request ends here.
    fn head_byte(&mut self, byte: u8) -> bool {
        if byte != b'\n' {
            self.line.push(byte);
            return false;
        }
        let is_empty = self.line.length == 0;
        if is_empty && self.head.lines == 0 {
            // An empty line before a request is skipped, and begins none: old clients send one behind a body.
            self.began = false;
            return false;
        }
        if !is_empty {
            self.head.read(&self.line);
            self.line = Line::default();
            return false;
        }
        self.heads += 1;
        self.part = match self.head {
            Head { chunked: true, is_version_1_1: true, .. } => Part::ChunkSize(ChunkSize::default()),
            Head { length: Some(length), .. } if length > 0 => Part::Body(length),
            _ => return true,
        };
        false
    }

    fn size_byte(&mut self, size: ChunkSize, byte: u8) -> bool {
        let next = match byte {
            // The end of the chunk before.
            b'\r' => size,
            b'\n' if size.digits == 0 => size,
            b'\n' if size.bytes == 0 => {
                self.part = Part::Trailer;
                return false;
            }
            b'\n' => {
                self.part = Part::Chunk(size.bytes);
                return false;
            }
            _ if size.over => size,
            b' ' | b'\t' | b';' if size.digits > 0 => ChunkSize { over: true, ..size },
            _ => match (char::from(byte).to_digit(16), size.bytes.checked_mul(16)) {
                (Some(digit), Some(bytes)) => ChunkSize {
                    bytes: bytes + u64::from(digit),
                    digits: size.digits.saturating_add(1),
                    over: false,
                },
                // No size at all.
                _ => return true,
            },
        };
        self.part = Part::ChunkSize(next);
        false
    }

    fn trailer_byte(&mut self, byte: u8) -> bool {
        if byte != b'\n' {
            self.line.push(byte);
            return false;
        }
        let is_empty = self.line.length == 0;
        self.line = Line::default();
        is_empty
    }
}

impl Line {
    fn push(&mut self, byte: u8) {
        if byte == b'\r' {
            return;
        }
        if let Some(place) = self.bytes.get_mut(self.length) {
            *place = byte;
        }
        self.length += 1;
        self.tail = self.tail << 8 | u64::from(byte);
    }

    /// The line, if it is short enough to be known.
    fn known(&self) -> Option<&[u8]> {
        self.bytes.get(..self.length)
    }
}

impl Head {
    fn read(&mut self, line: &Line) {
        self.lines = self.lines.saturating_add(1);
        if self.lines == 1 {
            self.is_version_1_1 = line.tail == u64::from_be_bytes(*b"HTTP/1.1");
            return;
        }
        let Some(line) = line.known() else { return };
        let Some(colon) = line.iter().position(|byte| *byte == b':') else { return };
        let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
        if name.eq_ignore_ascii_case(b"transfer-encoding") {
            self.chunked = value.eq_ignore_ascii_case(b"chunked");
        } else if name.eq_ignore_ascii_case(b"content-length") {
            self.length = std::str::from_utf8(value).ok().and_then(|digits| digits.parse().ok());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The requests in `bytes`, fed in pieces of `piece` bytes.
    fn requests(bytes: &[u8], piece: usize) -> Vec<String> {
        let (mut framing, mut found, mut start, mut at) = (Framing::default(), Vec::new(), 0, 0);
        while at < bytes.len() {
            let end = (at + piece).min(bytes.len());
            match framing.feed(&bytes[at..end]) {
                Some(taken) => {
                    at += taken;
                    found.push(String::from_utf8_lossy(&bytes[start..at]).into_owned());
                    start = at;
                    assert!(!framing.is_within());
                }
                None => at = end,
            }
        }
        assert_eq!(framing.is_within(), start < at);
        found
    }

    fn check(bytes: &str, want: &[&str]) {
        for piece in [1, 2, 3, 7, 64, 4096] {
            assert_eq!(requests(bytes.as_bytes(), piece), want, "in pieces of {piece}: {bytes:?}");
        }
    }

    #[test]
    fn requests_end_where_their_body_does() {
        let plain = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
        check(plain, &[plain]);
        check(&plain.repeat(3), &[plain; 3]);
        check("GET / HTTP/1.1\n\n", &["GET / HTTP/1.1\n\n"]);
        check("\r\n\r\nGET / HTTP/1.1\r\n\r\n", &["\r\n\r\nGET / HTTP/1.1\r\n\r\n"]);
        let body = "POST / HTTP/1.1\r\ncontent-LENGTH:  5 \r\n\r\n\n\n\n\n\n";
        check(&format!("{body}{plain}"), &[body, plain]);
        let none = "POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n";
        check(&format!("{none}{none}"), &[none, none]);
        check("GET / HTTP/1.1\r\nHost: x\r\n", &[]);
        check("POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\n12345678", &[]);
    }

    #[test]
    fn chunks_end_with_an_empty_one() {
        let head = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";
        for chunks in [
            "0\r\n\r\n",
            "5\r\nabc\r\n\r\n0\r\n\r\n",
            "A;x=y\r\n0123456789\r\n0\r\nX: y\r\n\r\n",
            "1 \r\n\n\r\n0\r\n\r\n",
        ] {
            let request = format!("{head}{chunks}");
            check(&format!("{request}{request}"), &[&request, &request]);
        }
    }

    #[test]
    fn in_doubt_a_request_ends_early() {
        // HTTP/1.0 has no chunks, and a length that no number is has no body.
        for head in [
            "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
            "POST / HTTP/1.1\r\nContent-Length: five\r\n\r\n",
            "POST / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
        ] {
            check(head, &[head]);
        }
        let padded = format!("POST / HTTP/1.1\r\nContent-Length: {}5\r\n\r\n", "0".repeat(50));
        check(&padded, &[&padded]);
        let chunk = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nx";
        check(chunk, &[chunk]);
        let huge = format!("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1{}", "0".repeat(16));
        check(&huge, &[&huge]);
    }

    #[test]
    fn an_empty_line_begins_no_request() {
        let mut framing = Framing::default();
        assert_eq!(framing.feed(b"\r\n"), None);
        assert!(!framing.is_within());
        assert_eq!(framing.feed(b"\r\nG"), None);
        assert!(framing.is_within());
        assert_eq!(framing.feed(b"ET / HTTP/1.1\r\n\r\n"), Some(17));
    }

    #[test]
    fn heads_are_counted_before_their_bodies() {
        let mut framing = Framing::default();
        framing.feed(b"POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\n12");
        assert_eq!(framing.heads(), 1);
        assert_eq!(framing.feed(b"345GET"), Some(3));
        assert_eq!(framing.feed(b"GET / HTTP/1.1\r\n\r\n"), Some(18));
        assert_eq!(framing.heads(), 2);
    }
}
