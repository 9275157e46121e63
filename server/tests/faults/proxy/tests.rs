//! Each fault does what it says, seen from both ends.

use std::io::ErrorKind;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::fault::{End, Way, Which};
use super::hold::Until;
use super::*;

const DEADLINE: Duration = Duration::from_secs(20);
const REQUEST: &[u8] = b"POST /v1/send HTTP/1.1\r\nContent-Length: 7\r\n\r\nmessage";
const GET: &[u8] = b"GET /v1/stream HTTP/1.1\r\n\r\n";

/// What the server saw of one connection.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    bytes: Vec<u8>,
    end: Ended,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ended {
    Fin,
    Rst,
    /// It had what it waited for.
    Answered,
}

/// A server that answers the n-th connection's request with these pieces, one after the other, and tells what it saw.
struct Upstream {
    address: SocketAddr,
    seen: mpsc::Receiver<Seen>,
    more: mpsc::Sender<()>,
}

impl Upstream {
    /// The first piece is sent at once, each other one when [`Upstream::more`] is told.
    async fn start(pieces: &'static [&'static str]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, seen) = mpsc::channel(64);
        let (more, asked) = mpsc::channel(64);
        tokio::spawn(async move {
            let mut asked = Some(asked);
            for number in 1.. {
                let (socket, _) = listener.accept().await.unwrap();
                // Only the first connection is told to go on.
                tokio::spawn(serve(socket, number, pieces, asked.take(), sender.clone()));
            }
        });
        Self { address, seen, more }
    }

    async fn seen(&mut self) -> Seen {
        timeout(DEADLINE, self.seen.recv()).await.expect("the server sees no end of a request").unwrap()
    }

    async fn proxy(&self, faults: impl Fn(Kind, u64) -> Fault + Send + Sync + 'static) -> Proxy {
        Proxy::start(self.address, Behaviour { faults: Box::new(faults), ..Behaviour::default() }).await
    }

    async fn holding(&self, until: Until) -> Proxy {
        let holding = Holding::until(until);
        Proxy::start(self.address, Behaviour { holding, ..Behaviour::default() }).await
    }
}

async fn serve(
    mut socket: TcpStream,
    number: u32,
    pieces: &[&str],
    asked: Option<mpsc::Receiver<()>>,
    seen: mpsc::Sender<Seen>,
) {
    let mut bytes = Vec::new();
    let mut end = Ended::Answered;
    while !(bytes.ends_with(b"message") || bytes.ends_with(b"stream HTTP/1.1\r\n\r\n")) {
        match socket.read_buf(&mut bytes).await {
            Ok(0) => end = Ended::Fin,
            Ok(_) => continue,
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::ConnectionReset);
                end = Ended::Rst;
            }
        }
        break;
    }
    seen.send(Seen { bytes, end }).await.unwrap();
    if end != Ended::Answered {
        return;
    }
    let mut asked = asked;
    for (i, piece) in pieces.iter().enumerate() {
        if i > 0 && asked.as_mut().unwrap().recv().await.is_none() {
            return;
        }
        let piece = piece.replace('#', &number.to_string());
        if socket.write_all(piece.as_bytes()).await.is_err() {
            return;
        }
    }
    let mut rest = Vec::new();
    let end = match socket.read_to_end(&mut rest).await {
        Ok(_) => Ended::Fin,
        Err(_) => Ended::Rst,
    };
    let _ = seen.send(Seen { bytes: rest, end }).await;
}

/// Sends a request and reads all that comes, until the connection ends or nothing comes for `patience`.
async fn ask(proxy: &Proxy, request: &[u8], patience: Duration) -> (String, Option<Ended>) {
    let mut socket = TcpStream::connect(proxy.address()).await.unwrap();
    socket.write_all(request).await.unwrap();
    read(&mut socket, patience).await
}

async fn read(socket: &mut TcpStream, patience: Duration) -> (String, Option<Ended>) {
    let mut bytes = Vec::new();
    let ended = loop {
        match timeout(patience, socket.read_buf(&mut bytes)).await {
            Ok(Ok(0)) => break Some(Ended::Fin),
            Ok(Ok(_)) => {}
            Ok(Err(_)) => break Some(Ended::Rst),
            Err(_) => break None,
        }
    };
    (String::from_utf8(bytes).unwrap(), ended)
}

const ANSWER: &[&str] = &["HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nanswer #"];
const ANSWER_1: &str = "HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nanswer 1";
const ANSWER_2: &str = "HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nanswer 2";
/// Time in which something would have come that must not.
const NOTHING: Duration = Duration::from_millis(150);

