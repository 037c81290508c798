//! Provider keys: stored for their place alone, shown without the key, checked, deleted.

use freehold_domain::key::{KeyHealth, KeyStatus};
use freehold_domain::plan::Plan;
use freehold_domain::port::Validation;
use freehold_domain::time::Timestamp;
use freehold_vault::ProviderKeyBinding;
use serde_json::{Value, json};

use crate::app::{App, START};

const STORE: &str = "POST /v1/byok/providers";

fn at(second: i64) -> Option<Timestamp> {
    Some(START.plus_millis(second * 1000))
}

#[tokio::test]
async fn a_stored_key_is_described_and_opens_only_as_it_was_sent() {
    let app = App::new();
    let tenant = app.tenant("Acme", "free").await;
    let body = json!({"provider": "openai", "api_key": " Bearer sk-proj-abc \n", "label": "Production key", "priority": -5,
        "allowed_models": ["gpt-5*"], "limits": {"monthly_spend_usd": 250}, "fallback": "never"});
    let made = app.call(STORE, &tenant.key, body).await.must_be(201);
    let id = made.text_of("id");
    let expected = json!({"id": id, "object": "provider_key", "workspace_id": tenant.id, "provider": "openai", "name": "openai",
        "label": "Production key", "priority": -5, "is_active": true, "status": "unknown", "status_reason": null,
        "last_validated_at": null, "last_used_at": null, "fingerprint": made.json["fingerprint"],
        "base_url": "https://api.openai.com/v1", "allowed_models": ["gpt-5*"], "limits": {"monthly_spend_usd": "250"},
        "fallback": "never", "created_at": "2026-11-21T00:00:00Z", "updated_at": "2026-11-21T00:00:00Z"});
    assert_eq!(made.json, expected);
    assert_eq!(made.text_of("fingerprint").len(), 16);
    let shown = app
        .call(&format!("GET /v1/byok/providers/{id}"), &tenant.key, Value::Null)
        .await
        .must_be(200);
    assert_eq!(shown.json, expected);
    let list = app
        .call("GET /v1/byok/providers", &tenant.key, Value::Null)
        .await
        .must_be(200);
    assert_eq!(
        list.json,
        json!({"object": "list", "data": [expected], "next_cursor": null})
    );

    let stored = app.store.stored_key(&id);
    assert_eq!(stored.origin, "https://api.openai.com:443");
    let sealed = stored.sealed.as_ref().unwrap();
    let opened = app
        .keyring
        .open_provider_key(&ProviderKeyBinding::from(&stored), &sealed.0)
        .unwrap();
    assert_eq!(opened.expose(), b"sk-proj-abc");
    let elsewhere = ProviderKeyBinding {
        origin: "https://evil.example:443",
        ..ProviderKeyBinding::from(&stored)
    };
    assert!(app.keyring.open_provider_key(&elsewhere, &sealed.0).is_err());
}

#[tokio::test]
async fn every_kind_is_stored_with_what_it_needs_and_refused_without() {
    let app = App::new();
    let tenant = app.tenant("Acme", "free").await;
    for kind in [
        "openai",
        "anthropic",
        "google",
        "mistral",
        "groq",
        "deepseek",
        "nvidia",
        "xai",
        "openrouter",
    ] {
        let made = app
            .call(STORE, &tenant.key, json!({"provider": kind, "api_key": "key"}))
            .await
            .must_be(201);
        assert!(made.text_of("base_url").starts_with("https://"), "{kind}");
        let refused = app
            .call(STORE, &tenant.key, json!({"provider": kind}))
            .await
            .refused(400);
        refused.with("invalid_request", Some("api_key"));
    }
    for kind in ["openai-compatible", "anthropic-compatible"] {
        let refused = app
            .call(STORE, &tenant.key, json!({"provider": kind, "api_key": "key"}))
            .await
            .refused(400);
        refused.with("invalid_request", Some("base_url"));
        let refused = app
            .call(
                STORE,
                &tenant.key,
                json!({"provider": kind, "base_url": "https://api.example/v1"}),
            )
            .await
            .refused(400);
        refused.with("invalid_request", Some("api_key"));
        let body = json!({"provider": kind, "api_key": "key", "base_url": "https://API.Example/v1/", "name": "together"});
        let made = app.call(STORE, &tenant.key, body).await.must_be(201);
        assert_eq!(
            (made.text_of("name"), made.text_of("base_url")),
            ("together".to_owned(), "https://api.example/v1".to_owned())
        );
    }
    app.call(STORE, &tenant.key, json!({"provider": "ollama"}))
        .await
        .refused(400)
        .with("invalid_request", Some("base_url"));
    let made = app
        .call(
            STORE,
            &tenant.key,
            json!({"provider": "ollama", "base_url": "http://127.0.0.1:11434"}),
        )
        .await
        .must_be(201);
    assert_eq!(made.json["fingerprint"], Value::Null);
    let made = app
        .call(STORE, &tenant.key, json!({"provider": "sandbox"}))
        .await
        .must_be(201);
    assert_eq!(made.json["base_url"], "sandbox://built-in");
}

