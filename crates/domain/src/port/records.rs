//! Usage records: appended once, never changed.

use async_trait::async_trait;

use super::{Page, PageRequest, PortError};
use crate::id::{ProviderKeyId, RequestId, VirtualKeyId, WorkspaceId};
use crate::ledger::Settlement;
use crate::record::{Attribution, Outcome, UsageRecord};
use crate::time::Timestamp;

/// Which records are wanted. Absent means any.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RecordFilter {
    /// Received at or after.
    pub from: Option<Timestamp>,
    /// Received before.
    pub to: Option<Timestamp>,
    /// That ended so.
    pub outcome: Option<Outcome>,
    /// Paid so.
    pub attribution: Option<Attribution>,
    /// Answered by the provider of this name.
    pub provider: Option<String>,
    /// Asked for or answered by this model.
    pub model: Option<String>,
    /// Answered with this key.
    pub provider_key: Option<ProviderKeyId>,
    /// That came with this key.
    pub virtual_key: Option<VirtualKeyId>,
}

/// Keeps usage records.
#[async_trait]
pub trait Records: Send + Sync {
    /// The record is on disk and the reservation of its request is settled, both or neither, before this returns.
    ///
    /// A record that is there already stays as it is, and its reservation with it: the second call changes nothing.
    async fn append(&self, record: Box<UsageRecord>, settlement: Settlement) -> Result<(), PortError>;

    /// The record, if the workspace has it.
    async fn record(&self, workspace: WorkspaceId, id: RequestId) -> Result<Option<UsageRecord>, PortError>;

    /// Records of a workspace that pass the filter, newest first.
    async fn records(
        &self,
        workspace: WorkspaceId,
        filter: &RecordFilter,
        page: PageRequest,
    ) -> Result<Page<UsageRecord>, PortError>;
}
