//! Counts of tokens by class, the one internal shape every provider's usage is brought into.

use serde::{Deserialize, Serialize};

/// Tokens of one reply by class. Classes do not overlap, so the total is their sum.
///
/// `reasoning` is the one exception: it says how many of `output` were spent on reasoning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct TokenUsage {
    /// Prompt tokens that were neither read from nor written to a provider's cache.
    pub input: u64,
    /// Prompt tokens read from the provider's cache.
    pub cache_read: u64,
    /// Prompt tokens written to the provider's cache at its short lifetime (5 minutes, 30 minutes).
    pub cache_write: u64,
    /// Prompt tokens written to the provider's cache at its long lifetime (1 hour, 12 hours).
    pub cache_write_long: u64,
    /// All generated tokens, reasoning included.
    pub output: u64,
    /// How many of `output` were reasoning.
    pub reasoning: u64,
    /// How many of `input` were audio.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub audio_input: u64,
    /// How many of `output` were audio.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub audio_output: u64,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde's skip_serializing_if hands a reference"
)]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

impl TokenUsage {
    /// Everything that went in: uncached, cache reads and cache writes.
    #[must_use]
    pub const fn input_total(&self) -> u64 {
        self.input
            .saturating_add(self.cache_read)
            .saturating_add(self.cache_write)
            .saturating_add(self.cache_write_long)
    }

    /// Everything that went in and came out.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.input_total().saturating_add(self.output)
    }
}

/// Where a record's token counts come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UsageSource {
    /// The provider said so.
    Provider,
    /// The provider was silent; we counted and say so.
    Estimated,
    /// Nothing was generated.
    None,
}

impl UsageSource {
    /// The name used in records.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Provider => "provider",
            Self::Estimated => "estimated",
            Self::None => "none",
        }
    }
}
