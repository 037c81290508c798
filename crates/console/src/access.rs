//! Who may call what: the operator by token, a workspace by virtual key and scope. Every route names its access.

use std::sync::Arc;

use axum::extract::{FromRequestParts, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use freehold_domain::id::WorkspaceId;
use freehold_domain::key::{Scope, VirtualKey};
use freehold_vault::virtual_key;
use http::request::Parts;
use http::{HeaderMap, header};

use crate::Console;
use crate::error::{ApiError, Code};
use crate::vocabulary::scope_name;

/// Finds virtual keys in memory. The gateway's snapshot is one.
pub trait CallerLookup: Send + Sync {
    /// The virtual key of this public id, as it is in force on this node.
    fn virtual_key(&self, public_id: &str) -> Option<Arc<VirtualKey>>;
}

/// What a caller must be allowed to use a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// Runs the installation.
    Operator,
    /// Changes the workspace's keys.
    Manage,
    /// Sees the workspace's keys: for who reads, and for who manages them.
    ReadOrManage,
    /// Sees the workspace's records and credits.
    Read,
}

impl Access {
    /// Scopes any of which is enough; none for the operator, whose token has no scopes.
    pub(crate) const fn scopes(self) -> &'static [Scope] {
        match self {
            Self::Operator => &[],
            Self::Manage => &[Scope::Manage],
            Self::ReadOrManage => &[Scope::Read, Scope::Manage],
            Self::Read => &[Scope::Read],
        }
    }
}

/// A workspace's caller, known and allowed.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    /// The virtual key that was presented.
    pub(crate) key: Arc<VirtualKey>,
}

impl Caller {
    /// The workspace the caller acts in.
    pub(crate) fn workspace(&self) -> WorkspaceId {
        self.key.workspace
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        // Only a route whose access is a workspace's has a caller; another that asks for one is refused, not let in.
        parts.extensions.get::<Self>().cloned().ok_or_else(unknown_caller)
    }
}

/// Lets the request through to its handler if its credential has the access that the route asks for.
pub(crate) async fn guard(
    State(access): State<Access>,
    mut request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    let console = request
        .extensions()
        .get::<Arc<Console>>()
        .cloned()
        .ok_or_else(ApiError::internal)?;
    if access == Access::Operator {
        must_be_operator(&console, request.headers())?;
    } else {
        let caller = caller(&console, request.headers())?;
        must_have_scope(&caller, access)?;
        request.extensions_mut().insert(caller);
    }
    Ok(next.run(request).await)
}

fn must_be_operator(console: &Console, headers: &HeaderMap) -> Result<(), ApiError> {
    bearer(headers)
        .filter(|token| {
            console
                .keyring
                .is_operator_token(token, &console.operator_token_hash)
        })
        .map(|_| ())
        .ok_or_else(|| {
            ApiError::new(
                Code::InvalidApiKey,
                "The operator token is missing or not valid. Send it as `Authorization: Bearer`.",
            )
        })
}

fn caller(console: &Console, headers: &HeaderMap) -> Result<Caller, ApiError> {
    let presented = presented(headers)
        .and_then(virtual_key::parse)
        .ok_or_else(unknown_caller)?;
    let known = console.callers.virtual_key(presented.public_id().as_str());
    // Hashed even where nobody is known by that name, so that the time taken does not tell.
    let (workspace, kept) = known.as_ref().map_or((WorkspaceId::PLATFORM, &[0; 32]), |key| {
        (key.workspace, &key.hash)
    });
    let is_theirs = console.keyring.is_virtual_key(&presented, workspace, kept);
    known
        .filter(|key| is_theirs && key.is_live(console.now()))
        .map(|key| Caller { key })
        .ok_or_else(unknown_caller)
}

fn must_have_scope(caller: &Caller, access: Access) -> Result<(), ApiError> {
    if access
        .scopes()
        .iter()
        .any(|scope| caller.key.scopes.contains(scope))
    {
        return Ok(());
    }
    let needed = access
        .scopes()
        .iter()
        .map(|scope| format!("`{}`", scope_name(*scope)))
        .collect::<Vec<_>>()
        .join(" or ");
    Err(ApiError::new(
        Code::InsufficientScope,
        format!(
            "This virtual key lacks the scope {needed}. Use one that has it, or have the operator make one."
        ),
    ))
}

/// The same answer whatever is wrong with the key: whoever guesses learns nothing.
fn unknown_caller() -> ApiError {
    ApiError::new(
        Code::InvalidApiKey,
        "The virtual key is missing or not valid. Send a key that starts with fh_ as `Authorization: Bearer`.",
    )
}

/// Headers besides `Authorization` in which the clients of different providers send a key.
pub(crate) const KEY_HEADERS: [&str; 3] = ["x-api-key", "api-key", "x-goog-api-key"];

/// The credential of a workspace's caller. `Authorization` decides where it is there.
fn presented(headers: &HeaderMap) -> Option<&[u8]> {
    if headers.contains_key(header::AUTHORIZATION) {
        return bearer(headers);
    }
    KEY_HEADERS
        .iter()
        .find_map(|name| headers.get(*name))
        .map(|value| value.as_bytes().trim_ascii())
}

fn bearer(headers: &HeaderMap) -> Option<&[u8]> {
    let value = headers.get(header::AUTHORIZATION)?;
    let (scheme, token) = value.as_bytes().split_at_checked("bearer ".len())?;
    scheme
        .eq_ignore_ascii_case(b"bearer ")
        .then(|| token.trim_ascii())
}
