//! The way back to the client: a head, then bytes. Knows when the client has left, and when nobody may wait any longer.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::Response;
use http_body::{Body, Frame, SizeHint};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

/// Pieces of a stream that may wait for a slow client before the provider has to wait too.
const PIECES_WAITING_MAX: usize = 16;
/// A client that takes nothing of what waits for it for so long counts as gone.
const CLIENT_PATIENCE: Duration = Duration::from_secs(60);

/// The body of a reply: whole, or a stream fed by the request's task.
#[derive(Debug)]
pub enum ReplyBody {
    /// Everything at once.
    Whole(Bytes),
    /// Piece by piece.
    Stream(mpsc::Receiver<Bytes>),
}

impl Body for ReplyBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match &mut *self {
            Self::Whole(bytes) if bytes.is_empty() => Poll::Ready(None),
            Self::Whole(bytes) => Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes))))),
            Self::Stream(pieces) => pieces
                .poll_recv(context)
                .map(|piece| piece.map(|bytes| Ok(Frame::data(bytes)))),
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Whole(bytes) if bytes.is_empty())
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Self::Stream(_) => SizeHint::default(),
        }
    }
}

/// Why a request ends before its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Interruption {
    /// The client left.
    Gone,
    /// The process is stopping, and the time to finish is over.
    Stopped,
}

/// The task's end of the way back.
pub(crate) struct Answer {
    way: Way,
    stopping: CancellationToken,
}

enum Way {
    /// Nothing was sent yet.
    Waiting(oneshot::Sender<Response<ReplyBody>>),
    /// The head is out; pieces follow.
    Streaming(mpsc::Sender<Bytes>),
    /// All was sent, or the client left.
    Done,
}

/// The client's end of the way back.
pub(crate) struct Answered(oneshot::Receiver<Response<ReplyBody>>);

/// Both ends of a way back, which is cut where it stands when `stopping` says so.
pub(crate) fn channel(stopping: CancellationToken) -> (Answer, Answered) {
    let (sender, receiver) = oneshot::channel();
    let way = Way::Waiting(sender);
    (Answer { way, stopping }, Answered(receiver))
}

impl Answered {
    /// The reply, once its head is known. The task answers every request, unless it panicked: then this one fails alone.
    pub(crate) async fn reply(self) -> Response<ReplyBody> {
        self.0.await.unwrap_or_else(|_| crate::error::task_lost())
    }
}

impl Answer {
    /// Returns when the request must end; never while the client waits and may wait.
    pub(crate) async fn interrupted(&mut self) -> Interruption {
        tokio::select! {
            biased;
            () = self.way.closed() => Interruption::Gone,
            () = self.stopping.cancelled() => Interruption::Stopped,
        }
    }

    /// The same for a stream whose head is out, as one future that a loop can wait on again and again: it signs up with
    /// client and process once, not at every piece. While it lives the stream stays open.
    pub(crate) fn interruption(&self) -> impl Future<Output = Interruption> + Send + use<> {
        let stopping = self.stopping.clone();
        let sender = match &self.way {
            Way::Streaming(sender) => Some(sender.clone()),
            Way::Waiting(_) | Way::Done => None,
        };
        async move {
            let closed = async {
                match &sender {
                    Some(sender) => sender.closed().await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                () = closed => Interruption::Gone,
                () = stopping.cancelled() => Interruption::Stopped,
            }
        }
    }

    /// Nothing more will be sent.
    pub(crate) fn close(&mut self) {
        self.way = Way::Done;
    }

    /// Sends a whole reply; false if the client had left.
    pub(crate) fn send_whole(&mut self, reply: Response<ReplyBody>) -> bool {
        match std::mem::replace(&mut self.way, Way::Done) {
            Way::Waiting(sender) => sender.send(reply).is_ok(),
            Way::Streaming(_) | Way::Done => false,
        }
    }

    /// Sends the head of a stream; false if the client had left.
    pub(crate) fn send_head(&mut self, head: Response<()>) -> bool {
        let (sender, receiver) = mpsc::channel(PIECES_WAITING_MAX);
        match std::mem::replace(&mut self.way, Way::Streaming(sender)) {
            Way::Waiting(waiting) => waiting.send(head.map(|()| ReplyBody::Stream(receiver))).is_ok(),
            Way::Streaming(_) | Way::Done => false,
        }
    }

    /// Sends a piece of a stream, waiting for a slow client; false if it has left, or takes nothing for too long.
    pub(crate) async fn send_piece(&mut self, piece: Bytes) -> bool {
        let Way::Streaming(sender) = &self.way else {
            return false;
        };
        match sender.try_send(piece) {
            Ok(()) => true,
            Err(TrySendError::Closed(_)) => false,
            Err(TrySendError::Full(piece)) => tokio::select! {
                sent = tokio::time::timeout(CLIENT_PATIENCE, sender.send(piece)) => matches!(sent, Ok(Ok(()))),
                () = self.stopping.cancelled() => false,
            },
        }
    }
}

impl Way {
    /// Returns when the client has left; never while it waits.
    async fn closed(&mut self) {
        match self {
            Self::Waiting(sender) => sender.closed().await,
            Self::Streaming(sender) => sender.closed().await,
            Self::Done => std::future::pending().await,
        }
    }
}
