//! The data plane's part of the description of the API.

use utoipa::OpenApi;

/// The description of the inference routes.
#[must_use]
pub fn openapi() -> utoipa::openapi::OpenApi {
    Inference::openapi()
}

#[derive(OpenApi)]
#[openapi(paths(chat_completions, list_models, show_model, show_key, show_quota, check_quota), tags((name = "inference", description = "Calling models")))]
struct Inference;

/// Answer a chat
///
/// OpenAI's chat completions for every provider. Unknown fields reach providers of the same protocol untouched. Replies
/// carry `freehold_metadata`: who paid, what it cost, every attempt. With `stream: true` the answer is a stream of events.
#[expect(dead_code, reason = "read by the generator of the description only")]
#[utoipa::path(
    post,
    path = "/v1/chat/completions",
    tag = "inference",
    params(
        ("x-freehold-workflow" = Option<String>, Header, description = "What kind of work this is: chat, agent, builder …"),
        ("x-freehold-automation" = Option<String>, Header, description = "Which automation asks"),
        ("x-freehold-run" = Option<String>, Header, description = "Which run of it"),
        ("x-freehold-step" = Option<String>, Header, description = "Which step of the run"),
        ("x-freehold-end-user" = Option<String>, Header, description = "On whose behalf"),
    ),
    request_body(content = Object, description = "OpenAI's request; `model` is `provider/model`", example = json!({
        "model": "sandbox/echo", "messages": [{"role": "user", "content": "Hello"}]
    })),
    responses(
        (status = 200, description = "OpenAI's reply with `freehold_metadata`, or a stream of its chunks", content((Object = "application/json"), (String = "text/event-stream"))),
        (status = 400, description = "The request is malformed, or the provider cannot do what a parameter asks", body = Object),
        (status = 401, description = "The virtual key is missing or not valid", body = Object),
        (status = 402, description = "A ceiling or the credits do not allow it", body = Object),
        (status = 403, description = "The model is not allowed", body = Object),
        (status = 404, description = "There is no such model", body = Object),
        (status = 408, description = "The body did not arrive in time", body = Object),
        (status = 413, description = "The body is too large", body = Object),
        (status = 424, description = "The provider refused the stored key, or its account is out of money", body = Object),
        (status = 429, description = "A rate limit, ours or the provider's", body = Object),
        (status = 500, description = "The record could not be written, so the answer is withheld", body = Object),
        (status = 502, description = "The provider failed", body = Object),
        (status = 503, description = "Nothing can serve the request now", body = Object),
        (status = 504, description = "The provider did not answer in time", body = Object),
    ),
    security(("virtual_key" = []))
)]
fn chat_completions() {}

/// List models
///
/// The models this key may use now, with prices and who would pay.
#[expect(dead_code, reason = "read by the generator of the description only")]
#[utoipa::path(
    get,
    path = "/v1/models",
    tag = "inference",
    responses(
        (status = 200, description = "The models", body = Object),
        (status = 401, description = "The virtual key is missing or not valid", body = Object),
        (status = 403, description = "The key may not call models", body = Object),
    ),
    security(("virtual_key" = []))
)]
fn list_models() {}

/// Show a model
#[expect(dead_code, reason = "read by the generator of the description only")]
#[utoipa::path(
    get,
    path = "/v1/models/{provider}/{model}",
    tag = "inference",
    params(("provider" = String, Path, description = "The provider's name"), ("model" = String, Path, description = "Its model")),
    responses(
        (status = 200, description = "The model", body = Object),
        (status = 401, description = "The virtual key is missing or not valid", body = Object),
        (status = 403, description = "The key may not call models", body = Object),
        (status = 404, description = "This key can use no such model", body = Object),
    ),
    security(("virtual_key" = []))
)]
fn show_model() {}

/// Show this key
///
/// What the key may do, and what is left of its rates. Any scope will do.
#[expect(dead_code, reason = "read by the generator of the description only")]
#[utoipa::path(
    get,
    path = "/v1/key",
    tag = "inference",
    responses(
        (status = 200, description = "The key, never its secret", body = Object),
        (status = 401, description = "The virtual key is missing or not valid", body = Object),
    ),
    security(("virtual_key" = []))
)]
fn show_key() {}

/// Show the quota
///
/// The plan's limits, what is used of them, when they start over, and the credits. Any scope will do.
#[expect(dead_code, reason = "read by the generator of the description only")]
#[utoipa::path(
    get,
    path = "/v1/quota",
    tag = "inference",
    responses(
        (status = 200, description = "Limits, used, remaining, reset times", body = Object),
        (status = 401, description = "The virtual key is missing or not valid", body = Object),
        (status = 503, description = "The store does not answer", body = Object),
    ),
    security(("virtual_key" = []))
)]
fn show_quota() {}

/// Rehearse a request
///
/// Takes the body of a chat completion and answers what would happen: allowed, or the very denial with its status.
/// Nothing is sent, held or charged.
#[expect(dead_code, reason = "read by the generator of the description only")]
#[utoipa::path(
    post,
    path = "/v1/quota/check",
    tag = "inference",
    request_body(content = Object, description = "As for `/v1/chat/completions`"),
    responses(
        (status = 200, description = "`allowed`, and if not, `status` and `error` of the real call", body = Object),
        (status = 401, description = "The virtual key is missing or not valid", body = Object),
        (status = 403, description = "The key may not call models", body = Object),
    ),
    security(("virtual_key" = []))
)]
fn check_quota() {}
