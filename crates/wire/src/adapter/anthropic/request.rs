//! A chat request in Anthropic's words.

use std::borrow::Cow;

use super::{messages, thinking, tools};
use crate::adapter::{ChatTarget, OutboundRequest};
use crate::error::RequestFault;
use crate::json::{self, Object, member, members, write_text};
use crate::openai::chat::ChatRequest;
use crate::openai::chat::conversation;
use crate::openai::chat::parameters::{Parameters, number};

const JSON_HEADERS: &[(&str, &str)] = &[
    ("content-type", "application/json"),
    ("accept", "application/json"),
    ("anthropic-version", super::VERSION),
];
const STREAM_HEADERS: &[(&str, &str)] = &[
    ("content-type", "application/json"),
    ("accept", "text/event-stream"),
    ("anthropic-version", super::VERSION),
];

/// Anthropic wants a limit in any case. Every model can give this much.
const OUTPUT_TOKENS_DEFAULT: u64 = 4096;

pub(super) fn outbound(
    compatible: bool,
    request: &ChatRequest,
    target: &ChatTarget<'_>,
) -> Result<OutboundRequest, RequestFault> {
    let mut parameters = Parameters::of(request)?;
    let max_tokens = target
        .max_output_tokens
        .or(request.max_output_tokens())
        .or(target.model_max_output_tokens)
        .unwrap_or(OUTPUT_TOKENS_DEFAULT);
    let turns = conversation::read(parameters.take("messages").unwrap_or("[]"))?;

    let mut body = Vec::with_capacity(request.body().len() + 256);
    let mut out = Object::begin(&mut body);
    out.text("model", target.model);
    out.number("max_tokens", max_tokens);
    if request.stream() {
        out.boolean("stream", true);
    }
    messages::write(&mut out, &turns)?;
    tools::write(&mut out, &mut parameters)?;
    sampling(&mut out, &mut parameters, target)?;
    stop(&mut out, &mut parameters)?;
    let schema = response_schema(&mut parameters)?;
    let thinking = thinking::choose(compatible, target.model, max_tokens, &mut parameters)?;
    thinking.write(&mut out);
    if thinking.effort.is_some() || schema.is_some() {
        out.object("output_config", |config| {
            if let Some(effort) = thinking.effort {
                config.text("effort", effort);
            }
            if let Some(schema) = schema {
                config.object("format", |format| {
                    format.text("type", "json_schema");
                    format.raw("schema", schema);
                });
            }
        });
    }
    labels(&mut out, &mut parameters)?;
    out.end();
    parameters.refuse_the_rest("Anthropic's protocol")?;
    Ok(OutboundRequest {
        path: Cow::Borrowed("/v1/messages"),
        headers: if request.stream() {
            STREAM_HEADERS
        } else {
            JSON_HEADERS
        },
        body: body.into(),
    })
}

/// Temperature and its kin. Their defaults are the same on both sides and are left out: newer models refuse the
/// parameters as such.
fn sampling(
    out: &mut Object<'_>,
    parameters: &mut Parameters<'_>,
    target: &ChatTarget<'_>,
) -> Result<(), RequestFault> {
    for name in ["temperature", "top_p"] {
        let Some(value) = parameters.take_number(name, 0.0, 1.0)? else {
            continue;
        };
        if number(value) == Some(1.0) {
            continue;
        }
        if target.sampling == Some(false) {
            return Err(RequestFault::of(
                name,
                format!("`{name}` is not taken by {}: leave it out", target.model),
            ));
        }
        out.raw(name, value);
    }
    if let Some(value) = parameters.take_number("top_k", 0.0, 1e6)? {
        out.raw("top_k", value);
    }
    Ok(())
}

fn stop(out: &mut Object<'_>, parameters: &mut Parameters<'_>) -> Result<(), RequestFault> {
    let Some(value) = parameters.take("stop") else {
        return Ok(());
    };
    let texts = match json::text(value) {
        Some(text) => Some(vec![text.into_owned()]),
        None => serde_json::from_str::<Vec<String>>(value).ok(),
    };
    let Some(texts) = texts else {
        return Err(RequestFault::of(
            "stop",
            "`stop` must be a string or a list of strings",
        ));
    };
    if texts.iter().any(|text| text.trim().is_empty()) {
        return Err(RequestFault::of(
            "stop",
            "`stop` must not hold a sequence of white space alone for this provider",
        ));
    }
    if !texts.is_empty() {
        out.list("stop_sequences", |list| {
            for text in &texts {
                write_text(list.item(), text);
            }
        });
    }
    Ok(())
}

/// The schema that the answer has to match, as raw JSON.
fn response_schema<'a>(parameters: &mut Parameters<'a>) -> Result<Option<&'a str>, RequestFault> {
    let Some(value) = parameters.take("response_format") else {
        return Ok(None);
    };
    let format = members(value).unwrap_or_default();
    let kind = member(&format, "type").and_then(json::text).unwrap_or_default();
    match kind.as_ref() {
        "text" => Ok(None),
        "json_schema" => member(&format, "json_schema")
            .and_then(members)
            .and_then(|members| member(&members, "schema"))
            .map(Some)
            .ok_or_else(|| {
                RequestFault::of(
                    "response_format.json_schema.schema",
                    "`response_format.json_schema.schema` is missing",
                )
            }),
        "json_object" => Err(RequestFault::of(
            "response_format",
            "`response_format` of type json_object does not exist at this provider: give a schema with json_schema",
        )),
        _ => Err(RequestFault::of(
            "response_format.type",
            "`response_format.type` must be text or json_schema for this provider",
        )),
    }
}

/// Who the end user is, and which tier serves.
fn labels(out: &mut Object<'_>, parameters: &mut Parameters<'_>) -> Result<(), RequestFault> {
    let user = parameters.take_text("user")?;
    let safety = parameters.take_text("safety_identifier")?;
    if let Some(id) = safety.or(user) {
        out.object("metadata", |metadata| metadata.text("user_id", &id));
    }
    match parameters.take_text("service_tier")?.as_deref() {
        None => {}
        Some("auto") => out.text("service_tier", "auto"),
        Some("default" | "standard_only") => out.text("service_tier", "standard_only"),
        Some(_) => {
            return Err(RequestFault::of(
                "service_tier",
                "`service_tier` must be auto or default for this provider",
            ));
        }
    }
    Ok(())
}
