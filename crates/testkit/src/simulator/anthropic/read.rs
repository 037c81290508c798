//! Reads a messages request, and refuses what the provider refuses.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::rules;
use crate::simulator::ask::{Ask, Choice, Format, Tool};
use crate::simulator::dialect::{Refusal, list, text, unknown_field};

/// Every parameter that the endpoint knows.
const KNOWN: &str =
    "model max_tokens messages system stop_sequences stream thinking output_config tools tool_choice
    cache_control metadata service_tier speed container inference_geo diagnostics user_profile_id workspace_id
    temperature top_p top_k";

/// Reads `body`, except for the limit of the output: a call that only counts tokens has none.
pub(super) fn ask(body: &Value, version: &str, strict: bool) -> Result<Ask, Refusal> {
    let model = body["model"]
        .as_str()
        .ok_or_else(|| Refusal::bad("model: Field required"))?;
    let messages = list(&body["messages"]);
    if messages.is_empty() {
        return Err(Refusal::bad("messages: at least one message is required"));
    }
    if strict {
        if let Some(field) = unknown_field(body, KNOWN) {
            return Err(Refusal::bad(format!("{field}: Extra inputs are not permitted")));
        }
        rules::refuse_body(body, model, version)?;
    }
    let mut ask = Ask {
        model: model.to_owned(),
        stream: body["stream"] == true,
        wants_usage: true,
        parallel: body["tool_choice"]["disable_parallel_tool_use"] != true,
        format: match body["output_config"]["format"]["type"].as_str() {
            Some("json_schema") => Format::Schema(body["output_config"]["format"]["schema"].clone()),
            _ => Format::Text,
        },
        ..Ask::default()
    };
    ask.input.text(text(&body["system"]));
    for block in list(&body["system"]) {
        ask.input.text(text(&block["text"]));
    }
    read_messages(&mut ask, messages, strict)?;
    read_tools(&mut ask, body)?;
    Ok(ask)
}

/// The limit of the output, which every call for an answer must set.
pub(super) fn output_limit(body: &Value, strict: bool) -> Result<Option<u64>, Refusal> {
    match &body["max_tokens"] {
        Value::Null if strict => Err(Refusal::bad("max_tokens: Field required")),
        Value::Null => Ok(None),
        value => match value.as_u64() {
            Some(limit) if limit > 0 => Ok(Some(limit)),
            _ => Err(Refusal::bad(
                "max_tokens: Input should be greater than or equal to 1",
            )),
        },
    }
}

fn read_messages(ask: &mut Ask, messages: &[Value], strict: bool) -> Result<(), Refusal> {
    // The calls of the message before, which this one must answer.
    let mut open: Vec<&str> = Vec::new();
    for (index, message) in messages.iter().enumerate() {
        ask.input.message();
        let role = text(&message["role"]);
        if role != "user" && role != "assistant" {
            return Err(Refusal::bad(format!(
                "messages: Unexpected role \"{role}\". Allowed roles are \"user\" or \"assistant\"."
            )));
        }
        if strict {
            check_results(index, message, &open)?;
        }
        open.clear();
        if role == "user" {
            ask.new_turn();
        }
        if let Some(whole) = message["content"].as_str() {
            if whole.is_empty() && strict {
                return Err(Refusal::bad(format!(
                    "messages.{index}: text content blocks must be non-empty"
                )));
            }
            ask.input.text(whole);
            if role == "user" {
                whole.clone_into(&mut ask.said);
            }
        }
        for (place, block) in list(&message["content"]).iter().enumerate() {
            read_block(
                ask,
                block,
                role,
                &format!("messages.{index}.content.{place}"),
                strict,
            )?;
            if block["type"] == "tool_use" {
                open.push(text(&block["id"]));
            }
        }
    }
    if strict && !open.is_empty() {
        return Err(unanswered(messages.len() - 1, &open));
    }
    Ok(())
}

/// Every call is answered in the next message, results before anything else, and nothing else is answered.
fn check_results(index: usize, message: &Value, open: &[&str]) -> Result<(), Refusal> {
    let blocks = list(&message["content"]);
    let leading = blocks.iter().take_while(|block| block["type"] == "tool_result");
    let answered: Vec<&str> = leading.map(|block| text(&block["tool_use_id"])).collect();
    let missing: Vec<&str> = open.iter().copied().filter(|id| !answered.contains(id)).collect();
    if !missing.is_empty() {
        return Err(unanswered(index.saturating_sub(1), &missing));
    }
    for (place, block) in blocks.iter().enumerate() {
        let id = text(&block["tool_use_id"]);
        if block["type"] == "tool_result" && !open.contains(&id) {
            return Err(Refusal::bad(format!(
                "messages.{index}.content.{place}: unexpected `tool_use_id` found in `tool_result` blocks: {id}. Each `tool_result` block must have a corresponding `tool_use` block in the previous message."
            )));
        }
    }
    Ok(())
}

