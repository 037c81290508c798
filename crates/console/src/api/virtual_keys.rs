//! Virtual keys: made by the operator for any workspace, or by a workspace for itself.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use freehold_domain::id::{VirtualKeyId, WorkspaceId};
use freehold_domain::key::{Scope, VirtualKey};
use freehold_domain::time::Timestamp;
use freehold_vault::virtual_key;
use serde::Serialize;
use utoipa::ToSchema;

use super::limits::{self, CallerLimits};
use super::workspaces;
use crate::Console;
use crate::access::Caller;
use crate::body::{Body, Input};
use crate::error::ApiError;
use crate::fields::Fields;
use crate::grant::Grant;
use crate::query::{PageParams, Query};
use crate::reply::{Created, Deleted, List};
use crate::rule;
use crate::segment::Segments;
use crate::vocabulary::{SCOPES, ScopeName, scope_name};

const NOUN: &str = "virtual key";
const OBJECT: &str = "virtual_key";

/// A virtual key. The secret itself is never shown again.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = VirtualKey, example = json!({
    "id": "vk_0192f0c1e2a37b4c8d5e6f7081920a1a", "object": "virtual_key",
    "workspace_id": "ws_0192f0c1e2a37b4c8d5e6f7081920a1b", "label": "Production", "public_id": "4fGk29Xw0q",
    "scopes": ["inference"], "allowed_models": ["openai/*"], "limits": {"requests_per_minute": 60},
    "expires_at": null, "created_at": "2026-11-21T09:00:00Z"
}))]
pub(crate) struct VirtualKeyReply {
    /// Its id.
    #[schema(value_type = String)]
    id: VirtualKeyId,
    /// Always `virtual_key`.
    object: &'static str,
    /// The workspace it belongs to.
    #[schema(value_type = String)]
    workspace_id: WorkspaceId,
    /// What its owner calls it.
    label: String,
    /// The readable part that stands after `fh_`, by which a key is told from others.
    public_id: String,
    /// What its bearer may do.
    #[schema(value_type = Vec<ScopeName>)]
    scopes: Vec<&'static str>,
    /// Models or patterns it may call; empty means all the plan allows.
    allowed_models: Vec<String>,
    /// Limits narrower than the plan's; absent ones are the plan's.
    limits: CallerLimits,
    /// When it stops working; null means never.
    #[schema(value_type = Option<String>, format = DateTime, required = true)]
    expires_at: Option<Timestamp>,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

impl From<VirtualKey> for VirtualKeyReply {
    fn from(key: VirtualKey) -> Self {
        Self {
            id: key.id,
            object: OBJECT,
            workspace_id: key.workspace,
            label: key.label,
            public_id: key.public_id,
            scopes: key.scopes.into_iter().map(scope_name).collect(),
            allowed_models: key.allowed_models,
            limits: key.limits.into(),
            expires_at: key.expires_at,
            created_at: key.created_at,
        }
    }
}

/// A virtual key just made, with its secret, which is shown this once.
// Without `Debug`: what cannot be printed is not logged.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "id": "vk_0192f0c1e2a37b4c8d5e6f7081920a1a", "object": "virtual_key",
    "key": "fh_…", "workspace_id": "ws_0192f0c1e2a37b4c8d5e6f7081920a1b", "label": "Production",
    "public_id": "4fGk29Xw0q", "scopes": ["inference"], "allowed_models": [], "limits": {},
    "expires_at": null, "created_at": "2026-11-21T09:00:00Z"
}))]
pub(crate) struct IssuedVirtualKey {
    /// The key itself. Keep it now: it cannot be shown again.
    key: String,
    #[serde(flatten)]
    kept: VirtualKeyReply,
}

