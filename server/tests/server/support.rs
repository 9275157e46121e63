//! A server process, and a client that shows the very bytes. Blocking, with deadlines: a test waits for what it expects,
//! and fails when it does not come.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use sward_protocol::sse::decode::{Frame, Parser};

/// How long a test waits for what must come.
pub const DEADLINE: Duration = Duration::from_secs(20);

/// A running server; stopped when dropped.
pub struct Server {
    child: Option<Child>,
    /// What stands before every path.
    prefix: &'static str,
    pub address: SocketAddr,
    pub tls_address: Option<SocketAddr>,
}

impl Server {
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    pub fn start_with(options: &[&str]) -> Self {
        Self::start_on("127.0.0.1:0", options)
    }

    /// On an address of the test's choice: where another server was a moment ago.
    pub fn start_on(address: &str, options: &[&str]) -> Self {
        Self::launch(address, options, Stdio::inherit())
    }

    /// One whose log goes into a pipe that nobody reads any more.
    pub fn start_unheard() -> Self {
        let mut server = Self::launch("127.0.0.1:0", &[], Stdio::piped());
        drop(server.child.as_mut().unwrap().stderr.take());
        server
    }

    fn launch(address: &str, options: &[&str], log: Stdio) -> Self {
        Self::run(&[&["--listen", address], options].concat(), log)
    }

