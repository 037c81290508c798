//! Limits of plan, key and request: each is named when it is met, and every way on that is offered was tried.

use freehold_testkit::client::Answer;
use freehold_testkit::freehold::Freehold;
use freehold_testkit::simulator::{Shape, Simulator};
use http::Method;
use serde_json::{Value, json};

use crate::support::answer::metadata;
use crate::support::tenant::{ask, ask_stream, make_plan, unique};
use crate::support::{Tenant, answer, eventually, server};

/// A workspace on a plan of these limits, which a wider plan follows.
async fn on_plan(server: &Freehold, mut plan: Value) -> Tenant {
    let (narrow, wide) = (unique("narrow"), unique("wide"));
    make_plan(server, &wide, json!({})).await;
    plan["upgrade_to"] = json!(wide);
    plan["upgrade_url"] = json!("https://example.com/upgrade");
    make_plan(server, &narrow, plan).await;
    Tenant::with(server, json!({"plan": narrow})).await
}

fn remedy(refused: &Answer, action: &str) -> Option<Value> {
    let remedies = refused.json()["error"]["remedies"].clone();
    remedies
        .as_array()?
        .iter()
        .find(|remedy| remedy["action"] == action)
        .cloned()
}

#[tokio::test]
async fn too_long_a_prompt_is_refused_and_the_larger_plan_is_named() {
    let tenant = on_plan(server().await, json!({"max_input_tokens": 50})).await;
    let refused = tenant.chat(&ask("sandbox/echo", &"word ".repeat(500))).await;
    assert_eq!(
        answer::refusal(&refused),
        (400, "input_tokens_exceeded".to_owned())
    );
    let error = &refused.json()["error"];
    assert_eq!(
        (&error["limit"]["name"], &error["limit"]["allowed"]),
        (&json!("max_input_tokens"), &json!(50)),
        "{error}"
    );
    assert!(
        remedy(&refused, "upgrade").is_some_and(|remedy| remedy["url"] == "https://example.com/upgrade"),
        "{error}"
    );
    assert_eq!(tenant.chat(&ask("sandbox/echo", "short")).await.status, 200);
    let record = tenant.records_of("&outcome=denied").await.remove(0);
    assert_eq!(record["denial"]["code"], "input_tokens_exceeded");
}

#[tokio::test]
async fn too_much_output_is_refused_with_the_value_that_passes() {
    let tenant = on_plan(server().await, json!({"max_output_tokens": 20})).await;
    for field in ["max_tokens", "max_completion_tokens"] {
        let mut body = ask("sandbox/long", "count");
        body[field] = json!(21);
        let refused = tenant.chat(&body).await;
        assert_eq!(
            answer::refusal(&refused),
            (400, "output_tokens_exceeded".to_owned())
        );
        assert_eq!(refused.json()["error"]["limit"]["name"], "max_output_tokens");
        let reduce = remedy(&refused, "reduce").unwrap();
        assert_eq!(reduce["to"], 20, "{reduce}");
        body[field] = reduce["to"].clone();
        let reply = tenant.chat(&body).await.expect(200);
        assert_eq!(reply.json()["usage"]["completion_tokens"], 20);
    }
}

#[tokio::test]
async fn a_missing_limit_on_output_is_set_to_that_of_the_plan_for_own_keys_too() {
    let provider = Simulator::start(Shape::OpenAi);
    let tenant = on_plan(server().await, json!({"max_output_tokens": 10})).await;
    tenant.store_key("openai", &provider).await;
    for body in [
        ask("openai/sim-long-50", "on and on"),
        ask_stream("openai/sim-long-50", "on and on"),
    ] {
        let reply = tenant.chat(&body).await;
        assert_eq!(
            metadata(&reply)["adjusted"],
            json!({"param": "max_tokens", "to": 10})
        );
        let record = tenant
            .record(metadata(&reply)["request_id"].as_str().unwrap())
            .await;
        assert_eq!(
            (&record["tokens"]["output"], &record["finish_reason"]),
            (&json!(10), &json!("length"))
        );
    }
}

