//! A store in memory that keeps what the management API asks it to keep, and can be told to fail.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard};

use async_trait::async_trait;
use freehold_domain::id::{ProviderKeyId, RequestId, VirtualKeyId, WorkspaceId};
use freehold_domain::key::{KeyHealth, ProviderKey, VirtualKey};
use freehold_domain::ledger::{Balance, Grant, GrantOutcome, Reservation, ReserveOutcome, Settlement};
use freehold_domain::money::Credits;
use freehold_domain::plan::Plan;
use freehold_domain::port::{
    DataKey, Directory, DirectoryState, Installation, InstallationStore, Ledger, Page, PageRequest,
    PortError, RecordFilter, Records,
};
use freehold_domain::record::UsageRecord;
use freehold_domain::time::Timestamp;
use freehold_domain::workspace::Workspace;
use uuid::Uuid;

#[derive(Default)]
pub(crate) struct FakeStore {
    state: Mutex<State>,
    is_down: AtomicBool,
    /// How many of the next changes of provider keys meet somebody who was faster.
    conflicts: AtomicU32,
}

#[derive(Default)]
struct State {
    directory: DirectoryState,
    records: Vec<UsageRecord>,
    grants: Vec<Grant>,
    held: HashMap<WorkspaceId, Credits>,
}

impl FakeStore {
    /// From now on nothing can be read or written.
    pub(crate) fn go_down(&self) {
        self.is_down.store(true, Ordering::SeqCst);
    }

    /// The next `count` changes of provider keys meet somebody who was faster.
    pub(crate) fn conflict(&self, count: u32) {
        self.conflicts.store(count, Ordering::SeqCst);
    }

    /// So many credits of the workspace are held by running requests.
    pub(crate) fn hold(&self, workspace: WorkspaceId, credits: Credits) {
        self.state.lock().unwrap().held.insert(workspace, credits);
    }

    /// Everything, as it is now.
    pub(crate) fn directory(&self) -> DirectoryState {
        self.state.lock().unwrap().directory.clone()
    }

    /// The record is there.
    pub(crate) fn add_record(&self, record: UsageRecord) {
        self.state.lock().unwrap().records.push(record);
    }

    /// The provider key as it is stored.
    pub(crate) fn stored_key(&self, id: &str) -> ProviderKey {
        let found = self
            .directory()
            .provider_keys
            .into_iter()
            .find(|key| key.id.to_string() == id);
        found.expect("a stored key")
    }

    /// The row of this id is as given, as if somebody had written to the database.
    pub(crate) fn replace_virtual_key(&self, key: VirtualKey) {
        let keys = &mut self.state.lock().unwrap().directory.virtual_keys;
        keys.retain(|known| known.id != key.id);
        keys.push(key);
    }

    fn read(&self) -> Result<MutexGuard<'_, State>, PortError> {
        if self.is_down.load(Ordering::SeqCst) {
            return Err(PortError::Unavailable(
                "disk on fire at /var/lib/secret-place".into(),
            ));
        }
        Ok(self.state.lock().unwrap())
    }

    fn write(&self) -> Result<MutexGuard<'_, State>, PortError> {
        let mut state = self.read()?;
        state.directory.version += 1;
        Ok(state)
    }
}

fn page<T: Clone>(items: impl Iterator<Item = T>, id: impl Fn(&T) -> Uuid, page: PageRequest) -> Page<T> {
    let mut items: Vec<T> = items
        .filter(|item| page.before.is_none_or(|before| id(item) < before))
        .collect();
    items.sort_by_key(|item| std::cmp::Reverse(id(item)));
    let more = items.len() > usize::from(page.limit);
    items.truncate(usize::from(page.limit));
    let next = items.last().filter(|_| more).map(id);
    Page { items, next }
}

#[async_trait]
impl Directory for FakeStore {
    async fn directory_version(&self) -> Result<u64, PortError> {
        Ok(self.read()?.directory.version)
    }

    async fn load_directory(&self) -> Result<DirectoryState, PortError> {
        Ok(self.read()?.directory.clone())
    }

    async fn create_workspace(&self, workspace: &Workspace, data_key: &DataKey) -> Result<(), PortError> {
        let mut state = self.write()?;
        if state
            .directory
            .workspaces
            .iter()
            .any(|known| known.name == workspace.name)
        {
            return Err(PortError::Conflict("workspace"));
        }
        state.directory.workspaces.push(workspace.clone());
        state.directory.data_keys.push(data_key.clone());
        Ok(())
    }

    async fn workspace(&self, id: WorkspaceId) -> Result<Option<Workspace>, PortError> {
        Ok(self
            .read()?
            .directory
            .workspaces
            .iter()
            .find(|known| known.id == id)
            .cloned())
    }

