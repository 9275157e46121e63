//! Whatever is sent: a clear answer with its code, and nobody is harmed.

use serde_json::{Value, json};

use crate::support::{Connection, Player, Server};

fn check(server: &Server, path: &str, headers: &[(&str, &str)], body: &[u8], status: u16, code: &str) {
    let response = server.request("POST", path, headers, body);
    let shown = String::from_utf8_lossy(&body[..body.len().min(80)]).into_owned();
    assert_eq!(response.status, status, "{path} {shown}: {}", response.text());
    assert_eq!(response.code(), code, "{path} {shown}");
}

/// The player still sits, still sends, still hears.
fn is_unharmed(player: &Player<'_>, stream: &mut crate::support::Stream) {
    let sent = player.send(&json!({"type": "wave", "data": 1, "to": "all"}));
    assert_eq!(sent.status, 200, "{}", sent.text());
    assert_eq!(stream.await_event("msg")["type"], "wave");
}

#[test]
fn malformed_bodies_are_told_from_those_of_the_wrong_shape() {
    let server = Server::start();
    let zoe = server.player("Zoë");
    zoe.join(&json!({"game": "relay", "create": true}));
    let mut stream = zoe.stream();
    let deep = format!("{}1{}", "[".repeat(20_000), "]".repeat(12_000));
    let cases: &[(&[u8], u16, &str)] = &[
        (b"{\"src\":", 400, "bad_json"),
        (b"\xff\xfe", 400, "bad_json"),
        (b"{\"msgs\":[]} x", 400, "bad_json"),
        (b"{\"msgs\":[\"\xc3\"]}", 400, "bad_json"),
        (b"[]", 422, "bad_body"),
        (b"null", 422, "bad_body"),
        (b"\"msgs\"", 422, "bad_body"),
        (b"{}", 422, "bad_body"),
        (b"", 422, "bad_body"),
        (b"{\"msgs\":5}", 422, "bad_body"),
        (b"5", 422, "bad_body"),
        (b"{\"seq\":-1,\"msgs\":[]}", 422, "bad_body"),
        (b"{\"seq\":1,\"seq\":2,\"msgs\":[]}", 422, "bad_body"),
        (b"{\"ack\":\"no id\",\"msgs\":[{\"type\":\"x\"}]}", 422, "bad_body"),
        (b"{\"seq\":0,\"msgs\":[1]}", 422, "bad_body"),
        (b"{\"seq\":1.5,\"msgs\":[]}", 422, "bad_body"),
        (b"{\"seq\":9007199254740992,\"msgs\":[1]}", 422, "bad_body"),
        (b"{\"src\":7,\"msgs\":[]}", 422, "bad_body"),
        (b"{\"ack\":7,\"msgs\":[]}", 422, "bad_body"),
        (b"{\"type\":\"x\",\"data\":\"\\ud800\"}", 422, "bad_payload"),
        (deep.as_bytes(), 400, "bad_json"),
    ];
    for (body, status, code) in cases {
        check(&server, &zoe.path("/v1/send"), &[], body, *status, code);
    }
    let long = json!({"src": "s".repeat(33), "msgs": [{"type": "x"}]}).to_string();
    check(&server, &zoe.path("/v1/send"), &[], long.as_bytes(), 422, "bad_body");
    let many = json!({"seq": 1, "msgs": vec![json!({"type": "x"}); 101]}).to_string();
    check(&server, &zoe.path("/v1/send"), &[], many.as_bytes(), 422, "bad_body");
    let nested = format!("{{\"type\":\"x\",\"data\":{}{}}}", "[".repeat(100), "]".repeat(100));
    check(&server, &zoe.path("/v1/send"), &[], nested.as_bytes(), 422, "too_deep");
    // A field of a message that stands twice is that message's own failure.
    let twice = b"{\"msgs\":[{\"type\":\"m\",\"type\":\"n\"},{\"type\":\"x\"}]}";
    let answer = server.request("POST", &zoe.path("/v1/send"), &[], twice).json();
    assert_eq!(answer["replies"][0]["error"]["code"], "bad_message");
    assert_eq!(answer["replies"].as_array().unwrap().len(), 1);
    is_unharmed(&zoe, &mut stream);
}

