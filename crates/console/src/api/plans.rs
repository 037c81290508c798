//! Plans: seen, made, changed and removed by the operator. What is built in or configured can be covered, not removed.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use freehold_domain::money::{Credits, Nanodollars};
use freehold_domain::plan::Plan;
use freehold_domain::port::DirectoryState;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::limits::{credits, dollars};
use crate::Console;
use crate::body::{Body, Input};
use crate::error::{ApiError, Code};
use crate::fields::Fields;
use crate::plan_book::{PlanBook, PlanSource};
use crate::query::{PageParams, Query, cursor_text};
use crate::reply::{Deleted, List};
use crate::rule;
use crate::segment::Segments;
use crate::vocabulary::{DecimalAmount, PlanSourceName};

const NOUN: &str = "plan";
/// The highest markup that makes sense, in hundredths of a percent: a hundredfold.
const MARKUP_MAX: u32 = 1_000_000;

/// A plan. Absent limits do not limit.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Plan, example = json!({
    "name": "pro", "object": "plan", "source": "built_in", "monthly_fee_usd": "49", "included_credits": "2000",
    "max_credits_per_request": "200", "max_input_tokens": 400_000, "max_output_tokens": 65_536,
    "requests_per_minute": 3000, "tokens_per_minute": 5_000_000, "concurrent_requests": 128, "allowed_models": [],
    "byok": true, "platform_markup": "0", "upgrade_to": "team", "upgrade_url": null
}))]
pub(crate) struct PlanReply {
    /// What it is called, and its id.
    name: String,
    /// Always `plan`.
    object: &'static str,
    /// Where it comes from.
    #[schema(value_type = PlanSourceName)]
    source: &'static str,
    /// Flat fee for a month, in US dollars.
    #[schema(value_type = DecimalAmount)]
    monthly_fee_usd: Nanodollars,
    /// Credits that come with each month.
    #[schema(value_type = DecimalAmount)]
    included_credits: Credits,
    /// Ceiling on what one request may cost, in credits.
    #[schema(value_type = Option<DecimalAmount>, required = true)]
    max_credits_per_request: Option<Credits>,
    /// Cap on the input tokens of one request.
    #[schema(required = true)]
    max_input_tokens: Option<u64>,
    /// Cap on the output tokens of one request.
    #[schema(required = true)]
    max_output_tokens: Option<u64>,
    /// Requests in a minute.
    #[schema(required = true)]
    requests_per_minute: Option<u64>,
    /// Tokens in a minute, in and out.
    #[schema(required = true)]
    tokens_per_minute: Option<u64>,
    /// Requests at the same time.
    #[schema(required = true)]
    concurrent_requests: Option<u64>,
    /// Models or patterns that may be called; empty means all.
    allowed_models: Vec<String>,
    /// Whether a workspace may store and use provider keys of its own.
    byok: bool,
    /// What the platform adds to the provider's price, as a fraction of it: `0.25` adds a quarter.
    #[schema(value_type = DecimalAmount)]
    platform_markup: Markup,
    /// Name of the next larger plan.
    #[schema(required = true)]
    upgrade_to: Option<String>,
    /// Where to change the plan.
    #[schema(required = true)]
    upgrade_url: Option<String>,
}

impl PlanReply {
    fn new(source: PlanSource, plan: &Plan) -> Self {
        let plan = plan.clone();
        Self {
            name: plan.name,
            object: NOUN,
            source: source.as_str(),
            monthly_fee_usd: plan.monthly_fee_usd,
            included_credits: plan.included_credits,
            max_credits_per_request: plan.max_credits_per_request,
            max_input_tokens: plan.max_input_tokens,
            max_output_tokens: plan.max_output_tokens,
            requests_per_minute: plan.requests_per_minute,
            tokens_per_minute: plan.tokens_per_minute,
            concurrent_requests: plan.concurrent_requests,
            allowed_models: plan.allowed_models,
            byok: plan.byok,
            platform_markup: Markup(plan.platform_markup_basis_points),
            upgrade_to: plan.upgrade_to,
            upgrade_url: plan.upgrade_url,
        }
    }
}