#[tokio::test]
async fn a_destination_that_may_not_be_reached_is_refused_with_the_way_out() {
    let app = App::new();
    let tenant = app.tenant("Acme", "free").await;
    for (base_url, code) in [
        ("http://169.254.169.254/latest", "egress_denied"),
        ("https://127.0.0.1", "egress_denied"),
        ("http://localhost:8080", "egress_denied"),
        ("http://api.example/v1", "egress_denied"),
        ("https://api.example:8443/v1", "egress_denied"),
        ("https://[::1]/v1", "egress_denied"),
        ("https://2130706433/v1", "egress_denied"),
        ("api.example/v1", "invalid_base_url"),
        ("ftp://api.example", "invalid_base_url"),
        ("https://user:pass@api.example", "invalid_base_url"),
        ("https://api.example/v1?key=x", "invalid_base_url"),
        ("https://api.example/#x", "invalid_base_url"),
        ("sandbox://built-in", "invalid_base_url"),
        ("", "invalid_base_url"),
    ] {
        let body = json!({"provider": "openai-compatible", "api_key": "key", "base_url": base_url});
        let refused = app
            .call(STORE, &tenant.key, body)
            .await
            .refused(400)
            .with(code, Some("base_url"));
        if code == "egress_denied" {
            assert!(refused.message.contains("operator"), "{}", refused.message);
        }
    }
    let body =
        json!({"provider": "openai-compatible", "api_key": "key", "base_url": "http://10.1.2.3:9000/v1"});
    app.call(STORE, &tenant.key, body).await.must_be(201);
}

#[tokio::test]
async fn what_is_wrong_with_a_key_is_named() {
    let app = App::new();
    let tenant = app.tenant("Acme", "free").await;
    for (body, param) in [
        (json!({"api_key": "key"}), "provider"),
        (json!({"provider": "opnai", "api_key": "key"}), "provider"),
        (json!({"provider": "openai", "api_key": ""}), "api_key"),
        (json!({"provider": "openai", "api_key": "  "}), "api_key"),
        (
            json!({"provider": "openai", "api_key": "sk\r\nHost: evil"}),
            "api_key",
        ),
        (json!({"provider": "openai", "api_key": "sk-ключ"}), "api_key"),
        (json!({"provider": "openai", "api_key": 12345}), "api_key"),
        (json!({"provider": "openai", "api_key": ["sk"]}), "api_key"),
        (
            json!({"provider": "openai", "api_key": "key", "name": "mine"}),
            "name",
        ),
        (
            json!({"provider": "openai-compatible", "api_key": "key", "base_url": "https://a.example", "name": "openai"}),
            "name",
        ),
        (
            json!({"provider": "openai-compatible", "api_key": "key", "base_url": "https://a.example", "name": "Mine!"}),
            "name",
        ),
        (
            json!({"provider": "openai", "api_key": "key", "priority": "high"}),
            "priority",
        ),
        (
            json!({"provider": "openai", "api_key": "key", "priority": 1_000_001}),
            "priority",
        ),
        (
            json!({"provider": "openai", "api_key": "key", "is_active": 1}),
            "is_active",
        ),
        (
            json!({"provider": "openai", "api_key": "key", "label": "x".repeat(121)}),
            "label",
        ),
        (
            json!({"provider": "openai", "api_key": "key", "limits": {"monthly_spend_usd": "-1"}}),
            "limits.monthly_spend_usd",
        ),
        (
            json!({"provider": "openai", "api_key": "key", "limits": {"spend": 1}}),
            "limits.spend",
        ),
        (
            json!({"provider": "openai", "api_key": "key", "fallback": "always"}),
            "fallback",
        ),
        (
            json!({"provider": "openai", "api_key": "key", "status": "valid"}),
            "status",
        ),
        (
            json!({"provider": "openai", "api_key": "key", "headers": {}}),
            "headers",
        ),
    ] {
        let refused = app.call(STORE, &tenant.key, body.clone()).await.refused(400);
        assert_eq!(
            (refused.code.as_str(), refused.param.as_deref()),
            ("invalid_request", Some(param)),
            "{body}"
        );
    }
    assert!(
        app.store.directory().provider_keys.is_empty(),
        "nothing may have been stored"
    );
}

