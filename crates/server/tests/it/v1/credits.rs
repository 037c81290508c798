//! Credits: what a request of the platform's money holds, takes and gives back, to the last digit.

use freehold_testkit::freehold::{Freehold, Options};
use freehold_testkit::simulator::{Shape, Simulator, VALID_KEY};
use serde_json::{Value, json};

use crate::support::answer::digits;
use crate::support::tenant::{ask, ask_stream, make_plan, unique};
use crate::support::{Tenant, answer, eventually, options, stores};

/// A server whose platform has a key for `openai` at a simulator of its own.
async fn platform() -> (Simulator, Freehold) {
    platform_on(options()).await
}

/// The same, started with these options.
async fn platform_on(options: Options) -> (Simulator, Freehold) {
    let provider = Simulator::start(Shape::OpenAi);
    provider.add_model("gpt-4o", "sim-ok");
    let server = Freehold::start(options.platform_key("openai", VALID_KEY, &provider)).await;
    (provider, server)
}

/// Microcredits of a decimal string.
fn micro(credits: &Value) -> i64 {
    parse_scaled(
        credits
            .as_str()
            .unwrap_or_else(|| panic!("{credits} is no decimal string")),
        6,
    )
}

/// The decimal `text` as an integer of so many places; the test's own, so as not to share a mistake.
fn parse_scaled(text: &str, places: usize) -> i64 {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    assert!(fraction.len() <= places, "{text} is finer than it may be");
    format!("{whole}{fraction:0<places$}")
        .parse()
        .unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// What gpt-4o costs for so many tokens, in nanodollars: 2.5 and 10 dollars for a million.
fn nanodollars(input: u64, output: u64) -> i64 {
    i64::try_from(input * 2_500 + output * 10_000).unwrap()
}

#[tokio::test]
async fn a_request_of_the_platform_is_charged_exactly_what_it_cost() {
    for options in stores() {
        let (provider, server) = platform_on(options).await;
        let tenant = Tenant::new(&server).await;
        tenant.grant("100").await;
        let mut expected = 0;
        for (round, words) in ["one", "two words", "and now a few more words than before"]
            .iter()
            .enumerate()
        {
            let mut body = if round == 1 {
                ask_stream("openai/gpt-4o", words)
            } else {
                ask("openai/gpt-4o", words)
            };
            body["max_tokens"] = json!(200);
            let reply = tenant.chat(&body).await;
            let seen = provider.last().usage.unwrap();
            let cost = nanodollars(seen.input, seen.output);
            // A credit is a cent: ten million nanodollars, counted in millionths and rounded up once.
            let credits = (cost + 9) / 10;
            expected += credits;
            let text = answer::metadata_text(&reply);
            assert_eq!(
                parse_scaled(&digits(&text, "credits_charged"), 6),
                credits,
                "{text}"
            );
            assert_eq!(parse_scaled(&digits(&text, "cost_usd"), 9), cost, "{text}");
            let metadata = answer::metadata(&reply);
            assert_eq!(metadata["cost_attribution"], "platform");
            assert_eq!(
                metadata["provider_key"],
                Value::Null,
                "the platform's keys are nobody's business"
            );
            let record = tenant.record(metadata["request_id"].as_str().unwrap()).await;
            assert_eq!(micro(&record["credits_charged"]), credits);
            assert_eq!(record["provider_key"], Value::Null);
        }
        let credits = tenant.credits().await;
        assert_eq!(micro(&credits["granted"]), 100_000_000);
        assert_eq!(micro(&credits["posted"]), expected);
        assert_eq!(micro(&credits["held"]), 0);
        assert_eq!(micro(&credits["available"]), 100_000_000 - expected);
    }
}

#[tokio::test]
async fn the_books_add_up_after_many_requests_at_once() {
    for options in stores() {
        let (provider, server) = platform_on(options).await;
        let tenant = Tenant::new(&server).await;
        tenant.grant("1000").await;
        let mut tasks = Vec::new();
        for number in 0..40 {
            let tenant = tenant.clone();
            tasks.push(tokio::spawn(async move {
                let text = format!("request number {number}");
                let mut body = if number % 2 == 0 {
                    ask("openai/gpt-4o", &text)
                } else {
                    ask_stream("openai/gpt-4o", &text)
                };
                body["max_tokens"] = json!(50);
                assert_eq!(tenant.chat(&body).await.status, 200);
            }));
        }
        for task in tasks {
            task.await.unwrap();
        }
        let records = tenant.records().await;
        assert_eq!(records.len(), 40);
        let charged: i64 = records
            .iter()
            .map(|record| micro(&record["credits_charged"]))
            .sum();
        let spent: i64 = provider
            .inferences()
            .iter()
            .map(|seen| {
                seen.usage
                    .map_or(0, |usage| (nanodollars(usage.input, usage.output) + 9) / 10)
            })
            .sum();
        let credits = tenant.credits().await;
        assert_eq!(charged, spent);
        assert_eq!(micro(&credits["posted"]), spent);
        assert_eq!(micro(&credits["held"]), 0);
    }
}

#[tokio::test]
async fn without_credits_the_platform_pays_nothing_and_says_what_would_help() {
    for options in stores() {
        let (provider, server) = platform_on(options).await;
        let tenant = Tenant::new(&server).await;
        let mut body = ask("openai/gpt-4o", "for free please");
        body["max_tokens"] = json!(100);
        let refused = tenant.chat(&body).await;
        assert_eq!(answer::refusal(&refused), (402, "credits_exhausted".to_owned()));
        let error = &refused.json()["error"];
        assert_eq!(error["type"], "quota_error");
        assert_eq!(error["origin"], "gateway");
        assert_eq!(error["tier"], "enterprise");
        assert_eq!(error["limit"]["unit"], "credits");
        assert_eq!(error["limit"]["allowed"].to_string().trim_matches('"'), "0");
        assert!(
            error["request_id"]
                .as_str()
                .is_some_and(|id| id.starts_with("req_"))
        );
        assert_eq!(provider.inferences().len(), 0, "nothing was sent");
        let record = tenant.only_record().await;
        assert_eq!(
            (&record["outcome"], &record["denial"]["code"]),
            (&json!("denied"), &json!("credits_exhausted"))
        );
    }
}

#[tokio::test]
async fn too_few_credits_are_met_by_a_remedy_that_holds() {
    let (_provider, server) = platform().await;
    let tenant = Tenant::new(&server).await;
    tenant.grant("1").await;
    let mut body = ask("openai/gpt-4o", "as much as I can afford");
    body["max_tokens"] = json!(999);
    let refused = tenant.chat(&body).await;
    assert_eq!(answer::refusal(&refused), (402, "credits_exhausted".to_owned()));
    let remedies = refused.json()["error"]["remedies"].clone();
    let reduce = remedies
        .as_array()
        .unwrap()
        .iter()
        .find(|remedy| remedy["action"] == "reduce")
        .unwrap()
        .clone();
    assert_eq!(reduce["would_allow"], true);
    let to = reduce["to"].as_u64().unwrap();
    body["max_tokens"] = json!(to);
    assert_eq!(tenant.chat(&body).await.status, 200, "what was offered holds");

    let poor = Tenant::new(&server).await;
    poor.grant("1").await;
    body["max_tokens"] = json!(to + 1);
    assert_eq!(
        poor.chat(&body).await.status,
        402,
        "and not a token more would have"
    );
}

#[tokio::test]
async fn a_missing_max_tokens_is_set_to_what_can_be_paid_for_and_the_provider_is_told() {
    let (provider, server) = platform().await;
    let tenant = Tenant::new(&server).await;
    tenant.grant("1").await;
    let reply = tenant.chat(&ask("openai/gpt-4o", "say on")).await.expect(200);
    let adjusted = &answer::metadata(&reply)["adjusted"];
    assert_eq!(adjusted["param"], "max_tokens", "{adjusted}");
    let to = adjusted["to"].as_u64().unwrap();
    assert!((16..16_384).contains(&to), "{adjusted}");
    let seen = provider.last().json();
    let told = seen["max_completion_tokens"]
        .as_u64()
        .or(seen["max_tokens"].as_u64());
    assert_eq!(told, Some(to), "{seen}");
}

#[tokio::test]
async fn while_credits_are_held_the_next_request_is_told_to_wait() {
    for options in stores() {
        let (provider, server) = platform_on(options).await;
        provider.add_model("gpt-4o", "sim-long-40+drip-50");
        let tenant = Tenant::new(&server).await;
        tenant.grant("1").await;
        let mut body = ask_stream("openai/gpt-4o", "slowly");
        body["max_tokens"] = json!(500);
        let mut first = tenant.open_chat(&body).await;
        first.read_until("word").await;
        let held = tenant.credits().await;
        assert!(micro(&held["held"]) > 500_000, "{held}");
        let refused = tenant.chat(&body).await;
        assert_eq!(answer::refusal(&refused), (429, "credits_reserved".to_owned()));
        assert!(
            refused
                .header("retry-after")
                .is_some_and(|seconds| seconds.parse::<u64>().is_ok_and(|seconds| seconds >= 1))
        );
        assert!(first.rest().await.unwrap().ends_with(b"data: [DONE]\n\n"));
        provider.add_model("gpt-4o", "sim-ok");
        let reply = eventually("the credits to be free again", async || {
            let reply = tenant.chat(&body).await;
            (reply.status == 200).then_some(reply)
        });
        reply.await;
        assert_eq!(micro(&tenant.credits().await["held"]), 0);
    }
}

#[tokio::test]
async fn a_request_that_fails_is_given_back_whole() {
    for options in stores() {
        let (provider, server) = platform_on(options).await;
        let tenant = Tenant::new(&server).await;
        tenant.grant("10").await;
        for fault in [
            "sim-status-500",
            "sim-fault-bad_request",
            "sim-reset",
            "sim-html-200",
            "sim-fault-rate_limited",
        ] {
            provider.behave(fault);
            let mut body = ask("openai/gpt-4o", "fail");
            body["max_tokens"] = json!(100);
            assert_ne!(tenant.chat(&body).await.status, 200, "{fault}");
        }
        let credits = tenant.credits().await;
        assert_eq!(
            (micro(&credits["posted"]), micro(&credits["held"])),
            (0, 0),
            "{credits}"
        );
        assert_eq!(micro(&credits["available"]), 10_000_000);
    }
}

#[tokio::test]
async fn a_client_that_leaves_pays_for_what_was_made_and_nothing_stays_held() {
    for options in stores() {
        let (provider, server) = platform_on(options).await;
        provider.add_model("gpt-4o", "sim-long-400+drip-10");
        let tenant = Tenant::new(&server).await;
        tenant.grant("10").await;
        let mut body = ask_stream("openai/gpt-4o", "leave me");
        body["max_tokens"] = json!(400);
        let mut stream = tenant.open_chat(&body).await;
        for _ in 0..3 {
            stream.read_until("word").await;
        }
        drop(stream);
        let record = tenant.only_record().await;
        assert_eq!(record["outcome"], "client_gone");
        assert_eq!(record["usage_source"], "estimated");
        let charged = micro(&record["credits_charged"]);
        let credits = tenant.credits().await;
        assert!(charged > 0, "{record}");
        assert_eq!((micro(&credits["posted"]), micro(&credits["held"])), (charged, 0));
    }
}

#[tokio::test]
async fn a_gift_is_booked_once_however_often_it_is_repeated() {
    for options in stores() {
        let (_provider, server) = platform_on(options).await;
        let tenant = Tenant::new(&server).await;
        let key = unique("gift");
        let url = server.url(&format!("/admin/v1/workspaces/{}/credits", tenant.id));
        let give = |credits: &str| {
            freehold_testkit::client::Request::post(url.as_str())
                .bearer(server.operator_token())
                .header("idempotency-key", key.as_str())
                .json(&json!({"credits": credits, "reason": "a gift"}))
        };
        let replies = futures_util::future::join_all((0..10).map(|_| give("25").send())).await;
        assert!(replies.iter().all(|reply| reply.status == 201));
        let ids: std::collections::BTreeSet<String> = replies
            .iter()
            .map(|reply| reply.json()["id"].to_string())
            .collect();
        assert_eq!(ids.len(), 1, "{ids:?}");
        assert_eq!(tenant.credits().await["granted"], "25");
        assert_eq!(
            answer::refusal(&give("26").send().await),
            (422, "idempotency_mismatch".to_owned())
        );
    }
}

#[tokio::test]
async fn the_ceiling_of_the_plan_holds_for_one_request() {
    let (provider, server) = platform().await;
    make_plan(&server, "ten", json!({"max_credits_per_request": "10"})).await;
    let tenant = Tenant::with(&server, json!({"plan": "ten"})).await;
    tenant.grant("1000").await;
    // Sixteen thousand tokens of output cost at least sixteen cents; the plan allows ten for one request.
    let mut body = ask("openai/gpt-4o", "a lot");
    body["max_tokens"] = json!(16_000);
    let refused = tenant.chat(&body).await;
    assert_eq!(
        answer::refusal(&refused),
        (402, "request_ceiling_exceeded".to_owned())
    );
    let error = &refused.json()["error"];
    assert_eq!(error["limit"]["name"], "max_credits_per_request");
    assert_eq!(error["param"], "max_tokens");
    let remedies = error["remedies"].as_array().unwrap();
    let reduce = remedies
        .iter()
        .find(|remedy| remedy["action"] == "reduce")
        .unwrap();
    body["max_tokens"] = reduce["to"].clone();
    assert_eq!(tenant.chat(&body).await.status, 200, "what was offered holds");
    assert_eq!(provider.inferences().len(), 1);
}

#[tokio::test]
async fn an_unknown_price_is_never_free() {
    let (provider, server) = platform().await;
    let tenant = Tenant::new(&server).await;
    tenant.grant("1000").await;
    let refused = tenant.chat(&ask("openai/sim-ok", "how much")).await;
    assert_eq!(answer::refusal(&refused), (403, "price_unknown".to_owned()));
    assert_eq!(provider.inferences().len(), 0);
}
