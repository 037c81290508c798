//! When the platform's key may stand in for a workspace's own, and who pays then.

use freehold_testkit::freehold::Freehold;
use freehold_testkit::simulator::{Shape, Simulator, VALID_KEY};
use http::Method;
use serde_json::{Value, json};

use crate::support::answer::metadata;
use crate::support::tenant::{ask, fresh_provider_key, make_plan};
use crate::support::{Tenant, answer, options};

/// The platform with its provider, and a provider for the workspaces' own keys.
struct Scene {
    platform: Simulator,
    own: Simulator,
    server: Freehold,
}

impl Scene {
    async fn new() -> Self {
        let (platform, own) = (Simulator::start(Shape::OpenAi), Simulator::start(Shape::OpenAi));
        let server = Freehold::start(options().platform_key("openai", VALID_KEY, &platform)).await;
        Self {
            platform,
            own,
            server,
        }
    }

    /// A workspace of this policy, with credits.
    async fn tenant(&self, policy: &str) -> Tenant {
        let tenant = Tenant::with(&self.server, json!({"plan": "enterprise", "fallback": policy})).await;
        tenant.grant("100").await;
        tenant
    }

    /// How often each of the two was asked since the last look: own, platform.
    fn asked(&self) -> (usize, usize) {
        let asked = (self.own.inferences().len(), self.platform.inferences().len());
        self.own.forget();
        self.platform.forget();
        asked
    }
}

fn question() -> Value {
    let mut body = ask("openai/gpt-4o-mini", "who pays");
    body["max_tokens"] = json!(50);
    body
}

#[tokio::test]
async fn never_means_that_the_platform_never_pays() {
    let scene = Scene::new().await;
    let tenant = scene.tenant("never").await;
    let refused = tenant.chat(&question()).await;
    assert_eq!(answer::refusal(&refused), (503, "no_candidate".to_owned()));
    let key = tenant.store_key("openai", &scene.own).await;
    scene.own.behave("sim-fault-auth_invalid");
    assert_eq!(tenant.chat(&question()).await.status, 424);
    assert_eq!(scene.asked(), (1, 0));
    let _ = tenant
        .put(&format!("/v1/byok/providers/{key}"), &json!({"is_active": false}))
        .await
        .expect(200);
    let off = tenant.chat(&question()).await;
    assert_eq!(
        answer::refusal(&off),
        (503, "no_candidate".to_owned()),
        "a key that is switched off changes nothing"
    );
    assert_eq!(scene.asked(), (0, 0));
    assert_eq!(tenant.credits().await["posted"], "0");
}

#[tokio::test]
async fn when_missing_means_that_the_platform_pays_only_where_there_is_no_own_key() {
    let scene = Scene::new().await;
    let tenant = scene.tenant("when_missing").await;
    let paid = tenant.chat(&question()).await.expect(200);
    assert_eq!(metadata(&paid)["cost_attribution"], "platform");
    assert_eq!(paid.header("x-freehold-attribution"), Some("platform"));
    assert_eq!(scene.asked(), (0, 1));
    let key = tenant.store_key("openai", &scene.own).await;
    let own = tenant.chat(&question()).await.expect(200);
    assert_eq!(metadata(&own)["cost_attribution"], "byok");
    assert_eq!(scene.asked(), (1, 0));
    scene.own.behave("sim-fault-auth_invalid");
    assert_eq!(tenant.chat(&question()).await.status, 424);
    assert_eq!(scene.asked(), (1, 0), "a key that fails is not missing");
    let _ = tenant
        .put(&format!("/v1/byok/providers/{key}"), &json!({"is_active": false}))
        .await
        .expect(200);
    let off = tenant.chat(&question()).await;
    assert_eq!(
        answer::refusal(&off),
        (503, "no_candidate".to_owned()),
        "one that is switched off is not missing either"
    );
    assert_eq!(scene.asked(), (0, 0));
}

#[tokio::test]
async fn on_failure_means_that_the_platform_steps_in_and_its_share_alone_is_charged() {
    let scene = Scene::new().await;
    let tenant = scene.tenant("on_failure").await;
    let key = tenant.store_key("openai", &scene.own).await;
    let own = tenant.chat(&question()).await.expect(200);
    assert_eq!(metadata(&own)["cost_attribution"], "byok");
    assert_eq!(
        tenant.credits().await["posted"],
        "0",
        "own keys cost no credits, even where the platform stood by"
    );
    assert_eq!(tenant.credits().await["held"], "0");
    assert_eq!(scene.asked(), (1, 0));
    scene.own.behave("sim-fault-auth_invalid");
    let paid = tenant.chat(&question()).await.expect(200);
    let told = metadata(&paid);
    assert_eq!(told["cost_attribution"], "platform");
    assert_eq!(told["attempts"].as_array().unwrap().len(), 2);
    assert_eq!(told["attempts"][0]["provider_key"], key.as_str());
    assert!(
        told["attempts"][1].get("provider_key").is_none_or(Value::is_null),
        "{told}"
    );
    assert_eq!(scene.asked(), (1, 1));
    let record = tenant.record(told["request_id"].as_str().unwrap()).await;
    assert_eq!(tenant.credits().await["posted"], record["credits_charged"]);
    assert_ne!(record["credits_charged"], "0");
}

