//! What the rules need from outside, as small object-safe traits. The store makes them real; the testkit imitates them.

mod data_plane;
mod directory;
mod installation;
mod ledger;
mod records;

pub use data_plane::{DataPlane, ValidateError, Validation};
pub use directory::{DataKey, Directory, DirectoryState};
pub use installation::{Installation, InstallationStore};
pub use ledger::Ledger;
pub use records::{RecordFilter, Records};

use uuid::Uuid;

/// Why a port could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum PortError {
    /// The other side cannot be reached or does not answer; trying again may help.
    #[error("the store is unavailable")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Something of that name or id is there already, or it changed meanwhile.
    #[error("{0} conflicts with what is stored")]
    Conflict(&'static str),
    /// What was to be changed is not there.
    #[error("{0} is not there")]
    Missing(&'static str),
    /// What is stored cannot be read.
    #[error("stored {what} cannot be read: {why}")]
    Corrupt {
        /// Of what.
        what: &'static str,
        /// What is wrong with it.
        why: String,
    },
}

/// Which part of a list is wanted. Lists are newest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageRequest {
    /// Only what is older than this id.
    pub before: Option<Uuid>,
    /// At most this many, 1 to 200.
    pub limit: u16,
}

impl PageRequest {
    /// The newest `limit` items, held within 1 to 200.
    #[must_use]
    pub fn newest(limit: u16) -> Self {
        Self {
            before: None,
            limit: limit.clamp(1, 200),
        }
    }
}

/// Part of a list, and where the next part begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// The items, newest first.
    pub items: Vec<T>,
    /// What to give as `before` for more; nothing at the end.
    pub next: Option<Uuid>,
}

/// Everything an installation keeps.
pub trait Store: Directory + Records + Ledger + InstallationStore {}

impl<T: Directory + Records + Ledger + InstallationStore> Store for T {}
