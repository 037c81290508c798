//! The oracle: every port in plain structs under one lock, so simple that it is right by reading.
//!
//! The conformance suite holds the databases to the same claims, and the random comparison to the same answers.

mod directory;
mod installation;
mod ledger;
mod records;

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};

use freehold_domain::id::{EntryId, ProviderKeyId, RequestId, VirtualKeyId, WorkspaceId};
use freehold_domain::key::{ProviderKey, VirtualKey};
use freehold_domain::ledger::{Balance, Grant, Reservation};
use freehold_domain::plan::Plan;
use freehold_domain::port::{DataKey, Installation, Page, PageRequest};
use freehold_domain::record::UsageRecord;
use freehold_domain::workspace::Workspace;
use uuid::Uuid;

/// How far a reservation has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Pending,
    Ended,
}

#[derive(Debug, Default)]
struct State {
    version: u64,
    workspaces: BTreeMap<WorkspaceId, Workspace>,
    data_keys: BTreeMap<(WorkspaceId, u32), DataKey>,
    virtual_keys: BTreeMap<VirtualKeyId, VirtualKey>,
    provider_keys: BTreeMap<ProviderKeyId, ProviderKey>,
    plans: BTreeMap<String, Plan>,
    installation: Option<Installation>,
    records: BTreeMap<(WorkspaceId, RequestId), UsageRecord>,
    accounts: BTreeMap<WorkspaceId, Balance>,
    reservations: BTreeMap<RequestId, (Reservation, Stage)>,
    grants: BTreeMap<(WorkspaceId, EntryId), Grant>,
}

impl State {
    /// Whether keys may be stored for it: the platform's workspace is always there.
    fn has_home(&self, workspace: WorkspaceId) -> bool {
        workspace == WorkspaceId::PLATFORM || self.workspaces.contains_key(&workspace)
    }
}

/// A store that forgets everything when it is dropped.
#[derive(Debug, Default)]
pub struct MemoryStore {
    state: Mutex<State>,
}

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no test panics while it holds the lock")
    }
}

/// The newest of `items`, given oldest first, below the request's bound.
fn page<'a, T: Clone + 'a>(
    items: impl DoubleEndedIterator<Item = &'a T>,
    request: PageRequest,
    id: impl Fn(&T) -> Uuid,
) -> Page<T> {
    let below = |item: &&T| request.before.is_none_or(|before| id(item) < before);
    let limit = usize::from(request.limit.clamp(1, 200));
    let mut found: Vec<T> = items.rev().filter(below).take(limit + 1).cloned().collect();
    let more = found.len() > limit;
    found.truncate(limit);
    let next = found.last().map(id).filter(|_| more);
    Page { items: found, next }
}
