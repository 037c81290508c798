//! A provider that hangs, at whatever point, is given up in time.

use std::future::pending;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use freehold_gateway::upstream::{
    ConnectPhase, Deadlines, Resolve, Resolving, UpstreamClient, UpstreamError, UpstreamReply,
    UpstreamSettings,
};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use super::provider::{Provider, call, client, endpoint, policy, read_head, settings};

const SHORT: Duration = Duration::from_millis(150);
/// What a busy machine may add.
const SLACK: Duration = Duration::from_secs(1);

fn short_connect() -> UpstreamSettings {
    UpstreamSettings {
        connect: SHORT,
        ..settings()
    }
}

fn with(change: impl Fn(&mut Deadlines)) -> UpstreamSettings {
    let mut settings = settings();
    change(&mut settings.deadlines);
    settings
}

async fn failing(address: SocketAddr, settings: UpstreamSettings) -> UpstreamError {
    let endpoint = endpoint(&format!("http://{address}"));
    let began = Instant::now();
    let error = match client(&[&address.to_string()], settings)
        .send(call(&endpoint))
        .await
    {
        Ok(mut reply) => reply.collect(1 << 20).await.unwrap_err(),
        Err(error) => error,
    };
    assert!(
        began.elapsed() < SHORT + SLACK,
        "{error} after {:?}",
        began.elapsed()
    );
    assert!(error.is_timeout() && error.word() == "timeout", "{error}");
    error
}

/// A provider that writes `beginning` after the request's head, then `again` over and over with pauses between.
async fn dripping(beginning: &'static [u8], again: &'static [u8], pause: Duration) -> Provider {
    Provider::scripted(move |mut stream| async move {
        read_head(&mut stream).await;
        let _ = stream.write_all(beginning).await;
        while stream.write_all(again).await.is_ok() {
            tokio::time::sleep(pause).await;
        }
    })
    .await
}

#[tokio::test]
async fn a_resolver_that_hangs_is_given_up() {
    struct Hanging;
    impl Resolve for Hanging {
        fn resolve(&self, _: &str) -> Resolving {
            Box::pin(pending())
        }
    }
    let client =
        UpstreamClient::with_resolver(policy(&["slow.example:80"]), short_connect(), Arc::new(Hanging));
    let error = client
        .send(call(&endpoint("http://slow.example")))
        .await
        .unwrap_err();
    assert!(
        matches!(
            error,
            UpstreamError::ConnectTimeout {
                phase: ConnectPhase::Resolve,
                ..
            }
        ),
        "{error}"
    );
    assert!(!error.may_have_run());
}

#[tokio::test]
async fn a_host_that_does_not_answer_the_handshake_is_given_up() {
    // A full queue of connections nobody accepts: the system lets further handshakes go unanswered.
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    socket
        .bind(&"127.0.0.1:0".parse::<SocketAddr>().unwrap().into())
        .unwrap();
    socket.listen(0).unwrap();
    let address = socket.local_addr().unwrap().as_socket().unwrap();
    let mut waiting = Vec::new();
    while let Ok(Ok(stream)) = tokio::time::timeout(SHORT, TcpStream::connect(address)).await {
        waiting.push(stream);
    }
    let error = failing(address, short_connect()).await;
    assert!(
        matches!(
            error,
            UpstreamError::ConnectTimeout {
                phase: ConnectPhase::Tcp,
                ..
            }
        ),
        "{error}"
    );
    assert!(!error.may_have_run());
}

#[tokio::test]
async fn a_provider_that_never_begins_to_answer_is_given_up() {
    let provider = Provider::writing("").await;
    let error = failing(provider.address, with(|deadlines| deadlines.headers = SHORT)).await;
    assert!(
        matches!(error, UpstreamError::HeadersTimeout { sent: true, .. }),
        "{error}"
    );
    assert!(error.may_have_run());
}

#[tokio::test]
async fn a_head_that_drips_or_only_promises_is_given_up() {
    for (beginning, again) in [
        (&b"HTTP/1.1 200 OK\r\n"[..], &b"x"[..]),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        (b"", b"HTTP/1.1 103 Early Hints\r\nlink: <a>\r\n\r\n"),
    ] {
        let provider = dripping(beginning, again, Duration::from_millis(10)).await;
        let error = failing(provider.address, with(|deadlines| deadlines.headers = SHORT)).await;
        assert!(
            matches!(error, UpstreamError::HeadersTimeout { sent: true, .. }),
            "{error}"
        );
    }
}

#[tokio::test]
async fn a_body_that_pauses_is_given_up() {
    for reply in [
        "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n",
        "HTTP/1.1 200 OK\r\n\r\nhello",
    ] {
        let provider = Provider::writing(reply).await;
        let error = failing(provider.address, with(|deadlines| deadlines.idle = SHORT)).await;
        assert!(
            matches!(error, UpstreamError::IdleTimeout { .. }),
            "{reply:?}: {error}"
        );
        assert!(error.may_have_run());
    }
}

#[tokio::test]
async fn a_body_that_drips_for_ever_is_given_up() {
    let provider = dripping(b"HTTP/1.1 200 OK\r\n\r\n", b"x", Duration::from_millis(10)).await;
    let error = failing(provider.address, with(|deadlines| deadlines.total = SHORT)).await;
    assert!(matches!(error, UpstreamError::TotalTimeout { .. }), "{error}");
}

#[tokio::test]
async fn a_body_that_keeps_coming_outlives_the_pause_limit() {
    let provider = Provider::scripted(|mut stream| async move {
        read_head(&mut stream).await;
        let _ = stream
            .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\n")
            .await;
        for _ in 0..8 {
            tokio::time::sleep(SHORT / 3).await;
            let _ = stream.write_all(b"x").await;
        }
    })
    .await;
    let endpoint = provider.endpoint();
    let patient = with(|deadlines| deadlines.idle = SHORT * 2);
    let mut reply = client(&[&provider.address.to_string()], patient)
        .send(call(&endpoint))
        .await
        .unwrap();
    assert_eq!(reply.collect(100).await.unwrap(), "xxxxxxxx");
}

#[tokio::test]
async fn a_slow_reader_is_not_taken_for_a_slow_provider() {
    let provider = Provider::writing("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello").await;
    let endpoint = provider.endpoint();
    let hasty = with(|deadlines| deadlines.idle = SHORT);
    let client = client(&[&provider.address.to_string()], hasty);
    let mut reply: UpstreamReply = client.send(call(&endpoint)).await.unwrap();
    tokio::time::sleep(SHORT * 2).await;
    assert_eq!(reply.collect(100).await.unwrap(), "hello");
}

#[tokio::test]
async fn a_call_may_bring_deadlines_of_its_own() {
    let provider = Provider::writing("").await;
    let endpoint = provider.endpoint();
    let deadlines = settings().deadlines.within(SHORT);
    let began = Instant::now();
    let error = provider
        .client()
        .send(call(&endpoint).with_deadlines(deadlines))
        .await
        .unwrap_err();
    assert!(
        matches!(error, UpstreamError::HeadersTimeout { limit: SHORT, .. }),
        "{error}"
    );
    assert!(began.elapsed() < SHORT + SLACK);
}
