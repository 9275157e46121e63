//! What waits for the network: each a task that does one thing and reports.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use rand_pcg::Pcg32;
use serde_json::value::RawValue;
use sward_protocol::VERSION;
use sward_protocol::codec::Encoding;
use sward_protocol::downstream::Event;
use sward_protocol::ids::{EventId, ParseIdError, Token};
use sward_protocol::session::{CreateSession, SessionCreated};
use sward_protocol::upstream::Answer;
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use super::draw;
use crate::client::backoff::Backoff;
use crate::client::connection::Connection;
use crate::client::events::{event_id, read_event};
use crate::client::nonce::Nonces;
use crate::client::post::Requests;
use crate::client::queue::Ticket;
use crate::client::stream::{Asked, OpenStream};
use crate::client::{Client, ClientError, ClientOptions, Endpoint, Ladder, Rung, StreamError, StreamOptions};

/// How long a join and the like is repeated while it has no answer.
pub(super) const CALL_PATIENCE: Duration = Duration::from_secs(20);
/// The first wait between two attempts, at most, and the longest.
const CALL_BACKOFF_MS: (u64, u64) = (200, 2_000);

/// What a stream's task reports.
#[derive(Debug)]
pub(super) enum News {
    /// These arrived as one.
    Arrived(Vec<Arrived>),
    /// The stream is over: why, and its connection if it can be used again.
    Over { why: Option<StreamError>, retry_ms: Option<u64>, kept: Option<Connection> },
}

/// One delivery, read.
#[derive(Debug)]
pub(super) struct Arrived {
    pub(super) id: Option<EventId>,
    pub(super) events: Vec<Event>,
}

/// What a stream is opened with.
#[derive(Debug)]
pub(super) struct Opening {
    pub(super) endpoint: Endpoint,
    pub(super) token: Token,
    pub(super) options: StreamOptions,
    pub(super) nonces: Arc<Nonces>,
    pub(super) last: Option<EventId>,
    pub(super) kept: Option<Connection>,
    pub(super) watchdog: Duration,
}

/// Opens one stream and reads it to its end. When nobody takes the news, it stops reading.
pub(super) async fn read_stream(opening: Opening, news: mpsc::Sender<News>) {
    let Opening { endpoint, token, options, nonces, last, kept, watchdog } = opening;
    let (endpoint, token, options, nonces) = (&endpoint, &token, &options, &nonces);
    let mut open = match OpenStream::open(&Asked { endpoint, token, options, nonces, last }, kept).await {
        Ok(open) => open,
        Err(error) => {
            let over = News::Over { why: Some(error), retry_ms: None, kept: None };
            // Nobody listens: nobody wants to know.
            let _ = news.send(over).await;
            return;
        }
    };
    let why = loop {
        let deliveries = match open.read(watchdog).await {
            Ok(Some(deliveries)) => deliveries,
            Ok(None) => break None,
            Err(error) => break Some(error),
        };
        let mut arrived = Vec::with_capacity(deliveries.len());
        let mut unreadable = None;
        for delivery in deliveries {
            match read(delivery.id.as_deref(), &delivery.events) {
                Ok(delivery) => arrived.push(delivery),
                Err(error) => {
                    unreadable = Some(error);
                    break;
                }
            }
        }
        if !arrived.is_empty() && news.send(News::Arrived(arrived)).await.is_err() {
            return;
        }
        if unreadable.is_some() {
            break unreadable;
        }
    };
    let retry_ms = open.retry_ms();
    let kept = why.is_none().then(|| open.into_connection());
    let _ = news.send(News::Over { why, retry_ms, kept }).await;
}

fn read(id: Option<&str>, events: &[sward_protocol::format::Received]) -> Result<Arrived, StreamError> {
    let id = id.map(event_id).transpose()?;
    let events: Result<Vec<Option<Event>>, _> = events.iter().map(read_event).collect();
    Ok(Arrived { id, events: events?.into_iter().flatten().collect() })
}

/// What came of a request.
#[derive(Debug)]
pub(super) enum Done {
    /// Of a batch or a bare acknowledgement.
    Post(PostDone),
    /// Of a join and the like; its caller has the answer. Whether the session is known to be over.
    Call { session: u64, requests: Requests, is_gone: bool },
    /// Of a farewell; its caller has the answer.
    Bye,
    /// Of a new session.
    Session(Result<(SessionCreated, Token, Duration), ClientError>),
    /// Of a try on another rung: whether it is proved.
    Tried(bool),
}

/// What came of a post.
#[derive(Debug)]
pub(super) struct PostDone {
    pub(super) session: u64,
    pub(super) ticket: Ticket,
    /// The run of events when the request was made.
    pub(super) run: u64,
    pub(super) started: Instant,
    pub(super) took: Duration,
    /// The connection had been used before.
    pub(super) was_kept: bool,
    pub(super) result: Result<Answer, ClientError>,
    pub(super) requests: Requests,
}

/// A post to be made.
#[derive(Debug)]
pub(super) struct Post {
    pub(super) session: u64,
    pub(super) ticket: Ticket,
    pub(super) run: u64,
    pub(super) body: String,
}

