//! What each model answers.

use super::HANG_MS;
use super::body::{Asked, Tool};
use super::schema;

/// How many words `slow` gives at least, and how far apart.
const SLOW_WORDS_MIN: usize = 40;
const SLOW_DELAY_MS: u64 = 50;
/// How far `long` counts when nobody limits it.
const LONG_TOKENS: u64 = 4096;

/// An answer, before it is cut to its limit and written.
pub(super) struct Answer {
    pub(super) output: Output,
    /// How long to wait before each word.
    pub(super) delay_ms: u64,
    /// How long to wait before the first.
    pub(super) first_delay_ms: u64,
    pub(super) reports_usage: bool,
    pub(super) breaks: bool,
}

pub(super) enum Output {
    Text(String),
    /// Names and arguments.
    Calls(Vec<(String, String)>),
}

/// The answer of `model`; nothing if there is no such model.
pub(super) fn answer(model: &str, asked: &Asked) -> Option<Answer> {
    let mut answer = Answer {
        output: Output::Text(asked.last_user.clone()),
        delay_ms: 0,
        first_delay_ms: 0,
        reports_usage: true,
        breaks: false,
    };
    match model {
        "echo" => {}
        "slow" => {
            answer.output = Output::Text(at_least(&asked.last_user, SLOW_WORDS_MIN));
            answer.delay_ms = SLOW_DELAY_MS;
        }
        "long" => answer.output = Output::Text(count_to(asked.limit.map_or(LONG_TOKENS, |limit| limit + 1))),
        "json" => answer.output = Output::Text(json(asked)),
        "tools" => answer.output = calls(asked),
        "silent" => answer.reports_usage = false,
        "hang" => answer.first_delay_ms = HANG_MS,
        "error-mid-stream" => answer.breaks = true,
        _ => return None,
    }
    Some(answer)
}

/// The text, repeated until it has enough words.
fn at_least(text: &str, words_min: usize) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let words = if words.is_empty() { vec!["slowly"] } else { words };
    let count = words.len().max(words_min);
    let repeated: Vec<&str> = words.iter().copied().cycle().take(count).collect();
    repeated.join(" ")
}

/// More words than this are never written, whatever the limit allows.
const COUNT_MAX: u64 = 100_000;

fn count_to(last: u64) -> String {
    let numbers: Vec<String> = (1..=last.min(COUNT_MAX))
        .map(|number| number.to_string())
        .collect();
    numbers.join(" ")
}

fn json(asked: &Asked) -> String {
    match &asked.schema {
        Some(schema) => schema::smallest(schema).to_string(),
        None => serde_json::json!({ "answer": asked.last_user }).to_string(),
    }
}

fn calls(asked: &Asked) -> Output {
    if !asked.tool_results.is_empty() {
        return Output::Text(format!("The tools returned: {}", asked.tool_results.join(", ")));
    }
    if asked.tools.is_empty() {
        return Output::Text("No tools were offered.".to_owned());
    }
    let count = if asked.parallel { 2 } else { 1 };
    let call = |tool: &Tool| (tool.name.clone(), schema::smallest(&tool.parameters).to_string());
    Output::Calls(asked.tools.iter().take(count).map(call).collect())
}
