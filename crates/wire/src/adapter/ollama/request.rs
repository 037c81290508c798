//! A chat request in Ollama's words.

use std::borrow::Cow;

use super::messages;
use crate::adapter::{ChatTarget, OutboundRequest};
use crate::error::RequestFault;
use crate::json::{self, Object, member, members, write_text};
use crate::openai::chat::ChatRequest;
use crate::openai::chat::conversation;
use crate::openai::chat::parameters::Parameters;

const HEADERS: &[(&str, &str)] = &[
    ("content-type", "application/json"),
    ("accept", "application/json"),
];
const STREAM_HEADERS: &[(&str, &str)] = &[
    ("content-type", "application/json"),
    ("accept", "application/x-ndjson"),
];

pub(super) fn outbound(
    request: &ChatRequest,
    target: &ChatTarget<'_>,
) -> Result<OutboundRequest, RequestFault> {
    let mut parameters = Parameters::of(request)?;
    let turns = conversation::read(parameters.take("messages").unwrap_or("[]"))?;
    let mut body = Vec::with_capacity(request.body().len() + 256);
    let mut out = Object::begin(&mut body);
    out.text("model", target.model);
    // It streams unless it is told not to.
    out.boolean("stream", request.stream());
    messages::write(&mut out, &turns)?;
    tools(&mut out, &mut parameters)?;
    format(&mut out, &mut parameters)?;
    think(&mut out, &mut parameters)?;
    let limit = target.max_output_tokens.or(request.max_output_tokens());
    options(&mut out, &mut parameters, limit)?;
    out.end();
    parameters.refuse_the_rest("Ollama")?;
    Ok(OutboundRequest {
        path: Cow::Borrowed("/api/chat"),
        headers: if request.stream() { STREAM_HEADERS } else { HEADERS },
        body: body.into(),
    })
}

fn options(
    out: &mut Object<'_>,
    parameters: &mut Parameters<'_>,
    limit: Option<u64>,
) -> Result<(), RequestFault> {
    let mut given: Vec<(&'static str, &str)> = Vec::new();
    for (name, least, most) in [
        ("temperature", 0.0, 2.0),
        ("top_p", 0.0, 1.0),
        ("top_k", 0.0, 1e6),
        ("min_p", 0.0, 1.0),
        ("presence_penalty", -2.0, 2.0),
        ("frequency_penalty", -2.0, 2.0),
        ("seed", -9e15, 9e15),
    ] {
        if let Some(value) = parameters.take_number(name, least, most)? {
            given.push((name, value));
        }
    }
    let stop = parameters.take("stop");
    let stop = stop.map(|stop| match json::text(stop) {
        Some(text) => Some(vec![text.into_owned()]),
        None => serde_json::from_str::<Vec<String>>(stop).ok(),
    });
    let stop = match stop {
        Some(None) => {
            return Err(RequestFault::of(
                "stop",
                "`stop` must be a string or a list of strings",
            ));
        }
        Some(Some(stop)) => stop,
        None => Vec::new(),
    };
    if given.is_empty() && stop.is_empty() && limit.is_none() {
        return Ok(());
    }
    out.object("options", |options| {
        if let Some(limit) = limit {
            options.number("num_predict", limit);
        }
        for (name, value) in given {
            options.raw(name, value);
        }
        if !stop.is_empty() {
            options.list("stop", |list| {
                for text in &stop {
                    write_text(list.item(), text);
                }
            });
        }
    });
    Ok(())
}

/// Tools go as they came. Their choice is the model's; it can be denied them, but not told to use them.
fn tools(out: &mut Object<'_>, parameters: &mut Parameters<'_>) -> Result<(), RequestFault> {
    let Some(tools) = parameters.take("tools") else {
        return Ok(());
    };
    let list =
        json::items(tools).ok_or_else(|| RequestFault::of("tools", "`tools` must be a list of tools"))?;
    for (number, tool) in list.iter().enumerate() {
        let kind = members(tool).and_then(|tool| member(&tool, "type"));
        if kind != Some("\"function\"") {
            let param = format!("tools[{number}].type");
            let message = format!("`{param}` must be \"function\" for this provider");
            return Err(RequestFault::of(param, message));
        }
    }
    match parameters.take("tool_choice") {
        None | Some("\"auto\"") => {}
        Some("\"none\"") => return Ok(()),
        Some(_) => {
            return Err(RequestFault::of(
                "tool_choice",
                "`tool_choice` must be auto or none for Ollama: its models choose themselves",
            ));
        }
    }
    if !list.is_empty() {
        out.raw("tools", tools);
    }
    Ok(())
}

fn format(out: &mut Object<'_>, parameters: &mut Parameters<'_>) -> Result<(), RequestFault> {
    let Some(value) = parameters.take("response_format") else {
        return Ok(());
    };
    let format = members(value).unwrap_or_default();
    match member(&format, "type").and_then(json::text).as_deref() {
        Some("text") => {}
        Some("json_object") => out.text("format", "json"),
        Some("json_schema") => {
            let schema = member(&format, "json_schema")
                .and_then(members)
                .and_then(|members| member(&members, "schema"));
            let Some(schema) = schema else {
                return Err(RequestFault::of(
                    "response_format.json_schema.schema",
                    "`response_format.json_schema.schema` is missing",
                ));
            };
            out.raw("format", schema);
        }
        _ => {
            return Err(RequestFault::of(
                "response_format.type",
                "`response_format.type` must be text, json_object or json_schema",
            ));
        }
    }
    Ok(())
}

fn think(out: &mut Object<'_>, parameters: &mut Parameters<'_>) -> Result<(), RequestFault> {
    match parameters.take_text("reasoning_effort")?.as_deref() {
        None => {}
        Some("none") => out.boolean("think", false),
        Some("minimal" | "low") => out.text("think", "low"),
        Some("medium") => out.text("think", "medium"),
        Some("high" | "xhigh") => out.text("think", "high"),
        Some("max") => out.text("think", "max"),
        Some(_) => {
            return Err(RequestFault::of(
                "reasoning_effort",
                "`reasoning_effort` must be none, minimal, low, medium, high, xhigh or max",
            ));
        }
    }
    Ok(())
}
