//! Reads a chat completion request, and refuses what the provider refuses.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::simulator::ask::{Ask, Choice, Format, Tool};
use crate::simulator::dialect::{Refusal, list, positive, text, unknown_field};

/// Every parameter that the endpoint knows.
const KNOWN: &str = "messages model audio frequency_penalty logit_bias logprobs max_completion_tokens max_tokens metadata
    modalities moderation n parallel_tool_calls prediction presence_penalty prompt_cache_key prompt_cache_options
    prompt_cache_retention reasoning_effort response_format safety_identifier seed service_tier stop store stream
    stream_options temperature tool_choice tools top_logprobs top_p user verbosity web_search_options functions
    function_call";

pub(super) fn ask(body: &Value, strict: bool) -> Result<Ask, Refusal> {
    let model = body["model"]
        .as_str()
        .ok_or_else(|| Refusal::bad("you must provide a model parameter"))?;
    let messages = list(&body["messages"]);
    if messages.is_empty() {
        let refusal = Refusal::bad("Missing required parameter: 'messages'.");
        return Err(refusal.code("missing_required_parameter").param("messages"));
    }
    if strict {
        refuse(body, model)?;
    }
    let mut ask = Ask {
        model: model.to_owned(),
        stream: body["stream"] == true,
        wants_usage: body["stream_options"]["include_usage"] == true,
        output_limit: positive(&body["max_completion_tokens"], "max_completion_tokens")?
            .or(positive(&body["max_tokens"], "max_tokens")?),
        copies: positive(&body["n"], "n")?.unwrap_or(1),
        parallel: body["parallel_tool_calls"] != false,
        ..Ask::default()
    };
    read_messages(&mut ask, messages, strict)?;
    read_tools(&mut ask, body)?;
    ask.format = format(body, messages)?;
    Ok(ask)
}

/// Whether the family of `model` thinks before it answers, and therefore takes no sampling parameters.
fn reasons(model: &str) -> bool {
    model.starts_with("sim-reasoning")
        || (["o1", "o3", "o4", "gpt-5", "gpt-6"]
            .iter()
            .any(|family| model.starts_with(family))
            && !model.contains("chat"))
}

fn refuse(body: &Value, model: &str) -> Result<(), Refusal> {
    if let Some(field) = unknown_field(body, KNOWN) {
        return Err(Refusal::bad(format!(
            "Unrecognized request argument supplied: {field}"
        )));
    }
    if !body["max_tokens"].is_null() && !body["max_completion_tokens"].is_null() {
        return Err(Refusal::bad(
            "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported.",
        )
        .code("invalid_parameter_combination")
        .param("max_tokens"));
    }
    if !body["stream_options"].is_null() && body["stream"] != true {
        return Err(
            Refusal::bad("The 'stream_options' parameter is only allowed when 'stream' is enabled.")
                .param("stream_options"),
        );
    }
    if !reasons(model) {
        return Ok(());
    }
    if !body["max_tokens"].is_null() {
        return Err(Refusal::bad(
            "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
        )
        .code("unsupported_parameter")
        .param("max_tokens"));
    }
    let settled_by_effort = body["reasoning_effort"] == "none";
    for name in ["temperature", "top_p"] {
        let value = &body[name];
        if !value.is_null() && value.as_f64() != Some(1.0) && !settled_by_effort {
            return Err(Refusal::bad(format!(
                "Unsupported value: '{name}' does not support {value} with this model. Only the default (1) value is supported."
            ))
            .code("unsupported_value")
            .param(name));
        }
    }
    for name in ["presence_penalty", "frequency_penalty", "logit_bias", "logprobs"] {
        if !body[name].is_null() && body[name] != 0 && body[name] != false {
            return Err(Refusal::bad(format!(
                "Unsupported parameter: '{name}' is not supported with this model."
            ))
            .code("unsupported_parameter")
            .param(name));
        }
    }
    Ok(())
}

fn read_messages(ask: &mut Ask, messages: &[Value], strict: bool) -> Result<(), Refusal> {
    // The calls of the last assistant message that have no answer yet.
    let mut open: Vec<&str> = Vec::new();
    for (index, message) in messages.iter().enumerate() {
        ask.input.message();
        let role = text(&message["role"]);
        if role != "tool" && strict && !open.is_empty() {
            return Err(unanswered(&open, index));
        }
        match role {
            "system" | "developer" => read_content(ask, &message["content"], index)?,
            "user" => {
                ask.new_turn();
                read_content(ask, &message["content"], index)?;
                ask.said = said(&message["content"]);
            }
            "assistant" => {
                ask.input.text(text(&message["content"]));
                ask.tool_results.clear();
                for call in list(&message["tool_calls"]) {
                    ask.input.text(text(&call["function"]["arguments"]));
                    open.push(text(&call["id"]));
                }
            }
            "tool" | "function" => {
                let id = text(&message["tool_call_id"]);
                if strict && role == "tool" && !open.contains(&id) {
                    return Err(Refusal::bad(
                        "Invalid parameter: messages with role 'tool' must be a response to a preceeding message with 'tool_calls'.",
                    )
                    .param(format!("messages.[{index}].role")));
                }
                open.retain(|waiting| *waiting != id);
                read_content(ask, &message["content"], index)?;
                ask.tool_results.push(said(&message["content"]));
            }
            other => {
                return Err(Refusal::bad(format!(
                    "Invalid value: '{other}'. Supported values are: 'system', 'assistant', 'user', 'function', 'tool', and 'developer'."
                ))
                .code("invalid_value")
                .param(format!("messages[{index}].role")));
            }
        }
    }
    if strict && !open.is_empty() {
        return Err(unanswered(&open, messages.len()));
    }
    Ok(())
}

