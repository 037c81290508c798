//! Usage records: what every request was, cost and came to. Read only.

mod reply;

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use freehold_domain::id::RequestId;
use freehold_domain::port::RecordFilter;
use freehold_domain::record::{Attribution, Outcome};

pub(crate) use self::reply::UsageRecordReply;
use crate::Console;
use crate::access::Caller;
use crate::error::ApiError;
use crate::query::{Filters, PageParams, Query, moment};
use crate::reply::List;
use crate::segment::Segments;
use crate::vocabulary::{ATTRIBUTIONS, AttributionName, OutcomeName};

const NOUN: &str = "usage record";
const FILTERS: &[&str] = &[
    "from",
    "to",
    "outcome",
    "attribution",
    "provider",
    "model",
    "provider_key",
    "virtual_key",
];

/// List usage records
///
/// A parameter that is not known is refused.
#[utoipa::path(get, path = "/v1/usage/records", operation_id = "list_usage_records", tag = "usage",
    params(
        PageParams,
        ("from" = Option<String>, Query, description = "Received at or after this time, RFC 3339."),
        ("to" = Option<String>, Query, description = "Received before this time, RFC 3339."),
        ("outcome" = Option<OutcomeName>, Query, description = "How it ended."),
        ("attribution" = Option<AttributionName>, Query, description = "Who pays."),
        ("provider" = Option<String>, Query, description = "Name of the provider that answered."),
        ("model" = Option<String>, Query, description = "Model that was asked for or that answered."),
        ("provider_key" = Option<String>, Query, description = "Id of the provider key it was answered with."),
        ("virtual_key" = Option<String>, Query, description = "Id of the virtual key it came with."),
    ),
    responses((status = 200, description = "Usage records of this workspace, newest first.", body = List<UsageRecordReply>)))]
pub(crate) async fn list(
    State(console): State<Arc<Console>>,
    caller: Caller,
    query: Query,
) -> Result<Json<List<UsageRecordReply>>, ApiError> {
    let (page, filters) = query.page_and(FILTERS)?;
    let found = console
        .store
        .records(caller.workspace(), &filter(&filters)?, page)
        .await?;
    Ok(Json(List::of(found, UsageRecordReply::from)))
}

fn filter(filters: &Filters) -> Result<RecordFilter, ApiError> {
    let time = "a time as RFC 3339 writes it, such as 2026-11-21T00:00:00Z";
    let outcomes = Outcome::ALL.map(Outcome::as_str).join(", ");
    let payers = ATTRIBUTIONS.map(Attribution::as_str).join(", ");
    let filter = RecordFilter {
        from: filters.one("from", time, moment)?,
        to: filters.one("to", time, moment)?,
        outcome: filters.one("outcome", &format!("one of {outcomes}"), |text| {
            Outcome::ALL.into_iter().find(|outcome| outcome.as_str() == text)
        })?,
        attribution: filters.one("attribution", &format!("one of {payers}"), |text| {
            ATTRIBUTIONS
                .into_iter()
                .find(|attribution| attribution.as_str() == text)
        })?,
        provider: filters.one("provider", "the name of a provider", name)?,
        model: filters.one("model", "the name of a model", name)?,
        provider_key: filters.one(
            "provider_key",
            "the id of a provider key, which begins with pk_",
            |text| text.parse().ok(),
        )?,
        virtual_key: filters.one(
            "virtual_key",
            "the id of a virtual key, which begins with vk_",
            |text| text.parse().ok(),
        )?,
    };
    if let (Some(from), Some(to)) = (filter.from, filter.to)
        && from > to
    {
        return Err(ApiError::invalid(
            "from",
            "`from` lies after `to`, so nothing could match; swap them.",
        ));
    }
    Ok(filter)
}

fn name(text: &str) -> Option<String> {
    ((1..=300).contains(&text.len()) && !text.contains(char::is_control)).then(|| text.to_owned())
}

/// Show a usage record
#[utoipa::path(get, path = "/v1/usage/records/{request_id}", operation_id = "show_usage_record", tag = "usage",
    params(("request_id" = String, Path, description = "Id of the request, as in `x-request-id`.")),
    responses((status = 200, description = "The record.", body = UsageRecordReply)))]
pub(crate) async fn show(
    State(console): State<Arc<Console>>,
    caller: Caller,
    segments: Segments,
) -> Result<Json<UsageRecordReply>, ApiError> {
    let id: RequestId = segments.id(0, NOUN)?;
    let record = console.store.record(caller.workspace(), id).await?;
    record
        .map(|record| Json(record.into()))
        .ok_or_else(|| ApiError::not_found(NOUN))
}