    /// With these arguments and no others.
    pub fn run(arguments: &[&str], log: Stdio) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_sward"))
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let find = |scheme| line.split_whitespace().find_map(|word| word.strip_prefix(scheme));
        let address = |url: &str| url.trim_end_matches('/').parse().unwrap();
        let (address, tls_address) = (address(find("http://").unwrap()), find("https://").map(address));
        Self { child: Some(child), prefix: "", address, tls_address }
    }

    /// One that runs within this process, its routes below a prefix.
    pub fn within(address: SocketAddr, prefix: &'static str) -> Self {
        Self { child: None, prefix, address, tls_address: None }
    }

    /// Writes a line to its standard input.
    pub fn type_line(&mut self, line: &str) {
        writeln!(self.child.as_mut().unwrap().stdin.as_mut().unwrap(), "{line}").unwrap();
    }

    pub fn pid(&self) -> u32 {
        self.child.as_ref().unwrap().id()
    }

    /// Tells it to stop.
    #[cfg(unix)]
    pub fn terminate(&self) {
        let told = Command::new("kill").args(["-TERM", &self.pid().to_string()]).status().unwrap();
        assert!(told.success());
    }

    /// Waits for the process to end by itself.
    pub fn wait(&mut self) -> std::process::ExitStatus {
        let deadline = Instant::now() + DEADLINE;
        loop {
            if let Some(status) = self.child.as_mut().unwrap().try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < deadline, "the server does not end");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    pub fn get(&self, path: &str) -> Response {
        self.request("GET", path, &[], b"")
    }

    pub fn post(&self, path: &str, body: &Value) -> Response {
        self.request("POST", path, &[], body.to_string().as_bytes())
    }

    pub fn request(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Response {
        let mut connection = Connection::open(self.address);
        connection.send(method, &format!("{}{path}", self.prefix), "HTTP/1.1", headers, body);
        connection.response()
    }

    /// A new player.
    pub fn player(&self, name: &str) -> Player<'_> {
        let response = self.post("/v1/sessions", &json!({ "name": name }));
        assert_eq!(response.status, 201, "{}", response.text());
        let session = response.json();
        Player { server: self, token: session["token"].as_str().unwrap().to_owned(), session }
    }

    /// The value of a metric, given with its labels.
    pub fn metric(&self, name: &str) -> Option<u64> {
        let text = self.get("/metrics").text();
        text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok())
    }

    /// Waits until a metric has this value.
    pub fn await_metric(&self, name: &str, want: u64) {
        let deadline = Instant::now() + DEADLINE;
        while self.metric(name) != Some(want) {
            assert!(Instant::now() < deadline, "{name} is {:?}, not {want}", self.metric(name));
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Somebody with a session.
#[derive(Clone)]
pub struct Player<'a> {
    pub server: &'a Server,
    pub token: String,
    pub session: Value,
}

impl<'a> Player<'a> {
    /// A path with the player's token.
    pub fn path(&self, path: &str) -> String {
        let mark = if path.contains('?') { '&' } else { '?' };
        format!("{path}{mark}token={}", self.token)
    }

    pub fn post(&self, path: &str, body: &Value) -> Response {
        self.server.post(&self.path(path), body)
    }

    pub fn send(&self, body: &Value) -> Response {
        self.post("/v1/send", body)
    }

    pub fn join(&self, body: &Value) -> Value {
        let response = self.post("/v1/join", body);
        assert_eq!(response.status, 200, "{}", response.text());
        response.json()
    }

    pub fn stream(&self) -> Stream {
        self.stream_with("")
    }

    /// Opens a stream with more query options, such as `&last=…`, and reads its `hello`.
    pub fn stream_with(&self, options: &str) -> Stream {
        let mut stream = Stream::open(self.server, &self.path("/v1/stream"), options);
        assert_eq!(stream.status, 200);
        stream.expect("hello");
        stream
    }
}

/// An answer.
pub struct Response {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Response {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    /// The code of an error answer, which must be a well-formed problem.
    pub fn code(&self) -> String {
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{}", self.text());
        let problem = self.json();
        assert_eq!(problem["status"], self.status);
        assert!(problem["title"].is_string() && problem["detail"].is_string(), "{problem}");
        problem["code"].as_str().unwrap().to_owned()
    }
}

/// One TCP connection.
pub struct Connection {
    pub socket: TcpStream,
    pub read: Vec<u8>,
}

impl Connection {
    pub fn open(address: SocketAddr) -> Self {
        let socket = TcpStream::connect(address).unwrap();
        socket.set_read_timeout(Some(DEADLINE)).unwrap();
        socket.set_nodelay(true).unwrap();
        Self { socket, read: Vec::new() }
    }

    pub fn send(&mut self, method: &str, path: &str, version: &str, headers: &[(&str, &str)], body: &[u8]) {
        let mut head = format!("{method} {path} {version}\r\nHost: test\r\n");
        for (name, value) in headers {
            head += &format!("{name}: {value}\r\n");
        }
        if method == "POST" {
            head += &format!("Content-Length: {}\r\n", body.len());
        }
        let mut bytes = (head + "\r\n").into_bytes();
        bytes.extend_from_slice(body);
        // A server that refuses a body by its length may close before all of it is written.
        let _ = self.socket.write_all(&bytes);
    }

    /// Reads more; nothing at the end of the connection.
    pub fn more(&mut self) -> usize {
        let mut buffer = [0; 65536];
        let count = match self.socket.read(&mut buffer) {
            Ok(count) => count,
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => 0,
            Err(error) => panic!("nothing came within {DEADLINE:?}: {error}"),
        };
        self.read.extend_from_slice(&buffer[..count]);
        count
    }

    /// Reads up to the end of the head; status and headers in lower case.
    pub fn head(&mut self) -> (u16, Vec<(String, String)>) {
        loop {
            if let Some(end) = self.read.windows(4).position(|window| window == b"\r\n\r\n") {
                let head = String::from_utf8(self.read.drain(..end + 4).collect()).unwrap();
                let mut lines = head.trim_end().split("\r\n");
                let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
                let header = |line: &str| {
                    let (name, value) = line.split_once(':').unwrap();
                    (name.to_ascii_lowercase(), value.trim().to_owned())
                };
                return (status, lines.map(header).collect());
            }
            assert_ne!(self.more(), 0, "closed within the head: {:?}", String::from_utf8_lossy(&self.read));
        }
    }

    pub fn response(&mut self) -> Response {
        let (status, headers) = self.head();
        let length = headers.iter().find(|(name, _)| name == "content-length");
        let length: usize = length.map_or(0, |(_, length)| length.parse().unwrap());
        while self.read.len() < length {
            assert_ne!(self.more(), 0, "closed within the body");
        }
        Response { status, headers, body: self.read.drain(..length).collect() }
    }
}

/// An open stream.
pub struct Stream {
    pub connection: Connection,
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub last_id: String,
    parser: Parser,
    frames: Vec<Frame>,
    chunked: Vec<u8>,
    ended: bool,
}

impl Stream {
    pub fn open(server: &Server, path: &str, options: &str) -> Self {
        let mut connection = Connection::open(server.address);
        let path = format!("{}{path}{options}", server.prefix);
        connection.send("GET", &path, "HTTP/1.1", &[], b"");
        Self::of(connection)
    }

    pub fn of(mut connection: Connection) -> Self {
        let (status, headers) = connection.head();
        let parser = Parser::new(1 << 21);
        let (frames, chunked) = (Vec::new(), Vec::new());
        Self { connection, status, headers, last_id: String::new(), parser, frames, chunked, ended: false }
    }

    /// The next event that is no beat. `None` at the end of the stream.
    pub fn next(&mut self) -> Option<(String, Value)> {
        // A stream never ends by itself, and beats every few seconds.
        let deadline = Instant::now() + 3 * DEADLINE;
        loop {
            assert!(Instant::now() < deadline, "nothing but beats: what is awaited did not come");
            let frame = self.next_frame()?;
            if frame.name != "noop" {
                return Some((frame.name.clone(), serde_json::from_str(&frame.data).unwrap()));
            }
        }
    }

    pub fn next_frame(&mut self) -> Option<Frame> {
        while self.frames.is_empty() {
            if self.ended {
                return None;
            }
            self.read_more();
        }
        let frame = self.frames.remove(0);
        self.last_id.clone_from(&frame.last_id);
        Some(frame)
    }

    /// The data of the next event, which must have this name.
    pub fn expect(&mut self, name: &str) -> Value {
        let (found, data) = self.next().unwrap_or_else(|| panic!("the stream ended, not {name}"));
        assert_eq!(found, name, "{data}");
        data
    }

    /// Skips to the next event of this name.
    pub fn await_event(&mut self, name: &str) -> Value {
        loop {
            let (found, data) = self.next().unwrap_or_else(|| panic!("the stream ended, not {name}"));
            if found == name {
                return data;
            }
        }
    }

    /// Closes the connection at once.
    pub fn cut(self) {
        let _ = self.connection.socket.shutdown(Shutdown::Both);
    }

    fn read_more(&mut self) {
        if self.connection.read.is_empty() && self.connection.more() == 0 {
            self.ended = true;
            return;
        }
        let bytes = std::mem::take(&mut self.connection.read);
        let is_chunked =
            self.headers.iter().any(|(name, value)| name == "transfer-encoding" && value == "chunked");
        let body = if is_chunked { self.dechunked(&bytes) } else { bytes };
        let frames = &mut self.frames;
        self.parser.feed(&body, |frame| frames.push(frame)).unwrap();
    }

    fn dechunked(&mut self, bytes: &[u8]) -> Vec<u8> {
        self.chunked.extend_from_slice(bytes);
        let mut body = Vec::new();
        while let Some(line) = self.chunked.windows(2).position(|window| window == b"\r\n") {
            let size = std::str::from_utf8(&self.chunked[..line]).unwrap();
            let size = usize::from_str_radix(size, 16).unwrap();
            if self.chunked.len() < line + 2 + size + 2 {
                break;
            }
            body.extend_from_slice(&self.chunked[line + 2..line + 2 + size]);
            self.chunked.drain(..line + 2 + size + 2);
            self.ended |= size == 0;
        }
        body
    }
}
