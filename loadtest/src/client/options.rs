//! What a client may choose.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize, Serializer};

/// A way to get events down. The higher, the more boxes on the way let it through, and the more each event costs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rung {
    /// An endless `text/event-stream`: prompt through 34 of 47 middleboxes.
    #[default]
    Sse,
    /// The same bytes as `application/octet-stream`, unchunked: five more.
    Raw,
    /// A complete answer for each flush: all of them.
    Drain,
}

impl Rung {
    /// All of them, from the lowest.
    pub const ALL: [Self; 3] = [Self::Sse, Self::Raw, Self::Drain];

    /// Its number on the wire: 0, 1 or 2.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::Sse => 0,
            Self::Raw => 1,
            Self::Drain => 2,
        }
    }

    /// The rung of this number, if there is one.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|rung| rung.number() == number)
    }

    /// The next one to try when this one does not work.
    #[must_use]
    pub const fn next(self) -> Option<Self> {
        match self {
            Self::Sse => Some(Self::Raw),
            Self::Raw => Some(Self::Drain),
            Self::Drain => None,
        }
    }
}

impl fmt::Display for Rung {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sse => "sse",
            Self::Raw => "raw",
            Self::Drain => "drain",
        })
    }
}

/// Which rungs a client uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ladder {
    /// This one, whether it works or not.
    Fixed(Rung),
    /// The first that is proved, from this one on; the lowest is tried again later. Begin with the rung that was proved
    /// on this network the last time, or with [`Rung::Sse`].
    Climb {
        /// The first one to try.
        from: Rung,
    },
}

impl Default for Ladder {
    fn default() -> Self {
        Self::Climb { from: Rung::Sse }
    }
}

impl Ladder {
    /// The rung of the first stream.
    #[must_use]
    pub fn first(self) -> Rung {
        match self {
            Self::Fixed(rung) | Self::Climb { from: rung } => rung,
        }
    }
}

/// How events are written. In words: `sse`, `batch`, `msgpack`, `msgpack-batch`, `frames`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wire {
    /// Server-Sent Events with JSON.
    Sse {
        /// One SSE event for each write of the server.
        batch: bool,
    },
    /// Server-Sent Events with base64 of MessagePack.
    SseMsgpack {
        /// One SSE event for each write of the server.
        batch: bool,
    },
    /// Length-prefixed MessagePack: the fewest bytes, for native programs without a box in between.
    Frames,
}

impl fmt::Display for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sse { batch: false } => "sse",
            Self::Sse { batch: true } => "batch",
            Self::SseMsgpack { batch: false } => "msgpack",
            Self::SseMsgpack { batch: true } => "msgpack-batch",
            Self::Frames => "frames",
        })
    }
}

impl FromStr for Wire {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|wire| wire.to_string() == text)
            .ok_or_else(|| "it is sse, batch, msgpack, msgpack-batch or frames".to_owned())
    }
}

impl Wire {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Sse { batch: false },
        Self::Sse { batch: true },
        Self::SseMsgpack { batch: false },
        Self::SseMsgpack { batch: true },
        Self::Frames,
    ];

    /// The wire of a stream on this rung. A drained answer comes beside events in answers to POSTs, so that each of its
    /// events needs an id of its own: a batch has only the last one's.
    #[must_use]
    pub fn on(self, rung: Rung) -> Self {
        match (rung, self) {
            (Rung::Drain, Self::Sse { .. }) => Self::Sse { batch: false },
            (Rung::Drain, Self::SseMsgpack { .. }) => Self::SseMsgpack { batch: false },
            (_, wire) => wire,
        }
    }
}

impl Serialize for Wire {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Default for Wire {
    fn default() -> Self {
        Self::Sse { batch: false }
    }
}

/// How a stream is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StreamOptions {
    /// `mode`.
    pub rung: Rung,
    /// `batch`, `enc` and the media type.
    pub wire: Wire,
    /// `beat`: the server's beat interval, 5–15 s; 5 s unless told.
    pub beat: Option<Duration>,
    /// `hold`: how long a drain waits for an event, 0–9 s; 9 s unless told.
    pub hold: Option<Duration>,
    /// `pad`: spaces in the first comment, 0–65,536; 2,048 unless told.
    pub pad: Option<u32>,
    /// `padeach`: spaces behind each write, 0–16,384; none unless told.
    pub pad_each: Option<u32>,
    /// `POST` instead of `GET`, for tunnels that buffer only the latter.
    pub by_post: bool,
}

impl StreamOptions {
    /// The query behind `?n=…` that asks for this.
    pub(super) fn query(&self) -> String {
        let mut query = format!("&rung={}", self.rung.number());
        query.push_str(match self.rung {
            Rung::Sse => "",
            Rung::Raw => "&mode=raw",
            Rung::Drain => "&mode=drain",
        });
        query.push_str(match self.wire.on(self.rung) {
            Wire::Sse { batch: false } | Wire::Frames => "",
            Wire::Sse { batch: true } => "&batch=1",
            Wire::SseMsgpack { batch: false } => "&enc=msgpack",
            Wire::SseMsgpack { batch: true } => "&enc=msgpack&batch=1",
        });
        let numbers = [
            ("beat", self.beat.map(|beat| beat.as_millis())),
            ("hold", self.hold.map(|hold| hold.as_millis())),
            ("pad", self.pad.map(u128::from)),
            ("padeach", self.pad_each.map(u128::from)),
        ];
        for (name, number) in numbers {
            if let Some(number) = number {
                query.push_str(&format!("&{name}={number}"));
            }
        }
        query
    }

