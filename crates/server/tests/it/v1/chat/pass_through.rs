//! Same protocol in and out: the body goes as it came but for what must change, and so does the answer.

use freehold_testkit::client::Request;
use freehold_testkit::simulator::{Shape, Simulator, VALID_KEY};
use http::Method;
use serde_json::json;

use crate::support::{Tenant, server};

async fn tenant_of(provider: &Simulator) -> Tenant {
    let tenant = Tenant::new(server().await).await;
    tenant
        .store(json!({"provider": "openai", "api_key": VALID_KEY, "base_url": provider.base_url()}))
        .await;
    tenant
}

/// A body as no library writes it: odd spaces, unknown members, numbers and texts that a parser would change.
const ODD: &str = "{ \"messages\" :[ {\"role\":\"user\",\"content\":\"\\u0068i \\ud83d\\ude00 \u{1f600}\\/\"}],\n\t\
    \"model\" : \"MODEL\", \"seed\":1.0e+2 ,\"made_up\": {\"b\":1,\"a\":[1,2.50,1e400,-0.0]}, \"user\":\"\"}";

#[tokio::test]
async fn the_body_reaches_the_provider_byte_for_byte_but_for_the_model() {
    let provider = Simulator::start(Shape::OpenAi);
    provider.be_lenient();
    let tenant = tenant_of(&provider).await;
    let sent = ODD.replace("MODEL", "openai/sim-ok");
    let reply = tenant
        .request(Method::POST, "/v1/chat/completions")
        .header("content-type", "application/json")
        .body(sent)
        .send()
        .await;
    // The provider's JSON parser may refuse the odd number; what counts is what it was sent.
    let seen = String::from_utf8(provider.last().body.to_vec()).unwrap();
    assert_eq!(seen, ODD.replace("MODEL", "sim-ok"), "{}", reply.text());
}

#[tokio::test]
async fn unknown_fields_survive_the_way_there() {
    let provider = Simulator::start(Shape::OpenAi);
    provider.be_lenient();
    let tenant = tenant_of(&provider).await;
    let body = json!({
        "model": "openai/sim-ok", "messages": [{"role": "user", "content": "hi", "invented": true}],
        "a_field_of_next_year": {"deep": [1, {"er": null}]}, "logit_bias": {"50256": -100}, "metadata": {"k": "v"},
    });
    for stream in [false, true] {
        let mut body = body.clone();
        body["stream"] = json!(stream);
        let _ = tenant.chat(&body).await.expect(200);
        let seen = provider.last().json();
        assert_eq!(seen["a_field_of_next_year"], body["a_field_of_next_year"]);
        assert_eq!(seen["messages"], body["messages"]);
        assert_eq!(seen["logit_bias"], body["logit_bias"]);
        assert_eq!(seen["metadata"], body["metadata"]);
    }
}

#[tokio::test]
async fn the_reply_comes_back_byte_for_byte_with_the_metadata_behind_it() {
    let provider = Simulator::start(Shape::OpenAi);
    let tenant = tenant_of(&provider).await;
    let direct = Request::post(format!("{}/chat/completions", provider.base_url()))
        .bearer(VALID_KEY)
        .json(&json!({"model": "sim-canned", "messages": [{"role": "user", "content": "hi"}]}))
        .send()
        .await
        .expect(200)
        .text();
    let reply = tenant
        .chat(&json!({"model": "openai/sim-canned", "messages": [{"role": "user", "content": "hi"}]}))
        .await;
    let text = reply.expect(200).text();
    let (theirs, ours) = text.split_once(",\"freehold_metadata\":").unwrap();
    assert_eq!(format!("{theirs}}}"), direct);
    assert!(ours.ends_with("}}"), "{ours}");
}

#[tokio::test]
async fn a_stream_comes_back_byte_for_byte_but_for_usage_and_metadata() {
    let provider = Simulator::start(Shape::OpenAi);
    let tenant = tenant_of(&provider).await;
    let direct = Request::post(format!("{}/chat/completions", provider.base_url()))
        .bearer(VALID_KEY)
        .json(&json!({"model": "sim-canned-fast", "stream": true, "messages": [{"role": "user", "content": "hi"}]}))
        .send()
        .await
        .expect(200)
        .text();
    let body = json!({"model": "openai/sim-canned-fast", "stream": true, "messages": [{"role": "user", "content": "hi"}]});
    let reply = tenant.chat(&body).await.expect(200).text();
    let is_ours = |event: &&str| event.starts_with(": freehold_metadata");
    let is_usage = |event: &&str| event.contains("\"choices\":[]");
    let passed: Vec<_> = reply.split("\n\n").filter(|event| !is_ours(event)).collect();
    let expected: Vec<_> = direct.split("\n\n").filter(|event| !is_usage(event)).collect();
    assert_eq!(passed, expected);

    let mut counted = body;
    counted["stream_options"] = json!({"include_usage": true});
    let reply = tenant.chat(&counted).await.expect(200).text();
    let (before, metadata) = reply.split_once(",\"freehold_metadata\":").unwrap();
    let (_, end) = metadata.split_once("}}\n\n").unwrap();
    assert_eq!(
        format!("{before}}}\n\n{end}"),
        direct,
        "with usage asked for, only the metadata is added"
    );
}

#[tokio::test]
async fn a_model_of_another_name_is_told_by_the_providers_own() {
    let provider = Simulator::start(Shape::OpenAi);
    let tenant = Tenant::new(server().await).await;
    provider.add_model("meta/llama-3", "sim-ok");
    tenant
        .store(json!({"provider": "openai-compatible", "name": "house", "api_key": VALID_KEY, "base_url": provider.base_url()}))
        .await;
    let reply = tenant
        .chat(&crate::support::tenant::ask("house/meta/llama-3", "hi"))
        .await
        .expect(200);
    assert_eq!(provider.last().json()["model"], "meta/llama-3");
    let metadata = crate::support::answer::metadata(&reply);
    assert_eq!(
        (&metadata["provider_used"], &metadata["model_used"]),
        (&json!("house"), &json!("meta/llama-3"))
    );
}

#[tokio::test]
async fn a_bare_model_name_finds_the_only_provider_that_has_it() {
    let (one, other) = (Simulator::start(Shape::OpenAi), Simulator::start(Shape::OpenAi));
    let tenant = tenant_of(&one).await;
    let ask = |model: &str| crate::support::tenant::ask(model, "hi");
    assert_eq!(tenant.chat(&ask("gpt-4o-mini")).await.status, 200);
    let nobody = tenant.chat(&ask("gpt-unheard-of")).await;
    assert_eq!(
        crate::support::answer::refusal(&nobody),
        (404, "model_not_found".to_owned())
    );
    tenant
        .store(json!({"provider": "openai-compatible", "name": "twin", "api_key": VALID_KEY, "base_url": other.base_url(),
            "allowed_models": ["gpt-4o-mini"]}))
        .await;
    let both = tenant.chat(&ask("gpt-4o-mini")).await;
    assert_eq!(
        crate::support::answer::refusal(&both),
        (404, "model_not_found".to_owned())
    );
    let text = both.text();
    assert!(
        text.contains("openai/gpt-4o-mini") && text.contains("twin/gpt-4o-mini"),
        "it names both: {text}"
    );
}
