//! A usage record as it is shown: every field by name, money and credits as decimal strings.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use freehold_domain::id::{RequestId, WorkspaceId};
use freehold_domain::money::{Credits, Nanodollars};
use freehold_domain::record::{Attempt, Expected, KeyName, PriceStamp, Refusal, UsageRecord, Variance};
use freehold_domain::time::Timestamp;
use freehold_domain::tokens::TokenUsage;
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::vocabulary::{AttributionName, DecimalAmount, OutcomeName, UsageSourceName, VarianceCauseName};

/// One received request: who, what, tokens, cost, who paid, how it went. Never changes.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = UsageRecord, example = json!({
    "request_id": "req_0192f0c1e2a37b4c8d5e6f7081920a1a", "object": "usage_record",
    "created_at": "2026-11-21T09:30:00.123456Z", "outcome": "ok",
    "workspace_id": "ws_0192f0c1e2a37b4c8d5e6f7081920a1b",
    "virtual_key": {"id": "vk_0192f0c1e2a37b4c8d5e6f7081920a1c", "label": "Production"},
    "surface": "chat_completions", "stream": true, "provider": "openai",
    "provider_key": {"id": "pk_0192f0c1e2a37b4c8d5e6f7081920a1d", "label": "Production key"},
    "model_requested": "openai/gpt-5", "model_used": "gpt-5", "cost_attribution": "byok",
    "tokens": {"input": 12, "cache_read": 0, "cache_write": 0, "cache_write_long": 0, "output": 211, "reasoning": 64,
        "audio_input": 0, "audio_output": 0},
    "usage_source": "provider", "provider_usage": {"prompt_tokens": 12, "completion_tokens": 211},
    "cost_usd": "0.0023", "price": {"source": "built-in", "date": "2026-11-01"}, "credits_charged": "0",
    "expected": {"input_tokens": 12, "output_tokens": 180, "cost_usd": "0.0019"},
    "variance": {"tokens": 31, "cost_usd": "0.0004", "cause": "output_longer"},
    "attempts": [{"provider": "openai", "provider_key": "pk_0192f0c1e2a37b4c8d5e6f7081920a1d", "outcome": "ok", "status": 200, "ms": 812}],
    "finish_reason": "stop", "latency_ms": 4210, "first_byte_ms": 815, "overhead_us": 410,
    "tags": {"workflow": "chat"}, "denial": null
}))]
pub(crate) struct UsageRecordReply {
    /// Id of the request, and of the record.
    #[schema(value_type = String)]
    request_id: RequestId,
    /// Always `usage_record`.
    object: &'static str,
    /// When the request was received.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// How it ended.
    #[schema(value_type = OutcomeName)]
    outcome: &'static str,
    /// Whose it was.
    #[schema(value_type = String)]
    workspace_id: WorkspaceId,
    /// The virtual key it came with.
    virtual_key: NamedKey,
    /// Which surface was called, such as `chat_completions`.
    #[schema(value_type = String)]
    surface: Cow<'static, str>,
    /// Whether a stream was asked for.
    stream: bool,
    /// Name of the provider that answered.
    #[schema(value_type = Option<String>, required = true)]
    provider: Option<Arc<str>>,
    /// The key it was answered with.
    #[schema(required = true)]
    provider_key: Option<NamedKey>,
    /// The model the caller named.
    #[schema(value_type = String)]
    model_requested: Arc<str>,
    /// The model that answered, by the provider's name for it.
    #[schema(value_type = Option<String>, required = true)]
    model_used: Option<Arc<str>>,
    /// Who pays; null where nothing was sent to a provider.
    #[schema(value_type = Option<AttributionName>, required = true)]
    cost_attribution: Option<&'static str>,
    /// Tokens by class.
    tokens: Tokens,
    /// Where the counts come from.
    #[schema(value_type = UsageSourceName)]
    usage_source: &'static str,
    /// The provider's own usage object, as it came.
    #[schema(value_type = Option<Object>, required = true)]
    provider_usage: Option<Box<RawValue>>,
    /// What the provider charges for it, in US dollars; null where the price is unknown.
    #[schema(value_type = Option<DecimalAmount>, required = true)]
    cost_usd: Option<Nanodollars>,
    /// The price it was computed with.
    #[schema(required = true)]
    price: Option<Price>,
    /// Credits taken from the workspace.
    #[schema(value_type = DecimalAmount)]
    credits_charged: Credits,
    /// What was expected before the call.
    #[schema(required = true)]
    expected: Option<Expectation>,
    /// Actual minus expected.
    #[schema(required = true)]
    variance: Option<Difference>,
    /// Every call made to a provider, in order.
    attempts: Vec<Try>,
    /// Why generation ended, in the surface's words.
    #[schema(value_type = Option<String>, required = true)]
    finish_reason: Option<Cow<'static, str>>,
    /// Milliseconds from receipt to the last byte.
    latency_ms: u64,
    /// Milliseconds from receipt to the first byte of the answer.
    #[schema(required = true)]
    first_byte_ms: Option<u64>,
    /// Microseconds spent here rather than waiting for the provider.
    overhead_us: u64,
    /// What the caller tagged it with: `workflow`, `automation`, `run`, `step`, `end_user`.
    #[schema(value_type = std::collections::HashMap<String, String>)]
    tags: BTreeMap<Cow<'static, str>, String>,
    /// Why it was refused or failed, as the caller was told.
    #[schema(required = true)]
    denial: Option<Denial>,
}

/// A key as records name it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct NamedKey {
    /// Its id.
    id: String,
    /// Its label when the request was made.
    #[schema(value_type = Option<String>, required = true)]
    label: Option<Arc<str>>,
}

