//! The keyring: root keys, and the data keys that were unwrapped so far.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use freehold_domain::id::{InstallationId, WorkspaceId};
use freehold_domain::key::SealedSecret;
use freehold_domain::port::DataKey;
use zeroize::Zeroizing;

use crate::data_key::{DataKeyUse, OpenDataKey};
use crate::derive::Key;
use crate::entropy::Entropy;
use crate::envelope::{self, Context, Kind, OpenError, SealError};
use crate::installation::InstallationKeys;
use crate::root::RootKey;
use crate::secret::Secret;
use crate::token::{Pepper, macs_are_equal};

/// The root key is another than the one this installation was made with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the root key is not the one this installation uses; restore the right one from its backup, nothing was changed"
)]
pub struct WrongRootKey;

/// Why something could not be sealed anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RewrapError {
    /// What there is does not open.
    #[error("cannot open what is to be sealed anew")]
    Open(#[from] OpenError),
    /// What was opened cannot be sealed.
    #[error("cannot seal anew")]
    Seal(#[from] SealError),
}

/// All keys of an installation, in memory. Shared between threads; no lock is held while anything is sealed or opened.
pub struct Keyring {
    installation: InstallationId,
    keys: InstallationKeys,
    /// By generation; the last one wraps new data keys.
    roots: RwLock<Vec<Arc<RootKey>>>,
    /// By version; the last one of each workspace seals, all of them open.
    data_keys: RwLock<HashMap<WorkspaceId, Vec<Arc<OpenDataKey>>>>,
}

impl Keyring {
    /// The keyring of an installation that still has its first root key. Holds no data keys yet.
    #[must_use]
    pub fn new(root: RootKey, installation: InstallationId) -> Self {
        let keys = InstallationKeys::of_first_root(&root, installation);
        Self::with(root, installation, keys)
    }

    /// The keyring of an installation whose root key was rotated, with what the earlier root key handed on.
    ///
    /// # Errors
    /// If `inherited` was not sealed under `root`.
    pub fn inheriting(
        root: RootKey,
        installation: InstallationId,
        inherited: &SealedSecret,
    ) -> Result<Self, OpenError> {
        let keys = InstallationKeys::inherited(&root, installation, inherited)?;
        Ok(Self::with(root, installation, keys))
    }

    fn with(root: RootKey, installation: InstallationId, keys: InstallationKeys) -> Self {
        Self {
            installation,
            keys,
            roots: RwLock::new(vec![Arc::new(root)]),
            data_keys: RwLock::default(),
        }
    }

    /// The root key is known besides the others, in place of one of the same generation. The highest wraps new data keys.
    pub fn add_root(&self, root: RootKey) {
        let mut roots = write(&self.roots);
        roots.retain(|known| known.generation() != root.generation());
        roots.push(Arc::new(root));
        roots.sort_by_key(|root| root.generation());
    }

    /// One of the root keys is the one whose check value the installation keeps. To be called before anything is written.
    ///
    /// # Errors
    /// If none is.
    pub fn verify_root(&self, expected_check: &[u8; 32]) -> Result<(), WrongRootKey> {
        read(&self.roots)
            .iter()
            .any(|root| macs_are_equal(&root.check_value(self.installation), expected_check))
            .then_some(())
            .ok_or(WrongRootKey)
    }

    /// The installation this keyring belongs to.
    #[must_use]
    pub const fn installation(&self) -> InstallationId {
        self.installation
    }

    /// Peppers and other keys of the installation itself.
    #[must_use]
    pub const fn installation_keys(&self) -> &InstallationKeys {
        &self.keys
    }

    /// Key of the hashes by which virtual keys are recognised.
    #[must_use]
    pub const fn pepper(&self) -> &Pepper {
        self.keys.virtual_key_pepper()
    }

    /// A short text by which the same secret is recognised, worthless without the root key: 16 hexadecimal digits.
    #[must_use]
    pub fn fingerprint(&self, secret: &Secret) -> String {
        self.keys.fingerprint(secret.expose())
    }

    /// A fresh data key, wrapped. It seals nothing before it is stored and then given to [`Keyring::load`]: in the other
    /// order a failed write would leave secrets sealed under a key that nobody has.
    ///
    /// # Errors
    /// If `entropy` fails.
    pub fn create_data_key(
        &self,
        workspace: WorkspaceId,
        version: u32,
        entropy: &dyn Entropy,
    ) -> Result<DataKey, SealError> {
        let mut key = Zeroizing::new([0; 32]);
        entropy.fill(&mut *key)?;
        let root = read(&self.roots).last().cloned();
        // There is always a root: one comes with the constructor and none is ever taken away.
        let root = root.ok_or(SealError::Cryptography)?;
        self.wrap(workspace, version, &key, &root, entropy)
    }

    /// The data key is unwrapped and in use. Loading it again changes nothing.
    ///
    /// # Errors
    /// If it does not open under the root key of its generation, or another of the same version is loaded.
    pub fn load(&self, data_key: &DataKey) -> Result<(), OpenError> {
        let opened = self.unwrap(data_key)?;
        let mut all = write(&self.data_keys);
        let versions = all.entry(data_key.workspace).or_default();
        if let Some(known) = versions.iter().find(|known| known.version == data_key.version) {
            return if macs_are_equal(&known.key, &opened) {
                Ok(())
            } else {
                Err(OpenError::VersionTaken {
                    workspace: data_key.workspace,
                    version: data_key.version,
                })
            };
        }
        versions.push(Arc::new(OpenDataKey::new(data_key.version, opened)));
        versions.sort_by_key(|key| key.version);
        Ok(())
    }

    /// No data key of the workspace is in memory any more, once the calls that are using one have returned. With its
    /// wrapped forms destroyed too, everything sealed under them is lost for good. False if there was none.
    pub fn forget(&self, workspace: WorkspaceId) -> bool {
        write(&self.data_keys).remove(&workspace).is_some()
    }

    /// The same for one version, after everything sealed under it was sealed anew. False if it was not there.
    pub fn forget_version(&self, workspace: WorkspaceId, version: u32) -> bool {
        let mut all = write(&self.data_keys);
        let Some(versions) = all.get_mut(&workspace) else {
            return false;
        };
        let before = versions.len();
        versions.retain(|key| key.version != version);
        let removed = versions.len() < before;
        if versions.is_empty() {
            all.remove(&workspace);
        }
        removed
    }

    /// The data key wrapped under `new_root`; unchanged if it is of that generation already. Touches nothing else, so
    /// that a rotation may be broken off and taken up again at any row.
    ///
    /// # Errors
    /// If the data key does not open, or `entropy` fails.
    pub fn rewrap(
        &self,
        data_key: &DataKey,
        new_root: &RootKey,
        entropy: &dyn Entropy,
    ) -> Result<DataKey, RewrapError> {
        if data_key.root_generation == new_root.generation() {
            return Ok(data_key.clone());
        }
        let key = self.unwrap(data_key)?;
        Ok(self.wrap(data_key.workspace, data_key.version, &key, new_root, entropy)?)
    }

    /// How much the data key that seals for the workspace has been used; nothing if none is loaded.
    #[must_use]
    pub fn data_key_use(&self, workspace: WorkspaceId) -> Option<DataKeyUse> {
        self.active(workspace).map(|key| key.usage())
    }

    /// The count of a data key goes on from `sealed`, unless it is further already. For who keeps counts over restarts.
    pub fn resume_count(&self, workspace: WorkspaceId, version: u32, sealed: u64) {
        if let Some(key) = self.data_key(workspace, version) {
            key.resume_count(sealed);
        }
    }

    /// A data key belongs to its workspace and version, and is sent nowhere.
    fn data_key_context(&self, workspace: WorkspaceId, version: u32) -> Context<'static> {
        Context {
            installation: self.installation,
            workspace,
            record: workspace.as_uuid().into_bytes(),
            field: "workspace.data_key",
            provider: "",
            origin: "",
            record_version: u64::from(version),
        }
    }

    fn wrap(
        &self,
        workspace: WorkspaceId,
        version: u32,
        key: &[u8; 32],
        root: &RootKey,
        entropy: &dyn Entropy,
    ) -> Result<DataKey, SealError> {
        let context = self.data_key_context(workspace, version);
        let blob = envelope::seal(
            Kind::DataKey,
            root.bytes(),
            root.generation(),
            &context,
            key,
            entropy,
        )?;
        Ok(DataKey {
            workspace,
            version,
            root_generation: root.generation(),
            wrapped: SealedSecret(blob),
        })
    }

    fn unwrap(&self, data_key: &DataKey) -> Result<Key, OpenError> {
        let generation = data_key.root_generation;
        let root = read(&self.roots)
            .iter()
            .find(|root| root.generation() == generation)
            .cloned();
        let root = root.ok_or(OpenError::NoRootKey { generation })?;
        let context = self.data_key_context(data_key.workspace, data_key.version);
        let opened = envelope::open(
            Kind::DataKey,
            root.bytes(),
            generation,
            &context,
            &data_key.wrapped.0,
        )?;
        let key = opened.as_slice().try_into().map_err(|_| OpenError::Malformed)?;
        Ok(Zeroizing::new(key))
    }

    pub(crate) fn active(&self, workspace: WorkspaceId) -> Option<Arc<OpenDataKey>> {
        read(&self.data_keys).get(&workspace)?.last().cloned()
    }

    pub(crate) fn data_key(&self, workspace: WorkspaceId, version: u32) -> Option<Arc<OpenDataKey>> {
        read(&self.data_keys)
            .get(&workspace)?
            .iter()
            .find(|key| key.version == version)
            .cloned()
    }
}

impl fmt::Debug for Keyring {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "Keyring({}, {} workspaces)",
            self.installation,
            read(&self.data_keys).len()
        )
    }
}

// A thread that panicked while it held a lock left a whole map behind: every change is a single call. So poison is ignored.
fn read<T>(lock: &RwLock<T>) -> RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

fn write<T>(lock: &RwLock<T>) -> RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