#[test]
fn what_may_not_be_passed_on_is_told_alike_in_every_field() {
    let server = Server::start();
    let zoe = server.player("Zoë");
    let deep = |depth: usize| format!("{}{}", "{\"a\":".repeat(depth - 1) + "{}", "}".repeat(depth - 1));
    for field in ["me", "meta", "options", "filter"] {
        for (value, status, code) in [
            ("\"\\ud800\"", 400, "bad_json"),
            ("{\"a\":\"\\udc00\"}", 400, "bad_json"),
            ("1e400", 400, "bad_json"),
            (&deep(33), 422, "too_deep"),
        ] {
            let body = format!("{{\"game\":\"relay\",\"{field}\":{value}}}");
            check(&server, &zoe.path("/v1/join"), &[], body.as_bytes(), status, code);
        }
        let fits = format!("{{\"game\":\"relay\",\"create\":true,\"{field}\":{}}}", deep(32));
        let made = server.request("POST", &zoe.path("/v1/join"), &[], fits.as_bytes());
        assert_eq!(made.status, 200, "{field}: {}", made.text());
        zoe.post("/v1/leave", &json!({}));
    }
    let packed = [&b"\x82\xa4game\xa5relay\xa2me"[..], &[0x91; 33], b"\xc0"].concat();
    check(
        &server,
        &zoe.path("/v1/join"),
        &[("Content-Type", "application/msgpack")],
        &packed,
        422,
        "too_deep",
    );
    let binary = b"\x82\xa4game\xa5relay\xa2me\xc4\x01x";
    check(
        &server,
        &zoe.path("/v1/join"),
        &[("Content-Type", "application/msgpack")],
        binary,
        422,
        "bad_body",
    );
}

#[test]
fn null_is_as_absent_in_every_optional_field() {
    let server = Server::start();
    let path = "/v1/sessions";
    assert_eq!(server.post(path, &json!({"name": "Zoë", "version": null, "key": null})).status, 201);
    let zoe = server.player("Zoë");
    let nothing = json!({"game": "relay", "code": null, "filter": null, "create": null, "me": null, "name": null,
        "max_players": null, "private": null, "password": null, "meta": null, "options": null, "will": null, "key": null});
    check(&server, &zoe.path("/v1/join"), &[], nothing.to_string().as_bytes(), 404, "room_not_found");
    let made = zoe.post("/v1/rooms", &nothing);
    assert_eq!(made.status, 200, "{}", made.text());
    let path = format!("/v1/rooms/{}/join", made.json()["room"]["id"].as_str().unwrap());
    assert_eq!(
        zoe.post(&path, &json!({"me": null, "password": null, "pass": null, "will": null})).status,
        200
    );
    let batch = json!({"src": null, "seq": null, "ack": null, "msgs": [
        {"type": "wave", "data": null, "rid": null, "to": null, "key": null, "keep": null},
        {"type": "sward.lobby", "data": {"game": null, "watch": null}},
        {"type": "sward.party", "data": {"join": null, "leave": null, "me": null}},
        {"type": "sward.party", "data": {"leave": true}},
        {"type": "sward.queue", "data": {"game": "relay", "mode": "duel", "skill": null, "me": null}},
    ]});
    assert_eq!(zoe.send(&batch).json(), json!({"ack": 0, "replies": []}));
}

#[test]
fn malformed_messagepack_is_told() {
    let server = Server::start();
    let zoe = server.player("Zoë");
    zoe.join(&json!({"game": "relay", "create": true}));
    let mut stream = zoe.stream();
    let headers = [("Content-Type", "application/msgpack")];
    let mut deep = vec![0x81, 0xa4, b'm', b's', b'g', b's'];
    deep.extend([0x91; 10_000]);
    let cases: &[(&[u8], u16, &str)] = &[
        (&[0xc1], 400, "bad_msgpack"),
        (&[0x01], 422, "bad_body"),
        (&[0x81, 0xa4, b'm'], 400, "bad_msgpack"),
        (&[0x81, 0xa4, b'm', b's', b'g', b's', 0x05], 422, "bad_body"),
        (&[0x93, 1, 2, 3], 422, "bad_body"),
        (&[0x80, 0x80], 400, "bad_msgpack"),
        (&[0x81, 0xa4, b'm', b's', b'g', b's', 0xdd, 0xff, 0xff, 0xff, 0xff], 400, "bad_msgpack"),
        (&deep, 400, "bad_msgpack"),
    ];
    for (body, status, code) in cases {
        let response = server.request("POST", &zoe.path("/v1/send"), &headers, body);
        let short = &body[..body.len().min(16)];
        assert!((400..500).contains(&response.status), "{short:x?}");
        assert_eq!((response.status, response.code().as_str()), (*status, *code), "{short:x?}");
    }
    // One value that JSON cannot say fails alone.
    let body = [
        &[0x82, 0xa3][..],
        b"seq",
        &[1, 0xa4],
        b"msgs",
        &[0x92, 0x81, 0xa4],
        b"type",
        &[0xc4, 1, 1],
        &[0x81, 0xa4],
        b"type",
        &[0xa1, b'x'],
    ]
    .concat();
    let answer = server.request("POST", &zoe.path("/v1/send"), &headers, &body).json();
    assert_eq!((&answer["ack"], &answer["replies"][0]["error"]["code"]), (&json!(2), &json!("bad_payload")));
    is_unharmed(&zoe, &mut stream);
}

