//! The installation's identity in memory.

use async_trait::async_trait;
use freehold_domain::port::{Installation, InstallationStore, PortError};

use super::MemoryStore;

#[async_trait]
impl InstallationStore for MemoryStore {
    async fn installation(&self) -> Result<Option<Installation>, PortError> {
        Ok(self.state().installation.clone())
    }

    async fn initialise(&self, installation: &Installation) -> Result<Installation, PortError> {
        let mut state = self.state();
        let kept = state.installation.get_or_insert_with(|| installation.clone());
        Ok(kept.clone())
    }

    async fn update_installation(&self, installation: &Installation) -> Result<(), PortError> {
        let mut state = self.state();
        let kept = state
            .installation
            .as_mut()
            .ok_or(PortError::Missing("installation"))?;
        kept.root_generation = installation.root_generation;
        kept.root_check = installation.root_check;
        kept.operator_token_hash = installation.operator_token_hash;
        Ok(())
    }

    async fn check(&self) -> Result<(), PortError> {
        Ok(())
    }
}
