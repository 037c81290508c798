//! Small providers on loopback, and clients that may reach them.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use freehold_domain::egress::EgressPolicy;
use freehold_domain::provider::ProviderKind;
use freehold_gateway::upstream::{
    Credential, Deadlines, Endpoint, OutboundCall, Resolve, Resolving, UpstreamClient, UpstreamSettings,
};
use freehold_vault::Secret;
use freehold_wire::adapter::{AuthScheme, OutboundRequest};
use http::{HeaderMap, Request, Response};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

pub(crate) const KEY: &str = "sk-canary-0123456789abcdef0123456789";

pub(crate) type ProviderBody = BoxBody<Bytes, Infallible>;

/// A request as the provider got it.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// A provider on loopback that counts who comes.
pub(crate) struct Provider {
    pub(crate) address: SocketAddr,
    pub(crate) connections: Arc<AtomicUsize>,
    pub(crate) seen: Arc<Mutex<Vec<Seen>>>,
}

impl Provider {
    /// One that answers each request with what `answer` makes of it.
    pub(crate) async fn answering<F>(answer: F) -> Self
    where
        F: Fn(&Seen) -> Response<ProviderBody> + Send + Sync + 'static,
    {
        Self::on(listener().await, answer)
    }

    pub(crate) fn on<F>(listener: TcpListener, answer: F) -> Self
    where
        F: Fn(&Seen) -> Response<ProviderBody> + Send + Sync + 'static,
    {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (answer, requests) = (Arc::new(answer), Arc::clone(&seen));
        let connection = move |stream: TcpStream| {
            let (answer, requests) = (Arc::clone(&answer), Arc::clone(&requests));
            async move {
                let service = service_fn(move |request: Request<Incoming>| {
                    let (answer, requests) = (Arc::clone(&answer), Arc::clone(&requests));
                    async move {
                        let seen = read(request).await;
                        requests.lock().unwrap().push(seen.clone());
                        Ok::<_, Infallible>(answer(&seen))
                    }
                });
                let builder = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new());
                let _closed = builder.serve_connection(TokioIo::new(stream), service).await;
            }
        };
        Self {
            seen,
            ..Self::accepting(listener, connection)
        }
    }

    /// One that does with each connection what `script` says.
    pub(crate) async fn scripted<F, R>(script: F) -> Self
    where
        F: Fn(TcpStream) -> R + Send + Sync + 'static,
        R: Future<Output = ()> + Send + 'static,
    {
        Self::accepting(listener().await, script)
    }

    fn accepting<F, R>(listener: TcpListener, connection: F) -> Self
    where
        F: Fn(TcpStream) -> R + Send + Sync + 'static,
        R: Future<Output = ()> + Send + 'static,
    {
        let address = listener.local_addr().unwrap();
        let connections = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&connections);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                counted.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(connection(stream));
            }
        });
        Self {
            address,
            connections,
            seen: Arc::default(),
        }
    }

    /// One that writes `reply` after each request's head and then waits for the end of the connection.
    pub(crate) async fn writing(reply: impl Into<Vec<u8>>) -> Self {
        let reply = Arc::new(reply.into());
        Self::scripted(move |mut stream| {
            let reply = Arc::clone(&reply);
            async move {
                while read_head(&mut stream).await.is_some() {
                    if stream.write_all(&reply).await.is_err() {
                        break;
                    }
                }
            }
        })
        .await
    }

    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    pub(crate) fn requests(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn endpoint(&self) -> Endpoint {
        endpoint(&self.url())
    }

    /// A client that may reach this provider and nobody else inside.
    pub(crate) fn client(&self) -> UpstreamClient {
        client(&[&self.address.to_string()], settings())
    }
}

pub(crate) async fn listener() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.unwrap()
}

/// What came before the blank line; nothing if the other side left.
pub(crate) async fn read_head(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    Some(head)
}

pub(crate) async fn read(request: Request<Incoming>) -> Seen {
    let (head, body) = request.into_parts();
    let body = body
        .collect()
        .await
        .map(http_body_util::Collected::to_bytes)
        .unwrap_or_default();
    Seen {
        path: head.uri.path_and_query().unwrap().to_string(),
        headers: head.headers,
        body,
    }
}

pub(crate) fn text(status: u16, text: &str) -> Response<ProviderBody> {
    let body = Full::new(Bytes::copy_from_slice(text.as_bytes())).boxed();
    Response::builder()
        .status(status)
        .header("content-type", "application/json")
        .body(body)
        .unwrap()
}

pub(crate) fn endpoint(url: &str) -> Endpoint {
    Endpoint::parse(ProviderKind::OpenaiCompatible, url).unwrap()
}

pub(crate) fn policy(private_targets: &[&str]) -> Arc<EgressPolicy> {
    let entries: Vec<String> = private_targets.iter().map(|entry| (*entry).to_owned()).collect();
    Arc::new(EgressPolicy::new(&entries).unwrap())
}

/// Deadlines short enough for tests and long enough for a busy machine.
pub(crate) fn settings() -> UpstreamSettings {
    let long = Duration::from_secs(20);
    UpstreamSettings {
        connect: long,
        deadlines: Deadlines {
            headers: long,
            idle: long,
            total: long,
        },
        ..UpstreamSettings::default()
    }
}

pub(crate) fn client(private_targets: &[&str], settings: UpstreamSettings) -> UpstreamClient {
    UpstreamClient::new(policy(private_targets), settings)
}

pub(crate) fn credential(scheme: AuthScheme) -> Option<Credential> {
    Credential::new(scheme, Secret::from_text(KEY.to_owned()))
}

pub(crate) fn call(endpoint: &Endpoint) -> OutboundCall<'_> {
    call_with(endpoint, credential(AuthScheme::Bearer))
}

pub(crate) fn call_with(endpoint: &Endpoint, credential: Option<Credential>) -> OutboundCall<'_> {
    let request = OutboundRequest {
        path: "/chat/completions".into(),
        headers: &[
            ("content-type", "application/json"),
            ("accept", "application/json"),
        ],
        body: Bytes::from_static(b"{\"model\":\"m\"}"),
    };
    OutboundCall::post(endpoint, request, credential)
}

/// A resolver that answers by a rule: what was asked, and how often before.
pub(crate) struct Scripted<F> {
    pub(crate) asked: AtomicUsize,
    answer: F,
}

impl<F> Scripted<F>
where
    F: Fn(usize) -> io::Result<Vec<IpAddr>> + Send + Sync + 'static,
{
    pub(crate) fn new(answer: F) -> Arc<Self> {
        Arc::new(Self {
            asked: AtomicUsize::new(0),
            answer,
        })
    }
}

impl<F> Resolve for Scripted<F>
where
    F: Fn(usize) -> io::Result<Vec<IpAddr>> + Send + Sync + 'static,
{
    fn resolve(&self, _: &str) -> Resolving {
        let answer = (self.answer)(self.asked.fetch_add(1, Ordering::SeqCst));
        Box::pin(async move { answer })
    }
}
