//! One player's stream, read from its socket and counted.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::rc::Rc;

use sward_protocol::ids::{EventId, Token};
use tokio::io::{AsyncRead as _, AsyncReadExt as _, AsyncWriteExt as _, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Instant;
use uuid::Uuid;

use super::scan::Scan;
use super::tally::{Pace, Tally};
use crate::client::Endpoint;

/// Bytes of the answer's head.
const HEAD_BYTES_MAX: usize = 4 * 1024;
/// Bytes that are read at once.
const READ_BYTES: usize = 256 * 1024;

/// What all readers of a thread share.
#[derive(Debug)]
pub struct Desk {
    /// What they counted.
    pub tally: RefCell<Tally>,
    /// Only one of them reads at a time.
    buffer: RefCell<Box<[u8]>>,
    started: Instant,
}

impl Default for Desk {
    fn default() -> Self {
        let buffer = RefCell::new(vec![0; READ_BYTES].into());
        Self { tally: RefCell::default(), buffer, started: Instant::now() }
    }
}

/// A stream that has begun.
#[derive(Debug)]
pub struct RawStream {
    socket: TcpStream,
    last: LastId,
}

/// The id of an event that a player has read, for an acknowledgement; looked for anew when it was taken.
pub type LastId = Rc<Cell<Option<EventId>>>;

impl RawStream {
    /// Opens the session's stream, `batch=1`.
    ///
    /// # Errors
    /// Those of the socket; `InvalidData` if the answer is no stream.
    pub async fn open(endpoint: &Endpoint, token: &Token) -> io::Result<Self> {
        let mut socket = TcpStream::connect(endpoint.address()).await?;
        let route = format!("/v1/stream?n=r{}&batch=1", &Uuid::new_v4().simple().to_string()[..15]);
        let request = format!(
            "GET {} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\nAccept: text/event-stream\r\n\r\n",
            endpoint.target(&route),
            endpoint.authority(),
            token.reveal()
        );
        socket.write_all(request.as_bytes()).await?;
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") && head.len() < HEAD_BYTES_MAX {
            head.push(socket.read_u8().await?);
        }
        if head.starts_with(b"HTTP/1.1 200 ") {
            Ok(Self { socket, last: LastId::default() })
        } else {
            let line = String::from_utf8_lossy(head.split(|byte| *byte == b'\r').next().unwrap_or_default());
            Err(io::Error::new(io::ErrorKind::InvalidData, format!("{line:?} instead of a stream")))
        }
    }

    /// What its player has read.
    pub fn last(&self) -> LastId {
        Rc::clone(&self.last)
    }

    /// Reads and counts until the stream ends.
    pub async fn read(mut self, desk: Rc<Desk>) {
        let (mut scan, mut pace) = (Scan::default(), Pace::default());
        let why = loop {
            match self.read_once(&desk, &mut scan, &mut pace).await {
                Ok(0) => break "the stream was cut".to_owned(),
                Ok(_) => {}
                Err(error) => break error.to_string(),
            }
        };
        desk.tally.borrow_mut().end(why);
    }

    async fn read_once(&mut self, desk: &Desk, scan: &mut Scan, pace: &mut Pace) -> io::Result<usize> {
        poll_fn(|context| {
            let mut buffer = desk.buffer.borrow_mut();
            let mut filled = ReadBuf::new(&mut buffer);
            let polled = Pin::new(&mut self.socket).poll_read(context, &mut filled);
            polled.map_ok(|()| {
                let piece = filled.filled();
                let now = desk.started.elapsed();
                let mut tally = desk.tally.borrow_mut();
                let mut patches = 0;
                let objects = scan.feed(piece, |tick| {
                    patches += 1;
                    tally.patch(pace, tick, now);
                });
                tally.count(piece.len(), objects, patches);
                if self.last.get().is_none() {
                    self.last.set(id_in(piece));
                }
                piece.len()
            })
        })
        .await
    }
}

/// The last id that stands whole in a piece of a stream.
fn id_in(piece: &[u8]) -> Option<EventId> {
    const LINE: &[u8] = b"\nid: ";
    let behind = &piece[memchr::memmem::rfind(piece, LINE)? + LINE.len()..];
    let id = &behind[..memchr::memchr(b'\n', behind)?];
    std::str::from_utf8(id).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_whole_id_is_found() {
        let found = |piece: &str| id_in(piece.as_bytes()).map(|id| id.to_string());
        let two = "1f\r\nid: 7f3a91c2.44\nevent: patch\ndata: {}\n\nid: 7f3a91c2.45\nevent: patch\n";
        assert_eq!(found(two).as_deref(), Some("7f3a91c2.45"));
        for none in ["", "\nid: 7f3a91c2.4", "\nid: x\n", "data: {\"id: 1\"}\n\n"] {
            assert_eq!(found(none), None, "{none}");
        }
    }
}
