//! What a client may ask of its stream: form, mode, padding, rotation.

use std::io::{Read as _, Write as _};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use sward_protocol::codec::Encoding;
use sward_protocol::format::{Delivery, Format, Reader};

use crate::support::{Connection, Player, Server, Stream};

/// The form of a stream, and the query and header that ask for it.
const FORMS: [(Format, &str, &str); 5] = [
    (Format::Sse { encoding: Encoding::Json, batch: false }, "", "text/event-stream"),
    (Format::Sse { encoding: Encoding::Json, batch: true }, "&batch=1", "text/event-stream"),
    (Format::Sse { encoding: Encoding::Msgpack, batch: false }, "&enc=msgpack", "text/event-stream"),
    (Format::Sse { encoding: Encoding::Msgpack, batch: true }, "&enc=msgpack&batch=1", "text/event-stream"),
    (Format::Frames, "", "application/vnd.sward.frames"),
];

/// A relay room with two, and Bo's stream not yet open.
fn two(server: &Server) -> (Player<'_>, Player<'_>) {
    let (zoe, bo) = (server.player("Zoë"), server.player("Bo"));
    let seated = zoe.join(&json!({"game": "relay", "create": true, "options": {"flush_ms": 0}}));
    bo.join(&json!({"code": seated["room"]["code"]}));
    (zoe, bo)
}

fn say(player: &Player<'_>, text: &str) {
    assert_eq!(player.send(&json!({"type": "say", "data": text})).status, 200);
}

fn deliveries(format: Format, body: &[u8]) -> Vec<Delivery> {
    let (mut reader, mut deliveries) = (Reader::new(format), Vec::new());
    reader.feed(body, |delivery| deliveries.push(delivery)).unwrap();
    deliveries
}

/// The names of the events, `noop` left out.
fn names(deliveries: &[Delivery]) -> Vec<&str> {
    let events = deliveries.iter().flat_map(|delivery| &delivery.events);
    events.map(|event| event.name.as_str()).filter(|name| *name != "noop").collect()
}

/// Reads a stream that is neither chunked nor drained until `enough` of its events arrived.
fn raw_until(
    connection: &mut Connection,
    format: Format,
    enough: impl Fn(&[Delivery]) -> bool,
) -> Vec<Delivery> {
    loop {
        let deliveries = deliveries(format, &connection.read);
        if enough(&deliveries) {
            return deliveries;
        }
        assert_ne!(connection.more(), 0, "the stream ended at {deliveries:?}");
    }
}

#[test]
fn every_form_carries_the_same_events_raw_and_not() {
    let server = Server::start();
    for (format, options, accept) in FORMS {
        let (zoe, bo) = two(&server);
        say(&zoe, "one");
        let mut connection = Connection::open(server.address);
        let path = bo.path(&format!("/v1/stream?mode=raw{options}"));
        connection.send("GET", &path, "HTTP/1.1", &[("Accept", accept)], b"");
        let (status, headers) = connection.head();
        let header =
            |name: &str| headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        assert_eq!((status, header("content-type")), (200, Some("application/octet-stream")));
        assert_eq!((header("transfer-encoding"), header("connection")), (None, Some("close")));
        say(&zoe, "two");
        let heard = raw_until(&mut connection, format, |got| names(got).len() >= 4);
        assert_eq!(names(&heard), ["hello", "joined", "msg", "msg"], "{options}");
        let last = heard.last().unwrap();
        assert!(last.id.as_deref().is_some_and(|id| id.ends_with(".3")), "{last:?}");

        let mut stream = Connection::open(server.address);
        let path = bo.path(&format!("/v1/stream?n=2{options}"));
        stream.send("GET", &path, "HTTP/1.1", &[("Accept", accept)], b"");
        let (_, headers) = stream.head();
        assert!(headers.contains(&("content-type".to_owned(), accept.to_owned())), "{headers:?}");
        assert!(headers.contains(&("transfer-encoding".to_owned(), "chunked".to_owned())), "{headers:?}");
        let rest = raw_until(&mut connection, format, |got| names(got).last() == Some(&"bye"));
        assert_eq!(names(&rest).len(), 5, "taken over");
        assert_eq!(connection.more(), 0, "and closed");
    }
}

