//! Tokens by class: the provider's figures where they can be believed, an estimate that says so where not.

use freehold_testkit::simulator::{Shape, Simulator};
use serde_json::json;

use crate::support::answer::metadata;
use crate::support::tenant::{ask, ask_stream};
use crate::support::{Tenant, server};

const KINDS: [(&str, Shape); 3] = [
    ("openai", Shape::OpenAi),
    ("anthropic", Shape::Anthropic),
    ("ollama", Shape::Ollama),
];

async fn tenant_of(kind: &str, provider: &Simulator) -> Tenant {
    let tenant = Tenant::new(server().await).await;
    tenant.store_key(kind, provider).await;
    tenant
}

#[tokio::test]
async fn cached_and_reasoning_tokens_are_told_apart() {
    for (kind, shape) in KINDS {
        let provider = Simulator::start(shape);
        let tenant = tenant_of(kind, &provider).await;
        for behaviour in ["sim-cached", "sim-reasoning"] {
            let model = format!("{kind}/{behaviour}");
            for body in [
                ask(&model, "count me by class"),
                ask_stream(&model, "count me by class"),
            ] {
                let reply = tenant.chat(&body).await.expect(200);
                let seen = provider.last().usage.unwrap();
                let record = tenant
                    .record(metadata(&reply)["request_id"].as_str().unwrap())
                    .await;
                let tokens = &record["tokens"];
                let context = format!("{kind} {behaviour} {}: {tokens} of {seen:?}", body["stream"]);
                assert_eq!(tokens["output"], seen.output, "{context}");
                assert_eq!(record["usage_source"], "provider", "{context}");
                // Ollama knows one class of input and tells no reasoning apart.
                if kind == "ollama" {
                    continue;
                }
                assert_eq!(tokens["input"], seen.input, "{context}");
                assert_eq!(tokens["cache_read"], seen.cache_read, "{context}");
                assert_eq!(tokens["cache_write"], seen.cache_write, "{context}");
                if kind == "openai" {
                    assert_eq!(tokens["reasoning"], seen.reasoning, "{context}");
                }
            }
        }
    }
}

#[tokio::test]
async fn usage_that_cannot_be_believed_is_replaced_by_an_estimate_that_says_so() {
    let provider = Simulator::start(Shape::OpenAi);
    let tenant = tenant_of("openai", &provider).await;
    for behaviour in [
        "sim-no-usage",
        "sim-usage-negative",
        "sim-usage-text",
        "sim-usage-huge",
    ] {
        let model = format!("openai/{behaviour}");
        for body in [
            ask(&model, "how many were there"),
            ask_stream(&model, "how many were there"),
        ] {
            let reply = tenant.chat(&body).await.expect(200);
            let context = format!("{behaviour} {}", body["stream"]);
            assert_eq!(metadata(&reply)["usage_source"], "estimated", "{context}");
            let record = tenant
                .record(metadata(&reply)["request_id"].as_str().unwrap())
                .await;
            let output = record["tokens"]["output"].as_u64().unwrap();
            assert!((1..1_000).contains(&output), "{context}: {}", record["tokens"]);
        }
    }
}

#[tokio::test]
async fn usage_that_comes_late_twice_or_with_every_piece_counts_once() {
    let provider = Simulator::start(Shape::OpenAi);
    let tenant = tenant_of("openai", &provider).await;
    for behaviour in ["sim-late-usage", "sim-usage-twice", "sim-usage-every-piece"] {
        let reply = tenant
            .chat(&ask_stream(&format!("openai/{behaviour}"), "count me once"))
            .await
            .expect(200);
        let seen = provider.last().usage.unwrap();
        let record = tenant
            .record(metadata(&reply)["request_id"].as_str().unwrap())
            .await;
        assert_eq!(record["tokens"]["output"], seen.output, "{behaviour}: {record}");
        assert_eq!(record["tokens"]["input"], seen.input, "{behaviour}");
        assert_eq!(record["usage_source"], "provider", "{behaviour}");
    }
}

#[tokio::test]
async fn a_zero_that_the_provider_reports_is_a_zero() {
    let provider = Simulator::start(Shape::OpenAi);
    let tenant = tenant_of("openai", &provider).await;
    let reply = tenant
        .chat(&ask("openai/sim-usage-zero", "for nothing"))
        .await
        .expect(200);
    let record = tenant
        .record(metadata(&reply)["request_id"].as_str().unwrap())
        .await;
    assert_eq!(
        (&record["tokens"]["input"], &record["tokens"]["output"]),
        (&json!(0), &json!(0))
    );
    assert_eq!(record["usage_source"], "provider");
}

#[tokio::test]
async fn the_providers_own_figures_are_kept_beside_ours() {
    let provider = Simulator::start(Shape::OpenAi);
    let tenant = tenant_of("openai", &provider).await;
    let reply = tenant
        .chat(&ask("openai/sim-reasoning", "kept"))
        .await
        .expect(200);
    let record = tenant
        .record(metadata(&reply)["request_id"].as_str().unwrap())
        .await;
    assert_eq!(record["provider_usage"], reply.json()["usage"]);
}
