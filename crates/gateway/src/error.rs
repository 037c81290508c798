//! Every way in which a request ends without an answer, and how the client reads of it. The one place that knows statuses.

use std::borrow::Cow;

use freehold_domain::denial::{Denial, DenialCode};
use freehold_domain::id::RequestId;
use freehold_domain::port::PortError;
use freehold_domain::record::{Attribution, Outcome, Refusal as Refused};
use freehold_wire::openai::error::error_body;
use freehold_wire::{FaultClass, RequestFault};
use http::{HeaderMap, Response, StatusCode};

use crate::Gateway;
use crate::answer::{Interruption, ReplyBody};
use crate::case::Case;
use crate::fault::Fault;
use crate::headers;
use crate::route::Candidate;

/// Providers' texts are cut here.
const MESSAGE_CHARS_MAX: usize = 500;

/// Why a request ends without an answer.
#[derive(Debug, Clone)]
pub(crate) enum Refusal {
    /// We decided no.
    Denied(Box<Denial>),
    /// Something broke, or a provider said no.
    Failed(Box<Failure>),
    /// The client left.
    Gone,
}

/// Something that broke, in the words the client reads.
#[derive(Debug, Clone)]
pub(crate) struct Failure {
    status: StatusCode,
    code: Cow<'static, str>,
    kind: Cow<'static, str>,
    message: String,
    param: Option<String>,
    origin: &'static str,
    retry_after_ms: Option<u64>,
}

impl From<Denial> for Refusal {
    fn from(denial: Denial) -> Self {
        Self::Denied(Box::new(denial))
    }
}

impl From<Fault> for Refusal {
    fn from(fault: Fault) -> Self {
        Self::Failed(Box::new(fault.into_failure(None)))
    }
}

impl From<Interruption> for Refusal {
    fn from(interruption: Interruption) -> Self {
        match interruption {
            Interruption::Gone => Self::Gone,
            Interruption::Stopped => stopped(),
        }
    }
}

impl From<PortError> for Refusal {
    fn from(error: PortError) -> Self {
        tracing::error!(error = %error, cause = error.source_text(), "the store does not answer");
        Self::Failed(Box::new(Failure {
            status: StatusCode::SERVICE_UNAVAILABLE,
            code: Cow::Borrowed("store_unavailable"),
            kind: Cow::Borrowed("server_error"),
            message:
                "The gateway's store does not answer, so this request was not run. Try again in a moment."
                    .to_owned(),
            param: None,
            origin: "gateway",
            retry_after_ms: Some(1_000),
        }))
    }
}

trait SourceText {
    fn source_text(&self) -> String;
}

impl SourceText for PortError {
    fn source_text(&self) -> String {
        std::error::Error::source(self)
            .map(ToString::to_string)
            .unwrap_or_default()
    }
}

impl Refusal {
    /// The same, naming the plan that the caller is on.
    pub(crate) fn with_tier(mut self, plan: &str) -> Self {
        if let Self::Denied(denial) = &mut self {
            denial.tier.get_or_insert_with(|| plan.into());
        }
        self
    }

    /// The outcome it means for the record.
    pub(crate) fn outcome(&self) -> Outcome {
        match self {
            Self::Denied(_) => Outcome::Denied,
            Self::Failed(_) => Outcome::Failed,
            Self::Gone => Outcome::ClientGone,
        }
    }

    /// How the record names it.
    pub(crate) fn as_record(&self) -> Option<Refused> {
        match self {
            Self::Denied(denial) => Some(Refused {
                code: Cow::Borrowed(denial.code.as_str()),
                message: denial.message.clone(),
                status: status(denial.code).as_u16(),
            }),
            Self::Failed(failure) => Some(Refused {
                code: failure.code.clone(),
                message: failure.message.clone(),
                status: failure.status.as_u16(),
            }),
            Self::Gone => None,
        }
    }
}

