//! Every kind of provider that is served, asked in the same words: whole and streamed, text and tools.

use freehold_testkit::simulator::{Shape, Simulator};
use serde_json::{Value, json};

use crate::support::answer::{chunks, metadata, text};
use crate::support::tenant::{ask, ask_stream, ask_stream_with_usage, fresh_provider_key};
use crate::support::{Tenant, server};

/// A kind of provider, its shape, and what its models are called by.
const KINDS: [(&str, Shape, &str); 5] = [
    ("openai", Shape::OpenAi, "openai"),
    ("openai-compatible", Shape::OpenAi, "openai-compatible"),
    ("anthropic", Shape::Anthropic, "anthropic"),
    ("anthropic-compatible", Shape::Anthropic, "anthropic-compatible"),
    ("ollama", Shape::Ollama, "ollama"),
];

async fn with_key(kind: &str, shape: Shape) -> (Simulator, Tenant, String) {
    let provider = Simulator::start(shape);
    let tenant = Tenant::new(server().await).await;
    let mut body = json!({"provider": kind, "base_url": provider.base_url()});
    if kind != "ollama" {
        let key = fresh_provider_key();
        provider.accept(&key);
        body["api_key"] = json!(key);
    }
    let id = tenant.store(body).await;
    (provider, tenant, id)
}

#[tokio::test]
async fn a_question_is_answered_by_every_kind_whole_and_streamed() {
    for (kind, shape, name) in KINDS {
        let (provider, tenant, key) = with_key(kind, shape).await;
        let model = format!("{name}/sim-ok");
        for body in [
            ask(&model, "how are you"),
            ask_stream(&model, "how are you"),
            ask_stream_with_usage(&model, "how are you"),
        ] {
            let reply = tenant.chat(&body).await;
            assert_eq!(text(&reply), "Simulated answer to: how are you", "{kind}");
            let metadata = metadata(&reply);
            assert_eq!(metadata["provider_used"], name, "{kind}");
            assert_eq!(metadata["usage_source"], "provider", "{kind}");
            let seen = provider.last().usage.unwrap();
            let record = tenant.record(metadata["request_id"].as_str().unwrap()).await;
            assert_eq!(record["tokens"]["input"], seen.input, "{kind}");
            assert_eq!(record["tokens"]["output"], seen.output, "{kind}");
            assert_eq!(record["finish_reason"], "stop", "{kind}");
        }
        assert_eq!(tenant.status(&key).await, "valid", "{kind}: what works is valid");
        assert!(
            tenant.provider_key(&key).await["last_used_at"].is_string(),
            "{kind}"
        );
    }
}

#[tokio::test]
async fn the_shape_of_every_answer_is_that_of_the_surface() {
    for (kind, shape, name) in KINDS {
        let (_provider, tenant, _) = with_key(kind, shape).await;
        let whole = tenant
            .chat(&ask(&format!("{name}/sim-ok"), "shape"))
            .await
            .expect(200)
            .json();
        assert_eq!(whole["object"], "chat.completion", "{kind}");
        assert!(
            whole["id"].is_string() && whole["created"].is_i64() && whole["model"].is_string(),
            "{kind}: {whole}"
        );
        assert_eq!(whole["choices"][0]["index"], 0, "{kind}");
        assert_eq!(whole["choices"][0]["message"]["role"], "assistant", "{kind}");
        let usage = &whole["usage"];
        let sum = usage["prompt_tokens"].as_u64().unwrap() + usage["completion_tokens"].as_u64().unwrap();
        assert_eq!(usage["total_tokens"], sum, "{kind}");

        let reply = tenant
            .chat(&ask_stream_with_usage(&format!("{name}/sim-ok"), "shape"))
            .await;
        let chunks = chunks(&reply);
        assert!(
            chunks
                .iter()
                .all(|chunk| chunk["object"] == "chat.completion.chunk"),
            "{kind}: {chunks:#?}"
        );
        let ids: std::collections::BTreeSet<_> = chunks.iter().map(|chunk| chunk["id"].to_string()).collect();
        assert_eq!(ids.len(), 1, "{kind}: one answer, one id: {ids:?}");
        assert_eq!(chunks[0]["choices"][0]["delta"]["role"], "assistant", "{kind}");
        let reasons = chunks
            .iter()
            .filter(|chunk| chunk["choices"][0]["finish_reason"].is_string())
            .count();
        assert_eq!(reasons, 1, "{kind}: {chunks:#?}");
    }
}

fn tools() -> Value {
    let tool = |name: &str, parameter: &str| {
        json!({"type": "function", "function": {"name": name, "description": "a tool",
            "parameters": {"type": "object", "properties": {parameter: {"type": "string"}}, "required": [parameter]}}})
    };
    json!([tool("weather", "city"), tool("clock", "zone")])
}

/// Tool calls as they come in a stream, put together: id, name and arguments.
fn gathered(chunks: &[Value]) -> Vec<(String, String, String)> {
    let mut calls: Vec<(String, String, String)> = Vec::new();
    for delta in chunks
        .iter()
        .filter_map(|chunk| chunk["choices"][0]["delta"]["tool_calls"].as_array())
        .flatten()
    {
        let index = delta["index"].as_u64().unwrap() as usize;
        if calls.len() <= index {
            calls.resize(index + 1, Default::default());
        }
        let append = |to: &mut String, from: &Value| to.push_str(from.as_str().unwrap_or_default());
        append(&mut calls[index].0, &delta["id"]);
        append(&mut calls[index].1, &delta["function"]["name"]);
        append(&mut calls[index].2, &delta["function"]["arguments"]);
    }
    calls
}

