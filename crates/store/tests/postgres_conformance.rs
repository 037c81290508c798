//! PostgreSQL keeps every promise of the ports.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::allow_attributes,
    reason = "tests may"
)]

mod support;

use std::sync::Arc;

use freehold_domain::port::Store;
use freehold_store::{PostgresOptions, PostgresStore};
use freehold_testkit::conformance::random::the_store_answers_as_the_oracle_does;

async fn open() -> (Arc<dyn Store>, ()) {
    let url = support::empty_database().await;
    let store = PostgresStore::connect(&url, &PostgresOptions::default())
        .await
        .unwrap();
    (Arc::new(store), ())
}

freehold_testkit::conformance!(open);

#[tokio::test]
async fn many_random_sequences_are_answered_as_the_oracle_does() {
    for seed in 200..206 {
        let (store, ()) = open().await;
        the_store_answers_as_the_oracle_does(store, seed, 300).await;
    }
}
