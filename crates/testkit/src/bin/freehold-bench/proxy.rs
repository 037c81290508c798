//! The bare proxy: the least that any proxy on this stack can do. It changes authority and credential and passes both
//! bodies on as they come; nothing is parsed, checked or kept. What it costs is the floor that the gateway is held to.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use freehold_testkit::simulator::VALID_KEY;
use http::header::{AUTHORIZATION, HOST};
use http::uri::{Authority, Scheme};
use http::{HeaderValue, Request, Response, Uri};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::{Client, Error};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpListener;

/// As many as the machine of the published numbers has cores, and as the gateway uses there.
const THREADS: usize = 2;

struct Proxy {
    client: Client<HttpConnector, Incoming>,
    provider: Authority,
    credential: HeaderValue,
}

/// Serves until the process that started this one is gone.
pub(crate) fn run(provider: SocketAddr) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(THREADS)
        .enable_all()
        .build()?;
    let listener = runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))?;
    let address = listener.local_addr()?;
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    let proxy = Arc::new(Proxy {
        client: Client::builder(TokioExecutor::new()).build(connector),
        provider: provider.to_string().parse().map_err(io::Error::other)?,
        credential: format!("Bearer {VALID_KEY}").parse().map_err(io::Error::other)?,
    });
    runtime.spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            drop(stream.set_nodelay(true));
            let proxy = Arc::clone(&proxy);
            tokio::spawn(async move {
                let service = service_fn(|request| proxy.pass(request));
                // A connection that breaks concerns its two ends only.
                drop(
                    http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service)
                        .await,
                );
            });
        }
    });
    crate::process::serve_at(address)
}

impl Proxy {
    async fn pass(&self, mut request: Request<Incoming>) -> Result<Response<Incoming>, Error> {
        let mut uri = std::mem::take(request.uri_mut()).into_parts();
        uri.scheme = Some(Scheme::HTTP);
        uri.authority = Some(self.provider.clone());
        *request.uri_mut() = Uri::from_parts(uri).unwrap_or_default();
        request.headers_mut().remove(HOST);
        request
            .headers_mut()
            .insert(AUTHORIZATION, self.credential.clone());
        self.client.request(request).await
    }
}
