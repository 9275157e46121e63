//! Named blobs of a room: told by event, fetched by GET.

use std::net::SocketAddr;
use std::sync::mpsc::sync_channel;
use std::thread;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};
use sward_server::game::{BadOptions, Payload, Random, Reply, Room, Seat, Settings, done, reply};
use sward_server::{Config, Game};

use crate::h2_client::H2;
use crate::support::{Connection, Player, Response, Server, Stream};

/// Shows what it is told to.
struct Gallery {
    public_ms: Option<u64>,
}

#[derive(Deserialize)]
#[serde(tag = "type", content = "data", rename_all = "snake_case")]
enum Message {
    Hang { name: String, kind: String, text: String },
    HangLarge { name: String, fill: u8, bytes: usize },
    Take(String),
}

impl Game for Gallery {
    type Message = Message;

    fn create(options: &Payload, _: &mut Random) -> Result<Self, BadOptions> {
        let options: Value = options.parse()?;
        Ok(Self { public_ms: options["public_ms"].as_u64() })
    }

    fn settings(&self) -> Settings {
        let settings = Settings::new(4).with_flush(Duration::ZERO).with_blobs(4 * 1024 * 1024);
        self.public_ms.map_or(settings, |ms| settings.with_public(Duration::from_millis(ms)))
    }

    fn message(&mut self, room: &mut Room<'_>, _: Seat, message: Message) -> Reply {
        match message {
            Message::Hang { name, kind, text } => room.publish(&name, &kind, text)?,
            Message::HangLarge { name, fill, bytes } => {
                room.publish(&name, "image/png", vec![fill; bytes])?
            }
            Message::Take(name) => return reply(&room.unpublish(&name)),
        }
        done()
    }
}

/// A server with the game, within this process.
fn serve() -> Server {
    let (told, address) = sync_channel::<SocketAddr>(1);
    thread::spawn(move || {
        actix_web::rt::System::new().block_on(async move {
            let config = Config { listen: SocketAddr::from(([127, 0, 0, 1], 0)), ..Config::default() };
            let server = sward_server::Server::builder().config(config).game::<Gallery>("gallery").build();
            let listening = server.listen().unwrap();
            told.send(listening.address()).unwrap();
            listening.run().await.unwrap();
        });
    });
    Server::within(address.recv().unwrap(), "")
}

/// Somebody in a gallery of his own, its id, and his stream behind `joined`.
fn open<'a>(server: &'a Server, name: &str, body: &Value) -> (Player<'a>, String, Stream) {
    let player = server.player(name);
    let mut stream = player.stream();
    let mut room = json!({"game": "gallery"});
    room.as_object_mut().unwrap().extend(body.as_object().unwrap().clone());
    let seated = player.post("/v1/rooms", &room).json();
    stream.await_event("joined");
    (player, seated["room"]["id"].as_str().unwrap().to_owned(), stream)
}

fn hang(player: &Player<'_>, name: &str, kind: &str, text: &str) -> Response {
    player.send(&json!({"type": "hang", "data": {"name": name, "kind": kind, "text": text}}))
}

fn conditional(server: &Server, path: &str, tag: &str) -> Response {
    server.request("GET", path, &[("If-None-Match", tag)], b"")
}

fn refused(response: &Response) -> (u16, String) {
    (response.status, response.code())
}

