//! What can go wrong with a request, a reply or a stream, and the classes every provider's errors are brought into.

use std::borrow::Cow;

/// The caller's request cannot be served as it stands; the caller can mend it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct RequestFault {
    /// The field at fault, as a path such as `messages[2].content`; nothing if the body as a whole is.
    pub param: Option<Cow<'static, str>>,
    /// One sentence for the caller: what is wrong, and what would be right.
    pub message: String,
}

impl RequestFault {
    /// A fault of the field `param`.
    pub fn of(param: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self {
            param: Some(param.into()),
            message: message.into(),
        }
    }

    /// A fault of the body as a whole.
    pub fn of_body(message: impl Into<String>) -> Self {
        Self {
            param: None,
            message: message.into(),
        }
    }
}

/// What an upstream failure means for the next step. Failover and key status look at this, never at a status code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FaultClass {
    /// The key is unknown, malformed, revoked or expired.
    AuthInvalid,
    /// The key is real and may not do this: model, scope, region, address, blocked account.
    AuthForbidden,
    /// No money, a spending cap, or a quota used up until the account's owner acts.
    Billing,
    /// Too fast at the moment.
    RateLimited,
    /// The quota of a day or a month is used up.
    QuotaDaily,
    /// The provider has no capacity.
    Overloaded,
    /// The provider broke: 5xx, a broken stream, unreadable JSON.
    UpstreamError,
    /// The provider gave up waiting.
    Timeout,
    /// The prompt is too long for the model.
    ContextLength,
    /// The model is unknown, retired or not enabled.
    ModelNotFound,
    /// The request is wrong.
    BadRequest,
    /// The provider's safety system refused.
    ContentFilter,
}

impl FaultClass {
    /// The class's name in records and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AuthInvalid => "auth_invalid",
            Self::AuthForbidden => "auth_forbidden",
            Self::Billing => "billing",
            Self::RateLimited => "rate_limited",
            Self::QuotaDaily => "quota_daily",
            Self::Overloaded => "overloaded",
            Self::UpstreamError => "upstream_error",
            Self::Timeout => "timeout",
            Self::ContextLength => "context_length",
            Self::ModelNotFound => "model_not_found",
            Self::BadRequest => "bad_request",
            Self::ContentFilter => "content_filter",
        }
    }
}

/// A failure as the provider told it, brought into one shape.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the provider answered {status} ({})", class.as_str())]
pub struct UpstreamFault {
    /// What it means.
    pub class: FaultClass,
    /// The HTTP status; 200 for an error inside a successful reply that names no other.
    pub status: u16,
    /// The provider's own word for the type of error, if short and plain.
    pub kind: Option<String>,
    /// The provider's own code, if short and plain.
    pub code: Option<String>,
    /// The parameter the provider names, if short and plain.
    pub param: Option<String>,
    /// The provider's message, shortened and without anything that looks like a key. Nothing for the two classes of
    /// authentication: those texts repeat parts of keys and are never relayed.
    pub message: Option<String>,
    /// When the provider says that a retry makes sense.
    pub retry_after_ms: Option<u64>,
}

impl UpstreamFault {
    /// A fault that we found ourselves in what the provider sent.
    #[must_use]
    pub fn found(class: FaultClass, message: &str) -> Self {
        Self {
            class,
            status: 200,
            kind: None,
            code: None,
            param: None,
            message: Some(message.to_owned()),
            retry_after_ms: None,
        }
    }
}

/// A reply that claimed success and is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReplyFault {
    /// The reply holds an error.
    #[error("the reply holds an error: {0}")]
    Refused(#[source] UpstreamFault),
    /// The reply cannot be read.
    #[error("the reply is {0}")]
    Unreadable(&'static str),
}

/// A stream that cannot go on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StreamFault {
    /// The stream holds an error.
    #[error("the stream holds an error: {0}")]
    Refused(#[source] UpstreamFault),
    /// An event cannot be read.
    #[error("the stream holds {0}")]
    Unreadable(&'static str),
    /// The stream closed before its end was marked.
    #[error("the stream ended before its end was marked")]
    CutShort,
}

impl ReplyFault {
    /// What it means for the next step.
    #[must_use]
    pub const fn class(&self) -> FaultClass {
        match self {
            Self::Refused(fault) => fault.class,
            Self::Unreadable(_) => FaultClass::UpstreamError,
        }
    }

    /// The same as a failure of the provider.
    #[must_use]
    pub fn into_upstream(self) -> UpstreamFault {
        match self {
            Self::Refused(fault) => fault,
            Self::Unreadable(what) => UpstreamFault::found(
                FaultClass::UpstreamError,
                &format!("the provider's reply is {what}"),
            ),
        }
    }
}

impl StreamFault {
    /// What it means for the next step.
    #[must_use]
    pub const fn class(&self) -> FaultClass {
        match self {
            Self::Refused(fault) => fault.class,
            Self::Unreadable(_) | Self::CutShort => FaultClass::UpstreamError,
        }
    }

    /// The same as a failure of the provider.
    #[must_use]
    pub fn into_upstream(self) -> UpstreamFault {
        match self {
            Self::Refused(fault) => fault,
            Self::Unreadable(what) => UpstreamFault::found(
                FaultClass::UpstreamError,
                &format!("the provider's stream holds {what}"),
            ),
            Self::CutShort => UpstreamFault::found(
                FaultClass::UpstreamError,
                "the provider's stream ended before its end was marked",
            ),
        }
    }
}
