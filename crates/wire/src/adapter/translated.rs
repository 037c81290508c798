//! Streams of another protocol, translated: what all of them share. A provider's own part is a [`Translation`].

use bytes::Bytes;
use freehold_domain::tokens::TokenUsage;

use super::classify::no_stream;
use super::{ReplyContext, StreamDecoder, StreamProgress};
use crate::error::StreamFault;
use crate::json::{Object, write_text};
use crate::openai::chat::chunk::{EndedChoices, Envelope};
use crate::sse::{self, Framing, Gatherer};
use crate::usage::{FinishReason, ReportedUsage};

/// One provider's way to stream.
pub(super) trait Translation: Send {
    /// Takes the JSON of one event.
    fn event(&mut self, json: &str, chunks: &mut Chunks<'_>) -> Result<(), StreamFault>;

    /// Takes note that the provider closed the stream before its end was marked.
    ///
    /// # Errors
    /// Unless what came was whole all the same; then the last chunks are written.
    fn closed_early(&mut self, chunks: &mut Chunks<'_>) -> Result<(), StreamFault>;
}

/// What is told to the caller, piece by piece. Each method writes one chunk.
pub(super) struct Chunks<'a> {
    state: &'a mut State,
    out: &'a mut Vec<Bytes>,
}

struct State {
    envelope: Envelope,
    ended: EndedChoices,
    progress: StreamProgress,
    begun: bool,
    finished: bool,
}

impl Chunks<'_> {
    /// Takes what names the stream. `id` is not JSON.
    pub(super) fn learn(&mut self, id: Option<&str>, created_seconds: Option<i64>, model: Option<&str>) {
        let mut quoted = Vec::new();
        if let Some(id) = id {
            write_text(&mut quoted, id);
        }
        let quoted = std::str::from_utf8(&quoted).ok().filter(|text| !text.is_empty());
        let created = created_seconds.map(|seconds| seconds.to_string());
        self.state.envelope.learn(quoted, created.as_deref(), model);
        if self.state.progress.model.is_none() {
            self.state.progress.model = model.map(Into::into);
        }
    }

    /// The first chunk, which says who speaks. The others write it if it was not written.
    pub(super) fn begin(&mut self) {
        if !std::mem::replace(&mut self.state.begun, true) {
            let delta = br#"{"role":"assistant","content":""}"#;
            self.out.push(self.state.envelope.chunk(0, delta, None));
        }
    }

    pub(super) fn content(&mut self, text: &str) {
        self.text("content", text);
    }

    pub(super) fn reasoning(&mut self, text: &str) {
        self.text("reasoning_content", text);
    }

    fn text(&mut self, field: &str, text: &str) {
        if !text.is_empty() {
            self.count(text);
            self.delta(|delta| delta.text(field, text));
        }
    }

    /// The head of a tool call, its arguments still empty.
    pub(super) fn call(&mut self, number: u64, id: &str, name: &str) {
        self.count(name);
        self.delta(|delta| {
            delta.list("tool_calls", |calls| {
                calls.object(|call| {
                    call.number("index", number);
                    call.text("id", id);
                    call.text("type", "function");
                    call.object("function", |function| {
                        function.text("name", name);
                        function.text("arguments", "");
                    });
                });
            });
        });
    }

    /// A piece of a tool call's arguments.
    pub(super) fn arguments(&mut self, number: u64, piece: &str) {
        if piece.is_empty() {
            return;
        }
        self.count(piece);
        self.delta(|delta| {
            delta.list("tool_calls", |calls| {
                calls.object(|call| {
                    call.number("index", number);
                    call.object("function", |function| function.text("arguments", piece));
                });
            });
        });
    }

