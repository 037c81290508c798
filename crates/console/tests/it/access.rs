//! Every route against every credential: nobody reaches what they may not.

use std::collections::BTreeSet;

use axum::body::Body;
use http::Request;
use serde_json::{Value, json};

use crate::app::{App, Tenant};

/// Who may call a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum May {
    Operator,
    Manage,
    ReadOrManage,
    Read,
}

/// Every route there is, with a path that leads to something of the first workspace, and who may call it.
fn matrix(tenant: &Tenant, provider_key: &str, platform_key: &str) -> Vec<(&'static str, String, May)> {
    let Tenant { id, key_id, .. } = tenant;
    let record = "req_0192f0c1e2a37b4c8d5e6f7081920a1a";
    vec![
        ("GET", "/admin/v1/workspaces".to_owned(), May::Operator),
        ("POST", "/admin/v1/workspaces".to_owned(), May::Operator),
        ("GET", format!("/admin/v1/workspaces/{id}"), May::Operator),
        ("PATCH", format!("/admin/v1/workspaces/{id}"), May::Operator),
        (
            "GET",
            format!("/admin/v1/workspaces/{id}/virtual-keys"),
            May::Operator,
        ),
        (
            "POST",
            format!("/admin/v1/workspaces/{id}/virtual-keys"),
            May::Operator,
        ),
        ("GET", format!("/admin/v1/workspaces/{id}/credits"), May::Operator),
        (
            "POST",
            format!("/admin/v1/workspaces/{id}/credits"),
            May::Operator,
        ),
        ("GET", "/admin/v1/plans".to_owned(), May::Operator),
        ("GET", "/admin/v1/plans/free".to_owned(), May::Operator),
        ("PUT", "/admin/v1/plans/gold".to_owned(), May::Operator),
        ("DELETE", "/admin/v1/plans/gold".to_owned(), May::Operator),
        ("GET", "/admin/v1/platform-keys".to_owned(), May::Operator),
        ("POST", "/admin/v1/platform-keys".to_owned(), May::Operator),
        (
            "DELETE",
            format!("/admin/v1/platform-keys/{platform_key}"),
            May::Operator,
        ),
        ("GET", "/v1/byok/providers".to_owned(), May::ReadOrManage),
        ("POST", "/v1/byok/providers".to_owned(), May::Manage),
        (
            "GET",
            format!("/v1/byok/providers/{provider_key}"),
            May::ReadOrManage,
        ),
        ("PUT", format!("/v1/byok/providers/{provider_key}"), May::Manage),
        (
            "POST",
            format!("/v1/byok/providers/{provider_key}/validate"),
            May::Manage,
        ),
        ("GET", "/v1/virtual-keys".to_owned(), May::ReadOrManage),
        ("POST", "/v1/virtual-keys".to_owned(), May::Manage),
        ("GET", "/v1/usage/records".to_owned(), May::Read),
        ("GET", format!("/v1/usage/records/{record}"), May::Read),
        ("GET", "/v1/credits".to_owned(), May::Read),
        (
            "DELETE",
            format!("/v1/byok/providers/{provider_key}"),
            May::Manage,
        ),
        ("DELETE", format!("/v1/virtual-keys/{key_id}"), May::Manage),
        (
            "DELETE",
            format!("/admin/v1/workspaces/{id}/virtual-keys/{key_id}"),
            May::Operator,
        ),
        ("DELETE", format!("/admin/v1/workspaces/{id}"), May::Operator),
    ]
}

/// A body that the route takes, so that only the credential decides.
fn body(method: &str, path: &str) -> Value {
    match (method, path.rsplit('/').next().unwrap()) {
        ("POST", "workspaces") => json!({"name": "new"}),
        ("POST", "virtual-keys") => json!({"label": "x", "scopes": ["manage"]}),
        ("POST", "credits") => json!({"credits": 1, "reason": "x"}),
        ("POST", "providers" | "platform-keys") => json!({"provider": "sandbox"}),
        ("PUT" | "PATCH", _) => json!({}),
        _ => Value::Null,
    }
}

async fn try_it(app: &App, method: &str, path: &str, header: Option<(&str, &str)>) -> crate::app::Reply {
    let mut request = Request::builder()
        .method(method)
        .uri(path)
        .header("idempotency-key", "k");
    if let Some((name, value)) = header {
        request = request.header(name, value);
    }
    let body = body(method, path);
    let body = if body.is_null() {
        Body::empty()
    } else {
        Body::from(body.to_string())
    };
    app.send(request.body(body).unwrap()).await
}

