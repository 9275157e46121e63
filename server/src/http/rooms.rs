//! `/v1/join`, `/v1/leave`, `/v1/rooms`.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use sward_protocol::downstream::GoneWhy;
use sward_protocol::ids::RoomId;
use sward_protocol::limits::ROOM_PAGE_MAX;
use sward_protocol::problem::ErrorCode;
use sward_protocol::rooms::{CreateRoom, Join, JoinRoom, Left, OneRoom, RoomList};

use super::error::ApiError;
use super::extract::{Answer, Body, Mover, Query, state};
use super::state::State;
use crate::room::handle::RoomHandle;
use crate::session::once::once;

/// Rooms in one page of a list, unless told.
const PAGE: usize = 50;

/// `POST /v1/join`
pub async fn join(
    request: HttpRequest,
    mover: Mover,
    answer: Answer,
    body: Body<Join>,
) -> Result<HttpResponse, ApiError> {
    let (Mover(session), Body(mut join)) = (mover, body);
    let (state, occupant) = (state(&request)?, Arc::clone(session.occupant()));
    let (key, admission) = (join.key.take(), state.admission.clone());
    let (hall, clock) = (Arc::clone(&state.hall), state.clock);
    let joining = async move {
        let seated = admission.join(&occupant, join).await?;
        hall.came_in(occupant.player.id, seated.room.id, clock.now_ms());
        Ok(seated)
    };
    answer.ok(&once(&session, key, state.clock, joining).await?)
}

/// `POST /v1/rooms`
pub async fn create(
    request: HttpRequest,
    mover: Mover,
    answer: Answer,
    body: Body<CreateRoom>,
) -> Result<HttpResponse, ApiError> {
    let (Mover(session), Body(mut room)) = (mover, body);
    let (state, occupant) = (state(&request)?, Arc::clone(session.occupant()));
    let (key, admission) = (room.key.take(), state.admission.clone());
    let creating = async move { admission.create(&occupant, room).await };
    answer.ok(&once(&session, key, state.clock, creating).await?)
}

/// `POST /v1/rooms/{id}/join`
pub async fn join_room(
    request: HttpRequest,
    mover: Mover,
    answer: Answer,
    id: web::Path<String>,
    body: Body<JoinRoom>,
) -> Result<HttpResponse, ApiError> {
    let (Mover(session), Body(mut join)) = (mover, body);
    let (state, occupant, id) = (state(&request)?, Arc::clone(session.occupant()), room_id(&id)?);
    let (key, admission) = (join.key.take(), state.admission.clone());
    let (hall, clock) = (Arc::clone(&state.hall), state.clock);
    let joining = async move {
        let seated = admission.join_room(&occupant, id, join).await?;
        hall.came_in(occupant.player.id, id, clock.now_ms());
        Ok(seated)
    };
    answer.ok(&once(&session, key, state.clock, joining).await?)
}

/// `POST /v1/leave`
pub async fn leave(mover: Mover, answer: Answer) -> Result<HttpResponse, ApiError> {
    let Some(place) = mover.0.occupant().place() else { return answer.ok(&Left { left: false }) };
    place.room.leave(place.stay, GoneWhy::Left).await?;
    answer.ok(&Left { left: true })
}

/// Query of `GET /v1/rooms`.
#[derive(Debug, Deserialize)]
pub struct ListQuery {
    game: Option<String>,
    limit: Option<usize>,
    after: Option<String>,
}

impl ListQuery {
    /// Which game, behind which room, and how many at most.
    ///
    /// # Errors
    /// `bad_query`.
    pub fn page(self) -> Result<(Option<String>, Option<RoomId>, usize), ApiError> {
        let after = self.after.as_deref().map(str::parse::<RoomId>).transpose();
        let after = after.map_err(|error| ApiError::new(ErrorCode::BadQuery, format!("after: {error}")))?;
        Ok((self.game, after, self.limit.unwrap_or(PAGE).clamp(1, ROOM_PAGE_MAX)))
    }
}

/// `GET /v1/rooms`
pub async fn list(
    request: HttpRequest,
    answer: Answer,
    query: Query<ListQuery>,
) -> Result<HttpResponse, ApiError> {
    let (game, after, limit) = query.0.page()?;
    let (rooms, next) = state(&request)?.admission.directory.lobby().page(game.as_deref(), after, limit);
    answer.cached(&request, &RoomList { rooms, next })
}

/// `GET /v1/rooms/{id}`
pub async fn show(
    request: HttpRequest,
    answer: Answer,
    id: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    let room = state(&request)?.admission.directory.lobby().room(room_id(&id)?);
    let room = room.ok_or_else(no_such_room)?;
    answer.cached(&request, &OneRoom { room })
}

/// `GET /v1/rooms/{id}/state`
pub async fn view(
    request: HttpRequest,
    answer: Answer,
    id: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    let room = room(state(&request)?, &id)?;
    answer.cached(&request, &*room.view().await?)
}

/// The room that a path names.
///
/// # Errors
/// `room_not_found`.
pub fn room(state: &State, id: &str) -> Result<RoomHandle, ApiError> {
    state.admission.directory.find(room_id(id)?).ok_or_else(no_such_room)
}

fn room_id(id: &str) -> Result<RoomId, ApiError> {
    id.parse().map_err(|_| no_such_room())
}

fn no_such_room() -> ApiError {
    ApiError::new(ErrorCode::RoomNotFound, "there is no such room")
}
