//! A workspace's data key in the clear, and how much it has been used.

use std::sync::atomic::{AtomicU64, Ordering};

use freehold_domain::id::WorkspaceId;

use crate::derive::Key;
use crate::envelope::SealError;

/// From here on a data key asks to be rotated.
pub const SEALED_SOFT_LIMIT: u64 = 1 << 20;
/// From here on a data key refuses to seal.
pub const SEALED_HARD_LIMIT: u64 = 1 << 30;

/// How much the data key that seals for a workspace has been used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DataKeyUse {
    /// Its version.
    pub version: u32,
    /// How many records it has sealed since it was loaded, or since the count that
    /// [`Keyring::resume_count`](crate::Keyring::resume_count) gave.
    pub sealed: u64,
}

impl DataKeyUse {
    /// Whether the data key should be rotated soon.
    #[must_use]
    pub const fn rotation_is_due(self) -> bool {
        self.sealed >= SEALED_SOFT_LIMIT
    }
}

/// A data key in the clear. Wiped when the last reference goes.
pub(crate) struct OpenDataKey {
    pub(crate) version: u32,
    pub(crate) key: Key,
    sealed: AtomicU64,
}

impl OpenDataKey {
    pub(crate) const fn new(version: u32, key: Key) -> Self {
        Self {
            version,
            key,
            sealed: AtomicU64::new(0),
        }
    }

    /// One more seal is counted, unless the data key has done all it may.
    pub(crate) fn count_seal(&self, workspace: WorkspaceId) -> Result<(), SealError> {
        let below_limit = |sealed| (sealed < SEALED_HARD_LIMIT).then_some(sealed + 1);
        self.sealed
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, below_limit)
            .map(|_| ())
            .map_err(|sealed| SealError::Exhausted { workspace, sealed })
    }

    /// The count goes on from `sealed`, unless it is further already.
    pub(crate) fn resume_count(&self, sealed: u64) {
        self.sealed.fetch_max(sealed, Ordering::Relaxed);
    }

    pub(crate) fn usage(&self) -> DataKeyUse {
        DataKeyUse {
            version: self.version,
            sealed: self.sealed.load(Ordering::Relaxed),
        }
    }
}
