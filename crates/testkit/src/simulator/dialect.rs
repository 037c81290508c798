//! What the simulator asks of each shape: to read a request, to write an answer, to refuse in its own words.

use http::HeaderMap;
use serde_json::Value;

use super::answer::Answer;
use super::ask::Ask;
use super::behaviour::Report;
use super::stream::{Event, Wire, distort};

/// A moment in autumn 2026, in seconds since 1970, that all answers bear.
pub(super) const BORN: i64 = 1_763_683_200;

/// The shape of one provider.
pub(super) trait Dialect: Send + Sync {
    /// What a path of this provider is for.
    fn route(&self, path: &str) -> Route;

    /// The key that a call presents, if it does; `strict` refuses two at once where the provider does.
    fn key(&self, headers: &HeaderMap, strict: bool) -> Result<Option<String>, Refusal> {
        let _ = strict;
        Ok(bearer(headers))
    }

    /// Reads a body; `strict` refuses what the real provider refuses.
    fn ask(&self, headers: &HeaderMap, body: &Value, strict: bool) -> Result<Ask, Refusal>;

    /// The most output that a call for an answer allows, where the reading of the body leaves that open.
    fn output_limit(&self, body: &Value, strict: bool) -> Result<Option<u64>, Refusal> {
        let _ = (body, strict);
        Ok(None)
    }

    /// The answer in one body.
    fn whole(&self, turn: &Turn<'_>) -> Value;

    /// The answer as a stream.
    fn events(&self, turn: &Turn<'_>) -> Vec<Event>;

    /// How a stream is framed.
    fn wire(&self) -> Wire;

    /// An error body.
    fn error(&self, refusal: &Refusal, number: u64) -> Value;

    /// An error in the middle of a stream, with this message or the provider's usual one.
    fn error_event(&self, message: Option<&str>) -> Event;

    /// The catalogue.
    fn models(&self, names: &[String]) -> Value;

    /// Header fields of every answer.
    fn headers(&self, number: u64) -> Vec<(String, String)>;

    /// The answer to a call that only counts tokens.
    fn counted(&self, tokens: u64) -> Value {
        serde_json::json!({ "input_tokens": tokens })
    }
}

/// What a path is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Route {
    Infer,
    CountTokens,
    Models,
    /// A fixed small answer: a version, a health check.
    Version,
    Nowhere,
}

/// One exchange as the writers of a dialect see it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Turn<'a> {
    pub(super) number: u64,
    pub(super) ask: &'a Ask,
    pub(super) answer: &'a Answer,
    pub(super) report: Report,
    /// Whether reasoning is shown where the dialect itself hides it.
    pub(super) shows_reasoning: bool,
}

impl Turn<'_> {
    /// The usage object as it is to be reported: distorted, or not at all.
    pub(super) fn report(&self, usage: Value) -> Option<Value> {
        (self.report != Report::Missing).then(|| distort(self.report, usage))
    }
}

/// A request that is refused, in no provider's shape.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) status: u16,
    pub(super) code: Option<&'static str>,
    pub(super) param: Option<String>,
    pub(super) message: String,
}

impl Refusal {
    /// A request that is wrong in itself.
    pub(super) fn bad(message: impl Into<String>) -> Self {
        Self::status(400, message)
    }

    /// A refusal with this status.
    pub(super) fn status(status: u16, message: impl Into<String>) -> Self {
        Self {
            status,
            message: message.into(),
            ..Self::default()
        }
    }

    pub(super) fn code(mut self, code: &'static str) -> Self {
        self.code = Some(code);
        self
    }

    pub(super) fn param(mut self, param: impl Into<String>) -> Self {
        self.param = Some(param.into());
        self
    }
}

/// The array at `value`, empty if there is none.
pub(super) fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// The text at `value`, empty if there is none.
pub(super) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// The first key of an object that is not among `known`, which are separated by blanks.
pub(super) fn unknown_field(object: &Value, known: &str) -> Option<String> {
    object
        .as_object()?
        .keys()
        .find(|key| !known.split_whitespace().any(|name| name == key.as_str()))
        .cloned()
}

/// A positive integer at `value`: nothing if it is absent or null, an error if it is something else.
pub(super) fn positive(value: &Value, name: &str) -> Result<Option<u64>, Refusal> {
    match value {
        Value::Null => Ok(None),
        value => match value.as_u64() {
            Some(number) if number > 0 => Ok(Some(number)),
            _ => Err(Refusal::bad(format!(
                "Invalid '{name}': integer below minimum value. Expected a value >= 1, but got {value} instead."
            ))
            .code("integer_below_min_value")
            .param(name)),
        },
    }
}

/// The token after `Bearer` in the authorization field.
pub(super) fn bearer(headers: &HeaderMap) -> Option<String> {
    let value = headers.get("authorization")?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then(|| token.trim().to_owned())
}