/// A markup in hundredths of a percent, written as an exact fraction.
#[derive(Debug, Clone, Copy)]
struct Markup(u32);

impl Serialize for Markup {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // A hundredth of a percent is a hundred millionths, which is what credits are counted in.
        serializer.collect_str(&Credits::from_units(i64::from(self.0) * 100))
    }
}

impl Markup {
    fn read(raw: &serde_json::value::RawValue) -> Result<Self, crate::fields::Allowed> {
        let allowed = || "a fraction from 0 to 100 with at most 4 decimal places, best as a string: \"0.25\" adds a quarter";
        let most = Credits::from_units(i64::from(MARKUP_MAX) * 100);
        let fraction = rule::amount("markup", 4, Credits::ZERO, most)(raw).map_err(|_| allowed())?;
        let is_whole = fraction.units() % 100 == 0;
        let points = u32::try_from(fraction.units() / 100).ok().filter(|_| is_whole);
        Ok(points.map(Self).ok_or_else(allowed)?)
    }
}

/// A plan to be kept, whole: what is left out does not limit.
#[derive(Debug, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "monthly_fee_usd": "29", "included_credits": "1000", "max_credits_per_request": "75", "requests_per_minute": 900,
    "allowed_models": ["openai/*", "anthropic/*"], "byok": true, "platform_markup": "0.1", "upgrade_to": "team"
}))]
#[expect(
    dead_code,
    reason = "the fields are documentation; what is read becomes the domain's plan at once"
)]
struct PlanFields {
    /// What it is called; if given, the same as in the address.
    name: Option<String>,
    /// Flat fee for a month, in US dollars, as a decimal string or number; none if left out.
    #[schema(value_type = Option<DecimalAmount>)]
    monthly_fee_usd: Nanodollars,
    /// Credits that come with each month; none if left out.
    #[schema(value_type = Option<DecimalAmount>)]
    included_credits: Credits,
    /// Ceiling on what one request may cost, in credits.
    #[schema(value_type = Option<DecimalAmount>)]
    max_credits_per_request: Option<Credits>,
    /// Cap on the input tokens of one request.
    #[schema(minimum = 1)]
    max_input_tokens: Option<u64>,
    /// Cap on the output tokens of one request.
    #[schema(minimum = 1)]
    max_output_tokens: Option<u64>,
    /// Requests in a minute.
    #[schema(minimum = 1)]
    requests_per_minute: Option<u64>,
    /// Tokens in a minute, in and out.
    #[schema(minimum = 1)]
    tokens_per_minute: Option<u64>,
    /// Requests at the same time.
    #[schema(minimum = 1)]
    concurrent_requests: Option<u64>,
    /// Models or patterns that may be called; all if left out.
    #[schema(value_type = Option<Vec<String>>)]
    allowed_models: Vec<String>,
    /// Whether a workspace may store and use provider keys of its own; true if left out.
    #[schema(value_type = Option<bool>)]
    byok: bool,
    /// What the platform adds to the provider's price, as a fraction of it: `0.25` adds a quarter; nothing if left out.
    #[schema(value_type = Option<DecimalAmount>)]
    platform_markup: Markup,
    /// Name of the next larger plan, which must exist.
    upgrade_to: Option<String>,
    /// Where to change the plan.
    upgrade_url: Option<String>,
}

/// A plan read from a body; its name is the one in the body, or empty.
#[derive(Debug)]
pub(crate) struct PlanInput(Plan);

impl utoipa::PartialSchema for PlanInput {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        PlanFields::schema()
    }
}

impl ToSchema for PlanInput {
    fn name() -> std::borrow::Cow<'static, str> {
        "PlanInput".into()
    }

    fn schemas(schemas: &mut Vec<(String, utoipa::openapi::RefOr<utoipa::openapi::schema::Schema>)>) {
        PlanFields::schemas(schemas);
    }
}

