//! Usage records: one immutable row for each request that was received from a known caller.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::id::{ProviderKeyId, RequestId, VirtualKeyId, WorkspaceId};
use crate::money::{Credits, Nanodollars};
use crate::time::Timestamp;
use crate::tokens::{TokenUsage, UsageSource};

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Answered in full.
    Ok,
    /// We decided no.
    Denied,
    /// Something broke: the provider, the way to it, or we.
    Failed,
    /// The caller left before the end.
    ClientGone,
    /// We ended it at its ceiling.
    CutOff,
}

impl Outcome {
    /// Every outcome.
    pub const ALL: [Self; 5] = [
        Self::Ok,
        Self::Denied,
        Self::Failed,
        Self::ClientGone,
        Self::CutOff,
    ];

    /// The outcome's name in records.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Denied => "denied",
            Self::Failed => "failed",
            Self::ClientGone => "client_gone",
            Self::CutOff => "cut_off",
        }
    }
}

/// Who pays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Attribution {
    /// The caller's key; the provider bills them.
    Byok,
    /// The platform's key; credits are charged.
    Platform,
    /// Nobody: answered from the cache.
    Cache,
}

impl Attribution {
    /// The attribution's name in replies and records.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Byok => "byok",
            Self::Platform => "platform",
            Self::Cache => "cache",
        }
    }
}

/// One call to a provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// Name of the provider.
    pub provider: Arc<str>,
    /// The key it was made with; nothing for the platform's own and for providers without keys.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider_key: Option<ProviderKeyId>,
    /// `ok`, or the class of fault.
    pub outcome: std::borrow::Cow<'static, str>,
    /// Status the provider answered with, if it answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Milliseconds until the provider's headers, or until it failed.
    pub ms: u64,
}

/// A key as records name it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyName<Id> {
    /// Its id.
    pub id: Id,
    /// Its label when the request was made.
    pub label: Option<Arc<str>>,
}

/// What was expected before the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expected {
    /// Input tokens.
    pub input_tokens: u64,
    /// Output tokens.
    pub output_tokens: u64,
    /// Cost; nothing where the price is unknown.
    pub cost_usd: Option<Nanodollars>,
}

/// Why actual and expected differ, by the largest part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VarianceCause {
    /// They do not.
    None,
    /// The provider counted the input differently.
    Tokenizer,
    /// The answer was longer.
    OutputLonger,
    /// The answer was shorter.
    OutputShorter,
    /// The provider's cache was read or written.
    Cache,
    /// Reasoning took part of the output.
    Reasoning,
    /// An attempt failed and another was made.
    Retry,
    /// The request ended early.
    Abort,
    /// Another price applied than was expected.
    Price,
}

impl VarianceCause {
    /// The cause's name in replies and records.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Tokenizer => "tokenizer",
            Self::OutputLonger => "output_longer",
            Self::OutputShorter => "output_shorter",
            Self::Cache => "cache",
            Self::Reasoning => "reasoning",
            Self::Retry => "retry",
            Self::Abort => "abort",
            Self::Price => "price",
        }
    }
}

/// Actual minus expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Variance {
    /// Tokens, in and out.
    pub tokens: i64,
    /// Cost; nothing where either is unknown.
    pub cost_usd: Option<Nanodollars>,
    /// Why.
    pub cause: VarianceCause,
}

/// Which price a cost was computed with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PriceStamp {
    /// Where the price comes from.
    pub source: Arc<str>,
    /// The day since which it holds, `YYYY-MM-DD`.
    pub date: Arc<str>,
}

/// Why a request was refused or failed, as the caller was told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// Stable code.
    pub code: std::borrow::Cow<'static, str>,
    /// The sentence the caller read.
    pub message: String,
    /// Status the caller was answered with.
    pub status: u16,
}

/// One received request: who, what, tokens, cost, who paid, how it went. Immutable once written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UsageRecord {
    /// The request.
    pub request_id: RequestId,
    /// When it was received.
    pub created_at: Timestamp,
    /// How it ended.
    pub outcome: Outcome,
    /// Whose it was.
    pub workspace_id: WorkspaceId,
    /// The virtual key it came with.
    pub virtual_key: KeyName<VirtualKeyId>,
    /// Which surface was called, such as `chat_completions`.
    pub surface: std::borrow::Cow<'static, str>,
    /// Whether the caller asked for a stream.
    pub stream: bool,
    /// Name of the provider that answered.
    pub provider: Option<Arc<str>>,
    /// The key it was answered with.
    pub provider_key: Option<KeyName<ProviderKeyId>>,
    /// The model the caller named.
    pub model_requested: Arc<str>,
    /// The model that answered, by the provider's name for it.
    pub model_used: Option<Arc<str>>,
    /// Who pays; nothing where nothing was sent to a provider.
    pub cost_attribution: Option<Attribution>,
    /// Tokens by class.
    pub tokens: TokenUsage,
    /// Where the counts come from.
    pub usage_source: UsageSource,
    /// The provider's own usage object, as it came.
    pub provider_usage: Option<Arc<str>>,
    /// What the provider charges for it; nothing where the price is unknown.
    pub cost_usd: Option<Nanodollars>,
    /// The price it was computed with.
    pub price: Option<PriceStamp>,
    /// Credits taken from the workspace.
    pub credits_charged: Credits,
    /// What was expected.
    pub expected: Option<Expected>,
    /// Actual minus expected.
    pub variance: Option<Variance>,
    /// Every call made to a provider, in order.
    pub attempts: Vec<Attempt>,
    /// Why generation ended, in the surface's words.
    pub finish_reason: Option<std::borrow::Cow<'static, str>>,
    /// Milliseconds from receipt to the last byte.
    pub latency_ms: u64,
    /// Milliseconds from receipt to the first byte of the answer.
    pub first_byte_ms: Option<u64>,
    /// Microseconds spent here rather than waiting for the provider.
    pub overhead_us: u64,
    /// What the caller tagged it with: workflow, automation, run, step, end user.
    pub tags: BTreeMap<std::borrow::Cow<'static, str>, String>,
    /// Why it was refused or failed.
    pub denial: Option<Refusal>,
}
