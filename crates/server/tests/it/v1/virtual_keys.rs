//! Virtual keys: what opens a workspace, and how far.

use std::time::{Duration, Instant};

use freehold_testkit::client::{Answer, Request};
use freehold_testkit::freehold::Freehold;
use http::Method;
use serde_json::json;

use crate::support::tenant::ask;
use crate::support::{Tenant, answer, eventually, server, servers};

fn chat(server: &Freehold) -> Request {
    Request::post(server.url("/v1/chat/completions")).json(&ask("sandbox/echo", "who is there"))
}

#[tokio::test]
async fn a_key_is_taken_from_each_of_the_four_headers_that_clients_use() {
    let server = server().await;
    let tenant = Tenant::new(server).await;
    for header in ["x-api-key", "api-key", "x-goog-api-key"] {
        let reply = chat(server).header(header, tenant.key.as_str()).send().await;
        assert_eq!(answer::text(&reply), "who is there", "{header}");
        let models = Request::get(server.url("/v1/models"))
            .header(header, tenant.key.as_str())
            .send()
            .await;
        assert_eq!(models.status, 200, "{header}");
        let keys = Request::get(server.url("/v1/virtual-keys"))
            .header(header, tenant.key.as_str())
            .send()
            .await;
        assert_eq!(keys.status, 200, "{header}");
    }
    for scheme in ["Bearer", "bearer", "BEARER"] {
        let reply = chat(server)
            .header("authorization", format!("{scheme} {}", tenant.key))
            .send()
            .await;
        assert_eq!(reply.status, 200, "{scheme}");
    }
    assert_eq!(tenant.records().await.len(), 6);
}

#[tokio::test]
async fn a_wrong_key_is_refused_alike_whatever_is_wrong_and_never_repeated() {
    let server = server().await;
    let tenant = Tenant::new(server).await;
    let good = tenant.key.clone();
    let flip = |at: usize| {
        let mut bytes = good.clone().into_bytes();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        String::from_utf8(bytes).unwrap()
    };
    let wrong = [
        String::new(),
        "fh_".to_owned(),
        "x".to_owned(),
        "sk-proj-somebodys-openai-key-0123456789".to_owned(),
        good[..good.len() - 1].to_owned(),
        format!("{good}A"),
        good.to_uppercase(),
        flip(4),
        flip(good.len() / 2),
        flip(good.len() - 1),
        server.operator_token().to_owned(),
        "fh_".to_owned() + &"A".repeat(10_000),
    ];
    let mut bodies = Vec::new();
    for key in &wrong {
        for request in [
            chat(server),
            Request::get(server.url("/v1/usage/records")),
            Request::get(server.url("/v1/models")),
        ] {
            let reply = request.bearer(key).send().await;
            assert_eq!(
                answer::refusal(&reply),
                (401, "invalid_api_key".to_owned()),
                "{key}"
            );
            for part in [key.as_str(), key.get(3..15).unwrap_or("fh_AAAA")] {
                let repeated = part.len() > 3
                    && (reply.text().contains(part) || format!("{:?}", reply.headers).contains(part));
                assert!(!repeated, "{part} in {}", reply.text());
            }
            bodies.push(reply.json()["error"]["message"].as_str().unwrap().to_owned());
        }
    }
    bodies.sort();
    bodies.dedup();
    assert_eq!(bodies.len(), 1, "whoever guesses learns nothing: {bodies:?}");
    assert_eq!(tenant.records().await.len(), 0, "strangers leave no record");
}

#[tokio::test]
async fn no_key_at_all_is_refused() {
    let server = server().await;
    assert_eq!(
        answer::refusal(&chat(server).send().await),
        (401, "invalid_api_key".to_owned())
    );
    for header in ["Basic Zm86YmFy", "Bearer", "fh_x", ""] {
        let reply = chat(server).header("authorization", header).send().await;
        assert_eq!(reply.status, 401, "{header}");
    }
}

