//! Names, and the addresses they turn out to be.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use freehold_domain::egress::EgressDenial;
use freehold_gateway::upstream::{UpstreamClient, UpstreamError};
use tokio::net::TcpListener;

use super::provider::{Provider, Scripted, call, client, endpoint, policy, settings, text};

const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(127, 0, 0, 1));
const TRAP: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(127, 0, 0, 2));

/// A provider at the first address and a trap at the second, on one port. Only the first is listed.
async fn provider_and_trap() -> (Provider, Provider) {
    for _ in 0..50 {
        let provider = TcpListener::bind((HERE, 0)).await.unwrap();
        let port = provider.local_addr().unwrap().port();
        if let Ok(trap) = TcpListener::bind((TRAP, port)).await {
            let answer = |_: &_| {
                let mut reply = text(200, "{}");
                reply.headers_mut().insert("connection", "close".parse().unwrap());
                reply
            };
            return (Provider::on(provider, answer), Provider::on(trap, answer));
        }
    }
    panic!("no port is free at both addresses");
}

fn named_client(
    provider: &Provider,
    resolver: Arc<impl freehold_gateway::upstream::Resolve>,
) -> UpstreamClient {
    UpstreamClient::with_resolver(policy(&[&provider.address.to_string()]), settings(), resolver)
}

fn is_refused(error: &UpstreamError) -> bool {
    !error.may_have_run() && error.word() == "refused_by_policy"
}

#[tokio::test]
async fn a_target_inside_is_refused_until_it_is_listed_at_its_port() {
    let provider = Provider::answering(|_| text(200, "{}")).await;
    let endpoint = provider.endpoint();
    let port = provider.address.port();
    for listed in [
        vec![],
        vec![format!("127.0.0.1:{}", port ^ 1)],
        vec![format!("127.0.0.2:{port}")],
    ] {
        let listed: Vec<&str> = listed.iter().map(String::as_str).collect();
        let error = client(&listed, settings())
            .send(call(&endpoint))
            .await
            .unwrap_err();
        assert!(is_refused(&error), "{error}");
    }
    assert_eq!(provider.connections(), 0);
    for listed in [
        format!("127.0.0.1:{port}"),
        format!("127.0.0.0/8:{port}"),
        "127.0.0.0/8:*".to_owned(),
    ] {
        let reply = client(&[&listed], settings())
            .send(call(&endpoint))
            .await
            .unwrap();
        assert_eq!(reply.status(), 200);
    }
    assert_eq!(provider.connections(), 3);
}

#[tokio::test]
async fn the_system_resolver_is_checked_like_any_other() {
    let provider = Provider::answering(|_| text(200, "{}")).await;
    let port = provider.address.port();
    let named = endpoint(&format!("http://localhost:{port}"));
    // The port is open for a range that localhost is not in.
    let error = client(&[&format!("10.0.0.0/8:{port}")], settings())
        .send(call(&named))
        .await
        .unwrap_err();
    assert!(matches!(error, UpstreamError::Refused(_)), "{error}");
    assert_eq!(provider.connections(), 0);
    let reply = client(&[&format!("localhost:{port}")], settings())
        .send(call(&named))
        .await
        .unwrap();
    assert_eq!(reply.status(), 200);
}

#[tokio::test]
async fn one_bad_address_among_the_answers_refuses_the_name() {
    let (provider, trap) = provider_and_trap().await;
    let named = endpoint(&format!("http://mixed.example:{}", provider.address.port()));
    let mapped: IpAddr = "::ffff:127.0.0.2".parse().unwrap();
    for answers in [
        vec![HERE, TRAP],
        vec![TRAP, HERE],
        vec![HERE, HERE, HERE, mapped],
        vec![HERE, "::1".parse().unwrap()],
        vec!["169.254.169.254".parse().unwrap()],
        vec!["64:ff9b::7f00:2".parse().unwrap()],
    ] {
        let client = named_client(&provider, Scripted::new(move |_| Ok(answers.clone())));
        let error = client.send(call(&named)).await.unwrap_err();
        assert!(is_refused(&error), "{error}");
        assert!(
            !error.to_string().contains("127.0.0") && !error.to_string().contains("169.254"),
            "{error}"
        );
    }
    assert_eq!((provider.connections(), trap.connections()), (0, 0));
}

