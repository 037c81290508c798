//! Borrowed views of replies and chunks: what metering needs, lenient about everything that imitators get wrong.

use std::borrow::Cow;

use crate::json::{self, ScanFault, Scanner};
use crate::usage::FinishReason;

/// A whole reply or one chunk of a stream. Values are as they are written, and never null.
#[derive(Default)]
pub(super) struct View<'a> {
    pub(super) id: Option<&'a str>,
    pub(super) created: Option<&'a str>,
    /// Nothing if the member is missing or null.
    pub(super) choices: Option<Vec<Choice<'a>>>,
    pub(super) usage: Option<&'a str>,
    model: Option<&'a str>,
    service_tier: Option<&'a str>,
    /// A report that stands somewhere else.
    usage_elsewhere: Option<&'a str>,
    error: bool,
    /// Whether there is what only errors have, unless it stands in an answer.
    complaint: bool,
}

/// One choice, whole or a piece of it.
#[derive(Default)]
pub(super) struct Choice<'a> {
    index: Option<&'a str>,
    finish_reason: Option<&'a str>,
    usage: Option<&'a str>,
    /// Bytes of text and tool arguments.
    pub(super) output_bytes: u64,
}

impl<'a> View<'a> {
    /// Reads a JSON object; nothing if the text is none.
    pub(super) fn read(text: &'a str) -> Option<Self> {
        let mut view = Self::default();
        let mut scanner = Scanner::new(text, json::DEPTH_MAX);
        scanner.object(|scanner, key| view.take(scanner, key)).ok()?;
        scanner.end().ok()?;
        Some(view)
    }

    fn take(&mut self, scanner: &mut Scanner<'a>, key: &str) -> Result<(), ScanFault> {
        match key {
            "\"id\"" => self.id = scanner.given()?,
            "\"created\"" => self.created = scanner.given()?,
            "\"model\"" => self.model = scanner.given()?,
            "\"service_tier\"" => self.service_tier = scanner.given()?,
            "\"usage\"" => self.usage = scanner.given()?,
            "\"error\"" => self.error |= scanner.given()?.is_some(),
            "\"object\"" => self.error |= scanner.value()? == "\"error\"",
            "\"detail\"" | "\"message\"" => self.complaint |= scanner.given()?.is_some(),
            "\"choices\"" if scanner.peek() == Some(b'[') => {
                let choices = self.choices.insert(Vec::new());
                scanner.list(|scanner| {
                    choices.push(Choice::read(scanner)?);
                    Ok(())
                })?;
            }
            // Groq's own corner.
            "\"x_groq\"" if scanner.peek() == Some(b'{') => scanner.object(|scanner, key| {
                match (key, scanner.given()?) {
                    ("\"usage\"", usage @ Some(_)) => self.usage_elsewhere = usage,
                    ("\"error\"", Some(_)) => self.error = true,
                    _ => {}
                }
                Ok(())
            })?,
            _ => {
                scanner.value()?;
            }
        }
        Ok(())
    }

    /// The provider's report, wherever it was put.
    pub(super) fn report(&self) -> Option<&'a str> {
        self.usage
            .or(self.usage_elsewhere)
            .or_else(|| self.choices.as_ref()?.iter().find_map(|choice| choice.usage))
    }

    /// Whether this is an error in the clothes of a success.
    pub(super) fn is_error(&self) -> bool {
        self.error || self.complaint && self.choices.is_none() && self.usage.is_none()
    }

    pub(super) fn service_tier(&self) -> Option<Cow<'a, str>> {
        json::text(self.service_tier?)
    }

    pub(super) fn model(&self) -> Option<Cow<'a, str>> {
        json::text(self.model?)
    }
}

