//! What holds for every request: bodies, methods, addresses, headers, and a store that does not answer.

use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http::Request;
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::app::App;

const MAKE: &str = "POST /admin/v1/workspaces";

#[tokio::test]
async fn every_reply_has_its_own_id_and_is_never_cached() {
    let app = App::new();
    let mut ids = std::collections::HashSet::new();
    for (target, token) in [
        ("GET /admin/v1/workspaces", app.operator.as_str()),
        ("GET /admin/v1/workspaces", ""),
        ("GET /admin/v1/nonsense", ""),
        ("PUT /admin/v1/workspaces", &app.operator),
        (MAKE, &app.operator),
    ] {
        let reply = app.call(target, token, Value::Null).await;
        let id = reply.headers["x-request-id"].to_str().unwrap().to_owned();
        assert!(id.starts_with("req_"), "{id}");
        assert!(ids.insert(id), "{target}");
        assert_eq!(reply.headers["cache-control"], "no-store", "{target}");
        assert_eq!(reply.headers["x-content-type-options"], "nosniff", "{target}");
        assert_eq!(reply.headers["content-type"], "application/json", "{target}");
    }
}

#[tokio::test]
async fn a_body_that_is_no_json_object_is_refused() {
    let app = App::new();
    for body in [
        "",
        "   ",
        "{",
        "null",
        "[]",
        "\"x\"",
        "{\"name\":\"x\"}garbage",
        "{'name':'x'}",
        "{\"name\":\"x\",}",
    ] {
        app.call_with(MAKE, &app.operator, body)
            .await
            .refused(400)
            .with("invalid_request", None);
    }
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    app.call_with(MAKE, &app.operator, &format!("{{\"name\":{deep}}}"))
        .await
        .refused(400);
    assert!(app.store.directory().workspaces.is_empty());
}

#[tokio::test]
async fn bytes_that_are_no_text_are_refused() {
    let app = App::new();
    let request = Request::post("/admin/v1/workspaces")
        .header("authorization", format!("Bearer {}", app.operator))
        .header("content-type", "application/json")
        .body(Body::from(b"{\"name\":\"\xff\xfe\"}".to_vec()));
    app.send(request.unwrap())
        .await
        .refused(400)
        .with("invalid_request", None);
}

#[tokio::test]
async fn a_body_of_256_kib_is_read_and_a_byte_more_is_not() {
    let app = App::new();
    let frame = "{\"name\":\"x\",\"plan\":\"\"}".len();
    let padded = |length: usize| format!("{{\"name\":\"x\",\"plan\":\"{}\"}}", "p".repeat(length - frame));
    app.call_with(MAKE, &app.operator, &padded(256 * 1024))
        .await
        .refused(400)
        .with("invalid_request", Some("plan"));
    app.call_with(MAKE, &app.operator, &padded(256 * 1024 + 1))
        .await
        .refused(413)
        .with("request_too_large", None);
}

