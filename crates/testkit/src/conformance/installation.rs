//! Claims about the installation's identity.

use std::sync::Arc;

use freehold_domain::port::{Installation, PortError, Store};

use super::sample::Sample;

/// The first node to come founds it, and every other one is told which installation it is in.
pub async fn an_installation_is_founded_once(store: Arc<dyn Store>) {
    let sample = Sample::new();
    assert_eq!(store.installation().await.expect("read"), None);
    let mut founders = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let (store, own) = (Arc::clone(&store), sample.installation());
        founders.spawn(async move { store.initialise(&own).await.expect("initialise") });
    }
    let answers = founders.join_all().await;
    let kept = store.installation().await.expect("read").expect("it is founded");
    assert!(answers.iter().all(|answer| *answer == kept), "{answers:?}");
}

/// What rotation changes is changed; id and birth stay.
pub async fn an_installation_changes_but_for_its_id_and_birth(store: Arc<dyn Store>) {
    let sample = Sample::new();
    let first = sample.installation();
    let early = store.update_installation(&first).await;
    assert!(
        matches!(early, Err(PortError::Missing("installation"))),
        "{early:?}"
    );
    store.initialise(&first).await.expect("initialise");
    let change = Installation {
        root_generation: 2,
        root_check: [3; 32],
        operator_token_hash: None,
        ..sample.installation()
    };
    store.update_installation(&change).await.expect("update");
    assert_eq!(
        store.installation().await.expect("read"),
        Some(Installation {
            id: first.id,
            created_at: first.created_at,
            ..change
        })
    );
}

/// A store that works says so, as often as it is asked.
pub async fn a_working_store_passes_its_check(store: Arc<dyn Store>) {
    for _ in 0..3 {
        store.check().await.expect("it works");
    }
}