    async fn workspaces(&self, request: PageRequest) -> Result<Page<Workspace>, PortError> {
        let state = self.read()?;
        Ok(page(
            state.directory.workspaces.iter().cloned(),
            |known| known.id.as_uuid(),
            request,
        ))
    }

    async fn update_workspace(&self, workspace: &Workspace) -> Result<(), PortError> {
        let mut state = self.write()?;
        let others = &state.directory.workspaces;
        if others
            .iter()
            .any(|known| known.id != workspace.id && known.name == workspace.name)
        {
            return Err(PortError::Conflict("workspace"));
        }
        let place = state
            .directory
            .workspaces
            .iter_mut()
            .find(|known| known.id == workspace.id);
        *place.ok_or(PortError::Missing("workspace"))? = workspace.clone();
        Ok(())
    }

    async fn delete_workspace(&self, id: WorkspaceId) -> Result<bool, PortError> {
        let mut state = self.write()?;
        let directory = &mut state.directory;
        let before = directory.workspaces.len();
        directory.workspaces.retain(|known| known.id != id);
        directory.data_keys.retain(|known| known.workspace != id);
        directory.virtual_keys.retain(|known| known.workspace != id);
        directory.provider_keys.retain(|known| known.workspace != id);
        Ok(directory.workspaces.len() < before)
    }

    async fn add_data_key(&self, data_key: &DataKey) -> Result<(), PortError> {
        let mut state = self.write()?;
        let is_taken =
            |known: &DataKey| known.workspace == data_key.workspace && known.version == data_key.version;
        if state.directory.data_keys.iter().any(is_taken) {
            return Err(PortError::Conflict("data key"));
        }
        state.directory.data_keys.push(data_key.clone());
        Ok(())
    }

    async fn rewrap_data_key(&self, _: &DataKey, _: u32) -> Result<bool, PortError> {
        panic!("the management API does not rewrap")
    }

    async fn create_virtual_key(&self, key: &VirtualKey) -> Result<(), PortError> {
        self.write()?.directory.virtual_keys.push(key.clone());
        Ok(())
    }

    async fn virtual_keys(
        &self,
        workspace: WorkspaceId,
        request: PageRequest,
    ) -> Result<Page<VirtualKey>, PortError> {
        let state = self.read()?;
        let theirs = state
            .directory
            .virtual_keys
            .iter()
            .filter(|known| known.workspace == workspace);
        Ok(page(theirs.cloned(), |known| known.id.as_uuid(), request))
    }

    async fn delete_virtual_key(&self, workspace: WorkspaceId, id: VirtualKeyId) -> Result<bool, PortError> {
        let keys = &mut self.write()?.directory.virtual_keys;
        let before = keys.len();
        keys.retain(|known| known.id != id || known.workspace != workspace);
        Ok(keys.len() < before)
    }

    async fn create_provider_key(&self, key: &ProviderKey) -> Result<(), PortError> {
        self.write()?.directory.provider_keys.push(key.clone());
        Ok(())
    }

    async fn provider_key(
        &self,
        workspace: WorkspaceId,
        id: ProviderKeyId,
    ) -> Result<Option<ProviderKey>, PortError> {
        let state = self.read()?;
        let theirs = |known: &&ProviderKey| known.id == id && known.workspace == workspace;
        Ok(state.directory.provider_keys.iter().find(theirs).cloned())
    }

    async fn provider_keys(
        &self,
        workspace: WorkspaceId,
        request: PageRequest,
    ) -> Result<Page<ProviderKey>, PortError> {
        let state = self.read()?;
        let theirs = state
            .directory
            .provider_keys
            .iter()
            .filter(|known| known.workspace == workspace);
        Ok(page(theirs.cloned(), |known| known.id.as_uuid(), request))
    }

    async fn update_provider_key(&self, key: &ProviderKey, from_version: u64) -> Result<(), PortError> {
        let conflicts = &self.conflicts;
        let one_less = |count: u32| count.checked_sub(1);
        if conflicts
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, one_less)
            .is_ok()
        {
            return Err(PortError::Conflict("provider key"));
        }
        let mut state = self.write()?;
        let place = state
            .directory
            .provider_keys
            .iter_mut()
            .find(|known| known.id == key.id);
        let place = place.ok_or(PortError::Missing("provider key"))?;
        if place.record_version != from_version {
            return Err(PortError::Conflict("provider key"));
        }
        *place = key.clone();
        Ok(())
    }

    async fn delete_provider_key(
        &self,
        workspace: WorkspaceId,
        id: ProviderKeyId,
    ) -> Result<bool, PortError> {
        let keys = &mut self.write()?.directory.provider_keys;
        let before = keys.len();
        keys.retain(|known| known.id != id || known.workspace != workspace);
        Ok(keys.len() < before)
    }

    async fn note_health(&self, _: &[(ProviderKeyId, u64, KeyHealth)]) -> Result<(), PortError> {
        panic!("the management API notes no health")
    }

    async fn put_plan(&self, plan: &Plan) -> Result<(), PortError> {
        let plans = &mut self.write()?.directory.plans;
        plans.retain(|known| known.name != plan.name);
        plans.push(plan.clone());
        Ok(())
    }

    async fn delete_plan(&self, name: &str) -> Result<bool, PortError> {
        let plans = &mut self.write()?.directory.plans;
        let before = plans.len();
        plans.retain(|known| known.name != name);
        Ok(plans.len() < before)
    }

    async fn plans(&self) -> Result<Vec<Plan>, PortError> {
        Ok(self.read()?.directory.plans.clone())
    }
}