#[tokio::test]
async fn each_scope_opens_its_own_doors_and_no_others() {
    let server = server().await;
    let tenant = Tenant::new(server).await;
    let record = {
        let reply = tenant.chat(&ask("sandbox/echo", "one record")).await;
        answer::metadata(&reply)["request_id"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let routes: [(Method, String, &[&str]); 12] = [
        (Method::POST, "/v1/chat/completions".to_owned(), &["inference"]),
        (Method::GET, "/v1/models".to_owned(), &["inference"]),
        (Method::GET, "/v1/models/sandbox/echo".to_owned(), &["inference"]),
        (Method::GET, "/v1/byok/providers".to_owned(), &["read", "manage"]),
        (Method::POST, "/v1/byok/providers".to_owned(), &["manage"]),
        (Method::GET, "/v1/virtual-keys".to_owned(), &["read", "manage"]),
        (Method::POST, "/v1/virtual-keys".to_owned(), &["manage"]),
        (
            Method::DELETE,
            "/v1/virtual-keys/vk_00000000000000000000000000000000".to_owned(),
            &["manage"],
        ),
        (Method::GET, "/v1/usage/records".to_owned(), &["read"]),
        (Method::GET, format!("/v1/usage/records/{record}"), &["read"]),
        (Method::GET, "/v1/credits".to_owned(), &["read"]),
        (Method::GET, "/admin/v1/workspaces".to_owned(), &[]),
    ];
    for scope in ["inference", "read", "manage"] {
        let made = tenant.make_key(json!({"label": scope, "scopes": [scope]})).await;
        let caller = tenant.calling_with(made["key"].as_str().unwrap());
        for (method, path, opened_by) in &routes {
            let mut request = caller.request(method.clone(), path);
            if method == Method::POST {
                // Good enough to be understood, and not for more.
                request = request.json(&ask("sandbox/echo", "scoped"));
            }
            let reply = request.send().await;
            if opened_by.contains(&scope) {
                assert!(
                    ![401, 403].contains(&reply.status),
                    "{scope} at {method} {path}: {}",
                    reply.text()
                );
            } else {
                let expected = if path.starts_with("/admin") { 401 } else { 403 };
                assert_eq!(
                    reply.status,
                    expected,
                    "{scope} at {method} {path}: {}",
                    reply.text()
                );
            }
        }
    }
}

#[tokio::test]
async fn a_key_is_shown_once_and_then_only_known_by_its_public_part() {
    for server in servers().await {
        let tenant = Tenant::new(server).await;
        let made = tenant
            .post(
                "/v1/virtual-keys",
                &json!({"label": "shown once", "scopes": ["inference"]}),
            )
            .await
            .expect(201)
            .json();
        let key = made["key"].as_str().unwrap();
        let public = made["public_id"].as_str().unwrap();
        assert!(key.starts_with(&format!("fh_{public}")), "{made}");
        let secret = key.trim_start_matches(&format!("fh_{public}"));
        let list = tenant.get("/v1/virtual-keys").await.expect(200).text();
        assert!(
            list.contains(public) && !list.contains(key) && !list.contains(secret),
            "{list}"
        );
        let reply = tenant
            .calling_with(key)
            .chat(&ask("sandbox/echo", "new key"))
            .await;
        assert_eq!(answer::text(&reply), "new key");
        let record = tenant.only_record().await;
        assert_eq!(
            record["virtual_key"],
            json!({"id": made["id"], "label": "shown once"})
        );
    }
}

#[tokio::test]
async fn an_expired_key_is_refused() {
    for server in servers().await {
        let tenant = Tenant::new(server).await;
        let now: jiff::Timestamp =
            tenant.make_key(json!({"label": "now", "scopes": ["read"]})).await["created_at"]
                .as_str()
                .unwrap()
                .parse()
                .unwrap();
        let expiry = now.checked_add(jiff::SignedDuration::from_millis(1_200)).unwrap();
        let made = tenant
            .make_key(json!({"label": "short", "scopes": ["inference"], "expires_at": expiry.to_string()}))
            .await;
        let caller = tenant.calling_with(made["key"].as_str().unwrap());
        let _ = caller.chat(&ask("sandbox/echo", "in time")).await.expect(200);
        let refused: Answer = eventually("the expiry", async || {
            let reply = caller.chat(&ask("sandbox/echo", "late")).await;
            (reply.status != 200).then_some(reply)
        })
        .await;
        assert_eq!(answer::refusal(&refused), (401, "invalid_api_key".to_owned()));

        let past = tenant
            .post(
                "/v1/virtual-keys",
                &json!({"label": "past", "scopes": ["read"], "expires_at": "2020-01-01T00:00:00Z"}),
            )
            .await;
        assert_eq!(past.status, 400);
        assert_eq!(past.json()["error"]["param"], "expires_at");
    }
}

#[tokio::test]
async fn a_key_calls_only_the_models_it_was_made_for() {
    let tenant = Tenant::new(server().await).await;
    let made = tenant
        .make_key(json!({"label": "echo only", "scopes": ["inference"], "allowed_models": ["sandbox/echo", "long"]}))
        .await;
    let caller = tenant.calling_with(made["key"].as_str().unwrap());
    assert_eq!(caller.chat(&ask("sandbox/echo", "yes")).await.status, 200);
    let mut short = ask("sandbox/long", "a pattern without a provider");
    short["max_tokens"] = json!(3);
    assert_eq!(caller.chat(&short).await.status, 200);
    let refused = caller.chat(&ask("sandbox/tools", "no")).await;
    assert_eq!(answer::refusal(&refused), (403, "model_not_allowed".to_owned()));
    let message = refused.json()["error"]["message"].as_str().unwrap().to_owned();
    assert!(
        message.contains("sandbox/echo"),
        "it says which are allowed: {message}"
    );
    let outcomes: Vec<_> = tenant
        .records()
        .await
        .iter()
        .map(|record| record["outcome"].clone())
        .collect();
    assert_eq!(outcomes, ["denied", "ok", "ok"]);
}

#[tokio::test]
async fn a_revoked_key_is_refused_within_a_second_and_a_running_stream_goes_on() {
    for server in servers().await {
        let tenant = Tenant::new(server).await;
        let made = tenant
            .make_key(json!({"label": "to be revoked", "scopes": ["inference"]}))
            .await;
        let caller = tenant.calling_with(made["key"].as_str().unwrap());
        let running = caller
            .open_chat(&crate::support::tenant::ask_stream("sandbox/slow", "running"))
            .await;
        let path = format!("/v1/virtual-keys/{}", made["id"].as_str().unwrap());
        let revoked = Instant::now();
        let gone = tenant.delete(&path).await.expect(200).json();
        assert_eq!(gone["deleted"], true);
        let refused = eventually("the refusal", async || {
            let reply = caller.chat(&ask("sandbox/echo", "still in?")).await;
            (reply.status == 401).then(|| revoked.elapsed())
        })
        .await;
        assert!(refused < Duration::from_secs(1), "{refused:?}");
        assert!(running.rest().await.unwrap().ends_with(b"data: [DONE]\n\n"));
        let again = tenant.delete(&path).await;
        assert_eq!(again.status, 404, "deletions are final");
    }
}

#[tokio::test]
async fn no_key_can_make_one_wider_than_itself() {
    let tenant = Tenant::new(server().await).await;
    let made = tenant
        .make_key(
            json!({"label": "narrow", "scopes": ["manage", "inference"], "allowed_models": ["sandbox/echo"]}),
        )
        .await;
    let narrow = tenant.calling_with(made["key"].as_str().unwrap());
    for (wider, code) in [
        (
            json!({"label": "scope", "scopes": ["read"], "allowed_models": ["sandbox/echo"]}),
            "insufficient_scope",
        ),
        (
            json!({"label": "model", "scopes": ["inference"], "allowed_models": ["sandbox/*"]}),
            "exceeds_own_grant",
        ),
    ] {
        let refused = narrow.post("/v1/virtual-keys", &wider).await;
        assert_eq!(answer::refusal(&refused), (403, code.to_owned()), "{wider}");
    }
    let child = narrow
        .post(
            "/v1/virtual-keys",
            &json!({"label": "child", "scopes": ["inference"]}),
        )
        .await
        .expect(201)
        .json();
    let child = tenant.calling_with(child["key"].as_str().unwrap());
    assert_eq!(child.chat(&ask("sandbox/echo", "within")).await.status, 200);
    assert_eq!(child.chat(&ask("sandbox/json", "without")).await.status, 403);
}
