//! `GET /v1/models`: what this key may use now, and who would pay.

use freehold_testkit::simulator::{Shape, Simulator};
use serde_json::{Value, json};

use crate::support::answer::members;
use crate::support::{Tenant, answer, server};

async fn listed(tenant: &Tenant) -> Vec<Value> {
    let list = tenant.get("/v1/models").await.expect(200).json();
    assert_eq!(list["object"], "list");
    list["data"].as_array().unwrap().clone()
}

fn ids(models: &[Value]) -> Vec<&str> {
    models.iter().map(|model| model["id"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn without_a_key_there_is_the_sandbox_and_with_one_its_models_too() {
    let tenant = Tenant::new(server().await).await;
    let before = listed(&tenant).await;
    assert!(ids(&before).contains(&"sandbox/echo"));
    assert!(
        !ids(&before).iter().any(|id| id.starts_with("openai/")),
        "{:?}",
        ids(&before)
    );

    let provider = Simulator::start(Shape::OpenAi);
    tenant.store_key("openai", &provider).await;
    let after = listed(&tenant).await;
    let model = after
        .iter()
        .find(|model| model["id"] == "openai/gpt-4o-mini")
        .unwrap();
    assert_eq!(model["object"], "model");
    assert_eq!(model["owned_by"], "openai");
    assert_eq!(model["cost_attribution"], "byok");
    assert_eq!(model["pricing"]["input_usd_per_mtok"], "0.15");
    assert_eq!(model["pricing"]["output_usd_per_mtok"], "0.6");
    assert!(model["max_output_tokens"].is_u64() && model["context_tokens"].is_u64());
}

#[tokio::test]
async fn one_model_can_be_looked_up_by_its_name() {
    let tenant = Tenant::new(server().await).await;
    let model = tenant.get("/v1/models/sandbox/echo").await.expect(200).json();
    assert_eq!(model["id"], "sandbox/echo");
    let missing = tenant.get("/v1/models/openai/gpt-4o").await;
    assert_eq!(answer::refusal(&missing), (404, "model_not_found".to_owned()));
}

#[tokio::test]
async fn a_key_sees_only_the_models_that_it_may_call() {
    let tenant = Tenant::new(server().await).await;
    let narrow = tenant
        .make_key(json!({"label": "narrow", "scopes": ["inference"], "allowed_models": ["sandbox/echo", "openai/*"]}))
        .await;
    let narrow = tenant.calling_with(narrow["key"].as_str().unwrap());
    assert_eq!(ids(&listed(&narrow).await), ["sandbox/echo"]);
}

#[tokio::test]
async fn a_server_whose_models_nobody_lists_is_offered_by_what_its_owner_named() {
    let provider = Simulator::start(Shape::OpenAi);
    let tenant = Tenant::new(server().await).await;
    tenant
        .store(json!({"provider": "openai-compatible", "name": "house", "api_key": "anything-goes", "base_url": provider.base_url(),
            "allowed_models": ["llama-3", "house/mixtral"]}))
        .await;
    let models = listed(&tenant).await;
    let own: Vec<_> = ids(&models)
        .into_iter()
        .filter(|id| id.starts_with("house/"))
        .collect();
    assert_eq!(own, ["house/llama-3", "house/mixtral"]);
    assert!(members(&models[0]).contains(&"pricing".to_owned()));
}
