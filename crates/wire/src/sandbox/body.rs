//! What the rules look at in a request.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::json;
use crate::openai::chat::ChatRequest;

/// The request, read.
pub(super) struct Asked {
    /// The text of the last user message.
    pub(super) last_user: String,
    /// What tools returned, if their results are the last messages.
    pub(super) tool_results: Vec<String>,
    pub(super) tools: Vec<Tool>,
    pub(super) parallel: bool,
    /// The schema that the answer has to match; nothing if none was given.
    pub(super) schema: Option<Value>,
    /// Words in all messages.
    pub(super) prompt_tokens: u64,
    pub(super) limit: Option<u64>,
    pub(super) choices: u32,
}

pub(super) struct Tool {
    pub(super) name: String,
    pub(super) parameters: Value,
}

#[derive(Deserialize)]
struct Body<'a> {
    #[serde(borrow)]
    messages: Vec<Message<'a>>,
    #[serde(default)]
    tools: Option<Vec<Value>>,
    #[serde(default)]
    parallel_tool_calls: Option<bool>,
    #[serde(default)]
    response_format: Option<Value>,
}

#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow)]
    role: Cow<'a, str>,
    #[serde(borrow, default)]
    content: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Part<'a> {
    #[serde(borrow, default)]
    text: Option<Cow<'a, str>>,
}

impl Asked {
    pub(super) fn read(request: &ChatRequest) -> Result<Self, String> {
        let body: Body<'_> = serde_json::from_str(request.text()).map_err(|error| error.to_string())?;
        let mut asked = Self {
            last_user: String::new(),
            tool_results: Vec::new(),
            tools: body.tools.unwrap_or_default().iter().filter_map(tool).collect(),
            parallel: body.parallel_tool_calls.unwrap_or(true),
            schema: body.response_format.as_ref().and_then(schema),
            prompt_tokens: 0,
            limit: request.max_output_tokens(),
            choices: request.choices(),
        };
        for message in &body.messages {
            let text = message
                .content
                .map_or_else(String::new, |content| text(content.get()));
            asked.prompt_tokens += word_count(&text);
            if message.role == "tool" {
                asked.tool_results.push(text);
                continue;
            }
            asked.tool_results.clear();
            if message.role == "user" {
                asked.last_user = text;
            }
        }
        Ok(asked)
    }
}

pub(super) fn word_count(text: &str) -> u64 {
    u64::try_from(text.split_whitespace().count()).unwrap_or(u64::MAX)
}

/// The text of a content, its parts joined by line ends.
fn text(content: &str) -> String {
    if let Some(text) = json::text(content) {
        return text.into_owned();
    }
    let parts: Vec<Part<'_>> = serde_json::from_str(content).unwrap_or_default();
    let texts: Vec<_> = parts.into_iter().filter_map(|part| part.text).collect();
    texts.join("\n")
}

fn tool(value: &Value) -> Option<Tool> {
    let function = value.get("function")?;
    Some(Tool {
        name: function.get("name")?.as_str()?.to_owned(),
        parameters: function.get("parameters").cloned().unwrap_or_default(),
    })
}

fn schema(format: &Value) -> Option<Value> {
    format.get("json_schema")?.get("schema").cloned()
}
