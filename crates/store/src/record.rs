//! Usage records as rows: what is filtered or summed in columns of its own, the rest in one JSON column.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use freehold_domain::id::{ProviderKeyId, RequestId, VirtualKeyId, WorkspaceId};
use freehold_domain::money::{Credits, Nanodollars};
use freehold_domain::port::{Page, PageRequest, PortError, RecordFilter};
use freehold_domain::record::{
    Attempt, Attribution, Expected, KeyName, Outcome, PriceStamp, Refusal, UsageRecord, Variance,
};
use freehold_domain::time::Timestamp;
use freehold_domain::tokens::TokenUsage;
use serde::{Deserialize, Serialize};

use crate::engine::{Operation, Session};
use crate::sql::common as sql;
use crate::value::{Columns, Row, Value, corrupt};
use crate::workspace::{page, page_values};

const WHAT: &str = "usage record";

/// How many columns a record has.
pub(crate) const WIDTH: usize = 28;

/// What a record's JSON column holds, borrowed for writing.
#[derive(Serialize)]
struct DetailOut<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    virtual_key_label: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    provider_key_label: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    provider_usage: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    price: Option<&'a PriceStamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expected: Option<Expected>,
    #[serde(skip_serializing_if = "Option::is_none")]
    variance: Option<Variance>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    attempts: &'a [Attempt],
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    tags: &'a BTreeMap<Cow<'static, str>, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    denial: Option<&'a Refusal>,
}

/// What a record's JSON column holds, read back.
#[derive(Deserialize, Default)]
#[serde(default)]
struct DetailIn {
    virtual_key_label: Option<Arc<str>>,
    provider_key_label: Option<Arc<str>>,
    provider_usage: Option<Arc<str>>,
    price: Option<PriceStamp>,
    expected: Option<Expected>,
    variance: Option<Variance>,
    attempts: Vec<Attempt>,
    tags: BTreeMap<Cow<'static, str>, String>,
    denial: Option<Refusal>,
}

/// The record's JSON column. Made by the caller, so that the one writer has less to do.
pub(crate) fn detail(record: &UsageRecord) -> Result<String, PortError> {
    let detail = DetailOut {
        virtual_key_label: record.virtual_key.label.as_deref(),
        provider_key_label: record.provider_key.as_ref().and_then(|key| key.label.as_deref()),
        provider_usage: record.provider_usage.as_deref(),
        price: record.price.as_ref(),
        expected: record.expected,
        variance: record.variance,
        attempts: &record.attempts,
        tags: &record.tags,
        denial: record.denial.as_ref(),
    };
    serde_json::to_string(&detail).map_err(|why| corrupt(WHAT, why))
}

/// The record's columns in the order of the schema.
pub(crate) fn values<'a>(record: &'a UsageRecord, detail: &'a str) -> [Value<'a>; WIDTH] {
    let tokens = &record.tokens;
    [
        Value::Id(record.workspace_id.as_uuid()),
        Value::Id(record.request_id.as_uuid()),
        Value::moment(record.created_at),
        Value::text(record.outcome.as_str()),
        Value::Id(record.virtual_key.id.as_uuid()),
        Value::text(&record.surface),
        Value::Flag(record.stream),
        Value::optional_text(record.provider.as_deref()),
        record
            .provider_key
            .as_ref()
            .map_or(Value::Null, |key| Value::Id(key.id.as_uuid())),
        Value::text(&record.model_requested),
        Value::optional_text(record.model_used.as_deref()),
        Value::optional_text(record.cost_attribution.map(Attribution::as_str)),
        Value::text(record.usage_source.as_str()),
        Value::count(tokens.input),
        Value::count(tokens.cache_read),
        Value::count(tokens.cache_write),
        Value::count(tokens.cache_write_long),
        Value::count(tokens.output),
        Value::count(tokens.reasoning),
        Value::count(tokens.audio_input),
        Value::count(tokens.audio_output),
        record
            .cost_usd
            .map_or(Value::Null, |cost| Value::Integer(cost.units())),
        Value::Integer(record.credits_charged.units()),
        Value::count(record.latency_ms),
        record.first_byte_ms.map_or(Value::Null, Value::count),
        Value::count(record.overhead_us),
        Value::optional_text(record.finish_reason.as_deref()),
        Value::text(detail),
    ]
}

