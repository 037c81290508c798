//! Workspaces: what the operator can do with them, and how they refuse.

use serde_json::{Value, json};

use crate::app::App;

#[tokio::test]
async fn a_workspace_is_made_with_sensible_defaults_and_a_data_key() {
    let app = App::new();
    let made = app
        .operator("POST /admin/v1/workspaces", json!({"name": "  Acme "}))
        .await
        .must_be(201);
    let id = made.text_of("id");
    let expected = json!({
        "id": id, "object": "workspace", "name": "Acme", "plan": "free", "fallback": "when_missing", "time_zone": "UTC",
        "created_at": "2026-11-21T00:00:00Z", "updated_at": "2026-11-21T00:00:00Z",
    });
    assert_eq!(made.json, expected);
    let shown = app
        .operator(&format!("GET /admin/v1/workspaces/{id}"), Value::Null)
        .await
        .must_be(200);
    assert_eq!(shown.json, expected);
    assert_eq!(app.store.directory().data_keys.len(), 1);
    assert_eq!(app.data_plane.refreshes(), 1);
}

#[tokio::test]
async fn a_change_touches_only_what_it_names() {
    let app = App::new();
    let tenant = app.tenant("Acme", "pro").await;
    app.clock.advance(60);
    let body = json!({"fallback": "on_failure", "time_zone": "america/new_york"});
    let changed = app
        .operator(&format!("PATCH /admin/v1/workspaces/{}", tenant.id), body)
        .await
        .must_be(200);
    assert_eq!(changed.json["name"], "Acme");
    assert_eq!(changed.json["plan"], "pro");
    assert_eq!(changed.json["fallback"], "on_failure");
    assert_eq!(changed.json["time_zone"], "America/New_York");
    assert_eq!(changed.json["updated_at"], "2026-11-21T00:01:00Z");
    assert_eq!(changed.json["created_at"], "2026-11-21T00:00:00Z");
}

#[tokio::test]
async fn a_name_that_is_taken_is_a_conflict() {
    let app = App::new();
    app.tenant("Acme", "free").await;
    let other = app.tenant("Other", "free").await;
    app.operator("POST /admin/v1/workspaces", json!({"name": "Acme"}))
        .await
        .refused(409)
        .with("conflict", Some("name"));
    let target = format!("PATCH /admin/v1/workspaces/{}", other.id);
    app.operator(&target, json!({"name": "Acme"}))
        .await
        .refused(409)
        .with("conflict", Some("name"));
}

#[tokio::test]
async fn what_is_wrong_is_named_with_what_is_allowed() {
    let app = App::new();
    let tenant = app.tenant("Acme", "free").await;
    let patch = format!("PATCH /admin/v1/workspaces/{}", tenant.id);
    for (target, body, param, hint) in [
        ("POST /admin/v1/workspaces", json!({}), "name", "required"),
        (
            "POST /admin/v1/workspaces",
            json!({"name": ""}),
            "name",
            "1 to 120",
        ),
        (
            "POST /admin/v1/workspaces",
            json!({"name": "x".repeat(121)}),
            "name",
            "1 to 120",
        ),
        ("POST /admin/v1/workspaces", json!({"name": 7}), "name", "text"),
        (
            "POST /admin/v1/workspaces",
            json!({"name": "x", "plan": "gold"}),
            "plan",
            "free, starter, pro, team, enterprise",
        ),
        (
            "POST /admin/v1/workspaces",
            json!({"name": "x", "time_zone": "Mars"}),
            "time_zone",
            "Europe/Berlin",
        ),
        (
            "POST /admin/v1/workspaces",
            json!({"name": "x", "fallback": "maybe"}),
            "fallback",
            "never, when_missing, on_failure",
        ),
        (
            "POST /admin/v1/workspaces",
            json!({"name": "x", "colour": "red"}),
            "colour",
            "name, plan, fallback, time_zone",
        ),
        (&patch, json!({"plan": "gold"}), "plan", "free, starter"),
        (&patch, json!({"name": null}), "name", "text"),
        (&patch, json!({"id": "ws_1"}), "id", "known are"),
    ] {
        let refused = app
            .operator(target, body.clone())
            .await
            .refused(400)
            .with("invalid_request", Some(param));
        assert!(refused.message.contains(hint), "{body}: {}", refused.message);
    }
}

