//! A provider with a certificate, and clients that trust it.

use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use freehold_gateway::upstream::{Endpoint, UpstreamClient, UpstreamSettings};
use http::{Request, Response, Version};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::provider::{Provider, ProviderBody, Scripted, endpoint, policy};

/// The name its certificate is for.
pub(crate) const NAME: &str = "api.example.com";

pub(crate) struct Encrypted {
    pub(crate) provider: Provider,
    trust: ClientConfig,
}

impl Encrypted {
    /// One that offers `protocols` and answers with what `answer` makes of a request's version.
    pub(crate) async fn answering<F, R>(protocols: &[&str], answer: F) -> Self
    where
        F: Fn(Version) -> R + Send + Sync + 'static,
        R: Future<Output = Response<ProviderBody>> + Send + 'static,
    {
        let answer = Arc::new(answer);
        Self::scripted(protocols, move |stream| {
            let answer = Arc::clone(&answer);
            async move {
                let service = service_fn(move |request: Request<Incoming>| {
                    let answer = Arc::clone(&answer);
                    async move {
                        let version = request.version();
                        let _ = request.into_body().collect().await;
                        Ok::<_, Infallible>(answer(version).await)
                    }
                });
                let mut builder = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new());
                builder.http2().max_concurrent_streams(100);
                let _closed = builder.serve_connection(TokioIo::new(stream), service).await;
            }
        })
        .await
    }

    /// One that offers `protocols` and does with each encrypted connection what `script` says.
    pub(crate) async fn scripted<F, R>(protocols: &[&str], script: F) -> Self
    where
        F: Fn(TlsStream<TcpStream>) -> R + Send + Sync + 'static,
        R: Future<Output = ()> + Send + 'static,
    {
        let (server, trust) = configurations(protocols);
        let acceptor = TlsAcceptor::from(Arc::new(server));
        let script = Arc::new(script);
        let provider = Provider::scripted(move |stream: TcpStream| {
            let (acceptor, script) = (acceptor.clone(), Arc::clone(&script));
            async move {
                if let Ok(stream) = acceptor.accept(stream).await {
                    script(stream).await;
                }
            }
        })
        .await;
        Self { provider, trust }
    }

    pub(crate) fn endpoint(&self, name: &str) -> Endpoint {
        endpoint(&format!("https://{name}:{}", self.provider.address.port()))
    }

    /// A client for which every name leads to this provider, and which trusts it.
    pub(crate) fn client(&self, settings: UpstreamSettings) -> UpstreamClient {
        let resolver = Scripted::new(|_| Ok(vec![IpAddr::V4(Ipv4Addr::LOCALHOST)]));
        let listed = self.provider.address.to_string();
        UpstreamClient::with_parts(policy(&[&listed]), settings, resolver, Some(self.trust.clone()))
    }
}

/// A server with a fresh certificate, and a client that trusts that one alone.
fn configurations(protocols: &[&str]) -> (ServerConfig, ClientConfig) {
    let made = rcgen::generate_simple_self_signed([NAME.to_owned()]).unwrap();
    let certificate: CertificateDer<'static> = made.cert.der().clone();
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let library: Arc<CryptoProvider> = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut server = ServerConfig::builder_with_provider(Arc::clone(&library))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], key)
        .unwrap();
    server.alpn_protocols = protocols
        .iter()
        .map(|protocol| protocol.as_bytes().to_vec())
        .collect();
    let mut roots = RootCertStore::empty();
    roots.add(certificate).unwrap();
    let trust = ClientConfig::builder_with_provider(library)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    (server, trust)
}