/// The status of each denial, as the API promises.
fn status(code: DenialCode) -> StatusCode {
    match code {
        DenialCode::InvalidApiKey => StatusCode::UNAUTHORIZED,
        DenialCode::InsufficientScope | DenialCode::ModelNotAllowed | DenialCode::PriceUnknown => {
            StatusCode::FORBIDDEN
        }
        DenialCode::InvalidRequest
        | DenialCode::UnsupportedParameter
        | DenialCode::InputTokensExceeded
        | DenialCode::OutputTokensExceeded => StatusCode::BAD_REQUEST,
        DenialCode::RequestTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        DenialCode::RequestTimeout => StatusCode::REQUEST_TIMEOUT,
        DenialCode::ModelNotFound => StatusCode::NOT_FOUND,
        DenialCode::RequestCeilingExceeded | DenialCode::CreditsExhausted | DenialCode::BudgetExceeded => {
            StatusCode::PAYMENT_REQUIRED
        }
        DenialCode::CreditsReserved | DenialCode::RateLimitExceeded => StatusCode::TOO_MANY_REQUESTS,
        DenialCode::NoCandidate | DenialCode::ServerDraining => StatusCode::SERVICE_UNAVAILABLE,
    }
}

/// The type that clients of the OpenAI surface read beside the code.
fn kind(code: DenialCode) -> &'static str {
    match code {
        DenialCode::InvalidApiKey => "authentication_error",
        DenialCode::InsufficientScope => "permission_error",
        DenialCode::InvalidRequest
        | DenialCode::UnsupportedParameter
        | DenialCode::RequestTooLarge
        | DenialCode::RequestTimeout
        | DenialCode::ModelNotFound => "invalid_request_error",
        DenialCode::NoCandidate | DenialCode::ServerDraining => "server_error",
        _ => "quota_error",
    }
}

impl Fault {
    /// The refusal this fault means when no other candidate is left.
    pub(crate) fn into_refusal(self, candidate: &Candidate) -> Refusal {
        Refusal::Failed(Box::new(self.into_failure(Some(candidate))))
    }

    fn into_failure(self, candidate: Option<&Candidate>) -> Failure {
        let provider = candidate.map_or("the provider", |candidate| &candidate.provider);
        let ours = candidate.is_some_and(|candidate| candidate.attribution == Attribution::Platform);
        let told = || {
            self.message.as_deref().map_or_else(
                || format!("{provider} refused the request."),
                |message| message.chars().take(MESSAGE_CHARS_MAX).collect(),
            )
        };
        let (status, code, kind, message) = match self.class {
            FaultClass::AuthInvalid | FaultClass::AuthForbidden if ours => (
                StatusCode::SERVICE_UNAVAILABLE,
                "no_candidate",
                "server_error",
                format!(
                    "The platform's key for {provider} was refused. Use your own key, or tell the operator."
                ),
            ),
            FaultClass::AuthInvalid => (
                StatusCode::FAILED_DEPENDENCY,
                "provider_key_rejected",
                "provider_error",
                format!("{provider} refused the stored key. Rotate it with PUT /v1/byok/providers/{{id}}."),
            ),
            FaultClass::AuthForbidden => (
                StatusCode::FAILED_DEPENDENCY,
                "provider_key_rejected",
                "provider_error",
                format!(
                    "The stored key for {provider} may not be used for this request. Check what its account allows."
                ),
            ),
            FaultClass::Billing => (
                StatusCode::FAILED_DEPENDENCY,
                "provider_balance_exhausted",
                "provider_error",
                format!(
                    "The account behind the key for {provider} is out of money. Top it up with the provider."
                ),
            ),
            FaultClass::RateLimited | FaultClass::QuotaDaily => (
                StatusCode::TOO_MANY_REQUESTS,
                "rate_limit_exceeded",
                "rate_limit_error",
                format!("{provider} limits the rate of this key: {}", told()),
            ),
            FaultClass::ModelNotFound => (
                StatusCode::NOT_FOUND,
                "model_not_found",
                "invalid_request_error",
                told(),
            ),
            FaultClass::BadRequest => (
                StatusCode::BAD_REQUEST,
                "invalid_request",
                "invalid_request_error",
                told(),
            ),
            FaultClass::ContextLength => (
                StatusCode::BAD_REQUEST,
                "context_length_exceeded",
                "invalid_request_error",
                told(),
            ),
            FaultClass::ContentFilter => (
                StatusCode::BAD_REQUEST,
                "content_filter",
                "invalid_request_error",
                told(),
            ),
            FaultClass::Timeout => (
                StatusCode::GATEWAY_TIMEOUT,
                "upstream_timeout",
                "server_error",
                format!("{provider} did not answer in time: {}", told()),
            ),
            FaultClass::Overloaded => (
                StatusCode::BAD_GATEWAY,
                "upstream_overloaded",
                "server_error",
                format!("{provider} is overloaded: {}", told()),
            ),
            FaultClass::UpstreamError => (
                StatusCode::BAD_GATEWAY,
                "upstream_error",
                "server_error",
                format!("{provider} failed: {}", told()),
            ),
        };
        // Where the request is at fault, the provider's own code says more than ours.
        let relayed = matches!(
            self.class,
            FaultClass::BadRequest | FaultClass::ContextLength | FaultClass::ContentFilter
        );
        Failure {
            status,
            code: self
                .code
                .filter(|_| relayed)
                .map_or(Cow::Borrowed(code), Cow::Owned),
            kind: self
                .kind
                .filter(|_| relayed)
                .map_or(Cow::Borrowed(kind), Cow::Owned),
            message,
            param: self.param,
            origin: "provider",
            retry_after_ms: self.retry_after_ms,
        }
    }
}