#[tokio::test]
async fn requests_in_a_minute_are_counted_and_the_headers_say_what_is_left() {
    let tenant = on_plan(server().await, json!({"requests_per_minute": 3})).await;
    for left in [2, 1, 0] {
        let reply = tenant.chat(&ask("sandbox/echo", "count")).await.expect(200);
        assert_eq!(reply.header("x-ratelimit-limit-requests"), Some("3"));
        assert_eq!(
            reply.header("x-ratelimit-remaining-requests"),
            Some(left.to_string().as_str())
        );
        assert!(
            reply
                .header("x-ratelimit-reset-requests")
                .is_some_and(|reset| reset.ends_with('s'))
        );
    }
    let refused = tenant.chat(&ask("sandbox/echo", "one too many")).await;
    assert_eq!(answer::refusal(&refused), (429, "rate_limit_exceeded".to_owned()));
    let seconds: u64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=20).contains(&seconds), "{seconds}");
    assert_eq!(refused.json()["error"]["limit"]["name"], "requests_per_minute");
    assert!(
        remedy(&refused, "wait").is_some() && remedy(&refused, "upgrade").is_some(),
        "{}",
        refused.text()
    );
    assert_eq!(tenant.records().await.len(), 4);
}

#[tokio::test]
async fn requests_at_once_are_counted_and_a_place_is_free_again_however_one_ended() {
    let provider = Simulator::start(Shape::OpenAi);
    let tenant = on_plan(server().await, json!({"concurrent_requests": 2})).await;
    tenant.store_key("openai", &provider).await;
    for round in 0..3 {
        let mut running = Vec::new();
        for _ in 0..2 {
            let mut stream = tenant
                .open_chat(&ask_stream("openai/sim-long-400+drip-10", "hold a place"))
                .await;
            stream.read_until("word").await;
            running.push(stream);
        }
        let refused = tenant.chat(&ask("openai/sim-ok", "no place")).await;
        assert_eq!(
            answer::refusal(&refused),
            (429, "rate_limit_exceeded".to_owned()),
            "round {round}"
        );
        assert_eq!(refused.json()["error"]["limit"]["name"], "concurrent_requests");
        drop(running);
        eventually("a free place", async || {
            (tenant.chat(&ask("openai/sim-ok", "a place")).await.status == 200).then_some(())
        })
        .await;
        // Places of requests that fail are free again too.
        for fault in ["openai/sim-status-500", "openai/sim-reset", "nobody/x"] {
            assert_ne!(
                tenant.chat(&ask(fault, "fail")).await.status,
                429,
                "round {round}"
            );
        }
    }
}

#[tokio::test]
async fn tokens_in_a_minute_are_counted_as_they_were_used() {
    let tenant = on_plan(server().await, json!({"tokens_per_minute": 2_000})).await;
    let mut body = ask("sandbox/long", "use them up");
    body["max_tokens"] = json!(1_900);
    let reply = tenant.chat(&body).await.expect(200);
    assert_eq!(reply.header("x-ratelimit-limit-tokens"), Some("2000"));
    let refused = tenant.chat(&body).await;
    assert_eq!(answer::refusal(&refused), (429, "rate_limit_exceeded".to_owned()));
    assert_eq!(refused.json()["error"]["limit"]["name"], "tokens_per_minute");
}

#[tokio::test]
async fn a_key_can_be_narrower_than_its_plan_and_no_other_key_suffers() {
    let tenant = on_plan(server().await, json!({"requests_per_minute": 100})).await;
    let made = tenant
        .make_key(json!({"label": "narrow", "scopes": ["inference"],
            "limits": {"requests_per_minute": 2, "max_output_tokens": 5}}))
        .await;
    let narrow = tenant.calling_with(made["key"].as_str().unwrap());
    let mut body = ask("sandbox/long", "more than the key allows");
    body["max_tokens"] = json!(6);
    assert_eq!(
        answer::refusal(&narrow.chat(&body).await),
        (400, "output_tokens_exceeded".to_owned())
    );
    for _ in 0..2 {
        assert_eq!(narrow.chat(&ask("sandbox/echo", "within")).await.status, 200);
    }
    let refused = narrow.chat(&ask("sandbox/echo", "beyond")).await;
    assert_eq!(answer::refusal(&refused), (429, "rate_limit_exceeded".to_owned()));
    assert!(
        remedy(&refused, "upgrade").is_none(),
        "a larger plan would not help: {}",
        refused.text()
    );
    assert_eq!(tenant.chat(&ask("sandbox/echo", "another key")).await.status, 200);
}

