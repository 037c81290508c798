//! The way out: only where it may go, with one credential, and without anything of the caller's.

use freehold_testkit::freehold::Freehold;
use freehold_testkit::simulator::{Shape, Simulator};
use http::Method;
use serde_json::json;

use crate::support::tenant::{ask, ask_stream, fresh_provider_key};
use crate::support::{EXECUTABLE, Tenant, answer, server};

#[tokio::test]
async fn a_private_address_that_is_not_listed_is_refused_when_a_key_is_stored() {
    let provider = Simulator::start(Shape::OpenAi);
    let listed = Simulator::start(Shape::OpenAi);
    let options = freehold_testkit::freehold::Options::new(EXECUTABLE).simulator(&listed);
    let server = Freehold::start(options).await;
    let tenant = Tenant::new(&server).await;
    let port = provider.address.port();
    for url in [
        provider.base_url(),
        format!("http://localhost:{port}/v1"),
        format!("http://[::1]:{port}/v1"),
        format!("http://[::ffff:127.0.0.1]:{port}/v1"),
        format!("http://2130706433:{port}/v1"),
        format!("http://0x7f.1:{port}/v1"),
        format!("http://0.0.0.0:{port}/v1"),
        "http://169.254.169.254/latest/meta-data".to_owned(),
        "http://10.0.0.1/v1".to_owned(),
        "https://192.168.1.1/v1".to_owned(),
        "https://[fd00::1]/v1".to_owned(),
        "https://[64:ff9b::7f00:1]/v1".to_owned(),
        "http://api.openai.com/v1".to_owned(),
        "https://api.openai.com:8443/v1".to_owned(),
        server.url("/v1"),
        "ftp://example.com/".to_owned(),
        "https://user:password@example.com/v1".to_owned(),
        "not a url".to_owned(),
    ] {
        let body = json!({"provider": "openai-compatible", "name": "trap", "api_key": fresh_provider_key(), "base_url": url});
        let refused = tenant.post("/v1/byok/providers", &body).await;
        assert_eq!(refused.status, 400, "{url}: {}", refused.text());
        let error = &refused.json()["error"];
        assert_eq!(error["param"], "base_url", "{url}: {error}");
        assert!(
            ["egress_denied", "invalid_base_url"].contains(&error["code"].as_str().unwrap()),
            "{url}: {error}"
        );
    }
    assert_eq!(provider.served(), 0);
    assert_eq!(tenant.get("/v1/byok/providers").await.json()["data"], json!([]));
    tenant.store_key("openai-compatible", &listed).await;
}

#[tokio::test]
async fn a_target_that_is_no_longer_listed_is_refused_by_the_dialer() {
    let provider = Simulator::start(Shape::OpenAi);
    let mut server = Freehold::start(crate::support::options()).await;
    let tenant = Tenant::new(&server).await;
    let key = tenant.store_key("openai", &provider).await;
    assert_eq!(tenant.chat(&ask("openai/sim-ok", "listed")).await.status, 200);
    std::fs::write(
        server.scratch().join("freehold.toml"),
        "[egress]\nprivate_targets = []\n",
    )
    .unwrap();
    server.restart().await;
    let served = provider.served();
    let refused = tenant.chat(&ask("openai/sim-ok", "no longer")).await;
    assert_eq!(refused.status, 502, "{}", refused.text());
    let checked = tenant
        .post(&format!("/v1/byok/providers/{key}/validate"), &json!({}))
        .await
        .expect(200)
        .json();
    assert_eq!(
        checked["validation"],
        json!({"result": "refused_by_policy", "decided": false})
    );
    assert_eq!(provider.served(), served, "no connection was made");
    assert_eq!(tenant.status(&key).await, "valid", "and the key is not to blame");
}

#[tokio::test]
async fn a_redirect_is_never_followed() {
    let (provider, trap) = (Simulator::start(Shape::OpenAi), Simulator::start(Shape::OpenAi));
    let tenant = Tenant::new(server().await).await;
    let key = tenant.store_key("openai", &provider).await;
    provider.redirect_to(&format!("{}/chat/completions", trap.base_url()));
    for status in [301, 302, 303, 307, 308] {
        provider.behave(&format!("sim-redirect-{status}"));
        for body in [
            ask("openai/sim-ok", "elsewhere"),
            ask_stream("openai/sim-ok", "elsewhere"),
        ] {
            let refused = tenant.chat(&body).await;
            assert_eq!(
                answer::refusal(&refused),
                (502, "upstream_error".to_owned()),
                "{status}"
            );
            assert!(
                !refused.text().contains(&trap.address.to_string()),
                "{}",
                refused.text()
            );
        }
    }
    assert_eq!(trap.served(), 0);
    assert_eq!(tenant.status(&key).await, "unknown");
}

