//! The directory in memory: swapped whole at each change, so that a request never waits for the database on its way in.

use std::collections::HashMap;
use std::sync::Arc;

use freehold_domain::id::WorkspaceId;
use freehold_domain::key::{ProviderKey, VirtualKey};
use freehold_domain::plan::Plan;
use freehold_domain::port::DirectoryState;
use freehold_domain::provider::ProviderKind;
use freehold_domain::workspace::Workspace;
use freehold_wire::adapter::Adapter;

use crate::health::{HealthBook, KeyLife};
use crate::limit::{RateBook, RateScope};
use crate::upstream::Endpoint;

/// A provider key that can be sent with: its adapter and its endpoint are known.
pub(crate) struct KeyView {
    pub(crate) key: ProviderKey,
    pub(crate) name: Arc<str>,
    pub(crate) label: Option<Arc<str>>,
    /// Nothing for kinds that are known but not served yet.
    pub(crate) adapter: Option<&'static dyn Adapter>,
    pub(crate) endpoint: Option<Endpoint>,
    pub(crate) life: Arc<KeyLife>,
}

impl KeyView {
    /// Whether it belongs to the platform.
    pub(crate) fn is_platform(&self) -> bool {
        self.key.workspace == WorkspaceId::PLATFORM
    }
}

/// Provider keys by the name their models are called by, in the order in which they are tried.
#[derive(Default)]
pub(crate) struct KeySet {
    by_name: HashMap<Arc<str>, Vec<Arc<KeyView>>>,
}

impl KeySet {
    fn insert(&mut self, view: Arc<KeyView>) {
        self.by_name.entry(Arc::clone(&view.name)).or_default().push(view);
    }

    fn sort(&mut self) {
        for keys in self.by_name.values_mut() {
            keys.sort_by_key(|view| (view.key.priority, view.key.created_at, view.key.id));
        }
    }

    /// All keys of a provider, inactive ones too.
    pub(crate) fn of(&self, name: &str) -> &[Arc<KeyView>] {
        self.by_name.get(name).map_or(&[], Vec::as_slice)
    }

    /// Every provider's name with its keys.
    pub(crate) fn providers(&self) -> impl Iterator<Item = (&Arc<str>, &[Arc<KeyView>])> {
        self.by_name.iter().map(|(name, keys)| (name, keys.as_slice()))
    }
}

/// A workspace with its plan and keys.
pub(crate) struct WorkspaceView {
    pub(crate) workspace: Workspace,
    pub(crate) plan: Arc<Plan>,
    pub(crate) keys: KeySet,
    /// What the workspace has used of its rates.
    pub(crate) rates: Arc<RateScope>,
}

/// A virtual key with its workspace, and what it has used of its rates.
#[derive(Clone)]
pub(crate) struct Known {
    pub(crate) key: Arc<VirtualKey>,
    pub(crate) workspace: Arc<WorkspaceView>,
    pub(crate) rates: Arc<RateScope>,
}

/// All that is needed to serve, at one version of the directory.
#[derive(Default)]
pub(crate) struct Snapshot {
    pub(crate) version: u64,
    callers: HashMap<String, Known>,
    plans: HashMap<String, Arc<Plan>>,
    by_id: HashMap<freehold_domain::id::ProviderKeyId, Arc<KeyView>>,
    pub(crate) platform: KeySet,
}

impl Snapshot {
    /// The directory `state`, with plans and platform keys of the configuration below those that it holds.
    pub(crate) fn build(
        state: DirectoryState,
        configured_plans: &[Plan],
        configured_platform_keys: &[ProviderKey],
        health: &HealthBook,
        rates: &RateBook,
    ) -> Self {
        let mut plans: HashMap<String, Arc<Plan>> = HashMap::new();
        for plan in freehold_domain::plan::built_in()
            .iter()
            .chain(configured_plans)
            .chain(&state.plans)
        {
            plans.insert(plan.name.clone(), Arc::new(plan.clone()));
        }
        let mut by_id = HashMap::new();
        let mut key_sets: HashMap<WorkspaceId, KeySet> = HashMap::new();
        for key in state
            .provider_keys
            .into_iter()
            .chain(configured_platform_keys.iter().cloned())
        {
            let view = Arc::new(view(key, health));
            by_id.insert(view.key.id, Arc::clone(&view));
            key_sets.entry(view.key.workspace).or_default().insert(view);
        }
        key_sets.values_mut().for_each(KeySet::sort);
        let mut workspaces = HashMap::with_capacity(state.workspaces.len());
        for workspace in state.workspaces {
            let keys = key_sets.remove(&workspace.id).unwrap_or_default();
            // A plan that was deleted under a workspace leaves it with the strictest one, never without limits.
            let plan = plans
                .get(&workspace.plan)
                .or_else(|| plans.get("free"))
                .cloned()
                .unwrap_or_default();
            let rates = rates.scope(workspace.id.as_uuid());
            workspaces.insert(
                workspace.id,
                Arc::new(WorkspaceView {
                    workspace,
                    plan,
                    keys,
                    rates,
                }),
            );
        }
        let mut callers = HashMap::with_capacity(state.virtual_keys.len());
        for key in state.virtual_keys {
            if let Some(workspace) = workspaces.get(&key.workspace) {
                let rates = rates.scope(key.id.as_uuid());
                let workspace = Arc::clone(workspace);
                callers.insert(
                    key.public_id.clone(),
                    Known {
                        key: Arc::new(key),
                        workspace,
                        rates,
                    },
                );
            }
        }
        let platform = key_sets.remove(&WorkspaceId::PLATFORM).unwrap_or_default();
        Self {
            version: state.version,
            callers,
            plans,
            by_id,
            platform,
        }
    }

    /// The virtual key of this public id, and its workspace.
    pub(crate) fn caller(&self, public_id: &str) -> Option<&Known> {
        self.callers.get(public_id)
    }

    /// The plan of this name.
    pub(crate) fn plan(&self, name: &str) -> Option<Arc<Plan>> {
        self.plans.get(name).cloned()
    }

    /// The provider key of this id.
    pub(crate) fn provider_key(&self, id: freehold_domain::id::ProviderKeyId) -> Option<&Arc<KeyView>> {
        self.by_id.get(&id)
    }
}

fn view(key: ProviderKey, health: &HealthBook) -> KeyView {
    let adapter = freehold_wire::adapter::adapter(key.provider);
    let endpoint = match key.provider {
        ProviderKind::Sandbox => None,
        // People paste an address with or without the parts that adapters append; the destination stays the same.
        _ => freehold_wire::normalize_base_url(key.provider, &key.base_url)
            .ok()
            .and_then(|text| Endpoint::parse(key.provider, &text).ok()),
    };
    KeyView {
        name: Arc::from(key.name.as_str()),
        label: key.label.as_deref().map(Arc::from),
        adapter,
        endpoint,
        life: health.life(key.id, key.record_version, &key.health),
        key,
    }
}