#[tokio::test]
async fn without_a_fault_many_requests_pass_on_one_connection() {
    let mut upstream = Upstream::start(ANSWER).await;
    let proxy = upstream.proxy(|_, _| Fault::None).await;
    let (answer, ended) = ask(&proxy, REQUEST, NOTHING).await;
    assert_eq!((answer.as_str(), ended), (ANSWER_1, None));
    assert_eq!(upstream.seen().await, Seen { bytes: REQUEST.to_vec(), end: Ended::Answered });
    assert_eq!(proxy.count(Kind::Send), 1);
}

#[tokio::test]
async fn a_request_is_cut_by_either_end() {
    for (end, want) in [(End::Fin, Ended::Fin), (End::Rst, Ended::Rst)] {
        let mut upstream = Upstream::start(ANSWER).await;
        let cut = Fault::Cut { way: Way::Request, after_bytes: 30, client: end, server: end };
        let proxy = upstream.proxy(move |_, _| cut).await;
        let (answer, ended) = ask(&proxy, REQUEST, DEADLINE).await;
        assert_eq!((answer.as_str(), ended), ("", Some(want)), "{end:?}");
        let seen = upstream.seen().await;
        assert_eq!(seen.end, want, "{end:?}");
        // A reset may overtake the bytes before it.
        assert!(end == End::Rst || seen.bytes == REQUEST[..30], "{seen:?}");
    }
}

#[tokio::test]
async fn an_answer_is_lost_or_cut_and_the_server_has_the_request() {
    for after_bytes in [0, 5, 42] {
        for (end, want) in [(End::Fin, Ended::Fin), (End::Rst, Ended::Rst)] {
            let mut upstream = Upstream::start(ANSWER).await;
            let cut = Fault::Cut { way: Way::Answer, after_bytes, client: end, server: end };
            let proxy = upstream.proxy(move |_, _| cut).await;
            let (answer, ended) = ask(&proxy, REQUEST, DEADLINE).await;
            assert_eq!(ended, Some(want), "{end:?}");
            assert!(end == End::Rst || answer == ANSWER_1[..after_bytes], "{answer}");
            assert_eq!(upstream.seen().await, Seen { bytes: REQUEST.to_vec(), end: Ended::Answered });
            assert_eq!(upstream.seen().await.end, want, "{end:?}");
        }
    }
}

#[tokio::test]
async fn a_black_hole_says_nothing_to_anybody() {
    let mut upstream = Upstream::start(ANSWER).await;
    let silence = |way| Fault::Cut { way, after_bytes: 10, client: End::Silence, server: End::Silence };
    let proxy = upstream.proxy(move |_, n| silence([Way::Answer, Way::Request][n as usize])).await;
    let (answer, ended) = ask(&proxy, REQUEST, NOTHING).await;
    assert_eq!((answer.as_str(), ended), (&ANSWER_1[..10], None));
    assert_eq!(upstream.seen().await.end, Ended::Answered);
    assert_eq!(ask(&proxy, REQUEST, NOTHING).await, (String::new(), None));
    assert!(timeout(NOTHING, upstream.seen.recv()).await.is_err(), "the server saw an end");
}

#[tokio::test]
async fn of_a_doubled_request_either_answer_goes_on() {
    for (answer, want) in [(Which::First, ANSWER_1), (Which::Second, ANSWER_2)] {
        let mut upstream = Upstream::start(ANSWER).await;
        let proxy =
            upstream.proxy(move |_, _| Fault::Doubled { answer, apart: Duration::from_millis(20) }).await;
        assert_eq!(ask(&proxy, REQUEST, NOTHING).await.0, want);
        for _ in 0..2 {
            assert_eq!(upstream.seen().await, Seen { bytes: REQUEST.to_vec(), end: Ended::Answered });
        }
    }
}

#[tokio::test]
async fn a_late_request_is_overtaken_by_its_repetition() {
    let mut upstream = Upstream::start(ANSWER).await;
    let late = Fault::Late { by: Duration::from_millis(100), client: End::Rst };
    let proxy = upstream.proxy(move |_, n| if n == 0 { late } else { Fault::None }).await;
    assert_eq!(ask(&proxy, REQUEST, DEADLINE).await, (String::new(), Some(Ended::Rst)));
    assert_eq!(ask(&proxy, REQUEST, NOTHING).await.0, ANSWER_1);
    for _ in 0..2 {
        assert_eq!(upstream.seen().await, Seen { bytes: REQUEST.to_vec(), end: Ended::Answered });
    }
}

#[tokio::test]
async fn a_request_is_replayed_and_the_client_hears_nothing_of_it() {
    let mut upstream = Upstream::start(ANSWER).await;
    let proxy = upstream.proxy(|_, _| Fault::Replayed { after: Duration::from_millis(50) }).await;
    assert_eq!(ask(&proxy, GET, NOTHING).await, (ANSWER_1.to_owned(), None));
    for _ in 0..2 {
        assert_eq!(upstream.seen().await, Seen { bytes: GET.to_vec(), end: Ended::Answered });
    }
}

