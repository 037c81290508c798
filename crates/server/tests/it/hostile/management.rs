//! Malformed bodies for every route of the management API that takes one.
//!
//! The bodies before they are spoilt are understood and refused at the last step, so that few of ten thousand make
//! anything.

use freehold_testkit::freehold::Freehold;
use freehold_testkit::simulator::{Shape, Simulator};
use serde_json::{Value, json};

use super::siege::{Target, besiege};
use crate::support::tenant::ask;
use crate::support::{Tenant, options};

/// Every path with a body that the description of the API knows, as method and path.
fn described(document: &Value) -> Vec<String> {
    let paths = document["paths"].as_object().unwrap().iter();
    let mut found: Vec<String> = paths
        .flat_map(|(path, operations)| {
            let operations = operations.as_object().unwrap().iter();
            operations
                .filter(|(_, operation)| operation["requestBody"].is_object() && !path.contains("/chat/"))
                .map(move |(method, _)| format!("{} {path}", method.to_uppercase()))
        })
        .collect();
    found.sort();
    found
}

struct Scene {
    server: Freehold,
    tenant: Tenant,
    key: String,
    _provider: Simulator,
}

impl Scene {
    async fn new() -> Self {
        let provider = Simulator::start(Shape::OpenAi);
        let server = Freehold::start(options()).await;
        let tenant = Tenant::new(&server).await;
        let key = tenant.store_key("openai", &provider).await;
        Self {
            server,
            tenant,
            key,
            _provider: provider,
        }
    }

    fn target(&self, route: &str, body: Value) -> Target {
        let (method, path) = match route.split_once(' ').unwrap() {
            ("POST", path) => ("POST", path),
            ("PUT", path) => ("PUT", path),
            ("PATCH", path) => ("PATCH", path),
            other => panic!("{other:?}"),
        };
        let id = if path.starts_with("/admin") {
            &self.tenant.id
        } else {
            &self.key
        };
        let path = path.replace("{id}", id).replace("{name}", "besieged");
        let credential = if path.starts_with("/admin") {
            self.server.operator_token()
        } else {
            &self.tenant.key
        };
        let headers = if path.ends_with("/credits") {
            "idempotency-key: besieged\r\n"
        } else {
            ""
        };
        Target {
            method,
            path,
            credential: credential.to_owned(),
            headers,
            body: body.to_string(),
        }
    }
}

fn bodies() -> Vec<(&'static str, Value)> {
    let provider_key = json!({
        "provider": "openai-compatible", "api_key": "sk-0123456789abcdef", "name": "house", "label": "l", "priority": 1, "is_active": true,
        "base_url": "http://10.0.0.1/v1", "allowed_models": ["gpt-*"], "fallback": "never",
        "limits": {"requests_per_minute": 5, "tokens_per_minute": 100, "monthly_spend_usd": "2.5"},
    });
    let virtual_key = json!({
        "label": "l", "scopes": ["inference", "read"], "expires_at": "2020-01-01T00:00:00Z", "allowed_models": ["a/*"],
        "limits": {"requests_per_minute": 5, "max_credits_per_request": "2.5"},
    });
    let mut change = provider_key.clone();
    change["provider"] = json!("openai");
    change["name"] = Value::Null;
    change["api_key"] = Value::Null;
    vec![
        (
            "POST /admin/v1/workspaces",
            json!({"name": "default", "plan": "no such plan", "fallback": "never", "time_zone": "Europe/Berlin"}),
        ),
        (
            "PATCH /admin/v1/workspaces/{id}",
            json!({"name": "default", "plan": "no such plan", "fallback": "never", "time_zone": "UTC"}),
        ),
        ("POST /admin/v1/workspaces/{id}/virtual-keys", virtual_key.clone()),
        (
            "POST /admin/v1/workspaces/{id}/credits",
            json!({"credits": "0", "reason": "r"}),
        ),
        (
            "PUT /admin/v1/plans/{name}",
            json!({
            "monthly_fee_usd": "1.5", "included_credits": "10", "max_credits_per_request": "2", "max_input_tokens": 5,
            "max_output_tokens": 5, "requests_per_minute": 5, "tokens_per_minute": 5, "concurrent_requests": 5,
            "allowed_models": ["a/*"], "byok": true, "platform_markup": "0.25", "upgrade_to": "no such plan", "upgrade_url": "https://x/"}),
        ),
        ("POST /admin/v1/platform-keys", provider_key.clone()),
        ("POST /v1/byok/providers", provider_key),
        ("PUT /v1/byok/providers/{id}", change),
        ("POST /v1/virtual-keys", virtual_key),
        (REHEARSAL, ask("no-such-provider/model", "what would happen")),
    ]
}

#[tokio::test]
async fn every_route_that_takes_a_body_is_besieged() {
    let scene = Scene::new().await;
    let document = freehold_testkit::client::Request::get(scene.server.url("/openapi.json"))
        .send()
        .await
        .json();
    let mut besieged: Vec<String> = bodies().iter().map(|(route, _)| (*route).to_owned()).collect();
    besieged.sort();
    assert_eq!(besieged, described(&document));
}

/// The rehearsal of a request makes nothing, and answers what would happen to whatever it is given.
const REHEARSAL: &str = "POST /v1/quota/check";

async fn besiege_part(part: usize) {
    let mut scene = Scene::new().await;
    let targets: Vec<Target> = bodies()
        .into_iter()
        .filter(|(route, _)| *route != REHEARSAL)
        .enumerate()
        .filter(|(index, _)| index % 3 == part)
        .map(|(_, (route, body))| scene.target(route, body))
        .collect();
    let statuses = besiege(&mut scene.server, &scene.tenant, &targets).await;
    assert!(
        statuses.get(&400).is_some_and(|count| *count > 10_000),
        "{statuses:?}"
    );
    let made: u64 = statuses
        .iter()
        .filter(|(status, _)| **status < 300)
        .map(|(_, count)| count)
        .sum();
    assert!(
        made < 3_000,
        "{made} of the spoilt bodies made something: {statuses:?}"
    );
}

#[tokio::test]
async fn thirty_thousand_malformed_bodies_for_the_first_third_of_the_routes_break_nothing() {
    besiege_part(0).await;
}

#[tokio::test]
async fn thirty_thousand_malformed_bodies_for_the_second_third_of_the_routes_break_nothing() {
    besiege_part(1).await;
}

#[tokio::test]
async fn thirty_thousand_malformed_bodies_for_the_last_third_of_the_routes_break_nothing() {
    besiege_part(2).await;
}

#[tokio::test]
async fn ten_thousand_malformed_rehearsals_break_nothing_and_cost_nothing() {
    let mut scene = Scene::new().await;
    let (route, body) = bodies()
        .into_iter()
        .find(|(route, _)| *route == REHEARSAL)
        .unwrap();
    let target = scene.target(route, body);
    besiege(&mut scene.server, &scene.tenant, &[target]).await;
    assert_eq!(
        scene.tenant.records().await.len(),
        1,
        "a rehearsal leaves no record; the look afterwards leaves one"
    );
}
