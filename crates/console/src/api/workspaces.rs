//! Workspaces, as the operator sees and changes them.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use freehold_domain::id::WorkspaceId;
use freehold_domain::port::PortError;
use freehold_domain::time::Timestamp;
use freehold_domain::workspace::{FallbackPolicy, Workspace};
use serde::Serialize;
use utoipa::ToSchema;

use crate::Console;
use crate::body::{Body, Input};
use crate::error::{ApiError, Code};
use crate::fields::Fields;
use crate::query::{PageParams, Query};
use crate::reply::{Created, Deleted, List};
use crate::rule;
use crate::segment::Segments;
use crate::vocabulary::{FALLBACKS, FallbackName};

const NOUN: &str = "workspace";
/// The plan of a workspace that was made without one: the smallest that is built in.
const PLAN_DEFAULT: &str = "free";
const NAME_CHARS_MAX: usize = 120;

/// A workspace.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Workspace, example = json!({
    "id": "ws_0192f0c1e2a37b4c8d5e6f7081920a1a", "object": "workspace", "name": "Acme", "plan": "pro",
    "fallback": "when_missing", "time_zone": "Europe/Berlin",
    "created_at": "2026-11-21T09:00:00Z", "updated_at": "2026-11-21T09:00:00Z"
}))]
pub(crate) struct WorkspaceReply {
    /// Its id.
    #[schema(value_type = String)]
    id: WorkspaceId,
    /// Always `workspace`.
    object: &'static str,
    /// What people call it.
    name: String,
    /// Name of its plan.
    plan: String,
    /// When its requests may be paid with the platform's keys.
    #[schema(value_type = FallbackName)]
    fallback: &'static str,
    /// IANA name of the time zone its days and months begin in.
    time_zone: String,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// When it was last changed.
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
}

impl From<Workspace> for WorkspaceReply {
    fn from(workspace: Workspace) -> Self {
        Self {
            id: workspace.id,
            object: NOUN,
            name: workspace.name,
            plan: workspace.plan,
            fallback: workspace.fallback.as_str(),
            time_zone: workspace.time_zone,
            created_at: workspace.created_at,
            updated_at: workspace.updated_at,
        }
    }
}

/// A workspace to be made.
#[derive(Debug, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "Acme", "plan": "pro", "fallback": "when_missing", "time_zone": "Europe/Berlin"}))]
pub(crate) struct NewWorkspace {
    /// What people call it; unique.
    #[schema(min_length = 1, max_length = 120)]
    name: String,
    /// Name of its plan; `free` if left out.
    plan: Option<String>,
    /// When its requests may be paid with the platform's keys; `when_missing` if left out.
    #[schema(value_type = Option<FallbackName>)]
    fallback: Option<FallbackPolicy>,
    /// IANA name of the time zone its days and months begin in; `UTC` if left out.
    time_zone: Option<String>,
}

impl Input for NewWorkspace {
    const FIELDS: &'static [&'static str] = &["name", "plan", "fallback", "time_zone"];

    fn read(fields: &mut Fields<'_>) -> Result<Self, ApiError> {
        Ok(Self {
            name: fields.required("name", rule::text(1, NAME_CHARS_MAX))?,
            plan: fields.optional("plan", rule::raw_text)?,
            fallback: fields.optional("fallback", rule::one_of(FALLBACKS, FallbackPolicy::as_str))?,
            time_zone: fields.optional("time_zone", rule::time_zone)?,
        })
    }
}

/// What is to change about a workspace; what is left out stays.
#[derive(Debug, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"plan": "team"}))]
pub(crate) struct WorkspaceChange {
    /// What people call it; unique.
    #[schema(nullable = false, min_length = 1, max_length = 120)]
    name: Option<String>,
    /// Name of its plan.
    #[schema(nullable = false)]
    plan: Option<String>,
    /// When its requests may be paid with the platform's keys.
    #[schema(value_type = Option<FallbackName>, nullable = false)]
    fallback: Option<FallbackPolicy>,
    /// IANA name of the time zone its days and months begin in.
    #[schema(nullable = false)]
    time_zone: Option<String>,
}

impl Input for WorkspaceChange {
    const FIELDS: &'static [&'static str] = NewWorkspace::FIELDS;

    fn read(fields: &mut Fields<'_>) -> Result<Self, ApiError> {
        Ok(Self {
            name: fields.replaced("name", rule::text(1, NAME_CHARS_MAX))?,
            plan: fields.replaced("plan", rule::raw_text)?,
            fallback: fields.replaced("fallback", rule::one_of(FALLBACKS, FallbackPolicy::as_str))?,
            time_zone: fields.replaced("time_zone", rule::time_zone)?,
        })
    }
}

/// The workspace that the path names.
///
/// The platform's own is none that anybody may see or change here; its keys are at `/admin/v1/platform-keys`.
pub(crate) async fn of_path(console: &Console, segments: &Segments) -> Result<Workspace, ApiError> {
    let id: WorkspaceId = segments.id(0, NOUN)?;
    find(console, id).await
}

/// The workspace of this id, unless it is the platform's.
pub(crate) async fn find(console: &Console, id: WorkspaceId) -> Result<Workspace, ApiError> {
    let found = if id == WorkspaceId::PLATFORM {
        None
    } else {
        console.store.workspace(id).await?
    };
    found.ok_or_else(|| ApiError::not_found(NOUN))
}

