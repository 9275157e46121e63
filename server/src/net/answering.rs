//! Follows each request from its call to the last byte of its answer.

use std::future::Future as _;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};

use actix_web::HttpResponse;
use actix_web::body::{BodySize, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::{StatusCode, Version};
use bytes::Bytes;
use tokio_util::sync::WaitForCancellationFutureOwned;

use super::gate::{Gate, UnderWay};
use crate::metrics::Metrics;

/// Requests under way on one connection of HTTP/2. A proxy in front of this server may have many players on one
/// connection, each with a stream, and opens the next connection when this one refuses.
pub const REQUESTS_PER_CONNECTION_MAX: u64 = 1_000;
/// Complete answers on it that the peer has not taken: each holds some kilobytes, and needs no token. A browser asks for
/// at most 100 at once.
pub const UNTAKEN_ANSWERS_MAX: u64 = 128;

/// A request that was let in.
#[derive(Debug)]
pub struct Follower {
    gate: Option<Rc<Gate>>,
    under_way: Option<UnderWay>,
    version: Version,
    counted: Counted,
}

/// A request that counts as under way until its answer has been written, or given up.
#[derive(Debug)]
struct Counted(Arc<Metrics>);

impl Counted {
    fn new(metrics: &Arc<Metrics>) -> Self {
        metrics.requests.inc();
        Self(Arc::clone(metrics))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.requests.dec();
    }
}

/// A body whose connection is watched.
#[derive(Debug)]
pub struct Answering<B> {
    /// None: there is none.
    body: Option<B>,
    /// On HTTP/2 nobody tells a body that waits for events that its connection is gone.
    over: Option<Pin<Box<WaitForCancellationFutureOwned>>>,
    /// Dropped with the body: then the next request may come.
    _under_way: Option<UnderWay>,
    _counted: Option<Counted>,
}

/// Lets a request in, or answers that there are too many.
///
/// # Errors
/// The answer.
pub fn admit<B>(
    request: ServiceRequest,
    metrics: &Arc<Metrics>,
) -> Result<(ServiceRequest, Follower), Box<ServiceResponse<Answering<B>>>>
where
    B: MessageBody,
{
    let gate = request.conn_data::<Rc<Gate>>().cloned();
    let version = request.version();
    if let Some(why) = gate.as_ref().filter(|_| version == Version::HTTP_2).and_then(too_much) {
        return Err(Box::new(request.into_response(refusal(metrics, why))));
    }
    let under_way = gate.as_ref().map(Gate::enter);
    Ok((request, Follower { gate, under_way, version, counted: Counted::new(metrics) }))
}

/// Why a connection of HTTP/2 has too much under way for one more request, if it has.
fn too_much(gate: &Rc<Gate>) -> Option<&'static str> {
    if gate.under_way() >= REQUESTS_PER_CONNECTION_MAX {
        Some("under_way")
    } else if gate.untaken() >= UNTAKEN_ANSWERS_MAX {
        Some("untaken")
    } else {
        None
    }
}

/// It has no body, which a peer without a window would not take either.
fn refusal<B>(metrics: &Metrics, why: &str) -> HttpResponse<Answering<B>> {
    metrics.requests_refused.with_label_values(&[why]).inc();
    let nothing = Answering { body: None, over: None, _under_way: None, _counted: None };
    HttpResponse::with_body(StatusCode::SERVICE_UNAVAILABLE, nothing)
}

impl Follower {
    /// Follows the answer.
    pub fn follow<B: MessageBody>(self, response: ServiceResponse<B>) -> ServiceResponse<Answering<B>> {
        let Self { gate, mut under_way, version, counted } = self;
        let is_stream = response.response().body().size() == BodySize::Stream;
        let is_http_2 = version == Version::HTTP_2;
        if !is_stream {
            // Requests that came together were all let in before the first was answered. What this one did stands: a
            // client asks again, as after an answer that was lost.
            if is_http_2 && gate.as_ref().is_some_and(|gate| gate.untaken() >= UNTAKEN_ANSWERS_MAX) {
                return response.into_response(refusal(&counted.0, "untaken"));
            }
            if let Some(under_way) = &mut under_way {
                under_way.is_answered();
            }
        }
        let gate = gate.filter(|_| is_http_2 && is_stream);
        let over = gate.map(|gate| Box::pin(gate.over().clone().cancelled_owned()));
        response.map_body(|_, body| Answering {
            body: Some(body),
            over,
            _under_way: under_way,
            _counted: Some(counted),
        })
    }
}

impl<B: MessageBody + Unpin> MessageBody for Answering<B> {
    type Error = B::Error;

    fn size(&self) -> BodySize {
        self.body.as_ref().map_or(BodySize::Sized(0), MessageBody::size)
    }

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, B::Error>>> {
        let this = self.get_mut();
        let is_over = this.over.as_mut().is_some_and(|over| over.as_mut().poll(cx).is_ready());
        match &mut this.body {
            Some(body) if !is_over => Pin::new(body).poll_next(cx),
            _ => Poll::Ready(None),
        }
    }
}
