//! Two nodes on one Postgres: what is changed on one holds on the other within a second, and money is counted once.

use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use freehold_testkit::client::Request;
use freehold_testkit::freehold::Freehold;
use freehold_testkit::postgres::Postgres;
use freehold_testkit::simulator::{Shape, Simulator, VALID_KEY};
use serde_json::{Value, json};

use crate::support::answer::metadata;
use crate::support::tenant::{ask, ask_stream};
use crate::support::{Tenant, answer, eventually, options};

/// How soon a change must hold on the other node.
const SOON: Duration = Duration::from_secs(1);

/// Two nodes that share a database and a root key.
struct Pair {
    first: Freehold,
    second: Freehold,
}

impl Pair {
    async fn start(platform: Option<&Simulator>) -> Self {
        let database = Postgres::shared().database();
        let node = || {
            let options = options().database(database.as_str()).environment(
                "FREEHOLD_ROOT_KEY",
                "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
            );
            match platform {
                Some(platform) => options.platform_key("openai", VALID_KEY, platform),
                None => options,
            }
        };
        let first = Freehold::start(node()).await;
        let second = Freehold::start(node()).await;
        Self { first, second }
    }
}

#[tokio::test]
async fn what_one_node_makes_the_other_knows_within_a_second_and_what_it_revokes_the_other_refuses() {
    let pair = Pair::start(None).await;
    let here = Tenant::new(&pair.first).await;
    let there = here.at(&pair.second);
    let made = Instant::now();
    eventually("the key to be known on the other node", async || {
        (there.chat(&ask("sandbox/echo", "known?")).await.status == 200).then_some(())
    })
    .await;
    assert!(made.elapsed() < SOON, "{:?}", made.elapsed());

    let other = here
        .make_key(json!({"label": "to be revoked", "scopes": ["inference"]}))
        .await;
    let caller = there.calling_with(other["key"].as_str().unwrap());
    eventually("the second key to be known", async || {
        (caller.chat(&ask("sandbox/echo", "known?")).await.status == 200).then_some(())
    })
    .await;
    let _ = here
        .delete(&format!("/v1/virtual-keys/{}", other["id"].as_str().unwrap()))
        .await
        .expect(200);
    let revoked = Instant::now();
    let reply = eventually("the refusal on the other node", async || {
        let reply = caller.chat(&ask("sandbox/echo", "still in?")).await;
        (reply.status != 200).then_some(reply)
    })
    .await;
    assert!(revoked.elapsed() < SOON, "{:?}", revoked.elapsed());
    assert_eq!(answer::refusal(&reply), (401, "invalid_api_key".to_owned()));
}

#[tokio::test]
async fn a_provider_key_stored_on_one_node_serves_on_the_other_within_a_second() {
    let provider = Simulator::start(Shape::OpenAi);
    let pair = Pair::start(None).await;
    let here = Tenant::new(&pair.first).await;
    let there = here.at(&pair.second);
    let id = here.store_key("openai", &provider).await;
    let stored = Instant::now();
    let reply = eventually("the key to serve on the other node", async || {
        let reply = there.chat(&ask("openai/sim-ok", "from over there")).await;
        (reply.status == 200).then_some(reply)
    })
    .await;
    assert!(stored.elapsed() < SOON, "{:?}", stored.elapsed());
    assert_eq!(metadata(&reply)["provider_key"]["id"], id.as_str());
    let record = here
        .record(metadata(&reply)["request_id"].as_str().unwrap())
        .await;
    assert_eq!(record["outcome"], "ok", "what one node wrote the other reads");

    eventually("what the traffic over there showed", async || {
        (here.status(&id).await == "valid").then_some(())
    })
    .await;
    let _ = here.delete(&format!("/v1/byok/providers/{id}")).await.expect(200);
    let deleted = Instant::now();
    eventually("the key to serve no more", async || {
        (there.chat(&ask("openai/sim-ok", "gone?")).await.status == 503).then_some(())
    })
    .await;
    assert!(deleted.elapsed() < SOON, "{:?}", deleted.elapsed());
}

