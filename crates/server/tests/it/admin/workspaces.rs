//! Workspaces: made, changed, and deleted with all that could open their keys.

use freehold_testkit::client::Request;
use freehold_testkit::simulator::{Shape, Simulator};
use http::Method;
use serde_json::json;

use crate::support::tenant::{ask, make_plan, unique};
use crate::support::{Tenant, server, servers};

#[tokio::test]
async fn a_deleted_workspace_opens_to_nobody() {
    for server in servers().await {
        let provider = Simulator::start(Shape::OpenAi);
        let tenant = Tenant::new(server).await;
        tenant.store_key("openai", &provider).await;
        assert_eq!(
            tenant.chat(&ask("openai/sim-ok", "still there")).await.status,
            200
        );
        let path = format!("/admin/v1/workspaces/{}", tenant.id);
        let gone = tenant.admin(Method::DELETE, &path, None).await.expect(200).json();
        assert_eq!(gone["deleted"], true);
        assert_eq!(tenant.chat(&ask("openai/sim-ok", "gone")).await.status, 401);
        assert_eq!(tenant.get("/v1/usage/records").await.status, 401);
        assert_eq!(tenant.admin(Method::GET, &path, None).await.status, 404);
        assert_eq!(provider.inferences().len(), 1);
    }
}

#[tokio::test]
async fn a_change_of_plan_is_in_force_at_the_next_request() {
    for server in servers().await {
        let plan = unique("strict");
        make_plan(server, &plan, json!({"allowed_models": ["sandbox/echo"]})).await;
        let tenant = Tenant::new(server).await;
        assert_eq!(tenant.chat(&ask("sandbox/json", "free")).await.status, 200);
        let path = format!("/admin/v1/workspaces/{}", tenant.id);
        let _ = tenant
            .admin(Method::PATCH, &path, Some(&json!({"plan": plan})))
            .await
            .expect(200);
        assert_eq!(tenant.chat(&ask("sandbox/json", "strict")).await.status, 403);
    }
}

#[tokio::test]
async fn no_virtual_key_opens_an_operators_route_and_no_operator_token_a_workspaces() {
    let server = server().await;
    let tenant = Tenant::new(server).await;
    let document = Request::get(server.url("/openapi.json")).send().await.json();
    for (path, operations) in document["paths"].as_object().unwrap() {
        if !path.starts_with("/admin") && !path.starts_with("/v1") {
            continue;
        }
        let wrong = if path.starts_with("/admin") {
            tenant.key.as_str()
        } else {
            server.operator_token()
        };
        let filled = path
            .split('/')
            .map(|part| if part.starts_with('{') { "x" } else { part })
            .collect::<Vec<_>>()
            .join("/");
        for method in operations.as_object().unwrap().keys() {
            let method: Method = method.to_uppercase().parse().unwrap();
            for request in [
                Request::new(method.clone(), server.url(&filled)).bearer(wrong),
                Request::new(method.clone(), server.url(&filled)),
            ] {
                let reply = request.send().await;
                assert_eq!(reply.status, 401, "{method} {path}: {}", reply.text());
            }
        }
    }
}
