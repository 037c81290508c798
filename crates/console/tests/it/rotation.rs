//! Changing a provider key: what stays, what goes, and where the key may not follow.

use freehold_domain::key::{KeyHealth, KeyStatus};
use freehold_domain::time::Timestamp;
use freehold_vault::ProviderKeyBinding;
use serde_json::{Value, json};

use crate::app::{App, START, Tenant};

async fn setting() -> (App, Tenant, String) {
    let app = App::new();
    let tenant = app.tenant("Acme", "free").await;
    let body = json!({"provider": "openai", "api_key": "old", "label": "Production key", "limits": {"requests_per_minute": 9}});
    let id = app
        .call("POST /v1/byok/providers", &tenant.key, body)
        .await
        .must_be(201)
        .text_of("id");
    (app, tenant, id)
}

fn opens(app: &App, id: &str) -> Vec<u8> {
    let stored = app.store.stored_key(id);
    let sealed = stored.sealed.clone().unwrap();
    app.keyring
        .open_provider_key(&ProviderKeyBinding::from(&stored), &sealed.0)
        .unwrap()
        .expose()
        .to_vec()
}

fn at(second: i64) -> Option<Timestamp> {
    Some(START.plus_millis(second * 1000))
}

#[tokio::test]
async fn rotation_keeps_id_history_and_limits_and_starts_the_status_over() {
    let (app, tenant, id) = setting().await;
    let health = KeyHealth {
        status: KeyStatus::Revoked,
        status_reason: Some("refused".to_owned()),
        last_validated_at: at(5),
        last_used_at: at(6),
    };
    app.data_plane.know(&id, health);
    app.clock.advance(60);
    let before = app.store.stored_key(&id);
    let target = format!("PUT /v1/byok/providers/{id}");
    let rotated = app
        .call(&target, &tenant.key, json!({"api_key": "new"}))
        .await
        .must_be(200);
    assert_eq!(rotated.text_of("id"), id);
    assert_eq!(rotated.json["label"], "Production key");
    assert_eq!(rotated.json["limits"], json!({"requests_per_minute": 9}));
    assert_eq!(rotated.json["status"], "unknown");
    assert_eq!(rotated.json["status_reason"], Value::Null);
    assert_eq!(rotated.json["last_validated_at"], Value::Null);
    assert_eq!(rotated.json["last_used_at"], "2026-11-21T00:00:06Z");
    assert_eq!(rotated.json["created_at"], "2026-11-21T00:00:00Z");
    assert_eq!(rotated.json["updated_at"], "2026-11-21T00:01:00Z");
    let after = app.store.stored_key(&id);
    assert_eq!(after.record_version, before.record_version + 1);
    assert_ne!(after.fingerprint, before.fingerprint);
    assert_eq!(opens(&app, &id), b"new");
}

#[tokio::test]
async fn a_change_without_a_key_leaves_secret_version_and_status_alone() {
    let (app, tenant, id) = setting().await;
    let health = KeyHealth {
        status: KeyStatus::Valid,
        status_reason: None,
        last_validated_at: at(5),
        last_used_at: at(6),
    };
    app.data_plane.know(&id, health.clone());
    app.clock.advance(60);
    let before = app.store.stored_key(&id);
    let body = json!({"label": "Other", "priority": 3, "is_active": false, "allowed_models": ["gpt-5"], "fallback": "never"});
    let changed = app
        .call(&format!("PUT /v1/byok/providers/{id}"), &tenant.key, body)
        .await
        .must_be(200);
    assert_eq!(
        changed.json["status"], "valid",
        "what the gateway learned is kept"
    );
    let after = app.store.stored_key(&id);
    assert_eq!(
        (after.record_version, &after.sealed, &after.fingerprint),
        (before.record_version, &before.sealed, &before.fingerprint)
    );
    assert_eq!(after.health, health);
    assert_eq!(
        (after.priority, after.is_active, after.limits),
        (3, false, before.limits)
    );
    assert_eq!(opens(&app, &id), b"old");
}

#[tokio::test]
async fn null_empties_what_can_be_empty_and_is_refused_elsewhere() {
    let (app, tenant, id) = setting().await;
    let target = format!("PUT /v1/byok/providers/{id}");
    let body = json!({"label": "x", "allowed_models": ["gpt-5"], "fallback": "never"});
    app.call(&target, &tenant.key, body).await.must_be(200);
    let body = json!({"label": null, "allowed_models": null, "fallback": null, "limits": null});
    let emptied = app.call(&target, &tenant.key, body).await.must_be(200);
    assert_eq!(emptied.json["label"], Value::Null);
    assert_eq!(emptied.json["allowed_models"], json!([]));
    assert_eq!(emptied.json["fallback"], Value::Null);
    assert_eq!(emptied.json["limits"], json!({}));
    for field in ["api_key", "priority", "is_active", "provider"] {
        let refused = app
            .call(&target, &tenant.key, json!({field: null}))
            .await
            .refused(400);
        refused.with("invalid_request", Some(field));
    }
}