/// A request that the surface or a provider's format cannot take.
pub(crate) fn request_fault(fault: RequestFault, code: DenialCode) -> Denial {
    let denial = Denial::new(code, fault.message);
    match fault.param {
        Some(param) => denial.with_param(param),
        None => denial,
    }
}

/// The provider is known but not served.
pub(crate) fn not_served(provider: &str) -> Denial {
    Denial::new(
        DenialCode::NoCandidate,
        format!("Freehold cannot talk to {provider} yet. Use another provider."),
    )
}

/// The key is paused after repeated failures.
pub(crate) fn paused(provider: &str, retry_after_ms: u64) -> Denial {
    let mut denial = Denial::new(
        DenialCode::NoCandidate,
        format!("{provider} failed repeatedly and is paused for a moment. Try again shortly."),
    );
    denial.retry_after_ms = Some(retry_after_ms);
    denial
}

/// The request was running when the time to finish was over. What was made is on record.
pub(crate) fn stopped() -> Refusal {
    Refusal::Failed(Box::new(Failure {
        status: status(DenialCode::ServerDraining),
        code: Cow::Borrowed(DenialCode::ServerDraining.as_str()),
        kind: Cow::Borrowed(kind(DenialCode::ServerDraining)),
        message: "This server stopped before the answer was complete. Ask again.".to_owned(),
        param: None,
        origin: "gateway",
        retry_after_ms: Some(1_000),
    }))
}

/// The answer came, but its record could not be written: what is not on record must not be seen whole.
pub(crate) fn unrecorded(error: &PortError, id: RequestId) -> Refusal {
    tracing::error!(request.id = %id, error = %error, cause = error.source_text(), "a usage record could not be written");
    Refusal::Failed(Box::new(Failure {
        status: StatusCode::INTERNAL_SERVER_ERROR,
        code: Cow::Borrowed("record_not_written"),
        kind: Cow::Borrowed("server_error"),
        message: "The usage record of this request could not be written, so its answer is withheld."
            .to_owned(),
        param: None,
        origin: "gateway",
        retry_after_ms: None,
    }))
}

/// The reply to a caller we do not know. There is no workspace to keep a record for.
pub(crate) fn strange(gateway: &Gateway, id: RequestId, denial: &Denial) -> Response<ReplyBody> {
    gateway.metrics.refused_stranger(denial.code);
    let body = denial_body(denial, id);
    let mut reply = Response::new(ReplyBody::Whole(body));
    *reply.status_mut() = status(denial.code);
    headers::json(reply.headers_mut());
    headers::request_id(reply.headers_mut(), id);
    headers::retry_after(reply.headers_mut(), denial.retry_after_ms);
    reply
}

/// A reply of our own that succeeds.
pub(crate) fn json_reply<T: serde::Serialize>(id: RequestId, body: &T) -> Response<ReplyBody> {
    let mut reply = Response::new(ReplyBody::Whole(json(body).into()));
    headers::json(reply.headers_mut());
    headers::request_id(reply.headers_mut(), id);
    reply
}

