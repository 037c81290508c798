//! The built-in provider: everybody can try it, and it spends nothing.

use serde_json::{Value, json};

use crate::support::answer::{chunks, digits, metadata, metadata_text, text};
use crate::support::tenant::{ask, ask_stream, ask_stream_with_usage};
use crate::support::{Tenant, answer, server};

#[tokio::test]
async fn echo_repeats_what_was_said_and_spends_nothing() {
    let tenant = Tenant::new(server().await).await;
    let reply = tenant.chat(&ask("sandbox/echo", "say it again")).await;
    assert_eq!(text(&reply), "say it again");
    let body = reply.json();
    assert_eq!(body["object"], "chat.completion");
    assert_eq!(body["choices"][0]["finish_reason"], "stop");
    assert_eq!(body["usage"]["total_tokens"], 6);
    let written = metadata_text(&reply);
    assert_eq!(digits(&written, "cost_usd"), "0");
    assert_eq!(digits(&written, "credits_charged"), "0");
    assert_eq!(metadata(&reply)["provider_key"], Value::Null);
}

#[tokio::test]
async fn streamed_it_says_the_same() {
    let tenant = Tenant::new(server().await).await;
    for body in [
        ask_stream("sandbox/echo", "piece by piece"),
        ask_stream_with_usage("sandbox/echo", "piece by piece"),
    ] {
        let reply = tenant.chat(&body).await;
        assert_eq!(text(&reply), "piece by piece");
        assert_eq!(metadata(&reply)["provider_used"], "sandbox");
    }
    let records = tenant.records().await;
    assert!(
        records
            .iter()
            .all(|record| record["outcome"] == "ok" && record["stream"] == true),
        "{records:#?}"
    );
}

#[tokio::test]
async fn two_tools_are_called_at_once() {
    let tool = |name: &str| {
        json!({"type": "function", "function": {"name": name, "parameters": {"type": "object",
        "properties": {"city": {"type": "string"}}, "required": ["city"]}}})
    };
    let tenant = Tenant::new(server().await).await;
    let mut body = ask("sandbox/tools", "weather and time");
    body["tools"] = json!([tool("weather"), tool("time")]);
    let calls = tenant.chat(&body).await.expect(200).json()["choices"][0]["message"]["tool_calls"].clone();
    assert_eq!(calls.as_array().unwrap().len(), 2, "{calls}");
    body["stream"] = json!(true);
    let reply = tenant.chat(&body).await;
    let starts = chunks(&reply)
        .into_iter()
        .filter_map(|chunk| {
            chunk["choices"][0]["delta"]["tool_calls"][0]["function"]["name"]
                .as_str()
                .map(str::to_owned)
        })
        .collect::<Vec<_>>();
    assert_eq!(starts, ["weather", "time"]);
}

#[tokio::test]
async fn errors_come_when_they_are_asked_for() {
    let tenant = Tenant::new(server().await).await;
    for (model, expected) in [
        ("sandbox/error-429", (429, "rate_limit_exceeded")),
        ("sandbox/error-500", (502, "upstream_error")),
        ("sandbox/error-503", (502, "upstream_overloaded")),
    ] {
        let reply = tenant.chat(&ask(model, "fail")).await;
        let (status, code) = answer::refusal(&reply);
        assert_eq!((status, code.as_str()), expected, "{model}");
    }
    let unknown = tenant.chat(&ask("sandbox/nothing-like-it", "?")).await;
    assert_eq!(answer::refusal(&unknown), (404, "model_not_found".to_owned()));
}

#[tokio::test]
async fn an_error_in_the_middle_of_a_stream_is_told_in_the_stream() {
    let tenant = Tenant::new(server().await).await;
    let reply = tenant
        .chat(&ask_stream(
            "sandbox/error-mid-stream",
            "one two three four five six",
        ))
        .await;
    assert_eq!(reply.status, 200);
    let events = reply.events();
    let last: Value = serde_json::from_str(events.last().unwrap()).unwrap();
    assert!(last["error"]["message"].is_string(), "{last}");
    assert!(
        !reply.text().contains("[DONE]"),
        "a broken stream does not look whole"
    );
    let record = tenant.only_record().await;
    assert_eq!(record["outcome"], "failed");
    assert!(record["denial"]["code"].is_string(), "{record}");
}

#[tokio::test]
async fn a_model_that_never_reports_usage_is_estimated_and_says_so() {
    let tenant = Tenant::new(server().await).await;
    let reply = tenant
        .chat(&ask("sandbox/silent", "count this for me please"))
        .await;
    assert_eq!(metadata(&reply)["usage_source"], "estimated");
    let streamed = tenant
        .chat(&ask_stream_with_usage(
            "sandbox/silent",
            "count this for me please",
        ))
        .await;
    assert_eq!(metadata(&streamed)["usage_source"], "estimated");
    let usage = chunks(&streamed)
        .into_iter()
        .find(|chunk| chunk["usage"].is_object())
        .unwrap();
    assert_eq!(usage["choices"], json!([]));
}
