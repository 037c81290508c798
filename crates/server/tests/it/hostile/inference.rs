//! Malformed bodies for `/v1/chat/completions`, towards every kind of provider.

use freehold_testkit::freehold::Freehold;
use freehold_testkit::simulator::{Shape, Simulator};
use serde_json::{Value, json};

use super::siege::{Target, besiege};
use crate::support::{Tenant, options};

/// A request that uses what requests can use, so that everything can be spoilt.
fn rich(model: &str) -> Value {
    json!({
        "model": model, "max_tokens": 20, "temperature": 0.5, "top_p": 1, "n": 1, "stop": ["END"], "seed": 7, "user": "u",
        "stream": false, "stream_options": {"include_usage": true}, "parallel_tool_calls": true, "tool_choice": "auto",
        "service_tier": "auto", "response_format": {"type": "text"}, "metadata": {"k": "v"}, "reasoning_effort": "low",
        "tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {"a": {"type": "string"}}}}}],
        "messages": [
            {"role": "system", "content": "s"},
            {"role": "user", "content": [{"type": "text", "text": "hi"}, {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}]},
            {"role": "assistant", "content": null, "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{\"a\":\"b\"}"}}]},
            {"role": "tool", "tool_call_id": "c1", "content": "r"},
            {"role": "user", "content": "and now"},
        ],
    })
}

/// `without` are the fields that this kind of provider does not take.
async fn besiege_with(kind: &str, shape: Option<Shape>, without: &[&str]) {
    let mut server = Freehold::start(options()).await;
    let tenant = Tenant::new(&server).await;
    let provider = shape.map(Simulator::start);
    if let Some(provider) = &provider {
        provider.be_lenient();
        tenant.store_key(kind, provider).await;
    }
    let model = if shape.is_some() {
        format!("{kind}/sim-ok")
    } else {
        "sandbox/echo".to_owned()
    };
    let mut good = rich(&model);
    for field in without {
        good.as_object_mut().unwrap().remove(*field);
    }
    let reply = tenant.chat(&good).await;
    assert_eq!(
        reply.status,
        200,
        "before it is spoilt it is good: {}",
        reply.text()
    );
    let target = Target {
        method: "POST",
        path: "/v1/chat/completions".to_owned(),
        credential: tenant.key.clone(),
        headers: "",
        body: good.to_string(),
    };
    let statuses = besiege(&mut server, &tenant, &[target]).await;
    assert!(
        statuses.get(&400).is_some_and(|count| *count > 3_000),
        "{statuses:?}"
    );
    assert!(
        statuses.get(&200).is_some_and(|count| *count > 10),
        "some get through, or nothing was tested: {statuses:?}"
    );
    let records = tenant.records().await.len() as u64;
    let sent: u64 = statuses.values().sum();
    assert_eq!(
        records,
        sent + 2,
        "one record for each request, and two for the looks before and after"
    );
}

#[tokio::test]
async fn ten_thousand_malformed_bodies_for_the_sandbox_break_nothing() {
    besiege_with("sandbox", None, &[]).await;
}

#[tokio::test]
async fn ten_thousand_malformed_bodies_for_openai_break_nothing() {
    besiege_with("openai", Some(Shape::OpenAi), &[]).await;
}

#[tokio::test]
async fn ten_thousand_malformed_bodies_for_anthropic_break_nothing() {
    besiege_with("anthropic", Some(Shape::Anthropic), &["seed"]).await;
}

#[tokio::test]
async fn ten_thousand_malformed_bodies_for_ollama_break_nothing() {
    besiege_with("ollama", Some(Shape::Ollama), &[]).await;
}
