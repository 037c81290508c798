//! A survey of `messages`: each is an object with a role, and what hangs on them is counted. Texts are not looked at.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::error::RequestFault;
use crate::json;

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

/// Counts while `messages` is read.
#[derive(Default)]
pub(super) struct MessagesSurvey {
    pub(super) attachments: Attachments,
    /// Bytes of the parts that hold images.
    pub(super) image_bytes: usize,
    /// What is wrong, if reading failed for a reason that JSON allows.
    pub(super) fault: Option<RequestFault>,
    place: Place,
    index: usize,
}

/// Where reading stands, to name what has the wrong kind.
#[derive(Default)]
enum Place {
    #[default]
    List,
    Message,
}

impl MessagesSurvey {
    /// What is wrong, when serde met a value of another kind than it was told to expect.
    pub(super) fn wrong_kind(&mut self) -> RequestFault {
        self.fault.take().unwrap_or_else(|| match self.place {
            Place::List => RequestFault::of("messages", "`messages` must be a list of messages"),
            Place::Message => {
                let param = format!("messages[{}]", self.index);
                RequestFault::of(param.clone(), format!("`{param}` must be an object"))
            }
        })
    }

    fn refuse<E: serde::de::Error>(&mut self, field: &str, must: &str) -> E {
        let param = format!("messages[{}]{field}", self.index);
        self.fault = Some(RequestFault::of(param.clone(), format!("`{param}` {must}")));
        E::custom("a message cannot be as it is")
    }
}

impl<'de> DeserializeSeed<'de> for &mut MessagesSurvey {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for &mut MessagesSurvey {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a list of messages")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        self.place = Place::Message;
        while list.next_element_seed(Message(self))?.is_some() {
            self.index += 1;
        }
        if self.index == 0 {
            self.fault = Some(RequestFault::of(
                "messages",
                "`messages` must hold at least one message",
            ));
            return Err(A::Error::custom("messages is empty"));
        }
        Ok(())
    }
}

struct Message<'s>(&'s mut MessagesSurvey);

impl<'de> DeserializeSeed<'de> for Message<'_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Message<'_> {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a message")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let survey = self.0;
        let (mut role, mut content) = (false, false);
        while let Some(key) = map.next_key::<&'de RawValue>()? {
            match json::name(key).as_ref() {
                "role" => {
                    if role {
                        return Err(survey.refuse(".role", "stands in the message twice"));
                    }
                    role = true;
                    if !map.next_value::<&'de RawValue>()?.get().starts_with('"') {
                        return Err(survey.refuse(".role", "must be a string"));
                    }
                }
                "content" => {
                    if content {
                        return Err(survey.refuse(".content", "stands in the message twice"));
                    }
                    content = true;
                    let value = map.next_value::<&'de RawValue>()?.get();
                    match value.as_bytes().first() {
                        Some(b'"' | b'n') => {}
                        Some(b'[') => parts(survey, value)?,
                        _ => return Err(survey.refuse(".content", "must be a string or a list of parts")),
                    }
                }
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        if role {
            Ok(())
        } else {
            Err(survey.refuse(".role", "is missing"))
        }
    }
}

/// Counts the parts of a message's content by their type.
fn parts<E: serde::de::Error>(survey: &mut MessagesSurvey, list: &str) -> Result<(), E> {
    let Ok(parts) = serde_json::from_str::<Vec<&RawValue>>(list) else {
        return Err(survey.refuse(".content", "must be a string or a list of parts"));
    };
    for (index, part) in parts.into_iter().enumerate() {
        let Ok(json::Members(members)) = serde_json::from_str::<json::Members<'_>>(part.get()) else {
            return Err(survey.refuse(&format!(".content[{index}]"), "must be an object"));
        };
        let mut kinds = members.iter().filter(|(name, _)| name == "type");
        let (kind, again) = (kinds.next(), kinds.next());
        if again.is_some() {
            return Err(survey.refuse(&format!(".content[{index}].type"), "stands in the part twice"));
        }
        let Some(kind) = kind.and_then(|(_, value)| json::text(value)) else {
            return Err(survey.refuse(&format!(".content[{index}].type"), "must be a string"));
        };
        match kind.as_ref() {
            "image_url" | "image" | "input_image" => {
                survey.attachments.images = survey.attachments.images.saturating_add(1);
                survey.image_bytes = survey.image_bytes.saturating_add(part.get().len());
            }
            "input_audio" | "audio_url" => {
                survey.attachments.sounds = survey.attachments.sounds.saturating_add(1)
            }
            "file" | "input_file" | "document_url" | "document" | "video_url" => {
                survey.attachments.files = survey.attachments.files.saturating_add(1);
            }
            _ => {}
        }
    }
    Ok(())
}