#[tokio::test]
async fn a_name_that_changes_its_mind_is_met_at_each_connection() {
    for flips_at in [1, 2, 3, 7] {
        let (provider, trap) = provider_and_trap().await;
        let named = endpoint(&format!("http://rebinding.example:{}", provider.address.port()));
        let resolver = Scripted::new(move |asked| Ok(vec![if asked == flips_at { TRAP } else { HERE }]));
        let client = named_client(&provider, Arc::clone(&resolver));
        for turn in 0..10 {
            let result = client.send(call(&named)).await;
            if turn == flips_at {
                assert!(is_refused(&result.unwrap_err()));
            } else {
                let mut reply = result.unwrap();
                assert_eq!(reply.collect(10).await.unwrap(), "{}");
            }
        }
        // Each answer was used once: nothing was looked up again between the check and the connection.
        assert_eq!(resolver.asked.load(Ordering::SeqCst), 10);
        assert_eq!((provider.connections(), trap.connections()), (9, 0));
    }
}

#[tokio::test]
async fn ten_thousand_rebinding_attempts_never_connect() {
    let (provider, trap) = provider_and_trap().await;
    let named = endpoint(&format!("http://rebinding.example:{}", provider.address.port()));
    let bad: Vec<IpAddr> = ["127.0.0.2", "::1", "::ffff:127.0.0.2", "10.0.0.1", "0.0.0.0"]
        .map(|text| text.parse().unwrap())
        .into();
    let resolver = Scripted::new(move |asked| {
        let bad = bad[asked % bad.len()];
        Ok(match asked % 3 {
            0 => vec![bad],
            1 => vec![HERE, bad],
            _ => vec![bad, HERE, bad],
        })
    });
    let client = named_client(&provider, resolver);
    for _ in 0..10_000 {
        assert!(is_refused(&client.send(call(&named)).await.unwrap_err()));
    }
    assert_eq!((provider.connections(), trap.connections()), (0, 0));
}

#[tokio::test]
async fn an_address_that_refuses_is_passed_over_for_the_next() {
    let provider = Provider::answering(|_| text(200, "{}")).await;
    let port = provider.address.port();
    let named = endpoint(&format!("http://two.example:{port}"));
    let resolver = Scripted::new(|_| Ok(vec!["127.0.0.9".parse().unwrap(), HERE]));
    let client = UpstreamClient::with_resolver(policy(&["127.0.0.0/8:*"]), settings(), resolver);
    assert_eq!(client.send(call(&named)).await.unwrap().status(), 200);
}

#[tokio::test]
async fn a_name_without_an_answer_was_not_sent_to() {
    let provider = Provider::answering(|_| text(200, "{}")).await;
    let named = endpoint(&format!("http://nowhere.example:{}", provider.address.port()));
    for answer in [Some(vec![]), None] {
        let resolver = Scripted::new(move |_| answer.clone().ok_or_else(|| io::Error::other("no such name")));
        let error = named_client(&provider, resolver)
            .send(call(&named))
            .await
            .unwrap_err();
        assert!(matches!(error, UpstreamError::Resolve(_)), "{error}");
        assert!(!error.may_have_run());
    }
}

#[tokio::test]
async fn a_closed_port_was_not_sent_to() {
    let free = TcpListener::bind((HERE, 0)).await.unwrap();
    let address = free.local_addr().unwrap();
    drop(free);
    let endpoint = endpoint(&format!("http://{address}"));
    let error = client(&[&address.to_string()], settings())
        .send(call(&endpoint))
        .await
        .unwrap_err();
    assert!(matches!(error, UpstreamError::Connect(_)), "{error}");
    assert_eq!((error.may_have_run(), error.word()), (false, "unreachable"));
}

#[tokio::test]
async fn a_public_name_in_the_clear_is_refused_before_it_is_looked_up() {
    let resolver = Scripted::new(|_| Ok(vec![HERE]));
    let client = UpstreamClient::with_resolver(policy(&[]), settings(), Arc::clone(&resolver) as _);
    for (url, denial) in [
        ("http://api.example.com", "https"),
        ("https://api.example.com:8443", "port"),
        ("https://127.0.0.1", "address"),
        ("https://[::ffff:7f00:1]", "address"),
    ] {
        let error = client.send(call(&endpoint(url))).await.unwrap_err();
        let UpstreamError::Refused(found) = error else {
            panic!("{error}")
        };
        let expected = match found {
            EgressDenial::NotHttps { .. } => "https",
            EgressDenial::Port { .. } => "port",
            EgressDenial::Address { .. } => "address",
            other => panic!("{other}"),
        };
        assert_eq!(expected, denial, "{url}");
    }
    assert_eq!(resolver.asked.load(Ordering::SeqCst), 0);
}
