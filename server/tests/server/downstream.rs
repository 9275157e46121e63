//! The stream: first flight, chaser, beats, ids, resume, take-over, end.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::{Connection, DEADLINE, Server, Stream};

#[test]
fn the_first_flight_is_one_write_of_the_right_size_and_a_chaser_follows() {
    let server = Server::start();
    let zoe = server.player("Zoë 🦊");
    let mut connection = Connection::open(server.address);
    let begun = Instant::now();
    connection.send("GET", &zoe.path("/v1/stream"), "HTTP/1.1", &[], b"");
    // One read is one segment on loopback: what arrives first must be the whole flight.
    connection.more();
    let flight = connection.read.len();
    assert!((2048..4096).contains(&flight), "{flight} bytes");
    let text = String::from_utf8_lossy(&connection.read).into_owned();
    assert!(text.contains("event: hello\n") && text.ends_with("\n\n\r\n"), "{text}");
    let mut stream = Stream::of(connection);
    let header = |name: &str| {
        stream
            .headers
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
            .unwrap_or_default()
    };
    assert_eq!(header("content-type"), "text/event-stream");
    assert_eq!(header("cache-control"), "no-cache, no-store, no-transform, private");
    assert_eq!(header("x-accel-buffering"), "no");
    assert_eq!(header("content-encoding"), "identity");
    assert_eq!(header("x-content-type-options"), "nosniff");
    assert_eq!(header("access-control-allow-origin"), "*");

    let hello = stream.expect("hello");
    assert_eq!(hello["player"]["name"], "Zoë 🦊");
    assert_eq!(
        (&hello["resumed"], &hello["room"], &hello["version"]),
        (&json!(false), &json!(null), &json!(1))
    );
    let chaser = stream.next_frame().unwrap();
    assert_eq!((chaser.name.as_str(), chaser.id), ("noop", None));
    assert!(begun.elapsed() >= Duration::from_millis(50), "{:?}", begun.elapsed());
    let beat = stream.next_frame().unwrap();
    assert_eq!(beat.name, "noop");
    assert!(begun.elapsed() >= Duration::from_millis(4000), "a beat after {:?}", begun.elapsed());
}

#[test]
fn retry_is_jittered_and_padding_follows_the_wish() {
    let server = Server::start();
    let zoe = server.player("Zoë");
    let flight = |options: &str| {
        let mut connection = Connection::open(server.address);
        connection.send("GET", &zoe.path(&format!("/v1/stream?{options}")), "HTTP/1.1", &[], b"");
        while !String::from_utf8_lossy(&connection.read).contains("event: hello") {
            assert_ne!(connection.more(), 0);
        }
        String::from_utf8(connection.read).unwrap()
    };
    for (options, spaces) in [("n=1", 2048), ("n=2&pad=0", 0), ("n=3&pad=10", 10), ("n=4&pad=-3", 0)] {
        let text = flight(options);
        let retry = text.split("retry: ").nth(1).unwrap().split('\n').next().unwrap();
        assert!((1000..=3000).contains(&retry.parse::<u64>().unwrap()), "{retry}");
        let padding = text.lines().find_map(|line| line.strip_prefix(": "));
        assert_eq!(padding.map_or(0, |padding| padding.len() + 1), spaces, "{options}");
    }
}

#[test]
fn http_1_0_gets_plain_bytes_that_end_with_the_connection() {
    let server = Server::start();
    let zoe = server.player("Zoë");
    let mut connection = Connection::open(server.address);
    connection.send("GET", &zoe.path("/v1/stream"), "HTTP/1.0", &[], b"");
    let mut stream = Stream::of(connection);
    assert!(stream.headers.iter().all(|(name, _)| name != "transfer-encoding"), "{:?}", stream.headers);
    stream.expect("hello");
    zoe.post("/v1/bye", &json!({}));
    assert_eq!(stream.expect("bye")["code"], 3501);
    assert!(stream.next().is_none());
}

#[test]
fn a_post_opens_a_stream_too() {
    let server = Server::start();
    let zoe = server.player("Zoë");
    let mut connection = Connection::open(server.address);
    connection.send("POST", &zoe.path("/v1/stream"), "HTTP/1.1", &[], b"");
    Stream::of(connection).expect("hello");
}

