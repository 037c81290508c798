//! One connection to one origin: resolved, checked, connected and encrypted, in that order and under one deadline.
//!
//! The check stands between the resolver and the socket, so a name that changes its mind between two answers gains
//! nothing. Proxies named by the environment are not looked at, here or anywhere else.

use std::future::{Future, Ready, ready};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use freehold_domain::egress::{BaseUrl, EgressDenial, EgressPolicy, Scheme};
use http::Uri;
use hyper_rustls::{DefaultServerNameResolver, HttpsConnector, MaybeHttpsStream};
use hyper_util::client::legacy::connect::Connection;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};
use tower_service::Service;

use super::error::{ConnectPhase, UpstreamError};
use super::resolve::Resolve;
use super::tls::LazyTls;
use super::turnstile::Turnstile;

/// How long one address is tried while there are others.
const ADDRESS_LIMIT: Duration = Duration::from_secs(2);
/// A provider may think for minutes without a byte; probes keep routers between us from forgetting the connection.
const PROBE_INTERVAL: Duration = Duration::from_secs(30);

/// A connection to a provider, encrypted or not.
pub(super) type Stream = MaybeHttpsStream<TokioIo<TcpStream>>;

/// What every connector of a client shares.
pub(super) struct Shared {
    pub(super) policy: Arc<EgressPolicy>,
    pub(super) resolver: Arc<dyn Resolve>,
    pub(super) tls: LazyTls,
    pub(super) connect_limit: Duration,
}

