//! What the control plane asks of the data plane, so that neither needs to know the other.

use async_trait::async_trait;

use super::PortError;
use crate::id::{ProviderKeyId, WorkspaceId};
use crate::key::KeyHealth;

/// What a check of a stored key found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Validation {
    /// What is known of the key now.
    pub health: KeyHealth,
    /// Whether the provider gave a verdict this time.
    pub decided: bool,
    /// What happened, as one of a fixed set of words: `ok`, `unauthorised`, `not_found`, `timeout`, `tls_error`,
    /// `refused_by_policy`, `rate_limited`, `bad_reply`. Never a provider's text.
    pub result: &'static str,
}

/// Why a key could not be checked at all.
#[derive(Debug, thiserror::Error)]
pub enum ValidateError {
    /// The workspace has no such key.
    #[error("no provider key {0}")]
    Missing(ProviderKeyId),
    /// The store failed.
    #[error(transparent)]
    Port(#[from] PortError),
}

/// The running data plane.
#[async_trait]
pub trait DataPlane: Send + Sync {
    /// Every change made in the directory before this call is in force on this node.
    async fn refresh(&self) -> Result<(), PortError>;

    /// The stored key was tried with a free call to its provider, and its health follows from the answer.
    async fn validate(&self, workspace: WorkspaceId, key: ProviderKeyId)
    -> Result<Validation, ValidateError>;

    /// The freshest that this node knows of the key's health; nothing if it has seen no traffic with it.
    fn health(&self, key: ProviderKeyId) -> Option<KeyHealth>;
}