/// Sends so many pings, whose pongs are events with ids.
fn ping(zoe: &crate::support::Player<'_>, numbers: std::ops::Range<u64>) {
    for number in numbers {
        let sent = zoe.send(&json!({"type": "sward.ping", "data": number}));
        assert_eq!(sent.status, 200, "{}", sent.text());
    }
}

#[test]
fn a_cut_stream_resumes_without_loss_doubles_or_reordering() {
    let server = Server::start();
    let zoe = server.player("Zoë");
    let mut heard = Vec::new();
    let mut last_id = String::new();
    for round in 0..10 {
        ping(&zoe, round * 10..round * 10 + 5);
        let options = if last_id.is_empty() { String::new() } else { format!("&last={last_id}") };
        let mut stream = Stream::open(&server, &zoe.path("/v1/stream"), &options);
        assert_eq!(stream.expect("hello")["resumed"], json!(!last_id.is_empty()));
        ping(&zoe, round * 10 + 5..round * 10 + 10);
        // Cut somewhere in the middle of what waits: the rest must come again.
        for _ in 0..7 {
            heard.push(stream.expect("pong")["data"].as_u64().unwrap());
        }
        last_id = stream.last_id.clone();
        stream.cut();
    }
    let mut stream = zoe.stream_with(&format!("&last={last_id}"));
    while heard.len() < 100 {
        heard.push(stream.expect("pong")["data"].as_u64().unwrap());
    }
    assert_eq!(heard, (0..100).collect::<Vec<_>>());
}

#[test]
fn the_header_resumes_as_the_query_does_and_the_higher_counts() {
    let server = Server::start();
    let zoe = server.player("Zoë");
    ping(&zoe, 0..3);
    let mut stream = zoe.stream();
    let first = (stream.expect("pong"), stream.last_id.clone()).1;
    stream.expect("pong");
    let second = stream.last_id.clone();
    let mut connection = Connection::open(server.address);
    let path = zoe.path(&format!("/v1/stream?last={first}"));
    connection.send("GET", &path, "HTTP/1.1", &[("Last-Event-ID", &second)], b"");
    let mut resumed = Stream::of(connection);
    assert_eq!(resumed.expect("hello")["resumed"], true);
    assert_eq!(resumed.expect("pong")["data"], 2);
}

#[test]
fn what_cannot_be_replayed_is_a_reset_and_a_snapshot() {
    let server = Server::start();
    let zoe = server.player("Zoë");
    let mut stream = zoe.stream();
    zoe.join(&json!({"game": "relay", "create": true}));
    stream.expect("joined");
    let epoch = stream.last_id.split('.').next().unwrap().to_owned();
    for (last, reason) in [
        ("nonsense".to_owned(), "bad_id"),
        (format!("{epoch}.999"), "bad_id"),
        ("00000000.1".to_owned(), "other_epoch"),
        ("%F0%9F%A6%8A".to_owned(), "bad_id"),
    ] {
        let mut stream = Stream::open(&server, &zoe.path("/v1/stream"), &format!("&last={last}"));
        assert_eq!(stream.expect("hello")["resumed"], false, "{last}");
        assert_eq!(stream.expect("reset")["reason"], reason, "{last}");
        assert_eq!(stream.expect("joined")["seat"], 1, "{last}");
    }
}

#[test]
fn acknowledged_events_leave_the_window() {
    let server = Server::start();
    let zoe = server.player("Zoë");
    ping(&zoe, 0..3);
    let mut stream = zoe.stream();
    let ids: Vec<_> = (0..3).map(|_| (stream.expect("pong"), stream.last_id.clone()).1).collect();
    let acked = zoe.send(&json!({"ack": ids[1], "msgs": []}));
    assert_eq!(acked.json(), json!({"ack": 0, "replies": []}));
    let mut resumed = Stream::open(&server, &zoe.path("/v1/stream"), &format!("&last={}", ids[0]));
    resumed.expect("hello");
    assert_eq!(resumed.expect("reset")["reason"], "too_old");
    assert_eq!(zoe.send(&json!({"ack": "x", "msgs": []})).code(), "bad_body");
}

