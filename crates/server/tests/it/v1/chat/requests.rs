//! Requests that cannot be served as they stand: refused by name, on record, and never sent to anybody.

use http::Method;
use serde_json::{Value, json};

use crate::support::tenant::{ask, make_plan, unique};
use crate::support::{Tenant, answer, server};

#[tokio::test]
async fn a_malformed_body_is_refused_and_the_field_is_named() {
    let tenant = Tenant::new(server().await).await;
    let message = json!([{"role": "user", "content": "hi"}]);
    for (body, param) in [
        (json!({"messages": message}), "model"),
        (json!({"model": 5, "messages": message}), "model"),
        (json!({"model": "", "messages": message}), "model"),
        (json!({"model": "sandbox/echo"}), "messages"),
        (json!({"model": "sandbox/echo", "messages": "hi"}), "messages"),
        (json!({"model": "sandbox/echo", "messages": []}), "messages"),
        (
            json!({"model": "sandbox/echo", "messages": message, "stream": "yes"}),
            "stream",
        ),
        (
            json!({"model": "sandbox/echo", "messages": message, "max_tokens": -1}),
            "max_tokens",
        ),
        (
            json!({"model": "sandbox/echo", "messages": message, "max_tokens": 1.5}),
            "max_tokens",
        ),
        (
            json!({"model": "sandbox/echo", "messages": message, "max_completion_tokens": "5"}),
            "max_completion_tokens",
        ),
        (json!({"model": "sandbox/echo", "messages": message, "n": 0}), "n"),
        (
            json!({"model": "sandbox/echo", "messages": message, "n": 1_000_000_000}),
            "n",
        ),
    ] {
        let refused = tenant.chat(&body).await;
        assert_eq!(refused.status, 400, "{body}: {}", refused.text());
        let error = &refused.json()["error"];
        assert!(
            error["param"]
                .as_str()
                .is_some_and(|named| named.starts_with(param)),
            "{body}: {error}"
        );
        assert!(
            error["message"]
                .as_str()
                .is_some_and(|message| message.contains(param)),
            "{body}: {error}"
        );
    }
    let records = tenant.records().await;
    assert_eq!(records.len(), 12);
    assert!(
        records
            .iter()
            .all(|record| record["outcome"] == "denied" && record["denial"]["status"] == 400)
    );
}

#[tokio::test]
async fn a_body_that_is_no_json_object_is_refused() {
    let tenant = Tenant::new(server().await).await;
    let deep = format!(
        "{{\"model\":\"sandbox/echo\",\"messages\":{}{}}}",
        "[".repeat(5_000),
        "]".repeat(5_000)
    );
    let twice =
        r#"{"model":"sandbox/echo","model":"sandbox/long","messages":[{"role":"user","content":"hi"}]}"#;
    let behind = r#"{"model":"sandbox/echo","messages":[{"role":"user","content":"hi"}]} {}"#;
    for body in [
        "",
        "{",
        "[]",
        "null",
        "5",
        "\"text\"",
        "{\"model\":}",
        "\u{feff}{}",
        deep.as_str(),
        twice,
        behind,
    ] {
        let reply = tenant
            .request(Method::POST, "/v1/chat/completions")
            .body(body.to_owned())
            .send()
            .await;
        assert_eq!(reply.status, 400, "{:.60}: {}", body, reply.text());
        assert_eq!(reply.json()["error"]["type"], "invalid_request_error");
    }
    let mut not_text = br#"{"model":"sandbox/echo","messages":[{"role":"user","content":""#.to_vec();
    not_text.extend_from_slice(b"\xff\xfe\"}]}");
    let reply = tenant
        .request(Method::POST, "/v1/chat/completions")
        .body(not_text)
        .send()
        .await;
    assert_eq!(reply.status, 400, "{}", reply.text());
}

#[tokio::test]
async fn every_refused_request_of_a_known_caller_is_on_record_and_says_why() {
    let tenant = Tenant::new(server().await).await;
    let expected = [
        (ask("no-such-provider/model", "x"), 404, "model_not_found"),
        (ask("openai/gpt-4o", "x"), 503, "no_candidate"),
        (ask("", "x"), 400, "invalid_request"),
    ];
    for (body, status, code) in &expected {
        let refused = tenant.chat(body).await;
        assert_eq!(answer::refusal(&refused), (*status, (*code).to_owned()));
        let record = tenant.record(refused.header("x-request-id").unwrap()).await;
        assert_eq!(record["outcome"], "denied");
        assert_eq!(record["denial"]["code"], *code);
        assert_eq!(record["denial"]["message"], refused.json()["error"]["message"]);
        assert_eq!(record["attempts"], json!([]));
        assert_eq!(record["cost_attribution"], Value::Null);
    }
    assert_eq!(tenant.records_of("&outcome=denied").await.len(), expected.len());
}

#[tokio::test]
async fn no_key_for_a_provider_is_met_with_the_way_on() {
    let tenant = Tenant::new(server().await).await;
    let refused = tenant.chat(&ask("anthropic/claude-haiku-4-5", "x")).await;
    assert_eq!(answer::refusal(&refused), (503, "no_candidate".to_owned()));
    let error = &refused.json()["error"];
    assert_eq!(
        error["remedies"],
        json!([{"action": "use_own_key", "provider": "anthropic", "would_allow": true}])
    );
    assert!(error["message"].as_str().unwrap().contains("/v1/byok/providers"));
}

#[tokio::test]
async fn the_model_list_of_the_plan_holds() {
    let server = server().await;
    let name = unique("plan");
    make_plan(
        server,
        &name,
        json!({"allowed_models": ["sandbox/echo"], "byok": true}),
    )
    .await;
    let tenant = Tenant::with(server, json!({"plan": name})).await;
    assert_eq!(tenant.chat(&ask("sandbox/echo", "x")).await.status, 200);
    let refused = tenant.chat(&ask("sandbox/long", "x")).await;
    assert_eq!(answer::refusal(&refused), (403, "model_not_allowed".to_owned()));
    assert_eq!(refused.json()["error"]["tier"], name.as_str());
}

#[tokio::test]
async fn tags_of_the_caller_stand_in_the_record() {
    let tenant = Tenant::new(server().await).await;
    let reply = tenant
        .request(Method::POST, "/v1/chat/completions")
        .header("x-freehold-workflow", "agent")
        .header("x-freehold-automation", "nightly")
        .header("x-freehold-run", "run-7")
        .header("x-freehold-step", "3")
        .header("x-freehold-end-user", "u".repeat(1_000))
        .json(&ask("sandbox/echo", "tagged"))
        .send()
        .await
        .expect(200);
    let record = tenant
        .record(answer::metadata(&reply)["request_id"].as_str().unwrap())
        .await;
    let tags = &record["tags"];
    assert_eq!(
        (
            &tags["workflow"],
            &tags["automation"],
            &tags["run"],
            &tags["step"]
        ),
        (&json!("agent"), &json!("nightly"), &json!("run-7"), &json!("3"))
    );
    assert_eq!(
        tags["end_user"].as_str().unwrap().len(),
        256,
        "what is longer is cut"
    );
}
