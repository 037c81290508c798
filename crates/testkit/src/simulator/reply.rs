//! An answer on its way: status, header fields, and the body as steps to be played one after the other.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::time::{Instant, Sleep};

use super::connection::Line;
use super::journal::{Entry, Outcome};

/// One step of a body.
#[derive(Debug, Clone)]
pub(super) enum Step {
    /// Bytes, and how many output tokens they carry.
    Send(Bytes, u64),
    /// What was sent leaves in a packet of its own.
    Flush,
    Wait(Duration),
    /// What follows leaves so long after the body was begun, however late the steps before it were.
    At(Duration),
    /// The same bytes, so many times or without end, with a pause after each.
    Repeat {
        bytes: Bytes,
        tokens: u64,
        times: Option<u64>,
        pause: Duration,
    },
    /// Nothing more, and the connection stays.
    Hang,
    /// The connection closes here.
    Cut,
    /// The connection is reset here.
    Reset,
}

/// What the simulator does with a request.
#[derive(Debug)]
pub(super) enum Reply {
    /// Answers in HTTP.
    Http(Head, Vec<Step>),
    /// Says nothing and keeps the connection.
    Hang,
    /// Resets the connection.
    Reset,
    /// Writes these bytes to the socket in place of a response and closes it.
    Raw(Vec<Bytes>),
}

/// The head of an answer.
#[derive(Debug, Clone)]
pub(super) struct Head {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    /// Whether the length of the body is told beforehand.
    pub(super) sized: bool,
}

impl Reply {
    /// A whole body of this type.
    pub(super) fn whole(status: u16, content_type: &str, body: impl Into<Bytes>) -> Self {
        Self::Http(
            Head {
                status,
                headers: vec![("content-type".to_owned(), content_type.to_owned())],
                sized: true,
            },
            vec![Step::Send(body.into(), 0)],
        )
    }

    /// A whole JSON body.
    pub(super) fn json(status: u16, body: &serde_json::Value) -> Self {
        Self::whole(status, "application/json", body.to_string())
    }

    /// The same reply with one more header field.
    pub(super) fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        if let Self::Http(head, _) = &mut self {
            head.headers.push((name.to_owned(), value.into()));
        }
        self
    }
}

/// A body that plays its steps and tells the journal how far it came.
#[derive(Debug)]
pub(super) struct Player {
    steps: VecDeque<Step>,
    size: Option<u64>,
    begun: Option<Instant>,
    pause: Option<Pin<Box<Sleep>>>,
    flushed: bool,
    entry: Entry,
    line: Arc<Line>,
}

impl Player {
    pub(super) fn new(steps: Vec<Step>, sized: bool, mut entry: Entry, line: Arc<Line>) -> Self {
        let size = sized.then(|| steps.iter().map(length).sum());
        // An empty body is never asked for.
        if steps.is_empty() {
            entry.ended(Outcome::Complete);
        }
        Self {
            steps: steps.into(),
            size,
            begun: None,
            pause: None,
            flushed: false,
            entry,
            line,
        }
    }

    fn broken(&mut self) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
        self.entry.ended(Outcome::Broken);
        self.steps.clear();
        Poll::Ready(Some(Err(std::io::Error::other("broken off on purpose"))))
    }

    fn give(&mut self, bytes: Bytes, tokens: u64) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
        self.entry.sent(tokens);
        if self.steps.is_empty() {
            self.entry.ended(Outcome::Complete);
        }
        Poll::Ready(Some(Ok(Frame::data(bytes))))
    }

    fn sleep(&mut self, duration: Duration) {
        if !duration.is_zero() {
            self.pause = Some(Box::pin(tokio::time::sleep(duration)));
        }
    }
}

fn length(step: &Step) -> u64 {
    match step {
        Step::Send(bytes, _) => super::answer::count(bytes.len()),
        Step::Repeat {
            bytes,
            times: Some(times),
            ..
        } => super::answer::count(bytes.len()).saturating_mul(*times),
        _ => 0,
    }
}

impl Body for Player {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
        loop {
            if let Some(pause) = &mut self.pause {
                std::task::ready!(pause.as_mut().poll(context));
                self.pause = None;
            }
            let Some(step) = self.steps.pop_front() else {
                self.entry.ended(Outcome::Complete);
                return Poll::Ready(None);
            };
            match step {
                Step::Send(bytes, tokens) => return self.give(bytes, tokens),
                // The server writes out what it holds whenever the body has nothing to give at the moment.
                Step::Flush if self.flushed => self.flushed = false,
                Step::Flush => {
                    self.flushed = true;
                    self.steps.push_front(Step::Flush);
                    context.waker().wake_by_ref();
                    return Poll::Pending;
                }
                Step::Wait(duration) => self.sleep(duration),
                Step::At(moment) => {
                    let begun = *self.begun.get_or_insert_with(Instant::now);
                    self.pause = Some(Box::pin(tokio::time::sleep_until(begun + moment)));
                }
                Step::Repeat { times: Some(0), .. } => {}
                Step::Repeat {
                    bytes,
                    tokens,
                    times,
                    pause,
                } => {
                    let piece = bytes.clone();
                    let times = times.map(|times| times - 1);
                    if times != Some(0) {
                        self.steps.push_front(Step::Repeat {
                            bytes,
                            tokens,
                            times,
                            pause,
                        });
                    }
                    self.sleep(pause);
                    return self.give(piece, tokens);
                }
                Step::Hang => {
                    self.steps.push_front(Step::Hang);
                    return Poll::Pending;
                }
                Step::Cut => return self.broken(),
                Step::Reset => {
                    self.line.reset_on_close();
                    return self.broken();
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.steps.is_empty() && self.pause.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        self.size.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}
