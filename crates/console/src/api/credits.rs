//! Credits: granted by the operator, seen by the operator and the workspace.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use freehold_domain::id::{EntryId, WorkspaceId};
use freehold_domain::ledger::{Balance, Grant, GrantOutcome};
use freehold_domain::money::Credits;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde::Serialize;
use utoipa::ToSchema;

use super::limits::CREDITS_MAX;
use super::workspaces;
use crate::Console;
use crate::access::Caller;
use crate::body::{Body, Input};
use crate::error::{ApiError, Code};
use crate::fields::Fields;
use crate::reply::Created;
use crate::rule;
use crate::segment::Segments;
use crate::vocabulary::DecimalAmount;

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const IDEMPOTENT_REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");
const CREDITS_MIN: Credits = Credits::from_units(-CREDITS_MAX.units());

/// What a workspace has, all in credits.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Credits, example = json!({
    "object": "credits", "workspace_id": "ws_0192f0c1e2a37b4c8d5e6f7081920a1a",
    "granted": "500", "posted": "120.25", "held": "3.5", "available": "376.25"
}))]
pub(crate) struct CreditsReply {
    /// Always `credits`.
    object: &'static str,
    /// Whose they are.
    #[schema(value_type = String)]
    workspace_id: WorkspaceId,
    /// Sum of all that was given, less what was taken back.
    #[schema(value_type = DecimalAmount)]
    granted: Credits,
    /// Sum of all that was charged.
    #[schema(value_type = DecimalAmount)]
    posted: Credits,
    /// Held by running requests.
    #[schema(value_type = DecimalAmount)]
    held: Credits,
    /// What a new request could still reserve; never below zero.
    #[schema(value_type = DecimalAmount)]
    available: Credits,
}

impl CreditsReply {
    fn new(workspace_id: WorkspaceId, balance: &Balance) -> Json<Self> {
        Json(Self {
            object: "credits",
            workspace_id,
            granted: balance.granted,
            posted: balance.posted,
            held: balance.held,
            available: balance.available(),
        })
    }
}

/// Credits to be given.
#[derive(Debug, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"credits": "500", "reason": "Top-up, invoice 2026-118"}))]
pub(crate) struct NewGrant {
    /// How many, as a decimal string or number; below zero takes credits back.
    #[schema(value_type = DecimalAmount)]
    credits: Credits,
    /// Why, for the books.
    #[schema(min_length = 1, max_length = 500)]
    reason: String,
}

impl Input for NewGrant {
    const FIELDS: &'static [&'static str] = &["credits", "reason"];

    fn read(fields: &mut Fields<'_>) -> Result<Self, ApiError> {
        let credits = fields.required("credits", rule::amount("credits", 6, CREDITS_MIN, CREDITS_MAX))?;
        if credits == Credits::ZERO {
            return Err(ApiError::invalid(
                "credits",
                "`credits` must not be zero; nothing would change.",
            ));
        }
        Ok(Self {
            credits,
            reason: fields.required("reason", rule::text(1, 500))?,
        })
    }
}

/// Credits that were given.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CreditGrant, example = json!({
    "id": "ent_0192f0c1e2a37b4c8d5e6f7081920a1c", "object": "credit_grant",
    "workspace_id": "ws_0192f0c1e2a37b4c8d5e6f7081920a1a", "credits": "500", "reason": "Top-up, invoice 2026-118"
}))]
pub(crate) struct GrantReply {
    /// Id of the entry in the ledger.
    #[schema(value_type = String)]
    id: EntryId,
    /// Always `credit_grant`.
    object: &'static str,
    /// Whose they are.
    #[schema(value_type = String)]
    workspace_id: WorkspaceId,
    /// How many.
    #[schema(value_type = DecimalAmount)]
    credits: Credits,
    /// Why.
    reason: String,
}

