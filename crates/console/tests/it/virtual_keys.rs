//! Virtual keys: made, listed, revoked, and never wider than the key that makes them.

use serde_json::{Value, json};

use crate::app::App;

#[tokio::test]
async fn a_virtual_key_is_shown_once_and_works_at_once() {
    let app = App::new();
    let tenant = app.tenant("Acme", "free").await;
    let body = json!({"label": "CI", "scopes": ["read"], "allowed_models": ["openai/*"],
        "limits": {"requests_per_minute": 5, "max_credits_per_request": 2.5}, "expires_at": "2026-12-01T01:00:00+01:00"});
    let made = app
        .call("POST /v1/virtual-keys", &tenant.key, body)
        .await
        .must_be(201);
    let key = made.text_of("key");
    assert!(key.starts_with("fh_") && key.contains(&made.text_of("public_id")));
    assert_eq!(made.json["scopes"], json!(["read"]));
    assert_eq!(
        made.json["limits"],
        json!({"requests_per_minute": 5, "max_credits_per_request": "2.5"})
    );
    assert_eq!(made.json["expires_at"], "2026-12-01T00:00:00Z");
    assert_eq!(made.json["workspace_id"], tenant.id.as_str());
    app.call("GET /v1/credits", &key, Value::Null).await.must_be(200);
    for target in [
        "GET /v1/virtual-keys".to_owned(),
        format!("GET /admin/v1/workspaces/{}/virtual-keys", tenant.id),
    ] {
        let token = if target.contains("admin") {
            &app.operator
        } else {
            &tenant.key
        };
        let list = app.call(&target, token, Value::Null).await.must_be(200);
        assert_eq!(list.json["data"][0]["id"], made.json["id"]);
        assert_eq!(list.json["data"].as_array().unwrap().len(), 2);
        assert!(
            !list.text.contains(&key[14..]) && !list.text.contains("hash"),
            "{}",
            list.text
        );
    }
}

#[tokio::test]
async fn a_deleted_virtual_key_is_refused_from_the_next_request_on() {
    let app = App::new();
    let tenant = app.tenant("Acme", "free").await;
    let (key, id) = app
        .key(&tenant.id, json!({"label": "x", "scopes": ["read"]}))
        .await;
    app.call("GET /v1/credits", &key, Value::Null).await.must_be(200);
    let gone = app
        .call(&format!("DELETE /v1/virtual-keys/{id}"), &tenant.key, Value::Null)
        .await
        .must_be(200);
    assert_eq!(
        gone.json,
        json!({"id": id, "object": "virtual_key", "deleted": true})
    );
    app.call("GET /v1/credits", &key, Value::Null)
        .await
        .refused(401)
        .with("invalid_api_key", None);
    app.call(&format!("DELETE /v1/virtual-keys/{id}"), &tenant.key, Value::Null)
        .await
        .refused(404);
    let target = format!(
        "DELETE /admin/v1/workspaces/{}/virtual-keys/{}",
        tenant.id, tenant.key_id
    );
    app.operator(&target, Value::Null).await.must_be(200);
    app.call("GET /v1/credits", &tenant.key, Value::Null)
        .await
        .refused(401);
}

#[tokio::test]
async fn an_expired_virtual_key_is_refused_like_an_unknown_one() {
    let app = App::new();
    let tenant = app.tenant("Acme", "free").await;
    let body = json!({"label": "x", "scopes": ["read"], "expires_at": "2026-11-21T00:01:00Z"});
    let (key, _) = app.key(&tenant.id, body).await;
    app.clock.advance(59);
    app.call("GET /v1/credits", &key, Value::Null).await.must_be(200);
    app.clock.advance(1);
    let expired = app.call("GET /v1/credits", &key, Value::Null).await.refused(401);
    let unknown = app
        .call("GET /v1/credits", "fh_nonsense", Value::Null)
        .await
        .refused(401);
    assert_eq!((expired.code, expired.message), (unknown.code, unknown.message));
}

