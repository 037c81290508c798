//! A stream, forwarded event by event as it came. Held back are only the end marker and, for the metadata, the report.

use std::ops::Range;

use bytes::{Bytes, BytesMut};
use freehold_domain::tokens::TokenUsage;

use super::habits::Habits;
use super::view::View;
use crate::adapter::{ReplyContext, StreamDecoder, StreamProgress, classify};
use crate::error::StreamFault;
use crate::metadata::append_with_metadata;
use crate::openai::chat::chunk::{EndedChoices, Envelope, end_marker};
use crate::openai::usage;
use crate::sse::{self, Boundary};

/// An event longer than this is forwarded without being looked at, so that memory stays bounded.
const EVENT_BYTES_MAX: usize = 1 << 20;

/// What is done with an event.
enum Judgement {
    Forward,
    Drop,
    /// It carries a report that the caller asked for, and waits for the metadata.
    Hold {
        /// Whether it carries nothing else, so that it may be moved to the end of the stream.
        movable: bool,
    },
}

/// The decoder of a stream in the caller's own protocol.
pub(super) struct PassThrough {
    habits: Habits,
    envelope: Envelope,
    ended: EndedChoices,
    progress: StreamProgress,
    boundary: Boundary,
    /// The beginning of an event whose end has not come.
    begun: BytesMut,
    /// Whether the running event is too long, and its beginning already forwarded.
    overlong: bool,
    /// The event with the latest report, and whether it may be moved to the end.
    held: Option<(Bytes, bool)>,
    finished: bool,
}

impl PassThrough {
    pub(super) fn new(habits: Habits, context: &ReplyContext<'_>) -> Self {
        Self {
            habits,
            envelope: Envelope::new(context),
            ended: EndedChoices::default(),
            progress: StreamProgress::default(),
            boundary: Boundary::default(),
            begun: BytesMut::new(),
            overlong: false,
            held: None,
            finished: false,
        }
    }

    /// Handles the event at `place` in `piece`. `run` is what stands before it and is still to be forwarded; answered
    /// is the run after it, so that neighbours leave as one slice.
    fn handle(
        &mut self,
        piece: &Bytes,
        run: Range<usize>,
        place: Range<usize>,
        out: &mut Vec<Bytes>,
    ) -> Result<Range<usize>, StreamFault> {
        let judgement = match self.judge(piece.get(place.clone()).unwrap_or_default()) {
            Ok(judgement) => judgement,
            Err(fault) => {
                forward(piece, run, out);
                return Err(fault);
            }
        };
        if let Judgement::Forward = judgement
            && self.held.as_ref().is_none_or(|(_, movable)| *movable)
        {
            return Ok(if run.is_empty() {
                place
            } else {
                run.start..place.end
            });
        }
        forward(piece, run, out);
        match judgement {
            Judgement::Drop => {}
            Judgement::Forward => {
                self.release(out);
                return Ok(place);
            }
            Judgement::Hold { movable } => {
                self.release(out);
                self.held = Some((piece.slice(place.clone()), movable));
            }
        }
        Ok(place.end..place.end)
    }

    /// Lets go of a held event that must keep its place.
    fn release(&mut self, out: &mut Vec<Bytes>) {
        if let Some((event, _)) = self.held.take_if(|(_, movable)| !*movable) {
            out.push(event);
        }
    }

    fn judge(&mut self, event: &[u8]) -> Result<Judgement, StreamFault> {
        if self.finished {
            return Ok(Judgement::Drop);
        }
        if event.len() > EVENT_BYTES_MAX {
            self.count_unread(event);
            return Ok(Judgement::Forward);
        }
        let Some(data) = sse::data(event) else {
            return if sse::is_no_event(event) {
                Err(classify::no_stream(event))
            } else {
                Ok(Judgement::Forward)
            };
        };
        let data = data.trim_ascii();
        if data == b"[DONE]" {
            self.finished = true;
            return Ok(Judgement::Drop);
        }
        if data.is_empty() {
            return Ok(Judgement::Forward);
        }
        self.progress.events += 1;
        let text =
            std::str::from_utf8(data).map_err(|_| StreamFault::Unreadable("an event that is not UTF-8"))?;
        match View::read(text) {
            Some(view) if !view.is_error() => Ok(self.take_note(&view)),
            _ => Err(classify::inside_success(text).map_or(
                StreamFault::Unreadable("an event that is no part of an answer"),
                StreamFault::Refused,
            )),
        }
    }

