//! Messages in Ollama's words: one text each, images beside it, arguments as objects.

use crate::error::RequestFault;
use crate::json::{List, Object, write_text};
use crate::openai::chat::conversation::{Role, Turn};
use crate::openai::chat::part::{Inline, PartBody};

/// Writes `messages`.
pub(super) fn write(out: &mut Object<'_>, turns: &[Turn<'_>]) -> Result<(), RequestFault> {
    let mut list = List::begin(out.member("messages"));
    for (index, turn) in turns.iter().enumerate() {
        let (text, images) = content(turn)?;
        let earlier = turns.get(..index).unwrap_or_default();
        list.object(|message| write_message(message, turn, &text, &images, earlier));
    }
    list.end();
    Ok(())
}

fn write_message(
    message: &mut Object<'_>,
    turn: &Turn<'_>,
    text: &str,
    images: &[String],
    earlier: &[Turn<'_>],
) {
    message.text(
        "role",
        match turn.role {
            Role::System => "system",
            Role::User => "user",
            Role::Assistant => "assistant",
            Role::Tool => "tool",
        },
    );
    message.text("content", text);
    if let Some(reasoning) = &turn.reasoning {
        message.text("thinking", reasoning);
    }
    if !images.is_empty() {
        message.list("images", |list| {
            for image in images {
                write_text(list.item(), image);
            }
        });
    }
    if let Some(id) = &turn.call_id {
        if let Some(name) = called(earlier, id) {
            message.text("tool_name", name);
        }
        message.text("tool_call_id", id);
    }
    if !turn.calls.is_empty() {
        message.list("tool_calls", |list| {
            for call in &turn.calls {
                list.object(|out| {
                    out.text("id", &call.id);
                    out.object("function", |function| {
                        function.text("name", &call.name);
                        function.raw("arguments", &call.arguments);
                    });
                });
            }
        });
    }
}

/// The name of the tool whose call had this id, the latest first.
fn called<'t>(earlier: &'t [Turn<'_>], id: &str) -> Option<&'t str> {
    let calls = earlier.iter().rev().flat_map(|turn| turn.calls.iter());
    calls
        .into_iter()
        .find(|call| call.id == id)
        .map(|call| call.name.as_ref())
}

/// The text of a message, its parts joined by line ends, and its images in base 64.
fn content(turn: &Turn<'_>) -> Result<(String, Vec<String>), RequestFault> {
    let mut text = String::new();
    let mut images = Vec::new();
    for part in &turn.parts {
        match &part.body {
            PartBody::Text(piece) => {
                if !text.is_empty() {
                    text.push('\n');
                }
                text.push_str(piece);
            }
            PartBody::Image(url) => match Inline::read(url) {
                Some(inline) => images.push(inline.base64.to_owned()),
                None => {
                    return Err(part.refuse(
                        turn.place,
                        "must hold the image itself as a data: URL in base 64: Ollama fetches no addresses",
                    ));
                }
            },
            PartBody::File(..) => {
                return Err(part.refuse(turn.place, "is a file, which Ollama does not take"));
            }
        }
        if part.cache_control.is_some() {
            return Err(part.refuse(
                turn.place,
                "has a cache_control, which Ollama does not know: leave it out",
            ));
        }
    }
    Ok((text, images))
}
