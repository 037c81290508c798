//! One key after the other, before the first byte: who is asked, in which order, and what is told about it.

use freehold_testkit::simulator::{Account, Shape, Simulator};
use serde_json::{Value, json};

use crate::support::answer::{metadata, text};
use crate::support::tenant::{ask, ask_stream, fresh_provider_key};
use crate::support::{Tenant, answer, server};

/// A tenant with two keys: the first leads to one provider, the second to another.
async fn two_keys(kind: &str, first: &Simulator, second: &Simulator) -> (Tenant, String, String) {
    let tenant = Tenant::new(server().await).await;
    let one = tenant.store_key(kind, first).await;
    let two = tenant.store_key(kind, second).await;
    (tenant, one, two)
}

#[tokio::test]
async fn a_refused_key_is_passed_over_at_once_and_the_next_one_answers() {
    for (kind, shape) in [("openai", Shape::OpenAi), ("anthropic", Shape::Anthropic)] {
        let (first, second) = (Simulator::start(shape), Simulator::start(shape));
        let (tenant, one, two) = two_keys(kind, &first, &second).await;
        first.behave("sim-fault-auth_invalid");
        let model = format!("{kind}/sim-ok");
        for body in [ask(&model, "over to you"), ask_stream(&model, "over to you")] {
            let reply = tenant.chat(&body).await;
            assert_eq!(text(&reply), "Simulated answer to: over to you");
            assert_eq!(metadata(&reply)["provider_key"]["id"], two.as_str());
        }
        assert_eq!(tenant.status(&one).await, "invalid", "it never worked");
        assert_eq!(tenant.status(&two).await, "valid");
        assert_eq!(
            first.inferences().len(),
            1,
            "a refused key is asked last from then on"
        );
        let first_record = tenant.records().await.pop().unwrap();
        let attempts = first_record["attempts"].as_array().unwrap();
        let told: Vec<_> = attempts
            .iter()
            .map(|attempt| {
                (
                    attempt["provider_key"].clone(),
                    attempt["outcome"].clone(),
                    attempt["status"].clone(),
                )
            })
            .collect();
        assert_eq!(
            told,
            [
                (json!(one), json!("auth_invalid"), json!(401)),
                (json!(two), json!("ok"), json!(200))
            ]
        );
        assert_eq!(first_record["outcome"], "ok");
        assert_eq!(first_record["provider_key"]["id"], two.as_str());
    }
}