#[tokio::test]
async fn the_matrix_names_every_route_there_is() {
    let app = App::new();
    let tenant = app.tenant("Acme", "free").await;
    let shape = |path: &str| -> String {
        let part = |part: &str| {
            let is_variable = part.contains("_0") || ["free", "gold"].contains(&part);
            if is_variable {
                "{}".to_owned()
            } else {
                part.to_owned()
            }
        };
        path.split('/').map(part).collect::<Vec<_>>().join("/")
    };
    let tested: BTreeSet<_> = matrix(&tenant, "pk_0", "pk_0")
        .into_iter()
        .map(|(method, path, _)| (method.to_lowercase(), shape(&path)))
        .collect();
    let document = serde_json::to_value(freehold_console::openapi()).unwrap();
    let mut served = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        let generic: Vec<_> = path
            .split('/')
            .map(|part| if part.starts_with('{') { "{}" } else { part })
            .collect();
        for method in item.as_object().unwrap().keys() {
            served.insert((method.clone(), generic.join("/")));
        }
    }
    assert_eq!(tested, served);
}

#[tokio::test]
async fn a_route_answers_to_whom_it_is_for_and_to_nobody_else() {
    let app = App::new();
    let tenant = app.tenant("Acme", "free").await;
    let other = app.tenant("Other", "free").await;
    let provider_key = app.provider_key(&tenant, "key").await;
    let platform = json!({"provider": "openai", "api_key": "key"});
    let platform_key = app
        .operator("POST /admin/v1/platform-keys", platform)
        .await
        .must_be(201)
        .text_of("id");
    let mut keys = Vec::new();
    for scope in ["inference", "manage", "read"] {
        let (key, _) = app
            .key(&tenant.id, json!({"label": scope, "scopes": [scope]}))
            .await;
        keys.push((scope, key));
    }
    let before = app.store.directory().version;
    for (method, path, may) in matrix(&tenant, &provider_key, &platform_key) {
        let place = format!("{method} {path}");
        // Those without any right first: none of them may change anything.
        try_it(&app, method, &path, None)
            .await
            .refused(401)
            .with("invalid_api_key", None);
        for wrong in [
            "Bearer ",
            "Bearer x",
            "Basic Og==",
            "bearer fh_0000000000_x",
            "fho_x",
            "",
        ] {
            try_it(&app, method, &path, Some(("authorization", wrong)))
                .await
                .refused(401)
                .with("invalid_api_key", None);
        }
        let operator = format!("Bearer {}", app.operator);
        if may != May::Operator {
            try_it(&app, method, &path, Some(("authorization", &operator)))
                .await
                .refused(401);
        }
        for (scope, key) in &keys {
            let reply = try_it(
                &app,
                method,
                &path,
                Some(("authorization", &format!("Bearer {key}"))),
            )
            .await;
            let allowed = match may {
                May::Operator => {
                    reply.refused(401).with("invalid_api_key", None);
                    continue;
                }
                May::Manage => ["manage"].as_slice(),
                May::ReadOrManage => &["manage", "read"],
                May::Read => &["read"],
            };
            if allowed.contains(scope) {
                // Deletions and changes are left for the end, when nobody needs what they delete.
                assert!(
                    ![401, 403].contains(&reply.status),
                    "{place} with {scope}: {}",
                    reply.text
                );
            } else {
                let refused = reply.refused(403).with("insufficient_scope", None);
                assert!(
                    allowed
                        .iter()
                        .all(|scope| refused.message.contains(&format!("`{scope}`"))),
                    "{place}: {}",
                    refused.message
                );
            }
        }
        // A workspace's caller with every right reaches nothing of another workspace.
        if path.contains("_0") && may != May::Operator {
            let reply = try_it(&app, method, &path, Some(("x-api-key", &other.key))).await;
            reply.refused(404).with("not_found", None);
        }
        if may == May::Operator {
            for key in [&other.key, &tenant.key] {
                try_it(
                    &app,
                    method,
                    &path,
                    Some(("authorization", &format!("Bearer {key}"))),
                )
                .await
                .refused(401);
            }
            let reply = try_it(&app, method, &path, Some(("authorization", &operator))).await;
            assert!(![401, 403].contains(&reply.status), "{place}: {}", reply.text);
            // The token of the operator is taken in `Authorization` only.
            try_it(&app, method, &path, Some(("x-api-key", &app.operator)))
                .await
                .refused(401);
        }
    }
    assert!(
        app.store.directory().version > before,
        "the calls that were allowed must have changed something"
    );
}

