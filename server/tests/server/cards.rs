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
fn a_table_has_six_seats_also_in_a_larger_room() {
    let server = Server::start();
    let join = json!({"game": "cards", "create": true, "max_players": 10});
    let players: Vec<_> = (0..6).map(|number| server.player(&format!("P{number}"))).collect();
    let rooms: Vec<_> = players.iter().map(|player| player.join(&join)["room"].clone()).collect();
    let code = rooms[5]["code"].clone();
    let seventh = server.player("Seven").post("/v1/join", &json!({"code": code}));
    assert_eq!((seventh.status, seventh.code().as_str()), (409, "table_full"));
}
