//! The sandbox as its users see it: through the adapter of its kind.

use bytes::Bytes;
use freehold_domain::provider::ProviderKind;
use http::HeaderMap;
use serde_json::{Value, json};

use super::{SandboxReply, chat};
use crate::adapter::{ReplyContext, adapter};
use crate::error::{FaultClass, StreamFault};
use crate::openai::chat::ChatRequest;

fn body(value: &Value) -> Bytes {
    Bytes::from(value.to_string())
}

fn asked(model: &str, extra: &Value) -> Value {
    let mut body = json!({ "model": model, "messages": [{ "role": "user", "content": "one two  three" }] });
    body.as_object_mut()
        .unwrap()
        .extend(extra.as_object().unwrap().clone());
    body
}

fn bytes(reply: &SandboxReply) -> Bytes {
    reply.steps.iter().flat_map(|step| step.bytes.to_vec()).collect()
}

fn whole(model: &str, extra: &Value) -> Value {
    serde_json::from_slice(&bytes(&chat(&body(&asked(model, extra)), 7))).unwrap()
}

/// The text and the last finish reason of a stream, read by the adapter.
fn streamed(model: &str, extra: &Value) -> (String, crate::adapter::StreamProgress, Result<(), StreamFault>) {
    let mut value = asked(model, extra);
    value["stream"] = json!(true);
    value["stream_options"] = json!({ "include_usage": true });
    let request = ChatRequest::parse(body(&value)).unwrap();
    let context = ReplyContext {
        request: &request,
        created_seconds: 7,
    };
    let mut decoder = adapter(ProviderKind::Sandbox).unwrap().chat_stream(&context);
    let mut out = Vec::new();
    let mut result = Ok(());
    for step in chat(&body(&value), 7).steps {
        result = decoder.push(step.bytes, &mut out);
        if result.is_err() {
            break;
        }
    }
    let result = result.and_then(|()| decoder.end(&mut out));
    let mut text = String::new();
    for event in out {
        let event = std::str::from_utf8(&event).unwrap().trim().to_owned();
        let chunk: Value = serde_json::from_str(event.strip_prefix("data: ").unwrap()).unwrap();
        text.push_str(
            chunk["choices"][0]["delta"]["content"]
                .as_str()
                .unwrap_or_default(),
        );
    }
    (text, decoder.progress().clone(), result)
}

#[test]
fn echo_answers_with_the_last_user_message_and_counts_words() {
    let reply = whole("echo", &json!({}));
    assert_eq!(reply["choices"][0]["message"]["content"], "one two  three");
    assert_eq!(reply["choices"][0]["finish_reason"], "stop");
    assert_eq!(reply["usage"]["prompt_tokens"], 3);
    assert_eq!(reply["usage"]["completion_tokens"], 3);
    assert_eq!(reply["created"], 7);
}

#[test]
fn a_stream_says_the_same_as_the_whole_reply() {
    let (text, progress, result) = streamed("echo", &json!({}));
    assert_eq!((text.as_str(), result), ("one two  three", Ok(())));
    assert_eq!(progress.usage.unwrap().tokens.output, 3);
}

#[test]
fn a_limit_ends_the_answer_with_the_reason_length() {
    for field in ["max_tokens", "max_completion_tokens"] {
        let reply = whole("echo", &json!({ field: 2 }));
        assert_eq!(reply["choices"][0]["message"]["content"], "one two  ");
        assert_eq!(reply["choices"][0]["finish_reason"], "length");
        assert_eq!(reply["usage"]["completion_tokens"], 2);
    }
    assert_eq!(
        whole("long", &json!({ "max_tokens": 5 }))["choices"][0]["message"]["content"],
        "1 2 3 4 5 "
    );
}

#[test]
fn several_choices_are_counted_together() {
    let reply = whole("echo", &json!({ "n": 2 }));
    assert_eq!(reply["choices"].as_array().unwrap().len(), 2);
    assert_eq!(reply["usage"]["completion_tokens"], 6);
}

#[test]
fn slow_comes_in_many_delayed_pieces() {
    let mut value = asked("slow", &json!({}));
    value["stream"] = json!(true);
    let reply = chat(&body(&value), 7);
    assert_eq!(reply.steps.iter().filter(|step| step.delay_ms == 50).count(), 40);
}

#[test]
fn hang_sends_headers_and_then_nothing_for_a_day() {
    let reply = chat(&body(&asked("hang", &json!({ "stream": true }))), 7);
    assert_eq!(reply.status, 200);
    assert!(reply.steps[0].delay_ms >= 86_400_000);
}

#[test]
fn silent_never_reports_usage() {
    assert!(whole("silent", &json!({})).get("usage").is_none());
    assert_eq!(streamed("silent", &json!({})).1.usage, None);
}

