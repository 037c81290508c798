//! Plans: built in, configured, made at run time; and what keeps one from being removed.

use freehold_domain::plan::Plan;
use serde_json::{Value, json};

use crate::app::App;

fn configured(name: &str, byok: bool) -> Plan {
    Plan {
        name: name.to_owned(),
        byok,
        upgrade_to: Some("pro".to_owned()),
        ..Plan::default()
    }
}

#[tokio::test]
async fn built_in_and_configured_plans_are_listed_with_their_source() {
    let app = App::with_plans(vec![configured("own", true)]);
    let list = app
        .operator("GET /admin/v1/plans", Value::Null)
        .await
        .must_be(200);
    let seen: Vec<_> = list.json["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|plan| (plan["name"].as_str().unwrap(), plan["source"].as_str().unwrap()))
        .collect();
    let expected = [
        ("free", "built_in"),
        ("starter", "built_in"),
        ("pro", "built_in"),
        ("team", "built_in"),
        ("enterprise", "built_in"),
        ("own", "configured"),
    ];
    assert_eq!(seen, expected);
    let first = app
        .operator("GET /admin/v1/plans?limit=4", Value::Null)
        .await
        .must_be(200);
    let next = first.text_of("next_cursor");
    let rest = app
        .operator(&format!("GET /admin/v1/plans?limit=4&cursor={next}"), Value::Null)
        .await
        .must_be(200);
    assert_eq!(rest.json["data"].as_array().unwrap().len(), 2);
    assert_eq!(rest.json["next_cursor"], Value::Null);
}

#[tokio::test]
async fn a_plan_that_is_put_is_afterwards_as_the_body_says() {
    let app = App::new();
    let body = json!({"name": "gold", "monthly_fee_usd": "29.90", "included_credits": 1000, "max_credits_per_request": "0",
        "requests_per_minute": 900, "allowed_models": ["openai/*"], "byok": false, "platform_markup": "0.125",
        "upgrade_to": "team", "upgrade_url": "https://example.com/plans"});
    let put = app.operator("PUT /admin/v1/plans/gold", body).await.must_be(200);
    let expected = json!({"name": "gold", "object": "plan", "source": "stored", "monthly_fee_usd": "29.9",
        "included_credits": "1000", "max_credits_per_request": "0", "max_input_tokens": null, "max_output_tokens": null,
        "requests_per_minute": 900, "tokens_per_minute": null, "concurrent_requests": null, "allowed_models": ["openai/*"],
        "byok": false, "platform_markup": "0.125", "upgrade_to": "team", "upgrade_url": "https://example.com/plans"});
    assert_eq!(put.json, expected);
    assert_eq!(
        app.operator("GET /admin/v1/plans/gold", Value::Null)
            .await
            .must_be(200)
            .json,
        expected
    );
    assert_eq!(app.store.directory().plans[0].platform_markup_basis_points, 1250);
    let again = app
        .operator("PUT /admin/v1/plans/gold", json!({}))
        .await
        .must_be(200);
    assert_eq!(
        again.json["requests_per_minute"],
        Value::Null,
        "what is left out does not limit"
    );
    assert_eq!(again.json["byok"], true);
}

#[tokio::test]
async fn a_built_in_plan_can_be_covered_and_uncovered_but_not_removed() {
    let app = App::with_plans(vec![configured("own", true)]);
    let tenant = app.tenant("Acme", "free").await;
    app.operator("PUT /admin/v1/plans/free", json!({"requests_per_minute": 1}))
        .await
        .must_be(200);
    app.operator("DELETE /admin/v1/plans/free", Value::Null)
        .await
        .must_be(200);
    let shown = app
        .operator("GET /admin/v1/plans/free", Value::Null)
        .await
        .must_be(200);
    assert_eq!(
        (&shown.json["source"], &shown.json["requests_per_minute"]),
        (&json!("built_in"), &json!(60))
    );
    let refused = app
        .operator("DELETE /admin/v1/plans/free", Value::Null)
        .await
        .refused(409);
    assert!(refused.with("conflict", None).message.contains("built in"));
    let refused = app
        .operator("DELETE /admin/v1/plans/own", Value::Null)
        .await
        .refused(409);
    assert!(
        refused
            .with("conflict", None)
            .message
            .contains("configuration file")
    );
    app.operator(&format!("GET /admin/v1/workspaces/{}", tenant.id), Value::Null)
        .await
        .must_be(200);
}

#[tokio::test]
async fn a_plan_in_use_is_not_removed_and_says_by_how_many() {
    let app = App::new();
    app.operator("PUT /admin/v1/plans/gold", json!({}))
        .await
        .must_be(200);
    app.operator("PUT /admin/v1/plans/silver", json!({"upgrade_to": "gold"}))
        .await
        .must_be(200);
    let first = app.tenant("One", "gold").await;
    app.tenant("Two", "gold").await;
    let refused = app
        .operator("DELETE /admin/v1/plans/gold", Value::Null)
        .await
        .refused(409);
    assert!(
        refused
            .with("plan_in_use", None)
            .message
            .starts_with("2 workspaces are on this plan")
    );
    for tenant in ["One", "Two"] {
        let id = app
            .store
            .directory()
            .workspaces
            .iter()
            .find(|known| known.name == tenant)
            .unwrap()
            .id;
        app.operator(
            &format!("PATCH /admin/v1/workspaces/{id}"),
            json!({"plan": "free"}),
        )
        .await
        .must_be(200);
    }
    let refused = app
        .operator("DELETE /admin/v1/plans/gold", Value::Null)
        .await
        .refused(409);
    assert!(refused.with("plan_in_use", None).message.contains("silver"));
    app.operator("DELETE /admin/v1/plans/silver", Value::Null)
        .await
        .must_be(200);
    let gone = app
        .operator("DELETE /admin/v1/plans/gold", Value::Null)
        .await
        .must_be(200);
    assert_eq!(
        gone.json,
        json!({"id": "gold", "object": "plan", "deleted": true})
    );
    app.operator("GET /admin/v1/plans/gold", Value::Null)
        .await
        .refused(404);
    app.operator(
        &format!("PATCH /admin/v1/workspaces/{}", first.id),
        json!({"plan": "gold"}),
    )
    .await
    .refused(400);
}

#[tokio::test]
async fn what_is_wrong_with_a_plan_is_named() {
    let app = App::with_plans(vec![configured("own", true)]);
    app.operator("PUT /admin/v1/plans/silver", json!({"upgrade_to": "own"}))
        .await
        .must_be(200);
    for (target, body, param) in [
        (
            "PUT /admin/v1/plans/pro",
            json!({"upgrade_to": "silver"}),
            "upgrade_to",
        ),
        ("PUT /admin/v1/plans/Gold", json!({}), "name"),
        ("PUT /admin/v1/plans/-gold", json!({}), "name"),
        ("PUT /admin/v1/plans/gold", json!({"name": "silver"}), "name"),
        (
            "PUT /admin/v1/plans/gold",
            json!({"upgrade_to": "platinum"}),
            "upgrade_to",
        ),
        (
            "PUT /admin/v1/plans/gold",
            json!({"upgrade_to": "gold"}),
            "upgrade_to",
        ),
        (
            "PUT /admin/v1/plans/gold",
            json!({"upgrade_url": "javascript:alert(1)"}),
            "upgrade_url",
        ),
        (
            "PUT /admin/v1/plans/gold",
            json!({"monthly_fee_usd": -1}),
            "monthly_fee_usd",
        ),
        (
            "PUT /admin/v1/plans/gold",
            json!({"included_credits": "-1"}),
            "included_credits",
        ),
        (
            "PUT /admin/v1/plans/gold",
            json!({"max_input_tokens": 0}),
            "max_input_tokens",
        ),
        (
            "PUT /admin/v1/plans/gold",
            json!({"max_output_tokens": 1.5}),
            "max_output_tokens",
        ),
        (
            "PUT /admin/v1/plans/gold",
            json!({"platform_markup": "0.00001"}),
            "platform_markup",
        ),
        (
            "PUT /admin/v1/plans/gold",
            json!({"platform_markup": -0.1}),
            "platform_markup",
        ),
        (
            "PUT /admin/v1/plans/gold",
            json!({"allowed_models": ["a b"]}),
            "allowed_models",
        ),
        ("PUT /admin/v1/plans/gold", json!({"byok": "yes"}), "byok"),
        ("PUT /admin/v1/plans/gold", json!({"source": "stored"}), "source"),
    ] {
        let refused = app.operator(target, body.clone()).await.refused(400);
        assert_eq!(
            refused.param.as_deref(),
            Some(param),
            "{body}: {}",
            refused.message
        );
    }
    app.operator("DELETE /admin/v1/plans/gold", Value::Null)
        .await
        .refused(404)
        .with("not_found", None);
    app.operator("GET /admin/v1/plans/gold", Value::Null)
        .await
        .refused(404)
        .with("not_found", None);
}