#[tokio::test]
async fn a_key_cannot_hand_out_more_than_it_has() {
    let app = App::new();
    let tenant = app.tenant("Acme", "free").await;
    let (maker, _) = app
        .key(
            &tenant.id,
            json!({"label": "maker", "scopes": ["manage", "inference"], "allowed_models": ["openai/*"],
                "limits": {"requests_per_minute": 10}, "expires_at": "2027-01-01T00:00:00Z"}),
        )
        .await;
    for (body, code, param) in [
        (
            json!({"label": "x", "scopes": ["read"]}),
            "insufficient_scope",
            "scopes",
        ),
        (
            json!({"label": "x", "scopes": ["inference"], "allowed_models": ["*"]}),
            "exceeds_own_grant",
            "allowed_models",
        ),
        (
            json!({"label": "x", "scopes": ["inference"], "allowed_models": ["openai/gpt*", "groq/x"]}),
            "exceeds_own_grant",
            "allowed_models",
        ),
        (
            json!({"label": "x", "scopes": ["inference"], "limits": {"requests_per_minute": 11}}),
            "exceeds_own_grant",
            "limits.requests_per_minute",
        ),
        (
            json!({"label": "x", "scopes": ["inference"], "expires_at": "2027-01-01T00:00:01Z"}),
            "exceeds_own_grant",
            "expires_at",
        ),
    ] {
        app.call("POST /v1/virtual-keys", &maker, body)
            .await
            .refused(403)
            .with(code, Some(param));
    }
    let made = app
        .call(
            "POST /v1/virtual-keys",
            &maker,
            json!({"label": "x", "scopes": ["inference"]}),
        )
        .await
        .must_be(201);
    assert_eq!(
        made.json["allowed_models"],
        json!(["openai/*"]),
        "what is left out is taken over"
    );
    assert_eq!(made.json["limits"], json!({"requests_per_minute": 10}));
    assert_eq!(made.json["expires_at"], "2027-01-01T00:00:00Z");
}

#[tokio::test]
async fn what_is_wrong_is_named() {
    let app = App::new();
    let tenant = app.tenant("Acme", "free").await;
    for (body, param) in [
        (json!({"scopes": ["read"]}), "label"),
        (json!({"label": "x"}), "scopes"),
        (json!({"label": "x", "scopes": []}), "scopes"),
        (json!({"label": "x", "scopes": ["admin"]}), "scopes"),
        (json!({"label": "x", "scopes": "read"}), "scopes"),
        (
            json!({"label": "x", "scopes": ["read"], "expires_at": "tomorrow"}),
            "expires_at",
        ),
        (
            json!({"label": "x", "scopes": ["read"], "expires_at": "2026-11-21T00:00:00Z"}),
            "expires_at",
        ),
        (
            json!({"label": "x", "scopes": ["read"], "limits": {"requests_per_minute": 0}}),
            "limits.requests_per_minute",
        ),
        (
            json!({"label": "x", "scopes": ["read"], "limits": {"requests_per_minute": -1}}),
            "limits.requests_per_minute",
        ),
        (
            json!({"label": "x", "scopes": ["read"], "limits": {"rpm": 1}}),
            "limits.rpm",
        ),
        (json!({"label": "x", "scopes": ["read"], "limits": 5}), "limits"),
        (
            json!({"label": "x", "scopes": ["read"], "allowed_models": "openai/*"}),
            "allowed_models",
        ),
        (json!({"label": "x", "scopes": ["read"], "key": "fh_mine"}), "key"),
    ] {
        let refused = app
            .call("POST /v1/virtual-keys", &tenant.key, body)
            .await
            .refused(400);
        refused.with("invalid_request", Some(param));
    }
    assert_eq!(
        app.store.directory().virtual_keys.len(),
        1,
        "nothing may have been made"
    );
}