fn unanswered(index: usize, ids: &[&str]) -> Refusal {
    Refusal::bad(format!(
        "messages.{index}: `tool_use` ids were found without `tool_result` blocks immediately after: {}. Each `tool_use` block must have a corresponding `tool_result` block in the next message.",
        ids.join(", ")
    ))
}

fn read_block(ask: &mut Ask, block: &Value, role: &str, place: &str, strict: bool) -> Result<(), Refusal> {
    match text(&block["type"]) {
        "text" => {
            let said = text(&block["text"]);
            if said.is_empty() && strict {
                return Err(Refusal::bad(format!(
                    "{place}: text content blocks must be non-empty"
                )));
            }
            ask.input.text(said);
            if role == "user" {
                ask.said.push_str(said);
            }
        }
        "image" => {
            let source = &block["source"];
            if source["type"] == "base64" && STANDARD.decode(text(&source["data"])).is_err() {
                return Err(Refusal::bad(format!(
                    "{place}.image.source.base64.data: invalid base64 data"
                )));
            }
            let kinds = ["image/jpeg", "image/png", "image/gif", "image/webp"];
            if source["type"] == "base64" && !kinds.contains(&text(&source["media_type"])) {
                return Err(Refusal::bad(format!(
                    "{place}.image.source.base64.media_type: Input should be 'image/jpeg', 'image/png', 'image/gif' or 'image/webp'"
                )));
            }
            ask.images += 1;
            ask.input.image();
        }
        "tool_use" => {
            if !block["input"].is_object() {
                return Err(Refusal::bad(format!(
                    "{place}.tool_use.input: Input should be a valid dictionary"
                )));
            }
            let id = text(&block["id"]);
            let fits = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
            if id.is_empty() || !id.chars().all(fits) {
                return Err(Refusal::bad(format!(
                    "{place}.tool_use.id: String should match pattern '^[a-zA-Z0-9_-]+$'"
                )));
            }
            ask.input.text(&block["input"].to_string());
        }
        "tool_result" => {
            let content = &block["content"];
            let parts = list(content).iter().map(|part| text(&part["text"]));
            let said = content
                .as_str()
                .map_or_else(|| parts.collect::<Vec<_>>().join(""), str::to_owned);
            ask.input.text(&said);
            ask.tool_results.push(said);
        }
        "thinking" if strict && text(&block["signature"]).is_empty() => {
            return Err(Refusal::bad(format!(
                "{place}.thinking.signature: Field required"
            )));
        }
        "thinking" | "redacted_thinking" | "document" | "search_result" => {}
        other => {
            return Err(Refusal::bad(format!(
                "{place}: Input tag '{other}' found using 'type' does not match any of the expected tags"
            )));
        }
    }
    Ok(())
}

fn read_tools(ask: &mut Ask, body: &Value) -> Result<(), Refusal> {
    for (index, tool) in list(&body["tools"]).iter().enumerate() {
        let Some(name) = tool["name"].as_str() else {
            return Err(Refusal::bad(format!("tools.{index}.custom.name: Field required")));
        };
        let schema = &tool["input_schema"];
        // Tools that the provider runs itself have a type and no schema.
        if schema["type"] != "object" && tool["type"].as_str().is_none_or(|kind| kind == "custom") {
            return Err(Refusal::bad(format!(
                "tools.{index}.custom.input_schema.type: Field required"
            )));
        }
        ask.input.text(&tool.to_string());
        ask.tools.push(Tool {
            name: name.to_owned(),
            schema: schema.clone(),
        });
    }
    ask.choice = match text(&body["tool_choice"]["type"]) {
        "none" => Choice::Never,
        "any" => Choice::Must,
        "tool" => Choice::Named(text(&body["tool_choice"]["name"]).to_owned()),
        _ => Choice::Auto,
    };
    match &ask.choice {
        Choice::Must | Choice::Named(_) if ask.tools.is_empty() => Err(Refusal::bad(
            "tool_choice: may only be specified while providing tools",
        )),
        Choice::Named(name) if !ask.tools.iter().any(|tool| &tool.name == name) => {
            Err(Refusal::bad(format!("Tool '{name}' not found in provided tools")))
        }
        _ => Ok(()),
    }
}
