//! POSTs up: exactly once, in order, each failure told.

use serde_json::{Value, json};

use crate::support::{Connection, Player, Server};

fn waves(numbers: std::ops::RangeInclusive<u64>) -> Vec<Value> {
    numbers.map(|number| json!({"type": "wave", "data": number})).collect()
}

/// Two players in one relay, and what the second hears.
fn relay(server: &Server) -> (Player<'_>, crate::support::Stream) {
    let (zoe, bo) = (server.player("Zoë"), server.player("Bo"));
    zoe.join(&json!({"game": "relay", "create": true}));
    let mut stream = bo.stream();
    bo.join(&json!({"game": "relay", "create": true}));
    stream.expect("joined");
    (zoe, stream)
}

#[test]
fn a_batch_sent_twice_is_applied_once_and_a_grown_retry_only_where_it_grew() {
    let server = Server::start();
    let (zoe, mut bo) = relay(&server);
    let batch = |seq: u64, messages: Vec<Value>| {
        let answer = zoe.send(&json!({"src": "k", "seq": seq, "msgs": messages}));
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()["ack"].as_u64().unwrap()
    };
    assert_eq!(batch(1, waves(1..=3)), 3);
    assert_eq!(batch(1, waves(1..=3)), 3);
    assert_eq!(batch(2, waves(2..=5)), 5);
    assert_eq!(batch(6, waves(6..=6)), 6);
    for number in 1..=6 {
        assert_eq!(bo.expect("msg"), json!({"from": 1, "type": "wave", "data": number}));
    }
}

#[test]
fn a_repeated_batch_gets_the_same_replies() {
    let server = Server::start();
    let (zoe, _bo) = relay(&server);
    let deep: Value = serde_json::from_str(&format!("{}{}", "[".repeat(33), "]".repeat(33))).unwrap();
    let batch = json!({"src": "k", "seq": 1, "msgs": [
        {"type": "wave"},
        {"type": "sward.nonsense", "rid": 5},
        {"type": "wave", "to": 9},
        "no message",
        {"type": "wave", "rid": 7},
        {"type": "wave", "data": deep, "rid": 9},
        {"type": "sward.ping", "rid": 8},
    ]});
    let answer = zoe.send(&batch).json();
    assert_eq!(answer["ack"], 7);
    let short: Vec<_> = answer["replies"]
        .as_array()
        .unwrap()
        .iter()
        .map(|reply| (reply["i"].as_u64().unwrap(), reply["rid"].as_u64(), reply["error"]["code"].as_str()))
        .collect();
    assert_eq!(
        short,
        [
            (1, Some(5), Some("unknown_type")),
            (2, None, Some("no_such_seat")),
            (3, None, Some("bad_message")),
            (4, Some(7), None),
            (5, Some(9), Some("too_deep")),
            (6, Some(8), None),
        ]
    );
    assert_eq!(zoe.send(&batch).json(), answer);
    // Grown meanwhile, it gets the old replies and the new one.
    let mut grown = batch;
    grown["msgs"].as_array_mut().unwrap().push(json!({"type": "wave", "rid": 10}));
    let grown = zoe.send(&grown).json();
    let (old, new) = (answer["replies"].as_array().unwrap(), grown["replies"].as_array().unwrap());
    assert_eq!((&new[..old.len()], &new[old.len()]), (&old[..], &json!({"i": 7, "rid": 10, "data": null})));
}

