//! One token that opens its stream again and again.

use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::others::Others;
use crate::process::becomes_idle;
use crate::support::{Server, Stream};

#[test]
fn a_stream_opened_again_and_again_in_a_room_with_much_to_tell_is_refused_most_of_the_time_and_works_later() {
    let server = Server::start();
    let mut others = Others::new(&server);
    let zoe = server.player("Zoë");
    let seated = zoe.post("/v1/rooms", &json!({"game": "relay", "max_players": 100})).json();
    let code = &seated["room"]["code"];
    let crowd: Vec<_> = (0..63).map(|number| server.player(&format!("P{number}"))).collect();
    for player in &crowd {
        player.join(&json!({"code": code, "me": "x".repeat(1_000)}));
    }
    let mut refused = 0;
    let began = Instant::now();
    for round in 0..1000 {
        let mut stream = Stream::open(&server, &zoe.path("/v1/stream"), "");
        let (name, data) = stream.next().unwrap();
        if name == "bye" {
            assert_eq!((&data["code"], &data["reason"]), (&json!(3013), &json!("overloaded")));
            refused += 1;
        }
        assert!(round >= 20 || name == "hello", "twenty reconnects in a burst are as anyone's");
        if round % 100 == 0 {
            others.play();
        }
    }
    // The snapshot has more than 64 KiB. One that opens while the room's answer is on its way to the last costs none.
    let bound = 2 * (256 + 4 * (began.elapsed().as_secs() + 1));
    assert!(1000 - refused <= bound, "{} were let in, not {bound}", 1000 - refused);
    assert_eq!(server.metric("sward_openings_refused_total"), Some(refused));
    becomes_idle(&server);
    thread::sleep(Duration::from_millis(500));
    zoe.stream().expect("joined");
}
