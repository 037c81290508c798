//! Many requests at once: all are answered, none is mixed up with another, each is on record.

use std::collections::BTreeSet;

use freehold_testkit::simulator::{Shape, Simulator};
use serde_json::json;

use crate::support::answer::{metadata, text};
use crate::support::tenant::{ask, ask_stream};
use crate::support::{Tenant, server};

#[tokio::test]
async fn two_hundred_requests_at_once_are_all_answered_and_not_mixed_up() {
    let provider = Simulator::start(Shape::OpenAi);
    let tenant = Tenant::new(server().await).await;
    tenant.store_key("openai", &provider).await;
    let requests = (0..200).map(|number| {
        let tenant = tenant.clone();
        tokio::spawn(async move {
            let said = format!("I am number {number}.");
            let model = if number % 4 < 2 {
                "openai/sim-ok"
            } else {
                "sandbox/echo"
            };
            let body = if number % 2 == 0 {
                ask(model, &said)
            } else {
                ask_stream(model, &said)
            };
            let reply = tenant.chat(&body).await;
            let expected = if number % 4 < 2 {
                format!("Simulated answer to: {said}")
            } else {
                said
            };
            assert_eq!(text(&reply), expected);
            metadata(&reply)["request_id"].as_str().unwrap().to_owned()
        })
    });
    let ids: BTreeSet<String> = futures_util::future::join_all(requests)
        .await
        .into_iter()
        .map(|id| id.unwrap())
        .collect();
    assert_eq!(ids.len(), 200);
    let records = tenant.records().await;
    let recorded: BTreeSet<String> = records
        .iter()
        .map(|record| record["request_id"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(records.len(), 200);
    assert_eq!(recorded, ids);
    assert!(records.iter().all(|record| record["outcome"] == "ok"));
    assert_eq!(provider.served(), 100);
}

#[tokio::test]
async fn a_provider_that_hangs_holds_up_nobody_else() {
    let (hangs, works) = (Simulator::start(Shape::OpenAi), Simulator::start(Shape::OpenAi));
    let server = server().await;
    let (stuck, free) = (Tenant::new(server).await, Tenant::new(server).await);
    stuck.store_key("openai", &hangs).await;
    free.store_key("openai", &works).await;
    hangs.behave("sim-hang");
    let waiting: Vec<_> = (0..100)
        .map(|_| {
            let stuck = stuck.clone();
            tokio::spawn(async move { stuck.open_chat(&ask_stream("openai/sim-ok", "for ever")).await })
        })
        .collect();
    hangs.until(|seen| seen.len() == 100).await;
    for _ in 0..20 {
        let mut body = ask("openai/sim-ok", "quick");
        body["user"] = json!("free");
        assert_eq!(free.chat(&body).await.status, 200);
    }
    for task in waiting {
        task.abort();
    }
    hangs.idle().await;
    let records = stuck.records_once_there_are(100).await;
    assert!(records.iter().all(|record| record["outcome"] == "client_gone"));
}
