//! What every reply has in common: an id, no caching, lists with a cursor, deletions that say what is gone.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use freehold_domain::id::RequestId;
use freehold_domain::port::Page;
use http::{HeaderName, HeaderValue, StatusCode, header};
use serde::Serialize;
use utoipa::ToSchema;

use crate::Console;
use crate::error::ApiError;
use crate::query::cursor_text;

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The reply with the headers that all replies carry, and with a body where it is a refusal.
///
/// The request takes the console along, for the guard that stands before the handler.
pub(crate) async fn finish(
    State(console): State<Arc<Console>>,
    mut request: Request,
    next: Next,
) -> Response {
    let request_id = RequestId::new(&*console.ids);
    request.extensions_mut().insert(console);
    let mut response = next.run(request).await;
    if let Some(error) = response.extensions_mut().remove::<ApiError>() {
        let headers = std::mem::take(response.headers_mut());
        response = error.render(request_id);
        // `Allow` of a refused method is worth keeping; a length of the body that is no more is not.
        if let Some(allow) = headers.get(header::ALLOW) {
            response.headers_mut().insert(header::ALLOW, allow.clone());
        }
    }
    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::from_str(&request_id.to_string()) {
        headers.insert(X_REQUEST_ID, value);
    }
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    response
}

/// A reply that says that something new is there.
pub(crate) struct Created<T>(pub(crate) T);

impl<T: Serialize> IntoResponse for Created<T> {
    fn into_response(self) -> Response {
        (StatusCode::CREATED, Json(self.0)).into_response()
    }
}

/// Part of a list, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct List<T> {
    /// Always `list`.
    #[schema(example = "list")]
    object: &'static str,
    /// The items, newest first.
    data: Vec<T>,
    /// What to give as `cursor` for the next part; null at the end.
    #[schema(required = true, example = json!(null))]
    next_cursor: Option<String>,
}

impl<T> List<T> {
    /// The page as a reply, each item shown by `show`.
    pub(crate) fn of<I>(page: Page<I>, show: impl FnMut(I) -> T) -> Self {
        Self::new(
            page.items.into_iter().map(show).collect(),
            page.next.map(cursor_text),
        )
    }

    /// A list made elsewhere than in the store.
    pub(crate) fn new(data: Vec<T>, next_cursor: Option<String>) -> Self {
        Self {
            object: "list",
            data,
            next_cursor,
        }
    }
}

/// Says that something is gone for good.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"id": "pk_0192f0c1e2a37b4c8d5e6f7081920a1a", "object": "provider_key", "deleted": true}))]
pub(crate) struct Deleted {
    /// What was deleted.
    id: String,
    /// What kind of thing it was.
    object: &'static str,
    /// Always true.
    deleted: bool,
}

impl Deleted {
    /// The reply that the `object` called `id` is gone.
    pub(crate) fn new(id: impl ToString, object: &'static str) -> Json<Self> {
        Json(Self {
            id: id.to_string(),
            object,
            deleted: true,
        })
    }
}
