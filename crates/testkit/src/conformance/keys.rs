//! Claims about virtual keys and provider keys.

use std::collections::BTreeSet;
use std::sync::Arc;

use freehold_domain::id::{ProviderKeyId, VirtualKeyId, WorkspaceId};
use freehold_domain::key::{
    KeyHealth, KeyStatus, ProviderKey, ProviderKeyLimits, SealedSecret, VirtualKey, VirtualKeyLimits,
};
use freehold_domain::port::{PageRequest, PortError, Store};
use freehold_domain::provider::ProviderKind;

use super::sample::{Sample, founded};

/// What was kept is what is read, with all its parts and with none that can be left out.
pub async fn a_virtual_key_reads_back_as_it_was_kept(store: Arc<dyn Store>) {
    let sample = Sample::new();
    let workspace = founded(&store, &sample, "acme").await.id;
    let full = sample.virtual_key(workspace);
    let bare = VirtualKey {
        label: String::new(),
        scopes: BTreeSet::new(),
        allowed_models: Vec::new(),
        limits: VirtualKeyLimits::default(),
        expires_at: None,
        ..sample.virtual_key(workspace)
    };
    for key in [&full, &bare] {
        store.create_virtual_key(key).await.expect("new");
    }
    let page = store
        .virtual_keys(workspace, PageRequest::newest(9))
        .await
        .expect("read");
    assert_eq!(page.items, [bare.clone(), full.clone()]);
    assert_eq!(page.next, None);
    let state = store.load_directory().await.expect("read");
    assert_eq!(state.virtual_keys, [full, bare]);
}

/// Ids and public ids are given once in the whole installation, and only to a workspace that is there.
pub async fn a_virtual_key_that_is_taken_or_has_no_home_is_refused(store: Arc<dyn Store>) {
    let sample = Sample::new();
    let workspace = founded(&store, &sample, "acme").await.id;
    let other = founded(&store, &sample, "other").await.id;
    let key = sample.virtual_key(workspace);
    store.create_virtual_key(&key).await.expect("new");
    let same_id = VirtualKey {
        id: key.id,
        ..sample.virtual_key(other)
    };
    let same_public_id = VirtualKey {
        public_id: key.public_id.clone(),
        ..sample.virtual_key(other)
    };
    for twin in [same_id, same_public_id] {
        let refused = store.create_virtual_key(&twin).await;
        assert!(
            matches!(refused, Err(PortError::Conflict("virtual key"))),
            "{refused:?}"
        );
    }
    let nowhere = WorkspaceId::from_uuid(sample.uuid());
    let homeless = store.create_virtual_key(&sample.virtual_key(nowhere)).await;
    assert!(
        matches!(homeless, Err(PortError::Missing("workspace"))),
        "{homeless:?}"
    );
    let state = store.load_directory().await.expect("read");
    assert_eq!((state.virtual_keys, state.version), (vec![key], 3));
}

/// A list holds one workspace's keys only, newest first, page by page.
pub async fn keys_are_listed_per_workspace_newest_first(store: Arc<dyn Store>) {
    let sample = Sample::new();
    let workspace = founded(&store, &sample, "acme").await.id;
    let other = founded(&store, &sample, "other").await.id;
    let (mut virtual_ids, mut provider_ids) = (Vec::new(), Vec::new());
    for _ in 0..5 {
        let (issued, stored) = (sample.virtual_key(workspace), sample.provider_key(workspace));
        store.create_virtual_key(&issued).await.expect("new");
        store.create_provider_key(&stored).await.expect("new");
        virtual_ids.insert(0, issued.id);
        provider_ids.insert(0, stored.id);
        store
            .create_virtual_key(&sample.virtual_key(other))
            .await
            .expect("new");
        store
            .create_provider_key(&sample.provider_key(other))
            .await
            .expect("new");
    }
    let mut request = PageRequest::newest(2);
    let (mut seen_virtual, mut seen_provider): (Vec<VirtualKeyId>, Vec<ProviderKeyId>) = Default::default();
    for expected in [2, 2, 1] {
        let page = store.virtual_keys(workspace, request).await.expect("read");
        assert_eq!(page.items.len(), expected);
        seen_virtual.extend(page.items.iter().map(|key| key.id));
        request.before = page.next;
    }
    assert_eq!(request.before, None);
    for expected in [2, 2, 1] {
        let page = store.provider_keys(workspace, request).await.expect("read");
        assert_eq!(page.items.len(), expected);
        seen_provider.extend(page.items.iter().map(|key| key.id));
        request.before = page.next;
    }
    assert_eq!(request.before, None);
    assert_eq!((seen_virtual, seen_provider), (virtual_ids, provider_ids));
}

