//! One player on a network: which rung of the transport works there, and how promptly.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::time::Duration;

use serde::Serialize;
use sward_protocol::downstream::Event;
use tokio::net::lookup_host;
use tokio::time::{Instant, timeout};

use crate::client::{
    Client, ClientError, ClientEvent, ClientOptions, Endpoint, Ladder, Rung, TransportReport, Wire,
};

/// How long one ping is waited for.
const PING_TIMEOUT: Duration = Duration::from_secs(10);

/// What to look at.
#[derive(Debug, Clone)]
pub struct ProbeOptions {
    /// The server's URL.
    pub url: String,
    /// A forward proxy to go through: `host:port`.
    pub proxy: Option<String>,
    /// This rung only, instead of the first that works.
    pub rung: Option<Rung>,
    /// How events are written.
    pub wire: Wire,
    /// Open streams by `POST`.
    pub stream_by_post: bool,
    /// How often the time of an event is measured.
    pub pings: u32,
    /// How long connecting may take.
    pub connect_timeout: Duration,
}

/// What a probe found. Times are in milliseconds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ProbeReport {
    /// As given.
    pub url: String,
    /// As given.
    pub proxy: Option<String>,
    /// How events were written.
    pub wire: Wire,
    /// From the first request to a proved rung.
    pub connect_ms: f64,
    /// What the client says of its connection.
    pub transport: TransportReport,
    /// Of the POSTs that carried the pings, from their start to the answer.
    pub post: Option<Spread>,
    /// From the start of the POST to the event.
    pub event: Option<Spread>,
    /// Pings that were sent.
    pub pings: u32,
    /// Of these, without an event in 10 s.
    pub pings_lost: u32,
}

/// A few times, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Spread {
    /// The shortest.
    pub min_ms: f64,
    /// The middle one.
    pub median_ms: f64,
    /// The longest.
    pub max_ms: f64,
}

impl Spread {
    fn of(mut times_ms: Vec<f64>) -> Option<Self> {
        times_ms.sort_unstable_by(f64::total_cmp);
        let median_ms = *times_ms.get(times_ms.len() / 2)?;
        Some(Self { min_ms: *times_ms.first()?, median_ms, max_ms: *times_ms.last()? })
    }
}

/// Connects, measures, says goodbye.
///
/// # Errors
/// [`ClientError`] if there is no server, or no rung on which its events come.
pub async fn probe(options: &ProbeOptions) -> Result<ProbeReport, ClientError> {
    let endpoint = match &options.proxy {
        Some(proxy) => Endpoint::reach_through(&options.url, resolve(proxy).await?).await?,
        None => Endpoint::reach(&options.url).await?,
    };
    let client_options = ClientOptions {
        ladder: options.rung.map_or_else(Ladder::default, Ladder::Fixed),
        wire: options.wire,
        stream_by_post: options.stream_by_post,
        connect_timeout: options.connect_timeout,
        renew: false,
        ..ClientOptions::named("probe")
    };
    let started = Instant::now();
    let mut client = Client::connect(endpoint, client_options).await?;
    let connect_ms = ms(started.elapsed());
    let (mut posts, mut events) = (Vec::new(), Vec::new());
    for number in 0..options.pings {
        let (post_ms, event_ms) = ping(&mut client, number).await;
        posts.extend(post_ms);
        events.extend(event_ms);
    }
    let transport = client.report();
    // A session whose farewell does not get through ends by itself.
    let _ = client.bye().await;
    Ok(ProbeReport {
        url: options.url.clone(),
        proxy: options.proxy.clone(),
        wire: options.wire,
        connect_ms,
        transport,
        pings: options.pings,
        pings_lost: options.pings - u32::try_from(events.len()).unwrap_or(options.pings),
        post: Spread::of(posts),
        event: Spread::of(events),
    })
}

/// How long the POST and the event of one ping took.
async fn ping(client: &mut Client, number: u32) -> (Option<f64>, Option<f64>) {
    let handle = client.handle();
    let started = Instant::now();
    let post = async {
        let answered = timeout(PING_TIMEOUT, handle.request("sward.ping", &number)).await;
        answered.is_ok_and(|answer| answer.is_ok()).then(|| ms(started.elapsed()))
    };
    let event = async {
        let pong = timeout(PING_TIMEOUT, pong(client, number)).await;
        pong.is_ok_and(|seen| seen).then(|| ms(started.elapsed()))
    };
    tokio::join!(post, event)
}

