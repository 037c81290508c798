//! Tools and the choice among them, in Anthropic's words.

use crate::error::RequestFault;
use crate::json::{self, List, Object, member, members};
use crate::openai::chat::parameters::Parameters;

/// Writes `tools` and `tool_choice`, if any tools are offered.
pub(super) fn write(out: &mut Object<'_>, parameters: &mut Parameters<'_>) -> Result<(), RequestFault> {
    let Some(tools) = parameters.take("tools") else {
        return Ok(());
    };
    let Some(tools) = json::items(tools) else {
        return Err(RequestFault::of("tools", "`tools` must be a list of tools"));
    };
    if tools.is_empty() {
        return Ok(());
    }
    let mut list = List::begin(out.member("tools"));
    for (number, tool) in tools.iter().enumerate() {
        write_tool(&mut list, number, tool)?;
    }
    list.end();
    write_choice(out, parameters)
}

fn write_tool(list: &mut List<'_>, number: usize, tool: &str) -> Result<(), RequestFault> {
    let refuse = |field: &str, must: &str| {
        let param = format!("tools[{number}]{field}");
        let message = format!("`{param}` {must}");
        RequestFault::of(param, message)
    };
    let tool = members(tool).ok_or_else(|| refuse("", "must be an object"))?;
    if member(&tool, "type") != Some("\"function\"") {
        return Err(refuse(".type", "must be \"function\" for this provider"));
    }
    let function = member(&tool, "function").and_then(members);
    let function = function.ok_or_else(|| refuse(".function", "must be an object"))?;
    let name = member(&function, "name").and_then(json::text);
    let name = name.ok_or_else(|| refuse(".function.name", "must be a string"))?;
    for (field, value) in &function {
        if *value != "null" && !matches!(field.as_ref(), "name" | "description" | "parameters" | "strict") {
            return Err(refuse(
                &format!(".function.{field}"),
                "cannot be served by this provider: leave it out",
            ));
        }
    }
    list.object(|out| {
        out.text("name", &name);
        if let Some(description) = member(&function, "description") {
            out.raw("description", description);
        }
        let schema = member(&function, "parameters").unwrap_or(r#"{"type":"object","properties":{}}"#);
        out.raw("input_schema", schema);
        if member(&function, "strict") == Some("true") {
            out.boolean("strict", true);
        }
        // Anthropic's own mark for its prompt cache, on the tool or on its function.
        if let Some(mark) = member(&tool, "cache_control") {
            out.raw("cache_control", mark);
        }
    });
    Ok(())
}

fn write_choice(out: &mut Object<'_>, parameters: &mut Parameters<'_>) -> Result<(), RequestFault> {
    let one_at_a_time = parameters.take_boolean("parallel_tool_calls")? == Some(false);
    let choice = parameters.take("tool_choice");
    let (kind, name) = match choice.map(|choice| (json::text(choice), choice)) {
        None => ("auto", None),
        Some((Some(word), _)) => match word.as_ref() {
            "auto" => ("auto", None),
            "none" => ("none", None),
            "required" | "any" => ("any", None),
            _ => {
                return Err(RequestFault::of(
                    "tool_choice",
                    "`tool_choice` must be auto, none, required or one function",
                ));
            }
        },
        Some((None, choice)) => {
            let name = members(choice)
                .filter(|choice| member(choice, "type") == Some("\"function\""))
                .and_then(|choice| members(member(&choice, "function")?))
                .and_then(|function| json::text(member(&function, "name")?));
            let Some(name) = name else {
                return Err(RequestFault::of(
                    "tool_choice",
                    "`tool_choice` must be auto, none, required or one function for this provider",
                ));
            };
            ("tool", Some(name))
        }
    };
    if kind == "auto" && choice.is_none() && !one_at_a_time {
        return Ok(());
    }
    out.object("tool_choice", |out| {
        out.text("type", kind);
        if let Some(name) = &name {
            out.text("name", name);
        }
        if one_at_a_time && kind != "none" {
            out.boolean("disable_parallel_tool_use", true);
        }
    });
    Ok(())
}