#[test]
fn a_reloaded_page_starts_fresh_with_the_state_of_now() {
    let server = Server::start();
    let (zoe, bo) = (server.player("Zoë"), server.player("Bo"));
    zoe.join(&json!({"game": "relay", "create": true, "me": {"animal": "fox"}}));
    let mut stream = zoe.stream();
    stream.expect("joined");
    bo.join(&json!({"game": "relay", "create": true}));
    stream.expect("here");
    stream.cut();
    let mut reloaded = zoe.stream();
    let joined = reloaded.expect("joined");
    assert_eq!(joined["players"].as_array().unwrap().len(), 2);
    assert_eq!(joined["players"][0]["me"], json!({"animal": "fox"}));
}

#[test]
fn a_newer_stream_takes_over_and_a_doubled_or_replayed_request_is_told_apart() {
    let server = Server::start();
    let zoe = server.player("Zoë");
    let mut first = zoe.stream_with("&n=a");
    let mut doubled = zoe.stream_with("&n=a");
    assert_eq!(first.expect("bye")["code"], 3002);
    assert!(first.next().is_none());
    let mut second = zoe.stream_with("&n=b");
    assert_eq!(doubled.expect("bye")["code"], 3500);
    let mut replayed = Stream::open(&server, &zoe.path("/v1/stream"), "&n=a");
    assert_eq!(replayed.expect("bye")["code"], 3500);
    ping(&zoe, 0..1);
    second.expect("pong");
}

#[test]
fn the_end_of_a_session_stops_its_streams() {
    let server = Server::start();
    let zoe = server.player("Zoë");
    let mut stream = zoe.stream();
    assert_eq!(zoe.post("/v1/bye", &json!({})).status, 200);
    let bye = stream.expect("bye");
    assert_eq!((&bye["code"], &bye["reason"]), (&json!(3501), &json!("ended")));
    assert_eq!(server.get(&zoe.path("/v1/stream")).status, 204);
    assert_eq!(zoe.post("/v1/bye", &json!({})).status, 200, "again");
    let gone = zoe.send(&json!({"msgs": []}));
    assert_eq!((gone.status, gone.code().as_str()), (410, "session_gone"));

    let unknown = format!("/v1/stream?token={}", "0".repeat(36));
    let mut stream = Stream::open(&server, &unknown, "");
    assert_eq!(stream.status, 200);
    assert_eq!(stream.expect("bye")["reason"], "session_unknown");
    assert!(stream.next().is_none());
}

#[test]
fn a_client_that_sends_behind_its_open_stream_is_cut_and_others_are_served() {
    use std::io::Write as _;
    let server = Server::start_with(&["--workers", "1"]);
    let (zoe, bo) = (server.player("Zoë"), server.player("Bo"));
    let mut stream = zoe.stream();
    // Bytes behind a request are the next request's: the connection may neither answer it nor spin on it.
    let garbage = vec![b'x'; 1 << 16];
    stream.connection.socket.set_write_timeout(Some(Duration::from_millis(500))).unwrap();
    for _ in 0..64 {
        if stream.connection.socket.write_all(&garbage).is_err() {
            break;
        }
    }
    let begun = Instant::now();
    let mut other = bo.stream();
    for number in 0..20 {
        bo.send(&json!({"type": "sward.ping", "data": number}));
        other.expect("pong");
    }
    assert!(begun.elapsed() < DEADLINE);
    let ticks = |text: String| -> u64 {
        let fields: Vec<_> = text.rsplit(") ").next().unwrap().split(' ').map(str::to_owned).collect();
        fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
    };
    let cpu = || ticks(std::fs::read_to_string(format!("/proc/{}/stat", server.pid())).unwrap());
    if cfg!(target_os = "linux") {
        // The worker is idle again: no more than a fifth of a core over a second, with 100 clock ticks a second.
        let deadline = Instant::now() + DEADLINE;
        loop {
            let before = cpu();
            std::thread::sleep(Duration::from_secs(1));
            if cpu() - before < 20 {
                break;
            }
            assert!(Instant::now() < deadline, "the worker spins");
        }
    }
}
