//! Stage 10: the answer's bytes, to the client and past the meter. After the first byte there is no way back.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use freehold_domain::id::ProviderKeyId;
use freehold_domain::record::{KeyName, Outcome};
use freehold_domain::tokens::TokenUsage;
use freehold_wire::adapter::{ReplyContext, StreamDecoder};
use freehold_wire::{FinishReason, ReportedUsage};
use http::Response;

use crate::answer::{Answer, Interruption};
use crate::case::Case;
use crate::dispatch::{Attempted, Source};
use crate::error::Refusal;
use crate::fault::Fault;
use crate::headers;
use crate::model::Resolved;
use crate::route::Candidate;

/// How an answer ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Whole.
    Complete,
    /// The client left.
    ClientGone,
    /// The process is stopping, and the time to finish was over.
    Stopped,
    /// The provider broke off.
    Broken(Fault),
}

impl Ending {
    /// The outcome it means for the record.
    pub(crate) fn outcome(&self) -> Outcome {
        match self {
            Self::Complete => Outcome::Ok,
            Self::ClientGone => Outcome::ClientGone,
            Self::Stopped | Self::Broken(_) => Outcome::Failed,
        }
    }
}

impl From<Interruption> for Ending {
    fn from(interruption: Interruption) -> Self {
        match interruption {
            Interruption::Gone => Self::ClientGone,
            Interruption::Stopped => Self::Stopped,
        }
    }
}

/// What is held back until the record is on disk.
pub(crate) enum Held {
    /// A whole reply.
    Whole(Bytes),
    /// The end of a stream, and what is left to read of the provider's.
    Stream(Box<dyn StreamDecoder>, Box<Source>),
}

/// An answer whose last bytes are held back.
pub(crate) struct Relayed {
    pub(crate) candidate: Candidate,
    pub(crate) key_name: Option<KeyName<ProviderKeyId>>,
    /// The model as it was asked for.
    pub(crate) resolved: Resolved,
    /// The model that the provider says answered.
    pub(crate) model_reported: Option<Box<str>>,
    pub(crate) input_bytes: u64,
    pub(crate) output_bytes: u64,
    pub(crate) usage: Option<ReportedUsage>,
    /// What the provider said of the input before the answer broke off.
    pub(crate) input_so_far: Option<TokenUsage>,
    pub(crate) finish_reason: Option<&'static str>,
    pub(crate) usage_wanted: bool,
    pub(crate) ending: Ending,
    pub(crate) held: Held,
    pub(crate) headers: http::HeaderMap,
}

impl Relayed {
    /// The model that answered.
    pub(crate) fn model_used(&self) -> &str {
        self.model_reported
            .as_deref()
            .unwrap_or_else(|| self.resolved.model())
    }
}

/// The answer is read to its end; of a stream all but the end has been sent on.
///
/// # Errors
/// When a reply that is not a stream cannot be read or understood: nothing has been sent yet.
pub(crate) async fn relay(
    case: &mut Case,
    attempted: Attempted,
    answer: &mut Answer,
) -> Result<Relayed, Refusal> {
    let began = Instant::now();
    let before = case.upstream;
    let result = if case.stream {
        stream(case, attempted, answer).await
    } else {
        whole(case, attempted, answer).await
    };
    if !case.stream {
        case.upstream = before + began.elapsed();
    }
    result
}

async fn whole(case: &mut Case, attempted: Attempted, answer: &mut Answer) -> Result<Relayed, Refusal> {
    let Attempted {
        grant,
        candidate,
        adapter,
        mut source,
        headers,
        ..
    } = attempted;
    let bytes_max = case.gateway.settings.reply_bytes_max;
    let body = tokio::select! {
        biased;
        body = collect(&mut source, bytes_max) => body,
        interruption = answer.interrupted() => return Err(interruption.into()),
    };
    let body = body.map_err(|fault| fault.into_refusal(&candidate))?;
    report_repeated_key(case, &source);
    let context = ReplyContext {
        request: &grant.asked,
        created_seconds: created_seconds(case),
    };
    let reply = adapter
        .chat_reply(&context, body)
        .map_err(|fault| Fault::from(fault).into_refusal(&candidate))?;
    Ok(Relayed {
        key_name: key_name(&candidate),
        resolved: grant.resolved,
        model_reported: reply.model.map(String::into_boxed_str),
        input_bytes: grant.asked.input_bytes(),
        output_bytes: reply.output_bytes,
        usage: reply.usage,
        input_so_far: None,
        finish_reason: reply.finish_reason.map(FinishReason::as_str),
        usage_wanted: true,
        ending: Ending::Complete,
        held: Held::Whole(reply.body),
        headers,
        candidate,
    })
}

/// The whole body, bounded.
async fn collect(source: &mut Source, bytes_max: usize) -> Result<Bytes, Fault> {
    let mut first = Bytes::new();
    let mut rest = BytesMut::new();
    while let Some(piece) = source.next().await {
        let piece = piece?;
        if first.is_empty() && rest.is_empty() {
            first = piece;
        } else {
            if rest.is_empty() {
                rest.extend_from_slice(&first);
            }
            rest.extend_from_slice(&piece);
        }
        if first.len().max(rest.len()) > bytes_max {
            return Err(Fault::broken(
                "the provider's reply is larger than this gateway takes",
            ));
        }
    }
    Ok(if rest.is_empty() { first } else { rest.freeze() })
}

