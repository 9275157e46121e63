//! `/v1/send`.

use actix_web::{HttpRequest, HttpResponse};
use sward_protocol::payload::CheckedMessage;
use sward_protocol::problem::ErrorCode;
use sward_protocol::upstream::{Message, SendBody};

use super::error::ApiError;
use super::extract::{Answer, BatchBody, Caller, state};
use crate::session::upstream;

/// `POST /v1/send`: a batch, or one message on its own.
pub async fn send(
    request: HttpRequest,
    caller: Caller,
    answer: Answer,
    body: BatchBody,
) -> Result<HttpResponse, ApiError> {
    let hall = &state(&request)?.hall;
    let batch: SendBody = body.decode()?;
    let Caller(session) = caller;
    let applied = match (&batch.msgs, &batch.kind) {
        (None, Some(_)) => {
            let message = body.decode::<CheckedMessage>()?;
            upstream::send_one(&session, Message::read(&message), body.size(), hall).await?
        }
        (None, None) => return Err(ApiError::new(ErrorCode::BadBody, "neither msgs nor type")),
        (Some(_), _) => upstream::send(&session, batch, body.size(), hall).await?,
    };
    answer.ok(&applied)
}
