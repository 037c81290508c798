//! Reading error bodies: every shape that providers are known to send, brought into one.
//!
//! Errors are rare and small, so this builds a tree; nothing else in this crate does.

use std::borrow::Cow;

use http::HeaderMap;
use serde_json::Value;

use crate::error::{FaultClass, UpstreamFault};
use crate::retry_after::{told, told_or_implied};
use crate::scrub::scrub_patterns;

const BODY_BYTES_MAX: usize = 1 << 18;
const MESSAGE_CHARACTERS_MAX: usize = 500;
const WORD_BYTES_MAX: usize = 64;

/// An error as the provider told it.
#[derive(Debug, Default)]
pub(super) struct ErrorView {
    pub(super) message: Option<String>,
    pub(super) kind: Option<String>,
    pub(super) code: Option<String>,
    pub(super) param: Option<String>,
    /// Anthropic's stable cause, `details.error_code`.
    pub(super) cause: Option<String>,
}

impl ErrorView {
    /// Reads whatever the body tells. A page for people tells nothing.
    pub(super) fn read(body: &[u8]) -> Self {
        let body = body.get(..body.len().min(BODY_BYTES_MAX)).unwrap_or_default();
        if let Some(view) = Self::read_json(body) {
            return view;
        }
        let text = String::from_utf8_lossy(body);
        let text = text.trim();
        let tells = !text.is_empty() && !text.starts_with(['<', '{', '[']);
        Self {
            message: tells.then(|| text.to_owned()),
            ..Self::default()
        }
    }

    /// Reads a JSON body, if it is one.
    pub(super) fn read_json(body: &[u8]) -> Option<Self> {
        let value: Value = serde_json::from_slice(body).ok()?;
        // Google wraps its errors in a list of one.
        let value = match &value {
            Value::Array(list) => list.first()?,
            other => other,
        };
        Some(Self::of(value))
    }

    fn of(value: &Value) -> Self {
        let Value::Object(outer) = value else {
            return Self {
                message: plain(value),
                ..Self::default()
            };
        };
        let inner = match outer.get("error") {
            Some(Value::Object(inner)) => inner,
            Some(text @ Value::String(_)) => {
                return Self {
                    message: plain(text),
                    kind: outer.get("type").and_then(plain),
                    code: outer.get("code").and_then(plain),
                    ..Self::default()
                };
            }
            _ => outer,
        };
        let message = ["message", "detail", "title"]
            .iter()
            .find_map(|name| inner.get(*name).and_then(sentence));
        Self {
            message: message.or_else(|| outer.get("x_groq")?.get("error").and_then(plain)),
            kind: inner.get("type").or_else(|| inner.get("status")).and_then(plain),
            code: inner.get("code").and_then(plain),
            param: inner.get("param").and_then(plain),
            cause: inner
                .get("details")
                .and_then(|details| details.get("error_code"))
                .and_then(plain),
        }
    }

    /// The message in lower case, to look for words in.
    pub(super) fn words(&self) -> String {
        self.message.as_deref().unwrap_or_default().to_ascii_lowercase()
    }

    /// The fault for others to see: short, plain, and without anything that looks like a key.
    pub(super) fn into_fault(self, class: FaultClass, status: u16, headers: &HeaderMap) -> UpstreamFault {
        let retry_after_ms = match class {
            FaultClass::RateLimited
            | FaultClass::QuotaDaily
            | FaultClass::Billing
            | FaultClass::Overloaded => told_or_implied(headers, self.message.as_deref()),
            // The limits that stand in every reply's headers say nothing about other failures.
            _ => told(headers),
        };
        let relayed = !matches!(class, FaultClass::AuthInvalid | FaultClass::AuthForbidden);
        UpstreamFault {
            class,
            status,
            kind: self.kind.filter(is_plain_word),
            code: self.code.filter(is_plain_word),
            param: self.param.filter(is_plain_word),
            message: self.message.filter(|_| relayed).map(|message| shorten(&message)),
            retry_after_ms,
        }
    }
}

fn plain(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// A sentence out of a string, or out of the lists of complaints that some validators send.
fn sentence(value: &Value) -> Option<String> {
    match value {
        Value::Array(list) => {
            let first = list.first()?;
            first.get("msg").and_then(plain).or_else(|| plain(first))
        }
        Value::Object(object) => object
            .get("detail")
            .or_else(|| object.get("message"))
            .and_then(sentence),
        other => plain(other),
    }
}

#[expect(
    clippy::ptr_arg,
    reason = "the filter of an option of a string hands this type"
)]
fn is_plain_word(text: &String) -> bool {
    text.len() <= WORD_BYTES_MAX
        && text.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ')
        && matches!(scrub_patterns(text), Cow::Borrowed(_))
}

fn shorten(message: &str) -> String {
    let one_line: String = message
        .chars()
        .map(|character| if character.is_control() { ' ' } else { character })
        .take(MESSAGE_CHARACTERS_MAX * 2)
        .collect();
    let scrubbed = scrub_patterns(&one_line);
    let mut short: String = scrubbed.chars().take(MESSAGE_CHARACTERS_MAX).collect();
    if scrubbed.chars().count() > MESSAGE_CHARACTERS_MAX
        || message.chars().count() > MESSAGE_CHARACTERS_MAX * 2
    {
        short.push('…');
    }
    short
}

/// Whether a message says that the prompt is too long. Many providers have no code for it.
pub(super) fn tells_of_context(words: &str) -> bool {
    if words.contains("rate limit") || words.contains("too many requests") {
        return false;
    }
    [
        "prompt is too long",
        "prompt too long",
        "request_too_large",
        "exceeds the context window",
        "maximum context length",
        "context length exceeded",
        "context_length_exceeded",
        "maximum prompt length",
        "reduce the length of the messages",
        "exceeds the available context size",
        "greater than the context length",
        "exceeded max context length",
    ]
    .iter()
    .any(|phrase| words.contains(phrase))
        || words.contains("input token count") && words.contains("exceeds the maximum")
}

/// Whether a message says that the account has no money left.
pub(super) fn tells_of_billing(words: &str) -> bool {
    [
        "insufficient balance",
        "credit balance is too low",
        "exceeded your current quota",
        "insufficient credits",
        "insufficient_quota",
        "usage limits",
        "billing",
        "payment required",
    ]
    .iter()
    .any(|phrase| words.contains(phrase))
}
