//! Nobody is followed anywhere.

use freehold_gateway::upstream::UpstreamError;
use freehold_wire::adapter::AuthScheme;

use super::provider::{Provider, call_with, client, credential, settings, text};

#[tokio::test]
async fn a_redirect_is_an_error_and_the_place_it_names_hears_nothing() {
    let trap = Provider::answering(|_| text(200, "{}")).await;
    for status in [301, 302, 303, 307, 308] {
        let place = format!("{}/stolen", trap.url());
        let provider = Provider::answering(move |_| {
            let mut reply = text(status, "moved");
            reply.headers_mut().insert("location", place.parse().unwrap());
            reply
        })
        .await;
        // Even a place that could be reached.
        let listed = [provider.address.to_string(), trap.address.to_string()];
        let client = client(&[&listed[0], &listed[1]], settings());
        for scheme in [
            AuthScheme::Bearer,
            AuthScheme::Header("x-api-key"),
            AuthScheme::None,
        ] {
            let endpoint = provider.endpoint();
            let error = client
                .send(call_with(&endpoint, credential(scheme)))
                .await
                .unwrap_err();
            assert!(
                matches!(error, UpstreamError::Redirect { status: found } if found == status),
                "{error}"
            );
            assert_eq!((error.code(), error.word()), ("upstream_redirect", "bad_reply"));
        }
        assert_eq!(provider.requests().len(), 3);
    }
    assert_eq!(trap.connections(), 0);
}

#[tokio::test]
async fn the_other_statuses_of_the_family_are_no_reply_either() {
    for status in [300, 304, 305, 399] {
        let provider = Provider::answering(move |_| text(status, "")).await;
        let endpoint = provider.endpoint();
        let error = provider
            .client()
            .send(call_with(&endpoint, None))
            .await
            .unwrap_err();
        assert!(
            matches!(error, UpstreamError::Redirect { .. }),
            "{status}: {error}"
        );
    }
}