#[tokio::test]
async fn calls_that_are_refused_change_nothing() {
    let app = App::new();
    let tenant = app.tenant("Acme", "free").await;
    let other = app.tenant("Other", "free").await;
    let provider_key = app.provider_key(&tenant, "key").await;
    let (inference, _) = app
        .key(&tenant.id, json!({"label": "x", "scopes": ["inference"]}))
        .await;
    let (read, _) = app
        .key(&tenant.id, json!({"label": "x", "scopes": ["read"]}))
        .await;
    let before = app.store.directory();
    for (method, path, may) in matrix(&tenant, &provider_key, "pk_0192f0c1e2a37b4c8d5e6f7081920a1a") {
        for token in [&inference, &read, &other.key] {
            // What the other workspace may do at home is no breach.
            let at_home = token == &other.key && may != May::Operator && !path.contains("_0");
            if !at_home {
                try_it(
                    &app,
                    method,
                    &path,
                    Some(("authorization", &format!("Bearer {token}"))),
                )
                .await;
            }
        }
    }
    let after = app.store.directory();
    assert_eq!(after.workspaces, before.workspaces);
    assert_eq!(after.virtual_keys, before.virtual_keys);
    assert_eq!(after.provider_keys, before.provider_keys);
    assert_eq!(after.plans, before.plans);
}

#[tokio::test]
async fn a_virtual_key_is_taken_under_every_name_that_clients_use() {
    let app = App::new();
    let tenant = app.tenant("Acme", "free").await;
    let bearer = format!("Bearer {}", tenant.key);
    let lower = format!("bearer {}", tenant.key);
    for (name, value) in [
        ("authorization", bearer.as_str()),
        ("Authorization", &lower),
        ("x-api-key", &tenant.key),
        ("api-key", &tenant.key),
        ("x-goog-api-key", &tenant.key),
    ] {
        try_it(&app, "GET", "/v1/credits", Some((name, value)))
            .await
            .must_be(200);
    }
    let both = Request::get("/v1/credits")
        .header("authorization", "Bearer fh_wrong")
        .header("x-api-key", &tenant.key);
    app.send(both.body(Body::empty()).unwrap()).await.refused(401);
}

#[tokio::test]
async fn whatever_is_wrong_with_a_key_is_answered_alike_and_repeats_none_of_it() {
    let app = App::new();
    let tenant = app.tenant("Acme", "free").await;
    let foreign = App::new();
    let (stranger, _) = foreign
        .key(
            &foreign.tenant("Acme", "free").await.id,
            json!({"label": "x", "scopes": ["read"]}),
        )
        .await;
    let mut changed = tenant.key.clone().into_bytes();
    changed[20] = if changed[20] == b'a' { b'b' } else { b'a' };
    let changed = String::from_utf8(changed).unwrap();
    let mut seen = BTreeSet::new();
    for wrong in [
        "",
        "fh_",
        "sk-proj-abc",
        &stranger,
        &changed,
        &tenant.key[..30],
        &app.operator,
    ] {
        let refused = app.call("GET /v1/credits", wrong, Value::Null).await.refused(401);
        assert!(
            wrong.len() < 4 || !refused.message.contains(&wrong[..wrong.len().min(10)]),
            "{}",
            refused.message
        );
        seen.insert((refused.code, refused.message, refused.param));
    }
    assert_eq!(seen.len(), 1, "{seen:?}");
}

#[tokio::test]
async fn a_row_copied_into_another_workspace_lets_nobody_in_there() {
    let app = App::new();
    let tenant = app.tenant("Acme", "free").await;
    let other = app.tenant("Other", "free").await;
    let mut row = app
        .store
        .directory()
        .virtual_keys
        .into_iter()
        .find(|key| key.id.to_string() == tenant.key_id)
        .unwrap();
    row.workspace = other.id.parse().unwrap();
    app.store.replace_virtual_key(row);
    // The replaced row comes into force with the next change.
    app.operator("PUT /admin/v1/plans/gold", json!({}))
        .await
        .must_be(200);
    app.call("GET /v1/credits", &tenant.key, Value::Null)
        .await
        .refused(401);
}

#[tokio::test]
async fn what_is_missing_and_what_is_anothers_read_alike() {
    let app = App::new();
    let tenant = app.tenant("Acme", "free").await;
    let other = app.tenant("Other", "free").await;
    let theirs = app.provider_key(&other, "key").await;
    for (missing, foreign) in [
        (
            "GET /v1/byok/providers/pk_0192f0c1e2a37b4c8d5e6f7081920a1a",
            format!("GET /v1/byok/providers/{theirs}"),
        ),
        (
            "GET /v1/byok/providers/nonsense",
            format!("GET /v1/byok/providers/{theirs}"),
        ),
        (
            "DELETE /v1/virtual-keys/vk_0192f0c1e2a37b4c8d5e6f7081920a1a",
            format!("DELETE /v1/virtual-keys/{}", other.key_id),
        ),
    ] {
        let mut missing = app
            .call(missing, &tenant.key, Value::Null)
            .await
            .must_be(404)
            .json;
        let mut foreign = app
            .call(&foreign, &tenant.key, Value::Null)
            .await
            .must_be(404)
            .json;
        for body in [&mut missing, &mut foreign] {
            body["error"]["request_id"] = Value::Null;
        }
        assert_eq!(missing, foreign);
    }
}