impl Input for PlanInput {
    const FIELDS: &'static [&'static str] = &[
        "name",
        "monthly_fee_usd",
        "included_credits",
        "max_credits_per_request",
        "max_input_tokens",
        "max_output_tokens",
        "requests_per_minute",
        "tokens_per_minute",
        "concurrent_requests",
        "allowed_models",
        "byok",
        "platform_markup",
        "upgrade_to",
        "upgrade_url",
    ];

    fn read(fields: &mut Fields<'_>) -> Result<Self, ApiError> {
        Ok(Self(Plan {
            name: fields.optional("name", rule::slug)?.unwrap_or_default(),
            monthly_fee_usd: fields.optional("monthly_fee_usd", dollars())?.unwrap_or_default(),
            included_credits: fields
                .optional("included_credits", credits())?
                .unwrap_or_default(),
            max_credits_per_request: fields.optional("max_credits_per_request", credits())?,
            max_input_tokens: fields.optional("max_input_tokens", rule::limit)?,
            max_output_tokens: fields.optional("max_output_tokens", rule::limit)?,
            requests_per_minute: fields.optional("requests_per_minute", rule::limit)?,
            tokens_per_minute: fields.optional("tokens_per_minute", rule::limit)?,
            concurrent_requests: fields.optional("concurrent_requests", rule::limit)?,
            allowed_models: fields
                .optional("allowed_models", rule::patterns)?
                .unwrap_or_default(),
            byok: fields.optional("byok", rule::boolean)?.unwrap_or(true),
            platform_markup_basis_points: fields
                .optional("platform_markup", Markup::read)?
                .map_or(0, |markup| markup.0),
            upgrade_to: fields.optional("upgrade_to", rule::raw_text)?,
            upgrade_url: fields.optional("upgrade_url", rule::link)?,
        }))
    }
}

/// List plans
///
/// In the order in which they came to be known: built in, configured, made at run time.
#[utoipa::path(get, path = "/admin/v1/plans", operation_id = "list_plans", tag = "plans",
    params(PageParams),
    responses((status = 200, description = "Plans.", body = List<PlanReply>)))]
pub(crate) async fn list(
    State(console): State<Arc<Console>>,
    query: Query,
) -> Result<Json<List<PlanReply>>, ApiError> {
    let page = query.page_only()?;
    let book = console.plan_book().await?;
    // Plans have no ids to go by, so the cursor counts them.
    let from = page.before.map_or(0, |position| {
        usize::try_from(position.as_u128()).unwrap_or(usize::MAX)
    });
    let to = from.saturating_add(usize::from(page.limit));
    let plans = book.all().iter().skip(from).take(usize::from(page.limit));
    let plans = plans
        .map(|(source, plan)| PlanReply::new(*source, plan))
        .collect();
    let next = (to < book.all().len()).then(|| cursor_text(Uuid::from_u128(to as u128)));
    Ok(Json(List::new(plans, next)))
}

/// Show a plan
#[utoipa::path(get, path = "/admin/v1/plans/{name}", operation_id = "show_plan", tag = "plans",
    params(("name" = String, Path, description = "Name of the plan.")),
    responses((status = 200, description = "The plan.", body = PlanReply)))]
pub(crate) async fn show(
    State(console): State<Arc<Console>>,
    segments: Segments,
) -> Result<Json<PlanReply>, ApiError> {
    let book = console.plan_book().await?;
    let (source, plan) = book
        .get(segments.text(0))
        .ok_or_else(|| ApiError::not_found(NOUN))?;
    Ok(Json(PlanReply::new(*source, plan)))
}

/// Make or replace a plan
///
/// The plan is afterwards as the body says and as nothing else says: what is left out does not limit. A plan that is built in
/// or configured is covered by one of the same name.
#[utoipa::path(put, path = "/admin/v1/plans/{name}", operation_id = "put_plan", tag = "plans", request_body = PlanInput,
    params(("name" = String, Path, description = "Name of the plan: lower-case letters, digits and hyphens.")),
    responses((status = 200, description = "The plan as it is now.", body = PlanReply)))]