#[test]
fn errors_come_as_the_provider_would_send_them_and_are_classified() {
    let adapter = adapter(ProviderKind::Sandbox).unwrap();
    for (model, class, wait) in [
        ("error-401", FaultClass::AuthInvalid, None),
        ("error-402", FaultClass::Billing, None),
        ("error-429", FaultClass::RateLimited, Some(1000)),
        ("error-500", FaultClass::UpstreamError, None),
        ("error-503", FaultClass::Overloaded, Some(1000)),
        ("error-599", FaultClass::UpstreamError, None),
        ("unheard-of", FaultClass::ModelNotFound, None),
    ] {
        let reply = chat(&body(&asked(model, &json!({}))), 7);
        let headers: HeaderMap = reply
            .headers
            .iter()
            .map(|(name, value)| (name.parse::<http::HeaderName>().unwrap(), value.parse().unwrap()))
            .collect();
        let fault = adapter.classify(reply.status, &headers, &bytes(&reply));
        assert_eq!((fault.class, fault.retry_after_ms), (class, wait), "{model}");
    }
}

#[test]
fn an_error_in_the_middle_breaks_the_stream_after_some_text() {
    let (text, _, result) = streamed("error-mid-stream", &json!({}));
    assert_eq!(text, "one ");
    assert!(matches!(result, Err(StreamFault::Refused(fault)) if fault.class == FaultClass::UpstreamError));
    assert!(whole("error-mid-stream", &json!({})).get("error").is_some());
}

#[test]
fn tools_are_called_with_the_smallest_arguments_and_their_results_told() {
    let tool = |name: &str| {
        json!({ "type": "function", "function": { "name": name, "parameters": {
            "type": "object", "required": ["city", "unit"],
            "properties": { "city": { "type": "string" }, "unit": { "enum": ["C", "F"] }, "note": { "type": "string" } }
        } } })
    };
    let tools = json!({ "tools": [tool("weather"), tool("time")] });
    let calls = |reply: &Value| {
        reply["choices"][0]["message"]["tool_calls"]
            .as_array()
            .unwrap()
            .clone()
    };
    let reply = whole("tools", &tools);
    assert_eq!(calls(&reply).len(), 2);
    assert_eq!(calls(&reply)[0]["function"]["name"], "weather");
    assert_eq!(
        calls(&reply)[0]["function"]["arguments"],
        r#"{"city":"","unit":"C"}"#
    );
    assert_eq!(reply["choices"][0]["finish_reason"], "tool_calls");

    let mut one = tools.clone();
    one["parallel_tool_calls"] = json!(false);
    assert_eq!(calls(&whole("tools", &one)).len(), 1);

    let (_, progress, result) = streamed("tools", &tools);
    assert_eq!(
        (progress.finish_reason, result),
        (Some(crate::FinishReason::ToolCalls), Ok(()))
    );

    let mut answered = asked("tools", &tools);
    answered["messages"]
        .as_array_mut()
        .unwrap()
        .push(json!({ "role": "tool", "tool_call_id": "x", "content": "sunny" }));
    let reply: Value = serde_json::from_slice(&bytes(&chat(&body(&answered), 7))).unwrap();
    assert_eq!(
        reply["choices"][0]["message"]["content"],
        "The tools returned: sunny"
    );
}

#[test]
fn json_matches_the_asked_schema() {
    let format = json!({ "response_format": { "type": "json_schema", "json_schema": { "name": "x", "schema": {
        "type": "object", "required": ["list", "self"], "$defs": { "n": { "type": ["integer", "null"], "minimum": 3 } },
        "properties": { "list": { "type": "array", "minItems": 2, "items": { "$ref": "#/$defs/n" } }, "self": { "$ref": "#" } }
    } } } });
    let text = whole("json", &format)["choices"][0]["message"]["content"]
        .as_str()
        .unwrap()
        .to_owned();
    let answer: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(answer["list"], json!([3, 3]));
    let plain = whole("json", &json!({}))["choices"][0]["message"]["content"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(
        serde_json::from_str::<Value>(&plain).unwrap(),
        json!({ "answer": "one two  three" })
    );
}

#[test]
fn no_request_makes_the_sandbox_write_without_bound() {
    let many = json!({ "n": 128, "max_tokens": 1_000_000_000_u64, "stream": true });
    assert!(chat(&body(&asked("long", &many)), 7).steps.len() < 70_000);
    let names: Vec<String> = (0..10).map(|number| format!("m{number}")).collect();
    let members: serde_json::Map<_, _> = names
        .iter()
        .map(|name| (name.clone(), json!({ "$ref": "#" })))
        .collect();
    let schema = json!({ "type": "object", "required": names, "properties": members });
    let format = json!({ "response_format": { "type": "json_schema", "json_schema": { "schema": schema } } });
    assert!(bytes(&chat(&body(&asked("json", &format)), 7)).len() < 100_000);
}

#[test]
fn a_body_that_cannot_be_read_is_refused_like_by_any_provider() {
    let reply = chat(&Bytes::from_static(b"{"), 7);
    assert_eq!(reply.status, 400);
}