impl<'a> Choice<'a> {
    fn read(scanner: &mut Scanner<'a>) -> Result<Self, ScanFault> {
        let mut choice = Self::default();
        if scanner.peek() != Some(b'{') {
            scanner.value()?;
            return Ok(choice);
        }
        scanner.object(|scanner, key| {
            match key {
                "\"index\"" => choice.index = scanner.given()?,
                "\"finish_reason\"" => choice.finish_reason = scanner.given()?,
                "\"usage\"" => choice.usage = scanner.given()?,
                // The one in whole replies, the other in chunks.
                "\"message\"" | "\"delta\"" => choice.output_bytes += output_bytes(scanner)?,
                _ => {
                    scanner.value()?;
                }
            }
            Ok::<(), ScanFault>(())
        })?;
        Ok(choice)
    }

    /// The choice's number; the first if the provider does not say.
    pub(super) fn index(&self) -> u32 {
        self.index
            .map_or(Some(0), |index| index.parse().ok())
            .unwrap_or(u32::MAX)
    }

    /// Why the choice ended, if it did.
    pub(super) fn finish_reason(&self) -> Option<FinishReason> {
        let reason = json::text(self.finish_reason?)?;
        Some(match reason.as_ref() {
            "" => return None,
            "length" | "model_length" | "max_tokens" => FinishReason::Length,
            "tool_calls" | "function_call" | "tool_use" => FinishReason::ToolCalls,
            "content_filter" => FinishReason::ContentFilter,
            "error" | "network_error" | "insufficient_system_resource" => FinishReason::Error,
            _ => FinishReason::Stop,
        })
    }
}

/// Bytes of everything that was generated in a message or a delta, which may be null.
fn output_bytes(scanner: &mut Scanner<'_>) -> Result<u64, ScanFault> {
    if scanner.peek() != Some(b'{') {
        scanner.value()?;
        return Ok(0);
    }
    let mut bytes = 0;
    // Providers that give reasoning under both names give the same text twice.
    let mut reasoning = 0;
    scanner.object(|scanner, key| {
        match key {
            "\"content\"" | "\"refusal\"" => bytes += text_bytes(scanner)?,
            "\"reasoning_content\"" | "\"reasoning\"" => reasoning = text_bytes(scanner)?.max(reasoning),
            "\"tool_calls\"" if scanner.peek() == Some(b'[') => scanner.list(|scanner| {
                bytes += call_bytes(scanner)?;
                Ok::<(), ScanFault>(())
            })?,
            "\"function_call\"" => bytes += function_bytes(scanner)?,
            _ => {
                scanner.value()?;
            }
        }
        Ok::<(), ScanFault>(())
    })?;
    Ok(bytes + reasoning)
}

fn call_bytes(scanner: &mut Scanner<'_>) -> Result<u64, ScanFault> {
    let mut bytes = 0;
    if scanner.peek() != Some(b'{') {
        scanner.value()?;
        return Ok(0);
    }
    scanner.object(|scanner, key| {
        match key {
            "\"function\"" | "\"custom\"" => bytes += function_bytes(scanner)?,
            _ => {
                scanner.value()?;
            }
        }
        Ok::<(), ScanFault>(())
    })?;
    Ok(bytes)
}

fn function_bytes(scanner: &mut Scanner<'_>) -> Result<u64, ScanFault> {
    let mut bytes = 0;
    if scanner.peek() != Some(b'{') {
        scanner.value()?;
        return Ok(0);
    }
    scanner.object(|scanner, key| {
        match key {
            "\"name\"" | "\"arguments\"" | "\"input\"" => bytes += text_bytes(scanner)?,
            _ => {
                scanner.value()?;
            }
        }
        Ok::<(), ScanFault>(())
    })?;
    Ok(bytes)
}

/// Bytes of a text as it is written in JSON, without its quotes; of anything else but null, as it is written.
fn text_bytes(scanner: &mut Scanner<'_>) -> Result<u64, ScanFault> {
    let Some(text) = scanner.given()? else {
        return Ok(0);
    };
    let quotes = if text.starts_with('"') { 2 } else { 0 };
    Ok(u64::try_from(text.len().saturating_sub(quotes)).unwrap_or(u64::MAX))
}
