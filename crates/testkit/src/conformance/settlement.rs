//! Claims about how reservations end: posted, voided, expired, each once.

use std::sync::Arc;

use freehold_domain::id::WorkspaceId;
use freehold_domain::ledger::{ReserveOutcome, Settlement};
use freehold_domain::port::{PortError, Store};
use freehold_domain::record::UsageRecord;

use super::ledger::balance;
use super::sample::{Sample, credits, founded, funded};

/// The charge is booked and the rest is free again, together with the record.
pub async fn a_posted_reservation_charges_and_gives_back_the_rest(store: Arc<dyn Store>) {
    let sample = Sample::new();
    let workspace = funded(&store, &sample, credits(10)).await;
    let reservation = sample.reservation(workspace, credits(6));
    store.reserve(&reservation).await.expect("reserve");
    let record = sample.record_of(&reservation, credits(2));
    store
        .append(record.clone(), Settlement::Post)
        .await
        .expect("append");
    assert_eq!(balance(&store, workspace).await, (10, 2, 0));
    let kept = store.record(workspace, record.request_id).await.expect("read");
    assert_eq!(kept, Some(*record));
}

/// Everything is free again, whatever the record says it would have cost.
pub async fn a_voided_reservation_gives_everything_back(store: Arc<dyn Store>) {
    let sample = Sample::new();
    let workspace = funded(&store, &sample, credits(10)).await;
    let reservation = sample.reservation(workspace, credits(6));
    store.reserve(&reservation).await.expect("reserve");
    let record = sample.record_of(&reservation, credits(2));
    store.append(record, Settlement::Void).await.expect("append");
    assert_eq!(balance(&store, workspace).await, (10, 0, 0));
}

/// A record that came without a reservation moves no credits.
pub async fn a_record_without_settlement_moves_nothing(store: Arc<dyn Store>) {
    let sample = Sample::new();
    let workspace = funded(&store, &sample, credits(10)).await;
    let reservation = sample.reservation(workspace, credits(6));
    store.reserve(&reservation).await.expect("reserve");
    let record = sample.record_of(&reservation, credits(2));
    store.append(record, Settlement::None).await.expect("append");
    assert_eq!(balance(&store, workspace).await, (10, 0, 6));
}

/// The second append of a request changes nothing, however it would settle.
pub async fn a_request_is_settled_once(store: Arc<dyn Store>) {
    let sample = Sample::new();
    let workspace = funded(&store, &sample, credits(10)).await;
    for first in [Settlement::Post, Settlement::Void] {
        let before = balance(&store, workspace).await;
        let reservation = sample.reservation(workspace, credits(3));
        store.reserve(&reservation).await.expect("reserve");
        let record = sample.record_of(&reservation, credits(1));
        store.append(record.clone(), first).await.expect("append");
        let after = balance(&store, workspace).await;
        let charged = if first == Settlement::Post { 1 } else { 0 };
        assert_eq!(after, (before.0, before.1 + charged, before.2));
        for second in [Settlement::Post, Settlement::Void, Settlement::None] {
            let again = Box::new(UsageRecord {
                credits_charged: credits(2),
                ..*record.clone()
            });
            store.append(again, second).await.expect("append");
        }
        assert_eq!(balance(&store, workspace).await, after);
    }
}

/// Many who settle one request at once charge once.
pub async fn settlements_of_one_request_at_once_charge_once(store: Arc<dyn Store>) {
    let sample = Sample::new();
    let workspace = funded(&store, &sample, credits(10)).await;
    let reservation = sample.reservation(workspace, credits(3));
    store.reserve(&reservation).await.expect("reserve");
    let record = sample.record_of(&reservation, credits(2));
    let mut settlements = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let (store, record) = (Arc::clone(&store), record.clone());
        settlements.spawn(async move { store.append(record, Settlement::Post).await.expect("append") });
    }
    settlements.join_all().await;
    assert_eq!(balance(&store, workspace).await, (10, 2, 0));
}

/// The provider ran it, so it is booked in full; the next request finds the truth.
pub async fn a_charge_above_its_reservation_is_booked_in_full(store: Arc<dyn Store>) {
    let sample = Sample::new();
    let workspace = funded(&store, &sample, credits(10)).await;
    let reservation = sample.reservation(workspace, credits(6));
    store.reserve(&reservation).await.expect("reserve");
    let record = sample.record_of(&reservation, credits(12));
    store.append(record, Settlement::Post).await.expect("append");
    assert_eq!(balance(&store, workspace).await, (10, 12, 0));
    let next = store
        .reserve(&sample.reservation(workspace, credits(0)))
        .await
        .expect("reserve");
    assert!(matches!(next, ReserveOutcome::Exhausted(_)), "{next:?}");
}

/// A charge without a reservation, or after it ended, is booked all the same; a void of nothing gives nothing.
pub async fn a_settlement_without_a_hold_charges_and_gives_nothing_back(store: Arc<dyn Store>) {
    let sample = Sample::new();
    let workspace = funded(&store, &sample, credits(10)).await;
    let never_held = |charged| sample.record_of(&sample.reservation(workspace, credits(1)), credits(charged));
    let held = sample.reservation(workspace, credits(5));
    store.reserve(&held).await.expect("reserve");
    store
        .append(never_held(2), Settlement::Post)
        .await
        .expect("append");
    store
        .append(never_held(2), Settlement::Void)
        .await
        .expect("append");
    assert_eq!(balance(&store, workspace).await, (10, 2, 5));
    let without_account = WorkspaceId::from_uuid(sample.uuid());
    let record = sample.record_of(&sample.reservation(without_account, credits(1)), credits(3));
    store.append(record, Settlement::Post).await.expect("append");
    assert_eq!(balance(&store, without_account).await, (0, 3, 0));
}

