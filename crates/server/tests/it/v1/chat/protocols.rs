//! HTTP/2 and the corners of HTTP/1.1: the same answers, the same records, the same end when a client leaves.

use std::time::{Duration, Instant};

use bytes::Bytes;
use freehold_testkit::freehold::Freehold;
use freehold_testkit::simulator::{Shape, Simulator};
use http::Request;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http2::SendRequest;
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::Value;
use tokio::net::TcpStream;

use crate::support::connection::Connection;
use crate::support::tenant::{ask, ask_stream};
use crate::support::{Tenant, server};

/// A connection that speaks HTTP/2 from its first byte.
async fn connect(server: &Freehold) -> SendRequest<Full<Bytes>> {
    let stream = TcpStream::connect(("127.0.0.1", server.port())).await.unwrap();
    let (sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
            .await
            .unwrap();
    tokio::spawn(connection);
    sender
}

fn chat(server: &Freehold, tenant: &Tenant, body: &Value) -> Request<Full<Bytes>> {
    Request::post(server.url("/v1/chat/completions"))
        .header("authorization", format!("Bearer {}", tenant.key))
        .header("content-type", "application/json")
        .body(Full::new(Bytes::from(body.to_string())))
        .unwrap()
}

#[tokio::test]
async fn many_requests_share_one_http2_connection() {
    let server = server().await;
    let tenant = Tenant::new(server).await;
    let sender = connect(server).await;
    let requests = (0..50).map(|number| {
        let mut sender = sender.clone();
        let body = if number % 2 == 0 {
            ask("sandbox/echo", "shared")
        } else {
            ask_stream("sandbox/echo", "shared")
        };
        let request = chat(server, &tenant, &body);
        async move {
            let reply = sender.send_request(request).await.unwrap();
            assert_eq!(reply.status(), 200);
            String::from_utf8(reply.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
        }
    });
    for text in futures_util::future::join_all(requests).await {
        assert!(
            text.contains("shared") && text.contains("freehold_metadata"),
            "{text}"
        );
    }
    assert_eq!(tenant.records().await.len(), 50);
}

#[tokio::test]
async fn a_stream_that_is_reset_on_http2_is_gone_and_its_neighbour_goes_on() {
    let server = server().await;
    let provider = Simulator::start(Shape::OpenAi);
    let tenant = Tenant::new(server).await;
    tenant.store_key("openai", &provider).await;
    let mut sender = connect(server).await;
    let leaves = sender
        .send_request(chat(
            server,
            &tenant,
            &ask_stream("openai/sim-never-stops+drip-10", "left"),
        ))
        .await
        .unwrap();
    let stays = sender
        .send_request(chat(
            server,
            &tenant,
            &ask_stream("openai/sim-long-30+drip-20", "stays"),
        ))
        .await
        .unwrap();
    let mut leaving = leaves.into_body();
    drop(leaving.frame().await);
    drop(leaving);
    let left = Instant::now();
    provider
        .until(|seen| {
            seen.iter()
                .any(|seen| seen.outcome == freehold_testkit::simulator::Outcome::PeerGone)
        })
        .await;
    assert!(left.elapsed() < Duration::from_secs(1), "{:?}", left.elapsed());
    let rest = stays.into_body().collect().await.unwrap().to_bytes();
    assert!(rest.ends_with(b"data: [DONE]\n\n"));
    let mut outcomes: Vec<String> = tenant
        .records_once_there_are(2)
        .await
        .iter()
        .map(|record| record["outcome"].as_str().unwrap().to_owned())
        .collect();
    outcomes.sort();
    assert_eq!(outcomes, ["client_gone", "ok"]);
}

#[tokio::test]
async fn a_client_that_waits_to_be_told_to_go_on_is_told() {
    let server = server().await;
    let tenant = Tenant::new(server).await;
    let body = ask("sandbox/echo", "after the go").to_string();
    let mut connection = Connection::open(server.port()).await;
    let head = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\n\
         expect: 100-continue\r\ncontent-length: {}\r\n\r\n",
        tenant.key,
        body.len()
    );
    assert!(connection.send(head.as_bytes()).await);
    assert_eq!(connection.response().await.unwrap().status, 100);
    assert!(connection.send(body.as_bytes()).await);
    let reply = connection.response().await.unwrap();
    assert_eq!(reply.status, 200);
    assert!(reply.text().contains("after the go"));
}

#[tokio::test]
async fn requests_sent_without_waiting_are_answered_in_their_order() {
    let server = server().await;
    let tenant = Tenant::new(server).await;
    let mut connection = Connection::open(server.port()).await;
    let mut all = String::new();
    for number in 0..10 {
        let body = ask("sandbox/echo", &format!("number {number}")).to_string();
        all.push_str(&format!(
            "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\n\
             content-length: {}\r\n\r\n{body}",
            tenant.key,
            body.len()
        ));
    }
    assert!(connection.send(all.as_bytes()).await);
    for number in 0..10 {
        let reply = connection.response().await.unwrap();
        assert!(
            reply.text().contains(&format!("number {number}")),
            "{}",
            reply.text()
        );
    }
}

#[tokio::test]
async fn a_body_in_pieces_is_as_good_as_one_of_known_length() {
    let server = server().await;
    let tenant = Tenant::new(server).await;
    let body = ask("sandbox/echo", "piece by piece").to_string();
    let mut connection = Connection::open(server.port()).await;
    let head = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\n\
         transfer-encoding: chunked\r\n\r\n",
        tenant.key
    );
    assert!(connection.send(head.as_bytes()).await);
    for piece in body.as_bytes().chunks(7) {
        assert!(connection.send(format!("{:x}\r\n", piece.len()).as_bytes()).await);
        assert!(connection.send(&[piece, b"\r\n"].concat()).await);
    }
    assert!(connection.send(b"0\r\n\r\n").await);
    assert_eq!(connection.response().await.unwrap().status, 200);
}