#[tokio::test]
async fn two_nodes_together_spend_no_more_credits_than_there_are() {
    let provider = Simulator::start(Shape::OpenAi);
    provider.add_model("gpt-4o", "sim-silent-then-answer-200");
    let pair = Pair::start(Some(&provider)).await;
    let here = Tenant::new(&pair.first).await;
    here.grant("5").await;
    let there = here.at(&pair.second);
    eventually("the tenant to be known on both nodes", async || {
        (there.get("/v1/credits").await.status == 200).then_some(())
    })
    .await;
    let requests = (0..60).map(|number| {
        let tenant = if number % 2 == 0 {
            here.clone()
        } else {
            there.clone()
        };
        tokio::spawn(async move {
            let mut body = ask("openai/gpt-4o", "spend it");
            body["max_tokens"] = json!(300);
            tenant.chat(&body).await.status
        })
    });
    let statuses: Vec<u16> = futures_util::future::join_all(requests)
        .await
        .into_iter()
        .map(|status| status.unwrap())
        .collect();
    let served = statuses.iter().filter(|status| **status == 200).count();
    assert!((2..60).contains(&served), "{statuses:?}");
    assert!(
        statuses.iter().all(|status| [200, 402, 429].contains(status)),
        "{statuses:?}"
    );
    let micro = |value: &Value| (value.as_str().unwrap().parse::<f64>().unwrap() * 1e6).round() as i64;
    let credits = here.credits().await;
    let records = here.records().await;
    assert_eq!(records.len(), 60);
    let charged: i64 = records
        .iter()
        .map(|record| micro(&record["credits_charged"]))
        .sum();
    assert_eq!(
        (micro(&credits["posted"]), micro(&credits["held"])),
        (charged, 0),
        "{credits}"
    );
    assert!(charged <= 5_000_000);
    assert_eq!(provider.inferences().len(), served);
}

#[tokio::test]
async fn one_node_stops_and_the_other_serves_on() {
    let mut pair = Pair::start(None).await;
    let here = Tenant::new(&pair.first).await;
    let there = here.at(&pair.second);
    let _ = here.chat(&ask("sandbox/echo", "first")).await.expect(200);
    pair.first.kill9();
    let reply = eventually("the other node", async || {
        let reply = there.chat(&ask("sandbox/echo", "second")).await;
        (reply.status == 200).then_some(reply)
    })
    .await;
    assert_eq!(answer::text(&reply), "second");
    assert_eq!(there.records_of("&outcome=ok").await.len(), 2);
}

#[tokio::test]
async fn a_node_with_another_root_key_is_not_let_in() {
    let database = Postgres::shared().database();
    let key = |byte: u8| STANDARD.encode([byte; 32]);
    let node = |byte| {
        options()
            .database(database.as_str())
            .environment("FREEHOLD_ROOT_KEY", key(byte))
    };
    let first = Freehold::start(node(1)).await;
    let failed = Freehold::try_start(node(2)).await.expect_err("another root key");
    assert_eq!(
        failed.status.and_then(|status| status.code()),
        Some(78),
        "{failed}"
    );
    let _ = Tenant::new(&first)
        .await
        .chat(&ask("sandbox/echo", "undisturbed"))
        .await
        .expect(200);
    let _second = Freehold::start(node(1)).await;
}

#[tokio::test]
async fn a_database_that_goes_away_is_told_and_comes_back_without_a_restart() {
    let mut postgres = Postgres::start();
    let mut server = Freehold::start(options().database(postgres.database())).await;
    let tenant = Tenant::new(&server).await;
    let _ = tenant.chat(&ask("sandbox/echo", "before")).await.expect(200);
    postgres.crash();
    let refused = tenant.chat(&ask("sandbox/echo", "without")).await;
    assert!(
        refused.status >= 500,
        "what cannot be recorded is withheld: {}",
        refused.text()
    );
    assert_eq!(Request::get(server.url("/readyz")).send().await.status, 503);
    assert_eq!(Request::get(server.url("/healthz")).send().await.status, 200);
    postgres.restart();
    eventually("the server to be ready again", async || {
        (Request::get(server.url("/readyz")).send().await.status == 200).then_some(())
    })
    .await;
    let _ = tenant.chat(&ask("sandbox/echo", "after")).await.expect(200);
    assert!(server.is_running());
}

#[tokio::test]
async fn a_second_process_on_the_data_directory_of_a_running_node_takes_nothing_from_it() {
    let provider = Simulator::start(Shape::OpenAi);
    provider.add_model("gpt-4o", "sim-long-40+drip-50");
    let options = options()
        .database(Postgres::shared().database())
        .platform_key("openai", VALID_KEY, &provider);
    let first = Freehold::start(options.clone()).await;
    let tenant = Tenant::new(&first).await;
    tenant.grant("10").await;
    let mut body = ask_stream("openai/gpt-4o", "slowly");
    body["max_tokens"] = json!(500);
    let mut stream = tenant.open_chat(&body).await;
    stream.read_until("word").await;
    let held = tenant.credits().await["held"].clone();
    assert_ne!(held, "0");
    let second = Freehold::try_start(options.data(first.data())).await;
    let failed = second.expect_err("it would take itself for the first one come back to life");
    assert!(failed.stderr.contains("in use by another process"), "{failed}");
    let doctor = first.run(&["doctor"]);
    assert!(doctor.status.success(), "{doctor:?}");
    assert_eq!(
        tenant.credits().await["held"],
        held,
        "what runs on the first node stays held"
    );
    assert!(stream.rest().await.unwrap().ends_with(b"data: [DONE]\n\n"));
    let record = tenant.only_record().await;
    let credits = tenant.credits().await;
    assert_eq!(
        (&credits["posted"], &credits["held"]),
        (&record["credits_charged"], &json!("0"))
    );
}