fn unanswered(open: &[&str], index: usize) -> Refusal {
    Refusal::bad(format!(
        "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. The following tool_call_ids did not have response messages: {}",
        open.join(", ")
    ))
    .param(format!("messages.[{index}].role"))
}

fn read_content(ask: &mut Ask, content: &Value, index: usize) -> Result<(), Refusal> {
    if let Some(whole) = content.as_str() {
        ask.input.text(whole);
    }
    for part in list(content) {
        match text(&part["type"]) {
            "text" => ask.input.text(text(&part["text"])),
            "image_url" => {
                let url = text(&part["image_url"]["url"]);
                let broken = url
                    .split_once(";base64,")
                    .is_some_and(|(_, data)| STANDARD.decode(data).is_err());
                if broken || !(url.starts_with("data:image/") || url.starts_with("http")) {
                    return Err(Refusal::bad("Invalid base64 image_url.").code("invalid_base64"));
                }
                ask.images += 1;
                ask.input.image();
            }
            "input_audio" | "file" | "refusal" => {}
            other => {
                return Err(Refusal::bad(format!(
                    "Invalid value: '{other}'. Supported values are: 'text', 'image_url', 'input_audio', 'refusal', 'audio', and 'file'."
                ))
                .code("invalid_value")
                .param(format!("messages[{index}].content[0].type")));
            }
        }
    }
    Ok(())
}

/// The text of a content, parts joined.
fn said(content: &Value) -> String {
    content.as_str().map_or_else(
        || {
            list(content)
                .iter()
                .map(|part| text(&part["text"]))
                .collect::<Vec<_>>()
                .join("")
        },
        str::to_owned,
    )
}

fn read_tools(ask: &mut Ask, body: &Value) -> Result<(), Refusal> {
    for (index, tool) in list(&body["tools"]).iter().enumerate() {
        let function = &tool["function"];
        let Some(name) = function["name"].as_str().filter(|_| tool["type"] == "function") else {
            let param = format!("tools[{index}].function");
            return Err(Refusal::bad(format!("Missing required parameter: '{param}'."))
                .code("missing_required_parameter")
                .param(param));
        };
        ask.input.text(&function.to_string());
        ask.tools.push(Tool {
            name: name.to_owned(),
            schema: function["parameters"].clone(),
        });
    }
    let choice = &body["tool_choice"];
    ask.choice = match choice.as_str() {
        Some("none") => Choice::Never,
        Some("required") => Choice::Must,
        _ => choice["function"]["name"]
            .as_str()
            .map_or(Choice::Auto, |name| Choice::Named(name.to_owned())),
    };
    if ask.choice != Choice::Auto && ask.tools.is_empty() {
        return Err(Refusal::bad(
            "Invalid value for 'tool_choice': 'tool_choice' is only allowed when 'tools' are specified.",
        )
        .param("tool_choice"));
    }
    if let Choice::Named(name) = &ask.choice
        && !ask.tools.iter().any(|tool| &tool.name == name)
    {
        return Err(
            Refusal::bad(format!("Tool choice '{name}' not found in 'tools' parameter."))
                .param("tool_choice"),
        );
    }
    Ok(())
}

fn format(body: &Value, messages: &[Value]) -> Result<Format, Refusal> {
    let format = &body["response_format"];
    match text(&format["type"]) {
        "" | "text" => Ok(Format::Text),
        "json_object" => {
            let mentioned = messages
                .iter()
                .any(|message| message["content"].to_string().to_lowercase().contains("json"));
            if !mentioned {
                return Err(Refusal::bad(
                    "'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'.",
                )
                .param("messages"));
            }
            Ok(Format::Json)
        }
        "json_schema" => {
            let wanted = &format["json_schema"];
            if wanted["name"].as_str().is_none() {
                let param = "response_format.json_schema.name";
                return Err(Refusal::bad(format!("Missing required parameter: '{param}'."))
                    .code("missing_required_parameter")
                    .param(param));
            }
            if wanted["strict"] == true && wanted["schema"]["additionalProperties"] != false {
                return Err(Refusal::bad(format!(
                    "Invalid schema for response_format '{}': In context=(), 'additionalProperties' is required to be supplied and to be false.",
                    text(&wanted["name"])
                ))
                .param("response_format"));
            }
            Ok(Format::Schema(wanted["schema"].clone()))
        }
        other => Err(Refusal::bad(format!(
            "Invalid value: '{other}'. Supported values are: 'json_object', 'json_schema', and 'text'."
        ))
        .code("invalid_value")
        .param("response_format.type")),
    }
}
