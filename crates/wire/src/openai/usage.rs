//! The `usage` object of OpenAI's chat protocol, both ways, with the habits of those who imitate it.

use freehold_domain::tokens::TokenUsage;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::usage::{Count, ReportedUsage};

/// The object as it may come. Every count is kept raw, so that a broken one spoils the report and not the reply.
#[derive(Deserialize, Default)]
struct View<'a> {
    #[serde(borrow, default)]
    prompt_tokens: Option<&'a RawValue>,
    #[serde(borrow, default)]
    completion_tokens: Option<&'a RawValue>,
    #[serde(borrow, default)]
    total_tokens: Option<&'a RawValue>,
    #[serde(borrow, default)]
    prompt_tokens_details: Option<PromptDetails<'a>>,
    #[serde(borrow, default)]
    completion_tokens_details: Option<CompletionDetails<'a>>,
    /// DeepSeek.
    #[serde(borrow, default)]
    prompt_cache_hit_tokens: Option<&'a RawValue>,
    /// Moonshot.
    #[serde(borrow, default)]
    cached_tokens: Option<&'a RawValue>,
    /// Mistral.
    #[serde(borrow, default)]
    num_cached_tokens: Option<&'a RawValue>,
    /// `OpenRouter`, in US dollars.
    #[serde(borrow, default)]
    cost: Option<&'a RawValue>,
}

#[derive(Deserialize, Default)]
struct PromptDetails<'a> {
    #[serde(borrow, default)]
    cached_tokens: Option<&'a RawValue>,
    #[serde(borrow, default)]
    cache_write_tokens: Option<&'a RawValue>,
    #[serde(borrow, default)]
    audio_tokens: Option<&'a RawValue>,
}

#[derive(Deserialize, Default)]
struct CompletionDetails<'a> {
    #[serde(borrow, default)]
    reasoning_tokens: Option<&'a RawValue>,
    #[serde(borrow, default)]
    audio_tokens: Option<&'a RawValue>,
}

/// Where an imitator counts differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct UsageHabits {
    /// Reasoning stands beside the completion figure, not inside it (xAI).
    pub(crate) reasoning_outside: bool,
}

fn count(raw: Option<&RawValue>) -> Count {
    Count::read(raw.map(RawValue::get))
}

/// Reads a usage object; nothing if it is none, lacks what makes it one, or holds a count that cannot be.
pub(crate) fn read(json: &str, service_tier: Option<&str>, habits: UsageHabits) -> Option<ReportedUsage> {
    let view: View<'_> = serde_json::from_str(json).ok()?;
    Some(ReportedUsage {
        tokens: tokens(&view, habits)?,
        raw: json.into(),
        service_tier: service_tier.map(Into::into),
        fast: service_tier.is_some_and(|tier| matches!(tier, "priority" | "fast")),
        inference_geo: None,
        web_searches: 0,
        cost_usd: view
            .cost
            .map(RawValue::get)
            .filter(|cost| *cost != "null")
            .map(Into::into),
    })
}

fn tokens(view: &View<'_>, habits: UsageHabits) -> Option<TokenUsage> {
    let prompt_details = view.prompt_tokens_details.as_ref();
    let completion_details = view.completion_tokens_details.as_ref();
    let total = count(view.total_tokens).or_missing()?;
    // One of the two main figures may be missing if the total gives it.
    let (prompt, completion) = match (
        count(view.prompt_tokens).or_missing()?,
        count(view.completion_tokens).or_missing()?,
        total,
    ) {
        (Some(prompt), Some(completion), _) => (prompt, completion),
        (Some(prompt), None, Some(total)) => (prompt, total.saturating_sub(prompt)),
        (None, Some(completion), Some(total)) => (total.saturating_sub(completion), completion),
        _ => return None,
    };
    let cached = [
        prompt_details.and_then(|details| details.cached_tokens),
        view.prompt_cache_hit_tokens,
        view.num_cached_tokens,
        view.cached_tokens,
    ]
    .into_iter()
    .map(count)
    .find(|count| *count != Count::Missing)
    .unwrap_or(Count::Missing)
    .or_zero()?;
    let written = count(prompt_details.and_then(|details| details.cache_write_tokens)).or_zero()?;
    let reasoning = count(completion_details.and_then(|details| details.reasoning_tokens)).or_zero()?;
    let audio_input = count(prompt_details.and_then(|details| details.audio_tokens)).or_zero()?;
    let audio_output = count(completion_details.and_then(|details| details.audio_tokens)).or_zero()?;

    // Cache figures are parts of the prompt figure. One that is larger than the whole stands beside it.
    let cache_read = cached;
    let prompt = if cached > prompt { prompt + cached } else { prompt };
    let cache_write = written.min(prompt - cache_read);
    let input = prompt - cache_read - cache_write;
    let output = if habits.reasoning_outside {
        completion + reasoning
    } else {
        completion
    };
    Some(TokenUsage {
        input,
        cache_read,
        cache_write,
        cache_write_long: 0,
        output,
        reasoning: reasoning.min(output),
        audio_input: audio_input.min(input),
        audio_output: audio_output.min(output),
    })
}

/// Appends the usage object for a client.
pub(crate) fn write(out: &mut Vec<u8>, usage: &TokenUsage) {
    let mut integer = itoa::Buffer::new();
    for (label, count) in [
        ("{\"prompt_tokens\":", usage.input_total()),
        (",\"completion_tokens\":", usage.output),
        (",\"total_tokens\":", usage.total()),
        (",\"prompt_tokens_details\":{\"cached_tokens\":", usage.cache_read),
        (
            ",\"cache_write_tokens\":",
            usage.cache_write.saturating_add(usage.cache_write_long),
        ),
        (",\"audio_tokens\":", usage.audio_input),
        (
            "},\"completion_tokens_details\":{\"reasoning_tokens\":",
            usage.reasoning,
        ),
        (",\"audio_tokens\":", usage.audio_output),
    ] {
        out.extend_from_slice(label.as_bytes());
        out.extend_from_slice(integer.format(count).as_bytes());
    }
    out.extend_from_slice(b"}}");
}