/// A virtual key to be made.
#[derive(Debug, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "label": "Production", "scopes": ["inference"], "expires_at": "2027-11-21T00:00:00Z",
    "allowed_models": ["openai/*"], "limits": {"requests_per_minute": 60}
}))]
pub(crate) struct NewVirtualKey {
    /// What its owner calls it.
    #[schema(min_length = 1, max_length = 120)]
    label: String,
    /// What its bearer may do.
    #[schema(value_type = Vec<ScopeName>, min_items = 1)]
    scopes: BTreeSet<Scope>,
    /// When it stops working; never if left out.
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Timestamp>,
    /// Models or patterns it may call; all that the plan allows if left out.
    #[schema(value_type = Option<Vec<String>>)]
    allowed_models: Vec<String>,
    /// Limits narrower than the plan's.
    #[schema(value_type = Option<CallerLimits>)]
    limits: CallerLimits,
}

impl Input for NewVirtualKey {
    const FIELDS: &'static [&'static str] = &["label", "scopes", "expires_at", "allowed_models", "limits"];

    fn read(fields: &mut Fields<'_>) -> Result<Self, ApiError> {
        Ok(Self {
            label: fields.required("label", rule::text(1, 120))?,
            scopes: fields
                .required("scopes", rule::some_of(SCOPES, scope_name))?
                .into_iter()
                .collect(),
            expires_at: fields.optional("expires_at", rule::moment)?,
            allowed_models: fields
                .optional("allowed_models", rule::patterns)?
                .unwrap_or_default(),
            limits: limits::of(fields)?,
        })
    }
}

/// The key is made and in force. `maker` is the key it is made with; nothing where the operator makes it.
async fn make(
    console: &Console,
    workspace: WorkspaceId,
    new: NewVirtualKey,
    maker: Option<&VirtualKey>,
) -> Result<Created<IssuedVirtualKey>, ApiError> {
    let now = console.now();
    if new.expires_at.is_some_and(|expiry| expiry <= now) {
        return Err(ApiError::invalid(
            "expires_at",
            "`expires_at` lies in the past; give a time that is still to come.",
        ));
    }
    let asked = Grant {
        scopes: new.scopes,
        allowed_models: new.allowed_models,
        limits: new.limits.into(),
        expires_at: new.expires_at,
    };
    let granted = match maker {
        Some(maker) => asked.within(maker)?,
        None => asked,
    };
    let minted =
        virtual_key::mint(&*console.entropy, console.keyring.pepper(), workspace).map_err(|error| {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "no virtual key can be made"
            );
            ApiError::internal()
        })?;
    let key = VirtualKey {
        id: VirtualKeyId::new(&*console.ids),
        workspace,
        label: new.label,
        public_id: minted.public_id.to_string(),
        hash: minted.hash,
        scopes: granted.scopes,
        allowed_models: granted.allowed_models,
        limits: granted.limits,
        expires_at: granted.expires_at,
        created_at: now,
    };
    console.store.create_virtual_key(&key).await?;
    console.put_in_force().await;
    Ok(Created(IssuedVirtualKey {
        key: minted.show_once(),
        kept: key.into(),
    }))
}

async fn part_of_list(
    console: &Console,
    workspace: WorkspaceId,
    query: Query,
) -> Result<Json<List<VirtualKeyReply>>, ApiError> {
    let page = console.store.virtual_keys(workspace, query.page_only()?).await?;
    Ok(Json(List::of(page, VirtualKeyReply::from)))
}

async fn remove(
    console: &Console,
    workspace: WorkspaceId,
    id: VirtualKeyId,
) -> Result<Json<Deleted>, ApiError> {
    if !console.store.delete_virtual_key(workspace, id).await? {
        return Err(ApiError::not_found(NOUN));
    }
    console.put_in_force().await;
    Ok(Deleted::new(id, OBJECT))
}

/// List a workspace's virtual keys
#[utoipa::path(get, path = "/admin/v1/workspaces/{id}/virtual-keys", operation_id = "list_workspace_virtual_keys", tag = "virtual keys",
    params(PageParams, ("id" = String, Path, description = "Id of the workspace.")),
    responses((status = 200, description = "Virtual keys, newest first.", body = List<VirtualKeyReply>)))]
