//! Every error as a problem document ([RFC 9457](https://www.rfc-editor.org/rfc/rfc9457)): the only place with status
//! codes.

use std::borrow::Cow;
use std::fmt;

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpResponse, ResponseError};
use sward_protocol::codec::{DecodeError, Encoding};
use sward_protocol::problem::{ErrorCode, MessageError, Problem};

use crate::room::admission::JoinError;
use crate::room::directory::TooManyRooms;
use crate::room::effect::Refusal;
use crate::room::handle::{NotShown, RoomError};
use crate::session::registry::Full;
use crate::session::upstream::SendError;
use crate::stream::options::BadOption;
use sward_protocol::text::TextError;

/// When to try again where the server cannot know better.
const RETRY_AFTER_MS: u64 = 1_000;

/// An error answer.
#[derive(Debug, Clone, PartialEq)]
pub struct ApiError {
    problem: Box<Problem>,
}

/// The code of an error answer, for the metrics: it rides along as a response extension.
#[derive(Debug, Clone)]
pub struct AnsweredCode(pub Cow<'static, str>);

impl ApiError {
    /// An error with one of the server's codes.
    #[must_use]
    pub fn new(code: ErrorCode, detail: impl Into<String>) -> Self {
        let retry_after_ms = status(code).1.then_some(RETRY_AFTER_MS);
        Self {
            problem: Box::new(Problem {
                kind: Cow::Borrowed("about:blank"),
                title: Cow::Borrowed(code.title()),
                status: status(code).0.as_u16(),
                code: Cow::Borrowed(code.as_str()),
                detail: detail.into(),
                retry_after_ms,
                expected: None,
            }),
        }
    }

    /// The same, to be tried again after so long.
    #[must_use]
    pub fn after(mut self, retry_after_ms: u64) -> Self {
        self.problem.retry_after_ms = Some(retry_after_ms);
        self
    }

    /// The body could not be read.
    #[must_use]
    pub fn of_body(error: &DecodeError, encoding: Encoding) -> Self {
        let code = match (error, encoding) {
            (DecodeError::Syntax(_), Encoding::Msgpack) => ErrorCode::BadMsgpack,
            (DecodeError::Syntax(_), _) => ErrorCode::BadJson,
            (DecodeError::TooDeep(_), _) => ErrorCode::TooDeep,
            _ => ErrorCode::BadBody,
        };
        Self::new(code, error.to_string())
    }

    fn of_message(error: MessageError) -> Self {
        let known = ErrorCode::ALL.iter().find(|code| code.as_str() == error.code);
        let mut answer = Self::new(known.copied().unwrap_or(ErrorCode::Game), error.detail);
        answer.problem.code = error.code;
        answer.problem.retry_after_ms = error.retry_after_ms.or(answer.problem.retry_after_ms);
        answer
    }
}

/// A code's status, and whether waiting helps.
fn status(code: ErrorCode) -> (StatusCode, bool) {
    use ErrorCode as Code;
    match code {
        Code::BadJson | Code::BadMsgpack | Code::BadQuery | Code::BadRequest | Code::UnsupportedVersion => {
            (StatusCode::BAD_REQUEST, false)
        }
        Code::BadToken | Code::BadSecret => (StatusCode::UNAUTHORIZED, false),
        Code::CreationClosed
        | Code::PasswordWrong
        | Code::Banned
        | Code::NotOwner
        | Code::OperatorsBan
        | Code::NotHost
        | Code::NotLeader
        | Code::BadPass => (StatusCode::FORBIDDEN, false),
        Code::NotFound
        | Code::RoomNotFound
        | Code::NoSuchBlob
        | Code::NoSuchPlayer
        | Code::NoSuchAsk
        | Code::NoSuchParty => (StatusCode::NOT_FOUND, false),
        Code::MethodNotAllowed => (StatusCode::METHOD_NOT_ALLOWED, false),
        Code::Gap
        | Code::TooManyWarnings
        | Code::RoomLocked
        // The game's fault; but who sent it again, as one does a 5xx, would break the next room.
        | Code::RoomFailed
        | Code::TooManyRooms
        | Code::NotStartable
        | Code::AlreadyPlaying
        | Code::NotPlaying
        | Code::TooFewPlayers
        | Code::SomebodyAway
        | Code::RoomFull
        | Code::NotInRoom
        | Code::RoomGone
        | Code::TooManyLobbies
        | Code::AlreadyInRoom
        | Code::InvitePending
        | Code::KnockPending
        | Code::PartyFull
        | Code::InParty
        | Code::PartyTooLarge
        | Code::InQueue
        | Code::NotInQueue
        | Code::NotInLobby => (StatusCode::CONFLICT, false),
        Code::SessionGone => (StatusCode::GONE, false),
        Code::NotPublic => (StatusCode::FORBIDDEN, false),
        Code::BodySlow => (StatusCode::REQUEST_TIMEOUT, false),
        Code::BodyTooLarge => (StatusCode::PAYLOAD_TOO_LARGE, false),
        Code::UnsupportedEncoding => (StatusCode::UNSUPPORTED_MEDIA_TYPE, false),
        Code::RateLimited
        | Code::RoomBusy
        | Code::HostBusy
        | Code::AskedLately
        | Code::RoomQuota
        | Code::TooManyGuesses => (StatusCode::TOO_MANY_REQUESTS, true),
        Code::ServerFull | Code::QueueFull | Code::Draining | Code::RoomSlow => {
            (StatusCode::SERVICE_UNAVAILABLE, true)
        }
        Code::Internal => (StatusCode::INTERNAL_SERVER_ERROR, false),
        _ => (StatusCode::UNPROCESSABLE_ENTITY, false),
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.problem.code, self.problem.detail)
    }
}

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status_code());
        response.insert_header((header::CONTENT_TYPE, "application/problem+json"));
        response.insert_header((header::CACHE_CONTROL, "no-store"));
        if let Some(retry_after_ms) = self.problem.retry_after_ms {
            response.insert_header((header::RETRY_AFTER, retry_after_ms.div_ceil(1000)));
        }
        if self.status_code() == StatusCode::REQUEST_TIMEOUT {
            // The rest of the body may never come: the connection is of no more use.
            response.force_close();
        }
        if self.status_code() == StatusCode::UNAUTHORIZED {
            response.insert_header((header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer")));
        }
        let mut response = response.body(serde_json::to_vec(&*self.problem).unwrap_or_default());
        response.extensions_mut().insert(AnsweredCode(self.problem.code.clone()));
        response
    }
}

