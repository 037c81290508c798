//! `freehold_metadata` and the headers of ours: whole, of the promised types, and in the promised place.

use freehold_testkit::client::Answer;
use freehold_testkit::simulator::{Shape, Simulator};
use serde_json::{Value, json};

use crate::support::answer::{chunks, digits, members, metadata, metadata_text};
use crate::support::tenant::{ask, ask_stream, ask_stream_with_usage};
use crate::support::{Tenant, server};

/// Holds `metadata` against the promise, member by member.
fn must_be_whole(answer: &Answer) -> Value {
    let text = metadata_text(answer);
    let metadata = metadata(answer);
    assert_eq!(
        members(&metadata),
        [
            "adjusted",
            "attempts",
            "cache",
            "cost_attribution",
            "cost_usd",
            "credits_charged",
            "expected",
            "model_used",
            "provider_key",
            "provider_used",
            "request_id",
            "usage_source",
            "variance"
        ]
    );
    assert!(
        metadata["request_id"]
            .as_str()
            .is_some_and(|id| id.starts_with("req_")),
        "{text}"
    );
    assert!(
        metadata["provider_used"].is_string() && metadata["model_used"].is_string(),
        "{text}"
    );
    assert_eq!(metadata["cache"], "miss");
    for amount in ["cost_usd", "credits_charged"] {
        let digits = digits(&text, amount);
        assert!(
            digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.'),
            "{amount} is a plain number: {text}"
        );
    }
    let expected = &metadata["expected"];
    assert_eq!(members(expected), ["cost_usd", "input_tokens", "output_tokens"]);
    assert!(
        expected["input_tokens"].is_u64()
            && expected["output_tokens"].is_u64()
            && expected["cost_usd"].is_number()
    );
    let variance = &metadata["variance"];
    assert_eq!(members(variance), ["cause", "cost_usd", "tokens"]);
    assert!(variance["tokens"].is_i64() && variance["cost_usd"].is_number() && variance["cause"].is_string());
    for attempt in metadata["attempts"].as_array().unwrap() {
        assert!(
            attempt["provider"].is_string() && attempt["outcome"].is_string() && attempt["ms"].is_u64(),
            "{attempt}"
        );
    }
    metadata
}

async fn tenant_of(provider: &Simulator) -> (Tenant, String) {
    let tenant = Tenant::new(server().await).await;
    let key = "sk-production-key-of-this-test-0123456789";
    provider.accept(key);
    let id = tenant
        .store(json!({"provider": "openai", "api_key": key, "label": "Production key", "base_url": provider.base_url()}))
        .await;
    (tenant, id)
}

#[tokio::test]
async fn a_whole_reply_carries_the_metadata_as_one_more_member() {
    let provider = Simulator::start(Shape::OpenAi);
    let (tenant, key) = tenant_of(&provider).await;
    let reply = tenant
        .chat(&ask("openai/gpt-4o-mini", "what will this cost"))
        .await
        .expect(200);
    let metadata = must_be_whole(&reply);
    let seen = provider.last().usage.unwrap();
    assert_eq!(metadata["cost_attribution"], "byok");
    assert_eq!(metadata["provider_used"], "openai");
    assert_eq!(metadata["model_used"], "gpt-4o-mini");
    assert_eq!(
        metadata["provider_key"],
        json!({"id": key, "label": "Production key"})
    );
    assert_eq!(metadata["usage_source"], "provider");
    assert_eq!(metadata["credits_charged"], 0);
    assert_eq!(metadata["adjusted"], Value::Null);
    let attempts = metadata["attempts"].as_array().unwrap();
    assert_eq!(attempts.len(), 1);
    assert_eq!(
        (
            &attempts[0]["provider"],
            &attempts[0]["provider_key"],
            &attempts[0]["outcome"]
        ),
        (&json!("openai"), &json!(key), &json!("ok"))
    );
    // 0.15 and 0.6 dollars for a million.
    let nanodollars = seen.input * 150 + seen.output * 600;
    let written: f64 = digits(&metadata_text(&reply), "cost_usd").parse().unwrap();
    assert_eq!((written * 1e9).round() as u64, nanodollars);
    let expected = &metadata["expected"];
    let variance = metadata["variance"]["tokens"].as_i64().unwrap();
    let sum =
        expected["input_tokens"].as_i64().unwrap() + expected["output_tokens"].as_i64().unwrap() + variance;
    assert_eq!(
        sum,
        (seen.input + seen.output) as i64,
        "expected and variance add up to what was used"
    );
}

#[tokio::test]
async fn a_stream_whose_client_asked_for_usage_carries_the_metadata_in_the_usage_chunk() {
    let provider = Simulator::start(Shape::OpenAi);
    let (tenant, _) = tenant_of(&provider).await;
    let reply = tenant
        .chat(&ask_stream_with_usage("openai/gpt-4o-mini", "count"))
        .await
        .expect(200);
    must_be_whole(&reply);
    let chunks = chunks(&reply);
    let with: Vec<_> = chunks
        .iter()
        .filter(|chunk| !chunk["freehold_metadata"].is_null())
        .collect();
    assert_eq!(with.len(), 1);
    assert_eq!(with[0]["choices"], json!([]));
    assert!(with[0]["usage"]["total_tokens"].is_u64());
    assert_eq!(chunks.last(), Some(with[0]), "it is the last data chunk");
    assert!(
        !reply
            .text()
            .lines()
            .any(|line| line.starts_with(": freehold_metadata")),
        "and stands in no comment as well"
    );
}

