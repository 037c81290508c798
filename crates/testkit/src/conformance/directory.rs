//! Claims about plans and about the directory as a whole.

use std::sync::Arc;

use freehold_domain::plan::{self, Plan};
use freehold_domain::port::Store;
use freehold_domain::workspace::Workspace;

use super::sample::{Sample, credits, founded};

/// What was kept is what is read; a second plan of a name takes the first one's place.
pub async fn plans_are_kept_by_name(store: Arc<dyn Store>) {
    let sample = Sample::new();
    for plan in plan::built_in() {
        store.put_plan(&plan).await.expect("put");
    }
    let replaced = Plan {
        included_credits: credits(123),
        ..sample.plan("pro")
    };
    store.put_plan(&replaced).await.expect("put");
    let kept = store.plans().await.expect("read");
    assert_eq!(kept.len(), plan::built_in().len());
    assert!(kept.contains(&replaced));
    assert!(store.delete_plan("pro").await.expect("delete"));
    assert!(!store.delete_plan("pro").await.expect("delete"));
    assert!(!store.plans().await.expect("read").contains(&replaced));
}

/// The order is that of the names' bytes, whatever language the database speaks.
pub async fn plans_are_listed_by_the_bytes_of_their_names(store: Arc<dyn Store>) {
    let sample = Sample::new();
    for name in ["b", "a", "B", "é", "_x", "a-b", "ab"] {
        store.put_plan(&sample.plan(name)).await.expect("put");
    }
    let names = |plans: Vec<Plan>| plans.into_iter().map(|plan| plan.name).collect::<Vec<_>>();
    let listed = names(store.plans().await.expect("read"));
    assert_eq!(listed, ["B", "_x", "a", "a-b", "ab", "b", "é"]);
    assert_eq!(names(store.load_directory().await.expect("read").plans), listed);
}

async fn grows_by(store: &Arc<dyn Store>, expected: u64, what: &str, change: impl Future<Output = ()>) {
    let before = store.directory_version().await.expect("read");
    change.await;
    let after = store.directory_version().await.expect("read");
    assert_eq!(after - before, expected, "{what}");
}

/// Every change is one step of the version; what changes nothing is none.
pub async fn the_version_grows_with_every_change_and_with_nothing_else(store: Arc<dyn Store>) {
    let sample = Sample::new();
    assert_eq!(store.directory_version().await.expect("read"), 0);
    let workspace = founded(&store, &sample, "acme").await;
    let (owner, data_key) = (workspace.id, sample.data_key(workspace.id, 2));
    let (issued, stored) = (sample.virtual_key(owner), sample.provider_key(owner));
    let kept = &store;
    assert_eq!(store.directory_version().await.expect("read"), 1);
    grows_by(kept, 1, "update_workspace", async {
        kept.update_workspace(&workspace).await.expect("update");
    })
    .await;
    grows_by(kept, 1, "add_data_key", async {
        kept.add_data_key(&data_key).await.expect("add");
    })
    .await;
    grows_by(kept, 1, "rewrap_data_key", async {
        kept.rewrap_data_key(&data_key, 1).await.expect("rewrap");
    })
    .await;
    grows_by(kept, 1, "create_virtual_key", async {
        kept.create_virtual_key(&issued).await.expect("create");
    })
    .await;
    grows_by(kept, 1, "create_provider_key", async {
        kept.create_provider_key(&stored).await.expect("create");
    })
    .await;
    grows_by(kept, 1, "update_provider_key", async {
        kept.update_provider_key(&stored, 1).await.expect("update");
    })
    .await;
    grows_by(kept, 1, "put_plan", async {
        kept.put_plan(&sample.plan("new")).await.expect("put");
    })
    .await;
    grows_by(kept, 0, "refusals, misses and reads", async {
        let taken = Workspace {
            name: workspace.name.clone(),
            ..sample.workspace("")
        };
        let refused = kept.create_workspace(&taken, &sample.data_key(taken.id, 1)).await;
        assert!(refused.is_err());
        assert!(kept.create_virtual_key(&issued).await.is_err());
        assert!(kept.update_provider_key(&stored, 9).await.is_err());
        assert!(!kept.rewrap_data_key(&data_key, 9).await.expect("rewrap"));
        assert!(!kept.delete_plan("no such").await.expect("delete"));
        kept.load_directory().await.expect("read");
    })
    .await;
    grows_by(kept, 1, "delete_virtual_key", async {
        kept.delete_virtual_key(owner, issued.id).await.expect("delete");
    })
    .await;
    grows_by(kept, 1, "delete_provider_key", async {
        kept.delete_provider_key(owner, stored.id).await.expect("delete");
    })
    .await;
    grows_by(kept, 1, "delete_plan", async {
        kept.delete_plan("new").await.expect("delete");
    })
    .await;
    grows_by(kept, 1, "delete_workspace", async {
        kept.delete_workspace(owner).await.expect("delete");
    })
    .await;
}

/// Whoever reads while others write sees each workspace with its data key, at the version that counts them.
pub async fn the_directory_is_read_at_one_moment(store: Arc<dyn Store>) {
    const WRITERS: usize = 6;
    const EACH: usize = 25;
    let sample = Arc::new(Sample::new());
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..WRITERS {
        let (store, sample) = (Arc::clone(&store), Arc::clone(&sample));
        writers.spawn(async move {
            for number in 0..EACH {
                founded(&store, &sample, &format!("workspace {writer} {number}")).await;
            }
        });
    }
    let mut seen = 0;
    loop {
        let written = writers.is_empty();
        let state = store.load_directory().await.expect("read");
        assert_eq!(state.workspaces.len(), state.data_keys.len());
        assert_eq!(u64::try_from(state.workspaces.len()), Ok(state.version));
        assert!(state.workspaces.len() >= seen, "the directory went back in time");
        seen = state.workspaces.len();
        if written {
            break;
        }
        while let Some(ended) = writers.try_join_next() {
            ended.expect("the writer ends");
        }
    }
    assert_eq!(seen, WRITERS * EACH);
}
