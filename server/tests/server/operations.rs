//! Health, metrics, CORS, the web client, bounds, and leaving well.

use serde_json::json;

use crate::support::{Connection, Server, Stream};

#[test]
fn health_metrics_and_time_are_plain() {
    let server = Server::start();
    assert_eq!(server.get("/healthz").text(), "ok\n");
    assert_eq!(server.get("/readyz").text(), "ready\n");
    let metrics = server.get("/metrics");
    assert!(metrics.header("content-type").unwrap().starts_with("text/plain; version=0.0.4"));
    assert!(metrics.text().contains("# TYPE sward_sessions gauge"));
    let now_ms = server.get("/v1/time").json()["time_ms"].as_u64().unwrap();
    let here_ms = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis();
    assert!(u128::from(now_ms).abs_diff(here_ms) < 60_000);
    server.get("/nope");
    assert_eq!(server.metric("sward_errors_total{code=\"not_found\"}"), Some(1));
}

#[test]
fn pages_of_any_origin_may_call_until_there_is_a_list() {
    let server = Server::start();
    let origin = ("Origin", "https://game.example");
    let preflight = |server: &Server| {
        let asked = [
            origin,
            ("Access-Control-Request-Method", "POST"),
            ("Access-Control-Request-Headers", "authorization,content-type,last-event-id"),
        ];
        server.request("OPTIONS", "/v1/send", &asked, b"")
    };
    for asked in [("PUT", "accept"), ("POST", "x-secret")] {
        let (method, header) = asked;
        let headers =
            [origin, ("Access-Control-Request-Method", method), ("Access-Control-Request-Headers", header)];
        let refused = server.request("OPTIONS", "/v1/send", &headers, b"");
        assert_eq!(refused.status, 400, "{asked:?}");
        assert_eq!(refused.header("content-type"), Some("text/plain; charset=utf-8"), "{asked:?}");
    }
    let allowed = preflight(&server);
    assert_eq!(allowed.status, 200, "{}", allowed.text());
    assert_eq!(allowed.header("access-control-allow-origin"), Some("*"));
    assert_eq!(allowed.header("access-control-max-age"), Some("86400"));
    for header in ["authorization", "content-type", "last-event-id"] {
        assert!(allowed.header("access-control-allow-headers").unwrap().to_lowercase().contains(header));
    }
    let error = server.request("POST", "/v1/send", &[origin], b"{}");
    assert_eq!(error.header("access-control-allow-origin"), Some("*"), "a page may read why it failed");
    let exposed = error.header("access-control-expose-headers").unwrap().to_lowercase();
    assert!(exposed.contains("retry-after") && exposed.contains("etag"), "{exposed}");

    let listed = Server::start_with(&["--allow-origin", "https://game.example,https://other.example"]);
    assert_eq!(preflight(&listed).header("access-control-allow-origin"), Some("https://game.example"));
    let foreign = listed.request("GET", "/v1/time", &[("Origin", "https://evil.example")], b"");
    assert_eq!(foreign.header("access-control-allow-origin"), None);
}

#[test]
fn the_web_client_is_there_with_its_types_and_tags() {
    let server = Server::start();
    let page = server.get("/");
    assert_eq!(page.status, 200);
    assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
    assert!(page.header("content-security-policy").unwrap().contains("default-src 'self'"));
    assert!(page.text().contains("/meadow/main.js"));
    for path in ["/cards", "/cards/"] {
        assert!(server.get(path).text().contains("/cards/main.js"), "{path}");
    }
    assert_eq!(server.get("/cards/icon.svg").header("content-type"), Some("image/svg+xml"));
    let script = server.get("/sdk/index.js");
    assert_eq!(script.header("content-type"), Some("text/javascript; charset=utf-8"));
    let tag = script.header("etag").unwrap();
    assert_eq!(server.request("GET", "/sdk/index.js", &[("If-None-Match", tag)], b"").status, 304);
    let mut connection = Connection::open(server.address);
    connection.send("HEAD", "/sdk/index.js", "HTTP/1.1", &[], b"");
    assert_eq!(connection.head().0, 200);
    assert_eq!(server.get("/meadow/nothing.js").code(), "not_found");
    assert_eq!(server.get("/test/sse-parser.test.js").code(), "not_found", "tests are not served");
}

#[test]
fn one_player_too_many_is_told_and_his_place_is_free_later() {
    let server = Server::start_with(&["--max-players", "1"]);
    let zoe = server.player("Zoë");
    let refused = server.post("/v1/sessions", &json!({"name": "Bo"}));
    assert_eq!((refused.status, refused.code().as_str()), (503, "server_full"));
    assert!(refused.json()["retry_after_ms"].is_u64());
    zoe.post("/v1/bye", &json!({}));
    server.player("Bo");
}

