//! A client with a deadline on everything that it waits for.

use std::future::Future;

use sward_loadtest::client::{Client, ClientEvent, ClientOptions, Endpoint, Ladder, Rung, Wire};
use sward_protocol::downstream::Event;
use sward_protocol::payload::Payload;
use sward_protocol::rooms::{Join, Seated};

use crate::support::{DEADLINE, Server};

/// What a player asks for who only takes part.
pub fn on(rung: Rung) -> ClientOptions {
    ClientOptions { ladder: Ladder::Fixed(rung), ..ClientOptions::named("Zoë 🦊") }
}

pub fn with_wire(rung: Rung, wire: Wire) -> ClientOptions {
    ClientOptions { wire, ..on(rung) }
}

pub async fn within<F: Future>(what: &str, future: F) -> F::Output {
    tokio::time::timeout(DEADLINE, future).await.unwrap_or_else(|_| panic!("{what}: not within {DEADLINE:?}"))
}

pub async fn connect(url: &str, options: ClientOptions) -> Client {
    let endpoint = Endpoint::resolve(url).await.unwrap();
    // A little less than the deadline, so that a failure has a reason.
    let options = ClientOptions { connect_timeout: DEADLINE.mul_f64(0.9), ..options };
    within("connect", Client::connect(endpoint, options)).await.unwrap()
}

pub fn url(server: &Server) -> String {
    format!("http://{}", server.address)
}

/// Joins the one room of the relay that everybody of a test is in, and waits for `joined`.
pub async fn join(client: &mut Client) -> Seated {
    let options = Some(Payload::from_json(r#"{"echo":true,"flush_ms":5}"#).unwrap());
    let join = Join { game: Some("relay".to_owned()), create: true, options, ..Join::default() };
    let seated = within("join", client.join(&join)).await.unwrap();
    await_event(client, "joined", |event| matches!(event, Event::Joined(_)).then_some(())).await;
    seated
}

pub async fn next(client: &mut Client, what: &str) -> ClientEvent {
    within(what, client.next_event()).await.unwrap_or_else(|| panic!("{what}: the client has ended"))
}

/// Skips to an event that `wanted` takes.
pub async fn await_event<T>(
    client: &mut Client,
    what: &str,
    mut wanted: impl FnMut(Event) -> Option<T>,
) -> T {
    loop {
        match next(client, what).await {
            ClientEvent::Event { event, .. } => {
                if let Some(found) = wanted(event) {
                    return found;
                }
            }
            ClientEvent::Ended { why, .. } => panic!("{what}: {why}"),
            _ => {}
        }
    }
}

/// The numbers that the next `count` messages carry.
pub async fn numbers(client: &mut Client, count: usize) -> Vec<u64> {
    let mut numbers = Vec::new();
    while numbers.len() < count {
        let data = await_event(client, "msg", |event| match event {
            Event::Msg(msg) => Some(msg.data),
            _ => None,
        });
        numbers.push(data.await.parse().unwrap());
    }
    numbers
}