#[test]
fn padding_follows_every_write_that_asked_for_it() {
    let server = Server::start();
    let (zoe, bo) = two(&server);
    let mut connection = Connection::open(server.address);
    connection.send("GET", &bo.path("/v1/stream?mode=raw&pad=0&padeach=900"), "HTTP/1.1", &[], b"");
    connection.head();
    say(&zoe, "one");
    let format = Format::default();
    raw_until(&mut connection, format, |got| names(got).contains(&"msg"));
    say(&zoe, "two");
    raw_until(&mut connection, format, |got| names(got).len() == 4);
    while !connection.read.ends_with(b" \n\n") {
        connection.more();
    }
    let text = String::from_utf8(connection.read).unwrap();
    let comment = format!("\n\n:{}\n\n", " ".repeat(900));
    assert!(text.starts_with("retry: "), "{text}");
    assert!(text.matches(&comment).count() >= 2, "{text}");
    assert!(!text.contains(&" ".repeat(901)), "no other padding");
}

fn drain(player: &Player<'_>, options: &str) -> (String, Vec<Delivery>) {
    let mut connection = Connection::open(player.server.address);
    connection.send("GET", &player.path(&format!("/v1/stream?mode=drain{options}")), "HTTP/1.1", &[], b"");
    let response = connection.response();
    assert_eq!(response.status, 200);
    assert_eq!(response.header("content-length"), Some(&*response.body.len().to_string()));
    (response.text(), deliveries(Format::default(), &response.body))
}

fn last_of(deliveries: &[Delivery]) -> String {
    deliveries.iter().rev().find_map(|delivery| delivery.id.clone()).unwrap()
}

#[test]
fn a_drained_stream_is_a_complete_answer_per_flush() {
    let server = Server::start();
    let (zoe, bo) = two(&server);
    say(&zoe, "one");
    let (text, first) = drain(&bo, "");
    assert!(text.starts_with("retry: 10\n\n") && !text.contains("\n:"), "{text}");
    assert_eq!(names(&first), ["hello", "joined", "msg"]);
    // Nothing waits: it holds, and ends with a beat.
    let begun = Instant::now();
    let (text, held) = drain(&bo, &format!("&hold=300&last={}", last_of(&first)));
    assert!(begun.elapsed() >= Duration::from_millis(300) && text.contains("event: noop"), "{text}");
    assert_eq!(names(&held).len(), 0);
    // Something comes while it holds.
    let (text, second) = std::thread::scope(|scope| {
        let held = scope.spawn(|| drain(&bo, &format!("&last={}", last_of(&first))));
        server.await_metric("sward_streams", 1);
        say(&zoe, "two");
        held.join().unwrap()
    });
    assert_eq!(names(&second), ["msg"], "{text}");
    // The same place again gives the same events: an answer that was lost is asked for again.
    let (_, again) = drain(&bo, &format!("&last={}", last_of(&first)));
    assert_eq!(second, again);
    server.await_metric("sward_streams", 0);
}

#[test]
fn a_drained_client_that_starts_anew_gets_an_id_with_its_first_answer() {
    let server = Server::start();
    let (zoe, bo) = two(&server);
    drain(&bo, "");
    say(&zoe, "missed");
    let (_, fresh) = drain(&bo, "");
    assert_eq!(names(&fresh), ["hello", "joined"]);
    let hello = fresh[0].events[0].clone();
    let sward_protocol::format::Data::Json(hello) = hello.data else { panic!() };
    let hello: Value = serde_json::from_str(&hello).unwrap();
    let (_, from_hello) = drain(&bo, &format!("&hold=0&last={}", hello["last"].as_str().unwrap()));
    assert_eq!(names(&from_hello), ["joined"], "what hello names is a place to go on from");
    let (_, reset) = drain(&bo, "&last=00000000.9");
    assert_eq!(names(&reset), ["hello", "reset", "joined"]);
}

