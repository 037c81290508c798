//! Accepts connections: with deadlines against slow clients, and an end that waits for running requests.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Context;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use crate::linger::Lingering;
use crate::routes::Routes;

/// How long a request's head may take to arrive.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// Most connections at the same time; the next ones wait in the system's queue.
const CONNECTIONS_MAX: usize = 16_384;
/// Largest head of a request.
const HEAD_BYTES_MAX: usize = 64 * 1024;
/// Most headers of a request.
const HEADERS_MAX: usize = 100;
/// Pause after a failed accept, which is most often a lack of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// A bound port.
pub(crate) struct Listener {
    socket: TcpListener,
    server: auto::Builder<TokioExecutor>,
    places: Arc<Semaphore>,
}

impl Listener {
    /// Binds `address`.
    ///
    /// # Errors
    /// When the port is taken or may not be used.
    pub(crate) async fn bind(address: SocketAddr) -> anyhow::Result<Self> {
        let socket = TcpListener::bind(address).await.with_context(|| {
            format!("cannot listen on {address}; is another process there, or another --listen meant?")
        })?;
        let mut server = auto::Builder::new(TokioExecutor::new());
        server
            .http1()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_TIMEOUT)
            .max_headers(HEADERS_MAX)
            .max_buf_size(HEAD_BYTES_MAX);
        server
            .http2()
            .timer(TokioTimer::new())
            .keep_alive_interval(Some(Duration::from_secs(30)))
            .keep_alive_timeout(Duration::from_secs(20))
            .max_concurrent_streams(250)
            .max_header_list_size(u32::try_from(HEAD_BYTES_MAX).unwrap_or(u32::MAX));
        Ok(Self {
            socket,
            server,
            places: Arc::new(Semaphore::new(CONNECTIONS_MAX)),
        })
    }

    /// The address it is bound to.
    pub(crate) fn address(&self) -> anyhow::Result<SocketAddr> {
        self.socket.local_addr().context("the bound address")
    }

    /// Serves `routes` until `stop` ends, then answers what is running and closes what is idle. Answers whether all
    /// connections were closed within `drain`.
    pub(crate) async fn serve(
        self,
        routes: Arc<Routes>,
        stop: impl Future<Output = ()>,
        drain: Duration,
    ) -> bool {
        let graceful = GracefulShutdown::new();
        let mut stop = std::pin::pin!(stop);
        loop {
            let place = tokio::select! {
                biased;
                () = &mut stop => break,
                place = Arc::clone(&self.places).acquire_owned() => place,
            };
            let Ok(place) = place else { break };
            let accepted = tokio::select! {
                biased;
                () = &mut stop => break,
                accepted = self.socket.accept() => accepted,
            };
            match accepted {
                Ok((stream, _)) => {
                    // Small writes are whole events; waiting to fill a packet would hold them back.
                    drop(stream.set_nodelay(true));
                    let socket = Lingering::new(stream, place);
                    tokio::spawn(self.connection(socket, &routes, graceful.watcher()));
                }
                Err(error) => {
                    tracing::warn!(error = %error, "a connection could not be accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
        drop(self.socket);
        tokio::time::timeout(drain, graceful.shutdown()).await.is_ok()
    }

    /// One connection, from its first byte to its last.
    fn connection(
        &self,
        socket: Lingering,
        routes: &Arc<Routes>,
        watcher: hyper_util::server::graceful::Watcher,
    ) -> impl Future<Output = ()> + Send + 'static {
        let spoke = Arc::new(AtomicBool::new(false));
        let heard = Arc::clone(&spoke);
        let routes = Arc::clone(routes);
        let service = service_fn(move |request: hyper::Request<Incoming>| {
            heard.store(true, Ordering::Relaxed);
            let routes = Arc::clone(&routes);
            async move { Ok::<_, std::convert::Infallible>(routes.answer(request).await) }
        });
        let connection = self
            .server
            .serve_connection(TokioIo::new(socket), service)
            .into_owned();
        let connection = watcher.watch(connection);
        async move {
            let mut connection = std::pin::pin!(connection);
            // The library's own timer starts only once it knows which HTTP is spoken; this one starts at once.
            let in_time = tokio::select! {
                ended = connection.as_mut() => { drop(ended); return }
                () = tokio::time::sleep(HEAD_TIMEOUT) => spoke.load(Ordering::Relaxed),
            };
            if in_time {
                // A connection that breaks concerns its two ends only.
                drop(connection.await);
            }
        }
    }
}
