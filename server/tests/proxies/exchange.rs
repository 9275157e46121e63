//! What is proved and measured through a proxy: the game works, exactly once both ways, and how promptly.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use serde_json::json;
use sward_loadtest::client::{
    Client, ClientEvent, ClientHandle, ClientOptions, Endpoint, Ladder, Rung, RungStep,
};
use sward_protocol::downstream::{Event, Msg};
use sward_protocol::ids::Seat;
use sward_protocol::payload::Payload;
use sward_protocol::rooms::{Join, JoinRoom, Seated};
use tokio::time::timeout;

use crate::support::DEADLINE;

/// Pings of which median and 99th percentile are told, and some before them that are not: connections are opened then.
const PINGS: usize = 50;
const PINGS_BEFORE: usize = 5;
/// Messages each way.
const MESSAGES: u64 = 200;
/// So many are sent at once, then the sender takes a breath: so they travel in many writes and many answers.
const BURST: u64 = 8;
const BREATH: Duration = Duration::from_millis(15);

type Outcome<T> = Result<T, String>;

/// What one way to the server is like.
#[derive(Debug, Clone)]
pub struct Reading {
    pub rung: Rung,
    /// How the client came to this rung.
    pub steps: Vec<RungStep>,
    /// From the request for the stream to `hello`.
    pub first_event: Duration,
    /// From a ping to its pong on the stream, sorted.
    round_trips: Vec<Duration>,
    /// The same of somebody who is connected directly.
    direct_round_trips: Vec<Duration>,
    /// When others were told that the client is away, if they were within the time that they had.
    pub leave_told: Option<Duration>,
}

impl Reading {
    pub fn median(&self) -> Duration {
        self.round_trips[PINGS / 2]
    }

    pub fn p99(&self) -> Duration {
        self.round_trips[PINGS * 99 / 100]
    }

    /// The median of whoever is connected directly.
    pub fn direct(&self) -> Duration {
        self.direct_round_trips[PINGS / 2]
    }
}

/// Where a client connects to.
#[derive(Debug, Clone, Copy)]
pub enum Way {
    Direct,
    Reverse(SocketAddr),
    Forward(SocketAddr),
}

/// Plays through `way` with somebody who is connected directly. Then leaves, and waits as long as `patience` for the
/// other to be told.
pub async fn play(server: SocketAddr, way: Way, patience: Duration) -> Outcome<Reading> {
    let url = format!("http://{server}");
    let endpoint = reached(&url, way).await?;
    let options =
        ClientOptions { ladder: Ladder::Climb { from: Rung::Sse }, ..ClientOptions::named("Behind") };
    let mut behind =
        Client::connect(endpoint, options).await.map_err(|error| format!("no rung works: {error}"))?;
    let report = behind.report();
    let first_event = report.first_event_ms.ok_or("there was no first event")?;

    let room = Join {
        game: Some("relay".to_owned()),
        create: true,
        private: true,
        options: Some(Payload::of(&json!({"flush_ms": 0})).map_err(|error| error.to_string())?),
        ..Join::default()
    };
    let seated = behind.join(&room).await.map_err(|error| format!("no room: {error}"))?;
    let mut direct = partner(&url, &seated).await?;

    // Either side's stream is read while the other sends.
    let sent = tokio::try_join!(
        send_all(behind.handle()),
        send_all(direct.handle()),
        receive_all(&mut behind),
        receive_all(&mut direct)
    );
    if let Err(what) = sent {
        return Err(format!("{what}; {:?}", behind.report()));
    }
    // In turns, so that what else the machine does is in both.
    let (mut round_trips, mut direct_round_trips) = (Vec::new(), Vec::new());
    for number in 0..PINGS_BEFORE + PINGS {
        let (behind_took, direct_took) = (ping(&mut behind).await?, ping(&mut direct).await?);
        if number >= PINGS_BEFORE {
            round_trips.push(behind_took);
            direct_round_trips.push(direct_took);
        }
    }
    round_trips.sort_unstable();
    direct_round_trips.sort_unstable();
    let report = behind.report();
    if report.resets > 0 || report.renewals > 0 {
        return Err(format!("something was lost on the way: {report:?}"));
    }
    let leave_told = leave(behind, seated.seat, &mut direct, patience).await;
    Ok(Reading {
        rung: report.rung,
        steps: report.steps,
        first_event: Duration::from_secs_f64(first_event / 1_000.0),
        round_trips,
        direct_round_trips,
        leave_told,
    })
}

