//! The built-in provider: answers by rule, spends nothing, and fails on request. For trying out and for tests.
//!
//! It speaks OpenAI's chat protocol, so its output goes through the same adapter as OpenAI's. The same request always
//! gives the same bytes. One word between white space counts as one token, in and out.
//!
//! | model | answers |
//! |---|---|
//! | `echo` | the last user message |
//! | `slow` | the last user message, at least 40 words of it, one every 50 ms |
//! | `long` | counts upwards until its token limit, or to 4096 |
//! | `json` | JSON of the asked `response_format`: the smallest value that its schema allows |
//! | `tools` | a call of the first tool offered, of the first two if there are two and `parallel_tool_calls` is not false; what the tools returned, once they have |
//! | `silent` | as `echo`, but never reports usage |
//! | `hang` | headers, then nothing |
//! | `error-400` … `error-599` | that status with an error in OpenAI's shape; `error-429` and `error-503` with `retry-after: 1` |
//! | `error-mid-stream` | half of the last user message, then an error inside the stream; not streamed, an error inside a reply of status 200 |
//!
//! All of them keep the token limit (`finish_reason` is then `length`), answer `n` choices, stream if asked, and report
//! usage at the end of a stream if asked. Any other model is unknown: status 404, code `model_not_found`.

mod body;
mod rule;
mod schema;
mod script;

use bytes::Bytes;

use crate::openai::chat::ChatRequest;
use crate::openai::error::error_body;

/// How long the model `hang` waits before it closes.
const HANG_MS: u64 = 24 * 3600 * 1000;

/// Names of the models with a rule, for the list of models. `error-<status>` stands for the whole family.
pub const MODELS: [&str; 9] = [
    "echo",
    "slow",
    "long",
    "json",
    "tools",
    "silent",
    "hang",
    "error-429",
    "error-mid-stream",
];

/// What the sandbox sends, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SandboxReply {
    /// The HTTP status.
    pub status: u16,
    /// Headers in lower case.
    pub headers: Vec<(&'static str, &'static str)>,
    /// The body, piece by piece.
    pub steps: Vec<SandboxStep>,
}

/// One piece of the body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SandboxStep {
    /// How long to wait before sending it.
    pub delay_ms: u64,
    /// The piece, which may be empty.
    pub bytes: Bytes,
}

impl SandboxReply {
    fn whole(status: u16, bytes: Bytes) -> Self {
        Self {
            status,
            headers: vec![("content-type", "application/json")],
            steps: vec![SandboxStep { delay_ms: 0, bytes }],
        }
    }
}

/// What the sandbox does with a request whose body is `body`. `created_seconds` is the time to write into the answer.
#[must_use]
pub fn chat(body: &Bytes, created_seconds: i64) -> SandboxReply {
    let request = match ChatRequest::parse(body.clone()) {
        Ok(request) => request,
        Err(fault) => return refusal(400, "invalid_value", fault.param.as_deref(), &fault.message),
    };
    let model = request.model();
    if let Some(status) = model
        .strip_prefix("error-")
        .and_then(|status| status.parse().ok())
        && (400..=599).contains(&status)
    {
        return refusal(
            status,
            code(status),
            None,
            &format!("the sandbox was asked for status {status}"),
        );
    }
    let asked = match body::Asked::read(&request) {
        Ok(asked) => asked,
        Err(message) => return refusal(400, "invalid_value", None, &message),
    };
    match rule::answer(model, &asked) {
        Some(answer) => script::play(&request, &asked, &answer, created_seconds),
        None => refusal(
            404,
            "model_not_found",
            Some("model"),
            &format!("the sandbox has no model {model:?}; it has {}", MODELS.join(", ")),
        ),
    }
}

fn refusal(status: u16, code: &str, param: Option<&str>, message: &str) -> SandboxReply {
    let kind = match status {
        429 => "requests",
        503 => "service_unavailable_error",
        400..=499 => "invalid_request_error",
        _ => "server_error",
    };
    let mut reply = SandboxReply::whole(status, error_body(message, kind, Some(code), param, &[]));
    if matches!(status, 429 | 503) {
        reply.headers.push(("retry-after", "1"));
    }
    reply
}

/// The code that goes with a status at OpenAI.
const fn code(status: u16) -> &'static str {
    match status {
        401 => "invalid_api_key",
        402 => "insufficient_quota",
        404 => "model_not_found",
        413 => "context_length_exceeded",
        429 => "rate_limit_exceeded",
        503 => "server_is_overloaded",
        400..=499 => "invalid_value",
        _ => "server_error",
    }
}

#[cfg(test)]
mod tests;
