//! The thin view of an inbound body: what the gateway decides by, and where it stands. Everything else stays raw bytes.

use std::fmt;

use bytes::Bytes;
use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::messages::{Attachments, MessagesSurvey};
use super::options::{self, StreamOptions};
use crate::error::RequestFault;
use crate::json::{self, Span};

/// Brackets may nest this deep in a body. Tool schemas, the deepest part of real requests, stay far below.
const DEPTH_MAX: usize = 64;

/// A request to `/v1/chat/completions` whose envelope is sound. Cheap to clone: the body is shared.
#[derive(Debug, Clone)]
pub struct ChatRequest {
    body: Bytes,
    fields: Fields,
}

/// Which field the caller used to bound the output, and where its name and value stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct OutputLimit {
    pub(crate) name: &'static str,
    /// The name as it is written, quotes included.
    pub(crate) key: Span,
    pub(crate) value: Span,
    /// Nothing if the caller wrote `null`.
    pub(crate) tokens: Option<u64>,
}

/// What was picked out of a body, with places in it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Fields {
    model: Option<Box<str>>,
    pub(crate) model_span: Option<Span>,
    stream: Option<bool>,
    pub(crate) stream_options: Option<StreamOptions>,
    pub(crate) output_limit: Option<OutputLimit>,
    choices: Option<u32>,
    service_tier: Option<Box<str>>,
    tools: bool,
    messages: bool,
    attachments: Attachments,
    attachment_bytes: usize,
    /// Names of known fields that were seen, as bits of [`KNOWN`].
    seen: u32,
    /// Where the first member stands, right behind the opening brace.
    pub(crate) first_member: usize,
}

/// Fields that may stand in a body once only: those that decide what a request costs.
const KNOWN: [&str; 11] = [
    "model",
    "messages",
    "stream",
    "stream_options",
    "max_tokens",
    "max_completion_tokens",
    "n",
    "tools",
    "functions",
    "service_tier",
    "response_format",
];

impl ChatRequest {
    /// Reads the envelope of `body` in one pass.
    ///
    /// # Errors
    /// Names the field when the body is no JSON object in UTF-8, nests too deep, lacks `model` or `messages`, holds a
    /// known field twice or with a value that cannot be, or holds anything behind the object.
    pub fn parse(body: Bytes) -> Result<Self, RequestFault> {
        let fields = {
            let text = std::str::from_utf8(&body)
                .map_err(|_| RequestFault::of_body("the body is not valid UTF-8"))?;
            if json::nests_deeper_than(text.as_bytes(), DEPTH_MAX) {
                return Err(RequestFault::of_body(format!(
                    "the body nests more than {DEPTH_MAX} levels deep"
                )));
            }
            read_fields(text)?
        };
        Ok(Self { body, fields })
    }

    /// The model as the caller named it.
    #[must_use]
    pub fn model(&self) -> &str {
        self.fields.model.as_deref().unwrap_or_default()
    }

    /// Whether the caller wants a stream.
    #[must_use]
    pub fn stream(&self) -> bool {
        self.fields.stream.unwrap_or(false)
    }

    /// Whether the caller wants the usage chunk at the end of the stream.
    #[must_use]
    pub fn include_usage(&self) -> bool {
        self.stream()
            && self
                .fields
                .stream_options
                .is_some_and(|options| options.include_usage)
    }

    /// The most tokens that each choice may have, if the caller said so.
    #[must_use]
    pub fn max_output_tokens(&self) -> Option<u64> {
        self.fields.output_limit.and_then(|limit| limit.tokens)
    }

    /// The field by which the caller bounded the output; the one to name in a refusal.
    #[must_use]
    pub fn max_output_tokens_field(&self) -> &'static str {
        self.fields
            .output_limit
            .map_or("max_completion_tokens", |limit| limit.name)
    }

    /// How many choices the caller wants; each costs output tokens.
    #[must_use]
    pub fn choices(&self) -> u32 {
        self.fields.choices.unwrap_or(1)
    }

    /// The service tier the caller asks for, where it matters for the price.
    #[must_use]
    pub fn service_tier(&self) -> Option<&str> {
        self.fields.service_tier.as_deref()
    }

    /// The body as it came.
    #[must_use]
    pub const fn body(&self) -> &Bytes {
        &self.body
    }

    /// How many images, sounds and files the messages hold. Their tokens are not bounded by their bytes.
    #[must_use]
    pub const fn attachments(&self) -> Attachments {
        self.fields.attachments
    }

    /// Whether the messages hold images.
    #[must_use]
    pub const fn has_images(&self) -> bool {
        self.fields.attachments.images > 0
    }

    /// Whether tools are offered to the model.
    #[must_use]
    pub const fn has_tools(&self) -> bool {
        self.fields.tools
    }

    /// Bytes of everything that may become input tokens: messages, tools, response format. A text of N bytes has at
    /// most N tokens, and the JSON around each message covers what a chat template adds. Images are left out: they are
    /// counted in [`Self::attachments`].
    #[must_use]
    pub fn input_bytes(&self) -> u64 {
        u64::try_from(self.body.len().saturating_sub(self.fields.attachment_bytes)).unwrap_or(u64::MAX)
    }

    pub(crate) const fn fields(&self) -> &Fields {
        &self.fields
    }

    /// The body as text. It was checked to be UTF-8 when it was read.
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap_or_default()
    }
}