/// Only its own workspace deletes a key, and only once.
pub async fn a_key_is_deleted_by_its_own_workspace_only(store: Arc<dyn Store>) {
    let sample = Sample::new();
    let workspace = founded(&store, &sample, "acme").await.id;
    let other = founded(&store, &sample, "other").await.id;
    let (issued, stored) = (sample.virtual_key(workspace), sample.provider_key(workspace));
    store.create_virtual_key(&issued).await.expect("new");
    store.create_provider_key(&stored).await.expect("new");

    assert!(!store.delete_virtual_key(other, issued.id).await.expect("delete"));
    assert!(!store.delete_provider_key(other, stored.id).await.expect("delete"));
    assert_eq!(store.provider_key(other, stored.id).await.expect("read"), None);
    let mut trespass = stored.clone();
    trespass.workspace = other;
    let refused = store.update_provider_key(&trespass, 1).await;
    assert!(
        matches!(refused, Err(PortError::Missing("provider key"))),
        "{refused:?}"
    );

    assert!(
        store
            .delete_virtual_key(workspace, issued.id)
            .await
            .expect("delete")
    );
    assert!(
        store
            .delete_provider_key(workspace, stored.id)
            .await
            .expect("delete")
    );
    assert!(
        !store
            .delete_virtual_key(workspace, issued.id)
            .await
            .expect("delete")
    );
    assert!(
        !store
            .delete_provider_key(workspace, stored.id)
            .await
            .expect("delete")
    );
    let state = store.load_directory().await.expect("read");
    assert_eq!((state.virtual_keys, state.provider_keys), (vec![], vec![]));
}

/// What was kept is what is read, with all its parts and with none that can be left out, for every kind of provider.
pub async fn a_provider_key_reads_back_as_it_was_kept(store: Arc<dyn Store>) {
    let sample = Sample::new();
    let workspace = founded(&store, &sample, "acme").await.id;
    let mut keys = vec![ProviderKey {
        label: None,
        priority: i32::MAX,
        is_active: false,
        allowed_models: Vec::new(),
        limits: ProviderKeyLimits::default(),
        fallback: None,
        fingerprint: None,
        sealed: None,
        health: KeyHealth::default(),
        ..sample.provider_key(workspace)
    }];
    for provider in ProviderKind::ALL {
        keys.push(ProviderKey {
            provider,
            ..sample.provider_key(workspace)
        });
    }
    for key in &keys {
        store.create_provider_key(key).await.expect("new");
        let kept = store.provider_key(workspace, key.id).await.expect("read");
        assert_eq!(kept.as_ref(), Some(key));
    }
    assert_eq!(store.load_directory().await.expect("read").provider_keys, keys);
}

/// Ids are given once, and only to a workspace that is there.
pub async fn a_provider_key_that_is_taken_or_has_no_home_is_refused(store: Arc<dyn Store>) {
    let sample = Sample::new();
    let workspace = founded(&store, &sample, "acme").await.id;
    let key = sample.provider_key(workspace);
    store.create_provider_key(&key).await.expect("new");
    let twin = ProviderKey {
        id: key.id,
        ..sample.provider_key(workspace)
    };
    let taken = store.create_provider_key(&twin).await;
    assert!(
        matches!(taken, Err(PortError::Conflict("provider key"))),
        "{taken:?}"
    );
    let nowhere = WorkspaceId::from_uuid(sample.uuid());
    let homeless = store.create_provider_key(&sample.provider_key(nowhere)).await;
    assert!(
        matches!(homeless, Err(PortError::Missing("workspace"))),
        "{homeless:?}"
    );
    assert_eq!(store.load_directory().await.expect("read").provider_keys, [key]);
}