/// Some proxies listen before they are ready.
async fn reached(url: &str, way: Way) -> Outcome<Endpoint> {
    let deadline = Instant::now() + DEADLINE;
    loop {
        let endpoint = match way {
            Way::Direct => Endpoint::reach(url).await,
            Way::Reverse(proxy) => Endpoint::reach(&format!("http://{proxy}")).await,
            Way::Forward(proxy) => Endpoint::reach_through(url, proxy).await,
        };
        match endpoint {
            Ok(endpoint) => return Ok(endpoint),
            Err(error) if Instant::now() > deadline => {
                return Err(format!("the server is not to be reached: {error}"));
            }
            Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    }
}

async fn partner(url: &str, seated: &Seated) -> Outcome<Client> {
    let endpoint = Endpoint::reach(url).await.map_err(|error| error.to_string())?;
    let options = ClientOptions { ladder: Ladder::Fixed(Rung::Sse), ..ClientOptions::named("Direct") };
    let direct = Client::connect(endpoint, options).await.map_err(|error| error.to_string())?;
    direct.join_room(seated.room.id, &JoinRoom::default()).await.map_err(|error| error.to_string())?;
    Ok(direct)
}

async fn send_all(client: ClientHandle) -> Outcome<()> {
    for number in 1..=MESSAGES {
        client.send("count", &number).map_err(|error| error.to_string())?;
        if number % BURST == 0 {
            tokio::time::sleep(BREATH).await;
        }
    }
    match timeout(DEADLINE, client.flushed()).await {
        Ok(flushed) => flushed.map_err(|error| error.to_string()),
        Err(_) => Err("the messages were not answered in time".to_owned()),
    }
}

/// All of the other's messages, each once and in order.
async fn receive_all(client: &mut Client) -> Outcome<()> {
    for want in 1..=MESSAGES {
        let message: Msg = next_of(client, &format!("message {want}"), |event| match event {
            Event::Msg(message) => Some(message),
            _ => None,
        })
        .await?;
        let got: u64 = message.data.parse().map_err(|error| error.to_string())?;
        if got != want {
            return Err(format!("message {got} came where {want} was next"));
        }
    }
    Ok(())
}

/// How long a ping takes to come back on the stream.
async fn ping(client: &mut Client) -> Outcome<Duration> {
    let begun = Instant::now();
    client.send("sward.ping", &()).map_err(|error| error.to_string())?;
    next_of(client, "a pong", |event| matches!(event, Event::Pong(_)).then_some(())).await?;
    Ok(begun.elapsed())
}

/// Skips to the next event of this kind.
async fn next_of<T>(client: &mut Client, what: &str, is: impl Fn(Event) -> Option<T>) -> Outcome<T> {
    next_within(client, what, DEADLINE, is).await
}

async fn next_within<T>(
    client: &mut Client,
    what: &str,
    deadline: Duration,
    is: impl Fn(Event) -> Option<T>,
) -> Outcome<T> {
    let search = async {
        loop {
            match client.next_event().await {
                Some(ClientEvent::Event { event, .. }) => {
                    if let Some(found) = is(event) {
                        return Ok(found);
                    }
                }
                Some(ClientEvent::Resumed | ClientEvent::RungChanged { .. }) => {}
                Some(other) => return Err(format!("{other:?} instead of {what}")),
                None => return Err(format!("the client ended before {what}")),
            }
        }
    };
    timeout(deadline, search).await.map_err(|_| format!("{what} did not come within {deadline:?}"))?
}

/// How long it takes until somebody in the room is told that a client is away which has closed its connections without a
/// word, if at most `within`.
async fn leave(leaver: Client, seat: Seat, witness: &mut Client, within: Duration) -> Option<Duration> {
    let begun = Instant::now();
    drop(leaver);
    let told = next_within(witness, "away", within, |event| match event {
        Event::Away(away) if away.seat == seat => Some(()),
        _ => None,
    });
    told.await.is_ok().then(|| begun.elapsed())
}
