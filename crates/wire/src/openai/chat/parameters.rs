//! The parameters of a request, for translation into another protocol: each is served, harmless, or refused by name.

use std::borrow::Cow;

use super::ChatRequest;
use crate::error::RequestFault;
use crate::json;

/// The members of a body that nobody has accounted for yet.
pub(crate) struct Parameters<'a> {
    left: Vec<(Cow<'a, str>, &'a str)>,
}

impl<'a> Parameters<'a> {
    /// All members of the body that are not null.
    ///
    /// # Errors
    /// When a member stands in the body twice.
    pub(crate) fn of(request: &'a ChatRequest) -> Result<Self, RequestFault> {
        let Some(members) = json::members(request.text()) else {
            return Err(RequestFault::of_body("the body must be a JSON object"));
        };
        let mut left: Vec<(Cow<'a, str>, &'a str)> = Vec::with_capacity(members.len());
        for (name, value) in members {
            if left.iter().any(|(known, _)| *known == name) {
                let message = format!("`{name}` stands in the body twice");
                return Err(RequestFault::of(name.into_owned(), message));
            }
            left.push((name, value));
        }
        left.retain(|(_, value)| *value != "null");
        Ok(Self { left })
    }

    /// Takes a parameter that the provider can serve. What is answered is JSON, never null.
    pub(crate) fn take(&mut self, name: &str) -> Option<&'a str> {
        let at = self.left.iter().position(|(known, _)| known == name)?;
        Some(self.left.swap_remove(at).1)
    }

    /// Takes a parameter that must be a text.
    pub(crate) fn take_text(&mut self, name: &'static str) -> Result<Option<Cow<'a, str>>, RequestFault> {
        self.take(name)
            .map(|value| {
                json::text(value).ok_or_else(|| RequestFault::of(name, format!("`{name}` must be a string")))
            })
            .transpose()
    }

    /// Takes a parameter that must be true or false.
    pub(crate) fn take_boolean(&mut self, name: &'static str) -> Result<Option<bool>, RequestFault> {
        match self.take(name) {
            None => Ok(None),
            Some("true") => Ok(Some(true)),
            Some("false") => Ok(Some(false)),
            Some(_) => Err(RequestFault::of(name, format!("`{name}` must be true or false"))),
        }
    }

    /// Takes a parameter that must be a number from `least` to `most`, as it is written.
    pub(crate) fn take_number(
        &mut self,
        name: &'static str,
        least: f64,
        most: f64,
    ) -> Result<Option<&'a str>, RequestFault> {
        let Some(value) = self.take(name) else {
            return Ok(None);
        };
        match number(value) {
            Some(number) if (least..=most).contains(&number) => Ok(Some(value)),
            _ => Err(RequestFault::of(
                name,
                format!("`{name}` must be a number from {least} to {most} for this provider"),
            )),
        }
    }

    /// Refuses what is left and not harmless.
    ///
    /// # Errors
    /// Names the first parameter that `provider` cannot serve.
    pub(crate) fn refuse_the_rest(self, provider: &str) -> Result<(), RequestFault> {
        match self
            .left
            .into_iter()
            .find(|(name, value)| !is_harmless(name, value))
        {
            None => Ok(()),
            Some((name, _)) => {
                let message = format!("`{name}` cannot be served by {provider} in this way: leave it out");
                Err(RequestFault::of(name.into_owned(), message))
            }
        }
    }
}

/// The number that a JSON value is, if it is one.
pub(crate) fn number(json: &str) -> Option<f64> {
    let first = *json.as_bytes().first()?;
    (first == b'-' || first.is_ascii_digit())
        .then(|| json.parse().ok())
        .flatten()
        .filter(|number: &f64| number.is_finite())
}

/// Whether leaving the parameter out changes nothing of the answer: it asks for what happens anyway, or it is a label
/// or a hint that only `OpenAI` itself reads.
fn is_harmless(name: &str, value: &str) -> bool {
    match name {
        // The gateway has read these itself.
        "model" | "messages" | "stream" | "max_tokens" | "max_completion_tokens" => true,
        // Usage is asked for in any case.
        "stream_options" => harmless_stream_options(value),
        "n" => value == "1",
        "store" | "logprobs" | "include_reasoning" => value == "false",
        "parallel_tool_calls" => value == "true",
        "top_logprobs" | "presence_penalty" | "frequency_penalty" => number(value) == Some(0.0),
        "logit_bias" => is_empty(value, '{', '}'),
        "tools" | "functions" | "stop" => is_empty(value, '[', ']'),
        "tool_choice" | "function_call" => matches!(value, "\"auto\"" | "\"none\""),
        "modalities" => serde_json::from_str::<Vec<&str>>(value).is_ok_and(|list| list == ["text"]),
        "verbosity" => value == "\"medium\"",
        "service_tier" => matches!(value, "\"auto\"" | "\"default\""),
        // Labels of stored answers, of end users and of caches. Nothing is stored unless `store` is true.
        "metadata" | "user" | "safety_identifier" | "prompt_cache_key" | "prompt_cache_retention" => true,
        _ => false,
    }
}

fn harmless_stream_options(value: &str) -> bool {
    json::members(value).is_some_and(|members| {
        members.iter().all(|(name, value)| match name.as_ref() {
            "include_usage" => true,
            "include_obfuscation" => *value != "true",
            _ => false,
        })
    })
}

fn is_empty(value: &str, open: char, close: char) -> bool {
    value
        .strip_prefix(open)
        .and_then(|value| value.strip_suffix(close))
        .is_some_and(|inner| inner.trim().is_empty())
}
