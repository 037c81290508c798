//! `reasoning_effort` in Anthropic's words, which differ by the age of the model.

use crate::error::RequestFault;
use crate::json::Object;
use crate::openai::chat::parameters::Parameters;

/// How a request asks for thinking.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Thinking<'a> {
    mode: Mode<'a>,
    /// Goes into `output_config`.
    pub(super) effort: Option<&'static str>,
}

#[derive(Debug, Default, PartialEq, Eq)]
enum Mode<'a> {
    #[default]
    AsTheModelDoes,
    Disabled,
    Adaptive,
    Budget(u64),
    /// The caller speaks Anthropic's words.
    Given(&'a str),
}

/// The smallest budget there is.
const BUDGET_MIN: u64 = 1024;

/// Chooses from `reasoning_effort`, or takes the caller's own `thinking`.
pub(super) fn choose<'a>(
    compatible: bool,
    model: &str,
    max_tokens: u64,
    parameters: &mut Parameters<'a>,
) -> Result<Thinking<'a>, RequestFault> {
    let effort = parameters.take_text("reasoning_effort")?;
    if let Some(given) = parameters.take("thinking") {
        if effort.is_some() {
            return Err(RequestFault::of(
                "reasoning_effort",
                "`reasoning_effort` and `thinking` cannot both be given: keep one of them",
            ));
        }
        return Ok(Thinking {
            mode: Mode::Given(given),
            effort: None,
        });
    }
    let Some(effort) = effort else {
        return Ok(Thinking::default());
    };
    if effort == "none" {
        return Ok(Thinking {
            mode: Mode::Disabled,
            effort: None,
        });
    }
    let Some(word) = word(&effort) else {
        return Err(RequestFault::of(
            "reasoning_effort",
            "`reasoning_effort` must be none, minimal, low, medium, high, xhigh or max",
        ));
    };
    if !compatible && !thinks_by_budget(model) {
        return Ok(Thinking {
            mode: Mode::Adaptive,
            effort: Some(word),
        });
    }
    // Thoughts count against the limit: at least half of it is kept for the answer.
    let budget = budget(word).min(max_tokens / 2);
    if budget < BUDGET_MIN {
        return Err(RequestFault::of(
            "reasoning_effort",
            format!(
                "`reasoning_effort` needs at least {} output tokens at this model; granted are {max_tokens}",
                2 * BUDGET_MIN
            ),
        ));
    }
    Ok(Thinking {
        mode: Mode::Budget(budget),
        effort: None,
    })
}

fn word(effort: &str) -> Option<&'static str> {
    Some(match effort {
        "minimal" | "low" => "low",
        "medium" => "medium",
        "high" => "high",
        "xhigh" => "xhigh",
        "max" => "max",
        _ => return None,
    })
}

fn budget(word: &str) -> u64 {
    match word {
        "low" => 2048,
        "medium" => 8192,
        _ => 16_384,
    }
}

/// Models before the generation 4.6 know a budget and nothing else.
fn thinks_by_budget(model: &str) -> bool {
    const OLD: [&str; 10] = [
        "claude-2",
        "claude-3",
        "-4-5",
        "-4.5",
        "-4-1",
        "-4.1",
        "-4-0",
        "sonnet-4-2",
        "opus-4-2",
        "claude-4",
    ];
    OLD.iter().any(|part| model.contains(part))
}

impl Thinking<'_> {
    pub(super) fn write(&self, out: &mut Object<'_>) {
        match self.mode {
            Mode::AsTheModelDoes => {}
            Mode::Disabled => out.object("thinking", |thinking| thinking.text("type", "disabled")),
            Mode::Adaptive => out.object("thinking", |thinking| {
                thinking.text("type", "adaptive");
                thinking.text("display", "summarized");
            }),
            Mode::Budget(tokens) => out.object("thinking", |thinking| {
                thinking.text("type", "enabled");
                thinking.number("budget_tokens", tokens);
            }),
            Mode::Given(json) => out.raw("thinking", json),
        }
    }
}