#[tokio::test]
async fn a_key_that_worked_before_is_revoked() {
    let (first, second) = (Simulator::start(Shape::OpenAi), Simulator::start(Shape::OpenAi));
    let tenant = Tenant::new(server().await).await;
    let secret = fresh_provider_key();
    first.accept(&secret);
    let one = tenant
        .store(json!({"provider": "openai", "api_key": secret, "base_url": first.base_url()}))
        .await;
    tenant.store_key("openai", &second).await;
    assert_eq!(tenant.chat(&ask("openai/sim-ok", "works")).await.status, 200);
    first.set_account(&secret, Account::Revoked);
    let reply = tenant.chat(&ask("openai/sim-ok", "goes on")).await.expect(200);
    assert_eq!(tenant.status(&one).await, "revoked");
    assert_eq!(metadata(&reply)["attempts"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn what_cannot_have_run_goes_to_the_next_key_and_what_may_have_run_does_not() {
    for (fault, goes_on) in [
        ("fault-auth_invalid", true),
        ("fault-auth_forbidden", true),
        ("fault-billing", true),
        ("fault-rate_limited", true),
        ("fault-overloaded", true),
        ("status-500", true),
        ("html-502", true),
        ("fault-model_not_found", true),
        ("redirect-307", true),
        ("reset", false),
        ("half-head", false),
        ("garbage", false),
        ("html-200", false),
        ("invalid-json", false),
        ("short-length", false),
        ("fault-bad_request", false),
        ("fault-context_length", false),
    ] {
        let (first, second) = (Simulator::start(Shape::OpenAi), Simulator::start(Shape::OpenAi));
        let (tenant, one, two) = two_keys("openai", &first, &second).await;
        first.behave(&format!("sim-{fault}"));
        let reply = tenant.chat(&ask("openai/gpt-4o-mini", "go on")).await;
        let context = format!("{fault}: {}", reply.text());
        assert_eq!(reply.status == 200, goes_on, "{context}");
        assert_eq!(
            (first.inferences().len(), second.inferences().len()),
            (1, usize::from(goes_on)),
            "{context}"
        );
        let record = tenant.only_record().await;
        let keys: Vec<_> = record["attempts"]
            .as_array()
            .unwrap()
            .iter()
            .map(|attempt| attempt["provider_key"].as_str().unwrap())
            .collect();
        let expected: &[&str] = if goes_on { &[&one, &two] } else { &[&one] };
        assert_eq!(keys, expected, "{context}");
        let status = tenant.status(&one).await;
        let refused = fault == "fault-auth_invalid";
        assert_eq!(status == "invalid", refused, "{context}: {status}");
    }
}

#[tokio::test]
async fn a_provider_that_is_not_there_is_passed_over() {
    let second = Simulator::start(Shape::OpenAi);
    let gone = Simulator::start(Shape::OpenAi).base_url();
    let tenant = Tenant::new(server().await).await;
    let one = tenant
        .store(json!({"provider": "openai", "api_key": fresh_provider_key(), "base_url": gone}))
        .await;
    let two = tenant.store_key("openai", &second).await;
    let reply = tenant.chat(&ask("openai/sim-ok", "hello")).await.expect(200);
    assert_eq!(metadata(&reply)["provider_key"]["id"], two.as_str());
    assert_eq!(tenant.status(&one).await, "unknown");
}

#[tokio::test]
async fn keys_are_tried_by_priority_and_then_by_age() {
    let provider = Simulator::start(Shape::OpenAi);
    let tenant = Tenant::new(server().await).await;
    let mut ids = Vec::new();
    for priority in [5, -1, 0, 0] {
        let body = json!({"provider": "openai", "api_key": fresh_provider_key(), "base_url": provider.base_url(), "priority": priority});
        ids.push(tenant.store(body).await);
    }
    // None of the keys is known to the provider, so each is tried and refused.
    assert_eq!(tenant.chat(&ask("openai/sim-ok", "in order")).await.status, 424);
    let record = tenant.only_record().await;
    let tried: Vec<_> = record["attempts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|attempt| attempt["provider_key"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(tried, [&*ids[1], &ids[2], &ids[3], &ids[0]]);
}

#[tokio::test]
async fn a_key_that_is_switched_off_or_meant_for_other_models_is_not_tried() {
    let provider = Simulator::start(Shape::OpenAi);
    let tenant = Tenant::new(server().await).await;
    let off = tenant.store_key("openai", &provider).await;
    let _ = tenant
        .put(&format!("/v1/byok/providers/{off}"), &json!({"is_active": false}))
        .await
        .expect(200);
    let refused = tenant.chat(&ask("openai/sim-ok", "off")).await;
    assert_eq!(answer::refusal(&refused), (503, "no_candidate".to_owned()));
    let key = fresh_provider_key();
    provider.accept(&key);
    tenant
        .store(json!({"provider": "openai", "api_key": key, "base_url": provider.base_url(), "allowed_models": ["gpt-4o*"]}))
        .await;
    assert_eq!(tenant.chat(&ask("openai/gpt-4o-mini", "mine")).await.status, 200);
    let other = tenant.chat(&ask("openai/sim-ok", "not mine")).await;
    assert_eq!(answer::refusal(&other), (503, "no_candidate".to_owned()));
    assert_eq!(provider.inferences().len(), 1);
}

#[tokio::test]
async fn when_every_key_fails_the_first_of_them_that_was_asked_last_is_told() {
    let (first, second) = (Simulator::start(Shape::OpenAi), Simulator::start(Shape::OpenAi));
    let (tenant, _, _) = two_keys("openai", &first, &second).await;
    first.behave("sim-fault-rate_limited");
    second.behave("sim-fault-auth_invalid");
    let reply = tenant.chat(&ask("openai/sim-ok", "nobody")).await;
    assert!([424, 429].contains(&reply.status), "{}", reply.text());
    let record = tenant.only_record().await;
    assert_eq!(record["attempts"].as_array().unwrap().len(), 2);
    assert_eq!(record["denial"]["code"], answer::code(&reply).as_str());
    assert_eq!(
        record["provider_key"]["id"], record["attempts"][1]["provider_key"],
        "{record:#}"
    );
    assert_eq!(record["model_used"], Value::Null);
}

#[tokio::test]
async fn a_key_that_was_asked_to_be_quiet_is_tried_after_the_others() {
    let (first, second) = (Simulator::start(Shape::OpenAi), Simulator::start(Shape::OpenAi));
    let (tenant, _, two) = two_keys("openai", &first, &second).await;
    first.script(["sim-fault-rate_limited"]);
    for _ in 0..3 {
        let reply = tenant.chat(&ask("openai/sim-ok", "quiet")).await.expect(200);
        assert_eq!(metadata(&reply)["provider_key"]["id"], two.as_str());
    }
    assert_eq!((first.inferences().len(), second.inferences().len()), (1, 3));
}

#[tokio::test]
async fn the_same_secret_stored_anew_is_known_again_and_a_rotated_one_starts_over() {
    let provider = Simulator::start(Shape::OpenAi);
    let tenant = Tenant::new(server().await).await;
    let id = tenant
        .store(
            json!({"provider": "openai", "api_key": fresh_provider_key(), "base_url": provider.base_url()}),
        )
        .await;
    assert_eq!(tenant.chat(&ask("openai/sim-ok", "refused")).await.status, 424);
    assert_eq!(tenant.status(&id).await, "invalid");
    let before = tenant.provider_key(&id).await;
    let fresh = fresh_provider_key();
    provider.accept(&fresh);
    let path = format!("/v1/byok/providers/{id}");
    let after = tenant
        .put(&path, &json!({"api_key": fresh}))
        .await
        .expect(200)
        .json();
    assert_eq!((&after["id"], &after["status"]), (&json!(id), &json!("unknown")));
    assert_eq!(after["last_used_at"], before["last_used_at"], "its history stays");
    assert_ne!(after["fingerprint"], before["fingerprint"]);
    assert_eq!(tenant.chat(&ask("openai/sim-ok", "taken")).await.status, 200);
    assert_eq!(tenant.status(&id).await, "valid");
}
