//! The `usage` object of OpenAI's chat protocol, both ways, with the habits of those who imitate it.

use freehold_domain::tokens::TokenUsage;

use crate::json::{self, ScanFault, Scanner};
use crate::usage::{Count, ReportedUsage};

/// The object as it may come. Every count is kept as it is written, so that a broken one spoils the report and not the
/// reply.
#[derive(Default)]
struct View<'a> {
    prompt: Option<&'a str>,
    completion: Option<&'a str>,
    total: Option<&'a str>,
    cached: Option<&'a str>,
    cache_written: Option<&'a str>,
    reasoning: Option<&'a str>,
    audio_input: Option<&'a str>,
    audio_output: Option<&'a str>,
    /// `OpenRouter`, in US dollars.
    cost: Option<&'a str>,
}

impl<'a> View<'a> {
    fn read(text: &'a str) -> Option<Self> {
        let mut view = Self::default();
        let mut scanner = Scanner::new(text, json::DEPTH_MAX);
        scanner.object(|scanner, key| view.take(scanner, key)).ok()?;
        scanner.end().ok()?;
        Some(view)
    }

    fn take(&mut self, scanner: &mut Scanner<'a>, key: &str) -> Result<(), ScanFault> {
        match key {
            "\"prompt_tokens\"" => self.prompt = scanner.given()?,
            "\"completion_tokens\"" => self.completion = scanner.given()?,
            "\"total_tokens\"" => self.total = scanner.given()?,
            "\"cost\"" => self.cost = scanner.given()?,
            // Of DeepSeek, of Mistral, of Moonshot. The place that OpenAI has for it wins.
            "\"prompt_cache_hit_tokens\"" | "\"num_cached_tokens\"" | "\"cached_tokens\"" => {
                self.cached = self.cached.or(scanner.given()?);
            }
            "\"prompt_tokens_details\"" if scanner.peek() == Some(b'{') => {
                scanner.object(|scanner, key| {
                    let count = scanner.given()?;
                    match key {
                        "\"cached_tokens\"" => self.cached = count.or(self.cached),
                        "\"cache_write_tokens\"" => self.cache_written = count,
                        "\"audio_tokens\"" => self.audio_input = count,
                        _ => {}
                    }
                    Ok(())
                })?
            }
            "\"completion_tokens_details\"" if scanner.peek() == Some(b'{') => {
                scanner.object(|scanner, key| {
                    let count = scanner.given()?;
                    match key {
                        "\"reasoning_tokens\"" => self.reasoning = count,
                        "\"audio_tokens\"" => self.audio_output = count,
                        _ => {}
                    }
                    Ok(())
                })?
            }
            _ => {
                scanner.value()?;
            }
        }
        Ok(())
    }
}

/// Where an imitator counts differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct UsageHabits {
    /// Reasoning stands beside the completion figure, not inside it (xAI).
    pub(crate) reasoning_outside: bool,
}

/// Reads a usage object; nothing if it is none, lacks what makes it one, or holds a count that cannot be.
pub(crate) fn read(json: &str, service_tier: Option<&str>, habits: UsageHabits) -> Option<ReportedUsage> {
    let view = View::read(json)?;
    Some(ReportedUsage {
        tokens: tokens(&view, habits)?,
        raw: json.into(),
        service_tier: service_tier.map(Into::into),
        fast: service_tier.is_some_and(|tier| matches!(tier, "priority" | "fast")),
        inference_geo: None,
        web_searches: 0,
        cost_usd: view.cost.map(Into::into),
    })
}

fn tokens(view: &View<'_>, habits: UsageHabits) -> Option<TokenUsage> {
    let total = Count::read(view.total).or_missing()?;
    // One of the two main figures may be missing if the total gives it.
    let (prompt, completion) = match (
        Count::read(view.prompt).or_missing()?,
        Count::read(view.completion).or_missing()?,
        total,
    ) {
        (Some(prompt), Some(completion), _) => (prompt, completion),
        (Some(prompt), None, Some(total)) => (prompt, total.saturating_sub(prompt)),
        (None, Some(completion), Some(total)) => (total.saturating_sub(completion), completion),
        _ => return None,
    };
    let cached = Count::read(view.cached).or_zero()?;
    let written = Count::read(view.cache_written).or_zero()?;
    let reasoning = Count::read(view.reasoning).or_zero()?;
    let audio_input = Count::read(view.audio_input).or_zero()?;
    let audio_output = Count::read(view.audio_output).or_zero()?;

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasoning_beside_the_completion_is_added_where_that_is_the_habit() {
        let json = r#"{"prompt_tokens":10,"completion_tokens":5,"completion_tokens_details":{"reasoning_tokens":40}}"#;
        let tokens = |habits| read(json, None, habits).unwrap().tokens;
        let beside = tokens(UsageHabits {
            reasoning_outside: true,
        });
        assert_eq!((beside.output, beside.reasoning), (45, 40));
        let inside = tokens(UsageHabits {
            reasoning_outside: false,
        });
        assert_eq!((inside.output, inside.reasoning), (5, 5));
    }

    #[test]
    fn what_is_written_is_read_back() {
        let usage = TokenUsage {
            input: 10,
            cache_read: 20,
            cache_write: 3,
            output: 40,
            reasoning: 5,
            ..TokenUsage::default()
        };
        let mut json = Vec::new();
        write(&mut json, &usage);
        let json = std::str::from_utf8(&json).unwrap();
        assert_eq!(read(json, None, UsageHabits::default()).unwrap().tokens, usage);
    }
}