#[tokio::test]
async fn a_key_that_looks_like_anothers_is_stored_with_a_hint() {
    let app = App::new();
    let tenant = app.tenant("Acme", "free").await;
    let made = app
        .call(
            STORE,
            &tenant.key,
            json!({"provider": "openai", "api_key": "gsk_abcdef"}),
        )
        .await
        .must_be(201);
    assert!(made.text_of("hint").contains("groq"), "{}", made.text);
    let id = made.text_of("id");
    let shown = app
        .call(&format!("GET /v1/byok/providers/{id}"), &tenant.key, Value::Null)
        .await
        .must_be(200);
    assert!(shown.json.get("hint").is_none());
    let body = json!({"provider": "anthropic", "api_key": "sk-ant-admin01-abc"});
    let made = app.call(STORE, &tenant.key, body).await.must_be(201);
    assert!(made.text_of("hint").contains("admin key"), "{}", made.text);
}

#[tokio::test]
async fn a_plan_without_own_keys_refuses_and_names_the_plan_that_has_them() {
    let narrow = |name: &str, byok: bool, next: Option<&str>| Plan {
        name: name.to_owned(),
        byok,
        upgrade_to: next.map(str::to_owned),
        upgrade_url: Some("https://example.com/upgrade".to_owned()),
        ..Plan::default()
    };
    let app = App::with_plans(vec![
        narrow("tiny", false, Some("small")),
        narrow("small", false, Some("pro")),
    ]);
    let tenant = app.tenant("Acme", "tiny").await;
    let refused = app
        .call(
            STORE,
            &tenant.key,
            json!({"provider": "openai", "api_key": "key"}),
        )
        .await
        .refused(403);
    let refused = refused.with("byok_not_in_plan", None);
    assert!(
        refused.message.contains("`tiny`") && refused.message.contains("`pro`"),
        "{}",
        refused.message
    );
    assert_eq!(refused.error["tier"], "tiny");
    let remedy = json!([{"action": "upgrade", "plan": "pro", "url": "https://example.com/upgrade", "would_allow": true}]);
    assert_eq!(refused.error["remedies"], remedy);

    let target = format!("PATCH /admin/v1/workspaces/{}", tenant.id);
    app.operator(&target, json!({"plan": "pro"})).await.must_be(200);
    let id = app.provider_key(&tenant, "key").await;
    app.operator(&target, json!({"plan": "tiny"})).await.must_be(200);
    let path = format!("/v1/byok/providers/{id}");
    app.call(&format!("PUT {path}"), &tenant.key, json!({"api_key": "new"}))
        .await
        .refused(403);
    app.call(&format!("PUT {path}"), &tenant.key, json!({"is_active": false}))
        .await
        .must_be(200);
    app.call(&format!("DELETE {path}"), &tenant.key, Value::Null)
        .await
        .must_be(200);
}

#[tokio::test]
async fn a_check_answers_with_what_is_known_now_and_what_it_found() {
    let app = App::new();
    let tenant = app.tenant("Acme", "free").await;
    let id = app.provider_key(&tenant, "key").await;
    let health = KeyHealth {
        status: KeyStatus::Invalid,
        status_reason: Some("the provider refused the key".to_owned()),
        last_validated_at: at(5),
        last_used_at: None,
    };
    app.data_plane.judge(Validation {
        health,
        decided: true,
        result: "unauthorised",
    });
    let target = format!("POST /v1/byok/providers/{id}/validate");
    let checked = app.call(&target, &tenant.key, Value::Null).await.must_be(200);
    assert_eq!(checked.json["id"], id.as_str());
    assert_eq!(checked.json["status"], "invalid");
    assert_eq!(checked.json["status_reason"], "the provider refused the key");
    assert_eq!(checked.json["last_validated_at"], "2026-11-21T00:00:05Z");
    assert_eq!(
        checked.json["validation"],
        json!({"result": "unauthorised", "decided": true})
    );
    app.call(
        "POST /v1/byok/providers/pk_0192f0c1e2a37b4c8d5e6f7081920a1a/validate",
        &tenant.key,
        Value::Null,
    )
    .await
    .refused(404);
}

