//! Denials: every way in which we decide no, with a stable code and what would help.

use std::borrow::Cow;

use serde::Serialize;

/// Why we said no. The name of each is stable and part of the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DenialCode {
    /// The credential is missing, malformed, unknown, expired or revoked.
    InvalidApiKey,
    /// The credential lacks the scope.
    InsufficientScope,
    /// The body is not what the surface takes.
    InvalidRequest,
    /// The body is larger than we take.
    RequestTooLarge,
    /// The body was not sent in time.
    RequestTimeout,
    /// The provider cannot do what a parameter asks.
    UnsupportedParameter,
    /// The plan or the key does not allow the model.
    ModelNotAllowed,
    /// No such model.
    ModelNotFound,
    /// More input tokens than allowed.
    InputTokensExceeded,
    /// More output tokens than allowed.
    OutputTokensExceeded,
    /// This one request could cost more than its ceiling.
    RequestCeilingExceeded,
    /// Credits are used up.
    CreditsExhausted,
    /// Credits are held by running requests.
    CreditsReserved,
    /// A budget is spent.
    BudgetExceeded,
    /// Too many requests, tokens, or requests at once.
    RateLimitExceeded,
    /// The price is unknown and a limit on cost must hold.
    PriceUnknown,
    /// Nothing could serve the request.
    NoCandidate,
    /// The gateway is stopping.
    ServerDraining,
}

impl DenialCode {
    /// The code's name in the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidApiKey => "invalid_api_key",
            Self::InsufficientScope => "insufficient_scope",
            Self::InvalidRequest => "invalid_request",
            Self::RequestTooLarge => "request_too_large",
            Self::RequestTimeout => "request_timeout",
            Self::UnsupportedParameter => "unsupported_parameter",
            Self::ModelNotAllowed => "model_not_allowed",
            Self::ModelNotFound => "model_not_found",
            Self::InputTokensExceeded => "input_tokens_exceeded",
            Self::OutputTokensExceeded => "output_tokens_exceeded",
            Self::RequestCeilingExceeded => "request_ceiling_exceeded",
            Self::CreditsExhausted => "credits_exhausted",
            Self::CreditsReserved => "credits_reserved",
            Self::BudgetExceeded => "budget_exceeded",
            Self::RateLimitExceeded => "rate_limit_exceeded",
            Self::PriceUnknown => "price_unknown",
            Self::NoCandidate => "no_candidate",
            Self::ServerDraining => "server_draining",
        }
    }
}

/// A number with exactly its own digits: it is kept as text and written to JSON as a number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quantity(String);

impl Quantity {
    /// The quantity that `amount` shows; an amount of money or credits, or a count.
    #[must_use]
    pub fn of(amount: impl ToString) -> Self {
        Self(amount.to_string())
    }

    /// Its digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Serialize for Quantity {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let raw =
            serde_json::value::RawValue::from_string(self.0.clone()).map_err(serde::ser::Error::custom)?;
        raw.serialize(serializer)
    }
}

/// The limit that was met.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Limit {
    /// Its name, as in the plan.
    pub name: &'static str,
    /// What it counts.
    pub unit: &'static str,
    /// How much is allowed.
    pub allowed: Quantity,
    /// How much was asked.
    pub requested: Quantity,
    /// When it starts over, if it does.
    pub resets_at: Option<crate::time::Timestamp>,
}

/// One way on. Offered only after it was checked against the same rules.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "action", rename_all = "snake_case")]
pub enum Remedy {
    /// Ask for less.
    Reduce {
        /// Of what.
        param: &'static str,
        /// The most that passes.
        to: u64,
        /// Whether the request would then pass.
        would_allow: bool,
    },
    /// Call another model.
    SwitchModel {
        /// Which.
        model: String,
        /// Whether the request would then pass.
        would_allow: bool,
    },
    /// Take a larger plan.
    Upgrade {
        /// Which.
        plan: String,
        /// Where.
        url: Option<String>,
        /// Whether the request would then pass.
        would_allow: bool,
    },
    /// Store a key of one's own.
    UseOwnKey {
        /// For which provider.
        provider: String,
        /// Whether the request would then pass.
        would_allow: bool,
    },
    /// Try again later.
    Wait {
        /// How long.
        retry_after_ms: u64,
        /// Whether the request would then pass.
        would_allow: bool,
    },
}

/// A request we refuse, with all its caller needs to go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denial {
    /// Why.
    pub code: DenialCode,
    /// One clear sentence that names the field and the way out.
    pub message: String,
    /// The parameter at fault.
    pub param: Option<Cow<'static, str>>,
    /// The caller's plan.
    pub tier: Option<Box<str>>,
    /// The limit that was met.
    pub limit: Option<Box<Limit>>,
    /// Ways on.
    pub remedies: Vec<Remedy>,
    /// After how long to try again.
    pub retry_after_ms: Option<u64>,
}

impl Denial {
    /// A denial with a code and a sentence and nothing else.
    #[must_use]
    pub fn new(code: DenialCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            param: None,
            tier: None,
            limit: None,
            remedies: Vec::new(),
            retry_after_ms: None,
        }
    }

    /// The same denial, naming the parameter at fault.
    #[must_use]
    pub fn with_param(mut self, param: impl Into<Cow<'static, str>>) -> Self {
        self.param = Some(param.into());
        self
    }
}
