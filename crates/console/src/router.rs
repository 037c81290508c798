//! All routes of the management API on one screen, each with the access it asks for.

use std::sync::Arc;

use axum::Router;
use axum::handler::Handler;
use axum::middleware::from_fn_with_state;
use axum::routing::{MethodFilter, any, on};
use http::Method;

use crate::Console;
use crate::access::Access::{self, Manage, Operator, Read, ReadOrManage};
use crate::access::guard;
use crate::api::{credits, plans, platform_keys, provider_keys, usage_records, virtual_keys, workspaces};
use crate::error::{ApiError, Code};
use crate::reply::finish;

/// A route as documentation and tests see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Route {
    pub(crate) method: Method,
    pub(crate) path: &'static str,
    pub(crate) access: Access,
}

/// Every route, to be served and to be told of.
pub(crate) struct Routes {
    assembled: Router<Arc<Console>>,
    listed: Vec<Route>,
}

/// Every route of the management API.
#[rustfmt::skip]
pub(crate) fn routes() -> Routes {
    const WORKSPACES: &str = "/admin/v1/workspaces";
    const WORKSPACE: &str = "/admin/v1/workspaces/{id}";
    const ITS_KEYS: &str = "/admin/v1/workspaces/{id}/virtual-keys";
    const ITS_KEY: &str = "/admin/v1/workspaces/{id}/virtual-keys/{key_id}";
    const ITS_CREDITS: &str = "/admin/v1/workspaces/{id}/credits";
    const PLAN: &str = "/admin/v1/plans/{name}";
    const PLATFORM_KEYS: &str = "/admin/v1/platform-keys";
    const PLATFORM_KEY: &str = "/admin/v1/platform-keys/{id}";
    const PROVIDER_KEYS: &str = "/v1/byok/providers";
    const PROVIDER_KEY: &str = "/v1/byok/providers/{id}";
    const VIRTUAL_KEYS: &str = "/v1/virtual-keys";

    Routes::none()
        .on(Method::GET,    WORKSPACES,    Operator,     workspaces::list)
        .on(Method::POST,   WORKSPACES,    Operator,     workspaces::create)
        .on(Method::GET,    WORKSPACE,     Operator,     workspaces::show)
        .on(Method::PATCH,  WORKSPACE,     Operator,     workspaces::change)
        .on(Method::DELETE, WORKSPACE,     Operator,     workspaces::delete)
        .on(Method::GET,    ITS_KEYS,      Operator,     virtual_keys::list_for_operator)
        .on(Method::POST,   ITS_KEYS,      Operator,     virtual_keys::create_for_operator)
        .on(Method::DELETE, ITS_KEY,       Operator,     virtual_keys::delete_for_operator)
        .on(Method::GET,    ITS_CREDITS,   Operator,     credits::show_for_operator)
        .on(Method::POST,   ITS_CREDITS,   Operator,     credits::grant)
        .on(Method::GET,    "/admin/v1/plans", Operator, plans::list)
        .on(Method::GET,    PLAN,          Operator,     plans::show)
        .on(Method::PUT,    PLAN,          Operator,     plans::put)
        .on(Method::DELETE, PLAN,          Operator,     plans::delete)
        .on(Method::GET,    PLATFORM_KEYS, Operator,     platform_keys::list)
        .on(Method::POST,   PLATFORM_KEYS, Operator,     platform_keys::create)
        .on(Method::DELETE, PLATFORM_KEY,  Operator,     platform_keys::delete)
        .on(Method::GET,    PROVIDER_KEYS, ReadOrManage, provider_keys::list)
        .on(Method::POST,   PROVIDER_KEYS, Manage,       provider_keys::create)
        .on(Method::GET,    PROVIDER_KEY,  ReadOrManage, provider_keys::show)
        .on(Method::PUT,    PROVIDER_KEY,  Manage,       provider_keys::change)
        .on(Method::DELETE, PROVIDER_KEY,  Manage,       provider_keys::delete)
        .on(Method::POST,   "/v1/byok/providers/{id}/validate", Manage, provider_keys::validate)
        .on(Method::GET,    VIRTUAL_KEYS,  ReadOrManage, virtual_keys::list)
        .on(Method::POST,   VIRTUAL_KEYS,  Manage,       virtual_keys::create)
        .on(Method::DELETE, "/v1/virtual-keys/{id}", Manage, virtual_keys::delete)
        .on(Method::GET,    "/v1/usage/records", Read,   usage_records::list)
        .on(Method::GET,    "/v1/usage/records/{request_id}", Read, usage_records::show)
        .on(Method::GET,    "/v1/credits", Read,         credits::show)
}

impl Routes {
    fn none() -> Self {
        Self {
            assembled: Router::new(),
            listed: Vec::new(),
        }
    }

    /// A route that `handler` answers to callers who have `access`. There is no way to add one without.
    fn on<H, T>(mut self, method: Method, path: &'static str, access: Access, handler: H) -> Self
    where
        H: Handler<T, Arc<Console>>,
        T: 'static,
    {
        let filter = MethodFilter::try_from(method.clone()).unwrap_or(MethodFilter::TRACE);
        let guarded = on(filter, handler).route_layer(from_fn_with_state(access, guard));
        self.assembled = self.assembled.route(path, guarded);
        self.listed.push(Route { method, path, access });
        self
    }

    /// Every route with its access.
    pub(crate) fn into_list(self) -> Vec<Route> {
        self.listed
    }

    /// The routes, served by `console`.
    pub(crate) fn served_by(self, console: Arc<Console>) -> Router {
        self.assembled
            .method_not_allowed_fallback(wrong_method)
            .route("/admin/{*rest}", any(wrong_path))
            .route_layer(from_fn_with_state(Arc::clone(&console), finish))
            .with_state(console)
    }
}

async fn wrong_method() -> ApiError {
    ApiError::new(
        Code::MethodNotAllowed,
        "This address does not take this method; the `Allow` header names those it takes.",
    )
}

/// Nothing but the management API lives below `/admin`.
async fn wrong_path() -> ApiError {
    ApiError::not_found("address")
}