#[test]
fn batches_that_overtake_each_other_are_put_in_order() {
    let server = Server::start();
    let (zoe, mut bo) = relay(&server);
    // Three under way on connections of their own, the last first.
    let mut connections: Vec<_> = (0..3).map(|_| Connection::open(server.address)).collect();
    for (at, connection) in connections.iter_mut().enumerate().rev() {
        let seq = at as u64 * 2 + 1;
        let body = json!({"src": "k", "seq": seq, "msgs": waves(seq..=seq + 1)}).to_string();
        connection.send("POST", &zoe.path("/v1/send"), "HTTP/1.1", &[], body.as_bytes());
    }
    for connection in &mut connections {
        let answer = connection.response();
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
    for number in 1..=6 {
        assert_eq!(bo.expect("msg")["data"], number);
    }
}

#[test]
fn a_missing_batch_is_a_gap_with_the_number_to_go_on_with() {
    let server = Server::start();
    let (zoe, _bo) = relay(&server);
    let answer = zoe.send(&json!({"src": "k", "seq": 3, "msgs": waves(3..=3)}));
    assert_eq!((answer.status, answer.code().as_str()), (409, "gap"));
    assert_eq!(answer.json()["expected"], 1);
    let early: Vec<_> = (0..6)
        .map(|_| {
            let mut connection = Connection::open(server.address);
            let body = json!({"src": "k", "seq": 3, "msgs": waves(3..=3)}).to_string();
            connection.send("POST", &zoe.path("/v1/send"), "HTTP/1.1", &[], body.as_bytes());
            connection
        })
        .collect();
    for mut connection in early {
        assert_eq!(connection.response().code(), "gap", "four wait in vain, two do not wait at all");
    }
}

#[test]
fn a_reloaded_page_counts_anew_and_the_old_one_still_counts() {
    let server = Server::start();
    let (zoe, mut bo) = relay(&server);
    for src in ["old", "new"] {
        assert_eq!(zoe.send(&json!({"src": src, "seq": 1, "msgs": waves(1..=1)})).json()["ack"], 1);
    }
    assert_eq!(zoe.send(&json!({"src": "old", "seq": 1, "msgs": waves(1..=2)})).json()["ack"], 2);
    let heard: Vec<_> = (0..3).map(|_| bo.expect("msg")["data"].as_u64().unwrap()).collect();
    assert_eq!(heard, [1, 1, 2]);
}

#[test]
fn a_client_that_leaves_before_its_answer_is_applied_once() {
    let server = Server::start();
    let (zoe, mut bo) = relay(&server);
    for seq in 1..=50_u64 {
        let body = json!({"src": "k", "seq": seq, "msgs": waves(seq..=seq)}).to_string();
        let mut connection = Connection::open(server.address);
        connection.send("POST", &zoe.path("/v1/send"), "HTTP/1.1", &[], body.as_bytes());
        drop(connection);
        let answer = zoe.send(&json!({"src": "k", "seq": seq, "msgs": waves(seq..=seq)}));
        assert_eq!(answer.json()["ack"], seq, "{}", answer.text());
    }
    for number in 1..=50 {
        assert_eq!(bo.expect("msg")["data"], number);
    }
}

#[test]
fn a_single_message_is_a_body_and_its_failure_the_answer() {
    let server = Server::start();
    let (zoe, mut bo) = relay(&server);
    let sent = zoe.send(&json!({"type": "wave", "data": {"a": 1}, "rid": 3}));
    assert_eq!(sent.json(), json!({"ack": 0, "replies": [{"i": 0, "rid": 3, "data": null}]}));
    assert_eq!(bo.expect("msg")["data"], json!({"a": 1}));
    for (message, status, code) in [
        (json!({"type": "wave", "to": 7}), 422, "no_such_seat"),
        (json!({"type": 5}), 422, "bad_message"),
        (json!({"type": "sward.unheard"}), 422, "unknown_type"),
        (json!({"type": "chat", "data": {"text": " "}}), 422, "bad_payload"),
    ] {
        let answer = zoe.send(&message);
        assert_eq!((answer.status, answer.code().as_str()), (status, code), "{message}");
    }
    let alone = server.player("Alone").send(&json!({"type": "wave"}));
    assert_eq!((alone.status, alone.code().as_str()), (409, "not_in_room"));
}

#[test]
fn messagepack_goes_both_ways() {
    let server = Server::start();
    let (zoe, mut bo) = relay(&server);
    let body =
        json!({"src": "k", "seq": 1, "msgs": [{"type": "wave", "data": {"é": [1, -2.5, null]}, "rid": 1}]});
    let packed = rmp_serde::to_vec_named(&body).unwrap();
    let headers = [("Content-Type", "application/msgpack"), ("Accept", "application/msgpack")];
    let answer = server.request("POST", &zoe.path("/v1/send"), &headers, &packed);
    assert_eq!(answer.header("content-type"), Some("application/msgpack"));
    let answer: Value = rmp_serde::from_slice(&answer.body).unwrap();
    assert_eq!(answer, json!({"ack": 1, "replies": [{"i": 0, "rid": 1, "data": null}]}));
    assert_eq!(bo.expect("msg")["data"], json!({"é": [1, -2.5, null]}));

    let named = rmp_serde::to_vec_named(&json!({"name": "Zoë 🦊"})).unwrap();
    let session = server.request("POST", "/v1/sessions", &headers, &named);
    let session: Value = rmp_serde::from_slice(&session.body).unwrap();
    assert_eq!(session["player"]["name"], "Zoë 🦊");
    assert_eq!(session["player"]["id"].as_str().unwrap().len(), 36, "uuids are text");
}

#[test]
fn too_many_messages_are_refused_whole_and_accepted_later() {
    let server = Server::start_with(&["--messages-per-s", "10"]);
    let (zoe, _bo) = relay(&server);
    // Joining took five; a full batch always fits in the end.
    assert_eq!(zoe.send(&json!({"src": "k", "seq": 1, "msgs": waves(1..=90)})).json()["ack"], 90);
    let refused = zoe.send(&json!({"src": "k", "seq": 91, "msgs": waves(91..=100)}));
    assert_eq!((refused.status, refused.code().as_str()), (429, "rate_limited"));
    let wait_ms = refused.json()["retry_after_ms"].as_u64().unwrap();
    assert!((1..=1000).contains(&wait_ms), "{wait_ms}");
    assert_eq!(refused.header("retry-after"), Some("1"));
    std::thread::sleep(std::time::Duration::from_millis(wait_ms));
    assert_eq!(zoe.send(&json!({"src": "k", "seq": 91, "msgs": waves(91..=100)})).json()["ack"], 100);
}

#[test]
fn a_crowd_that_floods_a_room_is_slowed_and_nobody_loses_an_event() {
    let server = Server::start();
    let (zoe, mut bo) = relay(&server);
    let crowd: Vec<_> = (0..4).map(|number| server.player(&format!("P{number}"))).collect();
    for player in &crowd {
        player.join(&json!({"game": "relay", "create": true}));
    }
    // As MessagePack these bytes double on their way to JSON.
    let data = "\u{7f}\"".repeat(7_500);
    let refused = std::sync::atomic::AtomicUsize::new(0);
    let flood = |player: &Player<'_>| {
        for number in 0..8 {
            let body = json!({"type": "blob", "data": [number, data]});
            let packed = rmp_serde::to_vec_named(&body).unwrap();
            loop {
                let headers = [("Content-Type", "application/msgpack")];
                let answer = server.request("POST", &player.path("/v1/send"), &headers, &packed);
                if answer.status == 200 {
                    break;
                }
                assert!(["rate_limited", "room_busy"].contains(&answer.code().as_str()));
                refused.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                let wait_ms = answer.json()["retry_after_ms"].as_u64().unwrap();
                std::thread::sleep(std::time::Duration::from_millis(wait_ms));
            }
        }
    };
    std::thread::scope(|scope| {
        for player in crowd.iter().chain([&zoe]) {
            scope.spawn(|| flood(player));
        }
        let mut heard = std::collections::BTreeMap::<u64, Vec<u64>>::new();
        while heard.values().map(Vec::len).sum::<usize>() < 40 {
            let (name, event) = bo.next().unwrap();
            if name == "msg" {
                let number = event["data"][0].as_u64().unwrap();
                heard.entry(event["from"].as_u64().unwrap()).or_default().push(number);
            }
            assert!(["msg", "here"].contains(&name.as_str()), "{name}: {event}");
        }
        assert!(heard.values().all(|numbers| *numbers == (0..8).collect::<Vec<_>>()), "{heard:?}");
    });
    assert!(refused.into_inner() > 0, "the flood met no bound");
}

#[test]
fn moving_about_costs_more_than_speaking() {
    let server = Server::start_with(&["--messages-per-s", "10"]);
    let zoe = server.player("Zoë");
    let join = json!({"game": "relay", "create": true});
    let answers: Vec<_> = (0..25).map(|_| zoe.post("/v1/join", &join)).collect();
    assert!(answers[..20].iter().all(|answer| answer.status == 200));
    assert_eq!(answers[24].code(), "rate_limited");
}