#[tokio::test]
async fn half_closed_the_server_hears_an_end_and_its_answer_goes_on() {
    let mut upstream = Upstream::start(ANSWER).await;
    let proxy = upstream.proxy(|_, _| Fault::HalfClosed).await;
    assert_eq!(ask(&proxy, REQUEST, NOTHING).await.0, ANSWER_1);
    assert_eq!(upstream.seen().await, Seen { bytes: REQUEST.to_vec(), end: Ended::Answered });
    assert_eq!(upstream.seen().await, Seen { bytes: Vec::new(), end: Ended::Fin });
}

#[tokio::test]
async fn a_held_request_waits() {
    let upstream = Upstream::start(ANSWER).await;
    let by = Duration::from_millis(200);
    let proxy = upstream.proxy(move |_, _| Fault::Held { by }).await;
    let start = Instant::now();
    let mut socket = TcpStream::connect(proxy.address()).await.unwrap();
    socket.write_all(REQUEST).await.unwrap();
    socket.readable().await.unwrap();
    assert!(start.elapsed() >= by, "{:?}", start.elapsed());
}

#[tokio::test]
async fn a_cut_line_breaks_everything_until_it_is_mended() {
    let upstream = Upstream::start(ANSWER).await;
    let proxy = upstream.proxy(|_, _| Fault::None).await;
    let mut socket = TcpStream::connect(proxy.address()).await.unwrap();
    socket.write_all(REQUEST).await.unwrap();
    socket.readable().await.unwrap();
    proxy.break_off();
    assert!(read(&mut socket, DEADLINE).await.1.is_some());
    assert_eq!(ask(&proxy, b"", DEADLINE).await.0, "");
    proxy.mend();
    assert_eq!(ask(&proxy, REQUEST, NOTHING).await.0, ANSWER_2);
}

#[tokio::test]
async fn nobody_behind_the_proxy_is_a_bad_gateway() {
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let proxy = Proxy::start(gone, Behaviour::default()).await;
    assert!(ask(&proxy, REQUEST, DEADLINE).await.0.starts_with("HTTP/1.1 502 "));
}

const STREAM: &[&str] = &[
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n",
    "6\r\nsecond\r\n",
    "5\r\nthird\r\n0\r\n\r\n",
];

/// What a box lets through of a stream behind each of its pieces.
async fn check_box(until: Until, want: [&[&str]; 3]) {
    let upstream = Upstream::start(STREAM).await;
    let proxy = upstream.holding(until).await;
    let mut socket = TcpStream::connect(proxy.address()).await.unwrap();
    socket.write_all(GET).await.unwrap();
    for (i, want) in want.into_iter().enumerate() {
        let (text, _) = read(&mut socket, NOTHING).await;
        let words: Vec<_> =
            ["first", "second", "third"].into_iter().filter(|word| text.contains(word)).collect();
        assert_eq!(words, want, "{until:?}, behind piece {i}");
        upstream.more.send(()).await.unwrap();
    }
}

#[tokio::test]
async fn boxes_hold_what_they_say() {
    check_box(Until::Never, [&["first"], &["second"], &["third"]]).await;
    check_box(Until::Bytes(20), [&[], &["first", "second"], &["third"]]).await;
    check_box(Until::SecondPiece, [&[], &["first", "second"], &["third"]]).await;
    check_box(Until::NextPiece(None), [&[], &["first"], &["second", "third"]]).await;
    let soon = Some(Duration::from_millis(20));
    check_box(Until::NextPiece(soon), [&["first"], &["second"], &["third"]]).await;
    check_box(Until::Complete, [&[], &[], &["first", "second", "third"]]).await;
}

#[tokio::test]
async fn a_complete_answer_passes_every_box() {
    for until in [Until::Bytes(1 << 20), Until::NextPiece(None), Until::Complete] {
        let upstream = Upstream::start(ANSWER).await;
        let proxy = upstream.holding(until).await;
        assert_eq!(ask(&proxy, REQUEST, NOTHING).await.0, ANSWER_1, "{until:?}");
    }
}

#[tokio::test]
async fn a_link_delays_both_ways() {
    let upstream = Upstream::start(ANSWER).await;
    let link = Link::round_trip(100);
    let proxy =
        Proxy::start(upstream.address, Behaviour { up: link, down: link, ..Behaviour::default() }).await;
    let start = Instant::now();
    let mut socket = TcpStream::connect(proxy.address()).await.unwrap();
    socket.write_all(REQUEST).await.unwrap();
    socket.readable().await.unwrap();
    assert!(start.elapsed() >= Duration::from_millis(100), "{:?}", start.elapsed());
}