#[tokio::test]
async fn a_stream_whose_client_did_not_ask_carries_it_in_a_comment_before_the_end() {
    let provider = Simulator::start(Shape::OpenAi);
    let (tenant, _) = tenant_of(&provider).await;
    for options in [Value::Null, json!({"include_usage": false}), json!({})] {
        let mut body = ask_stream("openai/gpt-4o-mini", "do not count");
        if !options.is_null() {
            body["stream_options"] = options;
        }
        let reply = tenant.chat(&body).await.expect(200);
        must_be_whole(&reply);
        let chunks = chunks(&reply);
        assert!(
            chunks
                .iter()
                .all(|chunk| chunk["usage"].is_null() && chunk["freehold_metadata"].is_null()),
            "{chunks:#?}"
        );
        assert!(chunks.iter().all(|chunk| {
            chunk["choices"]
                .as_array()
                .is_some_and(|choices| !choices.is_empty())
        }));
        let text = reply.text();
        let comment = text.find("\n: freehold_metadata ").expect("a comment");
        assert!(comment < text.find("data: [DONE]").unwrap());
        assert!(
            text.get(comment..).unwrap().matches("data:").count() == 1,
            "nothing but the end comes after it"
        );
        assert_eq!(
            provider.last().json()["stream_options"]["include_usage"],
            true,
            "the provider is asked in any case"
        );
    }
}

#[tokio::test]
async fn the_metadata_says_what_the_record_says() {
    let provider = Simulator::start(Shape::OpenAi);
    let (tenant, _) = tenant_of(&provider).await;
    for body in [
        ask("openai/gpt-4o-mini", "whole"),
        ask_stream("openai/gpt-4o-mini", "streamed"),
    ] {
        let reply = tenant.chat(&body).await.expect(200);
        let (text, metadata) = (metadata_text(&reply), metadata(&reply));
        let record = tenant.record(metadata["request_id"].as_str().unwrap()).await;
        assert_eq!(record["cost_usd"].as_str().unwrap(), digits(&text, "cost_usd"));
        assert_eq!(
            record["credits_charged"].as_str().unwrap(),
            digits(&text, "credits_charged")
        );
        for same in ["cost_attribution", "provider_key", "usage_source", "model_used"] {
            assert_eq!(record[same], metadata[same], "{same}");
        }
        assert_eq!(record["provider"], metadata["provider_used"]);
        assert_eq!(record["variance"]["cause"], metadata["variance"]["cause"]);
        assert_eq!(
            record["expected"]["output_tokens"],
            metadata["expected"]["output_tokens"]
        );
        assert_eq!(
            record["attempts"].as_array().unwrap().len(),
            metadata["attempts"].as_array().unwrap().len()
        );
    }
}

#[tokio::test]
async fn every_reply_bears_headers_of_ours() {
    let provider = Simulator::start(Shape::OpenAi);
    let (tenant, _) = tenant_of(&provider).await;
    let whole = tenant.chat(&ask("openai/gpt-4o-mini", "whole")).await.expect(200);
    let stream = tenant
        .chat(&ask_stream("openai/gpt-4o-mini", "streamed"))
        .await
        .expect(200);
    for reply in [&whole, &stream] {
        assert_eq!(
            reply.header("x-request-id"),
            metadata(reply)["request_id"].as_str()
        );
        assert_eq!(reply.header("x-freehold-attribution"), Some("byok"));
        assert_eq!(reply.header("x-freehold-provider"), Some("openai"));
        assert!(
            reply
                .header("x-freehold-overhead-us")
                .is_some_and(|micros| micros.parse::<u64>().is_ok())
        );
        assert!(
            reply.header("set-cookie").is_none() && reply.header("openai-organization").is_none(),
            "{:?}",
            reply.headers
        );
        assert!(
            reply.header("x-upstream-request-id").is_some(),
            "{:?}",
            reply.headers
        );
    }
    assert_eq!(
        whole.header("x-freehold-cost-usd"),
        Some(digits(&metadata_text(&whole), "cost_usd").as_str())
    );
    assert_eq!(whole.header("content-type"), Some("application/json"));
    assert!(
        stream
            .header("content-type")
            .is_some_and(|kind| kind.starts_with("text/event-stream"))
    );
    assert_eq!(stream.header("cache-control"), Some("no-cache"));

    let refused = tenant.chat(&ask("nobody/knows", "?")).await;
    let id = refused.header("x-request-id").unwrap().to_owned();
    assert_eq!(refused.json()["error"]["request_id"], id.as_str());
    assert_eq!(tenant.record(&id).await["outcome"], "denied");
    for path in ["/v1/models", "/v1/credits", "/v1/usage/records"] {
        assert!(
            tenant
                .get(path)
                .await
                .header("x-request-id")
                .is_some_and(|id| id.starts_with("req_")),
            "{path}"
        );
    }
}

#[tokio::test]
async fn expectations_learn_from_what_was_used() {
    let provider = Simulator::start(Shape::OpenAi);
    let (tenant, _) = tenant_of(&provider).await;
    // A model of this test alone, so that others do not teach it something else.
    provider.add_model("gpt-4.1-nano-2025-04-14", "sim-long-40");
    let mut off = Vec::new();
    for _ in 0..12 {
        let reply = tenant
            .chat(&ask("openai/gpt-4.1-nano-2025-04-14", "always the same question"))
            .await
            .expect(200);
        off.push(metadata(&reply)["variance"]["tokens"].as_i64().unwrap().abs());
    }
    assert!(off[0] > 100, "{off:?}");
    assert!(off[11] * 5 < off[0], "{off:?}");
}
