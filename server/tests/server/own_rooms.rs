//! What a server of one's own says of its rooms: who makes them, how many, which are there from the beginning, and who
//! sits in them when nobody has come yet.

use std::net::SocketAddr;
use std::sync::mpsc::sync_channel;
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use sward_server::game::{
    BadOptions, GoneWhy, MessageError, Payload, Random, Raw, Reply, Room, RoomPolicy, Seat, Settings, done,
};
use sward_server::{Builder, Config, CreateRoom, Game};

use crate::support::Server;

/// A table of four at which bots sit until humans come.
struct Table;

impl Game for Table {
    type Message = Raw;

    fn create(_: &Payload, _: &mut Random) -> Result<Self, BadOptions> {
        Ok(Self)
    }

    fn settings(&self) -> Settings {
        Settings::new(4).with_flush(Duration::ZERO).with_yielding_bots()
    }

    fn join(&mut self, room: &mut Room<'_>, _: Seat) -> Result<(), MessageError> {
        for _ in room.players().len()..4 {
            room.add_bot("Robin", &json!({"skill": 3}));
        }
        Ok(())
    }

    fn leave(&mut self, room: &mut Room<'_>, _: Seat, _: GoneWhy) {
        room.add_bot("Robin", &json!({"skill": 3}));
    }

    fn message(&mut self, _: &mut Room<'_>, _: Seat, _: Raw) -> Reply {
        done()
    }
}

/// A server within this process.
fn serve(with: impl FnOnce(Builder) -> Builder + Send + 'static) -> Server {
    let (told, address) = sync_channel::<SocketAddr>(1);
    thread::spawn(move || {
        actix_web::rt::System::new().block_on(async move {
            let config = Config { listen: SocketAddr::from(([127, 0, 0, 1], 0)), ..Config::default() };
            let builder = sward_server::Server::builder().config(config).game::<Table>("table");
            let listening = with(builder).build().listen().unwrap();
            told.send(listening.address()).unwrap();
            listening.run().await.unwrap();
        });
    });
    Server::within(address.recv().unwrap(), "")
}

fn names(server: &Server) -> Vec<(Value, Value)> {
    let rooms = server.get("/v1/rooms").json()["rooms"].as_array().unwrap().clone();
    rooms.iter().map(|room| (room["name"].clone(), room["players"].clone())).collect()
}

#[test]
fn rooms_of_the_server_s_own_are_there_before_anybody_comes_and_stay() {
    let server = serve(|builder| {
        let room = |name: &str| CreateRoom {
            name: name.to_owned(),
            max_players: Some(1),
            ..CreateRoom::of("meadow")
        };
        builder.rooms_of("meadow", RoomPolicy::nobody()).room(room("North")).room(room("South"))
    });
    let both = [(json!("North"), json!(0)), (json!("South"), json!(0))];
    assert_eq!(names(&server), both);
    let [zoe, bo, mo] = ["Zoë", "Bo", "Mo"].map(|name| server.player(name));
    let refused = zoe.post("/v1/rooms", &json!({"game": "meadow"}));
    assert_eq!((refused.status, refused.code().as_str()), (403, "creation_closed"));
    let join = json!({"game": "meadow", "create": true});
    assert_eq!(zoe.join(&join)["room"]["name"], "North");
    assert_eq!(bo.join(&join)["room"]["name"], "South");
    assert_eq!(mo.post("/v1/join", &join).code(), "creation_closed", "both are full");
    assert_eq!(mo.post("/v1/join", &json!({"game": "meadow"})).code(), "room_not_found");
    for player in [zoe, bo] {
        player.post("/v1/leave", &json!({}));
    }
    thread::sleep(Duration::from_millis(1600));
    assert_eq!(names(&server), both, "another room would be gone by now");
}

#[test]
fn a_server_says_how_many_rooms_there_may_be_and_how_many_each_player_makes() {
    let policy = RoomPolicy::anyone().at_most(2).each_player(1, Duration::from_secs(60));
    let server = serve(move |builder| builder.rooms_of("relay", policy));
    let [zoe, bo, mo] = ["Zoë", "Bo", "Mo"].map(|name| server.player(name));
    let make = json!({"game": "relay", "max_players": 2});
    let first = zoe.post("/v1/rooms", &make).json();
    let again = zoe.post("/v1/rooms", &make);
    assert_eq!((again.status, again.code().as_str()), (429, "room_quota"));
    let wait_ms = again.json()["retry_after_ms"].as_u64().unwrap();
    assert!((50_000..=60_000).contains(&wait_ms), "{wait_ms}");
    assert_eq!(again.header("retry-after"), Some(&*wait_ms.div_ceil(1000).to_string()));
    assert_eq!(zoe.post("/v1/leave", &json!({})).json()["left"], true, "he sits where he sat");
    zoe.join(&json!({"code": first["room"]["code"]}));
    assert_eq!(bo.post("/v1/rooms", &make).status, 200);
    let third = mo.post("/v1/rooms", &make);
    assert_eq!((third.status, third.code().as_str()), (409, "too_many_rooms"));
    assert_eq!(mo.join(&json!({"game": "relay", "create": true}))["seat"], 2, "he joins one that is there");
    assert_eq!(mo.post("/v1/rooms", &json!({"game": "table"})).status, 200, "of another game he may");
}

#[test]
fn bots_keep_a_table_full_and_give_way_to_whoever_comes() {
    let server = serve(|builder| builder);
    let (zoe, bo) = (server.player("Zoë"), server.player("Bo"));
    let join = json!({"game": "table", "create": true});
    let mut zoes = zoe.stream();
    let first = zoe.join(&join);
    let joined = zoes.expect("joined");
    assert_eq!(joined["players"].as_array().unwrap().len(), 1);
    for seat in 2..=4 {
        let here = zoes.expect("here");
        assert_eq!(
            [&here["seat"], &here["name"], &here["bot"]],
            [&json!(seat), &json!("Robin"), &json!(true)]
        );
    }
    assert_eq!(names(&server)[0].1, 4);
    let second = bo.join(&join);
    assert_eq!((&second["room"]["id"], &second["seat"]), (&first["room"]["id"], &json!(4)));
    assert_eq!(zoes.expect("gone"), json!({"seat": 4, "why": "left"}));
    let here = zoes.expect("here");
    assert_eq!((&here["seat"], &here["name"], &here["bot"]), (&json!(4), &json!("Bo"), &json!(null)));
    bo.post("/v1/leave", &json!({}));
    assert_eq!(zoes.expect("gone")["seat"], 4);
    assert_eq!(zoes.expect("here")["bot"], true);
    zoe.post("/v1/leave", &json!({}));
    assert_eq!(server.get("/v1/rooms").json()["rooms"], json!([]), "bots alone are nobody");
    server.await_metric("sward_rooms", 0);
}