#[async_trait]
impl Records for FakeStore {
    async fn append(&self, _: Box<UsageRecord>, _: Settlement) -> Result<(), PortError> {
        panic!("the management API writes no records")
    }

    async fn record(&self, workspace: WorkspaceId, id: RequestId) -> Result<Option<UsageRecord>, PortError> {
        let state = self.read()?;
        let theirs = |known: &&UsageRecord| known.request_id == id && known.workspace_id == workspace;
        Ok(state.records.iter().find(theirs).cloned())
    }

    async fn records(
        &self,
        workspace: WorkspaceId,
        filter: &RecordFilter,
        request: PageRequest,
    ) -> Result<Page<UsageRecord>, PortError> {
        let state = self.read()?;
        let theirs = state.records.iter().filter(|known| {
            known.workspace_id == workspace
                && filter.from.is_none_or(|from| known.created_at >= from)
                && filter.to.is_none_or(|to| known.created_at < to)
                && filter.outcome.is_none_or(|outcome| known.outcome == outcome)
                && filter
                    .attribution
                    .is_none_or(|attribution| known.cost_attribution == Some(attribution))
                && filter
                    .provider
                    .as_deref()
                    .is_none_or(|provider| known.provider.as_deref() == Some(provider))
                && filter.model.as_deref().is_none_or(|model| {
                    *known.model_requested == *model || known.model_used.as_deref() == Some(model)
                })
                && filter
                    .provider_key
                    .is_none_or(|id| known.provider_key.as_ref().is_some_and(|key| key.id == id))
                && filter.virtual_key.is_none_or(|id| known.virtual_key.id == id)
        });
        Ok(page(theirs.cloned(), |known| known.request_id.as_uuid(), request))
    }
}

#[async_trait]
impl Ledger for FakeStore {
    async fn grant(&self, grant: &Grant) -> Result<GrantOutcome, PortError> {
        let mut state = self.write()?;
        if !state
            .directory
            .workspaces
            .iter()
            .any(|known| known.id == grant.workspace)
        {
            return Ok(GrantOutcome::NoWorkspace);
        }
        let same_key = |known: &&Grant| {
            known.idempotency_key == grant.idempotency_key && known.workspace == grant.workspace
        };
        if let Some(known) = state.grants.iter().find(same_key) {
            let is_same = known.credits == grant.credits && known.reason == grant.reason;
            let booked = GrantOutcome::Booked {
                id: known.id,
                replayed: true,
            };
            return Ok(if is_same { booked } else { GrantOutcome::Mismatch });
        }
        state.grants.push(grant.clone());
        Ok(GrantOutcome::Booked {
            id: grant.id,
            replayed: false,
        })
    }

    async fn balance(&self, workspace: WorkspaceId) -> Result<Balance, PortError> {
        let state = self.read()?;
        let theirs = state.grants.iter().filter(|grant| grant.workspace == workspace);
        let granted = theirs.fold(Credits::ZERO, |sum, grant| sum.saturating_add(grant.credits));
        let held = state.held.get(&workspace).copied().unwrap_or_default();
        Ok(Balance {
            granted,
            posted: Credits::ZERO,
            held,
        })
    }

    async fn reserve(&self, _: &Reservation) -> Result<ReserveOutcome, PortError> {
        panic!("the management API reserves nothing")
    }

    async fn expire_reservations(&self, _: Timestamp) -> Result<u64, PortError> {
        panic!("the management API expires nothing")
    }
}

#[async_trait]
impl InstallationStore for FakeStore {
    async fn installation(&self) -> Result<Option<Installation>, PortError> {
        Ok(None)
    }

    async fn initialise(&self, installation: &Installation) -> Result<Installation, PortError> {
        Ok(installation.clone())
    }

    async fn update_installation(&self, _: &Installation) -> Result<(), PortError> {
        Ok(())
    }

    async fn check(&self) -> Result<(), PortError> {
        self.read().map(|_| ())
    }
}