#[tokio::test]
async fn only_json_is_taken_where_a_type_is_named() {
    let app = App::new();
    for (number, (content_type, status)) in [
        (None, 201),
        (Some("application/json"), 201),
        (Some("application/json; charset=utf-8"), 201),
        (Some("Application/JSON"), 201),
        (Some("application/vnd.api+json"), 201),
        (Some("text/plain"), 415),
        (Some("application/x-www-form-urlencoded"), 415),
        (Some("multipart/form-data; boundary=x"), 415),
        (Some("+json"), 415),
    ]
    .into_iter()
    .enumerate()
    {
        let mut request =
            Request::post("/admin/v1/workspaces").header("authorization", format!("Bearer {}", app.operator));
        if let Some(content_type) = content_type {
            request = request.header("content-type", content_type);
        }
        let body = json!({"name": format!("n{number}")}).to_string();
        let reply = app
            .send(request.body(Body::from(body)).unwrap())
            .await
            .must_be(status);
        if status == 415 {
            reply
                .refused(415)
                .with("unsupported_media_type", Some("content-type"));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_that_never_ends_is_given_up() {
    let app = App::new();
    let endless = futures_util::stream::unfold(0_u32, |count| async move {
        tokio::time::sleep(Duration::from_secs(7)).await;
        Some((Ok::<_, std::io::Error>(Bytes::from_static(b" ")), count + 1))
    });
    let request = Request::post("/admin/v1/workspaces")
        .header("authorization", format!("Bearer {}", app.operator))
        .body(Body::from_stream(endless));
    app.send(request.unwrap())
        .await
        .refused(408)
        .with("request_timeout", None);
}

#[tokio::test]
async fn a_body_that_breaks_off_is_refused() {
    let app = App::new();
    let broken = futures_util::stream::iter([
        Ok(Bytes::from_static(b"{\"name\":")),
        Err(std::io::Error::other("connection lost")),
    ]);
    let request = Request::post("/admin/v1/workspaces")
        .header("authorization", format!("Bearer {}", app.operator))
        .body(Body::from_stream(broken));
    app.send(request.unwrap())
        .await
        .refused(400)
        .with("invalid_request", None);
}

#[tokio::test]
async fn a_wrong_method_names_the_right_ones_and_a_wrong_address_is_not_found() {
    let app = App::new();
    let reply = app.operator("PUT /admin/v1/workspaces", Value::Null).await;
    let allowed = reply.headers["allow"].to_str().unwrap().to_owned();
    assert!(allowed.contains("GET") && allowed.contains("POST"), "{allowed}");
    reply.refused(405).with("method_not_allowed", None);
    app.operator("GET /admin/v1/nonsense", Value::Null)
        .await
        .refused(404)
        .with("not_found", None);
    app.operator("GET /admin/v1/workspaces/ws_1", Value::Null)
        .await
        .refused(404)
        .with("not_found", None);
    app.operator("GET /admin/v1/workspaces/%ff", Value::Null)
        .await
        .refused(404)
        .with("not_found", None);
    app.operator("GET /admin/v1/plans/%2e%2e%2fpasswd", Value::Null)
        .await
        .refused(404)
        .with("not_found", None);
}

#[tokio::test]
async fn a_store_that_does_not_answer_is_said_so_without_details() {
    let app = App::new();
    let tenant = app.tenant("Acme", "free").await;
    app.store.go_down();
    for (target, token, body) in [
        ("GET /v1/byok/providers", &tenant.key, Value::Null),
        (
            "POST /v1/byok/providers",
            &tenant.key,
            json!({"provider": "openai", "api_key": "key"}),
        ),
        ("GET /admin/v1/plans", &app.operator, Value::Null),
        (MAKE, &app.operator, json!({"name": "x"})),
    ] {
        let reply = app.call(target, token, body).await;
        assert_eq!(reply.headers["retry-after"], "1");
        assert!(
            !reply.text.contains("fire") && !reply.text.contains("/var"),
            "{}",
            reply.text
        );
        reply.refused(503).with("store_unavailable", None);
    }
}

#[tokio::test]
async fn a_change_that_is_stored_is_told_as_done_even_if_this_node_learns_of_it_later() {
    let app = App::new();
    app.data_plane.get_stuck();
    app.operator(MAKE, json!({"name": "x"})).await.must_be(201);
    assert_eq!(app.store.directory().workspaces.len(), 1);
}

#[tokio::test]
async fn every_change_is_in_force_before_it_is_answered() {
    let app = App::new();
    let tenant = app.tenant("Acme", "free").await;
    let id = app.provider_key(&tenant, "key").await;
    for (target, token, body) in [
        (
            format!("PUT /v1/byok/providers/{id}"),
            &tenant.key,
            json!({"label": "x"}),
        ),
        (
            format!("DELETE /v1/byok/providers/{id}"),
            &tenant.key,
            Value::Null,
        ),
        (
            "POST /v1/virtual-keys".to_owned(),
            &tenant.key,
            json!({"label": "x", "scopes": ["read"]}),
        ),
        ("PUT /admin/v1/plans/gold".to_owned(), &app.operator, json!({})),
        (
            "DELETE /admin/v1/plans/gold".to_owned(),
            &app.operator,
            Value::Null,
        ),
        (
            format!("PATCH /admin/v1/workspaces/{}", tenant.id),
            &app.operator,
            json!({"name": "y"}),
        ),
        (
            format!("DELETE /v1/virtual-keys/{}", tenant.key_id),
            &tenant.key,
            Value::Null,
        ),
        (
            format!("DELETE /admin/v1/workspaces/{}", tenant.id),
            &app.operator,
            Value::Null,
        ),
    ] {
        let before = app.data_plane.refreshes();
        let reply = app.call(&target, token, body).await;
        assert!(reply.status < 300, "{target}: {}", reply.text);
        assert_eq!(app.data_plane.refreshes(), before + 1, "{target}");
    }
}

#[tokio::test]
async fn other_routers_keep_their_addresses_and_their_own_way_of_not_finding() {
    let app = App::new();
    let other = axum::Router::new()
        .route("/v1/models", axum::routing::get(|| async { "models" }))
        .fallback(|| async { "nowhere" });
    let merged = app.router.clone().merge(other);
    for (path, expected) in [
        ("/v1/models", "models"),
        ("/nothing", "nowhere"),
        ("/v1/byok", "nowhere"),
    ] {
        let request = Request::get(path).body(Body::empty()).unwrap();
        let response = merged.clone().oneshot(request).await.unwrap();
        assert!(!response.headers().contains_key("x-request-id"), "{path}");
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(bytes, expected, "{path}");
    }
}