#[test]
fn answers_to_a_drained_player_carry_his_events() {
    let server = Server::start();
    let (zoe, bo) = two(&server);
    let (_, first) = drain(&bo, "");
    let last = last_of(&first);
    say(&zoe, "one");
    let ping = json!({"src": "s", "seq": 1, "ack": last, "msgs": [{"type": "sward.ping", "data": 5}]});
    let answer = bo.send(&ping).json();
    let events = answer["events"].as_array().unwrap();
    let told: Vec<_> = events.iter().map(|event| (&event[1], &event[2]["data"])).collect();
    assert_eq!(told, [(&json!("msg"), &json!("one")), (&json!("pong"), &json!(5))]);
    // Asked again, told again; and the stream, which did not have them, tells them too.
    assert_eq!(bo.send(&ping).json()["events"], answer["events"]);
    let (_, drained) = drain(&bo, &format!("&last={last}"));
    assert_eq!(names(&drained), ["msg", "pong"]);
    assert_eq!(drained[1].id.as_deref(), events[1][0].as_str());
    // Without an ack, from a place that is gone, or to a stream that stays open: none.
    assert_eq!(bo.send(&json!({"msgs": []})).json()["events"], Value::Null);
    assert_eq!(bo.send(&json!({"ack": "00000000.1", "msgs": []})).json()["events"], Value::Null);
    let _stream = bo.stream_with(&format!("&last={last}"));
    assert_eq!(bo.send(&json!({"ack": last, "msgs": []})).json()["events"], Value::Null);
}

#[test]
fn a_farewell_is_a_complete_answer_too() {
    let server = Server::start();
    let stranger = Player { server: &server, token: "0".repeat(36), session: Value::Null };
    let (text, _) = drain(&stranger, "");
    assert!(text.contains("\"code\":3503"), "{text}");
    let (zoe, bo) = two(&server);
    let (_, first) = drain(&bo, "");
    let replaced = std::thread::scope(|scope| {
        let held = scope.spawn(|| drain(&bo, &format!("&n=a&last={}", last_of(&first))));
        server.await_metric("sward_streams", 1);
        let _stream = bo.stream_with("&n=b");
        held.join().unwrap().0
    });
    assert!(replaced.contains("\"code\":3500"), "{replaced}");
    drop(zoe);
}

#[test]
fn a_stream_rotates_and_nobody_notices() {
    let server = Server::start_with(&["--rotate-ms", "1000"]);
    let (zoe, bo) = two(&server);
    let mut watching = zoe.stream();
    watching.await_event("here");
    let mut last = String::new();
    for turn in 0..3 {
        let mut stream = bo.stream_with(&format!("&n={turn}&last={last}"));
        let begun = Instant::now();
        say(&zoe, &format!("turn {turn}"));
        assert_eq!(stream.await_event("msg")["data"], format!("turn {turn}"));
        let bye = stream.await_event("bye");
        assert_eq!((&bye["code"], &bye["reason"]), (&json!(3000), &json!("rotated")));
        assert!(bye["retry_ms"].as_u64().unwrap() <= 100, "{bye}");
        assert!(begun.elapsed() >= Duration::from_millis(900), "{:?}", begun.elapsed());
        last = stream.last_id;
    }
    let _stream = bo.stream_with(&format!("&last={last}"));
    let mut seen = zoe.stream_with(&format!("&last={}", watching.last_id));
    bo.send(&json!({"type": "say", "data": "still here"}));
    loop {
        let (name, data) = seen.next().unwrap();
        assert_ne!(data["seat"], 2, "{name} {data}");
        if name == "msg" && data["data"] == "still here" {
            break;
        }
    }
}

#[test]
fn rungs_are_counted_while_their_players_live() {
    let server = Server::start();
    let zoe = server.player("Zoë");
    let _stream = zoe.stream_with("&rung=1");
    assert_eq!(server.metric("sward_streams_by_rung_total{rung=\"1\"}"), Some(1));
    let proved = |rung: Value| zoe.send(&json!({"type": "sward.rung", "data": {"rung": rung}}));
    assert_eq!(proved(json!(1)).status, 200);
    assert_eq!(proved(json!(1)).status, 200);
    assert_eq!(server.metric("sward_players_by_rung{rung=\"1\"}"), Some(1));
    assert_eq!(proved(json!(0)).status, 200);
    assert_eq!(server.metric("sward_players_by_rung{rung=\"1\"}"), Some(0));
    assert_eq!(proved(json!(3)).code(), "bad_payload");
    assert_eq!(server.metric("sward_players_by_rung{rung=\"0\"}"), Some(1));
    zoe.post("/v1/bye", &json!({}));
    assert_eq!(server.metric("sward_players_by_rung{rung=\"0\"}"), Some(0));
}

