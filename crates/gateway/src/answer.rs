//! The way back to the client: a head, then bytes. Knows when the client has left.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::Response;
use http_body::{Body, Frame, SizeHint};
use tokio::sync::{mpsc, oneshot};

/// Pieces of a stream that may wait for a slow client before the provider has to wait too.
const PIECES_WAITING_MAX: usize = 16;

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

/// The task's end of the way back.
pub(crate) enum Answer {
    /// Nothing was sent yet.
    Waiting(oneshot::Sender<Response<ReplyBody>>),
    /// The head is out; pieces follow.
    Streaming(mpsc::Sender<Bytes>),
    /// All was sent, or the client left.
    Done,
}

/// The client's end of the way back.
pub(crate) struct Answered(oneshot::Receiver<Response<ReplyBody>>);

/// Both ends of a way back.
pub(crate) fn channel() -> (Answer, Answered) {
    let (sender, receiver) = oneshot::channel();
    (Answer::Waiting(sender), Answered(receiver))
}

impl Answered {
    /// The reply, once its head is known. The task answers every request, unless it panicked: then this one fails alone.
    pub(crate) async fn reply(self) -> Response<ReplyBody> {
        self.0.await.unwrap_or_else(|_| crate::error::task_lost())
    }
}

impl Answer {
    /// Returns when the client has left; never while it waits.
    pub(crate) async fn gone(&mut self) {
        match self {
            Self::Waiting(sender) => sender.closed().await,
            Self::Streaming(sender) => sender.closed().await,
            Self::Done => std::future::pending().await,
        }
    }

    /// Sends a whole reply; false if the client had left.
    pub(crate) fn send_whole(&mut self, reply: Response<ReplyBody>) -> bool {
        match std::mem::replace(self, Self::Done) {
            Self::Waiting(sender) => sender.send(reply).is_ok(),
            Self::Streaming(_) | Self::Done => false,
        }
    }

    /// Sends the head of a stream; false if the client had left.
    pub(crate) fn send_head(&mut self, head: Response<()>) -> bool {
        let (sender, receiver) = mpsc::channel(PIECES_WAITING_MAX);
        match std::mem::replace(self, Self::Streaming(sender)) {
            Self::Waiting(waiting) => waiting.send(head.map(|()| ReplyBody::Stream(receiver))).is_ok(),
            Self::Streaming(_) | Self::Done => false,
        }
    }

    /// Sends a piece of a stream, waiting for a slow client; false if it had left.
    pub(crate) async fn send_piece(&mut self, piece: Bytes) -> bool {
        match self {
            Self::Streaming(sender) => sender.send(piece).await.is_ok(),
            Self::Waiting(_) | Self::Done => false,
        }
    }
}