#[test]
fn a_blob_is_told_of_fetched_replaced_and_removed() {
    let server = serve();
    let (zoe, room, mut stream) = open(&server, "Zoë", &json!({"options": {"public_ms": 0}}));
    let path = format!("/v1/rooms/{room}/blobs/map");
    assert_eq!(refused(&server.get(&path)), (404, "no_such_blob".to_owned()));
    hang(&zoe, "map", "text/plain; charset=utf-8", "hills");
    let told = stream.expect("blob");
    let etag = told["etag"].as_str().unwrap();
    assert_eq!(
        told,
        json!({"name": "map", "etag": etag, "size_bytes": 5, "type": "text/plain; charset=utf-8"})
    );
    let response = server.get(&path);
    assert_eq!((response.status, response.text().as_str()), (200, "hills"));
    let tag = format!("\"{etag}\"");
    for (name, value) in [
        ("etag", tag.as_str()),
        ("content-type", "text/plain; charset=utf-8"),
        ("content-length", "5"),
        ("cache-control", "public, no-cache"),
        ("x-content-type-options", "nosniff"),
        ("content-security-policy", "default-src 'none'; sandbox"),
        ("access-control-allow-origin", "*"),
    ] {
        assert_eq!(response.header(name), Some(value), "{name}");
    }
    for tag in [tag.clone(), format!("W/{tag}"), format!("\"other\", {tag}"), "*".to_owned()] {
        let known = conditional(&server, &path, &tag);
        assert_eq!((known.status, known.body.len()), (304, 0), "{tag}");
        assert_eq!(known.header("etag"), response.header("etag"));
    }
    let mut connection = Connection::open(server.address);
    connection.send("HEAD", &path, "HTTP/1.1", &[], b"");
    let (status, headers) = connection.head();
    assert!(status == 200 && headers.contains(&("content-length".to_owned(), "5".to_owned())), "{headers:?}");
    connection.send("GET", &path, "HTTP/1.1", &[], b"");
    assert_eq!(connection.response().text(), "hills", "there was no body behind the head");
    let own = format!("{path}?etag={etag}");
    assert_eq!(server.get(&own).header("cache-control"), Some("public, max-age=31536000, immutable"));

    hang(&zoe, "map", "text/plain", "dales");
    let newer = stream.expect("blob");
    assert_ne!(newer["etag"], told["etag"]);
    assert_eq!(conditional(&server, &path, &tag).text(), "dales");
    assert_eq!(refused(&server.get(&own)), (404, "no_such_blob".to_owned()), "it names other bytes");
    let bo = server.player("Bo");
    bo.post(&format!("/v1/rooms/{room}/join"), &json!({}));
    let blobs = json!([newer]);
    assert_eq!(bo.stream().expect("joined")["blobs"], blobs);
    assert_eq!(server.get(&format!("/v1/rooms/{room}/state")).json()["blobs"], blobs);
    assert_eq!((server.metric("sward_blobs"), server.metric("sward_blob_bytes")), (Some(1), Some(10)));
    assert_eq!(server.metric("sward_blob_bytes_reserved"), Some(4 * 1024 * 1024));

    zoe.send(&json!({"type": "take", "data": "map"}));
    stream.expect("here");
    assert_eq!(stream.expect("blob"), json!({"name": "map", "etag": null}));
    assert_eq!(refused(&server.get(&path)), (404, "no_such_blob".to_owned()));
    assert_eq!(server.request("POST", &path, &[], b"").header("allow"), Some("GET, HEAD"));
    for player in [&zoe, &bo] {
        player.post("/v1/bye", &json!({}));
    }
    server.await_metric("sward_blob_bytes_reserved", 0);
    assert_eq!((server.metric("sward_blobs"), server.metric("sward_blob_bytes")), (Some(0), Some(0)));
    assert_eq!(refused(&server.get(&path)), (404, "room_not_found".to_owned()));
}

#[test]
fn of_a_room_that_is_not_public_only_who_sits_there_sees_blobs() {
    let server = serve();
    for body in [json!({}), json!({"password": "moo", "options": {"public_ms": 0}})] {
        let (zoe, room, mut stream) = open(&server, "Zoë", &body);
        hang(&zoe, "map", "text/plain", "hills");
        let told = stream.expect("blob");
        let path = format!("/v1/rooms/{room}/blobs/map?etag={}", told["etag"].as_str().unwrap());
        assert_eq!(refused(&server.get(&path)), (403, "not_public".to_owned()), "{body}");
        let bo = server.player("Bo");
        assert_eq!(refused(&server.get(&bo.path(&path))), (403, "not_public".to_owned()));
        assert_eq!(refused(&server.get(&format!("{path}&token=me"))), (401, "bad_token".to_owned()));
        let gone = format!("{path}&token={}", "0".repeat(36));
        assert_eq!(refused(&server.get(&gone)), (410, "session_gone".to_owned()));
        let shown = server.get(&zoe.path(&path));
        assert_eq!((shown.status, shown.text().as_str()), (200, "hills"));
        assert_eq!(shown.header("cache-control"), Some("private, max-age=31536000, immutable"));
        let bearer = format!("Bearer {}", zoe.token);
        assert_eq!(server.request("GET", &path, &[("Authorization", &bearer)], b"").text(), "hills");
        zoe.post("/v1/leave", &json!({}));
        let left = server.get(&zoe.path(&path)).code();
        assert!(left == "not_public" || left == "room_not_found", "{left}");
    }
}