#[tokio::test]
async fn a_refused_request_eats_nobodys_share() {
    let tenant = on_plan(
        server().await,
        json!({"requests_per_minute": 2, "max_output_tokens": 10}),
    )
    .await;
    let mut too_much = ask("sandbox/echo", "refused");
    too_much["max_tokens"] = json!(1_000);
    for _ in 0..5 {
        assert_eq!(tenant.chat(&too_much).await.status, 400);
        assert_eq!(tenant.chat(&ask("nobody/x", "refused")).await.status, 404);
    }
    for _ in 0..2 {
        assert_eq!(tenant.chat(&ask("sandbox/echo", "still there")).await.status, 200);
    }
    assert_eq!(
        tenant
            .chat(&ask("sandbox/echo", "now it is used up"))
            .await
            .status,
        429
    );
}

#[tokio::test]
async fn a_request_can_set_itself_a_lower_ceiling() {
    let provider = Simulator::start(Shape::OpenAi);
    let tenant = Tenant::new(server().await).await;
    tenant.store_key("openai", &provider).await;
    let send = |credits: &'static str, tokens: u64| {
        let mut body = ask("openai/gpt-4o", "at most this much");
        body["max_tokens"] = json!(tokens);
        let request = tenant.request(Method::POST, "/v1/chat/completions");
        request
            .header("x-freehold-max-credits", credits)
            .json(&body)
            .send()
    };
    // A thousand tokens of output cost at least one credit.
    assert_eq!(send("5", 1_000).await.status, 200);
    let refused = send("0.5", 1_000).await;
    assert_eq!(
        answer::refusal(&refused),
        (402, "request_ceiling_exceeded".to_owned())
    );
    let to = remedy(&refused, "reduce").unwrap()["to"].as_u64().unwrap();
    assert_eq!(send("0.5", to).await.status, 200, "what was offered holds");
    for nonsense in ["-1", "many", "1e3", ""] {
        let refused = send(nonsense, 10).await;
        assert_eq!(refused.status, 400, "{nonsense:?}: {}", refused.text());
    }
}

#[tokio::test]
async fn a_rehearsal_says_what_would_happen_and_takes_nothing() {
    let tenant = on_plan(
        server().await,
        json!({"max_output_tokens": 10, "requests_per_minute": 1}),
    )
    .await;
    let mut body = ask("sandbox/echo", "what if");
    for _ in 0..5 {
        let view = tenant.post("/v1/quota/check", &body).await.expect(200).json();
        assert_eq!(
            (&view["allowed"], &view["status"]),
            (&json!(true), &json!(200)),
            "{view}"
        );
    }
    assert_eq!(tenant.records().await.len(), 0);
    body["max_tokens"] = json!(11);
    let view = tenant.post("/v1/quota/check", &body).await.expect(200).json();
    let real = tenant.chat(&body).await;
    assert_eq!(
        (&view["allowed"], &view["status"]),
        (&json!(false), &json!(real.status))
    );
    for same in ["code", "message", "param", "limit", "remedies"] {
        let told = view["error"].get("error").unwrap_or(&view["error"]);
        assert_eq!(told[same], real.json()["error"][same], "{same}: {view}");
    }
    assert_eq!(
        tenant.chat(&ask("sandbox/echo", "the one there is")).await.status,
        200
    );
}

#[tokio::test]
async fn key_and_quota_tell_what_is_left() {
    let tenant = on_plan(
        server().await,
        json!({"requests_per_minute": 10, "max_output_tokens": 77}),
    )
    .await;
    tenant.grant("12.5").await;
    let _ = tenant.chat(&ask("sandbox/echo", "one of ten")).await.expect(200);
    let quota = tenant.get("/v1/quota").await.expect(200).json();
    assert_eq!(
        (&quota["workspace_id"], &quota["max_output_tokens"]),
        (&json!(tenant.id), &json!(77))
    );
    let requests = &quota["rates"]["requests_per_minute"];
    assert_eq!(
        (&requests["limit"], &requests["used"], &requests["remaining"]),
        (&json!(10), &json!(1), &json!(9))
    );
    assert!(requests["resets_at"].is_string());
    assert_eq!(quota["credits"]["available"], "12.5");
    let key = tenant.get("/v1/key").await.expect(200).json();
    assert_eq!(key["scopes"], json!(["inference", "manage", "read"]));
    assert!(!key.to_string().contains(&tenant.key), "{key}");
}