#[test]
fn names_of_any_script_work_and_bad_ones_do_not() {
    let server = Server::start();
    for good in ["Zoë 🦊", "محمد", "สมชาย", "नमस्ते", "👩‍👩‍👧‍👦", "e\u{301}"]
    {
        let player = server.player(good);
        let shown = player.session["player"]["name"].as_str().unwrap().to_owned();
        let mut stream = player.stream();
        player.join(&json!({"game": "meadow", "create": true}));
        let joined = stream.expect("joined");
        let me = joined["players"].as_array().unwrap().iter().find(|other| other["seat"] == joined["seat"]);
        assert_eq!(me.unwrap()["name"], shown);
    }
    let long = "x".repeat(7000);
    for bad in ["", "   ", "a\u{0}b", "a\u{7}b", "a\nb", "\u{202e}abc", "\u{3164}", &"x".repeat(25), &long] {
        check(&server, "/v1/sessions", &[], json!({ "name": bad }).to_string().as_bytes(), 422, "bad_name");
    }
    let cases: &[(&[u8], u16, &str)] = &[
        (b"{\"name\":\"\\ud800\"}", 400, "bad_json"),
        (b"{\"name\":\"a\\u0000\"}", 422, "bad_name"),
        (b"{\"name\":7,\"key\":\"\\ud800\"}", 400, "bad_json"),
        (b"{\"name\":7}", 422, "bad_body"),
        (b"{}", 422, "bad_body"),
        (b"[\"Zoe\"]", 422, "bad_body"),
        (b"{\"name\":\"Zoe\",\"version\":2}", 400, "unsupported_version"),
    ];
    for (body, status, code) in cases {
        check(&server, "/v1/sessions", &[], body, *status, code);
    }
    let huge = json!({"name": "x".repeat(10_000)}).to_string();
    check(&server, "/v1/sessions", &[], huge.as_bytes(), 413, "body_too_large");
}

#[test]
fn tokens_are_missing_malformed_or_unknown() {
    let server = Server::start();
    let unknown = "0".repeat(36);
    for path in ["/v1/send", "/v1/join", "/v1/leave", "/v1/rooms", "/v1/bye"] {
        for query in ["", "?token=", "?token=abc", "?token=%00", "?x=1&token=ZZ"] {
            check(&server, &format!("{path}{query}"), &[], b"{}", 401, "bad_token");
        }
        check(&server, &format!("{path}?token={unknown}"), &[], b"{}", 410, "session_gone");
        check(&server, path, &[("Authorization", "Basic abc")], b"{}", 401, "bad_token");
        check(&server, path, &[("Authorization", &format!("Bearer {unknown}"))], b"{}", 410, "session_gone");
    }
    assert_eq!(server.get("/v1/stream?token=abc").code(), "bad_token");
    let zoe = server.player("Zoë");
    let bearer = format!("bearer {}", zoe.token);
    let left = server.request("POST", "/v1/leave", &[("Authorization", &bearer)], b"");
    assert_eq!(left.json(), json!({"left": false}));
}

