//! Claims about grants, balances and reservations.

use std::sync::Arc;

use freehold_domain::id::{EntryId, WorkspaceId};
use freehold_domain::ledger::{Balance, Grant, GrantOutcome, Reservation, ReserveOutcome};
use freehold_domain::money::Credits;
use freehold_domain::port::{PortError, Store};

use super::sample::{Sample, credits, founded, funded};

/// What the workspace has, in whole credits: granted, posted, held.
pub(super) async fn balance(store: &Arc<dyn Store>, workspace: WorkspaceId) -> (i64, i64, i64) {
    let balance = store.balance(workspace).await.expect("read");
    let whole = |amount: Credits| amount.units() / 1_000_000;
    (whole(balance.granted), whole(balance.posted), whole(balance.held))
}

/// Without credits all is zero, known workspace or not.
pub async fn a_balance_without_credits_is_all_zero(store: Arc<dyn Store>) {
    let sample = Sample::new();
    let known = founded(&store, &sample, "acme").await.id;
    let unknown = WorkspaceId::from_uuid(sample.uuid());
    for workspace in [known, unknown] {
        let balance = store.balance(workspace).await.expect("read");
        assert_eq!(balance, Balance::default());
    }
}

/// Without an idempotency key every call gives; a grant below zero takes back.
pub async fn grants_add_up(store: Arc<dyn Store>) {
    let sample = Sample::new();
    let workspace = funded(&store, &sample, credits(10)).await;
    for amount in [5, -3] {
        let grant = sample.grant(workspace, credits(amount));
        let outcome = store.grant(&grant).await.expect("grant");
        let (id, replayed) = (grant.id, false);
        assert_eq!(outcome, GrantOutcome::Booked { id, replayed });
    }
    assert_eq!(balance(&store, workspace).await, (12, 0, 0));
}

/// One idempotency key gives once per workspace; the same key with other content is refused.
pub async fn a_grant_is_booked_once_under_one_key(store: Arc<dyn Store>) {
    let sample = Sample::new();
    let workspace = funded(&store, &sample, credits(1)).await;
    let first = Grant {
        idempotency_key: Some("january".to_owned()),
        ..sample.grant(workspace, credits(5))
    };
    let booked = |id: EntryId, replayed| GrantOutcome::Booked { id, replayed };
    assert_eq!(store.grant(&first).await.expect("grant"), booked(first.id, false));
    let again = Grant {
        id: EntryId::from_uuid(sample.uuid()),
        at: sample.now(),
        ..first.clone()
    };
    assert_eq!(store.grant(&again).await.expect("grant"), booked(first.id, true));
    for other in [
        Grant {
            credits: credits(6),
            ..again.clone()
        },
        Grant {
            reason: "another".to_owned(),
            ..again.clone()
        },
    ] {
        let outcome = store.grant(&other).await.expect("grant");
        assert_eq!(outcome, GrantOutcome::Mismatch);
    }
    assert_eq!(balance(&store, workspace).await, (6, 0, 0));
    let neighbour = founded(&store, &sample, "neighbour").await.id;
    let elsewhere = Grant {
        workspace: neighbour,
        ..again
    };
    let outcome = store.grant(&elsewhere).await.expect("grant");
    assert_eq!(outcome, booked(elsewhere.id, false));
    assert_eq!(balance(&store, neighbour).await, (5, 0, 0));
}

/// Many who grant under one key at once give once.
pub async fn grants_under_one_key_at_once_give_once(store: Arc<dyn Store>) {
    let sample = Sample::new();
    let workspace = founded(&store, &sample, "acme").await.id;
    let mut grants = tokio::task::JoinSet::new();
    for _ in 0..12 {
        let grant = Grant {
            idempotency_key: Some("once".to_owned()),
            ..sample.grant(workspace, credits(5))
        };
        let store = Arc::clone(&store);
        grants.spawn(async move { store.grant(&grant).await.expect("grant") });
    }
    let outcomes = grants.join_all().await;
    let first = |outcome: &&GrantOutcome| matches!(outcome, GrantOutcome::Booked { replayed: false, .. });
    assert_eq!(outcomes.iter().filter(first).count(), 1, "{outcomes:?}");
    assert_eq!(balance(&store, workspace).await, (5, 0, 0));
}

/// Nobody grants to a workspace that is not there, nor to the platform.
pub async fn a_grant_needs_a_workspace(store: Arc<dyn Store>) {
    let sample = Sample::new();
    for workspace in [WorkspaceId::from_uuid(sample.uuid()), WorkspaceId::PLATFORM] {
        let outcome = store
            .grant(&sample.grant(workspace, credits(5)))
            .await
            .expect("grant");
        assert_eq!(outcome, GrantOutcome::NoWorkspace);
        assert_eq!(balance(&store, workspace).await, (0, 0, 0));
    }
}