/// Everything changes but id, workspace, provider and birth.
pub async fn a_changed_provider_key_is_as_given_but_for_its_origins(store: Arc<dyn Store>) {
    let sample = Sample::new();
    let workspace = founded(&store, &sample, "acme").await.id;
    let before = sample.provider_key(workspace);
    store.create_provider_key(&before).await.expect("new");
    let change = ProviderKey {
        id: before.id,
        provider: ProviderKind::Openai,
        label: None,
        is_active: false,
        sealed: Some(SealedSecret(vec![7; 99])),
        record_version: 2,
        health: KeyHealth::default(),
        fallback: None,
        ..sample.provider_key(workspace)
    };
    store.update_provider_key(&change, 1).await.expect("it is there");
    let after = store.provider_key(workspace, before.id).await.expect("read");
    assert_eq!(
        after,
        Some(ProviderKey {
            provider: before.provider,
            created_at: before.created_at,
            ..change
        })
    );
}

/// Who knew an older version changes nothing; a key that is gone is not brought back.
pub async fn a_provider_key_changes_only_from_the_version_named(store: Arc<dyn Store>) {
    let sample = Sample::new();
    let workspace = founded(&store, &sample, "acme").await.id;
    let first = sample.provider_key(workspace);
    store.create_provider_key(&first).await.expect("new");
    let second = ProviderKey {
        record_version: 2,
        ..first.clone()
    };
    store.update_provider_key(&second, 1).await.expect("it is there");
    let late = ProviderKey {
        label: Some("late".to_owned()),
        record_version: 2,
        ..first.clone()
    };
    let conflict = store.update_provider_key(&late, 1).await;
    assert!(
        matches!(conflict, Err(PortError::Conflict("provider key"))),
        "{conflict:?}"
    );
    let kept = store.provider_key(workspace, first.id).await.expect("read");
    assert_eq!(kept, Some(second));
    store
        .delete_provider_key(workspace, first.id)
        .await
        .expect("delete");
    let missing = store.update_provider_key(&late, 2).await;
    assert!(
        matches!(missing, Err(PortError::Missing("provider key"))),
        "{missing:?}"
    );
}

/// Of many who change a key from the same version at once, one does.
pub async fn one_of_many_changes_from_one_version_holds(store: Arc<dyn Store>) {
    let sample = Sample::new();
    let workspace = founded(&store, &sample, "acme").await.id;
    let key = sample.provider_key(workspace);
    store.create_provider_key(&key).await.expect("new");
    let mut attempts = tokio::task::JoinSet::new();
    for number in 0..16 {
        let (store, mut change) = (Arc::clone(&store), key.clone());
        change.record_version = 2;
        change.label = Some(format!("attempt {number}"));
        attempts.spawn(async move { store.update_provider_key(&change, 1).await });
    }
    let results = attempts.join_all().await;
    let held = results.iter().filter(|result| result.is_ok()).count();
    let refused = results
        .iter()
        .filter(|result| matches!(result, Err(PortError::Conflict("provider key"))))
        .count();
    assert_eq!((held, refused), (1, 15), "{results:?}");
    assert_eq!(store.directory_version().await.expect("read"), 3);
}

/// Health is kept for the version it is about and for no other, and the directory stays at its version.
pub async fn notes_of_health_reach_the_version_they_are_about(store: Arc<dyn Store>) {
    let sample = Sample::new();
    let workspace = founded(&store, &sample, "acme").await.id;
    let (noted, rotated) = (sample.provider_key(workspace), sample.provider_key(workspace));
    store.create_provider_key(&noted).await.expect("new");
    store.create_provider_key(&rotated).await.expect("new");
    let rotated = ProviderKey {
        record_version: 2,
        ..rotated
    };
    store.update_provider_key(&rotated, 1).await.expect("it is there");
    let version = store.directory_version().await.expect("read");
    let health = KeyHealth {
        status: KeyStatus::Revoked,
        status_reason: Some("the provider refused the key".to_owned()),
        last_validated_at: Some(sample.now()),
        last_used_at: None,
    };
    let unknown = ProviderKeyId::from_uuid(sample.uuid());
    store
        .note_health(&[
            (rotated.id, 1, health.clone()),
            (unknown, 1, health.clone()),
            (noted.id, 1, health.clone()),
        ])
        .await
        .expect("note");
    store.note_health(&[]).await.expect("nothing to note");
    let kept = store.provider_key(workspace, noted.id).await.expect("read");
    assert_eq!(kept, Some(ProviderKey { health, ..noted }));
    let kept = store.provider_key(workspace, rotated.id).await.expect("read");
    assert_eq!(kept, Some(rotated));
    assert_eq!(store.directory_version().await.expect("read"), version);
}
