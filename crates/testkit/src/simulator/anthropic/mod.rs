//! Anthropic's shape: messages, token counting and the list of models, under both versions of the interface.

mod read;
mod rules;
mod write;

use http::HeaderMap;
use serde_json::{Value, json};

use super::ask::Ask;
use super::dialect::{Dialect, Refusal, Route, Turn, bearer};
use super::stream::{Event, Kind, Wire};

/// The shape.
pub(super) struct Anthropic;

impl Dialect for Anthropic {
    fn route(&self, path: &str) -> Route {
        match path {
            _ if path.ends_with("/messages") => Route::Infer,
            _ if path.ends_with("/messages/count_tokens") => Route::CountTokens,
            _ if path.ends_with("/models") => Route::Models,
            _ => Route::Nowhere,
        }
    }

    fn key(&self, headers: &HeaderMap, strict: bool) -> Result<Option<String>, Refusal> {
        let named = headers
            .get("x-api-key")
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned);
        let bearer = bearer(headers);
        if strict && named.is_some() && bearer.is_some() {
            return Err(Refusal::bad(
                "Multiple authentication credentials received. Please pass only one.",
            ));
        }
        Ok(named.or(bearer))
    }

    fn ask(&self, headers: &HeaderMap, body: &Value, strict: bool) -> Result<Ask, Refusal> {
        if strict {
            rules::refuse_headers(headers)?;
        }
        let version = headers
            .get("anthropic-version")
            .and_then(|value| value.to_str().ok());
        read::ask(body, version.unwrap_or(rules::FIRST_VERSION), strict)
    }

    fn output_limit(&self, body: &Value, strict: bool) -> Result<Option<u64>, Refusal> {
        read::output_limit(body, strict)
    }

    fn whole(&self, turn: &Turn<'_>) -> Value {
        write::whole(turn)
    }

    fn events(&self, turn: &Turn<'_>) -> Vec<Event> {
        write::events(turn)
    }

    fn wire(&self) -> Wire {
        Wire::Sse
    }

    fn error(&self, refusal: &Refusal, number: u64) -> Value {
        json!({
            "type": "error",
            "error": {"type": kind(refusal.status), "message": refusal.message},
            "request_id": format!("req_sim{number:08}"),
        })
    }

    fn error_event(&self, message: Option<&str>) -> Event {
        let message = message.unwrap_or("Overloaded");
        let error = json!({"type": "error", "error": {"type": "overloaded_error", "message": message}});
        Event::new(Kind::Piece, error.to_string()).named("error")
    }

    fn models(&self, names: &[String]) -> Value {
        let entries: Vec<Value> = names
            .iter()
            .map(|name| {
                json!({"type": "model", "id": name, "display_name": name, "created_at": "2026-01-01T00:00:00Z",
                    "lifecycle": "active", "max_input_tokens": 200_000, "max_tokens": 64_000})
            })
            .collect();
        json!({"data": entries, "has_more": false, "first_id": names.first(), "last_id": names.last()})
    }

    fn headers(&self, number: u64) -> Vec<(String, String)> {
        [
            ("request-id", format!("req_sim{number:08}")),
            (
                "anthropic-organization-id",
                "00000000-0000-4000-8000-000000000000".to_owned(),
            ),
            ("anthropic-ratelimit-requests-limit", "4000".to_owned()),
            ("anthropic-ratelimit-requests-remaining", "3999".to_owned()),
            (
                "anthropic-ratelimit-requests-reset",
                "2026-11-21T00:00:01Z".to_owned(),
            ),
            ("anthropic-ratelimit-tokens-limit", "400000".to_owned()),
            ("anthropic-ratelimit-tokens-remaining", "399000".to_owned()),
            (
                "anthropic-ratelimit-tokens-reset",
                "2026-11-21T00:00:01Z".to_owned(),
            ),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .to_vec()
    }
}

/// The type of an error with this status.
fn kind(status: u16) -> &'static str {
    match status {
        401 => "authentication_error",
        402 => "billing_error",
        403 => "permission_error",
        404 => "not_found_error",
        409 => "conflict_error",
        413 => "request_too_large",
        429 => "rate_limit_error",
        504 => "timeout_error",
        529 => "overloaded_error",
        500.. => "api_error",
        _ => "invalid_request_error",
    }
}
