//! The directory in memory.

use async_trait::async_trait;
use freehold_domain::id::{ProviderKeyId, VirtualKeyId, WorkspaceId};
use freehold_domain::key::{KeyHealth, ProviderKey, VirtualKey};
use freehold_domain::plan::Plan;
use freehold_domain::port::{DataKey, Directory, DirectoryState, Page, PageRequest, PortError};
use freehold_domain::workspace::Workspace;

use super::{MemoryStore, page};

#[async_trait]
impl Directory for MemoryStore {
    async fn directory_version(&self) -> Result<u64, PortError> {
        Ok(self.state().version)
    }

    async fn load_directory(&self) -> Result<DirectoryState, PortError> {
        let state = self.state();
        Ok(DirectoryState {
            version: state.version,
            workspaces: state.workspaces.values().cloned().collect(),
            virtual_keys: state.virtual_keys.values().cloned().collect(),
            provider_keys: state.provider_keys.values().cloned().collect(),
            data_keys: state.data_keys.values().cloned().collect(),
            plans: state.plans.values().cloned().collect(),
        })
    }

    async fn create_workspace(&self, workspace: &Workspace, data_key: &DataKey) -> Result<(), PortError> {
        let mut state = self.state();
        let mut others = state.workspaces.values();
        if state.has_home(workspace.id) || others.any(|other| other.name == workspace.name) {
            return Err(PortError::Conflict("workspace"));
        }
        let key = (data_key.workspace, data_key.version);
        if data_key.workspace != workspace.id && !state.has_home(data_key.workspace) {
            return Err(PortError::Missing("workspace"));
        }
        if state.data_keys.contains_key(&key) {
            return Err(PortError::Conflict("data key"));
        }
        state.workspaces.insert(workspace.id, workspace.clone());
        state.data_keys.insert(key, data_key.clone());
        state.accounts.entry(workspace.id).or_default();
        state.version += 1;
        Ok(())
    }

    async fn workspace(&self, id: WorkspaceId) -> Result<Option<Workspace>, PortError> {
        Ok(self.state().workspaces.get(&id).cloned())
    }

    async fn workspaces(&self, request: PageRequest) -> Result<Page<Workspace>, PortError> {
        let state = self.state();
        Ok(page(state.workspaces.values(), request, |workspace| {
            workspace.id.as_uuid()
        }))
    }

    async fn update_workspace(&self, workspace: &Workspace) -> Result<(), PortError> {
        let mut state = self.state();
        let kept = state
            .workspaces
            .get(&workspace.id)
            .ok_or(PortError::Missing("workspace"))?;
        let changed = Workspace {
            created_at: kept.created_at,
            ..workspace.clone()
        };
        let mut others = state.workspaces.values();
        if others.any(|other| other.name == workspace.name && other.id != workspace.id) {
            return Err(PortError::Conflict("workspace"));
        }
        state.workspaces.insert(workspace.id, changed);
        state.version += 1;
        Ok(())
    }

    async fn delete_workspace(&self, id: WorkspaceId) -> Result<bool, PortError> {
        let mut state = self.state();
        if state.workspaces.remove(&id).is_none() {
            return Ok(false);
        }
        state.data_keys.retain(|(owner, _), _| *owner != id);
        state.virtual_keys.retain(|_, key| key.workspace != id);
        state.provider_keys.retain(|_, key| key.workspace != id);
        state.version += 1;
        Ok(true)
    }

    async fn add_data_key(&self, data_key: &DataKey) -> Result<(), PortError> {
        let mut state = self.state();
        let key = (data_key.workspace, data_key.version);
        if state.data_keys.contains_key(&key) {
            return Err(PortError::Conflict("data key"));
        }
        if !state.has_home(data_key.workspace) {
            return Err(PortError::Missing("workspace"));
        }
        state.data_keys.insert(key, data_key.clone());
        state.version += 1;
        Ok(())
    }

    async fn rewrap_data_key(&self, data_key: &DataKey, from_generation: u32) -> Result<bool, PortError> {
        let mut state = self.state();
        let key = (data_key.workspace, data_key.version);
        let kept = state.data_keys.get_mut(&key);
        let Some(kept) = kept.filter(|kept| kept.root_generation == from_generation) else {
            return Ok(false);
        };
        *kept = data_key.clone();
        state.version += 1;
        Ok(true)
    }

