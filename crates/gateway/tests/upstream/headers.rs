//! What a provider learns of the caller, and the caller of the provider.

use std::collections::BTreeSet;

use freehold_wire::adapter::AuthScheme;
use http::{HeaderMap, HeaderName, HeaderValue};

use super::provider::{KEY, Provider, Seen, call, call_with, credential, text};

/// What an honest call consists of.
const SENT: [&str; 7] = [
    "accept",
    "accept-encoding",
    "authorization",
    "content-length",
    "content-type",
    "host",
    "user-agent",
];

const TENANT: [&str; 41] = [
    "authorization",
    "proxy-authorization",
    "x-api-key",
    "api-key",
    "apikey",
    "x-goog-api-key",
    "x-goog-user-project",
    "x-auth-token",
    "x-access-token",
    "ocp-apim-subscription-key",
    "cookie",
    "openai-organization",
    "openai-project",
    "anthropic-workspace-id",
    "anthropic-organization-id",
    "x-freehold-end-user",
    "forwarded",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-real-ip",
    "x-client-ip",
    "true-client-ip",
    "cf-connecting-ip",
    "fastly-client-ip",
    "via",
    "host",
    "connection",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "expect",
    "content-length",
    "x-amz-security-token",
    "x-amz-date",
    "metadata-flavor",
    "x-aws-ec2-metadata-token",
    "x-freehold-workflow",
    "idempotency-key",
];

/// Each name as it stands, with underscores, and behind a prefix that some servers strip.
fn variants() -> Vec<HeaderName> {
    let spellings = TENANT
        .iter()
        .flat_map(|name| [(*name).to_owned(), name.replace('-', "_"), format!("http-{name}")]);
    spellings
        .map(|name| HeaderName::try_from(name).unwrap())
        .collect()
}

fn names(seen: &Seen) -> BTreeSet<&str> {
    seen.headers.keys().map(HeaderName::as_str).collect()
}

#[tokio::test]
async fn no_header_of_the_caller_goes_along_unless_an_adapter_names_it() {
    let provider = Provider::answering(|_| text(200, "{}")).await;
    let (client, endpoint) = (provider.client(), provider.endpoint());
    let variants = variants();
    assert!(variants.len() >= 120, "{}", variants.len());
    for name in &variants {
        let mut of_caller = HeaderMap::new();
        of_caller.append(name, HeaderValue::from_static("theirs"));
        of_caller.append(name, HeaderValue::from_static("Bearer theirs"));
        of_caller.append("x-beta", HeaderValue::from_static("tools"));
        client
            .send(call(&endpoint).with_caller_headers(&of_caller, &["x-beta"]))
            .await
            .unwrap();
    }
    let requests = provider.requests();
    assert_eq!(requests.len(), variants.len());
    for seen in requests {
        let expected: BTreeSet<&str> = SENT.iter().copied().chain(["x-beta"]).collect();
        assert_eq!(names(&seen), expected);
        let credentials: Vec<_> = seen.headers.get_all("authorization").iter().collect();
        assert_eq!(credentials, [format!("Bearer {KEY}").as_str()]);
    }
}

#[tokio::test]
async fn an_adapter_that_names_everything_still_lets_no_credential_through() {
    let provider = Provider::answering(|_| text(200, "{}")).await;
    let (client, endpoint) = (provider.client(), provider.endpoint());
    let variants = variants();
    let every_name: Vec<&str> = variants.iter().map(HeaderName::as_str).collect();
    let mut of_caller = HeaderMap::new();
    for name in &variants {
        of_caller.append(name, HeaderValue::from_static("theirs"));
    }
    for scheme in [
        AuthScheme::Bearer,
        AuthScheme::Header("x-api-key"),
        AuthScheme::Header("x-goog-api-key"),
    ] {
        let call = call_with(&endpoint, credential(scheme)).with_caller_headers(&of_caller, &every_name);
        client.send(call).await.unwrap();
        let seen = provider.requests().pop().unwrap();
        let with_key: Vec<_> = seen
            .headers
            .iter()
            .filter(|(_, value)| value.as_bytes().ends_with(KEY.as_bytes()))
            .collect();
        assert_eq!(with_key.len(), 1, "{scheme:?}");
        let theirs: BTreeSet<_> = seen
            .headers
            .iter()
            .filter(|(_, value)| *value == "theirs")
            .map(|(name, _)| name.as_str())
            .collect();
        assert_eq!(
            theirs,
            BTreeSet::from(["http-idempotency-key", "idempotency-key", "idempotency_key"])
        );
    }
}

