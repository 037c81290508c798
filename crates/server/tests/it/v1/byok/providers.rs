//! Stored provider keys, as their owners see and change them.

use freehold_testkit::freehold::Freehold;
use freehold_testkit::simulator::{Account, Shape, Simulator};
use http::Method;
use serde_json::json;

use crate::support::answer::members;
use crate::support::tenant::{ask, fresh_provider_key};
use crate::support::{Tenant, answer, server, servers, stores};

#[tokio::test]
async fn a_stored_key_is_shown_with_all_that_is_known_and_nothing_of_the_key() {
    for server in servers().await {
        let provider = Simulator::start(Shape::OpenAi);
        let tenant = Tenant::new(server).await;
        let secret = fresh_provider_key();
        let body = json!({
            "provider": "openai", "api_key": secret, "label": "Production", "priority": 3, "base_url": provider.base_url(),
            "allowed_models": ["sim-*"], "fallback": "never",
            "limits": {"requests_per_minute": 60, "tokens_per_minute": 90_000, "monthly_spend_usd": "250.5"},
        });
        let made = tenant.post("/v1/byok/providers", &body).await.expect(201);
        let shown = made.json();
        for member in [
            "id",
            "provider",
            "name",
            "label",
            "priority",
            "is_active",
            "status",
            "status_reason",
            "last_validated_at",
            "last_used_at",
            "fingerprint",
            "base_url",
            "allowed_models",
            "limits",
            "fallback",
            "created_at",
            "updated_at",
        ] {
            assert!(
                members(&shown).contains(&member.to_owned()),
                "{member}: {shown:#}"
            );
        }
        assert_eq!(
            (&shown["name"], &shown["status"], &shown["is_active"]),
            (&json!("openai"), &json!("unknown"), &json!(true))
        );
        assert_eq!(
            shown["limits"],
            json!({"requests_per_minute": 60, "tokens_per_minute": 90_000, "monthly_spend_usd": "250.5"})
        );
        let id = shown["id"].as_str().unwrap();
        let again = tenant.provider_key(id).await;
        assert_eq!(again, shown);
        let list = tenant.get("/v1/byok/providers").await.expect(200);
        for text in [made.text(), list.text(), again.to_string()] {
            for part in secret.as_bytes().windows(9) {
                let part = std::str::from_utf8(part).unwrap();
                assert!(!text.contains(part), "{part} of the key in {text}");
            }
        }
    }
}

#[tokio::test]
async fn a_key_is_checked_on_demand_and_a_provider_in_trouble_decides_nothing() {
    for (kind, shape) in [("openai", Shape::OpenAi), ("anthropic", Shape::Anthropic)] {
        let provider = Simulator::start(shape);
        let tenant = Tenant::new(server().await).await;
        let secret = fresh_provider_key();
        provider.accept(&secret);
        let id = tenant
            .store(json!({"provider": kind, "api_key": secret, "base_url": provider.base_url()}))
            .await;
        let path = format!("/v1/byok/providers/{id}/validate");
        let good = tenant.post(&path, &json!({})).await.expect(200).json();
        assert_eq!(
            (&good["status"], &good["validation"]["decided"]),
            (&json!("valid"), &json!(true)),
            "{kind}: {good:#}"
        );
        assert!(good["last_validated_at"].is_string());
        assert_eq!(provider.inferences().len(), 0, "{kind}: a check costs nothing");

        provider.set_account(&secret, Account::Revoked);
        let bad = tenant.post(&path, &json!({})).await.expect(200).json();
        assert_eq!(bad["status"], "revoked", "{kind}: {bad:#}");
        assert_eq!(bad["validation"]["result"], "unauthorised", "{kind}");
        assert!(!bad.to_string().contains(&secret[10..]), "{kind}: {bad}");

        provider.rate_limit(&secret, std::time::Duration::from_secs(60));
        let unsure = tenant.post(&path, &json!({})).await.expect(200).json();
        assert_eq!(
            (&unsure["status"], &unsure["validation"]["decided"]),
            (&json!("revoked"), &json!(false)),
            "{kind}: {unsure:#}"
        );
    }
}

#[tokio::test]
async fn a_rotated_key_is_used_from_the_next_request_on_and_a_running_one_finishes_on_the_old() {
    for server in servers().await {
        let provider = Simulator::start(Shape::OpenAi);
        let tenant = Tenant::new(server).await;
        let (old, new) = (fresh_provider_key(), fresh_provider_key());
        provider.accept(&old);
        provider.accept(&new);
        let id = tenant
            .store(json!({"provider": "openai", "api_key": old, "base_url": provider.base_url()}))
            .await;
        let mut running = tenant
            .open_chat(&crate::support::tenant::ask_stream(
                "openai/sim-long-20+drip-30",
                "running",
            ))
            .await;
        running.read_until("word").await;
        let rotated = tenant
            .put(&format!("/v1/byok/providers/{id}"), &json!({"api_key": new}))
            .await
            .expect(200)
            .json();
        assert_eq!(rotated["id"], id.as_str());
        assert_eq!(tenant.chat(&ask("openai/sim-ok", "next")).await.status, 200);
        assert_eq!(
            provider.last().header("authorization"),
            Some(format!("Bearer {new}").as_str())
        );
        assert!(running.rest().await.unwrap().ends_with(b"data: [DONE]\n\n"));
    }
}

