//! A client of HTTP/2, plain or with TLS, blocking as the rest of the tests.

use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;

use bytes::Bytes;
use h2::RecvStream;
use h2::client::{Builder, SendRequest};
use serde_json::Value;
use sward_protocol::sse::decode::{Frame, Parser};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::runtime::Runtime;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::ClientConfig;
use tokio_rustls::rustls::pki_types::ServerName;

use crate::support::{DEADLINE, Response};

/// One connection.
pub struct H2 {
    runtime: Arc<Runtime>,
    sender: SendRequest<Bytes>,
    /// The same socket, to cut it.
    pub socket: TcpStream,
}

/// A stream of events on it.
pub struct H2Stream {
    runtime: Arc<Runtime>,
    body: RecvStream,
    pub status: u16,
    parser: Parser,
    frames: Vec<Frame>,
    pub last_id: String,
}

impl H2 {
    pub fn open(address: SocketAddr) -> Self {
        Self::over(TcpStream::connect(address).unwrap(), None, 65_535)
    }

    pub fn open_tls(address: SocketAddr, config: &Arc<ClientConfig>) -> Self {
        Self::over(TcpStream::connect(address).unwrap(), Some(config), 65_535)
    }

    /// Speaks HTTP/2 over this socket. Each stream of it has that window.
    pub fn over(socket: TcpStream, tls: Option<&Arc<ClientConfig>>, window: u32) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = Arc::new(runtime.unwrap());
        let copy = socket.try_clone().unwrap();
        socket.set_nonblocking(true).unwrap();
        socket.set_nodelay(true).unwrap();
        let sender = runtime.block_on(async {
            let tcp = tokio::net::TcpStream::from_std(socket).unwrap();
            let Some(config) = tls else { return handshake(tcp, window).await };
            let name = ServerName::try_from("localhost").unwrap();
            let connecting = TlsConnector::from(Arc::clone(config)).connect(name, tcp);
            let stream = timeout(DEADLINE, connecting).await.unwrap().unwrap();
            assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
            handshake(stream, window).await
        });
        Self { runtime, sender, socket: copy }
    }

    pub fn request(&mut self, method: &str, path: &str, body: &[u8]) -> Response {
        let answer = self.send(method, path, body);
        let (head, mut body) = self.answer(answer).into_parts();
        let bytes = self.runtime.block_on(async {
            let mut bytes = Vec::new();
            while let Some(chunk) = timeout(DEADLINE, body.data()).await.unwrap() {
                let chunk = chunk.unwrap();
                body.flow_control().release_capacity(chunk.len()).unwrap();
                bytes.extend_from_slice(&chunk);
            }
            bytes
        });
        let header = |(name, value): (&http::HeaderName, &http::HeaderValue)| {
            (name.as_str().to_owned(), value.to_str().unwrap().to_owned())
        };
        Response {
            status: head.status.as_u16(),
            headers: head.headers.iter().map(header).collect(),
            body: bytes,
        }
    }

    /// Asks, and does not wait for the answer.
    pub fn send(&mut self, method: &str, path: &str, body: &[u8]) -> h2::client::ResponseFuture {
        let request =
            http::Request::builder().method(method).uri(format!("http://localhost{path}")).body(()).unwrap();
        let mut sender = self
            .runtime
            .block_on(async { timeout(DEADLINE, self.sender.clone().ready()).await })
            .unwrap()
            .unwrap();
        let (answer, mut upload) = sender.send_request(request, body.is_empty()).unwrap();
        if !body.is_empty() {
            upload.send_data(Bytes::copy_from_slice(body), true).unwrap();
        }
        answer
    }

    pub fn answer(&self, answer: h2::client::ResponseFuture) -> http::Response<RecvStream> {
        self.runtime.block_on(async { timeout(DEADLINE, answer).await }).unwrap().unwrap()
    }

    pub fn stream(&mut self, path: &str) -> H2Stream {
        let answer = self.send("GET", path, b"");
        let (head, body) = self.answer(answer).into_parts();
        H2Stream {
            runtime: Arc::clone(&self.runtime),
            body,
            status: head.status.as_u16(),
            parser: Parser::new(1 << 21),
            frames: Vec::new(),
            last_id: String::new(),
        }
    }
}

async fn handshake<T>(io: T, window: u32) -> SendRequest<Bytes>
where
    T: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let connecting = Builder::new()
        .initial_max_send_streams(2_000)
        .initial_window_size(window)
        // Streams that a test does not read leave window for those that it does.
        .initial_connection_window_size(1 << 24)
        .handshake(io);
    let (sender, connection) = timeout(DEADLINE, connecting).await.unwrap().unwrap();
    tokio::spawn(async move {
        // Cut by a test, or the server is gone.
        let _ = connection.await;
    });
    sender
}

impl H2Stream {
    /// The data of the next event that is no beat, which must have this name.
    pub fn expect(&mut self, name: &str) -> Value {
        let frame = self.next().unwrap_or_else(|| panic!("the stream ended, not {name}"));
        assert_eq!(frame.name, name, "{}", frame.data);
        serde_json::from_str(&frame.data).unwrap()
    }

    /// The next event that is no beat. `None` at the end of the stream.
    pub fn next(&mut self) -> Option<Frame> {
        loop {
            let frame = self.next_frame()?;
            if frame.name != "noop" {
                return Some(frame);
            }
        }
    }

    pub fn next_frame(&mut self) -> Option<Frame> {
        while self.frames.is_empty() {
            self.read_more()?;
        }
        let frame = self.frames.remove(0);
        self.last_id.clone_from(&frame.last_id);
        Some(frame)
    }

    fn read_more(&mut self) -> Option<()> {
        let chunk = self.runtime.block_on(async { timeout(DEADLINE, self.body.data()).await });
        let chunk = chunk.unwrap_or_else(|_| panic!("nothing came within {DEADLINE:?}"))?.unwrap();
        self.body.flow_control().release_capacity(chunk.len()).unwrap();
        let frames = &mut self.frames;
        self.parser.feed(&chunk, |frame| frames.push(frame)).unwrap();
        Some(())
    }
}
