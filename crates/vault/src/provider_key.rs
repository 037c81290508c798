//! Sealing and opening provider keys: the only door through which a customer's secret goes in and comes out.

use freehold_domain::id::{ProviderKeyId, WorkspaceId};
use freehold_domain::key::{ProviderKey, SealedSecret};

use crate::entropy::Entropy;
use crate::envelope::{self, Context, Kind, OpenError, SealError};
use crate::keyring::{Keyring, RewrapError};
use crate::secret::Secret;

/// What the ciphertext of a provider key is bound to. With any part changed, it does not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProviderKeyBinding<'a> {
    /// Whose it is.
    pub workspace: WorkspaceId,
    /// Which provider key.
    pub provider_key: ProviderKeyId,
    /// The provider kind's name.
    pub provider: &'a str,
    /// `scheme://host:port` it may be sent to.
    pub origin: &'a str,
    /// Version of the record.
    pub record_version: u64,
}

impl<'a> From<&'a ProviderKey> for ProviderKeyBinding<'a> {
    fn from(key: &'a ProviderKey) -> Self {
        Self {
            workspace: key.workspace,
            provider_key: key.id,
            provider: key.provider.as_str(),
            origin: &key.origin,
            record_version: key.record_version,
        }
    }
}

impl Keyring {
    /// The provider key, sealed for its place under the workspace's newest data key.
    ///
    /// # Errors
    /// If the workspace has no data key or has worn it out, the secret is too long, or `entropy` fails.
    pub fn seal_provider_key(
        &self,
        binding: &ProviderKeyBinding<'_>,
        secret: &Secret,
        entropy: &dyn Entropy,
    ) -> Result<SealedSecret, SealError> {
        let key = self
            .active(binding.workspace)
            .ok_or(SealError::NoDataKey(binding.workspace))?;
        key.count_seal(binding.workspace)?;
        let context = self.provider_key_context(binding);
        envelope::seal(
            Kind::Secret,
            &key.key,
            key.version,
            &context,
            secret.expose(),
            entropy,
        )
        .map(SealedSecret)
    }

    /// The provider key that was sealed for exactly this place.
    ///
    /// # Errors
    /// If it was altered or moved, or its data key is not loaded. The caller must not use any other key in its stead.
    pub fn open_provider_key(
        &self,
        binding: &ProviderKeyBinding<'_>,
        sealed: &[u8],
    ) -> Result<Secret, OpenError> {
        let version = envelope::key_version(sealed)?;
        let workspace = binding.workspace;
        let key = self
            .data_key(workspace, version)
            .ok_or(OpenError::NoDataKey { workspace, version })?;
        let context = self.provider_key_context(binding);
        envelope::open(Kind::Secret, &key.key, version, &context, sealed).map(Secret::from_wiped)
    }

    /// The provider key sealed anew under the workspace's newest data key, for the record's next version. The secret does
    /// not leave the vault.
    ///
    /// # Errors
    /// If it does not open or cannot be sealed.
    pub fn reseal_provider_key(
        &self,
        binding: &ProviderKeyBinding<'_>,
        sealed: &[u8],
        next_record_version: u64,
        entropy: &dyn Entropy,
    ) -> Result<SealedSecret, RewrapError> {
        let secret = self.open_provider_key(binding, sealed)?;
        let next = ProviderKeyBinding {
            record_version: next_record_version,
            ..*binding
        };
        Ok(self.seal_provider_key(&next, &secret, entropy)?)
    }

    fn provider_key_context<'a>(&self, binding: &ProviderKeyBinding<'a>) -> Context<'a> {
        Context {
            installation: self.installation(),
            workspace: binding.workspace,
            record: binding.provider_key.as_uuid().into_bytes(),
            field: "provider_credential.api_key",
            provider: binding.provider,
            origin: binding.origin,
            record_version: binding.record_version,
        }
    }
}

#[cfg(test)]
mod tests;
