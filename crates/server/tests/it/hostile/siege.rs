//! Sends many spoilt requests over a few connections and watches the process meanwhile.

use std::collections::BTreeMap;
use std::sync::Arc;

use freehold_testkit::chance::Chance;
use freehold_testkit::freehold::Freehold;

use super::chaos::spoil;
use crate::support::Tenant;
use crate::support::connection::{Connection, Response};
use crate::support::tenant::ask;

/// How many bodies each route gets.
pub(crate) const BODIES: u64 = 10_000;
/// Connections at the same time.
const CONNECTIONS: u64 = 8;
/// Requests before memory is first read: what is kept ready must have been made once.
const WARM_UP: u64 = 1_000;
/// How much the process may grow.
const GROWTH_MAX: u64 = 64 * 1024 * 1024;

/// A route, and a body that it understands.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub(crate) method: &'static str,
    pub(crate) path: String,
    pub(crate) credential: String,
    pub(crate) headers: &'static str,
    pub(crate) body: String,
}

/// Resident memory of a process.
pub(crate) fn resident_bytes(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .unwrap();
    line.split_whitespace().next().unwrap().parse::<u64>().unwrap() * 1024
}

/// Every target gets [`BODIES`] spoilt bodies; answers how often each status came.
pub(crate) async fn besiege(
    server: &mut Freehold,
    tenant: &Tenant,
    targets: &[Target],
) -> BTreeMap<u16, u64> {
    let mut statuses = BTreeMap::new();
    let mut memory = None;
    for (number, target) in (1..).zip(targets) {
        let warm_up = run(server.port(), target, 1_000 + number, WARM_UP).await;
        let before = *memory.get_or_insert_with(|| resident_bytes(server.process_id()));
        let seen = run(server.port(), target, number, BODIES - WARM_UP).await;
        let grown = resident_bytes(server.process_id()).saturating_sub(before);
        assert!(
            grown < GROWTH_MAX,
            "grown by {grown} bytes after {} {}",
            target.method,
            target.path
        );
        for (status, count) in warm_up.into_iter().chain(seen) {
            *statuses.entry(status).or_default() += count;
        }
    }
    must_be_well(server, tenant).await;
    statuses
}

/// The process lives, has not panicked, and serves.
pub(crate) async fn must_be_well(server: &mut Freehold, tenant: &Tenant) {
    assert!(server.is_running(), "{}", server.output());
    assert!(!server.output().contains("panicked"), "{}", server.output());
    let reply = tenant.chat(&ask("sandbox/echo", "still well")).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
}

async fn run(port: u16, target: &Target, seed: u64, count: u64) -> BTreeMap<u16, u64> {
    let target = Arc::new(target.clone());
    let tasks = (0..CONNECTIONS).map(|number| {
        let target = Arc::clone(&target);
        let chance = Chance::seeded(seed * 1_000 + number);
        tokio::spawn(async move { stream_of_bodies(port, &target, &chance, count / CONNECTIONS).await })
    });
    let mut sum = BTreeMap::new();
    for counted in futures_util::future::join_all(tasks).await {
        for (status, count) in counted.unwrap() {
            *sum.entry(status).or_default() += count;
        }
    }
    sum
}

async fn stream_of_bodies(port: u16, target: &Target, chance: &Chance, count: u64) -> BTreeMap<u16, u64> {
    let mut statuses = BTreeMap::new();
    let mut connection = Connection::open(port).await;
    for _ in 0..count {
        let body = spoil(chance, target.body.as_bytes());
        let kind = *chance.pick(&[
            "application/json",
            "application/json",
            "application/json",
            "application/json; charset=utf-16",
            "text/plain",
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=x",
            "",
            "application/json, application/json",
        ]);
        let head = format!(
            "{} {} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\ncontent-type: {kind}\r\n{}content-length: {}\r\n\r\n",
            target.method,
            target.path,
            target.credential,
            target.headers,
            body.len()
        );
        let request = [head.as_bytes(), &body].concat();
        let mut response = None;
        // A connection that was used before may have been closed behind the last refusal; a fresh one may not.
        for _ in 0..2 {
            if connection.send(&request).await {
                response = connection.response().await;
            }
            if response.is_some() {
                break;
            }
            connection = Connection::open(port).await;
        }
        let Some(response) = response else {
            panic!(
                "no answer to {} {} {:?}",
                target.method,
                target.path,
                String::from_utf8_lossy(&body)
            );
        };
        judge(&response, &body);
        *statuses.entry(response.status).or_default() += 1;
        if response.closes {
            connection = Connection::open(port).await;
        }
    }
    statuses
}

/// A refusal is clear and ours; success is fine too, for some spoilt bodies are still good.
fn judge(response: &Response, body: &[u8]) {
    let context = || {
        format!(
            "{} {} for {:?}",
            response.status,
            response.text(),
            String::from_utf8_lossy(body)
        )
    };
    let text = response.text();
    // A spoilt name of a model may be the name of a provider for which there is no key.
    let no_candidate = response.status == 503 && text.contains("no_candidate");
    assert!(response.status < 500 || no_candidate, "{}", context());
    if response.status >= 400 {
        let parsed: serde_json::Value =
            serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {}", context()));
        assert!(
            parsed["error"]["message"]
                .as_str()
                .is_some_and(|message| !message.is_empty()),
            "{}",
            context()
        );
        assert!(parsed["error"]["code"].is_string(), "{}", context());
    }
}