#[test]
fn who_watches_later_sees_a_blob_no_sooner_and_one_that_was_replaced_as_long_as_he_is_told_of_it() {
    let server = serve();
    let (zoe, room, mut stream) = open(&server, "Zoë", &json!({"options": {"public_ms": 1_500}}));
    let path = format!("/v1/rooms/{room}/blobs/map");
    let mut guest = Stream::open(&server, &format!("/v1/rooms/{room}/watch?n=1"), "");
    guest.expect("hello");
    hang(&zoe, "map", "text/plain", "hills");
    let hills = stream.expect("blob");
    let own = format!("{path}?etag={}", hills["etag"].as_str().unwrap());
    assert_eq!(server.get(&zoe.path(&path)).text(), "hills", "who sits there sees it at once");
    for path in [&path, &own] {
        assert_eq!(refused(&server.get(path)), (404, "no_such_blob".to_owned()), "nobody else does");
    }
    assert_eq!(guest.expect("joined").get("blobs"), None, "the state of then");
    assert_eq!(guest.expect("blob"), hills);
    hang(&zoe, "map", "text/plain", "dales");
    let dales = stream.expect("blob");
    let seen = server.get(&path);
    assert_eq!(
        (seen.status, seen.text().as_str()),
        (200, "hills"),
        "it was replaced, which he is not told yet"
    );
    assert_eq!(seen.header("cache-control"), Some("private, no-cache"));
    assert_eq!(server.get(&zoe.path(&path)).text(), "dales");
    assert_eq!(guest.expect("blob"), dales);
    assert_eq!(server.get(&path).text(), "dales");
    assert_eq!(server.get(&own).code(), "no_such_blob");
    zoe.send(&json!({"type": "take", "data": "map"}));
    stream.expect("blob");
    assert_eq!(server.get(&zoe.path(&path)).code(), "no_such_blob");
    assert_eq!(server.get(&path).text(), "dales", "he is not told yet");
    assert_eq!(guest.expect("blob"), json!({"name": "map", "etag": null}));
    assert_eq!(server.get(&path).code(), "no_such_blob");
}

#[test]
fn hostile_names_and_wishes_are_answered_and_what_a_game_may_not_publish_it_is_told() {
    let server = serve();
    let (zoe, room, mut stream) = open(&server, "Zoë", &json!({"options": {"public_ms": 0}}));
    hang(&zoe, "map", "text/html", "<script>alert(1)</script>");
    stream.expect("blob");
    for (name, status, code) in [
        ("..%2F..%2Fstate", 404, "no_such_blob"),
        ("%2e%2e", 404, "no_such_blob"),
        ("map%00", 404, "no_such_blob"),
        ("%ff%fe", 404, "no_such_blob"),
        ("Map", 404, "no_such_blob"),
        ("map/", 404, "not_found"),
        ("", 404, "not_found"),
        ("map/x", 404, "not_found"),
        ("map?etag=", 404, "no_such_blob"),
        ("map?etag=%22%22", 404, "no_such_blob"),
        ("map?etag=a&etag=b", 400, "bad_query"),
    ] {
        let response = server.get(&format!("/v1/rooms/{room}/blobs/{name}"));
        assert_eq!(refused(&response), (status, code.to_owned()), "{name}");
    }
    let long = "x".repeat(5_000);
    assert_eq!(server.get(&format!("/v1/rooms/{room}/blobs/{long}")).code(), "no_such_blob");
    assert_eq!(server.get("/v1/rooms/none/blobs/map").code(), "room_not_found");
    for (name, kind, text) in [
        ("../map", "text/plain", ""),
        ("map", "text/plain\r\nSet-Cookie: a=b", ""),
        ("map", "text/javascript", "alert(1)"),
    ] {
        assert_eq!(refused(&hang(&zoe, name, kind, text)), (422, "bad_blob".to_owned()), "{name} {kind}");
    }
    let large = json!({"type": "hang_large", "data": {"name": "map", "fill": 1, "bytes": 1_048_577}});
    assert_eq!(zoe.send(&large).code(), "bad_blob");
    assert_eq!(server.metric("sward_blobs_refused_total"), Some(4));
    assert_eq!(server.get(&format!("/v1/rooms/{room}/blobs/map")).header("content-type"), Some("text/html"));
}