#[tokio::test]
async fn a_deleted_workspace_takes_its_keys_with_it_and_cannot_be_found_again() {
    let app = App::new();
    let tenant = app.tenant("Acme", "free").await;
    let kept = app.tenant("Other", "free").await;
    app.provider_key(&tenant, "sk-proj-1").await;
    app.provider_key(&kept, "sk-proj-2").await;
    let target = format!("/admin/v1/workspaces/{}", tenant.id);
    let gone = app
        .operator(&format!("DELETE {target}"), Value::Null)
        .await
        .must_be(200);
    assert_eq!(
        gone.json,
        json!({"id": tenant.id, "object": "workspace", "deleted": true})
    );
    for method in ["GET", "DELETE", "PATCH"] {
        let body = if method == "PATCH" {
            json!({"name": "x"})
        } else {
            Value::Null
        };
        app.operator(&format!("{method} {target}"), body)
            .await
            .refused(404)
            .with("not_found", None);
    }
    app.call("GET /v1/byok/providers", &tenant.key, Value::Null)
        .await
        .refused(401);
    assert!(
        app.keyring.data_key_use(tenant.id.parse().unwrap()).is_none(),
        "the data key must be out of memory"
    );
    assert!(app.keyring.data_key_use(kept.id.parse().unwrap()).is_some());
    assert_eq!(app.store.directory().provider_keys.len(), 1);
}

#[tokio::test]
async fn the_platforms_own_workspace_cannot_be_touched() {
    let app = App::new();
    let platform = "ws_00000000000000000000000000000000";
    for (target, body) in [
        (format!("GET /admin/v1/workspaces/{platform}"), Value::Null),
        (
            format!("PATCH /admin/v1/workspaces/{platform}"),
            json!({"plan": "free"}),
        ),
        (format!("DELETE /admin/v1/workspaces/{platform}"), Value::Null),
        (
            format!("POST /admin/v1/workspaces/{platform}/virtual-keys"),
            json!({"label": "x", "scopes": ["manage"]}),
        ),
        (
            format!("GET /admin/v1/workspaces/{platform}/credits"),
            Value::Null,
        ),
    ] {
        app.operator(&target, body)
            .await
            .refused(404)
            .with("not_found", None);
    }
}

#[tokio::test]
async fn lists_are_newest_first_and_pages_meet_without_gaps() {
    let app = App::new();
    for number in 0..7 {
        app.tenant(&format!("Acme {number}"), "free").await;
    }
    let mut names = Vec::new();
    let mut cursor = String::new();
    loop {
        let target = format!("GET /admin/v1/workspaces?limit=3{cursor}");
        let part = app.operator(&target, Value::Null).await.must_be(200);
        assert_eq!(part.json["object"], "list");
        let data = part.json["data"].as_array().unwrap();
        assert!(data.len() <= 3);
        names.extend(data.iter().map(|item| item["name"].as_str().unwrap().to_owned()));
        match part.json["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    let expected: Vec<_> = (0..7).rev().map(|number| format!("Acme {number}")).collect();
    assert_eq!(names, expected);
}

#[tokio::test]
async fn a_limit_or_parameter_that_makes_no_sense_is_refused() {
    let app = App::new();
    for (query, param) in [
        ("limit=0", Some("limit")),
        ("limit=201", Some("limit")),
        ("limit=all", Some("limit")),
        ("cursor=7", Some("cursor")),
        ("offset=7", None),
    ] {
        let target = format!("GET /admin/v1/workspaces?{query}");
        app.operator(&target, Value::Null)
            .await
            .refused(400)
            .with("invalid_request", param);
    }
}
