//! Crazy eights over the wire.

use serde_json::{Value, json};

use crate::support::Server;

#[test]
fn two_are_dealt_a_round_and_each_sees_his_own_cards() {
    let server = Server::start();
    let players = [server.player("Zoë"), server.player("Bo")];
    let room = players[0].join(&json!({"game": "cards", "create": true}));
    players[1].join(&json!({"game": "cards"}));
    let mut streams = players.each_ref().map(|player| player.stream());
    for player in &players {
        player.send(&json!({"type": "ready", "data": true}));
    }
    let hands: [Value; 2] = std::array::from_fn(|at| {
        loop {
            let msg = streams[at].await_event("msg");
            if msg["type"] == "hand" {
                break msg["data"]["cards"].clone();
            }
        }
    });
    assert_eq!(hands.each_ref().map(|hand| hand.as_array().unwrap().len()), [7, 7]);
    let path = format!("/v1/rooms/{}/state", room["room"]["id"].as_str().unwrap());
    let shown = server.get(&path).json()["state"].clone();
    assert_eq!(shown["hand"], json!(null));
    assert_eq!(shown["players"][1]["cards"], 7);
    let turn = usize::try_from(shown["table"]["turn"].as_u64().unwrap()).unwrap() - 1;
    let refused = players[1 - turn].post("/v1/send", &json!({"type": "draw"}));
    assert_eq!(refused.code(), "not_your_turn");
    players[turn].send(&json!({"type": "draw"}));
    assert_eq!(server.get(&path).json()["state"]["players"][turn]["cards"], 8);
}

#[test]
fn a_table_has_six_seats_at_most() {
    let server = Server::start();
    let owner = server.player("Zoë");
    let larger = owner.post("/v1/join", &json!({"game": "cards", "create": true, "max_players": 7}));
    assert_eq!((larger.status, larger.code().as_str()), (422, "bad_max"));
    assert_eq!(owner.join(&json!({"game": "cards", "create": true}))["room"]["max_players"], 6);
    let resize = |seats| json!({"type": "sward.resize", "data": {"max_players": seats}});
    assert_eq!(owner.send(&resize(7)).code(), "bad_max");
    assert_eq!(owner.send(&resize(3)).status, 200);
}