/// Waits for the pong of this number; false if the client ended.
async fn pong(client: &mut Client, number: u32) -> bool {
    while let Some(event) = client.next_event().await {
        if let ClientEvent::Event { event: Event::Pong(pong), .. } = event
            && pong.data.parse::<u32>().is_ok_and(|seen| seen == number)
        {
            return true;
        }
    }
    false
}

async fn resolve(proxy: &str) -> Result<SocketAddr, ClientError> {
    let unreachable = |error| ClientError::Unreachable { authority: proxy.to_owned(), error };
    let mut addresses = lookup_host(proxy).await.map_err(unreachable)?;
    addresses.next().ok_or_else(|| unreachable(std::io::ErrorKind::NotFound.into()))
}

fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1_000.0
}

impl ProbeReport {
    /// Whether events come promptly.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.transport.proved && self.pings_lost == 0
    }

    /// For people.
    #[must_use]
    pub fn text(&self) -> String {
        let mut out = String::new();
        let transport = &self.transport;
        let through = self.proxy.as_ref().map(|proxy| format!(" through {proxy}")).unwrap_or_default();
        let rung = transport.rung;
        // Writing into a `String` cannot fail.
        let _ = writeln!(out, "Server       {}{through}", self.url);
        let _ = writeln!(out, "Rung         {} ({rung}), written as {}", rung.number(), self.wire.on(rung));
        for step in &transport.steps {
            let _ = writeln!(out, "             not {}: {}", step.from, step.why);
        }
        let _ = writeln!(out, "Connected    after {:.1} ms", self.connect_ms);
        if let Some(first_event_ms) = transport.first_event_ms {
            let _ = writeln!(out, "First event  {first_event_ms:.1} ms after the stream was asked for");
        }
        for (name, spread, what) in
            [("POST ", self.post, "to its answer"), ("Event", self.event, "from the same POST's start")]
        {
            if let Some(Spread { min_ms, median_ms, max_ms }) = spread {
                let _ = writeln!(
                    out,
                    "{name}        min {min_ms:.1}  median {median_ms:.1}  max {max_ms:.1} ms   {what}"
                );
            }
        }
        let _ = writeln!(out, "Pings        {} sent, {} lost", self.pings, self.pings_lost);
        let breaks = transport.streams_broken;
        if breaks > 0 {
            let why = transport.last_break.as_deref().unwrap_or_default();
            let _ = writeln!(out, "Streams      {breaks} broke; the last one: {why}");
        }
        let verdict = if self.is_good() {
            "prompt: events come as fast as answers do"
        } else if self.pings_lost > 0 {
            "broken: events were lost"
        } else {
            "slow: events come later than answers do"
        };
        let _ = writeln!(out, "Verdict      {verdict}");
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(proved: bool, pings_lost: u32) -> ProbeReport {
        let transport = TransportReport { proved, first_event_ms: Some(3.25), ..TransportReport::default() };
        ProbeReport {
            url: "http://example.org".to_owned(),
            proxy: Some("127.0.0.1:3128".to_owned()),
            wire: Wire::default(),
            connect_ms: 12.5,
            transport,
            post: Spread::of(vec![3.0, 1.0, 2.0]),
            event: Spread::of(vec![]),
            pings: 3,
            pings_lost,
        }
    }

    #[test]
    fn the_text_says_what_was_found() {
        let text = report(true, 0).text();
        for words in [
            "http://example.org through 127.0.0.1:3128",
            "0 (sse), written as sse",
            "3.2 ms after the stream was asked for",
            "min 1.0  median 2.0  max 3.0 ms",
            "3 sent, 0 lost",
            "Verdict      prompt",
        ] {
            assert!(text.contains(words), "{words}: {text}");
        }
        assert!(!text.contains("Event "), "{text}");
        assert!(report(false, 0).text().contains("slow:"));
        assert!(report(true, 1).text().contains("broken:"));
    }
}
