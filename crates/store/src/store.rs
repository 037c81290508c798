//! The ports over any engine: each method is one operation.

use async_trait::async_trait;
use freehold_domain::id::{ProviderKeyId, RequestId, VirtualKeyId, WorkspaceId};
use freehold_domain::key::{KeyHealth, ProviderKey, VirtualKey};
use freehold_domain::ledger::{Balance, Grant, GrantOutcome, Reservation, ReserveOutcome, Settlement};
use freehold_domain::plan::Plan;
use freehold_domain::port::{
    DataKey, Directory, DirectoryState, Installation, InstallationStore, Ledger, Page, PageRequest,
    PortError, RecordFilter, Records,
};
use freehold_domain::record::UsageRecord;
use freehold_domain::time::Timestamp;
use freehold_domain::workspace::Workspace;

use crate::engine::Engine;
use crate::{data_key, installation, ledger, plan, provider_key, record, snapshot, virtual_key, workspace};

/// Every port, kept by the database `E`.
pub struct SqlStore<E> {
    pub(crate) engine: E,
}

#[async_trait]
impl<E: Engine> Directory for SqlStore<E> {
    async fn directory_version(&self) -> Result<u64, PortError> {
        self.engine.look(snapshot::Version).await
    }

    async fn load_directory(&self) -> Result<DirectoryState, PortError> {
        self.engine.look(snapshot::Load).await
    }

    async fn create_workspace(&self, workspace: &Workspace, data_key: &DataKey) -> Result<(), PortError> {
        let (workspace, data_key) = (workspace.clone(), data_key.clone());
        let operation = workspace::Create { workspace, data_key };
        self.engine.change(operation).await
    }

    async fn workspace(&self, id: WorkspaceId) -> Result<Option<Workspace>, PortError> {
        self.engine.look(workspace::ById(id)).await
    }

    async fn workspaces(&self, page: PageRequest) -> Result<Page<Workspace>, PortError> {
        self.engine.look(workspace::List(page)).await
    }

    async fn update_workspace(&self, workspace: &Workspace) -> Result<(), PortError> {
        self.engine.change(workspace::Update(workspace.clone())).await
    }

    async fn delete_workspace(&self, id: WorkspaceId) -> Result<bool, PortError> {
        self.engine.change(workspace::Delete(id)).await
    }

    async fn add_data_key(&self, data_key: &DataKey) -> Result<(), PortError> {
        self.engine.change(data_key::Add(data_key.clone())).await
    }

    async fn rewrap_data_key(&self, data_key: &DataKey, from_generation: u32) -> Result<bool, PortError> {
        let data_key = data_key.clone();
        let operation = data_key::Rewrap {
            data_key,
            from_generation,
        };
        self.engine.change(operation).await
    }

    async fn create_virtual_key(&self, key: &VirtualKey) -> Result<(), PortError> {
        self.engine.change(virtual_key::Create(key.clone())).await
    }

    async fn virtual_keys(
        &self,
        workspace: WorkspaceId,
        page: PageRequest,
    ) -> Result<Page<VirtualKey>, PortError> {
        let request = page;
        self.engine.look(virtual_key::List { workspace, request }).await
    }

    async fn delete_virtual_key(&self, workspace: WorkspaceId, id: VirtualKeyId) -> Result<bool, PortError> {
        self.engine.change(virtual_key::Delete { workspace, id }).await
    }

    async fn create_provider_key(&self, key: &ProviderKey) -> Result<(), PortError> {
        self.engine.change(provider_key::Create(key.clone())).await
    }

    async fn provider_key(
        &self,
        workspace: WorkspaceId,
        id: ProviderKeyId,
    ) -> Result<Option<ProviderKey>, PortError> {
        self.engine.look(provider_key::ById { workspace, id }).await
    }

    async fn provider_keys(
        &self,
        workspace: WorkspaceId,
        page: PageRequest,
    ) -> Result<Page<ProviderKey>, PortError> {
        let request = page;
        self.engine.look(provider_key::List { workspace, request }).await
    }

    async fn update_provider_key(&self, key: &ProviderKey, from_version: u64) -> Result<(), PortError> {
        let key = key.clone();
        let operation = provider_key::Update { key, from_version };
        self.engine.change(operation).await
    }

    async fn delete_provider_key(
        &self,
        workspace: WorkspaceId,
        id: ProviderKeyId,
    ) -> Result<bool, PortError> {
        self.engine.change(provider_key::Delete { workspace, id }).await
    }

    async fn note_health(&self, notes: &[(ProviderKeyId, u64, KeyHealth)]) -> Result<(), PortError> {
        let mut notes = notes.to_vec();
        notes.sort_by_key(|(id, ..)| *id);
        self.engine.change(provider_key::NoteHealth(notes)).await
    }

    async fn put_plan(&self, plan: &Plan) -> Result<(), PortError> {
        self.engine.change(plan::Put(plan.clone())).await
    }

    async fn delete_plan(&self, name: &str) -> Result<bool, PortError> {
        self.engine.change(plan::Delete(name.to_owned())).await
    }

    async fn plans(&self) -> Result<Vec<Plan>, PortError> {
        self.engine.look(plan::List).await
    }
}

#[async_trait]
impl<E: Engine> Records for SqlStore<E> {
    async fn append(&self, record: Box<UsageRecord>, settlement: Settlement) -> Result<(), PortError> {
        self.engine.append(record, settlement).await
    }

    async fn record(&self, workspace: WorkspaceId, id: RequestId) -> Result<Option<UsageRecord>, PortError> {
        self.engine.look(record::ById { workspace, id }).await
    }

    async fn records(
        &self,
        workspace: WorkspaceId,
        filter: &RecordFilter,
        page: PageRequest,
    ) -> Result<Page<UsageRecord>, PortError> {
        let filter = filter.clone();
        let operation = record::List {
            workspace,
            filter,
            request: page,
        };
        self.engine.look(operation).await
    }
}

#[async_trait]
impl<E: Engine> Ledger for SqlStore<E> {
    async fn grant(&self, grant: &Grant) -> Result<GrantOutcome, PortError> {
        self.engine.change(ledger::Give(grant.clone())).await
    }

    async fn balance(&self, workspace: WorkspaceId) -> Result<Balance, PortError> {
        self.engine.look(ledger::BalanceOf(workspace)).await
    }

    async fn reserve(&self, reservation: &Reservation) -> Result<ReserveOutcome, PortError> {
        self.engine.reserve(*reservation).await
    }

    async fn expire_reservations(&self, now: Timestamp) -> Result<u64, PortError> {
        self.engine.expire_reservations(now).await
    }
}

#[async_trait]
impl<E: Engine> InstallationStore for SqlStore<E> {
    async fn installation(&self) -> Result<Option<Installation>, PortError> {
        self.engine.look(installation::Current).await
    }

    async fn initialise(&self, installation: &Installation) -> Result<Installation, PortError> {
        self.engine
            .change(installation::Initialise(installation.clone()))
            .await
    }

    async fn update_installation(&self, installation: &Installation) -> Result<(), PortError> {
        self.engine
            .change(installation::Update(installation.clone()))
            .await
    }

    async fn check(&self) -> Result<(), PortError> {
        self.engine.change(installation::Check).await
    }
}
