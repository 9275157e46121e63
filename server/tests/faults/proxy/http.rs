//! As much of HTTP/1.1 as a proxy needs to know where a request and an answer end.

use super::link::Intake;

/// Bytes of a request that are read: above all that the server takes.
const REQUEST_BYTES_MAX: usize = 512 * 1024;
/// Bytes of a head.
const HEAD_BYTES_MAX: usize = 64 * 1024;

/// What a request is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A stream that stays open.
    Stream,
    /// A stream whose answers are complete: `mode=drain`.
    Drain,
    Send,
    Join,
    Sessions,
    Rooms,
    Other,
}

impl Kind {
    fn of(path_and_query: &str) -> Self {
        let (path, query) = path_and_query.split_once('?').unwrap_or((path_and_query, ""));
        match path {
            "/v1/stream" if query.split('&').any(|option| option == "mode=drain") => Self::Drain,
            "/v1/stream" => Self::Stream,
            "/v1/send" => Self::Send,
            "/v1/sessions" => Self::Sessions,
            "/v1/rooms" => Self::Rooms,
            "/v1/join" => Self::Join,
            room if room.starts_with("/v1/rooms/") && room.ends_with("/join") => Self::Join,
            _ => Self::Other,
        }
    }
}

/// A whole request, as it came.
#[derive(Debug, Clone)]
pub struct Request {
    pub kind: Kind,
    pub bytes: Vec<u8>,
    /// Its query.
    pub query: String,
    accepts_events: bool,
}

impl Request {
    /// The next request of a connection; nothing when it ends, also in the middle of one.
    pub async fn read(intake: &mut Intake) -> Option<Self> {
        let mut bytes = Vec::new();
        let (head_end, length) = loop {
            if let Some(end) = end_of_head(&bytes) {
                break (end, content_length(&bytes[..end]).unwrap_or(0));
            }
            assert!(bytes.len() <= HEAD_BYTES_MAX, "a request's head has no end");
            bytes.extend_from_slice(&intake.read().await?);
        };
        assert!(length <= REQUEST_BYTES_MAX, "a request of {length} bytes");
        while bytes.len() < head_end + length {
            bytes.extend_from_slice(&intake.read().await?);
        }
        assert_eq!(bytes.len(), head_end + length, "no client of these tests sends the next request early");
        let head = String::from_utf8_lossy(&bytes[..head_end]).into_owned();
        let path = head.split(' ').nth(1).unwrap_or_default();
        let accepts_events =
            header(&bytes[..head_end], "accept").is_some_and(|value| value.contains("text/event-stream"));
        let query = path.split_once('?').map_or("", |(_, query)| query).to_owned();
        Some(Self { kind: Kind::of(path), bytes, query, accepts_events })
    }

    /// Whether it says that it waits for events.
    pub fn accepts_events(&self) -> bool {
        self.accepts_events
    }
}

/// How an answer's body ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Framing {
    /// In the head, so far as it came.
    Head,
    /// So many bytes are to come.
    Length(usize),
    /// In chunks.
    Chunked(Chunk),
    /// With the connection.
    Close,
}

/// Where in the chunks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Chunk {
    /// In the line with the size; the digits so far.
    Size(usize),
    /// So many bytes to come, the line end behind them included.
    Data(usize),
    /// In the line end behind the last chunk.
    Last(usize),
}

/// Follows an answer to its end.
#[derive(Debug)]
pub struct Answer {
    head: Vec<u8>,
    framing: Framing,
    is_over: bool,
    closes: bool,
    /// Bytes of the head, once it is whole.
    pub head_bytes: Option<usize>,
    /// `Content-Type`, once the head is whole.
    pub media_type: String,
}

impl Answer {
    pub fn new() -> Self {
        let (head, media_type) = (Vec::new(), String::new());
        Self { head, framing: Framing::Head, is_over: false, closes: false, head_bytes: None, media_type }
    }

    /// Whether all of it came.
    pub fn is_over(&self) -> bool {
        self.is_over
    }

    /// Whether the connection can be used no more when it is over.
    pub fn closes(&self) -> bool {
        self.closes
    }

    /// Whether its head said that all of it comes at once.
    pub fn is_short(&self) -> bool {
        self.is_over || matches!(self.framing, Framing::Length(_))
    }

