//! A connection as bytes: plain, or through TLS; and which HTTP it speaks.

use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use actix_http::Protocol;
use actix_web::rt::net::TcpStream;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, ReadBuf};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// How long a connection may take until it has said which HTTP it speaks.
const FIRST_WORDS_WAIT_MAX: Duration = Duration::from_secs(10);
/// How an HTTP/2 connection begins ([RFC 9113 §3.4](https://www.rfc-editor.org/rfc/rfc9113#section-3.4)).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// Bytes that TLS keeps unsent: as many as the kernel does.
const TLS_UNSENT_BYTES_MAX: usize = 16 * 1024;

/// A connection's bytes.
#[derive(Debug)]
pub enum Socket {
    /// As they are.
    Plain(TcpStream),
    /// Decrypted.
    Tls(Box<TlsStream<TcpStream>>),
}

/// A connection whose first words are known.
#[derive(Debug)]
pub struct Opened {
    /// The rest.
    pub socket: Socket,
    /// What was read already.
    pub first: Vec<u8>,
    /// What it speaks.
    pub protocol: Protocol,
    /// Who is at the other end.
    pub peer: Option<SocketAddr>,
}

/// Finds out what a new connection speaks.
///
/// # Errors
/// It failed, or was silent for 10 s.
pub async fn open(tcp: TcpStream, tls: Option<&TlsAcceptor>) -> io::Result<Opened> {
    let opening = async {
        let peer = tcp.peer_addr().ok();
        let Some(tls) = tls else {
            let mut socket = Socket::Plain(tcp);
            let (first, protocol) = first_words(&mut socket).await?;
            return Ok(Opened { socket, first, protocol, peer });
        };
        let mut stream = tls.accept(tcp).await?;
        let (_, session) = stream.get_mut();
        session.set_buffer_limit(Some(TLS_UNSENT_BYTES_MAX));
        let protocol = if session.alpn_protocol() == Some(b"h2") { Protocol::Http2 } else { Protocol::Http1 };
        Ok(Opened { socket: Socket::Tls(Box::new(stream)), first: Vec::new(), protocol, peer })
    };
    timeout(FIRST_WORDS_WAIT_MAX, opening).await.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?
}

/// Reads until the preface of HTTP/2 is there, or cannot be any more.
async fn first_words(socket: &mut Socket) -> io::Result<(Vec<u8>, Protocol)> {
    let mut first = Vec::new();
    let mut buffer = [0; 1024];
    loop {
        let count = socket.read(&mut buffer).await?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        first.extend_from_slice(&buffer[..count]);
        let compared = first.len().min(PREFACE.len());
        if first[..compared] != PREFACE[..compared] {
            return Ok((first, Protocol::Http1));
        }
        if compared == PREFACE.len() {
            return Ok((first, Protocol::Http2));
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(tcp) => Pin::new(tcp).poll_read(cx, buffer),
            Self::Tls(tls) => Pin::new(tls.as_mut()).poll_read(cx, buffer),
        }
    }
}

impl AsyncWrite for Socket {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(tcp) => Pin::new(tcp).poll_write(cx, bytes),
            Self::Tls(tls) => Pin::new(tls.as_mut()).poll_write(cx, bytes),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(tcp) => Pin::new(tcp).poll_write_vectored(cx, slices),
            Self::Tls(tls) => Pin::new(tls.as_mut()).poll_write_vectored(cx, slices),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Plain(tcp) => tcp.is_write_vectored(),
            Self::Tls(tls) => tls.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(tcp) => Pin::new(tcp).poll_flush(cx),
            Self::Tls(tls) => Pin::new(tls.as_mut()).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(tcp) => Pin::new(tcp).poll_shutdown(cx),
            Self::Tls(tls) => Pin::new(tls.as_mut()).poll_shutdown(cx),
        }
    }
}