#[tokio::test]
async fn two_tools_are_called_at_once_and_their_results_are_understood() {
    for (kind, shape, name) in KINDS {
        let (_provider, tenant, _) = with_key(kind, shape).await;
        let model = format!("{name}/sim-parallel-tools");
        let mut body = ask(&model, "weather in Bern and the time");
        body["tools"] = tools();
        let whole = tenant.chat(&body).await.expect(200).json();
        assert_eq!(
            whole["choices"][0]["finish_reason"], "tool_calls",
            "{kind}: {whole}"
        );
        let calls = whole["choices"][0]["message"]["tool_calls"]
            .as_array()
            .unwrap()
            .clone();
        let names: Vec<_> = calls
            .iter()
            .map(|call| call["function"]["name"].as_str().unwrap())
            .collect();
        assert_eq!(names, ["weather", "clock"], "{kind}");
        for call in &calls {
            assert_eq!(call["type"], "function", "{kind}");
            let arguments: Value =
                serde_json::from_str(call["function"]["arguments"].as_str().unwrap()).unwrap();
            assert!(arguments.is_object(), "{kind}: {call}");
        }

        body["stream"] = json!(true);
        let streamed = gathered(&chunks(&tenant.chat(&body).await));
        assert_eq!(streamed.len(), 2, "{kind}: {streamed:?}");
        for ((id, name, arguments), call) in streamed.iter().zip(&calls) {
            assert!(!id.is_empty(), "{kind}");
            assert_eq!(name, call["function"]["name"].as_str().unwrap(), "{kind}");
            let (streamed, whole): (Value, Value) = (
                serde_json::from_str(arguments).unwrap(),
                serde_json::from_str(call["function"]["arguments"].as_str().unwrap()).unwrap(),
            );
            assert_eq!(streamed, whole, "{kind}");
        }

        body["stream"] = json!(false);
        let messages = body["messages"].as_array_mut().unwrap();
        messages.push(json!({"role": "assistant", "content": null, "tool_calls": calls}));
        for (call, result) in calls.iter().zip(["sunny", "noon"]) {
            messages.push(json!({"role": "tool", "tool_call_id": call["id"], "content": result}));
        }
        let after = tenant.chat(&body).await;
        let said = text(&after);
        assert!(said.contains("sunny") && said.contains("noon"), "{kind}: {said}");
    }
}

#[tokio::test]
async fn a_limit_on_output_is_kept_by_every_kind() {
    for (kind, shape, name) in KINDS {
        let (_provider, tenant, _) = with_key(kind, shape).await;
        let mut body = ask(&format!("{name}/sim-long-50"), "on and on");
        body["max_tokens"] = json!(7);
        let reply = tenant.chat(&body).await.expect(200).json();
        assert_eq!(reply["choices"][0]["finish_reason"], "length", "{kind}");
        assert_eq!(reply["usage"]["completion_tokens"], 7, "{kind}");
        body["stream"] = json!(true);
        let chunks = chunks(&tenant.chat(&body).await);
        let reason = chunks
            .iter()
            .find_map(|chunk| chunk["choices"][0]["finish_reason"].as_str());
        assert_eq!(reason, Some("length"), "{kind}");
    }
}

#[tokio::test]
async fn what_a_provider_cannot_do_is_refused_by_name_and_not_left_out() {
    for (kind, shape, name, field, value) in [
        ("anthropic", Shape::Anthropic, "anthropic", "n", json!(2)),
        (
            "anthropic",
            Shape::Anthropic,
            "anthropic",
            "logprobs",
            json!(true),
        ),
        (
            "anthropic",
            Shape::Anthropic,
            "anthropic",
            "logit_bias",
            json!({"50256": -100}),
        ),
        ("ollama", Shape::Ollama, "ollama", "n", json!(2)),
        (
            "ollama",
            Shape::Ollama,
            "ollama",
            "logit_bias",
            json!({"50256": -100}),
        ),
    ] {
        let (provider, tenant, _) = with_key(kind, shape).await;
        let mut body = ask(&format!("{name}/sim-ok"), "too much");
        body[field] = value;
        let refused = tenant.chat(&body).await;
        assert_eq!(refused.status, 400, "{kind} {field}: {}", refused.text());
        let error = &refused.json()["error"];
        assert_eq!(error["code"], "unsupported_parameter", "{kind} {field}: {error}");
        assert_eq!(error["param"], field, "{kind}: {error}");
        assert_eq!(provider.inferences().len(), 0, "{kind} {field}");
        let record = tenant.only_record().await;
        assert_eq!(record["outcome"], "denied");
    }
}

#[tokio::test]
async fn a_system_message_a_long_talk_and_a_picture_reach_every_kind() {
    const DOT: &str = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
    for (kind, shape, name) in KINDS {
        let (_provider, tenant, _) = with_key(kind, shape).await;
        let body = json!({"model": format!("{name}/sim-ok"), "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "first"},
            {"role": "assistant", "content": "second"},
            {"role": "user", "content": [
                {"type": "text", "text": "what is this"},
                {"type": "image_url", "image_url": {"url": DOT}},
            ]},
        ]});
        let said = text(&tenant.chat(&body).await);
        assert_eq!(said, "Simulated answer to: what is this (images: 1)", "{kind}");
    }
}