    /// How long the server may take to begin its answer: a drain answers when something happened.
    pub(super) fn head_timeout(&self) -> Duration {
        const PROMPT: Duration = Duration::from_secs(10);
        match self.rung {
            Rung::Sse | Rung::Raw => PROMPT,
            Rung::Drain => PROMPT + self.hold.unwrap_or(HOLD_MAX),
        }
    }
}

/// How long a drain waits for an event unless told.
const HOLD_MAX: Duration = Duration::from_millis(9_000);

/// What a [`super::Client`] is made with. Begin with [`ClientOptions::named`] and change what is to be different.
#[derive(Debug, Clone)]
pub struct ClientOptions {
    /// The player's name: 1–24 characters as people count them.
    pub name: String,
    /// Which rungs to use.
    pub ladder: Ladder,
    /// How events are written.
    pub wire: Wire,
    /// The server's beat interval, 5–15 s; 5 s unless told.
    pub beat: Option<Duration>,
    /// How long a drain waits for an event, 0–9 s; 9 s unless told.
    pub hold: Option<Duration>,
    /// Spaces in a stream's first comment, 0–65,536; 2,048 unless told.
    pub pad: Option<u32>,
    /// Spaces behind each write, 0–16,384; none unless told.
    pub pad_each: Option<u32>,
    /// Tell the server how far the events were received, with each batch and in silence. Without it the server keeps
    /// more, judges the player by his socket alone, and puts no events into the answers of a draining client.
    pub ack: bool,
    /// Batches under way at the same time (1–3) when round trips are long; a short one needs no second.
    pub in_flight_max: u8,
    /// Messages that wait or are unanswered; past it [`super::SendError::Full`].
    pub waiting_max: usize,
    /// How long [`super::Client::connect`] may take, for the session and a proved rung together.
    pub connect_timeout: Duration,
    /// How long an answer to a POST may take; a batch is sent again then.
    pub answer_timeout: Duration,
    /// Open streams by `POST`, for tunnels that buffer `GET`.
    pub stream_by_post: bool,
    /// Replace a session that ended against the player's will by a new one, and say so.
    pub renew: bool,
}

impl ClientOptions {
    /// The defaults, for a player of this name.
    #[must_use]
    pub fn named(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            ladder: Ladder::default(),
            wire: Wire::default(),
            beat: None,
            hold: None,
            pad: None,
            pad_each: None,
            ack: true,
            in_flight_max: 3,
            waiting_max: 1_000,
            connect_timeout: Duration::from_secs(30),
            answer_timeout: Duration::from_secs(10),
            stream_by_post: false,
            renew: true,
        }
    }

    /// How its streams on this rung are asked for.
    #[must_use]
    pub fn stream(&self, rung: Rung) -> StreamOptions {
        StreamOptions {
            rung,
            wire: self.wire,
            beat: self.beat,
            hold: self.hold,
            pad: self.pad,
            pad_each: self.pad_each,
            by_post: self.stream_by_post,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(options: &StreamOptions, want: &str) {
        assert_eq!(options.query(), want);
    }

    #[test]
    fn a_stream_is_asked_for_by_its_query() {
        let plain = StreamOptions::default;
        check(&plain(), "&rung=0");
        check(&StreamOptions { rung: Rung::Raw, ..plain() }, "&rung=1&mode=raw");
        let hold = Some(Duration::from_secs(9));
        check(&StreamOptions { rung: Rung::Drain, hold, ..plain() }, "&rung=2&mode=drain&hold=9000");
        check(&StreamOptions { wire: Wire::Sse { batch: true }, ..plain() }, "&rung=0&batch=1");
        let wire = Wire::SseMsgpack { batch: true };
        check(&StreamOptions { wire, ..plain() }, "&rung=0&enc=msgpack&batch=1");
        check(&StreamOptions { wire, rung: Rung::Drain, ..plain() }, "&rung=2&mode=drain&enc=msgpack");
        check(&StreamOptions { wire: Wire::Frames, ..plain() }, "&rung=0");
        let beat = Some(Duration::from_secs(15));
        let padded = StreamOptions { beat, pad: Some(0), pad_each: Some(1_024), ..plain() };
        check(&padded, "&rung=0&beat=15000&pad=0&padeach=1024");
    }

    #[test]
    fn rungs_have_numbers_and_an_order() {
        for rung in Rung::ALL {
            assert_eq!(Rung::from_number(rung.number()), Some(rung));
            assert!(rung.next().is_none_or(|next| next > rung));
        }
        assert_eq!(Rung::from_number(3), None);
        for wire in Wire::ALL {
            assert_eq!(wire.to_string().parse(), Ok(wire));
        }
    }
}