/// A workspace conflicts with another by its name alone: ids are never handed out twice.
fn name_taken(error: PortError) -> ApiError {
    match error {
        PortError::Conflict(_) => {
            let message = "There is a workspace of this name already; choose another `name`.";
            ApiError::new(Code::Conflict, message).about("name")
        }
        other => other.into(),
    }
}

async fn plan_must_exist(console: &Console, name: &str) -> Result<(), ApiError> {
    let book = console.plan_book().await?;
    if book.get(name).is_some() {
        return Ok(());
    }
    Err(ApiError::invalid(
        "plan",
        format!("`plan` names no plan there is; there are {}.", book.names()),
    ))
}

/// List workspaces
#[utoipa::path(get, path = "/admin/v1/workspaces", operation_id = "list_workspaces", tag = "workspaces",
    params(PageParams),
    responses((status = 200, description = "Workspaces, newest first.", body = List<WorkspaceReply>)))]
pub(crate) async fn list(
    State(console): State<Arc<Console>>,
    query: Query,
) -> Result<Json<List<WorkspaceReply>>, ApiError> {
    let page = console.store.workspaces(query.page_only()?).await?;
    Ok(Json(List::of(page, WorkspaceReply::from)))
}

/// Make a workspace
///
/// It has a data key of its own from the start, under which its provider keys are sealed.
#[utoipa::path(post, path = "/admin/v1/workspaces", operation_id = "create_workspace", tag = "workspaces", request_body = NewWorkspace,
    responses((status = 201, description = "The workspace is there.", body = WorkspaceReply)))]
pub(crate) async fn create(
    State(console): State<Arc<Console>>,
    Body(new): Body<NewWorkspace>,
) -> Result<Created<WorkspaceReply>, ApiError> {
    let plan = new.plan.unwrap_or_else(|| PLAN_DEFAULT.to_owned());
    plan_must_exist(&console, &plan).await?;
    let now = console.now();
    let workspace = Workspace {
        id: WorkspaceId::new(&*console.ids),
        name: new.name,
        plan,
        fallback: new.fallback.unwrap_or_default(),
        time_zone: new.time_zone.unwrap_or_else(|| "UTC".to_owned()),
        created_at: now,
        updated_at: now,
    };
    let data_key = console
        .keyring
        .create_data_key(workspace.id, 1, &*console.entropy)?;
    console
        .store
        .create_workspace(&workspace, &data_key)
        .await
        .map_err(name_taken)?;
    if let Err(error) = console.keyring.load(&data_key) {
        // Just wrapped by the same keyring, so this is a fault in the vault; the refresh that follows tries again.
        tracing::error!(
            error = &error as &dyn std::error::Error,
            "a new data key does not open"
        );
    }
    console.put_in_force().await;
    Ok(Created(workspace.into()))
}

/// Show a workspace
#[utoipa::path(get, path = "/admin/v1/workspaces/{id}", operation_id = "show_workspace", tag = "workspaces",
    params(("id" = String, Path, description = "Id of the workspace.")),
    responses((status = 200, description = "The workspace.", body = WorkspaceReply)))]
pub(crate) async fn show(
    State(console): State<Arc<Console>>,
    segments: Segments,
) -> Result<Json<WorkspaceReply>, ApiError> {
    Ok(Json(of_path(&console, &segments).await?.into()))
}

/// Change a workspace
///
/// What is left out stays as it is.
#[utoipa::path(patch, path = "/admin/v1/workspaces/{id}", operation_id = "change_workspace", tag = "workspaces", request_body = WorkspaceChange,
    params(("id" = String, Path, description = "Id of the workspace.")),
    responses((status = 200, description = "The workspace as it is now.", body = WorkspaceReply)))]
pub(crate) async fn change(
    State(console): State<Arc<Console>>,
    segments: Segments,
    Body(change): Body<WorkspaceChange>,
) -> Result<Json<WorkspaceReply>, ApiError> {
    let mut workspace = of_path(&console, &segments).await?;
    if let Some(plan) = change.plan {
        plan_must_exist(&console, &plan).await?;
        workspace.plan = plan;
    }
    workspace.name = change.name.unwrap_or(workspace.name);
    workspace.fallback = change.fallback.unwrap_or(workspace.fallback);
    workspace.time_zone = change.time_zone.unwrap_or(workspace.time_zone);
    workspace.updated_at = console.now();
    console
        .store
        .update_workspace(&workspace)
        .await
        .map_err(name_taken)?;
    console.put_in_force().await;
    Ok(Json(workspace.into()))
}

/// Delete a workspace
///
/// Its keys are gone and its data key is destroyed, so nothing that was sealed for it can ever be opened again. Usage records
/// and ledger entries stay.
#[utoipa::path(delete, path = "/admin/v1/workspaces/{id}", operation_id = "delete_workspace", tag = "workspaces",
    params(("id" = String, Path, description = "Id of the workspace.")),
    responses((status = 200, description = "The workspace is gone.", body = Deleted)))]
pub(crate) async fn delete(
    State(console): State<Arc<Console>>,
    segments: Segments,
) -> Result<Json<Deleted>, ApiError> {
    let workspace = of_path(&console, &segments).await?;
    if !console.store.delete_workspace(workspace.id).await? {
        return Err(ApiError::not_found(NOUN));
    }
    // After the refresh nothing on this node looks for the data key any more.
    console.put_in_force().await;
    console.keyring.forget(workspace.id);
    Ok(Deleted::new(workspace.id, NOUN))
}