#[test]
fn of_a_key_a_slow_reader_gets_the_newest_value_only() {
    let server = Server::start();
    let (zoe, bo) = two(&server);
    for value in 1..=50 {
        let at = |key: &str| json!({"type": "at", "key": key, "data": value});
        let batch = json!({"msgs": [at("x"), at("y"), {"type": "say", "data": value}]});
        assert_eq!(zoe.send(&batch).status, 200);
    }
    let mut stream: Stream = bo.stream();
    stream.expect("joined");
    let mut said = Vec::new();
    let values: Vec<_> = std::iter::from_fn(|| {
        let msg = stream.expect("msg");
        if msg["type"] == "say" {
            said.push(msg["data"].as_u64().unwrap());
        }
        (msg["data"] != 50 || msg["type"] != "say").then_some(msg)
    })
    .collect();
    assert_eq!(said, (1..=50).collect::<Vec<_>>(), "what is reliable is not dropped");
    let latest: Vec<_> = values.iter().filter(|msg| msg["type"] == "at").map(|msg| &msg["data"]).collect();
    assert_eq!(latest, [&json!(50), &json!(50)]);
    assert_eq!(zoe.send(&json!({"type": "at", "key": "", "data": 1})).code(), "bad_message");
}

#[test]
fn a_stream_is_compressed_where_operator_client_and_query_agree() {
    let server = Server::start_with(&["--compress"]);
    let encoding = |options: &str, accept: &str| {
        let player = server.player("Zoë");
        let mut connection = Connection::open(server.address);
        let path = player.path(&format!("/v1/stream?{options}"));
        connection.send("GET", &path, "HTTP/1.1", &[("Accept-Encoding", accept)], b"");
        let (_, headers) = connection.head();
        headers.into_iter().find(|(name, _)| name == "content-encoding").unwrap().1
    };
    assert_eq!(encoding("compress=1", "br, gzip"), "gzip");
    assert_eq!(encoding("compress=1", "br"), "identity");
    assert_eq!(encoding("", "gzip"), "identity");

    let (zoe, bo) = two(&server);
    let mut connection = Connection::open(server.address);
    let path = bo.path("/v1/stream?mode=raw&compress=1&pad=0");
    connection.send("GET", &path, "HTTP/1.1", &[("Accept-Encoding", "gzip")], b"");
    connection.head();
    for number in 0..20 {
        say(&zoe, &format!("the same words {number}"));
    }
    let plain = |compressed: &[u8]| {
        let mut plain = flate2::write::GzDecoder::new(Vec::new());
        plain.write_all(compressed).unwrap();
        plain.flush().unwrap();
        plain.get_ref().clone()
    };
    while names(&deliveries(Format::default(), &plain(&connection.read))).len() < 22 {
        assert_ne!(connection.more(), 0);
    }
    bo.post("/v1/bye", &json!({}));
    while connection.more() > 0 {}
    // The decoder checks that the end is whole.
    let mut whole = Vec::new();
    flate2::read::GzDecoder::new(&*connection.read).read_to_end(&mut whole).unwrap();
    let heard = deliveries(Format::default(), &whole);
    assert_eq!(names(&heard).last(), Some(&"bye"));
    assert!(connection.read.len() * 2 < whole.len(), "{} of {}", connection.read.len(), whole.len());

    let mut drained = Connection::open(server.address);
    let path = zoe.path("/v1/stream?mode=drain&compress=1");
    drained.send("GET", &path, "HTTP/1.1", &[("Accept-Encoding", "gzip")], b"");
    let response = drained.response();
    let mut whole = String::new();
    flate2::read::GzDecoder::new(&*response.body).read_to_string(&mut whole).unwrap();
    assert!(whole.contains("event: hello"), "{whole}");

    let strict = Server::start();
    let mut connection = Connection::open(strict.address);
    let path = strict.player("Zoë").path("/v1/stream?compress=1");
    connection.send("GET", &path, "HTTP/1.1", &[("Accept-Encoding", "gzip")], b"");
    assert!(connection.head().1.contains(&("content-encoding".to_owned(), "identity".to_owned())));
}