/// Posts a batch, once.
pub(super) async fn post(mut requests: Requests, post: Post) -> Done {
    let Post { session, ticket, run, body } = post;
    let was_kept = requests.has_used_connection();
    let started = Instant::now();
    let result = requests.post_bytes("/v1/send", Bytes::from(body)).await;
    let took = started.elapsed();
    Done::Post(PostDone { session, ticket, run, started, took, was_kept, result, requests })
}

/// A request that is safe to repeat.
#[derive(Debug)]
pub(in crate::client) struct Call {
    pub(in crate::client) route: String,
    pub(in crate::client) body: Bytes,
    pub(in crate::client) reply: oneshot::Sender<Result<Box<RawValue>, ClientError>>,
    /// Its place among those at the same time: kept until it is over, also when its caller goes away before.
    pub(in crate::client) turn: OwnedSemaphorePermit,
}

/// Makes a request, again and again while there is no answer.
pub(super) async fn call(mut requests: Requests, session: u64, call: Call, random: Pcg32) -> Done {
    let Call { route, body, reply, turn } = call;
    let answer = persist(&mut requests, &route, &body, CALL_PATIENCE, random).await;
    let is_gone = answer.as_ref().is_err_and(is_gone);
    // The caller may have gone away.
    let _ = reply.send(answer);
    drop(turn);
    Done::Call { session, requests, is_gone }
}

/// Says goodbye.
pub(super) async fn bye(
    mut requests: Requests,
    reply: oneshot::Sender<Result<(), ClientError>>,
    random: Pcg32,
) -> Done {
    let answer = persist(&mut requests, "/v1/bye", &Bytes::from_static(b"{}"), CALL_PATIENCE, random).await;
    // A session that is gone has ended, which is what was asked for.
    let _ = reply.send(answer.map(|_| ()).or_else(|error| if is_gone(&error) { Ok(()) } else { Err(error) }));
    Done::Bye
}

/// Whether the server does not know the session any more.
pub(super) fn is_gone(error: &ClientError) -> bool {
    matches!(error, ClientError::Refused(problem) if matches!(&*problem.code, "session_gone" | "bad_token"))
}

/// Makes a session. A key makes it safe to repeat: an answer that was lost is asked for again.
pub(super) async fn make_session(
    endpoint: Endpoint,
    name: String,
    patience: Duration,
    random: Pcg32,
) -> Result<(SessionCreated, Token, Duration), ClientError> {
    const ROUTE: &str = "/v1/sessions";
    let unreadable = |detail: String| ClientError::Unreadable { path: ROUTE.to_owned(), detail };
    let key = Some(Uuid::new_v4().simple().to_string());
    let body = CreateSession { name, version: Some(VERSION), key };
    let body = Bytes::from(Encoding::Json.encode(&body).map_err(|error| unreadable(error.to_string()))?);
    let mut requests = Requests::new(endpoint, None);
    let started = Instant::now();
    let created = persist(&mut requests, ROUTE, &body, patience, random).await?;
    let created: SessionCreated =
        serde_json::from_str(created.get()).map_err(|error| unreadable(error.to_string()))?;
    let token = created.token.parse().map_err(|error: ParseIdError| unreadable(error.to_string()))?;
    Ok((created, token, started.elapsed()))
}

async fn persist(
    requests: &mut Requests,
    route: &str,
    body: &Bytes,
    patience: Duration,
    mut random: Pcg32,
) -> Result<Box<RawValue>, ClientError> {
    let deadline = Instant::now() + patience;
    let mut backoff = Backoff::new(CALL_BACKOFF_MS.0, CALL_BACKOFF_MS.1);
    loop {
        let was_kept = requests.has_used_connection();
        let error = match requests.post_bytes(route, body.clone()).await {
            Ok(answer) => return Ok(answer),
            Err(error) => error,
        };
        if !error.is_transient() {
            return Err(error);
        }
        let asked_ms = error.retry_after().map(|wait| wait.as_millis() as u64);
        let wait_ms = match error {
            ClientError::Broken { .. } if was_kept => 0,
            // Drawn for each wait: one that was drawn small once would make all of them small.
            _ => backoff.failed(asked_ms, draw(&mut random)),
        };
        if Instant::now() + Duration::from_millis(wait_ms) >= deadline {
            return Err(error);
        }
        sleep(Duration::from_millis(wait_ms)).await;
    }
}

/// Sees whether a rung works, with a session of its own: the player's stream is not touched.
pub(super) fn try_rung(
    endpoint: Endpoint,
    options: ClientOptions,
    rung: Rung,
) -> Pin<Box<dyn Future<Output = Done> + Send>> {
    Box::pin(async move {
        let options = ClientOptions { ladder: Ladder::Fixed(rung), renew: false, ..options };
        let Ok(client) = Client::connect(endpoint, options).await else { return Done::Tried(false) };
        let works = client.report().proved;
        // The session ends by itself if this does not reach the server.
        let _ = client.bye().await;
        Done::Tried(works)
    })
}
