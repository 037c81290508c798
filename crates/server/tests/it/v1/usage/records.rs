//! Usage records: one for each request of a known caller, found again by every way there is, and by nobody else.

use std::collections::BTreeSet;

use freehold_testkit::freehold::Freehold;
use freehold_testkit::simulator::{Shape, Simulator};
use http::Method;
use serde_json::{Value, json};

use crate::support::answer::{members, metadata};
use crate::support::tenant::{ask, ask_stream};
use crate::support::{Tenant, answer, servers, stores};

#[tokio::test]
async fn every_request_leaves_exactly_one_record_whatever_became_of_it() {
    for server in servers().await {
        let provider = Simulator::start(Shape::OpenAi);
        let tenant = Tenant::new(server).await;
        tenant.store_key("openai", &provider).await;
        let mut expected = Vec::new();
        for (body, outcome) in [
            (ask("openai/sim-ok", "1"), "ok"),
            (ask_stream("openai/sim-ok", "2"), "ok"),
            (ask("openai/sim-status-500", "3"), "failed"),
            (ask_stream("openai/sim-long-9+cut", "4"), "failed"),
            (ask("nobody/x", "5"), "denied"),
            (json!({"model": "openai/sim-ok"}), "denied"),
            (ask("sandbox/echo", "7"), "ok"),
        ] {
            let reply = tenant.chat(&body).await;
            expected.push((
                reply.header("x-request-id").unwrap().to_owned(),
                outcome.to_owned(),
            ));
        }
        expected.reverse();
        let records = tenant.records().await;
        let found: Vec<_> = records
            .iter()
            .map(|record| {
                (
                    record["request_id"].as_str().unwrap().to_owned(),
                    record["outcome"].as_str().unwrap().to_owned(),
                )
            })
            .collect();
        assert_eq!(found, expected, "newest first, one each");
    }
}

#[tokio::test]
async fn a_record_has_every_field_that_was_promised() {
    for server in servers().await {
        let provider = Simulator::start(Shape::OpenAi);
        let tenant = Tenant::new(server).await;
        tenant.store_key("openai", &provider).await;
        let reply = tenant
            .chat(&ask("openai/gpt-4o-mini", "all of it"))
            .await
            .expect(200);
        let record = tenant
            .record(metadata(&reply)["request_id"].as_str().unwrap())
            .await;
        let names: BTreeSet<String> = members(&record).into_iter().collect();
        for field in [
            "request_id",
            "created_at",
            "outcome",
            "workspace_id",
            "virtual_key",
            "provider",
            "provider_key",
            "model_requested",
            "model_used",
            "cost_attribution",
            "tokens",
            "usage_source",
            "cost_usd",
            "credits_charged",
            "expected",
            "variance",
            "attempts",
            "latency_ms",
            "overhead_us",
            "tags",
            "denial",
        ] {
            assert!(names.contains(field), "{field} is missing: {record:#}");
        }
        assert_eq!(record["workspace_id"], tenant.id.as_str());
        assert_eq!(record["model_requested"], "openai/gpt-4o-mini");
        assert!(
            record["created_at"]
                .as_str()
                .is_some_and(|time| time.ends_with('Z')),
            "{record:#}"
        );
        assert!(
            record["cost_usd"].is_string() && record["credits_charged"].is_string(),
            "money is a decimal string here"
        );
        for class in ["input", "output", "cache_read", "cache_write", "reasoning"] {
            assert!(record["tokens"][class].is_u64(), "{class}: {record:#}");
        }
        assert!(record["price"]["date"].is_string() && record["price"]["source"].is_string());
        assert_eq!(record["denial"], Value::Null);
        let latency = record["latency_ms"].as_u64().unwrap();
        assert!(
            record["overhead_us"].as_u64().unwrap() <= (latency + 1) * 1_000,
            "{record:#}"
        );
    }
}

#[tokio::test]
async fn records_are_listed_page_by_page_without_gaps_or_repetitions() {
    for server in servers().await {
        let tenant = Tenant::new(server).await;
        let mut sent = Vec::new();
        for number in 0..23 {
            let reply = tenant.chat(&ask("sandbox/echo", &number.to_string())).await;
            sent.push(metadata(&reply)["request_id"].as_str().unwrap().to_owned());
        }
        sent.reverse();
        for limit in [1, 5, 22, 23, 24, 200] {
            let mut found = Vec::new();
            let mut cursor = String::new();
            for page in 0.. {
                assert!(page < 30, "the pages never end");
                let list = tenant
                    .get(&format!("/v1/usage/records?limit={limit}{cursor}"))
                    .await
                    .expect(200)
                    .json();
                assert_eq!(list["object"], "list");
                let data = list["data"].as_array().unwrap();
                assert!(data.len() <= limit);
                found.extend(
                    data.iter()
                        .map(|record| record["request_id"].as_str().unwrap().to_owned()),
                );
                // What comes in meanwhile is newer and belongs to no later page.
                if page == 0 && limit == 5 {
                    let _ = tenant.chat(&ask("sandbox/echo", "newer")).await.expect(200);
                }
                match list["next_cursor"].as_str() {
                    Some(next) => cursor = format!("&cursor={next}"),
                    None => break,
                }
            }
            if limit > 5 {
                assert_eq!(found.len(), 24);
                found.remove(0);
            }
            assert_eq!(found, sent, "limit {limit}");
        }
        for query in [
            "limit=0",
            "limit=201",
            "limit=x",
            "cursor=x",
            "curser=1",
            "outcome=fine",
            "from=yesterday",
        ] {
            let refused = tenant.get(&format!("/v1/usage/records?{query}")).await;
            assert_eq!(refused.status, 400, "{query}: {}", refused.text());
        }
    }
}

