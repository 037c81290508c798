//! Where a provider key's requests go, ready to be written into requests.

use std::sync::Arc;

use bytes::{BufMut, Bytes, BytesMut};
use freehold_domain::egress::{BaseUrl, BaseUrlError, Scheme};
use freehold_domain::provider::ProviderKind;
use http::uri::{self, Authority, PathAndQuery, Uri};

use super::error::UpstreamError;

/// A base URL with the parts of it that every request needs already made. Copies are cheap.
#[derive(Debug, Clone)]
pub struct Endpoint(Arc<Parts>);

#[derive(Debug)]
struct Parts {
    base: BaseUrl,
    scheme: uri::Scheme,
    authority: Authority,
}

impl Endpoint {
    /// The endpoint of a provider of `kind` at the base URL `text`.
    ///
    /// # Errors
    /// If the text is no base URL. Whether anything may be sent there is asked when it is.
    pub fn parse(kind: ProviderKind, text: &str) -> Result<Self, BaseUrlError> {
        Self::new(BaseUrl::parse(kind, text)?)
    }

    /// The endpoint at `base`.
    ///
    /// # Errors
    /// If it is the sandbox's, to which nothing is sent.
    pub fn new(base: BaseUrl) -> Result<Self, BaseUrlError> {
        let scheme = match base.scheme() {
            Scheme::Https => uri::Scheme::HTTPS,
            Scheme::Http => uri::Scheme::HTTP,
            Scheme::Sandbox => return Err(BaseUrlError::Sandbox),
        };
        let has_usual_port = base.port() == if scheme == uri::Scheme::HTTPS { 443 } else { 80 };
        let authority = if has_usual_port {
            base.host().to_owned()
        } else {
            format!("{}:{}", base.host(), base.port())
        };
        let authority =
            Authority::from_maybe_shared(Bytes::from(authority)).map_err(|_| BaseUrlError::Host)?;
        Ok(Self(Arc::new(Parts {
            base,
            scheme,
            authority,
        })))
    }

    /// The base URL.
    #[must_use]
    pub fn base(&self) -> &BaseUrl {
        &self.0.base
    }

    /// The address of `path` below the base URL; `path` begins with a slash and may have a query.
    pub(super) fn uri(&self, path: &str) -> Result<Uri, UpstreamError> {
        let malformed = || UpstreamError::Malformed("path");
        if !path.starts_with('/') || path.contains(['#', '\\']) || has_dot_segment(path) {
            return Err(malformed());
        }
        let prefix = self.0.base.path();
        let mut text = BytesMut::with_capacity(prefix.len() + path.len());
        text.put_slice(prefix.as_bytes());
        text.put_slice(path.as_bytes());
        let mut parts = uri::Parts::default();
        parts.scheme = Some(self.0.scheme.clone());
        parts.authority = Some(self.0.authority.clone());
        parts.path_and_query = Some(PathAndQuery::from_maybe_shared(text.freeze()).map_err(|_| malformed())?);
        Uri::from_parts(parts).map_err(|_| malformed())
    }
}

/// Whether a segment of `path` leads up or nowhere. Model names become part of paths, and callers choose them.
fn has_dot_segment(path: &str) -> bool {
    let path = path.split_once('?').map_or(path, |(path, _)| path);
    path.split('/').any(|segment| {
        // Neither form of a dot begins a segment of an ordinary path, so that nearly all end here.
        segment.starts_with(['.', '%'])
            && matches!(
                segment.to_ascii_lowercase().replace("%2e", ".").as_str(),
                "." | ".."
            )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(text: &str) -> Endpoint {
        Endpoint::parse(ProviderKind::OpenaiCompatible, text).unwrap()
    }

    #[test]
    fn a_path_is_appended_to_the_base_url() {
        for (base, path, uri) in [
            (
                "https://api.openai.com/v1",
                "/chat/completions",
                "https://api.openai.com/v1/chat/completions",
            ),
            (
                "https://api.deepseek.com",
                "/models",
                "https://api.deepseek.com/models",
            ),
            (
                "http://ollama:11434/",
                "/v1/models",
                "http://ollama:11434/v1/models",
            ),
            ("http://ollama:80", "/v1", "http://ollama/v1"),
            ("https://ollama:80", "/v1", "https://ollama:80/v1"),
            ("http://[::1]:443", "/v1", "http://[::1]:443/v1"),
            (
                "https://h/v1beta",
                "/models/m:stream?alt=sse",
                "https://h/v1beta/models/m:stream?alt=sse",
            ),
            ("https://h", "/models/a..b/.c/...", "https://h/models/a..b/.c/..."),
            ("https://h", "/models?p=/../", "https://h/models?p=/../"),
        ] {
            assert_eq!(endpoint(base).uri(path).unwrap().to_string(), uri);
        }
    }

    #[test]
    fn a_path_that_leads_elsewhere_is_refused() {
        let endpoint = endpoint("https://h/v1");
        for path in [
            "",
            "models",
            "//evil.example/../x",
            "/..",
            "/.",
            "/a/../b",
            "/a/./b",
            "/models/..",
            "/%2e%2e/x",
            "/.%2E/x",
            "/%2E/x",
            "/a#b",
            "/a\\b",
            "/a b",
            "/a\r\nhost: x",
            "https://evil.example/",
            "@evil.example",
        ] {
            assert!(
                matches!(endpoint.uri(path), Err(UpstreamError::Malformed("path"))),
                "{path:?}"
            );
        }
    }

    #[test]
    fn the_sandbox_is_no_endpoint() {
        let parsed = Endpoint::parse(ProviderKind::Sandbox, "sandbox://built-in");
        assert_eq!(parsed.unwrap_err(), BaseUrlError::Sandbox);
    }
}
