//! The listening socket and its connections: HTTP/1.1, with the means to end a connection as no server should.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::{TcpListener, TcpStream};

use super::Shared;

/// What a request may do to the connection it came on.
#[derive(Debug, Default)]
pub(super) struct Line {
    reset: AtomicBool,
    raw: Mutex<Vec<Bytes>>,
}

impl Line {
    /// The connection ends with a reset instead of an end.
    pub(super) fn reset_on_close(&self) {
        self.reset.store(true, Ordering::SeqCst);
    }

    /// These bytes are written before the connection closes.
    pub(super) fn write_on_close(&self, bytes: Vec<Bytes>) {
        *self.raw.lock().unwrap_or_else(PoisonError::into_inner) = bytes;
    }

    fn raw(&self) -> Vec<Bytes> {
        std::mem::take(&mut self.raw.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A socket that ends with a reset if it was told so.
struct Socket {
    stream: TcpStream,
    line: Arc<Line>,
}

impl Drop for Socket {
    fn drop(&mut self) {
        if self.line.reset.load(Ordering::SeqCst) {
            drop(self.stream.set_zero_linger());
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.line.reset.load(Ordering::SeqCst) {
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

/// Accepts connections until the runtime that it runs on is shut down.
pub(super) async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                tokio::spawn(serve(stream, Arc::clone(&shared)));
            }
            // Out of descriptors, for one: what is open goes on, and new ones get their chance a little later.
            Err(_) => tokio::time::sleep(std::time::Duration::from_millis(10)).await,
        }
    }
}

async fn serve(stream: TcpStream, shared: Arc<Shared>) {
    drop(stream.set_nodelay(true));
    let line = Arc::new(Line::default());
    let socket = Socket {
        stream,
        line: Arc::clone(&line),
    };
    let service = service_fn(|request| {
        Box::pin(super::serve::answer(
            request,
            Arc::clone(&shared),
            Arc::clone(&line),
        ))
    });
    let mut connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .serve_connection(TokioIo::new(socket), service);
    let ended = poll_fn(|context| connection.poll_without_shutdown(context)).await;
    let mut socket = connection.into_parts().io.into_inner();
    if ended.is_err() {
        for bytes in line.raw() {
            if socket.write_all(&bytes).await.is_err() {
                return;
            }
        }
    }
    drop(socket.shutdown().await);
}