#[tokio::test]
async fn what_the_gateway_knows_is_shown_before_it_is_stored() {
    let app = App::new();
    let tenant = app.tenant("Acme", "free").await;
    let id = app.provider_key(&tenant, "key").await;
    let health = KeyHealth {
        status: KeyStatus::Valid,
        status_reason: None,
        last_validated_at: at(5),
        last_used_at: at(6),
    };
    app.data_plane.know(&id, health);
    for target in [
        format!("GET /v1/byok/providers/{id}"),
        "GET /v1/byok/providers".to_owned(),
    ] {
        let reply = app.call(&target, &tenant.key, Value::Null).await.must_be(200);
        let key = if reply.json["object"] == "list" {
            &reply.json["data"][0]
        } else {
            &reply.json
        };
        assert_eq!(
            (&key["status"], &key["last_validated_at"], &key["last_used_at"]),
            (
                &json!("valid"),
                &json!("2026-11-21T00:00:05Z"),
                &json!("2026-11-21T00:00:06Z")
            )
        );
    }
}

#[tokio::test]
async fn a_deleted_key_is_gone() {
    let app = App::new();
    let tenant = app.tenant("Acme", "free").await;
    let id = app.provider_key(&tenant, "key").await;
    let path = format!("/v1/byok/providers/{id}");
    let gone = app
        .call(&format!("DELETE {path}"), &tenant.key, Value::Null)
        .await
        .must_be(200);
    assert_eq!(
        gone.json,
        json!({"id": id, "object": "provider_key", "deleted": true})
    );
    app.call(&format!("GET {path}"), &tenant.key, Value::Null)
        .await
        .refused(404);
    app.call(&format!("PUT {path}"), &tenant.key, json!({"label": "x"}))
        .await
        .refused(404);
    app.call(&format!("DELETE {path}"), &tenant.key, Value::Null)
        .await
        .refused(404);
    assert!(app.store.directory().provider_keys.is_empty());
}

#[tokio::test]
async fn platform_keys_are_sealed_for_the_platform_and_seen_by_no_workspace() {
    let app = App::new();
    let tenant = app.tenant("Acme", "free").await;
    let body = json!({"provider": "openai", "api_key": "sk-proj-platform"});
    let made = app
        .operator("POST /admin/v1/platform-keys", body.clone())
        .await
        .must_be(201);
    let id = made.text_of("id");
    app.operator("POST /admin/v1/platform-keys", body)
        .await
        .must_be(201);
    let data_keys = app.store.directory().data_keys;
    assert_eq!(
        data_keys
            .iter()
            .filter(|key| key.workspace.as_uuid().is_nil())
            .count(),
        1,
        "one data key for the platform"
    );
    let list = app
        .operator("GET /admin/v1/platform-keys", Value::Null)
        .await
        .must_be(200);
    assert_eq!(list.json["data"].as_array().unwrap().len(), 2);
    let theirs = app
        .call("GET /v1/byok/providers", &tenant.key, Value::Null)
        .await
        .must_be(200);
    assert_eq!(theirs.json["data"], json!([]));
    for target in [
        format!("GET /v1/byok/providers/{id}"),
        format!("DELETE /v1/byok/providers/{id}"),
    ] {
        app.call(&target, &tenant.key, Value::Null).await.refused(404);
    }
    app.operator(&format!("DELETE /admin/v1/platform-keys/{id}"), Value::Null)
        .await
        .must_be(200);
    app.operator(&format!("DELETE /admin/v1/platform-keys/{id}"), Value::Null)
        .await
        .refused(404);
    let own = app.provider_key(&tenant, "key").await;
    app.operator(&format!("DELETE /admin/v1/platform-keys/{own}"), Value::Null)
        .await
        .refused(404);
}

#[tokio::test]
async fn a_data_key_that_another_node_made_is_found_in_the_store() {
    let app = App::new();
    let tenant = app.tenant("Acme", "free").await;
    app.keyring.forget(tenant.id.parse().unwrap());
    app.provider_key(&tenant, "key").await;
    assert_eq!(
        app.store.directory().data_keys.len(),
        1,
        "no second one may be made"
    );
}
