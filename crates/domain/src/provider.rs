//! Kinds of provider, and what must be known of each before a key can be stored. Formats and paths belong to `wire`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A company or endpoint that runs models, by the protocol and habits it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProviderKind {
    /// OpenAI.
    Openai,
    /// Anthropic.
    Anthropic,
    /// Google Gemini.
    Google,
    /// Mistral.
    Mistral,
    /// Groq.
    Groq,
    /// `DeepSeek`.
    Deepseek,
    /// NVIDIA's API catalogue.
    Nvidia,
    /// xAI.
    Xai,
    /// `OpenRouter`.
    Openrouter,
    /// Ollama, local or cloud.
    Ollama,
    /// Anything that speaks OpenAI's protocol.
    OpenaiCompatible,
    /// Anything that speaks Anthropic's protocol.
    AnthropicCompatible,
    /// The built-in provider that answers by rule and spends nothing.
    Sandbox,
}

/// The text names no kind of provider.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown provider {0:?}; known are {known}", known = ProviderKind::ALL.map(ProviderKind::as_str).join(", "))]
pub struct UnknownProvider(pub String);

impl ProviderKind {
    /// Every kind, in the order in which they are listed to people.
    pub const ALL: [Self; 13] = [
        Self::Openai,
        Self::Anthropic,
        Self::Google,
        Self::Mistral,
        Self::Groq,
        Self::Deepseek,
        Self::Nvidia,
        Self::Xai,
        Self::Openrouter,
        Self::Ollama,
        Self::OpenaiCompatible,
        Self::AnthropicCompatible,
        Self::Sandbox,
    ];

    /// The kind's name in the API, which is also the default name of a key's provider.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Openai => "openai",
            Self::Anthropic => "anthropic",
            Self::Google => "google",
            Self::Mistral => "mistral",
            Self::Groq => "groq",
            Self::Deepseek => "deepseek",
            Self::Nvidia => "nvidia",
            Self::Xai => "xai",
            Self::Openrouter => "openrouter",
            Self::Ollama => "ollama",
            Self::OpenaiCompatible => "openai-compatible",
            Self::AnthropicCompatible => "anthropic-compatible",
            Self::Sandbox => "sandbox",
        }
    }

    /// Where requests go unless the key says otherwise; nothing for the kinds that need a `base_url`.
    #[must_use]
    pub const fn default_base_url(self) -> Option<&'static str> {
        Some(match self {
            Self::Openai => "https://api.openai.com/v1",
            Self::Anthropic => "https://api.anthropic.com",
            Self::Google => "https://generativelanguage.googleapis.com/v1beta",
            Self::Mistral => "https://api.mistral.ai/v1",
            Self::Groq => "https://api.groq.com/openai/v1",
            Self::Deepseek => "https://api.deepseek.com",
            Self::Nvidia => "https://integrate.api.nvidia.com/v1",
            Self::Xai => "https://api.x.ai/v1",
            Self::Openrouter => "https://openrouter.ai/api/v1",
            Self::Sandbox => "sandbox://built-in",
            Self::Ollama | Self::OpenaiCompatible | Self::AnthropicCompatible => return None,
        })
    }

    /// Whether a key of this kind must carry a secret. Local servers often ask for none.
    #[must_use]
    pub const fn needs_api_key(self) -> bool {
        !matches!(self, Self::Ollama | Self::Sandbox)
    }

    /// Whether the key's owner may choose the name its models are called by.
    #[must_use]
    pub const fn may_be_named(self) -> bool {
        matches!(self, Self::OpenaiCompatible | Self::AnthropicCompatible)
    }
}

impl fmt::Display for ProviderKind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

impl FromStr for ProviderKind {
    type Err = UnknownProvider;
    fn from_str(text: &str) -> Result<Self, UnknownProvider> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or_else(|| UnknownProvider(text.chars().take(64).collect()))
    }
}
