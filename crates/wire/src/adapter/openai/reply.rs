//! A whole reply: the body goes to the caller as it came; usage and finish are picked out.

use bytes::Bytes;

use super::habits::Habits;
use super::view::View;
use crate::adapter::{ChatReply, classify};
use crate::error::ReplyFault;
use crate::openai::usage;

pub(super) fn read(habits: &Habits, body: Bytes) -> Result<ChatReply, ReplyFault> {
    if body.trim_ascii().is_empty() {
        return Err(ReplyFault::Unreadable("empty"));
    }
    let text = std::str::from_utf8(&body).map_err(|_| ReplyFault::Unreadable("not valid UTF-8"))?;
    let Some(view) = View::read(text) else {
        // An error may also come as a list of one, or as a page for people.
        return Err(classify::inside_success(text).map_or_else(|| unreadable(text), ReplyFault::Refused));
    };
    if view.is_error() {
        return Err(classify::inside_success(text)
            .map_or(ReplyFault::Unreadable("not an answer"), ReplyFault::Refused));
    }
    let Some(choices) = view.choices.as_ref().filter(|choices| !choices.is_empty()) else {
        return Err(ReplyFault::Unreadable("an answer without choices"));
    };
    let service_tier = view.service_tier();
    let reply = ChatReply {
        usage: view
            .report()
            .and_then(|report| usage::read(report, service_tier.as_deref(), habits.usage)),
        output_bytes: choices.iter().map(|choice| choice.output_bytes).sum(),
        finish_reason: choices.first().and_then(super::view::Choice::finish_reason),
        model: view.model().map(std::borrow::Cow::into_owned),
        choices: u32::try_from(choices.len()).unwrap_or(u32::MAX),
        body: Bytes::new(),
    };
    Ok(ChatReply { body, ..reply })
}

fn unreadable(text: &str) -> ReplyFault {
    ReplyFault::Unreadable(if text.trim_start().starts_with('<') {
        "a page instead of JSON"
    } else if text.trim_start().starts_with("data:") || text.trim_start().starts_with("event:") {
        "a stream that was not asked for"
    } else {
        "not the JSON of an answer"
    })
}
