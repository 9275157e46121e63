//! `/v1/sessions`, `/v1/bye`, `/v1/time`.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse};
use serde::{Deserialize, Serialize};
use sward_protocol::ids::PlayerId;
use sward_protocol::limits::{BYE_WAIT_MAX, HEARTBEAT, WATCHDOG_BEATS};
use sward_protocol::problem::ErrorCode;
use sward_protocol::session::{CreateSession, Player, SessionCreated, SessionLimits, Time};
use sward_protocol::text;

use super::error::ApiError;
use super::extract::{Answer, Body, Query, state, token};
use super::state::State;
use crate::clock::whole_ms;
use crate::entropy;
use crate::session::Session;
use crate::session::once::check;
use crate::session::registry::Found;
use crate::stream::options::{check_nonce, number};

/// `POST /v1/sessions`
pub async fn create(
    request: HttpRequest,
    answer: Answer,
    body: Body<CreateSession>,
) -> Result<HttpResponse, ApiError> {
    let state = state(&request)?;
    let Body(CreateSession { name, version, key }) = body;
    if version.is_some_and(|version| version > sward_protocol::VERSION) {
        let detail = format!("this server speaks version {}", sward_protocol::VERSION);
        return Err(ApiError::new(ErrorCode::UnsupportedVersion, detail));
    }
    if state.is_draining() {
        return Err(ApiError::new(ErrorCode::Draining, "try again in a moment"));
    }
    let name = text::name(&name)?;
    let Some(key) = key else { return answer.created(&make(state, name)?) };
    check(&key).map_err(|detail| ApiError::new(ErrorCode::BadBody, detail))?;
    let (key, now_ms) = ((key, name.clone()), state.clock.now_ms());
    // Held until the answer is there: of two requests with one key that come at once, the second finds it.
    let mut made = state.sessions_made();
    if let Some(created) = made.find(&key, now_ms) {
        return answer.created(&created);
    }
    let created = make(state, name)?;
    made.keep(key, created.clone(), now_ms);
    answer.created(&created)
}

fn make(state: &State, name: String) -> Result<SessionCreated, ApiError> {
    let player = Player { id: PlayerId::from_random(state.node, entropy::bits()), name };
    let token = entropy::token(state.node);
    let epoch = entropy::epoch();
    let (config, now_ms) = (&state.config, state.clock.now_ms());
    let (patience, rates) = (config.patience(), config.rates(now_ms));
    let metrics = Arc::clone(&state.metrics);
    let session = Session::new(token, player.clone(), epoch, patience, rates, now_ms, metrics);
    let session = Arc::new(session);
    state.registry.insert(Arc::clone(&session))?;
    state.hall.arrive(Arc::clone(session.occupant()));
    state.metrics.sessions.inc();
    state.metrics.sessions_made.inc();
    Ok(SessionCreated {
        token: token.reveal(),
        player,
        heartbeat_ms: whole_ms(HEARTBEAT),
        watchdog_ms: whole_ms(HEARTBEAT * WATCHDOG_BEATS),
        grace_ms: config.grace_ms,
        limits: SessionLimits::with_rates(config.messages_per_s, config.bytes_per_s),
        version: sward_protocol::VERSION,
    })
}

/// Query of `POST /v1/bye`.
#[derive(Debug, Deserialize)]
pub struct ByeQuery {
    wait_ms: Option<String>,
    n: Option<String>,
}

#[derive(Serialize)]
struct Nothing {}

/// `POST /v1/bye`
pub async fn bye(
    request: HttpRequest,
    answer: Answer,
    query: Query<ByeQuery>,
) -> Result<HttpResponse, ApiError> {
    let (state, token, ByeQuery { wait_ms, n }) = (state(&request)?, token(&request)?, query.0);
    check_nonce(n.as_deref())?;
    let wait_ms = number("wait_ms", wait_ms.as_deref())?.unwrap_or(0).min(whole_ms(BYE_WAIT_MAX));
    match state.registry.find(token) {
        // The farewell of a page that was reloaded, later than the new page's stream: nobody leaves.
        Found::Alive(session) if n.is_some_and(|n| session.mailslot().is_read_by_another(&n)) => {}
        Found::Alive(session) => {
            let now_ms = state.clock.now_ms();
            session.said_bye(wait_ms, now_ms);
            state.sweeper().look_after(&session, now_ms);
        }
        Found::Ended => {}
        Found::Unknown => {
            return Err(ApiError::new(ErrorCode::SessionGone, "there is nothing to say good-bye to"));
        }
    }
    answer.ok(&Nothing {})
}

/// `GET /v1/time`
pub async fn time(request: HttpRequest, answer: Answer) -> Result<HttpResponse, ApiError> {
    answer.ok(&Time { time_ms: state(&request)?.clock.now_ms() })
}
