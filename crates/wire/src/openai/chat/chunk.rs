//! Writing chunks of a stream: the grammar that every client of this protocol reads.

use bytes::Bytes;
use freehold_domain::tokens::TokenUsage;

use crate::adapter::ReplyContext;
use crate::json::write_text;
use crate::metadata::append_on_one_line;
use crate::openai::usage;
use crate::usage::FinishReason;

const END_MARKER: &[u8] = b"data: [DONE]\n\n";

/// The members that all chunks of one stream share. Taken from the provider where it gives them.
#[derive(Debug, Clone)]
pub(crate) struct Envelope {
    /// As JSON.
    id: Option<Box<str>>,
    created: Box<str>,
    model: Option<Box<str>>,
    choices: u32,
    include_usage: bool,
}

impl Envelope {
    pub(crate) fn new(context: &ReplyContext<'_>) -> Self {
        Self {
            id: None,
            created: context.created_seconds.to_string().into(),
            model: None,
            choices: context.request.choices(),
            include_usage: context.request.wants_usage(),
        }
    }

    /// Whether the caller asked for usage at the end.
    pub(crate) const fn include_usage(&self) -> bool {
        self.include_usage
    }

    /// Takes what is not known yet. `id` and `created` are JSON.
    pub(crate) fn learn(&mut self, id: Option<&str>, created: Option<&str>, model: Option<&str>) {
        if self.id.is_none() {
            self.id = id.map(Into::into);
            if let Some(created) = created.filter(|text| text.bytes().all(|byte| byte.is_ascii_digit())) {
                self.created = created.into();
            }
        }
        if self.model.is_none() {
            self.model = model.map(Into::into);
        }
    }

    /// Appends `{"id":…,"object":"…","created":…,"model":…`, still open.
    pub(crate) fn open(&self, out: &mut Vec<u8>, object: &str) {
        out.extend_from_slice(b"{\"id\":");
        out.extend_from_slice(self.id.as_deref().unwrap_or("\"chatcmpl-freehold\"").as_bytes());
        out.extend_from_slice(b",\"object\":\"");
        out.extend_from_slice(object.as_bytes());
        out.extend_from_slice(b"\",\"created\":");
        out.extend_from_slice(self.created.as_bytes());
        out.extend_from_slice(b",\"model\":");
        write_text(out, self.model.as_deref().unwrap_or_default());
    }

    /// A chunk with one choice. `delta` is the JSON of the delta.
    pub(crate) fn chunk(&self, index: u32, delta: &[u8], finish_reason: Option<FinishReason>) -> Bytes {
        let mut out = Vec::with_capacity(160 + delta.len());
        out.extend_from_slice(b"data: ");
        self.open(&mut out, "chat.completion.chunk");
        out.extend_from_slice(b",\"choices\":[{\"index\":");
        out.extend_from_slice(itoa::Buffer::new().format(index).as_bytes());
        out.extend_from_slice(b",\"delta\":");
        out.extend_from_slice(delta);
        out.extend_from_slice(b",\"finish_reason\":");
        match finish_reason {
            None => out.extend_from_slice(b"null"),
            Some(reason) => write_text(&mut out, reason.as_str()),
        }
        out.extend_from_slice(b"}]}\n\n");
        Bytes::from(out)
    }

    /// The last bytes of a stream, with a usage chunk if the caller asked for one and there is anything to tell.
    pub(crate) fn trailer(&self, metadata_json: &str, usage: Option<&TokenUsage>) -> Bytes {
        match usage.filter(|_| self.include_usage) {
            None => comment_trailer(metadata_json),
            Some(usage) => {
                let mut out = Vec::with_capacity(512 + metadata_json.len());
                out.extend_from_slice(b"data: ");
                self.open(&mut out, "chat.completion.chunk");
                out.extend_from_slice(b",\"choices\":[],\"usage\":");
                usage::write(&mut out, usage);
                out.extend_from_slice(b",\"freehold_metadata\":");
                append_on_one_line(&mut out, metadata_json);
                out.extend_from_slice(b"}\n\n");
                end_marker(&mut out);
                Bytes::from(out)
            }
        }
    }
}

/// The metadata as a comment, and the end marker.
pub(crate) fn comment_trailer(metadata_json: &str) -> Bytes {
    let mut out = Vec::with_capacity(48 + metadata_json.len());
    out.extend_from_slice(b": freehold_metadata ");
    append_on_one_line(&mut out, metadata_json);
    out.extend_from_slice(b"\n\n");
    end_marker(&mut out);
    Bytes::from(out)
}

/// Appends the end marker.
pub(crate) fn end_marker(out: &mut Vec<u8>) {
    out.extend_from_slice(END_MARKER);
}

/// Which choices of a stream have ended.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct EndedChoices(u128);

impl EndedChoices {
    /// Takes note that the choice ended. Indices beyond the most that can be asked for are nobody's.
    pub(crate) fn note(&mut self, index: u32) {
        self.0 |= 1_u128.checked_shl(index).unwrap_or(0);
    }

    /// Chunks that end every other choice of `envelope` with the reason `length`.
    pub(crate) fn cut_off(&mut self, envelope: &Envelope, out: &mut Vec<Bytes>) {
        for index in 0..envelope.choices {
            if self.0 & 1_u128.checked_shl(index).unwrap_or(0) == 0 {
                out.push(envelope.chunk(index, b"{}", Some(FinishReason::Length)));
                self.note(index);
            }
        }
    }
}
