//! The thin view of an inbound body: what the gateway decides by, and where it stands. Everything else stays raw bytes.

use bytes::Bytes;

use super::messages::{self, Attachments};
use super::options::{self, StreamOptions};
use crate::error::RequestFault;
use crate::json::{self, ScanFault, Scanner, Span};

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
    response_format: bool,
    attachments: Attachments,
    image_bytes: usize,
    /// Names of known fields that were seen, as bits that [`bit`] gives.
    seen: u32,
    /// Where the first member stands, right behind the opening brace.
    pub(crate) first_member: usize,
}

/// The bit of a field that may stand in a body once only: one of those that decide what a request costs.
fn bit(name: &str) -> u32 {
    match name {
        "model" => 1,
        "messages" => 1 << 1,
        "stream" => 1 << 2,
        "stream_options" => 1 << 3,
        "max_tokens" => 1 << 4,
        "max_completion_tokens" => 1 << 5,
        "n" => 1 << 6,
        "tools" => 1 << 7,
        "functions" => 1 << 8,
        "service_tier" => 1 << 9,
        "response_format" => 1 << 10,
        _ => 0,
    }
}

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

    /// Whether the caller wants to be told usage at the end of the stream.
    #[must_use]
    pub fn wants_usage(&self) -> bool {
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

    /// Whether the answer has to have a given form.
    #[must_use]
    pub const fn has_response_format(&self) -> bool {
        self.fields.response_format
    }

    /// Bytes of everything that may become input tokens: messages, tools, response format. A text of N bytes has at
    /// most N tokens, and the JSON around each message covers what a chat template adds. Images are left out: they are
    /// counted in [`Self::attachments`].
    #[must_use]
    pub fn input_bytes(&self) -> u64 {
        u64::try_from(self.body.len().saturating_sub(self.fields.image_bytes)).unwrap_or(u64::MAX)
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
    let mut fields = Fields::default();
    let mut scanner = Scanner::new(text, DEPTH_MAX);
    if scanner.peek() != Some(b'{') {
        return Err(RequestFault::of_body("the body must be a JSON object"));
    }
    scanner.object(|scanner, key| fields.take(scanner, key, text))?;
    scanner.end()?;
    if fields.model.is_none() {
        return Err(RequestFault::of(
            "model",
            "`model` is missing: name the model to call",
        ));
    }
    if fields.seen & bit("messages") == 0 {
        return Err(RequestFault::of(
            "messages",
            "`messages` is missing: give a list of at least one message",
        ));
    }
    Ok(fields)
}

impl From<ScanFault> for RequestFault {
    fn from(fault: ScanFault) -> Self {
        match fault {
            ScanFault::Syntax(at) => Self::of_body(format!("the body is not valid JSON at byte {at}")),
            ScanFault::TooDeep => Self::of_body(format!("the body nests more than {DEPTH_MAX} levels deep")),
        }
    }
}

impl Fields {
    /// Takes one member of the body `whole`.
    fn take(&mut self, scanner: &mut Scanner<'_>, key: &str, whole: &str) -> Result<(), RequestFault> {
        if self.first_member == 0 {
            self.first_member = Span::of(key, whole).start;
        }
        let name = json::name(key);
        let bit = bit(&name);
        if self.seen & bit != 0 {
            let message = format!("`{name}` stands in the body twice");
            return Err(RequestFault::of(name.into_owned(), message));
        }
        self.seen |= bit;
        if name == "messages" {
            let survey = messages::survey(scanner)?;
            self.attachments = survey.attachments;
            self.image_bytes = survey.image_bytes;
            return Ok(());
        }
        let value = scanner.value()?;
        match name.as_ref() {
            "model" => {
                self.model = Some(options::model(value)?);
                self.model_span = Some(Span::of(value, whole));
            }
            "stream" => self.stream = options::boolean("stream", value)?,
            "stream_options" => self.stream_options = options::stream_options(value, whole)?,
            "max_tokens" => self.limit("max_tokens", Span::of(key, whole), value, whole)?,
            "max_completion_tokens" => {
                self.limit("max_completion_tokens", Span::of(key, whole), value, whole)?
            }
            "n" => self.choices = options::choices(value)?,
            "tools" | "functions" => self.tools |= options::tools(&name, value)?,
            "service_tier" => self.service_tier = options::service_tier(value)?,
            "response_format" => self.response_format = options::response_format(value)?,
            _ => {}
        }
        Ok(())
    }

    /// Takes a bound on the output. Of two fields that say the same, one may be null.
    fn limit(&mut self, name: &'static str, key: Span, value: &str, whole: &str) -> Result<(), RequestFault> {
        let tokens = options::output_tokens(name, value)?;
        let other = self.output_limit.and_then(|limit| limit.tokens);
        if other.is_some() && tokens.is_some() {
            return Err(RequestFault::of(
                "max_tokens",
                "`max_tokens` and `max_completion_tokens` cannot both be given: keep one of them",
            ));
        }
        if other.is_none() {
            self.output_limit = Some(OutputLimit {
                name,
                key,
                value: Span::of(value, whole),
                tokens,
            });
        }
        Ok(())
    }
}
