//! Credits: given once per key, exact, and seen by whom they concern.

use axum::body::Body;
use freehold_domain::money::Credits;
use http::Request;
use serde_json::{Value, json};

use crate::app::{App, Reply};

async fn give(app: &App, workspace: &str, key: Option<&str>, body: &Value) -> Reply {
    let mut request = Request::post(format!("/admin/v1/workspaces/{workspace}/credits"))
        .header("authorization", format!("Bearer {}", app.operator))
        .header("content-type", "application/json");
    if let Some(key) = key {
        request = request.header("idempotency-key", key);
    }
    app.send(request.body(Body::from(body.to_string())).unwrap())
        .await
}

#[tokio::test]
async fn credits_are_given_once_per_key_and_a_repetition_reads_the_same() {
    let app = App::new();
    let tenant = app.tenant("Acme", "free").await;
    let body = json!({"credits": "12.500001", "reason": "top-up"});
    let first = give(&app, &tenant.id, Some("invoice-1"), &body)
        .await
        .must_be(201);
    assert!(!first.headers.contains_key("idempotent-replayed"));
    assert_eq!(first.json["object"], "credit_grant");
    assert_eq!(first.json["credits"], "12.500001");
    let again = give(&app, &tenant.id, Some("invoice-1"), &body)
        .await
        .must_be(201);
    assert_eq!(again.json, first.json);
    assert_eq!(again.headers["idempotent-replayed"], "true");
    let balance = app
        .call("GET /v1/credits", &tenant.key, Value::Null)
        .await
        .must_be(200);
    let expected = json!({"object": "credits", "workspace_id": tenant.id, "granted": "12.500001", "posted": "0", "held": "0",
        "available": "12.500001"});
    assert_eq!(balance.json, expected);
}

#[tokio::test]
async fn the_same_key_for_another_gift_is_refused() {
    let app = App::new();
    let tenant = app.tenant("Acme", "free").await;
    give(&app, &tenant.id, Some("k"), &json!({"credits": 5, "reason": "a"}))
        .await
        .must_be(201);
    let refused = give(&app, &tenant.id, Some("k"), &json!({"credits": 6, "reason": "a"}))
        .await
        .refused(422);
    refused.with("idempotency_mismatch", Some("idempotency-key"));
}

#[tokio::test]
async fn a_gift_without_a_fit_key_is_refused_with_the_way_out() {
    let app = App::new();
    let tenant = app.tenant("Acme", "free").await;
    let body = json!({"credits": 5, "reason": "a"});
    for key in [None, Some(""), Some("two words"), Some("x".repeat(256).as_str())] {
        let refused = give(&app, &tenant.id, key, &body).await.refused(400);
        let refused = refused.with("invalid_request", Some("idempotency-key"));
        assert!(refused.message.contains("Idempotency-Key"), "{}", refused.message);
    }
}

#[tokio::test]
async fn amounts_that_are_not_exact_or_make_no_sense_are_refused() {
    let app = App::new();
    let tenant = app.tenant("Acme", "free").await;
    for (body, param) in [
        (json!({"credits": 0, "reason": "a"}), "credits"),
        (json!({"credits": "0.0000001", "reason": "a"}), "credits"),
        (json!({"credits": "ten", "reason": "a"}), "credits"),
        (json!({"credits": 1e300, "reason": "a"}), "credits"),
        (json!({"credits": "1000000001", "reason": "a"}), "credits"),
        (json!({"reason": "a"}), "credits"),
        (json!({"credits": 1}), "reason"),
        (json!({"credits": 1, "reason": " "}), "reason"),
        (json!({"credits": 1, "reason": "a", "note": "b"}), "note"),
    ] {
        let refused = give(&app, &tenant.id, Some("k"), &body).await.refused(400);
        refused.with("invalid_request", Some(param));
    }
}

#[tokio::test]
async fn credits_can_be_taken_back_and_what_is_held_is_not_available() {
    let app = App::new();
    let tenant = app.tenant("Acme", "free").await;
    give(
        &app,
        &tenant.id,
        Some("a"),
        &json!({"credits": 10, "reason": "a"}),
    )
    .await
    .must_be(201);
    give(
        &app,
        &tenant.id,
        Some("b"),
        &json!({"credits": "-4", "reason": "b"}),
    )
    .await
    .must_be(201);
    app.store
        .hold(tenant.id.parse().unwrap(), Credits::from_units(1_500_000));
    let seen = app
        .operator(
            &format!("GET /admin/v1/workspaces/{}/credits", tenant.id),
            Value::Null,
        )
        .await
        .must_be(200);
    assert_eq!(
        (&seen.json["granted"], &seen.json["held"], &seen.json["available"]),
        (&json!("6"), &json!("1.5"), &json!("4.5"))
    );
}

#[tokio::test]
async fn a_workspace_that_is_not_there_is_given_nothing() {
    let app = App::new();
    let nobody = "ws_0192f0c1e2a37b4c8d5e6f7081920a1a";
    give(&app, nobody, Some("k"), &json!({"credits": 5, "reason": "a"}))
        .await
        .refused(404)
        .with("not_found", None);
}
