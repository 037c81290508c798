//! The options of a request that the gateway decides by, read strictly: each refusal names its field.

use crate::error::RequestFault;
use crate::json::{self, Span};

/// More output tokens than any model gives; larger numbers are mistakes.
const OUTPUT_TOKENS_MAX: u64 = 1_000_000_000;
const CHOICES_MAX: u64 = 128;
const MODEL_BYTES_MAX: usize = 512;

/// `stream_options`, and where its value stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct StreamOptions {
    pub(crate) span: Span,
    /// Whether the value is an object; otherwise it is `null`.
    pub(crate) is_object: bool,
    /// Whether the object has members.
    pub(crate) has_members: bool,
    /// Where the value of `include_usage` stands, if it is there.
    pub(crate) include_usage_span: Option<Span>,
    pub(crate) include_usage: bool,
}

pub(super) fn model(value: &str) -> Result<Box<str>, RequestFault> {
    let Some(model) = json::text(value) else {
        return Err(RequestFault::of("model", "`model` must be a string"));
    };
    if model.is_empty() || model.len() > MODEL_BYTES_MAX {
        return Err(RequestFault::of(
            "model",
            format!("`model` must have 1 to {MODEL_BYTES_MAX} bytes"),
        ));
    }
    if model.chars().any(char::is_control) {
        return Err(RequestFault::of(
            "model",
            "`model` must not hold control characters",
        ));
    }
    Ok(model.into())
}

pub(super) fn boolean(name: &'static str, value: &str) -> Result<Option<bool>, RequestFault> {
    match value {
        "true" => Ok(Some(true)),
        "false" => Ok(Some(false)),
        "null" => Ok(None),
        _ => Err(RequestFault::of(name, format!("`{name}` must be true or false"))),
    }
}

pub(super) fn stream_options(value: &str, whole: &str) -> Result<Option<StreamOptions>, RequestFault> {
    let mut options = StreamOptions {
        span: Span::of(value, whole),
        is_object: false,
        has_members: false,
        include_usage_span: None,
        include_usage: false,
    };
    if value == "null" {
        return Ok(Some(options));
    }
    let Some(members) = json::members(value) else {
        return Err(RequestFault::of(
            "stream_options",
            "`stream_options` must be an object",
        ));
    };
    options.is_object = true;
    options.has_members = !members.is_empty();
    for (name, value) in members {
        if name != "include_usage" {
            continue;
        }
        if options.include_usage_span.is_some() {
            return Err(RequestFault::of(
                "stream_options.include_usage",
                "`include_usage` stands in `stream_options` twice",
            ));
        }
        options.include_usage = boolean("stream_options.include_usage", value)?.unwrap_or(false);
        options.include_usage_span = Some(Span::of(value, whole));
    }
    Ok(Some(options))
}

pub(super) fn output_tokens(name: &'static str, value: &str) -> Result<Option<u64>, RequestFault> {
    whole_number(name, value, OUTPUT_TOKENS_MAX)
}

pub(super) fn choices(value: &str) -> Result<Option<u32>, RequestFault> {
    Ok(whole_number("n", value, CHOICES_MAX)?.and_then(|choices| u32::try_from(choices).ok()))
}

/// A whole number from 1 to `max`, or nothing for `null`.
fn whole_number(name: &'static str, value: &str, max: u64) -> Result<Option<u64>, RequestFault> {
    if value == "null" {
        return Ok(None);
    }
    match value.parse::<u64>() {
        Ok(number) if (1..=max).contains(&number) => Ok(Some(number)),
        _ => Err(RequestFault::of(
            name,
            format!("`{name}` must be a whole number from 1 to {max}"),
        )),
    }
}

/// Whether the list has members.
pub(super) fn tools(name: &str, value: &str) -> Result<bool, RequestFault> {
    if value == "null" {
        return Ok(false);
    }
    let Some(inner) = value.strip_prefix('[') else {
        return Err(RequestFault::of(
            name.to_owned(),
            format!("`{name}` must be a list"),
        ));
    };
    Ok(!inner.trim_start().starts_with(']'))
}

pub(super) fn service_tier(value: &str) -> Result<Option<Box<str>>, RequestFault> {
    if value == "null" {
        return Ok(None);
    }
    json::text(value)
        .map(|tier| Some(tier.into()))
        .ok_or_else(|| RequestFault::of("service_tier", "`service_tier` must be a string"))
}

/// Whether a format is asked for.
pub(super) fn response_format(value: &str) -> Result<bool, RequestFault> {
    if value == "null" || value.starts_with('{') {
        return Ok(value != "null");
    }
    Err(RequestFault::of(
        "response_format",
        "`response_format` must be an object",
    ))
}