/// Tokens by class. Classes do not overlap, but `reasoning` is part of `output`, and audio is part of its side.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TokenCounts)]
pub(crate) struct Tokens {
    /// Uncached prompt tokens.
    input: u64,
    /// Prompt tokens read from the provider's cache.
    cache_read: u64,
    /// Prompt tokens written to the provider's cache at its short lifetime.
    cache_write: u64,
    /// Prompt tokens written to the provider's cache at its long lifetime.
    cache_write_long: u64,
    /// Generated tokens, reasoning included.
    output: u64,
    /// How many of `output` were reasoning.
    reasoning: u64,
    /// How many of `input` were audio.
    audio_input: u64,
    /// How many of `output` were audio.
    audio_output: u64,
}

/// The price a cost was computed with.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PriceStamp)]
pub(crate) struct Price {
    /// Where it comes from.
    #[schema(value_type = String)]
    source: Arc<str>,
    /// The day since which it holds.
    #[schema(value_type = String, format = Date)]
    date: Arc<str>,
}

/// What was expected before the call.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Expected)]
pub(crate) struct Expectation {
    /// Input tokens.
    input_tokens: u64,
    /// Output tokens.
    output_tokens: u64,
    /// Cost in US dollars; null where the price is unknown.
    #[schema(value_type = Option<DecimalAmount>, required = true)]
    cost_usd: Option<Nanodollars>,
}

/// Actual minus expected.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Variance)]
pub(crate) struct Difference {
    /// Tokens, in and out.
    tokens: i64,
    /// Cost in US dollars; null where either is unknown.
    #[schema(value_type = Option<DecimalAmount>, required = true)]
    cost_usd: Option<Nanodollars>,
    /// Why.
    #[schema(value_type = VarianceCauseName)]
    cause: &'static str,
}

/// One call to a provider.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Attempt)]
pub(crate) struct Try {
    /// Name of the provider.
    #[schema(value_type = String)]
    provider: Arc<str>,
    /// The key it was made with.
    #[schema(required = true)]
    provider_key: Option<String>,
    /// `ok`, or the class of fault.
    #[schema(value_type = String)]
    outcome: Cow<'static, str>,
    /// Status the provider answered with, if it answered.
    #[schema(required = true)]
    status: Option<u16>,
    /// Milliseconds until the provider's headers, or until it failed.
    ms: u64,
}

/// Why a request was refused or failed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RecordedDenial)]
pub(crate) struct Denial {
    /// Stable code.
    #[schema(value_type = String)]
    code: Cow<'static, str>,
    /// The sentence the caller read.
    message: String,
    /// Status the caller was answered with.
    status: u16,
}

impl From<UsageRecord> for UsageRecordReply {
    fn from(record: UsageRecord) -> Self {
        Self {
            request_id: record.request_id,
            object: "usage_record",
            created_at: record.created_at,
            outcome: record.outcome.as_str(),
            workspace_id: record.workspace_id,
            virtual_key: record.virtual_key.into(),
            surface: record.surface,
            stream: record.stream,
            provider: record.provider,
            provider_key: record.provider_key.map(NamedKey::from),
            model_requested: record.model_requested,
            model_used: record.model_used,
            cost_attribution: record.cost_attribution.map(|attribution| attribution.as_str()),
            tokens: record.tokens.into(),
            usage_source: record.usage_source.as_str(),
            // What is no JSON is left out rather than spoiling the whole reply.
            provider_usage: record
                .provider_usage
                .and_then(|text| RawValue::from_string(text.to_string()).ok()),
            cost_usd: record.cost_usd,
            price: record.price.map(Price::from),
            credits_charged: record.credits_charged,
            expected: record.expected.map(Expectation::from),
            variance: record.variance.map(Difference::from),
            attempts: record.attempts.into_iter().map(Try::from).collect(),
            finish_reason: record.finish_reason,
            latency_ms: record.latency_ms,
            first_byte_ms: record.first_byte_ms,
            overhead_us: record.overhead_us,
            tags: record.tags,
            denial: record.denial.map(Denial::from),
        }
    }
}

impl<Id: std::fmt::Display> From<KeyName<Id>> for NamedKey {
    fn from(key: KeyName<Id>) -> Self {
        Self {
            id: key.id.to_string(),
            label: key.label,
        }
    }
}

impl From<TokenUsage> for Tokens {
    fn from(tokens: TokenUsage) -> Self {
        Self {
            input: tokens.input,
            cache_read: tokens.cache_read,
            cache_write: tokens.cache_write,
            cache_write_long: tokens.cache_write_long,
            output: tokens.output,
            reasoning: tokens.reasoning,
            audio_input: tokens.audio_input,
            audio_output: tokens.audio_output,
        }
    }
}

impl From<PriceStamp> for Price {
    fn from(price: PriceStamp) -> Self {
        Self {
            source: price.source,
            date: price.date,
        }
    }
}

impl From<Expected> for Expectation {
    fn from(expected: Expected) -> Self {
        Self {
            input_tokens: expected.input_tokens,
            output_tokens: expected.output_tokens,
            cost_usd: expected.cost_usd,
        }
    }
}

impl From<Variance> for Difference {
    fn from(variance: Variance) -> Self {
        Self {
            tokens: variance.tokens,
            cost_usd: variance.cost_usd,
            cause: variance.cause.as_str(),
        }
    }
}

impl From<Attempt> for Try {
    fn from(attempt: Attempt) -> Self {
        Self {
            provider: attempt.provider,
            provider_key: attempt.provider_key.map(|id| id.to_string()),
            outcome: attempt.outcome,
            status: attempt.status,
            ms: attempt.ms,
        }
    }
}

impl From<Refusal> for Denial {
    fn from(refusal: Refusal) -> Self {
        Self {
            code: refusal.code,
            message: refusal.message,
            status: refusal.status,
        }
    }
}