#[test]
fn joins_are_checked() {
    let server = Server::start();
    let zoe = server.player("Zoë");
    let large = json!({"x": "y".repeat(1100)});
    let cases: &[(Value, u16, &str)] = &[
        (json!({}), 422, "bad_body"),
        (json!({"game": "chess"}), 422, "unknown_game"),
        (json!({"game": "relay", "filter": 5}), 422, "bad_filter"),
        (json!({"game": "relay"}), 404, "room_not_found"),
        (json!({"game": "relay", "filter": {"a": large}}), 422, "bad_filter"),
        (json!({"code": "🦊"}), 422, "bad_code"),
        (json!({"code": ""}), 422, "bad_code"),
        (json!({"code": "QQQQ"}), 404, "room_not_found"),
        (json!({"code": 5}), 422, "bad_body"),
        (json!({"game": "relay", "create": true, "max_players": 0}), 422, "bad_max"),
        (json!({"game": "relay", "create": true, "max_players": 1001}), 422, "bad_max"),
        (json!({"game": "relay", "create": true, "max_players": 1_000_000_000}), 422, "bad_max"),
        (json!({"game": "relay", "create": true, "max_players": -1}), 422, "bad_max"),
        (json!({"game": "relay", "create": true, "max_players": 1.5}), 422, "bad_max"),
        (json!({"game": "relay", "create": true, "max_players": 1e30}), 422, "bad_max"),
        (json!({"game": "relay", "create": true, "max_players": "many"}), 422, "bad_body"),
        (json!({"game": "relay", "create": true, "password": ""}), 422, "bad_password"),
        (json!({"game": "relay", "create": true, "password": "x".repeat(65)}), 422, "bad_password"),
        (json!({"game": "relay", "create": true, "password": 7}), 422, "bad_body"),
        (json!({"game": "relay", "create": true, "meta": large}), 422, "bad_meta"),
        (json!({"game": "relay", "create": true, "meta": [1]}), 422, "bad_meta"),
        (json!({"game": "relay", "create": true, "me": large}), 422, "bad_body"),
        (json!({"game": "relay", "create": true, "name": "a\u{7}"}), 422, "bad_name"),
        (json!({"game": "relay", "create": true, "options": {"flush_ms": -1}}), 422, "bad_options"),
        (json!({"game": "relay", "create": true, "options": []}), 422, "bad_options"),
        (json!({"game": "relay", "create": true, "options": large}), 422, "bad_options"),
        (json!({"game": "relay", "create": true, "will": {"type": "sward.lock"}}), 422, "bad_body"),
        (json!({"game": "relay", "create": true, "options": {"flush_ms": 5000}}), 422, "bad_options"),
    ];
    for (body, status, code) in cases {
        check(&server, &zoe.path("/v1/join"), &[], body.to_string().as_bytes(), *status, code);
    }
    check(&server, &zoe.path("/v1/rooms/nonsense/join"), &[], b"", 404, "room_not_found");
    assert_eq!(server.metric("sward_rooms"), Some(0), "nothing was made");
}

#[test]
fn bodies_have_bounds_and_no_compression() {
    let server = Server::start();
    let zoe = server.player("Zoë");
    let (fits, large) = (vec![b' '; 32 * 1024], vec![b' '; 32 * 1024 + 1]);
    check(&server, &zoe.path("/v1/send"), &[], &fits, 422, "bad_body");
    check(&server, &zoe.path("/v1/send"), &[], &large, 413, "body_too_large");
    check(&server, &zoe.path("/v1/join"), &[], &large[..8193], 413, "body_too_large");
    check(&server, &zoe.path("/v1/send"), &[("Content-Encoding", "gzip")], b"x", 415, "unsupported_encoding");

    // A body that does not say how long it is.
    let mut connection = Connection::open(server.address);
    let head =
        format!("POST {} HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n", zoe.path("/v1/send"));
    let mut bytes = head.into_bytes();
    for _ in 0..9 {
        bytes.extend_from_slice(b"1000\r\n");
        bytes.extend_from_slice(&[b' '; 0x1000]);
        bytes.extend_from_slice(b"\r\n");
    }
    use std::io::Write as _;
    let _ = connection.socket.write_all(&bytes);
    assert_eq!(connection.response().code(), "body_too_large");
}

