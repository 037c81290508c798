//! A survey of `messages`: each is an object with a role, and what hangs on them is counted. Texts are not looked at.

use crate::error::RequestFault;
use crate::json::{self, Scanner};

/// What hangs on messages and costs tokens that its bytes do not bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Attachments {
    /// Images, by address or inline.
    pub images: u32,
    /// Pieces of sound.
    pub sounds: u32,
    /// Files, such as PDF, by id or inline.
    pub files: u32,
}

/// What was counted.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Survey {
    pub(super) attachments: Attachments,
    /// Bytes of the parts that hold images.
    pub(super) image_bytes: usize,
}

/// Passes the list of messages.
pub(super) fn survey(scanner: &mut Scanner<'_>) -> Result<Survey, RequestFault> {
    let mut survey = Survey::default();
    let mut index = 0_usize;
    if scanner.peek() != Some(b'[') {
        return Err(RequestFault::of(
            "messages",
            "`messages` must be a list of messages",
        ));
    }
    scanner.list(|scanner| {
        survey.message(scanner, index)?;
        index += 1;
        Ok::<(), RequestFault>(())
    })?;
    if index == 0 {
        return Err(RequestFault::of(
            "messages",
            "`messages` must hold at least one message",
        ));
    }
    Ok(survey)
}

fn refuse(index: usize, field: &str, must: &str) -> RequestFault {
    let param = format!("messages[{index}]{field}");
    let message = format!("`{param}` {must}");
    RequestFault::of(param, message)
}

impl Survey {
    fn message(&mut self, scanner: &mut Scanner<'_>, index: usize) -> Result<(), RequestFault> {
        if scanner.peek() != Some(b'{') {
            return Err(refuse(index, "", "must be an object"));
        }
        let (mut role, mut content) = (false, false);
        scanner.object(|scanner, key| {
            match json::name(key).as_ref() {
                "role" => {
                    if std::mem::replace(&mut role, true) {
                        return Err(refuse(index, ".role", "stands in the message twice"));
                    }
                    if scanner.peek() != Some(b'"') {
                        return Err(refuse(index, ".role", "must be a string"));
                    }
                    scanner.value()?;
                }
                "content" => {
                    if std::mem::replace(&mut content, true) {
                        return Err(refuse(index, ".content", "stands in the message twice"));
                    }
                    self.content(scanner, index)?;
                }
                _ => {
                    scanner.value()?;
                }
            }
            Ok(())
        })?;
        if role {
            Ok(())
        } else {
            Err(refuse(index, ".role", "is missing"))
        }
    }

    fn content(&mut self, scanner: &mut Scanner<'_>, index: usize) -> Result<(), RequestFault> {
        match scanner.peek() {
            Some(b'"' | b'n') => {
                scanner.value()?;
                Ok(())
            }
            Some(b'[') => {
                let mut number = 0_usize;
                scanner.list(|scanner| {
                    self.part(scanner, index, number)?;
                    number += 1;
                    Ok(())
                })
            }
            _ => Err(refuse(index, ".content", "must be a string or a list of parts")),
        }
    }

    /// Counts a part by its type.
    fn part(&mut self, scanner: &mut Scanner<'_>, index: usize, number: usize) -> Result<(), RequestFault> {
        let refuse = |field: &str, must: &str| refuse(index, &format!(".content[{number}]{field}"), must);
        if scanner.peek() != Some(b'{') {
            return Err(refuse("", "must be an object"));
        }
        let start = scanner.at();
        let mut kind = None;
        scanner.object(|scanner, key| {
            let value = scanner.value()?;
            if json::name(key) == "type" && kind.replace(value).is_some() {
                return Err(refuse(".type", "stands in the part twice"));
            }
            Ok(())
        })?;
        let Some(kind) = kind.and_then(json::text) else {
            return Err(refuse(".type", "must be a string"));
        };
        let attachments = &mut self.attachments;
        match kind.as_ref() {
            "image_url" | "image" | "input_image" => {
                attachments.images = attachments.images.saturating_add(1);
                self.image_bytes = self.image_bytes.saturating_add(scanner.at() - start);
            }
            "input_audio" | "audio_url" => attachments.sounds = attachments.sounds.saturating_add(1),
            "file" | "input_file" | "document_url" | "document" | "video_url" => {
                attachments.files = attachments.files.saturating_add(1);
            }
            _ => {}
        }
        Ok(())
    }
}
