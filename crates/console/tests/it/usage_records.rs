//! Usage records: exact, filtered, and only one's own.

use std::borrow::Cow;
use std::collections::BTreeMap;

use freehold_domain::id::{RequestId, uuid_v7};
use freehold_domain::money::{Credits, Nanodollars};
use freehold_domain::record::{
    Attempt, Attribution, Expected, KeyName, Outcome, PriceStamp, Refusal, UsageRecord, Variance,
    VarianceCause,
};
use freehold_domain::tokens::{TokenUsage, UsageSource};
use serde_json::{Value, json};

use crate::app::{App, START, Tenant};

fn record(tenant: &Tenant, number: u8) -> UsageRecord {
    let at = START.plus_millis(i64::from(number) * 1000);
    UsageRecord {
        request_id: RequestId::from_uuid(uuid_v7(at, [number; 10])),
        created_at: at,
        outcome: Outcome::Ok,
        workspace_id: tenant.id.parse().unwrap(),
        virtual_key: KeyName {
            id: tenant.key_id.parse().unwrap(),
            label: Some("all".into()),
        },
        surface: Cow::Borrowed("chat_completions"),
        stream: true,
        provider: Some("openai".into()),
        provider_key: Some(KeyName {
            id: "pk_0192f0c1e2a37b4c8d5e6f7081920a1d".parse().unwrap(),
            label: None,
        }),
        model_requested: "openai/gpt-5".into(),
        model_used: Some("gpt-5".into()),
        cost_attribution: Some(Attribution::Byok),
        tokens: TokenUsage {
            input: 12,
            output: 211,
            reasoning: 64,
            ..TokenUsage::default()
        },
        usage_source: UsageSource::Provider,
        provider_usage: Some(r#"{"prompt_tokens":12,"exact":0.1000}"#.into()),
        cost_usd: Some(Nanodollars::from_units(2_300_000)),
        price: Some(PriceStamp {
            source: "built-in".into(),
            date: "2026-11-01".into(),
        }),
        credits_charged: Credits::ZERO,
        expected: Some(Expected {
            input_tokens: 12,
            output_tokens: 180,
            cost_usd: None,
        }),
        variance: Some(Variance {
            tokens: 31,
            cost_usd: None,
            cause: VarianceCause::OutputLonger,
        }),
        attempts: vec![Attempt {
            provider: "openai".into(),
            provider_key: None,
            outcome: Cow::Borrowed("ok"),
            status: Some(200),
            ms: 812,
        }],
        finish_reason: Some(Cow::Borrowed("stop")),
        latency_ms: 4210,
        first_byte_ms: Some(815),
        overhead_us: 410,
        tags: BTreeMap::from([(Cow::Borrowed("workflow"), "chat".to_owned())]),
        denial: None,
    }
}

#[tokio::test]
async fn a_record_is_shown_whole_with_exact_amounts() {
    let app = App::new();
    let tenant = app.tenant("Acme", "free").await;
    let mut kept = record(&tenant, 1);
    kept.denial = Some(Refusal {
        code: Cow::Borrowed("no_candidate"),
        message: "None.".to_owned(),
        status: 503,
    });
    let id = kept.request_id;
    app.store.add_record(kept);
    let shown = app
        .call(&format!("GET /v1/usage/records/{id}"), &tenant.key, Value::Null)
        .await
        .must_be(200);
    let expected = json!({
        "request_id": id.to_string(), "object": "usage_record", "created_at": "2026-11-21T00:00:01Z", "outcome": "ok",
        "workspace_id": tenant.id, "virtual_key": {"id": tenant.key_id, "label": "all"}, "surface": "chat_completions",
        "stream": true, "provider": "openai", "provider_key": {"id": "pk_0192f0c1e2a37b4c8d5e6f7081920a1d", "label": null},
        "model_requested": "openai/gpt-5", "model_used": "gpt-5", "cost_attribution": "byok",
        "tokens": {"input": 12, "cache_read": 0, "cache_write": 0, "cache_write_long": 0, "output": 211, "reasoning": 64,
            "audio_input": 0, "audio_output": 0},
        "usage_source": "provider", "provider_usage": {"prompt_tokens": 12, "exact": 0.1}, "cost_usd": "0.0023",
        "price": {"source": "built-in", "date": "2026-11-01"}, "credits_charged": "0",
        "expected": {"input_tokens": 12, "output_tokens": 180, "cost_usd": null},
        "variance": {"tokens": 31, "cost_usd": null, "cause": "output_longer"},
        "attempts": [{"provider": "openai", "provider_key": null, "outcome": "ok", "status": 200, "ms": 812}],
        "finish_reason": "stop", "latency_ms": 4210, "first_byte_ms": 815, "overhead_us": 410, "tags": {"workflow": "chat"},
        "denial": {"code": "no_candidate", "message": "None.", "status": 503},
    });
    assert_eq!(shown.json, expected);
    assert!(
        shown.text.contains("0.1000"),
        "the provider's own usage is shown as it came: {}",
        shown.text
    );
}

#[tokio::test]
async fn filters_narrow_and_only_ones_own_records_are_seen() {
    let app = App::new();
    let tenant = app.tenant("Acme", "free").await;
    let other = app.tenant("Other", "free").await;
    for number in 1..=3 {
        app.store.add_record(record(&tenant, number));
    }
    let mut denied = record(&tenant, 4);
    denied.outcome = Outcome::Denied;
    denied.provider = None;
    denied.provider_key = None;
    denied.cost_attribution = None;
    app.store.add_record(denied);
    let foreign = record(&other, 9);
    let foreign_id = foreign.request_id;
    app.store.add_record(foreign);
    let own_key = format!("virtual_key={}", tenant.key_id);
    let other_key = format!("virtual_key={}", other.key_id);
    for (query, expected) in [
        ("", 4),
        ("outcome=ok", 3),
        ("outcome=denied", 1),
        ("attribution=byok", 3),
        ("attribution=platform", 0),
        ("provider=openai", 3),
        ("model=gpt-5", 4),
        ("model=gpt-6", 0),
        ("provider_key=pk_0192f0c1e2a37b4c8d5e6f7081920a1d", 3),
        (&own_key, 4),
        (&other_key, 0),
        ("from=2026-11-21T00:00:02Z", 3),
        ("to=2026-11-21T00:00:02Z", 1),
        ("from=2026-11-21T01:00:02%2B01:00&to=2026-11-21T00:00:03Z", 1),
        ("limit=2", 2),
    ] {
        let list = app
            .call(
                &format!("GET /v1/usage/records?{query}"),
                &tenant.key,
                Value::Null,
            )
            .await
            .must_be(200);
        assert_eq!(list.json["data"].as_array().unwrap().len(), expected, "{query}");
        assert!(!list.text.contains(&foreign_id.to_string()), "{query}");
    }
    app.call(
        &format!("GET /v1/usage/records/{foreign_id}"),
        &tenant.key,
        Value::Null,
    )
    .await
    .refused(404);
}

#[tokio::test]
async fn a_filter_that_makes_no_sense_is_refused_rather_than_ignored() {
    let app = App::new();
    let tenant = app.tenant("Acme", "free").await;
    for (query, param) in [
        ("outcome=fine", Some("outcome")),
        ("attribution=me", Some("attribution")),
        ("from=yesterday", Some("from")),
        ("to=", Some("to")),
        (
            "provider_key=vk_0192f0c1e2a37b4c8d5e6f7081920a1d",
            Some("provider_key"),
        ),
        ("virtual_key=7", Some("virtual_key")),
        ("from=2026-11-22T00:00:00Z&to=2026-11-21T00:00:00Z", Some("from")),
        ("outcome=ok&outcome=denied", Some("outcome")),
        ("outcomes=ok", None),
    ] {
        let target = format!("GET /v1/usage/records?{query}");
        app.call(&target, &tenant.key, Value::Null)
            .await
            .refused(400)
            .with("invalid_request", param);
    }
}
