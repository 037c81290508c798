//! Messages read in full, for translation into another protocol. What is not understood is refused by its path.

use std::borrow::Cow;

use super::part::{Part, read_content};
use crate::error::RequestFault;
use crate::json::{self, member, members};

/// Who speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// `system` and `developer`: the same to everyone but `OpenAI`.
    System,
    User,
    Assistant,
    Tool,
}

/// One message.
#[derive(Debug)]
pub(crate) struct Turn<'a> {
    pub(crate) place: Place,
    pub(crate) role: Role,
    pub(crate) parts: Vec<Part<'a>>,
    pub(crate) calls: Vec<Call<'a>>,
    /// Which call a tool's message answers.
    pub(crate) call_id: Option<Cow<'a, str>>,
    /// What the model thought, as plain text.
    pub(crate) reasoning: Option<Cow<'a, str>>,
    /// What the model thought, as signed blocks of raw JSON.
    pub(crate) thinking_blocks: Vec<&'a str>,
}

/// A call that the model made.
#[derive(Debug)]
pub(crate) struct Call<'a> {
    pub(crate) id: Cow<'a, str>,
    pub(crate) name: Cow<'a, str>,
    /// A JSON object.
    pub(crate) arguments: Cow<'a, str>,
}

/// Which message, to name it in a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place(pub(crate) usize);

impl Place {
    /// Refuses the message's `field`, a path such as `.content[1]`.
    pub(crate) fn refuse(self, field: &str, must: &str) -> RequestFault {
        let param = format!("messages[{}]{field}", self.0);
        let message = format!("`{param}` {must}");
        RequestFault::of(param, message)
    }
}

/// Reads the list of messages.
///
/// # Errors
/// Names the path of what is malformed or has no meaning outside `OpenAI`.
pub(crate) fn read(messages: &str) -> Result<Vec<Turn<'_>>, RequestFault> {
    let Some(messages) = json::items(messages) else {
        return Err(RequestFault::of(
            "messages",
            "`messages` must be a list of messages",
        ));
    };
    messages
        .into_iter()
        .enumerate()
        .map(|(index, message)| turn(Place(index), message))
        .collect()
}

fn turn(place: Place, message: &str) -> Result<Turn<'_>, RequestFault> {
    let Some(members) = members(message) else {
        return Err(place.refuse("", "must be an object"));
    };
    let role = members
        .iter()
        .find(|(name, _)| name == "role")
        .map(|(_, value)| *value);
    let mut turn = Turn {
        place,
        role: read_role(place, role)?,
        parts: Vec::new(),
        calls: Vec::new(),
        call_id: None,
        reasoning: None,
        thinking_blocks: Vec::new(),
    };
    for (name, value) in members {
        if value != "null" {
            turn.take(&name, value)?;
        }
    }
    if turn.role == Role::Tool && turn.call_id.is_none() {
        return Err(place.refuse(".tool_call_id", "is missing: say which call this answers"));
    }
    Ok(turn)
}

fn read_role(place: Place, role: Option<&str>) -> Result<Role, RequestFault> {
    match role.and_then(json::text).as_deref() {
        Some("system" | "developer") => Ok(Role::System),
        Some("user") => Ok(Role::User),
        Some("assistant") => Ok(Role::Assistant),
        Some("tool") => Ok(Role::Tool),
        _ => Err(place.refuse(".role", "must be system, developer, user, assistant or tool")),
    }
}

impl<'a> Turn<'a> {
    fn take(&mut self, name: &str, value: &'a str) -> Result<(), RequestFault> {
        let place = self.place;
        let text = |value: &'a str| {
            json::text(value).ok_or_else(|| place.refuse(&format!(".{name}"), "must be a string"))
        };
        match name {
            "role" => {}
            "content" => self.parts.extend(read_content(place, value)?),
            "refusal" => self.parts.push(Part::text(text(value)?)),
            "tool_calls" if self.role == Role::Assistant => self.calls = read_calls(place, value)?,
            "tool_call_id" if self.role == Role::Tool => self.call_id = Some(text(value)?),
            "reasoning_content" | "reasoning" if self.role == Role::Assistant => {
                self.reasoning = json::text(value)
            }
            "thinking_blocks" if self.role == Role::Assistant => {
                self.thinking_blocks = read_blocks(place, value)?
            }
            // A tool's result is tied to its call by the id; the name says nothing more.
            "name" if self.role == Role::Tool => {}
            // What clients send back because they keep answers as they came.
            "annotations" | "reasoning_details" | "provider_specific_fields" | "id" | "index"
                if self.role == Role::Assistant => {}
            _ => {
                return Err(place.refuse(
                    &format!(".{name}"),
                    "cannot be served by this provider: leave it out",
                ));
            }
        }
        Ok(())
    }
}

fn read_blocks(place: Place, value: &str) -> Result<Vec<&str>, RequestFault> {
    json::items(value)
        .ok_or_else(|| place.refuse(".thinking_blocks", "must be a list of blocks as they came"))
}

fn read_calls(place: Place, value: &str) -> Result<Vec<Call<'_>>, RequestFault> {
    let calls = json::items(value).ok_or_else(|| place.refuse(".tool_calls", "must be a list of calls"))?;
    calls
        .into_iter()
        .enumerate()
        .map(|(number, call)| read_call(place, &format!(".tool_calls[{number}]"), call))
        .collect()
}

fn read_call<'a>(place: Place, path: &str, call: &'a str) -> Result<Call<'a>, RequestFault> {
    let members = members(call).ok_or_else(|| place.refuse(path, "must be an object"))?;
    if let Some(kind) = member(&members, "type")
        && kind != "\"function\""
    {
        return Err(place.refuse(&format!("{path}.type"), "must be \"function\" for this provider"));
    }
    let function = member(&members, "function").and_then(json::members);
    let function = function.ok_or_else(|| place.refuse(&format!("{path}.function"), "must be an object"))?;
    let text = |value: Option<&'a str>, field: &str| {
        value
            .and_then(json::text)
            .ok_or_else(|| place.refuse(&format!("{path}.{field}"), "must be a string"))
    };
    Ok(Call {
        id: text(member(&members, "id"), "id")?,
        name: text(member(&function, "name"), "function.name")?,
        arguments: arguments(text(member(&function, "arguments"), "function.arguments")?).ok_or_else(
            || {
                place.refuse(
                    &format!("{path}.function.arguments"),
                    "must be a JSON object written as a string",
                )
            },
        )?,
    })
}

/// Arguments that are a JSON object; none at all are the empty object.
fn arguments(text: Cow<'_, str>) -> Option<Cow<'_, str>> {
    if text.trim().is_empty() {
        return Some(Cow::Borrowed("{}"));
    }
    members(&text).is_some().then_some(text)
}
