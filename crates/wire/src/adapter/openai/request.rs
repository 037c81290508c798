//! Splicing into the caller's body what the provider must get: its own model name, the granted limit, a wish for usage.

use std::borrow::Cow;

use super::habits::Habits;
use crate::adapter::{ChatTarget, OutboundRequest};
use crate::json::{Splice, write_text};
use crate::openai::chat::ChatRequest;

const JSON_HEADERS: &[(&str, &str)] = &[
    ("content-type", "application/json"),
    ("accept", "application/json"),
];
const STREAM_HEADERS: &[(&str, &str)] = &[
    ("content-type", "application/json"),
    ("accept", "text/event-stream"),
];

pub(super) fn outbound(habits: &Habits, request: &ChatRequest, target: &ChatTarget<'_>) -> OutboundRequest {
    let mut splice = Splice::new(request.body());
    set_model(&mut splice, request, target.model);
    set_limit(&mut splice, habits, request, target);
    if request.stream() && habits.asks_for_usage {
        ask_for_usage(&mut splice, request);
    }
    OutboundRequest {
        path: Cow::Borrowed("/chat/completions"),
        headers: if request.stream() {
            STREAM_HEADERS
        } else {
            JSON_HEADERS
        },
        body: splice.finish(),
    }
}

fn set_model(splice: &mut Splice<'_>, request: &ChatRequest, model: &str) {
    if let Some(span) = request.fields().model_span
        && request.model() != model
    {
        let mut text = Vec::with_capacity(model.len() + 2);
        write_text(&mut text, model);
        splice.replace(span, text);
    }
}

/// The granted limit goes into the caller's own field. Without one it becomes the first member.
fn set_limit(splice: &mut Splice<'_>, habits: &Habits, request: &ChatRequest, target: &ChatTarget<'_>) {
    let fields = request.fields();
    if let Some(limit) = fields.output_limit
        && limit.tokens.is_some()
    {
        if habits.reasoning_renames_limit
            && target.reasoning == Some(true)
            && limit.name != habits.limit_field
        {
            splice.replace(limit.key, quoted(habits.limit_field));
        }
        if let Some(granted) = target.max_output_tokens
            && limit.tokens != Some(granted)
        {
            splice.replace(limit.value, number(granted));
        }
        return;
    }
    let Some(granted) = target.max_output_tokens else {
        return;
    };
    if let Some(limit) = fields.output_limit {
        splice.replace(limit.key, quoted(habits.limit_field));
        splice.replace(limit.value, number(granted));
        return;
    }
    let mut member = quoted(habits.limit_field);
    member.push(b':');
    member.extend_from_slice(&number(granted));
    member.push(b',');
    splice.insert(fields.first_member, member);
}

/// Usage is asked of the provider in any case; whether the caller sees it is decided when it comes.
fn ask_for_usage(splice: &mut Splice<'_>, request: &ChatRequest) {
    let fields = request.fields();
    match fields.stream_options {
        None => splice.insert(
            fields.first_member,
            b"\"stream_options\":{\"include_usage\":true},".to_vec(),
        ),
        Some(options) if !options.is_object => {
            splice.replace(options.span, b"{\"include_usage\":true}".to_vec())
        }
        Some(options) if options.include_usage => {}
        Some(options) => match options.include_usage_span {
            Some(span) => splice.replace(span, b"true".to_vec()),
            None => {
                let comma: &[u8] = if options.has_members { b"," } else { b"" };
                splice.insert(
                    options.span.start + 1,
                    [b"\"include_usage\":true", comma].concat(),
                );
            }
        },
    }
}

fn quoted(name: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(name.len() + 24);
    out.push(b'"');
    out.extend_from_slice(name.as_bytes());
    out.push(b'"');
    out
}

fn number(number: u64) -> Vec<u8> {
    itoa::Buffer::new().format(number).as_bytes().to_vec()
}
