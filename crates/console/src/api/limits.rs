//! Limits that owners set on keys, as they are sent and shown.

use freehold_domain::key::{ProviderKeyLimits, VirtualKeyLimits};
use freehold_domain::money::{Credits, Nanodollars};
use serde::Serialize;
use utoipa::ToSchema;

use crate::body::Input;
use crate::error::ApiError;
use crate::fields::{Change, Fields};
use crate::rule;
use crate::vocabulary::DecimalAmount;

/// The most that an amount in a request may be: a bound against slips of the pen, far below what the ledger holds.
pub(crate) const CREDITS_MAX: Credits = Credits::from_units(1_000_000_000 * 1_000_000);
/// The same in dollars.
pub(crate) const DOLLARS_MAX: Nanodollars = Nanodollars::from_dollars(1_000_000_000);

/// Limits on one virtual key; they can only be narrower than the plan's, and absent ones are the plan's.
#[derive(Debug, Clone, Default, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = VirtualKeyLimits, example = json!({"requests_per_minute": 60, "max_credits_per_request": "5"}))]
pub(crate) struct CallerLimits {
    /// Requests in a minute.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1)]
    requests_per_minute: Option<u64>,
    /// Tokens in a minute, in and out.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1)]
    tokens_per_minute: Option<u64>,
    /// Requests at the same time.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1)]
    concurrent_requests: Option<u64>,
    /// Input tokens of one request.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1)]
    max_input_tokens: Option<u64>,
    /// Output tokens of one request.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1)]
    max_output_tokens: Option<u64>,
    /// Credits of one request, as a decimal string; a number is taken too.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<DecimalAmount>)]
    max_credits_per_request: Option<Credits>,
}

impl Input for CallerLimits {
    const FIELDS: &'static [&'static str] = &[
        "requests_per_minute",
        "tokens_per_minute",
        "concurrent_requests",
        "max_input_tokens",
        "max_output_tokens",
        "max_credits_per_request",
    ];

    fn read(fields: &mut Fields<'_>) -> Result<Self, ApiError> {
        Ok(Self {
            requests_per_minute: fields.optional("requests_per_minute", rule::limit)?,
            tokens_per_minute: fields.optional("tokens_per_minute", rule::limit)?,
            concurrent_requests: fields.optional("concurrent_requests", rule::limit)?,
            max_input_tokens: fields.optional("max_input_tokens", rule::limit)?,
            max_output_tokens: fields.optional("max_output_tokens", rule::limit)?,
            max_credits_per_request: fields.optional("max_credits_per_request", credits())?,
        })
    }
}

impl From<VirtualKeyLimits> for CallerLimits {
    fn from(limits: VirtualKeyLimits) -> Self {
        Self {
            requests_per_minute: limits.requests_per_minute,
            tokens_per_minute: limits.tokens_per_minute,
            concurrent_requests: limits.concurrent_requests,
            max_input_tokens: limits.max_input_tokens,
            max_output_tokens: limits.max_output_tokens,
            max_credits_per_request: limits.max_credits_per_request,
        }
    }
}

impl From<CallerLimits> for VirtualKeyLimits {
    fn from(limits: CallerLimits) -> Self {
        Self {
            requests_per_minute: limits.requests_per_minute,
            tokens_per_minute: limits.tokens_per_minute,
            concurrent_requests: limits.concurrent_requests,
            max_input_tokens: limits.max_input_tokens,
            max_output_tokens: limits.max_output_tokens,
            max_credits_per_request: limits.max_credits_per_request,
        }
    }
}

/// Limits that its owner sets on one provider key; absent ones do not limit.
#[derive(Debug, Clone, Default, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ProviderKeyLimits, example = json!({"requests_per_minute": 600, "monthly_spend_usd": "250"}))]
pub(crate) struct SpendLimits {
    /// Requests in a minute.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1)]
    requests_per_minute: Option<u64>,
    /// Tokens in a minute, in and out.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1)]
    tokens_per_minute: Option<u64>,
    /// Spend in a calendar month of the workspace's time zone, in US dollars as a decimal string; a number is taken too.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<DecimalAmount>)]
    monthly_spend_usd: Option<Nanodollars>,
}

impl Input for SpendLimits {
    const FIELDS: &'static [&'static str] =
        &["requests_per_minute", "tokens_per_minute", "monthly_spend_usd"];

    fn read(fields: &mut Fields<'_>) -> Result<Self, ApiError> {
        Ok(Self {
            requests_per_minute: fields.optional("requests_per_minute", rule::limit)?,
            tokens_per_minute: fields.optional("tokens_per_minute", rule::limit)?,
            monthly_spend_usd: fields.optional("monthly_spend_usd", dollars())?,
        })
    }
}

impl From<ProviderKeyLimits> for SpendLimits {
    fn from(limits: ProviderKeyLimits) -> Self {
        Self {
            requests_per_minute: limits.requests_per_minute,
            tokens_per_minute: limits.tokens_per_minute,
            monthly_spend_usd: limits.monthly_spend_usd,
        }
    }
}

impl From<SpendLimits> for ProviderKeyLimits {
    fn from(limits: SpendLimits) -> Self {
        Self {
            requests_per_minute: limits.requests_per_minute,
            tokens_per_minute: limits.tokens_per_minute,
            monthly_spend_usd: limits.monthly_spend_usd,
        }
    }
}

/// Credits from none to the most that makes sense.
pub(crate) fn credits() -> impl Fn(&serde_json::value::RawValue) -> Result<Credits, crate::fields::Allowed> {
    rule::amount("credits", 6, Credits::ZERO, CREDITS_MAX)
}

/// Dollars from none to the most that makes sense.
pub(crate) fn dollars() -> impl Fn(&serde_json::value::RawValue) -> Result<Nanodollars, crate::fields::Allowed>
{
    rule::amount("US dollars", 9, Nanodollars::ZERO, DOLLARS_MAX)
}

/// The limits in field `limits`, as a change.
pub(crate) fn change_of<T: Input>(fields: &mut Fields<'_>) -> Result<Change<T>, ApiError> {
    Ok(match fields.object("limits", T::FIELDS)? {
        Change::Keep => Change::Keep,
        Change::Clear => Change::Clear,
        Change::Set(mut members) => Change::Set(T::read(&mut members)?),
    })
}

/// The limits in field `limits`; none at all where it is absent or null.
pub(crate) fn of<T: Input + Default>(fields: &mut Fields<'_>) -> Result<T, ApiError> {
    Ok(match change_of(fields)? {
        Change::Set(limits) => limits,
        Change::Keep | Change::Clear => T::default(),
    })
}