#[test]
fn unknown_routes_methods_and_options_are_told() {
    let server = Server::start();
    for path in
        ["/nope", "/v1", "/v1/", "/v2/send", "/meadow/../Cargo.toml", "/sdk/%2e%2e/package.json", "/%00"]
    {
        let response = server.get(path);
        assert_eq!((response.status, response.code().as_str()), (404, "not_found"), "{path}");
    }
    for (method, path, allow) in
        [("GET", "/v1/send", "POST"), ("DELETE", "/v1/rooms", "GET, POST"), ("POST", "/healthz", "GET, HEAD")]
    {
        let response = server.request(method, path, &[], b"");
        assert_eq!((response.status, response.code().as_str()), (405, "method_not_allowed"), "{path}");
        assert_eq!(response.header("allow"), Some(allow));
    }
    let zoe = server.player("Zoë");
    for query in ["beat=x", "pad=1.5", "beat=", &format!("n={}", "n".repeat(33))] {
        assert_eq!(server.get(&zoe.path(&format!("/v1/stream?{query}"))).code(), "bad_query", "{query}");
    }
    let long = format!("n={}", "n".repeat(33));
    for query in ["wait_ms=x", "wait_ms=", &long] {
        let bye = server.request("POST", &zoe.path(&format!("/v1/bye?{query}")), &[], b"");
        assert_eq!(bye.code(), "bad_query", "{query}");
    }
    for query in ["wait_ms=-1", "wait_ms=60001", "wait_ms=99999999999999999999"] {
        let mo = server.player("Mo");
        assert_eq!(
            server.request("POST", &mo.path(&format!("/v1/bye?{query}")), &[], b"").status,
            200,
            "{query}"
        );
    }
    let twice = server.get("/v1/rooms?game=a&game=b");
    assert_eq!(
        (twice.code().as_str(), &twice.json()["detail"]),
        ("bad_query", &json!("duplicate field `game`"))
    );
    assert_eq!(server.get("/v1/rooms?limit=x").code(), "bad_query");
    assert_eq!(server.get("/v1/rooms?limit=-5").status, 200, "clamped");
    assert_eq!(server.get("/v1/rooms?after=x").code(), "bad_query");
    assert_eq!(server.get("/v1/rooms?limit=0").status, 200, "clamped");
}

#[test]
fn what_weighs_nothing_is_not_accepted() {
    let server = Server::start();
    for (accept, want) in [
        ("application/msgpack", "application/msgpack"),
        ("text/html, Application/MsgPack;q=0.1", "application/msgpack"),
        ("application/msgpack;q=0", "application/json"),
        ("application/msgpack; q=0.000, */*", "application/json"),
        ("application/msgpackage", "application/json"),
        ("*/*", "application/json"),
    ] {
        let response = server.request("GET", "/v1/time", &[("Accept", accept)], b"");
        assert_eq!(response.header("content-type"), Some(want), "{accept}");
    }
}

#[test]
fn heads_that_are_too_large_or_no_http_do_no_harm() {
    let server = Server::start();
    let huge = "x".repeat(200_000);
    let mut connection = Connection::open(server.address);
    connection.send("GET", "/healthz", "HTTP/1.1", &[("X", &huge)], b"");
    assert_eq!(connection.response().status, 431);
    let mut connection = Connection::open(server.address);
    use std::io::Write as _;
    connection.socket.write_all(b"\x16\x03\x01 no http at all\r\n\r\n").unwrap();
    assert_eq!(connection.response().status, 400);
    assert_eq!(server.get("/healthz").status, 200);
}

#[test]
fn nobody_breaks_out_of_his_message() {
    let server = Server::start();
    let (zoe, bo) = (server.player("Zoë"), server.player("Bo"));
    zoe.join(&json!({"game": "relay", "create": true}));
    bo.join(&json!({"game": "relay", "create": true}));
    let mut stream = bo.stream();
    stream.expect("joined");
    let forged = "{\"type\":\"x\",\r\n\r\n\"data\":{\n\n\"a\":\r[\n\"event: bye\\n\\ndata: {}\\n\\n\"]}}";
    let sent = server.request("POST", &zoe.path("/v1/send"), &[], forged.as_bytes());
    assert_eq!(sent.status, 200, "{}", sent.text());
    assert_eq!(stream.expect("msg")["data"], json!({"a": ["event: bye\n\ndata: {}\n\n"]}));
    let kind = json!({"type": "a\nevent: bye\n\n", "data": "\u{2028}\u{85}"});
    zoe.send(&kind);
    assert_eq!(stream.expect("msg")["type"], kind["type"]);
}
