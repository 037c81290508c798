//! What the provider refuses by version, by model and by header field.

use http::HeaderMap;
use serde_json::Value;

use crate::simulator::dialect::{Refusal, text};

/// The version under which sampling parameters are still known.
pub(super) const FIRST_VERSION: &str = "2023-06-01";
const SECOND_VERSION: &str = "2026-10-21";

/// Families that take no sampling parameters under any version.
const NO_SAMPLING: &str = "opus-4-7 opus-4-8 opus-5 sonnet-5 haiku-5 fable-5 mythos-5";
/// Families that refuse a budget for thinking.
const NO_BUDGET: &str = "haiku-5-5 fable-5 mythos-5 opus-5-5 sonnet-5-5";
/// Families whose thinking cannot be switched off.
const ALWAYS_THINK: &str = "fable-5 mythos-5 opus-5-5 sonnet-5-5";
/// Families that refuse to be made to call a tool.
const NO_FORCED_TOOLS: &str = "fable-5-1 fable-5-2 mythos-5-1 mythos-5-2 opus-5-5 sonnet-5-5";
/// Families that still continue an answer that the caller began.
const PREFILL: &str = "haiku-4-5 sonnet-4-5 opus-4-5 sim-";

fn is_any(model: &str, families: &str) -> bool {
    families.split(' ').any(|family| model.contains(family))
}

/// Refuses what header fields get wrong.
pub(super) fn refuse_headers(headers: &HeaderMap) -> Result<(), Refusal> {
    if headers.contains_key("origin") {
        return Err(Refusal::status(
            401,
            "CORS requests must set 'anthropic-dangerous-direct-browser-access' header",
        ));
    }
    match headers
        .get("anthropic-version")
        .and_then(|value| value.to_str().ok())
    {
        None => Err(Refusal::bad("anthropic-version: header is required")),
        Some(FIRST_VERSION | SECOND_VERSION) => Ok(()),
        Some(version) => Err(Refusal::bad(format!(
            "anthropic-version: \"{version}\" is not a valid version"
        ))),
    }
}

/// Refuses what does not go together with this model or this version.
pub(super) fn refuse_body(body: &Value, model: &str, version: &str) -> Result<(), Refusal> {
    let thinking = text(&body["thinking"]["type"]);
    for name in ["temperature", "top_p", "top_k"] {
        if body[name].is_null() {
            continue;
        }
        if version == SECOND_VERSION {
            return Err(Refusal::bad(format!(
                "{name}: this field is not supported by anthropic-version {version}"
            )));
        }
        if is_any(model, NO_SAMPLING) {
            return Err(Refusal::bad(format!(
                "{name}: this field is not supported by {model}"
            )));
        }
        if thinking == "enabled" && body[name] != 1 && body[name] != 1.0 {
            return Err(Refusal::bad(
                "`temperature` may only be set to 1 when thinking is enabled.",
            ));
        }
    }
    if body["temperature"]
        .as_f64()
        .is_some_and(|value| !(0.0..=1.0).contains(&value))
    {
        return Err(Refusal::bad("temperature: range: 0..1"));
    }
    if !body["temperature"].is_null() && !body["top_p"].is_null() {
        return Err(Refusal::bad(
            "`temperature` and `top_p` cannot both be specified for this model. Please use only one.",
        ));
    }
    refuse_thinking(body, model, thinking)?;
    let forced = matches!(text(&body["tool_choice"]["type"]), "any" | "tool");
    if forced && (is_any(model, NO_FORCED_TOOLS) || matches!(thinking, "enabled" | "adaptive")) {
        return Err(Refusal::bad(
            "Thinking may not be enabled when tool_choice forces tool use.",
        ));
    }
    let last = body["messages"].as_array().and_then(|messages| messages.last());
    if last.is_some_and(|message| message["role"] == "assistant") && !is_any(model, PREFILL) {
        return Err(Refusal::bad(
            "This model does not support assistant message prefill. The conversation must end with a user message.",
        ));
    }
    Ok(())
}

fn refuse_thinking(body: &Value, model: &str, thinking: &str) -> Result<(), Refusal> {
    match thinking {
        "enabled" if is_any(model, NO_BUDGET) => Err(Refusal::bad(
            "thinking.type: \"enabled\" is not supported by this model. Use \"adaptive\" instead.",
        )),
        "enabled" => match body["thinking"]["budget_tokens"].as_u64() {
            None => Err(Refusal::bad("thinking.enabled.budget_tokens: Field required")),
            Some(..1024) => Err(Refusal::bad(
                "thinking.enabled.budget_tokens: Input should be greater than or equal to 1024",
            )),
            Some(budget) if body["max_tokens"].as_u64().is_some_and(|limit| budget >= limit) => Err(
                Refusal::bad("`max_tokens` must be greater than `thinking.budget_tokens`."),
            ),
            Some(_) => Ok(()),
        },
        "disabled" if is_any(model, ALWAYS_THINK) => Err(Refusal::bad(
            "thinking.type: \"disabled\" is not supported by this model.",
        )),
        "" | "adaptive" | "disabled" | "between_tools" => Ok(()),
        other => Err(Refusal::bad(format!(
            "thinking.type: Input tag '{other}' is not known"
        ))),
    }
}