#[test]
fn a_large_blob_comes_whole_and_who_does_not_read_it_is_cut_off_when_its_bytes_are_needed() {
    let server = serve();
    let (zoe, room, mut stream) = open(&server, "Zoë", &json!({"options": {"public_ms": 0}}));
    let mib = 1024 * 1024;
    let hang_large = |fill: u8| {
        let data = json!({"name": "map", "fill": fill, "bytes": mib});
        assert_eq!(zoe.send(&json!({"type": "hang_large", "data": data})).status, 200);
    };
    hang_large(1);
    stream.expect("blob");
    let path = format!("/v1/rooms/{room}/blobs/map");
    assert!(server.get(&path).body == vec![1; mib]);
    let mut http_2 = H2::open(server.address);
    assert!(http_2.request("GET", &path, b"").body == vec![1; mib]);
    let head = http_2.request("HEAD", &path, b"");
    assert_eq!((head.header("content-length"), head.body.len()), (Some("1048576"), 0));
    let mut slow = Connection::open(server.address);
    socket2::SockRef::from(&slow.socket).set_recv_buffer_size(4096).unwrap();
    slow.send("GET", &path, "HTTP/1.1", &[], b"");
    let (status, _) = slow.head();
    assert_eq!(status, 200);
    // Four fill the room; the one that is being read is the oldest of five.
    for fill in 2..=5 {
        hang_large(fill);
        stream.expect("blob");
    }
    assert_eq!(server.metric("sward_blob_bytes"), Some(4 * mib as u64));
    while slow.more() > 0 {}
    assert!(slow.read.len() < mib && slow.read.iter().all(|byte| *byte == 1), "{} bytes", slow.read.len());
    assert!(server.get(&path).body == vec![5; mib]);
}

#[test]
fn the_meadow_has_a_map_that_its_operator_sees_too() {
    let server = Server::start_with(&["--admin-secret", "known-to-the-operator"]);
    let seated = server.player("Zoë").join(&json!({"game": "meadow", "create": true}));
    let room = seated["room"]["id"].as_str().unwrap();
    let map = server.get(&format!("/v1/rooms/{room}/blobs/map"));
    assert_eq!(map.header("content-type"), Some("application/json"));
    assert_eq!(map.json()["flowers"].as_array().unwrap().len(), 240);
    let state = server.get(&format!("/v1/rooms/{room}/state")).json();
    let tag = format!("\"{}\"", state["blobs"][0]["etag"].as_str().unwrap());
    assert_eq!(map.header("etag"), Some(tag.as_str()));
    let secret = [("Authorization", "Bearer known-to-the-operator")];
    let inside = server.request("GET", &format!("/v1/admin/rooms/{room}"), &secret, b"").json();
    assert_eq!(inside["blobs"], state["blobs"]);
}

#[test]
fn a_server_without_memory_for_more_blobs_makes_no_more_rooms_that_may_have_some() {
    let server = Server::start_with(&["--max-blob-bytes", "20000"]);
    let (zoe, bo) = (server.player("Zoë"), server.player("Bo"));
    let meadow = json!({"game": "meadow"});
    assert_eq!(zoe.post("/v1/rooms", &meadow).status, 200);
    let full = bo.post("/v1/rooms", &meadow);
    assert_eq!(refused(&full), (503, "server_full".to_owned()));
    assert!(full.header("retry-after").is_some());
    bo.join(&json!({"game": "meadow", "create": true}));
    assert_eq!(server.metric("sward_blob_bytes_reserved"), Some(128 + 240 * 48));
}
