//! Claims about workspaces and their data keys.

use std::sync::Arc;

use freehold_domain::id::WorkspaceId;
use freehold_domain::key::SealedSecret;
use freehold_domain::ledger::Settlement;
use freehold_domain::port::{DataKey, PageRequest, PortError, Store};
use freehold_domain::workspace::{FallbackPolicy, Workspace};

use super::sample::{Sample, credits, founded, funded};

/// What was kept is what is read.
pub async fn a_workspace_reads_back_as_it_was_kept(store: Arc<dyn Store>) {
    let sample = Sample::new();
    let workspace = Workspace {
        name: "Müller & Söhne 株式会社 '\"; --".to_owned(),
        fallback: FallbackPolicy::OnFailure,
        ..sample.workspace("")
    };
    let data_key = sample.data_key(workspace.id, 1);
    store.create_workspace(&workspace, &data_key).await.expect("new");
    assert_eq!(
        store.workspace(workspace.id).await.expect("read"),
        Some(workspace.clone())
    );
    let state = store.load_directory().await.expect("read");
    assert_eq!(
        (state.workspaces, state.data_keys),
        (vec![workspace], vec![data_key])
    );
    let other = WorkspaceId::from_uuid(sample.uuid());
    assert_eq!(store.workspace(other).await.expect("read"), None);
}

/// A conflict keeps neither the workspace nor its data key.
pub async fn a_workspace_of_a_taken_id_or_name_is_refused_whole(store: Arc<dyn Store>) {
    let sample = Sample::new();
    let first = founded(&store, &sample, "acme").await;
    let same_id = Workspace {
        id: first.id,
        ..sample.workspace("other")
    };
    let same_name = sample.workspace("acme");
    for twin in [same_id, same_name] {
        let refused = store.create_workspace(&twin, &sample.data_key(twin.id, 7)).await;
        assert!(
            matches!(refused, Err(PortError::Conflict("workspace"))),
            "{refused:?}"
        );
    }
    let other = sample.workspace("a third");
    let taken_key = sample.data_key(first.id, 1);
    let refused = store.create_workspace(&other, &taken_key).await;
    assert!(
        matches!(refused, Err(PortError::Conflict("data key"))),
        "{refused:?}"
    );
    let state = store.load_directory().await.expect("read");
    assert_eq!(state.workspaces, [first]);
    assert_eq!((state.data_keys.len(), state.version), (1, 1));
}

/// Each page begins where the last one ended, and the last one says so.
pub async fn workspaces_are_listed_newest_first_page_by_page(store: Arc<dyn Store>) {
    let sample = Sample::new();
    let mut expected = Vec::new();
    for number in 0..7 {
        expected.push(founded(&store, &sample, &format!("workspace {number}")).await);
    }
    expected.reverse();
    let mut request = PageRequest::newest(3);
    let mut listed = Vec::new();
    let mut sizes = Vec::new();
    loop {
        let page = store.workspaces(request).await.expect("read");
        sizes.push(page.items.len());
        listed.extend(page.items);
        request.before = page.next;
        if page.next.is_none() {
            break;
        }
    }
    assert_eq!((listed, sizes), (expected, vec![3, 3, 1]));
    let all = store.workspaces(PageRequest::newest(7)).await.expect("read");
    assert_eq!((all.items.len(), all.next), (7, None));
}

/// A limit outside 1 to 200 is brought inside, whoever forgot to.
pub async fn a_page_limit_of_nothing_gives_one_item(store: Arc<dyn Store>) {
    let sample = Sample::new();
    founded(&store, &sample, "old").await;
    let new = founded(&store, &sample, "new").await;
    let request = PageRequest {
        before: None,
        limit: 0,
    };
    let page = store.workspaces(request).await.expect("read");
    assert_eq!((page.next, page.items), (Some(new.id.as_uuid()), vec![new]));
}

/// Everything but id and birth changes.
pub async fn a_changed_workspace_is_as_given_but_for_its_birth(store: Arc<dyn Store>) {
    let sample = Sample::new();
    let before = founded(&store, &sample, "acme").await;
    let change = Workspace {
        id: before.id,
        plan: "pro".to_owned(),
        fallback: FallbackPolicy::Never,
        time_zone: "UTC".to_owned(),
        ..sample.workspace("acme & co")
    };
    store.update_workspace(&change).await.expect("it is there");
    let after = store.workspace(before.id).await.expect("read");
    assert_eq!(
        after,
        Some(Workspace {
            created_at: before.created_at,
            ..change
        })
    );
}

/// A change of nothing and a change to another's name are told apart, and neither changes anything.
pub async fn a_change_of_a_missing_workspace_or_to_a_taken_name_is_refused(store: Arc<dyn Store>) {
    let sample = Sample::new();
    let first = founded(&store, &sample, "first").await;
    let second = founded(&store, &sample, "second").await;
    let missing = store.update_workspace(&sample.workspace("third")).await;
    assert!(
        matches!(missing, Err(PortError::Missing("workspace"))),
        "{missing:?}"
    );
    let renamed = Workspace {
        name: first.name,
        ..second.clone()
    };
    let taken = store.update_workspace(&renamed).await;
    assert!(
        matches!(taken, Err(PortError::Conflict("workspace"))),
        "{taken:?}"
    );
    assert_eq!(store.workspace(second.id).await.expect("read"), Some(second));
    assert_eq!(store.directory_version().await.expect("read"), 2);
}

