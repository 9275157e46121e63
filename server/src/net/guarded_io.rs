//! Stands between a connection and the HTTP layer, and hands over only what that can bound.
//!
//! actix-http decodes all requests that one read brings at once, some kilobytes of memory each, reads on however much
//! waits to be written, and gives the second head of a connection all the time in the world. So on HTTP/1 one request
//! is handed over at a time, the next one when the last is answered; nothing is read while the peer does not read; and a
//! request that is not complete in time ends its connection. On HTTP/2, where requests are meant to come together,
//! [`answering`](super::answering) bounds their number, and here each turn of the connection has but a few of them, none
//! with a head that is too large, and many that are given up end it.

use std::future::Future as _;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use actix_http::Protocol;
use actix_web::rt::spawn;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;

use super::frames::Frames;
use super::framing::Framing;
use super::gate::Gate;
use super::socket::Opened;
use super::socket::Socket;
use crate::metrics::Metrics;

/// How long a request of HTTP/1 may take from its first byte to its last.
pub const REQUEST_WAIT_MAX: Duration = Duration::from_secs(30);
/// Bytes that are read ahead while a request is under way. One read must be made to hear that the peer hangs up.
const AHEAD_BYTES_MAX: usize = 1024;

/// A guarded connection.
#[derive(Debug)]
pub struct GuardedIo {
    socket: Socket,
    /// Read, and not handed over yet.
    ahead: Vec<u8>,
    follower: Follower,
    gate: Rc<Gate>,
    /// The peer did not take what was last written.
    is_blocked: bool,
    /// Runs while a request is incomplete.
    patience: Option<Pin<Box<Sleep>>>,
    metrics: Arc<Metrics>,
}

/// What follows the bytes that come in.
#[derive(Debug)]
enum Follower {
    /// On HTTP/1, where a request ends.
    Http1(Framing),
    /// On HTTP/2, what is asked for.
    Http2(Frames),
}

impl GuardedIo {
    /// Guards a connection.
    #[must_use]
    pub fn new(opened: Opened, metrics: Arc<Metrics>) -> Self {
        let Opened { socket, first, protocol, .. } = opened;
        let follower = match protocol {
            Protocol::Http1 => Follower::Http1(Framing::default()),
            _ => Follower::Http2(Frames::default()),
        };
        Self {
            socket,
            ahead: first,
            follower,
            gate: Rc::default(),
            is_blocked: false,
            patience: None,
            metrics,
        }
    }

    /// What its requests share with it.
    #[must_use]
    pub fn gate(&self) -> &Rc<Gate> {
        &self.gate
    }

    /// Nothing may be handed over now. Only the end of the connection is.
    fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.ahead.is_empty() {
            self.gate.wait(cx.waker());
            return Poll::Pending;
        }
        let mut bytes = [0; AHEAD_BYTES_MAX];
        let mut buffer = ReadBuf::new(&mut bytes);
        ready!(Pin::new(&mut self.socket).poll_read(cx, &mut buffer))?;
        if buffer.filled().is_empty() {
            return Poll::Ready(Ok(()));
        }
        self.ahead.extend_from_slice(buffer.filled());
        self.gate.wait(cx.waker());
        Poll::Pending
    }

    /// Reads, first what was read ahead.
    fn poll_more(&mut self, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.ahead.is_empty() {
            return Pin::new(&mut self.socket).poll_read(cx, buffer);
        }
        let count = self.ahead.len().min(buffer.remaining());
        buffer.put_slice(&self.ahead[..count]);
        self.ahead.drain(..count);
        if self.ahead.is_empty() {
            self.ahead = Vec::new();
        }
        Poll::Ready(Ok(()))
    }

    /// Reads within one request of HTTP/1.
    fn poll_request(&mut self, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let start = buffer.filled().len();
        let read = self.poll_more(cx, buffer);
        let Follower::Http1(framing) = &mut self.follower else { return read };
        if read.is_ready() {
            let taken = framing.feed(&buffer.filled()[start..]);
            self.gate.handed(framing.heads());
            if let Some(taken) = taken {
                self.put_back(buffer, start + taken);
                self.patience = None;
            }
        } else if framing.is_within() {
            let patience =
                self.patience.get_or_insert_with(|| Box::pin(tokio::time::sleep(REQUEST_WAIT_MAX)));
            if patience.as_mut().poll(cx).is_ready() {
                return Poll::Ready(Err(self.cut("slow_request")));
            }
        }
        read
    }

    /// Reads what belongs to this turn of HTTP/2.
    fn poll_turn(&mut self, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let start = buffer.filled().len();
        let read = self.poll_more(cx, buffer);
        let Follower::Http2(frames) = &mut self.follower else { return read };
        if read.is_pending() {
            return read;
        }
        match frames.feed(&buffer.filled()[start..]) {
            Ok(None) => {}
            Ok(Some(taken)) => {
                self.put_back(buffer, start + taken);
                self.gate.rest();
                let gate = Rc::clone(&self.gate);
                // A wake-up would not do: the HTTP layer asks for more many times in one turn of its own.
                spawn(async move { gate.go_on() });
            }
            Err(what) => return Poll::Ready(Err(self.cut(what.as_str()))),
        }
        read
    }

    /// What is behind the first `end` bytes of the buffer is not handed over yet.
    fn put_back(&mut self, buffer: &mut ReadBuf<'_>, end: usize) {
        // What came from `ahead` goes back before what is still there.
        self.ahead.splice(..0, buffer.filled()[end..].iter().copied());
        buffer.set_filled(end);
    }

    fn cut(&self, why: &str) -> io::Error {
        self.metrics.connections_cut.with_label_values(&[why]).inc();
        io::Error::new(io::ErrorKind::TimedOut, "the peer was cut")
    }

    /// The peer took bytes, or did not.
    fn wrote<T>(&mut self, outcome: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        let was_blocked = std::mem::replace(&mut self.is_blocked, outcome.is_pending());
        if was_blocked && !self.is_blocked {
            self.gate.wake();
        }
        outcome
    }
}

impl AsyncRead for GuardedIo {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        match &mut this.follower {
            Follower::Http1(_) if this.gate.is_confused() => Poll::Ready(Err(this.cut("confusing_request"))),
            Follower::Http1(framing) if this.is_blocked || this.gate.is_busy() && !framing.is_within() => {
                this.poll_end(cx)
            }
            Follower::Http1(_) => this.poll_request(cx, buffer),
            Follower::Http2(_) if this.is_blocked || this.gate.is_resting() => {
                this.gate.wait(cx.waker());
                Poll::Pending
            }
            Follower::Http2(_) => this.poll_turn(cx, buffer),
        }
    }
}

impl AsyncWrite for GuardedIo {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let outcome = Pin::new(&mut this.socket).poll_write(cx, bytes);
        this.wrote(outcome)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let outcome = Pin::new(&mut this.socket).poll_write_vectored(cx, slices);
        this.wrote(outcome)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let outcome = Pin::new(&mut this.socket).poll_flush(cx);
        this.wrote(outcome)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().socket).poll_shutdown(cx)
    }
}

impl Drop for GuardedIo {
    fn drop(&mut self) {
        self.gate.end();
    }
}
