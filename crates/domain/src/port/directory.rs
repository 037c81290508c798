//! The directory: workspaces, keys and plans. Read whole into memory by the gateway, changed by the console.

use async_trait::async_trait;

use super::{Page, PageRequest, PortError};
use crate::id::{ProviderKeyId, VirtualKeyId, WorkspaceId};
use crate::key::{KeyHealth, ProviderKey, SealedSecret, VirtualKey};
use crate::plan::Plan;
use crate::workspace::Workspace;

/// A workspace's data key as it is kept: wrapped by the root key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataKey {
    /// Whose.
    pub workspace: WorkspaceId,
    /// Counts up from 1; the highest is used for new secrets.
    pub version: u32,
    /// Which generation of the root key wraps it.
    pub root_generation: u32,
    /// The wrapped key.
    pub wrapped: SealedSecret,
}

/// All that the gateway needs to know to serve, at one version.
#[derive(Debug, Clone, Default)]
pub struct DirectoryState {
    /// Grows with every change.
    pub version: u64,
    /// All workspaces but the platform's.
    pub workspaces: Vec<Workspace>,
    /// All virtual keys.
    pub virtual_keys: Vec<VirtualKey>,
    /// All provider keys, the platform's stored ones among them.
    pub provider_keys: Vec<ProviderKey>,
    /// All data keys.
    pub data_keys: Vec<DataKey>,
    /// Plans that the operator made or changed at run time.
    pub plans: Vec<Plan>,
}

/// Keeps workspaces, keys and plans. Every change but [`Directory::note_health`] makes the version grow.
#[async_trait]
pub trait Directory: Send + Sync {
    /// The present version, cheap enough to ask several times a second.
    async fn directory_version(&self) -> Result<u64, PortError>;

    /// Everything, read at one moment.
    async fn load_directory(&self) -> Result<DirectoryState, PortError>;

    /// The workspace and its first data key are kept, both or neither. `Conflict` if the id or the name is taken.
    async fn create_workspace(&self, workspace: &Workspace, data_key: &DataKey) -> Result<(), PortError>;

    /// The workspace, if there is one.
    async fn workspace(&self, id: WorkspaceId) -> Result<Option<Workspace>, PortError>;

    /// Workspaces, newest first.
    async fn workspaces(&self, page: PageRequest) -> Result<Page<Workspace>, PortError>;

    /// Name, plan, fallback, time zone and time of change are as given. `Missing` if there is none.
    async fn update_workspace(&self, workspace: &Workspace) -> Result<(), PortError>;

    /// The workspace, its keys and its data keys are gone for good; its records and ledger entries stay. False if there was none.
    async fn delete_workspace(&self, id: WorkspaceId) -> Result<bool, PortError>;

    /// The data key is kept besides the older ones. `Conflict` if the version is taken. Used for the platform's workspace too.
    async fn add_data_key(&self, data_key: &DataKey) -> Result<(), PortError>;

    /// The data key is wrapped as given, if it is still of generation `from_generation`; false if it is not.
    async fn rewrap_data_key(&self, data_key: &DataKey, from_generation: u32) -> Result<bool, PortError>;

    /// The virtual key is kept.
    async fn create_virtual_key(&self, key: &VirtualKey) -> Result<(), PortError>;

    /// Virtual keys of a workspace, newest first.
    async fn virtual_keys(
        &self,
        workspace: WorkspaceId,
        page: PageRequest,
    ) -> Result<Page<VirtualKey>, PortError>;

    /// The virtual key is gone for good; false if the workspace has no such key.
    async fn delete_virtual_key(&self, workspace: WorkspaceId, id: VirtualKeyId) -> Result<bool, PortError>;

    /// The provider key is kept.
    async fn create_provider_key(&self, key: &ProviderKey) -> Result<(), PortError>;

    /// The provider key, if the workspace has it.
    async fn provider_key(
        &self,
        workspace: WorkspaceId,
        id: ProviderKeyId,
    ) -> Result<Option<ProviderKey>, PortError>;

    /// Provider keys of a workspace, newest first.
    async fn provider_keys(
        &self,
        workspace: WorkspaceId,
        page: PageRequest,
    ) -> Result<Page<ProviderKey>, PortError>;

    /// Everything but id, workspace, provider and creation time is as given, health included.
    ///
    /// Holds only if the stored record version is still `from_version` (`Conflict` otherwise, `Missing` if it is gone).
    async fn update_provider_key(&self, key: &ProviderKey, from_version: u64) -> Result<(), PortError>;

    /// The provider key is gone for good, its ciphertext overwritten; false if the workspace has no such key.
    async fn delete_provider_key(&self, workspace: WorkspaceId, id: ProviderKeyId)
    -> Result<bool, PortError>;

    /// What evidence showed is kept, for each key that is still there at the record version the evidence is about.
    ///
    /// The directory's version stays: this is news about keys, not a change of them.
    async fn note_health(&self, notes: &[(ProviderKeyId, u64, KeyHealth)]) -> Result<(), PortError>;

    /// The plan is kept under its name, in place of an older one.
    async fn put_plan(&self, plan: &Plan) -> Result<(), PortError>;

    /// The plan is gone; false if there was none of that name.
    async fn delete_plan(&self, name: &str) -> Result<bool, PortError>;

    /// Plans made or changed at run time, by name.
    async fn plans(&self) -> Result<Vec<Plan>, PortError>;
}