#[tokio::test]
async fn a_header_that_the_caller_ties_to_the_connection_does_not_go_along() {
    let provider = Provider::answering(|_| text(200, "{}")).await;
    let endpoint = provider.endpoint();
    let mut of_caller = HeaderMap::new();
    of_caller.append("connection", HeaderValue::from_static("close, X-Beta"));
    of_caller.append("x-beta", HeaderValue::from_static("tools"));
    of_caller.append("traceparent", HeaderValue::from_static("00-1-2-01"));
    let call = call(&endpoint).with_caller_headers(&of_caller, &["x-beta", "traceparent"]);
    provider.client().send(call).await.unwrap();
    let seen = provider.requests().pop().unwrap();
    assert!(!seen.headers.contains_key("x-beta") && !seen.headers.contains_key("connection"));
    assert_eq!(seen.headers["traceparent"], "00-1-2-01");
}

#[tokio::test]
async fn a_request_arrives_as_it_was_written() {
    let provider = Provider::answering(|_| text(200, "{}")).await;
    let below = super::provider::endpoint(&format!("{}/openai/v1/", provider.url()));
    provider.client().send(call(&below)).await.unwrap();
    let seen = provider.requests().pop().unwrap();
    assert_eq!(seen.path, "/openai/v1/chat/completions");
    assert_eq!(seen.body, "{\"model\":\"m\"}");
    assert_eq!(seen.headers["host"], provider.address.to_string());
    assert_eq!(seen.headers["user-agent"], "freehold");
    assert_eq!(seen.headers["accept-encoding"], "identity");
}

#[tokio::test]
async fn of_a_reply_s_headers_only_the_useful_ones_reach_the_caller() {
    let given = [
        ("content-type", "application/json"),
        ("retry-after", "7"),
        ("retry-after-ms", "6500"),
        ("x-ratelimit-remaining-requests", "59"),
        ("x-ratelimit-limit-req-minute", "60"),
        ("anthropic-ratelimit-input-tokens-reset", "2026-11-21T00:00:00Z"),
        ("x-request-id", "req_1"),
        ("set-cookie", "session=1"),
        ("server", "cloud"),
        ("location", "https://elsewhere.example"),
        ("openai-organization", "org-1"),
        ("openai-processing-ms", "12"),
        ("alt-svc", "h3=\":443\""),
        ("strict-transport-security", "max-age=1"),
        ("access-control-allow-origin", "*"),
        ("x-freehold-attribution", "platform"),
        ("x-anything", "else"),
    ];
    let provider = Provider::answering(move |_| {
        let mut reply = text(429, "{}");
        for (name, value) in given {
            reply
                .headers_mut()
                .insert(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        reply
    })
    .await;
    let endpoint = provider.endpoint();
    let mut reply = provider.client().send(call(&endpoint)).await.unwrap();
    assert_eq!(reply.provider_headers()["x-ratelimit-remaining-requests"], "59");
    let headers = reply.take_headers();
    let found: BTreeSet<_> = headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.to_str().unwrap()))
        .collect();
    let expected = BTreeSet::from([
        ("content-type", "application/json"),
        ("retry-after", "7"),
        ("retry-after-ms", "6500"),
        ("x-upstream-ratelimit-remaining-requests", "59"),
        ("x-upstream-ratelimit-limit-req-minute", "60"),
        ("x-upstream-ratelimit-input-tokens-reset", "2026-11-21T00:00:00Z"),
        ("x-upstream-request-id", "req_1"),
    ]);
    assert_eq!(found, expected);
}
