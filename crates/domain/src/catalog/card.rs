//! Everything known of one model of one provider.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::capability::{Capabilities, Capability};
use super::price::PriceCard;
use crate::provider::ProviderKind;
use crate::time::Timestamp;

/// One model of one provider. What is not known is absent, never guessed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelCard {
    /// Whose model it is.
    pub provider: ProviderKind,
    /// The provider's own name for it; for a row that stands for many, the prefix or `*`.
    pub id: Box<str>,
    /// Which names the row answers to.
    pub matching: Matching,
    /// Other names under which the provider serves the same model.
    pub aliases: Box<[Box<str>]>,
    /// A name for people.
    pub name: Option<Box<str>>,
    /// What it is made for.
    pub mode: Mode,
    /// Where it stood in its life when the table was written; see [`ModelCard::status_at`].
    pub status: Status,
    /// When it came out.
    pub released: Option<Date>,
    /// The day on which the provider shuts it down.
    pub retires: Option<Date>,
    /// Whose machine it runs on, where a provider has both kinds.
    pub hosting: Option<Hosting>,
    /// How much it reads and writes.
    pub limits: Limits,
    /// What it can do.
    pub capabilities: Capabilities,
    /// Where it is served; empty if nobody has said.
    pub endpoints: Box<[Endpoint]>,
    /// The efforts of reasoning it takes; empty if nobody has said.
    pub efforts: Box<[Effort]>,
    /// How many tokens it may be told to think, where it takes a number.
    pub thinking_budget: Option<ThinkingBudget>,
    /// The shortest prompt its provider caches, in tokens.
    pub cache_min_tokens: Option<u64>,
    /// The length of its vectors.
    pub embedding_dimensions: Option<u32>,
    /// The only field in which it takes the cap on its output, where the older name is refused.
    pub output_cap_field: Option<OutputCapField>,
    /// How it cuts text into tokens.
    pub tokenizer: Option<Tokenizer>,
    /// What it costs. Nothing means that the price is not known, not that there is none.
    pub price: Option<PriceCard>,
}

impl ModelCard {
    pub(super) fn blank(provider: ProviderKind, id: &str, mode: Mode) -> Self {
        Self {
            provider,
            id: id.into(),
            matching: Matching::Exact,
            aliases: Box::default(),
            name: None,
            mode,
            status: Status::Active,
            released: None,
            retires: None,
            hosting: None,
            limits: Limits::default(),
            capabilities: Capabilities::default(),
            endpoints: Box::default(),
            efforts: Box::default(),
            thinking_budget: None,
            cache_min_tokens: None,
            embedding_dimensions: None,
            output_cap_field: None,
            tokenizer: None,
            price: None,
        }
    }

    /// Where the model stands at `at`: retired from the first moment (UTC) of the day it is shut down.
    #[must_use]
    pub fn status_at(&self, at: Timestamp) -> Status {
        let day = at.to_jiff().to_zoned(jiff::tz::TimeZone::UTC).date();
        if self.retires.is_some_and(|retires| retires <= day) {
            Status::Retired
        } else {
            self.status
        }
    }

    /// Whether it is served at `endpoint`; nothing if nobody has said.
    #[must_use]
    pub fn serves(&self, endpoint: Endpoint) -> Option<bool> {
        (!self.endpoints.is_empty()).then(|| self.endpoints.contains(&endpoint))
    }

    /// Whether it can; nothing if nobody has said.
    #[must_use]
    pub const fn has(&self, capability: Capability) -> Option<bool> {
        self.capabilities.get(capability)
    }
}

/// Which names a row answers to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Matching {
    /// Its id and its aliases.
    #[default]
    Exact,
    /// Every name that begins with its id.
    Prefix,
    /// Every name of the provider that no other row answers to.
    Any,
}

/// What a model is made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Mode {
    Chat,
    Completion,
    Embedding,
    Image,
    Moderation,
    Ocr,
    Realtime,
    Rerank,
    Speech,
    Transcription,
}

/// Where a model stands in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// In service.
    #[default]
    Active,
    /// In service, and may change or go without much notice.
    Preview,
    /// In service, and on its way out.
    Deprecated,
    /// Out of service.
    Retired,
}

/// Whose machine a model runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hosting {
    /// The key owner's own.
    Local,
    /// The provider's.
    Cloud,
}

/// How much a model reads and writes, in tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Prompt and answer together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<u64>,
    /// The prompt alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input: Option<u64>,
    /// The answer alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<u64>,
}

/// How many tokens a model may be told to think. `-1` is the provider's own "as you see fit".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ThinkingBudget {
    /// The least that may be asked for.
    pub min: i64,
    /// The most that may be asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<i64>,
}

/// A path of the provider's API, without its base.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the paths say it")]
pub enum Endpoint {
    #[serde(rename = "chat/completions")]
    ChatCompletions,
    #[serde(rename = "completions")]
    Completions,
    #[serde(rename = "responses")]
    Responses,
    #[serde(rename = "batch")]
    Batch,
    #[serde(rename = "decisions")]
    Decisions,
    #[serde(rename = "realtime")]
    Realtime,
    #[serde(rename = "realtime/transcription_sessions")]
    RealtimeTranscription,
    #[serde(rename = "images/generations")]
    ImagesGenerations,
    #[serde(rename = "images/edits")]
    ImagesEdits,
    #[serde(rename = "images/variations")]
    ImagesVariations,
    #[serde(rename = "audio/transcriptions")]
    AudioTranscriptions,
    #[serde(rename = "audio/speech")]
    AudioSpeech,
}

/// How hard a model is asked to think.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the names are the providers'")]
pub enum Effort {
    None,
    Minimal,
    Low,
    Medium,
    High,
    Xhigh,
    Max,
    Default,
}

/// The field in which a model takes the cap on its output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutputCapField {
    /// `max_completion_tokens`; `max_tokens` is refused.
    MaxCompletionTokens,
}

/// A family of ways to cut text into tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the families are named as their makers name them")]
pub enum Tokenizer {
    #[serde(rename = "cl100k_base")]
    Cl100kBase,
    #[serde(rename = "o200k_base")]
    O200kBase,
    #[serde(rename = "o200k_harmony")]
    O200kHarmony,
    Claude,
    Deepseek,
    Gemini,
    Glm,
    Grok,
    Kimi,
    #[serde(rename = "llama3")]
    Llama3,
    Minimax,
    Mistral,
    Nemotron,
    Phi,
    Qwen,
}