pub(crate) async fn list_for_operator(
    State(console): State<Arc<Console>>,
    segments: Segments,
    query: Query,
) -> Result<Json<List<VirtualKeyReply>>, ApiError> {
    let workspace = workspaces::of_path(&console, &segments).await?;
    part_of_list(&console, workspace.id, query).await
}

/// Make a virtual key for a workspace
///
/// The key itself is in this reply and nowhere else.
#[utoipa::path(post, path = "/admin/v1/workspaces/{id}/virtual-keys", operation_id = "create_workspace_virtual_key", tag = "virtual keys", request_body = NewVirtualKey,
    params(("id" = String, Path, description = "Id of the workspace.")),
    responses((status = 201, description = "The virtual key, shown this once.", body = IssuedVirtualKey)))]
pub(crate) async fn create_for_operator(
    State(console): State<Arc<Console>>,
    segments: Segments,
    Body(new): Body<NewVirtualKey>,
) -> Result<Created<IssuedVirtualKey>, ApiError> {
    let workspace = workspaces::of_path(&console, &segments).await?;
    make(&console, workspace.id, new, None).await
}

/// Delete a workspace's virtual key
#[utoipa::path(delete, path = "/admin/v1/workspaces/{id}/virtual-keys/{key_id}", operation_id = "delete_workspace_virtual_key", tag = "virtual keys",
    params(("id" = String, Path, description = "Id of the workspace."), ("key_id" = String, Path, description = "Id of the virtual key.")),
    responses((status = 200, description = "The virtual key is gone and refused from now on.", body = Deleted)))]
pub(crate) async fn delete_for_operator(
    State(console): State<Arc<Console>>,
    segments: Segments,
) -> Result<Json<Deleted>, ApiError> {
    let workspace = workspaces::of_path(&console, &segments).await?;
    remove(&console, workspace.id, segments.id(1, NOUN)?).await
}

/// List virtual keys
#[utoipa::path(get, path = "/v1/virtual-keys", operation_id = "list_virtual_keys", tag = "virtual keys",
    params(PageParams),
    responses((status = 200, description = "Virtual keys of this workspace, newest first.", body = List<VirtualKeyReply>)))]
pub(crate) async fn list(
    State(console): State<Arc<Console>>,
    caller: Caller,
    query: Query,
) -> Result<Json<List<VirtualKeyReply>>, ApiError> {
    part_of_list(&console, caller.workspace(), query).await
}

/// Make a virtual key
///
/// It can do at most what the key it is made with can: scopes, models, limits and lifetime that go further are refused, and
/// those left out are taken over from that key. The key itself is in this reply and nowhere else.
#[utoipa::path(post, path = "/v1/virtual-keys", operation_id = "create_virtual_key", tag = "virtual keys", request_body = NewVirtualKey,
    responses((status = 201, description = "The virtual key, shown this once.", body = IssuedVirtualKey)))]
pub(crate) async fn create(
    State(console): State<Arc<Console>>,
    caller: Caller,
    Body(new): Body<NewVirtualKey>,
) -> Result<Created<IssuedVirtualKey>, ApiError> {
    make(&console, caller.workspace(), new, Some(&caller.key)).await
}

/// Delete a virtual key
#[utoipa::path(delete, path = "/v1/virtual-keys/{id}", operation_id = "delete_virtual_key", tag = "virtual keys",
    params(("id" = String, Path, description = "Id of the virtual key.")),
    responses((status = 200, description = "The virtual key is gone and refused from now on.", body = Deleted)))]
pub(crate) async fn delete(
    State(console): State<Arc<Console>>,
    caller: Caller,
    segments: Segments,
) -> Result<Json<Deleted>, ApiError> {
    remove(&console, caller.workspace(), segments.id(0, NOUN)?).await
}