pub(crate) async fn put(
    State(console): State<Arc<Console>>,
    segments: Segments,
    Body(PlanInput(mut plan)): Body<PlanInput>,
) -> Result<Json<PlanReply>, ApiError> {
    let name = segments.text(0);
    if !rule::is_slug(name) {
        return Err(ApiError::invalid(
            "name",
            "A plan's name is 1 to 63 lower-case letters, digits and hyphens and does not begin with a hyphen.",
        ));
    }
    if !plan.name.is_empty() && plan.name != name {
        return Err(ApiError::invalid(
            "name",
            "`name` must be the one in the address, or be left out.",
        ));
    }
    name.clone_into(&mut plan.name);
    if let Some(next) = &plan.upgrade_to {
        let book = console.plan_book().await?;
        if next == name || book.get(next).is_none() {
            let message = format!(
                "`upgrade_to` must name another plan there is, or be null; there are {}.",
                book.names()
            );
            return Err(ApiError::invalid("upgrade_to", message));
        }
        if book.ways_up(next).any(|plan| plan.name == name) {
            let message = "`upgrade_to` leads back to this plan, and so nowhere; name one that does not.";
            return Err(ApiError::invalid("upgrade_to", message));
        }
    }
    console.store.put_plan(&plan).await?;
    console.put_in_force().await;
    Ok(Json(PlanReply::new(PlanSource::Stored, &plan)))
}

/// Delete a plan
///
/// One that covers a built-in or configured plan uncovers it. Refused while workspaces are on the plan or other plans lead to
/// it and nothing would be uncovered.
#[utoipa::path(delete, path = "/admin/v1/plans/{name}", operation_id = "delete_plan", tag = "plans",
    params(("name" = String, Path, description = "Name of the plan.")),
    responses(
        (status = 200, description = "The plan is gone.", body = Deleted),
        (status = 409, description = "The plan is in use, built in or configured.", body = crate::error::ErrorReply)))]
pub(crate) async fn delete(
    State(console): State<Arc<Console>>,
    segments: Segments,
) -> Result<Json<Deleted>, ApiError> {
    let name = segments.text(0);
    let directory = console.store.load_directory().await?;
    let is_stored = directory.plans.iter().any(|plan| plan.name == name);
    let others = directory
        .plans
        .iter()
        .filter(|plan| plan.name != name)
        .cloned()
        .collect();
    let without = PlanBook::new(&console.configured_plans, others);
    let uncovered = without.get(name).map(|(source, _)| *source);
    match (is_stored, uncovered) {
        (false, None) => return Err(ApiError::not_found(NOUN)),
        (false, Some(source)) => return Err(stands_elsewhere(source)),
        (true, Some(_)) => {}
        (true, None) => must_not_be_needed(name, &directory, &without)?,
    }
    if !console.store.delete_plan(name).await? {
        return Err(ApiError::not_found(NOUN));
    }
    console.put_in_force().await;
    Ok(Deleted::new(name, NOUN))
}

fn stands_elsewhere(source: PlanSource) -> ApiError {
    ApiError::new(
        Code::Conflict,
        match source {
            PlanSource::Configured => {
                "This plan stands in the configuration file; remove it there. It can be changed here by `PUT`."
            }
            PlanSource::BuiltIn | PlanSource::Stored => {
                "This plan is built in. It can be changed by `PUT` but not removed."
            }
        },
    )
}

/// The plan may go: no workspace is on it, and no other plan leads to it.
fn must_not_be_needed(name: &str, directory: &DirectoryState, without: &PlanBook) -> Result<(), ApiError> {
    let workspaces = directory
        .workspaces
        .iter()
        .filter(|workspace| workspace.plan == name)
        .count();
    if workspaces > 0 {
        let (count, verb) = if workspaces == 1 {
            ("1 workspace".to_owned(), "is")
        } else {
            (format!("{workspaces} workspaces"), "are")
        };
        return Err(ApiError::new(
            Code::PlanInUse,
            format!(
                "{count} {verb} on this plan. Put them on another one first, by `PATCH /admin/v1/workspaces/{{id}}`."
            ),
        ));
    }
    let leading: Vec<_> = without
        .all()
        .iter()
        .filter(|(_, plan)| plan.upgrade_to.as_deref() == Some(name))
        .map(|(_, plan)| plan.name.as_str())
        .collect();
    if !leading.is_empty() {
        return Err(ApiError::new(
            Code::PlanInUse,
            format!(
                "This plan is the `upgrade_to` of {}. Change that first.",
                leading.join(", ")
            ),
        ));
    }
    Ok(())
}