/// Why there is no connection. Nothing of any request was written.
#[derive(Debug, Clone, thiserror::Error)]
pub(super) enum ConnectFailure {
    #[error("{0}")]
    Refused(#[source] EgressDenial),
    #[error("name not resolved")]
    Resolve(#[source] Arc<io::Error>),
    #[error("not connected")]
    Tcp(#[source] Arc<io::Error>),
    #[error("not encrypted")]
    Tls(#[source] Arc<io::Error>),
    #[error("no connection within {limit:?}")]
    Timeout { phase: ConnectPhase, limit: Duration },
    #[error("another connection serves")]
    Superfluous,
}

impl ConnectFailure {
    /// The failure as the caller of the client sees it.
    pub(super) fn to_error(&self) -> UpstreamError {
        // An `io::Error` cannot be cloned; its kind and text can.
        let copied = |error: &Arc<io::Error>| io::Error::new(error.kind(), Arc::clone(error));
        match self {
            Self::Refused(denial) => UpstreamError::Refused(denial.clone()),
            Self::Resolve(error) => UpstreamError::Resolve(copied(error)),
            Self::Tcp(error) => UpstreamError::Connect(copied(error)),
            Self::Tls(error) => UpstreamError::Tls(copied(error)),
            Self::Timeout { phase, limit } => UpstreamError::ConnectTimeout {
                phase: *phase,
                limit: *limit,
            },
            Self::Superfluous => UpstreamError::NotSent(Box::new(self.clone())),
        }
    }
}

/// Makes connections to one origin, whatever it is asked for.
#[derive(Clone)]
pub(super) struct Connector {
    pub(super) base: BaseUrl,
    pub(super) shared: Arc<Shared>,
    pub(super) turnstile: Arc<Turnstile>,
}

impl Connector {
    async fn connect(self, destination: Uri) -> Result<Stream, ConnectFailure> {
        let limit = self.shared.connect_limit;
        let deadline = Instant::now() + limit;
        let turn = timeout_at(deadline, self.turnstile.take_turn()).await;
        let turn = turn.map_err(|_| ConnectFailure::Timeout {
            phase: ConnectPhase::Tcp,
            limit,
        })??;
        let result = self.connect_now(destination, deadline).await;
        if let Some(turn) = turn {
            turn.end(
                result
                    .as_ref()
                    .map(|stream| stream.connected().is_negotiated_h2()),
            );
        }
        result
    }

    async fn connect_now(&self, destination: Uri, deadline: Instant) -> Result<Stream, ConnectFailure> {
        let limit = self.shared.connect_limit;
        let late = |phase| move |_| ConnectFailure::Timeout { phase, limit };
        let addresses = timeout_at(deadline, self.checked_addresses())
            .await
            .map_err(late(ConnectPhase::Resolve))??;
        let tcp = connect_in_order(&addresses, deadline, limit).await?;
        if self.base.scheme() != Scheme::Https {
            return Ok(MaybeHttpsStream::Http(tcp));
        }
        let encrypted = async {
            let config = self.shared.tls.config().await?;
            let names = Arc::new(DefaultServerNameResolver::default());
            let mut connector = HttpsConnector::new(Connected(Some(tcp)), config, true, names);
            connector.call(destination).await.map_err(io::Error::other)
        };
        timeout_at(deadline, encrypted)
            .await
            .map_err(late(ConnectPhase::Tls))?
            .map_err(|error| ConnectFailure::Tls(Arc::new(error)))
    }

    /// Every address of the host, all of them checked: one bad one refuses the name.
    async fn checked_addresses(&self) -> Result<Vec<SocketAddr>, ConnectFailure> {
        let addresses = match self.base.address() {
            Some(address) => vec![address],
            None => self
                .resolve()
                .await
                .map_err(|error| ConnectFailure::Resolve(Arc::new(error)))?,
        };
        for address in &addresses {
            self.shared
                .policy
                .check_address(&self.base, *address)
                .map_err(ConnectFailure::Refused)?;
        }
        Ok(addresses
            .into_iter()
            .map(|address| SocketAddr::new(address, self.base.port()))
            .collect())
    }

    async fn resolve(&self) -> io::Result<Vec<IpAddr>> {
        let addresses = self.shared.resolver.resolve(self.base.host()).await?;
        if addresses.is_empty() {
            return Err(io::Error::new(io::ErrorKind::NotFound, "the name has no address"));
        }
        Ok(addresses)
    }
}

impl Service<Uri> for Connector {
    type Response = Stream;
    type Error = ConnectFailure;
    type Future = Pin<Box<dyn Future<Output = Result<Stream, ConnectFailure>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), ConnectFailure>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, destination: Uri) -> Self::Future {
        Box::pin(self.clone().connect(destination))
    }
}

/// The first connection that an address of `addresses` accepts, tried one after the other.
async fn connect_in_order(
    addresses: &[SocketAddr],
    deadline: Instant,
    limit: Duration,
) -> Result<TokioIo<TcpStream>, ConnectFailure> {
    let late = ConnectFailure::Timeout {
        phase: ConnectPhase::Tcp,
        limit,
    };
    let mut failure = late.clone();
    for (index, address) in addresses.iter().enumerate() {
        let is_last = index + 1 == addresses.len();
        let until = if is_last {
            deadline
        } else {
            deadline.min(Instant::now() + ADDRESS_LIMIT)
        };
        match timeout_at(until, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return prepared(stream).map_err(|error| ConnectFailure::Tcp(Arc::new(error))),
            Ok(Err(error)) => failure = ConnectFailure::Tcp(Arc::new(error)),
            Err(_) => failure = late.clone(),
        }
    }
    Err(failure)
}

fn prepared(stream: TcpStream) -> io::Result<TokioIo<TcpStream>> {
    // Requests are written whole; to wait for more only adds to the time to the first token.
    stream.set_nodelay(true)?;
    let probes = socket2::TcpKeepalive::new()
        .with_time(PROBE_INTERVAL)
        .with_interval(PROBE_INTERVAL);
    socket2::SockRef::from(&stream).set_tcp_keepalive(&probes)?;
    Ok(TokioIo::new(stream))
}

/// A connector that was connected before: hyper-rustls wraps connectors, and ours is checked by then.
struct Connected(Option<TokioIo<TcpStream>>);

impl Service<Uri> for Connected {
    type Response = TokioIo<TcpStream>;
    type Error = io::Error;
    type Future = Ready<io::Result<TokioIo<TcpStream>>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        ready(self.0.take().ok_or_else(|| io::ErrorKind::NotConnected.into()))
    }
}
