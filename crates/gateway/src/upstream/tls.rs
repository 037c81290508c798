//! The TLS configuration, made at the first encrypted connection: reading the system's root certificates takes
//! milliseconds that a gateway which only starts, or only talks to local models, need not wait for.

use std::io;
use std::sync::Arc;

use hyper_rustls::ConfigBuilderExt;
use rustls::ClientConfig;
use tokio::sync::OnceCell;

/// HTTP/2 first: one connection carries many requests.
const PROTOCOLS: [&[u8]; 2] = [b"h2", b"http/1.1"];

/// A TLS configuration that trusts the system's roots, read when first needed, or a given one.
#[derive(Default)]
pub(super) struct LazyTls {
    given: Option<ClientConfig>,
    made: OnceCell<Arc<ClientConfig>>,
}

impl LazyTls {
    /// One that uses `config` in place of the system's roots. The protocols offered are set here.
    pub(super) fn given(config: ClientConfig) -> Self {
        Self {
            given: Some(config),
            made: OnceCell::new(),
        }
    }

    /// The configuration, made at the first call. A call that fails leaves it to the next one.
    pub(super) async fn config(&self) -> io::Result<Arc<ClientConfig>> {
        let made = self.made.get_or_try_init(|| async {
            let mut config = match &self.given {
                Some(config) => config.clone(),
                None => tokio::task::spawn_blocking(trusting_the_system).await??,
            };
            config.alpn_protocols = PROTOCOLS.map(<[u8]>::to_vec).into();
            Ok::<_, io::Error>(Arc::new(config))
        });
        Ok(Arc::clone(made.await?))
    }
}

fn trusting_the_system() -> io::Result<ClientConfig> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(ConfigBuilderExt::try_with_platform_verifier)
        .map_err(io::Error::other)?;
    Ok(builder.with_no_client_auth())
}