    fn take_note(&mut self, view: &View<'_>) -> Judgement {
        if self.progress.model.is_none() {
            self.progress.model = view.model().map(Into::into);
            self.envelope
                .learn(view.id, view.created, self.progress.model.as_deref());
        }
        let choices = view.choices.as_deref().unwrap_or_default();
        let mut ends = choices.is_empty();
        for choice in choices {
            self.progress.output_bytes += choice.output_bytes;
            if let Some(reason) = choice.finish_reason() {
                self.progress.finish_reason = Some(reason);
                self.ended.note(choice.index());
                ends = true;
            }
        }
        let Some(report) = view.report() else {
            return Judgement::Forward;
        };
        if let Some(usage) = usage::read(report, view.service_tier().as_deref(), self.habits.usage) {
            self.progress.usage = Some(usage);
        }
        // Those who report in every chunk are not held back: only an event that ends something can be the last.
        let asked = self.envelope.include_usage();
        if !asked && choices.is_empty() {
            Judgement::Drop
        } else if asked && ends && view.usage.is_some() {
            Judgement::Hold {
                movable: choices.is_empty(),
            }
        } else {
            Judgement::Forward
        }
    }

    /// Counts what is forwarded without being read, so that an estimate does not take it for nothing.
    fn count_unread(&mut self, bytes: &[u8]) {
        self.progress.output_bytes += u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    }

    /// Keeps the beginning of an event, unless the event has become too long to be kept.
    fn keep(&mut self, beginning: &[u8], out: &mut Vec<Bytes>) {
        self.begun.extend_from_slice(beginning);
        if self.begun.len() > EVENT_BYTES_MAX {
            self.overlong = true;
            self.release(out);
            let begun = self.begun.split().freeze();
            self.count_unread(&begun);
            out.push(begun);
        }
    }
}

impl StreamDecoder for PassThrough {
    fn push(&mut self, piece: Bytes, out: &mut Vec<Bytes>) -> Result<(), StreamFault> {
        if self.finished {
            return Ok(());
        }
        let mut at = 0;
        if self.overlong {
            let end = self.boundary.find(&piece);
            let rest = piece.slice(..end.unwrap_or(piece.len()));
            self.count_unread(&rest);
            out.push(rest);
            let Some(end) = end else { return Ok(()) };
            self.overlong = false;
            at = end;
        } else if !self.begun.is_empty() {
            let Some(end) = self.boundary.find(&piece) else {
                self.keep(&piece, out);
                return Ok(());
            };
            self.begun.extend_from_slice(piece.get(..end).unwrap_or_default());
            let event = self.begun.split().freeze();
            let length = event.len();
            let run = self.handle(&event, 0..0, 0..length, out)?;
            forward(&event, run, out);
            at = end;
        }
        let mut run = at..at;
        while let Some(length) = self.boundary.find(piece.get(at..).unwrap_or_default()) {
            run = self.handle(&piece, run, at..at + length, out)?;
            at += length;
        }
        forward(&piece, run, out);
        self.keep(piece.get(at..).unwrap_or_default(), out);
        Ok(())
    }

    fn end(&mut self, out: &mut Vec<Bytes>) -> Result<(), StreamFault> {
        let rest = self.begun.split().freeze();
        if !rest.is_empty() && !self.finished {
            // An event whose blank line never came counts if it is whole, and betrays a cut if it is not.
            let length = rest.len();
            let run = self
                .handle(&rest, 0..0, 0..length, out)
                .map_err(|fault| match fault {
                    StreamFault::Unreadable(_) if sse::data(&rest).is_some() => StreamFault::CutShort,
                    fault => fault,
                })?;
            if !run.is_empty() {
                forward(&rest, run, out);
                out.push(Bytes::from_static(b"\n\n"));
            }
        }
        let whole =
            self.habits.end_marker_optional && self.progress.finish_reason.is_some() && !self.overlong;
        if self.finished || whole {
            self.finished = true;
            return Ok(());
        }
        Err(StreamFault::CutShort)
    }

    fn finished(&self) -> bool {
        self.finished
    }

    fn progress(&self) -> &StreamProgress {
        &self.progress
    }

    fn cut_off(&mut self, out: &mut Vec<Bytes>) {
        self.release(out);
        self.ended.cut_off(&self.envelope, out);
        self.progress.finish_reason = Some(crate::usage::FinishReason::Length);
        self.finished = true;
    }

    fn trailer(&mut self, metadata_json: &str, usage_for_client: Option<&TokenUsage>) -> Bytes {
        let spliced = self.held.take().and_then(|(event, _)| {
            let mut out = Vec::with_capacity(event.len() + metadata_json.len() + 64);
            out.extend_from_slice(b"data: ");
            append_with_metadata(&mut out, sse::data(&event)?.trim_ascii(), metadata_json)?;
            // Data that came on several lines leaves on one: between JSON's tokens a space is as good as a line end.
            out.iter_mut()
                .filter(|byte| **byte == b'\n')
                .for_each(|byte| *byte = b' ');
            out.extend_from_slice(b"\n\n");
            end_marker(&mut out);
            Some(Bytes::from(out))
        });
        spliced.unwrap_or_else(|| {
            let reported = self.progress.usage.as_ref().map(|usage| &usage.tokens);
            self.envelope
                .trailer(metadata_json, reported.or(usage_for_client))
        })
    }
}

fn forward(piece: &Bytes, run: Range<usize>, out: &mut Vec<Bytes>) {
    if !run.is_empty() {
        out.push(piece.slice(run));
    }
}
