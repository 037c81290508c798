//! OpenAI's shape: chat completions and the list of models, as the provider documents them in autumn 2026.

mod read;
mod write;

use http::HeaderMap;
use serde_json::{Value, json};

use super::ask::Ask;
use super::dialect::{BORN, Dialect, Refusal, Route, Turn};
use super::stream::{Event, Kind, Wire};

/// The shape.
pub(super) struct OpenAi;

impl Dialect for OpenAi {
    fn route(&self, path: &str) -> Route {
        match path {
            _ if path.ends_with("/chat/completions") => Route::Infer,
            _ if path.ends_with("/models") => Route::Models,
            _ => Route::Nowhere,
        }
    }

    fn ask(&self, _headers: &HeaderMap, body: &Value, strict: bool) -> Result<Ask, Refusal> {
        read::ask(body, strict)
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

    fn error(&self, refusal: &Refusal, _number: u64) -> Value {
        json!({"error": {
            "message": refusal.message,
            "type": kind(refusal.status),
            "param": refusal.param,
            "code": refusal.code,
        }})
    }

    fn error_event(&self, message: Option<&str>) -> Event {
        let usual = "The server had an error while processing your request. Sorry about that!";
        let error = json!({"error": {
            "message": message.unwrap_or(usual),
            "type": "server_error", "param": null, "code": null,
        }});
        Event::new(Kind::Piece, error.to_string())
    }

    fn models(&self, names: &[String]) -> Value {
        let entries = names
            .iter()
            .map(|name| json!({"id": name, "object": "model", "created": BORN, "owned_by": "simulator"}));
        json!({"object": "list", "data": entries.collect::<Vec<_>>()})
    }

    fn headers(&self, number: u64) -> Vec<(String, String)> {
        [
            ("x-request-id", format!("req_sim{number:08}")),
            ("openai-processing-ms", "1".to_owned()),
            ("openai-version", "2020-10-01".to_owned()),
            ("openai-organization", "org-simulated".to_owned()),
            ("x-ratelimit-limit-requests", "10000".to_owned()),
            ("x-ratelimit-remaining-requests", "9999".to_owned()),
            ("x-ratelimit-reset-requests", "6ms".to_owned()),
            ("x-ratelimit-limit-tokens", "2000000".to_owned()),
            ("x-ratelimit-remaining-tokens", "1999000".to_owned()),
            ("x-ratelimit-reset-tokens", "30ms".to_owned()),
            (
                "set-cookie",
                "__cf_bm=simulated; path=/; HttpOnly; Secure".to_owned(),
            ),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .to_vec()
    }
}

/// The type of an error with this status.
fn kind(status: u16) -> &'static str {
    match status {
        429 => "rate_limit_error",
        503 => "service_unavailable_error",
        500.. => "server_error",
        _ => "invalid_request_error",
    }
}
