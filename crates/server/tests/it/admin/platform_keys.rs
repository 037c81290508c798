//! The platform's own provider keys, stored by the operator while it runs.

use freehold_testkit::freehold::Freehold;
use freehold_testkit::simulator::{Shape, Simulator};
use http::Method;
use serde_json::json;

use crate::support::answer::metadata;
use crate::support::tenant::{ask, fresh_provider_key};
use crate::support::{Tenant, answer, stores};

#[tokio::test]
async fn a_platform_key_serves_from_the_next_request_on_until_it_is_deleted_and_survives_a_restart() {
    for options in stores() {
        let provider = Simulator::start(Shape::OpenAi);
        let mut server = Freehold::start(options).await;
        let tenant = Tenant::new(&server).await;
        tenant.grant("10").await;
        let mut body = ask("openai/gpt-4o-mini", "on the house");
        body["max_tokens"] = json!(50);
        let before = tenant.chat(&body).await;
        assert_eq!(answer::refusal(&before), (503, "no_candidate".to_owned()));

        let secret = fresh_provider_key();
        provider.accept(&secret);
        let key = json!({"provider": "openai", "api_key": secret, "base_url": provider.base_url(), "label": "house"});
        let stored = tenant
            .admin(Method::POST, "/admin/v1/platform-keys", Some(&key))
            .await
            .expect(201);
        assert!(!stored.text().contains(&secret));
        let id = stored.json()["id"].as_str().unwrap().to_owned();
        let reply = tenant.chat(&body).await.expect(200);
        assert_eq!(metadata(&reply)["cost_attribution"], "platform");
        assert!(
            !reply.text().contains(&id),
            "the platform's keys are nobody's business: {}",
            reply.text()
        );

        assert!(server.terminate().await.success());
        server.restart().await;
        assert_eq!(tenant.chat(&body).await.status, 200);

        let path = format!("/admin/v1/platform-keys/{id}");
        let _ = tenant.admin(Method::DELETE, &path, None).await.expect(200);
        assert_eq!(tenant.chat(&body).await.status, 503);
        assert_eq!(provider.inferences().len(), 2);
        assert_eq!(tenant.credits().await["held"], "0");
    }
}