/// Give credits to a workspace
///
/// The same `Idempotency-Key` gives once, however often the call is repeated: a repetition is answered like the first time,
/// with the header `Idempotent-Replayed: true`.
#[utoipa::path(post, path = "/admin/v1/workspaces/{id}/credits", operation_id = "grant_credits", tag = "credits", request_body = NewGrant,
    params(
        ("id" = String, Path, description = "Id of the workspace."),
        ("Idempotency-Key" = String, Header, description = "Chosen by you, 1 to 255 visible ASCII characters; a fresh one for each gift."),
    ),
    responses(
        (status = 201, description = "The credits are booked.", body = GrantReply,
            headers(("Idempotent-Replayed" = String, description = "`true` where they were booked before under the same key."))),
        (status = 422, description = "The key was used before for another gift.", body = crate::error::ErrorReply)))]
pub(crate) async fn grant(
    State(console): State<Arc<Console>>,
    segments: Segments,
    headers: HeaderMap,
    Body(new): Body<NewGrant>,
) -> Result<Response, ApiError> {
    let workspace = workspaces::of_path(&console, &segments).await?;
    let grant = Grant {
        id: EntryId::new(&*console.ids),
        workspace: workspace.id,
        credits: new.credits,
        reason: new.reason,
        idempotency_key: Some(idempotency_key(&headers)?),
        at: console.now(),
    };
    match console.store.grant(&grant).await? {
        GrantOutcome::Booked { id, replayed } => {
            let reply = GrantReply {
                id,
                object: "credit_grant",
                workspace_id: grant.workspace,
                credits: grant.credits,
                reason: grant.reason,
            };
            let mut response = Created(reply).into_response();
            if replayed {
                response
                    .headers_mut()
                    .insert(IDEMPOTENT_REPLAYED, HeaderValue::from_static("true"));
            }
            Ok(response)
        }
        GrantOutcome::Mismatch => Err(ApiError::new(
            Code::IdempotencyMismatch,
            "This `Idempotency-Key` was used before for another gift. Use a fresh one for each gift.",
        )
        .about("idempotency-key")),
        GrantOutcome::NoWorkspace => Err(ApiError::not_found("workspace")),
    }
}

/// The key under which a gift is given once. Required: a gift that is repeated by a nervous network is money.
fn idempotency_key(headers: &HeaderMap) -> Result<String, ApiError> {
    let mut values = headers.get_all(IDEMPOTENCY_KEY).iter();
    let text = values
        .next()
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let is_fit = (1..=255).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
    if is_fit && values.next().is_none() {
        return Ok(text.to_owned());
    }
    Err(ApiError::invalid(
        "idempotency-key",
        "The header `Idempotency-Key` is required: 1 to 255 visible ASCII characters, a fresh one for each gift, so that a \
         repeated call gives once.",
    ))
}

/// Show a workspace's credits
#[utoipa::path(get, path = "/admin/v1/workspaces/{id}/credits", operation_id = "show_workspace_credits", tag = "credits",
    params(("id" = String, Path, description = "Id of the workspace.")),
    responses((status = 200, description = "What the workspace has.", body = CreditsReply)))]
pub(crate) async fn show_for_operator(
    State(console): State<Arc<Console>>,
    segments: Segments,
) -> Result<Json<CreditsReply>, ApiError> {
    let workspace = workspaces::of_path(&console, &segments).await?;
    Ok(CreditsReply::new(
        workspace.id,
        &console.store.balance(workspace.id).await?,
    ))
}

/// Show credits
#[utoipa::path(get, path = "/v1/credits", operation_id = "show_credits", tag = "credits",
    responses((status = 200, description = "What this workspace has.", body = CreditsReply)))]
pub(crate) async fn show(
    State(console): State<Arc<Console>>,
    caller: Caller,
) -> Result<Json<CreditsReply>, ApiError> {
    let workspace = caller.workspace();
    Ok(CreditsReply::new(
        workspace,
        &console.store.balance(workspace).await?,
    ))
}
