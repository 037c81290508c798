//! Every way in which the management API says no, and the status it says it with. Nothing else here knows HTTP status codes.

use std::borrow::Cow;

use axum::response::{IntoResponse, Response};
use freehold_domain::denial::Remedy;
use freehold_domain::id::RequestId;
use freehold_domain::port::PortError;
use freehold_vault::SealError;
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use utoipa::ToSchema;

/// Why the management API said no. The name of each is stable and part of the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Code {
    InvalidApiKey,
    InsufficientScope,
    ExceedsOwnGrant,
    ByokNotInPlan,
    InvalidRequest,
    ApiKeyRequired,
    InvalidBaseUrl,
    EgressDenied,
    NotFound,
    MethodNotAllowed,
    RequestTimeout,
    Conflict,
    PlanInUse,
    RequestTooLarge,
    UnsupportedMediaType,
    IdempotencyMismatch,
    StoreUnavailable,
    InternalError,
}

impl Code {
    pub(crate) const fn status(self) -> StatusCode {
        match self {
            Self::InvalidRequest | Self::ApiKeyRequired | Self::InvalidBaseUrl | Self::EgressDenied => {
                StatusCode::BAD_REQUEST
            }
            Self::InvalidApiKey => StatusCode::UNAUTHORIZED,
            Self::InsufficientScope | Self::ExceedsOwnGrant | Self::ByokNotInPlan => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::RequestTimeout => StatusCode::REQUEST_TIMEOUT,
            Self::Conflict | Self::PlanInUse => StatusCode::CONFLICT,
            Self::RequestTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::IdempotencyMismatch => StatusCode::UNPROCESSABLE_ENTITY,
            Self::InternalError => StatusCode::INTERNAL_SERVER_ERROR,
            Self::StoreUnavailable => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidApiKey => "invalid_api_key",
            Self::InsufficientScope => "insufficient_scope",
            Self::ExceedsOwnGrant => "exceeds_own_grant",
            Self::ByokNotInPlan => "byok_not_in_plan",
            Self::InvalidRequest => "invalid_request",
            Self::ApiKeyRequired => "api_key_required",
            Self::InvalidBaseUrl => "invalid_base_url",
            Self::EgressDenied => "egress_denied",
            Self::NotFound => "not_found",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::RequestTimeout => "request_timeout",
            Self::Conflict => "conflict",
            Self::PlanInUse => "plan_in_use",
            Self::RequestTooLarge => "request_too_large",
            Self::UnsupportedMediaType => "unsupported_media_type",
            Self::IdempotencyMismatch => "idempotency_mismatch",
            Self::StoreUnavailable => "store_unavailable",
            Self::InternalError => "internal_error",
        }
    }

    /// OpenAI's word for the family of the error.
    const fn family(self) -> &'static str {
        match self {
            Self::InvalidApiKey => "authentication_error",
            Self::InsufficientScope | Self::ExceedsOwnGrant | Self::ByokNotInPlan => "permission_error",
            Self::NotFound => "not_found_error",
            Self::Conflict | Self::PlanInUse | Self::IdempotencyMismatch => "conflict_error",
            Self::StoreUnavailable | Self::InternalError => "server_error",
            _ => "invalid_request_error",
        }
    }
}

/// A refusal on its way to the caller. Becomes a body where the reply is finished, which knows the request's id.
///
/// Messages never repeat what the caller sent as a value: it may be a secret in the wrong field.
#[derive(Debug, Clone)]
pub(crate) struct ApiError {
    code: Code,
    message: Cow<'static, str>,
    param: Option<Cow<'static, str>>,
    tier: Option<String>,
    remedies: Vec<Remedy>,
}

