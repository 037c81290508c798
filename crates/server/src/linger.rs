//! A socket that does not hang up on a client that is still sending.
//!
//! A refusal is often sent before the request was read to its end. If the socket were closed then, the client's system
//! would throw the refusal away, and the client would read of a broken connection instead of the reason.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio::runtime::Handle;
use tokio::sync::OwnedSemaphorePermit;

/// How long a client may go on sending into the void.
const TIME_MAX: Duration = Duration::from_secs(10);
/// How long it may pause meanwhile.
const PAUSE_MAX: Duration = Duration::from_secs(1);
/// How much it may send meanwhile.
const BYTES_MAX: usize = 64 * 1024 * 1024;

/// A client's socket and its place among the connections. Dropped, it says that it sends no more, and closes when the
/// client does or takes too long.
pub(crate) struct Lingering {
    /// Nothing once it is dropped.
    stream: Option<TcpStream>,
    place: Option<OwnedSemaphorePermit>,
}

impl Lingering {
    pub(crate) fn new(stream: TcpStream, place: OwnedSemaphorePermit) -> Self {
        Self {
            stream: Some(stream),
            place: Some(place),
        }
    }

    fn stream(&mut self) -> io::Result<Pin<&mut TcpStream>> {
        self.stream
            .as_mut()
            .map(Pin::new)
            .ok_or_else(|| io::ErrorKind::NotConnected.into())
    }
}

impl Drop for Lingering {
    fn drop(&mut self) {
        if let (Some(stream), Ok(runtime)) = (self.stream.take(), Handle::try_current()) {
            let place = self.place.take();
            runtime.spawn(async move {
                drop(tokio::time::timeout(TIME_MAX, linger(stream)).await);
                drop(place);
            });
        }
    }
}

/// Reads what the client still sends, and forgets it.
async fn linger(mut stream: TcpStream) {
    drop(stream.shutdown().await);
    let mut buffer = vec![0; 16 * 1024];
    let mut left = BYTES_MAX;
    while left > 0 {
        match tokio::time::timeout(PAUSE_MAX, stream.read(&mut buffer)).await {
            Ok(Ok(length @ 1..)) => left = left.saturating_sub(length),
            _ => return,
        }
    }
}

impl AsyncRead for Lingering {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.stream()?.poll_read(context, buffer)
    }
}

impl AsyncWrite for Lingering {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.stream()?.poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.stream()?.poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.as_ref().is_some_and(TcpStream::is_write_vectored)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream()?.poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream()?.poll_shutdown(context)
    }
}