/// An entry's id is given once in a workspace.
pub async fn a_grant_of_a_taken_id_is_refused(store: Arc<dyn Store>) {
    let sample = Sample::new();
    let workspace = founded(&store, &sample, "acme").await.id;
    let grant = sample.grant(workspace, credits(5));
    store.grant(&grant).await.expect("grant");
    let again = store.grant(&grant).await;
    assert!(
        matches!(again, Err(PortError::Conflict("credit entry"))),
        "{again:?}"
    );
    assert_eq!(balance(&store, workspace).await, (5, 0, 0));
}

/// Too much for ever and too much for now are told apart, and neither changes anything.
pub async fn a_refused_reservation_says_whether_waiting_helps(store: Arc<dyn Store>) {
    let sample = Sample::new();
    let workspace = funded(&store, &sample, credits(10)).await;
    let reserve = |amount| {
        let (store, reservation) = (Arc::clone(&store), sample.reservation(workspace, credits(amount)));
        async move { store.reserve(&reservation).await.expect("reserve") }
    };
    assert_eq!(reserve(6).await, ReserveOutcome::Reserved);
    let now = Balance {
        granted: credits(10),
        posted: credits(0),
        held: credits(6),
    };
    assert_eq!(reserve(5).await, ReserveOutcome::Held(now));
    assert_eq!(reserve(10).await, ReserveOutcome::Held(now));
    assert_eq!(reserve(11).await, ReserveOutcome::Exhausted(now));
    assert_eq!(reserve(4).await, ReserveOutcome::Reserved);
    assert_eq!(reserve(0).await, ReserveOutcome::Reserved);
    assert_eq!(balance(&store, workspace).await, (10, 0, 10));
}

/// A workspace that never had credits, and one that is not there, have nothing to hold.
pub async fn nothing_is_reserved_from_nothing(store: Arc<dyn Store>) {
    let sample = Sample::new();
    let known = founded(&store, &sample, "acme").await.id;
    for workspace in [known, WorkspaceId::from_uuid(sample.uuid())] {
        let outcome = store
            .reserve(&sample.reservation(workspace, credits(1)))
            .await
            .expect("reserve");
        assert_eq!(outcome, ReserveOutcome::Exhausted(Balance::default()));
    }
}

/// The same request holds once, also when it asks many times at once.
pub async fn a_request_reserves_once(store: Arc<dyn Store>) {
    let sample = Sample::new();
    let workspace = funded(&store, &sample, credits(10)).await;
    let reservation = sample.reservation(workspace, credits(6));
    let mut attempts = tokio::task::JoinSet::new();
    for _ in 0..12 {
        let store = Arc::clone(&store);
        attempts.spawn(async move { store.reserve(&reservation).await.expect("reserve") });
    }
    let outcomes = attempts.join_all().await;
    let reserved = |outcome: &ReserveOutcome| *outcome == ReserveOutcome::Reserved;
    assert!(outcomes.iter().all(reserved), "{outcomes:?}");
    assert_eq!(balance(&store, workspace).await, (10, 0, 6));
}

/// A request cannot hold twice under one id, neither another amount nor for another workspace.
pub async fn a_request_that_reserves_anew_with_other_content_conflicts(store: Arc<dyn Store>) {
    let sample = Sample::new();
    let workspace = funded(&store, &sample, credits(10)).await;
    let other = founded(&store, &sample, "other").await.id;
    let reservation = sample.reservation(workspace, credits(1));
    store.reserve(&reservation).await.expect("reserve");
    for twin in [
        Reservation {
            credits: credits(2),
            ..reservation
        },
        Reservation {
            workspace: other,
            ..reservation
        },
    ] {
        let refused = store.reserve(&twin).await;
        assert!(
            matches!(refused, Err(PortError::Conflict("reservation"))),
            "{refused:?}"
        );
    }
    assert_eq!(balance(&store, workspace).await, (10, 0, 1));
    assert_eq!(balance(&store, other).await, (0, 0, 0));
}

/// Fifty requests of one credit at once find ten credits: ten run.
pub async fn parallel_reservations_cannot_overspend(store: Arc<dyn Store>) {
    let sample = Sample::new();
    let workspace = funded(&store, &sample, credits(10)).await;
    let mut attempts = tokio::task::JoinSet::new();
    for _ in 0..50 {
        let (store, reservation) = (Arc::clone(&store), sample.reservation(workspace, credits(1)));
        attempts.spawn(async move { store.reserve(&reservation).await.expect("reserve") });
    }
    let outcomes = attempts.join_all().await;
    let reserved = |outcome: &&ReserveOutcome| **outcome == ReserveOutcome::Reserved;
    let held = |outcome: &&ReserveOutcome| matches!(outcome, ReserveOutcome::Held(_));
    assert_eq!(outcomes.iter().filter(reserved).count(), 10);
    assert_eq!(outcomes.iter().filter(held).count(), 40);
    assert_eq!(balance(&store, workspace).await, (10, 0, 10));
}