#[test]
fn one_stream_too_many_is_asked_to_come_back() {
    let server = Server::start_with(&["--max-streams", "1"]);
    let (zoe, bo) = (server.player("Zoë"), server.player("Bo"));
    let stream = zoe.stream();
    let mut refused = Stream::open(&server, &bo.path("/v1/stream"), "");
    let bye = refused.expect("bye");
    assert_eq!((&bye["code"], &bye["reason"]), (&json!(3013), &json!("overloaded")));
    assert!(refused.next().is_none());
    stream.cut();
    server.await_metric("sward_streams", 0);
    bo.stream();
}

#[cfg(unix)]
#[test]
fn told_to_stop_it_says_bye_and_ends() {
    let mut server = Server::start();
    let zoe = server.player("Zoë");
    let mut stream = zoe.stream();
    let address = server.address;
    server.terminate();
    let bye = stream.expect("bye");
    assert_eq!((&bye["code"], &bye["reason"]), (&json!(3001), &json!("shutdown")));
    assert!((200..=2000).contains(&bye["retry_ms"].as_u64().unwrap()));
    assert!(stream.next().is_none());
    assert!(server.wait().success());
    assert!(std::net::TcpStream::connect(address).is_err());
}

#[cfg(unix)]
#[test]
fn while_it_drains_it_is_not_ready_and_takes_no_new_players() {
    let server = Server::start_with(&["--drain-ms", "20000"]);
    let zoe = server.player("Zoë");
    // A stream that is not read to its end keeps the server draining.
    let stalled = stalled_stream(&zoe);
    server.terminate();
    let deadline = std::time::Instant::now() + crate::support::DEADLINE;
    while server.get("/readyz").status != 503 {
        assert!(std::time::Instant::now() < deadline);
    }
    let refused = server.post("/v1/sessions", &json!({"name": "Bo"}));
    assert_eq!((refused.status, refused.code().as_str()), (503, "draining"));
    assert_eq!(server.get("/healthz").status, 200);
    assert_eq!(zoe.send(&json!({"type": "sward.ping"})).status, 200, "requests are still answered");
    drop(stalled);
}

#[cfg(unix)]
#[test]
fn it_stops_as_it_is_told_though_nobody_reads_its_log() {
    let mut server = Server::start_unheard();
    server.terminate();
    assert!(server.wait().success());
}

#[cfg(unix)]
#[test]
fn what_is_under_way_when_it_is_told_to_stop_is_answered_and_what_stalls_is_cut() {
    let mut server = Server::start_with(&["--drain-ms", "4000"]);
    let address = server.address;
    let (zoe, stalled) = {
        let zoe = server.player("Zoë");
        let stalled = stalled_stream(&zoe);
        (zoe.token, stalled)
    };
    // It waits up to 2 s for the batch before it.
    let mut early = Connection::open(address);
    let body = json!({"src": "e", "seq": 2, "msgs": [{"type": "sward.ping"}]}).to_string();
    early.send("POST", &format!("/v1/send?token={zoe}"), "HTTP/1.1", &[], body.as_bytes());
    server.await_metric("sward_requests", 3);
    let told = std::time::Instant::now();
    std::process::Command::new("kill").args(["-TERM", &server.pid().to_string()]).status().unwrap();
    let response = early.response();
    assert_eq!((response.status, response.code().as_str()), (409, "gap"));
    assert!(server.wait().success());
    let elapsed = told.elapsed();
    assert!(elapsed < std::time::Duration::from_secs(8), "{elapsed:?}");
    drop(stalled);
}

#[cfg(unix)]
fn stalled_stream(zoe: &crate::support::Player<'_>) -> Stream {
    // A small receiving side, which the kernel does not enlarge.
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    socket.connect(&zoe.server.address.into()).unwrap();
    let mut connection = Connection { socket: socket.into(), read: Vec::new() };
    connection.send("GET", &zoe.path("/v1/stream"), "HTTP/1.1", &[], b"");
    let mut stream = Stream::of(connection);
    stream.expect("hello");
    // Fill the connection with events that nobody reads, below the bound at which the stream would lose its hold.
    let data = "x".repeat(1000);
    for _ in 0..100 {
        zoe.send(&json!({"src": "k", "msgs": [{"type": "sward.ping", "data": data}]}));
    }
    stream
}