/// The reply when a request's task was lost to a panic.
pub(crate) fn task_lost() -> Response<ReplyBody> {
    let body = error_body(
        "The gateway failed on this request.",
        "server_error",
        Some("internal_error"),
        None,
        &[],
    );
    let mut reply = Response::new(ReplyBody::Whole(body));
    *reply.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    headers::json(reply.headers_mut());
    reply
}

/// The status and the error object that `refusal` would be answered with.
pub(crate) fn told(case: &Case, refusal: &Refusal) -> (u16, Option<Box<serde_json::value::RawValue>>) {
    #[derive(serde::Deserialize)]
    struct Body {
        error: Box<serde_json::value::RawValue>,
    }
    let error = serde_json::from_slice::<Body>(&refusal_body(case, refusal))
        .ok()
        .map(|body| body.error);
    (refusal.as_record().map_or(0, |record| record.status), error)
}

/// The reply when the store did not answer a question.
pub(crate) fn unanswered(id: RequestId, problem: PortError) -> Response<ReplyBody> {
    let Refusal::Failed(failure) = Refusal::from(problem) else {
        return task_lost();
    };
    let body = error_body(
        &failure.message,
        &failure.kind,
        Some(&failure.code),
        None,
        &[("request_id", &json(&id))],
    );
    let mut reply = Response::new(ReplyBody::Whole(body));
    *reply.status_mut() = failure.status;
    headers::json(reply.headers_mut());
    headers::request_id(reply.headers_mut(), id);
    headers::retry_after(reply.headers_mut(), failure.retry_after_ms);
    reply
}

/// The reply that tells the client of `refusal`.
pub(crate) fn reply(case: &Case, refusal: &Refusal) -> Response<ReplyBody> {
    let (status, retry_after_ms) = match refusal {
        Refusal::Denied(denial) => (status(denial.code), denial.retry_after_ms),
        Refusal::Failed(failure) => (failure.status, failure.retry_after_ms),
        Refusal::Gone => (StatusCode::REQUEST_TIMEOUT, None),
    };
    let mut reply = Response::new(ReplyBody::Whole(refusal_body(case, refusal)));
    *reply.status_mut() = status;
    let headers = reply.headers_mut();
    match &case.candidate {
        Some(candidate) => headers::of_answer(headers, case, candidate, &HeaderMap::new()),
        None => headers::of_caller(headers, case),
    }
    headers::json(headers);
    headers::retry_after(headers, retry_after_ms);
    reply
}

/// The event that tells the client of `refusal` in a stream that has begun.
pub(crate) fn stream_event(case: &Case, refusal: &Refusal) -> bytes::Bytes {
    freehold_wire::stream_error_event(&String::from_utf8_lossy(&refusal_body(case, refusal)))
}

fn refusal_body(case: &Case, refusal: &Refusal) -> bytes::Bytes {
    match refusal {
        Refusal::Denied(denial) => denial_body(denial, case.received.id),
        Refusal::Failed(failure) => error_body(
            &failure.message,
            &failure.kind,
            Some(&failure.code),
            failure.param.as_deref(),
            &[
                ("request_id", &json(&case.received.id)),
                ("origin", &json(failure.origin)),
                ("attempts", &json(&case.attempts)),
            ],
        ),
        Refusal::Gone => bytes::Bytes::new(),
    }
}

fn denial_body(denial: &Denial, id: RequestId) -> bytes::Bytes {
    error_body(
        &denial.message,
        kind(denial.code),
        Some(denial.code.as_str()),
        denial.param.as_deref(),
        &[
            ("request_id", &json(&id)),
            ("origin", "\"gateway\""),
            ("tier", &json(&denial.tier)),
            ("limit", &json(&denial.limit)),
            ("remedies", &json(&denial.remedies)),
        ],
    )
}

/// The value as JSON. Our own types always can be written; what could not would be told as nothing.
fn json<T: serde::Serialize + ?Sized>(value: &T) -> String {
    serde_json::to_string(value).unwrap_or_else(|_| "null".to_owned())
}
