//! What a provider reports at the end of a reply: why it ended and what it used.

use freehold_domain::tokens::TokenUsage;

/// Why a reply ended, in the words of OpenAI's protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FinishReason {
    /// The model was done, or a stop sequence came.
    Stop,
    /// The token limit was reached.
    Length,
    /// The model wants tools called.
    ToolCalls,
    /// A safety system ended it.
    ContentFilter,
    /// The provider failed while answering.
    Error,
}

impl FinishReason {
    /// The name in OpenAI's protocol.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::Length => "length",
            Self::ToolCalls => "tool_calls",
            Self::ContentFilter => "content_filter",
            Self::Error => "error",
        }
    }
}

/// Usage as a provider reported it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportedUsage {
    /// The counts, brought into our classes.
    pub tokens: TokenUsage,
    /// The provider's own usage object, verbatim JSON.
    pub raw: Box<str>,
    /// The service tier that was really used, where the provider tells; prices depend on it.
    pub service_tier: Option<Box<str>>,
    /// Whether the reply ran at the provider's higher speed, where that has its own price.
    pub fast: bool,
    /// The region in which the reply was computed, where the provider tells and prices by it.
    pub inference_geo: Option<Box<str>>,
    /// How many web searches the provider ran; they are priced apart from tokens.
    pub web_searches: u64,
    /// What the provider says it cost in US dollars, as it wrote the number.
    pub cost_usd: Option<Box<str>>,
}

/// More tokens than any reply can have; a count above this is a broken report.
const TOKENS_MAX: u64 = 1 << 40;

/// One count of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Count {
    /// The field is missing or null.
    Missing,
    /// A whole number in range.
    Known(u64),
    /// Negative, fractional, absurdly large, or no number: the whole report cannot be trusted.
    Broken,
}

impl Count {
    /// Reads the JSON text of a count. `12` and `12.0` are the same count.
    pub(crate) fn read(json: Option<&str>) -> Self {
        let Some(text) = json else { return Self::Missing };
        if text == "null" {
            return Self::Missing;
        }
        let whole = match text.split_once('.') {
            Some((whole, fraction))
                if !fraction.is_empty() && fraction.bytes().all(|digit| digit == b'0') =>
            {
                whole
            }
            Some(_) => return Self::Broken,
            None => text,
        };
        match whole.parse::<u64>() {
            Ok(count) if count <= TOKENS_MAX => Self::Known(count),
            _ => Self::Broken,
        }
    }

    /// The count, 0 if it is missing; nothing if it is broken.
    pub(crate) const fn or_zero(self) -> Option<u64> {
        match self {
            Self::Missing => Some(0),
            Self::Known(count) => Some(count),
            Self::Broken => None,
        }
    }

    /// The count, `None` inside if it is missing; nothing if it is broken.
    #[expect(clippy::option_option, reason = "missing and broken are different answers")]
    pub(crate) const fn or_missing(self) -> Option<Option<u64>> {
        match self {
            Self::Missing => Some(None),
            Self::Known(count) => Some(Some(count)),
            Self::Broken => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_is_a_whole_number_in_range_or_it_is_broken() {
        for (json, expected) in [
            (None, Count::Missing),
            (Some("null"), Count::Missing),
            (Some("0"), Count::Known(0)),
            (Some("12"), Count::Known(12)),
            (Some("12.0"), Count::Known(12)),
            (Some("-1"), Count::Broken),
            (Some("12.5"), Count::Broken),
            (Some("1e3"), Count::Broken),
            (Some("\"12\""), Count::Broken),
            (Some("18446744073709551615"), Count::Broken),
            (Some("99999999999999999999999"), Count::Broken),
            (Some("true"), Count::Broken),
        ] {
            assert_eq!(Count::read(json), expected, "{json:?}");
        }
    }
}