    async fn create_virtual_key(&self, key: &VirtualKey) -> Result<(), PortError> {
        let mut state = self.state();
        let mut others = state.virtual_keys.values();
        if others.any(|other| other.id == key.id || other.public_id == key.public_id) {
            return Err(PortError::Conflict("virtual key"));
        }
        if !state.has_home(key.workspace) {
            return Err(PortError::Missing("workspace"));
        }
        state.virtual_keys.insert(key.id, key.clone());
        state.version += 1;
        Ok(())
    }

    async fn virtual_keys(
        &self,
        workspace: WorkspaceId,
        request: PageRequest,
    ) -> Result<Page<VirtualKey>, PortError> {
        let state = self.state();
        let keys = state.virtual_keys.values();
        let own = keys.filter(|key| key.workspace == workspace);
        Ok(page(own, request, |key| key.id.as_uuid()))
    }

    async fn delete_virtual_key(&self, workspace: WorkspaceId, id: VirtualKeyId) -> Result<bool, PortError> {
        let mut state = self.state();
        let own = state
            .virtual_keys
            .get(&id)
            .is_some_and(|key| key.workspace == workspace);
        if own {
            state.virtual_keys.remove(&id);
            state.version += 1;
        }
        Ok(own)
    }

    async fn create_provider_key(&self, key: &ProviderKey) -> Result<(), PortError> {
        let mut state = self.state();
        if state.provider_keys.contains_key(&key.id) {
            return Err(PortError::Conflict("provider key"));
        }
        if !state.has_home(key.workspace) {
            return Err(PortError::Missing("workspace"));
        }
        state.provider_keys.insert(key.id, key.clone());
        state.version += 1;
        Ok(())
    }

    async fn provider_key(
        &self,
        workspace: WorkspaceId,
        id: ProviderKeyId,
    ) -> Result<Option<ProviderKey>, PortError> {
        let state = self.state();
        let key = state.provider_keys.get(&id);
        Ok(key.filter(|key| key.workspace == workspace).cloned())
    }

    async fn provider_keys(
        &self,
        workspace: WorkspaceId,
        request: PageRequest,
    ) -> Result<Page<ProviderKey>, PortError> {
        let state = self.state();
        let keys = state.provider_keys.values();
        let own = keys.filter(|key| key.workspace == workspace);
        Ok(page(own, request, |key| key.id.as_uuid()))
    }

    async fn update_provider_key(&self, key: &ProviderKey, from_version: u64) -> Result<(), PortError> {
        let mut state = self.state();
        let kept = state.provider_keys.get_mut(&key.id);
        let kept = kept
            .filter(|kept| kept.workspace == key.workspace)
            .ok_or(PortError::Missing("provider key"))?;
        if kept.record_version != from_version {
            return Err(PortError::Conflict("provider key"));
        }
        *kept = ProviderKey {
            provider: kept.provider,
            created_at: kept.created_at,
            ..key.clone()
        };
        state.version += 1;
        Ok(())
    }

    async fn delete_provider_key(
        &self,
        workspace: WorkspaceId,
        id: ProviderKeyId,
    ) -> Result<bool, PortError> {
        let mut state = self.state();
        let own = state
            .provider_keys
            .get(&id)
            .is_some_and(|key| key.workspace == workspace);
        if own {
            state.provider_keys.remove(&id);
            state.version += 1;
        }
        Ok(own)
    }

    async fn note_health(&self, notes: &[(ProviderKeyId, u64, KeyHealth)]) -> Result<(), PortError> {
        let mut state = self.state();
        for (id, record_version, health) in notes {
            let key = state.provider_keys.get_mut(id);
            if let Some(key) = key.filter(|key| key.record_version == *record_version) {
                key.health = health.clone();
            }
        }
        Ok(())
    }

    async fn put_plan(&self, plan: &Plan) -> Result<(), PortError> {
        let mut state = self.state();
        state.plans.insert(plan.name.clone(), plan.clone());
        state.version += 1;
        Ok(())
    }

    async fn delete_plan(&self, name: &str) -> Result<bool, PortError> {
        let mut state = self.state();
        let deleted = state.plans.remove(name).is_some();
        state.version += u64::from(deleted);
        Ok(deleted)
    }

    async fn plans(&self) -> Result<Vec<Plan>, PortError> {
        Ok(self.state().plans.values().cloned().collect())
    }
}
