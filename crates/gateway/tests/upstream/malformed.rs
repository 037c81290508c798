//! Replies that are none, too much, or more than one.

use freehold_gateway::upstream::{Endpoint, UpstreamClient, UpstreamError};
use tokio::io::AsyncWriteExt;

use super::provider::{Provider, call, read_head, text};

async fn collected(client: &UpstreamClient, endpoint: &Endpoint) -> Result<bytes::Bytes, UpstreamError> {
    client.send(call(endpoint)).await?.collect(1000).await
}

async fn error_of(reply: impl Into<Vec<u8>>, closes: bool) -> UpstreamError {
    let reply = std::sync::Arc::new(reply.into());
    let provider = Provider::scripted(move |mut stream| {
        let reply = std::sync::Arc::clone(&reply);
        async move {
            read_head(&mut stream).await;
            let _ = stream.write_all(&reply).await;
            if !closes {
                read_head(&mut stream).await;
            }
        }
    })
    .await;
    let error = collected(&provider.client(), &provider.endpoint())
        .await
        .unwrap_err();
    assert!(!error.is_timeout(), "{error}");
    error
}

#[tokio::test]
async fn a_reply_that_breaks_off_is_no_whole_reply() {
    for reply in [
        "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhel",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\nhello\r\n",
    ] {
        let error = error_of(reply, true).await;
        assert!(matches!(error, UpstreamError::Broken(_)), "{reply:?}: {error}");
        assert!(error.may_have_run());
    }
}

#[tokio::test]
async fn what_is_no_http_is_an_error_of_the_protocol() {
    for reply in [
        "SSH-2.0-OpenSSH_9.2\r\n\r\n",
        "HTTP/1.1 OK 200\r\n\r\n",
        "HTTP/3.7 200 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nbad header: 1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nname: a\0b\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\ncontent-length: -5\r\n\r\nhello",
    ] {
        let error = error_of(reply, false).await;
        assert!(
            matches!(error, UpstreamError::Protocol(_)),
            "{reply:?}: {error:?}"
        );
        assert!(error.may_have_run());
    }
}

#[tokio::test]
async fn a_head_without_end_is_cut_off() {
    let many = format!("HTTP/1.1 200 OK\r\n{}", "x-a: b\r\n".repeat(20_000));
    let long = format!("HTTP/1.1 200 OK\r\nx-a: {}", "b".repeat(2 << 20));
    for reply in [many, long] {
        let error = error_of(reply, false).await;
        assert!(matches!(error, UpstreamError::Protocol(_)), "{error:?}");
    }
}

#[tokio::test]
async fn a_connection_closed_without_a_word_may_have_run_the_request() {
    let error = error_of("", true).await;
    assert!(matches!(error, UpstreamError::Lost(_)), "{error:?}");
    assert!(error.may_have_run());
}

#[tokio::test]
async fn a_change_of_protocol_is_no_reply() {
    let error = error_of(
        "HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n",
        false,
    )
    .await;
    assert!(matches!(error, UpstreamError::Protocol(_)), "{error:?}");
}

#[tokio::test]
async fn a_compressed_reply_is_refused_unread() {
    for encoding in [
        "gzip",
        "br",
        "zstd",
        "deflate",
        "identity, gzip",
        "gzip, gzip",
        "GZIP",
        "x",
    ] {
        let provider = Provider::answering(move |_| {
            let mut reply = text(200, "bomb");
            reply
                .headers_mut()
                .insert("content-encoding", encoding.parse().unwrap());
            reply
        })
        .await;
        let error = collected(&provider.client(), &provider.endpoint())
            .await
            .unwrap_err();
        assert!(matches!(error, UpstreamError::Encoded), "{encoding}: {error}");
    }
    let plain = Provider::answering(|_| {
        let mut reply = text(200, "plain");
        reply
            .headers_mut()
            .insert("content-encoding", "Identity".parse().unwrap());
        reply
    })
    .await;
    assert_eq!(
        collected(&plain.client(), &plain.endpoint()).await.unwrap(),
        "plain"
    );
}

#[tokio::test]
async fn a_reply_larger_than_is_taken_is_not_taken_in_part() {
    for length in [999, 1000, 1001, 5000, 300_000] {
        let whole = "x".repeat(length);
        let announced = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{whole}");
        let pieces: String = whole
            .as_bytes()
            .chunks(400)
            .map(|piece| format!("{:x}\r\n{}\r\n", piece.len(), "x".repeat(piece.len())))
            .collect();
        let chunked = format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{pieces}0\r\n\r\n");
        for reply in [announced, chunked] {
            let provider = Provider::writing(reply).await;
            match collected(&provider.client(), &provider.endpoint()).await {
                Ok(body) => assert!(length <= 1000 && body == whole.as_bytes()),
                Err(error) => {
                    assert!(length > 1000 && matches!(error, UpstreamError::TooLarge { bytes_max: 1000 }))
                }
            }
        }
    }
}

#[tokio::test]
async fn a_second_reply_nobody_asked_for_answers_nobody() {
    let split =
        "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nfirstHTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil";
    let provider = Provider::writing(split).await;
    let (client, endpoint) = (provider.client(), provider.endpoint());
    for _ in 0..20 {
        assert_eq!(collected(&client, &endpoint).await.unwrap(), "first");
    }
    assert_eq!(provider.connections(), 20);
}