fn read_fields(text: &str) -> Result<Fields, RequestFault> {
    let mut reading = Reading {
        text,
        fields: Fields::default(),
        fault: None,
        survey: None,
    };
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let read = (&mut reading)
        .deserialize(&mut deserializer)
        .and_then(|()| deserializer.end());
    if let Some(fault) = reading.fault {
        return Err(fault);
    }
    if let Err(error) = read {
        return Err(match error.classify() {
            serde_json::error::Category::Data => match reading.survey {
                Some(mut survey) => survey.wrong_kind(),
                None => RequestFault::of_body("the body must be a JSON object"),
            },
            _ => RequestFault::of_body(format!("the body is not valid JSON: {error}")),
        });
    }
    let fields = reading.fields;
    if fields.model.is_none() {
        return Err(RequestFault::of(
            "model",
            "`model` is missing: name the model to call",
        ));
    }
    if !fields.messages {
        return Err(RequestFault::of(
            "messages",
            "`messages` is missing: give a list of at least one message",
        ));
    }
    Ok(fields)
}

/// One pass over a body. A fault of ours is kept beside serde's error, which has no room for it.
struct Reading<'t> {
    text: &'t str,
    fields: Fields,
    fault: Option<RequestFault>,
    /// The survey of the messages while it runs.
    survey: Option<MessagesSurvey>,
}

impl<'de> DeserializeSeed<'de> for &mut Reading<'de> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for &mut Reading<'de> {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<&'de RawValue>()? {
            let name = json::name(key);
            if self.fields.first_member == 0 {
                self.fields.first_member = Span::of(key.get(), self.text).start;
            }
            if let Err(fault) = self.once(&name) {
                self.fault = Some(fault);
                return Err(A::Error::custom("a field stands twice"));
            }
            if name == "messages" {
                let survey = self.survey.insert(MessagesSurvey::default());
                map.next_value_seed(&mut *survey)?;
                self.fields.messages = true;
                self.fields.attachments = survey.attachments;
                self.fields.attachment_bytes = survey.image_bytes;
                self.survey = None;
                continue;
            }
            let value = map.next_value::<&'de RawValue>()?.get();
            if let Err(fault) = self.take(&name, key.get(), value) {
                self.fault = Some(fault);
                return Err(A::Error::custom("a field cannot be as it is"));
            }
        }
        Ok(())
    }
}

impl Reading<'_> {
    fn once(&mut self, name: &str) -> Result<(), RequestFault> {
        let Some(index) = KNOWN.iter().position(|known| *known == name) else {
            return Ok(());
        };
        let bit = 1_u32 << index;
        if self.fields.seen & bit != 0 {
            let name = KNOWN.get(index).copied().unwrap_or_default();
            return Err(RequestFault::of(
                name,
                format!("`{name}` stands in the body twice"),
            ));
        }
        self.fields.seen |= bit;
        Ok(())
    }

    fn take(&mut self, name: &str, key: &str, value: &str) -> Result<(), RequestFault> {
        let fields = &mut self.fields;
        match name {
            "model" => {
                fields.model = Some(options::model(value)?);
                fields.model_span = Some(Span::of(value, self.text));
            }
            "stream" => fields.stream = options::boolean("stream", value)?,
            "stream_options" => fields.stream_options = options::stream_options(value, self.text)?,
            "max_tokens" | "max_completion_tokens" => {
                let name = if name == "max_tokens" {
                    "max_tokens"
                } else {
                    "max_completion_tokens"
                };
                let tokens = options::output_tokens(name, value)?;
                if let Some(other) = fields.output_limit
                    && other.tokens.is_some()
                {
                    if tokens.is_none() {
                        return Ok(());
                    }
                    return Err(RequestFault::of(
                        "max_tokens",
                        "`max_tokens` and `max_completion_tokens` cannot both be given: keep one of them",
                    ));
                }
                fields.output_limit = Some(OutputLimit {
                    name,
                    key: Span::of(key, self.text),
                    value: Span::of(value, self.text),
                    tokens,
                });
            }
            "n" => fields.choices = options::choices(value)?,
            "tools" | "functions" => fields.tools |= options::tools(name, value)?,
            "service_tier" => fields.service_tier = options::service_tier(value)?,
            "response_format" => options::response_format(value)?,
            _ => {}
        }
        Ok(())
    }
}
