//! `/v1/admin`: for the operator, behind his secret.

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest, HttpResponse, web};
use sward_protocol::downstream::GoneWhy;
use sward_protocol::ids::{PlayerId, RoomId};
use sward_protocol::operator::{Done, KickPlayer, WarnLevel, Warned, Warning, Warnings};
use sward_protocol::problem::ErrorCode;
use sward_protocol::rooms::RoomList;
use sward_protocol::text;

use super::error::ApiError;
use super::extract::{Answer, Body, Query, bearer, state};
use super::rooms::{ListQuery, room};
use super::state::State;
use crate::fanout::wake::Wakes;
use crate::operator::warnings::{Scope, WarnError};

/// Players who are told between two looks at other work.
const TOLD_AT_ONCE: usize = 256;

/// The request bears the operator's secret, in `Authorization: Bearer`: what stands in a query is logged on the way.
#[derive(Debug)]
pub struct Operator;

impl FromRequest for Operator {
    type Error = ApiError;
    type Future = std::future::Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        std::future::ready(operator(request))
    }
}

fn operator(request: &HttpRequest) -> Result<Operator, ApiError> {
    let Some(secret) = &state(request)?.config.admin_secret else {
        return Err(ApiError::new(ErrorCode::NotFound, "this server was started without --admin-secret"));
    };
    if bearer(request).is_some_and(|text| secret.is(text)) {
        Ok(Operator)
    } else {
        Err(ApiError::new(ErrorCode::BadSecret, "Authorization: Bearer does not bear the operator's secret"))
    }
}

/// `GET /v1/admin/warn`
pub async fn warnings(
    request: HttpRequest,
    _operator: Operator,
    answer: Answer,
) -> Result<HttpResponse, ApiError> {
    answer.ok(&Warnings { warnings: state(&request)?.admission.directory.warnings().list() })
}

/// `POST /v1/admin/warn`
pub async fn warn(
    request: HttpRequest,
    _operator: Operator,
    answer: Answer,
    body: Body<Warning>,
) -> Result<HttpResponse, ApiError> {
    let state = state(&request)?;
    let Warning { level, text, game, room } = body.0;
    let text = match (level, text.as_str()) {
        (WarnLevel::None, "") => String::new(),
        (_, text) => {
            text::chat(text).map_err(|error| ApiError::new(ErrorCode::BadBody, format!("text: {error}")))?
        }
    };
    let scope = scope(state, game, room)?;
    let _telling = state.telling.lock().await;
    let event = state.admission.directory.warnings().set(scope.clone(), level, &text);
    let event = event.map_err(|error| match error {
        WarnError::TooMany => ApiError::new(ErrorCode::TooManyWarnings, error.to_string()),
        WarnError::Unsendable(_) => ApiError::new(ErrorCode::BadBody, error.to_string()),
    })?;
    if let Scope::Room(id) = scope
        && state.admission.directory.find(id).is_none()
    {
        // It closed since it was asked for above.
        state.admission.directory.warnings().forget_room(id);
    }
    tracing::info!(?scope, ?level, text, "the operator says");
    let mut players = 0;
    for sessions in state.registry.all().chunks(TOLD_AT_ONCE) {
        let (mut wakes, now_ms) = (Wakes::default(), state.clock.now_ms());
        for session in sessions {
            let place = session.occupant().place();
            let charter = place.as_ref().map(|place| place.room.charter());
            if scope.includes(charter.map(|charter| (charter.game.as_str(), charter.id))) {
                session.mailslot().post_own(&event, now_ms, &mut wakes);
                players += 1;
            }
        }
        wakes.wake_all();
        tokio::task::yield_now().await;
    }
    answer.ok(&Warned { players })
}

fn scope(state: &State, game: Option<String>, room: Option<RoomId>) -> Result<Scope, ApiError> {
    match (game, room) {
        (None, None) => Ok(Scope::All),
        (Some(_), Some(_)) => Err(ApiError::new(ErrorCode::BadBody, "either game or room, not both")),
        (Some(game), None) if state.admission.catalog.has(&game) => Ok(Scope::Game(game)),
        (Some(game), None) => Err(ApiError::new(ErrorCode::UnknownGame, format!("no game {game:?}"))),
        (None, Some(room)) if state.admission.directory.find(room).is_some() => Ok(Scope::Room(room)),
        (None, Some(_)) => Err(ApiError::new(ErrorCode::RoomNotFound, "there is no such room")),
    }
}

/// `GET /v1/admin/rooms`
pub async fn list(
    request: HttpRequest,
    _operator: Operator,
    answer: Answer,
    query: Query<ListQuery>,
) -> Result<HttpResponse, ApiError> {
    let (game, after, limit) = query.0.page()?;
    let directory = &state(&request)?.admission.directory;
    let (rooms, next) = directory.lobby().page_of_all(game.as_deref(), after, limit);
    answer.ok(&RoomList { rooms, next })
}

/// `GET /v1/admin/rooms/{id}`
pub async fn inspect(
    request: HttpRequest,
    _operator: Operator,
    answer: Answer,
    id: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    answer.ok(&room(state(&request)?, &id)?.inspect().await?)
}

/// `POST /v1/admin/rooms/{id}/kick`
pub async fn kick(
    request: HttpRequest,
    _operator: Operator,
    answer: Answer,
    id: web::Path<String>,
    body: Body<KickPlayer>,
) -> Result<HttpResponse, ApiError> {
    let KickPlayer { player, ban, detail } = body.0;
    let detail = text::gone_detail(&detail)
        .map_err(|error| ApiError::new(ErrorCode::BadBody, format!("detail: {error}")))?
        .unwrap_or_default();
    let room = room(state(&request)?, &id)?;
    let why = if ban { GoneWhy::Banned } else { GoneWhy::Kicked };
    tracing::info!(?room, %player, ?why, "the operator puts a player out");
    answer.ok(&Done { done: room.kick(player, why, detail).await? })
}

/// `POST /v1/admin/rooms/{id}/close`
pub async fn close(
    request: HttpRequest,
    _operator: Operator,
    answer: Answer,
    id: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    let room = room(state(&request)?, &id)?;
    tracing::info!(?room, "the operator closes a room");
    room.close().await?;
    answer.ok(&Done { done: true })
}

/// `POST /v1/admin/players/{id}/end`
pub async fn end(
    request: HttpRequest,
    _operator: Operator,
    answer: Answer,
    id: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    let state = state(&request)?;
    let player: PlayerId = id.parse().map_err(|_| ApiError::new(ErrorCode::NotFound, "no id of a player"))?;
    let session = state.registry.find_player(player);
    if let Some(session) = &session {
        tracing::info!(%player, "the operator ends a session");
        let now_ms = state.clock.now_ms();
        session.said_bye(0, now_ms);
        state.sweeper().look_after(session, now_ms);
    }
    answer.ok(&Done { done: session.is_some() })
}
