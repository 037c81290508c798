//! What a provider does wrong, what its caller is told, what becomes of the key, and how often it was asked.

use std::time::{Duration, Instant};

use freehold_testkit::freehold::Freehold;
use freehold_testkit::simulator::{Account, Shape, Simulator};
use serde_json::json;

use crate::support::tenant::{ask, ask_stream, fresh_provider_key};
use crate::support::{Tenant, answer, eventually, options, server};

/// A row: the behaviour, the status and code the caller reads, the key's status afterwards, and how often it was sent.
type Row = (&'static str, u16, &'static str, &'static str, usize);

/// One that worked before stays `valid` unless it is refused as a key; what may have run is sent once, and what has
/// certainly not run once more.
const OPENAI: [Row; 26] = [
    ("fault-auth_invalid", 424, "provider_key_rejected", "revoked", 1),
    ("status-401", 424, "provider_key_rejected", "revoked", 1),
    ("fault-auth_forbidden", 424, "provider_key_rejected", "valid", 1),
    ("fault-billing", 424, "provider_balance_exhausted", "valid", 1),
    ("status-402", 424, "provider_balance_exhausted", "valid", 1),
    ("fault-rate_limited", 429, "rate_limit_exceeded", "valid", 1),
    ("status-429", 429, "rate_limit_exceeded", "valid", 1),
    ("fault-overloaded", 502, "upstream_overloaded", "valid", 2),
    ("status-503", 502, "upstream_overloaded", "valid", 2),
    ("status-500", 502, "upstream_error", "valid", 1),
    ("fault-upstream_error", 502, "upstream_error", "valid", 1),
    ("html-502", 502, "upstream_error", "valid", 1),
    ("empty-500", 502, "upstream_error", "valid", 1),
    ("fault-bad_request", 400, "", "valid", 1),
    ("fault-context_length", 400, "context_length_exceeded", "valid", 1),
    ("fault-model_not_found", 404, "model_not_found", "valid", 1),
    ("html-200", 502, "upstream_error", "valid", 1),
    ("invalid-json", 502, "upstream_error", "valid", 1),
    ("error-in-200", 502, "upstream_error", "valid", 1),
    ("reset", 502, "upstream_error", "valid", 1),
    ("garbage", 502, "upstream_error", "valid", 1),
    ("half-head", 502, "upstream_error", "valid", 1),
    ("short-length", 502, "upstream_error", "valid", 1),
    ("gzip-bomb", 502, "upstream_error", "valid", 1),
    ("header-bomb", 502, "upstream_error", "valid", 1),
    ("redirect-307", 502, "upstream_error", "valid", 1),
];

const ANTHROPIC: [Row; 8] = [
    ("fault-auth_invalid", 424, "provider_key_rejected", "revoked", 1),
    ("fault-auth_forbidden", 424, "provider_key_rejected", "valid", 1),
    ("fault-billing", 424, "provider_balance_exhausted", "valid", 1),
    ("fault-rate_limited", 429, "rate_limit_exceeded", "valid", 1),
    ("fault-overloaded", 502, "upstream_overloaded", "valid", 2),
    ("fault-upstream_error", 502, "upstream_error", "valid", 1),
    ("fault-bad_request", 400, "", "valid", 1),
    ("fault-model_not_found", 404, "model_not_found", "valid", 1),
];

const OLLAMA: [Row; 4] = [
    ("fault-overloaded", 502, "upstream_overloaded", "valid", 2),
    ("fault-upstream_error", 502, "upstream_error", "valid", 1),
    ("fault-model_not_found", 404, "model_not_found", "valid", 1),
    ("fault-bad_request", 400, "", "valid", 1),
];

async fn hold(kind: &str, shape: Shape, rows: &[Row]) {
    for &(fault, status, code, key_status, sent) in rows {
        let provider = Simulator::start(shape);
        let tenant = Tenant::new(server().await).await;
        let key = tenant.store_key(kind, &provider).await;
        let model = format!("{kind}/sim-ok");
        assert_eq!(tenant.chat(&ask(&model, "works")).await.status, 200);
        provider.forget();
        provider.behave(&format!("sim-{fault}"));
        let reply = tenant.chat(&ask(&model, "fails")).await;
        let context = format!("{kind} {fault}: {} {}", reply.status, reply.text());
        assert_eq!(reply.status, status, "{context}");
        if !code.is_empty() {
            assert_eq!(answer::code(&reply), code, "{context}");
        }
        assert_eq!(reply.json()["error"]["origin"], "provider", "{context}");
        if status == 429 {
            assert!(reply.header("retry-after").is_some(), "{context}");
        }
        assert_eq!(provider.inferences().len(), sent, "{context}");
        assert_eq!(tenant.status(&key).await, key_status, "{context}");
        let record = tenant.record(reply.header("x-request-id").unwrap()).await;
        assert_eq!(record["outcome"], "failed", "{context}");
        assert_eq!(record["denial"]["status"], status, "{context}");
        assert_eq!(
            record["attempts"].as_array().unwrap().len(),
            sent,
            "{context}: {}",
            record["attempts"]
        );
        assert_eq!(record["tokens"]["output"], 0, "{context}");
        assert_eq!(tenant.records().await.len(), 2, "{context}");
    }
}

#[tokio::test]
async fn every_fault_of_openai_has_its_status_its_code_and_its_effect_on_the_key() {
    hold("openai", Shape::OpenAi, &OPENAI).await;
}

#[tokio::test]
async fn every_fault_of_anthropic_has_its_status_its_code_and_its_effect_on_the_key() {
    hold("anthropic", Shape::Anthropic, &ANTHROPIC).await;
}

#[tokio::test]
async fn every_fault_of_ollama_has_its_status_its_code_and_its_effect_on_the_key() {
    hold("ollama", Shape::Ollama, &OLLAMA).await;
}

#[tokio::test]
async fn a_stream_that_never_begins_fails_like_a_whole_reply() {
    for &(fault, status, code, _, sent) in OPENAI
        .iter()
        .filter(|row| row.0.starts_with("fault-") || row.0 == "reset")
    {
        let provider = Simulator::start(Shape::OpenAi);
        let tenant = Tenant::new(server().await).await;
        tenant.store_key("openai", &provider).await;
        provider.behave(&format!("sim-{fault}"));
        let reply = tenant.chat(&ask_stream("openai/sim-ok", "fails")).await;
        assert_eq!(reply.status, status, "{fault}: {}", reply.text());
        assert!(
            code.is_empty() || answer::code(&reply) == code,
            "{fault}: {}",
            reply.text()
        );
        assert_eq!(reply.header("content-type"), Some("application/json"), "{fault}");
        assert_eq!(provider.inferences().len(), sent, "{fault}");
    }
}

#[tokio::test]
async fn a_key_that_never_worked_is_invalid_and_one_that_did_is_revoked_and_either_can_come_back() {
    let provider = Simulator::start(Shape::OpenAi);
    let tenant = Tenant::new(server().await).await;
    let secret = fresh_provider_key();
    let key = tenant
        .store(json!({"provider": "openai", "api_key": secret, "base_url": provider.base_url()}))
        .await;
    assert_eq!(tenant.status(&key).await, "unknown");
    assert_eq!(tenant.chat(&ask("openai/sim-ok", "refused")).await.status, 424);
    assert_eq!(tenant.status(&key).await, "invalid");
    let reason = tenant.provider_key(&key).await["status_reason"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(!reason.is_empty() && !reason.contains(&secret), "{reason}");
    provider.accept(&secret);
    assert_eq!(tenant.chat(&ask("openai/sim-ok", "taken")).await.status, 200);
    assert_eq!(tenant.status(&key).await, "valid");
    assert_eq!(tenant.provider_key(&key).await["status_reason"], json!(null));
    provider.set_account(&secret, Account::Revoked);
    assert_eq!(
        tenant.chat(&ask("openai/sim-ok", "refused again")).await.status,
        424
    );
    assert_eq!(tenant.status(&key).await, "revoked");
}

#[tokio::test]
async fn nobody_at_home_is_told_as_such_and_the_key_is_left_alone() {
    let address = {
        let provider = Simulator::start(Shape::OpenAi);
        provider.base_url()
    };
    let tenant = Tenant::new(server().await).await;
    let key = tenant
        .store(json!({"provider": "openai", "api_key": fresh_provider_key(), "base_url": address}))
        .await;
    let reply = tenant.chat(&ask("openai/sim-ok", "anybody?")).await;
    assert_eq!(answer::refusal(&reply), (502, "upstream_error".to_owned()));
    assert!(
        !reply.text().contains("127.0.0.1"),
        "addresses are nobody's business: {}",
        reply.text()
    );
    assert_eq!(tenant.status(&key).await, "unknown");
    let record = tenant.only_record().await;
    assert_eq!(
        record["attempts"].as_array().unwrap().len(),
        2,
        "it certainly did not run, so it was tried once more"
    );
    assert_eq!(record["attempts"][0]["status"], json!(null));
}

#[tokio::test]
async fn after_a_time_out_nothing_is_ever_sent_again() {
    let (slow, other) = (Simulator::start(Shape::OpenAi), Simulator::start(Shape::OpenAi));
    let server = Freehold::start(options().toml("[limits]\nrequest_deadline_seconds = 1")).await;
    for behaviour in ["sim-hang", "sim-silent-then-answer-3000", "sim-hang-mid-stream"] {
        for stream in [false, true] {
            if stream && behaviour == "sim-hang-mid-stream" {
                continue;
            }
            let tenant = Tenant::new(&server).await;
            let first = tenant.store_key("openai", &slow).await;
            let second = tenant.store_key("openai", &other).await;
            slow.forget();
            slow.behave(behaviour);
            let mut body = ask("openai/gpt-4o-mini", "take your time");
            body["stream"] = json!(stream);
            let began = Instant::now();
            let reply = tenant.chat(&body).await;
            let context = format!("{behaviour} {stream}: {}", reply.text());
            assert_eq!(
                answer::refusal(&reply),
                (504, "upstream_timeout".to_owned()),
                "{context}"
            );
            assert!(
                (900..2_500).contains(&began.elapsed().as_millis()),
                "{:?}",
                began.elapsed()
            );
            assert_eq!(
                (slow.inferences().len(), other.inferences().len()),
                (1, 0),
                "{context}"
            );
            // Who has begun to answer has taken the key.
            let known = if behaviour == "sim-hang-mid-stream" {
                "valid"
            } else {
                "unknown"
            };
            assert_eq!(tenant.status(&first).await, known, "{context}");
            assert_eq!(tenant.status(&second).await, "unknown", "{context}");
            assert_eq!(
                tenant.only_record().await["attempts"].as_array().unwrap().len(),
                1,
                "{context}"
            );
            slow.idle().await;
        }
    }
}

#[tokio::test]
async fn a_stream_that_stands_still_in_the_middle_is_ended_at_the_deadline() {
    let provider = Simulator::start(Shape::OpenAi);
    let server = Freehold::start(options().toml("[limits]\nrequest_deadline_seconds = 1")).await;
    let tenant = Tenant::new(&server).await;
    tenant.store_key("openai", &provider).await;
    let reply = tenant
        .chat(&ask_stream("openai/sim-long-30+hang-mid-stream", "stop"))
        .await;
    assert_eq!(reply.status, 200);
    assert!(!reply.text().contains("[DONE]"));
    assert_eq!(tenant.only_record().await["denial"]["code"], "upstream_timeout");
    provider.idle().await;
    assert_eq!(provider.inferences().len(), 1);
}

#[tokio::test]
async fn a_key_that_keeps_failing_is_paused_and_tried_again_later() {
    let provider = Simulator::start(Shape::OpenAi);
    let tenant = Tenant::new(server().await).await;
    tenant.store_key("openai", &provider).await;
    provider.behave("sim-status-500");
    for _ in 0..10 {
        assert_eq!(tenant.chat(&ask("openai/sim-ok", "broken")).await.status, 502);
    }
    let paused = tenant.chat(&ask("openai/sim-ok", "paused")).await;
    assert_eq!(answer::refusal(&paused), (503, "no_candidate".to_owned()));
    assert!(paused.header("retry-after").is_some());
    assert_eq!(provider.inferences().len(), 10, "the eleventh was not sent");
    provider.behave_normally();
    eventually("the end of the pause", async || {
        let reply = tenant.chat(&ask("openai/sim-ok", "mended?")).await;
        (reply.status == 200).then_some(())
    })
    .await;
    tokio::time::timeout(Duration::from_secs(5), provider.idle())
        .await
        .unwrap();
}