#[tokio::test]
async fn records_are_found_by_what_they_are() {
    for server in servers().await {
        let provider = Simulator::start(Shape::OpenAi);
        let tenant = Tenant::new(server).await;
        let key = tenant.store_key("openai", &provider).await;
        let made = tenant
            .make_key(json!({"label": "other", "scopes": ["inference"]}))
            .await;
        let other = tenant.calling_with(made["key"].as_str().unwrap());
        let _ = tenant
            .chat(&ask("openai/gpt-4o-mini", "own key"))
            .await
            .expect(200);
        let middle = tenant.chat(&ask("sandbox/echo", "sandbox")).await.expect(200);
        let _ = other
            .chat(&ask("sandbox/long", "by another key"))
            .await
            .expect(200);
        assert_eq!(tenant.chat(&ask("nobody/x", "denied")).await.status, 404);
        let since = tenant
            .record(metadata(&middle)["request_id"].as_str().unwrap())
            .await["created_at"]
            .as_str()
            .unwrap()
            .to_owned();
        for (query, count) in [
            ("&outcome=ok".to_owned(), 3),
            ("&outcome=denied".to_owned(), 1),
            ("&outcome=failed".to_owned(), 0),
            ("&attribution=byok".to_owned(), 1),
            ("&attribution=platform".to_owned(), 2),
            ("&provider=sandbox".to_owned(), 2),
            ("&provider=openai&outcome=ok".to_owned(), 1),
            ("&model=sandbox/long".to_owned(), 1),
            ("&model=gpt-4o-mini".to_owned(), 1),
            (format!("&provider_key={key}"), 1),
            (format!("&virtual_key={}", made["id"].as_str().unwrap()), 1),
            (format!("&from={since}"), 3),
            (format!("&to={since}"), 1),
        ] {
            let found = tenant.records_of(&query).await;
            assert_eq!(found.len(), count, "{query}: {found:#?}");
        }
    }
}

#[tokio::test]
async fn nobody_sees_the_records_of_another_workspace() {
    for server in servers().await {
        let (one, other) = (Tenant::new(server).await, Tenant::new(server).await);
        let reply = one.chat(&ask("sandbox/echo", "mine")).await;
        let id = metadata(&reply)["request_id"].as_str().unwrap().to_owned();
        let path = format!("/v1/usage/records/{id}");
        let foreign = other.get(&path).await;
        let missing = other
            .get("/v1/usage/records/req_0192f0c1e2a37b4c8d5e6f7081920a1a")
            .await;
        assert_eq!((foreign.status, missing.status), (404, 404));
        assert_eq!(
            foreign.json()["error"]["message"],
            missing.json()["error"]["message"],
            "theirs and none look alike"
        );
        assert_eq!(other.records().await.len(), 0);
        assert_eq!(one.get(&path).await.status, 200);
        for junk in [
            "req_",
            "req_zz",
            "x",
            "%00",
            "req_0192f0c1e2a37b4c8d5e6f7081920a1a%20",
            "../credits",
        ] {
            let reply = one.get(&format!("/v1/usage/records/{junk}")).await;
            assert!([400, 404].contains(&reply.status), "{junk}: {}", reply.status);
        }
        let write = one.request(Method::DELETE, &path).send().await;
        assert_eq!(write.status, 405, "records never change: {}", write.text());
    }
}

#[tokio::test]
async fn a_reply_that_was_seen_whole_is_on_record_though_the_process_is_killed_right_after() {
    for options in stores() {
        let mut server = Freehold::start(options).await;
        let tenant = Tenant::new(&server).await;
        for round in 0..5 {
            let body = if round % 2 == 0 {
                ask("sandbox/echo", "seen whole")
            } else {
                ask_stream("sandbox/echo", "seen whole")
            };
            let reply = tenant.chat(&body).await;
            server.kill9();
            assert_eq!(answer::text(&reply), "seen whole");
            server.restart().await;
            let record = tenant
                .record(metadata(&reply)["request_id"].as_str().unwrap())
                .await;
            assert_eq!(record["outcome"], "ok");
            assert_eq!(tenant.records().await.len(), round + 1);
        }
    }
}
