//! A provider key goes in and never comes out: not in a reply, not in a refusal, not in a header, not in what is stored.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::app::{App, Reply};

/// Half of it, or any eight characters of it, would be too much.
const CANARY: &str = "sk-proj-CaNaRy7f3a9b1c5d2e8f4a6b0c";

#[track_caller]
fn is_clean(reply: &Reply, place: &str) {
    let all = format!("{}\n{:?}", reply.text, reply.headers);
    for start in 0..CANARY.len() - 8 {
        let part = &CANARY[start..start + 8];
        assert!(!all.contains(part), "{place} gives away `{part}`: {all}");
    }
    assert!(!all.contains(&hex(CANARY)), "{place}");
}

fn hex(text: &str) -> String {
    text.bytes().fold(String::new(), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}

#[tokio::test]
async fn no_reply_holds_a_stored_key_or_a_part_of_it() {
    let app = App::new();
    let tenant = app.tenant("Acme", "free").await;
    let body = json!({"provider": "openai", "api_key": CANARY});
    let made = app
        .call("POST /v1/byok/providers", &tenant.key, body.clone())
        .await
        .must_be(201);
    is_clean(&made, "POST");
    let id = made.text_of("id");
    let path = format!("/v1/byok/providers/{id}");
    let put = app
        .call(
            &format!("PUT {path}"),
            &tenant.key,
            json!({"api_key": CANARY, "label": "x"}),
        )
        .await
        .must_be(200);
    is_clean(&put, "PUT");
    for target in [
        format!("GET {path}"),
        "GET /v1/byok/providers".to_owned(),
        format!("POST {path}/validate"),
    ] {
        is_clean(&app.call(&target, &tenant.key, Value::Null).await, &target);
    }
    let platform = app
        .operator("POST /admin/v1/platform-keys", body)
        .await
        .must_be(201);
    is_clean(&platform, "POST platform-keys");
    is_clean(
        &app.operator("GET /admin/v1/platform-keys", Value::Null).await,
        "GET platform-keys",
    );
    is_clean(
        &app.call(&format!("DELETE {path}"), &tenant.key, Value::Null)
            .await
            .must_be(200),
        "DELETE",
    );
}

#[tokio::test]
async fn no_refusal_repeats_a_key_wherever_it_was_put() {
    let app = App::new();
    let tenant = app.tenant("Acme", "free").await;
    let id = app.provider_key(&tenant, "key").await;
    let mut bodies = vec![
        format!("\"{CANARY}\""),
        CANARY.to_owned(),
        format!("[\"{CANARY}\"]"),
        format!("{{\"api_key\":\"{CANARY}"),
        format!("{{\"api_key\":\"{CANARY}\""),
        format!("{{\"api_key\":{CANARY}}}"),
        format!("{{\"{CANARY}\":1}}"),
        format!("{{\"api_key\":\"{CANARY}\"}}"),
        format!("{{\"api_key\":\"{CANARY}\",\"api_key\":\"{CANARY}\"}}"),
        format!("{{\"provider\":\"openai\",\"api_key\":[\"{CANARY}\"]}}"),
        format!("{{\"provider\":\"openai\",\"api_key\":{{\"value\":\"{CANARY}\"}}}}"),
        format!("{{\"provider\":\"openai\",\"api_key\":\"{CANARY}\\n\\u0001{CANARY}\"}}"),
        format!("{{\"provider\":\"openai\",\"api_key\":\"{CANARY}ключ\"}}"),
        format!("{{\"provider\":\"openai\",\"api_key\":\"{CANARY}\",\"unknown\":true}}"),
        format!("{{\"provider\":\"openai\",\"api_key\":\"{CANARY}\",\"priority\":\"{CANARY}\"}}"),
    ];
    for field in [
        "provider",
        "name",
        "label",
        "priority",
        "is_active",
        "base_url",
        "allowed_models",
        "limits",
        "fallback",
    ] {
        let mut body = json!({"provider": "openai", "api_key": "key"});
        // A label may be any text, so it is the one field where this would be stored: too long makes it a refusal.
        body[field] = if field == "label" {
            json!(CANARY.repeat(5))
        } else {
            json!(CANARY)
        };
        bodies.push(body.to_string());
        body[field] = json!({CANARY: CANARY});
        bodies.push(body.to_string());
    }
    for body in &bodies {
        for (target, token) in [
            ("POST /v1/byok/providers".to_owned(), &tenant.key),
            (format!("PUT /v1/byok/providers/{id}"), &tenant.key),
            ("POST /admin/v1/platform-keys".to_owned(), &app.operator),
            ("POST /v1/virtual-keys".to_owned(), &tenant.key),
            ("POST /admin/v1/workspaces".to_owned(), &app.operator),
            ("PUT /admin/v1/plans/gold".to_owned(), &app.operator),
        ] {
            let reply = app.call_with(&target, token, body).await;
            is_clean(&reply, &format!("{target} with {body}"));
        }
    }
}

#[tokio::test]
async fn a_key_in_an_address_a_query_or_a_header_is_not_repeated() {
    let app = App::new();
    let tenant = app.tenant("Acme", "free").await;
    for target in [
        format!("GET /v1/byok/providers/{CANARY}"),
        format!("GET /v1/byok/providers?limit={CANARY}"),
        format!("GET /v1/byok/providers?{CANARY}=1"),
        format!("GET /v1/byok/providers?cursor={CANARY}"),
        format!("GET /v1/usage/records?outcome={CANARY}"),
        format!("GET /v1/usage/records/{CANARY}"),
        format!("GET /admin/v1/plans/{CANARY}"),
        format!("GET /admin/v1/{CANARY}"),
    ] {
        let token = if target.contains("/admin") {
            &app.operator
        } else {
            &tenant.key
        };
        let reply = app.call(&target, token, Value::Null).await;
        assert!(reply.status >= 400, "{target}");
        is_clean(&reply, &target);
    }
    is_clean(
        &app.call("GET /v1/credits", CANARY, Value::Null)
            .await
            .must_be(401),
        "as a virtual key",
    );
    is_clean(
        &app.call("GET /admin/v1/plans", CANARY, Value::Null)
            .await
            .must_be(401),
        "as the operator token",
    );
}

#[tokio::test]
async fn what_is_stored_holds_neither_a_provider_key_nor_a_virtual_key_in_the_clear() {
    let app = App::new();
    let tenant = app.tenant("Acme", "free").await;
    let id = app.provider_key(&tenant, CANARY).await;
    let sealed = app.store.stored_key(&id).sealed.unwrap().0;
    assert!(
        !sealed
            .windows(8)
            .any(|window| CANARY.as_bytes().windows(8).any(|part| part == window))
    );
    let everything = format!("{:?}", app.store.directory());
    assert!(!everything.contains("CaNaRy"), "{everything}");
    assert!(
        !everything.contains(&tenant.key[14..]),
        "the secret part of the virtual key is stored"
    );
}