#[tokio::test]
async fn a_deleted_key_is_gone_and_serves_no_more() {
    for server in servers().await {
        let provider = Simulator::start(Shape::OpenAi);
        let tenant = Tenant::new(server).await;
        let id = tenant.store_key("openai", &provider).await;
        let path = format!("/v1/byok/providers/{id}");
        assert_eq!(
            tenant.delete(&path).await.expect(200).json(),
            json!({"id": id, "object": "provider_key", "deleted": true})
        );
        for method in [Method::GET, Method::DELETE] {
            assert_eq!(tenant.request(method, &path).send().await.status, 404);
        }
        assert_eq!(tenant.put(&path, &json!({"label": "back"})).await.status, 404);
        let refused = tenant.chat(&ask("openai/sim-ok", "gone")).await;
        assert_eq!(answer::refusal(&refused), (503, "no_candidate".to_owned()));
    }
}

#[tokio::test]
async fn nobody_reaches_the_keys_of_another_workspace() {
    for server in servers().await {
        let provider = Simulator::start(Shape::OpenAi);
        let (one, other) = (Tenant::new(server).await, Tenant::new(server).await);
        let id = one.store_key("openai", &provider).await;
        let path = format!("/v1/byok/providers/{id}");
        let validate = format!("{path}/validate");
        assert_eq!(other.get(&path).await.status, 404);
        assert_eq!(other.put(&path, &json!({"is_active": false})).await.status, 404);
        assert_eq!(other.delete(&path).await.status, 404);
        assert_eq!(other.post(&validate, &json!({})).await.status, 404);
        assert_eq!(other.get("/v1/byok/providers").await.json()["data"], json!([]));
        let refused = other.chat(&ask("openai/sim-ok", "with your key")).await;
        assert_eq!(refused.status, 503);
        assert_eq!(provider.served(), 0);
        assert_eq!(one.provider_key(&id).await["is_active"], true);
    }
}

#[tokio::test]
async fn the_kinds_that_need_it_ask_for_a_base_url_and_those_that_do_not_take_no_key() {
    let tenant = Tenant::new(server().await).await;
    for kind in ["ollama", "openai-compatible", "anthropic-compatible"] {
        let refused = tenant
            .post(
                "/v1/byok/providers",
                &json!({"provider": kind, "api_key": "k".repeat(20)}),
            )
            .await;
        assert_eq!(refused.status, 400, "{kind}");
        assert_eq!(refused.json()["error"]["param"], "base_url", "{kind}");
    }
    let provider = Simulator::start(Shape::Ollama);
    tenant
        .store(json!({"provider": "ollama", "base_url": provider.base_url()}))
        .await;
    assert_eq!(tenant.chat(&ask("ollama/llama3.1", "local")).await.status, 200);
    let without = tenant
        .post("/v1/byok/providers", &json!({"provider": "openai"}))
        .await;
    assert_eq!(without.json()["error"]["param"], "api_key");
}

#[tokio::test]
async fn what_traffic_showed_about_a_key_survives_a_restart() {
    for options in stores() {
        let provider = Simulator::start(Shape::OpenAi);
        let mut server = Freehold::start(options).await;
        let tenant = Tenant::new(&server).await;
        let secret = fresh_provider_key();
        provider.accept(&secret);
        let id = tenant
            .store(json!({"provider": "openai", "api_key": secret, "base_url": provider.base_url()}))
            .await;
        assert_eq!(tenant.chat(&ask("openai/sim-ok", "works")).await.status, 200);
        let before = tenant.provider_key(&id).await;
        assert!(server.terminate().await.success());
        server.restart().await;
        let after = tenant.provider_key(&id).await;
        for same in ["status", "last_used_at", "last_validated_at"] {
            assert_eq!(after[same], before[same], "{same}");
        }

        provider.set_account(&secret, Account::Revoked);
        assert_eq!(tenant.chat(&ask("openai/sim-ok", "refused")).await.status, 424);
        // A change of status is saved at once; a moment later it is on disk.
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        server.kill9();
        server.restart().await;
        assert_eq!(
            tenant.status(&id).await,
            "revoked",
            "and not `invalid`: that it worked once is not forgotten"
        );
    }
}
