//! A workspace's provider keys: stored, seen without the key, changed, checked, deleted.

mod input;
mod keeping;
mod reply;

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use freehold_domain::id::{ProviderKeyId, WorkspaceId};
use freehold_domain::port::ValidateError;

pub(crate) use self::input::{NewProviderKey, ProviderKeyChange};
use self::keeping::{NOUN, find};
pub(crate) use self::reply::{ProviderKeyReply, ValidationReply};
use crate::Console;
use crate::access::Caller;
use crate::body::Body;
use crate::error::ApiError;
use crate::query::{PageParams, Query};
use crate::reply::{Created, Deleted, List};
use crate::segment::Segments;

/// One page of the workspace's provider keys.
pub(crate) async fn part_of_list(
    console: &Console,
    workspace: WorkspaceId,
    query: Query,
) -> Result<Json<List<ProviderKeyReply>>, ApiError> {
    let page = console.store.provider_keys(workspace, query.page_only()?).await?;
    Ok(Json(List::of(page, |key| {
        ProviderKeyReply::of(key, &*console.data_plane)
    })))
}

/// The new key is stored for the workspace.
pub(crate) async fn store(
    console: &Console,
    workspace: WorkspaceId,
    new: NewProviderKey,
) -> Result<Created<ProviderKeyReply>, ApiError> {
    keeping::store(console, workspace, new).await.map(Created)
}

/// The workspace's key is gone for good.
pub(crate) async fn remove(
    console: &Console,
    workspace: WorkspaceId,
    segments: &Segments,
) -> Result<Json<Deleted>, ApiError> {
    let id: ProviderKeyId = segments.id(0, NOUN)?;
    if !console.store.delete_provider_key(workspace, id).await? {
        return Err(ApiError::not_found(NOUN));
    }
    console.put_in_force().await;
    Ok(Deleted::new(id, reply::OBJECT))
}

/// List provider keys
#[utoipa::path(get, path = "/v1/byok/providers", operation_id = "list_provider_keys", tag = "provider keys",
    params(PageParams),
    responses((status = 200, description = "Provider keys of this workspace, newest first.", body = List<ProviderKeyReply>)))]
pub(crate) async fn list(
    State(console): State<Arc<Console>>,
    caller: Caller,
    query: Query,
) -> Result<Json<List<ProviderKeyReply>>, ApiError> {
    part_of_list(&console, caller.workspace(), query).await
}

/// Store a provider key
///
/// The key is sealed at once, for this workspace and its destination alone. It is never shown again, by nobody and to nobody.
#[utoipa::path(post, path = "/v1/byok/providers", operation_id = "create_provider_key", tag = "provider keys", request_body = NewProviderKey,
    responses((status = 201, description = "The key is stored and in use.", body = ProviderKeyReply)))]
pub(crate) async fn create(
    State(console): State<Arc<Console>>,
    caller: Caller,
    Body(new): Body<NewProviderKey>,
) -> Result<Created<ProviderKeyReply>, ApiError> {
    store(&console, caller.workspace(), new).await
}

/// Show a provider key
#[utoipa::path(get, path = "/v1/byok/providers/{id}", operation_id = "show_provider_key", tag = "provider keys",
    params(("id" = String, Path, description = "Id of the provider key.")),
    responses((status = 200, description = "All that is known about the key, and nothing of the key.", body = ProviderKeyReply)))]
pub(crate) async fn show(
    State(console): State<Arc<Console>>,
    caller: Caller,
    segments: Segments,
) -> Result<Json<ProviderKeyReply>, ApiError> {
    let key = find(&console, caller.workspace(), segments.id(0, NOUN)?).await?;
    Ok(Json(ProviderKeyReply::of(key, &*console.data_plane)))
}

/// Change or rotate a provider key
///
/// What is left out stays; `null` empties what can be empty. With `api_key` the key is rotated: id, history and limits stay,
/// its status is unknown again, and running requests finish on the old key. A new `base_url` needs `api_key` again.
#[utoipa::path(put, path = "/v1/byok/providers/{id}", operation_id = "change_provider_key", tag = "provider keys", request_body = ProviderKeyChange,
    params(("id" = String, Path, description = "Id of the provider key.")),
    responses(
        (status = 200, description = "The key as it is now.", body = ProviderKeyReply),
        (status = 409, description = "Somebody else changed it at the same time, twice.", body = crate::error::ErrorReply)))]
pub(crate) async fn change(
    State(console): State<Arc<Console>>,
    caller: Caller,
    segments: Segments,
    Body(change): Body<ProviderKeyChange>,
) -> Result<Json<ProviderKeyReply>, ApiError> {
    let id = segments.id(0, NOUN)?;
    keeping::change(&console, caller.workspace(), id, &change)
        .await
        .map(Json)
}

/// Delete a provider key
///
/// Its ciphertext is overwritten.
#[utoipa::path(delete, path = "/v1/byok/providers/{id}", operation_id = "delete_provider_key", tag = "provider keys",
    params(("id" = String, Path, description = "Id of the provider key.")),
    responses((status = 200, description = "The key is gone.", body = Deleted)))]
pub(crate) async fn delete(
    State(console): State<Arc<Console>>,
    caller: Caller,
    segments: Segments,
) -> Result<Json<Deleted>, ApiError> {
    remove(&console, caller.workspace(), &segments).await
}

/// Check a provider key
///
/// Tries the stored key at its stored destination with a call that costs nothing, and answers what is known of it now. A
/// time-out, a rate limit or an error of the provider decides nothing and leaves the status as it was. Takes no body.
#[utoipa::path(post, path = "/v1/byok/providers/{id}/validate", operation_id = "validate_provider_key", tag = "provider keys",
    params(("id" = String, Path, description = "Id of the provider key.")),
    responses((status = 200, description = "The key, with what the check found in `validation`.", body = ProviderKeyReply)))]
pub(crate) async fn validate(
    State(console): State<Arc<Console>>,
    caller: Caller,
    segments: Segments,
) -> Result<Json<ProviderKeyReply>, ApiError> {
    let id = segments.id(0, NOUN)?;
    let mut key = find(&console, caller.workspace(), id).await?;
    let checked = console
        .data_plane
        .validate(caller.workspace(), id)
        .await
        .map_err(|error| match error {
            ValidateError::Missing(_) => ApiError::not_found(NOUN),
            ValidateError::Port(error) => error.into(),
        })?;
    key.health = checked.health;
    let validation = ValidationReply {
        result: checked.result,
        decided: checked.decided,
    };
    Ok(Json(ProviderKeyReply::from(key).with_validation(validation)))
}