    /// A chunk with a delta of its own making.
    pub(super) fn delta(&mut self, write: impl FnOnce(&mut Object<'_>)) {
        self.begin();
        let mut json = Vec::with_capacity(128);
        let mut delta = Object::begin(&mut json);
        write(&mut delta);
        delta.end();
        self.out.push(self.state.envelope.chunk(0, &json, None));
    }

    /// The chunk that ends the answer. After it only the trailer follows.
    pub(super) fn finish(&mut self, reason: FinishReason) {
        self.begin();
        self.state.progress.finish_reason = Some(reason);
        self.state.ended.note(0);
        self.out.push(self.state.envelope.chunk(0, b"{}", Some(reason)));
        self.state.finished = true;
    }

    pub(super) fn report(&mut self, usage: Option<ReportedUsage>) {
        if usage.is_some() {
            self.state.progress.usage = usage;
        }
    }

    pub(super) fn report_input(&mut self, tokens: TokenUsage) {
        self.state.progress.input_so_far = Some(TokenUsage {
            output: 0,
            reasoning: 0,
            ..tokens
        });
    }

    fn count(&mut self, text: &str) {
        self.state.progress.output_bytes += u64::try_from(text.len()).unwrap_or(u64::MAX);
    }
}

/// The decoder of a translated stream.
pub(super) struct TranslatedStream<T> {
    gatherer: Gatherer,
    translation: T,
    state: State,
}

impl<T: Translation> TranslatedStream<T> {
    pub(super) fn new(framing: Framing, context: &ReplyContext<'_>, translation: T) -> Self {
        Self {
            gatherer: Gatherer::new(framing),
            translation,
            state: State {
                envelope: Envelope::new(context),
                ended: EndedChoices::default(),
                progress: StreamProgress::default(),
                begun: false,
                finished: false,
            },
        }
    }
}

/// Hands the JSON of one event on; what comes after the end is nobody's.
fn take(
    translation: &mut impl Translation,
    state: &mut State,
    out: &mut Vec<Bytes>,
    framing: Framing,
    event: &[u8],
) -> Result<(), StreamFault> {
    if state.finished {
        return Ok(());
    }
    let Some(data) = framing.data(event) else {
        return if sse::is_no_event(event) {
            Err(no_stream(event))
        } else {
            Ok(())
        };
    };
    let data = data.trim_ascii();
    if data.is_empty() {
        return Ok(());
    }
    let json =
        std::str::from_utf8(data).map_err(|_| StreamFault::Unreadable("an event that is not UTF-8"))?;
    state.progress.events += 1;
    translation.event(json, &mut Chunks { state, out })
}

impl<T: Translation> StreamDecoder for TranslatedStream<T> {
    fn push(&mut self, piece: Bytes, out: &mut Vec<Bytes>) -> Result<(), StreamFault> {
        let Self {
            gatherer,
            translation,
            state,
        } = self;
        if state.finished {
            return Ok(());
        }
        let framing = gatherer.framing();
        gatherer.push(&piece, |event| take(translation, state, out, framing, event))
    }

    fn end(&mut self, out: &mut Vec<Bytes>) -> Result<(), StreamFault> {
        let Self {
            gatherer,
            translation,
            state,
        } = self;
        let rest = gatherer.rest();
        if !state.finished {
            // What came last without its end counts if it is whole, and betrays a cut if it is not.
            take(translation, state, out, gatherer.framing(), &rest).map_err(|fault| match fault {
                StreamFault::Unreadable(_) => StreamFault::CutShort,
                fault => fault,
            })?;
        }
        if !state.finished {
            translation.closed_early(&mut Chunks { state, out })?;
            state.finished = true;
        }
        Ok(())
    }

    fn finished(&self) -> bool {
        self.state.finished
    }

    fn progress(&self) -> &StreamProgress {
        &self.state.progress
    }

    fn cut_off(&mut self, out: &mut Vec<Bytes>) {
        let state = &mut self.state;
        Chunks { state, out }.begin();
        state.ended.cut_off(&state.envelope, out);
        state.progress.finish_reason = Some(FinishReason::Length);
        state.finished = true;
    }

    fn trailer(&mut self, metadata_json: &str, usage_for_client: Option<&TokenUsage>) -> Bytes {
        let reported = self.state.progress.usage.as_ref().map(|usage| &usage.tokens);
        self.state
            .envelope
            .trailer(metadata_json, reported.or(usage_for_client))
    }
}