/// A request settles its own workspace's reservation, not another's under the same id.
pub async fn a_settlement_leaves_another_workspaces_reservation_alone(store: Arc<dyn Store>) {
    let sample = Sample::new();
    let workspace = funded(&store, &sample, credits(10)).await;
    let other = founded(&store, &sample, "other").await.id;
    let reservation = sample.reservation(workspace, credits(4));
    store.reserve(&reservation).await.expect("reserve");
    let foreign = Box::new(UsageRecord {
        workspace_id: other,
        ..*sample.record_of(&reservation, credits(0))
    });
    store.append(foreign, Settlement::Void).await.expect("append");
    assert_eq!(balance(&store, workspace).await, (10, 0, 4));
}

/// After its time, and not before, a hold is given back once.
pub async fn a_reservation_that_ran_out_is_given_back(store: Arc<dyn Store>) {
    let sample = Sample::new();
    let workspace = funded(&store, &sample, credits(10)).await;
    let other = founded(&store, &sample, "other").await.id;
    store
        .grant(&sample.grant(other, credits(5)))
        .await
        .expect("grant");
    let first = sample.reservation(workspace, credits(3));
    let second = sample.reservation(workspace, credits(2));
    let foreign = sample.reservation(other, credits(1));
    let mut long = sample.reservation(workspace, credits(4));
    long.expires_at = long.expires_at.plus_millis(1_000_000);
    for reservation in [first, second, foreign, long] {
        let outcome = store.reserve(&reservation).await.expect("reserve");
        assert_eq!(outcome, ReserveOutcome::Reserved);
    }
    let at_the_moment = store.expire_reservations(first.expires_at).await.expect("expire");
    assert_eq!(at_the_moment, 0);
    assert_eq!(balance(&store, workspace).await, (10, 0, 9));
    let later = first.expires_at.plus_millis(1_000);
    assert_eq!(store.expire_reservations(later).await.expect("expire"), 3);
    assert_eq!(store.expire_reservations(later).await.expect("expire"), 0);
    assert_eq!(balance(&store, workspace).await, (10, 0, 4));
    assert_eq!(balance(&store, other).await, (5, 0, 0));
}

/// A settlement that comes after the time ran out books the charge and gives nothing back a second time.
pub async fn a_settlement_after_expiry_is_booked_once(store: Arc<dyn Store>) {
    let sample = Sample::new();
    let workspace = funded(&store, &sample, credits(10)).await;
    let (posted, voided) = (
        sample.reservation(workspace, credits(3)),
        sample.reservation(workspace, credits(3)),
    );
    store.reserve(&posted).await.expect("reserve");
    store.reserve(&voided).await.expect("reserve");
    let later = voided.expires_at.plus_millis(1);
    assert_eq!(store.expire_reservations(later).await.expect("expire"), 2);
    store
        .append(sample.record_of(&posted, credits(2)), Settlement::Post)
        .await
        .expect("append");
    store
        .append(sample.record_of(&voided, credits(2)), Settlement::Void)
        .await
        .expect("append");
    assert_eq!(balance(&store, workspace).await, (10, 2, 0));
}

/// A reservation that ended does not begin again.
pub async fn an_ended_reservation_is_not_made_anew(store: Arc<dyn Store>) {
    let sample = Sample::new();
    let workspace = funded(&store, &sample, credits(10)).await;
    let (settled, expired) = (
        sample.reservation(workspace, credits(3)),
        sample.reservation(workspace, credits(3)),
    );
    store.reserve(&settled).await.expect("reserve");
    store
        .append(sample.record_of(&settled, credits(1)), Settlement::Post)
        .await
        .expect("append");
    store.reserve(&expired).await.expect("reserve");
    let later = expired.expires_at.plus_millis(1);
    store.expire_reservations(later).await.expect("expire");
    for reservation in [settled, expired] {
        let refused = store.reserve(&reservation).await;
        assert!(
            matches!(refused, Err(PortError::Conflict("reservation"))),
            "{refused:?}"
        );
    }
    assert_eq!(balance(&store, workspace).await, (10, 1, 0));
}

/// Requests that reserve, settle and expire all at once leave exact books.
pub async fn books_balance_after_a_crowd(store: Arc<dyn Store>) {
    const REQUESTS: i64 = 120;
    let sample = Sample::new();
    let workspaces = [
        funded(&store, &sample, credits(1_000)).await,
        founded(&store, &sample, "second").await.id,
    ];
    store
        .grant(&sample.grant(workspaces[1], credits(1_000)))
        .await
        .expect("grant");
    let mut crowd = tokio::task::JoinSet::new();
    for number in 0..REQUESTS {
        let workspace = workspaces[usize::from(number % 2 == 1)];
        let reservation = sample.reservation(workspace, credits(3));
        let record = sample.record_of(&reservation, credits(2));
        let store = Arc::clone(&store);
        crowd.spawn(async move {
            store.reserve(&reservation).await.expect("reserve");
            if number % 10 == 0 {
                let later = reservation.at.plus_millis(-1_000_000);
                assert_eq!(store.expire_reservations(later).await.expect("expire"), 0);
            }
            let settlement = match number % 4 {
                0 | 1 => Settlement::Post,
                _ => Settlement::Void,
            };
            store.append(record, settlement).await.expect("append");
        });
    }
    crowd.join_all().await;
    for workspace in workspaces {
        assert_eq!(balance(&store, workspace).await, (1_000, REQUESTS / 2, 0));
    }
}
