//! Which request goes where: inference to the gateway, management to the console, and the few pages of the process itself.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::Body as AxumBody;
use bytes::Bytes;
use freehold_domain::port::Store;
use freehold_gateway::{Gateway, ReplyBody};
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use prometheus_client::registry::Registry;
use tower_service::Service;

use crate::page;

/// Everything that answers.
pub(crate) struct Routes {
    pub(crate) gateway: Arc<Gateway>,
    pub(crate) console: axum::Router,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) metrics: Registry,
    pub(crate) openapi: Bytes,
    pub(crate) address: String,
}

impl Routes {
    /// The reply to `request`.
    pub(crate) async fn answer(&self, request: Request<Incoming>) -> Response<AnyBody> {
        // The busiest route is told apart first and goes straight to its pipeline.
        match (request.method(), request.uri().path()) {
            (&Method::POST, "/v1/chat/completions") => {
                self.gateway.chat_completions(request).await.map(AnyBody::Gateway)
            }
            (&Method::POST, "/v1/quota/check") => {
                self.gateway.check_quota(request).await.map(AnyBody::Gateway)
            }
            (&Method::GET, "/v1/quota") => self
                .gateway
                .show_quota(request.headers())
                .await
                .map(AnyBody::Gateway),
            (&Method::GET, "/v1/key") => self.gateway.show_key(request.headers()).map(AnyBody::Gateway),
            (&Method::GET, "/v1/models") => self.gateway.list_models(request.headers()).map(AnyBody::Gateway),
            (&Method::GET, path) if path.starts_with("/v1/models/") => {
                let model = path.trim_start_matches("/v1/models/").to_owned();
                self.gateway
                    .show_model(request.headers(), &model)
                    .map(AnyBody::Gateway)
            }
            (&Method::GET, "/") => text("text/html; charset=utf-8", self.page().await),
            (&Method::GET, "/healthz") => text("text/plain; charset=utf-8", "ok\n"),
            (&Method::GET, "/readyz") => self.ready().await,
            (&Method::GET, "/metrics") => self.measured(),
            (&Method::GET, "/openapi.json") => text("application/json", self.openapi.clone()),
            (_, "/v1/chat/completions" | "/v1/quota/check") => {
                nobody_there(StatusCode::METHOD_NOT_ALLOWED, "Use POST here.")
            }
            (
                _,
                "/" | "/healthz" | "/readyz" | "/metrics" | "/openapi.json" | "/v1/models" | "/v1/quota"
                | "/v1/key",
            ) => nobody_there(StatusCode::METHOD_NOT_ALLOWED, "Use GET here."),
            _ => {
                let mut console = self.console.clone();
                match console.call(request.map(AxumBody::new)).await {
                    Ok(reply) => reply.map(AnyBody::Console),
                    Err(never) => match never {},
                }
            }
        }
    }

    async fn ready(&self) -> Response<AnyBody> {
        let unready = |why: &'static str| {
            let mut reply = text("text/plain; charset=utf-8", why);
            *reply.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
            reply
        };
        if self.gateway.is_draining() {
            return unready("draining\n");
        }
        match self.store.check().await {
            Ok(()) => text("text/plain; charset=utf-8", "ready\n"),
            Err(error) => {
                tracing::warn!(error = %error, "not ready: the store does not answer");
                unready("the store does not answer\n")
            }
        }
    }

    fn measured(&self) -> Response<AnyBody> {
        let mut out = String::new();
        if let Err(error) = prometheus_client::encoding::text::encode(&mut out, &self.metrics) {
            tracing::error!(error = %error, "the metrics cannot be written");
        }
        text("application/openmetrics-text; version=1.0.0; charset=utf-8", out)
    }

    async fn page(&self) -> String {
        let health = match self.store.check().await {
            Ok(()) => "Healthy: the gateway serves and its store answers.",
            Err(_) => "Not well: the store does not answer. `freehold doctor` says what to mend.",
        };
        page::PAGE
            .replace("{{health}}", health)
            .replace("{{address}}", &self.address)
    }
}

fn text(content_type: &'static str, body: impl Into<Bytes>) -> Response<AnyBody> {
    let mut reply = Response::new(AnyBody::Gateway(ReplyBody::Whole(body.into())));
    let headers = reply.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(
        CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(page::CONTENT_SECURITY_POLICY),
    );
    reply
}

/// The console's reply where it has no route.
pub(crate) async fn no_route() -> Response<AxumBody> {
    nobody_there(
        StatusCode::NOT_FOUND,
        "There is nothing at this address. GET /openapi.json lists what there is.",
    )
    .map(AxumBody::new)
}

/// The console's reply where it has a route, for other methods.
pub(crate) async fn other_method() -> Response<AxumBody> {
    nobody_there(
        StatusCode::METHOD_NOT_ALLOWED,
        "This address does not take that method.",
    )
    .map(AxumBody::new)
}

fn nobody_there(status: StatusCode, message: &str) -> Response<AnyBody> {
    let code = if status == StatusCode::NOT_FOUND {
        "not_found"
    } else {
        "method_not_allowed"
    };
    let body =
        freehold_wire::openai::error::error_body(message, "invalid_request_error", Some(code), None, &[]);
    let mut reply = text("application/json", body);
    *reply.status_mut() = status;
    reply
}

/// The body of any reply.
pub(crate) enum AnyBody {
    Gateway(ReplyBody),
    Console(AxumBody),
}

impl Body for AnyBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        match &mut *self {
            Self::Gateway(body) => Pin::new(body)
                .poll_frame(context)
                .map(|frame| frame.map(|frame| frame.map_err(|never| match never {}))),
            Self::Console(body) => Pin::new(body).poll_frame(context),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Gateway(body) => body.is_end_stream(),
            Self::Console(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Gateway(body) => body.size_hint(),
            Self::Console(body) => body.size_hint(),
        }
    }
}
