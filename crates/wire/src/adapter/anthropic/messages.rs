//! Messages in Anthropic's words: the system's apart, tool results in the user's mouth, equal speakers joined.

use std::borrow::Cow;

use crate::error::RequestFault;
use crate::json::{List, Object};
use crate::openai::chat::conversation::{Call, Role, Turn};
use crate::openai::chat::part::{Inline, Part, PartBody};

/// One block of a message, as JSON.
type Block = Vec<u8>;

/// A message that is being put together.
struct Message {
    role: &'static str,
    blocks: Vec<Block>,
}

/// Writes `system` and `messages`.
pub(super) fn write(out: &mut Object<'_>, turns: &[Turn<'_>]) -> Result<(), RequestFault> {
    let mut system = Vec::new();
    let mut messages: Vec<Message> = Vec::new();
    for turn in turns {
        let (role, blocks) = match turn.role {
            Role::System => {
                system.extend(system_blocks(turn)?);
                continue;
            }
            Role::User => ("user", user_blocks(turn)?),
            Role::Tool => ("user", vec![tool_result(turn)?]),
            Role::Assistant => ("assistant", assistant_blocks(turn)?),
        };
        match messages.last_mut() {
            Some(last) if last.role == role => last.blocks.extend(blocks),
            _ if blocks.is_empty() => {}
            _ => messages.push(Message { role, blocks }),
        }
    }
    if messages.is_empty() {
        return Err(RequestFault::of(
            "messages",
            "`messages` must hold at least one message of the user for this provider",
        ));
    }
    if !system.is_empty() {
        out.list("system", |list| write_blocks(list, &system));
    }
    out.list("messages", |list| {
        for message in &messages {
            list.object(|out| {
                out.text("role", message.role);
                out.list("content", |list| write_blocks(list, &message.blocks));
            });
        }
    });
    Ok(())
}

fn write_blocks(list: &mut List<'_>, blocks: &[Block]) {
    for block in blocks {
        list.item().extend_from_slice(block);
    }
}

fn block(write: impl FnOnce(&mut Object<'_>)) -> Block {
    let mut out = Vec::with_capacity(128);
    let mut object = Object::begin(&mut out);
    write(&mut object);
    object.end();
    out
}

/// A block of text; nothing for an empty text, which Anthropic refuses and which says nothing.
fn text_block(text: &str, cache_control: Option<&str>) -> Option<Block> {
    (!text.is_empty()).then(|| {
        block(|out| {
            out.text("type", "text");
            out.text("text", text);
            mark(out, cache_control);
        })
    })
}

fn mark(out: &mut Object<'_>, cache_control: Option<&str>) {
    if let Some(mark) = cache_control {
        out.raw("cache_control", mark);
    }
}

fn system_blocks(turn: &Turn<'_>) -> Result<Vec<Block>, RequestFault> {
    let mut blocks = Vec::new();
    for part in &turn.parts {
        match &part.body {
            PartBody::Text(text) => blocks.extend(text_block(text, part.cache_control)),
            _ => return Err(part.refuse(turn.place, "must be text in a system message")),
        }
    }
    Ok(blocks)
}

fn user_blocks(turn: &Turn<'_>) -> Result<Vec<Block>, RequestFault> {
    let mut blocks = Vec::new();
    for part in &turn.parts {
        blocks.extend(part_block(turn, part)?);
    }
    if blocks.is_empty() {
        return Err(turn
            .place
            .refuse(".content", "must not be empty for this provider"));
    }
    Ok(blocks)
}

fn assistant_blocks(turn: &Turn<'_>) -> Result<Vec<Block>, RequestFault> {
    // Thoughts count only with their signature, so plain `reasoning_content` is not sent back.
    let mut blocks: Vec<Block> = turn
        .thinking_blocks
        .iter()
        .map(|block| block.as_bytes().to_vec())
        .collect();
    for part in &turn.parts {
        match &part.body {
            PartBody::Text(text) => blocks.extend(text_block(text, part.cache_control)),
            _ => return Err(part.refuse(turn.place, "must be text in a message of the assistant")),
        }
    }
    blocks.extend(turn.calls.iter().map(call_block));
    Ok(blocks)
}

fn call_block(call: &Call<'_>) -> Block {
    block(|out| {
        out.text("type", "tool_use");
        out.text("id", &plain_id(&call.id));
        out.text("name", &call.name);
        out.raw("input", &call.arguments);
    })
}

fn tool_result(turn: &Turn<'_>) -> Result<Block, RequestFault> {
    let mut content = Vec::new();
    for part in &turn.parts {
        content.extend(part_block(turn, part)?);
    }
    let cache_control = turn.parts.iter().find_map(|part| part.cache_control);
    Ok(block(|out| {
        out.text("type", "tool_result");
        out.text(
            "tool_use_id",
            &plain_id(turn.call_id.as_deref().unwrap_or_default()),
        );
        if !content.is_empty() {
            out.list("content", |list| write_blocks(list, &content));
        }
        mark(out, cache_control);
    }))
}

/// Ids may hold letters, digits, `_` and `-`. Those of other providers are changed the same way wherever they stand.
fn plain_id(id: &str) -> Cow<'_, str> {
    let allowed = |character: char| character.is_ascii_alphanumeric() || matches!(character, '_' | '-');
    if id.chars().all(allowed) {
        return Cow::Borrowed(id);
    }
    Cow::Owned(
        id.chars()
            .map(|character| if allowed(character) { character } else { '_' })
            .collect(),
    )
}

fn part_block(turn: &Turn<'_>, part: &Part<'_>) -> Result<Option<Block>, RequestFault> {
    match &part.body {
        PartBody::Text(text) => Ok(text_block(text, part.cache_control)),
        PartBody::Image(url) => image_block(turn, part, url).map(Some),
        PartBody::File(data, name) => {
            let inline = Inline::read(data).filter(|inline| inline.media_type == "application/pdf");
            let Some(inline) = inline else {
                return Err(part.refuse(turn.place, "must be a PDF as a data: URL in base 64"));
            };
            Ok(Some(block(|out| {
                out.text("type", "document");
                source(out, &inline, inline.media_type);
                if let Some(name) = name {
                    out.text("title", name);
                }
                mark(out, part.cache_control);
            })))
        }
    }
}

fn image_block(turn: &Turn<'_>, part: &Part<'_>, url: &str) -> Result<Block, RequestFault> {
    if url.starts_with("https://") || url.starts_with("http://") {
        return Ok(block(|out| {
            out.text("type", "image");
            out.object("source", |source| {
                source.text("type", "url");
                source.text("url", url);
            });
            mark(out, part.cache_control);
        }));
    }
    let Some(inline) = Inline::read(url) else {
        return Err(part.refuse(turn.place, "must hold an http address or a data: URL in base 64"));
    };
    let media_type = match inline.media_type {
        "image/jpg" => "image/jpeg",
        known @ ("image/jpeg" | "image/png" | "image/gif" | "image/webp") => known,
        _ => return Err(part.refuse(turn.place, "must be an image of type jpeg, png, gif or webp")),
    };
    Ok(block(|out| {
        out.text("type", "image");
        source(out, &inline, media_type);
        mark(out, part.cache_control);
    }))
}

fn source(out: &mut Object<'_>, inline: &Inline<'_>, media_type: &str) {
    out.object("source", |source| {
        source.text("type", "base64");
        source.text("media_type", media_type);
        source.text("data", inline.base64);
    });
}
