//! Two players who want to play while others do harm.

use serde_json::json;

use crate::support::{Player, Server, Stream};

pub struct Others<'a> {
    zoe: Player<'a>,
    stream: Stream,
    /// Keeps the one who speaks in his seat.
    _heard: Stream,
    said: u64,
}

impl<'a> Others<'a> {
    pub fn new(server: &'a Server) -> Self {
        let (zoe, bo) = (server.player("Zoë"), server.player("Bo"));
        for player in [&zoe, &bo] {
            player.join(&json!({"game": "relay", "create": true, "meta": {"others": true}, "filter": {"others": true}}));
        }
        let mut stream = bo.stream();
        stream.expect("joined");
        let heard = zoe.stream();
        Self { zoe, stream, _heard: heard, said: 0 }
    }

    /// One says something, the other hears it.
    pub fn play(&mut self) {
        self.said += 1;
        let said = self.zoe.send(&json!({"type": "say", "data": self.said}));
        assert_eq!(said.status, 200, "{}", said.text());
        assert_eq!(self.stream.await_event("msg")["data"], self.said);
    }
}
