//! Usage records in memory.

use async_trait::async_trait;
use freehold_domain::id::{RequestId, WorkspaceId};
use freehold_domain::ledger::Settlement;
use freehold_domain::port::{Page, PageRequest, PortError, RecordFilter, Records};
use freehold_domain::record::UsageRecord;

use super::{MemoryStore, page};

#[async_trait]
impl Records for MemoryStore {
    async fn append(&self, record: Box<UsageRecord>, settlement: Settlement) -> Result<(), PortError> {
        let mut state = self.state();
        let key = (record.workspace_id, record.request_id);
        if !state.records.contains_key(&key) {
            state.settle(&record, settlement);
            state.records.insert(key, as_kept(*record));
        }
        Ok(())
    }

    async fn record(&self, workspace: WorkspaceId, id: RequestId) -> Result<Option<UsageRecord>, PortError> {
        Ok(self.state().records.get(&(workspace, id)).cloned())
    }

    async fn records(
        &self,
        workspace: WorkspaceId,
        filter: &RecordFilter,
        request: PageRequest,
    ) -> Result<Page<UsageRecord>, PortError> {
        let state = self.state();
        let records = state.records.values();
        let wanted = records.filter(|record| record.workspace_id == workspace && passes(record, filter));
        Ok(page(wanted, request, |record| record.request_id.as_uuid()))
    }
}

/// Whether the record is wanted.
fn passes(record: &UsageRecord, filter: &RecordFilter) -> bool {
    let key = record.provider_key.as_ref().map(|key| key.id);
    let names_model = |model: &String| {
        *model == *record.model_requested || Some(model.as_str()) == record.model_used.as_deref()
    };
    filter.from.is_none_or(|from| record.created_at >= from)
        && filter.to.is_none_or(|to| record.created_at < to)
        && filter.outcome.is_none_or(|outcome| record.outcome == outcome)
        && (filter.attribution.is_none() || filter.attribution == record.cost_attribution)
        && (filter.provider.is_none() || filter.provider.as_deref() == record.provider.as_deref())
        && filter.model.as_ref().is_none_or(names_model)
        && (filter.provider_key.is_none() || filter.provider_key == key)
        && filter.virtual_key.is_none_or(|id| record.virtual_key.id == id)
}

/// What a database can keep of a record: counts up to the largest signed number, and no NUL in the texts that have a
/// column of their own.
fn as_kept(mut record: UsageRecord) -> UsageRecord {
    let counted = |count: u64| count.min(i64::MAX.unsigned_abs());
    let plain = |text: &str| text.replace('\0', "\u{fffd}");
    let tokens = &mut record.tokens;
    for count in [
        &mut tokens.input,
        &mut tokens.cache_read,
        &mut tokens.cache_write,
        &mut tokens.cache_write_long,
        &mut tokens.output,
        &mut tokens.reasoning,
        &mut tokens.audio_input,
        &mut tokens.audio_output,
        &mut record.latency_ms,
        &mut record.overhead_us,
    ] {
        *count = counted(*count);
    }
    record.first_byte_ms = record.first_byte_ms.map(counted);
    record.surface = plain(&record.surface).into();
    record.model_requested = plain(&record.model_requested).into();
    record.model_used = record.model_used.map(|model| plain(&model).into());
    record.provider = record.provider.map(|provider| plain(&provider).into());
    record.finish_reason = record.finish_reason.map(|reason| plain(&reason).into());
    record
}
