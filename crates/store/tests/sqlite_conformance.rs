//! SQLite keeps every promise of the ports.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::allow_attributes,
    reason = "tests may"
)]

use std::sync::Arc;

use freehold_domain::port::Store;
use freehold_store::{SqliteOptions, SqliteStore};
use freehold_testkit::conformance::random::the_store_answers_as_the_oracle_does;
use tempfile::TempDir;

async fn open() -> (Arc<dyn Store>, TempDir) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("freehold.db");
    let store = SqliteStore::open(&path, &SqliteOptions::default()).unwrap();
    (Arc::new(store), directory)
}

freehold_testkit::conformance!(open);

#[tokio::test]
async fn many_random_sequences_are_answered_as_the_oracle_does() {
    for seed in 100..112 {
        let (store, _directory) = open().await;
        the_store_answers_as_the_oracle_does(store, seed, 300).await;
    }
}