impl From<TextError> for ApiError {
    fn from(error: TextError) -> Self {
        Self::new(ErrorCode::BadName, format!("name: {error}"))
    }
}

impl From<Full> for ApiError {
    fn from(error: Full) -> Self {
        Self::new(ErrorCode::ServerFull, error.to_string())
    }
}

impl From<JoinError> for ApiError {
    fn from(error: JoinError) -> Self {
        let code = match &error {
            JoinError::BadField(_) => ErrorCode::BadBody,
            JoinError::BadMax(_) => ErrorCode::BadMax,
            JoinError::BadMeta(_) => ErrorCode::BadMeta,
            JoinError::BadFilter(_) => ErrorCode::BadFilter,
            JoinError::BadCode => ErrorCode::BadCode,
            JoinError::BadPassword => ErrorCode::BadPassword,
            JoinError::CreationClosed => ErrorCode::CreationClosed,
            JoinError::BadName(_) => ErrorCode::BadName,
            JoinError::UnknownGame(_) => ErrorCode::UnknownGame,
            JoinError::BadOptions(_) => ErrorCode::BadOptions,
            JoinError::NotFound | JoinError::Room(RoomError::Gone) => ErrorCode::RoomNotFound,
            JoinError::Room(RoomError::NotShown(NotShown::Broken)) => ErrorCode::Internal,
            JoinError::Room(RoomError::NotShown(NotShown::NotPublic | NotShown::Later(_))) => {
                ErrorCode::NotPublic
            }
            JoinError::TooManyRooms(TooManyRooms::Server | TooManyRooms::Blobs) => ErrorCode::ServerFull,
            JoinError::TooManyRooms(TooManyRooms::Game) => ErrorCode::TooManyRooms,
            JoinError::TooManyRooms(TooManyRooms::Player { retry_after_ms }) => {
                return Self::new(ErrorCode::RoomQuota, error.to_string()).after(*retry_after_ms);
            }
            JoinError::BadPass => ErrorCode::BadPass,
            // Who watches hears of it on his stream; nothing else is refused for that.
            JoinError::Room(RoomError::Busy | RoomError::NotShown(NotShown::TooMany)) => ErrorCode::RoomBusy,
            JoinError::Room(RoomError::Slow) => ErrorCode::RoomSlow,
            JoinError::Room(RoomError::Refused(Refusal::ByGame(refusal))) => {
                let mut answer = Self::of_message(refusal.clone());
                answer.problem.status = StatusCode::CONFLICT.as_u16();
                return answer;
            }
            JoinError::GameFailed | JoinError::Room(RoomError::Refused(Refusal::Failed)) => {
                ErrorCode::RoomFailed
            }
            JoinError::Room(RoomError::Refused(Refusal::Full)) => ErrorCode::RoomFull,
            JoinError::Room(RoomError::Refused(Refusal::Locked)) => ErrorCode::RoomLocked,
            JoinError::Room(RoomError::Refused(Refusal::PasswordWrong)) => ErrorCode::PasswordWrong,
            JoinError::Room(RoomError::Refused(Refusal::TooManyGuesses { retry_after_ms })) => {
                return Self::new(ErrorCode::TooManyGuesses, error.to_string()).after(*retry_after_ms);
            }
            JoinError::Room(RoomError::Refused(Refusal::Banned)) => ErrorCode::Banned,
        };
        Self::new(code, error.to_string())
    }
}

impl From<BadOption> for ApiError {
    fn from(error: BadOption) -> Self {
        Self::new(ErrorCode::BadQuery, error.to_string())
    }
}

impl From<RoomError> for ApiError {
    fn from(error: RoomError) -> Self {
        Self::from(JoinError::Room(error))
    }
}

impl From<SendError> for ApiError {
    fn from(error: SendError) -> Self {
        let detail = error.to_string();
        match error {
            SendError::BadField(_) => Self::new(ErrorCode::BadBody, detail),
            SendError::TooLarge => Self::new(ErrorCode::BodyTooLarge, detail),
            SendError::Gap { expected } => {
                let mut answer = Self::new(ErrorCode::Gap, detail);
                answer.problem.expected = Some(expected);
                answer
            }
            SendError::RateLimited { retry_after_ms } => {
                Self::new(ErrorCode::RateLimited, detail).after(retry_after_ms)
            }
            SendError::Busy { retry_after_ms } => {
                Self::new(ErrorCode::RoomBusy, detail).after(retry_after_ms)
            }
            SendError::Slow => Self::new(ErrorCode::RoomSlow, detail),
            SendError::Message(error) => Self::of_message(error),
        }
    }
}
