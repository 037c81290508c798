//! What the control plane may ask of the data plane: refresh, validate, tell a key's health.

use async_trait::async_trait;
use freehold_domain::id::{ProviderKeyId, WorkspaceId};
use freehold_domain::key::KeyHealth;
use freehold_domain::port::{DataPlane, PortError, ValidateError, Validation};

use crate::Gateway;
use crate::snapshot::Snapshot;

impl Gateway {
    /// The snapshot holds every change made in the directory before this call.
    pub(crate) async fn reload(&self) -> Result<(), PortError> {
        // One at a time: of two reloads the later one must win.
        let _one_at_a_time = self.refreshing.lock().await;
        let state = self.store.load_directory().await?;
        for data_key in &state.data_keys {
            if let Err(error) = self.keyring.load(data_key) {
                tracing::error!(workspace.id = %data_key.workspace, error = %error, "a data key does not open");
            }
        }
        let snapshot = Snapshot::build(state, &self.plans, &self.platform_keys, &self.health, &self.rates);
        self.health.retain(|id| snapshot.provider_key(id).is_some());
        self.snapshot.store(std::sync::Arc::new(snapshot));
        self.rates.forget_unused();
        Ok(())
    }

    /// Takes over changes that other nodes made. Cheap when there are none; call it several times a second.
    ///
    /// # Errors
    /// When the store does not answer; the old snapshot stays in force.
    pub async fn follow_directory(&self) -> Result<(), PortError> {
        if self.store.directory_version().await? != self.snapshot.load().version {
            self.reload().await?;
        }
        Ok(())
    }

    /// What traffic showed about keys is in the store.
    pub async fn flush_health(&self) {
        let notes = self.health.take_unsaved();
        if notes.is_empty() {
            return;
        }
        if let Err(error) = self.store.note_health(&notes).await {
            tracing::warn!(error = %error, "the health of provider keys could not be saved; it will be tried again");
            self.health.mark_unsaved(notes.iter().map(|(id, ..)| *id));
        }
    }

    /// A change of a key's status is in the store soon, without anyone waiting for it.
    pub(crate) fn save_health_soon(self: &std::sync::Arc<Self>) {
        let gateway = std::sync::Arc::clone(self);
        self.tasks.spawn(async move { gateway.flush_health().await });
    }
}

#[async_trait]
impl DataPlane for Gateway {
    async fn refresh(&self) -> Result<(), PortError> {
        self.reload().await
    }

    async fn validate(
        &self,
        workspace: WorkspaceId,
        key: ProviderKeyId,
    ) -> Result<Validation, ValidateError> {
        self.validate_key(workspace, key).await
    }

    fn health(&self, key: ProviderKeyId) -> Option<KeyHealth> {
        self.health.health(key)
    }
}