    /// Takes the next bytes.
    pub fn feed(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() && !self.is_over {
            bytes = match self.framing {
                Framing::Head => self.feed_head(bytes),
                Framing::Length(left) => {
                    let taken = left.min(bytes.len());
                    self.framing = Framing::Length(left - taken);
                    self.is_over = left == taken;
                    &bytes[taken..]
                }
                Framing::Chunked(chunk) => self.feed_chunk(chunk, bytes),
                Framing::Close => &[],
            };
        }
        assert!(bytes.is_empty(), "the server said more than it announced");
    }

    fn feed_head<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let before = self.head.len();
        self.head.extend_from_slice(bytes);
        let Some(end) = end_of_head(&self.head) else { return &[] };
        let head = &self.head[..end];
        let status = head.split(|byte| *byte == b' ').nth(1).unwrap_or_default();
        self.closes = header(head, "connection").is_some_and(|value| value.eq_ignore_ascii_case("close"));
        self.media_type = header(head, "content-type").unwrap_or_default();
        self.head_bytes = Some(end);
        self.framing = match (content_length(head), header(head, "transfer-encoding")) {
            _ if status == b"204" || status == b"304" => Framing::Length(0),
            (_, Some(_)) => Framing::Chunked(Chunk::Size(0)),
            (Some(length), None) => Framing::Length(length),
            (None, None) => Framing::Close,
        };
        self.is_over = self.framing == Framing::Length(0);
        self.closes |= self.framing == Framing::Close;
        &bytes[end - before..]
    }

    fn feed_chunk<'a>(&mut self, chunk: Chunk, bytes: &'a [u8]) -> &'a [u8] {
        let (next, taken) = match chunk {
            Chunk::Size(size) => match bytes[0] {
                b'\n' if size == 0 => (Chunk::Last(2), 1),
                b'\n' => (Chunk::Data(size + 2), 1),
                b'\r' => (Chunk::Size(size), 1),
                digit => {
                    let digit = char::from(digit).to_digit(16).expect("no chunk of these has an extension");
                    (Chunk::Size(size * 16 + digit as usize), 1)
                }
            },
            Chunk::Data(left) => {
                let taken = left.min(bytes.len());
                (if left == taken { Chunk::Size(0) } else { Chunk::Data(left - taken) }, taken)
            }
            Chunk::Last(left) => {
                let taken = left.min(bytes.len());
                self.is_over = left == taken;
                (Chunk::Last(left - taken), taken)
            }
        };
        self.framing = Framing::Chunked(next);
        &bytes[taken..]
    }
}

fn end_of_head(bytes: &[u8]) -> Option<usize> {
    bytes.windows(4).position(|window| window == b"\r\n\r\n").map(|at| at + 4)
}

fn header(head: &[u8], wanted: &str) -> Option<String> {
    String::from_utf8_lossy(head).split("\r\n").skip(1).find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case(wanted).then(|| value.trim().to_owned())
    })
}

fn content_length(head: &[u8]) -> Option<usize> {
    header(head, "content-length").map(|length| length.parse().expect("a length is a number"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The answer is over with its last byte and not before, however it is cut.
    fn check(text: &str, closes: bool) {
        for size in 1..=text.len() {
            let mut answer = Answer::new();
            let mut seen = 0;
            for piece in text.as_bytes().chunks(size) {
                assert!(!answer.is_over(), "over after {seen} bytes of {text:?}");
                answer.feed(piece);
                seen += piece.len();
            }
            assert!(answer.is_over(), "{text:?} in pieces of {size}");
            assert_eq!(answer.closes(), closes, "{text:?}");
        }
    }

    #[test]
    fn the_end_of_an_answer_is_found_however_it_is_framed() {
        check("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", false);
        check("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nhi", true);
        check("HTTP/1.1 204 No Content\r\n\r\n", false);
        check(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n12\r\n123456789012345678\r\n0\r\n\r\n",
            false,
        );
    }

    #[test]
    fn what_has_no_length_ends_with_its_connection() {
        let mut answer = Answer::new();
        answer.feed(b"HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\n\r\nand so on");
        assert!(answer.closes() && !answer.is_over() && !answer.is_short());
        assert_eq!(answer.media_type, "application/octet-stream");
    }

    #[test]
    fn requests_are_told_apart_by_their_path() {
        let check = |path, want| assert_eq!(Kind::of(path), want, "{path}");
        check("/v1/stream?n=1", Kind::Stream);
        check("/v1/stream?n=1&mode=drain", Kind::Drain);
        check("/v1/send?token=1", Kind::Send);
        check("/v1/join", Kind::Join);
        check("/v1/rooms/17/join", Kind::Join);
        check("/v1/rooms", Kind::Rooms);
        check("/v1/sessions", Kind::Sessions);
        check("/metrics", Kind::Other);
    }
}
