//! Guess the number, together: `cargo run`, then open http://127.0.0.1:8080/ in two tabs.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sward_server::game::{Audience, BadOptions, GoneWhy, MessageError, Payload, Random, Reply};
use sward_server::game::{Room, Seat, Settings, refuse, reply};
use sward_server::{Game, Server};

/// The server thinks of a number from 1 to 100; whoever finds it first has a point.
struct Guess {
    secret: u32,
    points: BTreeMap<Seat, u32>,
}

#[derive(Deserialize)]
#[serde(tag = "type", content = "data", rename_all = "snake_case")]
enum Message {
    Guess(u32),
}

impl Game for Guess {
    type Message = Message;

    fn create(_options: &Payload, random: &mut Random) -> Result<Self, BadOptions> {
        Ok(Self { secret: 1 + random.below(100), points: BTreeMap::new() })
    }

    fn settings(&self) -> Settings {
        Settings::new(8)
    }

    fn join(&mut self, room: &mut Room<'_>, seat: Seat) -> Result<(), MessageError> {
        self.points.insert(seat, 0);
        if room.players().len() == 1 {
            room.set_timer("round", Duration::from_secs(30));
        }
        Ok(())
    }

    fn leave(&mut self, _room: &mut Room<'_>, seat: Seat, _why: GoneWhy) {
        self.points.remove(&seat);
    }

    fn message(&mut self, room: &mut Room<'_>, from: Seat, message: Message) -> Reply {
        match message {
            Message::Guess(0 | 101..) => refuse("out_of_range", "guess a number from 1 to 100"),
            Message::Guess(number) if number < self.secret => reply("higher"),
            Message::Guess(number) if number > self.secret => reply("lower"),
            Message::Guess(_) => {
                *self.points.entry(from).or_default() += 1;
                self.next_round(room);
                reply("right")
            }
        }
    }

    fn timer(&mut self, room: &mut Room<'_>, _name: &str) {
        self.next_round(room);
    }

    fn state(&self, _seat: Seat) -> impl Serialize {
        &self.points
    }
}

impl Guess {
    fn next_round(&mut self, room: &mut Room<'_>) {
        room.send(Audience::All, "round_over", &self.secret);
        room.patch(Audience::All, &self.points);
        self.secret = 1 + room.random().below(100);
        room.set_timer("round", Duration::from_secs(30));
    }
}

fn main() -> std::io::Result<()> {
    Server::builder().args().game::<Guess>("guess").files("public").run()
}

#[cfg(test)]
mod tests {
    use super::*;
    use sward_server::testing::TestRoom;

    #[test]
    fn whoever_finds_the_number_has_a_point_and_all_are_told() {
        let mut room = TestRoom::<Guess>::new();
        let (zoe, bo) = (room.join("Zoë"), room.join("Bo"));
        assert_eq!(room.send(zoe, "guess", 101).unwrap_err().code, "out_of_range");
        let secret = (1..=100).find(|n| room.request::<String>(zoe, "guess", n).unwrap() == "right");
        assert_eq!(room.messages::<u32>(bo, "round_over"), [secret.unwrap()]);
        assert_eq!(room.state::<BTreeMap<Seat, u32>>(bo), BTreeMap::from([(zoe.seat, 1), (bo.seat, 0)]));
        room.advance(Duration::from_secs(60));
        assert_eq!(room.messages::<u32>(bo, "round_over").len(), 2, "nobody found two more");
    }
}