/// Keys go with it; records, balance and running reservations stay.
pub async fn a_deleted_workspace_takes_its_keys_and_leaves_its_books(store: Arc<dyn Store>) {
    let sample = Sample::new();
    let doomed = funded(&store, &sample, credits(10)).await;
    let spared = founded(&store, &sample, "spared").await.id;
    for workspace in [doomed, spared] {
        store
            .create_virtual_key(&sample.virtual_key(workspace))
            .await
            .expect("new");
        store
            .create_provider_key(&sample.provider_key(workspace))
            .await
            .expect("new");
    }
    let reservation = sample.reservation(doomed, credits(4));
    store.reserve(&reservation).await.expect("reserve");
    let record = sample.record(doomed);
    store
        .append(record.clone(), Settlement::None)
        .await
        .expect("append");

    assert!(store.delete_workspace(doomed).await.expect("delete"));
    assert!(!store.delete_workspace(doomed).await.expect("delete"));

    let state = store.load_directory().await.expect("read");
    assert!(state.workspaces.iter().all(|workspace| workspace.id == spared));
    assert!(state.virtual_keys.iter().all(|key| key.workspace == spared));
    assert!(state.provider_keys.iter().all(|key| key.workspace == spared));
    assert!(state.data_keys.iter().all(|key| key.workspace == spared));
    let left = (
        state.virtual_keys.len(),
        state.provider_keys.len(),
        state.data_keys.len(),
    );
    assert_eq!(left, (1, 1, 1));
    let kept = store.record(doomed, record.request_id).await.expect("read");
    assert_eq!(kept, Some(*record));
    store
        .append(sample.record_of(&reservation, credits(1)), Settlement::Post)
        .await
        .expect("a request that was running is settled all the same");
    let balance = store.balance(doomed).await.expect("read");
    assert_eq!(
        (balance.granted, balance.posted, balance.held),
        (credits(10), credits(1), credits(0))
    );
}

/// Its keys are kept like any other's; it itself is nowhere to be seen.
pub async fn the_platforms_workspace_is_only_a_home_for_keys(store: Arc<dyn Store>) {
    let sample = Sample::new();
    let platform = WorkspaceId::PLATFORM;
    let data_key = sample.data_key(platform, 1);
    let key = sample.provider_key(platform);
    store.add_data_key(&data_key).await.expect("new");
    store.create_provider_key(&key).await.expect("new");
    let state = store.load_directory().await.expect("read");
    assert_eq!(
        (state.workspaces, state.data_keys, state.provider_keys),
        (vec![], vec![data_key], vec![key.clone()])
    );
    let listed = store
        .provider_keys(platform, PageRequest::newest(9))
        .await
        .expect("read");
    assert_eq!(listed.items, [key]);

    assert_eq!(store.workspace(platform).await.expect("read"), None);
    let all = store.workspaces(PageRequest::newest(9)).await.expect("read");
    assert_eq!(all.items, []);
    let itself = Workspace {
        id: platform,
        ..sample.workspace("platform")
    };
    let changed = store.update_workspace(&itself).await;
    assert!(
        matches!(changed, Err(PortError::Missing("workspace"))),
        "{changed:?}"
    );
    let made = store
        .create_workspace(&itself, &sample.data_key(platform, 2))
        .await;
    assert!(matches!(made, Err(PortError::Conflict("workspace"))), "{made:?}");
    assert!(!store.delete_workspace(platform).await.expect("delete"));
    assert_eq!(store.load_directory().await.expect("read").data_keys.len(), 1);
}

/// Older data keys stay beside newer ones; a version is given once, and only to a workspace that is there.
pub async fn data_keys_of_every_version_are_kept(store: Arc<dyn Store>) {
    let sample = Sample::new();
    let workspace = founded(&store, &sample, "acme").await.id;
    let second = sample.data_key(workspace, 2);
    store.add_data_key(&second).await.expect("new");
    let again = store.add_data_key(&sample.data_key(workspace, 2)).await;
    assert!(matches!(again, Err(PortError::Conflict("data key"))), "{again:?}");
    let nowhere = WorkspaceId::from_uuid(sample.uuid());
    let homeless = store.add_data_key(&sample.data_key(nowhere, 1)).await;
    assert!(
        matches!(homeless, Err(PortError::Missing("workspace"))),
        "{homeless:?}"
    );
    let state = store.load_directory().await.expect("read");
    let versions: Vec<u32> = state.data_keys.iter().map(|key| key.version).collect();
    assert_eq!(versions, [1, 2]);
    assert_eq!(state.data_keys.last(), Some(&second));
}

/// Two who rewrap at once cannot both be right: the second finds another generation.
pub async fn a_data_key_is_rewrapped_only_from_the_generation_named(store: Arc<dyn Store>) {
    let sample = Sample::new();
    let workspace = founded(&store, &sample, "acme").await.id;
    let rewrapped = DataKey {
        root_generation: 2,
        wrapped: SealedSecret(vec![1, 2, 3]),
        ..sample.data_key(workspace, 1)
    };
    assert!(!store.rewrap_data_key(&rewrapped, 5).await.expect("rewrap"));
    assert!(store.rewrap_data_key(&rewrapped, 1).await.expect("rewrap"));
    assert!(!store.rewrap_data_key(&rewrapped, 1).await.expect("rewrap"));
    let unknown = sample.data_key(workspace, 9);
    assert!(!store.rewrap_data_key(&unknown, 1).await.expect("rewrap"));
    assert_eq!(store.load_directory().await.expect("read").data_keys, [rewrapped]);
}
