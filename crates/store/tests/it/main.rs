//! The stores from outside: both engines held to the suite, and what each promises beyond it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::allow_attributes,
    reason = "tests may"
)]

mod postgres;
mod sqlite;

use std::sync::Arc;

use freehold_domain::ledger::Settlement;
use freehold_domain::money::Credits;
use freehold_domain::port::{PortError, Store};
use freehold_domain::record::UsageRecord;
use freehold_testkit::conformance::sample::{Sample, credits, funded};

/// A charge below zero is not booked; whatever shares its transaction is.
async fn a_record_that_cannot_be_booked_is_refused_alone(store: Arc<dyn Store>) {
    let sample = Sample::new();
    let workspace = funded(&store, &sample, credits(100)).await;
    let mut appends = tokio::task::JoinSet::new();
    for number in 0..40 {
        let reservation = sample.reservation(workspace, credits(2));
        store.reserve(&reservation).await.unwrap();
        let charged = if number == 20 { -1_000 } else { 1 };
        let record = sample.record_of(&reservation, Credits::from_units(charged));
        let store = Arc::clone(&store);
        appends.spawn(async move {
            let UsageRecord { request_id, .. } = *record;
            let result = store.append(record, Settlement::Post).await;
            (request_id, charged, result)
        });
    }
    for (request_id, charged, result) in appends.join_all().await {
        let kept = store.record(workspace, request_id).await.unwrap();
        if charged > 0 {
            assert!(result.is_ok() && kept.is_some(), "{result:?}");
        } else {
            assert!(matches!(result, Err(PortError::Unavailable(_))), "{result:?}");
            assert_eq!(kept, None);
        }
    }
    let balance = store.balance(workspace).await.unwrap();
    assert_eq!((balance.posted.units(), balance.held), (39, credits(2)));
}
