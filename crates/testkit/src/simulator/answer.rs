//! What the simulated model says to a request: the same in every dialect, and always the same for the same request.

use serde_json::{Value, json};

use super::ask::{Ask, Choice, Format, length};
use super::behaviour::{Behaviour, Content, Echo};
use super::journal::Usage;
use super::schema;

/// An answer in no provider's words. A piece is a token.
#[derive(Debug, Clone)]
pub(super) struct Answer {
    pub(super) reasoning: Vec<String>,
    pub(super) text: Vec<String>,
    pub(super) calls: Vec<Call>,
    pub(super) finish: Finish,
    pub(super) usage: Usage,
    /// Whether pieces follow for as long as the caller listens.
    pub(super) endless: bool,
}

/// One call of a tool.
#[derive(Debug, Clone)]
pub(super) struct Call {
    /// Letters, digits and underscores, without a provider's prefix.
    pub(super) id: String,
    pub(super) name: String,
    pub(super) arguments: Value,
}

/// Why the answer ends where it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Finish {
    Stop,
    Length,
    Calls,
    Filter,
}

/// Every call of a tool counts as so many tokens, besides its arguments.
const CALL_TOKENS: u64 = 8;

impl Answer {
    /// The answer to `ask`. `number` is the number of the request, `key` the credential that it came with.
    pub(super) fn compose(behaviour: &Behaviour, ask: &Ask, number: u64, key: &str) -> Self {
        let calls = calls(behaviour.content, ask, number);
        let reasoning = match behaviour.content {
            Content::Reasoning | Content::ShownReasoning => {
                pieces("Let me think about that for a moment, step by step.")
            }
            _ => Vec::new(),
        };
        let text = match behaviour.echo {
            _ if !calls.is_empty() => Vec::new(),
            Some(Echo::Text) => pieces(&format!("The key of this call is {key} as far as I can see.")),
            Some(Echo::Pieces) => key
                .as_bytes()
                .chunks(4)
                .map(|part| String::from_utf8_lossy(part).into_owned())
                .collect(),
            _ => pieces(&text(behaviour.content, ask)),
        };
        let finish = match behaviour.content {
            Content::Refusal => Finish::Filter,
            _ if !calls.is_empty() => Finish::Calls,
            _ => Finish::Stop,
        };
        let mut answer = Self {
            reasoning,
            text,
            calls,
            finish,
            usage: Usage::default(),
            endless: behaviour.content == Content::Endless,
        };
        if let Some(limit) = ask.output_limit
            && !answer.endless
        {
            answer.cut(limit);
        }
        answer.usage = answer.price(behaviour, ask);
        answer
    }

    /// The tokens that one call costs.
    pub(super) fn call_tokens(call: &Call) -> u64 {
        CALL_TOKENS + length(&call.arguments.to_string()).div_ceil(4)
    }

    /// The text in one.
    pub(super) fn whole_text(&self) -> String {
        self.text.concat()
    }

    /// The reasoning in one.
    pub(super) fn whole_reasoning(&self) -> String {
        self.reasoning.concat()
    }

    /// Ends the answer after `limit` tokens, as providers do. A call of a tool is not cut in two: it goes whole.
    fn cut(&mut self, limit: u64) {
        let mut left = limit;
        let mut short = false;
        for pieces in [&mut self.reasoning, &mut self.text] {
            let keep = usize::try_from(left).unwrap_or(usize::MAX).min(pieces.len());
            short |= keep < pieces.len();
            pieces.truncate(keep);
            left -= count(pieces.len());
        }
        let calls = self.calls.len();
        self.calls.retain(|call| {
            let tokens = Self::call_tokens(call);
            let fits = tokens <= left;
            left = left.saturating_sub(tokens);
            fits
        });
        if short || self.calls.len() < calls {
            self.finish = Finish::Length;
        }
    }

    fn price(&self, behaviour: &Behaviour, ask: &Ask) -> Usage {
        let reasoning = count(self.reasoning.len());
        let calls: u64 = self.calls.iter().map(Self::call_tokens).sum();
        let cached = behaviour.content == Content::Cached;
        Usage {
            input: ask.input.tokens(),
            cache_read: if cached { 64 } else { 0 },
            cache_write: if cached { 32 } else { 0 },
            output: (reasoning + count(self.text.len()) + calls) * ask.copies.max(1),
            reasoning: reasoning * ask.copies.max(1),
        }
    }
}

fn calls(content: Content, ask: &Ask, number: u64) -> Vec<Call> {
    let wanted: usize = match (&ask.choice, content) {
        (Choice::Never, _) => 0,
        (Choice::Must | Choice::Named(_), Content::ParallelTools) if ask.parallel => 2,
        (Choice::Must | Choice::Named(_), _) => 1,
        // A tool that has just answered is not asked again.
        _ if !ask.tool_results.is_empty() => 0,
        (Choice::Auto, Content::ParallelTools) if ask.parallel => 2,
        (Choice::Auto, Content::Tools | Content::ParallelTools) => 1,
        _ => 0,
    };
    let mut tools = ask.tools.iter();
    if let Choice::Named(name) = &ask.choice {
        tools = ask
            .tools
            .iter()
            .position(|tool| &tool.name == name)
            .map_or([].iter(), |index| {
                ask.tools.get(index..=index).unwrap_or_default().iter()
            });
    }
    tools
        .cycle()
        .zip(1..)
        .take(wanted)
        .map(|(tool, place)| Call {
            id: format!("sim{number}_{place}"),
            name: tool.name.clone(),
            arguments: schema::instance(&tool.schema, place),
        })
        .collect()
}

fn text(content: Content, ask: &Ask) -> String {
    match (content, &ask.format) {
        (Content::Refusal, _) => "I cannot help with that.".to_owned(),
        (Content::Empty, _) => String::new(),
        (Content::Endless, _) => "on ".to_owned(),
        (Content::Long(tokens), _) => "word ".repeat(usize::try_from(tokens).unwrap_or(usize::MAX)),
        (_, Format::Schema(wanted)) => schema::instance(wanted, 1).to_string(),
        (Content::Json, _) | (_, Format::Json) => {
            json!({"answer": "simulated", "said": ask.said}).to_string()
        }
        _ => plain(ask),
    }
}

fn plain(ask: &Ask) -> String {
    let mut text = format!("Simulated answer to: {}", ask.said);
    if ask.images > 0 {
        text.push_str(&format!(" (images: {})", ask.images));
    }
    if !ask.tool_results.is_empty() {
        text.push_str(&format!(" (tools said: {})", ask.tool_results.join("; ")));
    }
    text
}

/// Cuts `text` after every blank, so that each piece is a word.
fn pieces(text: &str) -> Vec<String> {
    text.split_inclusive(' ').map(str::to_owned).collect()
}

pub(super) fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}
