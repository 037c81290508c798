//! Malformed heads: request lines, header fields, lengths, and what hides behind them.

use std::time::Duration;

use freehold_testkit::chance::Chance;
use freehold_testkit::freehold::Freehold;

use super::siege::{must_be_well, resident_bytes};
use crate::support::connection::Connection;
use crate::support::{Tenant, options};

/// How many heads are sent.
const HEADS: u64 = 10_000;
/// How long an answer is waited for.
const PATIENCE: Duration = Duration::from_millis(150);

fn head(chance: &Chance, tenant: &Tenant) -> Vec<u8> {
    let noise = |length: u64| {
        let mut noise = vec![0; chance.below(length) as usize];
        chance.fill(&mut noise);
        noise
    };
    let path = *chance.pick(&[
        "/v1/chat/completions",
        "/v1/models",
        "/v1/usage/records",
        "/v1/byok/providers",
        "/admin/v1/workspaces",
        "/metrics",
        "/",
    ]);
    let method = *chance.pick(&[
        "GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "TRACE", "CONNECT", "get", "PROPFIND",
        "P\0ST", "",
    ]);
    let target = match chance.below(10) {
        0 => format!("{path}?{}", "a=1&".repeat(chance.below(2_000) as usize)),
        1 => format!("{path}/{}", "../".repeat(chance.below(200) as usize)),
        2 => format!("http://foreign.example{path}"),
        3 => format!("{path}?limit=%{:02x}&cursor=%ff%fe", chance.below(256)),
        4 => format!("/{path}"),
        5 => format!("{path}#{}", chance.text(10)),
        6 => "*".to_owned(),
        7 => path.replace('/', "%2f"),
        _ => path.to_owned(),
    };
    let version = *chance.pick(&[
        "HTTP/1.1", "HTTP/1.1", "HTTP/1.1", "HTTP/1.0", "HTTP/9.9", "HTTP", "",
    ]);
    let mut head = format!("{method} {target} {version}\r\nhost: x\r\n").into_bytes();
    for _ in 0..chance.below(4) {
        let field = match chance.below(16) {
            0 => format!("authorization: Bearer {}\r\n", tenant.key).into_bytes(),
            1 => format!(
                "authorization: {}\r\n",
                chance.text(60_000.min(1 << chance.below(17)))
            )
            .into_bytes(),
            2 => [&b"authorization: Bearer "[..], &noise(60), b"\r\n"].concat(),
            3 => format!(
                "x-api-key: {}\r\nauthorization: Basic x\r\nauthorization: Bearer {}\r\n",
                tenant.key, tenant.key
            )
            .into_bytes(),
            4 => "x-many: 1\r\n".repeat(chance.below(300) as usize).into_bytes(),
            5 => [&b"x-noise: "[..], &noise(300), b"\r\n"].concat(),
            6 => format!(
                "content-length: {}\r\n",
                chance.pick(&[
                    "-1",
                    "0",
                    "99999999999999999999",
                    "1, 1",
                    "0x10",
                    "",
                    "5\r\ncontent-length: 6"
                ])
            )
            .into_bytes(),
            7 => format!(
                "transfer-encoding: {}\r\n",
                chance.pick(&[
                    "chunked",
                    "gzip",
                    "chunked, chunked",
                    "identity",
                    "",
                    "\u{b}chunked"
                ])
            )
            .into_bytes(),
            8 => b"expect: 100-continue\r\n".to_vec(),
            9 => b"x-folded: a\r\n b\r\n".to_vec(),
            10 => format!(
                "host: {}\r\n",
                chance.pick(&["", "a b", "[::", "evil.example", "x\r\nhost: y"])
            )
            .into_bytes(),
            11 => b"no colon at all\r\n".to_vec(),
            12 => b": no name\r\n".to_vec(),
            13 => format!(
                "upgrade: {}\r\nconnection: upgrade\r\n",
                chance.pick(&["h2c", "websocket"])
            )
            .into_bytes(),
            14 => format!(
                "idempotency-key: {}\r\nx-freehold-run: {}\r\n",
                chance.text(chance.below(3_000) as usize),
                "\u{e9}".repeat(100)
            )
            .into_bytes(),
            _ => noise(40),
        };
        head.extend_from_slice(&field);
    }
    head.extend_from_slice(b"content-length: 0\r\nconnection: close\r\n\r\n");
    // What is left over in front of the next request must not become one.
    if chance.once_in(10) {
        head.extend_from_slice(
            format!(
                "GET /v1/usage/records HTTP/1.1\r\nauthorization: Bearer {}\r\n\r\n",
                tenant.key
            )
            .as_bytes(),
        );
    }
    head
}

#[tokio::test]
async fn ten_thousand_malformed_heads_break_nothing() {
    let mut server = Freehold::start(options()).await;
    let tenant = Tenant::new(&server).await;
    let port = server.port();
    let run = |seed: u64, count: u64| {
        let tenant = tenant.clone();
        async move {
            let tasks = (0..8).map(|number| {
                let (chance, tenant) = (Chance::seeded(seed * 100 + number), tenant.clone());
                tokio::spawn(async move {
                    let mut answered = 0;
                    for _ in 0..count / 8 {
                        let head = head(&chance, &tenant);
                        let mut connection = Connection::open(port).await;
                        if !connection.send(&head).await {
                            continue;
                        }
                        // Some heads announce a body that never comes; nobody waits here for the server to lose patience.
                        if let Some(response) = connection.response_within(PATIENCE).await {
                            assert!(
                                response.status < 500,
                                "{} to {:?}",
                                response.status,
                                String::from_utf8_lossy(&head)
                            );
                            answered += 1;
                        }
                    }
                    answered
                })
            });
            futures_util::future::join_all(tasks)
                .await
                .into_iter()
                .map(|count| count.unwrap())
                .sum::<u64>()
        }
    };
    run(1, 1_000).await;
    let before = resident_bytes(server.process_id());
    let answered = run(2, HEADS).await;
    assert!(answered > HEADS / 2, "only {answered} of {HEADS} got an answer");
    let grown = resident_bytes(server.process_id()).saturating_sub(before);
    assert!(grown < 64 * 1024 * 1024, "grown by {grown} bytes");
    must_be_well(&mut server, &tenant).await;
}

#[tokio::test]
async fn a_second_request_hidden_in_a_body_is_not_answered() {
    let server = crate::support::server().await;
    let tenant = Tenant::new(server).await;
    for (lengths, expected) in [
        (
            "content-length: 5\r\ntransfer-encoding: chunked\r\n",
            "0\r\n\r\nGET /healthz HTTP/1.1\r\nhost: x\r\n\r\n",
        ),
        (
            "transfer-encoding: chunked\r\ncontent-length: 5\r\n",
            "0\r\n\r\nGET /healthz HTTP/1.1\r\nhost: x\r\n\r\n",
        ),
        ("content-length: 3\r\ncontent-length: 40\r\n", "{}\n"),
    ] {
        let mut connection = Connection::open(server.port()).await;
        let head = format!(
            "POST /v1/byok/providers HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\n{lengths}\r\n{expected}",
            tenant.key
        );
        assert!(connection.send(head.as_bytes()).await);
        let first = connection.response().await;
        assert!(
            first.as_ref().is_none_or(|response| response.status == 400),
            "{first:?}"
        );
        if let Some(response) = first
            && !response.closes
        {
            panic!("the connection stays open after lengths that contradict each other: {response:?}");
        }
    }
}
