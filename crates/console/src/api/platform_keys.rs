//! The platform's own provider keys: the operator's, shown and sealed like anybody's.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use freehold_domain::id::WorkspaceId;

use super::provider_keys::{self, NewProviderKey, ProviderKeyReply};
use crate::Console;
use crate::body::Body;
use crate::error::ApiError;
use crate::query::{PageParams, Query};
use crate::reply::{Created, Deleted, List};
use crate::segment::Segments;

/// List platform keys
///
/// Those stored here. Keys of the configuration file are not among them.
#[utoipa::path(get, path = "/admin/v1/platform-keys", operation_id = "list_platform_keys", tag = "platform keys",
    params(PageParams),
    responses((status = 200, description = "The platform's provider keys, newest first.", body = List<ProviderKeyReply>)))]
pub(crate) async fn list(
    State(console): State<Arc<Console>>,
    query: Query,
) -> Result<Json<List<ProviderKeyReply>>, ApiError> {
    provider_keys::part_of_list(&console, WorkspaceId::PLATFORM, query).await
}

/// Store a platform key
///
/// Requests that it pays for are charged in credits. `fallback` means nothing for it.
#[utoipa::path(post, path = "/admin/v1/platform-keys", operation_id = "create_platform_key", tag = "platform keys", request_body = NewProviderKey,
    responses((status = 201, description = "The key is stored and in use.", body = ProviderKeyReply)))]
pub(crate) async fn create(
    State(console): State<Arc<Console>>,
    Body(new): Body<NewProviderKey>,
) -> Result<Created<ProviderKeyReply>, ApiError> {
    provider_keys::store(&console, WorkspaceId::PLATFORM, new).await
}

/// Delete a platform key
#[utoipa::path(delete, path = "/admin/v1/platform-keys/{id}", operation_id = "delete_platform_key", tag = "platform keys",
    params(("id" = String, Path, description = "Id of the provider key.")),
    responses((status = 200, description = "The key is gone.", body = Deleted)))]
pub(crate) async fn delete(
    State(console): State<Arc<Console>>,
    segments: Segments,
) -> Result<Json<Deleted>, ApiError> {
    provider_keys::remove(&console, WorkspaceId::PLATFORM, &segments).await
}
