//! The few pages of the process itself. They need no credential and tell no secret.

use freehold_testkit::client::Request;
use http::Method;

use crate::support::tenant::ask;
use crate::support::{Tenant, server};

const PAGES: [&str; 5] = ["/", "/healthz", "/readyz", "/metrics", "/openapi.json"];

#[tokio::test]
async fn every_page_is_there_without_a_credential() {
    let server = server().await;
    for page in PAGES {
        let answer = Request::get(server.url(page)).send().await;
        assert_eq!(answer.status, 200, "{page}: {}", answer.text());
        assert!(!answer.body.is_empty(), "{page}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{page}");
    }
}

#[tokio::test]
async fn a_page_takes_no_other_method() {
    let server = server().await;
    for page in PAGES {
        let answer = Request::new(Method::DELETE, server.url(page)).send().await;
        assert_eq!(answer.status, 405, "{page}");
    }
}

#[tokio::test]
async fn an_address_where_nothing_is_says_so_in_the_shape_of_every_error() {
    let server = server().await;
    for path in [
        "/nothing",
        "/v1",
        "/v1/",
        "/v1/chat",
        "/v1/chat/completions/",
        "/v2/chat/completions",
        "/..%2f..%2fetc/passwd",
        "//",
        "/v1//models",
    ] {
        let answer = Request::get(server.url(path)).send().await;
        assert_eq!(answer.status, 404, "{path}: {}", answer.text());
        assert!(answer.json()["error"]["message"].is_string(), "{path}");
    }
}

#[tokio::test]
async fn the_metrics_count_requests_and_name_no_key() {
    let server = server().await;
    let tenant = Tenant::new(server).await;
    let _ = tenant.chat(&ask("sandbox/echo", "count me")).await.expect(200);
    let metrics = Request::get(server.url("/metrics")).send().await.text();
    assert!(metrics.ends_with("# EOF\n"), "{metrics}");
    let counted = metrics
        .lines()
        .filter(|line| line.starts_with("freehold_") && line.contains("outcome=\"ok\""));
    assert!(counted.count() > 0, "{metrics}");
    assert!(
        !metrics.contains("fh_") && !metrics.contains(&tenant.id),
        "{metrics}"
    );
}

#[tokio::test]
async fn the_description_of_the_api_names_every_route_that_is_served() {
    let server = server().await;
    let document = Request::get(server.url("/openapi.json")).send().await.json();
    let paths = document["paths"].as_object().unwrap();
    for path in [
        "/v1/chat/completions",
        "/v1/models",
        "/v1/byok/providers",
        "/v1/byok/providers/{id}",
        "/v1/byok/providers/{id}/validate",
        "/v1/virtual-keys",
        "/v1/usage/records",
        "/v1/usage/records/{request_id}",
        "/v1/credits",
        "/admin/v1/workspaces",
        "/admin/v1/workspaces/{id}/credits",
        "/admin/v1/plans/{name}",
        "/admin/v1/platform-keys",
    ] {
        assert!(paths.contains_key(path), "{path} is not among {:?}", paths.keys());
    }
    for (path, operations) in paths {
        for (method, operation) in operations.as_object().unwrap() {
            assert!(operation["summary"].is_string(), "{method} {path} has no summary");
            assert!(
                operation["responses"].is_object(),
                "{method} {path} has no responses"
            );
        }
    }
}