#[tokio::test]
async fn a_policy_of_the_key_goes_before_that_of_the_workspace() {
    let scene = Scene::new().await;
    scene.own.behave("sim-fault-auth_invalid");
    for (workspace, key, falls_back) in [
        ("on_failure", "never", false),
        ("on_failure", "when_missing", false),
        ("never", "on_failure", true),
        ("when_missing", "on_failure", true),
    ] {
        let tenant = scene.tenant(workspace).await;
        let body = json!({"provider": "openai", "api_key": fresh_provider_key(), "base_url": scene.own.base_url(), "fallback": key});
        tenant.store(body).await;
        let status = tenant.chat(&question()).await.status;
        assert_eq!(status, if falls_back { 200 } else { 424 }, "{workspace} {key}");
        assert_eq!(scene.asked(), (1, usize::from(falls_back)), "{workspace} {key}");
    }
}

#[tokio::test]
async fn own_keys_never_depend_on_the_platforms_money() {
    let scene = Scene::new().await;
    for policy in ["never", "when_missing", "on_failure"] {
        let tenant = Tenant::with(&scene.server, json!({"plan": "enterprise", "fallback": policy})).await;
        tenant.store_key("openai", &scene.own).await;
        let reply = tenant.chat(&question()).await;
        assert_eq!(reply.status, 200, "{policy}: {}", reply.text());
        assert_eq!(metadata(&reply)["cost_attribution"], "byok");
        let credits = tenant.credits().await;
        assert_eq!(
            (&credits["posted"], &credits["held"]),
            (&json!("0"), &json!("0")),
            "{policy}"
        );
    }
    let tenant = Tenant::with(
        &scene.server,
        json!({"plan": "enterprise", "fallback": "on_failure"}),
    )
    .await;
    tenant.store_key("openai", &scene.own).await;
    scene.own.behave("sim-fault-auth_invalid");
    scene.asked();
    let reply = tenant.chat(&question()).await;
    assert_eq!(
        answer::refusal(&reply),
        (424, "provider_key_rejected".to_owned()),
        "without credits nobody steps in"
    );
    assert_eq!(scene.asked(), (1, 0));
}

#[tokio::test]
async fn a_time_out_of_the_own_key_does_not_make_the_platform_pay_for_a_second_run() {
    let (platform, own) = (Simulator::start(Shape::OpenAi), Simulator::start(Shape::OpenAi));
    let options = options()
        .platform_key("openai", VALID_KEY, &platform)
        .toml("[limits]\nrequest_deadline_seconds = 1");
    let server = Freehold::start(options).await;
    let scene = Scene {
        platform,
        own,
        server,
    };
    let tenant = scene.tenant("on_failure").await;
    tenant.store_key("openai", &scene.own).await;
    scene.own.behave("sim-hang");
    assert_eq!(tenant.chat(&question()).await.status, 504);
    assert_eq!(scene.asked(), (1, 0));
    let credits = tenant.credits().await;
    assert_eq!((&credits["posted"], &credits["held"]), (&json!("0"), &json!("0")));
}

#[tokio::test]
async fn a_plan_without_own_keys_takes_none_and_uses_none() {
    let scene = Scene::new().await;
    make_plan(&scene.server, "no-own-keys", json!({"byok": false})).await;
    let tenant = scene.tenant("when_missing").await;
    tenant.store_key("openai", &scene.own).await;
    let path = format!("/admin/v1/workspaces/{}", tenant.id);
    let _ = tenant
        .admin(Method::PATCH, &path, Some(&json!({"plan": "no-own-keys"})))
        .await
        .expect(200);
    let paid = tenant.chat(&question()).await.expect(200);
    assert_eq!(metadata(&paid)["cost_attribution"], "platform");
    assert_eq!(scene.asked(), (0, 1));
    let refused = tenant
        .post(
            "/v1/byok/providers",
            &json!({"provider": "openai", "api_key": fresh_provider_key()}),
        )
        .await;
    assert_eq!(answer::refusal(&refused), (403, "byok_not_in_plan".to_owned()));
}

#[tokio::test]
async fn a_platform_key_that_is_refused_is_the_operators_trouble() {
    let scene = Scene::new().await;
    let tenant = scene.tenant("when_missing").await;
    scene.platform.behave("sim-fault-auth_invalid");
    let reply = tenant.chat(&question()).await;
    assert_eq!(answer::refusal(&reply), (503, "no_candidate".to_owned()));
    assert!(!reply.text().contains("sk-"), "{}", reply.text());
    assert_eq!(tenant.credits().await["held"], "0");
}
