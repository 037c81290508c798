//! What makes an installation itself: its id, the check value of its root key, small facts by name.

use async_trait::async_trait;

use super::PortError;
use crate::id::InstallationId;
use crate::time::Timestamp;

/// An installation's identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installation {
    /// Its id, part of what every ciphertext is bound to.
    pub id: InstallationId,
    /// Which generation of the root key is in use, from 1.
    pub root_generation: u32,
    /// Keyed hash by which the root key is recognised.
    pub root_check: [u8; 32],
    /// Keyed hash of the operator token; nothing where the token comes from the configuration.
    pub operator_token_hash: Option<[u8; 32]>,
    /// When it was first started.
    pub created_at: Timestamp,
}

/// Keeps the installation's identity.
#[async_trait]
pub trait InstallationStore: Send + Sync {
    /// The identity, or nothing before the first start.
    async fn installation(&self) -> Result<Option<Installation>, PortError>;

    /// The identity is kept, unless another node was faster; answers the one that holds.
    async fn initialise(&self, installation: &Installation) -> Result<Installation, PortError>;

    /// Root generation, root check and operator token hash are as given.
    async fn update_installation(&self, installation: &Installation) -> Result<(), PortError>;

    /// The store answers and can write. For readiness and for `doctor`.
    async fn check(&self) -> Result<(), PortError>;
}