#[tokio::test]
async fn the_provider_sees_one_credential_and_nothing_of_the_callers() {
    for (kind, shape) in [
        ("openai", Shape::OpenAi),
        ("anthropic", Shape::Anthropic),
        ("ollama", Shape::Ollama),
    ] {
        let provider = Simulator::start(shape);
        let secret = fresh_provider_key();
        provider.accept(&secret);
        let tenant = Tenant::new(server().await).await;
        tenant
            .store(json!({"provider": kind, "api_key": secret, "base_url": provider.base_url()}))
            .await;
        let foreign = [
            ("x-api-key", "sk-foreign"),
            ("api-key", "sk-foreign"),
            ("x-goog-api-key", "sk-foreign"),
            ("openai-organization", "org-foreign"),
            ("openai-project", "proj-foreign"),
            ("anthropic-beta", "foreign-beta"),
            ("cookie", "session=foreign"),
            ("forwarded", "for=198.51.100.7"),
            ("x-forwarded-for", "198.51.100.7"),
            ("x-forwarded-host", "foreign.example"),
            ("x-real-ip", "198.51.100.7"),
            ("via", "1.1 foreign"),
            ("true-client-ip", "198.51.100.7"),
            ("cf-connecting-ip", "198.51.100.7"),
            ("x-amz-security-token", "foreign"),
            ("metadata-flavor", "Google"),
            ("proxy-authorization", "Basic Zm9yZWlnbg=="),
            ("x-custom", "foreign"),
            ("accept-encoding", "gzip, br"),
            ("user-agent", "foreign-client/1.0"),
            ("referer", "https://foreign.example/"),
            ("x-freehold-end-user", "foreign-user"),
        ];
        let mut request = tenant.request(Method::POST, "/v1/chat/completions?key=sk-foreign&foreign=1");
        for (name, value) in foreign {
            request = request.header(name, value);
        }
        let reply = request
            .json(&ask(&format!("{kind}/sim-ok"), "who am I"))
            .send()
            .await;
        assert_eq!(reply.status, 200, "{kind}: {}", reply.text());
        let seen = provider.last();
        let all = format!("{:?} {}", seen.headers, seen.path).to_lowercase();
        assert!(
            !all.contains("foreign") && !all.contains("198.51.100.7") && !all.contains("fh_"),
            "{kind}: {all}"
        );
        assert!(
            !seen.headers.contains_key("accept-encoding")
                || seen.header("accept-encoding") == Some("identity")
        );
        let credentials: Vec<_> = ["authorization", "x-api-key", "api-key", "x-goog-api-key"]
            .iter()
            .flat_map(|name| seen.headers.get_all(*name))
            .map(|value| value.to_str().unwrap().trim_start_matches("Bearer ").to_owned())
            .collect();
        assert_eq!(credentials, [secret], "{kind}");
    }
}

#[tokio::test]
async fn a_request_cannot_name_another_destination_or_key() {
    let (provider, trap) = (Simulator::start(Shape::OpenAi), Simulator::start(Shape::OpenAi));
    provider.be_lenient();
    let tenant = Tenant::new(server().await).await;
    let secret = fresh_provider_key();
    provider.accept(&secret);
    tenant
        .store(json!({"provider": "openai", "api_key": secret, "base_url": provider.base_url()}))
        .await;
    let elsewhere = trap.base_url();
    for field in [
        "base_url",
        "api_base",
        "api_key",
        "baseURL",
        "organization",
        "extra_headers",
        "extra_body",
        "provider",
        "proxy",
        "url",
    ] {
        let mut body = ask("openai/sim-ok", "elsewhere");
        body[field] = json!(elsewhere);
        body["metadata"] = json!({field: elsewhere});
        let _ = tenant.chat(&body).await;
    }
    assert_eq!(trap.served(), 0);
    for seen in provider.inferences() {
        assert_eq!(
            seen.header("authorization"),
            Some(format!("Bearer {secret}").as_str())
        );
        assert_eq!(seen.header("host"), Some(provider.address.to_string().as_str()));
    }
    let refused = tenant
        .put(
            &format!("/v1/byok/providers/{}", first_key(&tenant).await),
            &json!({"base_url": elsewhere}),
        )
        .await;
    assert_eq!(
        answer::refusal(&refused),
        (400, "api_key_required".to_owned()),
        "a stored key is bound to its destination"
    );
}

async fn first_key(tenant: &Tenant) -> String {
    tenant.get("/v1/byok/providers").await.json()["data"][0]["id"]
        .as_str()
        .unwrap()
        .to_owned()
}

#[tokio::test]
async fn a_provider_that_repeats_the_key_does_not_get_it_through() {
    let provider = Simulator::start(Shape::OpenAi);
    let secret = fresh_provider_key();
    provider.accept(&secret);
    let tenant = Tenant::new(server().await).await;
    tenant
        .store(json!({"provider": "openai", "api_key": secret, "base_url": provider.base_url()}))
        .await;
    for behaviour in [
        "sim-echo-key",
        "sim-echo-key+bytewise",
        "sim-error-echo-key",
        "sim-fault-auth_invalid",
        "sim-fault-deepseek_auth",
        "sim-fault-xai_auth",
    ] {
        provider.behave(behaviour);
        for body in [
            ask("openai/gpt-4o-mini", "tell me"),
            ask_stream("openai/gpt-4o-mini", "tell me"),
        ] {
            let reply = tenant.chat(&body).await;
            let all = format!("{:?} {}", reply.headers, reply.text());
            assert!(!all.contains(&secret), "{behaviour}: {all}");
            assert!(!all.contains(&secret[10..]), "{behaviour}: {all}");
        }
    }
    let records = tenant.get("/v1/usage/records").await.text();
    assert!(!records.contains(&secret), "{records}");
}