impl ApiError {
    pub(crate) fn new(code: Code, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            code,
            message: message.into(),
            param: None,
            tier: None,
            remedies: Vec::new(),
        }
    }

    /// A refusal of one field or parameter.
    pub(crate) fn invalid(
        param: impl Into<Cow<'static, str>>,
        message: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self::new(Code::InvalidRequest, message).about(param)
    }

    /// One body for what is not there and what belongs to somebody else.
    pub(crate) fn not_found(noun: &'static str) -> Self {
        Self::new(
            Code::NotFound,
            format!("There is no such {noun}. Check the id; it may have been deleted."),
        )
    }

    /// The same refusal, naming the field or parameter at fault.
    pub(crate) fn about(mut self, param: impl Into<Cow<'static, str>>) -> Self {
        self.param = Some(param.into());
        self
    }

    /// The same refusal, naming the workspace's plan and what would help.
    pub(crate) fn with_remedies(mut self, tier: &str, remedies: Vec<Remedy>) -> Self {
        self.tier = Some(tier.to_owned());
        self.remedies = remedies;
        self
    }

    /// The refusal as its caller reads it.
    pub(crate) fn render(&self, request_id: RequestId) -> Response {
        let body = ErrorReply {
            error: ErrorDetail {
                message: &self.message,
                r#type: self.code.family(),
                code: self.code.as_str(),
                param: self.param.as_deref(),
                request_id: request_id.to_string(),
                origin: "gateway",
                tier: self.tier.as_deref(),
                remedies: &self.remedies,
            },
        };
        let mut response = (self.code.status(), axum::Json(body)).into_response();
        let headers = response.headers_mut();
        match self.code {
            Code::InvalidApiKey => {
                headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            Code::StoreUnavailable => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
            }
            _ => {}
        }
        response
    }
}

impl IntoResponse for ApiError {
    /// Travels as an extension up to [`crate::reply::finish`], where the request's id is known.
    fn into_response(self) -> Response {
        let mut response = self.code.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}

impl From<PortError> for ApiError {
    fn from(error: PortError) -> Self {
        match error {
            PortError::Unavailable(_) => {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "the store is unavailable"
                );
                Self::new(
                    Code::StoreUnavailable,
                    "The store does not answer. Nothing is known to have changed; try again in a moment.",
                )
            }
            PortError::Conflict(what) => Self::new(
                Code::Conflict,
                format!(
                    "This {what} conflicts with one that is there, or it changed meanwhile. Read it again and retry."
                ),
            ),
            PortError::Missing(what) => Self::not_found(what),
            PortError::Corrupt { .. } => {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "the store holds what cannot be read"
                );
                Self::internal()
            }
        }
    }
}

impl From<SealError> for ApiError {
    fn from(error: SealError) -> Self {
        tracing::error!(error = &error as &dyn std::error::Error, "the vault cannot seal");
        Self::internal()
    }
}

impl ApiError {
    /// Something broke here; its cause is in the log and not in the reply.
    pub(crate) fn internal() -> Self {
        Self::new(
            Code::InternalError,
            "Something broke on our side. The operator finds the cause in the log by the request id.",
        )
    }
}

/// What every refusal looks like.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"error": {
    "message": "`priority` must be a whole number from -1000000 to 1000000.",
    "type": "invalid_request_error", "code": "invalid_request", "param": "priority",
    "request_id": "req_0192f0c1e2a37b4c8d5e6f7081920a1a", "origin": "gateway"
}}))]
pub(crate) struct ErrorReply<'a> {
    /// The refusal.
    error: ErrorDetail<'a>,
}

/// A refusal: what is wrong and the way out.
#[derive(Debug, Serialize, ToSchema)]
struct ErrorDetail<'a> {
    /// One clear sentence or two, naming the field and the way out.
    message: &'a str,
    /// Family of the error.
    r#type: &'static str,
    /// Stable code.
    code: &'static str,
    /// The field, parameter or header at fault.
    #[schema(required = true)]
    param: Option<&'a str>,
    /// Id of the request, as in the `x-request-id` header.
    request_id: String,
    /// Who said no: always `gateway`.
    origin: &'static str,
    /// The workspace's plan, where that is the reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    tier: Option<&'a str>,
    /// What would help.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    #[schema(value_type = Vec<Object>, required = false)]
    remedies: &'a [Remedy],
}