async fn stream(case: &mut Case, attempted: Attempted, answer: &mut Answer) -> Result<Relayed, Refusal> {
    let Attempted {
        grant,
        candidate,
        adapter,
        mut source,
        headers,
        sent,
    } = attempted;
    let context = ReplyContext {
        request: &grant.asked,
        created_seconds: created_seconds(case),
    };
    let mut decoder = adapter.chat_stream(&context);
    let deadline = tokio::time::sleep(
        Duration::from_millis(case.gateway.settings.request_deadline_ms)
            .saturating_sub(case.received.started.elapsed()),
    );
    let mut deadline = std::pin::pin!(deadline);
    let silence = Duration::from_millis(case.gateway.settings.heartbeat_ms);
    let heartbeat = tokio::time::sleep(silence);
    let mut heartbeat = std::pin::pin!(heartbeat);
    let mut last_piece = Instant::now();
    let mut out: Vec<Bytes> = Vec::with_capacity(4);
    let head = stream_head(case, &candidate, &headers);
    let mut ending = if answer.send_head(head) {
        None
    } else {
        Some(Ending::ClientGone)
    };
    let mut interrupted = std::pin::pin!(answer.interruption());
    while ending.is_none() {
        let piece = tokio::select! {
            biased;
            piece = source.next() => piece,
            interruption = &mut interrupted => { ending = Some(interruption.into()); break }
            () = &mut heartbeat => {
                // The timer is only moved when it fires, so that a busy stream does not pay for it at every piece.
                if last_piece.elapsed() >= silence && !answer.send_piece(freehold_wire::heartbeat()).await {
                    ending = Some(Ending::ClientGone);
                }
                heartbeat.as_mut().reset((Instant::now() + silence).into());
                continue;
            }
            () = &mut deadline => { ending = Some(Ending::Broken(Fault::timed_out())); break }
        };
        last_piece = Instant::now();
        let result = match piece {
            Some(Ok(piece)) => decoder
                .push(piece, &mut out)
                .map(|()| decoder.finished())
                .map_err(Fault::from),
            Some(Err(fault)) => Err(fault),
            None => decoder.end(&mut out).map(|()| true).map_err(Fault::from),
        };
        if !out.is_empty() && case.first_byte.is_none() {
            case.first_byte = Some(case.received.started.elapsed());
        }
        for piece in out.drain(..) {
            let sent = tokio::select! {
                biased;
                sent = answer.send_piece(piece) => sent,
                () = &mut deadline => { ending = Some(Ending::Broken(Fault::timed_out())); break }
            };
            if !sent {
                ending = Some(Ending::ClientGone);
                break;
            }
        }
        match result {
            Ok(true) if ending.is_none() => ending = Some(Ending::Complete),
            Err(fault) if ending.is_none() => ending = Some(Ending::Broken(fault)),
            _ => {}
        }
    }
    report_repeated_key(case, &source);
    case.upstream = case.upstream.max(sent.elapsed());
    let progress = decoder.progress();
    Ok(Relayed {
        key_name: key_name(&candidate),
        resolved: grant.resolved,
        model_reported: progress.model.clone(),
        input_bytes: grant.asked.input_bytes(),
        output_bytes: progress.output_bytes,
        usage: progress.usage.clone(),
        input_so_far: progress.input_so_far,
        finish_reason: progress.finish_reason.map(FinishReason::as_str),
        usage_wanted: grant.asked.wants_usage(),
        ending: ending.unwrap_or(Ending::Complete),
        held: Held::Stream(decoder, Box::new(source)),
        headers,
        candidate,
    })
}

/// When the answer began, for providers whose answers carry no time.
fn created_seconds(case: &Case) -> i64 {
    case.received.at.as_micros() / 1_000_000
}

/// The key as replies name it; the platform's own keys are nobody's business.
fn key_name(candidate: &Candidate) -> Option<KeyName<ProviderKeyId>> {
    let view = candidate.key.as_ref().filter(|view| !view.is_platform())?;
    Some(KeyName {
        id: view.key.id,
        label: view.label.as_ref().map(Arc::clone),
    })
}

fn stream_head(case: &Case, candidate: &Candidate, upstream: &http::HeaderMap) -> Response<()> {
    let mut head = Response::new(());
    headers::of_answer(head.headers_mut(), case, candidate, upstream);
    let headers = head.headers_mut();
    headers.insert(
        http::header::CONTENT_TYPE,
        http::HeaderValue::from_static("text/event-stream"),
    );
    headers.insert(
        http::header::CACHE_CONTROL,
        http::HeaderValue::from_static("no-cache"),
    );
    // Proxies that buffer would turn a stream into a wait.
    headers.insert("x-accel-buffering", http::HeaderValue::from_static("no"));
    head
}

/// A provider that repeats the key in its answer is either broken or hostile; the way out took the key out of it.
fn report_repeated_key(case: &Case, source: &Source) {
    if source.key_was_repeated() {
        tracing::error!(request.id = %case.received.id, "a provider repeated the key in its answer; it was taken out");
    }
}