/// The record that the row holds.
pub(crate) fn read(row: &dyn Row) -> Result<UsageRecord, PortError> {
    let mut columns = Columns::of(row, WHAT);
    let workspace_id = WorkspaceId::from_uuid(columns.id()?);
    let request_id = RequestId::from_uuid(columns.id()?);
    let created_at = columns.moment()?;
    let outcome = columns.word()?;
    let virtual_key = VirtualKeyId::from_uuid(columns.id()?);
    let surface = Cow::Owned(columns.text()?.to_owned());
    let stream = columns.flag()?;
    let provider = columns.optional_text()?.map(Arc::from);
    let provider_key = columns.optional_id()?.map(ProviderKeyId::from_uuid);
    let model_requested = Arc::from(columns.text()?);
    let model_used = columns.optional_text()?.map(Arc::from);
    let cost_attribution = columns.optional_word()?;
    let usage_source = columns.word()?;
    let tokens = TokenUsage {
        input: columns.sized()?,
        cache_read: columns.sized()?,
        cache_write: columns.sized()?,
        cache_write_long: columns.sized()?,
        output: columns.sized()?,
        reasoning: columns.sized()?,
        audio_input: columns.sized()?,
        audio_output: columns.sized()?,
    };
    let cost_usd = columns.optional_integer()?.map(Nanodollars::from_units);
    let credits_charged = Credits::from_units(columns.integer()?);
    let latency_ms = columns.sized()?;
    let first_byte_ms = columns.optional_sized()?;
    let overhead_us = columns.sized()?;
    let finish_reason = columns.optional_string()?.map(Cow::Owned);
    let detail: DetailIn = columns.json()?;
    Ok(UsageRecord {
        request_id,
        created_at,
        outcome,
        workspace_id,
        virtual_key: KeyName {
            id: virtual_key,
            label: detail.virtual_key_label,
        },
        surface,
        stream,
        provider,
        provider_key: provider_key.map(|id| KeyName {
            id,
            label: detail.provider_key_label,
        }),
        model_requested,
        model_used,
        cost_attribution,
        tokens,
        usage_source,
        provider_usage: detail.provider_usage,
        cost_usd,
        price: detail.price,
        credits_charged,
        expected: detail.expected,
        variance: detail.variance,
        attempts: detail.attempts,
        finish_reason,
        latency_ms,
        first_byte_ms,
        overhead_us,
        tags: detail.tags,
        denial: detail.denial,
    })
}

/// See [`freehold_domain::port::Records::record`].
pub(crate) struct ById {
    pub(crate) workspace: WorkspaceId,
    pub(crate) id: RequestId,
}

impl Operation for ById {
    type Output = Option<UsageRecord>;

    async fn run<S: Session>(&self, session: &mut S) -> Result<Option<UsageRecord>, PortError> {
        let values = [Value::Id(self.workspace.as_uuid()), Value::Id(self.id.as_uuid())];
        session.query_one(sql::USAGE_RECORD_BY_ID, &values, read).await
    }
}

/// See [`freehold_domain::port::Records::records`].
pub(crate) struct List {
    pub(crate) workspace: WorkspaceId,
    pub(crate) filter: RecordFilter,
    pub(crate) request: PageRequest,
}

impl Operation for List {
    type Output = Page<UsageRecord>;

    async fn run<S: Session>(&self, session: &mut S) -> Result<Page<UsageRecord>, PortError> {
        let filter = &self.filter;
        let (limit, [before, count]) = page_values(self.request);
        let values = [
            Value::Id(self.workspace.as_uuid()),
            before,
            Value::Integer(filter.from.map_or(i64::MIN, Timestamp::as_micros)),
            Value::Integer(filter.to.map_or(i64::MAX, Timestamp::as_micros)),
            Value::optional_text(filter.outcome.map(Outcome::as_str)),
            Value::optional_text(filter.attribution.map(Attribution::as_str)),
            Value::optional_text(filter.provider.as_deref()),
            Value::optional_text(filter.model.as_deref()),
            filter
                .provider_key
                .map_or(Value::Null, |id| Value::Id(id.as_uuid())),
            filter
                .virtual_key
                .map_or(Value::Null, |id| Value::Id(id.as_uuid())),
            count,
        ];
        let items = session.query(sql::USAGE_RECORD_PAGE, &values, read).await?;
        Ok(page(items, limit, |record| record.request_id.as_uuid()))
    }
}