#[tokio::test]
async fn a_stored_key_does_not_follow_a_new_base_url_without_being_sent_again() {
    let (app, tenant, id) = setting().await;
    let target = format!("PUT /v1/byok/providers/{id}");
    for base_url in [
        json!("https://api.evil.example/v1"),
        json!("https://api.openai.com/v2"),
        json!("https://api.openai.com"),
        json!("https://eu.api.openai.com/v1"),
        json!("https://api.openai.com.evil.example/v1"),
    ] {
        let refused = app
            .call(&target, &tenant.key, json!({"base_url": base_url}))
            .await
            .refused(400);
        refused.with("api_key_required", Some("api_key"));
    }
    assert_eq!(app.store.stored_key(&id).base_url, "https://api.openai.com/v1");
    for same in ["https://api.openai.com/v1", "https://API.openai.com:443/v1/"] {
        app.call(&target, &tenant.key, json!({"base_url": same}))
            .await
            .must_be(200);
    }
    app.call(&target, &tenant.key, json!({"base_url": null}))
        .await
        .must_be(200);
    assert_eq!(
        app.store.stored_key(&id).record_version,
        1,
        "the same place in other words is no move"
    );

    let body = json!({"base_url": "https://eu.api.openai.com/v1", "api_key": "new"});
    let moved = app.call(&target, &tenant.key, body).await.must_be(200);
    assert_eq!(moved.json["base_url"], "https://eu.api.openai.com/v1");
    assert_eq!(app.store.stored_key(&id).origin, "https://eu.api.openai.com:443");
    assert_eq!(opens(&app, &id), b"new");
    let body = json!({"base_url": "http://169.254.169.254/", "api_key": "new"});
    app.call(&target, &tenant.key, body)
        .await
        .refused(400)
        .with("egress_denied", Some("base_url"));
}

#[tokio::test]
async fn a_keyless_key_may_move_freely_and_a_keyed_one_may_shed_its_key_where_none_is_needed() {
    let app = App::new();
    let tenant = app.tenant("Acme", "free").await;
    let body = json!({"provider": "ollama", "base_url": "http://127.0.0.1:11434"});
    let id = app
        .call("POST /v1/byok/providers", &tenant.key, body)
        .await
        .must_be(201)
        .text_of("id");
    let target = format!("PUT /v1/byok/providers/{id}");
    app.call(&target, &tenant.key, json!({"base_url": "http://10.0.0.7:11434"}))
        .await
        .must_be(200);
    assert_eq!(app.store.stored_key(&id).record_version, 2);
    app.call(&target, &tenant.key, json!({"base_url": null}))
        .await
        .refused(400)
        .with("invalid_request", Some("base_url"));

    app.call(&target, &tenant.key, json!({"api_key": "cloud"}))
        .await
        .must_be(200);
    let refused = app
        .call(
            &target,
            &tenant.key,
            json!({"base_url": "https://ollama.example"}),
        )
        .await
        .refused(400);
    refused.with("api_key_required", Some("api_key"));
    let body = json!({"base_url": "https://ollama.example", "api_key": null});
    let shed = app.call(&target, &tenant.key, body).await.must_be(200);
    assert_eq!(shed.json["fingerprint"], Value::Null);
    assert!(app.store.stored_key(&id).sealed.is_none());
}

#[tokio::test]
async fn the_kind_of_provider_never_changes() {
    let (app, tenant, id) = setting().await;
    let target = format!("PUT /v1/byok/providers/{id}");
    let refused = app
        .call(&target, &tenant.key, json!({"provider": "groq", "api_key": "x"}))
        .await
        .refused(400);
    refused.with("invalid_request", Some("provider"));
    app.call(&target, &tenant.key, json!({"provider": "openai", "label": "x"}))
        .await
        .must_be(200);
}

#[tokio::test]
async fn a_change_that_met_another_is_tried_once_more_and_then_is_a_conflict() {
    let (app, tenant, id) = setting().await;
    let target = format!("PUT /v1/byok/providers/{id}");
    app.store.conflict(1);
    app.call(&target, &tenant.key, json!({"api_key": "second"}))
        .await
        .must_be(200);
    assert_eq!(opens(&app, &id), b"second");
    app.store.conflict(2);
    app.call(&target, &tenant.key, json!({"api_key": "third"}))
        .await
        .refused(409)
        .with("conflict", None);
    assert_eq!(opens(&app, &id), b"second");
}
